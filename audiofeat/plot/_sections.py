"""The figure of one segmentation, with its waveform."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import Float, as_signal
from audiofeat.plot._drawing import UNLABELLED, add_legend, axes_or_new, colours_of, draw_strip, envelope

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from audiofeat.annotations import Sections
    from audiofeat.sections import Segmentation
    from audiofeat.synth import Song

BINS = 2000  # of the waveform across the page
SHORTFALL = 1.0  # s, by which a signal may end before its annotation does


def plot_segments(
    segmentation: "Segmentation | Song | Sections", y: ArrayLike | None = None, *, ax: "Axes | None" = None
) -> "Axes":
    """Plot the sections over time, on the waveform if it is given.

    Parameters
    ----------
    segmentation : Segmentation, Song or Sections
        The result of `audiofeat.segment`, a truth made by `audiofeat.synth`, or what `audiofeat.read_segments` read.
    y : array_like, shape (..., n_samples), or None
        The signal, at ``segmentation.sr``. It is drawn as the envelope of its extremes over all channels, so that
        hours plot as fast as seconds. Annotations may end before it, or begin after it does: what is in no section
        is drawn in light grey. They may end up to a second after it.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn into. A label has the same colour in every figure.

    Raises
    ------
    ValueError
        If `y` is shorter than the sections by more than a second; or longer, and the sections were read without
        the rate of the signal.
    ImportError
        If the extra ``plot`` is not installed.

    See Also
    --------
    plot_hierarchy : Several segmentations above each other.

    Examples
    --------
    >>> import audiofeat
    >>> truth = audiofeat.synth.ar_regimes("ABACBA", sr=8000, segment_duration=5.0, random_state=0)
    >>> ax = plot_segments(audiofeat.segment(truth.y, truth.sr), truth.y)
    >>> ax.get_xlabel()
    'Time (s)'
    """
    ax = axes_or_new(ax, (12.0, 3.0))
    colours = colours_of(segmentation.labels)
    end = float(segmentation.intervals[-1, 1])
    if y is None:
        floor, bottom, top = 0.0, 0.0, 1.0
        ax.set_yticks([])
    else:
        end, peak = _draw_waveform(ax, segmentation, as_signal(y), colours)
        floor, bottom, top = -1.1 * peak, 1.1 * peak, 1.36 * peak
        ax.set_ylabel("Amplitude")
    ax.set(xlabel="Time (s)", xlim=(0.0, end), ylim=(floor, top))
    draw_strip(ax, segmentation, colours, bottom, top)
    add_legend(ax, colours)
    return ax


def _draw_waveform(
    ax: "Axes", segmentation: "Segmentation | Song | Sections", y: Float, colours: dict[str, str]
) -> tuple[float, float]:
    """Draw the waveform in the colours of the sections; return where the axes end, and its peak."""
    y = y.reshape(-1, y.shape[-1])
    intervals, sr = segmentation.intervals, float(segmentation.sr)
    end, duration = float(intervals[-1, 1]), y.shape[1] / sr
    if duration < end - SHORTFALL:
        msg = f"y must last {end:g} s as the sections, or at most {SHORTFALL:g} s less, got {duration:g} s at {sr:g} Hz"
        raise ValueError(msg)
    if duration > end + 1 / sr:
        if sr == 1.0:  # no rate of audio, but what Sections have if nobody says otherwise
            msg = "segmentation.sr must be the sample rate of y, got 1 Hz: give it to read_segments"
            raise ValueError(msg)
        end = duration
    parts = [(*times, colours[label]) for times, label in zip(intervals.tolist(), segmentation.labels, strict=True)]
    gaps = np.stack([np.append(0.0, intervals[:, 1]), np.append(intervals[:, 0], end)], axis=1)
    parts += [(start, stop, UNLABELLED) for start, stop in gaps.tolist() if stop > start]
    for start, stop, colour in parts:
        n_bins = 2 + int(BINS * (stop - start) / end)
        t, low, high = envelope(y, np.linspace(start * sr, stop * sr, n_bins + 1))
        ax.fill_between(t / sr, low, high, step="post", color=colour, linewidth=0.4)
    return end, float(np.abs(y).max()) or 1.0
