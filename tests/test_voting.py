"""Voting against its definition counted by hand, tracks cut where they should be, and real tracks by their clips."""

import pickle
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from audiofeat import baselines, save
from audiofeat.estimators import AudioClip, FeatureStatistics, LogMelTransformer
from audiofeat.voting import ClipVotingClassifier, vote


class Recorder(ClassifierMixin, BaseEstimator):
    """Keep what it is given, and say the first class always."""

    def fit(self, X, y, sample_weight=None):
        self.X_, self.y_, self.weights_ = X, y, sample_weight
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


def feature_tracks(n_tracks=12, *, scatter=1.0, seed=0):
    """Rows of features for the clips of tracks, from 1 to 6 clips to a track, and the tracks' classes."""
    rng = np.random.default_rng(seed)
    labels = np.array(["blues", "jazz", "pop"])[np.arange(n_tracks) % 3]
    means = {"blues": 0.0, "jazz": 3.0, "pop": 6.0}
    return [rng.normal(means[label], scatter, (rng.integers(1, 7), 2)) for label in labels], labels


@parametrize_with_checks(
    [
        ClipVotingClassifier(LogisticRegression(), clip_duration=None),
        ClipVotingClassifier(SVC(), clip_duration=1000.0, sr=1.0),  # one short clip to each row
        ClipVotingClassifier(KNeighborsClassifier(1), clip_duration=1.0, sr=1.0),  # a clip to each value
        ClipVotingClassifier(DecisionTreeClassifier(random_state=0), clip_duration=2.0, overlap=0.5, sr=1.0),
        ClipVotingClassifier(KNeighborsClassifier(), clip_duration=None, vote="mean_proba"),
        ClipVotingClassifier(make_pipeline(StandardScaler(), GaussianNB()), clip_duration=None, vote="sum_log_proba"),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


clips = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", "z"])), min_size=1, max_size=12)


@given(clips=clips)
def test_the_majority_is_counted(clips):
    labels, tracks = (list(column) for column in zip(*clips, strict=True))
    found = vote(labels, tracks)
    assert found.tracks.tolist() == list(dict.fromkeys(tracks))
    assert found.classes.tolist() == sorted(set(labels))
    for track, label, share in zip(*found[:3], strict=True):
        counts = Counter(one for one, at in clips if at == track)
        most = max(counts.values())
        assert label == min(name for name, count in counts.items() if count == most)
        assert share.tolist() == [counts[name] / counts.total() for name in found.classes]


rows = st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 8), min_size=3, max_size=3)), min_size=1)


@given(rows=rows)
def test_probabilities_are_averaged_or_multiplied(rows):
    tracks, parts = (list(column) for column in zip(*rows, strict=True))
    proba = np.add(parts, [1, 2, 3]) / 16.0  # exact in binary
    exact = [[Fraction(value) for value in row] for row in proba.tolist()]
    mean, product, best = (vote(proba, tracks, how=how) for how in ("mean_proba", "sum_log_proba", "majority"))
    for i, track in enumerate(mean.tracks):
        own = [row for row, at in zip(exact, tracks, strict=True) if at == track]
        average = [sum(column) / len(own) for column in zip(*own, strict=True)]
        assert_allclose(mean.proba[i], np.array(average, dtype=float), rtol=1e-14)
        products = [np.prod(column) for column in zip(*own, strict=True)]
        assert_allclose(product.proba[i], np.array([p / sum(products) for p in products], dtype=float), rtol=1e-11)
        votes = Counter(row.index(max(row)) for row in own)
        assert best.proba[i].tolist() == [votes[c] / len(own) for c in range(3)]
    assert mean.labels.tolist() == mean.proba.argmax(axis=1).tolist()


@pytest.mark.parametrize("how", ["majority", "mean_proba", "sum_log_proba"])
def test_the_order_of_clips_does_not_matter(how):
    rng = np.random.default_rng(0)
    proba, tracks = rng.dirichlet(np.ones(4), 60), rng.integers(0, 7, 60)
    found, order = vote(proba, tracks, how=how, classes=list("dcba")), rng.permutation(60)
    moved = vote(proba[order], tracks[order], how=how, classes=list("dcba"))
    back, there = np.argsort(found.tracks), np.argsort(moved.tracks)
    assert_array_equal(moved.labels[there], found.labels[back])
    assert_allclose(moved.proba[there], found.proba[back], rtol=1e-12)
    assert_array_equal(found.classes, list("dcba"))


