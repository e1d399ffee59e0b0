"""From windows to a graph of their likeness: how far apart they are, and which are joined."""

import numpy as np

from audiofeat.distances import diagonal, fused
from audiofeat.graph import Graph, Matrix, affinity, normalized_laplacian, symmetrize
from audiofeat.neighbors import mutual_knn, nearest_neighbors, temporal_path, timelag_median
from audiofeat.sem import spectral_error_product
from audiofeat.spectral import estimate_n_clusters, leading_eigenvectors
from audiofeat.windows import Windows

SAME_TIMBRE = 1.0  # dB
FLOORS = {"sem": float(np.log1p(1.0)), "logmel": SAME_TIMBRE}  # distances that windows of one sound may have
LEAST = 1e-9  # of distances whose scale is not known
DECISIVE = 0.5  # gap of the eigenvalues at an absolute scale from which they alone tell the number of clusters
WHOLE = 4000  # windows up to which matrices are kept whole
THINNED = 1000  # windows that are looked at for the number of clusters
MOST_NEIGHBORS = 128
MOST_SCALE = 1.0  # of the weights, in fused distances, whose median is about 2


def window_graph(
    windows: Windows, weights: dict[str, float], *, graph: str, timelag: int
) -> tuple[Matrix | None, Graph]:
    """Return the distances, if they are few enough to keep, and the weights of the graph."""
    active = windows.active
    n = len(active)
    everything = slice(0, n)
    if graph == "paper" and list(weights) == ["sem"]:
        distance = symmetrize(spectral_error_product(windows.factors, windows.factors))
        return distance, affinity(distance)
    tile = fused([(windows.tile(name), FLOORS.get(name, LEAST), weight) for name, weight in weights.items()], n)
    if graph != "knn":
        tile = windows.tile("sem") if list(weights) == ["sem"] else tile
        distance = tile(everything, everything)
        return distance, affinity(distance, scale="local" if graph == "local" else 1.0)
    n_neighbors = min(max(2, int(2.0 * np.sqrt(n))), MOST_NEIGHBORS)
    kept = tile(everything, everything) if n <= WHOLE else None  # more would not fit
    nearest = nearest_neighbors(tile, n, n_neighbors=n_neighbors) if kept is None else kept
    recurrence = mutual_knn(nearest, n_neighbors=n_neighbors, max_scale=MOST_SCALE)
    recurrence = timelag_median(recurrence, width=timelag)
    steps = diagonal(tile, n, 1) if kept is None else np.diagonal(kept, 1)
    return kept, temporal_path(np.where(np.diff(active) == 1, steps, np.inf), graph=recurrence)


def decisive_n_clusters(windows: Windows, *, overlap: int, max_clusters: int) -> int | None:
    """Return the number of clusters that measures of an absolute scale see, if they see it clearly.

    One windows in `overlap` is looked at, so that none sounds in another. Windows that resemble neither neighbour
    straddle a change, or are one; they would count as clusters of their own.
    """
    n = len(windows.active)
    thin = slice(None, None, max(overlap, -(-n // THINNED)))
    timbres = windows.tile("logmel")(thin, thin)
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
