"""Effects on the level: gain, noise, and other signals."""

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import Float, as_number, as_signal

RandomState = int | np.random.Generator | None


def gain(y: ArrayLike, *, db: float) -> Float:
    """Make a signal louder or softer.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal.
    db : float
        By how much, in dB, in [-600, 600].

    Returns
    -------
    ndarray, shape of `y`
        ``10 ** (db / 20) * y``, in the dtype of `y`. Nothing is clipped.

    Raises
    ------
    ValueError
        If `db` is out of its range, `y` is empty or not finite, or the result too large for the dtype.
    TypeError
        If `y` holds no samples, or `db` is no number.

    Examples
    --------
    >>> from audiofeat import augment
    >>> augment.gain([1.0, -1.0], db=-20.0)
    array([ 0.1, -0.1])
    """
    factor = 10.0 ** (as_number(db, "db", low=-600.0, high=600.0) / 20.0)
    y = as_signal(y)
    with np.errstate(over="ignore"):
        return rounded(y.astype(np.float64) * factor, y)


def add_noise(y: ArrayLike, *, snr_db: float, random_state: RandomState = None) -> Float:
    r"""Add white noise at a ratio of signal to noise.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal.
    snr_db : float
        Energy of the signal over that of the noise, in dB, in [-200, 200].
    random_state : int, Generator or None
        For the noise: the same number, the same noise.

    Returns
    -------
    ndarray, shape of `y`
        The sum, in the dtype of `y`. Silence stays silence: no noise is soft enough for it.

    Raises
    ------
    ValueError
        If `snr_db` is out of its range, `y` is empty or not finite, or the result too large for the dtype.
    TypeError
        If `y` holds no samples, or `snr_db` is no number.

    Notes
    -----
    Gaussian noise n is scaled for each signal along the last axis so that :math:`10 \log_{10} (\sum y^2 / \sum n^2)`
    is `snr_db`, exactly and not on average, before the sum is rounded to the dtype of `y`.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import augment
    >>> y = np.ones(1000)
    >>> noise = augment.add_noise(y, snr_db=20.0, random_state=0) - y
    >>> round(float((noise**2).sum()), 6)
    10.0
    """
    ratio = 10.0 ** (as_number(snr_db, "snr_db", low=-200.0, high=200.0) / 20.0)
    y = as_signal(y)
    noise = np.random.default_rng(random_state).standard_normal(y.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        noise *= _norm(y) / (_norm(noise) * ratio)
        return rounded(y + noise, y)


def mix(y: ArrayLike, other: ArrayLike, *, ratio: float = 0.5) -> Float:
    r"""Mix another signal into one, at the energy of the first.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal.
    other : array_like, shape (n_other,) or (..., n_other)
        Signal at the same sample rate. It is cut, or repeated from its beginning, to the length of `y`.
    ratio : float
        Share of the energy which is that of `other`, in [0, 1].

    Returns
    -------
    ndarray, shape of `y`
        The mixture, in the dtype of `y`. Silence as `y` stays silence; silence as `other` leaves `y`, softer.

    Raises
    ------
    ValueError
        If `ratio` is out of its range, a signal is empty or not finite, the leading axes of `other` do not fit, or
        the result is too large for the dtype.
    TypeError
        If a signal holds no samples, or `ratio` is no number.

    Notes
    -----
    It is :math:`\sqrt{1 - r}\, y + \sqrt{r}\, (\|y\| / \|o\|)\, o` for each signal along the last axis: its energy is
    that of `y` if both are uncorrelated.

    Examples
    --------
    >>> from audiofeat import augment
    >>> augment.mix([5.0, 0.0], [0.0, 2.0], ratio=0.36)
    array([4., 3.])
    """
    share = as_number(ratio, "ratio", low=0.0, high=1.0)
    y, other = as_signal(y), as_signal(other, name="other")
    n_samples = y.shape[-1]
    other = np.take(other, np.arange(n_samples), axis=-1, mode="wrap").astype(np.float64)
    try:
        np.broadcast_to(other, y.shape)
    except ValueError as error:
        msg = f"other must have the leading axes of y, {y.shape[:-1]}, or none, got {other.shape[:-1]}"
        raise ValueError(msg) from error
    peak = np.abs(other).max(axis=-1, keepdims=True)
    other /= np.where(peak > 0.0, peak, 1.0)  # so that no square vanishes
    norm = _norm(other)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = other * (_norm(y) / np.where(norm > 0.0, norm, 1.0))
        return rounded(np.sqrt(1.0 - share) * y.astype(np.float64) + np.sqrt(share) * scaled, y)


def _norm(y: Float) -> Float:
    """Return the root of the energy of each signal, in float64, shape (..., 1)."""
    peak = np.abs(y).max(axis=-1, keepdims=True).astype(np.float64)
    scaled = y / np.where(peak > 0.0, peak, 1.0)  # squares neither overflow nor vanish
    norm: Float = np.sqrt(np.square(scaled).sum(axis=-1, keepdims=True)) * peak
    return norm


def rounded(total: Float, y: Float) -> Float:
    """Return float64 samples in the dtype of `y`."""
    with np.errstate(over="ignore", under="ignore"):
        out = total.astype(y.dtype, copy=False)
    if not np.isfinite(out).all():
        msg = f"y must leave room for the sum in {y.dtype}, got a peak of {np.abs(y).max():g}"
        raise ValueError(msg)
    return out
