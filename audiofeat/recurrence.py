"""From windows to a graph of their likeness: which of them sound, how far apart they are, and which are joined."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audiofeat._validation import Float
from audiofeat.distances import diagonal, fused, spectral_error_distances, timbre, timbre_distances
from audiofeat.graph import Graph, Matrix, affinity, normalized_laplacian, symmetrize
from audiofeat.neighbors import mutual_knn, nearest_neighbors, temporal_path
from audiofeat.sem import SpectralErrorFactors, spectral_error_factors, spectral_error_product
from audiofeat.spectral import estimate_n_clusters, leading_eigenvectors

SAME_ERROR = float(np.log1p(1.0))  # distances that windows of one sound may have
SAME_TIMBRE = 1.0  # dB
DECISIVE = 0.5  # gap of the eigenvalues at an absolute scale from which they alone tell the number of clusters
WHOLE = 4000  # windows up to which matrices are kept whole
THINNED = 1000  # windows that are looked at for the number of clusters
MOST_NEIGHBORS = 128
MOST_SCALE = 1.0  # of the weights, in fused distances, whose median is about 2
SAMPLES = 1 << 22  # samples in one block of windows: 32 MiB


class Windows(NamedTuple):
    """What is known of the windows that sound."""

    active: NDArray[np.intp]  # which they are
    factors: SpectralErrorFactors
    bands: Float  # (n_active, n_bands), their timbre


def window_gains(windows: Float, *, normalize: str | None, silence_db: float) -> tuple[float, Matrix]:
    """Return two factors to multiply each window by before the measure: a common one, and its own, 0 for silence.

    `windows` has shape (n_windows, n_samples). The common one is a power of two: where the own ones are equal,
    not a bit of the result depends on the gain.
    """
    blocks = _blocks(windows)
    peak = max(float(np.abs(windows[block]).max()) for block in blocks)
    scale = float(np.ldexp(1.0, -int(np.clip(np.frexp(peak)[1], -1000, 1000))))
    rms = np.concatenate([np.sqrt(((windows[block] * scale) ** 2).mean(axis=1, dtype=float)) for block in blocks])
    loud = (rms > 0.0) & (rms >= 10.0 ** (silence_db / 20.0) * rms.max())
    level = rms if normalize == "window" else np.full(len(rms), rms.max() if normalize == "global" else 1.0)
    return scale, np.divide(1.0, level, out=np.zeros(len(rms)), where=loud)


def measure_windows(windows: Float, gains: tuple[float, Matrix], *, sr: float, order: int, lags: int | str) -> Windows:
    """Measure the windows, shape (n_windows, n_samples), that `window_gains` leaves; at least one."""
    scale, gain = gains
    active = np.flatnonzero(gain)
    factors, bands = [], []
    for block in _blocks(windows):
        some = active[(active >= block.start) & (active < block.stop)]
        if len(some):
            y = windows[some] * scale * gain[some, None]
            factors.append(spectral_error_factors(y, order=order, lags=lags))
            bands.append(timbre(y, sr))
    return Windows(active, SpectralErrorFactors.joined(factors), np.concatenate(bands))


def _blocks(windows: Float) -> list[slice]:
    rows = max(1, SAMPLES // windows.shape[1])
    return [slice(start, start + rows) for start in range(0, len(windows), rows)]


def window_graph(windows: Windows, *, graph: str) -> tuple[Matrix | None, Graph]:
    """Return the distances, if they are few enough to keep, and the weights of the graph."""
    active, factors, bands = windows
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
