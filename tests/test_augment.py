"""Effects obey their definitions, variants depend on their item alone, and only `fit` sees them."""

import warnings

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from audiofeat import AudioClip, augment, save
from audiofeat.estimators import FeatureStatistics
from audiofeat.voting import ClipVotingClassifier

SR = 8000
EFFECTS = {
    "pitch_shift": lambda y: augment.pitch_shift(y, n_steps=-2.0),
    "time_stretch": lambda y: augment.time_stretch(y, rate=1.1),
    "gain": lambda y: augment.gain(y, db=-6.0),
    "add_noise": lambda y: augment.add_noise(y, snr_db=10.0, random_state=0),
    "mix": lambda y: augment.mix(y, [1.0, -1.0, 0.5], ratio=0.3),
    "excerpt": lambda y: augment.excerpt(y, SR, offset=0.0, duration=0.1),
}
EACH = pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS)
FOUR = [*augment.KTH2020, ("gain", -6.0), ("noise", 20.0)]

levels = st.floats(-1.0, 1.0)
signals = arrays(np.float64, st.integers(1, 60), elements=levels)


def tone(hz, n_samples=8000):
    return np.sin(2.0 * np.pi * hz / SR * np.arange(n_samples))


def pitch(y):
    """Frequency of the largest peak in the middle of a signal, in Hz."""
    y = y[len(y) // 8 : -len(y) // 8]
    n_fft = 1 << 18
    return np.abs(np.fft.rfft(y * np.hanning(len(y)), n_fft)).argmax() * SR / n_fft


def noise(n_samples=3000, seed=0):
    return np.random.default_rng(seed).uniform(-1.0, 1.0, n_samples)


@pytest.mark.parametrize("n_steps", [-12.0, -2.0, 0.5, 2.0, 7.0])
def test_a_shift_moves_a_tone_by_semitones_and_keeps_its_length(n_steps):
    found = augment.pitch_shift(tone(700.0), n_steps=n_steps)
    assert found.shape == (8000,)
    assert pitch(found) == pytest.approx(700.0 * 2.0 ** (n_steps / 12.0), rel=2e-3)


@pytest.mark.parametrize("rate", [0.25, 0.9, 1.1, 3.0])
def test_a_stretch_moves_the_length_and_keeps_the_pitch(rate):
    found = augment.time_stretch(tone(700.0, 16000), rate=rate)
    assert found.shape == (round(16000 / rate),)
    assert pitch(found) == pytest.approx(700.0, rel=2e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_vocoders_are_librosas(dtype):
    y = noise().astype(dtype)
    shifted = librosa.effects.pitch_shift(y, sr=SR, n_steps=2.0)
    assert_allclose(augment.pitch_shift(y, n_steps=2.0), shifted, atol=1e-5)
    assert_allclose(augment.time_stretch(y, rate=0.9), librosa.effects.time_stretch(y, rate=0.9), atol=1e-5)


def test_no_shift_and_no_stretch_change_no_bit():
    y = noise()
    for found in (augment.pitch_shift(y, n_steps=0), augment.time_stretch(y, rate=1), augment.gain(y, db=0)):
        assert_array_equal(found, y)
        assert not np.shares_memory(found, y)


@pytest.mark.parametrize("exponent", [-1000, -100, 100, 1000])
def test_vocoders_keep_their_digits_at_any_level(exponent):
    y = noise()
    for name in ("pitch_shift", "time_stretch"):
        assert_array_equal(EFFECTS[name](np.ldexp(y, exponent)), np.ldexp(EFFECTS[name](y), exponent))


@given(signals, st.floats(-60.0, 60.0))
def test_gain_is_a_factor(y, db):
    assert_allclose(augment.gain(y, db=db), y * 10.0 ** (db / 20.0), rtol=1e-15)


@given(signals, st.floats(-60.0, 60.0), st.integers(0, 99))
def test_the_signal_to_noise_ratio_is_exact(y, snr_db, seed):
    y = np.round(y, 3)  # below, the rounding of the sum is heard
    added = augment.add_noise(y, snr_db=snr_db, random_state=seed) - y
    assert_allclose((added**2).sum() * 10.0 ** (snr_db / 10.0), (y**2).sum(), rtol=1e-6)


def test_noise_is_white_and_of_each_signal_its_own():
    y = augment.add_noise(np.ones((2, 20000)), snr_db=0.0, random_state=0) - 1.0
    lags = [y[0] @ np.roll(y[0], 1), y[0] @ y[1], y[0].sum()]
    assert np.abs(lags).max() < 5.0 * np.sqrt(20000)
    assert not np.array_equal(y[0], augment.add_noise(np.ones(20000), snr_db=0.0, random_state=1) - 1.0)


@given(signals, signals, st.floats(0.0, 1.0))
def test_a_mixture_is_its_definition(y, other, ratio):
    y, other = np.round(y, 3), np.round(other, 3)
    repeated = np.resize(other, len(y))
    scale = np.sqrt((y @ y) / (repeated @ repeated)) if repeated.any() else 0.0
    expected = np.sqrt(1.0 - ratio) * y + np.sqrt(ratio) * scale * repeated
    found = augment.mix(y, other, ratio=ratio)
    assert_allclose(found, expected, atol=1e-12)
    for level in (1e-290, 1e290):  # whose squares are no floats
        assert_allclose(augment.mix(y, level * other, ratio=ratio), found, atol=1e-12)
        assert_allclose(augment.mix(level * y, other, ratio=ratio), level * found, atol=1e-12 * level)


def test_a_mixture_of_what_is_uncorrelated_keeps_the_energy():
    y, other = 0.1 * tone(500.0), 30.0 * tone(1000.0)
    for ratio in (0.0, 0.2, 1.0):
        found = augment.mix(y, other, ratio=ratio)
        assert (found**2).sum() == pytest.approx((y**2).sum())
        assert abs(found @ other) == pytest.approx(np.sqrt(ratio * (y @ y) * (other @ other)), abs=1e-6)
    assert_array_equal(augment.mix(y, other, ratio=0.0), y)


def test_an_excerpt_is_a_slice_and_zeros():
    y = noise(2 * 100).reshape(2, 100)
    assert_array_equal(augment.excerpt(y, 10, offset=2.0, duration=3.0), y[:, 20:50])
    assert_array_equal(augment.excerpt(y, 10, offset=9.0, duration=3.0), np.pad(y[:, 90:], ((0, 0), (0, 20))))
    assert augment.excerpt(y, 10, offset=2.0, duration=1e-9).shape == (2, 1)


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_samples", [1, 2, 700, 2047, 2048, 2500])
def test_silence_clicks_and_any_length(effect, dtype, n_samples):
    silence = np.zeros(n_samples, dtype)
    click = silence.copy()
    click[n_samples // 2] = 1.0
    for y in (silence, click, np.ones(n_samples, dtype)):
        y.setflags(write=False)
        found = effect(y)
        assert found.dtype == dtype
        assert found.size > 0
        assert np.isfinite(found).all()
        assert y.any() or not found.any()
    assert_array_equal(effect(click[::-1]), effect(click[::-1].copy()))


@EACH
def test_a_batch_is_its_items(effect):
    y = noise(2 * 3 * 500).reshape(2, 3, 500)
    found = effect(y)
    assert found.shape[:-1] == (2, 3)
    if effect is not EFFECTS["add_noise"]:  # whose items are not given the same noise
        assert_array_equal(found[1, 2], effect(y[1, 2]))
    assert effect(np.int16([1000, -1000])).dtype == np.float64


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda y: augment.pitch_shift(y, n_steps=37), r"n_steps must be in \[-36, 36\], got 37"),
        (lambda y: augment.time_stretch(y, rate=0.0), r"rate must be in \[0.125, 8\], got 0.0"),
        (lambda y: augment.gain(y, db=np.nan), "db must be in"),
        (lambda y: augment.gain(np.float32(1e10 * y), db=600), "must leave room for the sum in float32"),
        (lambda y: augment.gain(1e300 * y, db=600), "must leave room"),
        (lambda y: augment.add_noise(1e300 * y, snr_db=-200.0), "must leave room"),
        (lambda y: augment.add_noise(y, snr_db=201.0), "snr_db must be in"),
        (lambda y: augment.mix(y, y, ratio=1.1), r"ratio must be in \[0, 1\], got 1.1"),
        (lambda y: augment.mix(y, np.ones((3, 5))), r"other must have the leading axes of y, \(\), or none"),
        (lambda y: augment.excerpt(y, 10, offset=1.0, duration=1.0), "offset must be < 0.5 s, where y ends"),
        (lambda y: augment.excerpt(y, 10, offset=0.0, duration=0.0), "duration must be > 0"),
        (lambda y: augment.augmented([y], ["a", "b"]), r"labels must have shape \(1,\)"),
        (lambda y: augment.augmented([y], ["a"], groups=[[1]]), r"groups must have shape \(1,\)"),
        (lambda y: augment.augmented([y], ["a"], which=[("echo", 1.0)]), r"which\[0\]\[0\] must be one of excerpt"),
        (lambda y: augment.augmented([y], ["a"], which=["gain"]), r"which\[0\] must be a pair"),
        (lambda y: augment.augmented([y], ["a"], which=[("excerpt", 1.0)]), "must be an AudioClip with a stop"),
        (lambda y: augment.augmented(["a.wav"], ["a"]), "sr must be given in Hz to read files"),
        (lambda y: augment.augmented([y], ["a"], random_state=-1), "random_state must be >= 0"),
        (
            lambda y: augment.augmented([AudioClip("a.wav", 1.0, 2.0)], ["a"], sr=10, which=[("excerpt", -2.0)]),
            "before the start of its file",
        ),
    ],
)
def test_what_is_wrong_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.array([1.0, -1.0, 0.5, 0.2, 0.1]))


