"""Tables of frames and clips: equal to the functions of their columns, and to librosa's."""

import inspect

import librosa
import numba
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

import audiofeat
from audiofeat import AudioError, FeatureTable, delta, describe, describe_many, frames, load, mfcc, save
from audiofeat.descriptors import _blocks
from audiofeat.tables.rows import NAMES
from audiofeat.tables.statistics import ALL, STATISTICS, statistics_of

SR = 22050
ROWS = {"spectral_contrast": 7, "chroma_stft": 12, "poly_features": 2, "tonnetz": 6}
ROWS |= dict.fromkeys(("mfcc", "mfcc_delta", "mfcc_delta2"), 20)


def signal(n_samples=12000, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(n_samples) / SR
    return 0.3 * np.sin(2 * np.pi * 330.0 * t) * (np.sin(9.0 * t) > 0) + 0.1 * rng.standard_normal(n_samples) * t


def alone(name, y, **options):
    """A descriptor by the function of its name."""
    if name.startswith("mfcc"):
        M = mfcc(y.astype(np.float64), SR, **options).astype(y.dtype)
        return M if name == "mfcc" else delta(M, order=1 + (name == "mfcc_delta2"))
    if name in ("rms", "zero_crossing_rate"):
        return getattr(audiofeat, name)(y, **{k.replace("n_fft", "frame_length"): v for k, v in options.items()})
    function = getattr(audiofeat, name)
    found = function(y, **options) if name == "spectral_flatness" else function(y, SR, **options)
    return found[None] if name == "onset_strength" else found


def test_columns_are_the_rows_of_descriptors_in_the_order_asked_for():
    table = frames(signal(), SR, names=["tonnetz", "rms", "mfcc"], n_mfcc=3)
    assert table.columns == (*(f"tonnetz_{i}" for i in range(1, 7)), "rms", "mfcc_1", "mfcc_2", "mfcc_3")
    assert len(frames(signal(), SR).columns) == sum(ROWS.get(name, 1) for name in NAMES)
    assert frames(signal(), SR, names="rms").columns == ("rms",)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", [{}, {"n_fft": 1024, "hop_length": 400}])
def test_frames_are_the_functions(dtype, options):
    y = signal().astype(dtype)
    table = frames(y, SR, **options)
    assert table.values.dtype == dtype
    for name in NAMES:
        expected = alone(name, y, **options)
        atol = 0.0 if dtype == np.float64 else 2e-5
        atol += 1e-9 * np.abs(expected).max()
        assert_allclose(table[name].reshape(-1, len(expected)).T, expected, rtol=1e-6, atol=atol)


@pytest.mark.parametrize("name", NAMES)
def test_a_column_does_not_depend_on_the_others(name):
    y = signal()
    assert_array_equal(frames(y, SR, names=[name])[name], frames(y, SR)[name])


def test_spectra_that_are_not_kept_give_the_same(monkeypatch):
    y = signal(300 * 512)
    kept = frames(y, SR).values
    monkeypatch.setattr(_blocks, "KEPT", 0)
    assert_array_equal(frames(y, SR).values, kept)
    assert_array_equal(frames(y, SR, names=["chroma_stft"]).values, audiofeat.chroma_stft(y, SR).T)


def test_times_are_the_centres():
    y = signal(8192)
    assert_allclose(frames(y, SR, names=["rms"]).times, np.arange(17) * 512 / SR)
    table = frames(y, SR, names=["rms"], center=False, hop_length=100)
    assert_allclose(table.times, (1024 + 100 * np.arange(62)) / SR)
    assert len(table.values) == 62


def test_a_batch_is_its_items():
    y = np.stack([signal(seed=0), signal(seed=1)]).reshape(2, 1, -1)
    both, told = frames(y, SR), describe(y, SR)
    assert both.values.shape == (2, 1, 24, 94)
    assert told.values.shape == (2, 1, 94 * len(STATISTICS))
    for i in range(2):
        assert_array_equal(both.values[i, 0], frames(y[i, 0], SR).values)
        assert_array_equal(told.values[i, 0], describe(y[i, 0], SR).values)
    assert both["mfcc"].shape == (2, 1, 24, 20)


def test_a_table_gives_columns_by_name():
    table = FeatureTable(("a", "b_1", "b_2", "b_c_1"), np.arange(8.0).reshape(2, 4))
    assert_array_equal(table["a"], [0.0, 4.0])
    assert_array_equal(table["b"], [[1.0, 2.0], [5.0, 6.0]])
    assert_array_equal(table["b_2"], [2.0, 6.0])
    assert list(table.to_dict()) == ["a", "b_1", "b_2", "b_c_1"]
    assert FeatureTable(("a", "b"), np.array([1.0, 2.0])).to_dict() == {"a": 1.0, "b": 2.0}
    with pytest.raises(KeyError, match="one of 4 columns, or what is before a number, got 'c'; near it are b_c_1"):
        table["c"]


def test_a_table_of_many_columns_is_told_in_a_line():
    assert repr(FeatureTable(("a", "b"), np.zeros((3, 2)))) == "<FeatureTable of shape (3, 2), 2 columns: a, b>"
    told = repr(describe(signal(), SR))
    assert told.startswith("<FeatureTable of shape (658,), 658 columns: rms_mean, ")
    assert len(told) < 160
    with pytest.raises(KeyError, match="got 'mfcc_1_meen'; near it are mfcc_1_mean"):
        describe(signal(), SR)["mfcc_1_meen"]


def test_a_table_becomes_a_data_frame():
    pytest.importorskip("pandas")
    table = frames(signal(), SR, names=["rms", "tonnetz"])
    frame = table.to_pandas()
    assert tuple(frame.columns) == table.columns
    assert frame.index.name == "time"
    assert_array_equal(frame.to_numpy(), table.values)
    assert describe(signal(), SR).to_pandas().shape == (1, 94 * len(STATISTICS))
    with pytest.raises(ValueError, match=r"values must have at most 2 dimensions, got shape \(2, 24, 1\)"):
        frames(np.stack([signal()] * 2), SR, names=["rms"]).to_pandas()


EXPECTED = {
    "mean": np.mean,
    "var": np.var,
    "std": np.std,
    "skew": scipy.stats.skew,
    "kurtosis": scipy.stats.kurtosis,
    "median": np.median,
    "min": np.min,
    "max": np.max,
}


def test_descriptions_are_the_statistics_of_frames():
    y = signal()
    table, told = frames(y, SR), describe(y, SR, statistics=ALL).to_dict()
    assert list(told) == [f"{column}_{name}" for column in table.columns for name in ALL]
    for column in table.columns:
        for name in ALL:
            assert_allclose(told[f"{column}_{name}"], EXPECTED[name](table[column]), rtol=1e-8, atol=1e-10)
    assert describe(y, SR, names=["rms"], statistics="max").columns == ("rms_max",)


@given(y=arrays(np.float64, st.integers(1, 3000), elements=st.floats(-1.0, 1.0, width=16)))
def test_any_signal_has_a_finite_description(y):
    table = describe(y, 8000.0, n_fft=512, hop_length=200)
    assert np.isfinite(table.values).all()
    told = table.to_dict()
    for column in {name.rpartition("_")[0] for name in table.columns}:
        assert told[f"{column}_min"] <= told[f"{column}_median"] <= told[f"{column}_max"]
        assert told[f"{column}_var"] >= 0.0


def test_alike_frames_have_no_shape():
    told = describe(np.zeros(5000), SR).to_dict()
    for column in ("rms", "spectral_flatness", "mfcc_1", "chroma_stft_3"):
        assert (told[f"{column}_var"], told[f"{column}_skew"], told[f"{column}_kurtosis"]) == (0.0, 0.0, 0.0)
    assert told["spectral_flatness_mean"] == pytest.approx(1.0)
    assert told["mfcc_1_mean"] == pytest.approx(-100 * np.sqrt(128))


def test_rounding_noise_has_no_shape():
    x = np.array([[1.0, 1.0 + 2.0**-52, 1.0], [1.0, 1.0 + 1e-9, 1.0]])
    assert_allclose(statistics_of(x, ("skew", "kurtosis")), [[0.0, np.sqrt(0.5)], [0.0, -1.5]], rtol=1e-3)


def test_short_clips_have_derivatives():
    y = signal(2000)  # 4 frames
    table = frames(y, SR)
    expected = librosa.feature.delta(table["mfcc"].T, mode="nearest", order=2)
    assert_allclose(table["mfcc_delta2"].T, expected, atol=1e-9)


@pytest.mark.parametrize(("sr", "n_rows"), [(22050, 7), (12800, 6), (8000, 6), (6400, 5), (801, 3), (401, 2)])
def test_low_rates_have_fewer_octaves(sr, n_rows):
    assert frames(signal(), sr, names=["spectral_contrast"]).values.shape[1] == n_rows


def by_librosa(y):
    """The 57 columns as by librosa's functions, with the padding of their day."""
    feature, pad = librosa.feature, {"pad_mode": "reflect"}
    harmony, perceptr = librosa.effects.hpss(y, **pad)
    columns = {
        "chroma_stft": feature.chroma_stft(y=y, sr=SR, **pad),
        "rms": feature.rms(y=y, **pad),
        "spectral_centroid": feature.spectral_centroid(y=y, sr=SR, **pad),
        "spectral_bandwidth": feature.spectral_bandwidth(y=y, sr=SR, **pad),
        "rolloff": feature.spectral_rolloff(y=y, sr=SR, **pad),
        "zero_crossing_rate": feature.zero_crossing_rate(y),
        "harmony": harmony,
        "perceptr": perceptr,
    }
    table = {}
    for name, values in columns.items():
        table |= {f"{name}_mean": np.mean(values), f"{name}_var": np.var(values)}
    onset = librosa.onset.onset_strength(y=y, sr=SR, aggregate=np.median, **pad)
    table["tempo"] = np.squeeze(librosa.beat.beat_track(onset_envelope=onset, sr=SR)[0])
    for i, row in enumerate(feature.mfcc(y=y, sr=SR, n_mfcc=20, **pad), start=1):
        table |= {f"mfcc{i}_mean": np.mean(row), f"mfcc{i}_var": np.var(row)}
    return table


needs_jit = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="librosa's beat tracker needs its compiler")


