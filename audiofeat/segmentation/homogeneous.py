"""Sections of like sound: changes, pieces between them, clusters of pieces, and borders found finely."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audiofeat.agglomeration import agglomerate, best_labels, mutual_proximity, silhouette
from audiofeat.changes import change_points, novelty
from audiofeat.distances import Tile, spectral_error_distances, timbre_distances
from audiofeat.graph import Graph, Matrix, normalized_laplacian
from audiofeat.neighbors import mutual_knn, temporal_path
from audiofeat.profiles import N_BANDS, N_SLICES
from audiofeat.recurrence import SAME_TIMBRE
from audiofeat.resegmentation import best_split, resegment
from audiofeat.spectral import connected_components, leading_eigenvectors
from audiofeat.windows import Windows

Labels = NDArray[np.intp]

MOST = 4000  # windows whose distances are kept whole: of more, every second, third, ...
REACH, SPACING, GUARD, CONTEXT, SEARCH = 2.0, 1.75, 0.3, 1.5, 0.6  # lengths of a window
PITCH = 0.3  # weight of semitones and of chroma beside timbre, found on medleys, seeds 0 to 23
PENALTY = 1.25  # of a change of label, in medians of the distances for a length of a window; found likewise
ALIKE = 0.3  # silhouette below which there is one sound: 0.35 to 0.7 on medleys, below 0.3 on excerpts and noise
FLOOR = 1e-9  # of a median


class Sections(NamedTuple):
    """What is found of windows that sound."""

    labels: Labels  # of each window
    distance: Matrix | None  # None where not every window was looked at
    weights: Graph | None
    eigenvalues: Matrix
    confidence: float
    n_components: int


def find_sections(
    windows: Windows, *, n_clusters: int | None, max_clusters: int, n_window: int, n_hop: int
) -> Sections:
    """Find sections of windows, two at least, by what they sound like."""
    thin = -(-len(windows.active) // MOST)
    some = windows.rows(slice(None, None, thin))
    n, hop = len(some.active), thin * n_hop / n_window
    profiles = some.profiles
    if profiles is None:
        msg = "windows must be profiled"
        raise ValueError(msg)
    distance = _scaled(timbre_distances(profiles.cepstra.astype(np.float64)), n)
    contrast = distance.copy()
    semitones = _scaled(timbre_distances(profiles.semitones.astype(np.float64)), n)
    contrast += semitones
    distance += PITCH * semitones
    distance += PITCH * _scaled(timbre_distances(profiles.chroma.astype(np.float64)), n)
    contrast += _scaled(spectral_error_distances(some.factors), n)
    curve = novelty(contrast, reach=max(2, round(REACH / hop)), gap=min(1, n_window // n_hop - 1))
    del semitones, contrast
    near = mutual_proximity(distance)
    jumps = np.flatnonzero(np.diff(some.active) > thin) + 1
    changes = np.union1d(change_points(curve, spacing=max(1, round(SPACING / hop))), jumps)
    pieces = np.searchsorted(changes, np.arange(n), side="right")
    if n_clusters is None:
        apart = slice(None, None, -(-n_window // n_hop))
        same = timbre_distances(some.bands)(apart, apart)
        n_clusters = 1 if np.quantile(same, 0.9) < SAME_TIMBRE else None
    if n_clusters is not None and n_clusters > pieces[-1] + 1:  # as many as asked for, were it a window each
        pieces = np.arange(n)
    tree = agglomerate(near, pieces)
    if n_clusters is None:
        labels, confidence = best_labels(near, pieces, tree, max_clusters=max_clusters)
        if confidence < ALIKE:
            labels, confidence = np.zeros_like(labels), 1.0 - confidence / ALIKE
    else:
        labels = tree.labels(n_clusters)[pieces]
        confidence = max(0.0, silhouette(near, labels)) if labels.max() else 1.0
    penalty = PENALTY / hop * float(np.median(near[np.triu_indices(n, 1)]))
    if labels.max() < pieces[-1]:
        labels = resegment(near, labels, penalty=penalty)
    n_neighbors = max(2, int(2.0 * np.sqrt(n)))
    steps = np.where(np.diff(some.active) == thin, np.diagonal(distance, 1), np.inf)
    weights = temporal_path(steps, graph=mutual_knn(distance, n_neighbors=n_neighbors, max_scale=1.0))
    laplacian = normalized_laplacian(weights)
    values, _ = leading_eigenvectors(laplacian, min(max(n_clusters or 0, max_clusters) + 1, n))
    n_components = int(connected_components(laplacian).max()) + 1
    if thin > 1:
        whole = np.repeat(labels, thin)[: len(windows.active)]
        return Sections(whole, None, None, values, confidence, n_components)
    return Sections(labels, distance, weights, values, confidence, n_components)


def _scaled(tile: Tile, n: int) -> Matrix:
    """Return distances over their median."""
    distance = tile(slice(0, n), slice(0, n))
    median = float(np.median(distance[np.triu_indices(n, 1)]))
    scaled: Matrix = distance / max(median, FLOOR)
    return scaled


def fine_borders(
    changes: Labels, borders: Labels, windows: Windows, *, n_window: int, n_hop: int, shortest: float
) -> Labels:
    """Return where, in samples, the labels change: near their borders, where the spectra change most likely.

    `changes` are the first windows with another label; the label of window i holds from sample ``borders[i]`` to
    ``borders[i + 1]``. Beside silence a border stays. No section becomes shorter than `shortest` samples.
    """
    found = borders[changes].copy()
    if windows.profiles is None or not len(changes):
        return found
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
        frames = windows.profiles.slices[rows].reshape(-1, N_BANDS)
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
