"""Where the frames of a signal lie, and the one way from a signal to the spectra of its frames."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, DTypeLike, NDArray

from audiofeat._validation import Float, as_choice, as_count, as_signal

Complex = NDArray[np.complexfloating[Any, Any]]
Window = str | float | tuple[Any, ...] | ArrayLike

PAD_MODES = ("constant", "edge", "linear_ramp", "reflect", "symmetric")
# Sums of cosines, as scipy.signal makes them; it takes a second to import, so only other windows ask it.
COSINES = {
    "boxcar": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 1.0 - 0.54),
    "blackman": (0.42, 0.50, 0.08),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
}
BLOCK = 1 << 17  # samples of windowed frames at a time: 0.5 MB in float32, which stays in the cache


class Framing(NamedTuple):
    """Where frames lie and how they are tapered; made by `as_framing`, which checks."""

    window: Float  # as long as the transform
    hop_length: int
    center: bool
    pad_mode: str

    @property
    def n_fft(self) -> int:
        return len(self.window)

    @property
    def padding(self) -> int:
        """Return the number of samples added at each end of the signal."""
        return self.n_fft // 2 if self.center else 0

    def n_frames(self, n_samples: int) -> int:
        """Return the number of whole frames in a signal."""
        spare = n_samples + 2 * self.padding - self.n_fft
        if spare < 0:
            msg = f"y must have at least n_fft = {self.n_fft} samples when center is False, got {n_samples}"
            raise ValueError(msg)
        return 1 + spare // self.hop_length


def window_samples(window: Window, win_length: int, *, symmetric: bool = False) -> Float:
    """Return a window by its name (periodic unless `symmetric`), or check its samples, as float64."""
    if isinstance(window, str) and window in COSINES:
        turns = np.linspace(-np.pi, np.pi, win_length + (not symmetric))[:win_length]
        terms = [weight * np.cos(k * turns) for k, weight in enumerate(COSINES[window])]
        return np.sum(terms, axis=0) if win_length > 1 else np.ones(1)
    if isinstance(window, str | float | int | tuple):
        from scipy.signal import get_window

        try:
            return np.asarray(get_window(window, win_length, fftbins=not symmetric), dtype=np.float64)
        except (TypeError, ValueError) as error:
            msg = f"window must be known to scipy.signal.get_window, got {window!r}: {error}"
            raise ValueError(msg) from error
    samples = as_signal(np.asarray(window, dtype=np.float64), name="window", ndim=1)
    if len(samples) != win_length:
        msg = f"window must have win_length = {win_length} samples, got {len(samples)}"
        raise ValueError(msg)
    return samples


def as_framing(
    n_fft: int, hop_length: int | None, win_length: int | None, window: Window, center: bool, pad_mode: str
) -> Framing:
    """Check the arguments that all short-time functions share."""
    n_fft = as_count(n_fft, "n_fft")
    win_length = n_fft if win_length is None else as_count(win_length, "win_length", high=n_fft)
    hop_length = max(1, win_length // 4) if hop_length is None else as_count(hop_length, "hop_length")
    before = (n_fft - win_length) // 2
    samples = np.pad(window_samples(window, win_length), (before, n_fft - win_length - before))
    return Framing(samples, hop_length, bool(center), as_choice(pad_mode, "pad_mode", PAD_MODES))


def transform_frames(
    y: Float,
    framing: Framing,
    finish: Callable[[Complex, NDArray[Any]], None],
    n_rows: int,
    dtype: DTypeLike,
) -> NDArray[Any]:
    """Return an array (..., n_rows, n_frames) filled from the spectra of the frames of a checked signal.

    Every front end comes through here. ``finish(spectra, out)`` turns a block of spectra, shape
    (n_block, n_bins), into ``out``, shape (n_rows, n_block). The blocks of an item start at its own first
    frame, so an item of a batch goes through the same arithmetic as alone.
    """
    *batch, n_samples = y.shape
    n_frames, n_fft, hop = framing.n_frames(n_samples), framing.n_fft, framing.hop_length
    out = np.empty((*batch, n_rows, n_frames), dtype)
    window = framing.window.astype(y.dtype)
    n_block = min(n_frames, max(1, BLOCK // n_fft))
    scratch = np.empty((n_block, n_fft), y.dtype)
    for signal, rows in zip(y.reshape(-1, n_samples), out.reshape(-1, n_rows, n_frames), strict=True):
        before, after = _ends(signal, framing)
        for first in range(0, n_frames, n_block):
            last = min(first + n_block, n_frames)
            part = _cut(before, signal, after, first * hop, (last - 1) * hop + n_fft)
            windowed = scratch[: last - first]
            np.multiply(sliding_window_view(part, n_fft)[::hop], window, out=windowed)
            finish(scipy.fft.rfft(windowed, overwrite_x=True), rows[:, first:last])
    return out


def _ends(y: Float, framing: Framing) -> tuple[Float, Float]:
    """Return the padding before and after the signal, without a copy of a long one."""
    pad, n_samples = framing.padding, len(y)
    near = min(n_samples, pad + 1)  # no mode looks further, unless it reflects a short signal to and fro
    mode: Any = framing.pad_mode
    before = np.pad(y[:near], pad, mode=mode)[:pad]
    after = np.pad(y[n_samples - near :], pad, mode=mode)[pad + near :]
    return before, after


def _cut(before: Float, y: Float, after: Float, start: int, stop: int) -> Float:
    """Return samples [start, stop) of the padded signal; a view where no padding is met."""
    pad, end = len(before), len(before) + len(y)
    inside = y[max(start - pad, 0) : max(stop - pad, 0)]
    if len(inside) == stop - start:
        return inside
    return np.concatenate((before[start:stop], inside, after[: max(stop - end, 0)]))


def levels(spectra: Complex, power: float) -> Float:
    """Return ``abs(spectra) ** power``."""
    if power == 2.0:
        squares: Float = np.square(spectra.real)
        squares += np.square(spectra.imag)
        return squares
    magnitude: Float = np.abs(spectra)
    return magnitude if power == 1.0 else np.power(magnitude, power, out=magnitude)