@needs_jit
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gtzan_preset_is_librosas(dtype):
    y = signal(5 * SR).astype(dtype)
    y[-SR:] = 0.0  # far below the 80 dB
    expected = by_librosa(y)
    found = describe(y, SR, preset="gtzan").to_dict()
    assert len(found) == 57
    assert list(found) == list(expected)
    for column, value in expected.items():
        assert_allclose(found[column], value, rtol=1e-5 if dtype == np.float64 else 1e-4, atol=1e-9, err_msg=column)


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 2e-5), (np.float64, 1e-5)])
def test_the_gtzan_preset_of_recordings_is_librosas(dtype, rtol, data):
    for path in sorted((data / "librosa_audio_ccby").glob("*.ogg")):
        y = load(path, sr=SR)[0][: 30 * SR].astype(dtype)
        found = describe(y, SR, preset="gtzan").to_dict()
        for column, value in by_librosa(y).items():
            assert_allclose(found[column], value, rtol=rtol, err_msg=f"{path.name}: {column}")


def test_the_gtzan_preset_sets_everything():
    with pytest.raises(ValueError, match="preset must be 'default' beside other arguments, got 'gtzan'"):
        describe(signal(), SR, preset="gtzan", hop_length=256)
    with pytest.raises(ValueError, match="preset must be one of default, gtzan, got 'fma'"):
        describe(signal(), SR, preset="fma")


