"""Periodicities of the onset strength: the tempogram, and a histogram of tempi."""

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, DTypeLike, NDArray

from audiofeat._validation import Float, as_count, as_number, as_rate, as_signal
from audiofeat.fourier.framing import Window, window_samples
from audiofeat.mel import logmel
from audiofeat.onset import TOP_DB, Aggregate, onset_envelope

SLOWEST, FASTEST = 40.0, 240.0  # BPM
BLOCK = 4096  # columns of a tempogram that are made together: some 50 MB
FLAT = 1e-6  # relative to the highest strength: what is below is rounding, and no rhythm
# Of the beat histogram:
WINDOW_DURATION = 6.0  # s, four beats of the slowest tempo
SMOOTHING = 0.12  # s; the period of a pulse may fall between two frames, which would halve its peak
N_PEAKS = 3  # of a window
SPREAD = 3.0  # BPM; a tempo that is kept is not found to be quite the same in all windows


class BeatHistogram(NamedTuple):
    """How strong the periodicities of a clip are, by tempo.

    Attributes
    ----------
    tempi : ndarray, shape (n_tempi,)
        Beats per minute, one apart, float64.
    strengths : ndarray, shape (n_tempi,)
        ``>= 0``, with a sum of at most 3, float64.

    Examples
    --------
    >>> from audiofeat.rhythm import BeatHistogram
    >>> BeatHistogram([119.0, 120.0], [0.1, 0.7]).strengths
    [0.1, 0.7]
    """

    tempi: Float
    strengths: Float


def tempogram(
    y: ArrayLike,
    sr: float,
    *,
    hop_length: int = 512,
    win_length: int = 384,
    center: bool = True,
    window: Window = "hann",
    norm: float | None = np.inf,
) -> Float:
    """Autocorrelation of the onset strength around each frame.

    Parameters
    ----------
    y : array_like, shape (n_samples,)
        Signal.
    sr : float
        Sample rate in Hz.
    hop_length : int
        Samples between frames of the onset strength.
    win_length : int
        Frames of the onset strength in a window; without `center`, not more than there are.
    center : bool
        A window for each frame, around it. Without, they begin at their frames, and lie inside of the clip.
    window : as in `stft`
        Taper of the windows.
    norm : float or None
        Divide each column by its p-norm, ``> 0``, by default by its maximum; None does not.

    Returns
    -------
    ndarray, shape (win_length, n_frames)
        Row k is the autocorrelation at a lag of k frames, ``60 * sr / (k * hop_length)`` BPM, in the dtype of
        `y`; 0 for silence.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite or has several axes.
    TypeError
        As `stft`.

    Notes
    -----
    The same as :func:`librosa.feature.tempogram`, in blocks of frames: memory beyond the result does not grow with
    the length.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import synth
    >>> from audiofeat.rhythm import tempogram
    >>> y = synth.clicks(np.arange(0.0, 8.0, 0.5), sr=22050, duration=8.0)
    >>> S = tempogram(y, 22050)
    >>> S.shape, int(S[10:].mean(axis=1).argmax()) + 10  # in 43 frames, 1 s, two beats
    ((384, 345), 43)
    """
    y, sr = as_signal(y, ndim=1), as_rate(sr)
    taper = window_samples(window, as_count(win_length, "win_length"))
    norm = norm if norm is None or norm == np.inf else as_number(norm, "norm", low=0.0, open_low=True)
    (strength,) = onset_envelopes(y, sr, hop_length, "constant", np.mean)
    if not center and win_length > len(strength):
        msg = f"win_length must be <= {len(strength)}, the number of frames, when center is False, got {win_length}"
        raise ValueError(msg)
    return autocorrelation_columns(strength, taper, center=bool(center), norm=norm, dtype=y.dtype)


def beat_histogram(
    y: ArrayLike, sr: float, *, low: float = SLOWEST, high: float = FASTEST, hop_length: int = 512
) -> BeatHistogram:
    r"""Periodicities of the onset strength over a clip, by tempo.

    Parameters
    ----------
    y : array_like, shape (n_samples,)
        Signal.
    sr : float
        Sample rate in Hz.
    low, high : float
        The slowest and the fastest tempo in BPM, ``0 < low < high``.
    hop_length : int
        Samples between frames of the onset strength.

    Returns
    -------
    BeatHistogram
        ``tempi`` ``low, low + 1, ...`` up to `high` and their ``strengths``, float64; 0 for silence and for a clip
        too short for a period.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite or has several axes.
    TypeError
        As `stft`.

    Notes
    -----
    The onset strength (mean over the bands), smoothed over 0.12 s, is cut into windows of 6 s that overlap by half;
    a shorter clip is one window. The autocorrelation of a window without its mean, r, has its peaks at lags
    :math:`\tau`, in seconds, between frames by a parabola. The three highest positive ones with a tempo
    :math:`60 / \tau` in the range add their heights :math:`r(\tau) / r(0)` to the histogram, each spread over the
    tempi within 3 BPM by a triangle, of which the part beyond the range is lost. The sum over the windows is
    divided by their number, so a longer clip has no stronger beat, and neither has a louder one.

    In [1]_, section III-C, the windows are of 3 s, the envelopes are those of the octave bands of a wavelet
    transform, and multiples of a period are weakened before the peaks are chosen: here they compete.

    References
    ----------
    .. [1] G. Tzanetakis and P. Cook, "Musical genre classification of audio signals", IEEE Transactions on Speech and
       Audio Processing 10(5), 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import synth
    >>> from audiofeat.rhythm import beat_histogram
    >>> y = synth.clicks(np.arange(0.5, 8.0, 0.5), sr=22050, duration=8.0)
    >>> tempi, strengths = beat_histogram(y, 22050)
    >>> float(tempi[strengths.argmax()])
    120.0
    """
    y, sr = as_signal(y, ndim=1), as_rate(sr)
    high = as_number(high, "high", low=0.0, open_low=True)
    low = as_number(low, "low", low=0.0, high=high, open_low=True)
    if low == high:
        msg = f"low must be < high = {high:g}, got {low:g}"
        raise ValueError(msg)
    (strength,) = onset_envelopes(y, sr, hop_length, "constant", np.mean)
    return histogram_of(strength, sr / hop_length, low=low, high=high)


