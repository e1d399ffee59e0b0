"""The baselines: what they are made of, NumPy's own for oracles, and the papers' inputs before them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from audiofeat import baselines, preset, synth, tempo
from audiofeat.estimators import FeatureStatistics
from audiofeat.frontend import FrontEnd
from audiofeat.voting import ClipVotingClassifier

SMALL = FrontEnd(8000, n_fft=256, hop_length=256, n_mels=8, fmin=50.0)


def blobs(n_rows=90, n_features=6, *, n_classes=3, seed=0):
    """Rows around one centre for each class."""
    centres = np.random.default_rng(9).normal(size=(n_classes, n_features)) * 3.0
    rng = np.random.default_rng(seed)
    truth = np.arange(n_rows) % n_classes
    return centres[truth] + rng.normal(size=(n_rows, n_features)), np.array(["jazz", "pop", "rock"])[truth]


def expected_failures(estimator):
    """Pipelines fail these whatever their steps, in scikit-learn's own tests too."""
    if not isinstance(estimator, Pipeline):
        return {}
    reason = "a pipeline fits its own steps"
    expected = dict.fromkeys(["check_dont_overwrite_parameters", "check_estimators_overwrite_params"], reason)
    if isinstance(estimator[-1], DecisionTreeClassifier):
        expected["check_estimators_nan_inf"] = "a pipeline does not tell that its tree takes NaN"
    return expected


