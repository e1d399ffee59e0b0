"""From a signal to the features of its frames: blocks of frames, done one by one or shared out among threads."""

import math
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import DTypeLike, NDArray

from audiofeat._caching import remembered
from audiofeat._kernels.arguments import COMPLEX, MAGNITUDE, NONE, POWER, Bank, Finish, Plan, Scratch
from audiofeat._threads import share_out
from audiofeat._validation import Float, require_finite
from audiofeat.fourier.framing import Framing, conditioned, cut, ends
from audiofeat.fourier.plans import N_CHUNK, is_smooth, make_plan, make_scratch

BLOCK = 1 << 22  # samples of frames in a block: some milliseconds, so that an interrupt is heard
SHARE = 1 << 21  # the least for a thread, which takes 0.1 ms to start
SPARED = 4096  # the largest n_fft whose work arrays, up to 2 MB, are kept for the next call
SCIPY_BLOCK = 1 << 17  # samples of frames at a time where SciPy transforms: 0.5 MB in float32

Task = tuple[int, int, int]  # an item, its first frame and the one after its last
Job = Callable[[Task, Scratch], None]


def analyse(*args: Any) -> None:
    """Call the kernel. As numba takes a tenth of a second to import, kernels are imported when they are first used."""
    from audiofeat._kernels import frames

    frames.analyse(*args)


def finish_levels(*args: Any) -> None:
    """Call the kernel."""
    from audiofeat._kernels import frames

    frames.finish_levels(*args)


def as_bank(matrix: Float) -> Bank:
    """Return the rows of `matrix` from their first to their last value that is not 0."""
    filled = matrix != 0.0
    empty = ~filled.any(axis=1)
    starts = np.where(empty, 0, filled.argmax(axis=1)).astype(np.intp)
    ends = np.where(empty, 0, matrix.shape[1] - filled[:, ::-1].argmax(axis=1)).astype(np.intp)
    rows = [row[start:end] for row, start, end in zip(matrix, starts, ends, strict=True)]
    return Bank(starts, ends, np.concatenate([matrix[:0, 0], *rows]))


def identity_bank(n_rows: int, dtype: DTypeLike) -> Bank:
    """Return the bank whose bands are the rows themselves."""
    rows = np.arange(n_rows, dtype=np.intp)
    return Bank(rows, rows + 1, np.ones(n_rows, dtype))


def as_finish(
    dtype: DTypeLike,
    bank: Bank | None = None,
    cosines: Bank | None = None,
    *,
    compression: int = NONE,
    factor: float = 1.0,
    scale: float = 1.0,
    base: float = math.e,
    least: float = 1.0,
    offset: float = 0.0,
    floor: float = -math.inf,
) -> Finish:
    """Return what to do with levels; by default nothing. Logarithms are to the base, times the scale."""
    nothing = identity_bank(0, dtype)
    whole = scale * (math.log10(2.0) if base == 10.0 else math.log(2.0, base))
    mantissa, exponent = math.frexp(whole)
    octave = math.ldexp(round(mantissa * 4096), exponent - 12)
    logs = (compression, factor, scale / math.log(base), octave, whole - octave, least, offset, floor)
    return Finish(bank or nothing, *logs, cosines or nothing)


