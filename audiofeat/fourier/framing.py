"""Where the frames of a signal lie, and what they see beyond its ends."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat._caching import remembered
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


@dataclass(frozen=True, eq=False)
class Framing:
    """Where frames lie and how they are tapered; made by `as_framing`, which checks.

    Equal only to itself, so that what follows from it can be kept beside it.
    """

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


@remembered
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


def ends(y: Float, framing: Framing) -> tuple[Float, Float]:
    """Return the padding before and after a signal, without a copy of a long one."""
    pad, n_samples = framing.padding, y.shape[-1]
    near = min(n_samples, pad + 1)  # no mode looks further, unless it reflects a short signal to and fro
    mode: Any = framing.pad_mode
    sides = [(0, 0)] * (y.ndim - 1) + [(pad, pad)]
    before = np.pad(y[..., :near], sides, mode=mode)[..., :pad]
    after = np.pad(y[..., n_samples - near :], sides, mode=mode)[..., pad + near :]
    return before, after


def cut(before: Float, after: Float, y: Float, start: int, stop: int) -> Float:
    """Return samples [start, stop) of a padded signal, 0 being the first of `y`; a view where no padding is met."""
    inside = y[max(start, 0) : max(stop, 0)]
    if len(inside) == stop - start:
        return inside
    pad, end = len(before), len(y)
    before = before[max(start + pad, 0) : max(stop + pad, 0)]
    return np.concatenate((before, inside, after[max(start - end, 0) : max(stop - end, 0)]))
