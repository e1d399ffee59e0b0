"""Power and amplitude to decibels, and back."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import Float, as_number
from audiofeat.mel.scales import as_levels

Reference = float | Callable[[Float], Any]


def power_to_db(S: ArrayLike, *, ref: Reference = 1.0, amin: float = 1e-10, top_db: float | None = 80.0) -> Float:
    r"""Convert power to decibels.

    Parameters
    ----------
    S : array_like, any shape
        Power, ``>= 0``.
    ref : float or callable
        The power of 0 dB, ``>= 0``, or a function of an item that returns it, such as :func:`numpy.max`.
    amin : float
        Power below which `S` and `ref` are clipped, ``> 0``; not below the smallest normal number.
    top_db : float, optional
        Clip an item at this distance in dB, ``>= 0``, below its own maximum; None does not.

    Returns
    -------
    ndarray, shape of `S`
        :math:`10 \log_{10}(\max(S, amin) / \max(ref, amin))`, in the dtype of float32 or float64 input, else
        float64.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `S` is negative or not finite.
    TypeError
        If `S` is complex.

    Notes
    -----
    An item is what the last two axes hold: one spectrogram of a batch. For `top_db` and a callable `ref`
    librosa looks at all items at once, so that a clip depends on its neighbours in the batch; for up to two
    axes both agree.

    Examples
    --------
    >>> from audiofeat import power_to_db
    >>> power_to_db([1.0, 0.1, 0.0])
    array([  0., -10., -80.])
    """
    power = as_levels(S, "S")
    return write_decibels(power.copy(), item_reference(power, ref), amin, top_db)


def amplitude_to_db(S: ArrayLike, *, ref: Reference = 1.0, amin: float = 1e-5, top_db: float | None = 80.0) -> Float:
    """Convert amplitude to decibels.

    Parameters
    ----------
    S : array_like, any shape
        Amplitude, ``>= 0``.
    ref, amin, top_db : as in `power_to_db`
        Both `ref` and `amin` are amplitudes.

    Returns
    -------
    ndarray, shape of `S`
        ``power_to_db(S ** 2, ref=ref ** 2, amin=amin ** 2, top_db=top_db)``.

    Raises
    ------
    ValueError
        As `power_to_db`.
    TypeError
        As `power_to_db`.

    Examples
    --------
    >>> from audiofeat import amplitude_to_db
    >>> amplitude_to_db([1.0, 0.1, 0.0])
    array([  0., -20., -80.])
    """
    amplitude = as_levels(S, "S")
    amin = as_number(amin, "amin", low=0.0, open_low=True)
    return write_decibels(np.square(amplitude), item_reference(amplitude, ref) ** 2, amin**2, top_db)


def db_to_power(S_db: ArrayLike, *, ref: float = 1.0) -> Float:
    """Convert decibels to power: the inverse of `power_to_db`.

    Parameters
    ----------
    S_db : array_like, any shape
        Decibels.
    ref : float
        The power of 0 dB, ``>= 0``.

    Returns
    -------
    ndarray, shape of `S_db`
        ``ref * 10 ** (S_db / 10)``, in the dtype of float32 or float64 input, else float64.

    Raises
    ------
    ValueError
        If `ref` is negative, or `S_db` not finite.

    Examples
    --------
    >>> from audiofeat import db_to_power
    >>> db_to_power([0.0, 10.0, 20.0])
    array([  1.,  10., 100.])
    """
    power: Float = np.power(10.0, as_levels(S_db, "S_db", low=-np.inf) * 0.1)
    return power * as_number(ref, "ref", low=0.0)


def db_to_amplitude(S_db: ArrayLike, *, ref: float = 1.0) -> Float:
    """Convert decibels to amplitude: the inverse of `amplitude_to_db`.

    Parameters
    ----------
    S_db : array_like, any shape
        Decibels.
    ref : float
        The amplitude of 0 dB, ``>= 0``.

    Returns
    -------
    ndarray, shape of `S_db`
        ``ref * 10 ** (S_db / 20)``, in the dtype of float32 or float64 input, else float64.

    Raises
    ------
    ValueError
        If `ref` is negative, or `S_db` not finite.

    Examples
    --------
    >>> from audiofeat import db_to_amplitude
    >>> db_to_amplitude([0.0, 20.0, 40.0])
    array([  1.,  10., 100.])
    """
    amplitude: Float = np.power(10.0, as_levels(S_db, "S_db", low=-np.inf) * 0.05)
    return amplitude * as_number(ref, "ref", low=0.0)


def item_reference(S: Float, ref: Reference) -> Float:
    """Return the reference of each item of `S`, in a shape that broadcasts over it."""
    if not callable(ref):
        return np.asarray(as_number(ref, "ref", low=0.0), S.dtype)
    items = S.reshape(-1, *S.shape[-2:]) if S.ndim > 2 else S[None]
    references = [as_number(ref(item), "ref", low=0.0) for item in items]
    return np.array(references, S.dtype).reshape(*S.shape[:-2], *(1,) * min(S.ndim, 2))


def write_decibels(S: Float, reference: Float, amin: float, top_db: float | None) -> Float:
    """Turn checked powers into decibels in place: `power_to_db` without a second array."""
    amin = max(as_number(amin, "amin", low=0.0, open_low=True), float(np.finfo(S.dtype).tiny))
    np.maximum(S, amin, out=S)
    np.log10(S, out=S)
    S *= 10.0
    S -= 10.0 * np.log10(np.maximum(reference, amin))
    if top_db is not None:
        item = tuple(range(max(S.ndim - 2, 0), S.ndim))
        floor = S.max(axis=item, keepdims=True) - as_number(top_db, "top_db", low=0.0)
        np.maximum(S, floor, out=S)
    decibels: Float = S[()]
    return decibels
