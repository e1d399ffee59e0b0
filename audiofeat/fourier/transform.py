"""The short-time Fourier transform, its magnitude, and its inverse."""

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._threads import as_workers
from audiofeat._validation import Float, as_count, as_number, as_rate, as_signal
from audiofeat.fourier.engine import SCIPY_BLOCK, extract
from audiofeat.fourier.framing import Complex, Window, as_framing


def stft(
    y: ArrayLike,
    *,
    n_fft: int = 2048,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    workers: int = 1,
) -> Complex:
    r"""Short-time Fourier transform.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    n_fft : int
        Samples of a frame and of its transform.
    hop_length : int, optional
        Samples from one frame to the next; by default ``win_length // 4``, at least 1.
    win_length : int, optional
        Samples of the window, ``<= n_fft`` (the default), with zeros on both sides up to `n_fft`.
    window : str, tuple, float or array_like, shape (win_length,)
        What :func:`scipy.signal.get_window` takes (made periodic), or its samples.
    center : bool
        Centre frame t on sample ``t * hop_length``, the signal padded by ``n_fft // 2`` at both ends: any
        signal has a frame. Otherwise frame t starts there and the signal must have `n_fft` samples.
    pad_mode : {"constant", "edge", "linear_ramp", "reflect", "symmetric"}
        Padding of :func:`numpy.pad`, which reflects a short signal to and fro, and one sample as itself.
    workers : int
        Threads to share blocks of frames, ``>= 1``, or -1 for all cores; fewer work where there is too little
        for so many. The result is the same to the bit.

    Returns
    -------
    ndarray, shape (..., 1 + n_fft // 2, n_frames)
        Complex spectra, complex64 for float32 input, else complex128, with
        ``n_frames = 1 + (n_samples + 2 * (n_fft // 2) - n_fft) // hop_length``, or
        ``1 + (n_samples - n_fft) // hop_length`` without `center`.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite, or too short without `center`.
    TypeError
        If `y` is neither float nor integer PCM.

    Notes
    -----
    :math:`X_{kt} = \sum_{n=0}^{N-1} w_n\, y_{n + tH}\, e^{-2\pi i k n / N}` for the padded signal. The
    transform is computed in the precision of `y`: in float32 a bin carries an error of up to 2e-7, typically
    1e-8, of the strongest bin of its frame, in float64 of 1e-16. Squared magnitudes below 1e-38 (1e-308) are 0.
    Sizes without prime factors above 5 are done by compiled kernels, others by :mod:`scipy.fft`. Time is
    O(n_frames n_fft log n_fft), memory the output and about a megabyte for each thread.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import stft
    >>> stft(np.ones(4096), n_fft=1024).shape
    (513, 17)
    """
    y = as_signal(y, finite=False)
    framing = as_framing(n_fft, hop_length, win_length, window, center, pad_mode)
    return extract(y, framing, None, workers=as_workers(workers))


def spectrogram(
    y: ArrayLike,
    *,
    n_fft: int = 2048,
    hop_length: int | None = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    power: float = 1.0,
    workers: int = 1,
) -> Float:
    """Magnitude of the short-time Fourier transform, raised to a power.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    n_fft, hop_length, win_length, window, center, pad_mode : as in `stft`
        Framing.
    power : float
        Exponent, ``> 0``: 1 for magnitude, 2 for power.
    workers : int
        Threads, as in `stft`.

    Returns
    -------
    ndarray, shape (..., 1 + n_fft // 2, n_frames)
        ``abs(stft(y)) ** power``, in the dtype of `y`; 0 for silence.

    Raises
    ------
    ValueError
        As `stft`, or if `power` is not positive.
    TypeError
        As `stft`.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import spectrogram
    >>> S = spectrogram(np.ones(8), n_fft=4, hop_length=4, window="boxcar", center=False)
    >>> S.round(6)
    array([[4., 4.],
           [0., 0.],
           [0., 0.]])
    """
    y = as_signal(y, finite=False)
    power = as_number(power, "power", low=0.0, open_low=True)
    framing = as_framing(n_fft, hop_length, win_length, window, center, pad_mode)
    return extract(y, framing, power, workers=as_workers(workers))