def onset_envelopes(y: Float, sr: float, hop_length: int, pad_mode: str, *aggregates: Aggregate) -> list[Float]:
    """Return the onset strengths of one spectrogram, by what combines its bands."""
    hop_length = as_count(hop_length, "hop_length")
    S_db = logmel(y.astype(np.float64, copy=False), sr, hop_length=hop_length, pad_mode=pad_mode, top_db=TOP_DB)
    envelopes = (onset_envelope(S_db, aggregate=aggregate, hop_length=hop_length) for aggregate in aggregates)
    return [envelope.astype(y.dtype, copy=False) for envelope in envelopes]


def autocorrelation_columns(
    strength: Float, taper: Float, *, center: bool = True, norm: float | None = np.inf, dtype: DTypeLike = np.float64
) -> Float:
    """Return librosa's tempogram of an onset strength, which must be as long as `taper` without `center`."""
    from librosa.feature import tempogram as autocorrelations

    win_length, n_frames = len(taper), len(strength)
    if center:
        strength = np.pad(strength, win_length // 2, mode="linear_ramp")
    else:
        n_frames -= win_length - 1
    columns: Float = np.empty((win_length, n_frames), dtype)
    options: Any = {"win_length": win_length, "center": False, "window": taper, "norm": norm}
    for first in range(0, n_frames, BLOCK):
        last = min(first + BLOCK, n_frames)
        part = strength[first : last + win_length - 1]
        columns[:, first:last] = autocorrelations(onset_envelope=part, **options)
    return columns


def histogram_of(strength: Float, frame_rate: float, *, low: float = SLOWEST, high: float = FASTEST) -> BeatHistogram:
    """Return the beat histogram of an onset strength of so many frames a second."""
    tempi = low + np.arange(int(high - low) + 1.0)
    strengths = np.zeros(len(tempi))
    n_smooth = round(SMOOTHING * frame_rate) | 1
    taper = np.hanning(n_smooth + 2)[1:-1]
    smooth = np.convolve(strength.astype(np.float64), taper / taper.sum())[n_smooth // 2 :][: len(strength)]
    size = min(len(smooth), max(1, round(WINDOW_DURATION * frame_rate)))
    windows = sliding_window_view(smooth, size)[:: max(1, size // 2)]
    for window in windows:
        deviation = window - window.mean()
        if np.abs(deviation).max() <= FLAT * window.max():
            continue
        r = np.fft.irfft(np.abs(np.fft.rfft(deviation, 2 * size)) ** 2)[:size]
        lags, heights = refined_peaks(r / r[0])
        bpm = 60.0 * frame_rate / lags
        chosen = np.flatnonzero((bpm >= low) & (bpm <= high) & (heights > 0.0))[:N_PEAKS]
        for tempo, height in zip(bpm[chosen], heights[chosen], strict=True):
            strengths += height / SPREAD * np.maximum(0.0, 1.0 - np.abs(tempi - tempo) / SPREAD)
    return BeatHistogram(tempi, strengths / len(windows))


def peaks(curve: Float) -> NDArray[np.intp]:
    """Return where a curve is highest locally, its ends excepted, the highest first."""
    middle = curve[1:-1]
    at = 1 + np.flatnonzero((middle > curve[:-2]) & (middle >= curve[2:]))
    return at[np.argsort(-curve[at], kind="stable")]


def refined_peaks(curve: Float) -> tuple[Float, Float]:
    """Return places and heights of the peaks of a curve, by the parabola through three points, the highest first."""
    at = peaks(curve)
    before, after = curve[at - 1] - curve[at], curve[at + 1] - curve[at]  # below 0, and not above it
    shift = 0.5 * (before - after) / (before + after)
    heights = curve[at] - 0.25 * (before - after) * shift
    order = np.argsort(-heights, kind="stable")
    return (at + shift)[order], heights[order]
