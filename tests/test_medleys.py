"""Medleys of the benchmark of segmenters: their sections are what they say."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from benchmarks._medleys import DEVELOPMENT, KINDS, REPORTING, SR, medley, recordings, samples

SOME = (0, 1, 100)


@pytest.fixture(scope="module", params=[(kind, seed) for kind in KINDS for seed in SOME], ids=str)
def drawn(request, data):
    return request.param, medley(*request.param)


def test_intervals_cover_the_signal_to_the_sample(drawn):
    _, song = drawn
    assert song.y.dtype == np.float32
    assert song.y.ndim == 1
    assert song.sr == SR
    assert song.intervals[0, 0] == 0.0
    assert song.intervals[-1, 1] == len(song.y) / SR
    assert_array_equal(song.intervals[1:, 0], song.intervals[:-1, 1])
    borders = song.intervals * SR
    np.testing.assert_allclose(borders, np.round(borders), atol=1e-6)


def test_parts_last_as_long_as_they_may(drawn):
    (kind, _), song = drawn
    durations = np.diff(song.intervals, axis=1)
    assert durations.min() >= 2.5 - 1 / SR
    assert durations.max() <= (8.0 if kind == "sounds" else 14.0 + 1 / SR)  # the longest clip has 7.2 s


def test_sources_recur_and_neighbours_differ(drawn):
    _, song = drawn
    assert 6 <= len(song.labels) == len(song.intervals) <= 10
    assert 3 <= len(set(song.labels)) == song.n_labels <= 5
    assert all(a != b for a, b in zip(song.labels, song.labels[1:], strict=False))
    assert list(dict.fromkeys(song.labels)) == sorted(set(song.labels))  # named by first appearance


def test_a_seed_is_one_medley_and_another_seed_another(drawn):
    (kind, seed), song = drawn
    again, other = medley(kind, seed), medley(kind, seed + 1)
    assert_array_equal(again.y, song.y)
    assert_array_equal(again.intervals, song.intervals)
    assert again.labels == song.labels
    assert len(other.y) != len(song.y) or not np.array_equal(other.y, song.y)


@pytest.mark.parametrize("seed", SOME)
def test_parts_of_a_label_are_excerpts_of_one_recording(data, seed):
    song = medley("music", seed)
    names: dict[str, set[str]] = {}
    for (start, end), label in zip(np.round(song.intervals * SR).astype(int), song.labels, strict=True):
        part = song.y[start:end]
        found = [path.name for path in recordings("librosa_audio_ccby", "*.ogg") if holds(samples(path), part)]
        assert len(found) == 1
        names.setdefault(label, set()).update(found)
    assert all(len(of_label) == 1 for of_label in names.values())
    assert len(set.union(*names.values())) == song.n_labels


def holds(recording, part):
    """Tell whether a part, which sounds, is a run of the samples of a recording."""
    peak = int(np.abs(part).argmax())
    starts = np.flatnonzero(recording == part[peak]) - peak
    return any(start >= 0 and np.array_equal(recording[start : start + len(part)], part) for start in starts)


def test_seeds_reach_all_that_may_be_drawn(data):
    songs = [medley("music", seed) for seed in REPORTING]
    assert {song.n_labels for song in songs} == {3, 4, 5}
    assert {len(song.labels) for song in songs} == {6, 7, 8, 9, 10}
    durations = np.concatenate([np.diff(song.intervals).ravel() for song in songs])
    assert durations.min() < 3.0
    assert durations.max() > 13.0


def test_what_is_printed_was_not_chosen_by():
    assert not set(DEVELOPMENT) & set(REPORTING)


def test_an_unknown_kind_is_refused(data):
    with pytest.raises(ValueError, match="kind must be one of music"):
        medley("speech", 0)
