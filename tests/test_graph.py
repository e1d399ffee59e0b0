"""Graphs of windows against loops over the definitions, librosa's neighbours and SciPy's Laplacian."""

import math
import statistics
from unittest.mock import patch

import numpy as np
import pytest
import scipy.ndimage
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse.csgraph import laplacian as scipy_laplacian

from audiofeat import (
    affinity,
    mutual_knn,
    nearest_neighbors,
    neighbors,
    normalized_laplacian,
    symmetrize,
    temporal_path,
    timelag_median,
)
from audiofeat.neighbors import Neighbors

INF = math.inf
FEW = st.sampled_from([0.0, 1.0, 2.0, 3.0, INF])  # many ties
ANY = st.one_of(FEW, st.floats(1e-6, 1e6), st.floats(1e-100, 1e100))


def square(entries, max_vertices=9):
    return st.integers(1, max_vertices).flatmap(lambda n: arrays(np.float64, (n, n), elements=entries))


def symmetric(entries, max_vertices=9):
    return square(entries, max_vertices).map(lambda S: np.triu(S) + np.triu(S, 1).T)


def gaussian(distance, left, right):
    """The weight of one edge, with the rules for zero and infinite distances and for a width of 0."""
    if distance == 0.0:
        return 1.0
    if distance == INF or left == 0.0 or right == 0.0:
        return 0.0
    return math.exp(-(float(distance) / float(left)) * (float(distance) / float(right)))


# --- symmetrize


@given(S=square(st.one_of(ANY, st.floats(1e-300, 1.7e308))))
def test_the_symmetric_matrix_holds_the_means_of_both_directions(S):
    before = S.copy()
    S.flags.writeable = False
    found = symmetrize(S)
    assert_array_equal(S, before)
    assert_array_equal(found, found.T)
    wide = S.astype(np.longdouble)
    assert_allclose(found, ((wide + wide.T) / 2).astype(np.float64), rtol=1e-15)


@pytest.mark.parametrize("function", [symmetrize, affinity, lambda S: mutual_knn(S, n_neighbors=1)])
@pytest.mark.parametrize(
    ("distance", "message"),
    [
        (np.zeros((2, 3)), r"distance must be square, got shape \(2, 3\)"),
        (np.zeros(4), r"distance must be square, got shape \(4,\)"),
        (np.zeros((0, 0)), r"distance must be square, got shape \(0, 0\)"),
        ([[0.0, math.nan], [1.0, 0.0]], "distance must not hold NaN, got 1 of them"),
        ([[0.0, -0.5], [-0.5, 0.0]], r"distance must be 0 or more, got -0\.5"),
        ([[0.0, INF], [-INF, 0.0]], "distance must be 0 or more, got -inf"),
    ],
)
def test_what_is_no_distance_matrix_is_refused(function, distance, message):
    with pytest.raises(ValueError, match=message):
        function(distance)


# --- affinity


@pytest.mark.parametrize(
    ("distance", "weight"),
    [
        (0.0, 1.0),
        (0.5, 0.7788007830714049),
        (1.0, 0.36787944117144233),
        (6.0, 2.319522830243569e-16),
        (26.0, 2.6117417612840555e-294),
        (28.0, 0.0),  # underflow
        (1e200, 0.0),
        (INF, 0.0),
    ],
)
def test_the_paper_kernel_is_a_gaussian_of_width_one(distance, weight):
    found = affinity([[3.0, distance], [distance, 3.0]])  # the diagonal is not looked at
    assert_allclose(found, [[0.0, weight], [weight, 0.0]], rtol=1e-14)


def slow_affinity(S, scale, n_neighbors):
    n = len(S)
    off = [[S[i, j] for j in range(n) if j != i] for i in range(n)]
    if scale == "median":
        finite = [d for row in off for d in row if d < INF]
        widths = [statistics.median(finite) if finite else 1.0] * n
    elif scale == "local":
        widths = [max((d for d in sorted(row)[:n_neighbors] if d < INF), default=0.0) for row in off]
    else:
        widths = [scale] * n
    return [[gaussian(S[i, j], widths[i], widths[j]) if i != j else 0.0 for j in range(n)] for i in range(n)]


