"""Lane vectors in compiled loops are what NumPy says of the same values, and touch nothing beside them."""

from fractions import Fraction

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from audiofeat._kernels import kernel
from audiofeat._kernels.lanes import lanewise, multiply_add, pair, split, where_finite
from audiofeat._kernels.memory import (
    load,
    load_complex,
    store,
    store_complex,
    store_interleaved,
    transpose_tile,
    width,
    zeros,
)

JIT = not numba.config.DISABLE_JIT
DTYPES = [np.float32, np.float64]
FILL = 12345.0
TURN = 0.6 - 0.8j


@lanewise
def real_operations(x, y, number):
    return (
        x + y,
        x - y,
        x * y,
        x / y,
        -x,
        np.sqrt(y),
        np.maximum(x, number),
        x + number,
        number - x,
        x * number,
        number / y,
        x + 1,
        2 - x,
        0.1 * x,
        x / 3.0,
        where_finite(x, y),
        where_finite(x, x * 0.0),
    )


@lanewise
def complex_operations(x, y, w):
    return x + y, x - y, x * y, x * w, pair(x.real, -x.imag), pair(y.imag * 3.0, x.real), pair(-y.real, y.imag + x.real)


@lanewise
def parts(x):
    return x.real, x.imag


@lanewise
def fused(x, y, z):
    return multiply_add(x, y, z)


@lanewise
def fused_with_numbers(x, number):
    return multiply_add(x, 0.3, number), multiply_add(x, x, -2.0), multiply_add(x, number, x)


@lanewise
def split_parts(x):
    return split(x)


@kernel
def all_real(x, y, number, out):
    results = real_operations(load(x, 0), load(y, 0), number)
    for i in range(len(results)):
        store(out, i * width(out), results[i])


@kernel
def all_complex(x, y, w, out):
    results = complex_operations(load_complex(x, 0), load_complex(y, 0), w)
    for i in range(len(results)):
        store_complex(out, 2 * i * width(out), results[i])


@kernel
def both_parts(x, out):
    real, imag = parts(load_complex(x, 0))
    store(out, 0, real)
    store(out, width(out), imag)


@kernel
def all_fused(x, y, z, number, out):
    store(out, 0, fused(load(x, 0), load(y, 0), load(z, 0)))
    results = fused_with_numbers(load(x, 0), number)
    for i in range(len(results)):
        store(out, (i + 1) * width(out), results[i])


@kernel
def splits(x, mantissas, exponents):
    for at in range(0, len(x), width(x)):
        m, e = split_parts(load(x, at))
        store(mantissas, at, m)
        store(exponents, at, e)


@kernel
def accumulate(x, n_vectors, out):
    total = zeros(x)  # held in a variable across the loop, and replaced in a branch
    for i in range(n_vectors):
        lanes = load(x, i * width(x))
        total = fused(lanes, lanes, total) if i % 2 else total
    store(out, 0, total)


@kernel
def put_width(x, out):
    out[0] = width(x)


@kernel
def copy(source, at, target, to):
    store(target, to, load(source, at))


@kernel
def copy_complex(source, at, target, to):
    store_complex(target, to, load_complex(source, at))


@kernel
def interleave(source, at, target, to):
    store_interleaved(target, to, load_complex(source, at))


@kernel
def put_zeros(source, target, to):
    store(target, to, zeros(source))


@kernel
def transpose(source, at, stride, target, to, across):
    transpose_tile(source, at, stride, target, to, across)


def lanes_of(dtype):
    return width(np.empty(0, dtype)) if not JIT else 64 // np.dtype(dtype).itemsize


def values(n, dtype, seed=0):
    """Any sizes and signs, and no zeros."""
    rng = np.random.default_rng(seed)
    return (rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-6, 6, n)).astype(dtype)


