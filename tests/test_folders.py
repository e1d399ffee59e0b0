"""Pages and folders from the shell: where outputs go, what the summary says, and what a second run leaves alone."""

import csv
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest

from audiofeat import load_annotations, save
from audiofeat.cli import main
from audiofeat.io import info, load
from audiofeat.sections import Segmentation

SR = 8000


@pytest.fixture(autouse=True)
def segmented(monkeypatch):
    """A quick segmenter of halves, and the files that it was given."""
    files = []

    def segment_file(path, *, sr, n_clusters, preset, progress):
        files.append(path)
        n_samples = len(load(path, sr=sr)[0])
        edges = np.array([0, n_samples // 2, n_samples])
        rate = float(sr or info(path).sr)
        windows = np.stack([edges[:-1], edges[1:]], axis=1)
        distance = np.array([[0.0, 1.0], [1.0, 0.0]])
        labels = ["A", "B"] if n_clusters is None else ["A", "A"]
        common = {"eigenvalues": np.ones(2), "n_clusters": 2, "confidence": 0.25, "n_components": 1, "parameters": {}}
        return Segmentation(edges, labels, rate, labels, windows, np.arange(2), distance, 1 - distance, **common)

    monkeypatch.setattr("audiofeat.segmentation.segment_file", segment_file)
    return files


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three songs, a hidden one, one that is no audio, and what is no song by its name."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(["b.wav", "a.flac", "more/deep/a.wav", ".hidden.wav", ".cache/c.wav"]):
        path = tmp_path / "songs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path, np.full((number + 1) * SR, 0.5), SR)
    (tmp_path / "songs" / "more" / "bad.MP3").write_text("no sound")
    (tmp_path / "songs" / "notes.txt").write_text("no song")
    return tmp_path / "songs"


def run(capsys, *arguments):
    """Exit code, lines of stdout, lines of stderr."""
    code = main(["segment", *arguments])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def table(path="out/summary.csv"):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Links(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.found = []
        self.feed(Path(path).read_text(encoding="utf-8"))

    def handle_starttag(self, name, attributes):
        if name == "a":
            self.found.append(dict(attributes)["href"])


# Pages of files


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["songs/b.wav", "--report", "page.html"], ["page.html"]),
        (["songs/b.wav", "--report", "page"], ["page.html"]),
        (["songs/b.wav", "--report", "page.htm"], ["page.htm"]),
        (["songs/b.wav", "--report"], ["b.html"]),
        (["songs/b.wav", "--report", "-o", "out"], ["out/b.html", "out/b.lab"]),
        (["songs/b.wav", "songs/a.flac", "--report", "pages"], ["pages/a.html", "pages/b.html"]),
        (["songs/b.wav", "songs/b.wav", "--report", "pages/"], ["pages/b-2.html", "pages/b.html"]),
    ],
)
def test_pages(folder, tmp_path, capsys, arguments, expected):
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    written = [path for path in files(tmp_path) if not path.startswith("songs")]
    assert written == expected
    assert sorted(line for line in out if line.startswith("wrote")) == [f"wrote {path}" for path in expected]
    for path in expected:
        if not path.endswith(".lab"):
            text = (tmp_path / path).read_text(encoding="utf-8")
            url = re.search(r'<audio[^>]* src="([^"]+)"', text)[1]
            assert (tmp_path / path).parent.joinpath(url).resolve() in {folder / "a.flac", folder / "b.wav"}