@given(
    S=symmetric(ANY),
    scale=st.sampled_from([0.01, 1.0, 2.5, "median", "local"]),
    n_neighbors=st.integers(1, 10),
)
def test_affinity_is_its_loop_over_pairs(S, scale, n_neighbors):
    before = S.copy()
    found = affinity(S, scale=scale, n_neighbors=n_neighbors)
    assert_array_equal(S, before)
    assert_allclose(found, slow_affinity(S, scale, n_neighbors), rtol=1e-12, atol=1e-300)
    assert_array_equal(found, found.T)
    assert not found.diagonal().any()
    assert 0.0 <= found.min() <= found.max() <= 1.0


def test_a_width_is_zero_infinite_or_far_from_the_other():
    # vertex 3 has a finite distance to vertex 2 alone, and vertices 0, 1 and 2 are one: 0 in 0/0, inf/inf, inf * 0
    S = np.full((5, 5), 3.0)
    S[:3, :3] = 0.0
    S[3, [0, 1, 4]] = S[[0, 1, 4], 3] = INF
    expected = np.zeros((5, 5))
    expected[:3, :3] = 1.0 - np.eye(3)
    assert_array_equal(affinity(S, scale="local", n_neighbors=2), expected)
    S = np.full((5, 5), 1e308)
    S[:3, :3] = 0.0
    S[0, 3] = S[3, 0] = 1e-20
    expected[3, 4] = expected[4, 3] = math.exp(-1)
    assert_allclose(affinity(S, scale="local", n_neighbors=2), expected, rtol=1e-15)


def test_the_last_neighbor_at_a_finite_distance_is_the_width():
    S = [[0.0, 1.0, INF], [1.0, 0.0, 2.0], [INF, 2.0, 0.0]]  # widths 1, 2 and 2
    expected = [[0.0, math.exp(-1 / 2), 0.0], [math.exp(-1 / 2), 0.0, math.exp(-1)], [0.0, math.exp(-1), 0.0]]
    assert_allclose(affinity(S, scale="local"), expected, rtol=1e-15)


@given(S=symmetric(st.floats(1e-3, 1e3)), scale=st.sampled_from(["median", "local"]), power=st.integers(-200, 200))
def test_relative_scales_do_not_see_the_unit(S, scale, power):
    assert_array_equal(affinity(S * 2.0**power, scale=scale), affinity(S, scale=scale))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"scale": "mean"}, ValueError, "scale must be one of local, median, got 'mean'"),
        ({"scale": 0.0}, ValueError, r"scale must be > 0, got 0\.0"),
        ({"scale": None}, TypeError, "scale must be a number"),
        ({"n_neighbors": 0}, ValueError, "n_neighbors must be >= 1, got 0"),
    ],
)
def test_affinity_names_the_option_that_is_wrong(options, error, message):
    with pytest.raises(error, match=message):
        affinity(np.zeros((2, 2)), **options)


# --- nearest_neighbors


def slow_neighbors(S, n_neighbors, width):
    """For every vertex its list of neighbours, sorted by distance, then by distance in time, then by time."""
    n = len(S)
    candidates = [[j for j in range(n) if abs(i - j) >= width and S[i, j] < INF] for i in range(n)]
    return [sorted(row, key=lambda j: (S[i, j], abs(i - j), j))[:n_neighbors] for i, row in enumerate(candidates)]


