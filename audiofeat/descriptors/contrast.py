"""Contrast of peaks and valleys in octave bands."""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._caching import remembered
from audiofeat._kernels.memory import width
from audiofeat._kernels.shape import extremes
from audiofeat._validation import Float, as_count, as_number, as_rate
from audiofeat.descriptors._blocks import as_frames, by_item, for_lanes, spectra
from audiofeat.descriptors.shape import as_share
from audiofeat.fourier import fft_frequencies
from audiofeat.fourier.framing import Window
from audiofeat.mel import power_to_db

Bands = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]  # first bins, bins after the last, bins to average


def spectral_contrast(
    y: ArrayLike,
    sr: float,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    fmin: float = 200.0,
    n_bands: int = 6,
    quantile: float = 0.02,
    linear: bool = False,
) -> Float:
    """Difference between the peaks and the valleys of each magnitude spectrum, in octave bands.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    sr : float
        Sample rate in Hz.
    n_fft, hop_length, win_length, window, center, pad_mode : as in `stft`
        Framing.
    fmin : float
        Upper edge of the first band in Hz, ``> 0``; each other is an octave, the last reaches up to ``sr / 2``.
    n_bands : int
        Bands above the first; the last must begin below ``sr / 2``.
    quantile : float
        Share of the bins of a band, in (0, 1), whose mean is the peak, or the valley; at least one.
    linear : bool
        The difference of magnitudes instead of that of their logarithms.

    Returns
    -------
    ndarray, shape (..., n_bands + 1, n_frames)
        Peak less valley, in the dtype of `y`: each by ``power_to_db``, whose `top_db` of 80 looks at the peaks,
        or the valleys, of the whole clip, so magnitudes are taken for powers; 0 for silence.

    Raises
    ------
    ValueError
        If an argument is out of its range, a band holds no bin, or `y` is empty, not finite, or too short
        without `center`.

    References
    ----------
    .. [1] D.-N. Jiang, L. Lu, H.-J. Zhang, J.-H. Tao and L.-H. Cai, "Music type classification by spectral
       contrast feature", ICME 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import spectral_contrast
    >>> spectral_contrast(np.zeros(2048), 22050, center=False)[:, 0]
    array([0., 0., 0., 0., 0., 0., 0.])
    """
    frames = as_frames(n_fft, hop_length, win_length, window, center, pad_mode)
    bands = octave_bands(as_rate(sr), frames.n_fft, fmin, n_bands, quantile)

    def rows(item: Float) -> Float:
        found = [extremes_of(S, bands) for _, _, S in spectra(item, frames)]
        return contrast_of(np.concatenate(found, axis=-1), bool(linear))

    return by_item(y, rows)


@remembered
def octave_bands(sr: float, n_fft: int, fmin: float = 200.0, n_bands: int = 6, quantile: float = 0.02) -> Bands:
    """Return the bins of the bands, and how many of them are a peak."""
    n_bands, quantile = as_count(n_bands, "n_bands"), as_share(quantile, "quantile")
    fmin = as_number(fmin, "fmin", low=0.0, open_low=True)
    edges = np.append(0.0, fmin * 2.0 ** np.arange(n_bands + 1))
    if edges[-2] >= sr / 2.0:
        msg = f"n_bands must leave the last band's {edges[-2]:g} Hz below sr / 2 = {sr / 2:g} Hz, got {n_bands}"
        raise ValueError(msg)
    bins = fft_frequencies(sr, n_fft=n_fft)
    starts, ends, counts = [], [], []
    for band, (low, high) in enumerate(pairwise(edges.tolist())):
        inside = np.flatnonzero((bins >= low) & (bins <= high))
        first, stop = (int(inside[0]) - (band > 0), int(inside[-1]) + 1) if len(inside) else (0, 0)
        stop = len(bins) if band == n_bands else stop
        n = stop - first
        stop -= band < n_bands  # a band ends before the bin at which the next begins
        if stop <= first:
            msg = f"n_fft must be large enough for a bin from {low:g} to {high:g} Hz, got {n_fft}"
            raise ValueError(msg)
        starts.append(first)
        ends.append(stop)
        counts.append(min(max(1, round(quantile * n)), stop - first))
    return tuple(starts), tuple(ends), tuple(counts)


def extremes_of(S: Float, bands: Bands) -> Float:
    """Return the peaks of all bands and then their valleys of magnitudes, shape (n_bins, n_frames)."""
    levels = for_lanes(S)
    out = np.empty((2 * len(bands[0]), levels.shape[1]), S.dtype)
    work = np.empty(2 * max(bands[2]) * width(levels), S.dtype)
    extremes(levels.reshape(-1), levels.shape[1], *map(np.array, bands), work, out.reshape(-1))
    return out[:, : S.shape[1]]


def contrast_of(found: Float, linear: bool = False) -> Float:
    """Return the rows of `spectral_contrast` of a clip's peaks and valleys."""
    peaks, valleys = np.split(found, 2)
    return peaks - valleys if linear else power_to_db(peaks) - power_to_db(valleys)
