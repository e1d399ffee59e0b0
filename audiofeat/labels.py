"""Clusters of windows in time: runs that are too short go to a neighbour, the others get names."""

import numpy as np
from numpy.typing import NDArray

SILENCE = "silence"


def absorb_short(cluster: NDArray[np.intp], lengths: NDArray[np.intp], shortest: float) -> NDArray[np.intp]:
    """Give runs of windows that are shorter than `shortest` samples to a neighbour, the shortest run first.

    Of two neighbours the longer one inherits, the earlier of equal ones; a shorter one and silence (-1) do not.
    """
    cluster = cluster.copy()
    while True:
        starts = np.flatnonzero(np.concatenate([[True], cluster[1:] != cluster[:-1]]))
        runs = np.add.reduceat(lengths, starts)
        heirs = np.where(cluster[starts] >= 0, runs, -1)
        before, after = np.concatenate([[-1], heirs[:-1]]), np.concatenate([heirs[1:], [-1]])
        short = np.flatnonzero((runs < shortest) & (np.maximum(before, after) >= runs))
        if len(short) == 0:
            return cluster
        run = short[np.argmin(runs[short])]
        heir = run - 1 if before[run] >= after[run] else run + 1
        cluster[starts[run] : np.append(starts, len(cluster))[run + 1]] = cluster[starts[heir]]


def absorb_silence(cluster: NDArray[np.intp], lengths: NDArray[np.intp], shortest: float) -> NDArray[np.intp]:
    """Give runs of silence (-1) that are shorter than `shortest` samples to the run before, the first to the next."""
    cluster = cluster.copy()
    starts = np.flatnonzero(np.concatenate([[True], cluster[1:] != cluster[:-1]]))
    ends = np.append(starts[1:], len(cluster))
    pauses = (cluster[starts] < 0) & (np.add.reduceat(lengths, starts) < shortest)
    for start, end in zip(starts[pauses], ends[pauses], strict=True):
        if end - start < len(cluster):
            cluster[start:end] = cluster[start - 1] if start else cluster[end]
    return cluster


def name_clusters(cluster: NDArray[np.intp]) -> list[str]:
    """Name clusters A, B, ..., Z, AA, AB, ... by first appearance; -1 is silence."""
    order = dict.fromkeys(int(c) for c in cluster if c >= 0)
    letters = {c: _letters(i) for i, c in enumerate(order)} | {-1: SILENCE}
    return [letters[int(c)] for c in cluster]


def _letters(number: int) -> str:
    letters = ""
    while number >= 0:
        letters = chr(ord("A") + number % 26) + letters
        number = number // 26 - 1
    return letters
