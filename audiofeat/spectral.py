"""Spectral clustering: from a graph's Laplacian to eigenvectors, to the number of clusters, to clusters."""

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from audiofeat._validation import as_choice, as_count
from audiofeat.graph import Graph, Matrix, normalized_laplacian

DENSE = 2000  # vertices up to which a component's eigenvectors are found by a dense solver
TILT = 1e-12  # on the diagonal for Lanczos iterations
EPS = float(np.finfo(np.float64).eps)
METHODS = ("cluster_qr", "kmeans")


class Partition(NamedTuple):
    """Clusters of the vertices of a graph.

    Attributes
    ----------
    labels : ndarray of int, shape (n_vertices,)
        Clusters, numbered by first appearance.
    eigenvalues : ndarray
        Leading eigenvalues of the normalised Laplacian, descending.
    confidence : float
        The gap between the eigenvalue of the last cluster and the next, in [0, 1].
    n_components : int
        Number of connected components of the graph.

    Examples
    --------
    >>> from audiofeat.spectral import Partition
    >>> Partition(labels=[0, 0, 1], eigenvalues=[1.0, 1.0], confidence=0.9, n_components=2).confidence
    0.9
    """

    labels: NDArray[np.intp]
    eigenvalues: Matrix
    confidence: float
    n_components: int


def spectral_partition(
    weights: ArrayLike | sp.csr_array,
    *,
    n_clusters: int | None = None,
    max_clusters: int = 12,
    ratio: bool = False,
    method: str = "cluster_qr",
    random_state: int | np.random.RandomState | None = 0,
) -> Partition:
    """Cut a graph into clusters by normalised spectral clustering, whatever the graph.

    Parameters
    ----------
    weights : array_like or scipy.sparse array, shape (n, n)
        Symmetric weights of the edges, finite, 0 or more.
    n_clusters : int, optional
        Number of clusters, at most n; estimated by `estimate_n_clusters` if not given.
    max_clusters : int
        Largest number that is estimated. The estimate is this if the graph has as many components or more, isolated
        vertices not counted.
    ratio : bool
        How the number is estimated, see `estimate_n_clusters`.
    method : {"cluster_qr", "kmeans"}
        See `assign_clusters`.
    random_state : int, RandomState or None
        For k-means only.

    Returns
    -------
    Partition
        ``labels``, ``eigenvalues``, ``confidence`` and ``n_components``; every cluster has a vertex.

    Raises
    ------
    ValueError
        If a count is out of range, or `weights` is not square, finite and 0 or more.

    Notes
    -----
    Algorithm 3 of [1]_, completed where it divides by zero or leaves the choice to rounding, by the order of the
    vertices, which is that of time. Isolated vertices take no part in the eigenvectors: each joins the cluster of
    the nearest vertex that has one. If the rest falls into more components than there are clusters, no
    eigenvector tells more than the components: the largest are the clusters, and the others join the nearest.
    If fewer vertices than clusters are connected at all, the vertices are shared out evenly in their order.

    References
    ----------
    .. [1] "Music genre recognition using deep learning", UCSD project report, 2020, section 5.2.

    Examples
    --------
    >>> from audiofeat import spectral_partition
    >>> spectral_partition([[0, 1, 0], [1, 0, 0.1], [0, 0.1, 0]], n_clusters=2).labels
    array([0, 0, 1])
    """
    as_choice(method, "method", METHODS)
    laplacian = normalized_laplacian(weights)
    n = laplacian.shape[0]
    max_clusters = as_count(max_clusters, "max_clusters")
    if n_clusters is not None:
        n_clusters = as_count(n_clusters, "n_clusters", high=n)
    component = connected_components(laplacian)
    size = np.bincount(component)
    kept = np.flatnonzero(size[component] > 1)
    n_wanted = max(n_clusters or 0, max_clusters) + 1
    values: Matrix = np.empty(0)
    vectors: Matrix = np.empty((0, 0))
    if len(kept):
        values, vectors = leading_eigenvectors(laplacian[kept][:, kept], min(n_wanted, len(kept)))
    connected = np.flatnonzero(size > 1)
    if n_clusters is None:
        n_clusters = estimate_n_clusters(values, ratio=ratio)[0] if len(kept) else 1
        n_clusters = max(n_clusters, min(len(connected), max_clusters))  # with more components there is no gap to see
    beyond = values[n_clusters - 1 : n_clusters + 1]
    confidence = float(np.clip(beyond[0] - beyond[1], 0.0, 1.0)) if len(beyond) == 2 else 0.0
    labels = np.full(n, -1, dtype=np.intp)
    if len(kept) < n_clusters:
        labels = np.arange(n) * n_clusters // n
    elif len(connected) > n_clusters:
        for cluster, number in enumerate(connected[np.argsort(-size[connected], kind="stable")][:n_clusters]):
            labels[component == number] = cluster
    else:
        labels[kept] = assign_clusters(vectors[:, :n_clusters], method=method, random_state=random_state)
    labels = _join_nearest(labels)
    eigenvalues = np.concatenate([np.ones(n - len(kept)), values])[: min(n_wanted, n)]
    return Partition(by_first_appearance(labels), eigenvalues, confidence, len(size))


