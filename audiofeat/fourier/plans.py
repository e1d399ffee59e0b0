"""Tables for the transforms of one size: factors, order of loading, twiddle factors."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from audiofeat._kernels.arguments import PLAIN, REGISTER, Conditioning, Plan, Scratch

N_CHUNK = 64  # frames whose hops are gathered at a time
LEAF = 256  # complex points that stay in the nearest cache: 32 KiB


def n_lanes(dtype: DTypeLike) -> int:
    """Return the number of lanes of a vector."""
    from audiofeat._kernels.memory import width  # numba comes with it, in a tenth of a second

    return width(np.empty(0, dtype))


def is_smooth(n_fft: int) -> bool:
    """Return whether `n_fft` has no prime factors but 2, 3 and 5."""
    return _radices(n_fft)[1] == 1


def make_plan(
    n_fft: int, hop_length: int, dtype: DTypeLike, conditioning: Conditioning = PLAIN
) -> tuple[Plan, NDArray[np.intp]]:
    """Return the plan for frames of `n_fft` samples, a number that `is_smooth`, and their order of loading.

    Of an odd number of samples each stands for its imaginary part too, which `untangle` drops with factors of 0.
    """
    n = n_lanes(dtype)
    odd = n_fft % 2
    total = n_fft if odd else n_fft // 2
    split = 1 if odd or total % 4 else 4
    n_points = total // split
    radices, _ = _radices(n_points)

    sizes = np.cumprod([1, *radices])  # of the blocks that each stage joins, and at last all
    twiddles: list[NDArray[Any]] = [np.empty(0)]
    order = np.zeros(1, np.intp)  # the point at each position: digits reversed
    for radix, part, size in zip(radices, sizes[:-1], sizes[1:], strict=True):
        twiddles.append(_turns(np.arange(part)[:, None] * np.arange(1, radix), size).reshape(-1))
        order = (radix * order + np.arange(radix)[:, None]).reshape(-1)
    whole = split * order + np.arange(split)[:, None]  # points of the whole transform
    parts = (whole, whole) if odd else (2 * whole, 2 * whole + 1)
    samples = np.stack(parts, axis=-1).reshape(-1)
    near = np.arange(n_points // 2 + 1)
    joins: NDArray[Any] = np.zeros(len(near)) if odd else -1j * _turns(near, n_fft)
    if split == 4:
        quarters = near[:, None] + n_points * np.arange(4)
        inner = [_turns(k[:, None] * np.arange(1, 4), total) for k in (near, n_points - near)]
        joins = np.concatenate([*inner, -1j * _turns(quarters, n_fft)], axis=1)

    overlap = -(-n_fft // hop_length) - 1  # hops of a frame after its first
    n_rows = _filled(min(hop_length, n_fft), n)
    n_chunk = _filled(N_CHUNK if n_rows * N_CHUNK <= 1 << 17 else n, n)
    n_cols = n_chunk + _filled(overlap, n)
    complex_ = np.result_type(dtype, np.complex64)
    plan = Plan(
        n_fft=n_fft,
        n_bins=1 + n_fft // 2,
        hop_length=hop_length,
        n_chunk=n_chunk,
        n_rows=n_rows,
        n_cols=n_cols,
        split=split,
        n_points=n_points,
        leaf=int(max(size for size in sizes if size <= LEAF)),
        conditioning=conditioning,
        places=samples * n if conditioning.stop else samples % hop_length * n_cols + samples // hop_length,
        radices=np.array(radices, np.intp),
        twiddles=np.concatenate(twiddles).astype(complex_),
        joins=joins.reshape(-1).astype(complex_),
    )
    return plan, samples


def make_scratch(dtype: DTypeLike, n_bins: int, n_bands: int, n_rows: int, plan: Plan | None = None) -> Scratch:
    """Return the work arrays of a thread, for `n_rows` rows of features in the end; without a plan, of levels."""
    n = n_lanes(dtype)
    sizes = [2 * n * n_bins, n * n_bands, n * n_rows, n]
    if plan:
        framed = n * plan.n_fft if plan.conditioning.stop else 0
        sizes += [plan.n_rows * plan.n_cols, n * plan.n_rows, framed, 2 * n * plan.split * plan.n_points]
    else:
        sizes += [0, 0, 0, 0]
    # Lane vectors that lie across two lines of the cache make everything 15 % slower.
    room = np.empty(sum(sizes) + n, dtype)
    at = -room.ctypes.data % REGISTER // room.itemsize
    arrays = []
    for size in sizes:
        arrays.append(room[at : at + size])
        at += size
    levels, bands, last, alarm, hops, edge, frames, work = arrays
    alarm[:] = 0.0
    edge_seen = edge.view()
    edge_seen.flags.writeable = False
    return Scratch(hops, edge, edge_seen, frames, work, levels, bands, last, alarm)


def _radices(n: int) -> tuple[list[int], int]:
    """Return the factors 4, 5, 3 and 2 of `n`, in this order, and what is left."""
    radices = []
    for radix in (4, 5, 3, 2):
        while n % radix == 0:
            radices.append(radix)
            n //= radix
    return radices, n


def _turns(k: NDArray[Any], n: int) -> NDArray[Any]:
    """Return the powers `k` of a root of unity."""
    return np.exp(-2j * np.pi * (k % n) / n)


def _filled(n: int, unit: int) -> int:
    """Return the multiple of `unit` that is `n` or the next above."""
    return -(-n // unit) * unit
