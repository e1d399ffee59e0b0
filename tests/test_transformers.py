"""The transformers of audio: scikit-learn's checks, our own, the functions as oracles, and its tools at work."""

import inspect
import subprocess
import sys
from pathlib import Path

import joblib
import librosa
import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from audiofeat import AudioError, FrontEnd, describe, frames, preset, save, segment, synth
from audiofeat.estimators import (
    AudioClip,
    DescriptorTransformer,
    FeatureStatistics,
    LogMelTransformer,
    SegmentExcerpt,
)
from audiofeat.testing import check_audio_transformer

ROOT = Path(__file__).parents[1]
SR = 8000
SMALL = FrontEnd(SR, n_fft=64, hop_length=32, n_mels=5)
FAST = {"names": ("rms", "spectral_centroid", "mfcc"), "n_fft": 64, "hop_length": 32, "n_mfcc": 3}
WHOLE = FAST if numba.config.DISABLE_JIT else {}  # all descriptors, as by default
needs_jit = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="librosa's beat tracker needs its compiler")
TRANSFORMERS = [
    LogMelTransformer(SMALL),
    LogMelTransformer("feng2017", n_frames=2),  # without padding: short signals need zeros for one frame
    LogMelTransformer(SMALL, n_frames=3, flatten=False),
    DescriptorTransformer(SR, **WHOLE, n_frames=3),
    DescriptorTransformer(SR, **FAST, flatten=False, center=False),
    FeatureStatistics(SR, **WHOLE),
    FeatureStatistics(SR, **FAST, statistics=["mean", "std"]),
    SegmentExcerpt(SR, duration=0.5),  # longer than what the checks give
    SegmentExcerpt(100, duration=0.02),
    SegmentExcerpt(100, duration=0.05, excerpt="largest"),
]


def named(value):
    return type(value).__name__


def signal(n_samples, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, n_samples).astype(dtype)


@pytest.fixture(scope="module")
def genres(tmp_path_factory):
    """Files of three kinds of sound, and their labels."""
    folder, t = tmp_path_factory.mktemp("genres"), np.arange(2000) / SR
    paths, labels = [], []
    for i in range(12):
        kind, frequency = (("low", 300.0), ("high", 2500.0), ("noise", 0.0))[i % 3]
        paths.append(str(folder / f"{kind}-{i}.wav"))
        tone = np.sin(2.0 * np.pi * frequency * (1.0 + 0.01 * i) * t)
        save(paths[-1], 0.5 * tone + 0.2 * signal(len(t), seed=i), SR)
        labels.append(kind)
    return paths, np.array(labels)


@parametrize_with_checks(TRANSFORMERS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names:UserWarning")  # the checks' own
@pytest.mark.parametrize(
    "check",
    [
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_global_output_transform_pandas",
        "check_dataframe_column_names_consistency",
    ],
)
@pytest.mark.parametrize("transformer", [TRANSFORMERS[i] for i in (0, 4, 6, 8)], ids=named)
def test_scikit_learn_checks_of_names_and_tables(transformer, check):
    pytest.importorskip("pandas")
    getattr(estimator_checks, check)(type(transformer).__name__, transformer)


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=named)
def test_our_own_checks(transformer):
    check_audio_transformer(transformer, duration=0.4)


@pytest.mark.parametrize(
    "excerpt",
    [
        SegmentExcerpt(500, duration=1.0, window_duration=0.2),  # there is something to segment
        SegmentExcerpt(500, duration=1.0, excerpt="largest", preset="ucsd2020", window_duration=0.2, n_clusters=2),
    ],
    ids=named,
)
def test_our_own_checks_of_excerpts(excerpt):
    check_audio_transformer(excerpt, duration=2.5)


