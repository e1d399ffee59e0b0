"""Several segmentations of a signal, coarse to fine."""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import as_count
from audiofeat.sections import Segmentation
from audiofeat.segmentation.settings import Distances
from audiofeat.segmentation.signals import segment


def segment_hierarchy(
    y: ArrayLike,
    sr: float,
    *,
    levels: Sequence[int] = (2, 4, 8),
    window_duration: float | None = None,
    hop_duration: float | None = None,
    distances: Distances | None = None,
    graph: str | None = None,
    sync: str | ArrayLike | None = None,
    min_duration: float | None = None,
    min_silence: float | None = None,
    silence_db: float = -80.0,
) -> list[Segmentation]:
    """Cut a signal into labelled sections at several levels, from few labels to many.

    Parameters
    ----------
    y : array_like, shape (n_samples,) or (n_channels, n_samples)
        Signal; channels are averaged.
    sr : float
        Sample rate in Hz.
    levels : sequence of int
        Numbers of labels, ascending, silence not counted. One number is one level.
    window_duration, hop_duration, distances, graph, sync, min_duration, min_silence, silence_db : optional
        As for `segment`.

    Returns
    -------
    list of Segmentation
        One for each level, coarse to fine; fewer where the finest has too few labels for all. A boundary of one is a
        boundary of all that are finer, and a label is some labels of the finer.

    Raises
    ------
    TypeError
        If `y` does not hold real samples.
    ValueError
        If `levels` does not ascend from 1 or more, or as for `segment`.

    See Also
    --------
    evaluate_hierarchy : Scores of levels against those of a listener.
    plot_hierarchy : Levels above each other.

    Notes
    -----
    The finest level is ``segment(y, sr, n_clusters=levels[-1])``. For the others its labels are joined, always the two
    that add the least variation within labels: ``Segmentation.coarser``.

    Examples
    --------
    >>> from audiofeat import segment_hierarchy, synth
    >>> song = synth.ar_regimes("ABCA", sr=8000, segment_duration=6.0, random_state=0)
    >>> [found.labels for found in segment_hierarchy(song.y, song.sr, levels=(1, 2, 3), hop_duration=1.0)]
    [['A'], ['A', 'B', 'A'], ['A', 'B', 'C', 'A']]
    """
    counts = [as_count(count, "levels") for count in (levels if np.iterable(levels) else [levels])]
    if not counts or any(more <= fewer for fewer, more in itertools.pairwise(counts)):
        msg = f"levels must ascend, got {list(levels)}"
        raise ValueError(msg)
    finest = segment(
        y,
        sr,
        n_clusters=counts[-1],
        window_duration=window_duration,
        hop_duration=hop_duration,
        distances=distances,
        graph=graph,
        sync=sync,
        min_duration=min_duration,
        min_silence=min_silence,
        silence_db=silence_db,
    )
    found = [finest]
    for count in reversed(counts[:-1]):
        coarser = finest.coarser(count)
        if coarser is not finest:
            found.append(coarser)
    return found[::-1]
