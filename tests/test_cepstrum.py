"""Cepstral coefficients and their derivatives against librosa and the definitions."""

import librosa
import numba
import numpy as np
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import delta, logmel, mfcc

JIT = not numba.config.DISABLE_JIT


def noise(*shape, dtype=np.float64):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(dtype)


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"n_mfcc": 13, "lifter": 22.0},
        {"n_mfcc": 40, "n_mels": 40, "norm": None, "fmax": 6000.0},
        {"dct_type": 1, "norm": None, "htk": True},
        {"dct_type": 3, "mel_norm": None, "n_fft": 512, "hop_length": 160, "center": False},
    ],
)
def test_mfcc_is_librosas(kwargs):
    y = noise(30000)
    bands = {k: v for k, v in kwargs.items() if k in ("n_mels", "fmax", "htk", "n_fft", "hop_length", "center")}
    mel_norm = kwargs.get("mel_norm", "slaney")
    S = librosa.feature.melspectrogram(y=y, sr=22050, norm=mel_norm, dtype=np.float64, **bands)
    kept = {k: v for k, v in kwargs.items() if k in ("n_mfcc", "lifter", "norm", "dct_type")}
    theirs = librosa.feature.mfcc(S=librosa.power_to_db(S, top_db=None), **kept)
    assert_allclose(mfcc(y, 22050, **kwargs), theirs, atol=1e-10 * np.abs(theirs).max())
    single = mfcc(y.astype(np.float32), 22050, **kwargs)
    assert single.dtype == np.float32
    assert_allclose(single, theirs, rtol=1e-5, atol=1e-6 * np.abs(theirs).max())


def test_mfcc_with_top_db_is_librosas_default():
    y = np.append(noise(20000), np.zeros(10000)).astype(np.float32)
    theirs = librosa.feature.mfcc(y=y, sr=22050)
    assert_allclose(mfcc(y, 22050, top_db=80.0), theirs, rtol=1e-4, atol=1e-3)
    assert np.abs(mfcc(y, 22050) - theirs).max() > 100.0


def test_all_coefficients_undo_to_the_bands():
    y = noise(8000)
    coefficients = mfcc(y, 8000, n_mfcc=30, n_mels=30)
    assert_allclose(scipy.fft.idct(coefficients, axis=0, norm="ortho"), logmel(y, 8000, n_mels=30), atol=1e-10)


@pytest.mark.parametrize("n_samples", [1, 3000])
def test_mfcc_of_silence(n_samples):
    coefficients = mfcc(np.zeros(n_samples), 22050)
    assert_allclose(coefficients[0], -100.0 * np.sqrt(128))
    assert_allclose(coefficients[1:], 0.0, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_is_its_items(dtype):
    batch = noise(2, 3, 20001, dtype=dtype)
    kwargs = {"n_fft": 2048 if JIT else 256, "top_db": 60.0, "lifter": 10}
    coefficients = mfcc(batch, 22050, **kwargs)
    slopes = delta(coefficients)
    across = delta(coefficients, axis=-2, width=5, order=2)
    assert coefficients.shape == slopes.shape == across.shape == (2, 3, 20, 40)
    assert slopes.dtype == dtype
    for index in np.ndindex(2, 3):
        item = mfcc(batch[index], 22050, **kwargs)
        assert_array_equal(coefficients[index], item)
        assert_array_equal(slopes[index], delta(item))
        assert_array_equal(across[index], delta(item, axis=-2, width=5, order=2))


@given(
    X=arrays(np.float64, (3, 12), elements=st.floats(-100, 100, width=32)),
    width=st.sampled_from([3, 5, 9, 11]),
    order=st.integers(1, 2),
    axis=st.sampled_from([0, 1, -1, -2]),
    mode=st.sampled_from(["interp", "mirror", "constant", "nearest", "wrap"]),
)
def test_delta_is_librosas(X, width, order, axis, mode):
    width = 3 if mode == "interp" and axis in (0, -2) else width
    kwargs = {"width": width, "order": order, "axis": axis, "mode": mode}
    assert_allclose(delta(X, **kwargs), librosa.feature.delta(X, **kwargs), atol=1e-9)


@given(coefficients=arrays(np.float64, 3, elements=st.floats(-10, 10)), n=st.integers(9, 30))
def test_delta_of_a_polynomial_is_its_derivative(coefficients, n):
    X = np.polyval(coefficients, np.arange(n))
    assert_allclose(delta(X, order=2), np.full(n, 2 * coefficients[0]), atol=1e-8)
    line = np.polyval(coefficients[1:], np.arange(n))
    assert_allclose(delta(line), np.full(n, coefficients[1]), atol=1e-9)


def test_delta_takes_integers_and_any_layout():
    X = np.arange(60).reshape(5, 12)
    expected = delta(X.astype(np.float64))
    assert_allclose(expected, 1.0)
    X.flags.writeable = False
    for same in (X.astype(np.int16), np.asfortranarray(X), X.astype(">f8"), X.tolist()):
        assert_array_equal(delta(same), expected)
    assert_array_equal(delta(X.astype(np.float32)), expected.astype(np.float32))  # rounded once


Y = np.ones(100)


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "message"),
    [
        (mfcc, (Y, 8000), {"n_mfcc": 129}, r"n_mfcc must be in \[1, 128\], got 129"),
        (mfcc, (Y, 8000), {"n_mfcc": 0}, r"n_mfcc must be in \[1, 128\], got 0"),
        (mfcc, (Y, 8000), {"dct_type": 5}, r"dct_type must be in \[1, 4\], got 5"),
        (mfcc, (Y, 8000), {"n_mfcc": 1, "n_mels": 1, "dct_type": 1}, "n_mels must be >= 2"),
        (mfcc, (Y, 8000), {"norm": "slaney"}, "norm must be one of"),
        (mfcc, (Y, 8000), {"lifter": -1.0}, "lifter must be >= 0"),
        (mfcc, ([np.inf], 8000), {}, "y must be finite"),
        (mfcc, (Y, 0), {}, "sr must be > 0"),
        (delta, (Y,), {"width": 4}, "width must be odd, got 4"),
        (delta, (Y,), {"width": 1}, "width must be >= 3, got 1"),
        (delta, (Y,), {"width": 3, "order": 3}, "width must be >= 4, got 3"),
        (delta, (Y,), {"width": 101}, "width must be <= 100, the number of frames"),
        (delta, (Y,), {"order": 0}, "order must be >= 1"),
        (delta, (Y,), {"axis": 1}, r"axis must be in \[-1, 0\], got 1"),
        (delta, (Y,), {"mode": "reflect"}, "mode must be one of"),
        (delta, ([1.0, np.nan, 1.0],), {"width": 3}, "X must be finite"),
        (delta, ([],), {}, "X must have at least 1"),
        (delta, (Y * 1j,), {}, "X must be real"),
    ],
)
def test_a_wrong_argument_is_named(function, args, kwargs, message):
    with pytest.raises((ValueError, TypeError), match=message):
        function(*args, **kwargs)
