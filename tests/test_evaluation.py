"""Scores equal mir_eval's published ones, and obey the laws of scores."""

import json
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from audiofeat import evaluate_segments, load_annotations, synth

KEYS = {
    *(f"{what}@{at}" for what in ("Precision", "Recall", "F-measure") for at in (0.5, 3.0)),
    *("Ref-to-est deviation", "Est-to-ref deviation", "Rand Index", "Adjusted Rand Index"),
    *("Pairwise Precision", "Pairwise Recall", "Pairwise F-measure"),
    *("Mutual Information", "Adjusted Mutual Information", "Normalized Mutual Information"),
    *("NCE Over", "NCE Under", "NCE F-measure", "V Precision", "V Recall", "V-measure"),
}
DEVIATIONS = ("Ref-to-est deviation", "Est-to-ref deviation")


def pair(edges, labels):
    return np.column_stack([edges[:-1], edges[1:]]), list(labels)


@st.composite
def segmentations(draw, *, min_labels=1, duration=None):
    """Sections on a grid of 0.05 s, off and on the grid of frames, or scaled to a duration."""
    steps = draw(st.lists(st.integers(5, 100), min_size=2, max_size=7))
    edges = np.cumsum([0, *steps]) / 20
    if duration is not None:
        edges = np.append(edges[:-1] * (duration / edges[-1]), duration)
    labels = draw(st.lists(st.sampled_from("ABab"), min_size=len(steps), max_size=len(steps)))
    if len(set(labels)) < min_labels:
        labels[:2] = ["A", "b"]
    return pair(edges, labels)


@pytest.mark.realdata
@pytest.mark.parametrize("n", range(10))
def test_fixtures_of_mir_eval(data, n):
    folder = data / "mir_eval_segment"
    reference, estimate = (load_annotations(folder / f"{side}{n:02d}.lab") for side in ("ref", "est"))
    expected = json.loads((folder / f"output{n:02d}.json").read_text())
    scores = evaluate_segments(reference, estimate)
    assert expected.keys() == scores.keys() == KEYS
    for key, value in expected.items():
        assert_allclose(scores[key], value, rtol=1e-12, atol=1e-12, err_msg=key)


