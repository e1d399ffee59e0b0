"""Nearest neighbours of windows, the graphs that they make, and the path through time that joins them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from audiofeat._validation import as_count, as_number
from audiofeat.graph import Matrix, as_distances, finite_median, gaussian

TILE = 1024  # vertices in one block of distances


class Neighbors(NamedTuple):
    """The nearest vertices of every vertex.

    Attributes
    ----------
    indices : ndarray of int, shape (n_vertices, n_neighbors)
        Nearest first; -1 where a vertex has fewer.
    distances : ndarray, shape (n_vertices, n_neighbors)
        Infinite where `indices` is -1.

    Examples
    --------
    >>> from audiofeat.neighbors import Neighbors
    >>> Neighbors(indices=[[1], [0]], distances=[[0.5], [0.5]]).indices
    [[1], [0]]
    """

    indices: NDArray[np.intp]
    distances: Matrix


def nearest_neighbors(
    tile: Callable[[slice, slice], Matrix], n_vertices: int, *, n_neighbors: int, width: int = 1
) -> Neighbors:
    """Find the nearest vertices of every vertex from blocks of a distance matrix that is never whole.

    Parameters
    ----------
    tile : callable
        ``tile(rows, columns)`` returns the symmetric distances between two ranges of vertices, given as slices.
    n_vertices : int
        Number of vertices.
    n_neighbors : int
        Number of neighbours to keep, at most `n_vertices`.
    width : int
        Vertices ``i`` and ``j`` with ``|i - j| < width`` are not neighbours; 1 excludes the vertex itself.

    Returns
    -------
    Neighbors
        ``indices`` and ``distances``. Of equal distances the nearer in time is taken, then the earlier.

    Raises
    ------
    ValueError
        If `n_neighbors` or `width` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat.neighbors import nearest_neighbors
    >>> x = np.array([0.0, 5.0, 1.0, 6.0])
    >>> nearest_neighbors(lambda i, j: abs(x[i, None] - x[j]), 4, n_neighbors=1).indices[:, 0]
    array([2, 3, 0, 1])
    """
    n_neighbors, width = as_count(n_neighbors, "n_neighbors"), as_count(width, "width")
    n_kept = min(n_neighbors, n_vertices)
    index = np.full((n_vertices, n_kept), -1, dtype=np.intp)
    distance = np.full((n_vertices, n_kept), np.inf)
    blocks = [slice(start, min(start + TILE, n_vertices)) for start in range(0, n_vertices, TILE)]
    for number, rows in enumerate(blocks):
        for columns in blocks[number:]:  # each pair of blocks once, for both its sides
            found = tile(rows, columns)
            _keep_nearest(index, distance, rows, columns, found, width)
            if columns != rows:
                _keep_nearest(index, distance, columns, rows, found.T, width)
    return Neighbors(index, distance)


def _keep_nearest(
    index: NDArray[np.intp], distance: Matrix, rows: slice, columns: slice, found: Matrix, width: int
) -> None:
    """Merge distances from `rows` to `columns` into the rows' lists of nearest vertices."""
    n_kept = index.shape[1]
    i, j = np.arange(rows.start, rows.stop)[:, None], np.arange(columns.start, columns.stop)
    found = np.where(np.abs(i - j) < width, np.inf, found)
    candidates = np.concatenate([index[rows], np.broadcast_to(j, found.shape)], axis=1)
    far = np.concatenate([distance[rows], found], axis=1)
    # Only what may be among the nearest is sorted; ties at the edge are all let in.
    edge = np.partition(far, n_kept - 1, axis=1)[:, n_kept - 1]
    n_sorted = int((far <= edge[:, None]).sum(axis=1).max())
    if n_sorted < far.shape[1]:
        near = np.argpartition(far, n_sorted - 1, axis=1)[:, :n_sorted]
        candidates, far = np.take_along_axis(candidates, near, axis=1), np.take_along_axis(far, near, axis=1)
    order = np.lexsort((candidates, np.abs(candidates - i), far), axis=1)[:, :n_kept]
    distance[rows] = np.take_along_axis(far, order, axis=1)
    index[rows] = np.where(np.isfinite(distance[rows]), np.take_along_axis(candidates, order, axis=1), -1)


