"""The clusterer of windows: scikit-learn's checks, its own spectral clustering as oracle, and the order of time."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_rand_score, pairwise_distances, silhouette_score
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from audiofeat import (
    estimate_n_clusters,
    mutual_knn,
    mutual_proximity,
    resegment,
    segment,
    spectral_error_matrix,
    synth,
)
from audiofeat.estimators import SpectralSegmenter


def windows(pattern="ABACB", *, length=16, n_features=4, scatter=0.5, seed=0):
    """Features of windows in sections that recur, and the cluster of each."""
    rng = np.random.default_rng(seed)
    truth = np.repeat([ord(name) - ord("A") for name in pattern], length)
    return 6.0 * np.eye(n_features)[truth] + scatter * rng.standard_normal((len(truth), n_features)), truth


@parametrize_with_checks(
    [
        SpectralSegmenter(),
        SpectralSegmenter(graph="local", assign="kmeans"),
        SpectralSegmenter(graph="paper", metric="cityblock"),
        SpectralSegmenter(metric="cosine", temporal=False),
        SpectralSegmenter(assign="energy", reach=2, spacing=1, penalty=0.0),  # a check shuffles its windows
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", [SpectralSegmenter(metric="precomputed"), SpectralSegmenter(assign="energy")])
def test_scikit_learn_checks_but_for_one_that_does_not_apply(estimator):
    """It clusters features, whatever the metric, and in a shuffled order, which has no sections."""
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert {row["check_name"] for row in results if row["status"] == "failed"} == {"check_clustering"}
    assert sum(row["status"] == "passed" for row in results) > 40


@pytest.mark.parametrize("assign", ["cluster_qr", "kmeans"])
@pytest.mark.parametrize("graph", ["knn", "local", "paper"])
def test_scikit_learn_cuts_the_same_graph_alike(graph, assign):
    X, truth = windows(scatter=0.2)
    found = SpectralSegmenter(3, graph=graph, assign=assign).fit(X)
    weights = found.affinity_ if graph != "knn" else found.affinity_.toarray()
    theirs = SpectralClustering(3, affinity="precomputed", assign_labels=assign, random_state=0).fit(weights)
    assert adjusted_rand_score(found.labels_, theirs.labels_) == 1.0
    assert_array_equal(found.labels_, truth)  # numbered by first appearance


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "cosine"])
@pytest.mark.parametrize("assign", ["cluster_qr", "energy"])
def test_the_number_of_clusters_is_found(metric, assign):
    X, truth = windows("ABACBC")
    found = SpectralSegmenter(metric=metric, assign=assign).fit(X)
    assert_array_equal(found.labels_, truth)
    assert (found.n_clusters_, found.n_features_in_) == (3, 4)
    assert 0.3 < found.confidence_ <= 1.0
    assert found.eigenvalues_.shape == (13,)
    assert_allclose(found.eigenvalues_[0], 1.0)
    assert (np.diff(found.eigenvalues_) <= 0.0).all()
    assert found.affinity_.shape == (len(X), len(X))


def test_the_path_in_time_tells_what_features_alone_do_not():
    with_path, alone, shuffled = [], [], []
    for seed in range(4):
        X, truth = windows("ABAB", n_features=12, scatter=2.5, seed=seed)
        order = np.random.default_rng(seed).permutation(len(X))
        with_path.append(adjusted_rand_score(truth, SpectralSegmenter(2).fit_predict(X)))
        alone.append(adjusted_rand_score(truth, SpectralSegmenter(2, temporal=False).fit_predict(X)))
        shuffled.append(adjusted_rand_score(truth[order], SpectralSegmenter(2).fit_predict(X[order])))
    assert np.min(with_path) > 0.9
    assert np.mean(alone) < 0.8
    assert np.mean(shuffled) < 0.8


def test_without_the_path_the_order_of_rows_does_not_matter():
    X, _ = windows(scatter=2.0)
    order = np.random.default_rng(1).permutation(len(X))
    found, moved = (SpectralSegmenter(3, temporal=False).fit(rows) for rows in (X, X[order]))
    assert_allclose(moved.affinity_.toarray(), found.affinity_[order][:, order].toarray())
    assert adjusted_rand_score(found.labels_[order], moved.labels_) == 1.0
    assert abs(SpectralSegmenter(3).fit(X[order]).affinity_ - moved.affinity_).sum() > 1.0


def test_weights_are_scaled_by_half_the_median_distance_at_most():
    X, _ = windows("AAAAB", length=4)  # the cluster B has fewer windows than neighbours
    D = cdist(X, X)
    expected = mutual_knn(D, n_neighbors=8, max_scale=np.median(D[np.triu_indices(len(D), 1)]) / 2.0)
    found = SpectralSegmenter(temporal=False).fit(X)
    assert_allclose(found.affinity_.toarray(), expected.toarray(), rtol=1e-12)
    assert not np.allclose(expected.toarray(), mutual_knn(D, n_neighbors=8).toarray())


@pytest.mark.parametrize("graph", ["knn", "local", "paper"])
def test_the_number_of_clusters_is_read_off_the_eigenvalues(graph):
    X, _ = windows("A", length=40)
    found = SpectralSegmenter(graph=graph).fit(X)
    n_clusters, gap = estimate_n_clusters(found.eigenvalues_, ratio=graph == "knn")
    assert (found.n_clusters_, found.confidence_) == (n_clusters, pytest.approx(gap))
    assert (n_clusters > 1) == (graph == "knn")


def test_windows_that_overlap_are_no_neighbours():
    X, _ = windows()
    found = SpectralSegmenter(3, width=3, n_neighbors=5, temporal=False).fit(X)
    i, j = found.affinity_.nonzero()
    assert len(i)
    assert np.abs(i - j).min() == 3
    assert np.bincount(i).max() <= 5


@pytest.mark.parametrize("assign", ["cluster_qr", "kmeans", "energy"])
@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "cosine"])
def test_distances_are_those_of_scikit_learn(metric, assign):
    X, _ = windows(scatter=3.0)
    found = SpectralSegmenter(3, metric=metric, assign=assign).fit(X)
    given = SpectralSegmenter(3, metric="precomputed", assign=assign).fit(pairwise_distances(X, metric=metric))
    assert_allclose(given.affinity_.toarray(), found.affinity_.toarray(), atol=1e-12)
    assert_array_equal(given.labels_, found.labels_)
    assert_allclose(given.confidence_, found.confidence_)


def test_a_row_of_zeros_has_a_cosine():
    X = np.concatenate([np.zeros((2, 2)), np.eye(2)])
    found = SpectralSegmenter(2, metric="cosine", graph="paper").fit(X)
    far = np.array([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5], [0.5, 0.5, 0, 1], [0.5, 0.5, 1, 0]])
    assert_allclose(found.affinity_, np.exp(-(far**2)) * (1 - np.eye(4)))


def test_directed_distances_are_symmetrised_and_their_diagonal_is_not_looked_at():
    X, _ = windows()
    D = cdist(X, X)
    skew = np.triu(D) * 1.5 + np.tril(D) * 0.5 + np.diag(np.arange(len(X)))
    for assign in ("cluster_qr", "energy"):
        ours, theirs = (SpectralSegmenter(metric="precomputed", assign=assign).fit(S) for S in (skew, D))
        assert_allclose(ours.affinity_.toarray(), theirs.affinity_.toarray())
        assert_array_equal(ours.labels_, theirs.labels_)


@pytest.mark.parametrize("settings", [{}, {"graph": "local"}, {"assign": "energy"}])
@pytest.mark.parametrize("gain", [2.0**-40, 2.0**40])
def test_the_scale_of_features_does_not_matter(settings, gain):
    X, _ = windows(scatter=2.0)
    found, scaled = (SpectralSegmenter(**settings).fit(rows) for rows in (X, gain * X))
    assert_array_equal(found.labels_, scaled.labels_)
    assert_allclose(found.eigenvalues_, scaled.eigenvalues_)


def test_blocks_of_distances_are_the_whole(monkeypatch):
    X, _ = windows(scatter=3.0)
    whole = SpectralSegmenter(3).fit(X)
    monkeypatch.setattr("audiofeat.neighbors.TILE", 7)
    assert_allclose(SpectralSegmenter(3).fit(X).affinity_.toarray(), whole.affinity_.toarray())


def test_by_energy_a_price_on_changes_keeps_sections_whole():
    X, truth = windows("ABAB", scatter=0.1)
    X[[5, 20, 40]] = X[[20, 5, 20]]  # single windows of the other cluster
    free, priced = (SpectralSegmenter(2, assign="energy", penalty=penalty).fit(X) for penalty in (0.0, 4.8))
    assert np.count_nonzero(np.diff(free.labels_)) == 9
    assert_array_equal(priced.labels_, truth)
    theirs = silhouette_score(mutual_proximity(cdist(X, X)), priced.labels_, metric="precomputed")
    assert_allclose(priced.confidence_, theirs)


def test_by_energy_the_price_is_in_distances_within_clusters():
    X, truth = windows("ABAB", scatter=0.1)
    X[[5, 20, 40]] = X[[20, 5, 20]]
    near = mutual_proximity(cdist(X, X))
    within = np.mean([near[i, truth == truth[i]].mean() for i in range(len(X))])
    n_changes = set()
    for penalty in (0.5, 1.0, 2.0, 3.0, 4.0):
        found = SpectralSegmenter(2, assign="energy", penalty=penalty).fit_predict(X)
        assert_array_equal(found, resegment(near, truth, penalty=penalty * within))  # pieces are the sections
        n_changes.add(np.count_nonzero(np.diff(found)))
    assert len(n_changes) > 1


@pytest.mark.parametrize("scatter", [0.0, 1.0])
def test_by_energy_one_sound_is_one_cluster(scatter):
    found = SpectralSegmenter(assign="energy").fit(windows("A", length=60, scatter=scatter)[0])
    assert found.n_clusters_ == 1
    assert 0.0 <= found.confidence_ <= 1.0


@pytest.mark.parametrize("assign", ["cluster_qr", "kmeans", "energy"])
@pytest.mark.parametrize("graph", ["knn", "local", "paper"])
@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_few_or_equal_windows_have_clusters_too(n, graph, assign):
    for X in (np.zeros((n, 2)), np.arange(2.0 * n).reshape(n, 2)):
        estimator = SpectralSegmenter(graph=graph, assign=assign)
        for n_clusters in (None, 1, n):
            found = estimator.set_params(n_clusters=n_clusters).fit(X)
            assert found.n_clusters_ == len(np.unique(found.labels_)) == found.labels_.max() + 1
            assert found.affinity_.shape == (n, n)
        if X.any() and not (graph == "paper" and assign == "kmeans"):
            assert found.n_clusters_ == n


def test_the_stages_of_a_segmentation_can_be_swapped():
    song = synth.ar_regimes("ABAB", sr=8000, segment_duration=6.0, random_state=0)
    found = segment(song.y, song.sr, n_clusters=2, hop_duration=0.5)
    truth = np.array(song.labels)[np.searchsorted(song.intervals[:, 1], found.window_intervals.mean(axis=1))]
    assert found.distance is not None
    for assign in ("cluster_qr", "energy"):
        again = SpectralSegmenter(2, metric="precomputed", assign=assign, spacing=4).fit_predict(found.distance)
        assert adjusted_rand_score(truth, again) > 0.9
    frames = np.lib.stride_tricks.sliding_window_view(song.y, 4000)[::4000]
    S = spectral_error_matrix(frames, order=12, lags=20)
    paper = SpectralSegmenter(2, metric="precomputed", graph="paper", assign="kmeans").fit_predict(S)
    assert adjusted_rand_score(np.repeat(song.labels, 12), paper) == 1.0


def test_a_fitted_clusterer_can_be_kept_and_begun_anew():
    X, _ = windows()
    found = SpectralSegmenter(3, assign="kmeans", random_state=1).fit(X)
    kept = pickle.loads(pickle.dumps(found))
    assert_array_equal(kept.labels_, found.labels_)
    assert abs(kept.affinity_ - found.affinity_).sum() == 0.0
    fresh = clone(found).set_params(n_clusters=2)
    assert not hasattr(fresh, "labels_")
    assert fresh.fit(X.astype(np.float32)).n_clusters_ == 2


@pytest.mark.parametrize(
    ("settings", "X", "message"),
    [
        ({"metric": "minkowski"}, np.eye(3), "metric must be one of cityblock, cosine, euclidean, precomputed, got"),
        ({"graph": "full"}, np.eye(3), "graph must be one of knn, local, paper, got 'full'"),
        ({"assign": "discretize"}, np.eye(3), "assign must be one of cluster_qr, energy, kmeans, got"),
        ({"n_clusters": 4}, np.eye(3), r"n_clusters must be in \[1, 3\], got 4"),
        ({"n_clusters": 0, "assign": "energy"}, np.eye(3), r"n_clusters must be in \[1, 3\], got 0"),
        ({"n_neighbors": 0}, np.eye(3), "n_neighbors must be >= 1, got 0"),
        ({"width": 0}, np.eye(3), "width must be >= 1, got 0"),
        ({"max_clusters": 0}, np.eye(3), "max_clusters must be >= 1, got 0"),
        ({"assign": "energy", "reach": 1}, np.eye(3), "reach must be >= 2, got 1"),
        ({"assign": "energy", "spacing": 0}, np.eye(3), "spacing must be >= 1, got 0"),
        ({"assign": "energy", "penalty": -1.0}, np.eye(3), "penalty must be >= 0, got -1.0"),
        ({"metric": "precomputed"}, np.eye(3)[:2], r"X must be square with metric='precomputed', got shape \(2, 3\)"),
        ({"metric": "precomputed"}, -np.eye(3), "Negative values in data"),
        ({}, np.full((3, 2), 1e200), r"X must be within 1e\+150, got 1e\+200"),
    ],
)
def test_what_is_wrong_is_named(settings, X, message):
    with pytest.raises(ValueError, match=message):
        SpectralSegmenter(**settings).fit(X)