@given(
    S=symmetric(FEW, max_vertices=14),
    n_neighbors=st.integers(1, 16),
    width=st.integers(1, 5),
    size=st.integers(1, 15),
)
def test_neighbors_from_blocks_are_those_of_the_sorted_matrix(S, n_neighbors, width, size):
    asked = np.zeros(S.shape, dtype=int)

    def tile(rows, columns):
        assert max(rows.stop - rows.start, columns.stop - columns.start) <= size
        asked[rows, columns] += 1
        return S[rows, columns]

    with patch.object(neighbors, "TILE", size):
        found = nearest_neighbors(tile, len(S), n_neighbors=n_neighbors, width=width)
    assert found.indices.shape == found.distances.shape == (len(S), min(n_neighbors, len(S)))
    expected = slow_neighbors(S, n_neighbors, width)
    assert [[j for j in row if j >= 0] for row in found.indices.tolist()] == expected
    for i, row in enumerate(expected):
        assert_array_equal(found.distances[i, : len(row)], S[i, row])
        assert_array_equal(found.distances[i, len(row) :], INF)
        assert_array_equal(found.indices[i, len(row) :], -1)
    assert (asked <= 1).all()  # no block twice, and one of two that mirror each other
    assert ((asked + asked.T) >= 1).all()


def test_many_vertices_in_few_blocks_match_a_dense_sort():
    x = np.random.default_rng(0).normal(size=(2500, 3))
    S = np.sqrt(((x[:, None] - x) ** 2).sum(axis=-1))
    found = nearest_neighbors(lambda i, j: S[i, j], len(S), n_neighbors=9)
    np.fill_diagonal(S, INF)
    assert_array_equal(found.indices, np.argsort(S, axis=1)[:, :9])
    assert_array_equal(found.distances, np.sort(S, axis=1)[:, :9])


@pytest.mark.parametrize("options", [{"n_neighbors": 0}, {"n_neighbors": 1, "width": 0}])
def test_counts_of_neighbors_are_at_least_one(options):
    with pytest.raises(ValueError, match=f"{list(options)[-1]} must be >= 1, got 0"):
        nearest_neighbors(lambda i, j: np.zeros((3, 3)), 3, **options)
    with pytest.raises(ValueError, match=f"{list(options)[-1]} must be >= 1, got 0"):
        mutual_knn(np.zeros((3, 3)), **options)


# --- mutual_knn


@given(
    S=symmetric(ANY, max_vertices=12),
    n_neighbors=st.integers(1, 13),
    width=st.integers(1, 4),
    mutual=st.booleans(),
)
def test_the_knn_graph_is_its_loop_over_pairs(S, n_neighbors, width, mutual):
    n = len(S)
    near = slow_neighbors(S, n_neighbors, width)
    widths = [S[i, row[-1]] if row else 0.0 for i, row in enumerate(near)]
    expected = np.zeros((n, n))
    for i in range(n):
        for j in near[i]:
            if i in near[j] or not mutual:
                expected[i, j] = expected[j, i] = gaussian(S[i, j], widths[i], widths[j])
    found = mutual_knn(S, n_neighbors=n_neighbors, width=width, mutual=mutual)
    assert isinstance(found, sp.csr_array)
    assert_allclose(found.toarray(), expected, rtol=1e-12, atol=1e-300)
    assert_array_equal(found.toarray(), found.toarray().T)
    if mutual and found.nnz:  # neither end is farther than the last of the other's neighbours
        assert math.exp(-1) * (1 - 1e-15) <= found.data.min()
    more = nearest_neighbors(lambda i, j: S[i, j], n, n_neighbors=n_neighbors + 2, width=width)
    assert_array_equal(mutual_knn(more, n_neighbors=n_neighbors, mutual=mutual).toarray(), found.toarray())


def test_the_scale_has_a_bound():
    S = np.abs(np.subtract.outer([0.0, 0.1, 0.3, 5.0, 5.1], [0.0, 0.1, 0.3, 5.0, 5.1]))
    free, bound = (mutual_knn(S, n_neighbors=4, max_scale=m).toarray() for m in (None, 0.5))
    scale = S.max(axis=1)
    assert_allclose(free, np.exp(-(S**2) / np.outer(scale, scale)) - np.eye(5), atol=1e-15)
    assert_allclose(bound, np.exp(-(S**2) / 0.25) - np.eye(5), atol=1e-15)
    assert_allclose(mutual_knn(S, n_neighbors=1, max_scale=9.0).toarray(), mutual_knn(S, n_neighbors=1).toarray())
    with pytest.raises(ValueError, match="max_scale must be > 0, got 0"):
        mutual_knn(S, n_neighbors=1, max_scale=0)


