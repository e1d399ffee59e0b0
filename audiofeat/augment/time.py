"""Effects on time and pitch, by librosa's phase vocoder, and other excerpts."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import Float, as_number, as_rate, as_signal
from audiofeat.augment.levels import rounded

OCTAVES = 3.0  # a vocoder says nothing beyond, and the lengths grow
N_FFT = 2048  # of librosa's vocoder


def excerpt(y: ArrayLike, sr: float, *, offset: float, duration: float) -> Float:
    """Return the part of a signal at another place.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal.
    sr : float
        Sample rate in Hz.
    offset : float
        Where the part begins, in seconds, ``>= 0``, rounded to samples.
    duration : float
        Its length in seconds, above 0, rounded to samples, but one at least.

    Returns
    -------
    ndarray, shape (..., round(duration * sr))
        A copy of the samples, in the dtype of `y`; zeros follow where the signal ends before.

    Raises
    ------
    ValueError
        If an argument is out of its range, or the signal ends before the part begins.
    TypeError
        If `y` holds no samples, or a number is none.

    Examples
    --------
    >>> from audiofeat import augment
    >>> augment.excerpt([1.0, 2.0, 3.0, 4.0], 2, offset=1.0, duration=1.5)
    array([3., 4., 0.])
    """
    y, sr = as_signal(y), as_rate(sr)
    start = round(as_number(offset, "offset", low=0.0) * sr)
    size = max(1, round(as_number(duration, "duration", low=0.0, open_low=True) * sr))
    if start >= y.shape[-1]:
        msg = f"offset must be < {y.shape[-1] / sr:g} s, where y ends, got {offset!r}"
        raise ValueError(msg)
    return fitted(y[..., start : start + size], size)


def pitch_shift(y: ArrayLike, *, n_steps: float) -> Float:
    """Raise or lower the pitch, and keep the length.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    n_steps : float
        Semitones, of twelve to the octave, in [-36, 36].

    Returns
    -------
    ndarray, shape of `y`
        The shifted signal, in the dtype of `y`; `y` itself, copied, for 0 semitones, and silence for silence.

    Raises
    ------
    ValueError
        If `n_steps` is out of its range, or `y` is empty or not finite.
    TypeError
        If `y` holds no samples, or `n_steps` is no number.

    Notes
    -----
    The signal is stretched as by `time_stretch`, and resampled to its length, by :func:`librosa.effects.pitch_shift`,
    whose result does not depend on the sample rate. A signal shorter than a frame of 2048 samples is followed by
    zeros on the way.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import augment
    >>> y = np.sin(2 * np.pi * 1000 / 22050 * np.arange(22050))
    >>> octave = augment.pitch_shift(y, n_steps=12.0)
    >>> int(np.abs(np.fft.rfft(octave)).argmax())
    2000
    """
    steps = as_number(n_steps, "n_steps", low=-12.0 * OCTAVES, high=12.0 * OCTAVES)
    y = as_signal(y)
    if steps == 0.0:
        return y.copy()
    from librosa.effects import pitch_shift as shifted

    return _vocoded(y, lambda padded: shifted(padded, sr=1.0, n_steps=steps), y.shape[-1])


def time_stretch(y: ArrayLike, *, rate: float) -> Float:
    """Play faster or slower, and keep the pitch.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    rate : float
        How many times as fast, in [1 / 8, 8].

    Returns
    -------
    ndarray, shape (..., round(n_samples / rate))
        The stretched signal, of one sample at least, in the dtype of `y`; `y` itself, copied, at the rate 1, and
        silence for silence.

    Raises
    ------
    ValueError
        If `rate` is out of its range, or `y` is empty or not finite.
    TypeError
        If `y` holds no samples, or `rate` is no number.

    Notes
    -----
    By the phase vocoder of :func:`librosa.effects.time_stretch`, with frames of 2048 samples, every 512. A signal
    that is shorter is followed by zeros on the way.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import augment
    >>> y = np.sin(2 * np.pi * 1000 / 22050 * np.arange(22050))
    >>> slow = augment.time_stretch(y, rate=0.5)
    >>> len(slow), int(np.abs(np.fft.rfft(slow)).argmax() / 2)
    (44100, 1000)
    """
    speed = as_number(rate, "rate", low=2.0**-OCTAVES, high=2.0**OCTAVES)
    y = as_signal(y)
    if speed == 1.0:
        return y.copy()
    from librosa.effects import time_stretch as stretched

    return _vocoded(y, lambda padded: stretched(padded, rate=speed), max(1, round(y.shape[-1] / speed)))


def _vocoded(y: Float, vocoder: Callable[[Float], Float], n_samples: int) -> Float:
    """Return what a vocoder makes of signals of one frame at least and of moderate level, in `n_samples`."""
    _, exponent = np.frexp(np.abs(y).max(axis=-1, keepdims=True))
    padded = fitted(np.ldexp(y, -exponent), max(N_FFT, y.shape[-1]))  # librosa warns of less than a frame
    out = fitted(vocoder(padded), n_samples)
    with np.errstate(over="ignore", under="ignore"):
        return rounded(np.ldexp(out, exponent), y)


def fitted(y: Float, n_samples: int) -> Float:
    """Return the first samples, followed by zeros where there are fewer, as a copy."""
    out = np.zeros((*y.shape[:-1], n_samples), y.dtype)
    kept = min(n_samples, y.shape[-1])
    out[..., :kept] = y[..., :kept]
    return out
