"""What a front end does to its frames before the window, and with their energies, by the definition and its laws."""

from dataclasses import replace

import librosa
import numpy as np
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import FrontEnd, logmel, mfcc
from audiofeat.fourier.framing import window_samples

SR = 8000
DTYPES = [np.float32, np.float64]
LOG = {"compression": "log", "amin": 1e-30}


def noise(*shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(dtype)


def laid_out(y, front_end):
    """The samples under the window of each frame, by the definition, and where they begin in the transform."""
    n_fft, hop = front_end.n_fft, front_end.hop_length
    win_length = front_end.win_length or n_fft
    n_samples, offset = len(y), 0 if front_end.frames == "kaldi" else (n_fft - win_length) // 2
    length = win_length if front_end.frames == "kaldi" else n_fft
    start, n_frames = 0, 1 + (n_samples - length) // hop
    if front_end.center and front_end.frames == "kaldi":
        start, n_frames = hop // 2 - win_length // 2, max(1, (n_samples + hop // 2) // hop)
    elif front_end.center:
        start, n_frames = -(n_fft // 2), 1 + (n_samples + 2 * (n_fft // 2) - n_fft) // hop
    n_frames = max(1, n_frames - (front_end.frames == "whisper"))
    at = start + offset + hop * np.arange(n_frames)[:, None] + np.arange(win_length)
    inside = (at >= 0) & (at < n_samples)
    return np.where(inside, y[np.clip(at, 0, n_samples - 1)], 0.0), offset


def by_definition(y, front_end):
    """The power and energy of each frame in float64: zeros lie around the signal."""
    frames, offset = laid_out(y.astype(np.float64), front_end)
    if front_end.remove_dc:
        frames = frames - frames.mean(axis=1, keepdims=True)
    energy = front_end.gain**2 * np.square(frames).sum(axis=1)
    frames = frames - front_end.preemphasis * np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    frames = frames * window_samples(front_end.window, frames.shape[1], symmetric=front_end.symmetric)
    padded = np.zeros((len(frames), front_end.n_fft))
    padded[:, offset : offset + frames.shape[1]] = front_end.gain * frames
    return np.abs(scipy.fft.rfft(padded)).T ** 2, energy


@st.composite
def front_ends(draw):
    n_fft = draw(st.integers(1, 70))
    return FrontEnd(
        SR,
        n_fft=n_fft,
        win_length=draw(st.none() | st.integers(1, n_fft)),
        hop_length=draw(st.integers(1, 90)),
        window=draw(st.sampled_from(["boxcar", "hann", "povey"])),
        symmetric=draw(st.booleans()),
        gain=draw(st.sampled_from([1.0, 0.5, 32768.0])),
        center=draw(st.booleans()),
        n_mels=None,
        compression="none",
        frames=draw(st.sampled_from(["kaldi", "librosa", "whisper"])),
        remove_dc=draw(st.booleans()),
        preemphasis=draw(st.sampled_from([0.0, 0.5, 0.97, 1.0])),
    )


@given(front_end=front_ends(), n_samples=st.integers(1, 500), offset=st.sampled_from([0.0, 0.7]), data=st.data())
def test_any_front_end_is_its_definition(front_end, n_samples, offset, data):
    y = noise(max(n_samples, 1 if front_end.center else front_end.n_fft)) + offset
    power, energy = by_definition(y, front_end)
    for dtype, rtol in ((np.float32, 2e-5), (np.float64, 1e-12)):
        atol = rtol * (front_end.gain**2 + np.abs(power).max())
        S = front_end(y.astype(dtype))
        assert S.dtype == dtype
        assert S.shape == power.shape == (front_end.n_bands, front_end.n_frames(len(y)))
        assert_allclose(S, power, atol=atol)
        logs = replace(front_end, log_energy="first", **LOG)(y.astype(dtype)).astype(np.float64)
        levels = np.vstack([energy, power])
        assert_allclose(np.exp(logs), np.maximum(levels, 1e-30), rtol=1e-4, atol=atol)


@pytest.mark.parametrize("n_fft", [256, 257, 262])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_constant_vanishes(n_fft, dtype):
    front_end = FrontEnd(SR, n_fft=n_fft, hop_length=100, center=False, n_mels=20, remove_dc=True, preemphasis=0.9)
    quiet = (2.0**-12 * noise(3000)).astype(np.float32).astype(dtype)
    silence = np.zeros(3000, dtype)
    expected = front_end(quiet)
    for constant in (0.25, -3.0, 0.3):
        assert_array_equal(front_end(silence + dtype(constant)), front_end(silence))
        y = quiet + dtype(constant)
        exact = front_end(y.astype(np.float64) - np.float64(dtype(constant)))  # the sum is rounded, if the mean is not
        assert_allclose(front_end(y), exact, atol=2e-3 if dtype == np.float32 else 1e-9)
    assert_allclose(front_end(quiet + dtype(0.25)), expected, atol=0.1 if dtype == np.float32 else 1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
def test_emphasis_whitens_a_decay(dtype):
    y = (0.9 ** np.arange(64)).astype(dtype)
    frames = {"n_fft": 64, "hop_length": 64, "center": False, "window": "boxcar"}
    S = FrontEnd(SR, **frames, n_mels=None, compression="none", preemphasis=0.9)(y)
    assert_allclose(S, 0.1**2, rtol=1e-5)  # an impulse of what the first sample keeps


@pytest.mark.parametrize("n_fft", [400, 401, 14])
def test_energy_is_parsevals(n_fft):
    y = noise(2, 3000)
    frames = {"n_fft": n_fft, "hop_length": n_fft, "center": False, "window": "boxcar", "n_mels": None}
    power = FrontEnd(SR, **frames, compression="none")(y)
    twice = np.full(len(power[0]), 2.0)
    twice[[0, -1] if n_fft % 2 == 0 else [0]] = 1.0
    S = FrontEnd(SR, **frames, **LOG, log_energy="first")(y)
    assert_allclose(np.exp(S[:, 0]), np.einsum("k,ikt->it", twice, power) / n_fft, rtol=1e-12)
    assert_allclose(np.exp(S[:, 1:]), power, rtol=1e-10)


def test_energy_takes_its_place():
    y = noise(3000)
    frames = {"n_fft": 256, "hop_length": 100, "n_mels": 20, "remove_dc": True, "gain": 3.0, **LOG}
    bands = FrontEnd(SR, **frames)
    first = replace(bands, log_energy="first")
    assert_array_equal(first(y)[1:], bands(y))
    cepstrum = replace(bands, n_mfcc=13, lifter=22.0)
    assert_array_equal(replace(cepstrum, log_energy="first")(y), np.vstack([first(y)[:1], cepstrum(y)]))
    expected = cepstrum(y)
    expected[0] = first(y)[0]
    assert_array_equal(replace(cepstrum, log_energy="c0")(y), expected)
    assert_array_equal(replace(cepstrum, n_mfcc=1, log_energy="c0")(y), expected[:1])
    assert replace(cepstrum, n_mfcc=1, log_energy="c0").n_bands == 1
    assert replace(cepstrum, log_energy="first").n_bands == 14


def test_the_energy_of_silence_is_the_floor():
    front_end = FrontEnd(SR, n_fft=64, n_mels=4, compression="log", amin=1e-5, log_energy="first")
    assert_allclose(front_end(np.zeros(100)), np.log(1e-5))


def test_lifters_count_from_one_or_nought():
    y = noise(3000)
    frames = {"n_fft": 256, "hop_length": 100, "n_mels": 20, "n_mfcc": 13}
    librosas = FrontEnd(SR, **frames, lifter=22.0)
    assert_array_equal(librosas(y), mfcc(y, SR, **frames, lifter=22.0))
    kwargs = {"n_fft": 256, "hop_length": 100, "n_mels": 20, "dtype": np.float64}
    S = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=SR, **kwargs), top_db=None)
    assert_allclose(librosas(y), librosa.feature.mfcc(S=S, n_mfcc=13, lifter=22), atol=1e-9)
    factors = 1 + 11 * np.sin(np.pi * np.arange(13) / 22)[:, None]
    assert_allclose(replace(librosas, lifter_start=0)(y), factors * replace(librosas, lifter=0.0)(y), atol=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kwargs", [{}, {"ref": 0.5}, {"ref": "max"}, {"top_db": 20.0}, {"ref": "max", "top_db": 9.0}])
@pytest.mark.parametrize("compression", ["log", "power_db"])
def test_scale_and_shift_follow_everything(compression, kwargs, dtype):
    y = noise(2, 3000, dtype=dtype) * np.linspace(0, 1, 3000, dtype=dtype)
    plain = FrontEnd(SR, n_fft=256, hop_length=100, n_mels=20, compression=compression, **kwargs)
    atol = 2e-5 if dtype == np.float32 else 1e-11
    assert_allclose(replace(plain, scale=0.25, shift=3.0)(y), 0.25 * plain(y) + 3.0, atol=atol)


# How frames are laid


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("n_samples", [64, 79, 80, 500])
def test_whispers_frames_are_librosas_but_for_the_last(n_samples, center):
    y = noise(n_samples)
    frames = {"n_fft": 64, "hop_length": 16, "n_mels": 5, "center": center, "pad_mode": "linear_ramp"}
    whole = logmel(y, SR, **frames)
    S = FrontEnd(SR, **frames, frames="whisper")(y)
    assert_array_equal(S, whole[:, : max(1, whole.shape[1] - 1)])


@pytest.mark.parametrize("pad_mode", ["constant", "edge", "reflect", "symmetric"])
@pytest.mark.parametrize(
    ("win_length", "hop_length"), [(40, 16), (41, 17), (40, 17), (41, 16), (7, 50), (1, 9), (64, 64)]
)
@pytest.mark.parametrize("n_fft", [64, 77])
def test_kaldis_centred_frames_are_those_of_the_padded_signal(n_fft, win_length, hop_length, pad_mode):
    kwargs = {"n_fft": n_fft, "win_length": win_length, "hop_length": hop_length, "n_mels": 5}
    front_end = FrontEnd(SR, **kwargs, frames="kaldi", pad_mode=pad_mode)
    for n_samples in [*range(1, 90), 300]:
        y = noise(n_samples)
        n_frames = max(1, (n_samples + hop_length // 2) // hop_length)
        start = hop_length // 2 - win_length // 2
        stop = start + (n_frames - 1) * hop_length + win_length
        before, after = max(0, -start), max(0, stop - n_samples)
        padded = np.pad(y, (before, after), mode=pad_mode)[max(0, start) : before + stop]
        S = front_end(y)
        assert front_end.n_frames(n_samples) == n_frames
        assert_array_equal(S, replace(front_end, center=False)(padded))


def test_kaldis_frames_without_zeros_are_librosas():
    y = noise(1000)
    frames = {"n_fft": 64, "hop_length": 20, "n_mels": 5, "center": False}
    assert_array_equal(FrontEnd(SR, **frames, frames="kaldi")(y), logmel(y, SR, **frames))
    # Magnitudes do not tell on which side the zeros of a frame are.
    later = FrontEnd(SR, **frames, win_length=48, frames="kaldi")(y[8:])
    assert_allclose(later[:, :-1], logmel(y, SR, **frames, win_length=48), atol=1e-9)


@pytest.mark.parametrize("n_samples", [2, 3, 10])
@pytest.mark.parametrize("symmetric", [True, False])
def test_poveys_window(n_samples, symmetric):
    window = window_samples("povey", n_samples, symmetric=symmetric)
    turns = 2 * np.pi * np.arange(n_samples) / (n_samples - symmetric)
    assert_allclose(window, (0.5 - 0.5 * np.cos(turns)) ** 0.85, atol=1e-12)
    assert_array_equal(window_samples("povey", 1, symmetric=symmetric), [1.0])


# What is not finite


@pytest.mark.parametrize("n_fft", [64, 62])
@pytest.mark.parametrize("frames", ["kaldi", "librosa", "whisper"])
@pytest.mark.parametrize("fields", [{"remove_dc": True}, {"preemphasis": 0.5}, {"log_energy": "first"}, {}])
def test_nan_is_named_wherever_it_lies(fields, frames, n_fft):
    kwargs = {"n_fft": n_fft, "win_length": 20, "n_mels": 4, "compression": "log", "frames": frames, **fields}
    for center in (True, False):
        for hop_length in (7, 90):
            front_end = FrontEnd(SR, **kwargs, hop_length=hop_length, center=center)
            for index in (0, 1, 30, 62, 100, 290, 299):
                y = noise(300)
                y[index] = np.nan
                with pytest.raises(ValueError, match=f"y must be finite, got nan at index {index}$"):
                    front_end(y)