@pytest.mark.parametrize(("n_neighbors", "width"), [(1, 1), (5, 1), (5, 4), (12, 2)])
def test_librosa_links_the_same_frames(n_neighbors, width):
    import librosa

    x = np.random.default_rng(n_neighbors).normal(size=(80, 4)).cumsum(axis=0)
    S = np.sqrt(((x[:, None] - x) ** 2).sum(axis=-1))
    theirs = librosa.segment.recurrence_matrix(x.T, k=n_neighbors, width=width, sym=True, sparse=True, mode="distance")
    ours = mutual_knn(S, n_neighbors=n_neighbors, width=width)
    assert_array_equal(ours.toarray() > 0.0, theirs.toarray() > 0.0)


def test_vertices_that_are_one_are_linked_along_time():
    expected = np.eye(6, k=1) + np.eye(6, k=-1)
    assert_array_equal(mutual_knn(np.zeros((6, 6)), n_neighbors=2).toarray(), expected)


def test_a_vertex_alone_has_no_neighbor():
    assert mutual_knn([[0.0]], n_neighbors=3).nnz == 0
    lonely = Neighbors(np.full((2, 1), -1), np.full((2, 1), INF))
    assert mutual_knn(lonely, n_neighbors=1).nnz == 0


# --- temporal_path


@given(
    R=symmetric(st.sampled_from([0.0, 0.0, 0.4, 1.0])),
    data=st.data(),
)
def test_the_path_is_blended_so_that_a_walk_is_torn_least(R, data):
    """`balance` is the least-squares answer to ``balance * degrees of R == (1 - balance) * degrees of P``."""
    np.fill_diagonal(R, 0.0)
    steps = data.draw(arrays(np.float64, len(R) - 1, elements=st.one_of(FEW, st.floats(1e-3, 1e3))))
    finite = [d for d in steps if d < INF]
    sigma = statistics.median(finite) if finite else 1.0
    P = np.zeros_like(R)
    for i, d in enumerate(steps):
        P[i, i + 1] = P[i + 1, i] = gaussian(d, sigma, sigma)
    to_path, to_graph = P.sum(axis=1), R.sum(axis=1)
    if R.any() and P.any():
        balance = np.linalg.lstsq((to_path + to_graph)[:, None], to_path)[0].item()
    else:
        balance = float(R.any())
    found = temporal_path(steps, graph=sp.csr_array(R))
    assert isinstance(found, sp.csr_array)
    assert_allclose(found.toarray(), balance * R + (1.0 - balance) * P, atol=1e-14)
    assert_array_equal(found.toarray(), found.toarray().T)


@pytest.mark.parametrize(
    ("steps", "links"),
    [([0.0, 0.0, 0.0], [1.0, 1.0, 1.0]), ([INF, 2.0, INF], [0.0, math.exp(-1), 0.0]), ([INF] * 3, [0.0] * 3)],
)
def test_a_path_alone_keeps_its_links(steps, links):
    found = temporal_path(steps, graph=sp.csr_array((4, 4)))
    assert_allclose(found.toarray(), np.diag(links, 1) + np.diag(links, -1), rtol=1e-15)


def test_a_graph_without_a_path_keeps_its_weights():
    R = np.array([[0.0, 0.0, 0.3], [0.0, 0.0, 0.0], [0.3, 0.0, 0.0]])
    assert_array_equal(temporal_path([INF, INF], graph=sp.csr_array(R)).toarray(), R)


@pytest.mark.parametrize("steps", [[1.0], [1.0, 1.0, 1.0], [[1.0, 1.0]], [1.0, math.nan], [1.0, -2.0]])
def test_steps_that_do_not_fit_are_refused(steps):
    with pytest.raises(ValueError, match="steps must be 2 numbers of 0 or more, got shape"):
        temporal_path(steps, graph=sp.csr_array((3, 3)))


