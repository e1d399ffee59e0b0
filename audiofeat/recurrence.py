"""From windows to a graph of their likeness: how far apart they are, and which are joined."""

import numpy as np

from audiofeat.distances import diagonal, fused, spectral_error_distances, timbre_distances
from audiofeat.graph import Graph, Matrix, affinity, normalized_laplacian, symmetrize
from audiofeat.neighbors import mutual_knn, nearest_neighbors, temporal_path
from audiofeat.sem import spectral_error_product
from audiofeat.spectral import estimate_n_clusters, leading_eigenvectors
from audiofeat.windows import Windows

SAME_ERROR = float(np.log1p(1.0))  # distances that windows of one sound may have
SAME_TIMBRE = 1.0  # dB
DECISIVE = 0.5  # gap of the eigenvalues at an absolute scale from which they alone tell the number of clusters
WHOLE = 4000  # windows up to which matrices are kept whole
THINNED = 1000  # windows that are looked at for the number of clusters
MOST_NEIGHBORS = 128
MOST_SCALE = 1.0  # of the weights, in fused distances, whose median is about 2


def window_graph(windows: Windows, *, graph: str) -> tuple[Matrix | None, Graph]:
    """Return the distances, if they are few enough to keep, and the weights of the graph."""
    active, factors, bands, _ = windows
    n = len(active)
    everything = slice(0, n)
    if graph == "paper":
        distance = symmetrize(spectral_error_product(factors, factors))
        return distance, affinity(distance)
    tile = spectral_error_distances(factors)
    if graph == "local":
        distance = tile(everything, everything)
        return distance, affinity(distance, scale="local")
    tile = fused([(tile, SAME_ERROR), (timbre_distances(bands), SAME_TIMBRE)], n)
    n_neighbors = min(max(2, int(2.0 * np.sqrt(n))), MOST_NEIGHBORS)
    kept = tile(everything, everything) if n <= WHOLE else None  # more would not fit
    nearest = nearest_neighbors(tile, n, n_neighbors=n_neighbors) if kept is None else kept
    recurrence = mutual_knn(nearest, n_neighbors=n_neighbors, max_scale=MOST_SCALE)
    steps = diagonal(tile, n, 1) if kept is None else np.diagonal(kept, 1)
    return kept, temporal_path(np.where(np.diff(active) == 1, steps, np.inf), graph=recurrence)


def decisive_n_clusters(windows: Windows, *, overlap: int, max_clusters: int) -> int | None:
    """Return the number of clusters that measures of an absolute scale see, if they see it clearly.

    One windows in `overlap` is looked at, so that none sounds in another. Windows that resemble neither neighbour
    straddle a change, or are one; they would count as clusters of their own.
    """
    n = len(windows.active)
    thin = slice(None, None, max(overlap, -(-n // THINNED)))
    timbres = timbre_distances(windows.bands)(thin, thin)
    if np.quantile(timbres, 0.9) < SAME_TIMBRE:
        return 1
    some = windows.factors.rows(thin)
    weights = affinity(symmetrize(spectral_error_product(some, some)))
    beside = np.diagonal(weights, 1) >= DECISIVE
    steady = np.concatenate([[False], beside]) | np.concatenate([beside, [False]])
    if steady.sum() < 2:
        return None
    laplacian = normalized_laplacian(weights[np.ix_(steady, steady)])
    values, _ = leading_eigenvectors(laplacian, min(max_clusters + 1, int(steady.sum())))
    n_clusters, gap = estimate_n_clusters(values)
    return n_clusters if gap >= DECISIVE else None
