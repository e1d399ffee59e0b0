"""Frames of a signal block by block, so that a block's spectra stay in the cache, and hours take no memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._kernels.arguments import Finish
from audiofeat._kernels.frames import finish_levels
from audiofeat._kernels.memory import width
from audiofeat._validation import Float, as_signal
from audiofeat.fourier.engine import extract
from audiofeat.fourier.framing import Framing, Window, as_framing, cut, ends
from audiofeat.fourier.plans import make_scratch

BLOCK = 1 << 17  # values of the spectra of a block: 1 MB in float64, which a core's own cache holds
KEPT = 1 << 24  # values of the spectra that are kept, rather than made anew where they are wanted twice

Measure = Callable[[Float], Float]


@dataclass(frozen=True, eq=False)
class Frames:
    """How a signal is cut into frames, and how a part of it is that has no padding."""

    whole: Framing
    part: Framing

    @property
    def n_fft(self) -> int:
        return self.whole.n_fft


def as_frames(
    n_fft: int, hop_length: int, win_length: int | None, window: Window, center: bool, pad_mode: str
) -> Frames:
    """Check the arguments that all descriptors of spectra share."""
    whole = as_framing(n_fft, hop_length, win_length, window, center, pad_mode)
    return Frames(whole, as_framing(n_fft, hop_length, win_length, window, False, pad_mode))


def parts(y: Float, framing: Framing) -> Iterator[tuple[int, int, Float]]:
    """Cut a signal, shape (n_samples,), into parts of some frames each: the first, the one after the last, samples."""
    n_frames, n_block = framing.n_frames(len(y)), max(64, 2 * BLOCK // framing.n_fft)
    edges = ends(y, framing)
    for first in range(0, n_frames, n_block):
        stop = min(first + n_block, n_frames)
        start = first * framing.hop_length - framing.padding
        yield first, stop, cut(*edges, y, start, start + (stop - 1 - first) * framing.hop_length + framing.n_fft)


def spectra(y: Float, frames: Frames) -> Iterator[tuple[int, int, Float]]:
    """Yield the magnitudes of the frames of a signal, shape (n_bins, n_frames of the part), in its dtype.

    They are transformed in double precision: beside a loud peak a quiet valley, of which flatness and contrast
    tell, would be rounding noise.
    """
    for first, stop, part in parts(y, frames.whole):
        yield first, stop, extract(part.astype(np.float64), frames.part, 1.0).astype(y.dtype, copy=False)


def may_be_kept(y: Float, frames: Frames) -> bool:
    """Return whether the spectra of all frames of a signal are few enough to be kept."""
    return frames.whole.n_frames(len(y)) * (1 + frames.n_fft // 2) <= KEPT


def by_item(y: ArrayLike, measure: Measure) -> Float:
    """Return what `measure` gives for each item of `y`, stacked along the leading axes; NaN and Inf are refused."""
    y = as_signal(y)
    rows = [measure(item) for item in y.reshape(-1, y.shape[-1])]
    return rows[0] if y.ndim == 1 else np.stack(rows).reshape(*y.shape[:-1], *rows[0].shape)


def of_spectra(y: ArrayLike, frames: Frames, measure: Measure) -> Float:
    """Return what `measure` makes of the magnitudes, shape (n_bins, n), as rows of n, for all frames of all items."""

    def rows(item: Float) -> Float:
        return np.concatenate([measure(S) for _, _, S in spectra(item, frames)], axis=-1)

    return by_item(y, rows)


def for_lanes(S: Float) -> Float:
    """Return levels with at least as many columns as a lane vector, C-ordered."""
    missing = width(S) - S.shape[1]
    return np.pad(S, ((0, 0), (0, missing))) if missing > 0 else np.ascontiguousarray(S)


def in_bands(levels: Float, finish: Finish) -> Float:
    """Return the bands of levels, shape (n_rows, n_frames), as `finish` says."""
    n_levels, n_frames = levels.shape
    n_bands, n_cosines = len(finish.bank.starts), len(finish.cosines.starts)
    out = np.empty((n_cosines or n_bands, n_frames), levels.dtype)
    scratch = make_scratch(levels.dtype, n_levels, n_bands, len(out))
    finish_levels(levels.reshape(-1), n_levels, n_frames, 0, n_frames, finish, scratch, 0, n_frames, out.reshape(-1))
    return out