def mutual_knn(
    distance: ArrayLike | Neighbors,
    *,
    n_neighbors: int,
    width: int = 1,
    mutual: bool = True,
    max_scale: float | None = None,
) -> sp.csr_array:
    r"""Connect every vertex to its nearest ones, with locally scaled weights.

    Parameters
    ----------
    distance : array_like, shape (n, n), or Neighbors
        Symmetric distances, 0 or more, or what `nearest_neighbors` found.
    n_neighbors : int
        Number of nearest vertices to which a vertex may be connected; no more are taken than were found.
    width : int
        Vertices ``i`` and ``j`` with ``|i - j| < width`` are not connected. Not used with `Neighbors`.
    mutual : bool
        Keep an edge only if each end is among the nearest of the other; else one direction is enough.
    max_scale : float, optional
        Upper bound of the scale, above 0. Without one, a group of fewer vertices than `n_neighbors` has the scale
        of the distance to the next group, and both are one.

    Returns
    -------
    scipy.sparse.csr_array, shape (n, n)
        Symmetric, zero diagonal; the weights are :math:`\exp(-S_{ij}^2 / (s_i s_j))`, with the scale s the
        distance to the last of the vertex's neighbours, or `max_scale` if that is less.

    Raises
    ------
    ValueError
        If `distance` is not square, holds NaN or negative values, a count is below 1, or `max_scale` is not
        above 0.

    Notes
    -----
    Mutual neighbours alone may leave vertices isolated; a temporal path (`temporal_path`) joins them.

    Examples
    --------
    >>> from audiofeat import mutual_knn
    >>> S = [[0, 1, 4], [1, 0, 3], [4, 3, 0]]
    >>> mutual_knn(S, n_neighbors=1).toarray().round(3)
    array([[0.   , 0.368, 0.   ],
           [0.368, 0.   , 0.   ],
           [0.   , 0.   , 0.   ]])
    """
    n_neighbors = as_count(n_neighbors, "n_neighbors")
    bound = np.inf if max_scale is None else as_number(max_scale, "max_scale", low=0.0, open_low=True)
    if not isinstance(distance, Neighbors):
        S = as_distances(distance)
        distance = nearest_neighbors(lambda i, j: S[i, j], len(S), n_neighbors=n_neighbors, width=width)
    indices, distances = distance.indices[:, :n_neighbors], distance.distances[:, :n_neighbors]
    n = len(indices)
    known = indices >= 0
    scale = np.where(known, distances, 0.0).max(axis=1, initial=0.0).clip(max=bound)
    rows = np.repeat(np.arange(n), known.sum(axis=1))
    columns, far = indices[known], distances[known]
    directed = sp.csr_array((gaussian(far, scale[rows], scale[columns]), (rows, columns)), shape=(n, n))
    if not mutual:
        return sp.csr_array(directed.maximum(directed.T))
    linked = sp.csr_array((np.ones(len(rows)), (rows, columns)), shape=(n, n))
    return sp.csr_array(directed.multiply(linked.T))