def test_a_tie_falls_to_the_first_class():
    assert vote(["pop", "jazz"], [0, 0]).labels == ["jazz"]
    assert vote(["pop", "jazz"], [0, 0], classes=["pop", "jazz"]).labels == ["pop"]
    for how in ("majority", "mean_proba", "sum_log_proba"):
        assert vote([[0.25, 0.75], [0.75, 0.25]], [0, 0], how=how).labels == [0]
    assert vote([[0.5, 0.5]], [0]).labels == [0]


def test_no_clip_has_a_veto_and_no_sum_underflows():
    certain = np.repeat([[1.0, 0.0], [0.0, 1.0]], [2, 3], axis=0)
    found = vote(certain, np.zeros(5), how="sum_log_proba")
    assert_allclose(found.proba, [[np.finfo(float).eps, 1.0]], rtol=1e-12)
    assert vote([[0.6, 0.4]] * 5000, [0] * 5000, how="sum_log_proba").proba.tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize(
    ("predictions", "options", "message"),
    [
        ([0, 1], {"how": "mean"}, "how must be one of majority, mean_proba, sum_log_proba, got 'mean'"),
        ([0, 1], {"how": "mean_proba"}, r"shape \(n_clips, n_classes\) for how='mean_proba', got \(2,\)"),
        ([0, 1, 1], {}, r"as many clips, got shapes \(3,\) and \(2,\)"),
        (np.zeros((2, 0)), {}, r"as many clips, got shapes \(2, 0\) and \(2,\)"),
        ([[[1.0]], [[1.0]]], {}, r"as many clips, got shapes \(2, 1, 1\)"),
        ([0, 1], {"classes": [0, 2]}, "classes must hold all predictions, got .*1.* beside"),
        ([0, 1], {"classes": [0, 1, 1]}, "classes must be different"),
        ([[1.0, 0.0]] * 2, {"classes": [0, 1, 2]}, "one for each column"),
        ([[1.0, -0.1]] * 2, {}, "finite and >= 0, got -0.1"),
        ([[1.0, np.nan]] * 2, {}, "finite and >= 0, got nan"),
    ],
)
def test_votes_that_cannot_be_counted_are_refused(predictions, options, message):
    with pytest.raises(ValueError, match=message):
        vote(predictions, ["a", "b"], **options)
    with pytest.raises(ValueError, match=r"got shapes \(0,\)"):
        vote([], [])


@pytest.mark.parametrize(
    ("n_samples", "overlap", "n_clips"),
    [(661_500, 0.5, 19), (660_000, 0.5, 18), (661_500, 0.0, 10), (660_000, 0.0, 9), (66_150, 0.5, 1), (1, 0.5, 1)],
)
def test_thirty_seconds_are_as_many_clips_as_the_papers_have(n_samples, overlap, n_clips):
    y = np.arange(n_samples, dtype=np.float32)
    model = ClipVotingClassifier(Recorder(), overlap=overlap, sr=22050).fit([y, y], [0, 1])
    assert len(model.estimator_.X_) == 2 * n_clips == len(model.estimator_.y_)
    assert len(model.predict_clips([y])[0]) == n_clips
    matrix = ClipVotingClassifier(Recorder(), overlap=overlap, sr=22050).fit(np.stack([y, y]), [0, 1])
    assert_array_equal(matrix.estimator_.X_, np.stack(model.estimator_.X_))
    assert_array_equal(matrix.estimator_.y_, model.estimator_.y_)


@given(
    lengths=st.lists(st.integers(1, 40), min_size=2, max_size=4),
    size=st.integers(1, 12),
    overlap=st.sampled_from([0.0, 0.25, 0.5, 0.9]),
)
def test_clips_are_cut_from_the_start_and_none_is_partial(lengths, size, overlap):
    tracks = [np.arange(n, dtype=np.float64) + 100 * i for i, n in enumerate(lengths)]
    model = ClipVotingClassifier(Recorder(), clip_duration=size / 8, overlap=overlap, sr=8)
    model.fit(tracks, np.arange(len(tracks)))
    hop = max(1, round(size * (1 - overlap)))
    expected = []
    for i, y in enumerate(tracks):
        starts = [start for start in range(0, len(y), hop) if start + size <= len(y)]
        expected += [(i, y[start : start + size].tolist()) for start in starts or [0]]
    found = zip(model.estimator_.y_.tolist(), (clip.tolist() for clip in model.estimator_.X_), strict=True)
    assert list(found) == expected
    assert all(
        np.shares_memory(clip, tracks[i]) for clip, i in zip(model.estimator_.X_, model.estimator_.y_, strict=True)
    )


