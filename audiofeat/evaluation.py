"""Scores of an estimated segmentation against a reference."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat._validation import as_number
from audiofeat.contingency import adjusted_rand_index, mutual_information, normalised_entropies, pair_counting

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
    are different labels, and a section of the estimate may begin at the reference's end. Frames are not listed:
    time and memory grow with the number of sections and labels (time also, slowly, with the length), so that three
    hours score as a song does.

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
        from mir_eval import segment
    except ImportError as error:
        msg = "evaluate_segments needs the package mir_eval: pip install 'audiofeat[eval]'"
        raise ImportError(msg) from error
    frame_duration = as_number(frame_duration, "frame_duration", low=0.0, open_low=True)
    ref = as_pair(reference, "reference")
    duration = float(ref[0].max())
    if duration < 2 * frame_duration:
        msg = f"reference must last at least two frames of {frame_duration:g} s, got {duration:g} s"
        raise ValueError(msg)
    ref, est = spanning(ref, duration), spanning(as_pair(estimate, "estimate"), duration)

    scores: dict[str, float] = {}

    def put(names: str, values: Any) -> None:
        scores.update(zip(names.split(", "), np.atleast_1d(values).astype(float).tolist(), strict=True))

    trimmed = trim and min(len(ref[0]), len(est[0])) < 2  # mir_eval gives the same zeros, and warns
    for at in (0.5, 3.0):
        found = (0.0, 0.0, 0.0) if trimmed else segment.detection(ref[0], est[0], window=at, trim=trim)
        put(f"Precision@{at}, Recall@{at}, F-measure@{at}", found)
    edges = [np.append(side[0][:, 0], duration)[trim : -1 if trim else None] for side in (ref, est)]
    put("Ref-to-est deviation, Est-to-ref deviation", [_deviation(*edges), _deviation(*edges[::-1])])

    table = _contingency(ref, est, frame_duration)
    put("Pairwise Precision, Pairwise Recall, Pairwise F-measure, Rand Index", pair_counting(table))
    put("Adjusted Rand Index", adjusted_rand_index(table))
    information = mutual_information(table)
    put("Mutual Information, Adjusted Mutual Information, Normalized Mutual Information", information)
    put("NCE Over, NCE Under, NCE F-measure", normalised_entropies(table, marginal=False))
    put("V Precision, V Recall, V-measure", normalised_entropies(table, marginal=True))
    return scores


def as_pair(given: Any, name: str) -> Pair:
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


def spanning(pair: Pair, duration: float) -> Pair:
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


def _deviation(of: NDArray[np.float64], to: NDArray[np.float64]) -> float:
    """Median distance from the boundaries `of` to the nearest of the boundaries `to`, both sorted."""
    if len(of) == 0 or len(to) == 0:
        return float("nan")
    after = np.searchsorted(to, of)  # 0: its other neighbour is then the last, which is no nearer than the first
    nearest = np.minimum(np.abs(of - to[after - 1]), np.abs(of - to[after.clip(max=len(to) - 1)]))
    return float(np.median(nearest))


def _contingency(reference: Pair, estimate: Pair, frame_duration: float) -> NDArray[np.float64]:
    """Count the frames of each pair of labels, shape (n_reference, n_estimate), without a list of frames."""
    n_frames = int(reference[0].max() / frame_duration)
    starts = [_first_frames(intervals[:, 0], frame_duration, n_frames) for intervals, _ in (reference, estimate)]
    cuts = np.unique(np.concatenate([*starts, [n_frames]]))
    # of sections that begin with the same frame, the last has it
    labels = [
        np.unique(np.array(names), return_inverse=True)[1][np.searchsorted(first, cuts[:-1], side="right") - 1]
        for first, (_, names) in zip(starts, (reference, estimate), strict=True)
    ]
    rows, columns = (np.unique(side, return_inverse=True)[1] for side in labels)  # labels without a frame are none
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), np.diff(cuts))
    return table


def _first_frames(times: NDArray[np.float64], frame_duration: float, n_frames: int) -> NDArray[np.intp]:
    """Return the first frame at or after each time, by bisection.

    Frame k is at k times `frame_duration` as mir_eval has it, in float32: half a millisecond off after 3 hours, and
    then on the other side of a boundary.
    """
    low, high = np.zeros(len(times), dtype=np.intp), np.full(len(times), n_frames)
    while np.any(low < high):
        middle = (low + high) // 2
        before = (middle.astype(np.float32) * np.float32(frame_duration)).astype(np.float64) < times
        low, high = np.where(before & (low < high), middle + 1, low), np.where(before, high, middle)
    return low
