"""Harmonic and percussive parts: librosa's to the last bit, and what they must be."""

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import load, synth
from audiofeat.separation import hpss

KWARGS = [
    {},
    {"pad_mode": "reflect"},
    {"kernel_size": (7, 13), "margin": (1.0, 3.0)},
    {"power": np.inf, "margin": 2},
    {"center": False},
    {"n_fft": 513, "hop_length": 100, "win_length": 400, "power": 1.0},
    {"n_fft": 256, "hop_length": 600},
    {"n_fft": 512, "mask": True},
]


def noise(*shape, dtype=np.float64):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kwargs", KWARGS, ids=str)
def test_it_is_librosas(kwargs, dtype):
    y = noise(9000, dtype=dtype) * np.linspace(0.0, 1.0, 9000, dtype=dtype)
    for ours, theirs in zip(hpss(y, **kwargs), librosa.effects.hpss(y, **kwargs), strict=True):
        assert ours.dtype == dtype
        assert_array_equal(ours, theirs)


@pytest.mark.realdata
def test_it_is_librosas_on_a_recording(data):
    (path,) = data.glob("librosa_audio_ccby/*Vibe*.ogg")
    y, sr = load(path)
    y = np.ascontiguousarray(np.atleast_2d(y)[0, 10 * sr : 13 * sr])
    for ours, theirs in zip(hpss(y), librosa.effects.hpss(y), strict=True):
        assert_array_equal(ours, theirs)


def test_the_window_is_used():  # librosa.effects.hpss takes one and has Hann's
    y, framing = noise(5000), {"n_fft": 512, "hop_length": 128, "window": "hamming"}
    parts = librosa.decompose.hpss(librosa.stft(y, **framing))
    for ours, theirs in zip(hpss(y, **framing), parts, strict=True):
        assert_allclose(ours, librosa.istft(theirs, length=5000, **framing), atol=1e-12)
    assert np.abs(hpss(y, **framing)[0] - hpss(y, **{**framing, "window": "hann"})[0]).max() > 1e-3


@given(
    y=st.integers(1, 700).flatmap(lambda n: arrays(np.float64, n, elements=st.floats(-1.0, 1.0))),
    n_fft=st.sampled_from([1, 2, 63, 64, 2048]),
    pad_mode=st.sampled_from(["constant", "reflect"]),
)
def test_the_parts_add_up_to_any_signal(y, n_fft, pad_mode):
    kept = y.copy()
    y.flags.writeable = False
    harmonic, percussive = hpss(y, n_fft=n_fft, pad_mode=pad_mode)
    assert_array_equal(y, kept)
    assert harmonic.shape == percussive.shape == y.shape
    assert_allclose(harmonic + percussive, y, atol=1e-12 * np.abs(y).max())


def test_a_tone_is_harmonic_and_clicks_are_percussive():
    sr = 8000
    tone = synth.tone(440.0, sr=sr, duration=2.0)
    clicks = synth.clicks(np.arange(0.25, 2.0, 0.25), sr=sr, duration=2.0, amplitude=10.0)
    harmonic, percussive = hpss(tone + clicks, n_fft=512)
    inside = slice(sr // 4, -sr // 4)
    for found, truth in ((harmonic, tone), (percussive, clicks)):
        error = (found - truth)[inside]
        assert (error @ error) < 0.1 * (truth[inside] @ truth[inside])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_is_its_items(dtype):
    batch = noise(2, 2, 1500, dtype=dtype)
    batch[1, 0] = 0.0
    found = hpss(batch, n_fft=256)
    for index in np.ndindex(2, 2):
        for part, alone in zip(found, hpss(batch[index], n_fft=256), strict=True):
            assert part.shape == batch.shape
            assert_array_equal(part[index], alone)


@pytest.mark.parametrize("exponent", [-900, -30, 1, 900])
def test_the_level_changes_nothing_else(exponent):
    y = noise(2000)
    for part, louder in zip(hpss(y, n_fft=256), hpss(np.ldexp(y, exponent), n_fft=256), strict=True):
        assert_array_equal(louder, np.ldexp(part, exponent))


@pytest.mark.parametrize("n_samples", [1, 2, 100, 3000])
@pytest.mark.parametrize("margin", [1.0, 3.0])
def test_silence_is_two_silences(n_samples, margin):
    for part in hpss(np.zeros(n_samples, np.float32), margin=margin):
        assert_array_equal(part, np.zeros(n_samples, np.float32))


def test_any_layout_and_type_is_read_alike():
    y = noise(4000)[::2]
    expected = hpss(y, n_fft=256)
    for same in (y.tolist(), y.astype(">f8"), y.copy()):
        assert_array_equal(hpss(same, n_fft=256), expected)
    pcm = np.round(y * 32767).astype(np.int16)
    assert_array_equal(hpss(pcm, n_fft=256), hpss(pcm / 32768.0, n_fft=256))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"kernel_size": 0}, "kernel_size must be >= 1, got 0"),
        ({"kernel_size": (31, 0)}, "kernel_size must be >= 1, got 0"),
        ({"kernel_size": (31, 31, 31)}, "kernel_size must be one value or two"),
        ({"kernel_size": 3.0}, "kernel_size must be an integer"),
        ({"margin": 0.5}, "margin must be >= 1"),
        ({"margin": (1.0, 0.5)}, "margin must be >= 1"),
        ({"margin": [1.0]}, "margin must be one value or two"),
        ({"power": 0.0}, "power must be > 0"),
        ({"power": -np.inf}, "power must be > 0"),
        ({"power": np.nan}, "power must be > 0"),
        ({"pad_mode": "wrap"}, "pad_mode must be one of"),
        ({"window": "square"}, "window must be known"),
        ({"win_length": 4096}, "win_length must be in"),
        ({"hop_length": 0}, "hop_length must be >= 1"),
        ({"center": False}, "y must have at least n_fft = 2048 samples"),
        ({"y": [np.inf]}, "y must be finite"),
        ({"y": []}, "y must have at least 1"),
        ({"y": [1j]}, "y must hold floats"),
    ],
)
def test_a_wrong_argument_is_named(kwargs, message):
    with pytest.raises((ValueError, TypeError), match=message):
        hpss(**{"y": np.ones(100), **kwargs})


@pytest.mark.parametrize("n_samples", [1, 600, 663, 2000])
@pytest.mark.parametrize("kwargs", [{}, {"kernel_size": (63, 200), "n_fft": 64, "hop_length": 16}], ids=str)
def test_filters_longer_than_the_spectrum_leave_numbers(n_samples, kwargs):
    for y in (np.eye(1, n_samples)[0], noise(n_samples)):
        harmonic, percussive = hpss(y, **kwargs)
        assert np.isfinite(harmonic).all()
        assert_allclose(harmonic + percussive, y, atol=1e-12)
