"""What a front end multiplies by: its window, its bands, its cosines."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audiofeat import FrontEnd, mel_filterbank

Array = NDArray[np.float64]


class Tables(NamedTuple):
    """The matrices of a front end in double precision, None where it has none."""

    window: Array  # (win_length,)
    bank: Array | None  # (n_bins, n_mels)
    cosines: Array | None  # (n_mels, number of coefficients that are not the energy)


@lru_cache(maxsize=32)
def tables_of(front_end: FrontEnd) -> Tables:
    """Return the tables of a front end."""
    window = front_end.gain * _window(front_end.window, win_length(front_end), front_end.symmetric)
    if front_end.n_mels is None:
        return Tables(window, None, None)
    bank = mel_filterbank(
        front_end.sr,
        n_fft=front_end.n_fft,
        n_mels=front_end.n_mels,
        fmin=front_end.fmin,
        fmax=front_end.fmax,
        htk=front_end.htk,
        norm=front_end.norm,
        triangles=front_end.triangles,
        dtype=np.float64,
    )
    return Tables(window, np.ascontiguousarray(bank.T), _cosines(front_end))


def win_length(front_end: FrontEnd) -> int:
    """Return the number of samples under the window."""
    return front_end.n_fft if front_end.win_length is None else front_end.win_length


def _window(window: str | float | tuple[Any, ...], length: int, symmetric: bool) -> Array:
    from scipy.signal import get_window  # takes a second to import

    if window == "povey":  # Kaldi's; rounding leaves Hann's ends a little below 0
        return np.maximum(_window("hann", length, symmetric), 0.0) ** 0.85
    return np.asarray(get_window(window, length, fftbins=not symmetric), np.float64)


def _cosines(front_end: FrontEnd) -> Array | None:
    """Return the orthonormal DCT-II with the lifter, but for the coefficient whose place the energy takes."""
    if front_end.n_mfcc is None:
        return None
    from scipy.fft import dct

    rows = dct(np.eye(front_end.n_mels or 0), type=2, axis=0, norm="ortho")[: front_end.n_mfcc]
    if front_end.lifter > 0.0:
        n = front_end.lifter_start + np.arange(front_end.n_mfcc)[:, None]
        rows = rows * (1.0 + front_end.lifter / 2.0 * np.sin(np.pi * n / front_end.lifter))
    return np.ascontiguousarray(rows[front_end.log_energy == "c0" :].T)


def fourier_matrix(length: int, n_fft: int) -> Array:
    """Return the matrix, (length, 2 * n_bins), whose product with samples is their spectrum: real, imaginary parts."""
    turns = np.outer(np.arange(length), np.arange(1 + n_fft // 2)) % n_fft / n_fft
    return np.concatenate([np.cos(2.0 * np.pi * turns), -np.sin(2.0 * np.pi * turns)], axis=1)
