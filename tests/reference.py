"""Slow twins of the library, straight from the definitions. They import no `audiofeat`."""

import warnings

import librosa
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.linalg import convolution_matrix, lstsq
from scipy.signal import convolve, correlate, lfilter


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


def melspectrogram(y, sr, *, n_fft, hop_length, center):
    """Power in 128 of Slaney's bands, of frames under Hann's window that lie inside of the signal."""
    assert not center
    frames = sliding_window_view(y, n_fft, axis=-1)[..., ::hop_length, :]
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n_fft) / n_fft)
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of bands that are too narrow to hold a bin
        bank = librosa.filters.mel(sr=sr, n_fft=n_fft, dtype=np.float64)
    return (power @ bank.T).swapaxes(-1, -2).astype(y.dtype)