class Flawed(LogMelTransformer):
    """A transformer that is right, but for one thing."""

    def __init__(self, flaw="", *, n_jobs=None):
        super().__init__(SMALL, n_frames=4, n_jobs=n_jobs)
        self.flaw = flaw

    def fit(self, X, y=None):
        if self.flaw == "fit remembers":
            self.n_features_in_, before = np.shape(X[0])[-1:], getattr(self, "n_features_in_", None)
            self.n_features_in_ = before or self.n_features_in_
        super().fit(X)
        return None if self.flaw == "fit returns nothing" else self

    def transform(self, X):
        flaw, items = self.flaw, X
        if flaw == "transform fits":
            self.fit(X)
        if flaw == "empty ones are left out" and isinstance(X, list):
            items = [y for y in X if not isinstance(y, np.ndarray) or len(y)]
        if flaw == "clips are files" and isinstance(X, list):
            items = [y.path if isinstance(y, AudioClip) else y for y in X]
        if flaw == "errors are anonymous":
            try:
                rows = super().transform(items)
            except (AudioError, NotFittedError):
                raise
            except ValueError as error:
                raise ValueError("bad signal") from error
        else:
            rows = super().transform(items)
        if flaw == "input is written to" and isinstance(X, np.ndarray) and X.dtype.kind == "f" and X.flags.writeable:
            X *= 2.0
        if flaw == "the batch is normalised":
            rows = rows / np.abs(rows).max()
        if flaw == "files are louder":
            rows = rows + np.array([[isinstance(y, str)] for y in items])
        if flaw == "arrays are others" and isinstance(X, np.ndarray) and X.ndim == 2:
            rows = rows + 1.0
        if flaw == "silence is no number":
            rows = np.where(rows <= -99.0, np.nan, rows)
        if flaw == "two jobs are others" and self.n_jobs == 2:
            rows = rows + 1.0
        if flaw == "three dimensions":
            rows = rows[:, None]
        return rows[1:] if flaw == "a row is missing" else rows

    def fit_transform(self, X, y=None):
        rows = self.fit(X).transform(X)
        return rows + (self.flaw == "fit_transform is another")

    def get_feature_names_out(self, input_features=None):
        names = super().get_feature_names_out(input_features)
        if self.flaw == "names are missing":
            return names[1:]
        return names[[0, *range(len(names) - 1)]] if self.flaw == "names are doubled" else names

    def __setstate__(self, state):
        super().__setstate__(state | ({"n_frames_": 3} if state["flaw"] == "pickled is another" else {}))


def test_flawed_is_right_without_a_flaw():
    check_audio_transformer(Flawed(), duration=0.05)


@pytest.mark.parametrize(
    "flaw",
    [
        "a row is missing",
        "arrays are others",
        "clips are files",
        "empty ones are left out",
        "errors are anonymous",
        "files are louder",
        "fit returns nothing",
        "fit_transform is another",
        "input is written to",
        "names are doubled",
        "names are missing",
        "pickled is another",
        "silence is no number",
        "the batch is normalised",
        "three dimensions",
        "transform fits",
        "two jobs are others",
    ],
)
def test_a_flaw_is_found(flaw):
    with pytest.raises(AssertionError):
        check_audio_transformer(Flawed(flaw), duration=0.05)


@given(lengths=st.lists(st.integers(1, 400), min_size=1, max_size=5), data=st.data())
def test_a_batch_is_its_items_in_any_order(lengths, data):
    items = [signal(n, seed=n) for n in lengths]
    transformer = data.draw(st.sampled_from([TRANSFORMERS[i] for i in (0, 2, 4, 6)]))
    if transformer.get_params().get("center") is False:
        items = [np.append(y, np.zeros(64)) for y in items]
    order = data.draw(st.permutations(range(len(items))))
    fitted = clone(transformer).fit(items)
    rows = fitted.transform(items)
    assert_array_equal(fitted.transform([items[i] for i in order]), rows[list(order)])
    assert_array_equal(np.concatenate([fitted.transform([y]) for y in items]), rows)
    assert_array_equal(clone(transformer).fit([items[i] for i in order]).transform(items), rows)


def test_log_mel_is_librosas():
    clips = [signal(9000), signal(4000, seed=1)]
    rows = LogMelTransformer(n_frames=12).fit_transform(clips)
    for row, y in zip(rows, [clips[0], np.append(clips[1], np.zeros(11 * 512 - 4000))], strict=True):
        S = librosa.power_to_db(librosa.feature.melspectrogram(y=y))[:, :12]
        assert_allclose(row, S.ravel(), atol=1e-6)


@pytest.mark.parametrize("name", ["feng2017", "kaldi", "kth2020", "ubc2020", "whisper"])
def test_frames_are_cut_and_zeros_appended(name):
    front_end, y = preset(name), signal(12000)
    S = front_end(y)
    cut = LogMelTransformer(name, n_frames=2).fit([y])
    assert_array_equal(cut.transform([y])[0], S[:, :2].ravel())
    n_frames = S.shape[1] + 3
    longer = LogMelTransformer(name, n_frames=n_frames).fit_transform([y])[0].reshape(front_end.n_bands, n_frames)
    n_samples = next(n for n in range(12000, 10**6) if front_end.n_frames(n) == n_frames)
    extended = front_end(np.pad(y, (0, n_samples - len(y) + front_end.hop_length - 1)))[:, :n_frames]
    assert_allclose(longer, extended, atol=1e-9)  # more zeros change nothing: but for reflections of zeros