def extract(
    y: Float,
    framing: Framing,
    power: float | None,
    finish: Finish | None = None,
    *,
    workers: int = 1,
    max_frames: int | None = None,
) -> NDArray[Any]:
    """Return the features of the frames of a signal that is checked but for NaN and Inf: (..., n_rows, n_frames).

    Every front end comes through here. The levels of the bins are their magnitudes to the `power`, and
    `finish` makes features of them; without it they are the features, or with power None the complex spectra.
    A frame goes through the same arithmetic in any block, item and thread.
    """
    *batch, n_samples = y.shape
    n_frames = framing.n_frames(n_samples)
    n_frames = n_frames if max_frames is None else min(n_frames, max_frames)
    finish = finish or as_finish(y.dtype)
    n_rows = len(finish.cosines.starts) or len(finish.bank.starts) or 1 + framing.n_fft // 2
    out = np.empty((*batch, n_rows, n_frames), np.result_type(y, np.complex64) if power is None else y.dtype)
    items = y.reshape(-1, n_samples).view()
    items.flags.writeable = False  # as any signal may be: one type, one compilation
    rows = out.reshape(len(items), n_rows, n_frames)
    smooth = is_smooth(framing.n_fft)
    job, make_own, spare = (_fused if smooth else _by_scipy)(items, framing, power, finish, rows)
    # The kernel notices NaN and Inf in what it reads: to look at a long signal twice takes a tenth of all time.
    read = (n_frames - 1) * framing.hop_length - framing.padding + framing.length
    unseen = framing.hop_length > framing.length or framing.padding < 0
    unseen = unseen or framing.conditioning.stop not in (0, framing.length)
    if not smooth or unseen or (read < n_samples and not np.isfinite(y[..., read:]).all()):
        require_finite(y, "y")
    size = framing.n_fft * n_frames * len(items)
    n_threads = max(1, min(workers, size // SHARE))
    tasks = _blocks(len(items), n_frames, framing.n_fft, n_threads)
    used: list[Scratch] = []

    def make() -> Scratch:
        try:
            own = spare.pop()
            own.alarm[:] = 0.0
        except IndexError:
            own = make_own()
        used.append(own)
        return own

    share_out(tasks, job, make, n_threads)
    spare.extend(used)
    if any(own.alarm[0] != 0.0 for own in used):
        require_finite(y, "y")  # or else it was too loud, and the result says so
    return out


def finish_items(levels: Float, finishes: list[Finish], *, workers: int = 1) -> Float:
    """Return the features of levels, shape (..., n_rows, n_frames), with a `Finish` for each item.

    The levels are overwritten.
    """
    *batch, n_levels, n_frames = levels.shape
    n_bands, n_rows = len(finishes[0].bank.starts), len(finishes[0].cosines.starts)
    out = np.empty((*batch, n_rows, n_frames), levels.dtype) if n_rows else levels
    flat, rows = levels.reshape(len(finishes), -1), out.reshape(len(finishes), -1)

    def job(task: Task, scratch: Scratch) -> None:
        item, first, stop = task
        finish = finishes[item]
        finish_levels(flat[item], n_levels, n_frames, first, stop, finish, scratch, 0, n_frames, rows[item])

    n_threads = max(1, min(workers, levels.size // SHARE))
    tasks = _blocks(len(finishes), n_frames, n_levels, n_threads)
    share_out(tasks, job, lambda: make_scratch(levels.dtype, n_levels, n_bands, n_rows or n_bands), n_threads)
    return out


def _blocks(n_items: int, n_frames: int, size: int, n_threads: int) -> list[Task]:
    """Cut the frames, of `size` samples, into blocks of whole chunks; among threads into as many for each."""
    total = n_items * n_frames
    n_each = min(max(total * size // n_threads // SHARE, 1), 16)
    most = total if n_threads == 1 else -(-total // (n_each * n_threads))
    n_block = max(-(-min(most, BLOCK // size) // N_CHUNK), 1) * N_CHUNK
    return [(i, t, min(t + n_block, n_frames)) for i in range(n_items) for t in range(0, n_frames, n_block)]


def _fused(
    items: Float, framing: Framing, power: float | None, finish: Finish, rows: NDArray[Any]
) -> tuple[Job, Callable[[], Scratch], deque[Scratch]]:
    """Return the job that does everything in one kernel."""
    dtype, hop = items.dtype, framing.hop_length
    plan, window = _tables(framing, dtype)
    kind, exponent = {None: (COMPLEX, 1.0), 1.0: (MAGNITUDE, 1.0)}.get(power, (POWER, (power or 0.0) / 2.0))
    parts = 2 if power is None else 1
    width = parts * rows.shape[2]
    flat = rows.view(dtype).reshape(len(rows), -1)
    padding, n_samples = framing.padding, items.shape[1]
    by_kernel = framing.pad_mode == "constant"  # it sees zeros around the signal

    def job(task: Task, scratch: Scratch) -> None:
        item, first, stop = task
        source, start = items[item], first * hop - padding
        beyond = (stop - 1) * hop - padding + framing.length
        if not by_kernel and (start < 0 or beyond > n_samples):
            source, start = cut(*ends(source, framing), source, start, beyond), 0
            source.flags.writeable = False
        analyse(
            source, start, stop - first, plan, window, kind, exponent, finish, scratch, parts * first, width, flat[item]
        )

    n_bands, n_rows = len(finish.bank.starts), rows.shape[1]
    spare = _spare(framing, dtype, n_bands, n_rows)
    return job, lambda: make_scratch(dtype, plan.n_bins, n_bands, n_rows, plan), spare


@remembered
def _tables(framing: Framing, dtype: DTypeLike) -> tuple[Plan, Float]:
    """Return the plan for frames and their window in the order of loading, halved as `untangle` wants it."""
    plan, samples = make_plan(framing.n_fft, framing.hop_length, dtype, framing.conditioning)
    return plan, (0.5 * framing.window[samples]).astype(dtype)


@remembered
def _spare(framing: Framing, *kind: Any) -> deque[Scratch]:  # noqa: ARG001
    """Return a place for work arrays between calls: pages new to the process cost a tenth of 30 s of frames."""
    return deque(maxlen=2 if framing.n_fft <= SPARED else 0)


def _by_scipy(
    items: Float, framing: Framing, power: float | None, finish: Finish, rows: NDArray[Any]
) -> tuple[Job, Callable[[], Scratch], deque[Scratch]]:
    """Return the job for sizes with other prime factors than 2, 3 and 5."""
    import scipy.fft  # takes 50 ms that other sizes need not wait for

    dtype, hop, n_fft = items.dtype, framing.hop_length, framing.n_fft
    window = framing.window.astype(dtype)
    n_bands, n_bins, length = len(finish.bank.starts), 1 + n_fft // 2, framing.length
    n_block = max(1, SCIPY_BLOCK // n_fft)
    width = rows.shape[2]

    @np.errstate(all="ignore")
    def job(task: Task, scratch: Scratch) -> None:
        item, first, stop = task
        edges = ends(items[item], framing)
        for t in range(first, stop, n_block):
            after = min(t + n_block, stop)
            start = t * hop - framing.padding
            part = cut(*edges, items[item], start, start + (after - 1 - t) * hop + length)
            frames, energies = conditioned(sliding_window_view(part, length)[::hop], framing.conditioning)
            spectra: Any = scipy.fft.rfft(frames * window[:length], n_fft, overwrite_x=True).T
            if power is None:
                rows[item, :, t:after] = spectra
                continue
            if n_bands == 0:
                rows[item, :, t:after] = _levels(spectra, power)
                continue
            levels = np.empty((n_bins + 1, after - t), dtype)
            levels[:-1], levels[-1] = _levels(spectra, power), energies
            flat, out = levels.reshape(-1), rows[item].reshape(-1)
            finish_levels(flat, n_bins + 1, after - t, 0, after - t, finish, scratch, t, width, out)

    return job, lambda: make_scratch(dtype, n_bins, n_bands, rows.shape[1]), deque(maxlen=0)


def _levels(spectra: NDArray[Any], power: float) -> Float:
    """Return ``abs(spectra) ** power``."""
    squares: Float = np.square(spectra.real)
    squares += np.square(spectra.imag)
    if power == 2.0:
        return squares
    return np.sqrt(squares, out=squares) if power == 1.0 else np.power(squares, power / 2.0, out=squares)
