"""``audiofeat evaluate-segments``: the table, the files, the exit codes."""

import csv
import json
import math
import sys

import numpy as np
import pytest

from audiofeat import evaluate_segments, save_annotations
from audiofeat.cli import main
from audiofeat.cli.evaluating import COLUMNS

pytest.importorskip("mir_eval")

EDGES, NEAR = [0.0, 10.0, 21.0, 33.0, 40.0], [0.0, 10.2, 22.0, 33.0, 40.0]


def intervals(edges):
    return np.column_stack([edges[:-1], edges[1:]])


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder, edges, labels in (("ref", EDGES, "ABAC"), ("est", NEAR, "ABAB")):
        (tmp_path / folder).mkdir()
        save_annotations(f"{folder}/song.lab", intervals(edges), labels)
        save_annotations(f"{folder}/whole.lab", [[0.0, 40.0]], "A")
    return tmp_path


def run(capsys, *arguments):
    code = main(["evaluate-segments", *arguments])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def test_the_table_has_files_then_means(folders, capsys):
    code, out, err = run(capsys, "ref", "est")
    assert (code, err) == (0, [])
    names = [line[: len("grid of 8 s, 2 files")].strip() for line in out]
    assert names == ["estimate of", "song", "whole", "", "mean of"] + [
        f"{system}, 2 files" for system in ("estimate", "grid of 8 s", "one label")
    ]
    scores = evaluate_segments((intervals(EDGES), list("ABAC")), (intervals(NEAR), list("ABAB")))
    trimmed = evaluate_segments((intervals(EDGES), list("ABAC")), (intervals(NEAR), list("ABAB")), trim=True)
    expected = [trimmed[key[8:]] if key.startswith("Trimmed") else scores[key] for key in COLUMNS.values()]
    assert [float(cell) for cell in out[1].split()[1:]] == [pytest.approx(value, abs=5e-4) for value in expected]
    assert out[0].split("estimate of")[1].replace(" ", "") == "".join(COLUMNS).replace(" ", "")
    assert max(map(len, out)) <= 105


def test_the_files_hold_all_measures_and_the_means(folders, capsys):
    code, out, _ = run(capsys, "ref", "est", "-o", "out/scores.csv", "-o", "out/scores.json")
    assert code == 0
    assert out[-2:] == ["wrote out/scores.csv", "wrote out/scores.json"]
    with (folders / "out" / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    document = json.loads((folders / "out" / "scores.json").read_text())
    assert [(row["file"], row["annotator"], row["system"]) for row in rows] == [
        *((name, "0", system) for name in ("song", "whole") for system in ("estimate", "grid of 8 s", "one label")),
        *(("mean", "", system) for system in ("estimate", "grid of 8 s", "one label")),
    ]
    assert document["n_files"] == {"estimate": 2, "grid of 8 s": 2, "one label": 2}
    assert document["skipped"] == {}
    for row, other in zip(
        rows, [*(row["scores"] for row in document["rows"]), *document["mean"].values()], strict=True
    ):
        assert list(row)[3:] == list(other)
        for key, value in other.items():
            assert math.isnan(float(row[key])) if value is None else float(row[key]) == value
    assert document["rows"][3]["scores"]["Trimmed Ref-to-est deviation"] is None  # no NaN in JSON
    assert float(rows[0]["Recall@0.5"]) == 4 / 5


def test_a_human_line_where_two_annotated(tmp_path, capsys):
    song = tmp_path / "annotations" / "3"
    song.mkdir(parents=True)
    for number, edges in ((1, EDGES), (2, NEAR)):
        lines = [f"{t}\t{x}" for t, x in zip(edges, ["A, a, Intro", "a'", "B, a, Verse", "a'", "End"], strict=True)]
        (song / f"textfile{number}.txt").write_text("\n".join(lines))
    save_annotations(tmp_path / "3.lab", intervals([0.0, 21.0, 40.0]), ["A", "B"])
    code, out, _ = run(capsys, str(song), str(tmp_path / "3.lab"))
    assert code == 0
    assert [line.split(",")[0] for line in out[-4:]] == ["estimate", "grid of 8 s", "one label", "human"]
    assert out[-1].startswith("human, 1 file ")
    _, lower, _ = run(capsys, str(song), str(tmp_path / "3.lab"), "--level", "lowercase")
    assert lower[-1] != out[-1]


def test_what_is_left_out_is_said_at_the_end(folders, capsys):
    (folders / "ref" / "more.lab").write_text("0 9 a\n")
    (folders / "est" / "song.lab").write_text("0 x\n3\n")
    code, out, err = run(capsys, "ref", "est")
    assert code == 1
    assert [line.split()[0] for line in out[:2]] == ["estimate", "whole"]
    assert sorted(err) == [
        "audiofeat: est/song.lab: line 2: the line must hold start, end and label, got '3'",
        "audiofeat: ref/more.lab: no estimate of its name in est",
    ]


def test_nothing_to_compare_is_an_error(folders, capsys):
    (folders / "empty").mkdir()
    code, out, err = run(capsys, "ref", "empty", "-o", "x.csv")
    assert (code, out) == (1, [])
    assert err[-1] == "audiofeat: ref: nothing to compare with empty"
    assert not (folders / "x.csv").exists()
    assert run(capsys, "nowhere", "est")[::2] == (1, ["audiofeat: nowhere: No such file or directory"])


def test_inputs_are_not_overwritten(folders, capsys):
    before = (folders / "est" / "song.lab").read_bytes()
    (folders / "est" / "song.lab").rename(folders / "est" / "song.csv")
    code, _, err = run(capsys, "ref", "est", "-o", "est/song.csv")
    assert (code, err) == (1, ["audiofeat: ref: est/song.csv is an input, it would be overwritten"])
    assert (folders / "est" / "song.csv").read_bytes() == before


def test_wrong_calls_are_told(folders, capsys, monkeypatch):
    assert run(capsys, "ref", "est", "-o", "scores.txt")[::2] == (
        2,
        ["audiofeat: -o must end in .csv or .json, got 'scores.txt'"],
    )
    assert run(capsys, "ref", "est", "--level", "upper")[0] == 2
    monkeypatch.setattr("audiofeat.cli.evaluating.find_spec", lambda name: None)
    code, _, err = run(capsys, "ref", "est")
    assert (code, err) == (2, ["audiofeat: this needs the package mir_eval: pip install 'audiofeat[eval]'"])


def test_without_jams_the_extra_is_named(folders, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jams", None)
    (folders / "ref" / "song.lab").rename(folders / "ref" / "song.jams")
    code, _, err = run(capsys, "ref", "est")
    assert (code, err) == (2, ["audiofeat: JAMS files need the package jams: pip install 'audiofeat[eval]'"])


def test_hostile_names_are_escaped(folders, capsys):
    for folder in ("ref", "est"):
        (folders / folder / "song.lab").rename(folders / folder / 'a\x1b[31m,\n".lab')
    code, out, _ = run(capsys, "ref", "est", "-o", "x.csv")
    assert code == 0
    assert not any("\x1b" in line for line in out)
    with (folders / "x.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["file"] == 'a\x1b[31m,\n"'