@pytest.mark.parametrize(("name", "n_samples"), [("feng2017", 1024), ("kaldi", 400)])
@pytest.mark.parametrize("flatten", [True, False])
def test_a_signal_shorter_than_a_frame_is_extended_to_one(name, n_samples, flatten):
    y = signal(10)
    rows = LogMelTransformer(name, flatten=flatten).fit_transform([y])
    assert_array_equal(rows[0], preset(name)(np.pad(y, (0, n_samples - 10)))[:, 0])


def test_the_longest_item_sets_the_frames_and_without_flatten_each_its_own():
    items = [signal(n) for n in (90, 300, 10)]
    fitted = LogMelTransformer(SMALL).fit(items)
    assert fitted.n_frames_ == SMALL.n_frames(300) == 10
    assert fitted.get_feature_names_out()[[0, 9, 10, -1]].tolist() == [
        "band_1_frame_1",
        "band_1_frame_10",
        "band_2_frame_1",
        "band_5_frame_10",
    ]
    assert_array_equal(fitted.transform(items)[1], SMALL(items[1]).ravel())
    means = LogMelTransformer(SMALL, flatten=False).fit(items)
    assert means.n_frames_ is None
    assert means.get_feature_names_out().tolist() == [f"band_{i}_mean" for i in range(1, 6)]
    assert_array_equal(means.transform(items), [SMALL(y).mean(axis=1) for y in items])
    few = FrontEnd(SR, n_fft=64, hop_length=32, n_mels=5, max_frames=4)
    assert LogMelTransformer(few).fit(items).n_frames_ == 4


def test_descriptors_are_those_of_frames():
    y = signal(1000)
    table = frames(y, SR, **FAST)
    fitted = DescriptorTransformer(SR, **FAST).fit([y])
    assert_array_equal(fitted.transform([y])[0], table.values.T.ravel())
    n = fitted.n_frames_
    names = [f"{column}_frame_{t}" for column in table.columns for t in range(1, n + 1)]
    assert fitted.get_feature_names_out().tolist() == names
    means = DescriptorTransformer(SR, **FAST, flatten=False).fit([y])
    assert_array_equal(means.transform([y])[0], table.values.T.mean(axis=1))
    assert means.get_feature_names_out().tolist() == [f"{column}_mean" for column in table.columns]


@pytest.mark.parametrize(
    ("options", "n_samples"),
    [
        ({}, 3000),
        ({**FAST, "statistics": ("max", "std")}, 500),
        ({"names": "hpss"}, 3000),
        pytest.param({"preset": "gtzan"}, 4000, marks=needs_jit),
    ],
)
def test_statistics_are_those_of_describe(options, n_samples):
    y = signal(n_samples)
    table = describe(y, SR, **options)
    fitted = FeatureStatistics(SR, **options).fit([y])
    assert_array_equal(fitted.transform([y, y]), [table.values, table.values])
    assert fitted.get_feature_names_out().tolist() == list(table.columns)


@pytest.mark.parametrize(
    ("transformer", "function"),
    [(FeatureStatistics, describe), (DescriptorTransformer, frames), (SegmentExcerpt, segment)],
)
def test_parameters_and_defaults_are_those_of_the_function(transformer, function):
    ours, theirs = (inspect.signature(f).parameters for f in (transformer, function))
    shared = set(ours) & set(theirs) - {"sr"}
    assert [ours[name].default for name in shared] == [theirs[name].default for name in shared]
    wanted = {"n_clusters", "preset", "window_duration", "hop_duration"} if function is segment else set(theirs)
    assert shared == wanted - {"y", "sr"}


def test_every_parameter_reaches_the_function():
    y, other = signal(3000), {"n_mfcc": 4, "top_db": 20.0, "n_fft": 256, "hop_length": 100, "win_length": 200}
    other |= {"window": "hamming", "pad_mode": "edge", "center": False}
    for transformer, function in ((FeatureStatistics, describe), (DescriptorTransformer, frames)):
        for name, value in other.items():
            options = {"names": ("mfcc", "spectral_centroid"), "n_fft": 512, name: value}
            rows = transformer(SR, **options).fit_transform([y])
            assert_array_equal(rows[0], function(y, SR, **options).values.T.ravel())


