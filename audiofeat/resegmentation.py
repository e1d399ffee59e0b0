"""Labels of windows made consistent in time, and borders between them found more finely."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat._validation import Float, as_count, as_number
from audiofeat.graph import Matrix, as_distances

Labels = NDArray[np.intp]

ROUNDS = 10
SMOOTH = 4.0  # dB^2, added to variances of bands in frames


def resegment(distance: ArrayLike, labels: ArrayLike, *, penalty: float, rounds: int = ROUNDS) -> Labels:
    r"""Give each window the label of the cluster that it is nearest to, with a price on every change.

    Parameters
    ----------
    distance : array_like, shape (n, n)
        Symmetric distances between windows in the order of time, 0 or more.
    labels : array_like of int, shape (n,)
        Clusters to begin with, numbers from 0 on, each in use.
    penalty : float
        Price of a change of label, ``>= 0``, in units of `distance`.
    rounds : int
        How often windows are labelled anew at most.

    Returns
    -------
    ndarray of int, shape (n,)
        Labels; each cluster still has a window.

    Raises
    ------
    ValueError
        If an argument does not fit.

    Notes
    -----
    Window i is at the energy distance :math:`2 \bar d_{iC} - \bar d_{CC}` from a cluster, its own without itself. The
    cheapest sequence of labels is found by dynamic programming, and so on until none changes.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat.resegmentation import resegment
    >>> x = np.array([0.0, 0.1, 0.0, 5.0, 5.1, 5.0])
    >>> resegment(abs(x[:, None] - x), [0, 0, 0, 0, 1, 1], penalty=1.0)
    array([0, 0, 0, 1, 1, 1])
    """
    D, found = as_distances(distance), np.asarray(labels, dtype=np.intp)
    penalty, rounds = as_number(penalty, "penalty", low=0.0), as_count(rounds, "rounds")
    n_clusters = int(found.max(initial=-1)) + 1
    if found.shape != (len(D),) or len(np.unique(found)) != n_clusters or found.min(initial=0) < 0:
        msg = f"labels must be {len(D)} numbers from 0 on, each in use, got {found.tolist()!r:.60}"
        raise ValueError(msg)
    rows = np.arange(len(D))
    for _ in range(rounds):
        member = np.zeros((len(D), n_clusters))
        member[rows, found] = 1.0
        size = member.sum(axis=0)
        mean = D @ member / size
        within = (member * mean).sum(axis=0) / size
        cost = 2.0 * mean - within
        own = size[found]
        cost[rows, found] = 2.0 * mean[rows, found] * own / np.maximum(own - 1.0, 1.0) - within[found]
        new = _cheapest(cost, penalty)
        if len(np.unique(new)) < n_clusters or np.array_equal(new, found):
            break
        found = new
    return found


def price(distance: Matrix, labels: Labels, *, penalty: float) -> float:
    """Return what a sequence of labels costs: the mean distances within clusters, window by window, and its changes."""
    member = np.zeros((len(labels), int(labels.max(initial=-1)) + 1))
    member[np.arange(len(labels)), labels] = 1.0
    within = ((distance @ member) * member).sum(axis=0) / member.sum(axis=0)
    return float(within.sum() + penalty * np.count_nonzero(np.diff(labels)))


def _cheapest(cost: Matrix, penalty: float) -> Labels:
    """Return the sequence of labels with the lowest sum of costs and of penalties for changes."""
    n, n_labels = cost.shape
    sums, came_from = cost[0].copy(), np.empty((n, n_labels), np.intp)
    stay = np.arange(n_labels)
    for i in range(1, n):
        lowest = int(sums.argmin())
        change = sums[lowest] + penalty
        came_from[i] = np.where(sums <= change, stay, lowest)
        sums = np.minimum(sums, change) + cost[i]
    labels = np.empty(n, np.intp)
    labels[-1] = sums.argmin()
    for i in range(n - 1, 0, -1):
        labels[i - 1] = came_from[i, labels[i]]
    return labels


def best_split(frames: Float, first: int, last: int, *, context: int, guard: int) -> int:
    """Return where, from frame `first` to `last`, spectra in dB, shape (n_frames, n_bands), change most likely.

    Each side has a normal distribution of independent bands, estimated from up to `context` frames before `first` and
    after `last` and from those nearer to them than to the middle by `guard`.
    """
    middle = (first + last) // 2
    before = frames[max(0, first - context) : max(middle - guard, first)]
    after = frames[min(middle + guard, last) : last + context]
    if len(before) < 8 or len(after) < 8:
        return middle
    inside = frames[first:last]
    sums = []
    for side in (before, after):
        mean, var = side.mean(axis=0), side.var(axis=0) + SMOOTH
        sums.append((np.square(inside - mean) / var + np.log(var)).sum(axis=1))
    left = np.concatenate([[0.0], np.cumsum(sums[0])])
    right = np.concatenate([np.cumsum(sums[1][::-1])[::-1], [0.0]])
    return first + int((left + right).argmin())
