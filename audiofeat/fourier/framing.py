"""Where the frames of a signal lie, and what they see beyond its ends."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat._caching import remembered
from audiofeat._kernels.arguments import PLAIN, Conditioning
from audiofeat._validation import Float, as_choice, as_count, as_signal

Complex = NDArray[np.complexfloating[Any, Any]]
Window = str | float | tuple[Any, ...] | ArrayLike

FRAMES = ("kaldi", "librosa", "whisper")  # ways to lay them
PAD_MODES = ("constant", "edge", "linear_ramp", "reflect", "symmetric")
# Sums of cosines, as scipy.signal makes them; it takes a second to import, so only other windows ask it.
COSINES = {
    "boxcar": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 1.0 - 0.54),
    "blackman": (0.42, 0.50, 0.08),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
}
POWERS = {"povey": ("hann", 0.85)}  # Kaldi's


@dataclass(frozen=True, eq=False)
class Framing:
    """Where frames lie and how they are tapered; made by `as_framing`, which checks.

    Equal only to itself, so that what follows from it can be kept beside it.
    """

    window: Float  # as long as the transform
    hop_length: int
    center: bool
    pad_mode: str
    frames: str = "librosa"
    win_length: int = 0  # of Kaldi's frames
    conditioning: Conditioning = PLAIN

    @property
    def n_fft(self) -> int:
        return len(self.window)

    @property
    def length(self) -> int:
        """Return the number of samples that a frame needs; behind Kaldi's, zeros follow."""
        return self.win_length if self.frames == "kaldi" else self.n_fft

    @property
    def padding(self) -> int:
        """Return the number of samples added before the signal, below 0 if the first frame begins after its start."""
        if not self.center:
            return 0
        return self.win_length // 2 - self.hop_length // 2 if self.frames == "kaldi" else self.n_fft // 2

    @property
    def left_out(self) -> int:
        """Return the number of frames at the end that are not kept, unless there is no other."""
        return 1 if self.frames == "whisper" else 0

    def after(self, n_samples: int) -> int:
        """Return the number of samples added after a signal: as many as the last frame, or the only one, needs."""
        if not self.center:
            return 0
        if self.frames != "kaldi":
            return self.n_fft // 2
        return max(self.length - self.length // 2 - self.hop_length % 2, self.length - self.padding - n_samples)

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames of a signal."""
        spare = n_samples + self.padding + self.after(n_samples) - self.length
        if spare < 0:
            name = "win_length" if self.frames == "kaldi" else "n_fft"
            msg = f"y must have at least {name} = {self.length} samples when center is False, got {n_samples}"
            raise ValueError(msg)
        return max(1, 1 + spare // self.hop_length - self.left_out)

    @property
    def first_time(self) -> float:
        """Return where the centre of the first frame is, in samples."""
        if not self.center:
            return self.length / 2.0
        return self.hop_length / 2.0 if self.frames == "kaldi" else 0.0

    def cut(self) -> "Framing":
        """Return the framing of parts of a signal that begin and end with a frame."""
        return replace(self, center=False, frames="librosa" if self.left_out else self.frames)


def window_samples(window: Window, win_length: int, *, symmetric: bool = False) -> Float:
    """Return a window by its name (periodic unless `symmetric`), or check its samples, as float64."""
    if isinstance(window, str) and window in POWERS:
        name, exponent = POWERS[window]
        raised: Float = np.maximum(window_samples(name, win_length, symmetric=symmetric), 0.0) ** exponent
        return raised
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
    n_fft: int,
    hop_length: int | None,
    win_length: int | None,
    window: Window,
    center: bool,
    pad_mode: str,
    frames: str = "librosa",
    remove_dc: bool = False,
    preemphasis: float = 0.0,
    energy: bool = False,
) -> Framing:
    """Check the arguments that all short-time functions share, and those of a front end."""
    n_fft = as_count(n_fft, "n_fft")
    win_length = n_fft if win_length is None else as_count(win_length, "win_length", high=n_fft)
    hop_length = max(1, win_length // 4) if hop_length is None else as_count(hop_length, "hop_length")
    first = 0 if as_choice(frames, "frames", FRAMES) == "kaldi" else (n_fft - win_length) // 2
    samples = np.pad(window_samples(window, win_length), (first, n_fft - win_length - first))
    pad_mode = as_choice(pad_mode, "pad_mode", PAD_MODES)
    conditioning = PLAIN
    if remove_dc or preemphasis > 0.0 or energy:
        conditioning = Conditioning(first, first + win_length, float(remove_dc), float(preemphasis))
    return Framing(samples, hop_length, bool(center), pad_mode, frames, win_length, conditioning)


def ends(y: Float, framing: Framing) -> tuple[Float, Float]:
    """Return the padding before and after a signal, without a copy of a long one."""
    n_samples = y.shape[-1]
    first, last = max(framing.padding, 0), framing.after(n_samples)
    near = min(n_samples, max(first, last) + 1)  # no mode looks further, unless it reflects a short signal to and fro
    mode: Any = framing.pad_mode
    sides = [(0, 0)] * (y.ndim - 1) + [(first, last)]
    before = np.pad(y[..., :near], sides, mode=mode)[..., :first]
    after = np.pad(y[..., n_samples - near :], sides, mode=mode)[..., first + near :]
    return before, after


def cut(before: Float, after: Float, y: Float, start: int, stop: int) -> Float:
    """Return samples [start, stop) of a padded signal, 0 being the first of `y`; a view where no padding is met."""
    inside = y[max(start, 0) : max(stop, 0)]
    if len(inside) == stop - start:
        return inside
    pad, end = len(before), len(y)
    before = before[max(start + pad, 0) : max(stop + pad, 0)]
    return np.concatenate((before, inside, after[max(start - end, 0) : max(stop - end, 0)]))


def conditioned(frames: Float, conditioning: Conditioning) -> tuple[Float, Float | float]:
    """Return frames, shape (n_frames, n_samples), as the kernel `condition` makes them, and their energies."""
    first, stop, centering, preemphasis = conditioning
    if not stop:
        return frames, 0.0
    inside = frames[:, first:stop] - frames[:, first : first + 1] * frames.dtype.type(centering)
    inside -= inside.mean(axis=1, keepdims=True) * frames.dtype.type(centering)
    out = np.zeros(frames.shape, frames.dtype)
    out[:, first:stop] = inside
    out[:, first + 1 : stop] -= frames.dtype.type(preemphasis) * inside[:, :-1]
    out[:, first] -= frames.dtype.type(preemphasis) * inside[:, 0]
    return out, np.square(inside).sum(axis=1)
