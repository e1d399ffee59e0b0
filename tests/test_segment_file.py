"""Laws of `segment_file`: what `segment` finds in the loaded signal, to the last bit, in bounded memory."""

import tracemalloc
from dataclasses import fields
from pathlib import Path
from unittest.mock import patch

import numba
import numpy as np
import pytest
import scipy.sparse as sp
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import AudioError, load, save, segment, segment_file, synth
from audiofeat.windows import Wanted, cut_windows, measure_windows

SR = 2000
RNG = np.random.default_rng(0)
SONG = synth.ar_regimes("ABACB", sr=SR, segment_duration=4.2, random_state=0)
QUIET = np.repeat([1.0, 0.0, 1e-3, 1.0, 1e-5], round(4.2 * SR))
LOUDEST = 1.01 * np.abs(SONG.y).max()


def assert_same(found, expected):
    """Every field is equal, and every float to the last bit."""
    for field in fields(expected):
        ours, theirs = getattr(found, field.name), getattr(expected, field.name)
        if sp.issparse(theirs):
            ours, theirs = ours.toarray(), theirs.toarray()
        assert type(ours) is type(theirs), field.name
        assert_array_equal(ours, theirs, err_msg=field.name, strict=isinstance(theirs, np.ndarray))


def assert_same_as_loaded(path, sr=None, **parameters):
    y, rate = load(path, sr)
    assert_same(segment_file(path, sr=sr, **parameters), segment(y, rate, **parameters))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One song in many codings; compressed ones, which know no such rate, play it four times as fast."""
    folder = tmp_path_factory.mktemp("songs")
    y = SONG.y / LOUDEST
    save(folder / "song.flac", y, SR)
    save(folder / "song.mp3", y, 4 * SR)
    save(folder / "song.ogg", y, 4 * SR)
    save(folder / "gaps.wav", y * QUIET, SR, subtype="DOUBLE")
    save(folder / "stereo.wav", np.stack([y, 0.3 * y[::-1]]), SR, subtype="PCM_24")
    save(folder / "three.wav", np.stack([y, 0.3 * y[::-1], RNG.uniform(-0.1, 0.1, len(y))]), SR, subtype="FLOAT")
    return folder


@pytest.mark.parametrize("samples", [1, 1 << 12, 12501, 1 << 21])
@pytest.mark.parametrize("preset", ["default", "ucsd2020"])
def test_a_file_is_its_signal_for_any_size_of_block(folder, monkeypatch, preset, samples):
    monkeypatch.setattr("audiofeat.windows.SAMPLES", samples)
    assert_same_as_loaded(folder / "song.flac", preset=preset)
    assert_same_as_loaded(folder / "gaps.wav", preset=preset)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_clusters": 3},
        {"n_clusters": 3, "preset": "ucsd2020"},
        {"preset": "ucsd2020", "normalize": "window", "hop_duration": 0.5},
        {"normalize": "global", "lags": "full"},
        {"normalize": None, "lags": 5, "order": 4},
        {"hop_duration": 0.123456, "window_duration": 0.7},
        {"window_duration": 0.25, "hop_duration": 0.25, "min_duration": 0.0},
        {"window_duration": 30.0},
        {"window_duration": 1e300},
        {"graph": "local", "assign": "kmeans", "random_state": 1},
        {"graph": "paper", "silence_db": -50.0},
        {"silence_db": 0.0, "max_clusters": 3},
        {"sr": 1000},
        {"sr": 2756.25, "preset": "ucsd2020"},
    ],
    ids=str,
)
def test_a_file_is_its_signal_for_all_parameters(folder, monkeypatch, parameters):
    monkeypatch.setattr("audiofeat.windows.SAMPLES", 12501)
    assert_same_as_loaded(folder / "gaps.wav", **parameters)


@pytest.mark.parametrize("sr", [None, 1500.5])
@pytest.mark.parametrize("name", ["song.flac", "song.mp3", "song.ogg", "stereo.wav", "three.wav"])
def test_a_file_is_its_signal_in_every_coding(folder, monkeypatch, name, sr):
    monkeypatch.setattr("audiofeat.windows.SAMPLES", 12501)
    assert_same_as_loaded(folder / name, sr)


ODD = {
    "one sample": np.array([0.5]),
    "one zero": np.zeros(1),
    "shorter than a window": 0.1 * RNG.standard_normal(SR - 1),
    "one window": 0.1 * RNG.standard_normal(SR),
    "a window and a sample": 0.1 * RNG.standard_normal(SR + 1),
    "two windows": 0.1 * RNG.standard_normal(SR + SR // 2),
    "zeros": np.zeros(5 * SR),
    "one click": np.eye(1, 5 * SR, 2 * SR)[0],
    "silence before": np.concatenate([np.zeros(5 * SR), 0.1 * RNG.standard_normal(5 * SR + 1)]),
    "quiet before": np.concatenate([1e-30 * RNG.standard_normal(5 * SR), 0.1 * RNG.standard_normal(5 * SR)]),
    "denormal": 1e-310 * RNG.standard_normal(5 * SR),
}


@pytest.mark.parametrize("samples", [1, 1 << 21])
@pytest.mark.parametrize("name", ODD)
def test_a_short_or_silent_file_is_its_signal(tmp_path, monkeypatch, name, samples):
    monkeypatch.setattr("audiofeat.windows.SAMPLES", samples)
    save(tmp_path / "odd.wav", ODD[name], SR, subtype="DOUBLE")
    for preset in ("default", "ucsd2020"):
        assert_same_as_loaded(tmp_path / "odd.wav", preset=preset)


@given(data=st.data(), samples=st.integers(1, 1000))
def test_any_file_is_its_signal(tmp_path_factory, data, samples):
    pieces = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 700)), min_size=1, max_size=6))
    rng = np.random.default_rng(len(pieces))
    make = [np.zeros, rng.standard_normal, np.ones, lambda n: 1e-5 * rng.standard_normal(n)]
    path = tmp_path_factory.mktemp("any") / "any.wav"
    save(path, np.concatenate([make[kind](n) for kind, n in pieces]), 1000, subtype="FLOAT")
    parameters = {
        "preset": st.sampled_from(["default", "ucsd2020"]),
        "graph": st.sampled_from(["knn", "paper", "local"]),
        "n_clusters": st.sampled_from([None, 1, 4]),
        "hop_duration": st.sampled_from([0.05, 0.03, 0.013]),
        "normalize": st.sampled_from(["window", "global", None]),
        "lags": st.sampled_from([1, 20, "full"]),
        "silence_db": st.sampled_from([-80.0, -20.0]),
    }
    with patch("audiofeat.windows.SAMPLES", samples):
        assert_same_as_loaded(path, window_duration=0.05, order=4, **data.draw(st.fixed_dictionaries(parameters)))


SLOW_WITHOUT_JIT = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="kernels in Python take minutes for recordings")


@SLOW_WITHOUT_JIT
@pytest.mark.realdata
@pytest.mark.parametrize("preset", ["default", "ucsd2020"])
@pytest.mark.parametrize("sr", [None, 22050])
def test_a_recording_is_its_signal(data, monkeypatch, preset, sr):
    for path in (
        min((data / "schubert_HU33" / "audio").glob("*.wav")),
        data / "ina_musanmix" / "musanmix.mp3",
        min((data / "esc10_folds123").rglob("*.ogg")),
    ):
        assert_same_as_loaded(path, sr, preset=preset)
        with monkeypatch.context() as patched:
            patched.setattr("audiofeat.windows.SAMPLES", 1 << 18)
            assert_same_as_loaded(path, sr, preset=preset, n_clusters=4, hop_duration=0.3)


# Windows of a signal in blocks


@given(
    cuts=st.lists(st.integers(0, 200), max_size=8),
    n_samples=st.integers(1, 200),
    n_window=st.integers(1, 250),
    n_hop=st.integers(1, 250),
    samples=st.integers(1, 400),
)
def test_windows_are_those_of_the_whole_however_it_is_cut(cuts, n_samples, n_window, n_hop, samples):
    y, n_hop = np.arange(float(n_samples)), min(n_hop, n_window)
    expected = sliding_window_view(y, min(n_window, n_samples))[::n_hop]
    with patch("audiofeat.windows.SAMPLES", samples):
        blocks = list(cut_windows(np.split(y, sorted(min(cut, n_samples) for cut in cuts)), n_window, n_hop))
    assert_array_equal(np.concatenate(blocks), expected)
    rows = max(1, samples // n_window)
    assert [len(block) for block in blocks] == [min(rows, len(expected) - i) for i in range(0, len(expected), rows)]


def measured(y, normalize="window", silence_db=-80.0):
    names = frozenset({"sem", "logmel", "cepstra", "chroma", "dynamics", "semitones", "slices"})
    wanted = Wanted(names, {"peak": lambda windows, sr: np.abs(windows).max(axis=1)[:, None]}, 8, 20, normalize)
    blocks = cut_windows([y], 1000, 500)
    return measure_windows(blocks, wanted, n_window=1000, n_hop=500, sr=SR, silence_db=silence_db)


def known(windows):
    """Every array that has a row to a window."""
    return [*windows.factors[:-2], *windows.features.values()]


@pytest.mark.parametrize("normalize", ["window", "global", None])
def test_a_window_is_measured_by_its_own_samples(monkeypatch, normalize):
    monkeypatch.setattr("audiofeat.windows.SAMPLES", 4000)  # 4 windows in a block
    y = SONG.y[:20000]
    _, _, alone = measured(y, normalize)
    for tail in (1e-3 * SONG.y[:10000], 1e3 * SONG.y[:10000]):
        sounds, _, together = measured(np.concatenate([y, tail]), normalize, silence_db=-200.0)
        assert sounds.all()
        some = slice(0, 36)  # in blocks that the tail has no window in
        for ours, theirs in zip(known(together), known(alone), strict=True):
            assert_array_equal(ours[some], theirs[some])


@pytest.mark.parametrize("exponent", [-900, -3, 40, 900])
@pytest.mark.parametrize("normalize", ["window", "global", None])
def test_no_bit_depends_on_a_gain_of_a_power_of_two(normalize, exponent):
    y = SONG.y * QUIET
    expected, found = (
        segment(np.ldexp(y, power), SR, normalize=normalize, graph="paper", lags="full", min_silence=0.0)
        for power in (0, exponent)
    )
    assert "silence" in expected.labels
    assert_same(found, expected)


def test_the_level_between_windows_counts_unless_it_is_normalised():
    y = np.tile(SONG.y[:4000], 4) * np.repeat([1.0, 2.0**-40, 2.0**40, 2.0**-900], 4000)
    *_, levelled = measured(y, silence_db=-1e5)
    *_, as_they_are = measured(y, None, silence_db=-1e5)
    inside = np.arange(31) % 8 < 7  # windows without a step
    assert_array_equal(levelled.factors.exponents[inside], levelled.factors.exponents[0])
    steps = as_they_are.factors.exponents[inside].reshape(4, 7) - as_they_are.factors.exponents[:7]
    assert_array_equal(steps, np.repeat([[0], [-40], [40], [-900]], 7, axis=1))


def test_what_lies_far_below_the_loudest_is_silent_wherever_that_is():
    y = np.concatenate([1e-4 * SONG.y[:8000], SONG.y[:8000], np.zeros(8000), 1e-2 * SONG.y[:8000]])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2]):
        sounds, _, found = measured(y.reshape(4, -1)[order].ravel(), silence_db=-60.0)
        inside = sounds[:63].reshape(-1)[np.add.outer(np.arange(4) * 16, np.arange(15))]
        assert_array_equal(inside, np.repeat(np.array([[False], [True], [False], [True]])[order], 15, axis=1))
        assert_array_equal(found.active, np.flatnonzero(sounds))
        assert {len(rows) for rows in known(found)} == {sounds.sum()}


def test_the_size_of_a_block_changes_roundings_only(monkeypatch):
    expected = segment(SONG.y, SR)
    monkeypatch.setattr("audiofeat.windows.SAMPLES", 3 * SR)
    found = segment(SONG.y, SR)
    assert found.window_labels == expected.window_labels
    assert_allclose(found.distance, expected.distance, atol=1e-6)
    assert_allclose(found.eigenvalues, expected.eigenvalues, atol=1e-6)


# Files that cannot be read


def broken(folder, name):
    path = folder / name
    if name == "empty.wav":
        path.touch()
    elif name == "text.wav":
        path.write_text("no sound")
    elif name == "truncated.wav":
        save(path, SONG.y / LOUDEST, SR)
        path.write_bytes(path.read_bytes()[:50000])
    elif name == "damaged.flac":
        save(path, SONG.y / LOUDEST, SR)
        content = bytearray(path.read_bytes())
        content[len(content) // 2 : len(content) // 2 + 5000] = bytes(5000)
        path.write_bytes(content)
    elif name == "nothing.wav":
        sf.write(path, np.zeros(0), SR)
    elif name == "nan.wav":
        sf.write(path, np.where(np.arange(40000) == 30000, np.nan, 0.1), SR, subtype="FLOAT")
    return path


BROKEN = ["missing.wav", "empty.wav", "text.wav", "truncated.wav", "damaged.flac", "nothing.wav", "nan.wav"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_load_refuses_is_refused_in_the_same_words(tmp_path, monkeypatch, name):
    monkeypatch.setattr("audiofeat.windows.SAMPLES", 1 << 12)
    path = broken(tmp_path, name)
    with pytest.raises(AudioError) as expected:
        load(path)
    with pytest.raises(AudioError) as found:
        segment_file(path)
    assert str(found.value) == str(expected.value)


def test_a_resampler_that_leaves_the_range_is_found(tmp_path):
    path = tmp_path / "huge.wav"
    save(path, np.tile(np.repeat([3.4e38, -3.4e38], 40), 1000), SR, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"huge.wav: too loud to be resampled to 16000 Hz"):
        segment_file(path, sr=16000)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sr": 0}, "sr must be > 0, got 0"),
        ({"sr": 10}, "window_duration must be at least 1.7 s for order 16 at 10 Hz, got 1"),
        ({"hop_duration": 2.0}, r"hop_duration must be in \[0.0005, 1\], got 2"),
        ({"preset": "foote"}, "preset must be one of default, ucsd2020, got 'foote'"),
        ({"lags": 0}, r"lags must be in \[1, 2015\], got 0"),
    ],
)
def test_a_wrong_parameter_is_refused_before_the_file_is_read(folder, parameters, message):
    def never(done, total):
        pytest.fail("the file was read")

    with pytest.raises(ValueError, match=message):
        segment_file(folder / "song.flac", progress=never, **parameters)


# Progress


@pytest.mark.parametrize("name", ["song.flac", "song.mp3", "stereo.wav"])
@pytest.mark.parametrize("sr", [8000, 3000])
def test_progress_comes_once_a_block_and_once_at_the_end(folder, monkeypatch, name, sr):
    monkeypatch.setattr("audiofeat.windows.SAMPLES", 4 * sr)  # 4 windows, every half a second
    calls = []
    found = segment_file(folder / name, sr=sr, hop_duration=0.5, progress=lambda *call: calls.append(call))
    duration = found.duration
    assert_allclose([done for done, _ in calls], [*np.arange(2.0, duration, 2.0), duration, duration])
    assert_allclose([total for _, total in calls], duration, atol=0.6)  # MP3 declares the encoder's padding
    assert calls[-1] == (duration, duration)


def test_nothing_is_promised_where_nothing_is_declared(tmp_path):
    path = tmp_path / "a.flac"
    save(path, np.full(3 * SR, 0.5), SR)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)  # 36 bits that count the samples
    path.write_bytes(content)
    calls = []
    segment_file(path, progress=lambda *call: calls.append(call))
    assert calls == [(3.0, None), (3.0, 3.0)]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("sr", [None, 1000])
def test_what_progress_raises_ends_the_work_and_closes_the_file(folder, tmp_path, monkeypatch, error, sr):
    monkeypatch.setattr("audiofeat.windows.SAMPLES", 4 * SR)
    path = tmp_path / "song.flac"
    path.write_bytes((folder / "song.flac").read_bytes())
    calls = []

    def stop(done, total):
        calls.append(done)
        if len(calls) == 3:
            raise error("enough")

    with pytest.raises(error, match="enough") as caught:
        segment_file(path, sr=sr, progress=stop)
    assert len(calls) == 3
    assert caught.tb  # which keeps the frames
    opened = Path("/proc/self/fd")
    if opened.is_dir():
        assert str(path) not in [str(link.resolve()) for link in opened.iterdir()]
    assert [path.name for path in tmp_path.iterdir()] == ["song.flac"]


# Memory


@SLOW_WITHOUT_JIT
def test_memory_grows_with_the_windows_and_not_with_the_audio(tmp_path, monkeypatch):
    monkeypatch.setattr("audiofeat.windows.SAMPLES", 1 << 18)
    peaks = {}
    for minutes in (1, 1, 6):  # once more: what is kept between calls is not counted
        path = tmp_path / f"{minutes}.wav"
        save(path, RNG.uniform(-0.5, 0.5, minutes * 60 * 22050).astype(np.float32), 22050)
        tracemalloc.start()
        try:
            found = segment_file(path, window_duration=2.0, hop_duration=2.0)
            peaks[minutes] = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert found.duration == minutes * 60.0
    of_a_minute = 60 * 22050 * 4  # bytes of float32, of which `segment` keeps all
    assert peaks[6] - peaks[1] < 0.1 * 5 * of_a_minute