def as_complex(x):
    real, imag = x.reshape(2, -1)
    return real + 1j * imag


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_width_is_a_register(dtype):
    out = np.zeros(1)
    put_width(np.zeros((2, 3), dtype), out)
    assert out[0] == lanes_of(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", [1.1, np.float32(1.1)], ids=["double", "single"])
def test_real_operations_are_numpys_to_the_bit(number, dtype):
    n = lanes_of(dtype)
    x, y = values(n, dtype, 1), np.abs(values(n, dtype, 2))
    x[:4] = np.inf, -np.inf, np.nan, -0.0
    w = dtype(number)
    out = np.empty((17, n), dtype)
    with np.errstate(all="ignore"):
        all_real(x, y, number if JIT else w, out)
        expected = [x + y, x - y, x * y, x / y, -x, np.sqrt(y), np.maximum(x, w), x + w, w - x, x * w, w / y]
        expected += [x + dtype(1), dtype(2) - x, dtype(0.1) * x, x / dtype(3)]
        chosen = [y.copy(), np.where(np.isfinite(x) | (x == -np.inf), x * 0, x)]
    chosen[0][[0, 2]] = np.inf, np.nan  # the others have the result
    assert_array_equal(out, np.stack(expected + chosen))
    assert np.isnan(out[6, 2])  # np.maximum keeps NaN
    assert_array_equal(np.signbit(out[4]), ~np.signbit(x))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", [TURN, np.complex64(TURN)], ids=["double", "single"])
def test_complex_operations_are_numpys(number, dtype):
    n = lanes_of(dtype)
    x, y = values(2 * n, dtype, 3), values(2 * n, dtype, 4)
    whole = np.result_type(dtype, np.complex64).type
    a, b, w = as_complex(x), as_complex(y), whole(number)
    out = np.empty((7, 2 * n), dtype)
    all_complex(x, y, number if JIT else w, out)
    exact = [a + b, a - b, None, None, a.conj(), b.imag * dtype(3) + 1j * a.real, -b.real + 1j * (b.imag + a.real)]
    for i, expected in enumerate(exact):
        if expected is not None:
            assert_array_equal(as_complex(out[i]), expected)
    wide, eps = a.astype(np.clongdouble), np.finfo(dtype).eps
    for row, other in zip(out[2:4], (b, np.full(n, w)), strict=True):
        gap = np.abs(as_complex(row) - wide * other.astype(np.clongdouble))
        assert (gap <= 2 * eps * np.abs(a) * np.abs(other)).all()
    both_parts(x, out[0])
    assert_array_equal(out[0], x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_multiply_add_is_within_one_rounding(dtype):
    n, unit = lanes_of(dtype), Fraction(float(np.finfo(dtype).eps)) / 2
    x, y = values(n, dtype, 5), values(n, dtype, 6)
    z = -x * y * dtype(1.001)  # the product and the sum nearly cancel
    z[::3] = values(n, dtype, 7)[::3]
    number = -1.75
    out = np.empty((4, n), dtype)
    all_fused(x, y, z, number if JIT else dtype(number), out)
    lanes = [np.full(n, dtype(0.3)), x, np.full(n, dtype(number))]
    sums = [(x, y, z), (x, lanes[0], lanes[2]), (x, x, np.full(n, dtype(-2.0))), (x, lanes[2], x)]
    for row, terms in zip(out, sums, strict=True):
        for got, a, b, c in zip(row, *terms, strict=True):
            product = Fraction(float(a)) * Fraction(float(b))
            exact = product + Fraction(float(c))
            assert abs(Fraction(float(got)) - exact) <= unit * (abs(product) + 2 * abs(exact))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_vector_can_be_held_in_a_loop(dtype):
    n = lanes_of(dtype)
    x = np.random.default_rng(8).integers(-100, 100, (6, n)).astype(dtype)
    out = np.empty(n, dtype)
    accumulate(x, 6, out)
    assert_array_equal(out, (x[1::2] ** 2).sum(axis=0))
    accumulate(x, 0, out)
    assert not out.any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_split_at_every_exponent(dtype):
    info = np.finfo(dtype)
    powers = np.ldexp(dtype(1), np.arange(info.minexp, info.maxexp)).astype(dtype)
    roots = np.array([0.5**0.5, 2**0.5], dtype)
    near = np.concatenate([roots, np.nextafter(roots, dtype(0)), np.nextafter(roots, dtype(2))])
    factors = np.concatenate([near, [1.0, 1.25, np.nextafter(dtype(2), dtype(1))]]).astype(dtype)
    with np.errstate(over="ignore", under="ignore"):
        x = np.concatenate([np.outer(factors, powers).reshape(-1), [info.tiny, info.max]]).astype(dtype)
    x = x[np.isfinite(x) & (x >= info.tiny)]
    padded = np.ones(-(-len(x) // lanes_of(dtype)) * lanes_of(dtype), dtype)
    padded[: len(x)] = x
    m, e = np.empty_like(padded), np.empty_like(padded)
    splits(padded, m, e)
    assert_array_equal(e, np.round(e))
    assert_array_equal(np.ldexp(m, e.astype(int)), padded)
    assert m.min() == roots[0]  # sqrt(1/2), rounded,
    assert m.max() == np.nextafter(2 * roots[0], dtype(0))  # and the last number below its double


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_memory_is_moved_from_any_position_to_any_other(dtype, data):
    n = lanes_of(dtype)
    source = values(6 * n, dtype)
    at, to = data.draw(st.integers(0, 4 * n)), data.draw(st.integers(0, 4 * n))
    moved, both = source[at : at + n], source[at : at + 2 * n]
    interleaved = both.reshape(2, n).T.reshape(-1)
    for run, expected in ((copy, moved), (copy_complex, both), (interleave, interleaved)):
        for shape in ((6 * n,), (3, 2 * n)):  # positions count the values of any number of axes
            target = np.full(shape, FILL, dtype)
            run(source.reshape(shape), at, target, to)
            assert_array_equal(target.reshape(-1)[to : to + len(expected)], expected)
            beside = np.delete(target.reshape(-1), np.s_[to : to + len(expected)])
            assert_array_equal(beside, np.full(len(beside), FILL))
    target = np.full(6 * n, FILL, dtype)
    put_zeros(source, target, to)
    assert_array_equal(target != FILL, (np.arange(6 * n) >= to) & (np.arange(6 * n) < to + n))
    assert not target[to : to + n].any()


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_a_tile_is_transposed_from_any_position_to_any_other(dtype, data):
    n = lanes_of(dtype)
    stride, across = (data.draw(st.integers(n, 2 * n + 3)) for _ in range(2))
    at, to = (data.draw(st.integers(0, n)) for _ in range(2))
    source = values(at + stride * n, dtype)
    target = np.full(to + across * n + 3, FILL, dtype)
    transpose(source, at, stride, target, to, across)
    rows = source[at + stride * np.arange(n)[:, None] + np.arange(n)]
    expected = np.full_like(target, FILL)
    expected[to + across * np.arange(n)[:, None] + np.arange(n)] = rows.T
    assert_array_equal(target, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_may_overlap_where_frames_do(dtype):
    n = lanes_of(dtype)
    source, target = values(3 * n, dtype), np.empty((n, n), dtype)
    transpose(source, 0, 1, target, 0, n)
    assert_array_equal(target, source[np.arange(n)[:, None] + np.arange(n)])


def test_a_signal_may_be_read_only():
    source, target = values(128, np.float32), np.zeros(128, np.float32)
    source.flags.writeable = False
    copy(source, 0, target, 0)
    assert_array_equal(target[: lanes_of(np.float32)], source[: lanes_of(np.float32)])


@pytest.mark.skipif(JIT, reason="compiled loops trust their bounds")
@pytest.mark.parametrize("dtype", DTYPES)
def test_with_jit_off_nothing_beyond_an_array_is_read_or_written(dtype):
    n = lanes_of(dtype)
    few, many, square = np.zeros(3 * n, dtype), np.zeros(2 * n * n, dtype), np.zeros(n * n, dtype)
    calls = []
    for run, length in ((copy, n), (copy_complex, 2 * n), (interleave, 2 * n)):
        for at in (-1, 3 * n - length + 1, 3 * n, 100 * n):
            calls += [(run, few, at, many, 0), (run, many, 0, few, at)]
        run(few, 3 * n - length, few.copy(), 3 * n - length)  # the last that fit
    calls += [(put_zeros, many, few, at) for at in (-1, 2 * n + 1)]
    calls += [(transpose, square, at, n, many, 0, n) for at in (-1, 1)]
    calls += [(transpose, many, 0, n, square, at, n) for at in (-1, 1)]
    transpose(square, 0, n, square.copy(), 0, n)
    for run, *args in calls:
        with pytest.raises((IndexError, ValueError), match=r"lanes from|could not broadcast"):
            run(*args)


def test_outside_of_loops_operations_are_plain_numpy():
    x, y = np.array([4.0, np.inf]), np.array([9.0, 2.0])
    assert_array_equal(fused(x, y, 1.0), [37.0, np.inf])
    assert_array_equal(parts(x + 1j * y), [x, y])
    assert_array_equal(split_parts(np.array([0.75, 6.0, 0.1875])), [[0.75, 0.75, 0.75], [0.0, 3.0, -2.0]])
    assert_array_equal(complex_operations(1j * y, y + 0j, 2j)[3], -2 * y)
