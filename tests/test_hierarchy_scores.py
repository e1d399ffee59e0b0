"""Scores of hierarchies equal mir_eval's, which lists all pairs of frames, and obey the laws of scores."""

import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from audiofeat import hierarchy_scores as module
from audiofeat import load_annotations, synth
from audiofeat.hierarchy_scores import evaluate_hierarchy

KEYS = [
    *("T-Precision reduced", "T-Recall reduced", "T-Measure reduced"),
    *("T-Precision full", "T-Recall full", "T-Measure full"),
    *("L-Precision", "L-Recall", "L-Measure"),
]


def level(edges, labels):
    return np.column_stack([edges[:-1], edges[1:]]), list(labels)


@st.composite
def hierarchies(draw, *, duration=None):
    """Levels on a grid of 0.05 s, nested or not, or scaled to a duration; labels that mir_eval does not fold."""
    n_steps = draw(st.integers(30, 120))
    levels = []
    for _ in range(draw(st.integers(1, 4))):
        inner = draw(st.sets(st.integers(1, n_steps - 1), max_size=6))
        edges = np.array([0, *sorted(inner), n_steps]) / 20
        if duration is not None:
            edges = np.append(edges[:-1] * (duration / edges[-1]), duration)
        n_sections = len(inner) + 1
        labels = draw(st.lists(st.sampled_from("123"), min_size=n_sections, max_size=n_sections))
        levels.append(level(edges, labels))
    return levels


