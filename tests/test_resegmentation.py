"""Changes, labels that hold in time, and splits: against slow search, and by what is known of the answer."""

from itertools import product
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import find_peaks
from scipy.spatial.distance import cdist

from audiofeat import change_points, novelty, resegment
from audiofeat.changes import novelty_of
from audiofeat.resegmentation import _cheapest, best_split, price

values = arrays(np.float64, st.integers(1, 12), elements=st.integers(-20, 20).map(lambda i: i / 4))


def gaps(x):
    return np.abs(x[:, None] - x)


@given(x=values, reach=st.integers(1, 6), gap=st.integers(0, 2))
def test_novelty_is_the_energy_distance(x, reach, gap):
    curve = novelty(gaps(x), reach=reach, gap=gap)
    for t in range(len(x) + 1):
        left, right = x[max(0, t - gap - reach) : max(t - gap, 0)], x[t + gap : t + gap + reach]
        expected = 0.0
        if min(len(left), len(right)) >= max(2, reach // 4):
            d = [np.abs(a[:, None] - b).mean() for a, b in ((left, right), (left, left), (right, right))]
            expected = 2 * d[0] - d[1] - d[2]
        assert_allclose(curve[t], expected, atol=1e-9)


@given(x=values, reach=st.integers(1, 6), gap=st.integers(0, 2), places=st.integers(1, 5))
def test_novelty_in_blocks_is_that_of_the_whole(x, reach, gap, places):
    D = gaps(x)
    asked = []

    def tile(i, j):
        asked.append(i.stop - i.start)
        return D[i, j]

    with patch("audiofeat.changes.PLACES", places):
        found = novelty_of(tile, len(x), reach=reach, gap=gap)
    assert_allclose(found, novelty(D, reach=reach, gap=gap), atol=1e-12)
    assert max(asked) <= places + 2 * (reach + gap)


def test_changes_are_found_where_they_are():
    x = np.repeat([0.0, 5.0, 1.0, 9.0], 10) + 0.1 * np.random.default_rng(0).standard_normal(40)
    curve = novelty(gaps(x), reach=8)
    assert_array_equal(change_points(curve, spacing=7), [10, 20, 30])
    assert_array_equal(change_points(curve, spacing=15), [20])  # the others are near an end
    assert len(change_points(np.zeros(41), spacing=3)) == 0


@given(
    curve=arrays(np.float64, st.integers(1, 60), elements=st.floats(0.0, 1.0), unique=True), spacing=st.integers(1, 9)
)
def test_places_are_spaced_and_the_highest_come_first(curve, spacing):
    places = change_points(curve, spacing=spacing)
    assert (np.diff(places) >= spacing).all()
    assert ((places >= spacing) & (places < len(curve) - spacing)).all()
    theirs = find_peaks(curve[max(0, spacing - 1) : len(curve) - spacing + 1], distance=spacing)[0] + max(
        0, spacing - 1
    )
    assert_array_equal(places, theirs)


@given(x=values, seed=st.integers(0, 9), penalty=st.floats(0.0, 5.0))
def test_the_price_is_the_mean_distance_within_clusters_and_of_changes(x, seed, penalty):
    labels = np.unique(np.random.default_rng(seed).integers(0, 3, len(x)), return_inverse=True)[1]
    expected = sum(gaps(x)[i, labels == labels[i]].mean() for i in range(len(x)))
    expected += penalty * sum(a != b for a, b in zip(labels[1:], labels[:-1], strict=True))
    assert_allclose(price(gaps(x), labels, penalty=penalty), expected, atol=1e-9)


@given(
    cost=arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 3)), elements=st.integers(0, 8)),
    penalty=st.integers(0, 6),
)
def test_the_sequence_is_the_cheapest(cost, penalty):
    def price(labels):
        changes = sum(a != b for a, b in zip(labels[1:], labels[:-1], strict=True))
        return sum(cost[i, c] for i, c in enumerate(labels)) + penalty * changes

    best = min(price(labels) for labels in product(range(cost.shape[1]), repeat=len(cost)))
    assert price(_cheapest(cost, penalty).tolist()) == best


def test_labels_that_stray_are_brought_back():
    x = np.repeat([0.0, 6.0, 0.0], 12) + 0.1 * np.random.default_rng(0).standard_normal(36)
    labels = np.repeat([0, 1, 0], 12)
    noisy = labels.copy()
    noisy[[5, 14, 30]] = 1 - noisy[[5, 14, 30]]
    noisy[10:12] = 1
    assert_array_equal(resegment(gaps(x), noisy, penalty=1.0), labels)
    assert_array_equal(resegment(gaps(x), labels, penalty=1e9), labels)  # no cluster is lost


@pytest.mark.parametrize(("labels", "penalty"), [([0, 2, 2], 1.0), ([0, 1], 1.0), ([-1, 0, 1], 1.0)])
def test_labels_that_do_not_fit_are_refused(labels, penalty):
    with pytest.raises(ValueError, match="labels must be 3 numbers from 0 on, each in use, got"):
        resegment(np.ones((3, 3)), labels, penalty=penalty)
    with pytest.raises(ValueError, match=r"penalty must be >= 0, got -1.0"):
        resegment(np.ones((3, 3)), [0, 0, 1], penalty=-1.0)


@pytest.mark.parametrize("at", [22, 30, 37])
def test_a_split_is_where_the_spectra_change(at):
    frames = np.random.default_rng(0).normal(0, 3, (60, 16))
    frames[at:] += np.linspace(-9, 9, 16)
    assert best_split(frames, 20, 40, context=15, guard=8) == at
    assert best_split(frames[::-1], 20, 40, context=15, guard=8) == 60 - at


def test_a_split_by_too_few_frames_is_the_middle():
    assert best_split(np.zeros((10, 4)), 3, 9, context=2, guard=1) == 6


def test_a_change_of_variance_alone_is_seen():
    rng = np.random.default_rng(0)
    frames = np.concatenate([rng.normal(0, 1, (33, 32)), rng.normal(0, 9, (27, 32))])
    assert best_split(frames, 20, 40, context=15, guard=8) == 33


def test_novelty_of_two_windows_is_nothing():
    assert_array_equal(novelty(cdist([[0.0], [1.0]], [[0.0], [1.0]]), reach=8), np.zeros(3))
