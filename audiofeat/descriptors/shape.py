"""Descriptors of the shape of magnitude spectra: centroid, bandwidth, roll-off, flatness, fitted polynomials."""

import math

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from audiofeat._caching import remembered
from audiofeat._kernels.arguments import LOG, Finish
from audiofeat._kernels.memory import width
from audiofeat._kernels.shape import count_below, logs_and_sums, moments
from audiofeat._validation import Float, as_count, as_number, as_rate
from audiofeat.descriptors._blocks import as_frames, for_lanes, in_bands, of_spectra
from audiofeat.fourier import fft_frequencies
from audiofeat.fourier.engine import as_bank, as_finish
from audiofeat.fourier.framing import Window


def spectral_centroid(
    y: ArrayLike,
    sr: float,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
) -> Float:
    r"""Centre of gravity of each magnitude spectrum.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    sr : float
        Sample rate in Hz.
    n_fft, hop_length, win_length, window, center, pad_mode : as in `stft`
        Framing.

    Returns
    -------
    ndarray, shape (..., 1, n_frames)
        :math:`\sum_k f_k S_k / \sum_k S_k` in Hz, in the dtype of `y`; 0 for silence.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite, or too short without `center`.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import spectral_centroid
    >>> click = np.zeros(2048)
    >>> click[1024] = 1.0
    >>> spectral_centroid(click, 22050, center=False)  # all frequencies alike
    array([[5512.5]])
    """
    bins = fft_frequencies(as_rate(sr), n_fft=n_fft)
    frames = as_frames(n_fft, hop_length, win_length, window, center, pad_mode)
    return of_spectra(y, frames, lambda S: moments_of(S, bins)[:1])


def spectral_bandwidth(
    y: ArrayLike,
    sr: float,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    norm: bool = True,
    p: float = 2.0,
) -> Float:
    r"""Spread of each magnitude spectrum about its centroid.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    sr : float
        Sample rate in Hz.
    n_fft, hop_length, win_length, window, center, pad_mode : as in `stft`
        Framing.
    norm : bool
        Weigh by magnitudes scaled to a sum of 1; else by the magnitudes themselves.
    p : float
        Exponent of the distances, ``> 0``; 2 is a standard deviation.

    Returns
    -------
    ndarray, shape (..., 1, n_frames)
        :math:`(\sum_k S_k |f_k - c|^p)^{1/p}` in Hz, with the centroid c, in the dtype of `y`; 0 for silence.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite, or too short without `center`.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import spectral_bandwidth
    >>> click = np.zeros(2048)
    >>> click[1024] = 1.0
    >>> spectral_bandwidth(click, 22050, center=False).round(1)  # 11025 / sqrt(12), and half a bin
    array([[3185.7]])
    """
    bins, p = fft_frequencies(as_rate(sr), n_fft=n_fft), as_number(p, "p", low=0.0, open_low=True)
    frames = as_frames(n_fft, hop_length, win_length, window, center, pad_mode)
    return of_spectra(y, frames, lambda S: moments_of(S, bins, p, bool(norm))[1:])


def moments_of(S: Float, bins: Float, p: float = 2.0, norm: bool = True) -> Float:
    """Return the rows of `spectral_centroid` and `spectral_bandwidth` of magnitudes, shape (n_bins, n_frames)."""
    levels = for_lanes(S)
    out, work = np.empty((2, levels.shape[1]), S.dtype), np.empty(width(levels), S.dtype)
    tiny = float(np.finfo(S.dtype).tiny)
    moments(levels.reshape(-1), *levels.shape, bins, p, norm, tiny, work, out.reshape(-1))
    out[1] **= 1.0 / p
    return out[:, : S.shape[1]]


def spectral_rolloff(
    y: ArrayLike,
    sr: float,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    roll_percent: float = 0.85,
) -> Float:
    """Frequency below which a share of each magnitude spectrum lies.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    sr : float
        Sample rate in Hz.
    n_fft, hop_length, win_length, window, center, pad_mode : as in `stft`
        Framing.
    roll_percent : float
        The share, in (0, 1).

    Returns
    -------
    ndarray, shape (..., 1, n_frames)
        The frequency in Hz of the first bin up to which the magnitudes sum to that share of all or more, in the
        dtype of `y`; 0 for silence. In float32 rounding moves it by a bin where a sum is next to the share.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite, or too short without `center`.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import spectral_rolloff
    >>> click = np.zeros(2048)
    >>> click[1024] = 1.0
    >>> spectral_rolloff(click, 2048, center=False)  # 872 of 1025 bins: from 0 to 871 Hz
    array([[871.]])
    """
    bins = fft_frequencies(as_rate(sr), n_fft=n_fft)
    share = as_share(roll_percent, "roll_percent")
    frames = as_frames(n_fft, hop_length, win_length, window, center, pad_mode)
    return of_spectra(y, frames, lambda S: rolloff_of(S, bins, share))


