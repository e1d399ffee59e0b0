"""Measures of a table equal scikit-learn's of the labels it counts, and hold where those end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn import metrics

from audiofeat import contingency
from audiofeat.contingency import adjusted_rand_index, mutual_information, normalised_entropies, pair_counting


@st.composite
def tables(draw, *, min_labels=1):
    shape = draw(st.tuples(st.integers(min_labels, 5), st.integers(min_labels, 5)))
    size = shape[0] * shape[1]
    counts = draw(st.lists(st.sampled_from([0, 0, 1, 2, 17, 300]), min_size=size, max_size=size))
    table = np.array(counts, dtype=np.float64).reshape(shape)
    table[np.arange(max(shape)) % shape[0], np.arange(max(shape)) % shape[1]] += 1  # no empty label
    table[0, 0] += 1  # two frames at least
    return table


def labels_of(table):
    return np.repeat(np.argwhere(table >= 0), table.ravel().astype(int), axis=0).T


@given(table=tables())
def test_the_measures_are_those_of_scikit_learn(table):
    labels = labels_of(table)
    assert_allclose(adjusted_rand_index(table), metrics.adjusted_rand_score(*labels), atol=1e-12)
    shared, adjusted, normalised = mutual_information(table)
    assert_allclose(shared, metrics.mutual_info_score(*labels), atol=1e-12)
    assert_allclose(adjusted, metrics.adjusted_mutual_info_score(*labels, average_method="max"), atol=1e-9)
    geometric = metrics.normalized_mutual_info_score(*labels, average_method="geometric")
    assert_allclose(normalised, geometric, atol=1e-12)
    assert_allclose(pair_counting(table)[3], metrics.rand_score(*labels), atol=1e-12)


@given(table=tables(min_labels=2))
def test_v_is_scikit_learns_homogeneity_and_completeness(table):
    homogeneity, completeness, v = metrics.homogeneity_completeness_v_measure(*labels_of(table))
    assert_allclose(normalised_entropies(table, marginal=True), (completeness, homogeneity, v), atol=1e-12)


@given(table=tables())
def test_the_other_side_swaps_the_scores_and_the_order_of_labels_nothing(table):
    for measure in (pair_counting, lambda t: normalised_entropies(t, marginal=False)):
        one, other, shuffled = measure(table), measure(table.T), measure(table[::-1, ::-1])
        assert_allclose((one[1], one[0], *one[2:]), other, atol=1e-12)
        assert_allclose(one, shuffled, atol=1e-12)
    assert_allclose(mutual_information(table), mutual_information(table.T), atol=1e-12)


def test_nce_of_known_entropies():
    # half of label A of the reference is x, half y: one bit of one is open; x and y leave nothing open
    table = np.array([[50.0, 50.0, 0.0], [0.0, 0.0, 100.0]])
    over, under, f = normalised_entropies(table, marginal=False)
    assert_allclose((over, under), (1 - 0.5 / np.log2(3), 1.0))
    assert_allclose(f, 2 * over / (over + 1))
    assert_allclose(normalised_entropies(table, marginal=True)[0], 1 - 0.5 / 1.5)


@pytest.mark.parametrize("table", [[[7.0]], [[1.0, 0.0], [0.0, 1.0]], [[3.0, 0.0], [0.0, 4.0]]])
def test_the_same_partition_is_perfect(table):
    table = np.array(table)
    assert adjusted_rand_index(table) == pair_counting(table)[2] == 1.0
    assert mutual_information(table)[1:] == (1.0, 1.0)


def test_blocks_do_not_change_the_expectation(monkeypatch):
    table = np.array([[300.0, 40.0], [7.0, 100.0]])
    whole = mutual_information(table)
    monkeypatch.setattr(contingency, "BLOCK", 7)
    assert_allclose(mutual_information(table), whole, rtol=1e-12)
