"""Folders of annotations are scored file by file, beside trivial and human answers, and nothing is lost."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from audiofeat import evaluate_segments, save_annotations
from audiofeat.annotation_scores import SYSTEMS, AnnotationScores, Score, evaluate_annotations
from audiofeat.annotations import read_segments

EDGES = [0.0, 10.0, 21.0, 33.0, 40.0]
NEAR = [0.0, 10.2, 22.0, 33.0, 40.0]
FILES = {"a.lab": (EDGES, "ABAC", NEAR, "xyxx"), "b.lab": ([0.0, 5.0, 30.0], "AB", [0.0, 7.0, 30.0], "AB")}


def save(path, edges, labels):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_annotations(path, np.column_stack([edges[:-1], edges[1:]]), list(labels))


@pytest.fixture
def folders(tmp_path):
    for name, (*reference, edges, labels) in FILES.items():
        save(tmp_path / "ref" / name, *reference)
        save(tmp_path / "est" / name.replace(".lab", ".csv"), edges, labels)
    return tmp_path / "ref", tmp_path / "est"


def points(path, edges, labels):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(f"{t}\t{label}" for t, label in zip(edges, [*labels, "End"], strict=True)))


def test_each_file_has_the_scores_of_its_sections_and_of_trivial_ones(folders):
    found = evaluate_annotations(*folders)
    assert [row[:3] for row in found.rows] == [(name, 0, system) for name in "ab" for system in SYSTEMS[:3]]
    assert found.skipped == {}
    by_system = {row.system: row.scores for row in found.rows if row.file == "a"}
    truth = read_segments(folders[0] / "a.lab")
    expected = {
        "estimate": read_segments(folders[1] / "a.csv"),
        "grid of 8 s": ([[0, 8], [8, 16], [16, 24], [24, 32], [32, 40]], list("abcde")),
        "one label": ([[0, 40]], ["all"]),
    }
    for system, sections in expected.items():
        scores, trimmed = (evaluate_segments(truth, sections, trim=trim) for trim in (False, True))
        assert len(by_system[system]) == len(scores) + 8
        for key, value in by_system[system].items():
            source = trimmed if key.startswith("Trimmed ") else scores
            assert_allclose(value, source[key.removeprefix("Trimmed ")], err_msg=key)
    assert by_system["estimate"]["Trimmed Recall@0.5"] == 2 / 3
    assert by_system["one label"]["Trimmed F-measure@3.0"] == by_system["one label"]["V-measure"] == 0.0


def test_means_are_over_annotators_then_files_without_nan(folders):
    rows = [("a", 0, 0.1), ("a", 1, 0.3), ("b", 0, np.nan), ("c", 0, 0.8)]
    scores = AnnotationScores([Score(file, i, "estimate", {"d": value}) for file, i, value in rows], {})
    assert_allclose([row["d"] for row in scores.per_file("estimate").values()], [0.2, np.nan, 0.8])
    assert_allclose(scores.mean("estimate")["d"], 0.5)
    assert scores.mean("human") == {}
    found = evaluate_annotations(*folders)
    each = [row.scores["V-measure"] for row in found.rows if row.system == "grid of 8 s"]
    assert_allclose(found.mean("grid of 8 s")["V-measure"], np.mean(each))
    assert np.isnan(found.mean("one label")["Trimmed Ref-to-est deviation"])
    with pytest.raises(ValueError, match="system must be one of"):
        found.mean("estimates")


def test_songs_of_salami_have_a_human_ceiling(tmp_path):
    song = tmp_path / "annotations" / "17"
    points(song / "textfile1.txt", EDGES, ["A, a", "B, b", "A, a", "C, c"])
    points(song / "textfile2.txt", NEAR, ["A, a", "B, b", "B, a", "C, c"])
    points(song / "textfile2-original.txt", EDGES, "AAAA")
    points(song / "parsed" / "textfile2_uppercase.txt", NEAR, "ABAB")
    points(tmp_path / "annotations" / "18" / "textfile2.txt", EDGES, ["A, a", "B, a", "A, a", "C, a"])
    (tmp_path / "annotations" / "other").mkdir()
    for name in ("17", "18"):
        save(tmp_path / "est" / f"{name}.lab", EDGES, "ABAC")
    found = evaluate_annotations(tmp_path / "annotations", tmp_path / "est")
    assert found.skipped == {}
    assert [row[:3] for row in found.rows] == [
        *(("17", annotator, system) for annotator in (0, 1) for system in SYSTEMS),
        *(("18", 0, system) for system in SYSTEMS[:3]),
    ]
    estimates = [row.scores["Adjusted Rand Index"] for row in found.rows if row.system == "estimate"]
    assert estimates[0] == estimates[2] == 1.0 > estimates[1]
    human = [row.scores for row in found.rows if row.system == "human"]
    assert_allclose(human[0]["Trimmed Precision@0.5"], 2 / 3)
    assert_allclose(human[0]["Pairwise Precision"], human[1]["Pairwise Recall"])
    assert_allclose(human[0]["Pairwise Precision"], [row.scores for row in found.rows][4]["Pairwise Recall"])
    assert human[0]["Adjusted Rand Index"] < 1.0
    lower = evaluate_annotations(song, tmp_path / "est" / "17.lab", level="lowercase")  # a song, and a file
    assert {row.file for row in lower.rows} == {"17"}
    assert lower.rows[0].scores["Adjusted Rand Index"] == 1.0
    assert lower.rows[3].scores["V-measure"] > human[0]["V-measure"]


def test_an_estimate_of_points_ends_with_the_reference(folders):
    (folders[1] / "a.csv").unlink()
    (folders[1] / "a.txt").write_text("0 x\n10.2 y\n22 x\n33 x")
    found = evaluate_annotations(*folders)
    assert found.skipped == {}
    assert found.rows[0].scores["Recall@0.5"] == 4 / 5


def test_what_is_not_scored_is_listed_with_its_reason(folders):
    reference, estimate = folders
    (reference / "b.lab").write_text("0 1 a\n1 x b\n")
    (reference / "only.lab").write_text("0 9 a\n")
    (reference / "short.lab").write_text("0 0.1 a\n")
    (estimate / "short.lab").write_text("0 9 a\n")
    (estimate / "more.txt").write_text("0 9 a\n")
    save(estimate / "a.json", EDGES, "ABAC")  # in another format too, which is no fault
    (estimate / "summary.csv").write_text("file,status\n")
    (estimate / "a.wav").write_bytes(b"not looked at")
    found = evaluate_annotations(*folders)
    assert {row.file for row in found.rows} == {"a"}
    assert found.rows[0].scores["Recall@0.5"] == 4 / 5  # of a.csv
    assert found.skipped == {
        f"{reference / 'only.lab'}": f"no estimate of its name in {estimate}",
        f"{estimate / 'more.txt'}": f"no reference of its name in {reference}",
        f"{reference / 'b.lab'}": "line 2: start and end must be numbers, got '1' and 'x'",
        f"{reference / 'short.lab'}": "reference must last at least two frames of 0.1 s, got 0.1 s",
    }


def test_an_unreadable_estimate_leaves_no_baseline_of_its_file(folders):
    (folders[1] / "a.csv").write_text("start,end\n")
    found = evaluate_annotations(*folders)
    assert {row.file for row in found.rows} == {"b"}
    assert list(found.skipped) == [str(folders[1] / "a.csv")]


def test_an_unreadable_annotator_leaves_the_other(tmp_path):
    points(tmp_path / "17" / "textfile1.txt", EDGES, "ABAC")
    (tmp_path / "17" / "textfile2.txt").write_text("0 A\n")
    save(tmp_path / "17.lab", EDGES, "ABAC")
    found = evaluate_annotations(tmp_path / "17", tmp_path / "17.lab")
    assert [row.system for row in found.rows] == [*SYSTEMS[:3]]
    assert "last point" in found.skipped[str(tmp_path / "17" / "textfile2.txt")]


def test_two_files_need_no_common_name_but_must_be_there(folders):
    found = evaluate_annotations(str(folders[0] / "a.lab"), folders[1] / "b.csv", frame_duration=0.5)
    assert {row.file for row in found.rows} == {"a"}
    one = evaluate_annotations(folders[0] / "b.lab", folders[1])  # a file in a folder: by name
    assert {row.file for row in one.rows} == {"b"}
    for paths in ((folders[0] / "none.lab", folders[1] / "a.csv"), (folders[0], folders[1] / "none")):
        with pytest.raises(FileNotFoundError):
            evaluate_annotations(*paths)
    with pytest.raises(ValueError, match="level must be one of"):
        evaluate_annotations(*folders, level="upper")
    with pytest.raises(ValueError, match="frame_duration must be > 0"):
        evaluate_annotations(*folders, frame_duration=0.0)


@pytest.mark.realdata
def test_the_fixtures_of_mir_eval_as_folders(data, tmp_path):
    for path in data.glob("mir_eval_segment/*.lab"):
        folder = tmp_path / path.stem[:3]
        folder.mkdir(exist_ok=True)
        (folder / f"{path.stem[3:]}.lab").write_bytes(path.read_bytes())
    found = evaluate_annotations(tmp_path / "ref", tmp_path / "est")
    assert found.skipped == {}
    estimate, trivial = found.mean("estimate"), found.mean("grid of 8 s")
    assert len(found.per_file("estimate")) == 10
    assert estimate["Trimmed F-measure@3.0"] > trivial["Trimmed F-measure@3.0"]