@pytest.fixture(scope="module")
def song():
    return synth.ar_regimes("ABA", sr=2000, segment_duration=6.0, random_state=0)


def test_an_excerpt_is_a_part_of_the_song(song):
    y, sr, found = song.y, int(song.sr), segment(song.y, song.sr)
    assert found.labels == ["A", "B", "A"]
    row = SegmentExcerpt(sr, duration=4.0).fit_transform([y])[0]
    start, stop = (round(t * sr) for t in found.thumbnail(4.0))
    assert_array_equal(row, y[start:stop])
    assert stop <= 6 * sr or start >= 12 * sr  # inside a section of the larger label
    joined = found.extract(y, "A")
    largest = SegmentExcerpt(sr, duration=11.0, excerpt="largest").fit_transform([y])[0]
    assert_array_equal(largest, joined[: 11 * sr])
    padded = SegmentExcerpt(sr, duration=20.0, excerpt="largest").fit_transform([y])[0]
    assert_array_equal(padded, np.append(joined, np.zeros(20 * sr - len(joined))))
    whole = SegmentExcerpt(sr, duration=20.0).fit_transform([y, y[:500]])
    assert_array_equal(whole, [np.append(y, np.zeros(2 * sr)), np.append(y[:500], np.zeros(20 * sr - 500))])


@pytest.mark.parametrize(
    "options", [{"n_clusters": 1}, {"preset": "ucsd2020"}, {"window_duration": 3.0}, {"hop_duration": 1.0}]
)
def test_an_excerpt_is_found_as_asked(song, options):
    row = SegmentExcerpt(song.sr, duration=18.0, excerpt="largest", **options).fit_transform([song.y])[0]
    found = segment(song.y, song.sr, **options)
    part = found.extract(song.y, found.largest().label)
    assert_array_equal(row[: len(part)], part)
    assert not row[len(part) :].any()


def test_files_are_resampled_and_clips_read_in_part(tmp_path):
    y = signal(4000)
    save(tmp_path / "a.flac", np.stack([y, -y / 2.0]), 2 * SR)
    row = SegmentExcerpt(SR, duration=0.3).fit_transform([tmp_path / "a.flac"])[0]
    mono = librosa.resample(np.float32(y / 4.0), orig_sr=2 * SR, target_sr=SR)
    assert row.dtype == np.float32
    assert_allclose(row, np.append(mono, np.zeros(400)), atol=2e-4)  # 16 bits, and their rounding
    for clip, start, stop in (
        (AudioClip(tmp_path / "a.flac", 0.05, 0.15), 400, 1200),
        (AudioClip(tmp_path / "a.flac", 0.05), 400, 2000),
        (AudioClip(tmp_path / "a.flac", 0.2, 9.0), 1600, 2000),
    ):
        part = SegmentExcerpt(SR, duration=(stop - start) / SR).fit_transform([clip])[0]
        assert_allclose(part[20:-20], mono[start + 20 : stop - 20], atol=2e-3)
    with pytest.raises(AudioError, match="beyond its end"):
        LogMelTransformer(SMALL).fit([AudioClip(tmp_path / "a.flac", 1.0, 2.0)])


def test_a_clip_is_a_value():
    clip = AudioClip("a.wav", 1, 2.5)
    assert clip == AudioClip("a.wav", 1.0, 2.5) != AudioClip("a.wav", 1.0)
    assert len({clip, AudioClip("a.wav", 1.0, 2.5)}) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3,), TypeError, "path must be a str or a path, got 3"),
        (("a", -1.0), ValueError, "start must be >= 0, got -1.0"),
        (("a", 1.0, 1.0), ValueError, "stop must be > 1, got 1.0"),
        (("a", "b"), TypeError, "start must be a number"),
    ],
)
def test_a_wrong_clip_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        AudioClip(*arguments)