@needs_jit
def test_features_of_clips_are_those_of_their_functions():
    y = signal(2 * SR)
    told = describe(y, SR, names=["hpss", "rms", "rhythm"], statistics=["mean", "var"]).to_dict()
    rhythm = audiofeat.rhythm_statistics(y, SR)
    parts = dict(zip(("harmonic", "percussive"), audiofeat.hpss(y), strict=True))
    expected = {f"{part}_{kind}": getattr(values, kind)() for part, values in parts.items() for kind in ("mean", "var")}
    assert list(told) == [*expected, "rms_mean", "rms_var", *rhythm]
    for name, value in (expected | rhythm).items():
        assert_allclose(told[name], value, rtol=1e-9)


@pytest.mark.parametrize("workers", [1, 2, -1])
def test_many_are_one_by_one(tmp_path, workers):
    y = signal()
    path = save(tmp_path / "a.wav", y.astype(np.float32), 44100) or tmp_path / "a.wav"
    items = [y, path, str(path), y[:3000].astype(np.float32), np.zeros(100)]
    table = describe_many(items, SR, names=["rms", "mfcc"], workers=workers)
    assert table.values.shape == (5, 21 * len(STATISTICS))
    for item, found in zip(items, table.values, strict=True):
        clip = load(item, sr=SR)[0] if isinstance(item, str | type(path)) else item
        expected = describe(clip, SR, names=["rms", "mfcc"])
        assert expected.columns == table.columns
        assert_array_equal(found, expected.values)


