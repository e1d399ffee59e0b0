"""Descriptors of the samples of frames: level and zero crossings."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from audiofeat._validation import Float, as_number
from audiofeat.descriptors._blocks import by_item, parts
from audiofeat.fourier.framing import Framing, as_framing


def rms(
    y: ArrayLike,
    *,
    frame_length: int = 2048,
    hop_length: int = 512,
    center: bool = True,
    pad_mode: str = "constant",
) -> Float:
    r"""Root mean square of the samples of each frame.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    frame_length, hop_length : int
        Samples of a frame, and from one to the next, ``>= 1``.
    center : bool
        Centre frame t on sample ``t * hop_length``; else it begins there, and `y` must fill a frame.
    pad_mode : {"constant", "edge", "linear_ramp", "reflect", "symmetric"}
        What frames that reach beyond an end see there, as in `stft`.

    Returns
    -------
    ndarray, shape (..., 1, n_frames)
        :math:`\sqrt{\frac{1}{N} \sum_n y_n^2}`, in the dtype of `y`; 0 for silence.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite, or too short without `center`.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import rms
    >>> rms(np.full(4096, 0.5), center=False)
    array([[0.5, 0.5, 0.5, 0.5, 0.5]])
    """
    framing = as_framing(frame_length, hop_length, None, "boxcar", center, pad_mode)
    return by_item(y, lambda item: rms_of(item, framing))


def rms_of(y: Float, framing: Framing) -> Float:
    """Return the row of `rms` of one signal."""
    out = np.empty((1, framing.n_frames(len(y))), y.dtype)
    for first, stop, part in parts(y, framing):
        frames = sliding_window_view(part, framing.n_fft)[:: framing.hop_length]
        out[0, first:stop] = np.sqrt(np.einsum("tn,tn->t", frames, frames) / framing.n_fft)
    return out


def zero_crossing_rate(
    y: ArrayLike,
    *,
    frame_length: int = 2048,
    hop_length: int = 512,
    center: bool = True,
    threshold: float = 1e-10,
) -> Float:
    """Share of the samples of each frame whose sign is not that of the sample before.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    frame_length, hop_length : int
        Samples of a frame, and from one to the next, ``>= 1``.
    center : bool
        Centre frame t on sample ``t * hop_length``, where the first and last samples go on beyond the ends; else
        it begins there, and `y` must fill a frame.
    threshold : float
        Samples not further from 0 are 0, whose sign is that of positive samples; ``>= 0``.

    Returns
    -------
    ndarray, shape (..., 1, n_frames)
        Rates in [0, 1), in the dtype of `y`; 0 for silence. The first sample of a frame never counts.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite, or too short without `center`.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import zero_crossing_rate
    >>> zero_crossing_rate(np.tile([1.0, 1.0, -1.0, -1.0], 4), frame_length=8, hop_length=4, center=False)
    array([[0.375, 0.375, 0.375]])
    """
    threshold = as_number(threshold, "threshold", low=0.0)
    framing = as_framing(frame_length, hop_length, None, "boxcar", center, "edge")
    return by_item(y, lambda item: crossings_of(item, framing, threshold))


def crossings_of(y: Float, framing: Framing, threshold: float = 1e-10) -> Float:
    """Return the row of `zero_crossing_rate` of one signal, whose framing repeats the samples at its ends."""
    out = np.empty((1, framing.n_frames(len(y))), y.dtype)
    for first, stop, part in parts(y, framing):
        negative = part < -threshold
        so_far = np.append(0, np.cumsum(negative[1:] != negative[:-1]))
        starts = framing.hop_length * np.arange(stop - first)
        out[0, first:stop] = (so_far[starts + framing.n_fft - 1] - so_far[starts]) / framing.n_fft
    return out