@pytest.mark.parametrize(
    ("transformer", "error", "message"),
    [
        (LogMelTransformer("mel"), ValueError, "frontend must be one of feng2017, .*, got 'mel'"),
        (LogMelTransformer(3), ValueError, "frontend must be one of"),
        (LogMelTransformer(n_frames=0), ValueError, "n_frames must be >= 1, got 0"),
        (LogMelTransformer("ubc2020", n_frames=641), ValueError, "n_frames must be <= 640, .* got 641"),
        (LogMelTransformer(flatten=1), TypeError, "flatten must be True or False, got 1"),
        (DescriptorTransformer(names=["loudness"]), ValueError, "names must be one of"),
        (DescriptorTransformer(n_frames=2.0), TypeError, "n_frames must be an integer"),
        (DescriptorTransformer(0.0), ValueError, "sr must be > 0, got 0.0"),
        (FeatureStatistics(preset="fma"), ValueError, "preset must be one of default, gtzan, got 'fma'"),
        (FeatureStatistics(n_fft=0), ValueError, "n_fft must be >= 1, got 0"),
        (FeatureStatistics(sr="fast"), TypeError, "sr must be a number"),
        (SegmentExcerpt(duration=0.0), ValueError, "duration must be > 0, got 0.0"),
        (SegmentExcerpt(excerpt="middle"), ValueError, "excerpt must be one of largest, thumbnail, got 'middle'"),
        (SegmentExcerpt(n_clusters=0), ValueError, "n_clusters must be >= 1, got 0"),
    ],
)
def test_a_wrong_parameter_is_refused_by_fit(transformer, error, message):
    with pytest.raises(error, match=message):
        transformer.fit([signal(100)])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("song.wav", TypeError, "X must be a list of signals or files, got the file 'song.wav'"),
        (AudioClip("song.wav"), TypeError, "X must be a list"),
        ([signal(9), signal(9)[:0]], ValueError, r"X\[1\] must have at least 1 sample"),
        ([signal(9), np.array([1.0, np.inf])], ValueError, r"X\[1\] must be finite, got inf at index 1"),
        ([signal(9), "a.wav", 5.0], ValueError, r"X\[2\] must have exactly 1 dimension"),
        ([signal(9), None], TypeError, r"X\[1\] must hold floats, .* got dtype object"),
        ([signal(9), [1, 2]], TypeError, r"X\[1\] must hold floats, .* got dtype int64"),
        (np.array([], dtype=object), ValueError, "X must hold at least 1 signal or file, got 0"),
    ],
)
def test_wrong_items_are_refused(X, error, message):
    with pytest.raises(error, match=message):
        LogMelTransformer(SMALL, n_frames=1).fit(X)


def test_an_error_within_says_whose_it_is():
    fitted = FeatureStatistics(SR, **FAST, center=False).fit([signal(100)])
    with pytest.raises(ValueError, match=r"X\[1\] cannot be transformed: .* at least n_fft = 64 samples .* got 63"):
        fitted.transform([signal(64), signal(63)])


def test_pcm_is_scaled_in_every_container():
    y = np.array([[1000, -2000, 32767, 0] * 30, [5, 6, -7, 8] * 30], dtype=np.int16)
    fitted = LogMelTransformer(SMALL).fit(y)
    expected = fitted.transform(y / 32768.0)
    assert_array_equal(fitted.transform(y), expected)
    assert_array_equal(fitted.transform(list(y)), expected)
    pandas = pytest.importorskip("pandas")
    assert_array_equal(LogMelTransformer(SMALL).fit_transform(pandas.DataFrame(y).rename(columns=str)), expected)
    assert_array_equal(fitted.transform(y.astype(np.int64)), fitted.transform(y.astype(np.float64)))
    assert_array_equal(fitted.transform(y.astype(np.int64).tolist()), fitted.transform(y.astype(np.float64)))


def test_lists_of_numbers_and_dtypes():
    fitted = LogMelTransformer(SMALL, n_frames=2).fit([signal(9)])
    assert_array_equal(
        fitted.transform([[0.5, 0.25], [0.125]]), fitted.transform([np.array([0.5, 0.25]), np.array([0.125])])
    )
    narrow, wide = signal(50, dtype=np.float32), signal(50)
    assert fitted.transform([narrow]).dtype == np.float32
    assert fitted.transform([narrow, wide]).dtype == np.float64
    assert FeatureStatistics(SR, **FAST).fit_transform([narrow]).dtype == np.float64


def test_widths_are_compared_between_arrays_only(tmp_path):
    fitted = LogMelTransformer(SMALL).fit(signal(500).reshape(5, 100))
    assert fitted.n_features_in_ == 100
    with pytest.raises(ValueError, match="expecting 100 features"):
        fitted.transform(signal(500).reshape(4, 125))
    assert fitted.transform([signal(125)]).shape == (1, 5 * SMALL.n_frames(100))
    np.save(tmp_path / "clips.npy", signal(500).reshape(5, 100))
    mapped = np.load(tmp_path / "clips.npy", mmap_mode="r")
    assert_array_equal(fitted.transform(mapped), fitted.transform(signal(500).reshape(5, 100)))
    assert_array_equal(fitted.transform(list(mapped)), fitted.transform(mapped))


