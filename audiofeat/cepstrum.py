"""Mel-frequency cepstral coefficients, and derivatives in time."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from audiofeat._caching import remembered
from audiofeat._kernels.arguments import Bank
from audiofeat._threads import as_workers
from audiofeat._validation import Float, as_choice, as_count, as_number, as_signal
from audiofeat.fourier.engine import as_bank
from audiofeat.fourier.framing import Window, as_framing
from audiofeat.mel.bands import mel_bank
from audiofeat.mel.decibels import Reference
from audiofeat.mel.recipe import Recipe, as_recipe, decibels, features
from audiofeat.mel.scales import as_levels

DCT_NORMS = ("backward", "forward", "ortho")
EDGE_MODES = ("constant", "interp", "mirror", "nearest", "wrap")


def mfcc(
    y: ArrayLike,
    sr: float,
    *,
    n_mfcc: int = 20,
    dct_type: int = 2,
    norm: str | None = "ortho",
    lifter: float = 0.0,
    mel_norm: str | float | None = "slaney",
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
    triangles: str = "hz",
    ref: Reference = 1.0,
    amin: float = 1e-10,
    top_db: float | None = None,
    workers: int = 1,
) -> Float:
    r"""Mel-frequency cepstral coefficients.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    sr : float
        Sample rate in Hz.
    n_mfcc : int
        Number of coefficients, ``1 <= n_mfcc <= n_mels``.
    dct_type : {1, 2, 3, 4}
        Type of the discrete cosine transform; type 1 needs ``n_mels >= 2``.
    norm : {"ortho", "backward", "forward"} or None
        Normalisation of the transform, as in :func:`scipy.fft.dct`; None is ``"backward"``.
    lifter : float
        Coefficient n = 1, 2, ... is multiplied by :math:`1 + \frac{L}{2} \sin(\pi n / L)`; 0 does not.
    mel_norm : "slaney", float or None
        The `norm` of `mel_filterbank`.
    n_fft, hop_length, win_length, window, center, pad_mode : as in `stft`
        Framing.
    power : float
        Exponent of the magnitudes.
    n_mels, fmin, fmax, htk, triangles : as in `mel_filterbank`
        Bands.
    ref, amin, top_db : as in `power_to_db`
        Decibels. `top_db` is None by default, so a frame depends on no other.
    workers : int
        Threads, as in `stft`.

    Returns
    -------
    ndarray, shape (..., n_mfcc, n_frames)
        The cosine transform of `logmel` over its bands, in the dtype of `y`. Silence has a first coefficient
        of ``-100 * sqrt(n_mels)`` and zeros.

    Raises
    ------
    ValueError
        As `logmel`, or if `n_mfcc`, `dct_type`, `norm` or `lifter` is out of its range.
    TypeError
        As `stft`.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import mfcc
    >>> mfcc(np.sin(np.arange(22050.0)), 22050, n_mfcc=13).shape
    (13, 44)
    """
    y = as_signal(y, finite=False)
    framing = as_framing(n_fft, hop_length, win_length, window, center, pad_mode)
    bands = (n_mels, fmin, fmax, htk, mel_norm, triangles)
    cosines = (n_mfcc, n_mels, dct_type, norm, lifter)
    recipe = _recipe(y.dtype, sr, framing.n_fft, power, ref, amin, top_db, *cosines, *bands)
    return features(y, framing, recipe, workers=as_workers(workers))


@remembered
def _recipe(
    dtype: DTypeLike,
    sr: float,
    n_fft: int,
    power: float,
    ref: Reference,
    amin: float,
    top_db: float | None,
    n_mfcc: int,
    n_mels: int,
    dct_type: int,
    norm: str | None,
    lifter: float,
    *bands: Any,
) -> Recipe:
    """Return the recipe of `mfcc`."""
    cosines = cosine_bank(dtype, n_mfcc, n_mels, dct_type, norm, lifter)
    bank = mel_bank(dtype, sr, n_fft, *bands)
    return as_recipe(dtype, 1 + n_fft // 2, power, bank, decibels(ref, amin, top_db), cosines)


@remembered
def cosine_bank(
    dtype: DTypeLike,
    n_mfcc: int,
    n_bands: int,
    dct_type: Any = 2,
    norm: Any = "ortho",
    lifter: float = 0.0,
    lifter_start: int = 1,
) -> Bank:
    """Return the first rows of the matrix of the cosine transform, each with its factor of the lifter.

    The lifter counts the rows from `lifter_start` on.
    """
    from scipy.fft import dct

    n_bands = as_count(n_bands, "n_mels")
    n_mfcc = as_count(n_mfcc, "n_mfcc", high=n_bands)
    dct_type = as_count(dct_type, "dct_type", high=4)
    if dct_type == 1 and n_bands == 1:
        msg = "n_mels must be >= 2 for dct_type = 1, got 1"
        raise ValueError(msg)
    scaling: Any = "backward" if norm is None else as_choice(norm, "norm", DCT_NORMS)
    lifter = as_number(lifter, "lifter", low=0.0)
    rows = dct(np.eye(n_bands), type=dct_type, axis=0, norm=scaling)[:n_mfcc]
    if lifter > 0.0:
        n = lifter_start + np.arange(n_mfcc)[:, None]
        rows *= 1.0 + lifter / 2.0 * np.sin(np.pi * n / lifter)
    return as_bank(rows.astype(dtype))


def delta(X: ArrayLike, *, width: int = 9, order: int = 1, axis: int = -1, mode: str = "interp") -> Float:
    """Local derivative of features in time.

    Parameters
    ----------
    X : array_like, shape (..., n_features, n_frames)
        Features, of any number of axes.
    width : int
        Frames of the window, odd, ``>= 3`` and ``> order``; with ``mode="interp"`` not more than there are.
    order : int
        Order of the derivative, and of the polynomial that is fitted, ``>= 1``.
    axis : int
        Axis of time.
    mode : {"interp", "mirror", "constant", "nearest", "wrap"}
        What the ends use: the polynomial of the first or last `width` frames, or frames beyond, as in
        :func:`scipy.signal.savgol_filter`.

    Returns
    -------
    ndarray, shape of `X`
        Derivative per frame (to the power `order`), in the dtype of float32 or float64 input, else float64.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `X` is empty or not finite.
    TypeError
        If `X` is not real.

    Notes
    -----
    Savitzky-Golay filter [1]_: each value is a derivative, at its frame, of the polynomial that fits the
    window around it best.

    References
    ----------
    .. [1] A. Savitzky and M. J. E. Golay, "Smoothing and differentiation of data by simplified least squares
       procedures", Analytical Chemistry 36(8), 1964.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import delta
    >>> delta(3.0 * np.arange(10.0)).round(12)
    array([3., 3., 3., 3., 3., 3., 3., 3., 3., 3.])
    """
    from scipy.signal import savgol_filter  # takes a second to import

    X = np.atleast_1d(as_levels(X, "X", low=-np.inf))
    order = as_count(order, "order")
    width = as_count(width, "width", low=max(3, order + 1))
    axis = as_count(axis, "axis", low=-X.ndim, high=X.ndim - 1)
    ends: Any = as_choice(mode, "mode", EDGE_MODES)
    if width % 2 == 0:
        msg = f"width must be odd, got {width}"
        raise ValueError(msg)
    rows = np.moveaxis(X, axis, -1)
    if mode == "interp" and width > rows.shape[-1]:
        msg = f"width must be <= {rows.shape[-1]}, the number of frames, for mode='interp', got {width}"
        raise ValueError(msg)
    # One by one, as above, and in double precision: the ends are least-squares solutions.
    items = rows.reshape(-1, *rows.shape[-2:])
    slopes = [savgol_filter(item.astype(np.float64), width, order, deriv=order, mode=ends) for item in items]
    return np.moveaxis(np.stack(slopes).astype(X.dtype, copy=False).reshape(rows.shape), -1, axis)