def test_tracks_come_in_lists_and_in_arrays_of_objects_read_only_and_strided():
    y = np.linspace(-1.0, 1.0, 50)
    y.setflags(write=False)
    short = np.zeros(20, dtype=np.float32)[::2]
    silent = [np.ones(7), np.zeros(1)]
    array = np.empty(4, dtype=object)
    array[:] = tracks = [y, short, *silent]
    in_list, in_array, in_tuple = (
        ClipVotingClassifier(Recorder(), clip_duration=1.0, sr=8).fit(X, list("abab")).estimator_
        for X in (tracks, array, tuple(tracks))
    )
    assert len(in_list.X_) == 6 + 1 + 1 + 1
    assert [clip.dtype for clip in in_list.X_] == [np.float64] * 6 + [np.float32] + [np.float64] * 2
    for other in (in_array, in_tuple):
        for clip, expected in zip(other.X_, in_list.X_, strict=True):
            assert_array_equal(clip, expected)


def test_a_track_weighs_the_same_whatever_its_length():
    X, y = feature_tracks()
    assert len({len(track) for track in X}) > 3
    uneven = np.array(y)
    expected = [np.mean(uneven == label) for label in np.unique(uneven)]
    for inner in (GaussianNB(), make_pipeline(StandardScaler(), GaussianNB())):
        for routing in (False, True):
            with sklearn.config_context(enable_metadata_routing=routing):
                model = ClipVotingClassifier(inner, clip_duration=None).fit(X, y)
            bayes = model.estimator_ if inner.__class__ is GaussianNB else model.estimator_[-1]
            assert_allclose(bayes.class_prior_, expected, rtol=1e-12)
    weights = ClipVotingClassifier(Recorder(), clip_duration=None).fit(X, y).estimator_.weights_
    ends = np.cumsum([len(track) for track in X])
    assert_allclose([part.sum() for part in np.split(weights, ends[:-1])], np.full(len(X), ends[-1] / len(X)))
    assert_allclose(weights.sum(), ends[-1])  # so that penalties on weights mean the same


def test_there_are_no_weights_where_they_change_nothing_or_are_not_taken():
    X, y = feature_tracks()
    even = [track[:1] for track in X]
    assert ClipVotingClassifier(Recorder(), clip_duration=None).fit(even, y).estimator_.weights_ is None
    for inner in (KNeighborsClassifier(1), make_pipeline(StandardScaler(), KNeighborsClassifier(1))):
        model = ClipVotingClassifier(inner, clip_duration=None).fit(X, y)
        assert model.estimator_.score(np.concatenate(X), np.repeat(y, [len(track) for track in X])) == 1.0


@pytest.mark.parametrize("how", ["majority", "mean_proba", "sum_log_proba"])
def test_tracks_are_what_their_clips_vote_for(how):
    X, y = feature_tracks(30, scatter=2.5)
    model = ClipVotingClassifier(KNeighborsClassifier(3), clip_duration=None, vote=how).fit(X, y)
    new, truth = feature_tracks(30, scatter=2.5, seed=1)
    tracks = np.repeat(np.arange(len(new)), [len(track) for track in new])
    of_clips = model.predict_clips(new) if how == "majority" else model.predict_proba_clips(new)
    assert [len(part) for part in of_clips] == [len(track) for track in new]
    expected = vote(np.concatenate(of_clips), tracks, how=how, classes=model.classes_)
    assert_array_equal(model.predict(new), expected.labels)
    assert_array_equal(model.predict_proba(new), expected.proba)
    alone = np.concatenate([model.predict_proba([track]) for track in new])
    assert_allclose(alone, expected.proba, rtol=1e-12)
    assert_allclose(expected.proba.sum(axis=1), 1.0)
    assert model.classes_.tolist() == ["blues", "jazz", "pop"]
    clipwise = np.mean(np.concatenate(model.predict_clips(new)) == np.repeat(truth, [len(track) for track in new]))
    assert model.score(new, truth) > clipwise


