"""The figure of several segmentations of one song, above each other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from audiofeat.plot._drawing import add_legend, axes_or_new, colours_of, draw_strip

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from audiofeat.evaluation import Segmented

GAP = 0.08  # between two levels, of which each has a height of 1


def plot_hierarchy(levels: "Sequence[Segmented]", *, ax: "Axes | None" = None) -> "Axes":
    """Plot several segmentations of one song above each other, the coarsest on top.

    Parameters
    ----------
    levels : sequence of Segmentation, Song or Sections
        Coarse to fine, at least one: what `audiofeat.load_hierarchy` reads, or results of `audiofeat.segment`.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn into: a row for each level, numbered from 1 on top, from 0 to the end of the longest. A label
        has the same colour in every row and every figure, and is written into its sections where they have room.

    Raises
    ------
    ValueError
        If there are no levels, or one has no sections.
    ImportError
        If the extra ``plot`` is not installed.

    See Also
    --------
    plot_segments : One segmentation on its waveform.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat.annotations import Sections
    >>> coarse = Sections(np.array([[0.0, 16.0], [16.0, 24.5]]), ["A", "B"])
    >>> fine = Sections(np.array([[0.0, 8.0], [8.0, 16.0], [16.0, 24.5]]), ["A", "C", "B"])
    >>> ax = plot_hierarchy([coarse, fine])
    >>> [text.get_text() for text in ax.texts]
    ['A', 'B', 'A', 'C', 'B']
    """
    if not isinstance(levels, Sequence) or not levels:
        msg = f"levels must be a sequence of at least one segmentation, got {levels!r}"
        raise ValueError(msg)
    for i, level in enumerate(levels):
        if not len(level.labels):
            msg = f"levels[{i}] must have at least one section, got none"
            raise ValueError(msg)
    ax = axes_or_new(ax, (12.0, 1.2 + 0.6 * len(levels)))
    colours = colours_of(label for level in levels for label in level.labels)
    ax.set(xlabel="Time (s)", xlim=(0.0, max(float(np.max(level.intervals)) for level in levels)))
    for row, level in enumerate(levels):
        draw_strip(ax, level, colours, row + 1.0 - GAP / 2, row + GAP / 2)
    middles = np.arange(len(levels)) + 0.5
    ax.set_yticks(middles, [f"{row + 1}" for row in range(len(levels))])
    ax.tick_params(axis="y", length=0.0)
    ax.set(ylabel="Level", ylim=(len(levels), 0.0))  # the first on top
    add_legend(ax, colours)
    return ax
