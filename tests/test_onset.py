"""Onset strength against librosa, against its definition, and on signals whose onsets are known."""

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import load, logmel, synth
from audiofeat.onset import onset_envelope, onset_strength

SR = 22050
TOLERANCE = {np.float64: 1e-6, np.float32: 1e-4}  # of the highest strength
KWARGS = [
    {},
    {"aggregate": np.median},
    {"lag": 3, "max_size": 5},
    {"center": False, "hop_length": 300},
    {"detrend": True, "pad_mode": "reflect"},
    {"n_fft": 1024, "hop_length": 2500, "win_length": 800, "window": "hamming"},
    {"n_mels": 40, "fmin": 100.0, "fmax": 6000.0, "htk": True, "norm": None, "power": 1.0},
]


def noise(*shape, dtype=np.float64):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(dtype)


def assert_librosas(y, sr, **kwargs):
    theirs = librosa.onset.onset_strength(y=y, sr=sr, **kwargs)
    ours = onset_strength(y, sr, **kwargs)
    assert ours.dtype == y.dtype
    assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE[y.dtype.type] * np.abs(theirs).max())


def named(kwargs):
    """The name of a test, the same in all its processes: a function's text has its address."""
    return "-".join(f"{name}-{getattr(value, '__name__', value)}" for name, value in kwargs.items()) or "defaults"


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("kwargs", KWARGS, ids=named)
def test_it_is_librosas(kwargs, dtype):
    y = noise(20000, dtype=dtype)
    y[8000:12000] *= 1e-6  # the floor of 80 dB is reached
    assert_librosas(y, SR, **kwargs)


