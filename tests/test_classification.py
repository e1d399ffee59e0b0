"""Evaluation: folds worked out by hand, scikit-learn's metrics for oracles, and a guard that lets no track through."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn import config_context, metrics
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import AdaBoostClassifier
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from audiofeat import AudioClip, ClipVotingClassifier, FeatureStatistics, baselines, datasets, save, synth
from audiofeat.classification import compare, evaluate
from audiofeat.datasets import AudioDataset, Item

NN = KNeighborsClassifier(1)
PIPE = make_pipeline(StandardScaler(), PCA(2, random_state=0), SVC())


def corpus(n_tracks=30, n_clips=2, *, distance=1.5, seed=0):
    """Rows of features, labels of three classes, and the track of each: clips of a track are much alike."""
    rng = np.random.default_rng(seed)
    track = np.repeat(np.arange(n_tracks), n_clips)
    label = np.array(["jazz", "pop", "rock"])[track // 2 % 3]
    own = rng.normal(size=(n_tracks, 4))[track] + 0.01 * rng.normal(size=(len(track), 4))
    return own + distance * np.eye(4)[track // 2 % 3], label, track


def table(splits, *, tracks=None, artists=None):
    """A data set of files that need not be, with labels a and b in turn."""
    tracks = [f"t{i}" for i in range(len(splits))] if tracks is None else tracks
    artists = [""] * len(splits) if artists is None else artists
    rows = zip("ab" * len(splits), tracks, artists, splits, strict=False)
    return AudioDataset(tuple(Item(f"{i}.wav", *row) for i, row in enumerate(rows)), name="made up")


class Recorder(ClassifierMixin, BaseEstimator):
    """Keep what reaches `fit`, and predict the first class."""

    seen: list = []  # of the class, as estimators are cloned  # noqa: RUF012

    def fit(self, X, y, sample_weight=None, groups=None):
        self.classes_ = np.unique(y)
        self.seen.append((list(X), list(y), sample_weight, groups))
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


class Stranger(Recorder):
    """Predict what it was never shown."""

    def predict(self, X):
        return np.repeat("zydeco", len(X))


@pytest.fixture
def seen():
    Recorder.seen.clear()
    return Recorder.seen


def rows_by_fold(result):
    return [(fold.name, list(fold.rows)) for fold in result.folds]


# Folds


@pytest.mark.parametrize(
    ("splits", "train", "test"),
    [
        (
            ["1", "2", "1", "10", "2", "10"],
            ["1345", "0235", "0124"],
            [("fold 1", "02"), ("fold 2", "14"), ("fold 10", "35")],
        ),
        (["train", "train", "test", "test", "valid", "train"], ["015"], [("test", "23")]),
        (["train", "valid", "valid", "train"], ["03"], [("valid", "12")]),
    ],
)
def test_official_folds_by_hand(seen, splits, train, test):
    result = evaluate(Recorder(), table(splits), cv="official")
    assert rows_by_fold(result) == [(name, [int(i) for i in rows]) for name, rows in test]
    assert [X for X, *_ in seen] == [[f"{i}.wav" for i in rows] for rows in train]
    assert [fold.n_train for fold in result.folds] == [len(rows) for rows in train]
    assert result.n_tested == sum(len(rows) for _, rows in test)


@pytest.mark.parametrize(
    ("splits", "match"),
    [
        (["1", "", "2", "2"], "1 of 4 have none"),
        (["1"] * 4, "at least 2 folds, got 1"),
        (["train"] * 4, "got train"),
        (["valid", "test"] * 2, "got test, valid"),
        (["train", "test", "1", "2"], "got test, train, 1, 2"),
    ],
)
def test_without_a_published_split_official_raises(splits, match):
    with pytest.raises(ValueError, match=match):
        evaluate(NN, table(splits), cv="official")


@pytest.mark.parametrize("n_clips", [1, 3])
def test_integer_folds_are_whole_tracks_stratified_and_once_each(n_clips):
    X, y, track = corpus(n_clips=n_clips)
    result = evaluate(NN, (X, y, track), cv=5, repeats=2)
    for repeat in (1, 2):
        folds = [np.array(fold.rows) for fold in result.folds if fold.repeat == repeat]
        assert sorted(np.concatenate(folds)) == list(range(len(y)))
        assert sum(len(set(track[rows])) for rows in folds) == 30  # no track is in two
        assert all(np.ptp(np.unique(y[rows], return_counts=True)[1]) == 0 for rows in folds)
    assert rows_by_fold(result)[:5] != rows_by_fold(result)[5:]  # shuffled anew
    assert rows_by_fold(result)[:5] == rows_by_fold(evaluate(NN, (X, y, track), cv=5))
    assert rows_by_fold(result)[:5] != rows_by_fold(evaluate(NN, (X, y, track), cv=5, random_state=1))


@pytest.mark.parametrize("mixed", [False, True])
def test_uneven_tracks_stay_whole_too(mixed):
    X, y, track = corpus(45, 4)
    rows = np.flatnonzero(np.arange(180) % 4 <= track % 4)  # 1 to 4 clips of a track
    y = np.where((track % 7 == 0) & (np.arange(180) % 4 == 0), "pop", y) if mixed else y
    result = evaluate(NN, (X[rows], y[rows], track[rows]), cv=5, repeats=2)
    for half in (result.folds[:5], result.folds[5:]):
        assert sorted(row for fold in half for row in fold.rows) == list(range(len(rows)))
        assert sum(len(set(track[rows][list(fold.rows)])) for fold in half) == 45
    assert rows_by_fold(result)[:5] != rows_by_fold(result)[5:]
    assert result.leaked == 0
    for fold in result.folds:
        assert set(np.delete(y[rows], fold.rows)) == {"jazz", "pop", "rock"}  # to train on


@pytest.mark.parametrize(
    "cv",
    [GroupKFold(3), LeaveOneGroupOut(), PredefinedSplit(np.arange(60) // 20), [(range(30), range(30, 60))]],
    ids=lambda cv: type(cv).__name__,
)
def test_splitters_are_followed(cv):
    X, y, track = corpus()
    expected = cv if isinstance(cv, list) else list(cv.split(X, y, *([] if "Pre" in repr(cv) else [track])))
    assert rows_by_fold(evaluate(NN, (X, y, track), cv=cv)) == [
        (f"fold {i}", list(test)) for i, (_, test) in enumerate(expected, 1)
    ]


def test_masks_are_folds_too():
    X, y, track = corpus()
    mask = track % 5 == 0
    assert rows_by_fold(evaluate(NN, (X, y, track), cv=[(~mask, mask)])) == [("fold 1", np.flatnonzero(mask).tolist())]


# The guard


@pytest.mark.parametrize("cv", [5, *(kind(5, shuffle=True, random_state=0) for kind in (StratifiedKFold, KFold))])
def test_a_split_of_clips_is_refused_and_its_score_is_indeed_too_good(cv):
    """Features tell nothing of the classes here: only the other clip of the track in training does."""
    X, y, track = corpus(60, distance=0.0)
    with pytest.raises(ValueError, match=r"would leak: .* belong to a track that is trained on too"):
        evaluate(NN, (X, y, track), cv=cv, groups=None)
    leaky = evaluate(NN, (X, y, track), cv=cv, groups=None, allow_leakage=True)
    assert leaky.accuracy > 0.7
    assert evaluate(NN, (X, y, track), cv=5).accuracy < 0.5
    assert leaky.leaked == sum(row ^ 1 not in fold.rows for fold in leaky.folds for row in fold.rows) > 0


def test_leakage_is_told_in_every_form():
    X, y, track = corpus()
    leaky, clean = (
        evaluate(NN, (X, y, track), cv=cv, groups=groups, allow_leakage=True)
        for cv, groups in [(KFold(5, shuffle=True, random_state=0), None), (5, "track")]
    )
    for told in (str(leaky), repr(leaky), leaky.to_markdown(), leaky.to_json(), leaky.plot().get_title()):
        assert "LEAKAGE" in told
    for told in (str(clean), clean.to_markdown(), clean.to_json(), clean.plot().get_title()):
        assert "LEAKAGE" not in told  # what was allowed did not happen
    assert leaky.to_dict()["leakage"]["predictions"] == leaky.leaked > 0
    both = compare(leaky, leaky)
    for told in (str(both), both.to_markdown(), both.to_json()):
        assert "LEAKAGE" in told


@pytest.mark.parametrize(
    ("dataset", "groups", "leaks"),
    [
        (table(["1", "1", "2", "2"]), "track", False),
        (table(["1", "1", "2", "2"], tracks=["t", "u", "t", "v"]), "track", True),
        (table(["1", "1", "2", "2"], tracks=["t", "u", "t", "v"]), None, True),
        (table(["1", "1", "2", "2"], tracks=["t", "t", "u", "u"]), None, False),
        (table(["1", "1", "2", "2"], artists=["x", "y", "x", ""]), "track", False),
        (table(["1", "1", "2", "2"], artists=["x", "y", "x", ""]), "artist", True),
        (table(["1", "1", "2", "2"], tracks=["t", "u", "t", "v"], artists=["x", "", "", "y"]), "artist", True),
    ],
)
def test_published_folds_are_guarded(dataset, groups, leaks):
    if not leaks:
        assert evaluate(Recorder(), dataset, cv="official", groups=groups).leaked == 0
        return
    with pytest.raises(ValueError, match=r"would leak: 1 of its 2 test items .* the first is '0.wav'"):
        evaluate(Recorder(), dataset, cv="official", groups=groups)
    result = evaluate(Recorder(), dataset, cv="official", groups=groups, allow_leakage=True)
    assert [fold.leaked for fold in result.folds] == [1, 1]


def test_parts_of_one_file_are_one_track():
    clips = [AudioClip(f"{i // 2}.wav", i % 2, i % 2 + 1) for i in range(12)]
    labels = np.array(list("ab"))[np.arange(12) // 2 % 2]
    with pytest.raises(ValueError, match="leak"):
        evaluate(Recorder(), (clips, labels, None), cv=KFold(3, shuffle=True, random_state=0))
    with pytest.raises(ValueError, match="leak"):
        evaluate(Recorder(), (["a.wav"] * 2 + ["b.wav"] * 2, list("aabb"), None), cv=2, groups=None)
    with pytest.raises(ValueError, match="leak"):
        evaluate(Recorder(), (["a.wav", "b.wav", "./a.wav", "c.wav"], list("abab"), None), cv=KFold(2))
    series = pd.Series(["a.wav", "b.wav", "a.wav", "b.wav"])
    with pytest.raises(ValueError, match="leak"):
        evaluate(Recorder(), (series, list("abab"), None), cv=KFold(2))
    result = evaluate(Recorder(), (clips, labels, None), cv=3)
    assert (result.n_groups, result.items[3]) == (6, "1.wav from 1 s to 2 s")
    assert "kept whole by file" in str(result)


def test_items_whose_tracks_are_not_known_are_told():
    X, y, _ = corpus()
    result = evaluate(NN, (X, y, None))
    assert result.grouped_by == "item"
    assert "60 groups, kept whole by item" in result.to_markdown()


class Halves:
    """A splitter that knows nothing of scikit-learn."""

    def split(self, X, y, groups):
        yield np.flatnonzero(groups < 15), np.flatnonzero(groups >= 15)


def test_a_splitter_of_ones_own_is_given_groups():
    X, y, track = corpus()
    assert rows_by_fold(evaluate(NN, (X, y, track), cv=Halves())) == [("fold 1", list(range(30, 60)))]


def test_tracks_that_vote_are_evaluated_whole():
    X, y, track = corpus(n_clips=5)
    tracks = [X[track == i] for i in range(30)]
    model = ClipVotingClassifier(NN, clip_duration=None)
    voted = evaluate(model, (tracks, y[::5], None), cv=GroupKFold(3))
    alone = evaluate(NN, (X[::5], y[::5], None), cv=GroupKFold(3))  # clips of a track are much alike
    assert voted.accuracy == pytest.approx(alone.accuracy, abs=0.05)
    assert voted.accuracy > 0.4


def test_training_rows_that_are_tested_leak():
    X, y, _ = corpus()
    with pytest.raises(ValueError, match="leak"):
        evaluate(NN, (X, y, None), cv=[(np.arange(60), np.arange(5))])


def test_nothing_is_fitted_before_the_last_fold_is_checked(seen):
    X, y, track = corpus()
    clean, leaky = (np.arange(30), np.arange(30, 60)), (np.arange(29), np.arange(29, 60))
    with pytest.raises(ValueError, match="fold 2 would leak: 1 of its 31"):
        evaluate(Recorder(), (X, y, track), cv=[clean, leaky])
    assert seen == []


# Scores


@pytest.fixture(scope="module")
def result():
    return evaluate(PIPE, corpus(), cv=4, repeats=3)


def test_scores_are_those_of_scikit_learn(result):
    _, y, _ = corpus()
    true = np.concatenate([y[list(fold.rows)] for fold in result.folds])
    predicted = np.concatenate([np.array(result.classes)[list(fold.predicted)] for fold in result.folds])
    assert_array_equal(result.confusion, metrics.confusion_matrix(true, predicted))
    assert result.accuracy == pytest.approx(metrics.accuracy_score(true, predicted))
    expected = metrics.precision_recall_fscore_support(true, predicted)
    ours = list(zip(*result.scores, strict=True))
    assert ours[0] == result.classes
    assert_allclose(ours[1:], expected)
    shares = [np.mean(y[list(fold.rows)] == np.array(result.classes)[list(fold.predicted)]) for fold in result.folds]
    assert_allclose(result.fold_accuracies, shares)
    assert (result.fold_mean, result.fold_std) == pytest.approx((np.mean(shares), np.std(shares, ddof=1)))
    assert 0.4 < result.accuracy < 0.99  # so that the tables above are no diagonals


def test_predictions_are_those_of_cross_val_predict():
    X, y, track = corpus()
    result = evaluate(PIPE, (X, y, track), cv=GroupKFold(3))
    expected = cross_val_predict(PIPE, X, y, groups=track, cv=GroupKFold(3))
    for fold in result.folds:
        assert_array_equal(np.array(result.classes)[list(fold.predicted)], expected[list(fold.rows)])
    plain = evaluate(PIPE, (X, y, track), cv=GroupKFold(3), baselines=False)
    assert [fold.predicted for fold in plain.folds] == [fold.predicted for fold in result.folds]


def test_classes_never_predicted_or_tested_score_zero():
    X, y, track = corpus()
    scores = evaluate(DummyClassifier(strategy="constant", constant="pop"), (X, y, track)).scores
    assert [score[1:4] for score in scores] == [(0, 0, 0), (1 / 3, 1, 0.5), (0, 0, 0)]
    only = evaluate(NN, (X, y, track), cv=[(np.flatnonzero(track > 5), np.flatnonzero(track == 0))])
    assert (only.scores[1].support, only.scores[1].recall, only.fold_std) == (0, 0.0, None)


@pytest.mark.parametrize("n", [7, 60])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_interval_is_wilsons(n, share, confidence):
    k = round(share * n)
    labels = np.array([0] * k + [1] * (n - k) + [0, 1])
    folds = [([n, n + 1], np.arange(n))]
    result = evaluate(DummyClassifier(strategy="constant", constant=0), (np.zeros((n + 2, 1)), labels, None), cv=folds)
    expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert_allclose(result.interval(confidence), (expected.low, expected.high), atol=1e-12)


def test_neither_clips_nor_repeats_narrow_the_interval():
    X, y, track = corpus()
    constant = DummyClassifier(strategy="constant", constant="pop")
    one = evaluate(constant, (X[::2], y[::2], track[::2]), cv=5)
    more = evaluate(constant, (X, y, track), cv=5, repeats=3)
    assert one.interval() == pytest.approx(more.interval())
    assert (one.n_tested, more.n_tested, one.n_groups, more.n_groups) == (30, 60, 30, 30)


def test_baselines():
    X, y, track = corpus()
    result = evaluate(PIPE, (X, y, track), cv=GroupKFold(3))
    same = evaluate(make_pipeline(*PIPE[:-1], NN), (X, y, track), cv=GroupKFold(3))
    assert result.nearest == pytest.approx(same.accuracy)
    assert result.nearest == same.nearest
    most = DummyClassifier(strategy="most_frequent")
    uneven = np.flatnonzero((y != "pop") | (track < 12))
    dataset = X[uneven], y[uneven], track[uneven]
    expected = evaluate(most, dataset, cv=4)
    assert evaluate(GaussianNB(), dataset, cv=4).majority == pytest.approx(expected.accuracy)
    assert expected.nearest is None
    off = evaluate(PIPE, (X, y, track), baselines=False)
    assert (off.majority, off.nearest, off.to_dict()["baselines"]) == (None, None, {"majority": None, "nearest": None})


def test_labels_of_any_kind_and_items_of_any_kind_give_the_same():
    X, y, track = corpus()
    expected = evaluate(PIPE, (X, y, track), cv=3)
    for items in (X.tolist(), pd.DataFrame(X), list(X), np.asfortranarray(X)):
        model = make_pipeline(*PIPE)
        ours = evaluate(model, (items, list(y), track.astype(str)), cv=GroupKFold(3), baselines=False)
        again = evaluate(model, (X, y, track.astype(str)), cv=GroupKFold(3), baselines=False)
        assert [fold.predicted for fold in ours.folds] == [fold.predicted for fold in again.folds]
    numbers = evaluate(PIPE, (X, np.unique(y, return_inverse=True)[1], track), cv=3)
    assert_array_equal(numbers.confusion, expected.confusion)
    assert numbers.classes == ("0", "1", "2")


# Metadata


@pytest.mark.parametrize("routing", [False, True])
def test_searches_within_are_given_the_groups_of_their_training_items(routing):
    X, y, track = corpus()
    search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3]}, cv=GroupKFold(2))
    with config_context(enable_metadata_routing=routing):
        plain = evaluate(search, (X, y, track), cv=GroupKFold(3))
        piped = evaluate(make_pipeline(StandardScaler(), search), (X, y, track), cv=GroupKFold(3))
        blind = evaluate(GridSearchCV(NN, {"p": [1, 2]}, cv=2), (X, y, track), cv=GroupKFold(3))
        unrouted = evaluate(AdaBoostClassifier(n_estimators=2, random_state=0), (X, y, track), cv=GroupKFold(3))
    fold = plain.folds[1]
    rows = np.delete(np.arange(60), fold.rows)
    with config_context(enable_metadata_routing=False):
        own = search.fit(X[rows], y[rows], groups=track[rows]).predict(X[list(fold.rows)])
    assert_array_equal(np.array(plain.classes)[list(fold.predicted)], own)
    assert min(one.accuracy for one in (piped, blind, unrouted)) > 0.4
    assert piped.nearest is not None


@pytest.mark.parametrize("routing", [False, True])
def test_parameters_of_fit_are_cut_to_the_training_items(seen, routing):
    X, y, track = corpus()
    weight = np.arange(60.0)
    with config_context(enable_metadata_routing=routing):
        model = Recorder()
        if routing:
            model.set_fit_request(sample_weight=True, groups=True)
        evaluate(model, (X, y, track), cv=GroupKFold(3), params={"sample_weight": weight})
        piped = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False) if routing else StandardScaler(), model
        )
        name = "sample_weight" if routing else "recorder__sample_weight"
        result = evaluate(piped, (X, y, track), cv=GroupKFold(3), params={name: weight})
    assert len(seen) == 6
    for (_, labels, weights, groups), fold in zip(seen, result.folds * 2, strict=True):
        rows = np.delete(np.arange(60), fold.rows)
        assert_array_equal(weights, rows)
        assert_array_equal(labels, y[rows])
        assert_array_equal(groups, track[rows])
    same = evaluate(make_pipeline(StandardScaler(), NN), (X, y, track), cv=GroupKFold(3))
    assert result.nearest == pytest.approx(same.accuracy)


# Reports


def test_json_holds_what_gives_every_score_again(result):
    told = json.loads(result.to_json())
    confusion = np.zeros((3, 3), int)
    for fold in told["folds"]:
        for row, predicted in zip(fold["rows"], fold["predicted"], strict=True):
            confusion[told["truth"][row], predicted] += 1
    assert told["confusion"] == confusion.tolist() == result.confusion.tolist()
    assert told["accuracy"] == np.trace(confusion) / confusion.sum() == result.accuracy
    assert told == result.to_dict()
    assert told["interval"]["low"] < told["accuracy"] < told["interval"]["high"]
    assert [score["label"] for score in told["scores"]] == list(result.classes)
    assert 0 < told["time"]["fit"] == pytest.approx(sum(fold.fit_time for fold in result.folds))
    assert 0 < told["time"]["predict"] == pytest.approx(sum(fold.predict_time for fold in result.folds))


def test_text_and_markdown_tell_the_scores(result):
    accuracy = f"{100 * result.accuracy:.1f} %"
    low, high = (f"{100 * value:.1f}" for value in result.interval())
    for told in (str(result), repr(result), result.to_markdown()):
        for fact in (
            "StandardScaler + PCA + SVC", accuracy, f"{low} to {high} %",
            "60 of 60 tested, 30 groups, kept whole by track",
            "4 (4), 3 repeats", "majority class", "nearest neighbour", f"{100 * result.scores[2].recall:.1f}",
        ):  # fmt: skip
            assert fact in told
    lines = result.to_markdown().splitlines()
    tables = [line.count("|") for line in lines if line.startswith("|")]
    assert tables == [6] * 5 + [5] * 5
    widths = [len(line) for line in str(result).splitlines() if line.startswith(("  class", "  jazz"))]
    assert widths[0] == widths[1]
    awkward = replace(result, classes=("a|b", "c\\d", "e\nf"))
    cells = [line.replace("\\|", "") for line in awkward.to_markdown().splitlines() if line.startswith("|")]
    assert [cell.count("|") for cell in cells] == tables


@pytest.mark.parametrize("classes", [("a", "b", "c"), ("$x$", "$", "音")])
def test_the_figure_shows_the_counts(result, classes):
    ax = replace(result, classes=classes, name="cheap $ model").plot()
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    for (row, column), count in np.ndenumerate(result.confusion):
        assert texts.get((column, row), "0") == str(count)
    shares = result.confusion / result.confusion.sum(axis=1, keepdims=True)
    assert_allclose(ax.images[0].get_array(), shares)
    if classes[0] != "$x$":  # the machine need not have a Japanese face
        ax.figure.canvas.draw()
    assert result.plot(ax=ax) is ax


# Two models


def test_comparison_by_hand():
    """Six tracks of one clip, one fold each half: the models differ on 0, 1, 2 and 5."""
    y = np.array([0, 0, 0, 1, 1, 1])
    folds = [(np.array([1, 2, 5]), np.array([0, 3, 4])), (np.array([0, 3, 4]), np.array([1, 2, 5]))]
    base = evaluate(DecisionTreeClassifier(random_state=0), (np.zeros((6, 1)), y, None), cv=folds)
    first, second = (
        replace(
            base, name=name, folds=tuple(f._replace(predicted=p) for f, p in zip(base.folds, predicted, strict=True))
        )
        for name, predicted in [("A", ((0, 1, 1), (0, 0, 0))), ("B", ((1, 1, 1), (1, 1, 1)))]
    )  # correct: A 3/3 and 2/3, B 2/3 and 1/3
    found = compare(first, second)
    assert (found.n_groups, found.first_better, found.second_better) == (6, 3, 1)
    assert found.p_value == pytest.approx(0.625)  # 10/16 of the ways four coins fall
    assert found.difference == pytest.approx(5 / 6 - 3 / 6)
    assert found.fold_p_value is None  # the same in both folds
    other = replace(second, folds=(second.folds[0], second.folds[1]._replace(predicted=(1, 1, 0))))  # 2/3, 0/3
    d = np.array([1 / 3, 2 / 3])
    t = d.mean() / np.sqrt((1 / 2 + 3 / 3) * d.var(ddof=1))
    assert compare(first, other).fold_p_value == pytest.approx(2 * stats.t.sf(t, 1))
    assert "A 83.3 %, B 50.0 %: difference 33.3 points" in str(found)
    assert "p = 0.62" in found.to_markdown()
    assert json.loads(found.to_json())["p_value"] == found.p_value


def test_comparison_is_antisymmetric_and_none_with_itself():
    data = corpus(distance=2.0)
    models = [PIPE, make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0))]
    first, second = (evaluate(model, data, cv=5, repeats=2) for model in models)
    one, other = compare(first, second), compare(second, first)
    assert one.difference == pytest.approx(-other.difference)
    assert (one.first_better, one.second_better) == (other.second_better, other.first_better)
    assert (one.p_value, one.fold_p_value) == pytest.approx((other.p_value, other.fold_p_value))
    itself = compare(first, first)
    assert (itself.first_better, itself.second_better, itself.p_value, itself.fold_p_value) == (0, 0, 1.0, 1.0)
    assert itself.difference == 0


def test_clips_and_repeats_of_a_track_count_once():
    X, y, track = corpus(n_clips=4)
    perfect, constant = (
        evaluate(model, (X, y, track), cv=3, repeats=3)
        for model in (KNeighborsClassifier(1), DummyClassifier(strategy="constant", constant="jazz"))
    )
    oracle = tuple(f._replace(predicted=tuple(perfect.truth[row] for row in f.rows)) for f in perfect.folds)
    found = compare(replace(perfect, folds=oracle), constant)
    assert (found.first_better, found.second_better, found.n_groups) == (20, 0, 30)
    assert found.p_value == pytest.approx(2 * 0.5**20)


@pytest.mark.parametrize(
    ("other", "match"),
    [
        ({"cv": 4}, "same folds"),
        ({"random_state": 1}, "same folds"),
        ({"repeats": 2}, "same folds"),
        ({"dataset": corpus(27)}, "same items"),
        ({"dataset": (corpus()[0], corpus()[1][::-1], corpus()[2])}, "same truth"),
        ({"dataset": (*corpus()[:2], None)}, "same groups"),
    ],
)
def test_results_on_other_folds_are_not_compared(other, match):
    arguments = {"dataset": corpus(), "cv": 3, "baselines": False}
    first, second = (evaluate(NN, **arg) for arg in (arguments, arguments | other))
    with pytest.raises(ValueError, match=match):
        compare(first, second)


def test_other_training_rows_are_other_folds():
    X, y, _ = corpus()
    first, second = (
        evaluate(NN, (X, y, None), cv=[(train, np.arange(50, 60))]) for train in (np.arange(40), np.arange(10, 50))
    )
    with pytest.raises(ValueError, match="same folds"):
        compare(first, second)


# What is refused


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"cv": 1}, ValueError, "cv must be >= 2"),
        ({"cv": 11}, ValueError, "cv must be <= 10, the number of tracks of class 'jazz', got 11"),
        ({"cv": 21, "groups": None}, ValueError, "cv must be <= 20, the number of items"),
        ({"cv": 2.0}, TypeError, "cv must be an integer"),
        ({"cv": "oficial"}, ValueError, "cv must be one of official"),
        ({"cv": "official"}, ValueError, "60 of 60 have none"),
        ({"cv": [(np.arange(0), np.arange(3))]}, ValueError, "0 to train and 3 to test in fold 1"),
        ({"cv": [(np.arange(3), np.arange(0))]}, ValueError, "3 to train and 0 to test in fold 1"),
        ({"groups": "album"}, ValueError, "groups must be one of artist, track"),
        ({"groups": "artist"}, ValueError, "got 'artist'"),
        ({"repeats": 0}, ValueError, "repeats must be >= 1"),
        ({"params": {"sample_weight": [1.0]}}, ValueError, r"params\['sample_weight'\]"),
        ({"dataset": corpus()[:2]}, TypeError, "got tuple"),
        ({"dataset": (corpus()[0], ["a"], None)}, ValueError, r"labels must have shape \(60,\)"),
        ({"dataset": (*corpus()[:2], [1])}, ValueError, r"groups must have shape \(60,\)"),
        ({"dataset": (corpus()[0], ["a"] * 60, None)}, ValueError, "at least 2 classes"),
        ({"dataset": (corpus()[0], np.linspace(0, 1, 60), None)}, ValueError, "Unknown label type"),
        ({"dataset": ([], [], None)}, ValueError, "at least 1 item"),
        ({"dataset": AudioDataset(())}, ValueError, "at least 1 item"),
        ({"dataset": table(["1", "2"] * 3), "groups": "artist"}, ValueError, "knows no artists"),
        ({"estimator": Stranger()}, ValueError, "must predict classes of the labels, got .*zydeco"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_is_refused(change, error, match):
    arguments = {"estimator": NN, "dataset": corpus(), "cv": 3}
    with pytest.raises(error, match=match):
        evaluate(**(arguments | change))


@pytest.mark.parametrize("confidence", [0.0, 1.0, -1])
def test_confidence_is_checked(result, confidence):
    with pytest.raises(ValueError, match="confidence"):
        result.interval(confidence)


def test_intervals_nest(result):
    ends = [result.interval(confidence) for confidence in (0.5, 0.8, 0.95, 0.99)]
    assert all(b[0] < a[0] < a[1] < b[1] for a, b in pairwise(ends))


# From files


def test_files_of_tones_end_to_end(tmp_path):
    rows = []
    for i in range(12):
        label, sr = ["high", "low"][i % 2], 8000
        y = 0.1 * (i + 1) / 12 * synth.tone([3000.0, 300.0][i % 2] + 5 * i, sr=sr, duration=0.2)
        save(tmp_path / f"{i}.wav", y, sr)
        rows.append(Item(str(tmp_path / f"{i}.wav"), label, f"song {i // 4}", "", str(i // 4)))
    dataset = AudioDataset(tuple(rows), name="tones")
    model = make_pipeline(FeatureStatistics(8000, names=["spectral_centroid"], n_fft=256), StandardScaler(), SVC())
    result = evaluate(model, dataset, cv="official", name="brightness")
    assert (result.accuracy, result.nearest, result.majority, result.n_groups) == (1.0, 1.0, 0.5, 3)
    assert str(result).startswith("brightness on tones: accuracy 100.0 %")
    assert result.items == tuple(dataset.path)


@pytest.mark.slow
@pytest.mark.realdata
def test_esc10_by_its_folds(data):
    dataset = datasets.load_esc10(data / "esc10_folds123")
    machine = make_pipeline(FeatureStatistics(), StandardScaler(), SVC(C=10))
    svm = evaluate(machine, dataset, cv="official")
    assert svm.fold_mean >= 0.75
    assert svm.majority < 0.15
    nearest = evaluate(baselines.pca_knn(features=FeatureStatistics()), dataset, cv="official")
    assert nearest.fold_mean >= 0.65
    assert compare(svm, nearest).p_value < 0.01


def test_only_the_first_folds_are_run_if_asked():
    X, y = np.arange(24.0)[:, None], list("ab") * 12
    whole = evaluate(KNeighborsClassifier(1), (X, y, None), cv=4, repeats=2)
    first = evaluate(KNeighborsClassifier(1), (X, y, None), cv=4, repeats=2, max_folds=3)
    assert [fold.rows for fold in first.folds] == [fold.rows for fold in whole.folds[:3]]
    assert evaluate(KNeighborsClassifier(1), (X, y, None), cv=4, max_folds=9).n_tested == 24
    with pytest.raises(ValueError, match="max_folds must be >= 1, got 0"):
        evaluate(KNeighborsClassifier(1), (X, y, None), cv=4, max_folds=0)