def istft(
    stft_matrix: ArrayLike,
    *,
    hop_length: int | None = None,
    win_length: int | None = None,
    n_fft: int | None = None,
    window: Window = "hann",
    center: bool = True,
    length: int | None = None,
) -> Float:
    r"""Inverse short-time Fourier transform, by overlap-add.

    Parameters
    ----------
    stft_matrix : array_like, shape (..., 1 + n_fft // 2, n_frames)
        Complex spectra. Leading axes are independent.
    hop_length, win_length : as in `stft`
        Framing.
    n_fft : int, optional
        Samples of a frame; by default ``2 * (n_bins - 1)``, so an odd `n_fft` must be given.
    window, center : as in `stft`
        Framing.
    length : int, optional
        Samples to return: cut, or filled with zeros. By default, what the frames cover without the padding of
        `center`: nothing for a single centred frame of even length.

    Returns
    -------
    ndarray, shape (..., n_samples)
        The signal, float32 for complex64 input, else float64.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `stft_matrix` is empty, not finite, or has not
        ``1 + n_fft // 2`` rows.
    TypeError
        If `stft_matrix` is not complex.

    Notes
    -----
    The least-squares estimate of [1]_, eq. 6: windowed inverse transforms are added and divided by the sum of
    the squared windows, so ``istft(stft(y))`` is `y` wherever a window reaches; elsewhere the result is 0.

    References
    ----------
    .. [1] D. W. Griffin and J. S. Lim, "Signal estimation from modified short-time Fourier transform", IEEE
       Transactions on Acoustics, Speech, and Signal Processing 32(2), 1984.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import istft, stft
    >>> y = np.sin(np.arange(1000.0))
    >>> np.allclose(istft(stft(y, n_fft=256), length=1000), y)
    True
    """
    import scipy.fft  # takes 50 ms that other functions need not wait for

    spectra = _as_spectra(stft_matrix)
    *batch, n_bins, n_frames = spectra.shape
    n_fft = max(1, 2 * (n_bins - 1)) if n_fft is None else as_count(n_fft, "n_fft")
    if n_bins != 1 + n_fft // 2:
        msg = f"stft_matrix must have 1 + n_fft // 2 = {1 + n_fft // 2} rows, got {n_bins}"
        raise ValueError(msg)
    framing = as_framing(n_fft, hop_length, win_length, window, center, "constant")
    hop, pad = framing.hop_length, framing.padding
    if length is None:
        length = n_fft + hop * (n_frames - 1) - 2 * pad
    else:
        length = as_count(length, "length")
        n_frames = min(n_frames, -(-(length + pad) // hop))  # later frames begin past the end
    dtype = spectra.real.dtype
    y = np.zeros((*batch, length), dtype)
    # Added in rows of one hop: row r gathers piece k of frame r - k, whatever the ratio of n_fft to hop.
    n_rows = n_frames + (n_fft - 1) // hop
    covered = slice(pad, min(pad + length, n_rows * hop))
    n_covered = max(0, covered.stop - pad)
    weight = np.zeros((n_rows, hop))
    _overlap_add(weight, np.broadcast_to(np.square(framing.window), (n_frames, n_fft)), 0)
    norm = weight.reshape(-1)[covered].astype(dtype)
    norm[norm <= np.finfo(dtype).tiny] = 1.0
    window = framing.window.astype(dtype)
    n_block = max(1, SCIPY_BLOCK // n_fft)
    items = spectra.reshape(-1, n_bins, spectra.shape[-1])
    for item, signal in zip(items, y.reshape(len(items), length), strict=True):
        total = np.zeros((n_rows, hop), dtype)
        for first in range(0, n_frames, n_block):
            block = np.ascontiguousarray(item[:, first : min(first + n_block, n_frames)].T)
            frames = scipy.fft.irfft(block, n=n_fft, overwrite_x=True)
            frames *= window
            _overlap_add(total, frames, first)
        signal[:n_covered] = total.reshape(-1)[covered] / norm
    return y


def _overlap_add(rows: Float, frames: Float, first: int) -> None:
    """Add `frames` to a signal cut into rows of one hop, the first of them at row `first`."""
    n_frames, n_fft = frames.shape
    hop = rows.shape[1]
    for k, start in enumerate(range(0, n_fft, hop)):
        piece = frames[:, start : start + hop]
        rows[first + k : first + k + n_frames, : piece.shape[1]] += piece


def _as_spectra(stft_matrix: ArrayLike) -> Complex:
    """Return finite complex spectra, native complex64 or complex128, of at least two axes."""
    array = np.asarray(stft_matrix)
    if array.dtype.kind != "c":
        msg = f"stft_matrix must be complex, got dtype {array.dtype}"
        raise TypeError(msg)
    if array.ndim < 2 or array.size == 0:
        msg = f"stft_matrix must have the shape (..., n_bins, n_frames), none of them 0, got {array.shape}"
        raise ValueError(msg)
    if not np.isfinite(array).all():
        msg = "stft_matrix must be finite, got NaN or Inf"
        raise ValueError(msg)
    return array.astype(np.complex64 if array.dtype.itemsize == 8 else np.complex128, copy=False)


def fft_frequencies(sr: float, *, n_fft: int = 2048) -> Float:
    """Return the frequencies of the rows of `stft`.

    Parameters
    ----------
    sr : float
        Sample rate in Hz.
    n_fft : int
        Samples of a frame.

    Returns
    -------
    ndarray, shape (1 + n_fft // 2,)
        ``0, sr / n_fft, 2 * sr / n_fft, ...`` in Hz, float64.

    Raises
    ------
    ValueError
        If `sr` or `n_fft` is not positive.

    Examples
    --------
    >>> from audiofeat import fft_frequencies
    >>> fft_frequencies(8000, n_fft=8)
    array([   0., 1000., 2000., 3000., 4000.])
    """
    return np.fft.rfftfreq(as_count(n_fft, "n_fft"), 1.0 / as_rate(sr))