def mir_eval_scores(reference, estimate, **parameters):
    """Return its answer, or None where its own adjusting leaves an empty section at the reference's end."""
    import mir_eval

    sides = [[(np.array(times), list(labels)) for times, labels in side] for side in (reference, estimate)]
    arguments = [[one[part] for one in side] for side in sides for part in (0, 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hierarchies that are not nested
        try:
            return mir_eval.hierarchy.evaluate(*arguments, **parameters)
        except ValueError as error:
            assert "strictly positive" in str(error)  # noqa: PT017
            return None


@given(hierarchies(), hierarchies(), st.sampled_from([0.1, 0.07, 0.25]), st.sampled_from([15.0, 2.03, 1.0, None]))
def test_we_agree_with_mir_eval_where_it_answers(reference, estimate, frame, window):
    scores = evaluate_hierarchy(reference, estimate, frame_duration=frame, window_duration=window)
    assert list(scores) == KEYS
    expected = mir_eval_scores(reference, estimate, frame_size=frame, window=window)
    for key, value in (expected or {}).items():
        assert_allclose(scores[key], value, rtol=1e-9, atol=1e-12, err_msg=key)


@pytest.mark.realdata
@pytest.mark.parametrize("n", range(10))
def test_annotations_of_songs_score_as_in_mir_eval(data, n):
    sides = []
    for side in ("ref", "est"):
        intervals, labels = load_annotations(data / "mir_eval_segment" / f"{side}{n:02d}.lab")
        numbers = [str(i) for i in np.unique(labels, return_inverse=True)[1]]
        edges = np.append(intervals[::3, 0], intervals[-1, 1])  # a coarse level, made of it
        sides.append([level(edges, numbers[::3]), (intervals, numbers)])
    scores = evaluate_hierarchy(*sides, frame_duration=0.5)
    expected = mir_eval_scores(*sides, frame_size=0.5)
    assert expected is not None
    for key, value in expected.items():
        assert_allclose(scores[key], value, rtol=1e-9, err_msg=key)
        assert 0.0 < value < 1.0 or n == 4


@given(hierarchies(duration=5.0))
def test_perfect_is_one_whatever_the_names(levels):
    levels = [*levels, level([0, 2.5, 5], "12")]
    renamed = [(intervals, [{"1": "B", "2": "b", "3": ""}[label] for label in labels]) for intervals, labels in levels]
    for key, value in evaluate_hierarchy(levels, renamed).items():
        # two halves at least are there to be ordered; where levels are skipped, not by neighbours
        assert value == pytest.approx(1.0) or ("reduced" in key and value == 0.0), key


@given(hierarchies(duration=5.0), hierarchies(duration=5.0))
def test_precision_is_the_recall_of_the_sides_exchanged(reference, estimate):
    there, back = evaluate_hierarchy(reference, estimate), evaluate_hierarchy(estimate, reference)
    for one, other in ("Precision", "Recall"), ("Recall", "Precision"), ("Measure", "Measure"):
        for key in (f"T-{one} reduced", f"T-{one} full", f"L-{one}"):
            assert there[key] == pytest.approx(back[key.replace(one, other)], rel=1e-12)
            assert 0.0 <= there[key] <= 1.0 + 1e-12


@given(hierarchies(), hierarchies(), st.sampled_from([3, 10]))
def test_scores_do_not_depend_on_the_blocks(reference, estimate, block):
    whole = evaluate_hierarchy(reference, estimate)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        assert evaluate_hierarchy(reference, estimate) == pytest.approx(whole, rel=1e-12, abs=0)


def test_a_level_more_is_more_recall_of_what_it_holds():
    reference = [level([0, 30], "A"), level([0, 10, 20, 30], "ABA"), level([0, 5, 10, 20, 30], "abcd")]
    scores = [evaluate_hierarchy(reference, reference[:n]) for n in (1, 2, 3)]
    assert [round(one["T-Recall full"], 3) for one in scores[::2]] == [0.0, 1.0]
    assert 0.0 < scores[1]["T-Recall full"] < 1.0
    assert scores[1]["L-Precision"] == pytest.approx(1.0)


def test_results_and_other_spans_are_taken():
    song = synth.ar_regimes("ABAC", sr=1000, segment_duration=3.0, random_state=0)
    assert evaluate_hierarchy([song], (song,))["L-Measure"] == pytest.approx(1.0)
    reference = [level([0, 6, 12], "AB"), level([0, 3, 6, 9, 12], "abcd")]
    # cut, extended, and with its gap a section: what the estimate would be if it said so
    short = [([[1, 6], [6, 8]], ["A", "B"]), ([[1, 3], [6, 8]], ["a", "b"])]
    said = [level([0, 1, 6, 8, 12], "xABy"), level([0, 1, 3, 6, 8, 12], "xagby")]
    assert evaluate_hierarchy(reference, short) == evaluate_hierarchy(reference, said)
    long = [level([0, 6, 40], "AB"), level([0, 3, 6, 9, 20, 40], "abcde")]
    assert evaluate_hierarchy(reference, long) == evaluate_hierarchy(reference, reference)
    # ends that differ by a rounding are one, those of other levels are moved there
    near = [reference[0], level([0, 3, 6, 9, 12 - 1e-5], "abcd")]
    exact = {"frame_duration": 0.25}  # whose multiples have no rounding, so that the last frame ends at 12 s
    assert evaluate_hierarchy(reference, near, **exact) == evaluate_hierarchy(reference, reference, **exact)
    assert evaluate_hierarchy(near, long, **exact) == evaluate_hierarchy(reference, long, **exact)


def test_case_is_not_folded():
    reference = [level([0, 5, 10], "aA")]
    scores = evaluate_hierarchy(reference, [level([0, 5, 10], "xx")])
    assert scores["L-Recall"] == 0.0  # one label orders nothing
    assert evaluate_hierarchy(reference, [level([0, 5, 10], "xy")])["L-Recall"] == pytest.approx(1.0)


def test_hours_take_the_memory_of_sections():
    edges = np.linspace(0.0, 10800.0, 5)
    levels = [level(edges[::step], "ABAC"[: 4 // step]) for step in (4, 2, 1)]
    tracemalloc.start()
    scores = evaluate_hierarchy(levels, levels[:2])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6  # a row of frames is 0.9 MB, their square 12 GB
    assert scores["T-Precision full"] == pytest.approx(1.0)  # nested
    assert 0.0 < scores["T-Recall full"] < 1.0


GOOD = [level([0, 6, 12], "AB")]


@pytest.mark.parametrize(
    ("reference", "estimate", "parameters", "message"),
    [
        ([], GOOD, {}, "reference must have at least one level, got none"),
        (GOOD, [([], [])], {}, r"estimate\[0\] must have intervals of shape"),
        (GOOD, [GOOD[0], level([0, 6, 6, 12], "ABC")], {}, r"estimate\[1\] must have .*not empty"),
        (GOOD, [GOOD[0], ([[0, 6]], ["A", "B"])], {}, r"estimate\[1\] must have as many labels"),
        ([GOOD[0], level([0, 11], "A")], GOOD, {}, r"reference must have levels .* 12 s, got 11 s for reference\[1\]"),
        (GOOD, [level([0, 11.9], "A"), GOOD[0]], {}, r"estimate must have levels .*got 11.9 s for estimate\[0\]"),
        ([level([0, 0.15], "A")], GOOD, {}, "reference must last at least two frames of 0.1 s, got 0.15 s"),
        (GOOD, GOOD, {"window_duration": 0.05}, "window_duration must be >= 0.1, got 0.05"),
        (GOOD, GOOD, {"frame_duration": 0.0}, "frame_duration must be >= 0.001, got 0.0"),
    ],
)
def test_errors_name_the_level(reference, estimate, parameters, message):
    with pytest.raises(ValueError, match=message):
        evaluate_hierarchy(reference, estimate, **parameters)


@pytest.mark.parametrize("given", [synth.Song(np.zeros(2), 1.0, np.array([0.0, 2.0]), ["A"]), "AB", iter(GOOD), None])
def test_a_single_level_is_no_hierarchy(given):
    with pytest.raises(TypeError, match=r"estimate(\[0\])? must"):
        evaluate_hierarchy(GOOD, given)


def test_a_window_of_any_length_and_of_one_frame():
    levels = [level([0, 6, 12], "AB"), level([0, 3, 6, 9, 12], "abcd")]
    everything = evaluate_hierarchy(levels, GOOD, window_duration=None)
    assert evaluate_hierarchy(levels, GOOD, window_duration=1e300) == everything
    # a frame looks at itself and the one before: one other frame is no pair
    assert evaluate_hierarchy(levels, levels, window_duration=0.1)["T-Measure full"] == 0.0