def test_the_sound_can_be_put_into_the_page(folder, capsys):
    assert run(capsys, "songs/a.flac", "--report", "a.html", "--embed-audio")[0] == 0
    assert 'src="data:audio/flac;base64,' in Path("a.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["songs"], "a folder needs -o DIR, where the summary goes"),
        (["songs/b.wav", "--resume"], "--resume needs -o DIR, where the summary goes"),
        (["songs/b.wav", "--embed-audio"], "--embed-audio needs --report"),
        (["songs/b.wav", "--report", "a.pdf"], r"--report must end in one of \.html, \.htm, got 'a\.pdf'"),
        (["songs", "-o", "out", "--report", "a.html"], "--report must be a folder for 4 files, got 'a.html'"),
        (["songs/b.wav", "songs/a.flac", "--report", "a.html"], "--report must be a folder for 2 files"),
    ],
)
def test_wrong_calls(folder, tmp_path, capsys, segmented, arguments, message):
    before = files(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert (code, out, segmented) == (2, [], [])
    assert re.search(message, err[-1])
    assert files(tmp_path) == before


# Folders


def test_a_folder_is_mirrored_and_summed_up(folder, tmp_path, capsys):
    code, out, err = run(capsys, "songs", "-o", "out", "--format", "lab,json", "--report")
    assert code == 1
    songs = ["a", "b", "more/deep/a"]
    expected = [f"{song}.{extension}" for song in songs for extension in ("html", "json", "lab")]
    assert files(tmp_path / "out") == sorted([*expected, "index.html", "summary.csv"])
    assert [line.split(":")[0] for line in out[:3]] == [
        f"songs/{song}" for song in ("a.flac", "b.wav", "more/deep/a.wav")
    ]
    assert out[3:] == ["wrote out/summary.csv", "wrote out/index.html", "3 done, 0 kept, 1 failed"]
    reason = "songs/more/bad.MP3: not decodable as audio (Format not recognised)"
    assert f"audiofeat: {reason}" in err
    assert err[-2:] == ["audiofeat: these failed:", f"  {reason}"]
    rows = table()
    assert [row["file"] for row in rows] == [
        "../songs/a.flac",
        "../songs/b.wav",
        "../songs/more/bad.MP3",
        "../songs/more/deep/a.wav",
    ]
    assert [row["status"] for row in rows] == ["done", "done", "failed", "done"]
    assert [row["duration"] for row in rows] == ["2.000000", "1.000000", "", "3.000000"]
    assert [row["n_sections"] for row in rows] == ["2", "2", "", "2"]
    assert rows[2]["reason"] == reason
    assert rows[0]["sections"] == '[[0.0, 1.0, "A"], [1.0, 2.0, "B"]]'
    assert load_annotations("out/more/deep/a.lab")[1] == ["A", "B"]


def test_the_index_links_every_page(folder, tmp_path, capsys):
    run(capsys, "songs", "-o", "out", "--report")
    assert Links("out/index.html").found == ["a.html", "b.html", "more/deep/a.html"]
    run(capsys, "songs", "-o", "out", "--report", "pages/")
    links = Links("out/index.html").found
    assert links == ["../pages/a.html", "../pages/b.html", "../pages/more/deep/a.html"]
    assert all((tmp_path / "out" / link).is_file() for link in links)
    text = Path("out/index.html").read_text(encoding="utf-8")
    assert "4 files · 1 failed" in text
    assert re.findall("<bdi>(.*?)</bdi>", text)[1:] == ["a.flac", "b.wav", "more/bad.MP3", "more/deep/a.wav"]
    assert "not decodable as audio" in text
    assert "<script" not in text
    run(capsys, "songs", "-o", "out")
    assert Links("out/index.html").found == []


def test_files_and_folders_are_taken_together_and_names_kept_apart(folder, tmp_path, capsys):
    save(folder / "index.wav", np.full(SR, 0.5), SR)
    save(folder / "Summary.wav", np.full(SR, 0.5), SR)
    save(folder / "a.wav", np.full(SR, 0.5), SR)
    (folder / "more" / "bad.MP3").unlink()
    code, out, _ = run(capsys, "songs", "songs/b.wav", "-o", "out", "--report", "--format", "csv")
    assert code == 0
    names = ["Summary-2", "a", "a-2", "b", "b-2", "index-2", "more/deep/a"]
    expected = [f"{name}.{extension}" for name in names for extension in ("csv", "html")]
    assert files(tmp_path / "out") == sorted([*expected, "index.html", "summary.csv"])
    assert out[-1] == "7 done, 0 kept, 0 failed"


def test_an_empty_folder_and_a_missing_file_are_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    code, out, err = run(capsys, "empty", "none.wav", "-o", "out")
    assert code == 1
    assert out[-1] == "0 done, 0 kept, 1 failed"
    assert err[0] == "audiofeat: empty: holds no audio files"
    assert err[-2:] == ["  empty: holds no audio files", "  none.wav: No such file or directory"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_hostile_names(tmp_path, monkeypatch, capsys, segmented):
    monkeypatch.chdir(tmp_path)
    names = [b"</script><script>alert(1)<", b"caf\xe9\n\x1b[31m%20", b'"onclick="alert(2)', b"javascript:alert(3)"]
    (tmp_path / "songs").mkdir()
    save("song.flac", np.full(SR, 0.5), SR)
    for name in names:
        path = os.path.join(b"songs", name.replace(b"/", b"_") + b".flac")  # noqa: PTH118
        Path(os.fsdecode(path)).write_bytes(Path("song.flac").read_bytes())
    assert run(capsys, "songs", "-o", "out", "--report")[0] == 0
    assert len(segmented) == 4
    index = Path("out/index.html").read_text(encoding="utf-8")
    assert "<script" not in index
    assert "onclick=" not in re.sub(r"&quot;onclick=", "", index)
    links = Links("out/index.html").found
    assert len(links) == 4
    for link in links:
        text = Path(os.fsdecode(os.path.join(b"out", unquote_to_bytes(link)))).read_text(encoding="utf-8")  # noqa: PTH118
        assert len(re.findall("<script", text)) == 1
    code, out, _ = run(capsys, "songs", "-o", "out", "--report", "--resume")
    assert (code, out[-1], len(segmented)) == (0, "0 done, 4 kept, 0 failed", 4)


# Resuming


def test_what_is_done_is_kept(folder, capsys, segmented):
    call = ("songs", "-o", "out", "--report")
    run(capsys, *call)
    index, rows = Path("out/index.html").read_text(encoding="utf-8"), table()
    segmented.clear()
    code, out, _ = run(capsys, *call, "--resume")
    assert code == 1
    assert segmented == ["songs/more/bad.MP3"]  # what failed is tried again
    assert out[:3] == ["songs/a.flac: kept", "songs/b.wav: kept", "songs/more/deep/a.wav: kept"]
    assert out[-1] == "0 done, 3 kept, 1 failed"
    kept = table()
    assert [row.pop("status") for row in kept] == ["kept", "kept", "failed", "kept"]
    assert kept == [{key: value for key, value in row.items() if key != "status"} for row in rows]
    assert Path("out/index.html").read_text(encoding="utf-8") == index.replace(">done<", ">kept<")


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (lambda: os.utime("songs/b.wav", (4e9, 4e9)), ["songs/b.wav"]),
        (lambda: Path("out/a.lab").unlink(), ["songs/a.flac"]),
        (lambda: os.utime("out/a.html", (1e9, 1e9)), ["songs/a.flac"]),
        (lambda: Path("songs/a.flac").rename("songs/c.flac"), ["songs/c.flac"]),
        (lambda: save("songs/a.aiff", np.full(SR, 0.5), SR), ["songs/a.aiff", "songs/a.flac"]),  # a.flac is a-2 now
    ],
)
def test_what_changed_is_done_again(folder, capsys, segmented, change, again):
    (folder / "more" / "bad.MP3").unlink()
    call = ("songs", "-o", "out", "--report")
    run(capsys, *call)
    change()
    segmented.clear()
    code, out, _ = run(capsys, *call, "--resume")
    assert (code, segmented) == (0, again)
    assert out[-1] == f"{len(again)} done, {len(table()) - len(again)} kept, 0 failed"
    assert all((Path("out") / link).is_file() for link in Links("out/index.html").found)


