"""Thumbnails, excerpts and clicks: where they lie, what they leave out, and what is heard."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import info, load, save, segment, synth
from audiofeat.clicks import click_track, pitches
from audiofeat.excerpts import shared, spread, typical
from audiofeat.labels import name_clusters
from audiofeat.sections import Segmentation
from audiofeat.sonification import save_clicks, save_thumbnail

SR = 8000


def segmentation(lengths, numbers, *, sr=1.0, likeness=None, distance=None, affinity=None):
    """Sections of such lengths in samples and such labels, and windows of two samples side by side."""
    borders = np.cumsum([0, *lengths])
    starts = np.arange(0, borders[-1] - 1, 2)
    section = np.searchsorted(borders, starts, side="right") - 1
    names = name_clusters(np.array(numbers))
    return Segmentation(
        boundary_samples=borders,
        labels=names,
        sr=sr,
        window_labels=[names[i] for i in section],
        window_samples=np.stack([starts, starts + 2], axis=1),
        active=np.flatnonzero(np.array(numbers)[section] >= 0),
        distance=distance,
        affinity=affinity,
        eigenvalues=np.ones(1),
        n_clusters=1,
        confidence=1.0,
        n_components=1,
        parameters={},
    )


@st.composite
def sections(draw):
    """Borders of sections and their labels, of which neighbours differ, and a length that the signal has."""
    numbers = draw(st.lists(st.integers(-1, 2), min_size=1, max_size=8))
    numbers = [number for i, number in enumerate(numbers) if i == 0 or number != numbers[i - 1]]
    lengths = draw(st.lists(st.integers(1, 30), min_size=len(numbers), max_size=len(numbers)))
    return np.cumsum([0, *lengths]), np.array(numbers), draw(st.integers(1, sum(lengths)))


def stretches(borders, numbers):
    """Starts and ends of sound, by looking at each sample."""
    sound = np.concatenate([[False], np.repeat(numbers >= 0, np.diff(borders)), [False]])
    return np.flatnonzero(np.diff(sound.astype(int))).reshape(-1, 2)


def sainte_lague(n, weights, most):
    """Seats by the n largest of all quotients."""
    quotients = [(-w / (2 * i + 1), party) for party, w in enumerate(weights) for i in range(most[party])]
    return np.bincount([party for _, party in sorted(quotients)[:n]], minlength=len(weights))


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), min_size=1, max_size=6), st.data())
def test_seats_go_to_the_largest_quotients(parties, data):
    weights, most = zip(*parties, strict=True)
    n = data.draw(st.integers(0, sum(most)))
    assert_array_equal(shared(n, weights, most), sainte_lague(n, weights, most))


def test_seats_are_in_proportion():
    assert_array_equal(shared(12, [3.0, 1.0, 2.0], [12, 12, 12]), [6, 2, 4])
    assert_array_equal(shared(6, [3.0, 1.0, 2.0], [1, 9, 9]), [1, 2, 3])


@given(sections(), st.integers(1, 15))
def test_excerpts_lie_where_they_say(drawn, n):
    borders, numbers, length = drawn
    starts = spread(borders, numbers, n=n, length=length)
    ends = starts + length
    assert starts.shape == (n,)
    assert 0 <= starts.min() <= ends.max() <= borders[-1]
    assert (np.diff(starts) >= 0).all()
    sounds = stretches(borders, numbers)
    within = [((a <= starts) & (ends <= b)).sum() for a, b in sounds]
    room, whole_room = np.diff(borders) // length * (numbers >= 0), (sounds[:, 1] - sounds[:, 0]) // length
    if whole_room.sum() >= n or (len(sounds) == 0 and borders[-1] // length >= n):
        assert (starts[1:] >= ends[:-1]).all()
    if whole_room.any():
        assert sum(within) == n
    elif len(sounds):
        assert all(((start <= sounds[:, 0]) & (sounds[:, 1] <= start + length)).any() for start in starts)
    if room.sum() >= n:
        section = np.searchsorted(borders, starts, side="right") - 1
        assert (ends <= borders[section + 1]).all()
        names = [number for number in dict.fromkeys(numbers.tolist()) if number >= 0]
        weights = [np.diff(borders)[numbers == name].sum() for name in sorted(names)]
        most = [room[numbers == name].sum() for name in sorted(names)]
        expected = sainte_lague(n, weights, most)
        assert [(numbers[section] == name).sum() for name in sorted(names)] == expected.tolist()


@pytest.mark.parametrize(
    ("lengths", "numbers", "n", "length", "expected"),
    [
        ([12], [0], 3, 2, [1, 5, 9]),  # each in the middle of its third
        ([12], [0], 1, 2, [5]),
        ([12], [0], 3, 6, [0, 3, 6]),  # from end to end, overlapping
        ([12, 4, 8], [0, -1, 1], 3, 4, [1, 7, 18]),  # two to one, none in silence
        ([6, 3, 6], [0, 1, 0], 3, 5, [0, 5, 10]),  # over the borders
        ([4, 9, 4], [0, -1, 1], 2, 6, [0, 11]),  # each with a stretch inside
        ([4, 9, 4], [0, -1, 1], 1, 6, [0]),
        ([6, 20, 1], [0, -1, 1], 2, 7, [0, 20]),  # the longer has one too
        ([9], [-1], 2, 3, [0, 5]),  # nothing but silence
        ([5], [0], 3, 5, [0, 0, 0]),  # no other place
    ],
)
def test_excerpts_of_a_few_sections(lengths, numbers, n, length, expected):
    assert spread(np.cumsum([0, *lengths]), numbers, n=n, length=length).tolist() == expected


def test_excerpts_are_intervals_of_one_length_in_seconds():
    found = segmentation([1200, 400, 800], [0, -1, 1], sr=100.0)
    intervals = found.excerpts(3, 4.0)
    assert_allclose(intervals, [[1.0, 5.0], [7.0, 11.0], [18.0, 22.0]])
    assert_allclose(found.excerpts(2, 1e300), [[0.0, 24.0]] * 2)  # a shorter signal is taken whole
    assert_allclose(np.diff(found.excerpts(50, 1e-9)), 0.01)  # a sample


@given(sections(), st.data())
def test_a_thumbnail_lies_around_the_window_most_like_the_others(drawn, data):
    borders, numbers, length = drawn
    runs = np.stack([borders[:-1], borders[1:]], axis=1)[numbers == numbers[0]]
    n_samples, longest = int(borders[-1]), np.diff(runs).max()
    middles = np.sort(data.draw(st.lists(st.integers(0, n_samples - 1), min_size=1, max_size=9).map(np.array)))
    likeness = np.array(data.draw(st.permutations(range(len(middles)))), dtype=float)
    start = typical(runs, middles, likeness, n_samples=n_samples, length=length)
    end = start + length
    assert 0 <= start <= end <= n_samples
    good = [run for run in runs if run[1] - run[0] >= min(length, longest)]
    choice = [(likeness[i], m, run) for i, m in enumerate(middles) for run in good if run[0] <= m < run[1]]
    if choice:
        _, middle, (a, b) = max(choice, key=lambda row: row[0])
    else:
        a, b = max(good, key=lambda run: run[1] - run[0])
        middle = (a + b) // 2
    if b - a >= length:
        assert a <= start <= end <= b
        assert start == middle - length // 2 or start == a or end == b
        assert min(middle - a, b - middle) < length or start == middle - length // 2
    else:
        assert start <= a < b <= end


def test_a_thumbnail_is_of_the_largest_label_and_around_its_most_central_window():
    lengths, numbers = [20, 10, 20, 10], [0, 1, 0, -1]
    features = np.arange(25.0)  # of the windows that sound, two samples each
    features[17] = 9.5  # nearest to the mean of A, whose second section it is in
    features[10:15] = 100.0
    distance = (features[:, None] - features) ** 2
    own = np.r_[0:10, 15:25]
    assert own[distance[np.ix_(own, own)].mean(axis=1).argmin()] == 17
    expected = (33.0, 37.0)  # around sample 35
    kept = segmentation(lengths, numbers, distance=distance)
    assert kept.thumbnail(4.0) == expected
    weights = np.exp(-distance / 50.0)
    for affinity in (weights, sp.csr_array(weights)):
        best = own[weights[np.ix_(own, own)].sum(axis=1).argmax()]
        start, end = segmentation(lengths, numbers, affinity=affinity).thumbnail(4.0)
        assert (start + end) / 2 == 2 * best + 1
    assert segmentation(lengths, numbers).thumbnail(4.0) == (8.0, 12.0)  # the middle of the first of the longest
    assert kept.thumbnail(1e9) == (0.0, 60.0)
    assert kept.thumbnail(20.0) == (30.0, 50.0)  # as long as its section
    assert segmentation([7], [-1]).thumbnail(3.0) == (2.0, 5.0)


def test_infinite_distances_have_a_thumbnail():
    distance = np.full((10, 10), 1e308)
    np.fill_diagonal(distance, 0.0)
    assert segmentation([20], [0], distance=distance).thumbnail(4.0) == (0.0, 4.0)


def test_thumbnails_and_excerpts_of_a_segmented_signal():
    song = synth.ar_regimes("ABA", sr=SR, segment_duration=4.0, random_state=0)
    found = segment(song.y, SR, n_clusters=2, hop_duration=1.0)
    start, end = found.thumbnail(2.5)
    assert end - start == 2.5
    assert any(a <= start and end <= b for a, b in found.largest().runs)
    intervals = found.excerpts(6, 1.5)
    bounds = list(zip(found.intervals, found.labels, strict=True))
    inside = ["".join(label for (a, b), label in bounds if a <= start and end <= b) for start, end in intervals]
    assert inside == list("AABBAA")
    silent = segment(np.zeros(SR), SR)
    assert silent.thumbnail(0.5) == (0.25, 0.75)
    assert_allclose(silent.excerpts(1, 0.5), [[0.25, 0.75]])


@pytest.mark.parametrize("duration", [0.0, -1.0, np.nan, np.inf])
def test_a_duration_is_above_zero(duration):
    found = segmentation([20], [0])
    for work in (found.thumbnail, lambda seconds: found.excerpts(2, seconds)):
        with pytest.raises(ValueError, match="duration must be > 0, got"):
            work(duration)


def test_at_least_one_excerpt_is_asked_for():
    with pytest.raises(ValueError, match="n must be >= 1, got 0"):
        segmentation([20], [0]).excerpts(0, 1.0)
    with pytest.raises(TypeError, match="n must be an integer, got 2"):
        segmentation([20], [0]).excerpts(2.5, 1.0)


# Clicks


def test_clicks_lie_where_mir_eval_puts_them():
    sonify = pytest.importorskip("mir_eval.sonify")
    found = segmentation([8000, 4000, 12000, 2000], [0, 1, 0, -1], sr=SR)
    expected = np.zeros(26000)
    for number, frequency in ((0, 440.0), (1, 440.0 * 2 ** (3 / 12)), (-1, 220.0)):
        t = np.arange(800) / SR
        click = np.sin(2 * np.pi * frequency * t) * np.exp(-t / 0.015)
        starts = found.boundaries[:-1][[label == name_clusters(np.array([0, 1, -1]))[number] for label in found.labels]]
        expected += sonify.clicks(starts, SR, click=click, length=26000)
    assert_allclose(found.sonify(), expected / 2, atol=1e-12)
    assert_array_equal(found.sonify(np.zeros(26000)), found.sonify())
    y = np.random.default_rng(0).uniform(-0.3, 0.3, 26000)
    assert_allclose(found.sonify(y), expected / 2 + y / (2 * np.abs(y).max()), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_what_is_heard_is_within_one_and_never_gains(dtype):
    found = segmentation([800, 10, 800], [0, 1, 0], sr=SR)
    loud = np.random.default_rng(0).uniform(-1.0, 1.0, (2, 1610))
    y = (loud * 3e4).astype(dtype) if dtype == np.int16 else (1e30 * loud).astype(dtype)
    heard = found.sonify(y)
    assert heard.shape == (2, 1610)
    assert heard.dtype == (np.float64 if dtype == np.int16 else dtype)
    assert np.abs(heard).max() <= 1.0
    if dtype != np.int16:
        assert_array_equal(found.sonify(y / dtype(2**50)), heard)
        assert_array_equal(found.sonify(np.zeros_like(y)), np.stack([found.sonify()] * 2).astype(dtype))


@given(st.lists(st.integers(0, 3000), max_size=6, unique=True).map(sorted), st.lists(st.integers(0, 3000), max_size=3))
def test_a_track_is_its_parts(starts, cuts):
    starts = np.array(starts, dtype=np.intp)
    frequencies = [300.0 + 50.0 * i for i in range(len(starts))]
    whole = click_track(starts, frequencies, sr=SR, begin=0, end=3000)
    edges = [0, *sorted(cuts), 3000]
    parts = [click_track(starts, frequencies, sr=SR, begin=a, end=b) for a, b in pairwise(edges)]
    assert_array_equal(np.concatenate(parts), whole)
    assert np.abs(whole).max(initial=0.0) <= 1.0
    silent = np.ones(3000, dtype=bool)
    for start in starts:
        silent[start : start + 800] = False
    assert not whole[silent].any()
    assert len(starts) == 0 or starts[0] > 2990 or whole.any()


def test_pitches_climb_and_stay_below_half_the_rate():
    found = pitches(range(-1, 20), sr=44100)
    assert found[:3] == pytest.approx([220.0, 440.0, 523.251], abs=1e-3)
    assert (np.diff(found) > 0.0).all()
    assert found[-1] < 44100 / 2
    assert pitches([20], sr=44100) == pitches([0], sr=44100)
    assert max(pitches(range(-1, 20), sr=1000)) < 500.0


def test_sonify_wants_the_signal_that_was_segmented():
    with pytest.raises(ValueError, match=r"y must have 20 samples, got shape \(19,\)"):
        segmentation([20], [0]).sonify(np.zeros(19))


# Files


@pytest.fixture
def stereo(tmp_path):
    """A file, its samples, and its sections."""
    y = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 4 * SR)).astype(np.float32)
    y[:, SR : 2 * SR] *= 0.5
    save(tmp_path / "song.flac", y, SR)
    return (
        tmp_path / "song.flac",
        load(tmp_path / "song.flac", mono=False)[0],
        segmentation([SR, SR, 2 * SR], [0, 1, 0], sr=SR),
    )


@pytest.mark.parametrize("block", [999, 1 << 18])
def test_a_file_with_clicks_is_the_signal_with_clicks(stereo, tmp_path, monkeypatch, block):
    path, y, found = stereo
    monkeypatch.setattr("audiofeat.sonification.BLOCK", block)
    save_clicks(tmp_path / "out.wav", found, path)
    heard, sr = load(tmp_path / "out.wav", mono=False)
    assert sr == SR
    assert_allclose(heard, found.sonify(y), atol=1.01 / 32768)
    assert info(tmp_path / "out.wav").format == "WAV"


def test_a_file_too_long_for_a_wav_has_longer_counts(stereo, tmp_path, monkeypatch):
    path, y, found = stereo
    monkeypatch.setattr("audiofeat.sonification.LARGEST", 4 * y.shape[1] - 1)
    save_clicks(tmp_path / "out.wav", found, path)
    assert info(tmp_path / "out.wav").format == "RF64"
    assert_allclose(load(tmp_path / "out.wav", mono=False)[0], found.sonify(y), atol=1.01 / 32768)


def test_clicks_are_at_their_seconds_whatever_the_rate_of_the_sections(stereo, tmp_path):
    path, y, _ = stereo
    found = segmentation([1000, 1000, 2000], [0, 1, 0], sr=1000.0)
    save_clicks(tmp_path / "out.wav", found, path)
    expected = segmentation([SR, SR, 2 * SR], [0, 1, 0], sr=SR).sonify(y)
    assert_allclose(load(tmp_path / "out.wav", mono=False)[0], expected, atol=1.01 / 32768)


def test_a_thumbnail_is_cut_from_the_file(stereo, tmp_path):
    path, y, found = stereo
    start, end = found.thumbnail(1.5)
    save_thumbnail(tmp_path / "out.wav", found, path, duration=1.5)
    cut, sr = load(tmp_path / "out.wav", mono=False)
    assert sr == SR
    assert_allclose(cut, y[:, round(start * SR) : round(end * SR)], atol=1.01 / 32768)


def test_a_thumbnail_that_is_louder_than_full_scale_is_brought_to_it(tmp_path):
    y = 3.0 * np.sin(np.arange(SR))
    save(tmp_path / "loud.wav", y, SR, subtype="FLOAT")
    save_thumbnail(tmp_path / "out.wav", segmentation([SR], [0], sr=SR), tmp_path / "loud.wav", duration=1.0)
    assert_allclose(load(tmp_path / "out.wav")[0], y / np.abs(y).max(), atol=2.0 / 32768)