@parametrize_with_checks(
    [
        baselines.pca_knn(0.99, 3),
        baselines.pca_svm(0.99),
        baselines.knn(),
        baselines.svm(),
        baselines.softmax(),
        baselines.decision_tree(),
        baselines.naive_bayes(),
        baselines.tempo_nn(sr=None),
        baselines.TempoTransformer(8000),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


REDUCED = ["scaler", "pca", "classifier"]


@pytest.mark.parametrize(
    ("model", "steps", "parameters"),
    [
        (
            baselines.pca_knn(),
            REDUCED,
            {"pca__n_components": 15, "classifier__n_neighbors": 8, "classifier__weights": "distance"},
        ),
        (
            baselines.pca_knn(2, 3, "uniform", metric="cosine", scale=False, random_state=7),
            REDUCED[1:],
            {"pca__n_components": 2, "pca__random_state": 7, "classifier__n_neighbors": 3}
            | {"classifier__weights": "uniform", "classifier__metric": "cosine"},
        ),
        (
            baselines.pca_svm(),
            REDUCED,
            {"pca__n_components": 15, "classifier__kernel": "rbf", "classifier__C": 1.0, "classifier__gamma": "scale"},
        ),
        (
            baselines.pca_svm(4, kernel="linear", C=2.0, gamma=0.5, scale=False, random_state=7),
            REDUCED[1:],
            {"pca__n_components": 4, "pca__random_state": 7, "classifier__kernel": "linear"}
            | {"classifier__C": 2.0, "classifier__gamma": 0.5},
        ),
        (
            baselines.knn(3, "distance", metric="cosine"),
            ["scaler", "classifier"],
            {"classifier__n_neighbors": 3, "classifier__weights": "distance", "classifier__metric": "cosine"},
        ),
        (
            baselines.svm(kernel="poly", C=3.0, gamma="auto"),
            ["scaler", "classifier"],
            {"classifier__kernel": "poly", "classifier__C": 3.0, "classifier__gamma": "auto"},
        ),
        (
            baselines.softmax(C=0.1, max_iter=7),
            ["scaler", "classifier"],
            {"classifier__C": 0.1, "classifier__max_iter": 7},
        ),
        (
            baselines.decision_tree(max_depth=2, random_state=7),
            ["classifier"],
            {"classifier__max_depth": 2, "classifier__random_state": 7},
        ),
        (baselines.naive_bayes(var_smoothing=0.1), ["classifier"], {"classifier__var_smoothing": 0.1}),
        (
            baselines.tempo_nn(3, sr=8000, n_jobs=2),
            ["features", "classifier"],
            {"classifier__n_neighbors": 3, "features__sr": 8000, "features__n_jobs": 2},
        ),
        (baselines.tempo_nn(sr=None), ["classifier"], {"classifier__n_neighbors": 1}),
    ],
)
def test_the_steps_and_their_parameters(model, steps, parameters):
    assert list(model.named_steps) == steps
    found = model.get_params()
    assert {name: found[name] for name in parameters} == parameters
    assert clone(model).get_params().keys() == found.keys()


@pytest.mark.parametrize("name", ["knn", "svm", "softmax", "decision_tree", "naive_bayes", "pca_knn", "pca_svm"])
def test_classes_that_lie_apart_are_told_apart(name):
    X, y = blobs()
    new, truth = blobs(seed=1)
    options = {"n_components": 4} if name.startswith("pca") else {}
    found = getattr(baselines, name)(**options).fit(X.astype(np.float32), y).predict(new)
    assert np.mean(found == truth) > 0.9
    assert found.dtype == y.dtype


@pytest.mark.parametrize("name", ["knn", "svm", "softmax", "pca_knn", "pca_svm"])
def test_scaling_makes_units_of_features_irrelevant(name):
    X, y = blobs()
    X = np.column_stack([X, np.random.default_rng(2).normal(size=len(X))])
    units = np.array([1.0] * 6 + [1e4])  # of a feature that tells nothing
    options = {"n_components": 4} if name.startswith("pca") else {}
    make = getattr(baselines, name)
    scores = [cross_val_score(make(**options), rows, y, cv=3).mean() for rows in (X, X * units)]
    assert scores[0] == scores[1] > 0.9
    if name != "softmax":  # which finds its own weights
        assert cross_val_score(make(**options, scale=False), X * units, y, cv=3).mean() < 0.9


def test_principal_components_and_neighbours_are_those_of_their_definition():
    X, y = blobs(n_features=12)
    new, _ = blobs(20, n_features=12, seed=1)
    found = baselines.pca_knn(5, 8).fit(X, y)
    mean, scale = X.mean(axis=0), X.std(axis=0)
    components = np.linalg.svd((X - mean) / scale)[2][:5]
    rows, others = (((Z - mean) / scale) @ components.T for Z in (X, new))
    for row, proba in zip(others, found.predict_proba(new), strict=True):
        distance = np.sqrt(((rows - row) ** 2).sum(axis=1))
        near = np.argsort(distance)[:8]
        support = np.array([(1.0 / distance[near])[y[near] == label].sum() for label in found.classes_])
        assert_allclose(proba, support / support.sum(), rtol=1e-7)


def test_random_projections_are_the_same_each_time():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(501, 1001)), np.arange(501) % 2  # from here on not all components are computed
    first, second, other = (baselines.pca_svm(3, random_state=random_state).fit(X, y) for random_state in (0, 0, 1))
    assert_array_equal(first["pca"].components_, second["pca"].components_)
    assert np.abs(first["pca"].components_ - other["pca"].components_).max() > 1e-6


@pytest.mark.parametrize(
    ("name", "n_samples", "shape"),
    [
        ("feng2017", 66_150, (513, 128)),
        ("kth2020", 77_175, (128, 128)),
        ("pons2016", 81_920, (40, 80)),
        ("ubc2020", 661_500, (128, 640)),
        ("ucsd2020", 661_500, (128, 646)),
    ],
)
def test_a_preset_is_the_input_of_its_paper(name, n_samples, shape):
    y = np.random.default_rng(0).normal(scale=0.1, size=n_samples).astype(np.float32)
    model = baselines.naive_bayes(preset=name)
    rows = model["features"].fit_transform([y, y[: n_samples // 2]])
    assert rows.shape == (2, np.prod(shape))
    assert_array_equal(rows[0].reshape(shape), preset(name)(y)[:, : shape[1]])
    assert model["features"].n_frames == shape[1]


@pytest.mark.parametrize("name", ["knn", "svm", "softmax", "decision_tree", "naive_bayes", "pca_knn", "pca_svm"])
def test_every_baseline_takes_every_input(name):
    make = getattr(baselines, name)
    assert next(iter(make().named_steps)) != "features"
    own = FeatureStatistics(8000)
    assert make(features=own)["features"] is own
    clips = make(preset="ucsd2020", n_frames=65)["features"]
    assert (clips.frontend, clips.n_frames) == ("ucsd2020", 65)
    mine = make(preset=SMALL)["features"]
    assert (mine.frontend, mine.n_frames) == (SMALL, None)
    with pytest.raises(ValueError, match="preset and features must not be given both, got 'kth2020' and Feature"):
        make(preset="kth2020", features=own)
    with pytest.raises(ValueError, match="n_frames must be left out without preset, got 65"):
        make(n_frames=65)


def songs(n_tracks=12, *, sr=8000):
    """Noise, low and high tones of 0.4 to 0.8 s."""
    rng = np.random.default_rng(0)
    labels = np.array(["high", "low", "noise"])[np.arange(n_tracks) % 3]
    tracks = []
    for label in labels:
        t = np.arange(rng.integers(sr * 4 // 10, sr * 8 // 10)) / sr
        pitch = {"high": rng.uniform(1500, 3000), "low": rng.uniform(200, 400), "noise": 0.0}[label]
        tracks.append(np.sin(2 * np.pi * pitch * t) * 0.5 + rng.normal(scale=0.1, size=len(t)))
    return tracks, labels


def test_signals_become_genres():
    X, y = songs()
    model = ClipVotingClassifier(
        baselines.pca_knn(2, 1, preset=SMALL, n_frames=6), clip_duration=0.2, overlap=0.5, vote="mean_proba"
    )
    assert cross_val_score(model, X, y, cv=2).tolist() == [1.0, 1.0]
    matrix = np.stack([track[:3200] for track in X])
    assert model.fit(matrix, y).score(matrix, y) == 1.0
    frontends = [FrontEnd(8000, n_fft=256, n_mels=2, fmax=120.0, hop_length=256), SMALL]
    search = GridSearchCV(model, {"estimator__features__frontend": frontends}, cv=2).fit(X, y)
    assert search.best_params_ == {"estimator__features__frontend": SMALL}


def test_tempo_tells_what_is_fast_from_what_is_slow():
    y, labels = [], []
    for bpm in (80, 84, 90, 130, 140, 150):
        beats = np.arange(0.3, 5.0, 60.0 / bpm)
        y.append(synth.clicks(beats, sr=8000, duration=5.0)[: 40_000 - bpm])
        labels.append("slow" if bpm < 100 else "fast")
    model = baselines.tempo_nn(sr=8000).fit(y[::2], labels[::2])
    assert_array_equal(model["features"].transform(y)[:, 0], [tempo(one, 8000) for one in y])
    assert model.predict(y).tolist() == labels
    assert model["features"].get_feature_names_out().tolist() == ["tempo"]
    annotated = baselines.tempo_nn(sr=None).fit([[180.0], [90.0]], ["viennese", "waltz"])
    assert annotated.predict([[134.0], [136.0]]).tolist() == ["waltz", "viennese"]


def test_what_is_public_is_listed():
    made = [getattr(baselines, name)() for name in baselines.__all__ if name != "TempoTransformer"]
    assert all(isinstance(model, Pipeline) for model in made)
    assert len(made) == 8
    assert isinstance(made[3]["pca"], PCA)