def test_variants_follow_their_items_with_labels_and_groups():
    items = [noise(3000), noise(2200, seed=1)]
    found = augment.augmented(items, ["a", "b"], which=FOUR, groups=["x", "y"])
    assert found.labels.tolist() == ["a"] * 7 + ["b"] * 7
    assert found.groups.tolist() == ["x"] * 7 + ["y"] * 7
    for i, y in enumerate(items):
        original, up, down, slow, fast, soft, noisy = found.items[7 * i : 7 * i + 7]
        assert_array_equal(original, y)
        assert_array_equal(up, augment.pitch_shift(y, n_steps=2.0))
        assert_array_equal(down, augment.pitch_shift(y, n_steps=-2.0))
        assert_array_equal(slow, augment.time_stretch(y, rate=0.9))
        assert_array_equal(fast, augment.time_stretch(y, rate=1.1))
        assert_array_equal(soft, augment.gain(y, db=-6.0))
        assert (y**2).sum() / ((noisy - y) ** 2).sum() == pytest.approx(100.0)


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_variant_depends_on_its_item_alone(n_jobs):
    items = [noise(500, seed) for seed in range(4)]
    which = [("noise", 0.0), ("noise", 6.0), ("time_stretch", 0.8)]
    found = augment.augmented(items, range(4), which=which, n_jobs=n_jobs).items
    alone = augment.augmented(items[2:3], [2], which=which[::-1]).items
    back = augment.augmented(items[::-1], range(4), which=which).items
    assert_same(found[8:12], [alone[0], *alone[:0:-1]])
    assert_same(found[8:12], back[4:8])
    drawn = [y - items[0] for y in found[1:3]]
    assert abs(np.corrcoef(drawn)[0, 1]) < 0.2  # each variant has noise of its own
    other = augment.augmented(items[:1], [0], which=which, random_state=1).items
    assert not np.array_equal(found[1], other[1])
    assert_array_equal(found[3], other[3])


