"""Mel scales, banks, spectrograms and decibels against librosa, Matlab and their laws."""

import librosa
import numba
import numpy as np
import pytest
import scipy.io
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import (
    amplitude_to_db,
    db_to_amplitude,
    db_to_power,
    hz_to_mel,
    logmel,
    mel_filterbank,
    mel_frequencies,
    mel_to_hz,
    melspectrogram,
    power_to_db,
    spectrogram,
)

JIT = not numba.config.DISABLE_JIT
EMPTY_BANDS = pytest.mark.filterwarnings("ignore:Empty filters detected")
POWERS = arrays(np.float64, st.tuples(*[st.integers(1, 5)] * 2), elements=st.floats(0, 1e6, width=32))


def noise(*shape, dtype=np.float64):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(dtype)


def fixtures(pattern):
    """Load the Matlab files of a name, as dictionaries of plain numbers and arrays."""

    def load(data):
        for path in sorted((data / "librosa_matlab_fixtures").glob(pattern)):
            fixture = scipy.io.loadmat(path)
            yield {k: v.item() if v.size == 1 else v for k, v in fixture.items() if not k.startswith("__")}

    return load


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("function", "pattern", "count"),
    [(hz_to_mel, "feature-hz_to_mel-*.mat", 4), (mel_to_hz, "feature-mel_to_hz-*.mat", 4)],
)
def test_scales_are_matlabs(data, function, pattern, count):
    seen = list(fixtures(pattern)(data))
    assert len(seen) == count
    for fixture in seen:
        f = np.asarray(fixture["f"], dtype=np.float64)
        assert_allclose(function(f, htk=bool(fixture["htk"])), fixture["result"], rtol=1e-12)


@pytest.mark.realdata
@pytest.mark.parametrize(("pattern", "count"), [("feature-melfb-*.mat", 144), ("feature-melfbnorm-*.mat", 1)])
def test_filterbanks_are_matlabs(data, pattern, count):
    seen = list(fixtures(pattern)(data))
    assert len(seen) == count
    for fixture in seen:
        assert np.size(fixture.get("norm", ())) == 0  # the one file with a norm has none
        bank = mel_filterbank(
            fixture["sr"],
            n_fft=fixture["nfft"],
            n_mels=fixture["nfilts"],
            fmin=fixture["fmin"],
            fmax=fixture["fmax"],
            htk=bool(fixture["htk"]),
            norm=None if "norm" in fixture else "slaney",
            dtype=np.float64,
        )
        n_bins = bank.shape[1]
        assert_allclose(bank, fixture["wts"][:, :n_bins], atol=1e-12)
        assert not fixture["wts"][:, n_bins:].any()


@pytest.mark.parametrize("htk", [False, True])
def test_scales_are_librosas(htk):
    f = np.concatenate([np.linspace(0, 2000, 301), np.geomspace(900, 384000, 100)])
    assert_allclose(hz_to_mel(f, htk=htk), librosa.hz_to_mel(f, htk=htk), rtol=1e-14)
    mels = hz_to_mel(f, htk=htk)
    assert_allclose(mel_to_hz(mels, htk=htk), librosa.mel_to_hz(mels, htk=htk), rtol=1e-14)
    expected = librosa.mel_frequencies(17, fmin=30.0, fmax=9000.0, htk=htk)
    assert_allclose(mel_frequencies(17, fmin=30.0, fmax=9000.0, htk=htk), expected, rtol=1e-14)


@given(f=st.floats(0, 400_000), htk=st.booleans())
def test_mel_to_hz_undoes_hz_to_mel(f, htk):
    assert_allclose(mel_to_hz(hz_to_mel(f, htk=htk), htk=htk), f, rtol=1e-12, atol=1e-9)


def test_scales_keep_shape_and_dtype():
    assert isinstance(hz_to_mel(440), np.float64)
    assert isinstance(mel_to_hz(np.float32(3)), np.float32)
    assert hz_to_mel(np.ones((2, 3), np.float32)).dtype == np.float32
    assert mel_to_hz([[1, 2]]).shape == (1, 2)


BANKS = [
    {},
    {"n_mels": 40, "fmin": 20.0, "fmax": 8000.0},
    {"n_mels": 40, "htk": True, "norm": None},
    {"n_mels": 40, "htk": True, "norm": 1},
    {"n_mels": 30, "norm": 2.0},
    {"n_fft": 255, "n_mels": 100},
    {"n_mels": 1},
]


