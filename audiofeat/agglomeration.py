"""Clusters of pieces of a sequence by the energy distance: what sounds alike, however much it varies in itself."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from audiofeat.graph import Matrix, as_distances
from audiofeat.spectral import by_first_appearance

Labels = NDArray[np.intp]


class Agglomeration(NamedTuple):
    """Pieces merged two by two.

    Attributes
    ----------
    merges : ndarray of int, shape (n_pieces - 1, 2)
        The clusters merged, each by the first of its pieces, the lower first.
    heights : ndarray, shape (n_pieces - 1,)
        What each merge added to the variation within clusters.

    Examples
    --------
    >>> from audiofeat.agglomeration import Agglomeration
    >>> Agglomeration(merges=[[0, 2]], heights=[0.5]).heights
    [0.5]
    """

    merges: Labels
    heights: Matrix

    def labels(self, n_clusters: int) -> Labels:
        """Return the clusters of the pieces when `n_clusters` are left, numbered by first appearance."""
        n = len(self.heights) + 1
        found = np.arange(n)
        for low, high in self.merges[: max(0, n - n_clusters)]:
            found[found == high] = low
        return by_first_appearance(found)


def mutual_proximity(distance: ArrayLike) -> Matrix:
    r"""Distances as shares of what is nearer, seen from both sides.

    Parameters
    ----------
    distance : array_like, shape (n, n)
        Symmetric distances, 0 or more.

    Returns
    -------
    ndarray, shape (n, n)
        :math:`1 - (1 - F_i(d_{ij}))(1 - F_j(d_{ij}))` with the distribution F of the distances of each window, taken
        for a normal one, in [0, 1]; 0 on the diagonal. Where all distances of a window are equal, F is a half.

    Raises
    ------
    ValueError
        If `distance` is not square, or holds NaN or negative values.

    Notes
    -----
    Mutual proximity [1]_: windows in a loose group become as near to each other as those in a tight one, and none is
    the neighbour of all.

    References
    ----------
    .. [1] D. Schnitzer, A. Flexer, M. Schedl and G. Widmer, "Local and global scaling reduce hubs in space", Journal
       of Machine Learning Research 13, 2012.

    Examples
    --------
    >>> from audiofeat.agglomeration import mutual_proximity
    >>> mutual_proximity([[0.0, 1.0, 9.0], [1.0, 0.0, 8.0], [9.0, 8.0, 0.0]]).round(2)
    array([[0.  , 0.49, 0.98],
           [0.49, 0.  , 0.98],
           [0.98, 0.98, 0.  ]])
    """
    D = as_distances(distance)
    mean, spread = D.mean(axis=1, keepdims=True), D.std(axis=1, keepdims=True)
    beyond = 1.0 - ndtr(np.divide(D - mean, spread, out=np.zeros_like(D), where=spread > 1e-12 * mean))
    near: Matrix = 1.0 - beyond * beyond.T
    np.fill_diagonal(near, 0.0)
    return near


def agglomerate(distance: ArrayLike, pieces: ArrayLike) -> Agglomeration:
    r"""Merge pieces of windows, always the two whose merging adds the least variation within clusters.

    Parameters
    ----------
    distance : array_like, shape (n, n)
        Symmetric distances between windows, 0 or more.
    pieces : array_like of int, shape (n,)
        The piece that each window belongs to, numbers from 0 on, each in use.

    Returns
    -------
    Agglomeration
        ``merges`` and ``heights``; ``labels(k)`` gives k clusters.

    Raises
    ------
    ValueError
        If `distance` is not square, holds NaN or negative values, or `pieces` does not fit.

    Notes
    -----
    Merging clusters of m and n windows costs :math:`\frac{m n}{m + n} (2 d_{AB} - d_{AA} - d_{BB})` with their mean
    distances [1]_, Ward's criterion for any distance. So a few windows that resemble nothing are cheap to merge, and
    do not become a cluster as they do where the mean distance itself is the cost. Time and memory grow with the
    square of the number of pieces.

    References
    ----------
    .. [1] G. J. Székely and M. L. Rizzo, "Hierarchical clustering via joint between-within distances", Journal of
       Classification 22, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat.agglomeration import agglomerate
    >>> x = np.array([0.0, 0.1, 5.0, 5.1, 0.2, 0.0])
    >>> agglomerate(abs(x[:, None] - x), [0, 0, 1, 1, 2, 2]).labels(2)
    array([0, 1, 0])
    """
    D = as_distances(distance)
    member = np.asarray(pieces)
    n_pieces = int(member.max(initial=-1)) + 1
    if member.shape != (len(D),) or len(np.unique(member)) != n_pieces or member.min(initial=0) < 0:
        msg = f"pieces must be {len(D)} numbers from 0 on, each in use, got {member.tolist()!r:.60}"
        raise ValueError(msg)
    ones = np.zeros((n_pieces, len(D)))
    ones[member, np.arange(len(D))] = 1.0
    size = ones.sum(axis=1)
    mean = (ones @ D @ ones.T) / np.outer(size, size)
    own = np.diagonal(mean)
    cost = (2.0 * mean - own[:, None] - own) * np.outer(size, size) / np.add.outer(size, size)
    np.fill_diagonal(cost, np.inf)
    merges, heights = np.empty((max(n_pieces - 1, 0), 2), np.intp), np.empty(max(n_pieces - 1, 0))
    best, at = cost.min(axis=1, initial=np.inf), cost.argmin(axis=1) if n_pieces else np.empty(0, np.intp)
    for step in range(n_pieces - 1):
        a = int(best.argmin())
        i, j = sorted((a, int(at[a])))
        height = cost[i, j]
        merges[step], heights[step] = (i, j), height
        with np.errstate(invalid="ignore"):  # infinite are the costs of what is merged already
            row = ((size[i] + size) * cost[i] + (size[j] + size) * cost[j] - size * height) / (size[i] + size[j] + size)
        row[~np.isfinite(cost[i])] = np.inf
        row[[i, j]] = np.inf
        cost[i], cost[:, i] = row, row
        cost[j], cost[:, j] = np.inf, np.inf
        size[i] += size[j]
        stale = np.flatnonzero((at == i) | (at == j) | (np.arange(n_pieces) == i))
        best[stale], at[stale] = cost[stale].min(axis=1), cost[stale].argmin(axis=1)
        nearer = np.flatnonzero(row < best)
        best[nearer], at[nearer] = row[nearer], i
        best[j] = np.inf
    return Agglomeration(merges, heights)


def silhouette(distance: Matrix, labels: Labels) -> float:
    """Return the mean silhouette of windows, in [-1, 1]: how much nearer their own cluster is than the next."""
    n_clusters = int(labels.max()) + 1
    rows = np.arange(len(labels))
    member = np.zeros((len(labels), n_clusters))
    member[rows, labels] = 1.0
    size = member.sum(axis=0)
    total = distance @ member
    inside = total[rows, labels] / np.maximum(size[labels] - 1.0, 1.0)
    others = total / size
    others[rows, labels] = np.inf
    beside = others.min(axis=1)
    largest = np.maximum(inside, beside)
    scores = np.divide(beside - inside, largest, out=np.zeros(len(rows)), where=largest > 0.0)
    return float(np.where(size[labels] > 1.0, scores, 0.0).mean())
