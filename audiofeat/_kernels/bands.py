"""From the levels of frames to bands, compressed levels and cosine coefficients, a lane to a frame."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiofeat._kernels import kernel
from audiofeat._kernels.arguments import LOG, LOG_1P, Bank, Finish
from audiofeat._kernels.lanes import lanewise, multiply_add, split, where_finite
from audiofeat._kernels.memory import load, store, zeros

Array = NDArray[Any]


@lanewise
def added(total: Any, weight: Any, x: Any) -> Any:
    """Return ``total + weight * x``."""
    return multiply_add(x, weight, total)


def logarithm(x: Any, scale: Any, octave: Any, rest: Any) -> Any:
    """Return ``scale * ln(x)`` of finite normal x > 0, by the series of artanh for the mantissa."""
    m, e = split(x)
    s = (m - 1.0) / (m + 1.0)
    square = s * s
    n_terms = 5 if x.itemsize == 4 else 10  # abs(s) < 0.172: the next term is below 1e-9, or 1e-17
    series = multiply_add(square, 1.0 / (2 * n_terms - 1), 1.0 / (2 * n_terms - 3))
    for k in range(2 * n_terms - 5, 0, -2):
        series = multiply_add(series, square, 1.0 / k)
    return multiply_add(e, octave, multiply_add(e, rest, scale * (2.0 * s * series)))


@lanewise
def log_of(x: Any, least: Any, scale: Any, octave: Any, rest: Any, offset: Any, floor: Any) -> Any:
    """Return the scaled logarithm of `x` or `least`, less `offset`."""
    log = where_finite(x, logarithm(np.maximum(x, least), scale, octave, rest))
    return np.maximum(log - offset, floor)


@lanewise
def log_of_1_plus(x: Any, factor: Any, scale: Any, octave: Any, rest: Any) -> Any:
    """Return the scaled logarithm of 1 + factor * x, to all digits of a small `x` too."""
    y = x * factor
    z = 1.0 + y
    lost = y - (z - 1.0)
    return where_finite(z, logarithm(z, scale, octave, rest) + scale * lost / z)


@kernel
def weigh(
    source: Array, at: int, stride: int, bank: Bank, finish: Finish, compress: bool, target: Array, to: int, across: int
) -> None:
    """Multiply a group of frames by a matrix, and compress the products if asked to.

    Row i of `source` is at ``at + i * stride``, row i of `target` at ``to + i * across``.
    """
    w = 0
    for row in range(len(bank.starts)):
        total, other = zeros(source), zeros(source)  # two sums: an addition waits for the one before it
        k, end = bank.starts[row], bank.ends[row]
        while k + 1 < end:
            total = added(total, bank.weights[w], load(source, at + k * stride))
            other = added(other, bank.weights[w + 1], load(source, at + (k + 1) * stride))
            w += 2
            k += 2
        if k < end:
            total = added(total, bank.weights[w], load(source, at + k * stride))
            w += 1
        total = added(total, 1.0, other)
        if compress and finish.compression == LOG:
            least, scale, octave, rest = finish.least, finish.scale, finish.octave, finish.rest
            total = log_of(total, least, scale, octave, rest, finish.offset, finish.floor)
        elif compress and finish.compression == LOG_1P:
            total = log_of_1_plus(total, finish.factor, finish.scale, finish.octave, finish.rest)
        store(target, to + row * across, total)
