"""Distances between windows, given in blocks so that a long file's matrix need never be whole."""

from collections.abc import Callable, Sequence

import numpy as np

from audiofeat._validation import Float
from audiofeat.mel import melspectrogram
from audiofeat.sem import SpectralErrorFactors, spectral_error_product

Tile = Callable[[slice, slice], Float]  # distances between two ranges of windows

SCATTER = 0.1  # of the spectral error measure between windows of one process
ROUNDING = 1e-9  # of the same
RANGE_DB = 80.0  # bands that lie further below a window's loudest are taken to lie there
DIAGONAL = 64  # windows in one block on a diagonal
THINNED = 300  # windows that are looked at for a median


def timbre(windows: Float, sr: float) -> Float:
    """Return the mean log-mel spectrum of each window in dB, less its level, shape (n_windows, 128).

    `windows` has shape (n_windows, n_samples), and frames lie inside of them: a window's timbre is its own affair.
    """
    n_fft = 1 << (min(2048, windows.shape[1]).bit_length() - 1)
    power = melspectrogram(windows, sr, n_fft=n_fft, hop_length=max(1, n_fft // 4), center=False)
    peak = power.max(axis=(-2, -1), keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.where(peak > 0.0, 10.0 * np.log10(power / peak), 0.0)
    bands = np.maximum(level, -RANGE_DB).mean(axis=-1)
    centred: Float = bands - bands.mean(axis=-1, keepdims=True)
    return centred


def feature_distances(rows: Float) -> Tile:
    """Return the root mean square difference of windows' features, shape (n_windows, n_features)."""
    energy = (rows * rows).sum(axis=-1)

    def tile(i: slice, j: slice) -> Float:
        square = energy[i, None] + energy[j] - 2.0 * (rows[i] @ rows[j].T)
        # Equal windows are at distance 0, to the last bit: rounding must not decide what their neighbours are.
        distance: Float = np.sqrt(
            np.where(square > ROUNDING * energy.max(initial=0.0), square, 0.0) / max(rows.shape[1], 1)
        )
        return distance

    return tile


def spectral_error_distances(factors: SpectralErrorFactors) -> Tile:
    """Return the logarithm of the measure's excess over its diagonal, symmetrised."""
    n = len(factors.error)
    own = diagonal(lambda i, j: spectral_error_product(factors.rows(i), factors.rows(j)), n)

    def tile(i: slice, j: slice) -> Float:
        there = spectral_error_product(factors.rows(i), factors.rows(j))
        back = there if i == j else spectral_error_product(factors.rows(j), factors.rows(i))
        excess = (there + back.T - (own[i, None] + own[j])) / 2.0
        # Linear inside the scatter of one process, logarithmic beyond.
        distance: Float = np.log1p(np.where(excess > ROUNDING, excess, 0.0) / SCATTER)
        return distance

    return tile


def fused(tiles: Sequence[tuple[Tile, float, float]], n: int) -> Tile:
    """Return the weighted sum of distances, each over its median, or over a floor where the median is smaller.

    `tiles` are distances, floors, which are what two windows of one sound may have, and weights.
    """
    thin = slice(None, None, -(-n // THINNED))
    upper = np.triu_indices(len(range(n)[thin]), 1)
    scales = [max(float(np.median(tile(thin, thin)[upper])), floor) for tile, floor, _ in tiles]

    def total(i: slice, j: slice) -> Float:
        parts = [tile(i, j) * (weight / scale) for (tile, _, weight), scale in zip(tiles, scales, strict=True)]
        distance: Float = np.sum(parts, axis=0)
        return distance

    return total


def diagonal(tile: Tile, n: int, offset: int = 0) -> Float:
    """Return a diagonal of a matrix that is given in blocks."""
    parts = []
    for start in range(0, n, DIAGONAL):
        rows = slice(start, min(start + DIAGONAL + offset, n))
        parts.append(np.diagonal(tile(rows, rows), offset))
    return np.concatenate(parts)
