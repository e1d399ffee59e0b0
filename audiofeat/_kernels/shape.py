"""The shape of spectra: sums over the bins of each frame, a lane to a frame.

`levels` is C-ordered, a row to a bin, with at least as many columns as there are lanes: the last group of frames
overlaps the one before it. `out` has as many columns, and `work` the room of a lane vector.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiofeat._kernels import kernel
from audiofeat._kernels.bands import added, log_of
from audiofeat._kernels.lanes import lanewise, where_less
from audiofeat._kernels.memory import load, store, width, zeros

Array = NDArray[Any]

RUN = 32  # levels are summed in runs, and these together: in float32 a sum of thousands one by one loses two digits


@lanewise
def inverse(total: Any, tiny: Any) -> Any:
    """Return ``1 / total``, or 1 where there is next to nothing to divide by."""
    return where_less(total, tiny, 1.0, 1.0 / total)


@lanewise
def distance(x: Any, frequency: Any) -> Any:
    """Return how far a frequency is from another."""
    return np.maximum(x - frequency, frequency - x)


@lanewise
def product(a: Any, b: Any) -> Any:
    """Return ``a * b``."""
    return a * b


@lanewise
def at_least(x: Any, least: Any) -> Any:
    """Return `x` or `least`."""
    return np.maximum(x, least)


@lanewise
def one_if_less(x: Any, bound: Any) -> Any:
    """Return 1 where x is less than the bound, else 0."""
    return where_less(x, bound, 1.0, 0.0)


@kernel
def raised(x: Any, exponent: float, work: Array) -> Any:
    """Return ``x ** exponent`` of a lane vector >= 0."""
    if exponent == 1.0:
        return x
    if exponent == 2.0:
        return product(x, x)
    store(work, 0, x)
    for i in range(width(work)):
        work[i] = work[i] ** exponent
    return load(work, 0)


@kernel
def moments(
    levels: Array,
    n_bins: int,
    n_frames: int,
    frequencies: Array,
    exponent: float,
    normalize: bool,
    tiny: float,
    work: Array,
    out: Array,
) -> None:
    """Write the centroids, then the means of the distances from them to the power `exponent`.

    Unless `normalize`, the latter are sums with the levels themselves as weights.
    """
    n = width(levels)
    for first in range(0, n_frames, n):
        t = min(first, n_frames - n)
        total, centroid, spread = zeros(levels), zeros(levels), zeros(levels)
        for start in range(0, n_bins, RUN):
            run = zeros(levels)
            for k in range(start, min(start + RUN, n_bins)):
                run = added(run, 1.0, load(levels, k * n_frames + t))
            total = added(total, 1.0, run)
        share = inverse(total, tiny)  # before the sums, which would overflow for loud signals
        for start in range(0, n_bins, RUN):
            run = zeros(levels)
            for k in range(start, min(start + RUN, n_bins)):
                run = added(run, frequencies[k], product(load(levels, k * n_frames + t), share))
            centroid = added(centroid, 1.0, run)
        for start in range(0, n_bins, RUN):
            run = zeros(levels)
            for k in range(start, min(start + RUN, n_bins)):
                x = load(levels, k * n_frames + t)
                x = product(x, share) if normalize else x
                run = added(run, x, raised(distance(centroid, frequencies[k]), exponent, work))
            spread = added(spread, 1.0, run)
        store(out, t, centroid)
        store(out, n_frames + t, spread)


@kernel
def count_below(levels: Array, n_bins: int, n_frames: int, share: float, out: Array) -> None:
    """Write how many bins it takes for the sum of levels to reach a share of the whole, less one."""
    n = width(levels)
    for first in range(0, n_frames, n):
        t = min(first, n_frames - n)
        total, so_far, count = zeros(levels), zeros(levels), zeros(levels)
        for k in range(n_bins):
            total = added(total, 1.0, load(levels, k * n_frames + t))
        threshold = product(total, share)
        for k in range(n_bins):
            so_far = added(so_far, 1.0, load(levels, k * n_frames + t))
            count = added(count, 1.0, one_if_less(so_far, threshold))
        store(out, t, count)


@kernel
def logs_and_sums(
    levels: Array,
    n_bins: int,
    n_frames: int,
    power: float,
    least: float,
    offset: float,
    octave: float,
    rest: float,
    work: Array,
    out: Array,
) -> None:
    """Write the sums of the natural logarithms of levels to a power over `least`, which they are at least, and theirs.

    The logarithms of silence are 0, without a rounding error in their sum; `offset` is that of `least`.
    """
    n = width(levels)
    for first in range(0, n_frames, n):
        t = min(first, n_frames - n)
        logs, total = zeros(levels), zeros(levels)
        for start in range(0, n_bins, RUN):
            some_logs, run = zeros(levels), zeros(levels)
            for k in range(start, min(start + RUN, n_bins)):
                x = at_least(raised(load(levels, k * n_frames + t), power, work), least)
                some_logs = added(some_logs, 1.0, log_of(x, least, 1.0, octave, rest, offset, -np.inf))
                run = added(run, 1.0, x)
            logs, total = added(logs, 1.0, some_logs), added(total, 1.0, run)
        store(out, t, logs)
        store(out, n_frames + t, total)


@lanewise
def smaller(a: Any, b: Any) -> Any:
    """Return the smaller of two."""
    return np.minimum(a, b)


@lanewise
def larger(a: Any, b: Any) -> Any:
    """Return the larger of two."""
    return np.maximum(a, b)


@kernel
def extremes(levels: Array, n_frames: int, starts: Array, ends: Array, counts: Array, work: Array, out: Array) -> None:
    """Write the mean of the largest and of the smallest levels of each band of bins, `counts` of them.

    All largest come before all smallest; `work` has the room of the largest count of lane vectors, twice.
    """
    n, n_bands = width(levels), len(starts)
    for first in range(0, n_frames, n):
        t = min(first, n_frames - n)
        for band in range(n_bands):
            count = counts[band]
            low = count * n
            for i in range(count * n):
                work[i], work[low + i] = -np.inf, np.inf
            for k in range(starts[band], ends[band]):
                high_x = low_x = load(levels, k * n_frames + t)
                for i in range(count):  # the highest are kept in order: each hands on the lower of two
                    kept = load(work, i * n)
                    store(work, i * n, larger(kept, high_x))
                    high_x = smaller(kept, high_x)
                    kept = load(work, low + i * n)
                    store(work, low + i * n, smaller(kept, low_x))
                    low_x = larger(kept, low_x)
            high, least = zeros(levels), zeros(levels)
            for i in range(count):
                high = added(high, 1.0 / count, load(work, i * n))
                least = added(least, 1.0 / count, load(work, low + i * n))
            store(out, band * n_frames + t, high)
            store(out, (n_bands + band) * n_frames + t, least)