@pytest.mark.realdata
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", ["librosa_audio_ccby/*Vibe*.ogg", "librosa_audio_ccby/*robin*.ogg"])
def test_it_is_librosas_on_recordings(data, name, dtype):
    (path,) = data.glob(name)
    y, sr = load(path, dtype=np.dtype(dtype).name)
    y = np.ascontiguousarray(np.atleast_2d(y)[0, : 20 * sr])
    for kwargs in ({}, {"max_size": 3, "lag": 2}, {"detrend": True, "pad_mode": "reflect"}):
        assert_librosas(y, sr, **kwargs)


def slow_envelope(S, *, lag, max_size, shift, aggregate):
    n_bands, n_frames = S.shape
    envelope = np.zeros(n_frames)
    for t in range(lag + shift, n_frames):
        now, then = t - shift, t - shift - lag
        rises = []
        for b in range(n_bands):
            # Beyond the ends bands are mirrored, which adds none, so the maximum is over those that there are.
            around = S[max(0, b - max_size // 2) : b + (max_size - 1) // 2 + 1, then]
            rises.append(max(0.0, S[b, now] - around.max()))
        envelope[t] = aggregate(rises)
    return envelope


@given(
    S=arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 12)), elements=st.floats(-100, 100)),
    lag=st.integers(1, 5),
    max_size=st.integers(1, 4),
    hop_length=st.sampled_from([1, 2, 3, 9]),
    center=st.booleans(),
    aggregate=st.sampled_from([None, np.median, np.max]),
)
def test_the_envelope_is_its_definition(S, lag, max_size, hop_length, center, aggregate):
    kwargs = {"lag": lag, "max_size": max_size, "aggregate": aggregate}
    found = onset_envelope(S, center=center, n_fft=8, hop_length=hop_length, **kwargs)
    shift = 8 // (2 * hop_length) if center else 0
    expected = slow_envelope(S, **{**kwargs, "shift": shift, "aggregate": aggregate or np.mean})
    assert_allclose(found, expected, atol=1e-12)
    assert (found >= 0.0).all()
    narrow = onset_envelope(S.astype(np.float32), center=center, n_fft=8, hop_length=hop_length, **kwargs)
    assert narrow.dtype == np.float32
    assert_allclose(narrow, expected, atol=1e-4)


def test_strength_is_the_envelope_of_decibels_above_the_floor():
    y = noise(9000) * np.linspace(0.0, 1.0, 9000) ** 9
    S_db = logmel(y, SR, n_fft=512, hop_length=100, top_db=80.0)
    kept = S_db.copy()
    S_db.flags.writeable = False
    expected = onset_envelope(S_db, n_fft=512, hop_length=100, lag=2)
    assert_array_equal(onset_strength(y, SR, n_fft=512, hop_length=100, lag=2), expected)
    assert_array_equal(S_db, kept)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("kwargs", [{}, {"aggregate": np.median, "max_size": 3}, {"detrend": True}], ids=named)
def test_a_batch_is_its_items(dtype, kwargs):
    batch = noise(2, 3, 9001, dtype=dtype)
    batch *= np.array([[1.0], [1e-3], [1e-6]], dtype=dtype)  # the floor is each item's own
    batch[..., 4000:] *= dtype(1e-6)
    found = onset_strength(batch, SR, **kwargs)
    assert found.shape == (2, 3, 18)
    for index in np.ndindex(2, 3):
        assert_array_equal(found[index], onset_strength(batch[index], SR, **kwargs))
    assert_array_equal(found, onset_strength(batch, SR, workers=2, **kwargs))


def test_any_layout_and_type_is_read_alike():
    y = noise(12000)
    expected = onset_strength(y[::2], SR)
    y.flags.writeable = False
    for same in (y[::2], y[::2].tolist(), y[::2].astype(">f8"), np.asfortranarray(y[None, ::2])[0]):
        assert_array_equal(onset_strength(same, SR), expected)
    pcm = np.round(y * 32767).astype(np.int16)
    assert_array_equal(onset_strength(pcm, SR), onset_strength(pcm / 32768.0, SR))


@pytest.mark.parametrize("n_samples", [1, 2, 500, 2048, 30000])
@pytest.mark.parametrize("detrend", [False, True])
def test_silence_has_no_onset(n_samples, detrend):
    found = onset_strength(np.zeros(n_samples), SR, detrend=detrend)
    assert_array_equal(found, np.zeros(1 + n_samples // 512))


@pytest.mark.parametrize("y", [np.ones(1), -np.ones(1500), noise(1000)])
def test_fewer_frames_than_the_lag_have_no_onset(y):
    n_frames = 1 + len(y) // 512
    for lag in (n_frames, n_frames + 4):
        for center in (True, False):
            assert_array_equal(onset_strength(y, SR, lag=lag, center=center), np.zeros(n_frames))


@pytest.mark.parametrize("frequency", [0.0, 16 * SR / 512])  # every frame of the tone is the same
def test_what_stays_as_it_is_has_one_onset(frequency):
    steady = np.cos(2.0 * np.pi * frequency * np.arange(16 * 512) / SR)
    found = onset_strength(np.concatenate([np.zeros(16 * 512), steady]), SR)
    assert found.argmax() == pytest.approx(16, abs=2)
    assert_allclose(found[22:], 0.0, atol=1e-6)
    assert_allclose(found[:14], 0.0, atol=1e-6)


@pytest.mark.parametrize("hop_length", [128, 512])
def test_clicks_are_the_onsets(hop_length):
    times = np.array([0.5, 1.1, 1.73])
    y = synth.clicks(times, sr=SR, duration=2.5)
    found = onset_strength(y, SR, hop_length=hop_length)
    at = np.flatnonzero(found > 0.5 * found.max())
    nearest = np.abs(at[:, None] * hop_length / SR - times).min(axis=1)
    assert nearest.max() < 0.03
    assert {int(np.abs(times - i * hop_length / SR).argmin()) for i in at} == {0, 1, 2}


@pytest.mark.parametrize("gain", [0.5, 2.0, 1024.0])
def test_level_and_polarity_leave_the_onsets(gain):
    y = noise(9000) * (1.0 + np.sin(np.arange(9000) / 500.0))
    expected = onset_strength(y, SR)
    assert_allclose(onset_strength(gain * y, SR), expected, atol=1e-9)
    assert_array_equal(onset_strength(-y, SR), expected)


def test_vibrato_is_no_onset_for_a_maximum_over_bands():
    t = np.arange(2 * SR) / SR
    y = np.sin(2.0 * np.pi * 2000.0 * t + 40.0 * np.sin(2.0 * np.pi * 6.0 * t))
    plain, suppressed = (onset_strength(y, SR, max_size=size)[10:-5].mean() for size in (1, 5))
    assert suppressed < 0.5 * plain


Y, S = np.ones(3000), np.zeros((4, 5))


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "message"),
    [
        (onset_strength, (Y, SR), {"lag": 0}, "lag must be >= 1, got 0"),
        (onset_strength, (Y, SR), {"lag": 1.5}, "lag must be an integer"),
        (onset_strength, (Y, SR), {"max_size": 0}, "max_size must be >= 1, got 0"),
        (onset_strength, (Y, SR), {"hop_length": None}, "hop_length must be an integer"),
        (onset_strength, (Y, SR), {"hop_length": 0}, "hop_length must be >= 1"),
        (onset_strength, (Y, SR), {"pad_mode": "wrap"}, "pad_mode must be one of"),
        (onset_strength, (Y, 0), {}, "sr must be > 0"),
        (onset_strength, ([np.nan], SR), {}, "y must be finite"),
        (onset_strength, ([], SR), {}, "y must have at least 1"),
        (onset_strength, (1e300 * Y, SR), {}, "S_db must be finite"),
        (onset_envelope, (S[0],), {}, "S_db must have at least 2 dimensions"),
        (onset_envelope, (S[:, :0],), {}, "S_db must have at least 1"),
        (onset_envelope, (S + 1j,), {}, "S_db must be real"),
        (onset_envelope, (S,), {"n_fft": 0}, "n_fft must be >= 1"),
        (onset_envelope, (S,), {"hop_length": 0}, "hop_length must be >= 1"),
    ],
)
def test_a_wrong_argument_is_named(function, args, kwargs, message):
    with pytest.raises((ValueError, TypeError), match=message):
        function(*args, **kwargs)
