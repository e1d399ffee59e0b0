"""Draw docs/_static/song.svg, the figure of the README: ``python docs/_ext/song_figure.py``."""

from pathlib import Path

import matplotlib as mpl

mpl.use("svg")

from matplotlib.figure import Figure

from audiofeat import plot_segments, segment, synth

TARGET = Path(__file__).parents[1] / "_static" / "song.svg"


def main() -> None:
    """Draw the song of ``audiofeat demo``, what is true of it and what is found."""
    mpl.rcParams |= {"svg.hashsalt": "audiofeat", "svg.fonttype": "none", "font.size": 9.0}
    truth = synth.song(random_state=0)
    figure = Figure(figsize=(8.0, 3.4), layout="constrained", facecolor="white")
    above, below = figure.subplots(2, 1, height_ratios=(1, 4), sharex=True)
    plot_segments(truth, ax=above).set_xlabel("")
    plot_segments(segment(truth.y, truth.sr), truth.y, ax=below)
    for axes, title in ((above, "true"), (below, "found by segment(y, sr)")):
        axes.set_title(title, loc="left", fontsize=10.0)
        if axes.get_legend() is not None:
            axes.get_legend().remove()
    for artist in below.collections:  # the waveform, of thousands of points
        artist.set_rasterized(True)
    figure.savefig(TARGET, dpi=180, metadata={"Date": None})


if __name__ == "__main__":
    main()