def test_the_cache_returns_the_same_bits_and_computes_nothing(tmp_path, monkeypatch):
    y = noise(700).astype(np.float32)
    arguments = {"which": FOUR, "cache": tmp_path / "deep" / "folder"}
    without = augment.augmented([y], [0], which=FOUR).items
    assert_same(augment.augmented([y], [0], **arguments).items, without)
    files = sorted((tmp_path / "deep" / "folder").iterdir())
    assert len(files) == 6
    assert {path.suffix for path in files} == {".npy"}

    def refuse(*_):
        raise AssertionError

    effects = dict.fromkeys(augment.variants.EFFECTS, refuse)
    monkeypatch.setattr(augment.variants, "EFFECTS", effects)
    assert_same(augment.augmented([y], [0], **arguments).items, without)
    for other in ({"random_state": 1}, {"which": [("gain", -6.1)]}):  # are no hits
        with pytest.raises(AssertionError):
            augment.augmented([y], [0], **(arguments | other))
    with pytest.raises(AssertionError):
        augment.augmented([y.astype(np.float64)], [0], **arguments)
    for path in files:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"cache must hold whole \.npy files"):
        augment.augmented([y], [0], **arguments)


def test_files_and_other_excerpts_of_them(tmp_path):
    y = noise(2 * SR).astype(np.float32)
    path = tmp_path / "a.wav"
    save(path, y, SR, subtype="FLOAT")
    clip = AudioClip(path, 0.5, 1.0)
    found = augment.augmented([clip, str(path)], ["a", "b"], sr=SR, which=[("gain", -6.0)])
    assert (found.items[0], found.items[2]) == (clip, str(path))
    assert_array_equal(found.items[1], augment.gain(y[4000:8000], db=-6.0))
    assert_array_equal(found.items[3], augment.gain(y, db=-6.0))
    later = augment.augmented([clip], ["a"], sr=SR, which=[("excerpt", 0.25), ("excerpt", -0.5)]).items
    assert_array_equal(later[1], y[6000:10000])
    assert_array_equal(later[2], y[:4000])


