"""The gate's contract: what it returns, and that each refusal names the argument, the limit and the value."""

import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from audiofeat._validation import as_choice, as_count, as_number, as_rate, as_signal

SHAPES = hnp.array_shapes(max_dims=3, max_side=6)
FLOATS = {32: np.float32, 64: np.float64}


def refuses(error, message, function, *args, **kwargs):
    with pytest.raises(error, match=re.escape(message)):
        function(*args, **kwargs)


@given(st.sampled_from([32, 64]).flatmap(
    lambda width: hnp.arrays(
        FLOATS[width], SHAPES, elements=st.floats(width=width, allow_nan=False, allow_infinity=False)
    )
))  # fmt: skip
def test_finite_floats_pass_unchanged_and_unwritten(y):
    before = y.copy()
    y.flags.writeable = False
    out = as_signal(y)
    assert out.dtype == y.dtype
    assert np.shares_memory(out, y)  # no copy of what is already right
    assert_array_equal(out, before)


LAYOUTS = {
    "Fortran": np.asfortranarray,
    "reversed": lambda y: y[::-1].copy()[::-1],
    "strided": lambda y: np.repeat(y, 3, axis=1)[:, ::3],
    "byte-swapped": lambda y: y.astype(y.dtype.newbyteorder()),
    "list": lambda y: y.tolist(),
    "read-only": lambda y: np.broadcast_to(y, y.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layout_does_not_matter(layout, dtype):
    y = np.random.default_rng(0).standard_normal((3, 5)).astype(dtype)
    out = as_signal(LAYOUTS[layout](y))
    assert_array_equal(out, y)
    assert out.flags.c_contiguous
    assert out.dtype.isnative
    assert out.dtype == (np.float64 if layout == "list" else dtype)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", ">i2", ">i4"])
def test_pcm_fills_minus_one_to_one(dtype):
    limits = np.iinfo(dtype)
    middle = 128 if dtype == "uint8" else 0
    out = as_signal(np.array([limits.min, middle, limits.max], dtype))
    assert out.dtype == np.float64
    assert_array_equal(out, [-1.0, 0.0, 1.0 - 2.0 / 2**limits.bits])


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble])
def test_other_floats_become_float64(dtype):
    out = as_signal(np.array([0.5, -0.25], dtype))
    assert out.dtype == np.float64
    assert_array_equal(out, [0.5, -0.25])


@pytest.mark.parametrize("y", [["a"], [None], [True, False], [1j], [1, 2], np.zeros(3, np.uint16), object()])
def test_what_is_no_sound_is_a_type_error(y):
    refuses(TypeError, "clip must hold floats, or PCM samples", as_signal, y, name="clip")


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (0.5, {}, "y must have at least 1 dimension(s), got shape ()"),
        (np.zeros(3), {"ndim": 2}, "y must have exactly 2 dimension(s), got shape (3,)"),
        (np.zeros((2, 3)), {"ndim": 1}, "y must have exactly 1 dimension(s), got shape (2, 3)"),
        ([], {}, "y must have at least 1 sample(s) on its last axis, got shape (0,)"),
        (np.zeros((0, 4)), {}, "y must have at least 1 sample(s)"),
        (np.zeros((4, 2)), {"min_samples": 3}, "at least 3 sample(s) on its last axis, got shape (4, 2)"),
        ([0.0, np.nan], {}, "y must be finite, got nan at index 1"),
        ([[0.0, 0.0], [np.inf, np.nan]], {}, "y must be finite, got inf at index (1, 0)"),
        (np.array([-np.inf], np.float16), {}, "y must be finite, got -inf at index 0"),
        ([[0.0], [0.0, 1.0]], {}, "y must have rows of equal length"),
    ],
)
def test_signals_refused(y, options, message):
    refuses(ValueError, message, as_signal, y, **options)


@pytest.mark.skipif(np.finfo(np.longdouble).maxexp <= 1024, reason="long double is double here")
def test_a_long_double_too_large_is_refused_without_a_warning():
    refuses(ValueError, "y must be finite", as_signal, np.array([np.finfo(np.longdouble).max]))


