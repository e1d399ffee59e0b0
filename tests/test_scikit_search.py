"""scikit-learn's searches, folds, unions and ensembles over lists of paths, with two workers."""

import joblib
import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
    learning_curve,
    permutation_test_score,
)
from sklearn.pipeline import FeatureUnion

from audiofeat import (
    AudioClip,
    AudioError,
    ClipVotingClassifier,
    DescriptorTransformer,
    FeatureStatistics,
    FrontEnd,
    LogMelTransformer,
    synth,
)
from audiofeat.baselines import knn, pca_knn, pca_svm, softmax, svm
from audiofeat.datasets import load_folder

SR = 8000
SMALL = FrontEnd(SR, n_fft=256, hop_length=128, n_mels=8)
STATISTICS = FeatureStatistics(
    SR, names=("rms", "spectral_centroid", "mfcc"), statistics=["mean", "std"], n_fft=256, hop_length=128, n_mfcc=4
)
BANDS = LogMelTransformer(SMALL, flatten=False)
CLASSES = ["bell", "flute", "nasal"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Eight files each of three timbres, a second long."""
    folder = tmp_path_factory.mktemp("search") / "genres"
    corpus = synth.genre_corpus(8, by="timbre", classes=CLASSES, sr=SR, duration=1.0, random_state=0)
    synth.write_genre_corpus(folder, corpus)
    return load_folder(folder)


@pytest.fixture(scope="module")
def paths(dataset):
    return dataset.path.tolist()


@pytest.fixture(scope="module")
def labels(dataset):
    return dataset.label


@pytest.fixture(autouse=True)
def _threads_without_jit():
    """Work in threads where kernels have stand-ins: other processes have none."""
    with joblib.parallel_config(backend="threading" if numba.config.DISABLE_JIT else "loky"):
        yield


FOLDS = StratifiedKFold(4, shuffle=True, random_state=0)


def test_a_grid_over_every_step_is_what_it_is_for_rows(paths, labels):
    model = pca_knn(2, features=STATISTICS)
    grid = {
        "features__statistics": [["mean"], ["mean", "std"]],
        "pca__n_components": [2, 4],
        "classifier__n_neighbors": [1, 3],
    }
    search = GridSearchCV(model, grid, cv=FOLDS, n_jobs=2, error_score="raise").fit(paths, labels)
    assert len(search.cv_results_["params"]) == 8
    assert search.best_score_ >= 0.75
    assert search.best_estimator_.named_steps["classifier"].n_neighbors in (1, 3)
    for parameters, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
        one = clone(model).set_params(**parameters)  # the twin: features first, then folds over rows of numbers
        rows = one[:1].fit_transform(paths)
        assert_allclose(cross_validate(one[1:], rows, labels, cv=FOLDS)["test_score"].mean(), score)
    assert_array_equal(search.classes_, CLASSES)
    assert search.score(paths, labels) >= search.best_score_


def test_a_search_chooses_between_features(paths, labels):
    choices = {"features": [STATISTICS, BANDS, DescriptorTransformer(SR, names=("rms",), n_frames=1)]}
    search = RandomizedSearchCV(
        svm(features=STATISTICS), choices, n_iter=3, cv=FOLDS, n_jobs=2, random_state=0, error_score="raise"
    ).fit(paths, labels)
    table = search.cv_results_
    scores = dict(zip(map(repr, table["param_features"]), table["mean_test_score"], strict=True))
    assert len(scores) == 3
    assert scores[repr(choices["features"][2])] == min(scores.values())  # the level of a first frame tells little
    assert_array_equal(search.predict(paths[:3]), search.best_estimator_.predict(paths[:3]))


def test_cross_validation_tells_scores_and_models_of_groups(paths, labels):
    halves = [AudioClip(path, start, start + 0.5) for path in paths for start in (0.0, 0.5)]
    groups = np.arange(len(paths)).repeat(2)
    found = cross_validate(
        softmax(features=STATISTICS),
        halves,
        labels.repeat(2),
        groups=groups,
        cv=GroupKFold(4),
        scoring=["accuracy", "neg_log_loss"],
        n_jobs=2,
        return_estimator=True,
        return_indices=True,
        error_score="raise",
    )
    assert found["test_accuracy"].mean() >= 0.75
    assert found["test_neg_log_loss"].mean() >= -np.log(3)  # better than knowing nothing
    for train, test in zip(found["indices"]["train"], found["indices"]["test"], strict=True):
        assert not set(groups[train]) & set(groups[test])
    model, test = found["estimator"][0], found["indices"]["test"][0]
    score = model.score([halves[i] for i in test], labels.repeat(2)[test])
    assert score == found["test_accuracy"][0]


def test_predictions_of_folds_are_those_of_rows(paths, labels):
    model = softmax(features=STATISTICS)
    proba = cross_val_predict(model, paths, labels, cv=FOLDS, n_jobs=2, method="predict_proba")
    rows = STATISTICS.fit_transform(paths)
    assert_allclose(proba, cross_val_predict(model[1:], rows, labels, cv=FOLDS, method="predict_proba"), rtol=1e-9)
    assert proba.shape == (24, 3)


def test_a_union_stands_side_by_side_and_can_be_searched(paths, labels):
    union = FeatureUnion([("statistics", STATISTICS), ("bands", BANDS)], n_jobs=2)
    rows = union.fit_transform(paths)
    assert_array_equal(rows, np.hstack([STATISTICS.fit_transform(paths), BANDS.fit_transform(paths)]))
    assert len(union.get_feature_names_out()) == rows.shape[1]
    choices = {"features__bands": ["drop", BANDS], "features__transformer_weights": [None, {"bands": 0.1}]}
    search = GridSearchCV(pca_svm(4, features=union), choices, cv=FOLDS, n_jobs=2, error_score="raise")
    assert search.fit(paths, labels).best_score_ >= 0.75
    assert len(search.cv_results_["params"]) == 4


def test_a_stack_learns_from_predictions_of_folds(paths, labels):
    models = [("statistics", knn(3, features=STATISTICS)), ("bands", softmax(features=BANDS))]
    stack = StackingClassifier(models, LogisticRegression(), cv=FOLDS, n_jobs=2).fit(paths[::2], labels[::2])
    assert stack.score(paths[1::2], labels[1::2]) >= 0.7
    inner = [model.predict_proba(paths[1::2]) for model in stack.estimators_]
    assert_array_equal(stack.transform(paths[1::2]), np.hstack(inner))
    codes = stack.final_estimator_.predict(np.hstack(inner))
    assert_array_equal(stack.predict(paths[1::2]), np.array(CLASSES)[codes])


def test_votes_of_models_with_features_of_their_own(paths, labels):
    models = [("statistics", softmax(features=STATISTICS)), ("bands", softmax(features=BANDS))]
    votes = VotingClassifier(models, voting="soft", n_jobs=2).fit(paths[::2], labels[::2])
    inner = [model.predict_proba(paths[1::2]) for model in votes.estimators_]
    assert_allclose(votes.predict_proba(paths[1::2]), np.mean(inner, axis=0))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("ensemble", [True, False])
def test_margins_become_probabilities(paths, labels, method, ensemble):
    model = CalibratedClassifierCV(svm(features=STATISTICS), method=method, cv=FOLDS, ensemble=ensemble, n_jobs=2)
    proba = model.fit(paths[::2], labels[::2]).predict_proba(paths[1::2])
    assert len(model.calibrated_classifiers_) == (4 if ensemble else 1)
    assert_allclose(proba.sum(axis=1), 1.0)
    assert np.mean(proba.argmax(axis=1) == np.searchsorted(CLASSES, labels[1::2])) >= 0.7


def test_a_search_within_the_voting_of_clips(paths, labels):
    search = GridSearchCV(knn(features=STATISTICS), {"classifier__n_neighbors": [1, 3]}, cv=2, error_score="raise")
    voting = ClipVotingClassifier(search, clip_duration=0.5)
    found = cross_validate(voting, paths, labels, cv=FOLDS, n_jobs=2, error_score="raise")
    assert found["test_score"].mean() >= 0.75


def test_curves_and_permutations(paths, labels):
    model = softmax(features=STATISTICS)
    sizes, _, scores = learning_curve(
        model,
        paths,
        labels,
        cv=FOLDS,
        n_jobs=2,
        train_sizes=[0.5, 1.0],
        shuffle=True,
        random_state=0,
        error_score="raise",
    )
    assert sizes.tolist() == [9, 18]
    assert scores.mean(axis=1)[1] >= 0.75
    score, chance, p = permutation_test_score(
        model, paths, labels, cv=StratifiedKFold(2), n_permutations=9, n_jobs=2, random_state=0
    )
    assert score > chance.max()
    assert p == 0.1


def test_a_file_that_is_missing_is_named_by_worker_and_search(paths, labels):
    broken = [*paths[:-1], "none.wav"]
    search = GridSearchCV(knn(1, features=STATISTICS), {"classifier__p": [1]}, cv=FOLDS, n_jobs=2, error_score="raise")
    with pytest.raises(AudioError, match=r"none\.wav"):
        search.fit(broken, labels)