@EMPTY_BANDS
@pytest.mark.parametrize("sr", [1.0, 22050, 44100, 768_000])
@pytest.mark.parametrize("kwargs", BANKS)
def test_filterbank_is_librosas(sr, kwargs):
    kwargs = {"n_fft": 2048, **kwargs}
    kwargs["fmax"] = min(kwargs["fmax"], sr / 2) if "fmax" in kwargs else None
    kwargs["fmin"] = min(kwargs.get("fmin", 0.0), sr / 8)
    for dtype in (np.float32, np.float64):
        ours, theirs = (
            mel_filterbank(sr, dtype=dtype, **kwargs),
            librosa.filters.mel(sr=sr, dtype=dtype, **kwargs),
        )
        assert ours.dtype == dtype
        atol = np.finfo(dtype).eps * 4 * theirs.max()
        assert_allclose(ours, theirs, rtol=1e-6 if dtype == np.float32 else 1e-11, atol=atol)


@pytest.mark.parametrize("htk", [False, True])
def test_triangles_in_mel_are_straight_in_mel(htk):
    kwargs = {"n_mels": 20, "htk": htk, "norm": None, "dtype": np.float64}
    bank = mel_filterbank(16000, triangles="mel", **kwargs)
    edges = np.linspace(0, librosa.hz_to_mel(8000, htk=htk), 22)
    bins = librosa.hz_to_mel(librosa.fft_frequencies(sr=16000), htk=htk)
    for band, (left, centre, right) in zip(bank, zip(edges, edges[1:], edges[2:], strict=False), strict=True):
        assert_allclose(band, np.interp(bins, [left, centre, right], [0.0, 1.0, 0.0]), atol=1e-12)
    # Slaney's scale is linear at first: there both kinds are the same.
    low = mel_filterbank(16000, triangles="hz", **kwargs)
    assert_allclose(bank[:4], low[:4], atol=1e-12) if not htk else None
    assert np.abs(bank - low).max() > 1e-3


