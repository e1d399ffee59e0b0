"""Harmonic and percussive parts of a signal, by librosa's median filters."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import Float, as_count, as_number, as_signal
from audiofeat.fourier.framing import Framing, Window, as_framing

Pair = tuple[Any, Any]  # for the harmonic part, for the percussive part


def hpss(
    y: ArrayLike,
    *,
    kernel_size: int | tuple[int, int] = 31,
    power: float = 2.0,
    mask: bool = False,
    margin: float | tuple[float, float] = 1.0,
    n_fft: int = 2048,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
) -> tuple[Float, Float]:
    r"""Separate a signal into a harmonic and a percussive part.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    kernel_size : int or (int, int)
        Length of the median filters: frames for the harmonic, bins for the percussive part.
    power : float
        Exponent of the soft masks, ``> 0``; infinity gives a bin to the part that is louder, if one is.
    mask : bool
        Return the inverse transforms of the masks instead of the signals.
    margin : float or (float, float)
        How many times a bin must be above the other part's to be counted to the harmonic and to the percussive
        part, ``>= 1``. Above 1, what is neither is left out, and the parts do not add up to the signal.
    n_fft, hop_length, win_length, window, center, pad_mode : as in `stft`
        Framing.

    Returns
    -------
    harmonic : ndarray, shape of `y`
        What lasts, in the dtype of `y`; 0 for silence.
    percussive : ndarray, shape of `y`
        What is short. With a margin of 1 and finite `power`, the sum of both is the signal wherever the frames
        reach (everywhere, with `center`); bins whose two medians are 0 are shared equally.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `y` is empty, not finite, or, without `center`, shorter than
        `n_fft`.
    TypeError
        As `stft`.

    Notes
    -----
    Magnitudes of the short-time Fourier transform are filtered by medians [1]_, over time for H and over
    frequency for P, and :math:`H^p / (H^p + (m P)^p)` is the harmonic mask, with the margin m of [2]_; the
    percussive likewise. The work is librosa's, whose :func:`librosa.effects.hpss` gives the same numbers, but
    for windows other than Hann's, which it leaves unused. A signal is scaled by a power of two on the way, so
    that neither a very loud nor a very quiet one loses digits.

    References
    ----------
    .. [1] D. FitzGerald, "Harmonic/percussive separation using median filtering", Proceedings of the 13th
       International Conference on Digital Audio Effects, 2010.
    .. [2] J. Driedger, M. Müller and S. Disch, "Extending harmonic-percussive separation of audio signals",
       Proceedings of the 15th International Society for Music Information Retrieval Conference, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat.separation import hpss
    >>> y = np.sin(0.3 * np.arange(22050.0))
    >>> harmonic, percussive = hpss(y)
    >>> np.allclose(harmonic + percussive, y), bool(harmonic.std() > 10.0 * percussive.std())
    (True, True)
    """
    y = as_signal(y)
    framing = as_framing(n_fft, hop_length, win_length, window, center, pad_mode)
    framing.n_frames(y.shape[-1])  # refuses a signal without a frame
    kernels = _pair(kernel_size, "kernel_size", as_count)
    margins = _pair(margin, "margin", partial(as_number, low=1.0))
    power = power if power == np.inf else as_number(power, "power", low=0.0, open_low=True)
    parts = np.empty((2, *y.shape), y.dtype)
    for index in np.ndindex(y.shape[:-1]):
        _, exponent = np.frexp(np.abs(y[index]).max())
        both = _separated(np.ldexp(y[index], -exponent), framing, kernels, margins, power, bool(mask))
        for part, samples in zip(parts, both, strict=True):
            with np.errstate(over="ignore"):  # a part may be just above a signal at the end of its dtype's range
                part[index] = samples if mask else np.ldexp(samples, exponent)
    return parts[0], parts[1]


def _pair(value: Any, name: str, check: Callable[[Any, str], Any]) -> Pair:
    """Return checked values for the harmonic and for the percussive part."""
    values = value if isinstance(value, tuple | list) else (value, value)
    if len(values) != 2:
        msg = f"{name} must be one value or two, got {value!r}"
        raise ValueError(msg)
    return check(values[0], name), check(values[1], name)


def _separated(y: Float, framing: Framing, kernels: Pair, margins: Pair, power: float, mask: bool) -> list[Float]:
    """Return the two parts of one signal, or the inverse transforms of their masks."""
    from librosa import istft, stft
    from librosa.decompose import hpss as decompose

    shape: dict[str, Any] = {"n_fft": framing.n_fft, "hop_length": framing.hop_length, "window": framing.window}
    # Padded here: librosa warns of a signal shorter than a frame, and a filter of warnings is not for threads.
    pad_mode: Any = framing.pad_mode
    padded = np.pad(y, framing.padding, mode=pad_mode)
    spectrum = stft(padded, center=False, **shape)
    # SciPy 1.17's median filter may return NaN along an axis that is shorter than the filter: it is lengthened here by
    # the reflections that the filter would see.
    reach = [kernel if size < kernel else 0 for size, kernel in zip(spectrum.shape, kernels[::-1], strict=True)]
    seen = np.pad(spectrum, [(n, n) for n in reach], mode="symmetric")
    inside = tuple(slice(n, n + size) for n, size in zip(reach, spectrum.shape, strict=True))
    spectra = [part[inside] for part in decompose(seen, kernel_size=kernels, margin=margins, power=power, mask=mask)]
    back = {**shape, "center": framing.center, "length": len(y), "dtype": y.dtype}
    return [istft(part, **back) for part in spectra]
