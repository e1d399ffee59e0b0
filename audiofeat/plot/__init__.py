"""Figures of segmentations (waveform, levels, matrices, graph, eigenvalues, all of them on a page) and of features.

Every function draws into the axes it is given, or into a new figure of its own that no global state
knows: save it by ``ax.figure.savefig(path)``.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import as_choice
from audiofeat.plot._drawing import (
    PALETTE,
    PIXELS,
    add_legend,
    axes_or_new,
    cell_limits,
    colour_map,
    colours_of,
    kept_part,
    matrix_image,
    missing_part,
    new_figure,
    scale_to_plane,
)
from audiofeat.plot._features import plot_features, plot_spectrogram
from audiofeat.plot._hierarchy import plot_hierarchy
from audiofeat.plot._sections import plot_segments

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from audiofeat.sections import Segmentation

__all__ = [
    "plot_eigenvalues",
    "plot_features",
    "plot_graph",
    "plot_hierarchy",
    "plot_matrix",
    "plot_segments",
    "plot_spectrogram",
    "plot_summary",
]


def plot_matrix(segmentation: "Segmentation", which: str = "distance", *, ax: "Axes | None" = None) -> "Axes":
    """Plot the distances between the windows, or the affinities of the graph; bright is high.

    Parameters
    ----------
    segmentation : Segmentation
        The result of `audiofeat.segment`.
    which : {"distance", "affinity"}
        The matrix. The colours of distances are spread over the logarithms of their middle 98 %, those of
        affinities over their square roots.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn into, in seconds both ways. Silent windows are grey. Of more than 1000 windows, a
        pixel shows the smallest distance, or the largest affinity, of the pairs under it.

    Raises
    ------
    ValueError
        If the segmentation did not keep the matrix.
    ImportError
        If the extra ``plot`` is not installed.

    Examples
    --------
    >>> import audiofeat
    >>> truth = audiofeat.synth.ar_regimes("ABACBA", sr=8000, segment_duration=5.0, random_state=0)
    >>> ax = plot_matrix(audiofeat.segment(truth.y, truth.sr), "affinity")
    >>> ax.get_title()
    'Affinity'
    """
    as_choice(which, "which", ("affinity", "distance"))
    matrix = kept_part(segmentation, which)
    ax = axes_or_new(ax, (6.0, 5.0))
    from matplotlib.colors import LogNorm, Normalize, PowerNorm

    image = matrix_image(matrix, np.asarray(segmentation.active), len(segmentation.window_intervals), which)
    # square roots: beside the path in time, whose weights are near 1, repetitions would be black
    norm: Normalize = PowerNorm(0.5, 0.0, float(np.nanmax(image)) or 1.0)
    ticks = None
    if which == "distance":
        apart = image[~np.eye(len(image), dtype=bool)]
        apart = apart[np.isfinite(apart) & (apart > 0.0)]
        if apart.size:
            low, high = np.percentile(apart, [1.0, 99.0]).tolist()
            high = max(high, 1.01 * low)
            image = np.clip(image, low, high)  # infinite distances too
            norm = LogNorm(low, high)
            ticks = np.geomspace(low, high, 5)
    left, right = cell_limits(segmentation.window_intervals)
    extent = (left, right, left, right)
    shown = ax.imshow(image, origin="lower", extent=extent, norm=norm, cmap=colour_map(), aspect="equal")
    # an inset keeps to the side of the square, a colour bar's own axes to the side of its cell of the page
    bar = ax.inset_axes((1.03, 0.0, 0.04, 1.0))
    ax.figure.colorbar(shown, cax=bar, ticks=ticks, format="%.2g").minorticks_off()
    ax.set(title=which.capitalize(), xlabel="Time (s)", ylabel="Time (s)")
    return ax


def plot_graph(segmentation: "Segmentation", *, ax: "Axes | None" = None) -> "Axes":
    """Plot the windows as points whose mutual distances are about those of the distance matrix.

    Parameters
    ----------
    segmentation : Segmentation
        The result of `audiofeat.segment`.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn into: points coloured by label, a thin line through them in the order of time, broken
        at silence, and the first and the last window marked. Of more than 1000 windows some are left out.

    Raises
    ------
    ValueError
        If the segmentation did not keep the distance matrix.
    ImportError
        If the extra ``plot`` is not installed.

    Notes
    -----
    Classical multidimensional scaling [1]_: the two leading eigenvectors of the doubly centred matrix
    :math:`-J D J / 2`. The distances are differences of power, already squared in the signals'
    deviations, and so take the place of squared distances. Infinite ones are set to the largest finite one.

    References
    ----------
    .. [1] W. S. Torgerson, "Multidimensional scaling: I. Theory and method", Psychometrika 17, 1952.

    Examples
    --------
    >>> import audiofeat
    >>> truth = audiofeat.synth.ar_regimes("ABACBA", sr=8000, segment_duration=5.0, random_state=0)
    >>> ax = plot_graph(audiofeat.segment(truth.y, truth.sr))
    >>> ax.get_title()
    'Windows, by multidimensional scaling'
    """
    distance = kept_part(segmentation, "distance")
    ax = axes_or_new(ax, (6.0, 5.0))
    from matplotlib.collections import LineCollection

    active = np.asarray(segmentation.active)
    step = -(-len(active) // PIXELS)
    active = active[::step]
    points = scale_to_plane(np.asarray(distance, dtype=np.float64)[::step, ::step])
    labels = [segmentation.window_labels[i] for i in active]
    colours = colours_of(segmentation.labels)
    follows = np.diff(active) <= step
    path = np.stack([points[:-1], points[1:]], axis=1)[follows]
    ax.add_collection(LineCollection(list(path), colors="0.6", linewidths=0.5, alpha=0.6, zorder=1))
    size = float(np.clip(4000 / max(len(points), 1), 6, 40))
    ink = [colours[label] for label in labels]
    ax.scatter(points[:, 0], points[:, 1], size, ink, edgecolors="white", linewidths=0.3, zorder=2)
    for i, marker, name in ((0, ">", "first window"), (-1, "s", "last window")):
        style: dict[str, Any] = {
            "edgecolors": "black",
            "linewidths": 1.2,
            "zorder": 3,
            "marker": marker,
            "label": name,
        }
        ax.scatter(points[i, 0], points[i, 1], 3 * size + 30, ink[i], **style)
    ax.set(title="Windows, by multidimensional scaling", xticks=[], yticks=[])
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.08)
    add_legend(ax, {label: colours[label] for label in colours if label in labels})
    return ax


def plot_eigenvalues(segmentation: "Segmentation", *, ax: "Axes | None" = None) -> "Axes":
    """Plot the leading eigenvalues of the graph and the number of clusters taken from them.

    Parameters
    ----------
    segmentation : Segmentation
        The result of `audiofeat.segment`.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn into: as many eigenvalues as there are clusters stand out, the gap after them is
        marked.

    Raises
    ------
    ValueError
        If the segmentation has no eigenvalues, as that of silence.
    ImportError
        If the extra ``plot`` is not installed.

    Examples
    --------
    >>> import audiofeat
    >>> truth = audiofeat.synth.ar_regimes("ABACBA", sr=8000, segment_duration=5.0, random_state=0)
    >>> ax = plot_eigenvalues(audiofeat.segment(truth.y, truth.sr, n_clusters=3))
    >>> ax.get_title()
    'Eigenvalues of the graph, 3 clusters'
    """
    eigenvalues = np.asarray(kept_part(segmentation, "eigenvalues"), dtype=np.float64)
    ax = axes_or_new(ax, (6.0, 4.0))
    from matplotlib.ticker import MaxNLocator

    k = int(segmentation.n_clusters)
    eigenvalues = eigenvalues[: max(20, k + 5)]
    n = np.arange(1, len(eigenvalues) + 1)
    for chosen, colour in ((n <= k, PALETTE[0]), (n > k, "0.6")):
        ax.vlines(n[chosen], 0.0, eigenvalues[chosen], color=colour, linewidth=1.5)
        ax.plot(n[chosen], eigenvalues[chosen], "o", color=colour, markersize=5)
    if 0 < k < len(eigenvalues):
        ax.axvline(k + 0.5, color=PALETTE[3], linestyle="--", linewidth=1.0)
    ax.axhline(0.0, color="0.3", linewidth=0.6)
    low = min(0.0, float(eigenvalues.min()))
    ax.set(xlabel="Number", ylabel="Eigenvalue", xlim=(0.3, len(n) + 0.7), ylim=(1.05 * low, 1.05))
    ax.set_title(f"Eigenvalues of the graph, {k} cluster{'' if k == 1 else 's'}")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return ax


def plot_summary(segmentation: "Segmentation", y: ArrayLike | None = None) -> "Figure":
    """Plot sections, matrices, graph and eigenvalues on one page.

    Parameters
    ----------
    segmentation : Segmentation
        The result of `audiofeat.segment`.
    y : array_like, shape (..., n_samples), or None
        The signal that was segmented, at ``segmentation.sr``.

    Returns
    -------
    matplotlib.figure.Figure
        The page. What the segmentation did not keep is replaced by a line that says so.

    Raises
    ------
    ValueError
        If `y` is shorter than the segmentation by more than a second.
    ImportError
        If the extra ``plot`` is not installed.

    Examples
    --------
    >>> import audiofeat
    >>> truth = audiofeat.synth.ar_regimes("ABACBA", sr=8000, segment_duration=5.0, random_state=0)
    >>> figure = plot_summary(audiofeat.segment(truth.y, truth.sr), truth.y)
    >>> [ax.get_title() for ax in figure.axes[1:3]]
    ['Distance', 'Affinity']
    """
    figure = new_figure((12.0, 11.0))
    page = figure.subplot_mosaic(
        [["segments", "segments"], ["distance", "affinity"], ["graph", "eigenvalues"]],
        height_ratios=[0.7, 1.2, 1.0],
    )
    plot_segments(segmentation, y, ax=page["segments"])
    for name, needed in (
        ("distance", "distance"),
        ("affinity", "affinity"),
        ("graph", "distance"),
        ("eigenvalues", "eigenvalues"),
    ):
        ax = page[name]
        if missing := missing_part(segmentation, needed):
            ax.text(0.5, 0.5, missing, ha="center", va="center", wrap=True, color="0.4")
            ax.set_axis_off()
        elif name == "graph":
            plot_graph(segmentation, ax=ax)
        elif name == "eigenvalues":
            plot_eigenvalues(segmentation, ax=ax)
        else:
            plot_matrix(segmentation, name, ax=ax)
    return figure
