"""The segmenter's stages as a scikit-learn clusterer, for windows whose features come from anywhere."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_non_negative, validate_data

from audiofeat._validation import as_choice, as_count, as_number
from audiofeat.agglomeration import mutual_proximity
from audiofeat.changes import change_points, novelty
from audiofeat.graph import Graph, Matrix, affinity, symmetrize
from audiofeat.neighbors import mutual_knn, nearest_neighbors, temporal_path
from audiofeat.pieces import label_pieces
from audiofeat.spectral import spectral_partition

Labels = NDArray[np.intp]

METRICS = ("cityblock", "cosine", "euclidean", "precomputed")
GRAPHS = ("knn", "local", "paper")
ASSIGN = ("cluster_qr", "energy", "kmeans")
LARGEST = 1e150  # whose square is finite
THINNED = 1000  # windows that are looked at for a median
MOST_NEIGHBORS = 128


class SpectralSegmenter(ClusterMixin, BaseEstimator):  # type: ignore[misc]
    r"""Cluster windows that follow one another in time: the stages of `segment` after its features.

    Parameters
    ----------
    n_clusters : int, optional
        Number of clusters, at most that of the windows; estimated if not given.
    metric : {"euclidean", "cityblock", "cosine", "precomputed"}
        Distance of two windows. ``"cosine"`` is half the squared Euclidean distance of rows brought to length 1, so
        that a row of zeros is at 1/2 from all others. With ``"precomputed"``, `X` holds distances, 0 or more: directed
        ones are symmetrised, and their diagonal is not looked at.
    graph : {"knn", "local", "paper"}
        As for `segment`: mutual nearest neighbours, with weights that are scaled by the neighbourhood of a window,
        or by half the median distance if that is less; all windows, scaled by the neighbourhood; all windows, with
        the weights :math:`\exp(-S^2)`.
    n_neighbors : int, optional
        Neighbours in the graph; by default :math:`2 \sqrt{n}` of n windows, from 2 to 128, and 7 for ``"local"``. Not
        used by ``"paper"``.
    width : int
        Windows i and j with ``|i - j| < width`` overlap: they are no neighbours, and are not compared for changes.
    temporal : bool
        Join windows along time in the graph ``"knn"``. Without it and with a `width` of 1 the order of the rows does
        not matter, but for ties, unless `assign` is ``"energy"``.
    assign : {"cluster_qr", "kmeans", "energy"}
        How windows become clusters: by eigenvectors of the graph (`assign_clusters`); or ``"energy"``, which needs no
        graph but contiguous sections: pieces between changes are merged by the energy distance (`change_points`,
        `agglomerate`), and windows labelled anew with a price on changes (`resegment`).
    max_clusters : int
        Largest number of clusters that is estimated.
    reach : int
        Windows on each side that are compared for a change, ``>= 2``. For ``"energy"``, as the next two. The defaults
        are those of `segment` for windows that overlap by three quarters.
    spacing : int
        Windows between two changes at least.
    penalty : float
        Price of a change of label, in mean distances within clusters.
    random_state : int, RandomState or None
        For k-means only.

    Attributes
    ----------
    labels_ : ndarray of int, shape (n_windows,)
        Cluster of each window, numbered by first appearance.
    n_clusters_ : int
        Number of clusters.
    affinity_ : ndarray or scipy.sparse.csr_array, shape (n_windows, n_windows)
        Weights of the graph, sparse for ``"knn"``.
    eigenvalues_ : ndarray, shape (n_values,)
        Largest eigenvalues of its normalised Laplacian, descending.
    confidence_ : float
        How far the clusters are apart, in [0, 1]: the gap of the eigenvalues behind the last cluster, or with
        ``"energy"`` their silhouette, see `segment`.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Their names, if `X` is a table whose columns all have one.

    See Also
    --------
    segment : From a signal to labelled sections, with silence, short sections and borders seen to.

    Notes
    -----
    A missing number of clusters is read off the eigenvalues (`estimate_n_clusters`, for ``"knn"`` two at least). With
    ``"energy"`` it is the one with the lowest price, of windows, changes and clusters, or 1 where the silhouette is
    below 0.2. Time grows with the square of the number of windows; so does memory, but for the graph ``"knn"``
    of features without ``"energy"``.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import SpectralSegmenter
    >>> rng = np.random.default_rng(0)
    >>> X = np.repeat([0.0, 9.0, 0.0], 20)[:, None] + rng.normal(size=(60, 3))
    >>> labels = SpectralSegmenter(n_clusters=2).fit_predict(X)
    >>> labels[[0, 19, 20, 39, 40, 59]]
    array([0, 0, 1, 1, 0, 0])
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        metric: str = "euclidean",
        graph: str = "knn",
        n_neighbors: int | None = None,
        width: int = 1,
        temporal: bool = True,
        assign: str = "cluster_qr",
        max_clusters: int = 12,
        reach: int = 8,
        spacing: int = 7,
        penalty: float = 4.8,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.metric = metric
        self.graph = graph
        self.n_neighbors = n_neighbors
        self.width = width
        self.temporal = temporal
        self.assign = assign
        self.max_clusters = max_clusters
        self.reach = reach
        self.spacing = spacing
        self.penalty = penalty
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """Say what `X` is: distances are square, and 0 or more."""
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = tags.input_tags.positive_only = self.metric == "precomputed"
        return tags

    def fit(self, X: ArrayLike, y: None = None) -> Self:  # noqa: ARG002  (scikit-learn's signature)
        """Cluster the windows.

        Parameters
        ----------
        X : array_like, shape (n_windows, n_features) or (n_windows, n_windows)
            Features of windows, or distances, in the order of time.
        y : None
            Not used.

        Returns
        -------
        SpectralSegmenter
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, or `X` is not finite, above 1e150, or no matrix of distances.
        """
        as_choice(self.metric, "metric", METRICS)
        as_choice(self.graph, "graph", GRAPHS)
        as_choice(self.assign, "assign", ASSIGN)
        features = validate_data(self, X, dtype=np.float64)
        n = len(features)
        if self.n_clusters is not None:
            as_count(self.n_clusters, "n_clusters", high=n)
        tile = self._distances(features)
        self.affinity_ = self._weights(tile, n)
        n_clusters, labels = self.n_clusters, None
        if self.assign == "energy":
            labels, self.confidence_ = self._by_energy(tile(slice(0, n), slice(0, n)))
            n_clusters = int(labels.max()) + 1
        found = spectral_partition(
            self.affinity_,
            n_clusters=n_clusters,
            max_clusters=self.max_clusters,
            ratio=self.graph == "knn",
            method="cluster_qr" if self.assign == "energy" else self.assign,
            random_state=self.random_state,
        )
        if labels is None:
            labels, self.confidence_ = found.labels, found.confidence
        self.labels_, self.n_clusters_, self.eigenvalues_ = labels, int(labels.max()) + 1, found.eigenvalues
        return self

    def _distances(self, X: Matrix) -> Callable[[slice, slice], Matrix]:
        """Return a function of distances between two ranges of windows."""
        if np.abs(X).max() > LARGEST:
            msg = f"X must be within {LARGEST:g}, got {np.abs(X).max():g}"
            raise ValueError(msg)
        if self.metric == "precomputed":
            if X.shape[0] != X.shape[1]:
                msg = f"X must be square with metric='precomputed', got shape {X.shape}"
                raise ValueError(msg)
            check_non_negative(X, "SpectralSegmenter with metric='precomputed'")
            S = symmetrize(X)
            np.fill_diagonal(S, 0.0)
            return lambda i, j: S[i, j]
        if self.metric == "cosine":
            length = np.linalg.norm(X, axis=1, keepdims=True)
            unit = np.divide(X, length, out=np.zeros_like(X), where=length > 0.0)
            return lambda i, j: cdist(unit[i], unit[j], "sqeuclidean") / 2.0
        if self.metric == "cityblock":
            return lambda i, j: cdist(X[i], X[j], "cityblock")
        return lambda i, j: cdist(X[i], X[j])

    def _weights(self, tile: Callable[[slice, slice], Matrix], n: int) -> Graph:
        """Return the weights of the graph."""
        everything = slice(0, n)
        if self.graph == "paper":
            return affinity(tile(everything, everything))
        few = min(max(2, int(2.0 * np.sqrt(n))), MOST_NEIGHBORS) if self.graph == "knn" else 7
        n_neighbors = few if self.n_neighbors is None else self.n_neighbors
        if self.graph == "local":
            return affinity(tile(everything, everything), scale="local", n_neighbors=n_neighbors)
        nearest = nearest_neighbors(tile, n, n_neighbors=n_neighbors, width=self.width)
        thin = slice(None, None, -(-n // THINNED))
        some = tile(thin, thin)
        some = some[some > 0.0]
        max_scale = float(np.median(some)) / 2.0 if len(some) else None
        weights = mutual_knn(nearest, n_neighbors=n_neighbors, max_scale=max_scale)
        if not self.temporal:
            return weights
        steps = [tile(slice(i, i + 1), slice(i + 1, i + 2)).item() for i in range(n - 1)]
        return temporal_path(steps, graph=weights)

    def _by_energy(self, distance: Matrix) -> tuple[Labels, float]:
        """Return clusters of pieces between changes, and their silhouette."""
        reach, width = as_count(self.reach, "reach", low=2), as_count(self.width, "width")
        penalty, most = as_number(self.penalty, "penalty", low=0.0), as_count(self.max_clusters, "max_clusters")
        changes = change_points(novelty(distance, reach=reach, gap=width - 1), spacing=self.spacing)
        n = len(distance)
        pieces = np.searchsorted(changes, np.arange(n), side="right")
        if self.n_clusters is not None and self.n_clusters > pieces[-1] + 1:
            pieces = np.arange(n)
        near = mutual_proximity(distance)
        return label_pieces(distance, near, pieces, n_clusters=self.n_clusters, max_clusters=most, penalty=penalty)
