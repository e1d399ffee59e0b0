"""Numbers that describe the rhythm of a clip."""

import math

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import Float, as_rate, as_signal
from audiofeat.fourier.framing import window_samples
from audiofeat.rhythm.beats import AC_SIZE, as_window, tracked_beats
from audiofeat.rhythm.periodicity import (
    FASTEST,
    FLAT,
    SLOWEST,
    BeatHistogram,
    autocorrelation_columns,
    histogram_of,
    onset_envelopes,
    peaks,
    refined_peaks,
)

WIN_LENGTH = 384  # frames, the tempogram's default


def rhythm_statistics(
    y: ArrayLike, sr: float, *, hop_length: int = 512, pad_mode: str = "constant"
) -> dict[str, float]:
    """Numbers that describe the rhythm of a clip.

    Parameters
    ----------
    y : array_like, shape (n_samples,)
        Signal.
    sr : float
        Sample rate in Hz.
    hop_length : int
        Samples between frames, at most four seconds.
    pad_mode : str
        What lies beyond the ends of the signal, as in `stft`.

    Returns
    -------
    dict
        Columns in this order, all 0 for silence:

        - ``tempo`` in BPM, of `beat_track`.
        - ``beats_per_second``: the number of beats over the duration.
        - ``beat_interval_mean``, ``beat_interval_std``: of the times between beats in seconds; 0 with fewer than two.
        - ``tempogram_tempo``, ``tempogram_peak``: BPM and height of the highest peak from 40 to 240 BPM of the mean
          over time of `tempogram`; 0 without one.
        - ``tempogram_peak_ratio``: the second highest peak over the highest; 0 without one.
        - ``tempogram_clarity``: how far the highest peak is above the average of the range; 0 without one.
        - ``tempogram_entropy`` of the mean over time in the range, less its minimum, taken for a distribution over
          the lags, relative to an even one's: 1 without a pulse, but 0 where all lags are equal.
        - ``tempogram_variation``: the standard deviation over time of the lags in the range, on average.
        - ``beat_histogram_A0``, ``beat_histogram_A1``: heights of the highest and second highest peak of
          `beat_histogram`, relative to its sum, ``beat_histogram_RA``: the second over the first,
          ``beat_histogram_P1``, ``beat_histogram_P2``: their tempi in BPM, and ``beat_histogram_SUM``: the sum, as
          in [1]_; 0 without a peak.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite or has several axes.
    TypeError
        As `stft`.

    References
    ----------
    .. [1] G. Tzanetakis and P. Cook, "Musical genre classification of audio signals", IEEE Transactions on Speech and
       Audio Processing 10(5), 2002, section III-C.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import synth
    >>> from audiofeat.rhythm import rhythm_statistics
    >>> y = synth.clicks(np.arange(0.5, 8.0, 0.5), sr=22050, duration=8.0)
    >>> columns = rhythm_statistics(y, 22050)
    >>> round(columns["beat_interval_mean"], 2), columns["beat_histogram_P1"]
    (0.5, 120.0)
    """
    y, sr = as_signal(y, ndim=1), as_rate(sr)
    as_window(AC_SIZE, sr, hop_length)
    beating, pulsing = onset_envelopes(y, sr, hop_length, pad_mode, np.median, np.mean)
    beats = tracked_beats(beating, sr, hop_length)
    intervals = np.diff(beats.times) if len(beats.times) > 1 else np.zeros(1)
    return {
        "tempo": beats.tempo,
        "beats_per_second": len(beats.times) * sr / len(y),
        "beat_interval_mean": float(intervals.mean()),
        "beat_interval_std": float(intervals.std()),
        **_tempogram_columns(pulsing, sr / hop_length),
        **_histogram_columns(histogram_of(pulsing, sr / hop_length)),
    }


def _tempogram_columns(strength: Float, frame_rate: float) -> dict[str, float]:
    """Return the columns of the tempogram of an onset strength."""
    columns = autocorrelation_columns(strength, window_samples("hann", WIN_LENGTH))
    mean = columns.mean(axis=1)
    mean[mean < FLAT] = 0.0
    lags, heights = refined_peaks(mean)
    bpm = 60.0 * frame_rate / lags
    inside = (bpm >= SLOWEST) & (bpm <= FASTEST)
    bpm, heights = (np.append(values[inside], [0.0, 0.0]) for values in (bpm, heights))
    band = slice(math.ceil(60.0 * frame_rate / FASTEST), math.floor(60.0 * frame_rate / SLOWEST) + 1)
    pulses = mean[band] if mean[band].size else np.zeros(1)
    excess = pulses - pulses.min()
    shares = excess[excess > 0.0] / (excess.sum() or 1.0)
    return {
        "tempogram_tempo": float(bpm[0]),
        "tempogram_peak": float(heights[0]),
        "tempogram_peak_ratio": _ratio(heights[1], heights[0]),
        "tempogram_clarity": float(heights[0] - pulses.mean()) if heights[0] else 0.0,
        "tempogram_entropy": float(shares @ np.log(1.0 / shares)) / math.log(max(2, len(pulses))),
        "tempogram_variation": float(columns[band].std(axis=1).sum()) / len(pulses),
    }


def _histogram_columns(histogram: BeatHistogram) -> dict[str, float]:
    """Return the columns of a beat histogram."""
    total = float(histogram.strengths.sum())
    at = peaks(np.pad(histogram.strengths, 1))[:2] - 1
    tempi, heights = (np.append(values[at], [0.0, 0.0]) for values in histogram)
    return {
        "beat_histogram_A0": _ratio(heights[0], total),
        "beat_histogram_A1": _ratio(heights[1], total),
        "beat_histogram_RA": _ratio(heights[1], heights[0]),
        "beat_histogram_P1": float(tempi[0]),
        "beat_histogram_P2": float(tempi[1]),
        "beat_histogram_SUM": total,
    }


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
