"""Segmentations at several levels: nested, in the order of likeness, and the same from a file."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from audiofeat import segment, segment_hierarchy, synth

SR = 8000
PARTS = [[1.0], [1.0, -0.2], [1.0, 0.0, 0.9], [1.0, 0.0, 0.7]]  # two dark noises, and two with a peak in the middle
RNG = np.random.default_rng(0)
SONG = np.concatenate([synth.ar_noise(PARTS[i], 5 * SR, random_state=RNG) for i in (0, 1, 2, 3, 0, 2)])


mir_eval = pytest.importorskip("mir_eval")


def check_nested(levels):
    for coarse, fine in itertools.pairwise(levels):
        assert coarse.n_clusters < fine.n_clusters
        assert np.isin(coarse.boundary_samples, fine.boundary_samples).all()
        assert len(set(zip(coarse.window_labels, fine.window_labels, strict=True))) == len(set(fine.window_labels))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mir_eval.hierarchy.validate_hier_intervals([level.intervals for level in levels])


def test_what_sounds_most_alike_is_joined_first():
    two, three, four = segment_hierarchy(SONG, SR, levels=(2, 3, 4))
    assert four.labels == ["A", "B", "C", "D", "A", "C"]
    assert three.labels in (["A", "B", "C", "A", "B"], ["A", "B", "C", "A", "C"], ["A", "B", "C", "B", "A", "B"])
    assert two.labels == ["A", "B", "A", "B"]
    assert np.abs(two.boundaries - [0, 10, 20, 25, 30]).max() < 0.6
    check_nested([two, three, four])


def test_the_finest_level_is_that_of_segment():
    levels = segment_hierarchy(SONG, SR, levels=(1, 2, 4))
    expected = segment(SONG, SR, n_clusters=4)
    assert_array_equal(levels[-1].boundary_samples, expected.boundary_samples)
    assert levels[-1].labels == expected.labels
    assert [len(set(level.labels)) for level in levels] == [1, 2, 4]
    assert levels[0].labels == ["A"]
    assert levels[-1].merges.shape == (3, 2)
    assert levels[0].merges.shape == (0, 2)


@given(data=st.data(), n=st.integers(1, 8))
def test_levels_are_nested_whatever_sounds(data, n):
    pieces = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 600)), min_size=1, max_size=8))
    rng = np.random.default_rng(len(pieces))
    make = [np.zeros, rng.standard_normal, np.ones, lambda n: np.sin(0.3 * np.arange(n))]
    y = np.concatenate([make[kind](n) for kind, n in pieces])
    graph = data.draw(st.sampled_from([None, "knn", "paper", "local"]))
    options = {"window_duration": 0.05, "min_duration": 0.0, "min_silence": 0.0, "graph": graph}
    levels = segment_hierarchy(y, 1000, levels=range(1, n + 1), **options)
    check_nested(levels)
    for level in levels:
        named = [label for label in dict.fromkeys(level.labels) if label != "silence"]
        assert named == [chr(ord("A") + i) for i in range(len(named))]
        assert set(level.labels) == set(level.window_labels)
        assert all(left != right for left, right in zip(level.labels, level.labels[1:], strict=False))


def test_joining_twice_is_joining_once():
    found = segment(SONG, SR, n_clusters=4)
    once, twice = found.coarser(2), found.coarser(3).coarser(2)
    assert once.labels == twice.labels
    assert_array_equal(once.boundary_samples, twice.boundary_samples)
    assert_array_equal(once.merges, twice.merges)
    assert found.coarser(4) is found
    assert found.coarser(9) is found


@pytest.mark.slow
def test_levels_of_many_windows_are_nested(monkeypatch):
    monkeypatch.setattr("audiofeat.segmentation.energy.MOST", 50)
    levels = segment_hierarchy(SONG, SR, levels=(2, 4))
    assert levels[-1].distance is None
    assert levels[0].labels == ["A", "B", "A", "B"]
    check_nested(levels)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([], r"levels must ascend, got \[\]"),
        ([2, 2], r"levels must ascend, got \[2, 2\]"),
        ([0, 1], "levels must be >= 1, got 0"),
    ],
)
def test_levels_that_do_not_ascend_are_refused(levels, message):
    with pytest.raises(ValueError, match=message):
        segment_hierarchy(SONG, SR, levels=levels)


def test_labels_that_were_not_compared_cannot_be_joined(monkeypatch):
    monkeypatch.setattr("audiofeat.recurrence.WHOLE", 10)
    found = segment(SONG, SR, n_clusters=4, graph="knn")
    with pytest.raises(ValueError, match="n_labels must be >= 4 where labels were not compared, got 2"):
        found.coarser(2)
