"""Descriptors of harmony: chroma and the tonal centroids."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from audiofeat._caching import remembered
from audiofeat._kernels.arguments import Finish
from audiofeat._kernels.peaks import find_peaks
from audiofeat._validation import Float, as_count, as_number, as_rate
from audiofeat.descriptors._blocks import Frames, as_frames, by_item, in_bands, may_be_kept, spectra
from audiofeat.fourier.engine import as_bank, as_finish
from audiofeat.fourier.framing import Window

LOW, HIGH = 150.0, 4000.0  # Hz: where peaks tell the tuning
LEAST = 0.1  # of the frame's maximum
RESOLUTION = 0.01  # of a bin of chroma

Peaks = tuple[Float, Float]  # frequencies in Hz, and heights
Banded = tuple[float, int, int, float, float | None, bool]  # rate, n_fft, n_chroma, ctroct, octwidth, base_c


def chroma_stft(
    y: ArrayLike,
    sr: float,
    *,
    norm: float | None = np.inf,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    tuning: float | None = None,
    n_chroma: int = 12,
    ctroct: float = 5.0,
    octwidth: float | None = 2.0,
    base_c: bool = True,
) -> Float:
    """Power of each pitch class, by the power spectrum.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    sr : float
        Sample rate in Hz.
    norm : float or None
        The p-norm to which each frame is scaled, ``> 0``; infinity, the default, for a maximum of 1; None for
        the powers themselves.
    n_fft, hop_length, win_length, window, center, pad_mode : as in `stft`
        Framing.
    tuning : float, optional
        How far the recording's A is above 440 Hz, in bins of chroma. If not given, it is estimated for each
        item: the most frequent deviation, to 0.01, of the peaks of its power spectra from 150 to 4000 Hz which
        are as high as their median or higher.
    n_chroma : int
        Bins of an octave.
    ctroct, octwidth : float
        Octave, counted from 27.5 Hz, and width in octaves of the Gaussian that weighs frequencies; a width of
        None weighs all alike.
    base_c : bool
        Begin with C; else with A.

    Returns
    -------
    ndarray, shape (..., n_chroma, n_frames)
        Chroma, ``>= 0``, in the dtype of `y`; 0 for silence.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite, or too short without `center`.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import chroma_stft
    >>> y = np.sin(2 * np.pi * 440.0 / 22050 * np.arange(22050))
    >>> int(chroma_stft(y, 22050).mean(axis=1).argmax())  # C is 0, A is 9
    9
    """
    frames = as_frames(n_fft, hop_length, win_length, window, center, pad_mode)
    norm = norm if norm is None or norm == np.inf else as_number(norm, "norm", low=0.0, open_low=True)
    octwidth = None if octwidth is None else as_number(octwidth, "octwidth", low=0.0, open_low=True)
    ctroct, n_chroma = as_number(ctroct, "ctroct"), as_count(n_chroma, "n_chroma")
    tuning = None if tuning is None else as_number(tuning, "tuning")
    bank = (as_rate(sr), frames.n_fft, n_chroma, ctroct, octwidth, bool(base_c))
    return by_item(y, lambda item: normalized(_raw_chroma(item, frames, bank, tuning), norm))


def _raw_chroma(y: Float, frames: Frames, bank: Banded, tuning: float | None) -> Float:
    """Return chroma before it is scaled."""
    sr, n_fft, n_chroma, *_ = bank

    def powers() -> Iterator[Float]:
        return (S * S for _, _, S in spectra(y, frames))

    kept = list(powers()) if tuning is None and may_be_kept(y, frames) else []
    if tuning is None:
        tuning = tuning_of([peaks_of(P, sr, n_fft) for P in kept or powers()], n_chroma)
    finish = chroma_finish(y.dtype, tuning, *bank)
    return np.concatenate([in_bands(P, finish) for P in kept or powers()], axis=-1)


def peaks_of(P: Float, sr: float, n_fft: int) -> Peaks:
    """Return the peaks of power spectra, shape (n_bins, n_frames), between `LOW` and `HIGH`."""
    step = sr / n_fft
    low = math.ceil(LOW / step)
    high = min(math.ceil(min(HIGH, sr / 2.0) / step), len(P))
    room = max(0, (high - low + 1) // 2 * P.shape[1])
    places, heights, found = np.empty(room, P.dtype), np.empty(room, P.dtype), np.zeros(1, np.intp)
    if room:
        find_peaks(P, low, high, LEAST * P.max(axis=0), places, heights, found)
    return places[: found[0]] * step, heights[: found[0]]


def tuning_of(peaks: list[Peaks], n_chroma: int) -> float:
    """Return the deviation from 440 Hz that most peaks of a clip have, in bins of chroma; without a peak 0."""
    pitches, heights = (np.concatenate(values) for values in zip(*peaks, strict=True))
    if len(pitches) == 0:
        return 0.0
    pitches = pitches[heights >= np.median(heights)]
    deviation = np.mod(n_chroma * np.log2(pitches / (440.0 / 16.0)), 1.0)
    deviation[deviation >= 0.5] -= 1.0
    edges = np.linspace(-0.5, 0.5, math.ceil(1.0 / RESOLUTION) + 1)
    counts, _ = np.histogram(deviation, edges)
    return float(edges[counts.argmax()])


@remembered
def chroma_finish(
    dtype: DTypeLike,
    tuning: float,
    sr: float,
    n_fft: int,
    n_chroma: int = 12,
    ctroct: float = 5.0,
    octwidth: float | None = 2.0,
    base_c: bool = True,
) -> Finish:
    """Return the bank of pitch classes: Gaussian bumps around each, over all octaves, as librosa's."""
    bins = sr / n_fft * np.arange(1, n_fft)
    octaves = np.log2(bins / (440.0 / 16.0 * 2.0 ** (tuning / n_chroma)))
    octaves = np.append(octaves[:1] - 1.5, octaves)  # 0 Hz: half an octave from the first bin's class
    places = n_chroma * octaves
    widths = np.append(np.maximum(np.diff(places), 1.0), 1.0)
    half = round(n_chroma / 2.0)
    away = np.remainder(places - np.arange(n_chroma)[:, None] + half, n_chroma) - half
    weights = np.exp(-2.0 * (away / widths) ** 2)
    weights /= np.linalg.norm(weights, axis=0)
    if octwidth is not None:
        weights *= np.exp(-0.5 * ((octaves - ctroct) / octwidth) ** 2)
    if base_c:
        weights = np.roll(weights, -3 * (n_chroma // 12), axis=0)
    return as_finish(dtype, as_bank(weights[:, : 1 + n_fft // 2].astype(np.float32).astype(dtype)))


def normalized(rows: Float, norm: float | None) -> Float:
    """Return rows of which each column has a p-norm of 1, but for those that are next to nothing."""
    if norm is None:
        return rows
    size = np.linalg.norm(rows.astype(np.float64), ord=norm, axis=0)
    return (rows / np.where(size < np.finfo(rows.dtype).tiny, 1.0, size)).astype(rows.dtype)


def tonnetz(
    y: ArrayLike,
    sr: float,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    tuning: float | None = None,
    n_chroma: int = 12,
) -> Float:
    """Tonal centroids: chroma on the circles of fifths, minor and major thirds.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    sr : float
        Sample rate in Hz.
    n_fft, hop_length, win_length, window, center, pad_mode : as in `stft`
        Framing.
    tuning, n_chroma : as in `chroma_stft`
        Chroma.

    Returns
    -------
    ndarray, shape (..., 6, n_frames)
        Two coordinates each on the circles of fifths, minor thirds and major thirds (of radius 1, 1 and 0.5),
        in the dtype of `y`; 0 for silence. They are those of `chroma_stft`, while librosa's default is a
        constant-Q transform.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite, or too short without `center`.

    References
    ----------
    .. [1] C. Harte, M. Sandler and M. Gasser, "Detecting harmonic change in musical audio", ACM Workshop on
       Audio and Music Computing Multimedia, 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import tonnetz
    >>> y = np.sin(2 * np.pi * 440.0 / 22050 * np.arange(22050))
    >>> tonnetz(y, 22050).shape
    (6, 44)
    """
    chroma = chroma_stft(
        y,
        sr,
        n_fft=n_fft,
        hop_length=hop_length,
        win_length=win_length,
        window=window,
        center=center,
        pad_mode=pad_mode,
        tuning=tuning,
        n_chroma=n_chroma,
    )
    items = [tonal_centroids(item) for item in chroma.reshape(-1, *chroma.shape[-2:])]
    return np.stack(items).reshape(*chroma.shape[:-2], 6, -1)


def tonal_centroids(chroma: Float) -> Float:
    """Return the rows of `tonnetz` of chroma, shape (n_chroma, n_frames)."""
    semitones = np.linspace(0.0, 12.0, len(chroma), endpoint=False)
    turns: NDArray[np.float64] = np.outer([7 / 6, 7 / 6, 3 / 2, 3 / 2, 2 / 3, 2 / 3], semitones)
    turns[::2] -= 0.5  # sines
    radii = np.array([1.0, 1.0, 1.0, 1.0, 0.5, 0.5])
    circles = (radii[:, None] * np.cos(np.pi * turns)).astype(chroma.dtype)
    centroids: Float = circles @ normalized(chroma, 1.0)
    return centroids