def signals(sr=8000, n_tracks=8):
    """Noise and tones of 0.5 to 0.9 s."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(sr // 2, sr * 9 // 10, n_tracks)
    tones = [np.sin(2 * np.pi * rng.uniform(200, 900) * np.arange(n) / sr) for n in lengths]
    labels = np.array(["noise", "tone"] * (n_tracks // 2))
    noise = [rng.normal(scale=0.1, size=n) for n in lengths]
    return [noise[i] if labels[i] == "noise" else tones[i] for i in range(n_tracks)], labels


def audio_model(**options):
    features = FeatureStatistics(8000, names=("rms", "zero_crossing_rate"), n_fft=512, hop_length=256)
    return ClipVotingClassifier(baselines.knn(1, features=features), clip_duration=0.2, overlap=0.5, **options)


def test_the_rate_is_that_of_the_front_end():
    X, y = signals()
    assert_array_equal(audio_model().fit(X, y).predict(X), audio_model(sr=8000).fit(X, y).predict(X))
    assert len(audio_model().fit(X, y).predict_clips(X[:1])[0]) == 1 + (len(X[0]) - 1600) // 800
    with pytest.raises(ValueError, match="got 16000 Hz as sr, 8000 Hz as estimator__features__sr"):
        audio_model(sr=16000).fit(X, y)
    for frontend in ("pons2016", LogMelTransformer("pons2016").fit(X).frontend_):
        model = ClipVotingClassifier(baselines.knn(1, preset=frontend), sr=22050)
        with pytest.raises(ValueError, match="22050 Hz as sr, 44100 Hz as estimator__features__frontend"):
            model.fit(X, y)
    with pytest.raises(ValueError, match="sr must be given in Hz"):
        ClipVotingClassifier(Recorder()).fit(X, y)


def test_files_and_parts_of_files_are_their_samples(tmp_path):
    X, y = signals()
    X = [track.astype(np.float32) for track in X]
    paths = [tmp_path / f"{i}.wav" for i in range(len(X))]
    for path, track in zip(paths, X, strict=True):
        save(path, track, 8000, subtype="FLOAT")
    model, of_files = audio_model().fit(X, y), audio_model().fit([str(path) for path in paths], y)
    assert_array_equal(of_files.estimator_[-1]._fit_X, model.estimator_[-1]._fit_X)
    assert_array_equal(model.predict_proba(paths), model.predict_proba(X))
    parts = [AudioClip(path, 0.1, 0.35) for path in paths]
    assert_array_equal(model.predict_proba(parts), model.predict_proba([track[800:2800] for track in X]))
    with pytest.raises(ValueError, match="sr must be given in Hz"):
        ClipVotingClassifier(Recorder(), clip_duration=None).fit(paths, y)


@pytest.mark.parametrize(
    ("options", "X", "message"),
    [
        ({"vote": "mean"}, None, "vote must be one of"),
        ({"vote": "mean_proba"}, None, r"vote='mean_proba' needs an estimator with predict_proba, got Recorder"),
        ({"overlap": 1.0}, None, "overlap must be < 1, got 1.0"),
        ({"overlap": -0.1}, None, "overlap must be >= 0"),
        ({"clip_duration": 0.0}, None, "clip_duration must be > 0"),
        ({"sr": -1.0}, None, "sr must be > 0"),
        ({}, [np.zeros(9), np.zeros((2, 9))], r"one channel, got shapes"),
        ({"clip_duration": None}, [np.zeros(9), np.zeros((2, 9))], "all signals, or all matrices"),
        ({"clip_duration": None}, [np.zeros((3, 2)), np.zeros((2, 9))], "matrices of as many columns, got shapes"),
        ({}, [np.zeros(9), np.full(9, np.nan)], r"X\[1\] must be finite"),
        ({"clip_duration": None}, [np.ones((2, 2)), np.full((2, 2), np.inf)], r"X\[1\] contains infinity"),
        ({}, [np.zeros(9), np.zeros(0)], r"X\[1\] must have at least 1 sample"),
        ({}, [np.zeros(9)] * 3, "inconsistent numbers of samples"),
    ],
)
def test_what_cannot_be_cut_or_voted_on_is_refused(options, X, message):
    X = [np.zeros(9), np.zeros(5)] if X is None else X
    with pytest.raises(ValueError, match=message):
        ClipVotingClassifier(Recorder(), **{"clip_duration": 1.0, "sr": 4, **options}).fit(X, ["a", "b"])


def test_it_is_searched_cloned_and_stored():
    X, y = feature_tracks(30, scatter=2.5)
    model = ClipVotingClassifier(KNeighborsClassifier(1), clip_duration=None)
    search = GridSearchCV(model, {"estimator__n_neighbors": [1, 9], "vote": ["majority", "mean_proba"]}, cv=3).fit(X, y)
    assert search.best_estimator_.estimator_.n_neighbors == search.best_params_["estimator__n_neighbors"] == 9
    copy = clone(search.best_estimator_)
    assert copy.get_params() | {"estimator": None} == search.best_estimator_.get_params() | {"estimator": None}
    assert not hasattr(copy, "classes_")
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    assert_array_equal(again.predict_proba(X), search.predict_proba(X))


def test_groups_of_tracks_are_kept_apart_with_and_without_routing():
    X, y = feature_tracks(30)
    groups = np.arange(30) // 6
    model = ClipVotingClassifier(KNeighborsClassifier(1), clip_duration=None)
    off = cross_validate(model, X, y, groups=groups, cv=GroupKFold(5))
    with sklearn.config_context(enable_metadata_routing=True):
        on = cross_validate(model, X, y, params={"groups": groups}, cv=GroupKFold(5))
    assert_array_equal(on["test_score"], off["test_score"])
    found = cross_val_predict(model, X, y, groups=groups, cv=GroupKFold(5))
    assert 0.8 < np.mean(found == y) == pytest.approx(off["test_score"].mean())


def test_a_second_fit_forgets_the_first():
    X, y = feature_tracks()
    model = ClipVotingClassifier(GaussianNB(), clip_duration=None).fit(np.eye(12), y)
    assert model.n_features_in_ == 12
    model.fit(X, y)
    assert not hasattr(model, "n_features_in_")
    assert model.predict(np.array([[0.0, 0.0], [6.0, 6.0]])).tolist() == ["blues", "pop"]  # rows of a matrix


@pytest.fixture(scope="module")
def taggram(request):
    folder = request.getfixturevalue("data") / "pons_gtzan_taggram" / "audio_representations"
    return [
        [file[key] for key in ("X", "Y", "IDS")]
        for name in ("training", "evaluation")
        for file in [np.load(folder / f"{name}_data_GTZAN_MSDmusicnn_taggram.npz")]
    ]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("model", "accuracy"),
    [
        (baselines.knn(1, metric="cosine", scale=False), 0.752),
        (baselines.pca_knn(10, 1, metric="cosine", scale=False), 0.772),
    ],
    ids=["knn", "pca_knn"],
)
def test_real_tracks_are_recognised_by_the_votes_of_their_frames(taggram, model, accuracy):
    """The figures were measured independently, with code of its own."""
    (frames, labels, _), (new, truth, new_ids) = taggram
    of_frames = model.fit(frames, labels).predict(new)
    found = vote(of_frames, new_ids)
    _, first = np.unique(new_ids, return_index=True)
    assert_array_equal(found.tracks, new_ids[np.sort(first)])
    genre = dict(zip(new_ids.tolist(), truth.tolist(), strict=True))
    assert np.mean(found.labels == [genre[track] for track in found.tracks]) == pytest.approx(accuracy, abs=0.001)
    assert np.mean(of_frames == truth) < accuracy - 0.05  # frames alone


@pytest.mark.realdata
def test_real_tracks_of_frames_are_learnt_as_tracks(taggram):
    (X, y), (new, truth) = ([np.split(rows[0], cuts(rows[2])), rows[1][[0, *cuts(rows[2])]]] for rows in taggram)
    assert (len(X), len(new)) == (443, 290)
    model = ClipVotingClassifier(baselines.pca_knn(10, 1, metric="cosine", scale=False), clip_duration=None)
    assert model.fit(X, y).score(new, truth) == pytest.approx(0.772, abs=0.001)


def cuts(ids):
    """Where the next track begins."""
    return np.flatnonzero(ids[1:] != ids[:-1]) + 1
