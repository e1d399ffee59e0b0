"""A figure of what a network says along a track."""

from typing import TYPE_CHECKING

import numpy as np

from audiofeat_nn.prediction.predictor import Prediction

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_timeline(found: Prediction, *, title: str | None = None) -> "Figure":
    """Draw the probabilities of the classes along a track.

    Parameters
    ----------
    found : Prediction
        What a `Predictor` returned.
    title : str or None
        Of the figure; the class of the track if not given.

    Returns
    -------
    matplotlib.figure.Figure
        Areas on each other, one to a class, that add up to 1; where patches overlap each stands at its middle.

    Raises
    ------
    TypeError
        If `found` is none.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat_nn.prediction import Prediction, plot_timeline
    >>> proba, times = np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([[0.0, 3.0], [3.0, 6.0]])
    >>> found = Prediction("jazz", proba.mean(axis=0), np.array(["jazz", "pop"]), times, proba)
    >>> len(plot_timeline(found).axes[0].collections)
    2
    """
    told: object = found
    if not isinstance(told, Prediction):
        msg = f"found must be a Prediction, got {type(found).__name__}"
        raise TypeError(msg)
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.0), layout="constrained")
    axes = figure.subplots()
    middles = found.times.mean(axis=1)
    x = np.concatenate([found.times[:1, 0], middles, found.times[-1:, 1]])
    y = np.concatenate([found.proba_in_time[:1], found.proba_in_time, found.proba_in_time[-1:]]).T
    colors = colormaps["tab20" if len(found.classes) > 10 else "tab10"].colors  # type: ignore[attr-defined]
    axes.stackplot(x, y, labels=[str(name) for name in found.classes], colors=colors)
    axes.set(xlim=(x[0], x[-1]), ylim=(0.0, 1.0), xlabel="Time (s)", ylabel="Probability")
    axes.set_title(str(found.label) if title is None else title)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure
