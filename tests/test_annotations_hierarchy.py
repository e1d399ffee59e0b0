"""Hierarchies come back from JAMS as they went, and what jams itself reads is the same."""

import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import evaluate_segments, synth
from audiofeat.annotations import Sections, load_hierarchy, read_segments, save_hierarchy


def sections(edges, labels):
    edges = np.asarray(edges, float)
    return Sections(np.column_stack([edges[:-1], edges[1:]]), list(labels))


LEVELS = [
    sections([0, 60.3], ["A"]),
    sections([0, 7.1, 30.2, 60.3], "ABA"),
    sections([0, 3.3, 7.1, 30.2, 60.3], "abcd"),
]


@st.composite
def hierarchies(draw):
    """Levels of one end, whose sections follow each other, with any times and texts."""
    end = draw(st.floats(1.0, 1e5))
    levels = []
    for _ in range(draw(st.integers(1, 4))):
        inner = draw(st.sets(st.floats(0.0, 1.0, exclude_min=True, exclude_max=True), max_size=6))
        edges = np.array([draw(st.floats(0.0, 0.01)) * end, *(end * (0.02 + 0.9 * t) for t in sorted(inner)), end])
        edges = edges[np.diff(edges, prepend=-1.0) > 1e-6]  # others are read as one
        edges[-1] = end
        n = len(edges) - 1
        texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
        levels.append(sections(edges, draw(st.lists(texts, min_size=n, max_size=n))))
    return levels


@given(levels=hierarchies())
@example(levels=[sections([0.0, 0.9], "A"), sections([0.0, 0.2, 0.9], "AB")])  # 0.2 + (0.9 - 0.2) is not 0.9
def test_what_is_saved_is_loaded_to_the_bit(tmp_path_factory, levels):
    path = tmp_path_factory.mktemp("round") / "song.jams"
    save_hierarchy(path, levels)
    loaded = load_hierarchy(path)
    assert len(loaded) == len(levels)
    for ours, given_ in zip(loaded, levels, strict=True):
        assert_array_equal(ours.intervals, given_.intervals)
        assert ours.labels == given_.labels
    assert [file.name for file in path.parent.iterdir()] == ["song.jams"]


def test_gaps_stay_and_results_are_taken(tmp_path):
    path = tmp_path / "song.jams"
    truth = synth.ar_regimes("ABA", sr=1000, segment_duration=2.0, random_state=0)
    gaps = SimpleNamespace(intervals=[[0.2, 1.0], [1.5, 5.9]], labels=("x", "x"))
    save_hierarchy(path, (truth, gaps))
    loaded = load_hierarchy(path, sr=1000)
    assert loaded[0].labels == truth.labels
    assert evaluate_segments(truth, loaded[0])["F-measure@0.5"] == 1.0
    assert_allclose(loaded[1].intervals, gaps.intervals, rtol=1e-15)
    assert [one.sr for one in loaded] == [1000.0, 1000.0]


@pytest.mark.filterwarnings("ignore:Passing a schema:DeprecationWarning")  # from jams
def test_jams_validates_and_reads_it(tmp_path):
    import jams

    path = tmp_path / "song.jams"
    save_hierarchy(path, LEVELS)
    document = jams.load(str(path), validate=True, strict=True)
    assert document.validate(strict=True)
    assert document.file_metadata.duration == 60.3
    (annotation,) = document.search(namespace="multi_segment")
    intervals, labels = jams.eval.hierarchy_flatten(annotation)
    for times, names, level in zip(intervals, labels, LEVELS, strict=True):
        assert_allclose(times, level.intervals, rtol=1e-15)
        assert names == level.labels
    scores = jams.eval.hierarchy(annotation, annotation, frame_size=1.0)
    assert scores["T-Measure full"] == pytest.approx(1.0)


def item(time, duration, label, level):
    return {"time": time, "duration": duration, "value": {"label": label, "level": level}, "confidence": 0.5}


def document(*annotations, namespace="multi_segment"):
    return {
        "annotations": [{"namespace": namespace, "annotation_metadata": {}, "data": data} for data in annotations],
        "file_metadata": {"duration": 10.0},
    }


def written(folder, content):
    path = folder / "song.jams"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_documents_of_others(tmp_path):
    """Levels are named by numbers, in any order and not all of them, and each annotator has his own."""
    first = [item(5, 5, "b", 3), item(0, 10, "A", 1), item(0, 4.9995, "a", 3)]
    path = written(tmp_path, document(first, [item(0, 9, "other", 0)]))
    coarse, fine = load_hierarchy(path)
    assert (coarse.intervals.tolist(), coarse.labels) == ([[0, 10]], ["A"])
    assert (fine.intervals.tolist(), fine.labels) == ([[0, 5], [5, 10]], ["a", "b"])
    assert load_hierarchy(path, annotator=1)[0].labels == ["other"]
    with pytest.raises(ValueError, match=r"annotator must be in \[0, 1\], got 2"):
        load_hierarchy(path, annotator=2)