@given(
    reference=segmentations(), estimate=segmentations(), trim=st.booleans(), frame=st.sampled_from([0.1, 0.03, 0.25])
)
def test_we_agree_with_mir_eval_where_it_answers(reference, estimate, trim, frame):
    import mir_eval

    # its traps avoided: it changes the labels it is given and folds their case
    ref, est = ((intervals, [f"{ord(label)}" for label in labels]) for intervals, labels in (reference, estimate))
    scores = evaluate_segments(reference, estimate, trim=trim, frame_duration=frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = mir_eval.segment.evaluate(*ref, *est, trim=trim, frame_size=frame)
        except ValueError as error:
            # an estimate with a section that begins at the reference's end
            assert "strictly positive" in str(error)  # noqa: PT017
            return
    for key, value in expected.items():
        noise = 1e-5 if key.startswith("Normalized") else 1e-9  # mir_eval divides a rounding error by 1e-10
        assert_allclose(scores[key], value, rtol=1e-9, atol=noise, err_msg=key)


@given(reference=segmentations(min_labels=2), trim=st.booleans())
def test_perfect_is_one_whatever_the_names(reference, trim):
    intervals, labels = reference
    renamed = [{"A": "a", "a": "verse", "B": "A", "b": ""}[label] for label in labels]
    scores = evaluate_segments(reference, (intervals, renamed), trim=trim)
    assert scores.keys() == KEYS
    for key, value in scores.items():
        if key != "Mutual Information":
            assert_allclose(value, 0.0 if key in DEVIATIONS else 1.0, atol=1e-9, err_msg=key)


@given(reference=segmentations(), estimate=segmentations())
def test_scores_are_finite_and_in_range(reference, estimate):
    for key, value in evaluate_segments(reference, estimate).items():
        assert np.isfinite(value)
        low = -1.0 if "Adjusted" in key else -1e-15
        assert low <= value <= (np.inf if key in (*DEVIATIONS, "Mutual Information") else 1.0 + 1e-9)


@given(reference=segmentations(duration=20.0), estimate=segmentations(duration=20.0))
def test_swapping_the_sides_swaps_precision_and_recall(reference, estimate):
    one, other = evaluate_segments(reference, estimate), evaluate_segments(estimate, reference)
    words = ("Precision", "Recall"), ("Ref-to-est", "Est-to-ref"), ("Over", "Under")
    swap = dict(words) | {b: a for a, b in words}
    for key, value in one.items():
        mirrored = next((key.replace(a, b) for a, b in swap.items() if a in key), key)
        assert_allclose(other[mirrored], value, atol=1e-9, err_msg=key)


def test_known_values():
    reference = pair([0.0, 10.0, 20.0], "AB")
    scores = evaluate_segments(reference, pair([0.0, 10.4, 13.0, 20.0], "xyx"))
    assert (scores["Precision@0.5"], scores["Recall@0.5"]) == (3 / 4, 1.0)
    assert_allclose(scores["Ref-to-est deviation"], 0.0)
    table = np.array([[100, 0], [74, 26]])  # frames: x until 10.4 and from 13.0
    same = (table * (table - 1)).sum() / 2
    assert_allclose(scores["Pairwise Precision"], same / (174 * 173 / 2 + 26 * 25 / 2))
    assert_allclose(scores["Pairwise Recall"], same / (2 * 100 * 99 / 2))


REFERENCE = pair([0.0, 5.0, 10.0], "AB")
UNEVEN = {
    "cut at the end": pair([0.0, 5.0, 10.0, 30.0], "ABC"),
    "a section begins at the end": pair([0.0, 5.0, 10.0, 12.0], "ABA"),
    "too short": pair([0.0, 5.0, 9.9], "AB"),
    "late start": pair([0.1, 5.0, 10.0], "AB"),
    "gap": (np.array([[0.0, 5.0], [5.1, 10.0]]), ["A", "B"]),
}


@pytest.mark.parametrize("estimate", UNEVEN.values(), ids=UNEVEN)
def test_other_ends_and_gaps_are_adjusted(estimate):
    before = [label[:] for label in estimate[1]]
    scores = evaluate_segments(REFERENCE, estimate)
    assert 0.97 < scores["Pairwise F-measure"] <= 1.0
    assert scores["Recall@0.5"] == 1.0
    assert estimate[1] == before


def test_what_is_unlabelled_is_a_section_of_its_own():
    holes = np.array([[1.0, 3.0], [4.0, 6.0], [6.5, 8.0]]), list("ABA")
    filled = pair([0.0, 1.0, 3.0, 4.0, 6.0, 6.5, 8.0, 10.0], "xAyByAz")
    scores, expected = evaluate_segments(REFERENCE, holes), evaluate_segments(REFERENCE, filled)
    assert_allclose(list(scores.values()), list(expected.values()), rtol=1e-12)


def test_an_estimate_beyond_the_reference_is_one_unlabelled_section():
    scores = evaluate_segments(REFERENCE, pair([20.0, 30.0], "A"))
    whole = evaluate_segments(REFERENCE, pair([0.0, 10.0], "Z"))
    assert scores == whole
    assert scores["V-measure"] == 0.0


def test_objects_with_intervals_and_labels_are_taken():
    truth = synth.ar_regimes("ABAC", sr=100, segment_duration=2.0, random_state=0)
    assert evaluate_segments(truth, truth)["V-measure"] == 1.0
    assert evaluate_segments(truth, (truth.intervals.tolist(), tuple("xyxz")))["Adjusted Rand Index"] == 1.0


def test_one_section_trimmed_has_no_boundary():
    one, scores = pair([0.0, 10.0], "A"), {}
    for side in ((one, REFERENCE), (REFERENCE, one), (one, one)):
        scores = evaluate_segments(*side, trim=True)
        assert scores["F-measure@0.5"] == scores["Precision@3.0"] == 0.0
        assert np.isnan(scores["Ref-to-est deviation"])
    assert scores["Pairwise F-measure"] == scores["Adjusted Rand Index"] == 1.0
    assert scores["Adjusted Mutual Information"] == 1.0


def test_a_label_per_frame_is_no_division_by_zero():
    fine, coarse = pair(np.arange(21) / 4, [f"{i}" for i in range(20)]), pair([0.0, 5.0], "A")
    same = evaluate_segments(fine, fine, frame_duration=0.25)
    assert same["Pairwise F-measure"] == same["Adjusted Mutual Information"] == 1.0
    assert evaluate_segments(fine, coarse, frame_duration=0.25)["Pairwise Recall"] == 0.0
    assert evaluate_segments(coarse, fine, frame_duration=0.25)["Pairwise Precision"] == 0.0


def three_hours(seed, n_segments=90):
    """Sections whose edges lie on frames of 0.1 s, where the rounding of a frame's time tells."""
    random = np.random.default_rng(seed)
    edges = np.sort(random.choice(np.arange(1, 108000), n_segments - 1, replace=False)) / 10
    return pair([0.0, *edges, 10800.0], [f"{label}" for label in random.integers(0, 6, n_segments)])


def test_three_hours_are_scored_in_the_memory_of_a_song():
    def peak(reference, estimate):
        tracemalloc.start()
        evaluate_segments(reference, estimate)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    long = three_hours(0), three_hours(1)
    song = [(intervals / 50, labels) for intervals, labels in long]
    evaluate_segments(*song)  # imports mir_eval
    assert peak(*long) < 1.2e6 + peak(*song)  # a list of the frames takes 3 MB, a matrix of them 12 GB


def test_three_hours_have_the_values_of_mir_eval():
    from mir_eval import segment, util
    from sklearn.metrics import adjusted_mutual_info_score, mutual_info_score, pair_confusion_matrix

    reference, estimate = three_hours(0), three_hours(1)
    scores = evaluate_segments(reference, estimate)
    both = *reference, *estimate
    close = {"rtol": 1e-9, "atol": 1e-9}
    assert_allclose(scores["Adjusted Rand Index"], segment.ari(*both), **close)
    assert_allclose([scores[f"NCE {key}"] for key in ("Over", "Under", "F-measure")], segment.nce(*both), **close)
    assert_allclose(
        [scores[f"V{key}"] for key in (" Precision", " Recall", "-measure")], segment.vmeasure(*both), **close
    )
    # its other measures take minutes or gigabytes; what they are of, its frames, do not
    frames = [util.intervals_to_samples(*side)[1] for side in (reference, estimate)]
    assert_allclose(scores["Mutual Information"], mutual_info_score(*frames), **close)
    adjusted = adjusted_mutual_info_score(*frames, average_method="max")
    assert_allclose(scores["Adjusted Mutual Information"], adjusted, rtol=1e-9, atol=1e-9)
    (_, est), (ref, same) = pair_confusion_matrix(*frames).astype(float)
    expected = [same / (same + est), same / (same + ref)]
    assert_allclose([scores["Pairwise Precision"], scores["Pairwise Recall"]], expected, **close)


WRONG = [
    ((REFERENCE, 3), TypeError, "estimate must have intervals and labels, or be the pair of them, got int"),
    ((([], []), REFERENCE), ValueError, r"reference must have intervals of shape .* got \(0,\)"),
    ((([[0, 1]], []), REFERENCE), ValueError, "reference must have as many labels as its 1 intervals, got 0"),
    ((REFERENCE, ([[0, 1], [0.5, 2]], "AB")), ValueError, "estimate must have finite, sorted"),
    ((REFERENCE, ([[1, 1], [1, 2]], "AB")), ValueError, "estimate must have finite, sorted"),
    ((REFERENCE, ([[-1, 2]], "A")), ValueError, "estimate must have finite, sorted"),
    ((REFERENCE, ([[0, np.nan]], "A")), ValueError, "estimate must have finite, sorted"),
    (
        (pair([0.0, 0.1], "A"), REFERENCE),
        ValueError,
        "reference must last at least two frames",
    ),
]


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG)
def test_errors_name_the_side(arguments, error, message):
    with pytest.raises(error, match=message):
        evaluate_segments(*arguments)


def test_without_mir_eval_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mir_eval", None)
    with pytest.raises(ImportError, match=r"audiofeat\[eval\]"):
        evaluate_segments(REFERENCE, REFERENCE)
