"""The mel filter bank, and spectrograms in its bands."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from audiofeat._caching import remembered
from audiofeat._kernels.arguments import Bank
from audiofeat._threads import as_workers
from audiofeat._validation import Float, as_choice, as_count, as_number, as_rate, as_signal
from audiofeat.fourier import fft_frequencies
from audiofeat.fourier.engine import as_bank
from audiofeat.fourier.framing import Window, as_framing
from audiofeat.mel.decibels import Reference
from audiofeat.mel.recipe import Compression, Recipe, as_recipe, decibels, features
from audiofeat.mel.scales import as_range, hz_to_mel, mel_frequencies

SCALES = ("hz", "mel")


def mel_filterbank(
    sr: float,
    *,
    n_fft: int = 2048,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: str | float | None = "slaney",
    triangles: str = "hz",
    dtype: DTypeLike = np.float32,
) -> Float:
    """Triangular filters that turn a spectrum into mel bands.

    Parameters
    ----------
    sr : float
        Sample rate in Hz.
    n_fft : int
        Samples of a frame.
    n_mels : int
        Number of bands.
    fmin, fmax : float
        Lower edge of the first and upper edge of the last band in Hz, ``0 <= fmin < fmax <= sr / 2`` (the
        default of `fmax`).
    htk : bool
        HTK's mel scale instead of Slaney's.
    norm : "slaney", float or None
        ``"slaney"`` divides a band by half its width in Hz, so that white noise has the same level in all. A
        number p > 0 divides it by its p-norm: 1 makes the weights of a band sum to 1 (Essentia's
        ``unit_sum``). With None a triangle's peak is 1.
    triangles : {"hz", "mel"}
        The scale on which the sides of a band are straight: ``"hz"`` as in librosa, ``"mel"`` as in Essentia,
        Kaldi and HTK. Band edges are the same.
    dtype : dtype
        float32 or float64. `melspectrogram` uses the dtype of its signal.

    Returns
    -------
    ndarray, shape (n_mels, 1 + n_fft // 2)
        Weights, ``>= 0``. A band too narrow to hold a bin of the transform is a row of zeros.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import mel_filterbank, melspectrogram, spectrogram
    >>> y = np.sin(np.arange(22050.0))
    >>> S = mel_filterbank(22050, dtype=np.float64) @ spectrogram(y, power=2.0)
    >>> np.allclose(S, melspectrogram(y, 22050))
    True
    """
    sr, n_mels = as_rate(sr), as_count(n_mels, "n_mels")
    fmin, fmax = as_range(fmin, fmax, sr)
    name = as_choice(norm, "norm", ("slaney",)) if isinstance(norm, str) else None
    order = None if norm is None or name else as_number(norm, "norm", low=0.0, open_low=True)
    scale = as_choice(triangles, "triangles", SCALES)
    bins = fft_frequencies(sr, n_fft=n_fft)
    hz = mel_frequencies(n_mels + 2, fmin=fmin, fmax=fmax, htk=htk)
    x, edges = (hz_to_mel(bins, htk=htk), hz_to_mel(hz, htk=htk)) if scale == "mel" else (bins, hz)
    widths = np.diff(edges)[:, None]
    rising = (x - edges[:-2, None]) / widths[:-1]
    falling = (edges[2:, None] - x) / widths[1:]
    weights = np.maximum(0.0, np.minimum(rising, falling))
    if name:
        weights *= 2.0 / (hz[2:] - hz[:-2])[:, None]
    elif order is not None:
        size = np.linalg.norm(weights, ord=order, axis=1, keepdims=True)
        weights /= np.where(size > 0.0, size, 1.0)
    return weights.astype(as_choice(np.dtype(dtype).name, "dtype", ("float32", "float64")))


@remembered
def mel_bank(
    dtype: DTypeLike,
    sr: float,
    n_fft: int,
    n_mels: int,
    fmin: float,
    fmax: float | None,
    htk: bool,
    norm: str | float | None,
    triangles: str,
) -> Bank:
    """Return `mel_filterbank` as the kernels want it."""
    weights = mel_filterbank(
        sr,
        n_fft=n_fft,
        n_mels=n_mels,
        fmin=fmin,
        fmax=fmax,
        htk=htk,
        norm=norm,
        triangles=triangles,
        dtype=dtype,
    )
    return as_bank(weights)


@remembered
def _levels(dtype: DTypeLike, sr: float, n_fft: int, power: float, *bands: Any) -> Recipe:
    """Return the recipe of `melspectrogram`."""
    return as_recipe(dtype, 1 + n_fft // 2, power, mel_bank(dtype, sr, n_fft, *bands), Compression())


@remembered
def _decibels(
    dtype: DTypeLike,
    sr: float,
    n_fft: int,
    power: float,
    ref: Reference,
    amin: float,
    top_db: float | None,
    *bands: Any,
) -> Recipe:
    """Return the recipe of `logmel`."""
    bank = mel_bank(dtype, sr, n_fft, *bands)
    return as_recipe(dtype, 1 + n_fft // 2, power, bank, decibels(ref, amin, top_db))


def melspectrogram(
    y: ArrayLike,
    sr: float,
    *,
    n_fft: int = 2048,
    hop_length: int | None = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    power: float = 2.0,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: str | float | None = "slaney",
    triangles: str = "hz",
    workers: int = 1,
) -> Float:
    """Spectrogram in mel bands.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    sr : float
        Sample rate in Hz.
    n_fft, hop_length, win_length, window, center, pad_mode : as in `stft`
        Framing.
    power : float
        Exponent of the magnitudes, ``> 0``.
    n_mels, fmin, fmax, htk, norm, triangles : as in `mel_filterbank`
        Bands.
    workers : int
        Threads, as in `stft`.

    Returns
    -------
    ndarray, shape (..., n_mels, n_frames)
        ``mel_filterbank(sr) @ spectrogram(y, power=power)``, in the dtype of `y`; 0 for silence.

    Raises
    ------
    ValueError
        As `spectrogram` and `mel_filterbank`.
    TypeError
        As `stft`.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import melspectrogram
    >>> melspectrogram(np.zeros((2, 22050)), 22050).shape
    (2, 128, 44)
    """
    y = as_signal(y, finite=False)
    framing = as_framing(n_fft, hop_length, win_length, window, center, pad_mode)
    recipe = _levels(y.dtype, sr, framing.n_fft, power, n_mels, fmin, fmax, htk, norm, triangles)
    return features(y, framing, recipe, workers=as_workers(workers))


def logmel(
    y: ArrayLike,
    sr: float,
    *,
    n_fft: int = 2048,
    hop_length: int | None = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    power: float = 2.0,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: str | float | None = "slaney",
    triangles: str = "hz",
    ref: Reference = 1.0,
    amin: float = 1e-10,
    top_db: float | None = None,
    workers: int = 1,
) -> Float:
    """Mel spectrogram in decibels.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    sr : float
        Sample rate in Hz.
    n_fft, hop_length, win_length, window, center, pad_mode : as in `stft`
        Framing.
    power : float
        Exponent of the magnitudes: decibels of power want 2.
    n_mels, fmin, fmax, htk, norm, triangles : as in `mel_filterbank`
        Bands.
    ref, amin, top_db : as in `power_to_db`
        Decibels. `top_db` is None by default, so a frame depends on no other.
    workers : int
        Threads, as in `stft`.

    Returns
    -------
    ndarray, shape (..., n_mels, n_frames)
        ``power_to_db(melspectrogram(y, sr), top_db=None)``, in the dtype of `y`; -100 dB for silence.

    Raises
    ------
    ValueError
        As `melspectrogram` and `power_to_db`.
    TypeError
        As `stft`.

    Notes
    -----
    Everything is done in one pass over blocks of frames, so memory beyond the input and the output does not grow
    with the length; only `top_db` and a callable `ref`, which look at the whole clip, take a second one.

    In float32, bands of noise are exact to 3e-5 dB. Beside a loud tone, 97 of 100 bands within 60 dB of the
    loudest of their frame are exact to 1e-4 dB, and within 100 dB to 1e-2 dB; 8e-4 and 3e-2 dB were the worst
    seen. What lies still deeper is rounding noise of the transform, up to 1 dB off at 150 dB: a float64 signal
    has none of it.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import logmel
    >>> S = logmel(np.zeros(22050), 22050)
    >>> S.shape, float(S.max())
    ((128, 44), -100.0)
    """
    y = as_signal(y, finite=False)
    framing = as_framing(n_fft, hop_length, win_length, window, center, pad_mode)
    bands = (n_mels, fmin, fmax, htk, norm, triangles)
    recipe = _decibels(y.dtype, sr, framing.n_fft, power, ref, amin, top_db, *bands)
    return features(y, framing, recipe, workers=as_workers(workers))
