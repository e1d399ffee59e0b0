"""Tempo, beats and periodicities: librosa's, the definitions, and pulses whose tempo is known."""

import librosa
import numba
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import load, synth
from audiofeat.onset import onset_strength
from audiofeat.rhythm import beat_histogram, beat_track, periodicity, rhythm_statistics, tempo, tempogram

SR, HOP = 8000, 160  # 50 frames a second: 120 BPM are 25 frames
COLUMNS = [
    "tempo",
    "beats_per_second",
    "beat_interval_mean",
    "beat_interval_std",
    "tempogram_tempo",
    "tempogram_peak",
    "tempogram_peak_ratio",
    "tempogram_clarity",
    "tempogram_entropy",
    "tempogram_variation",
    "beat_histogram_A0",
    "beat_histogram_A1",
    "beat_histogram_RA",
    "beat_histogram_P1",
    "beat_histogram_P2",
    "beat_histogram_SUM",
]
tracks_beats = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="librosa.beat is not imported without compilation")
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def noise(n_samples, dtype=np.float64):
    return np.random.default_rng(0).uniform(-1, 1, n_samples).astype(dtype)


def pulses(bpm, *, duration=10.0, first=0.5, accents=(1.0,)):
    """Short bursts of noise at a tempo, not quite in silence."""
    times = np.arange(first, duration - 0.1, 60.0 / bpm)
    rng = np.random.default_rng(0)
    y = 1e-4 * rng.standard_normal(round(duration * SR))
    for i, time in enumerate(times):
        burst = rng.standard_normal(400) * np.exp(-np.arange(400) / 80.0)
        y[round(time * SR) :][:400] += accents[i % len(accents)] * burst
    return y, times


def recording(data, name, dtype="float32"):
    (path,) = data.glob(f"librosa_audio_ccby/*{name}*.ogg")
    y, sr = load(path, dtype=dtype)
    return np.ascontiguousarray(np.atleast_2d(y)[0, : 20 * sr]), sr


# --- librosa


def assert_librosas_beats(y, sr, *, pad_mode="constant", hop_length=512, **kwargs):
    options = {"pad_mode": pad_mode, "hop_length": hop_length}
    envelope = librosa.onset.onset_strength(y=y, sr=sr, aggregate=np.median, **options)
    with np.errstate(divide="ignore"):  # of a tempo of one frame
        bpm, frames = librosa.beat.beat_track(onset_envelope=envelope, sr=sr, hop_length=hop_length, **kwargs)
    found = beat_track(y, sr, **options, **kwargs)
    assert isinstance(found.tempo, float)
    assert found.tempo == np.atleast_1d(bpm)[0]
    assert found.times.dtype == np.float64
    assert_allclose(found.times, librosa.frames_to_time(frames, sr=sr, hop_length=hop_length), rtol=1e-15)


@tracks_beats
@DTYPES
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"pad_mode": "reflect"},
        {"start_bpm": 60.0, "tightness": 400, "trim": False},
        {"hop_length": 200, "tightness": 10.0},
        {"hop_length": 4000},
    ],
    ids=str,
)
def test_beats_are_librosas(kwargs, dtype):
    y = noise(6 * SR, dtype)
    assert_librosas_beats(y, SR, **kwargs)
    assert_librosas_beats(y * (np.sin(np.arange(6 * SR) / 700.0) > 0.0), SR, **kwargs)


@tracks_beats
@pytest.mark.realdata
@pytest.mark.parametrize("name", ["Hungarian", "Vibe", "Fishin", "robin"])
def test_beats_are_librosas_on_recordings(data, name):
    y, sr = recording(data, name)
    bpm, times = librosa.beat.beat_track(y=y, sr=sr, units="time")
    found = beat_track(y, sr)
    assert found.tempo == bpm[0]
    assert_allclose(found.times, times, rtol=1e-15)
    assert_librosas_beats(y, sr, pad_mode="reflect")
    assert_librosas_beats(y.astype(np.float64), sr)