@given(
    sr=st.floats(1.0, 1e6),
    n_fft=st.integers(1, 512),
    n_mels=st.integers(1, 64),
    norm=st.sampled_from(["slaney", None, 1, 2.0]),
    triangles=st.sampled_from(["hz", "mel"]),
)
def test_a_bank_is_not_negative_and_its_norm_is_what_was_asked(sr, n_fft, n_mels, norm, triangles):
    bank = mel_filterbank(sr, n_fft=n_fft, n_mels=n_mels, norm=norm, triangles=triangles, dtype=np.float64)
    assert bank.shape == (n_mels, 1 + n_fft // 2)
    assert np.isfinite(bank).all()
    assert (bank >= 0).all()
    filled = bank[bank.any(axis=1)]
    if isinstance(norm, int | float):
        assert_allclose((filled**norm).sum(axis=1), 1.0)


CASES = [
    {},
    {"n_mels": 40, "n_fft": 1024, "htk": True, "norm": None},
    {"fmin": 100.0, "fmax": 6000.0, "power": 1.0, "center": False},
    {"window": "blackmanharris", "hop_length": 300, "win_length": 1000, "pad_mode": "reflect"},
]


@pytest.mark.parametrize("kwargs", CASES)
def test_melspectrogram_is_librosas(kwargs):
    y = noise(40000)
    theirs = librosa.feature.melspectrogram(y=y, sr=22050, dtype=np.float64, **kwargs)
    assert_allclose(melspectrogram(y, 22050, **kwargs), theirs, rtol=1e-10)
    single = melspectrogram(y.astype(np.float32), 22050, **kwargs)
    assert single.dtype == np.float32
    assert_allclose(single, theirs, rtol=1e-5, atol=1e-6 * theirs.max())


@pytest.mark.parametrize("kwargs", CASES)
def test_logmel_is_librosas(kwargs):
    y = noise(40000)
    S = librosa.feature.melspectrogram(y=y, sr=22050, dtype=np.float64, **kwargs)
    theirs = librosa.power_to_db(S, top_db=None)
    assert_allclose(logmel(y, 22050, **kwargs), theirs, rtol=1e-10, atol=1e-10)
    single = logmel(y.astype(np.float32), 22050, **kwargs)
    assert single.dtype == np.float32
    assert_allclose(single, theirs, rtol=1e-5, atol=2e-5)


@pytest.mark.realdata
def test_melspectrogram_of_music_is_librosas(data):
    paths = sorted((data / "schubert_HU33").rglob("*.wav"))[:2] + sorted((data / "librosa_audio_ccby").rglob("*.ogg"))
    assert paths
    for path in paths[:4] if JIT else paths[1:3]:
        y, sr = soundfile.read(path, frames=500_000 if JIT else 30_000, always_2d=True)
        y = y.mean(axis=1)
        theirs = librosa.feature.melspectrogram(y=y, sr=sr, dtype=np.float64)
        assert_allclose(melspectrogram(y, sr), theirs, rtol=1e-10, atol=1e-10 * theirs.max())
        assert_allclose(logmel(y, sr), librosa.power_to_db(theirs, top_db=None), atol=1e-9)
        single = y.astype(np.float32)
        assert_allclose(melspectrogram(single, sr), theirs, rtol=1e-5, atol=1e-6 * theirs.max())
        ours = power_to_db(melspectrogram(single, sr), ref=np.max, top_db=60.0)
        assert_allclose(ours, librosa.power_to_db(theirs, ref=np.max, top_db=60.0), atol=2e-3)


def test_bands_are_the_bank_times_the_spectrogram():
    y = noise(20000)
    bank = mel_filterbank(8000, n_fft=512, n_mels=30, triangles="mel", norm=1, dtype=np.float64)
    ours = melspectrogram(y, 8000, n_fft=512, n_mels=30, triangles="mel", norm=1, power=3.0)
    assert_allclose(ours, bank @ spectrogram(y, n_fft=512, power=3.0), rtol=1e-12)


@given(y=arrays(np.float64, 300, elements=st.floats(-1, 1, width=32)), gain=st.floats(1e-3, 1e3))
def test_gain_adds_decibels_above_the_floor(y, gain):
    kwargs = {"n_fft": 64, "n_mels": 10, "hop_length": 50}
    quiet, loud = logmel(y, 8000, **kwargs), logmel(gain * y, 8000, **kwargs)
    above = (quiet > -99.9) & (loud > -99.9)
    assert_allclose(loud[above], quiet[above] + 20 * np.log10(gain), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_is_its_items(dtype):
    batch = noise(2, 3, 70000, dtype=dtype) * 10.0 ** -np.arange(6, dtype=dtype).reshape(2, 3, 1)
    n_fft = 2048 if JIT else 256
    for function, kwargs in ((melspectrogram, {}), (logmel, {}), (logmel, {"ref": np.max, "top_db": 40.0})):
        together = function(batch, 22050, n_fft=n_fft, **kwargs)
        assert together.shape[:3] == (2, 3, 128)
        for index in np.ndindex(2, 3):
            assert_array_equal(together[index], function(batch[index], 22050, n_fft=n_fft, **kwargs))


@pytest.mark.parametrize("n_samples", [1, 100, 5000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_silence_is_the_floor(n_samples, dtype):
    y = np.zeros(n_samples, dtype)
    assert not melspectrogram(y, 22050).any()
    assert_allclose(logmel(y, 22050), -100.0, rtol=1e-6)
    assert_allclose(logmel(y, 22050, ref=np.max, top_db=80.0), 0.0, atol=1e-5)


def test_dc_and_a_click_are_finite():
    click = np.eye(1, 5000)[0]
    for y in (np.ones(5000), click, click.astype(np.float32) * 1e-20):
        assert np.isfinite(logmel(y, 22050)).all()


@given(S=POWERS, ref=st.sampled_from([1.0, 0.0, 7.5, np.max, np.median]), top_db=st.none() | st.floats(0, 200))
def test_decibels_are_librosas(S, ref, top_db):
    ours = power_to_db(S, ref=ref, top_db=top_db)
    assert_allclose(ours, librosa.power_to_db(S, ref=ref, top_db=top_db), rtol=1e-12, atol=1e-12)
    ours = amplitude_to_db(S, ref=ref, top_db=top_db)
    assert_allclose(ours, librosa.amplitude_to_db(S, ref=ref, top_db=top_db), rtol=1e-12, atol=1e-12)


@given(S_db=arrays(np.float64, 5, elements=st.floats(-90, 90)), ref=st.floats(1e-3, 1e3))
def test_decibels_undo(S_db, ref):
    power, amplitude = db_to_power(S_db, ref=ref), db_to_amplitude(S_db, ref=ref)
    assert_allclose(power, librosa.db_to_power(S_db, ref=ref), rtol=1e-12)
    assert_allclose(amplitude, librosa.db_to_amplitude(S_db, ref=ref), rtol=1e-12)
    assert_allclose(power_to_db(power, ref=ref, amin=1e-20, top_db=None), S_db, atol=1e-9)
    assert_allclose(amplitude_to_db(amplitude, ref=ref, amin=1e-20, top_db=None), S_db, atol=1e-9)


def test_top_db_and_a_function_look_at_an_item():
    S = np.array([[[1.0, 1e-3]], [[1e-4, 1e-7]]])
    assert_allclose(power_to_db(S, top_db=20.0), [[[0, -20]], [[-40, -60]]])
    assert_allclose(power_to_db(S, ref=np.max, top_db=None), [[[0, -30]], [[0, -30]]], atol=1e-12)
    assert_allclose(amplitude_to_db(S, ref=np.max, amin=1e-9, top_db=None), [[[0, -60]], [[0, -60]]], atol=1e-12)
    assert_allclose(power_to_db(S[:, 0], top_db=20.0), [[0, -20], [-20, -20]])  # two axes are one item


def test_decibels_keep_shape_dtype_and_input():
    S = np.array([1.0, 10.0], np.float32)
    S.flags.writeable = False
    assert power_to_db(S).dtype == amplitude_to_db(S).dtype == db_to_power(S).dtype == np.float32
    assert db_to_amplitude(S).dtype == np.float32
    assert isinstance(power_to_db(10), np.float64)
    assert_array_equal(power_to_db([1, 10], top_db=None), [0.0, 10.0])
    tiny = power_to_db(np.zeros(2, np.float32), amin=1e-60)  # below what float32 can hold
    assert np.isfinite(tiny).all()


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "message"),
    [
        (hz_to_mel, (-1.0,), {}, "frequencies must be >= 0, got -1.0"),
        (mel_to_hz, (np.nan,), {}, "mels must be finite"),
        (mel_frequencies, (0,), {}, "n_mels must be >= 1"),
        (mel_frequencies, (4,), {"fmin": 500.0, "fmax": 500.0}, "fmin must be < fmax = 500 Hz, got 500"),
        (mel_filterbank, (0,), {}, "sr must be > 0"),
        (mel_filterbank, (8000,), {"n_mels": 0}, "n_mels must be >= 1"),
        (mel_filterbank, (8000,), {"fmin": -1}, "fmin must be >= 0"),
        (mel_filterbank, (8000,), {"fmax": 4001}, r"fmax must be in \(0, 4000\], got 4001"),
        (mel_filterbank, (8000,), {"norm": "l2"}, "norm must be one of slaney"),
        (mel_filterbank, (8000,), {"norm": 0}, "norm must be > 0"),
        (mel_filterbank, (8000,), {"triangles": "bark"}, "triangles must be one of hz, mel"),
        (mel_filterbank, (8000,), {"dtype": "int16"}, "dtype must be one of float32, float64"),
        (melspectrogram, (np.ones(9), "22050"), {}, "sr must be a number"),
        (melspectrogram, ([],  22050), {}, "y must have at least 1"),
        (melspectrogram, (np.ones(9), 22050), {"power": -1}, "power must be > 0"),
        (logmel, (np.ones(9), 22050), {"amin": 0.0}, "amin must be > 0"),
        (logmel, (np.ones(9), 22050), {"top_db": -1.0}, "top_db must be >= 0"),
        (power_to_db, (np.ones(2, complex),), {}, "S must be real"),
        (power_to_db, ([1.0, -1.0],), {}, "S must be >= 0, got -1.0"),
        (power_to_db, ([],), {}, "S must have at least 1"),
        (power_to_db, ([1.0],), {"ref": -1.0}, "ref must be >= 0"),
        (power_to_db, ([1.0],), {"ref": lambda S: np.nan}, "ref must be >= 0, got nan"),
        (amplitude_to_db, ([1.0],), {"amin": -1e-5}, "amin must be > 0"),
        (db_to_power, ([np.inf],), {}, "S_db must be finite"),
        (db_to_amplitude, ([1.0],), {"ref": -1.0}, "ref must be >= 0"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_named(function, args, kwargs, message):
    with pytest.raises((ValueError, TypeError), match=message):
        function(*args, **kwargs)
