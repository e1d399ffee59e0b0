"""Onset strength: how much louder the bands of a signal become from frame to frame."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import Float, as_count, as_signal
from audiofeat.fourier.framing import Window
from audiofeat.mel import logmel
from audiofeat.mel.scales import as_levels

TOP_DB = 80.0  # bands further below the clip's loudest are taken to lie there: no onsets in the noise of silence


class Aggregate(Protocol):
    """A function such as :func:`numpy.mean` or :func:`numpy.median`, which takes an axis away."""

    def __call__(self, a: Float, /, *, axis: int) -> Any: ...


def onset_strength(
    y: ArrayLike,
    sr: float,
    *,
    lag: int = 1,
    max_size: int = 1,
    detrend: bool = False,
    center: bool = True,
    aggregate: Aggregate | None = None,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: Window = "hann",
    pad_mode: str = "constant",
    power: float = 2.0,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: str | float | None = "slaney",
    workers: int = 1,
) -> Float:
    """Onset strength of a signal: its spectral flux in mel bands.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    sr : float
        Sample rate in Hz.
    lag, max_size, detrend, center, aggregate : as in `onset_envelope`
        How the bands become an envelope. The frames of the spectrogram are centred in any case.
    n_fft, hop_length, win_length, window, pad_mode : as in `stft`
        Framing.
    power : float
        Exponent of the magnitudes.
    n_mels, fmin, fmax, htk, norm : as in `mel_filterbank`
        Bands.
    workers : int
        Threads, as in `stft`.

    Returns
    -------
    ndarray, shape (..., n_frames)
        ``onset_envelope(logmel(y, sr, top_db=80.0))``, ``>= 0`` unless `detrend`, in the dtype of `y`; 0 for
        silence.

    Raises
    ------
    ValueError
        As `logmel` and `onset_envelope`, or if the signal is so loud that its power overflows.
    TypeError
        As `stft`.

    Notes
    -----
    The numbers are those of librosa 0.11, but in a batch, where the floor of 80 dB is below an item's own
    loudest band and not below the batch's. It is computed in double precision and rounded once: a median follows
    bands that are rounding noise beside loud ones.

    Examples
    --------
    >>> from audiofeat import synth
    >>> from audiofeat.onset import onset_strength
    >>> y = synth.clicks([1.0], sr=22050, duration=2.0)
    >>> envelope = onset_strength(y, 22050)
    >>> envelope.shape, round(float(envelope.argmax() * 512 / 22050), 2)
    ((87,), 1.02)
    """
    y = as_signal(y, finite=False)
    S_db = logmel(
        y.astype(np.float64, copy=False),
        sr,
        n_fft=n_fft,
        hop_length=as_count(hop_length, "hop_length"),
        win_length=win_length,
        window=window,
        pad_mode=pad_mode,
        power=power,
        n_mels=n_mels,
        fmin=fmin,
        fmax=fmax,
        htk=htk,
        norm=norm,
        top_db=TOP_DB,
        workers=workers,
    )
    envelope = onset_envelope(
        S_db,
        lag=lag,
        max_size=max_size,
        detrend=detrend,
        center=center,
        aggregate=aggregate,
        n_fft=n_fft,
        hop_length=hop_length,
    )
    return envelope.astype(y.dtype, copy=False)


def onset_envelope(
    S_db: ArrayLike,
    *,
    lag: int = 1,
    max_size: int = 1,
    detrend: bool = False,
    center: bool = True,
    aggregate: Aggregate | None = None,
    n_fft: int = 2048,
    hop_length: int = 512,
) -> Float:
    r"""Onset strength from a spectrogram in decibels.

    Parameters
    ----------
    S_db : array_like, shape (..., n_bands, n_frames)
        Levels in dB, of any spectrogram. Leading axes are independent.
    lag : int
        Frames between the two that are compared.
    max_size : int
        Bands over which the maximum of the earlier frame is taken, so that vibrato is no onset [1]_; 1 compares
        a band with itself.
    detrend : bool
        Remove the mean of the envelope by a filter, :math:`(1 - z^{-1}) / (1 - 0.99 z^{-1})`.
    center : bool
        Shift the envelope by ``n_fft // (2 * hop_length)`` frames, to where centred frames have their onsets.
    aggregate : callable, optional
        What turns the rises of the bands of each frame, shape (n_bands, n_frames), into one number with
        ``axis=-2``; by default :func:`numpy.mean`.
    n_fft, hop_length : int
        Of the spectrogram; for the shift only.

    Returns
    -------
    ndarray, shape (..., n_frames)
        The mean over the bands of :math:`\max(0, S_t - S_{t - lag})` in dB, ``>= 0`` unless `detrend`, in the
        dtype of float32 or float64 input, else float64. Frames that have nothing to be compared with, the first
        of any clip and all of one not longer than lag and shift, are 0.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `S_db` has fewer than two axes, is empty or not finite.
    TypeError
        If `S_db` is complex.

    References
    ----------
    .. [1] S. Böck and G. Widmer, "Maximum filter vibrato suppression for onset detection", Proceedings of the
       16th International Conference on Digital Audio Effects, 2013.

    Examples
    --------
    >>> from audiofeat.onset import onset_envelope
    >>> onset_envelope([[0.0, 0.0, 6.0, 0.0], [0.0, 0.0, 2.0, 8.0]], center=False)
    array([0., 0., 4., 3.])
    """
    S_db = as_levels(S_db, "S_db", low=-np.inf)
    if S_db.ndim < 2:
        msg = f"S_db must have at least 2 dimensions, got shape {S_db.shape}"
        raise ValueError(msg)
    lag, max_size = as_count(lag, "lag"), as_count(max_size, "max_size")
    n_fft, hop_length = as_count(n_fft, "n_fft"), as_count(hop_length, "hop_length")
    combine: Aggregate = np.mean if aggregate is None else aggregate
    *batch, n_bands, n_frames = S_db.shape
    first = lag + n_fft // (2 * hop_length) if center else lag
    n_kept = max(0, n_frames - first)
    envelope = np.zeros((*batch, n_frames), S_db.dtype)
    # One by one: the rises of one clip in memory, and an `aggregate` that never sees two.
    for bands, strength in zip(S_db.reshape(-1, n_bands, n_frames), envelope.reshape(-1, n_frames), strict=True):
        if n_kept:
            earlier = _highest_around(bands[:, :n_kept], max_size)
            rises = bands[:, lag : lag + n_kept] - earlier
            strength[first:] = combine(np.maximum(rises, 0.0, out=rises), axis=-2)
    return _detrended(envelope) if detrend else envelope


def _highest_around(bands: Float, size: int) -> Float:
    """Return the maximum over `size` bands around each."""
    if size == 1:
        return bands
    from scipy.ndimage import maximum_filter1d

    highest: Float = maximum_filter1d(bands, size, axis=-2)
    return highest


def _detrended(envelope: Float) -> Float:
    """Return an envelope without its mean, which a filter forgets within a hundred frames."""
    from scipy.signal import lfilter  # takes a second to import

    filtered: Float = lfilter([1.0, -1.0], [1.0, -0.99], envelope, axis=-1)
    return filtered.astype(envelope.dtype, copy=False)
