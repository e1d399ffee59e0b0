"""Sections of like sound: changes, pieces between them, clusters of pieces, and borders found finely."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audiofeat.agglomeration import mutual_proximity
from audiofeat.changes import change_points, novelty_of
from audiofeat.distances import Tile, fused
from audiofeat.graph import Graph, Matrix, normalized_laplacian
from audiofeat.neighbors import mutual_knn, temporal_path
from audiofeat.pieces import label_pieces, median
from audiofeat.profiles import N_BANDS, N_CEPSTRA, N_MELS, N_SLICES
from audiofeat.resegmentation import best_split
from audiofeat.segmentation.settings import Settings
from audiofeat.spectral import connected_components, leading_eigenvectors
from audiofeat.windows import Windows

Labels = NDArray[np.intp]

MOST = 4000  # windows whose distances are kept whole: of more, every second, third, ...
REACH, SPACING, GUARD, CONTEXT, SEARCH = 2.0, 1.75, 0.3, 1.5, 0.6  # lengths of a window
# Found on the same medleys as the weights of distances:
PENALTY = 1.2  # of a change of label, in mean distances within clusters for a length of a window
SAME = 0.6  # dB, of smooth spectra; what windows of one sound may differ by
FLOOR = 1e-9  # of a median


class Sections(NamedTuple):
    """What is found of windows that sound."""

    labels: Labels  # of each window
    distance: Matrix | None  # None where not every window was looked at
    weights: Graph | None
    near: Matrix  # mutual proximity of the windows that were looked at
    eigenvalues: Matrix
    confidence: float
    n_components: int


def find_sections(windows: Windows, settings: Settings) -> Sections:
    """Find sections of windows, two at least, by what they sound like."""
    n_clusters, max_clusters = settings.chosen["n_clusters"], settings.chosen["max_clusters"]
    thin = -(-len(windows.active) // MOST)
    some = windows.rows(slice(None, None, thin))
    n, hop = len(some.active), thin * settings.n_hop / settings.n_window
    distance = np.zeros((n, n))
    for name, weight in settings.weights.items():
        distance += weight * _scaled(some.tile(name), n)
    contrast = fused([(some.tile(name), FLOOR, weight) for name, weight in settings.changes.items()], n)
    overlap = settings.n_window // settings.n_hop
    curve = novelty_of(contrast, n, reach=max(2, round(REACH / hop)), gap=min(1, max(0, overlap - 1)))
    near = mutual_proximity(distance)
    jumps = np.flatnonzero(np.diff(some.active) > thin) + 1
    changes = np.union1d(change_points(curve, spacing=max(1, round(SPACING / hop))), jumps)
    pieces = np.searchsorted(changes, np.arange(n), side="right")
    if n_clusters is None and settings.by_default:
        apart = slice(None, None, -(-settings.n_window // settings.n_hop))
        same = some.tile("cepstra")(apart, apart) * math.sqrt(N_CEPSTRA / N_MELS)
        n_clusters = 1 if np.quantile(same, 0.9) < SAME else None
    if n_clusters is not None and n_clusters > pieces[-1] + 1:  # as many as asked for, were it a window each
        pieces = np.arange(n)
    labels, confidence = label_pieces(
        distance, near, pieces, n_clusters=n_clusters, max_clusters=max_clusters, penalty=PENALTY / hop
    )
    n_neighbors = max(2, int(2.0 * np.sqrt(n)))
    steps = np.where(np.diff(some.active) == thin, np.diagonal(distance, 1), np.inf)
    weights = temporal_path(steps, graph=mutual_knn(distance, n_neighbors=n_neighbors, max_scale=1.0))
    laplacian = normalized_laplacian(weights)
    values, _ = leading_eigenvectors(laplacian, min(max(n_clusters or 0, max_clusters) + 1, n))
    n_components = int(connected_components(laplacian).max()) + 1
    if thin > 1:
        whole = np.repeat(labels, thin)[: len(windows.active)]
        return Sections(whole, None, None, near, values, confidence, n_components)
    return Sections(labels, distance, weights, near, values, confidence, n_components)


def _scaled(tile: Tile, n: int) -> Matrix:
    """Return distances over their median."""
    distance = tile(slice(0, n), slice(0, n))
    scaled: Matrix = distance / max(median(distance), FLOOR)
    return scaled


def fine_borders(changes: Labels, borders: Labels, windows: Windows, settings: Settings) -> Labels:
    """Return where, in samples, the labels change: near their borders, where the spectra change most likely.

    `changes` are the first windows with another label; the label of window i holds from sample ``borders[i]`` to
    ``borders[i + 1]``. Beside silence a border stays. No section becomes shorter than `min_duration`.
    """
    n_window, n_hop, shortest = settings.n_window, settings.n_hop, settings.chosen["min_duration"] * settings.sr
    slices = windows.features["slices"]
    found = borders[changes].copy()
    n_windows = len(borders) - 1
    row = np.full(n_windows, -1, np.intp)
    row[windows.active] = np.arange(len(windows.active))
    step = n_hop / N_SLICES
    thin = -(-len(windows.active) // MOST)
    search = round(max(SEARCH * n_window, 0.75 * thin * n_hop) / step)
    context, guard = round(CONTEXT * n_window / step), round(GUARD * n_window / step)
    ends = [0, *changes.tolist(), n_windows]
    for number, change in enumerate(changes.tolist()):
        first, last = ends[number], ends[number + 2]
        reach = (context + search) // N_SLICES + 1
        first, last = max(first, change - reach), min(last, change + reach)
        rows = row[first:last]
        if (rows < 0).any():
            continue
        frames = slices[rows].reshape(-1, N_BANDS)
        middle = (change - first) * N_SLICES
        before = borders[0] if number == 0 else found[number - 1]
        earliest = math.ceil((before + shortest - borders[change]) / step) + middle
        latest = math.floor((borders[ends[number + 2]] - shortest - borders[change]) / step) + middle
        low = max(middle - search, middle // 2, earliest)
        high = min(middle + search, (middle + len(frames)) // 2, latest)
        if low >= high:  # as short as sections may be
            continue
        split = best_split(frames, low, high, context=context, guard=guard)
        found[number] = borders[change] + round((split - middle) * step)
    return found