class Recorder(ClassifierMixin, BaseEstimator):
    """Keep what it is given, and say the first class always."""

    def fit(self, X, y):
        self.X_, self.y_, self.classes_ = X, y, np.unique(y)
        return self

    def predict(self, X):
        self.seen_ = X
        return np.repeat(self.classes_[:1], len(X))


def test_only_fit_sees_variants():
    X = noise(5 * 600).reshape(5, 600)
    model = augment.AugmentedClassifier(Recorder(), which=FOUR).fit(X, list("aabba"))
    assert model.estimator_.X_.shape == (35, 600)
    assert model.estimator_.y_.tolist() == [label for label in "aabba" for _ in range(7)]
    assert_array_equal(model.estimator_.X_[::7], X)
    assert_array_equal(model.estimator_.X_[3], np.resize(augment.time_stretch(X[0], rate=0.9), 600))
    assert not model.estimator_.X_[4, 546:].any()  # 600 / 1.1 samples, then zeros
    assert_array_equal(model.predict(X[:2]), ["a", "a"])
    assert_array_equal(model.estimator_.seen_, X[:2])
    assert not hasattr(model, "predict_proba")
    ragged = model.fit([*X, X[0, :300]], list("aabbab")).estimator_.X_
    assert sorted({len(y) for y in ragged}) == [273, 300, 333, 545, 600, 667]
    assert not hasattr(model, "n_features_in_")


GAIN = (("gain", -6.0), ("time_stretch", 0.9))


@parametrize_with_checks(
    [
        augment.AugmentedClassifier(LogisticRegression(), which=(("gain", -1.0),)),
        augment.AugmentedClassifier(KNeighborsClassifier(1), which=(("noise", 30.0),)),
        augment.AugmentedClassifier(make_pipeline(StandardScaler(), LogisticRegression()), which=()),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def corpus(n_items=12):
    labels = np.array(["high", "low"])[np.arange(n_items) % 2]
    rng = np.random.default_rng(0)
    return [
        tone(rng.uniform(*((1000, 1400) if label == "high" else (300, 500))), rng.integers(2500, 4000))
        for label in labels
    ], labels


def test_it_stands_in_searches_and_votes(tmp_path):
    items, labels = corpus()
    features = FeatureStatistics(22050, names=["spectral_centroid"], statistics=["mean", "max"])
    inner = make_pipeline(features, StandardScaler(), KNeighborsClassifier(1))
    model = augment.AugmentedClassifier(inner, which=GAIN, cache=tmp_path)
    assert cross_val_score(model, items, labels, cv=3).mean() == 1.0
    assert len(list(tmp_path.iterdir())) == len(items) * len(GAIN)  # each made once for all folds
    grid = {"estimator__kneighborsclassifier__n_neighbors": [1, 3], "which": [(), GAIN]}
    assert GridSearchCV(model, grid, cv=2).fit(items, labels).best_score_ == 1.0
    for both in (
        ClipVotingClassifier(model, clip_duration=0.1, sr=22050),
        augment.AugmentedClassifier(ClipVotingClassifier(inner, clip_duration=0.1), which=GAIN),
    ):
        assert both.fit(items, labels).score(items, labels) == 1.0


def test_files_are_read_at_the_rate_of_the_features(tmp_path):
    items, labels = corpus(4)
    paths = [tmp_path / f"{i}.wav" for i in range(4)]
    for path, y in zip(paths, items, strict=True):
        save(path, y, SR)
    model = augment.AugmentedClassifier(
        make_pipeline(FeatureStatistics(SR, names=["spectral_centroid"]), KNeighborsClassifier(1)), which=GAIN
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.fit(paths, labels).predict(paths).tolist() == labels.tolist()
    assert model.predict_proba(paths).shape == (4, 2)
    with pytest.raises(ValueError, match="sr must be that of the front end"):
        model.set_params(sr=16000).fit(paths, labels)
