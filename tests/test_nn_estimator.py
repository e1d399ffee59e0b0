"""The classifier under scikit-learn's checks and our battery, in its tools, by groups, from files to files."""

import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from numpy.testing import assert_allclose, assert_array_equal  # noqa: E402
from sklearn.base import BaseEstimator, TransformerMixin, clone  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402
from torch import nn  # noqa: E402

from audiofeat import (  # noqa: E402
    AudioClip,
    ClipVotingClassifier,
    FrontEnd,
    LogMelTransformer,
    SegmentExcerpt,
    save,
    synth,
)
from audiofeat.testing import check_audio_transformer  # noqa: E402
from audiofeat_nn.data import Cutting  # noqa: E402
from audiofeat_nn.estimator import NeuralClassifier  # noqa: E402
from audiofeat_nn.prediction import Predictor  # noqa: E402

torch.set_num_threads(1)

SR = 8000
FRONT_END = FrontEnd(SR, n_fft=256, hop_length=128, n_mels=20)
SMALL = {"n_frames": 20, "model_options": {"length": 10, "n_filters": 8}}


class Named:
    """A function that is printed alike in every process: tests shared among processes must have the same names."""

    def __init__(self, function):
        self.function = function

    def __call__(self, n_classes, *, n_bands, n_frames):
        return self.function(n_classes, n_bands=n_bands, n_frames=n_frames)

    def __repr__(self):
        return self.function.__name__


def dense(n_classes, *, n_bands, n_frames, n_units=16):
    return nn.Sequential(nn.Flatten(), nn.Linear(n_bands * n_frames, n_units), nn.ReLU(), nn.Linear(n_units, n_classes))


def table(**options):
    """Return a classifier of rows of features, such as scikit-learn's checks have."""
    options = {"rows": "features", "max_epochs": 15, "lr": 0.05, "batch_size": 64, "random_state": 0} | options
    return NeuralClassifier(Named(dense), **options)


def pooled_dense(n_classes, *, n_bands, n_frames):
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(n_bands * n_frames), nn.Linear(n_bands * n_frames, n_classes))


BLIND = "a spectrum of one frame does not know the sign of a signal of two samples, by which the classes differ"


def cannot_apply(estimator):
    """Return the checks that a network of signals cannot pass, with the reason; one of features passes all."""
    return {"check_classifiers_train": BLIND} if estimator.rows == "signals" else {}


@parametrize_with_checks(
    [
        table(),
        table(validation=None, normalization="all", vote="majority"),
        NeuralClassifier(
            Named(pooled_dense),
            frontend=FrontEnd(8, n_fft=4, hop_length=2, n_mels=None),
            n_frames=2,
            max_epochs=2,
            random_state=0,
        ),
    ],
    expected_failed_checks=cannot_apply,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


class Probabilities(TransformerMixin, BaseEstimator):
    """A classifier as a transformer: rows are its probabilities, labels alternate."""

    def __init__(self, classifier, n_jobs=None):
        self.classifier = classifier
        self.n_jobs = n_jobs

    def fit(self, X, y=None):
        self.fitted_ = clone(self.classifier).set_params(n_jobs=self.n_jobs)
        self.fitted_.fit(X, np.resize(["a", "b"], len(X)))
        if hasattr(self, "n_features_in_"):
            del self.n_features_in_
        return self

    def transform(self, X):
        if not hasattr(self, "fitted_"):
            raise NotFittedError
        return self.fitted_.predict_proba(X)

    def get_feature_names_out(self):
        return self.fitted_.classes_


@pytest.mark.parametrize("cutting", [None, Cutting(clip_duration=0.1, overlap=0.5)])
def test_items_come_in_every_form_and_are_predicted_as_if_alone(cutting):
    options = {"validation": None, "max_epochs": 1, "batch_size": 3, "random_state": 0}
    classifier = NeuralClassifier("time", frontend=FRONT_END, cutting=cutting, **SMALL, **options)
    check_audio_transformer(Probabilities(classifier), sr=SR, duration=0.6)


@pytest.fixture(scope="module")
def corpus():
    return synth.genre_corpus(6, classes=["ambient", "metal", "waltz"], sr=SR, duration=1.0, random_state=0)


@pytest.fixture(scope="module")
def fitted(corpus):
    model = NeuralClassifier("time", frontend=FRONT_END, **SMALL, max_epochs=4, batch_size=16, lr=0.01, random_state=1)
    return model.fit(corpus.y, corpus.labels)


def test_sounds_are_told_apart():
    learnt, other = (
        synth.genre_corpus(n_tracks, classes=["ambient", "metal"], sr=SR, duration=1.0, random_state=seed)
        for n_tracks, seed in ((10, 0), (15, 1))
    )
    options = {"model_options": {"height": 8}, "n_frames": 20, "crop": "random", "batch_size": 8, "random_state": 0}
    model = NeuralClassifier("frequency", frontend=FRONT_END, max_epochs=15, lr=0.01, validation=None, **options)
    model.fit(learnt.y, learnt.labels)
    assert model.score(other.y, other.labels) >= 0.9
    assert model.classes_.tolist() == ["ambient", "metal"]
    assert model.predict(other.y[:1]).dtype == model.classes_.dtype
    assert len(model.history_) == model.n_iter_ == 15
    assert model.history_[-1].train_accuracy > 0.9
    assert model.history_[-1].valid_accuracy is None
    proba = model.predict_proba(other.y)
    assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-12)
    for found, row in zip(model.predict_in_time(other.y), proba, strict=True):
        assert_allclose(found.proba_in_time.mean(axis=0), row, rtol=1e-12)


