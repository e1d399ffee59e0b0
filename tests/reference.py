"""Slow twins of the library, straight from the definitions. They import no `audiofeat`."""

import threading
import warnings

import librosa
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.linalg import convolution_matrix, lstsq
from scipy.signal import convolve, correlate, lfilter

SILENCE = threading.Lock()


def fit_ar(y, order, method="yule_walker"):
    """Return the prediction-error filter of one frame and the energy of its residual, by dense least squares.

    The autocorrelation method is least squares over the frame with zeros around it, the covariance method over
    the samples that have a full past; Burg's is a least squares of one unknown for each reflection.
    """
    y = np.asarray(y, dtype=np.float64)
    if method == "burg":
        return _burg(y, order)
    past = convolution_matrix(y, order + 1, mode="full")  # row n: y[n], y[n - 1], ..., y[n - order]
    rows = slice(order, len(y)) if method == "covariance" else slice(None)
    target, past = past[rows, 0], past[rows, 1:]
    solution, *_ = lstsq(past, -target, cond=len(y) * np.finfo(float).eps)  # the shortest, where there are many
    residual = target + past @ solution
    share = len(y) / len(target) if method == "covariance" else 1.0
    return np.concatenate([[1.0], solution]), share * (residual @ residual)


def _burg(y, order):
    a, forward, backward = np.ones(1), y[1:], y[:-1]
    energy = y @ y
    for _ in range(order):
        both = forward @ forward + backward @ backward
        k = -2.0 * (forward @ backward) / both if both else 0.0
        a = np.append(a, 0.0) + k * np.append(a, 0.0)[::-1]
        energy *= 1.0 - k * k
        forward, backward = (forward + k * backward)[1:], (backward + k * forward)[:-1]
    return a, energy


def spectral_error(model, y, *, lags, tail=True):
    """Return the spectral error measure of a window `y` against a model, the pair that `fit_ar` returns.

    The window is filtered; without its tail, the residual is as long as the window.
    """
    a, energy = model
    residual = convolve(y, a, method="direct") if tail else lfilter(a, [1.0], y)
    r = correlate(residual, residual, method="direct" if len(residual) < 5000 else "fft")[len(residual) - 1 :]
    ratios = r[1:] / r[0] if lags == "full" else r[1 : lags + 1] / r[0]
    return (energy / r[0] - 1.0) ** 2 + 2.0 * (ratios @ ratios)


def spectral_error_parseval(model, y):
    """Return the measure with all lags from the spectra of filter and window: sums of positive terms."""
    a, energy = model
    n_fft = 2 * (len(y) + len(a) - 1)  # no lag of the residual reaches around
    power = np.abs(np.fft.fft(a, n_fft) * np.fft.fft(y, n_fft)) ** 2
    r0 = power.mean()
    return (energy / r0 - 1.0) ** 2 + (power**2).mean() / r0**2 - 1.0


def melspectrogram(y, sr, *, n_fft, hop_length, center, n_mels=128):
    """Power in Slaney's bands, of frames under Hann's window that lie inside of the signal."""
    assert not center
    frames = sliding_window_view(y, n_fft, axis=-1)[..., ::hop_length, :]
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n_fft) / n_fft)
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    with SILENCE, warnings.catch_warnings():  # filters are all threads': one must not end another's silence
        warnings.simplefilter("ignore")  # of bands that are too narrow to hold a bin
        bank = librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=n_mels, dtype=np.float64)
    return (power @ bank.T).swapaxes(-1, -2).astype(y.dtype)


def kaldi(
    y,
    sr,
    *,
    n_mels=23,
    n_mfcc=None,
    fmax=None,
    snip_edges=True,
    use_energy=False,
    win_length=400,
    hop_length=160,
    n_fft=512,
    rfft=np.fft.rfft,
):
    """Kaldi's fbank or MFCC of a signal in [-1, 1), dither off, in float64: shape (n_rows, n_frames)."""
    y = 32768.0 * np.asarray(y, dtype=np.float64)
    half, eps = hop_length // 2, np.finfo(np.float32).eps
    if not snip_edges:  # frame t is centred at hop_length * t + half, over a signal mirrored to and fro
        n_frames = max(1, (len(y) + half) // hop_length)
        at = np.arange(win_length) + hop_length * np.arange(n_frames)[:, None] + half - win_length // 2
        turn = at % (2 * len(y))
        frames = y[np.where(turn < len(y), turn, 2 * len(y) - 1 - turn)]
    else:
        frames = sliding_window_view(y, win_length)[::hop_length]
    frames = frames - frames.mean(axis=1, keepdims=True)
    energy = np.log(np.maximum(np.sum(frames**2, axis=1), eps))
    frames = frames - 0.97 * np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    window = (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(win_length) / (win_length - 1))) ** 0.85
    power = np.abs(rfft(frames * window, n_fft)) ** 2
    edges = np.linspace(*(1127.0 * np.log1p(np.array([20.0, fmax or sr / 2]) / 700.0)), n_mels + 2)
    bins = 1127.0 * np.log1p(np.arange(n_fft // 2 + 1) * sr / n_fft / 700.0)
    bank = np.stack([np.interp(bins, edges[i : i + 3], [0.0, 1.0, 0.0]) for i in range(n_mels)])
    bands = np.log(np.maximum(bank @ power.T, eps))
    if n_mfcc is None:
        return np.vstack([energy, bands]) if use_energy else bands
    i, k = np.arange(n_mfcc)[:, None], np.arange(n_mels)
    rows = np.sqrt(np.where(i == 0, 1.0, 2.0) / n_mels) * np.cos(np.pi * i * (k + 0.5) / n_mels)
    cepstra = (1.0 + 11.0 * np.sin(np.pi * i / 22.0)) * rows @ bands
    return np.vstack([energy, cepstra[1:]]) if use_energy else cepstra


def kaldis_rfft(frames, n_fft):
    """The transform of real frames by one of half the size, whose twiddle factors are powers in single precision."""
    half = n_fft // 2
    padded = np.pad(frames, ((0, 0), (0, n_fft - frames.shape[1])))
    Z = np.fft.fft(padded[:, ::2] + 1j * padded[:, 1::2])
    turn, factor = np.exp(np.complex64(-2j * np.pi / n_fft)), np.complex64(1.0)
    X = np.zeros((len(frames), half + 1), complex)
    X[:, 0], X[:, half] = Z[:, 0].real + Z[:, 0].imag, Z[:, 0].real - Z[:, 0].imag
    for k in range(1, half // 2 + 1):
        factor = factor * turn
        even = (Z[:, k] + Z[:, half - k].conj()) / 2
        odd = factor.astype(complex) * (Z[:, k] - Z[:, half - k].conj()) / 2j
        X[:, k], X[:, half - k] = even + odd, (even - odd).conj()
    return X
