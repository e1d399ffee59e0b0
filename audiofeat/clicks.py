"""Clicks that are heard over music: one at each of some places, each at its pitch."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audiofeat._validation import Float

DURATION = 0.1  # s
DECAY = 0.015  # s, until it has fallen to 1 / e
LOWEST = 440.0  # Hz
STEPS = (0, 3, 5, 7, 10)  # semitones: any two of a pentatonic scale are told apart and sound well
OCTAVES = 4
HIGHEST = 0.4  # of the sample rate


def pitches(numbers: Sequence[int], *, sr: float) -> list[float]:
    """Return a pitch for each number: up four octaves of a pentatonic scale from 440 Hz, for -1 the octave below.

    Parameters
    ----------
    numbers : sequence of int
        Numbers from -1 on; from 20 on the scale begins anew.
    sr : float
        Sample rate in Hz. Pitches that it has no room for are lowered by octaves.

    Returns
    -------
    list of float
        Frequencies in Hz.
    """
    found = []
    for number in numbers:
        octave, step = divmod(number % (OCTAVES * len(STEPS)), len(STEPS))
        frequency = LOWEST * 2.0 ** (octave + STEPS[step] / 12.0) if number >= 0 else LOWEST / 2.0
        while frequency > HIGHEST * sr:
            frequency /= 2.0
        found.append(frequency)
    return found


def click_track(starts: NDArray[np.intp], frequencies: Sequence[float], *, sr: float, begin: int, end: int) -> Float:
    """Return the samples from `begin` to `end` of a track of clicks, tones of 0.1 s that die away.

    Parameters
    ----------
    starts : ndarray of int, shape (n_clicks,)
        First sample of each click, ascending; one ends where the next begins.
    frequencies : sequence of float
        Frequency of each in Hz.
    sr : float
        Sample rate in Hz.
    begin, end : int
        The part of the track that is wanted, in samples.

    Returns
    -------
    ndarray, shape (end - begin,)
        In [-1, 1].
    """
    track = np.zeros(end - begin)
    stops = np.minimum(starts + round(DURATION * sr), np.append(starts[1:], end))
    for number in np.flatnonzero((stops > begin) & (starts < end)).tolist():
        first, last = max(begin, int(starts[number])), min(end, int(stops[number]))
        t = (np.arange(first, last) - starts[number]) / sr
        track[first - begin : last - begin] = np.sin(2.0 * np.pi * frequencies[number] * t) * np.exp(-t / DECAY)
    return track


def mixed(y: Float, clicks: Float, *, peak: float) -> Float:
    """Return the mean of a signal, brought to a peak of 1, and of clicks, in the signal's dtype.

    Parameters
    ----------
    y : ndarray, shape (..., n_samples)
        The signal, or a part of it.
    clicks : ndarray, shape (n_samples,)
        In [-1, 1].
    peak : float
        The largest magnitude in all of the signal.

    Returns
    -------
    ndarray, shape (..., n_samples)
        In [-1, 1].
    """
    loud = y / np.asarray(peak, y.dtype) if peak else y
    both: Float = 0.5 * loud + 0.5 * clicks.astype(y.dtype)
    return both