def test_the_same_number_gives_the_same_network_and_global_random_numbers_stay(corpus):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    make = clone(fitted_like()).fit
    one, two = make(corpus.y, corpus.labels).model_.state_dict(), clone(fitted_like()).fit(corpus.y, corpus.labels)
    assert all(torch.equal(value, two.model_.state_dict()[name]) for name, value in one.items())
    assert torch.equal(torch.rand(3), expected)
    other = fitted_like().set_params(random_state=2).fit(corpus.y, corpus.labels).model_.state_dict()
    assert not all(torch.equal(value, other[name]) for name, value in one.items())


def fitted_like(**options):
    options = {"max_epochs": 2, "batch_size": 16, "random_state": 0, "crop": "random"} | options
    return NeuralClassifier("time", frontend=FRONT_END, **SMALL, **options)


def test_it_works_in_scikit_learns_tools(corpus):
    groups = np.arange(len(corpus.labels)) // 2
    scores = cross_validate(fitted_like(), corpus.y, corpus.labels, groups=groups, cv=GroupKFold(3))
    assert scores["test_score"].shape == (3,)
    assert np.isfinite(scores["test_score"]).all()
    search = GridSearchCV(fitted_like(), {"lr": [1e-6, 0.01], "model_options": [SMALL["model_options"]]}, cv=2)
    search.fit(corpus.y, corpus.labels)
    assert search.best_estimator_.predict(corpus.y[:2]).shape == (2,)
    excerpt = SegmentExcerpt(SR, duration=0.5, excerpt="largest")
    pipeline = make_pipeline(excerpt, fitted_like()).fit(list(corpus.y), corpus.labels)
    assert pipeline.predict(list(corpus.y[:2])).shape == (2,)
    assert pipeline[-1].n_features_in_ == SR // 2
    bands = LogMelTransformer(FRONT_END, n_frames=40)
    options = {"frontend": None, "rows": "features"}
    model = make_pipeline(bands, fitted_like().set_params(**options, model_options={"n_bands": 20, "length": 10}))
    of_rows = model.fit(corpus.y, corpus.labels).predict_proba(corpus.y)
    maps = bands.transform(corpus.y).reshape(-1, 20, 40)
    assert_array_equal(model[-1].predict_proba(maps), of_rows)  # as arrays of three dimensions
    assert_array_equal(model[-1].predict_proba(list(maps)), of_rows)
    voting = ClipVotingClassifier(fitted_like(), clip_duration=0.5).fit(corpus.y, corpus.labels)
    assert voting.predict(corpus.y[:2]).shape == (2,)