@DTYPES
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"hop_length": 160, "start_bpm": 60.0},
        {"std_bpm": 0.2, "ac_size": 3.0},
        {"max_tempo": None, "start_bpm": 500.0},
        {"max_tempo": 30.0},
    ],
    ids=str,
)
def test_tempo_is_librosas(kwargs, dtype):
    y = noise(5 * SR, dtype)
    found = tempo(y, SR, **kwargs)
    assert isinstance(found, float)
    assert found == librosa.feature.tempo(y=y, sr=SR, **kwargs)[0]


@DTYPES
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"hop_length": 160, "win_length": 101, "window": "hamming", "norm": 2},
        {"win_length": 40, "center": False, "norm": None},
        {"win_length": 1, "window": np.ones(1)},
    ],
    ids=str,
)
def test_tempogram_is_librosas(kwargs, dtype, monkeypatch):
    y = noise(5 * SR, dtype)
    theirs = librosa.feature.tempogram(y=y, sr=SR, **kwargs)
    ours = tempogram(y, SR, **kwargs)
    assert ours.dtype == dtype
    assert_allclose(ours, theirs, atol=(1e-8 if dtype is np.float64 else 1e-4) * np.abs(theirs).max())
    monkeypatch.setattr(periodicity, "BLOCK", 7)
    assert_array_equal(tempogram(y, SR, **kwargs), ours)


@pytest.mark.realdata
def test_tempo_and_tempogram_are_librosas_on_a_recording(data):
    y, sr = recording(data, "Hungarian", "float64")
    assert tempo(y, sr) == librosa.feature.tempo(y=y, sr=sr)[0]
    assert_allclose(tempogram(y, sr), librosa.feature.tempogram(y=y, sr=sr), atol=1e-6)
    reflected = librosa.onset.onset_strength(y=y, sr=sr, pad_mode="reflect")
    assert tempo(y, sr, pad_mode="reflect") == librosa.feature.tempo(onset_envelope=reflected, sr=sr)[0]


# --- pulses


@pytest.mark.parametrize("bpm", [60.0, 75.0, 100.0, 120.0, 150.0])
def test_pulses_have_their_tempo(bpm):  # whole numbers of frames
    y, _ = pulses(bpm)
    assert tempo(y, SR, hop_length=HOP) == pytest.approx(bpm)
    assert tempo(1000.0 * y.astype(np.float32), SR, hop_length=HOP) == pytest.approx(bpm)
    S = tempogram(y, SR, hop_length=HOP).mean(axis=1)
    assert 60.0 * SR / HOP / (10 + S[10:75].argmax()) == pytest.approx(bpm)


@tracks_beats
@pytest.mark.parametrize("bpm", [75.0, 100.0, 120.0])
def test_beats_are_where_the_pulses_are(bpm):
    y, times = pulses(bpm)
    found = beat_track(y, SR, hop_length=HOP)
    assert found.tempo == pytest.approx(bpm)
    assert len(found.times) >= len(times) - 2
    assert np.abs(found.times[:, None] - times).min(axis=1).max() < 0.03
    for same in (2.0 * y, -y, y.tolist()):
        again = beat_track(same, SR, hop_length=HOP)
        assert again.tempo == found.tempo
        assert_array_equal(again.times, found.times)


# --- beat_histogram


