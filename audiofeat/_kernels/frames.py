"""The passes over all frames: from a signal, or from levels, to rows of features in one go."""

from typing import Any

from numpy.typing import NDArray

from audiofeat._kernels import kernel
from audiofeat._kernels.arguments import COMPLEX, Finish, Plan, Scratch
from audiofeat._kernels.bands import weigh
from audiofeat._kernels.conditioning import condition
from audiofeat._kernels.fft import gather, join, transform
from audiofeat._kernels.memory import width

Array = NDArray[Any]


@kernel
def put_last(last: Array, n_rows: int, n_lanes: int, n_valid: int, column: int, n_columns: int, out: Array) -> None:
    """Write the valid values of each row of a group that would reach beyond the rows of `out`."""
    for row in range(n_rows):
        for i in range(n_valid):
            out[row * n_columns + column + i] = last[row * n_lanes + i]


@kernel
def finish_group(
    source: Array,
    at: int,
    stride: int,
    finish: Finish,
    scratch: Scratch,
    n_valid: int,
    column: int,
    n_columns: int,
    out: Array,
) -> None:
    """Make the features of a group of frames of their levels, the first of which are at ``at``."""
    n = width(source)
    n_cosines = len(finish.cosines.starts)
    n_stages = 2 if n_cosines > 0 else 1
    for stage in range(n_stages):  # one call, so that it is compiled once
        bank = finish.bank if stage == 0 else finish.cosines
        target, to, across = scratch.bands, 0, n
        if stage == n_stages - 1:
            target, to, across = (out, column, n_columns) if n_valid == n else (scratch.last, 0, n)
        weigh(source, at, stride, bank, finish, stage == 0, target, to, across)
        source, at, stride = scratch.bands, 0, n
    if n_valid < n:
        put_last(scratch.last, len(bank.starts), n, n_valid, column, n_columns, out)


@kernel
def analyse(
    y: Array,
    start: int,
    n_frames: int,
    plan: Plan,
    window: Array,
    kind: int,
    exponent: float,
    finish: Finish,
    scratch: Scratch,
    column: int,
    n_columns: int,
    out: Array,
) -> None:
    """Write the features of the frames of `y` from sample `start` on to the columns of `out` from `column` on.

    `out` holds real numbers, row by row. Without bands in `finish` they are the bins themselves, as `kind` says;
    a complex bin takes two columns. `exponent` is that of the power, 1 but for unusual ones.
    """
    n = width(scratch.work)
    n_bands = len(finish.bank.starts)
    parts = 2 if kind == COMPLEX else 1
    for t in range(0, n_frames, n):
        lane = t % plan.n_chunk
        if lane == 0:
            n_hops = min(plan.n_chunk, n_frames - t) + plan.n_cols - plan.n_chunk
            gather(y, start + t * plan.hop_length, n_hops, plan, scratch)
        source, at = scratch.hops, lane
        if plan.conditioning.stop > 0:
            to = plan.n_bins * n  # energies follow the last bin, as if they were one
            hop_length, n_cols = plan.hop_length, plan.n_cols
            condition(source, at, hop_length, n_cols, plan.conditioning, scratch.frames, scratch.levels, to)
            source, at = scratch.frames, 0
        transform(source, at, plan, window, scratch.work)
        n_valid = min(n, n_frames - t)
        direct = n_bands == 0 and exponent == 1.0 and n_valid == n
        target, to, stride = (out, column + parts * t, n_columns) if direct else (scratch.levels, 0, parts * n)
        join(scratch.work, plan, kind, scratch.alarm, to, stride, target)
        if direct:
            continue
        if exponent != 1.0:
            for i in range(plan.n_bins * n):
                scratch.levels[i] = scratch.levels[i] ** exponent
        if n_bands == 0:
            put_last(scratch.levels, plan.n_bins, parts * n, parts * n_valid, column + parts * t, n_columns, out)
        else:
            finish_group(scratch.levels, 0, n, finish, scratch, n_valid, column + t, n_columns, out)
    for i in range(1, n):
        scratch.alarm[0] += scratch.alarm[i]


@kernel
def finish_levels(
    levels: Array,
    n_rows: int,
    width_in: int,
    first: int,
    stop: int,
    finish: Finish,
    scratch: Scratch,
    shift: int,
    width_out: int,
    out: Array,
) -> None:
    """Write the features of frames whose levels are known: columns [first, stop) of `n_rows` rows of `levels`.

    They go to the columns of `out` from ``first + shift`` on. `out` may be `levels`, where no bank mixes rows.
    """
    n = width(levels)
    for t in range(first, stop, n):
        n_valid = min(n, stop - t)
        source, at, stride = levels, t, width_in
        if n_valid < n:
            for row in range(n_rows):
                for i in range(n):
                    scratch.levels[row * n + i] = levels[row * width_in + t + i] if i < n_valid else 0.0
            source, at, stride = scratch.levels, 0, n
        finish_group(source, at, stride, finish, scratch, n_valid, t + shift, width_out, out)