def _join_nearest(labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give each vertex labelled -1 the label of the nearest labelled one, the earlier of two."""
    known = np.flatnonzero(labels >= 0)
    middles = (known[1:] + known[:-1]) / 2.0
    return labels[known[np.searchsorted(middles, np.arange(len(labels)))]]


def leading_eigenvectors(laplacian: Graph, n_vectors: int) -> tuple[Matrix, Matrix]:
    """Return the largest eigenvalues of a normalised Laplacian and their eigenvectors.

    Parameters
    ----------
    laplacian : ndarray or scipy.sparse.csr_array, shape (n, n)
        What `normalized_laplacian` returns.
    n_vectors : int
        Number of eigenvectors, at most n.

    Returns
    -------
    eigenvalues : ndarray, shape (n_vectors,)
        In descending order.
    eigenvectors : ndarray, shape (n, n_vectors)
        Orthonormal columns; the entry of largest magnitude in each is positive.

    Raises
    ------
    ValueError
        If `n_vectors` is not in [1, n].

    Notes
    -----
    Connected components are solved one by one, densely up to 2,000 vertices and by Lanczos iterations from a
    fixed start above: repeated eigenvalues, one for each component, would make either arbitrary. Edges that are
    lost in the rounding of 1 do not connect.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import leading_eigenvectors
    >>> leading_eigenvectors(np.array([[0.0, 1.0], [1.0, 0.0]]), 1)[1].round(3)
    array([[0.707],
           [0.707]])
    """
    n = laplacian.shape[0]
    n_vectors = as_count(n_vectors, "n_vectors", high=n)
    component = connected_components(laplacian)
    pairs = []
    for number in range(component.max() + 1):
        members = np.flatnonzero(component == number)
        block = laplacian[members][:, members] if len(members) < n else laplacian
        values, vectors = _leading(block, min(n_vectors, len(members)))
        pairs += [(value, members, vector) for value, vector in zip(values, vectors.T, strict=True)]
    pairs.sort(key=lambda pair: -pair[0])  # stable: of equal eigenvalues the earlier component first
    eigenvectors = np.zeros((n, n_vectors))
    for column, (_, members, vector) in enumerate(pairs[:n_vectors]):
        eigenvectors[members, column] = vector * np.sign(vector[np.argmax(np.abs(vector))])
    return np.array([min(value, 1.0) for value, _, _ in pairs[:n_vectors]]), eigenvectors


def connected_components(laplacian: Graph) -> NDArray[np.intp]:
    """Number the components of a graph by first appearance; edges lost in the rounding of 1 do not connect."""
    from scipy.sparse.csgraph import connected_components as label

    edges = sp.csr_array(laplacian, copy=True)
    edges.data[edges.data <= EPS] = 0.0
    edges.eliminate_zeros()  # in place: of the copy
    return by_first_appearance(label(edges, directed=False)[1])


def by_first_appearance(labels: NDArray[Any]) -> NDArray[np.intp]:
    """Rename labels 0, 1, ... in the order in which they first appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _leading(block: Graph, n_vectors: int) -> tuple[Matrix, Matrix]:
    """Return eigenvalues and eigenvectors in no particular order."""
    n = block.shape[0]
    if n <= DENSE or 2 * n_vectors >= n:
        dense = block if isinstance(block, np.ndarray) else block.toarray()
        try:
            values, vectors = scipy.linalg.eigh(dense, subset_by_index=(n - n_vectors, n - 1))
        except scipy.linalg.LinAlgError:  # of many equal eigenvalues LAPACK may not find some alone
            values, vectors = scipy.linalg.eigh(dense, driver="evd")
            values, vectors = values[n - n_vectors :], vectors[:, n - n_vectors :]
    else:
        from scipy.sparse.linalg import aslinearoperator, eigsh

        # Of a repeated eigenvalue Lanczos iterations see one vector and draw the others at random, or miss them:
        # the tilt makes it simple. A wide basis: the leading eigenvalues of a long song crowd below 1.
        ramp = np.arange(n) / n
        tilted = aslinearoperator(block) + aslinearoperator(sp.diags_array(TILT * ramp))
        basis = min(n - 1, max(4 * n_vectors, 80))
        values, vectors = eigsh(tilted, k=n_vectors, which="LA", v0=1.0 + ramp, ncv=basis, tol=1e-9)
    return values, vectors


def estimate_n_clusters(eigenvalues: ArrayLike, *, ratio: bool = False) -> tuple[int, float]:
    r"""Estimate the number of clusters from the leading eigenvalues of a normalised Laplacian.

    Parameters
    ----------
    eigenvalues : array_like, shape (n,)
        The largest eigenvalues in descending order; the last is only looked at for the gap before it. Of equal
        gaps the first counts.
    ratio : bool
        Look for the largest ratio of successive distances from 1 instead of the largest difference, and for at
        least two clusters: for graphs in which every window has neighbours, whose eigenvalues crowd below 1.

    Returns
    -------
    n_clusters : int
        The number of eigenvalues before the gap, from 1 to n - 1 (1 if there is but one eigenvalue).
    confidence : float
        The difference of eigenvalues at the gap, in [0, 1]; near 1 for clusters that are far apart.

    Raises
    ------
    ValueError
        If there is no eigenvalue.

    Examples
    --------
    >>> from audiofeat import estimate_n_clusters
    >>> estimate_n_clusters([1.0, 0.99, 0.97, 0.25, 0.2])
    (3, 0.72)
    """
    values = np.asarray(eigenvalues, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0:
        msg = f"eigenvalues must be one-dimensional and not empty, got shape {values.shape}"
        raise ValueError(msg)
    gaps = values[:-1] - values[1:]
    if len(gaps) == 0:
        return 1, 1.0
    if ratio and len(gaps) > 1:
        away = np.round(1.0 - values, 9)
        chosen = 1 + int(np.argmax(away[2:] / (away[1:-1] + 0.01)))  # 0.01: eigenvalues that close to 1 are equal
    else:
        chosen = int(np.argmax(np.round(gaps, 9)))  # rounding must not choose among equal gaps: the first
    return chosen + 1, round(float(np.clip(gaps[chosen], 0.0, 1.0)), 12)


def assign_clusters(
    eigenvectors: ArrayLike,
    *,
    method: str = "cluster_qr",
    random_state: int | np.random.RandomState | None = 0,
) -> NDArray[np.intp]:
    """Assign vertices to clusters by the rows of their leading eigenvectors.

    Parameters
    ----------
    eigenvectors : array_like, shape (n, n_clusters)
        As many eigenvectors as clusters are wanted.
    method : {"cluster_qr", "kmeans"}
        Pivoted QR decomposition [2]_, which needs no seed and does not see signs and rotations of the
        eigenvectors, or k-means with ten restarts on the rows, scaled to unit length, as in [1]_.
    random_state : int, RandomState or None
        For k-means only.

    Returns
    -------
    ndarray of int, shape (n,)
        Clusters, numbered by first appearance. None is empty; k-means finds fewer where fewer rows differ.

    Raises
    ------
    ValueError
        If `eigenvectors` is not two-dimensional, there are more clusters than vertices, or `method` is unknown.

    References
    ----------
    .. [1] A. Ng, M. Jordan and Y. Weiss, "On spectral clustering: analysis and an algorithm", NIPS 2001.
    .. [2] A. Damle, V. Minden and L. Ying, "Simple, direct and efficient multi-way spectral clustering",
       Information and Inference 8(1), 2019.

    Examples
    --------
    >>> from audiofeat import assign_clusters
    >>> assign_clusters([[0.0, 0.5], [0.0, 0.4], [0.7, 0.0], [0.0, 0.6]])
    array([0, 0, 1, 0])
    """
    U = np.asarray(eigenvectors, dtype=np.float64)
    as_choice(method, "method", METHODS)
    if U.ndim != 2:
        msg = f"eigenvectors must have 2 dimensions, got shape {U.shape}"
        raise ValueError(msg)
    n, k = U.shape
    as_count(k, "the number of eigenvectors", high=n)
    if method == "kmeans":
        from sklearn.cluster import KMeans

        length = np.linalg.norm(U, axis=1, keepdims=True)
        T = np.divide(U, length, out=np.zeros_like(U), where=length > 0.0)
        n_distinct = len(np.unique(T, axis=0))
        found = KMeans(min(k, n_distinct), n_init=10, random_state=random_state).fit_predict(T)
    else:
        # Not of rows of unit length: the first pivot would be a tie that rounding breaks.
        pivots = scipy.linalg.qr(U.T, mode="r", pivoting=True)[1][:k]
        left, _, right = scipy.linalg.svd(U[pivots].T)
        found = np.abs(U @ (left @ right)).argmax(axis=1)
        found[pivots] = np.arange(k)  # which they are, unless columns depend on one another
    return by_first_appearance(found)