@pytest.mark.parametrize(
    "more", [["--n-clusters", "2"], ["--sr", "4000"], ["--preset", "ucsd2020"], ["--embed-audio"], ["--format", "csv"]]
)
def test_other_parameters_are_other_work(folder, capsys, segmented, more):
    (folder / "more" / "bad.MP3").unlink()
    call = ("songs", "-o", "out", "--report")
    run(capsys, *call)
    _, out, _ = run(capsys, *call, *more, "--resume")
    assert out[-1] == "3 done, 0 kept, 0 failed"
    _, out, _ = run(capsys, *call, *more, "--resume")
    assert out[-1] == "0 done, 3 kept, 0 failed"


def test_a_run_that_was_interrupted_goes_on_where_it_was(folder, capsys, monkeypatch, segmented):
    (folder / "more" / "bad.MP3").unlink()
    from audiofeat.segmentation import segment_file

    def interrupted(path, **options):
        if "more" in path:
            raise KeyboardInterrupt
        return segment_file(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr("audiofeat.segmentation.segment_file", interrupted)
        assert run(capsys, "songs", "-o", "out", "--report")[0] == 130
    assert [row["status"] for row in table()] == ["done", "done"]
    _, out, _ = run(capsys, "songs", "-o", "out", "--report", "--resume")
    assert out[-1] == "1 done, 2 kept, 0 failed"
    assert len(Links("out/index.html").found) == 3
    assert segmented == ["songs/a.flac", "songs/b.wav", "songs/more/deep/a.wav"]
    os.utime("songs/more/deep/a.wav", (4e9, 4e9))
    os.utime("songs/a.flac", (4e9, 4e9))
    with monkeypatch.context() as patch:
        patch.setattr("audiofeat.segmentation.segment_file", interrupted)
        assert run(capsys, "songs", "-o", "out", "--report", "--resume")[0] == 130
    assert [row["status"] for row in table()] == ["done", "kept", "done"]  # the last as it was, and to be done again
    _, out, _ = run(capsys, "songs", "-o", "out", "--report", "--resume")
    assert "songs/b.wav: kept" in out
    assert segmented.count("songs/more/deep/a.wav") == 2


def test_a_run_that_is_killed_has_saved_its_summary_on_the_way(folder, capsys, monkeypatch):
    monkeypatch.setattr("audiofeat.cli.folders.PATIENCE", -1.0)
    seen = []

    def before_the_last(path, **_):
        if "more" in path:
            seen.extend(table())
        raise ValueError("no")

    from audiofeat.segmentation import segment_file

    monkeypatch.setattr(
        "audiofeat.segmentation.segment_file",
        lambda path, **options: (before_the_last if "more" in path else segment_file)(path, **options),
    )
    run(capsys, "songs", "-o", "out")
    assert [row["file"] for row in seen[:2]] == ["../songs/a.flac", "../songs/b.wav"]


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "file,sections,confidence\nx,[],y\n", 'file\n"'])
def test_another_table_is_not_resumed_from(folder, capsys, segmented, content):
    Path("out").mkdir()
    Path("out/summary.csv").write_text(content)
    code, _, err = run(capsys, "songs", "-o", "out", "--resume")
    assert (code, segmented) == (1, [])
    assert err == ["audiofeat: out: out/summary.csv is no summary to resume from; without --resume it is replaced"]
    assert Path("out/summary.csv").read_text() == content
