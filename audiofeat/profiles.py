"""What windows sound like: medians over the frames inside of them, so that one loud or odd frame does not count."""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct, irfft, rfft

from audiofeat._caching import remembered
from audiofeat._validation import Float
from audiofeat.fourier import fft_frequencies, spectrogram
from audiofeat.mel import melspectrogram

N_MELS = 128
N_CEPSTRA = 19  # without the first, which is the level
N_DYNAMICS = 64
N_SEMITONES = 84
LOWEST = 32.703  # Hz: the first C
N_SLICES = 8  # of a hop
N_BANDS = 64  # of a slice
AROUND, LAG = 4.0, 2.0  # seconds of onsets on each side of a window, and of the longest period that is looked for
ROWS = 4096  # windows whose onsets are transformed together
TIMBRE_DB, PITCH_DB = 80.0, 60.0  # below a window's loudest: what lies deeper is taken to lie there


def profile(windows: Float, sr: float, n_hop: int) -> dict[str, Float]:
    """Profile windows, shape (n_windows, n_samples), none of which is silent, and which follow each other by `n_hop`.

    Frames lie inside of their window, so that its profile is its own affair. Returned are, float32, a row to a window:

    - ``cepstra``, (n_windows, N_CEPSTRA), of the median log-mel spectrum;
    - ``dynamics``, (n_windows, N_DYNAMICS), standard deviations of mel levels in dB;
    - ``semitones``, (n_windows, N_SEMITONES), median levels in dB, less their mean;
    - ``chroma``, (n_windows, 12), median shares of pitch classes;
    - ``slices``, (n_windows, N_SLICES, N_BANDS), mel levels in dB of the parts of the hop around the centre.
    """
    n_window = windows.shape[1]
    windows = windows.astype(np.float32)  # of levels in dB nothing is seen of the digits
    n_fft = _power_of_two(0.1 * sr, n_window)
    bands = _levels(
        melspectrogram(windows, sr, n_fft=n_fft, hop_length=n_fft // 4 or 1, center=False, n_mels=N_MELS), TIMBRE_DB
    )
    cepstra = dct(np.median(bands, axis=-1), axis=-1, norm="ortho")[:, 1 : 1 + N_CEPSTRA]
    deviation = bands.std(axis=-1).reshape(len(windows), N_DYNAMICS, -1).mean(axis=-1)
    n_fft = _power_of_two(0.4 * sr, n_window)
    power = spectrogram(windows, n_fft=n_fft, hop_length=n_fft // 4 or 1, center=False, power=2.0)
    triangles = _semitones(sr, n_fft)
    tones = triangles @ power[:, : triangles.shape[1]]
    levels = np.median(_levels(tones, PITCH_DB), axis=-1)
    classes = tones.reshape(len(windows), -1, 12, tones.shape[-1]).sum(axis=1)
    total = classes.sum(axis=1, keepdims=True)
    shares = np.divide(classes, total, out=np.zeros_like(classes), where=total > 0.0)
    return {
        "cepstra": cepstra,
        "dynamics": deviation,
        "semitones": levels - levels.mean(axis=-1, keepdims=True),
        "chroma": np.median(shares, axis=-1),
        "slices": _slices(windows, sr, n_hop),
    }


def rhythms(active: NDArray[np.intp], slices: Float, gains: Float, *, seconds: float) -> Float:
    """Return the autocorrelation of the onsets around each window up to `LAG` seconds, shape (n_active, n_lags).

    `slices` are those of the active windows, of `seconds` each, and `gains` the levels in dB that windows were measured
    at, which differ. What is silent has no onsets.
    """
    levels = (slices + gains[:, None, None]).reshape(-1, N_BANDS)
    rise = np.maximum(np.diff(levels, axis=0, prepend=levels[:1]), 0.0).mean(axis=1).reshape(-1, N_SLICES)
    first = np.concatenate([[True], np.diff(active) > 1])
    rise[first, 0] = 0.0
    onsets = np.zeros((int(active[-1]) + 1, N_SLICES))
    onsets[active] = rise
    half, n_lags = max(2, round(AROUND / seconds)), max(1, round(LAG / seconds))
    n_lags = min(n_lags, 2 * half - 1)
    curve = np.pad(onsets.ravel(), half)
    taper = np.hanning(2 * half + 1)[:-1]
    n_fft = 1 << (4 * half - 1).bit_length()
    found = np.empty((len(active), n_lags), np.float32)
    centres = active * N_SLICES + N_SLICES // 2
    around = np.lib.stride_tricks.sliding_window_view(curve, 2 * half)
    for start in range(0, len(active), ROWS):
        part = around[centres[start : start + ROWS]]
        part = (part - part.mean(axis=1, keepdims=True)) * taper
        power = np.abs(rfft(part, n_fft)) ** 2
        repeats = irfft(power, n_fft)[:, : n_lags + 1]
        whole = np.maximum(repeats[:, :1], np.finfo(float).tiny)
        found[start : start + ROWS] = repeats[:, 1:] / whole
    return found


def _slices(windows: Float, sr: float, n_hop: int) -> Float:
    """Return the mel levels of the slices of each window's hop, which a hop shorter than a window leaves room for."""
    n_window = windows.shape[1]
    step, n_fft = max(1, n_hop // N_SLICES), _power_of_two(0.05 * sr, n_window)
    first = (n_window - n_hop) // 2 + step // 2 - n_fft // 2
    first = min(max(first, 0), max(0, n_window - n_fft - (N_SLICES - 1) * step))
    part = windows[:, first : first + (N_SLICES - 1) * step + n_fft]
    power = melspectrogram(part, sr, n_fft=n_fft, hop_length=step, center=False, n_mels=N_BANDS)
    found = np.zeros((len(windows), N_SLICES, N_BANDS), np.float32)
    levels = _levels(power, TIMBRE_DB).swapaxes(-1, -2)[:, :N_SLICES]
    found[:, : levels.shape[1]] = levels
    return found


def _levels(power: Float, range_db: float) -> Float:
    """Return power in dB, at least `range_db` under the loudest of each window."""
    least = power.max(axis=(-2, -1), keepdims=True) * 10.0 ** (-range_db / 10.0)
    levels: Float = 10.0 * np.log10(np.maximum(power, np.maximum(least, np.finfo(power.dtype).tiny)))
    return levels


def _power_of_two(wanted: float, most: int) -> int:
    """Return the largest power of two that is neither above `wanted` samples nor above `most`."""
    return 1 << (max(1, min(int(wanted), most)).bit_length() - 1)


@remembered
def _semitones(sr: float, n_fft: int) -> NDArray[np.float32]:
    """Return triangles around the semitones, at least a bin wide on each side, for the bins that they reach."""
    bins = fft_frequencies(sr, n_fft=n_fft)
    centres = LOWEST * 2.0 ** (np.arange(-1, N_SEMITONES + 1) / 12.0)
    widths = np.maximum(np.diff(centres), sr / n_fft)
    away = bins - centres[1:-1, None]
    rising, falling = 1.0 + away / widths[:-1, None], 1.0 - away / widths[1:, None]
    triangles = np.clip(np.minimum(rising, falling), 0.0, None)
    return triangles[:, : int(np.flatnonzero(triangles.any(axis=0)).max(initial=0)) + 1].astype(np.float32)
