"""The arithmetic of fast Fourier transforms, on lane vectors."""

import math
from typing import Any

import numpy as np

from audiofeat._kernels.lanes import lanewise, multiply_add, pair

SIN_3 = math.sin(2 * math.pi / 3)
COS_5, COS_5_2 = math.cos(2 * math.pi / 5), math.cos(4 * math.pi / 5)
SIN_5, SIN_5_2 = math.sin(2 * math.pi / 5), math.sin(4 * math.pi / 5)


@lanewise
def windowed(real: Any, imag: Any, real_weight: Any, imag_weight: Any) -> Any:
    """Return a complex point from two samples."""
    return pair(real * real_weight, imag * imag_weight)


@lanewise
def times(x: Any, w: Any) -> Any:
    """Return the product of a vector and a number."""
    return x * w


@lanewise
def butterfly_2(a: Any, b: Any) -> Any:
    """Return the transform of two points."""
    return a + b, a - b


@lanewise
def butterfly_3(a: Any, b: Any, c: Any) -> Any:
    """Return the transform of three points."""
    s, d = b + c, b - c
    middle = pair(multiply_add(s.real, -0.5, a.real), multiply_add(s.imag, -0.5, a.imag))
    side = pair(SIN_3 * d.imag, -SIN_3 * d.real)
    return a + s, middle + side, middle - side


@lanewise
def butterfly_4(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Return the transform of four points."""
    s, t, u, v = a + c, b + d, a - c, b - d
    side = pair(v.imag, -v.real)
    return s + t, u + side, s - t, u - side


@lanewise
def butterfly_5(a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
    """Return the transform of five points."""
    s, t, u, v = b + e, c + d, b - e, c - d
    near = pair(
        multiply_add(t.real, COS_5_2, multiply_add(s.real, COS_5, a.real)),
        multiply_add(t.imag, COS_5_2, multiply_add(s.imag, COS_5, a.imag)),
    )
    far = pair(
        multiply_add(t.real, COS_5, multiply_add(s.real, COS_5_2, a.real)),
        multiply_add(t.imag, COS_5, multiply_add(s.imag, COS_5_2, a.imag)),
    )
    near_side = pair(SIN_5 * u.imag + SIN_5_2 * v.imag, -(SIN_5 * u.real + SIN_5_2 * v.real))
    far_side = pair(SIN_5_2 * u.imag - SIN_5 * v.imag, SIN_5 * v.real - SIN_5_2 * u.real)
    return a + s + t, near + near_side, far + far_side, far - far_side, near - near_side


def plus(a: Any, x: Any, w: Any) -> Any:
    """Return ``a + x * w``, with one rounding less than a product and a sum."""
    return pair(
        multiply_add(-x.imag, w.imag, multiply_add(x.real, w.real, a.real)),
        multiply_add(x.imag, w.real, multiply_add(x.real, w.imag, a.imag)),
    )


def minus(a: Any, x: Any, w: Any) -> Any:
    """Return ``a - x * w``, as `plus`."""
    return pair(
        multiply_add(x.imag, w.imag, multiply_add(-x.real, w.real, a.real)),
        multiply_add(-x.imag, w.real, multiply_add(-x.real, w.imag, a.imag)),
    )


@lanewise
def stage_4(a: Any, b: Any, c: Any, d: Any, w_b: Any, w_c: Any, w_d: Any) -> Any:
    """Return the transform of four points, three of them with a factor, with few roundings."""
    e = b * w_b
    s, t, u, v = plus(a, c, w_c), plus(e, d, w_d), minus(a, c, w_c), minus(e, d, w_d)
    side = pair(v.imag, -v.real)
    return s + t, u + side, s - t, u - side


@lanewise
def join_4(a: Any, b: Any, c: Any, d: Any, w_b: Any, w_c: Any, w_d: Any) -> Any:
    """Return the same, faster where it is not memory that is waited for: sums have units of their own."""
    return butterfly_4(a, b * w_b, c * w_c, d * w_d)


@lanewise
def untangle(z: Any, mirrored: Any, w: Any) -> Any:
    """Return a bin of the real transform and its mirror image from two points, of half the true size."""
    conjugate = pair(mirrored.real, -mirrored.imag)
    even, odd = z + conjugate, (z - conjugate) * w
    image = even - odd
    return even + odd, pair(image.real, -image.imag)


@lanewise
def squared(x: Any) -> Any:
    """Return the squared magnitude."""
    return multiply_add(x.real, x.real, x.imag * x.imag)


@lanewise
def magnitude(x: Any) -> Any:
    """Return the magnitude."""
    return np.sqrt(multiply_add(x.real, x.real, x.imag * x.imag))


@lanewise
def alarmed(alarm: Any, x: Any) -> Any:
    """Return NaN where `alarm` or a part of `x` is not finite, else 0."""
    return alarm + (x.real - x.real) + (x.imag - x.imag)
