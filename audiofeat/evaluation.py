"""Scores of an estimated segmentation against a reference."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat._validation import as_number

Pair = tuple[NDArray[np.float64], list[str]]


class Segmented(Protocol):
    """Whatever has sections: `audiofeat.Segmentation`, `audiofeat.synth.Song`."""

    @property
    def intervals(self) -> NDArray[np.floating[Any]]: ...

    @property
    def labels(self) -> list[str]: ...


def evaluate_segments(
    reference: Segmented | tuple[ArrayLike, Sequence[str]],
    estimate: Segmented | tuple[ArrayLike, Sequence[str]],
    *,
    trim: bool = False,
    frame_duration: float = 0.1,
) -> dict[str, float]:
    """Score boundaries and labels of a segmentation by the measures of mir_eval.

    Parameters
    ----------
    reference, estimate : object or tuple
        Two segmentations: anything with the attributes `intervals`, shape (n_segments, 2) in seconds, and
        `labels`; or the pair ``(intervals, labels)``. Sections are sorted and do not overlap. Only equality
        of labels counts, not their names.
    trim : bool
        Leave the first and the last boundary, which cost nothing to find, out of the boundary measures.
    frame_duration : float
        Seconds between the instants at which the labels are compared.

    Returns
    -------
    dict of str to float
        Under mir_eval's names, in [0, 1] where nothing else is said and 1 for a perfect estimate:

        - ``Precision@0.5``, ``Recall@0.5``, ``F-measure@0.5`` and the same ``@3.0``: boundaries found within
          so many seconds;
        - ``Ref-to-est deviation``, ``Est-to-ref deviation``: median distance in seconds from a boundary to
          the nearest of the other side, 0 for a perfect estimate;
        - ``Pairwise Precision``, ``Pairwise Recall``, ``Pairwise F-measure``, ``Rand Index``,
          ``Adjusted Rand Index`` (1 at most): pairs of frames that share a label;
        - ``Mutual Information`` (in nats, not limited), ``Adjusted Mutual Information`` (1 at most),
          ``Normalized Mutual Information``;
        - ``NCE Over``, ``NCE Under``, ``NCE F-measure``: conditional entropies, normalised by the number of
          labels; ``V Precision``, ``V Recall``, ``V-measure``: normalised by the entropy of the labels.

    Raises
    ------
    ValueError
        If a segmentation has no sections, or unsorted, empty, overlapping or negative ones, or the reference
        is shorter than two frames.
    ImportError
        If the extra ``eval`` is not installed.

    Notes
    -----
    As in mir_eval, the time from 0 to the end of the reference counts: an estimate is cut there, and what
    either leaves unlabelled is a section of its own. Unlike in mir_eval itself, names that differ in case
    are different labels, a section of the estimate may begin at the reference's end, and pairs of frames
    are counted in the table of labels, so that memory grows with the length and not with its square.

    With fewer than two sections a trimmed segmentation has no boundary: the scores of boundaries are 0, the
    deviations NaN. Where the reference has one label only, mir_eval defines V-measure and NCE as 0.

    Examples
    --------
    >>> reference = [[0, 10], [10, 20], [20, 30]], ["A", "B", "A"]
    >>> estimate = [[0, 10.2], [10.2, 24], [24, 30]], ["x", "y", "x"]
    >>> scores = evaluate_segments(reference, estimate)
    >>> round(scores["F-measure@0.5"], 3), round(scores["Pairwise F-measure"], 3)
    (0.75, 0.767)
    """
    try:
        from mir_eval import segment, util
    except ImportError as error:
        msg = "evaluate_segments needs the package mir_eval: pip install 'audiofeat[eval]'"
        raise ImportError(msg) from error
    frame_duration = as_number(frame_duration, "frame_duration", low=0.0, open_low=True)
    ref = _as_pair(reference, "reference")
    duration = float(ref[0].max())
    if duration < 2 * frame_duration:
        msg = f"reference must last at least two frames of {frame_duration:g} s, got {duration:g} s"
        raise ValueError(msg)
    ref, est = _spanning(ref, duration), _spanning(_as_pair(estimate, "estimate"), duration)

    scores: dict[str, float] = {}

    def put(names: str, values: Any) -> None:
        scores.update(zip(names.split(", "), np.atleast_1d(values).astype(float).tolist(), strict=True))

    if trim and min(len(ref[0]), len(est[0])) < 2:  # mir_eval gives the same, and warns
        found, deviation = {0.5: (0.0, 0.0, 0.0), 3.0: (0.0, 0.0, 0.0)}, (np.nan, np.nan)
    else:
        found = {at: segment.detection(ref[0], est[0], window=at, trim=trim) for at in (0.5, 3.0)}
        deviation = segment.deviation(ref[0], est[0], trim=trim)
    for at, values in found.items():
        put(f"Precision@{at}, Recall@{at}, F-measure@{at}", values)
    put("Ref-to-est deviation, Est-to-ref deviation", deviation)

    frames = [util.intervals_to_samples(*pair, sample_size=frame_duration)[1] for pair in (ref, est)]
    table = _contingency(*frames)
    put("Pairwise Precision, Pairwise Recall, Pairwise F-measure, Rand Index", _pairs(table))
    put("Adjusted Rand Index", segment.ari(*ref, *est, frame_size=frame_duration))
    with np.errstate(invalid="ignore"):  # 0 / 0 where each frame has a label of its own
        information = segment.mutual_information(*ref, *est, frame_size=frame_duration)
    put("Mutual Information, Adjusted Mutual Information, Normalized Mutual Information", information)
    if np.count_nonzero(table) == len(table) == table.shape[1]:  # the same partition
        put("Adjusted Mutual Information", 1.0)
    put("NCE Over, NCE Under, NCE F-measure", segment.nce(*ref, *est, frame_size=frame_duration))
    put("V Precision, V Recall, V-measure", segment.vmeasure(*ref, *est, frame_size=frame_duration))
    return scores


def _as_pair(given: Any, name: str) -> Pair:
    given = (given.intervals, given.labels) if hasattr(given, "intervals") else given
    if not isinstance(given, tuple | list) or len(given) != 2:
        msg = f"{name} must have intervals and labels, or be the pair of them, got {type(given).__name__}"
        raise TypeError(msg)
    intervals, labels = np.array(given[0], dtype=np.float64), [str(label) for label in given[1]]
    if intervals.ndim != 2 or intervals.shape[1] != 2 or len(intervals) == 0:
        msg = f"{name} must have intervals of shape (n_segments, 2), n_segments >= 1, got {intervals.shape}"
        raise ValueError(msg)
    if len(labels) != len(intervals):
        msg = f"{name} must have as many labels as its {len(intervals)} intervals, got {len(labels)}"
        raise ValueError(msg)
    times = intervals.ravel()
    steps = np.diff(times, prepend=0.0)
    if not (np.isfinite(times).all() and (steps >= 0).all() and (steps[1::2] > 0).all()):
        msg = f"{name} must have finite, sorted, not empty and not overlapping intervals from 0 on"
        raise ValueError(msg)
    return intervals, labels


def _spanning(pair: Pair, duration: float) -> Pair:
    """Cut a segmentation to [0, duration], fill its gaps, and number its labels."""
    intervals = np.minimum(pair[0], duration)
    # numbers: mir_eval takes "a" and "A" for one label
    numbers = np.unique(np.array(pair[1], dtype=object), return_inverse=True)[1]
    rows: list[tuple[float, float]] = []
    names: list[str] = []
    last = 0.0
    for (start, end), number in zip(intervals.tolist(), numbers.tolist(), strict=True):
        if start == end:  # beyond the duration
            break
        if start > last:
            rows.append((last, start))
            names.append("between" if names else "before")
        rows.append((start, end))
        names.append(str(number))
        last = end
    if last < duration:
        rows.append((last, duration))
        names.append("after")
    return np.array(rows), names


def _contingency(reference: Sequence[str], estimate: Sequence[str]) -> NDArray[np.float64]:
    """Count the frames of each pair of labels, shape (n_reference, n_estimate)."""
    rows, columns = (np.unique(labels, return_inverse=True)[1] for labels in (reference, estimate))
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), 1.0)
    return table


def _pairs(table: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Precision, recall, F-measure and Rand index of the pairs of frames that share a label."""

    def pairs(counts: Any) -> float:
        return float(np.sum(counts * (counts - 1.0)) / 2.0)

    both, ref, est = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    every = pairs(table.sum())
    precision = both / est if est else float(ref == 0)
    recall = both / ref if ref else float(est == 0)
    f_measure = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return precision, recall, f_measure, (every - ref - est + 2 * both) / every