def timelag_median(graph: sp.csr_array, *, width: int) -> sp.csr_array:
    """Median of a graph's weights along time at equal lags: repetitions stay, chance likeness goes.

    Parameters
    ----------
    graph : scipy.sparse.csr_array, shape (n, n)
        Symmetric weights of recurrence, 0 or more, such as those of `mutual_knn`.
    width : int
        Windows that the median is taken over, an odd number; 1 changes nothing.

    Returns
    -------
    scipy.sparse.csr_array, shape (n, n)
        At (i, j) the median of the weights at (i + k, j + k) for k from ``-(width // 2)`` to ``width // 2``, which are
        0 beyond the ends.

    Raises
    ------
    ValueError
        If `width` is not an odd number.

    Notes
    -----
    The same as :func:`librosa.segment.timelag_filter` with a median filter [1]_, in memory of the weights and not of
    all pairs.

    References
    ----------
    .. [1] B. McFee and D. Ellis, "Analyzing song structure with spectral clustering", ISMIR 2014, section 2.1.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> from audiofeat.neighbors import timelag_median
    >>> repetition = sp.diags_array([[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 0.0]], offsets=[2, 3], shape=(6, 6)).tocsr()
    >>> timelag_median(repetition, width=3).toarray()[:3].round(1)
    array([[0., 0., 1., 0., 0., 0.],
           [0., 0., 0., 1., 0., 0.],
           [0., 0., 0., 0., 1., 0.]])
    """
    width = as_count(width, "width")
    if width % 2 == 0:
        msg = f"width must be an odd number, got {width}"
        raise ValueError(msg)
    n, half = graph.shape[0], width // 2
    if width == 1 or graph.nnz == 0:
        return graph
    found = graph.tocoo()
    keys, weights = found.row.astype(np.int64) * n + found.col, found.data
    order = np.argsort(keys)
    keys, weights = keys[order], weights[order]
    lag, row = keys % n - keys // n, keys // n
    # Where fewer than half of the weights are above 0, so is not the median: it is looked at beside weights only.
    places = []
    for k in range(-half, half + 1):
        inside = (row + k >= 0) & (row + k < n) & (row + lag + k >= 0) & (row + lag + k < n)
        places.append(keys[inside] + k * (n + 1))
    candidates, counts = np.unique(np.concatenate(places), return_counts=True)
    candidates = candidates[counts > half]
    i, j = candidates // n, candidates % n
    around = np.zeros((width, len(candidates)))
    for k in range(-half, half + 1):
        inside = (np.minimum(i, j) + k >= 0) & (np.maximum(i, j) + k < n)
        at = candidates[inside] + k * (n + 1)
        spot = np.minimum(np.searchsorted(keys, at), len(keys) - 1)
        around[k + half, inside] = np.where(keys[spot] == at, weights[spot], 0.0)
    return sp.csr_array((np.median(around, axis=0), (i, j)), shape=graph.shape)


def temporal_path(steps: ArrayLike, *, graph: sp.csr_array) -> sp.csr_array:
    r"""Blend a graph with the path that joins every window to the next.

    Parameters
    ----------
    steps : array_like, shape (n - 1,)
        Distance between each window and the next, 0 or more; infinite where they do not follow one another.
    graph : scipy.sparse.csr_array, shape (n, n)
        Weights of recurrence, such as those of `mutual_knn`.

    Returns
    -------
    scipy.sparse.csr_array, shape (n, n)
        :math:`\mu R + (1 - \mu) P`, where P holds :math:`\exp(-d^2 / \sigma^2)` next to the diagonal,
        :math:`\sigma` is the median finite step, and :math:`\mu` balances a random walk between both [1]_. Where
        one of them has no edge, the other alone.

    Raises
    ------
    ValueError
        If `steps` holds NaN or negative values, or is not one shorter than `graph`.

    References
    ----------
    .. [1] B. McFee and D. Ellis, "Analyzing song structure with spectral clustering", ISMIR 2014, section 2.2.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> from audiofeat.neighbors import temporal_path
    >>> temporal_path([1.0, 1.0], graph=sp.csr_array((3, 3))).toarray().round(3)
    array([[0.   , 0.368, 0.   ],
           [0.368, 0.   , 0.368],
           [0.   , 0.368, 0.   ]])
    """
    d = np.asarray(steps, dtype=np.float64)
    if d.shape != (graph.shape[0] - 1,) or not (d >= 0.0).all():
        msg = f"steps must be {graph.shape[0] - 1} numbers of 0 or more, got shape {d.shape} and {d.min(initial=0.0)}"
        raise ValueError(msg)
    sigma = np.full(len(d), finite_median(d))
    links = gaussian(d, sigma, sigma)
    path: Any = sp.diags_array((links, links), offsets=(1, -1), shape=graph.shape).tocsr()  # type: ignore[arg-type]
    to_path, to_graph = path.sum(axis=1), graph.sum(axis=1)
    to_all = to_path + to_graph
    if to_path.any() and to_graph.any():
        balance = float(to_path @ to_all) / float(to_all @ to_all)
    else:
        balance = float(to_graph.any())  # the quotient would give all the weight to the one that is empty
    return sp.csr_array(balance * graph + (1.0 - balance) * path)
