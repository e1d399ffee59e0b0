"""``audiofeat train``, ``predict`` and ``evaluate``: a small data set from the shell."""

import json

import numpy as np
import pytest

from audiofeat import save, synth
from audiofeat.cli import main

SR = 8000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of six files each: dark and bright noise."""
    folder = tmp_path_factory.mktemp("genres")
    for name, a in (("dark", -0.9), ("bright", 0.9)):
        (folder / name).mkdir()
        for i in range(6):
            y = synth.ar_noise([1.0, a], SR // 2, random_state=i)
            save(folder / name / f"{i}.wav", 0.1 * y / np.abs(y).max(), SR)
    return folder


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def test_what_is_trained_predicts(folder, tmp_path, capsys):
    pytest.importorskip("skops")
    model = tmp_path / "model.skops"
    code, out, err = run(capsys, "train", f"folder:{folder}", "--model", "svm", "-o", model)
    assert (code, err) == (0, [])
    assert out == ["12 files: bright 6, dark 6", f"wrote {model}"]
    files = [folder / "dark" / "0.wav", folder / "bright" / "3.wav"]
    code, out, err = run(capsys, "predict", model, *files, tmp_path / "none.wav")
    assert (code, err) == (1, [f"audiofeat: {tmp_path / 'none.wav'}: No such file or directory"])
    assert [line.split()[1] for line in out] == ["dark", "bright"]
    code, out, _ = run(capsys, "predict", model, "--json", *files)
    assert code == 0
    assert [json.loads(line)["label"] for line in out] == ["dark", "bright"]


def test_probabilities_are_told(folder, tmp_path, capsys):
    pytest.importorskip("skops")
    model = tmp_path / "model.skops"
    assert run(capsys, "train", f"folder:{folder}", "--model", "softmax", "-o", model)[0] == 0
    _, (line,), _ = run(capsys, "predict", model, "--json", folder / "dark" / "1.wav")
    proba = json.loads(line)["probabilities"]
    assert list(proba) == ["bright", "dark"]
    assert proba["dark"] > 0.8
    assert sum(proba.values()) == pytest.approx(1.0)
    _, (line,), _ = run(capsys, "predict", model, folder / "dark" / "1.wav")
    assert line.split()[1:3] == ["dark", "dark"]


def test_a_model_that_is_none_is_refused(tmp_path, capsys):
    pytest.importorskip("skops")
    (tmp_path / "model.skops").write_text("no model")
    code, out, err = run(capsys, "predict", tmp_path / "model.skops", "song.wav")
    assert (code, out, len(err)) == (1, [], 1)
    assert str(tmp_path / "model.skops") in err[0]


def test_an_evaluation_is_printed_and_written(folder, tmp_path, capsys):
    outputs = [tmp_path / "out" / "report.json", tmp_path / "out" / "report.md"]
    options = [option for output in outputs for option in ("-o", output)]
    code, out, err = run(capsys, "evaluate", f"folder:{folder}", "--model", "knn", "--cv", "3", *options)
    assert (code, err) == (0, [])
    assert out[-2:] == [f"wrote {output}" for output in outputs]
    assert json.loads(outputs[0].read_text())["accuracy"] >= 0.9
    assert outputs[1].read_text().count("|") > 10


def test_a_figure_is_drawn(folder, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    code, _, _ = run(capsys, "evaluate", f"folder:{folder}", "--model", "knn", "--cv", "2", "-o", tmp_path / "a.png")
    assert code == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_left_out_is_said(folder, tmp_path, capsys):
    for name in ("dark", "bright"):
        (tmp_path / name).mkdir()
        for i in range(3):
            (tmp_path / name / f"{i}.wav").write_bytes((folder / name / f"{i}.wav").read_bytes())
    (tmp_path / "dark" / "empty.wav").touch()
    code, _, err = run(capsys, "evaluate", f"folder:{tmp_path}", "--model", "naive-bayes", "--cv", "2")
    assert code == 0
    assert err == [f"audiofeat: {tmp_path / 'dark' / 'empty.wav'}: left out, the file is empty"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["evaluate", "songs"], 1, "spec must be NAME:PATH"),
        (["evaluate", "folder:nowhere"], 1, "nowhere"),
        (["evaluate", "folder:x", "--model", "cnn"], 2, "invalid choice: 'cnn'"),
        (["evaluate", "folder:x", "--preset", "mp3"], 2, "--preset must be one of"),
        (["evaluate", "folder:x", "--model", "tempo-nn", "--preset", "librosa"], 2, "--preset must be left out"),
        (["evaluate", "folder:x", "--cv", "0"], 2, "must be an integer >= 1, got '0'"),
        (["evaluate", "folder:x", "-o", "report.txt"], 2, "-o must end in one of .json, .md"),
    ],
)
def test_wrong_calls_are_told(tmp_path, monkeypatch, capsys, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    found, _, err = run(capsys, *arguments)
    assert found == code
    assert message in "\n".join(err)


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize(("model", "least"), [("svm", 0.75), ("pca-knn", 0.65)])
def test_esc10_reaches_its_bars(data, tmp_path, capsys, model, least):
    spec = f"esc10:{data / 'esc10_folds123'}"
    code, _, _ = run(capsys, "evaluate", spec, "--model", model, "--cv", "official", "-o", tmp_path / "r.json")
    assert code == 0
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["fold_mean"] >= least