def as_share(value: float, name: str) -> float:
    """Return a number between 0 and 1."""
    share = as_number(value, name, low=0.0, high=1.0, open_low=True)
    if share == 1.0:
        msg = f"{name} must be in (0, 1), got {value!r}"
        raise ValueError(msg)
    return share


def rolloff_of(S: Float, bins: Float, share: float = 0.85) -> Float:
    """Return the row of `spectral_rolloff` of magnitudes, shape (n_bins, n_frames)."""
    levels = for_lanes(S)
    counts = np.empty(levels.shape[1], S.dtype)
    count_below(levels.reshape(-1), *levels.shape, share, counts)
    return bins[counts[None, : S.shape[1]].astype(np.intp)].astype(S.dtype)


def spectral_flatness(
    y: ArrayLike,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    amin: float = 1e-10,
    power: float = 2.0,
) -> Float:
    r"""Ratio of the geometric to the arithmetic mean of each spectrum.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    n_fft, hop_length, win_length, window, center, pad_mode : as in `stft`
        Framing.
    amin : float
        Floor under the powers, ``> 0``.
    power : float
        Exponent of the magnitudes, ``> 0``.

    Returns
    -------
    ndarray, shape (..., 1, n_frames)
        Ratios in [0, 1] in the dtype of `y`: 1 for a click or silence, 0.56 for white noise on average, near 0
        for a tone.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite, or too short without `center`.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import spectral_flatness
    >>> click = np.zeros(2048)
    >>> click[1024] = 1.0
    >>> spectral_flatness(click, center=False).round(6)
    array([[1.]])
    """
    amin = as_number(amin, "amin", low=0.0, open_low=True)
    power = as_number(power, "power", low=0.0, open_low=True)
    frames = as_frames(n_fft, hop_length, win_length, window, center, pad_mode)
    return of_spectra(y, frames, lambda S: flatness_of(S, amin, power))


def flatness_of(S: Float, amin: float = 1e-10, power: float = 2.0) -> Float:
    """Return the row of `spectral_flatness` of magnitudes, shape (n_bins, n_frames)."""
    levels, log = for_lanes(S), _natural(S.dtype)
    out, work = np.empty((2, levels.shape[1]), S.dtype), np.empty(width(levels), S.dtype)
    least = max(amin, float(np.finfo(S.dtype).tiny))
    tables = (power, least, math.log(least), log.octave, log.rest)
    logs_and_sums(levels.reshape(-1), *levels.shape, *tables, work, out.reshape(-1))
    logs, sums = out[:, None, : S.shape[1]] / len(S)
    flatness: Float = least * np.exp(logs) / sums
    return flatness


@remembered
def _natural(dtype: DTypeLike) -> Finish:
    """Return how natural logarithms are taken."""
    return as_finish(dtype, compression=LOG)


def poly_features(
    y: ArrayLike,
    sr: float,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    order: int = 1,
) -> Float:
    """Polynomial in frequency that fits each magnitude spectrum best.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    sr : float
        Sample rate in Hz.
    n_fft, hop_length, win_length, window, center, pad_mode : as in `stft`
        Framing.
    order : int
        Degree of the polynomial, from 0 to ``n_fft // 2``.

    Returns
    -------
    ndarray, shape (..., order + 1, n_frames)
        Coefficients, that of the highest power of the frequency in Hz first, by least squares as
        :func:`numpy.polyfit`, in the dtype of `y`; 0 for silence.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite, or too short without `center`.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import poly_features
    >>> click = np.zeros(2048)
    >>> click[1024] = 1.0
    >>> np.abs(poly_features(click, 22050, center=False).round(9))  # constant, without a slope
    array([[0.],
           [1.]])
    """
    frames = as_frames(n_fft, hop_length, win_length, window, center, pad_mode)
    sr, order = as_rate(sr), as_count(order, "order", low=0, high=frames.n_fft // 2)
    return of_spectra(y, frames, lambda S: polynomials_of(S, sr, frames.n_fft, order))


def polynomials_of(S: Float, sr: float, n_fft: int, order: int = 1) -> Float:
    """Return the rows of `poly_features` of magnitudes, shape (n_bins, n_frames)."""
    basis, to_coefficients = _fit(S.dtype, sr, n_fft, order)
    coefficients: Float = to_coefficients @ in_bands(S, basis)
    return coefficients.astype(S.dtype)


@remembered
def _fit(dtype: DTypeLike, sr: float, n_fft: int, order: int) -> tuple[Finish, Float]:
    """Return orthonormal polynomials, so that float32 does for the sums, and the matrix from their sums."""
    powers = np.vander(fft_frequencies(sr, n_fft=n_fft), order + 1)
    scale = np.linalg.norm(powers, axis=0)
    q, r = np.linalg.qr(powers / scale)
    return as_finish(dtype, as_bank(q.T.astype(dtype))), np.linalg.inv(r) / scale[:, None]