# --- normalized_laplacian


@st.composite
def components(draw):
    """Weights of a graph in random order, and the number of its connected components."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=5))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    A = np.zeros((sum(sizes), sum(sizes)))
    start = 0
    for size in sizes:
        block = np.triu(rng.uniform(0.1, 1.0, (size, size)) * (rng.random((size, size)) < 0.3), 1)
        for i in range(1, size):  # a tree that joins all
            block[rng.integers(i), i] = 1.0
        A[start : start + size, start : start + size] = block * 10.0 ** draw(st.sampled_from([0, 0, -300, -17, 100]))
        start += size
    order = rng.permutation(len(A))
    return (A + A.T)[np.ix_(order, order)], len(sizes)


@given(graph_and_count=components())
def test_as_many_eigenvalues_are_one_as_there_are_components(graph_and_count):
    A, n_components = graph_and_count
    before = A.copy()
    L = normalized_laplacian(A)
    assert_array_equal(A, before)
    values = np.linalg.eigvalsh(L)
    assert -1.0 - 1e-12 <= values.min() <= values.max() <= 1.0 + 1e-12
    assert np.count_nonzero(values > 1.0 - 1e-9) == n_components
    sparse = normalized_laplacian(sp.coo_array(A))
    assert isinstance(sparse, sp.csr_array)
    assert_allclose(sparse.toarray(), L, rtol=1e-14)
    assert_allclose(L, np.eye(len(A)) - scipy_laplacian(A, normed=True), atol=1e-14)


@given(A=symmetric(st.sampled_from([0.0, 0.25, 1.0, 3.0])), power=st.integers(-200, 200))
def test_the_laplacian_does_not_see_the_unit(A, power):
    assert_array_equal(normalized_laplacian(A * 4.0**power), normalized_laplacian(A))


def test_weights_are_read_whatever_their_container():
    A = [[0, 2, 0, 0], [2, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 0]]  # vertex 2 is joined to itself, vertex 3 to none
    expected = [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    for weights in (A, np.array(A), np.array(A, dtype=np.float32), np.asfortranarray(A)):
        assert_allclose(normalized_laplacian(weights), expected, rtol=1e-15)
    for container in (sp.csr_array, sp.csc_array, sp.coo_array, sp.csr_matrix, sp.lil_array):
        found = normalized_laplacian(container(np.array(A)))
        assert isinstance(found, sp.csr_array)
        assert_allclose(found.toarray(), expected, rtol=1e-15)


@pytest.mark.parametrize("container", [np.array, sp.csr_array])
@pytest.mark.parametrize(
    ("weights", "got"),
    [
        ([[0.0, 1.0, 1.0]], r"square, got shape \(1, 3\)"),
        ([[0.0, -1.0], [-1.0, 0.0]], r"got -1\.0"),
        ([[0.0, math.nan], [math.nan, 0.0]], "(got|hold) [Nn]a[Nn]"),
        ([[0.0, INF], [INF, 0.0]], "got inf"),
        ([[1.7e308, 1.7e308], [1.7e308, 1.7e308]], "got inf"),
    ],
)
def test_weights_without_degrees_are_refused(container, weights, got):
    with pytest.raises(ValueError, match=f"weights must .*{got}"):
        normalized_laplacian(container(weights))


@pytest.mark.parametrize("width", [1, 3, 5, 9])
@pytest.mark.parametrize("n", [1, 2, 9, 30])
def test_the_time_lag_median_is_librosas(n, width):
    import librosa

    rng = np.random.default_rng(n)
    dense = rng.uniform(0.1, 1.0, (n, n)) * (rng.uniform(size=(n, n)) < 0.6)
    dense = np.triu(dense, 1) + np.triu(dense, 1).T
    median = librosa.segment.timelag_filter(scipy.ndimage.median_filter)
    theirs = median(dense, size=(1, width), mode="constant")
    assert_allclose(timelag_median(sp.csr_array(dense), width=width).toarray(), theirs, atol=1e-15)