def test_a_series_of_paths_makes_a_named_table(genres):
    pandas = pytest.importorskip("pandas")
    paths, labels = genres
    transformer = FeatureStatistics(SR, **FAST, statistics=["mean"]).set_output(transform="pandas")
    table = transformer.fit_transform(pandas.Series(paths, index=labels))
    assert table.columns.tolist() == ["rms_mean", "spectral_centroid_mean", "mfcc_1_mean", "mfcc_2_mean", "mfcc_3_mean"]
    assert_array_equal(table.to_numpy(), clone(transformer).set_output(transform="default").fit_transform(paths))
    assert table.groupby(labels)["spectral_centroid_mean"].mean().idxmin() == "low"


@pytest.mark.parametrize("transformer", [TRANSFORMERS[i] for i in (0, 5, 8)], ids=named)
def test_threads_and_processes_make_the_same_rows(transformer, genres):
    items = [*genres[0][:4], signal(900), signal(700, dtype=np.float32)]
    alone = clone(transformer).fit_transform(items)
    backends = ["threading", "loky"][: 1 if numba.config.DISABLE_JIT else 2]  # other processes have no stand-ins
    for backend in backends:
        with joblib.parallel_config(backend=backend):
            together = clone(transformer).set_params(n_jobs=2).fit_transform(items)
        assert_array_equal(together, alone)
        assert together.dtype == alone.dtype


def test_the_first_error_of_many_threads_is_raised():
    fitted = FeatureStatistics(SR, **FAST, center=False, n_jobs=2).fit([signal(100)])
    with pytest.raises(ValueError, match=r"X\[3\]"):
        fitted.transform([signal(100), signal(100), signal(100), signal(10)])


def test_pipelines_and_unions_of_paths(genres):
    paths, labels = genres
    model = make_pipeline(LogMelTransformer(SMALL), PCA(3), KNeighborsClassifier(1)).fit(paths[:9], labels[:9])
    assert model.score(paths[9:], labels[9:]) == 1.0
    union = FeatureUnion(
        [("bands", LogMelTransformer(SMALL, flatten=False)), ("statistics", FeatureStatistics(SR, **FAST))]
    )
    rows = union.fit_transform(paths)
    assert rows.shape == (12, len(union.get_feature_names_out())) == (12, 5 + 5 * 7)
    assert union.get_feature_names_out()[0] == "bands__band_1_mean"
    excerpts = make_pipeline(SegmentExcerpt(SR, duration=0.1), FeatureStatistics(SR, **FAST), StandardScaler())
    assert (
        make_pipeline(excerpts, KNeighborsClassifier(1)).fit(paths[:9], labels[:9]).score(paths[9:], labels[9:]) == 1.0
    )


def test_a_search_over_front_ends(genres):
    paths, labels = genres
    front_ends = [SMALL, FrontEnd(SR, n_fft=64, hop_length=64, n_mels=4), "kaldi"]
    model = make_pipeline(LogMelTransformer(flatten=False), KNeighborsClassifier(1))
    search = GridSearchCV(model, {"logmeltransformer__frontend": front_ends}, cv=2, n_jobs=2).fit(paths, labels)
    assert search.cv_results_["mean_test_score"].tolist() == [1.0, 1.0, 1.0]
    assert search.best_params_ == {"logmeltransformer__frontend": SMALL}
    assert_array_equal(search.predict(paths), labels)


def test_cross_validation_by_groups_of_paths(genres):
    paths, labels = genres
    clips = [AudioClip(path, start, start + 0.1) for path in paths for start in (0.0, 0.12)]
    model = make_pipeline(FeatureStatistics(SR, **FAST), StandardScaler(), KNeighborsClassifier(1))
    found = cross_validate(
        model,
        clips,
        labels.repeat(2),
        groups=np.arange(12).repeat(2),
        cv=StratifiedGroupKFold(3),
        n_jobs=2,
        error_score="raise",
    )
    assert found["test_score"].tolist() == [1.0, 1.0, 1.0]


def test_estimators_do_not_load_a_decoder_for_signals():
    code = (
        "import sys, numpy; from audiofeat.estimators import LogMelTransformer as T;"
        "T(n_frames=1).fit_transform([numpy.ones(9)]); print('soundfile' in sys.modules, 'librosa' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