def test_many_say_what_is_wrong(tmp_path):
    with pytest.raises(AudioError, match=r"none\.wav"):
        describe_many([signal(), tmp_path / "none.wav", np.zeros(0)], SR, names=["rms"])
    with pytest.raises(ValueError, match="y must have exactly 1 dimension"):
        describe_many([np.zeros((2, 100))], SR)
    with pytest.raises(TypeError, match=r"items must be an iterable of signals or files, got the file 'a\.wav'"):
        describe_many("a.wav", SR)
    with pytest.raises(ValueError, match="items must hold at least 1 signal or file, got 0"):
        describe_many([], SR)


WRONG = [
    ({"names": ["rms", "loudness"]}, "names must be one of .*, got 'loudness'"),
    ({"names": []}, r"names must be different descriptors, at least one, got \[\]"),
    ({"names": ["rms", "rms"]}, r"names must be different descriptors, at least one, got \['rms', 'rms'\]"),
    ({"n_mfcc": 129}, r"n_mfcc must be in \[1, 128\], got 129"),
    ({"top_db": -1.0}, r"top_db must be >= 0, got -1.0"),
    ({"sr": 0.0}, r"sr must be > 0, got 0.0"),
    ({"pad_mode": "wrap"}, "pad_mode must be one of"),
    ({"y": np.full(9, np.nan)}, "y must be finite, got nan at index 0"),
]


@pytest.mark.parametrize("function", [frames, describe, describe_many])
@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_arguments_are_named(function, options, message):
    y, sr = options.get("y", np.ones(5000)), options.get("sr", SR)
    options = {name: value for name, value in options.items() if name not in ("y", "sr")}
    with pytest.raises(ValueError, match=message):
        function([y] if function is describe_many else y, sr, **options)


@pytest.mark.parametrize("statistics", [[], ["mean", "mean"], ["mode"]])
def test_wrong_statistics_are_named(statistics):
    with pytest.raises(ValueError, match="statistics must be"):
        describe(np.ones(5000), SR, statistics=statistics)


def test_frames_have_no_clip_level_names():
    with pytest.raises(ValueError, match=r"names must be one of .*, got 'rhythm'"):
        frames(np.ones(5000), SR, names=["rhythm"])


def test_the_functions_share_their_arguments():
    one, many = (inspect.signature(function).parameters for function in (describe, describe_many))
    assert [p.default for name, p in one.items() if name != "y"] == [
        p.default for name, p in many.items() if name not in ("items", "workers")
    ]
    of_frames = inspect.signature(frames).parameters
    assert all(one[name].default == p.default for name, p in of_frames.items() if name != "y")