def test_points_last_to_the_next_and_the_end_of_the_annotation(tmp_path):
    content = document([item(0, 10, "A", 0), item(0, 0, "a", 1), item(4, 0, "b", 1)])
    with pytest.raises(ValueError, match="last point: it must be labelled 'end', or duration be given"):
        load_hierarchy(written(tmp_path, content))
    content["annotations"][0] |= {"time": 0, "duration": 10.0}
    assert load_hierarchy(written(tmp_path, content))[1].intervals.tolist() == [[0, 4], [4, 10]]


BROKEN = [
    ("{", "line 1: the file must be JSON"),
    ("{}", "annotations: the file must hold an annotation in the namespace multi_segment, got none"),
    (document([item(0, 1, "A", 0)], namespace="segment_open"), "annotations: the file must hold an annotation in the"),
    (document([]), "annotations[0]: the annotation must hold at least one section"),
    (document([item(0, 1, "A", -1)]), "annotations[0].data[0]: value must hold label and level"),
    (document([item(0, 1, "A", True)]), "annotations[0].data[0]: value must hold label and level"),
    (document([item(0, 1, "A", 0), item(1, 1, "A", "1")]), "annotations[0].data[1]: value must hold label and level"),
    (document([item(0, 1, "A", 0) | {"value": "A"}]), "annotations[0].data[0]: value must hold label and level"),
    (document([item(0, 1, "A", 0) | {"value": {"level": 0}}]), "annotations[0].data[0]: value must hold label and"),
    (document([item(0, 1, 7, 2)]), "annotations[0].levels[2].data[0]: label must be a string, got 7"),
    (document([item(-1, 1, "A", 0)]), "annotations[0].levels[0].data[0]: start must be >= 0, got -1"),
    (document([item(0, 2, "A", 0), item(1, 1, "B", 0)]), "at 1 s: 'A' must end before 'B' starts, got 2 s"),
    (document([item("a", 1, "A", 0)]), "line 1: the file must be a valid JAMS document"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_a_broken_file_is_refused_with_its_name_and_the_place(tmp_path, content, message):
    path = written(tmp_path, content)
    with pytest.raises(ValueError, match=re.escape(f"{path}, {message}")):
        load_hierarchy(path)


def test_a_flat_reader_says_that_it_has_no_levels(tmp_path):
    save_hierarchy(tmp_path / "song.jams", LEVELS)
    with pytest.raises(ValueError, match="must hold an annotation of segments, got none"):
        read_segments(tmp_path / "song.jams")


def level(intervals, labels):
    return SimpleNamespace(intervals=np.array(intervals), labels=labels)


@pytest.mark.parametrize(
    ("levels", "error", "message"),
    [
        ([], ValueError, r"levels must be a sequence of at least one segmentation, got \[\]"),
        (LEVELS[1], ValueError, "levels must be a sequence .*, got <Sections of 60.30 s"),
        ([LEVELS[0], level(np.zeros((0, 2)), [])], ValueError, r"levels\[1\] must have at least one section"),
        (
            [level([[0.0, 2], [1, 3]], ["a", "b"])],
            ValueError,
            r"levels\[0\] .* overlap, got \[1.0, 3.0\] at index 1",
        ),
        ([level([[0.0, 2], [2, 2]], ["a", "b"])], ValueError, r"levels\[0\] .* not empty .*\[2.0, 2.0\] at index 1"),
        ([LEVELS[0], level([[0.0, 2]], ["a", "b"])], ValueError, r"levels\[1\]: labels must be as many as the 1"),
        ([LEVELS[0], level([[0.0, 2]], [3])], TypeError, r"levels\[1\]: labels must be strings, got 3 at index 0"),
        ([([[0.0, 2]], ["a"])], TypeError, r"levels\[0\] must have intervals and labels, got tuple"),
    ],
)
def test_errors_name_the_level_and_leave_the_file(tmp_path, levels, error, message):
    path = tmp_path / "song.jams"
    path.write_text("kept")
    with pytest.raises(error, match=message):
        save_hierarchy(path, levels)
    assert path.read_text() == "kept"


def test_without_jams_the_extra_is_named(monkeypatch, tmp_path):
    save_hierarchy(tmp_path / "song.jams", LEVELS)
    monkeypatch.setitem(sys.modules, "jams", None)
    with pytest.raises(ImportError, match=r"audiofeat\[eval\]"):
        save_hierarchy(tmp_path / "x.jams", LEVELS)
    with pytest.raises(ImportError, match=r"audiofeat\[eval\]"):
        load_hierarchy(tmp_path / "song.jams")
