"""Clusters of pieces: against slow sums, scipy's Ward, and what must not change them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score, silhouette_score

from audiofeat import agglomerate, mutual_proximity
from audiofeat.agglomeration import silhouette

rows = arrays(np.float64, st.tuples(st.integers(2, 14), st.just(2)), elements=st.integers(-20, 20).map(lambda i: i / 4))


def slow(D, pieces, n_clusters):
    """Merge what costs least by the definition, with all means taken anew."""
    groups = [[i] for i in range(max(pieces) + 1)]

    def windows(group):
        return [i for i, piece in enumerate(pieces) if piece in group]

    def cost(a, b):
        a, b = windows(a), windows(b)
        between = 2 * D[np.ix_(a, b)].mean() - D[np.ix_(a, a)].mean() - D[np.ix_(b, b)].mean()
        return between * len(a) * len(b) / (len(a) + len(b))

    heights = []
    while len(groups) > n_clusters:
        costs = {(i, j): cost(groups[i], groups[j]) for i in range(len(groups)) for j in range(i)}
        i, j = min(costs, key=costs.get)
        heights.append(costs[i, j])
        groups[j] += groups.pop(i)
    labels = [next(g for g, group in enumerate(groups) if piece in group) for piece in range(max(pieces) + 1)]
    return labels, heights


def pieces_of(n, length):
    return np.arange(n) // length


@given(x=rows, length=st.integers(1, 4))
def test_merges_are_those_of_the_definition(x, length):
    D, pieces = cdist(x, x), pieces_of(len(x), length)
    tree = agglomerate(D, pieces)
    assert_allclose(tree.heights, slow(D, pieces, 1)[1], atol=1e-9)
    for k in range(1, pieces.max() + 2):
        assert len(np.unique(tree.labels(k))) == k


def test_squared_distances_give_ward():
    x = np.random.default_rng(0).standard_normal((40, 3))
    tree = agglomerate(cdist(x, x, "sqeuclidean"), np.arange(40))
    theirs = linkage(x, "ward")
    assert_allclose(np.sort(tree.heights), np.sort(theirs[:, 2] ** 2), rtol=1e-9)
    for k in (2, 5, 11):
        assert adjusted_rand_score(tree.labels(k), fcluster(theirs, k, "maxclust")) == 1.0


def test_a_few_odd_windows_are_cheaper_to_merge_than_two_groups():
    x = np.concatenate([np.zeros(30), np.full(30, 3.0), [9.0]])[:, None] + 0.01 * np.arange(61)[:, None] % 0.1
    labels = agglomerate(cdist(x, x), np.arange(61)).labels(2)
    assert adjusted_rand_score(labels[:60], np.repeat([0, 1], 30)) == 1.0


@given(x=rows)
def test_mutual_proximity_is_a_symmetric_share(x):
    near = mutual_proximity(cdist(x, x))
    assert_array_equal(near, near.T)
    assert ((near >= 0.0) & (near <= 1.0)).all()
    assert_array_equal(np.diagonal(near), 0.0)
    assert_allclose(mutual_proximity(1e3 * cdist(x, x)), near, atol=1e-9)


def test_equal_distances_are_as_near_as_each_other():
    near = mutual_proximity(np.ones((4, 4)))
    assert_array_equal(near, 0.75 - 0.75 * np.eye(4))
    assert_array_equal(mutual_proximity(np.zeros((3, 3))), 0.75 - 0.75 * np.eye(3))


def test_a_loose_group_becomes_as_near_as_a_tight_one():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 0.1, (30, 2)), rng.normal(8, 2.0, (30, 2))])
    D = cdist(x, x)
    near = mutual_proximity(D)
    inside = [np.triu_indices(30, 1), tuple(i + 30 for i in np.triu_indices(30, 1))]
    assert np.median(D[inside[1]]) > 10 * np.median(D[inside[0]])
    assert np.median(near[inside[1]]) < 2 * np.median(near[inside[0]])


@given(x=rows, seed=st.integers(0, 9))
def test_the_silhouette_is_scikit_learns(x, seed):
    labels = np.unique(np.random.default_rng(seed).integers(0, 3, len(x)), return_inverse=True)[1]
    D = cdist(x, x)
    if 2 <= labels.max() + 1 <= len(x) - 1:
        assert silhouette(D, labels) == pytest.approx(silhouette_score(D, labels, metric="precomputed"), abs=1e-9)


@pytest.mark.parametrize("pieces", [[0, 0], [0, 2, 2], [-1, 0, 1], [[0, 0, 0]]])
def test_pieces_that_do_not_fit_are_refused(pieces):
    with pytest.raises(ValueError, match="pieces must be 3 numbers from 0 on, each in use, got"):
        agglomerate(np.ones((3, 3)), pieces)


def test_one_piece_has_no_merge():
    tree = agglomerate(np.zeros((3, 3)), [0, 0, 0])
    assert (len(tree.heights), tree.labels(1).tolist(), tree.labels(4).tolist()) == (0, [0], [0])
