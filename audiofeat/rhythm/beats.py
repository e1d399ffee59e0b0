"""Tempo and beats, by librosa's estimator and tracker."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import Float, as_count, as_number, as_rate, as_signal
from audiofeat.fourier.framing import window_samples
from audiofeat.rhythm.periodicity import autocorrelation_columns, onset_envelopes

AC_SIZE = 8.0  # s, of the windows in which librosa's tracker looks for its tempo


class Beats(NamedTuple):
    """A tempo, and where the beats are.

    Attributes
    ----------
    tempo : float
        Beats per minute; 0 where nothing begins.
    times : ndarray, shape (n_beats,)
        Seconds, ascending, float64.

    Examples
    --------
    >>> from audiofeat.rhythm import Beats
    >>> Beats(120.0, [0.5, 1.0]).tempo
    120.0
    """

    tempo: float
    times: Float


def beat_track(
    y: ArrayLike,
    sr: float,
    *,
    start_bpm: float = 120.0,
    tightness: float = 100,
    trim: bool = True,
    hop_length: int = 512,
    pad_mode: str = "constant",
) -> Beats:
    """Tempo and beats of a signal.

    Parameters
    ----------
    y : array_like, shape (n_samples,)
        Signal.
    sr : float
        Sample rate in Hz.
    start_bpm : float
        The tempo that is likeliest beforehand, ``> 0``.
    tightness : float
        How strictly beats keep to the tempo, ``> 0``.
    trim : bool
        Leave out weak beats at both ends.
    hop_length : int
        Samples between frames, at most four seconds.
    pad_mode : str
        What lies beyond the ends of the signal, as in `stft`; librosa before 0.10 had ``"reflect"``.

    Returns
    -------
    Beats
        ``tempo`` in BPM and ``times`` in seconds. Where nothing begins, as in silence or in a single frame, the
        tempo is 0 and there are no beats.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite or has several axes.
    TypeError
        As `stft`.

    Notes
    -----
    The same as :func:`librosa.beat.beat_track`, on the median over the mel bands of the onset strength: the tempo is
    a whole number of frames, and beats are chosen by dynamic programming to be strong and evenly spaced.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import synth
    >>> from audiofeat.rhythm import beat_track
    >>> y = synth.clicks(np.arange(0.5, 8.0, 0.5), sr=22050, duration=8.0)
    >>> beats = beat_track(y, 22050)
    >>> round(beats.tempo), bool(abs(np.diff(beats.times) - 0.5).max() < 0.03)
    (117, True)
    """
    y, sr = as_signal(y, ndim=1), as_rate(sr)
    start_bpm = as_number(start_bpm, "start_bpm", low=0.0, open_low=True)
    tightness = as_number(tightness, "tightness", low=0.0, open_low=True)
    as_window(AC_SIZE, sr, hop_length)
    (strength,) = onset_envelopes(y, sr, hop_length, pad_mode, np.median)
    return tracked_beats(strength, sr, hop_length, start_bpm=start_bpm, tightness=tightness, trim=bool(trim))


def tempo(
    y: ArrayLike,
    sr: float,
    *,
    hop_length: int = 512,
    start_bpm: float = 120,
    std_bpm: float = 1.0,
    ac_size: float = 8.0,
    max_tempo: float | None = 320.0,
    pad_mode: str = "constant",
) -> float:
    """Tempo of a signal.

    Parameters
    ----------
    y : array_like, shape (n_samples,)
        Signal.
    sr : float
        Sample rate in Hz.
    hop_length : int
        Samples between frames.
    start_bpm : float
        The tempo that is likeliest beforehand, ``> 0``.
    std_bpm : float
        Standard deviation of the tempi around it, in octaves, ``> 0``.
    ac_size : float
        Seconds of the windows that are autocorrelated, at least two frames.
    max_tempo : float, optional
        Tempi from here on are not considered. It is above the slowest, ``60 / ac_size``.
    pad_mode : str
        What lies beyond the ends of the signal, as in `stft`.

    Returns
    -------
    float
        Beats per minute: a whole number of frames. Silence has the tempo that is likeliest beforehand.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite or has several axes.
    TypeError
        As `stft`.

    Notes
    -----
    The same as :func:`librosa.feature.tempo`, on the mean over the mel bands of the onset strength. The tempo of
    `beat_track` is that of the median, and may be another.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import synth
    >>> from audiofeat.rhythm import tempo
    >>> y = synth.clicks(np.arange(0.5, 8.0, 0.5), sr=22050, duration=8.0)
    >>> round(tempo(y, 22050))
    117
    """
    y, sr = as_signal(y, ndim=1), as_rate(sr)
    start_bpm = as_number(start_bpm, "start_bpm", low=0.0, open_low=True)
    std_bpm = as_number(std_bpm, "std_bpm", low=0.0, open_low=True)
    win_length = as_window(ac_size, sr, hop_length)
    if max_tempo is not None:  # librosa takes a limit below all tempi for none
        slowest = 60.0 * sr / (hop_length * (win_length - 1))
        max_tempo = as_number(max_tempo, "max_tempo", low=slowest, open_low=True)
    (strength,) = onset_envelopes(y, sr, hop_length, pad_mode, np.mean)
    return estimated_tempo(
        strength, sr, hop_length, win_length, start_bpm=start_bpm, std_bpm=std_bpm, max_tempo=max_tempo
    )


def as_window(ac_size: float, sr: float, hop_length: int) -> int:
    """Return the frames of a window of `ac_size` seconds as librosa counts them: two at least, or no tempo fits."""
    ac_size = as_number(ac_size, "ac_size", low=0.0, open_low=True)
    n_samples = int(ac_size * sr)
    if as_count(hop_length, "hop_length") > n_samples // 2:
        msg = f"hop_length must be <= {n_samples // 2}, half of {ac_size:g} s, got {hop_length}"
        raise ValueError(msg)
    return n_samples // hop_length


def tracked_beats(
    strength: Float, sr: float, hop_length: int, *, start_bpm: float = 120.0, tightness: float = 100, trim: bool = True
) -> Beats:
    """Return the beats of an onset strength."""
    if not strength.any():
        return Beats(0.0, np.empty(0))
    from librosa.beat import beat_track as track

    bpm = estimated_tempo(strength, sr, hop_length, as_window(AC_SIZE, sr, hop_length), start_bpm=start_bpm)
    options: Any = {"hop_length": hop_length, "bpm": bpm, "tightness": tightness, "trim": trim}
    with np.errstate(divide="ignore", invalid="ignore"):  # it takes log(0) where a beat is one frame, and passes it by
        _, frames = track(onset_envelope=strength, sr=sr, **options)
    return Beats(bpm, frames * hop_length / sr)


def estimated_tempo(
    strength: Float,
    sr: float,
    hop_length: int,
    win_length: int,
    *,
    start_bpm: float,
    std_bpm: float = 1.0,
    max_tempo: float | None = 320.0,
) -> float:
    """Return the tempo of an onset strength in BPM."""
    from librosa.feature import tempo as estimate

    tg = autocorrelation_columns(strength, window_samples("hann", win_length))
    bpm = estimate(tg=tg, sr=sr, hop_length=hop_length, start_bpm=start_bpm, std_bpm=std_bpm, max_tempo=max_tempo)
    return float(bpm[0])