def test_files_and_parts_of_files_are_items(corpus, fitted, tmp_path):
    paths = [tmp_path / f"{i}.wav" for i in range(3)]
    for path, y in zip(paths, corpus.y, strict=False):
        save(path, y, SR, subtype="FLOAT")
    expected = fitted.predict_proba(list(corpus.y[:3]))
    assert_array_equal(fitted.predict_proba(paths), expected)
    part = fitted.predict_proba([AudioClip(paths[0], 0.25, 0.75)])
    assert_array_equal(part, fitted.predict_proba([corpus.y[0][SR // 4 : 3 * SR // 4]]))
    with pytest.raises(ValueError, match="no-such"):
        fitted.predict([tmp_path / "no-such.wav"])
    parallel = clone(fitted).set_params(n_jobs=2).fit(corpus.y, corpus.labels)
    assert_array_equal(parallel.predict_proba(list(corpus.y[:3])), expected)


def test_a_saved_network_predicts_the_same(corpus, fitted, tmp_path):
    path = fitted.save(tmp_path / "genres.safetensors", data_fingerprint="abc")
    loaded, expected = NeuralClassifier.load(path), fitted.predict_proba(corpus.y)
    assert_array_equal(loaded.predict_proba(corpus.y), expected)
    assert_array_equal(loaded.predict(corpus.y), fitted.predict(corpus.y))
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(corpus.y), expected)
    assert_array_equal(Predictor(path)(corpus.y[3]).proba, expected[3])
    cut = clone(fitted).set_params(cutting=Cutting(clip_duration=0.35, overlap=0.5), vote="majority", max_epochs=1)
    cut.fit(corpus.y, corpus.labels)
    assert len(cut.predict_in_time(corpus.y[:1])[0].times) == 4
    assert_array_equal(NeuralClassifier.load(cut.save(tmp_path)).predict_proba(corpus.y), cut.predict_proba(corpus.y))
    again = clone(loaded).set_params(max_epochs=1, random_state=0).fit(corpus.y, corpus.labels)
    assert again.read_ == fitted.read_
    with pytest.raises(ValueError, match="4000 features"):
        loaded.predict(corpus.y[:, :4000])
    with pytest.raises(TypeError, match="create_model"):
        table(max_epochs=1).fit(np.eye(4), list("aabb")).save(tmp_path)


class Recorder(nn.Module):
    """Logits that hang on nothing but a weight, and a note of every input."""

    seen: list = []  # noqa: RUF012

    def __init__(self, n_classes, *, n_bands, n_frames):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(n_classes))

    def forward(self, x):
        if self.training:
            Recorder.seen += x.flatten(1).mean(dim=1).tolist()
        return self.bias.expand(len(x), -1)


def test_the_internal_validation_shares_no_group_with_training():
    maps = [np.full((2, 3), float(i)) for i in range(20)]
    groups = np.repeat(np.arange(10), 2)
    labels = np.resize(list("aabb"), 20)
    for seed in range(5):
        Recorder.seen = []
        model = NeuralClassifier(Recorder, normalization="none", validation=0.3, max_epochs=1, random_state=seed)
        model.fit(maps, labels, groups=groups)
        learnt = np.unique(Recorder.seen).astype(int)
        assert 12 <= len(learnt) <= 16
        held_out = np.setdiff1d(np.arange(20), learnt)
        assert not set(groups[learnt]) & set(groups[held_out])
        assert set(labels[learnt]) == set(labels[held_out]) == {"a", "b"}


def learnt_by(model, maps, labels, **options):
    """Return the values of all constant maps, or patches of them, that a fit learns from."""
    Recorder.seen = []
    model.fit(maps, labels, **options)
    return np.unique(Recorder.seen).astype(int)


def test_given_items_are_validated_on_instead_of_a_share():
    maps = [np.full((2, 3), float(i)) for i in range(12)]
    labels = np.resize(list("ab"), 12)
    model = NeuralClassifier(Recorder, normalization="none", validation=0.5, max_epochs=1, random_state=0)
    given = ([np.full((2, 3), 90.0), np.full((2, 3), 91.0)], ["b", "a"])
    assert_array_equal(learnt_by(model, maps, labels, valid=given), np.arange(12))
    assert model.history_[0].valid_loss is not None
    with pytest.raises(ValueError, match=r"valid must have classes of y, \['a', 'b'\], got 'c'"):
        model.fit(maps, labels, valid=(given[0], ["a", "c"]))


def test_the_classes_of_given_items_are_those_that_count():
    maps, labels = [np.zeros((2, 3)), np.ones((2, 3))] * 6, list("ab") * 6
    model = table(validation=None, rows="signals", max_epochs=60)
    right, wrong = (([np.zeros((2, 3)), np.ones((2, 3))], order) for order in ("ab", "ba"))
    assert model.fit(maps, labels, valid=(right[0], list(right[1]))).history_[-1].valid_accuracy == 1.0
    assert model.fit(maps, labels, valid=(wrong[0], list(wrong[1]))).history_[-1].valid_accuracy == 0.0


def test_patches_of_an_item_are_on_both_sides_only_if_asked_for():
    maps = [np.repeat(10.0 * i + np.arange(4.0), 3)[None].repeat(2, axis=0) for i in range(8)]  # four patches each
    labels = np.resize(list("ab"), 8)
    model = NeuralClassifier(Recorder, n_frames=3, normalization="none", validation=0.25, max_epochs=1, random_state=0)
    whole = learnt_by(model, maps, labels)
    assert all(np.isin(10 * i + np.arange(4), whole).sum() in (0, 4) for i in range(8))
    assert len(whole) == 24
    divided = learnt_by(model.set_params(validation_by="patch"), maps, labels)
    assert len(divided) == 24
    assert any(np.isin(10 * i + np.arange(4), divided).sum() in (1, 2, 3) for i in range(8))


def test_statistics_are_of_the_training_part_unless_the_leak_is_asked_for():
    rng = np.random.default_rng(0)
    maps = list(rng.normal(3.0, 2.0, (12, 2, 5)))
    labels, extra = list("ab") * 6, [np.full((2, 5), 50.0)]
    Recorder.seen = []
    model = NeuralClassifier(Recorder, max_epochs=1, validation=0.25, random_state=0, crop="grid").fit(maps, labels)
    means = [model.normalization_.apply(S).mean() for S in maps]
    index = [i for i, mean in enumerate(means) for seen in Recorder.seen if np.isclose(mean, seen, atol=1e-5)]
    learnt = np.concatenate([maps[i] for i in sorted(set(index))], axis=1)
    assert len(set(index)) < 12
    assert_allclose(model.normalization_.mean, learnt.mean(axis=1))
    assert_allclose(model.normalization_.std, learnt.std(axis=1))
    leaky = clone(model).set_params(normalization="leaky").fit(maps, labels, leak=extra)
    assert_allclose(leaky.normalization_.mean, np.concatenate([*maps, *extra], axis=1).mean())
    assert_allclose(leaky.normalization_.std, np.concatenate([*maps, *extra], axis=1).std())
    with pytest.raises(ValueError, match="leak must be None unless normalization is 'leaky', got normalization 'band'"):
        model.fit(maps, labels, leak=extra)


def test_variants_are_learnt_from_and_not_validated_on(corpus, monkeypatch):
    sizes = []

    def counted(model, train, valid, **options):
        sizes.append((len(train), len(valid)))
        return fit(model, train, valid, **options)

    from audiofeat_nn.training import fit

    monkeypatch.setattr("audiofeat_nn.estimator.classifier.fit", counted)
    model = fitted_like(validation=1 / 3, max_epochs=1)
    for variants in (None, [("gain", -6.0), ("noise", 20.0)]):
        model.set_params(augment=variants).fit(corpus.y, corpus.labels)
    (plain, held_out), (many, still) = sizes
    assert many == 3 * plain
    assert held_out == still
    with pytest.raises(ValueError, match="augment must be None for features"):
        table(augment=[("gain", 1.0)]).fit(np.eye(6), [0, 1] * 3)


def test_a_warm_start_goes_on(corpus):
    model = fitted_like(warm_start=True, max_epochs=1, lr=1e-9, validation=None)
    first = model.fit(corpus.y, corpus.labels).model_
    kept = {name: value.clone() for name, value in first.state_dict().items()}
    second = model.set_params(random_state=7).fit(corpus.y, corpus.labels).model_
    assert second is not first
    for name, value in second.named_parameters():
        assert torch.allclose(value, kept[name], atol=1e-6)
    with pytest.raises(ValueError, match="classes of the earlier fit"):
        model.fit(corpus.y[:8], corpus.labels[:8])
    with pytest.raises(ValueError, match="input must be that of the earlier fit"):
        model.set_params(n_frames=24).fit(corpus.y, corpus.labels)
    cold = clone(model).set_params(warm_start=False, n_frames=20).fit(corpus.y, corpus.labels).model_
    assert not torch.allclose(next(cold.parameters()), next(second.parameters()), atol=1e-3)


def test_a_network_that_reads_samples():
    y = np.sin(np.arange(4000.0) * 0.3) * np.linspace(0, 1, 8)[:, None]
    options = {"model_options": {"n_bands": 100, "n_units": 4}, "n_frames": 30, "max_epochs": 1, "random_state": 0}
    model = NeuralClassifier("gru-raw", sr=1000, **options).fit(y, [0, 1] * 4)
    assert model.front_end_.sr == 1000.0
    assert model.predict_in_time(y[:1])[0].times.tolist() == [[0.0, 3.0]]
    with pytest.raises(ValueError, match="sr must be given in Hz"):
        NeuralClassifier("gru-raw", **options).fit(y, [0, 1] * 4)


def test_training_is_kept_in_a_folder(corpus, tmp_path):
    told = []
    model = fitted_like().fit(corpus.y, corpus.labels, folder=tmp_path, progress=told.append)
    assert tuple(told) == model.history_
    resumed = fitted_like().fit(corpus.y, corpus.labels, folder=tmp_path, resume=True)
    assert_array_equal(resumed.predict_proba(corpus.y), model.predict_proba(corpus.y))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "prcn"}, "name must be one of .*, got 'prcn'"),
        ({"frontend": "feng"}, "name must be one of"),
        ({"rows": "clips"}, "rows must be one of features, signals, got 'clips'"),
        ({"cutting": "feng"}, "cutting must be one of feng2017"),
        ({"crop": "center"}, "crop must be one of grid, random, got 'center'"),
        ({"normalization": "l2"}, "normalization must be one of all, band, leaky, none, got 'l2'"),
        ({"validation": 1.0}, "share must be < 1, got 1.0"),
        ({"vote": "mean"}, "vote must be one of"),
        ({"max_epochs": 0}, "max_epochs must be >= 1, got 0"),
        ({"settings": {"lr": 1.0}}, "settings must leave lr to the parameter of that name"),
        ({"settings": {"rate": 1.0}}, "settings have no field rate"),
        ({"model_options": {"n_frames": 20}}, "n_frames must be given as the parameter of that name"),
        ({"model_options": {"n_bands": 40}}, "n_bands of model_options must be 20, .* got 40"),
        ({"model": dense, "n_frames": None, "model_options": None}, "n_frames must be given for a network that is"),
        ({"model": dense, "frontend": None, "model_options": None}, "frontend must be given for signals and files"),
        ({"patience": 3, "validation": None}, "valid must be given for patience = 3"),
        ({"cutting": Cutting(offset=2.0)}, r"X\[0\] cannot be used: offset must lie within the track, got 2 s"),
    ],
)
def test_what_does_not_fit_is_refused(corpus, options, message):
    with pytest.raises(ValueError, match=message):
        fitted_like(max_epochs=1).set_params(**options).fit(corpus.y, corpus.labels)


def test_items_that_do_not_fit_are_refused(corpus, fitted):
    wrong = corpus.y[1].copy()
    wrong[3] = np.nan
    for X, message in (
        ([corpus.y[0], wrong], r"X\[1\] must be finite"),
        ([], "X must hold at least 1 item"),
        ([np.zeros((7, 30))], r"X\[0\] cannot be used: features must have 20 bands"),
    ):
        with pytest.raises(ValueError, match=message):
            fitted.predict(X)
    with pytest.raises(ValueError, match=r"features must have 20 bands, got shape \(7, 30\)"):
        clone(fitted).fit([np.zeros((7, 30)), corpus.y[0]], ["a", "b"])
    with pytest.raises(ValueError, match="n_features = 10 of X must be a multiple of n_bands = 4"):
        table(model_options={"n_bands": 4}).fit(np.zeros((4, 10)), [0, 1, 0, 1])
    with pytest.raises(TypeError, match=r"got the file 'a\.wav'"):
        fitted.predict("a.wav")
    with pytest.raises(NotFittedError):
        table().predict(np.eye(3))
