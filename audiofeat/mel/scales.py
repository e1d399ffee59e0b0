"""The mel scale, and the gate for arrays of levels and frequencies."""

import math

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import Float, as_count, as_number, as_signal

KNEE = 1000.0  # Slaney's scale is linear below this frequency and logarithmic above
HZ_PER_MEL = 200.0 / 3.0
STEP = math.log(6.4) / 27.0


def hz_to_mel(frequencies: ArrayLike, *, htk: bool = False) -> Float:
    r"""Convert frequencies to mels.

    Parameters
    ----------
    frequencies : array_like, any shape
        Frequencies in Hz, ``>= 0``.
    htk : bool
        HTK's formula, :math:`2595 \log_{10}(1 + f / 700)`; otherwise Slaney's (Auditory Toolbox): 3 mel for
        200 Hz up to 1000 Hz, and 27 mel for a factor of 6.4 above.

    Returns
    -------
    ndarray, shape of `frequencies`
        Mels, in the dtype of float32 or float64 input, else float64.

    Raises
    ------
    ValueError
        If a frequency is negative or not finite.

    Examples
    --------
    >>> from audiofeat import hz_to_mel
    >>> hz_to_mel([0.0, 200.0, 1000.0, 6400.0])
    array([ 0.,  3., 15., 42.])
    """
    f = as_levels(frequencies, "frequencies")
    if htk:
        mels = 2595.0 * np.log10(1.0 + f / 700.0)
    else:
        mels = np.where(f < KNEE, f / HZ_PER_MEL, KNEE / HZ_PER_MEL + np.log(np.maximum(f, KNEE) / KNEE) / STEP)
    result: Float = mels[()]  # a scalar for a scalar
    return result


def mel_to_hz(mels: ArrayLike, *, htk: bool = False) -> Float:
    """Convert mels to frequencies: the inverse of `hz_to_mel`.

    Parameters
    ----------
    mels : array_like, any shape
        Mels, ``>= 0``.
    htk : bool
        HTK's formula instead of Slaney's.

    Returns
    -------
    ndarray, shape of `mels`
        Frequencies in Hz, in the dtype of float32 or float64 input, else float64.

    Raises
    ------
    ValueError
        If a value is negative or not finite.

    Examples
    --------
    >>> from audiofeat import mel_to_hz
    >>> mel_to_hz([0.0, 3.0, 15.0, 42.0])
    array([   0.,  200., 1000., 6400.])
    """
    m = as_levels(mels, "mels")
    if htk:
        frequencies = 700.0 * (10.0 ** (m / 2595.0) - 1.0)
    else:
        knee = KNEE / HZ_PER_MEL
        frequencies = np.where(m < knee, HZ_PER_MEL * m, KNEE * np.exp(STEP * (np.maximum(m, knee) - knee)))
    result: Float = frequencies[()]
    return result


def mel_frequencies(n_mels: int = 128, *, fmin: float = 0.0, fmax: float = 11025.0, htk: bool = False) -> Float:
    """Return frequencies that are equally spaced in mels.

    Parameters
    ----------
    n_mels : int
        Number of frequencies. A bank of n bands has ``n + 2`` edges.
    fmin, fmax : float
        First and last frequency in Hz, ``0 <= fmin < fmax``.
    htk : bool
        HTK's mel scale instead of Slaney's.

    Returns
    -------
    ndarray, shape (n_mels,)
        Frequencies in Hz, float64.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> from audiofeat import mel_frequencies
    >>> mel_frequencies(5, fmax=1000.0)
    array([   0.,  250.,  500.,  750., 1000.])
    """
    n_mels = as_count(n_mels, "n_mels")
    fmin, fmax = as_range(fmin, fmax)
    edges = np.linspace(hz_to_mel(fmin, htk=htk), hz_to_mel(fmax, htk=htk), n_mels)
    return mel_to_hz(edges, htk=htk)


def as_levels(S: ArrayLike, name: str, *, low: float = 0.0) -> Float:
    """Return finite real numbers, not below `low`, of any shape; integers are numbers here, not PCM."""
    array = np.asarray(S)
    if array.dtype.kind == "c":
        msg = f"{name} must be real, got dtype {array.dtype}: take np.abs first"
        raise TypeError(msg)
    array = array.astype(np.float64) if array.dtype.kind in "iu" else array
    array = as_signal(array.reshape(-1), name=name).reshape(array.shape)
    if array.min() < low:
        msg = f"{name} must be >= {low:g}, got {array.min()}"
        raise ValueError(msg)
    return array


def as_range(fmin: float, fmax: float | None, sr: float | None = None) -> tuple[float, float]:
    """Return checked band limits in Hz, up to half of `sr` where it is given."""
    nyquist = np.inf if sr is None else sr / 2.0
    high = as_number(nyquist if fmax is None else fmax, "fmax", low=0.0, high=nyquist, open_low=True)
    low = as_number(fmin, "fmin", low=0.0)
    if low >= high:
        msg = f"fmin must be < fmax = {high:g} Hz, got {low:g}"
        raise ValueError(msg)
    return low, high