def slow_histogram(envelope, frame_rate, low, high):
    n = round(0.12 * frame_rate)
    n += n % 2 == 0
    taper = [np.sin(np.pi * (i + 1) / (n + 1)) ** 2 for i in range(n)]
    smooth = np.correlate(np.pad(envelope, n // 2), np.array(taper) / sum(taper), "valid")
    size = min(len(smooth), round(6.0 * frame_rate))
    tempi = np.arange(low, high + 1e-9)
    strengths, n_windows = np.zeros(len(tempi)), 0
    for start in range(0, len(smooth) - size + 1, size // 2):
        n_windows += 1
        x = smooth[start : start + size]
        x = x - np.mean(x)
        r = [x[k:] @ x[: size - k] / (x @ x) for k in range(size)]
        found = []
        for k in range(1, size - 1):
            if r[k - 1] < r[k] >= r[k + 1]:
                a, b, c = np.polyfit([-1.0, 0.0, 1.0], r[k - 1 : k + 2], 2)
                found.append((c - b * b / (4.0 * a), 60.0 * frame_rate / (k - b / (2.0 * a))))
        inside = [(height, bpm) for height, bpm in found if low <= bpm <= high and height > 0.0]
        for height, bpm in sorted(inside, reverse=True)[:3]:
            strengths += height * np.array([max(0.0, 3.0 - abs(t - bpm)) / 9.0 for t in tempi])  # of area 1
    return tempi, strengths / n_windows


@pytest.mark.parametrize(
    ("duration", "kwargs"),
    [(14.0, {}), (3.0, {}), (8.0, {"low": 50.0, "high": 150.0}), (8.0, {"hop_length": 320, "low": 70.0})],
)
def test_the_histogram_is_its_definition(duration, kwargs):
    y, _ = pulses(97.0, duration=duration, accents=(1.0, 0.2, 0.01))
    tempi, strengths = beat_histogram(y, SR, **kwargs)
    options = {"hop_length": 512, "low": 40.0, "high": 240.0, **kwargs}
    hop_length = options.pop("hop_length")
    expected = slow_histogram(onset_strength(y, SR, hop_length=hop_length), SR / hop_length, **options)
    assert strengths.sum() > 0.1
    assert_array_equal(tempi, expected[0])
    assert_allclose(strengths, expected[1], atol=1e-9)


@pytest.mark.parametrize("bpm", [60.0, 90.0, 120.0, 133.0, 200.0])
@pytest.mark.parametrize("hop_length", [100, 186])
def test_pulses_are_the_highest_of_the_histogram(bpm, hop_length):
    y, _ = pulses(bpm, duration=13.0)
    tempi, strengths = beat_histogram(y, SR, hop_length=hop_length)
    near = [np.abs(tempi * factor - bpm) <= 4.0 * factor for factor in (1.0, 2.0, 3.0, 4.0, 5.0)]
    assert strengths[np.any(near, axis=0)].sum() > 0.95 * strengths.sum()  # the tempo and what it is a multiple of
    assert strengths[near[0]].sum() > 0.65
    assert strengths[near[0]].sum() > max(strengths[other].sum() for other in near[1:])


def test_neither_duration_nor_level_is_strength():
    y, _ = pulses(100.0, duration=24.0)
    expected = beat_histogram(y, SR, hop_length=HOP).strengths
    for same in (y[: 12 * SR], 30.0 * y):
        assert_allclose(beat_histogram(same, SR, hop_length=HOP).strengths.sum(), expected.sum(), rtol=0.05)
    assert beat_histogram(noise(24 * SR), SR, hop_length=HOP).strengths.sum() < 0.5 * expected.sum()


# --- rhythm_statistics


@tracks_beats
@pytest.mark.parametrize("pad_mode", ["constant", "reflect"])
def test_statistics_are_those_of_the_functions(pad_mode):
    y, _ = pulses(90.0, accents=(1.0, 0.3))
    found = rhythm_statistics(y, SR, hop_length=HOP, pad_mode=pad_mode)
    assert list(found) == COLUMNS
    assert {type(value) for value in found.values()} == {float}
    beats = beat_track(y, SR, hop_length=HOP, pad_mode=pad_mode)
    assert found["tempo"] == beats.tempo
    assert found["beats_per_second"] == pytest.approx(len(beats.times) / 10.0)
    assert found["beat_interval_mean"] == pytest.approx(np.diff(beats.times).mean())
    assert found["beat_interval_std"] == pytest.approx(np.diff(beats.times).std())
    if pad_mode == "reflect":
        return
    columns = tempogram(y, SR, hop_length=HOP)[13:76]  # 50 frames a second: 231 to 40 BPM
    mean = columns.mean(axis=1)
    at = 1 + np.flatnonzero((mean[1:-1] > mean[:-2]) & (mean[1:-1] >= mean[2:]))
    first, second = at[np.argsort(-mean[at])][:2]
    assert found["tempogram_tempo"] == pytest.approx(3000.0 / (13 + first), rel=0.01)
    assert mean[first] <= found["tempogram_peak"] <= 1.03 * mean[first]
    assert found["tempogram_peak_ratio"] == pytest.approx(mean[second] / mean[first], rel=0.03)
    assert found["tempogram_clarity"] == pytest.approx(found["tempogram_peak"] - mean.mean())
    assert found["tempogram_entropy"] == pytest.approx(scipy.stats.entropy(mean - mean.min()) / np.log(63))
    assert found["tempogram_variation"] == pytest.approx(columns.std(axis=1).mean())
    tempi, strengths = beat_histogram(y, SR, hop_length=HOP)
    sides = np.pad(strengths, 1)
    at = np.flatnonzero((strengths > sides[:-2]) & (strengths >= sides[2:]))
    first, second = at[np.argsort(-strengths[at])][:2]
    total = strengths.sum()
    expected = [strengths[first] / total, strengths[second] / total, strengths[second] / strengths[first]]
    assert [found[name] for name in COLUMNS[-6:]] == pytest.approx([*expected, tempi[first], tempi[second], total])


@tracks_beats
def test_statistics_tell_a_pulse_from_noise():
    y, _ = pulses(120.0)
    pulse, even = (rhythm_statistics(signal, SR, hop_length=HOP) for signal in (y, noise(10 * SR)))
    assert pulse["tempo"] == pytest.approx(120.0)
    assert pulse["tempogram_tempo"] == pytest.approx(120.0, abs=0.5)
    assert pulse["beat_histogram_P1"] == pytest.approx(120.0, abs=1.0)
    assert pulse["beats_per_second"] == pytest.approx(2.0, abs=0.3)
    assert pulse["beat_interval_mean"] == pytest.approx(0.5, abs=0.01)
    assert pulse["beat_interval_std"] < 0.02
    assert pulse["tempogram_clarity"] > 0.4 > 0.2 > even["tempogram_clarity"]
    assert pulse["tempogram_entropy"] < 0.8 < 0.9 < even["tempogram_entropy"] <= 1.0
    assert pulse["beat_histogram_SUM"] > 2.0 * even["beat_histogram_SUM"]


@tracks_beats
def test_two_tempi_vary_more_than_one():
    slow, fast = pulses(70.0)[0], pulses(130.0)[0]
    one = rhythm_statistics(np.concatenate([slow, slow]), SR, hop_length=HOP)
    two = rhythm_statistics(np.concatenate([slow, fast]), SR, hop_length=HOP)
    assert two["tempogram_variation"] > 1.5 * one["tempogram_variation"]
    assert one["beat_histogram_P1"] == pytest.approx(70.0, abs=1.0)
    assert one["beat_histogram_A1"] < 0.2 * one["beat_histogram_A0"]
    assert two["beat_histogram_A1"] > 0.5 * two["beat_histogram_A0"]


# --- odd signals


@pytest.mark.parametrize(
    "y", [np.zeros(1), np.ones(1), np.zeros(30000, np.float32), np.ones(700), np.full(20000, -0.5)], ids=len
)
def test_where_nothing_begins_there_is_no_rhythm(y):
    beats = beat_track(y, SR)
    assert beats.tempo == 0.0
    assert beats.times.shape == (0,)
    assert tempo(y, SR) == pytest.approx(120.0, rel=0.1)  # the likeliest beforehand
    assert not beat_histogram(y, SR).strengths.any()
    found = rhythm_statistics(y, SR)
    assert list(found) == COLUMNS
    assert_allclose(list(found.values()), 0.0, atol=1e-12)
    if not y.any():
        assert not tempogram(y, SR).any()


@tracks_beats
def test_one_click_is_at_most_one_beat():
    y = synth.clicks([2.0], sr=SR, duration=5.0)
    found = rhythm_statistics(y, SR, hop_length=HOP)
    assert np.isfinite(list(found.values())).all()
    assert found["beats_per_second"] <= 0.2
    assert found["beat_interval_mean"] == found["beat_interval_std"] == found["tempogram_tempo"] == 0.0
    assert found["beat_histogram_SUM"] < 0.2


sparse = st.integers(1, 9000).flatmap(
    lambda n: arrays(np.float64, n, elements=st.floats(-1.0, 1.0), fill=st.sampled_from([0.0, 0.5]))
)


@tracks_beats
@given(y=sparse, hop_length=st.sampled_from([100, 512, 4000]), dtype=st.sampled_from([np.float32, np.float64]))
def test_any_signal_has_finite_statistics(y, hop_length, dtype):
    y = y.astype(dtype)
    y.flags.writeable = False
    found = rhythm_statistics(y, SR, hop_length=hop_length)
    assert np.isfinite(list(found.values())).all()
    assert min(found.values()) >= 0.0
    assert found["tempogram_peak_ratio"] <= 1.0
    assert found["tempogram_entropy"] <= 1.0 + 1e-12
    assert found["beat_histogram_RA"] <= 1.0
    assert found["beat_histogram_SUM"] <= 3.0 + 1e-9
    beats = beat_track(y, SR, hop_length=hop_length)
    assert (np.diff(beats.times) > 0.0).all()
    assert ((beats.times >= 0.0) & (beats.times <= len(y) / SR)).all()


Y = np.ones(3000)


@pytest.mark.parametrize(
    ("function", "kwargs", "message"),
    [
        *[(f, {"y": np.ones((2, 9))}, "y must have exactly 1") for f in (beat_track, tempo, tempogram, beat_histogram)],
        (rhythm_statistics, {"y": np.ones((2, 9))}, "y must have exactly 1"),
        *[(f, {"sr": 0}, "sr must be > 0") for f in (beat_track, tempo, tempogram, beat_histogram, rhythm_statistics)],
        *[(f, {"hop_length": 0}, "hop_length must be >= 1") for f in (beat_track, tempo, tempogram, beat_histogram)],
        (beat_track, {"hop_length": 32001}, "hop_length must be <= 32000, half of 8 s, got 32001"),
        (rhythm_statistics, {"hop_length": 32001}, "hop_length must be <= 32000"),
        (rhythm_statistics, {"pad_mode": "wrap"}, "pad_mode must be one of"),
        (beat_track, {"start_bpm": 0.0}, "start_bpm must be > 0"),
        (beat_track, {"tightness": 0}, "tightness must be > 0"),
        (beat_track, {"y": [np.nan]}, "y must be finite"),
        (tempo, {"start_bpm": -1.0}, "start_bpm must be > 0"),
        (tempo, {"std_bpm": 0.0}, "std_bpm must be > 0"),
        (tempo, {"ac_size": 0.0}, "ac_size must be > 0"),
        (tempo, {"ac_size": 0.1}, "hop_length must be <= 400, half of 0.1 s, got 512"),
        (tempo, {"max_tempo": 7.0}, "max_tempo must be > 7.5"),
        (tempogram, {"win_length": 0}, "win_length must be >= 1"),
        (tempogram, {"center": False}, "win_length must be <= 6, the number of frames, when center is False, got 384"),
        (tempogram, {"window": "square"}, "window must be known"),
        (tempogram, {"norm": 0.0}, "norm must be > 0"),
        (tempogram, {"norm": -np.inf}, "norm must be > 0"),
        (beat_histogram, {"low": 0.0}, "low must be in"),
        (beat_histogram, {"low": 90.0, "high": 90.0}, "low must be < high = 90"),
        (beat_histogram, {"high": np.inf}, "high must be > 0"),
    ],
)
def test_a_wrong_argument_is_named(function, kwargs, message):
    with pytest.raises((ValueError, TypeError), match=message):
        function(**{"y": Y, "sr": SR, **kwargs})
