"""Spectral clustering against dense eigendecompositions, scikit-learn, planted clusters and odd graphs."""

from unittest.mock import patch

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.metrics import adjusted_rand_score

from audiofeat import (
    assign_clusters,
    estimate_n_clusters,
    leading_eigenvectors,
    mutual_knn,
    normalized_laplacian,
    spectral,
    spectral_partition,
    temporal_path,
)
from audiofeat.spectral import by_first_appearance, connected_components

METHODS = ("cluster_qr", "kmeans")
SMALL = 4  # vertices above which Lanczos iterations are used in the tests that ask for them


@st.composite
def weights(draw, max_vertices=12):
    """Symmetric weights with a zero diagonal: missing edges, ties, and edges that are lost beside others."""
    n = draw(st.integers(1, max_vertices))
    entry = st.sampled_from([0.0, 0.0, 1e-300, 1e-30, 1e-17, 1e-8, 0.5, 1.0, 1.0]) | st.floats(0.0, 1.0)
    A = np.triu(draw(arrays(np.float64, (n, n), elements=entry)), 1)
    return A + A.T


def planted(sizes, seed, between=0.01):
    """Blocks of strong weights with weak ones between them, and the block of every vertex."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    A = np.where(truth[:, None] == truth, rng.uniform(0.5, 1.0, (len(truth),) * 2), between * rng.random())
    A = np.triu(A, 1)
    return A + A.T, by_first_appearance(truth)


def song(n_vertices, n_parts=5, seed=0):
    """A k-NN graph with a temporal path, of parts that recur, as the segmenter makes it."""
    rng = np.random.default_rng(seed)
    part = np.repeat(rng.integers(n_parts, size=-(-n_vertices // 50)), 50)[:n_vertices]
    x = 4.0 * rng.normal(size=(n_parts, 8))[part] + rng.normal(size=(n_vertices, 8))
    energy = (x * x).sum(axis=1)
    S = np.sqrt(np.maximum(energy[:, None] + energy - 2.0 * x @ x.T, 0.0))
    S = (S + S.T) / 2.0
    return temporal_path(np.diagonal(S, 1), graph=mutual_knn(S, n_neighbors=20)), by_first_appearance(part)


def regular(n):
    """Connected graphs whose eigenvalues are all but simple."""
    half, ones, other = n // 2, np.ones((n, n)), 1.0 - np.eye(2)
    return {
        "complete": ones - np.eye(n),
        "cocktail party": np.kron(np.ones((2, 2)), np.ones((half, half)) - np.eye(half)),
        "bipartite": np.kron(other, np.ones((half, half))),
        "ring": np.roll(np.eye(n), 1, axis=0) + np.roll(np.eye(n), -1, axis=0),
    }


# --- leading_eigenvectors


@given(A=weights(), data=st.data(), dense=st.sampled_from([SMALL, 2000]), sparse=st.booleans())
def test_eigenvectors_are_orthonormal_solve_the_equation_and_point_up(A, data, dense, sparse):
    n_vectors = data.draw(st.integers(1, len(A)))
    L = normalized_laplacian(sp.csr_array(A) if sparse else A)
    with patch.object(spectral, "DENSE", dense):
        values, vectors = leading_eigenvectors(L, n_vectors)
    L = L.toarray() if sparse else L
    assert_allclose(values, np.linalg.eigvalsh(L)[::-1][:n_vectors], atol=1e-9)
    assert (np.diff(values) <= 0.0).all()
    assert values.max() <= 1.0
    assert_allclose(vectors.T @ vectors, np.eye(n_vectors), atol=1e-9)
    assert_allclose(L @ vectors, vectors * values, atol=1e-8)
    assert (vectors[np.abs(vectors).argmax(axis=0), np.arange(n_vectors)] > 0.0).all()


@pytest.mark.parametrize("name", regular(2))
@pytest.mark.parametrize("container", [np.array, sp.csr_array])
def test_lanczos_finds_repeated_eigenvalues_always_the_same(name, container):
    L = normalized_laplacian(container(regular(120)[name]))
    found = []
    with patch.object(spectral, "DENSE", SMALL):
        for seed in (0, 0, 1, 2):
            np.random.seed(seed)  # noqa: NPY002
            state = np.random.get_state()[1].copy()  # noqa: NPY002
            found.append(leading_eigenvectors(L, 5))
            assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    values, vectors = found[0]
    for again in found[1:]:
        assert_array_equal(again[0], values)
        assert_array_equal(again[1], vectors)
    whole = L if isinstance(L, np.ndarray) else L.toarray()
    assert_allclose(values, np.linalg.eigvalsh(whole)[::-1][:5], atol=1e-9)
    assert_allclose(vectors.T @ vectors, np.eye(5), atol=1e-9)


def test_dense_and_lanczos_agree_on_a_long_song():
    W, _ = song(2400)
    L = normalized_laplacian(W)
    with patch.object(spectral.scipy.linalg, "eigh", side_effect=AssertionError):
        values, vectors = leading_eigenvectors(L, 6)
    with patch.object(spectral, "DENSE", 2400):
        expected, theirs = leading_eigenvectors(L, 6)
    assert connected_components(L).max() == 0
    assert_allclose(values, expected, atol=1e-9)
    assert_allclose(np.abs((vectors * theirs).sum(axis=0)), 1.0, atol=1e-6)
    assert_allclose(vectors, theirs, atol=1e-5)  # the signs too


def test_equal_eigenvalues_belong_to_components_in_their_order():
    A, _ = planted([5, 7, 9], seed=0, between=0.0)
    component = connected_components(normalized_laplacian(A))
    values, vectors = leading_eigenvectors(normalized_laplacian(A), 4)
    assert_allclose(values[:3], 1.0, rtol=1e-14)
    assert values[3] < 0.9
    expected = (component[:, None] == np.arange(3)) * np.sqrt(A.sum(axis=1))[:, None]  # the known eigenvectors
    assert_allclose(vectors[:, :3], expected / np.linalg.norm(expected, axis=0), atol=1e-12)
    assert_array_equal(vectors[:, :3] != 0.0, component[:, None] == np.arange(3))


@pytest.mark.parametrize("n_vectors", [0, 4])
def test_there_are_no_more_eigenvectors_than_vertices(n_vectors):
    with pytest.raises(ValueError, match=rf"n_vectors must be in \[1, 3\], got {n_vectors}"):
        leading_eigenvectors(np.eye(3), n_vectors)


def test_a_laplacian_is_read_only():
    L = normalized_laplacian(np.where(np.eye(6, k=1) + np.eye(6, k=-1) > 0.0, 0.5, 1e-18) * (1.0 - np.eye(6)))
    sparse = sp.csr_array(L)
    before = sparse.copy()
    L.flags.writeable = sparse.data.flags.writeable = False
    for matrix in (L, sparse):
        assert leading_eigenvectors(matrix, 2)[1].shape == (6, 2)
    assert_array_equal(sparse.indices, before.indices)
    assert_array_equal(sparse.indptr, before.indptr)
    assert_array_equal(sparse.data, before.data)


@pytest.mark.parametrize("container", [np.array, sp.csr_array])
@pytest.mark.parametrize(("weight", "n_components"), [(0.0, 2), (2.2e-16, 2), (2.3e-16, 1), (1.0, 1)])
def test_an_edge_lost_in_rounding_does_not_connect(container, weight, n_components):
    L = container([[0.0, weight, 1.0], [weight, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert_array_equal(connected_components(L), [0, 1, 0] if n_components == 2 else [0, 0, 0])


@given(labels=st.lists(st.integers(-2, 5), min_size=1))
def test_labels_are_named_by_first_appearance(labels):
    found = by_first_appearance(np.array(labels))
    names = list(dict.fromkeys(labels))
    assert found.tolist() == [names.index(label) for label in labels]


# --- estimate_n_clusters


@given(data=st.data())
def test_the_number_of_clusters_is_that_before_the_gap(data):
    near = data.draw(st.lists(st.floats(0.9, 1.0), min_size=1, max_size=8))
    far = data.draw(st.lists(st.floats(-1.0, 0.3), min_size=1, max_size=1))
    rest = data.draw(st.lists(st.floats(far[0] - 0.5, far[0]), max_size=4))
    values = sorted(near + far + rest, reverse=True)
    n_clusters, confidence = estimate_n_clusters(values)
    assert n_clusters == len(near)
    assert_allclose(confidence, min(min(near) - far[0], 1.0), atol=1e-9)


@pytest.mark.parametrize(
    ("eigenvalues", "ratio", "n_clusters", "confidence"),
    [
        ([0.7], False, 1, 1.0),
        ([0.7], True, 1, 1.0),
        ([1.0, 0.4], True, 1, 0.6),  # no second ratio
        ([1.0, 0.3, 0.2], False, 1, 0.7),
        ([1.0, 0.3, 0.2], True, 2, 0.1),  # two at least
        ([1.0, 0.999, 0.998, 0.9, 0.6], False, 4, 0.3),
        ([1.0, 0.999, 0.998, 0.9, 0.6], True, 3, 0.098),
        ([1.0, 1.0, 1.0 - 1e-5, 0.95, 0.9], True, 3, 0.04999),  # 1e-5 is no distance
        ([1.0, 0.8, 0.6, 0.5], False, 1, 0.2),  # of equal gaps the first
        ([1.0, 1.0, 1.0 - 1e-15, 1.0 - 1e-15, 1.0 - 3e-15], False, 1, 0.0),  # rounding is no gap
        ([1.0, 1.0, 1.0 - 1e-12, 1.0 - 4e-12], True, 2, 0.0),
        ([1.0, -0.5], False, 1, 1.0),
    ],
)
def test_estimates(eigenvalues, ratio, n_clusters, confidence):
    found = estimate_n_clusters(eigenvalues, ratio=ratio)
    assert found == (n_clusters, pytest.approx(confidence, abs=1e-9))
    assert [type(value) for value in found] == [int, float]


@pytest.mark.parametrize("eigenvalues", [[], [[1.0, 0.5]], 1.0])
def test_eigenvalues_are_a_list(eigenvalues):
    with pytest.raises(ValueError, match="eigenvalues must be one-dimensional and not empty, got shape"):
        estimate_n_clusters(eigenvalues)


# --- assign_clusters


def basis(rng, n, k):
    """Random orthonormal columns."""
    return np.linalg.qr(rng.normal(size=(n, k)))[0]


@pytest.mark.parametrize("method", METHODS)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=7), seed=st.integers(0, 1 << 32))
def test_rows_that_point_in_k_directions_are_k_clusters(method, sizes, seed):
    rng = np.random.default_rng(seed)
    k, truth = len(sizes), rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    rows = np.eye(k)[truth] * rng.uniform(0.1, 1.0, (len(truth), 1)) + 1e-3 * rng.normal(size=(len(truth), k))
    assert_array_equal(assign_clusters(rows @ basis(rng, k, k), method=method), by_first_appearance(truth))


@given(n=st.integers(1, 40), data=st.data(), seed=st.integers(0, 1 << 32))
def test_pivoted_qr_sees_the_space_and_not_its_basis(n, data, seed):
    rng = np.random.default_rng(seed)
    k = data.draw(st.integers(1, n))
    U = basis(rng, n, k)
    labels = assign_clusters(U)
    assert_array_equal(np.unique(labels), np.arange(k))
    assert_array_equal(assign_clusters(U @ basis(rng, k, k)), labels)
    order = rng.permutation(n)
    assert_array_equal(assign_clusters(U[order]), by_first_appearance(labels[order]))


@given(n=st.integers(1, 30), data=st.data(), seed=st.integers(0, 1 << 32))
def test_pivoted_qr_is_the_rotation_nearest_to_the_most_independent_rows(n, data, seed):
    rng = np.random.default_rng(seed)
    k = data.draw(st.integers(1, n))
    U = basis(rng, n, k)
    left, pivots = U.copy(), []
    for _ in range(k):  # the row that is farthest from the span of those before
        pivots.append(int((left * left).sum(axis=1).argmax()))
        direction = left[pivots[-1]] / np.linalg.norm(left[pivots[-1]])
        left -= np.outer(left @ direction, direction)
    rotation, _ = scipy.linalg.polar(U[pivots].T)
    assert_array_equal(assign_clusters(U), by_first_appearance(np.abs(U @ rotation).argmax(axis=1)))


@pytest.mark.parametrize("seed", range(5))
def test_kmeans_is_that_of_scikit_learn_with_ten_restarts(seed):
    U = basis(np.random.default_rng(seed), 80, 7)
    expected = KMeans(7, n_init=10, random_state=seed).fit_predict(U / np.linalg.norm(U, axis=1, keepdims=True))
    assert_array_equal(assign_clusters(U, method="kmeans", random_state=seed), by_first_appearance(expected))


def test_columns_that_depend_on_one_another():
    same = np.ones((5, 3))
    assert len(np.unique(assign_clusters(same))) == 3  # each pivot is a cluster
    assert_array_equal(assign_clusters(same, method="kmeans"), np.zeros(5))
    rows = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0], [0.0, 1.0]])
    assert_array_equal(assign_clusters(rows), [0, 1, 1, 1])  # what has no direction goes with the longest
    assert_array_equal(assign_clusters(rows[[0, 2, 3]] * [[9.0], [0.1], [9.0]], method="kmeans"), [0, 1, 1])


def test_kmeans_takes_a_seed_and_leaves_the_global_one():
    U = basis(np.random.default_rng(0), 60, 6)
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    runs = [assign_clusters(U, method="kmeans", random_state=seed) for seed in (0, 0, 1, np.random.RandomState(1))]
    assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert_array_equal(runs[0], runs[1])
    assert_array_equal(runs[2], runs[3])
    assert not np.array_equal(runs[0], runs[2])


@pytest.mark.parametrize(
    ("eigenvectors", "method", "message"),
    [
        (np.eye(3), "discretize", "method must be one of cluster_qr, kmeans, got 'discretize'"),
        (np.ones((2, 3)), "cluster_qr", r"the number of eigenvectors must be in \[1, 2\], got 3"),
        (np.ones((2, 0)), "kmeans", r"the number of eigenvectors must be in \[1, 2\], got 0"),
        (np.ones(3), "cluster_qr", r"eigenvectors must have 2 dimensions, got shape \(3,\)"),
    ],
)
def test_assignment_names_what_is_wrong(eigenvectors, method, message):
    with pytest.raises(ValueError, match=message):
        assign_clusters(eigenvectors, method=method)


# --- spectral_partition


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("k", range(2, 7))
def test_planted_clusters_are_found(k, method):
    for seed in range(5):
        sizes = np.random.default_rng(seed).integers(5, 15, k)
        A, truth = planted(sizes, seed)
        found = spectral_partition(A, n_clusters=k, method=method)
        assert_array_equal(found.labels, truth)
        estimated = spectral_partition(sp.csr_array(A), method=method)
        assert_array_equal(estimated.labels, truth)
        expected = np.linalg.eigvalsh(normalized_laplacian(A))[::-1]
        assert_allclose(found.eigenvalues, expected[:13], atol=1e-12)
        assert_allclose(found.confidence, expected[k - 1] - expected[k], atol=1e-12)
        assert found.confidence > 0.5
        assert found.n_components == 1
        theirs = SpectralClustering(k, affinity="precomputed", assign_labels=method, random_state=0).fit_predict(A)
        assert adjusted_rand_score(theirs, found.labels) == 1.0


@pytest.mark.parametrize("n_vertices", [500, 2500])
def test_parts_of_a_song_are_found_again(n_vertices):
    W, truth = song(n_vertices)
    found = spectral_partition(W, ratio=True)
    assert found.labels.max() == truth.max()
    assert adjusted_rand_score(truth, found.labels) > 0.98
    assert_array_equal(spectral_partition(W, n_clusters=5).labels, found.labels)


@pytest.mark.parametrize("container", [np.array, sp.csr_array])
@pytest.mark.parametrize("method", METHODS)
@given(A=weights(), data=st.data())
def test_there_are_exactly_as_many_clusters_as_asked(container, method, A, data):
    n_clusters = data.draw(st.integers(1, len(A)))
    found = spectral_partition(container(A), n_clusters=n_clusters, max_clusters=3, method=method)
    assert_array_equal(np.unique(found.labels), np.arange(n_clusters))
    assert_array_equal(found.labels, by_first_appearance(found.labels))
    assert len(found.eigenvalues) == min(max(n_clusters, 3) + 1, len(A))
    assert np.abs(found.eigenvalues).max() <= 1.0 + 1e-12
    assert (np.diff(found.eigenvalues) <= 0.0).all()
    assert 0.0 <= found.confidence <= 1.0
    assert 1 <= found.n_components <= len(A)


@given(A=weights(), max_clusters=st.integers(1, 5), ratio=st.booleans())
def test_an_estimate_is_at_most_what_is_allowed(A, max_clusters, ratio):
    labels = spectral_partition(A, max_clusters=max_clusters, ratio=ratio).labels
    assert_array_equal(np.unique(labels), np.arange(labels.max() + 1))
    assert labels.max() < min(max_clusters, len(A))


def blocks(*sizes):
    """Complete graphs side by side; a block of one is an isolated vertex."""
    number = np.repeat(np.arange(len(sizes)), sizes)
    return (number[:, None] == number) - np.eye(len(number))


@pytest.mark.parametrize(
    ("sizes", "n_clusters", "labels"),
    [
        # isolated vertices join the nearest in time, the earlier of two
        ([3, 1, 1, 3], 2, "0000 1111"),
        ([3, 1, 3], 2, "0000 111"),
        ([1, 1, 2, 1, 1, 1, 2, 1], 2, "000000 1111"),
        ([1, 4], 1, "00000"),
        ([2, 1, 1, 1], 2, "01111"),
        # more components than clusters: the largest are the clusters, the earlier of two, the others join
        ([4, 2, 3], 2, "0000 01 111"),
        ([2, 3, 1, 2], 1, "00000000"),
        ([2, 2, 3, 2], 2, "00 01 111 11"),
        ([2] * 5, 2, "00 11 11 11 11"),
        # fewer connected vertices than clusters: even shares
        ([2, 1, 1, 1, 1], 3, "001122"),
        ([1] * 7, 3, "0001122"),
        ([1] * 4, 4, "0123"),
        ([2, 1], 3, "012"),
        # nothing to decide
        ([1], 1, "0"),
        ([5], 1, "00000"),
        ([5], 5, "01234"),
        # estimated
        ([1], None, "0"),
        ([1] * 5, None, "00000"),
        ([6], None, "000000"),
        ([2, 2, 2], None, "001122"),
        ([3, 1, 3], None, "0000111"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("container", [np.array, sp.csr_array])
def test_degenerate_graphs(sizes, n_clusters, labels, method, container):
    found = spectral_partition(container(blocks(*sizes)), n_clusters=n_clusters, method=method)
    assert found.labels.tolist() == [int(label) for label in labels.replace(" ", "")]
    assert found.n_components == len(sizes)
    expected = np.linalg.eigvalsh(normalized_laplacian(blocks(*sizes)))[::-1]
    assert_allclose(found.eigenvalues, expected[:13], atol=1e-12)


@pytest.mark.parametrize("ratio", [False, True])
@pytest.mark.parametrize(("n_components", "max_clusters"), [(11, 12), (12, 12), (13, 12), (40, 12), (5, 3), (2, 1)])
def test_components_are_counted_up_to_the_largest_number(n_components, max_clusters, ratio):
    found = spectral_partition(blocks(*[3] * n_components), max_clusters=max_clusters, ratio=ratio)
    assert found.labels.max() + 1 == min(n_components, max_clusters)
    assert found.n_components == n_components


@pytest.mark.parametrize("k", range(1, 13))
def test_equal_weights_can_be_cut_into_any_number(k):
    found = spectral_partition(np.ones((12, 12)) - np.eye(12), n_clusters=k)
    assert found.labels.max() + 1 == k
    assert_allclose(found.eigenvalues, [1.0, *[-1 / 11] * 11], atol=1e-12)


def test_isolated_vertices_do_not_move_the_others():
    A, truth = planted([8, 6, 7], seed=3)
    where = np.sort(np.random.default_rng(0).choice(60, len(A), replace=False))
    B = np.zeros((60, 60))
    B[np.ix_(where, where)] = A
    found = spectral_partition(B)
    assert_array_equal(found.labels[where], truth)
    nearest = [int(np.argmin(np.abs(where - i))) for i in range(60)]
    assert_array_equal(found.labels, truth[nearest])
    assert found.n_components == 40
    assert found.confidence == spectral_partition(A).confidence


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_clusters": 0}, r"n_clusters must be in \[1, 3\], got 0"),
        ({"n_clusters": 4}, r"n_clusters must be in \[1, 3\], got 4"),
        ({"max_clusters": 0}, "max_clusters must be >= 1, got 0"),
        ({"method": "Kmeans"}, "method must be one of cluster_qr, kmeans, got 'Kmeans'"),
    ],
)
def test_partition_names_the_option_that_is_wrong(options, message):
    with pytest.raises(ValueError, match=message):
        spectral_partition(np.zeros((3, 3)), **options)
