"""Where excerpts of a signal lie: spread over its sections, or around one of its samples."""

from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat.graph import Graph, Matrix

Samples = NDArray[np.intp]


class Excerpt(NamedTuple):
    """The sections of one label.

    Attributes
    ----------
    label : str
        Their label.
    longest : tuple of float
        Start and end of the longest section in seconds.
    runs : ndarray, shape (n_runs, 2)
        Starts and ends of all of them in seconds.

    Examples
    --------
    >>> from audiofeat.excerpts import Excerpt
    >>> Excerpt(label="A", longest=(0.0, 2.0), runs=[[0.0, 2.0]]).longest
    (0.0, 2.0)
    """

    label: str
    longest: tuple[float, float]
    runs: Matrix


def spread(borders: ArrayLike, labels: ArrayLike, *, n: int, length: int) -> Samples:
    """Return the first samples of `n` excerpts of `length` samples, ascending, spread over the sections that sound.

    The first of these that holds as many excerpts side by side takes them: the sections, shared out among labels and
    then within them; stretches of sound, across sections. If none does, the excerpts overlap in the stretches that
    hold one. If no stretch does, each excerpt has one of them inside; if there are none, all is one stretch.

    Parameters
    ----------
    borders : array_like of int, shape (n_sections + 1,)
        The first is 0, the last the length of the signal.
    labels : array_like of int, shape (n_sections,)
        Label of each section, -1 for silence.
    n : int
        Number of excerpts.
    length : int
        Samples of each, at most as many as the signal has.

    Returns
    -------
    ndarray of int, shape (n,)
        First samples; equal ones only where no other place is left.
    """
    edges, names = np.asarray(borders, dtype=np.intp), np.asarray(labels)
    sections = np.stack([edges[:-1], edges[1:]], axis=1)
    sounds = names >= 0
    stretches = _joined(sections[sounds]) if sounds.any() else np.array([[0, edges[-1]]])
    if _room(sections[sounds], length).sum() >= n:
        counts = np.zeros(len(sections), dtype=np.intp)
        _, label = np.unique(names[sounds], return_inverse=True)
        lengths = np.bincount(label, np.diff(sections[sounds])[:, 0])
        most = np.bincount(label, _room(sections[sounds], length)).astype(np.intp)
        for name, count in enumerate(shared(n, lengths, most)):
            own = np.flatnonzero(sounds)[label == name]
            counts[own] = shared(int(count), np.diff(sections[own])[:, 0], _room(sections[own], length))
        return _placed(sections, counts, length)
    lengths, room = np.diff(stretches)[:, 0], _room(stretches, length)
    if room.sum() >= n:
        return _placed(stretches, shared(n, lengths, room), length)
    if room.any():
        return _placed(stretches, shared(n, lengths, np.where(room > 0, n, 0)), length)
    holding = np.stack([stretches[:, 1] - length, stretches[:, 0] + length], axis=1).clip(0, edges[-1])
    most = np.full(len(holding), 1 if n <= len(holding) else n)
    return _placed(holding, shared(n, lengths, most), length)


def typical(runs: Samples, middles: Samples, likeness: Matrix | None, *, n_samples: int, length: int) -> int:
    """Return the first sample of an excerpt around the window that is most like the others, inside its section.

    Parameters
    ----------
    runs : ndarray of int, shape (n_runs, 2)
        The sections: the first sample of each, and the one after its last. Those in which the excerpt has room are
        looked at, or the longest if there are none; around a section that is shorter the excerpt contains it.
    middles : ndarray of int, shape (n_windows,)
        Middles of windows in samples.
    likeness : ndarray, shape (n_windows,), or None
        How like the others each is, the earlier of two that are equally so. If it is None, or no window has its
        middle in the sections, the middle of the longest section is meant.
    n_samples : int
        Length of the signal.
    length : int
        Samples of the excerpt, at most `n_samples`.

    Returns
    -------
    int
        In [0, n_samples - length].
    """
    lengths = np.diff(runs)[:, 0]
    runs = runs[lengths >= min(length, lengths.max())]
    run = runs[np.argmax(np.diff(runs)[:, 0])]
    middle = run.sum() // 2
    if likeness is not None:
        at = np.searchsorted(runs[:, 0], middles, side="right") - 1
        inside = np.flatnonzero((at >= 0) & (middles < runs[at, 1]))
        if len(inside):
            best = inside[likeness[inside].argmax()]
            run, middle = runs[at[best]], middles[best]
    low, high = sorted((int(run[0]), int(run[1]) - length))
    return min(max(min(max(int(middle) - length // 2, low), high), 0), n_samples - length)


def centrality(distance: Matrix | None, affinity: Graph | None, own: Samples) -> Matrix | None:
    """Return how like one another some windows are, from what of their graph is known.

    Parameters
    ----------
    distance : ndarray, shape (n, n), or None
        Distances of all windows; their negative sums are taken.
    affinity : ndarray or scipy.sparse.csr_array, shape (n, n), or None
        Weights, whose sums are taken where there are no distances.
    own : ndarray of int, shape (n_windows,)
        The windows in question.

    Returns
    -------
    ndarray, shape (n_windows,), or None
        None where neither is known.
    """
    if distance is not None:
        with np.errstate(over="ignore"):  # sums of huge distances are infinite
            near: Matrix = -distance[np.ix_(own, own)].sum(axis=1)
        return near
    return None if affinity is None else np.asarray(affinity[own][:, own].sum(axis=1))


def shared(n: int, weights: ArrayLike, most: ArrayLike) -> Samples:
    """Share out `n` seats in proportion to weights, at most so many to each, one by one (Sainte-Laguë).

    Parameters
    ----------
    n : int
        Number of seats, at most the sum of `most`.
    weights : array_like, shape (n_parties,)
        Above 0.
    most : array_like of int, shape (n_parties,)
        Seats that a party can take.

    Returns
    -------
    ndarray of int, shape (n_parties,)
        Seats of each; of equal claims the earlier party's is first.
    """
    shares, limits = np.asarray(weights, dtype=np.float64), np.asarray(most)
    seats = np.zeros(len(shares), dtype=np.intp)
    claims = [(-weight, party) for party, weight in enumerate(shares.tolist()) if limits[party]]
    heapify(claims)
    for _ in range(n):
        _, party = heappop(claims)
        seats[party] += 1
        if seats[party] < limits[party]:
            heappush(claims, (-float(shares[party]) / (2 * int(seats[party]) + 1), party))
    return seats


def _room(regions: Samples, length: int) -> Samples:
    """Return how many excerpts each region holds side by side."""
    room: Samples = np.diff(regions)[:, 0] // length
    return room


def _joined(regions: Samples) -> Samples:
    """Return the stretches that regions which touch make together."""
    apart = regions[1:, 0] != regions[:-1, 1]
    return np.stack([regions[np.append(True, apart), 0], regions[np.append(apart, True), 1]], axis=1)


def _placed(regions: Samples, counts: Samples, length: int) -> Samples:
    """Return first samples: so many in each region, in the middles of their shares, or from end to end."""
    starts = []
    for (start, stop), count in zip(regions.tolist(), counts.tolist(), strict=True):
        place, free = np.arange(count), stop - start - count * length
        if free >= 0:
            starts.append(start + place * length + (2 * place + 1) * free // max(1, 2 * count))
        else:
            starts.append(start + place * (stop - start - length) // (count - 1))
    return np.sort(np.concatenate(starts)).astype(np.intp)