@given(hnp.arrays(np.float64, SHAPES), st.integers(1, 6))
def test_an_accepted_signal_is_long_enough_and_finite(y, min_samples):
    valid = y.shape[-1] >= min_samples and np.isfinite(y).all()
    if valid:
        assert_array_equal(as_signal(y, min_samples=min_samples), y)
    else:
        with pytest.raises(ValueError, match=r"^y must"):
            as_signal(y, min_samples=min_samples)


@pytest.mark.parametrize(
    "value", [3, 3.0, np.float32(3), np.int16(3), np.longdouble(3), np.array(3.0), Fraction(3)], ids=repr
)
def test_numbers_accepted(value):
    out = as_number(value, "fmin")
    assert type(out) is float
    assert out == 3.0


@pytest.mark.parametrize(
    "value",
    ["3", b"3", bytearray(b"3"), None, [3.0], (3.0,), True, np.True_, np.array(True), np.array([3.0]), 3j,
     np.complex128(3), np.str_("3"), np.timedelta64(3, "s"), Decimal(3)],
    ids=repr,
)  # fmt: skip
def test_numbers_of_the_wrong_type(value):
    refuses(TypeError, f"fmin must be a number, got {value!r}", as_number, value, "fmin")


@pytest.mark.parametrize(
    ("value", "limits", "message"),
    [
        (np.nan, {}, "fmin must be finite, got nan"),
        (np.inf, {"low": 0.0}, "fmin must be >= 0, got inf"),
        (-1, {"low": 0.0}, "fmin must be >= 0, got -1"),
        (0, {"low": 0.0, "open_low": True}, "fmin must be > 0, got 0"),
        (1.5, {"low": 0.0, "high": 1.0}, "fmin must be in [0, 1], got 1.5"),
        (0.0, {"low": 0.0, "high": 1.0, "open_low": True}, "fmin must be in (0, 1], got 0.0"),
        (2.0, {"high": 1.0}, "fmin must be <= 1, got 2.0"),
        (10**400, {}, "fmin must be finite, got an integer too large for a float"),
    ],
)
def test_numbers_refused(value, limits, message):
    refuses(ValueError, message, as_number, value, "fmin", **limits)


@given(st.floats(), st.floats(-9, 0), st.floats(0, 9), st.booleans())
def test_a_number_is_accepted_exactly_inside_its_limits(value, low, high, open_low):
    def gate():
        return as_number(value, "x", low=low, high=high, open_low=open_low)

    if low <= value <= high and not (open_low and value == low):
        assert gate() == value
    else:
        with pytest.raises(ValueError, match=r"^x must be in"):
            gate()


def test_rates_are_above_zero():
    assert as_rate(np.int64(44100)) == 44100.0
    refuses(ValueError, "sr must be > 0, got 0", as_rate, 0)
    refuses(ValueError, "target_sr must be > 0, got nan", as_rate, np.nan, "target_sr")


@given(st.integers(), st.integers(-5, 5), st.none() | st.integers(5, 9))
def test_a_count_is_accepted_exactly_inside_its_limits(value, low, high):
    if value >= low and (high is None or value <= high):
        assert as_count(value, "order", low=low, high=high) == value
    else:
        wanted = f">= {low}" if high is None else f"in [{low}, {high}]"
        refuses(ValueError, f"order must be {wanted}, got {value}", as_count, value, "order", low=low, high=high)


@pytest.mark.parametrize("value", [np.int8(7), np.uint64(7), np.array(7)], ids=repr)
def test_counts_may_be_numpy_integers(value):
    out = as_count(value, "order")
    assert type(out) is int
    assert out == 7


@pytest.mark.parametrize("value", [7.0, "7", None, True, np.True_, np.array([7]), np.float64(7)], ids=repr)
def test_counts_of_the_wrong_type(value):
    refuses(TypeError, f"order must be an integer, got {value!r}", as_count, value, "order")


def test_the_default_limit_of_a_count_is_one():
    assert as_count(1, "order") == 1
    refuses(ValueError, "order must be >= 1, got 0", as_count, 0, "order")


@pytest.mark.parametrize("value", ["burgh", "", "BURG", None, 1, ["burg"]], ids=repr)
def test_choices_refused(value):
    message = f"method must be one of burg, yule, got {value!r}"
    refuses(ValueError, message, as_choice, value, "method", {"yule": 1, "burg": 2})


def test_choices_accepted():
    assert as_choice("burg", "method", {"yule": 1, "burg": 2}) == "burg"
