"""The command line: what is printed and written, exit codes, and nothing lost or overwritten on the way."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from audiofeat import describe, load, load_annotations, preset, save, segment_file, synth
from audiofeat.cli import main
from audiofeat.cli._terminal import clock, unique
from audiofeat.cli.segmenting import EXTENSIONS
from audiofeat.outline import outlined

SR = 8000
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}  # for where it is not installed


@pytest.fixture(scope="module")
def regimes():
    return synth.ar_regimes("ABAB", sr=SR, segment_duration=5.0, random_state=0)


@pytest.fixture
def song(tmp_path, monkeypatch, regimes):
    """A song in an empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    save("song.wav", regimes.y / np.abs(regimes.y).max(), SR)
    return "song.wav"


def run(capsys, *arguments):
    """Exit code, lines of stdout, lines of stderr."""
    code = main(list(arguments))
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# segment


def test_segment_prints_a_table_and_writes_nothing_unasked(song, tmp_path, capsys):
    code, out, err = run(capsys, "segment", song, "--n-clusters", "2")
    assert (code, err) == (0, [])
    assert re.fullmatch(r"song\.wav: 0:20\.00, 4 sections, 2 labels, confidence \d\.\d\d", out[0])
    assert out[1].split() == ["start", "end", "duration", "label"]
    rows = [line.split() for line in out[2:]]
    assert [row[3] for row in rows] == list("ABAB")
    assert [row[0] for row in rows[1:]] == [row[1] for row in rows[:-1]]
    assert (rows[0][0], rows[-1][1]) == ("0:00.00", "0:20.00")
    assert sum(float(row[2]) for row in rows) == pytest.approx(20.0)
    assert files(tmp_path) == ["song.wav"]


def test_segment_writes_every_format_alike(song, tmp_path, capsys, regimes):
    pytest.importorskip("jams")
    code, out, _ = run(capsys, "segment", song, "--format", ",".join(EXTENSIONS), "-o", "deep/out")
    assert code == 0
    written = [f"deep/out/song{extension}" for extension in EXTENSIONS.values()]
    assert [line for line in out if line.startswith("wrote")] == [f"wrote {path}" for path in written]
    assert files(tmp_path) == sorted([*written, "song.wav"])
    first, labels = load_annotations(written[0])
    assert len(labels) == sum("  " in line for line in out[2:])
    for path in written[1:]:
        intervals, others = load_annotations(path)
        np.testing.assert_allclose(intervals, first, rtol=0, atol=1e-9)
        assert others == labels


def test_a_folder_alone_means_lab(song, tmp_path, capsys):
    assert run(capsys, "segment", song, "-o", ".")[0] == 0
    assert files(tmp_path) == ["song.lab", "song.wav"]


def test_options_reach_the_segmenter(song, capsys):
    _, two, _ = run(capsys, "segment", song, "--preset", "ucsd2020", "--n-clusters", "2", "--sr", "4000")
    _, three, _ = run(capsys, "segment", song, "--preset", "ucsd2020", "--n-clusters", "3", "--sr", "4000")
    assert ", 2 labels," in two[0]
    assert ", 3 labels," in three[0]
    assert two[0].startswith("song.wav: 0:20.00,")
    _, _, refused = run(capsys, "segment", song, "--sr", "10")
    assert refused[0].startswith("audiofeat: song.wav: window_duration must be at least 1.7 s for order 16 at 10 Hz")


def test_one_bad_file_does_not_stop_the_rest(song, tmp_path, capsys):
    (tmp_path / "text.wav").write_text("no sound")
    code, out, err = run(capsys, "segment", "nowhere.wav", song, "text.wav", song)
    assert code == 1
    assert sum(line.startswith("song.wav: 0:20.00") for line in out) == 2
    assert err == [
        "[1/4] nowhere.wav",
        "audiofeat: nowhere.wav: No such file or directory",
        "[2/4] song.wav",
        "[3/4] text.wav",
        "audiofeat: text.wav: not decodable as audio (Format not recognised)",
        "[4/4] song.wav",
    ]


def test_inputs_of_one_name_do_not_overwrite_each_other(song, tmp_path, capsys, regimes):
    (tmp_path / "a").mkdir()
    save("a/Song.flac", regimes.y[: 5 * SR] / np.abs(regimes.y).max(), SR)
    code, out, _ = run(capsys, "segment", song, "a/Song.flac", "-o", "out", "--format", "lab,csv")
    assert code == 0
    assert files(tmp_path / "out") == ["Song-2.csv", "Song-2.lab", "song.csv", "song.lab"]
    assert load_annotations("out/song.lab")[0][-1, 1] == 20.0
    assert load_annotations("out/Song-2.lab")[0][-1, 1] == 5.0
    assert f"wrote out{os.sep}Song-2.lab" in out


def test_names_are_distinct_whatever_their_case():
    names = [("a", ".x"), ("a-2", ".x"), ("A", ".x"), ("a", ".y"), ("spec", "")]
    assert unique(names, taken=["spec"]) == ["a.x", "a-2.x", "A-3.x", "a.y", "spec-2"]


def test_an_input_is_never_overwritten(song, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    before = (tmp_path / song).read_bytes()
    (tmp_path / "song.txt").write_bytes(before)  # audio by content
    code, _, err = run(capsys, "segment", "song.txt", "--format", "audacity")
    assert (code, err) == (1, ["audiofeat: song.txt: song.txt is an input, it would be overwritten"])
    (tmp_path / "link.png").symlink_to(tmp_path / song)
    code, _, err = run(capsys, "segment", "song.wav", "--plot", "link.png")
    assert (code, err) == (1, ["audiofeat: song.wav: link.png is an input, it would be overwritten"])
    code, _, err = run(capsys, "features", song, "--preset", "librosa", "-o", "./song.wav")
    assert (code, err) == (1, ["audiofeat: ./song.wav: song.wav is an input, it would be overwritten"])
    assert (tmp_path / "song.txt").read_bytes() == (tmp_path / song).read_bytes() == before


@pytest.mark.parametrize(
    ("given", "n_files", "expected"),
    [
        ("out.png", 1, "out.png"),
        ("deep/out.svg", 1, "deep/out.svg"),
        ("out", 1, "out.png"),
        ("made", 1, "made/song.png"),
        ("new/", 1, "new/song.png"),
        ("plots", 2, "plots/song-2.png"),
    ],
)
def test_figures(song, tmp_path, capsys, given, n_files, expected):
    pytest.importorskip("matplotlib")
    (tmp_path / "made").mkdir()
    code, out, _ = run(capsys, "segment", *[song] * n_files, "--plot", given)
    assert code == 0
    assert len(files(tmp_path)) == 1 + n_files
    head = (tmp_path / expected).read_bytes()[:5]
    assert head == (b"<?xml" if expected.endswith("svg") else b"\x89PNG\r")
    assert out[-1] == f"wrote {tmp_path.joinpath(expected).relative_to(tmp_path)}"


def test_clicks_and_a_thumbnail_go_where_the_other_files_go(song, tmp_path, capsys):
    code, out, err = run(capsys, "segment", song, "--sonify", "--thumbnail", "2.5", "-o", "out")
    assert (code, err) == (0, [])
    written = [f"out/song{end}" for end in (".lab", ".sonified.wav", ".thumbnail.wav")]
    assert [line for line in out if line.startswith("wrote")] == [f"wrote {path}" for path in written]
    y, _ = load(song)
    found = segment_file(song)
    np.testing.assert_allclose(load(written[1])[0], found.sonify(y), atol=2**-15)
    start, end = found.thumbnail(2.5)
    np.testing.assert_allclose(load(written[2])[0], y[round(start * SR) : round(end * SR)], atol=2**-15)
    assert len(load(written[2])[0]) == 2.5 * SR


def test_sounds_that_were_written_into_a_folder_are_no_inputs(song, tmp_path, capsys):
    for thumbnail, status in (("1", "1 done, 0 kept"), ("1", "0 done, 1 kept"), ("2", "1 done, 0 kept")):
        arguments = [".", "-o", "out", "--sonify", "--thumbnail", thumbnail, "--resume"]
        code, out, err = run(capsys, "segment", *arguments)
        assert (code, err) == (0, [])
        assert out[-1].startswith(status)
        assert len(load("out/song.thumbnail.wav")[0]) == int(thumbnail) * SR
    (tmp_path / "out/song.sonified.wav").unlink()
    assert run(capsys, "segment", *arguments)[1][-1].startswith("1 done")
    sounds = ["song.sonified.wav", "song.thumbnail.wav"]
    assert files(tmp_path / "out") == ["index.html", "song.lab", *sounds, "summary.csv"]
    (tmp_path / "song.thumbnail.wav").write_bytes((tmp_path / song).read_bytes())
    code, out, err = run(capsys, "segment", song, "song.thumbnail.wav", "--thumbnail", "1")  # by its name it is one
    assert code == 1
    assert "audiofeat: song.wav: song.thumbnail.wav is an input, it would be overwritten" in err
    assert "wrote song.thumbnail.thumbnail.wav" in out


@pytest.mark.parametrize("steps", [1, 50, 4567, 1 << 18])
def test_a_figure_is_drawn_from_extremes_of_steps(song, monkeypatch, steps):
    save("stereo.wav", np.stack([load(song)[0], np.linspace(-1.0, 1.0, 20 * SR)]), SR)
    y, _ = load("stereo.wav")
    found = segment_file("stereo.wav")
    monkeypatch.setattr("audiofeat.outline.STEPS", steps)
    coarse, extremes = outlined(found, "stereo.wav")
    step = -(-len(y) // steps)
    parts = [y[start : start + step] for start in range(0, len(y), step)]
    assert_array_equal(extremes, [[part.min() for part in parts], [part.max() for part in parts]])
    assert extremes.shape[1] <= steps
    assert coarse.labels == found.labels
    for ours, theirs in ((coarse.boundaries, found.boundaries), (coarse.window_intervals, found.window_intervals)):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=0.5001 * step / SR)
    if step == 1:
        assert_array_equal(coarse.boundary_samples, found.boundary_samples)


def test_a_figure_of_a_resampled_file(song, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    code, _, err = run(capsys, "segment", song, "--sr", "3000.5", "--plot", "out.png")
    assert (code, err) == (0, [])
    assert files(tmp_path) == ["out.png", "song.wav"]


def test_a_terminal_is_told_how_much_of_a_file_has_been_read(song, monkeypatch, capsys):
    monkeypatch.setattr("audiofeat.windows.SAMPLES", 10 * SR)  # blocks of ten windows
    silent = run(capsys, "segment", song, "--preset", "ucsd2020")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["segment", song, "nowhere.wav", "--preset", "ucsd2020"]) == 1
    out, err = capsys.readouterr()
    assert (0, out.splitlines(), []) == silent
    told = "".join(f"\r{at} of 0:20.00\x1b[K" for at in ("0:10.00", "0:20.00", "0:20.00"))
    gone = "\r\x1b[K"
    missing = "audiofeat: nowhere.wav: No such file or directory\n"
    assert err == f"[1/2] song.wav\n{told}{gone}[2/2] nowhere.wav\n{gone}{missing}"


def test_an_output_that_cannot_be_written(song, tmp_path, capsys):
    (tmp_path / "taken").write_text("a file where the folder should be")
    code, out, err = run(capsys, "segment", song, "-o", "taken")
    assert out[0].startswith("song.wav")  # printed before
    assert (code, err) == (1, ["audiofeat: taken: File exists"])
    code, _, err = run(capsys, "features", song, "--preset", "librosa", "-o", "taken/out.npz")
    assert (code, err) == (1, ["audiofeat: taken: File exists"])
    (tmp_path / "song.lab").mkdir()
    code, _, err = run(capsys, "segment", song, "--format", "lab")
    assert code == 1
    assert re.fullmatch(r"audiofeat: \.: Is a directory", err[0])
    assert not list(tmp_path.glob(".*"))


# info


def test_info(song, tmp_path, capsys):
    save("b.flac", np.zeros((2, 3 * 44100 + 441)), 44100, subtype="PCM_24")
    code, out, err = run(capsys, "info", song, "b.flac", "nowhere.wav")
    assert code == 1
    assert out == [
        "song.wav: WAV PCM_16, 8000 Hz, 1 channel, 0:20.00 declared",
        "b.flac: FLAC PCM_24, 44100 Hz, 2 channels, 0:03.01 declared",
    ]
    assert err == ["audiofeat: nowhere.wav: No such file or directory"]


def test_info_of_a_file_that_declares_nothing(song, tmp_path, capsys):
    save("a.flac", np.zeros(SR), SR)
    raw = bytearray((tmp_path / "a.flac").read_bytes())
    raw[21] &= 0xF0
    raw[22:26] = bytes(4)  # 36 bits
    (tmp_path / "a.flac").write_bytes(raw)
    assert run(capsys, "info", "a.flac")[1] == ["a.flac: FLAC PCM_16, 8000 Hz, 1 channel, length not declared"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00.00"), (59.994, "0:59.99"), (59.996, "1:00.00"), (72.5, "1:12.50"), (3599.999, "1:00:00.00")],
)
def test_clock(seconds, text):
    assert clock(seconds) == text


# features


def test_features_are_what_the_front_end_gives(song, tmp_path, capsys):
    (tmp_path / "a").mkdir()
    save("a/song.wav", np.full(SR, 0.5), SR)
    for name in ("spec", "file"):  # a name that is taken; an argument of np.savez
        (tmp_path / name).write_bytes((tmp_path / song).read_bytes())
    inputs = [song, "a/song.wav", "nowhere.wav", "spec", "file"]
    code, out, err = run(capsys, "features", *inputs, "--preset", "ubc2020", "-o", "deep/out.npz")
    assert code == 1
    assert [line for line in err if line[0] != "["] == ["audiofeat: nowhere.wav: No such file or directory"]
    assert out[-1] == "wrote deep/out.npz"
    front_end = preset("ubc2020")
    with np.load("deep/out.npz", allow_pickle=False) as stored:
        assert set(stored) == {"song.wav", "song-2.wav", "spec-2", "file", "spec"}
        np.testing.assert_array_equal(stored["song-2.wav"], front_end("a/song.wav"))
        for name in ("song.wav", "spec-2", "file"):
            np.testing.assert_array_equal(stored[name], front_end(song))
        assert json.loads(str(stored["spec"])) == front_end.to_dict()


def test_features_of_no_file_leave_the_old_output(song, tmp_path, capsys):
    (tmp_path / "out.npz").write_bytes(b"old")
    code, out, err = run(capsys, "features", "nowhere.wav", "--preset", "librosa", "-o", "out.npz")
    assert (code, out) == (1, [])
    assert err == [
        "audiofeat: nowhere.wav: No such file or directory",
        "audiofeat: out.npz: not written, no file gave features",
    ]
    assert (tmp_path / "out.npz").read_bytes() == b"old"
    assert files(tmp_path) == ["out.npz", "song.wav"]


# demo


def test_describe_prints_a_row_to_a_file(song, capsys):
    assert main(["describe", song, "none.wav", song, "--names", "rms,tonnetz", "--statistics", "mean, max"]) == 1
    out, err = capsys.readouterr()
    head, *rows = csv.reader(out.splitlines())
    expected = describe(load(song, sr=22050)[0], 22050, names=["rms", "tonnetz"], statistics=["mean", "max"])
    assert head == ["filename", *expected.columns]
    assert [row[0] for row in rows] == [song, song]
    for row in rows:
        assert_array_equal(np.array(row[1:], float), expected.values)
    assert "audiofeat: none.wav: No such file" in err


def test_describe_writes_the_table(song, capsys):
    assert main(["describe", song, "--sr", "8000", "-o", "new/table.csv"]) == 0
    assert capsys.readouterr().out.endswith("wrote new/table.csv: 1 row\n")
    lines = Path("new/table.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split(",")[1:] == list(describe(load(song, sr=8000)[0], 8000).columns)
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--names", "rms,loudness"], "--names must be some of .*, got 'loudness'"),
        (["--statistics", "mode"], "--statistics must be some of .*, got 'mode'"),
        (["--preset", "fma"], "--preset must be default, or gtzan .*, got 'fma'"),
        (["--preset", "gtzan", "--names", "rms"], "--preset must be default, or gtzan without --names"),
    ],
)
def test_describe_says_what_is_wrong_with_a_call(song, capsys, arguments, message):
    assert main(["describe", song, *arguments]) == 2
    assert re.search(message, capsys.readouterr().err)


def test_describe_writes_no_empty_table_and_over_no_input(song, capsys):
    assert main(["describe", "none.wav", "-o", "table.csv"]) == 1
    assert not Path("table.csv").exists()
    before = Path(song).read_bytes()
    assert main(["describe", song, "-o", song]) == 1
    assert Path(song).read_bytes() == before
    assert "is an input" in capsys.readouterr().err


def test_demo(tmp_path, monkeypatch, capsys):
    pytest.importorskip("jams")
    pytest.importorskip("matplotlib")
    pytest.importorskip("mir_eval")
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "demo")
    assert (code, err) == (0, [])
    names = [f"song{extension}" for extension in (*EXTENSIONS.values(), ".png", ".wav")] + ["truth.lab"]
    assert files(tmp_path / "audiofeat-demo") == sorted(names)
    truth = synth.song(random_state=0)
    np.testing.assert_allclose(load("audiofeat-demo/song.wav")[0], truth.y, atol=2**-15)
    assert load_annotations("audiofeat-demo/truth.lab")[1] == truth.labels
    assert out[1].split() == ["truth", "found"]
    _, found = load_annotations("audiofeat-demo/song.lab")
    assert out[3].split()[3] == truth.labels[0]
    assert out[3].split()[-1] == found[0]
    scores = {line[:20].strip(): float(line[20:]) for line in out if re.fullmatch(r".{20} [01]\.\d{3}", line)}
    assert len(scores) == 5
    assert scores["F-measure@0.5"] == 1.0
    assert scores["Adjusted Rand Index"] > 0.9


def test_demo_without_extras_names_them_and_does_the_rest(tmp_path, monkeypatch, capsys):
    for package in ("matplotlib", "matplotlib.figure", "mir_eval", "jams"):
        monkeypatch.setitem(sys.modules, package, None)
    code, out, err = run(capsys, "demo", "-o", str(tmp_path / "out"))
    assert (code, err) == (0, [])
    for start, extra in (("no scores: ", "eval"), ("no .jams: ", "eval"), ("no figure: ", "plot")):
        (line,) = (line for line in out if line.startswith(start))
        assert f"pip install 'audiofeat[{extra}]'" in line
    rest = [f"song{extension}" for extension in EXTENSIONS.values() if extension != ".jams"]
    assert files(tmp_path / "out") == sorted([*rest, "song.wav", "truth.lab"])


# Wrong calls, and ends that come early


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["sing"], "invalid choice: 'sing'"),
        (["info"], "the following arguments are required: FILE"),
        (["segment", "song.wav", "--n-clusters", "0"], "must be an integer >= 1, got '0'"),
        (["segment", "song.wav", "--n-clusters", "two"], "must be an integer >= 1, got 'two'"),
        (["segment", "song.wav", "--sr", "-1"], "must be a number of Hz above 0, got '-1'"),
        (["segment", "song.wav", "--sr", "nan"], "must be a number of Hz above 0, got 'nan'"),
        (["segment", "song.wav", "--thumbnail", "0"], "must be a number of seconds above 0, got '0'"),
        (["segment", "song.wav", "--thumbnail", "x"], "must be a number of seconds above 0, got 'x'"),
        (["segment", "--sonify", "--thumbnail", "song.wav"], "must be a number of seconds above 0, got 'song.wav'"),
        (["segment", "song.wav", "--format", "lab,xml"], "must be some of lab, csv, .* got 'xml'"),
        (["segment", "song.wav", "--preset", "x"], "--preset must be one of default, ucsd2020, got 'x'"),
        (["segment", "song.wav", "--plot", "a.doc"], r"--plot must end in one of \.png, \.pdf, \.svg, got"),
        (["segment", "song.wav", "b.wav", "--plot", "a.png"], "--plot must be a folder for 2 files"),
        (["features", "song.wav", "-o", "a.npz"], "required: --preset"),
        (["features", "song.wav", "--preset", "librosa"], "required: -o"),
        (["features", "song.wav", "--preset", "x", "-o", "a"], "--preset must be one of feng2017, .* got 'x'"),
    ],
)
def test_a_wrong_call_is_2_and_does_nothing(song, tmp_path, capsys, arguments, message):
    if "--plot" in arguments:
        pytest.importorskip("matplotlib")
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, [])
    assert re.search(message, err[-1])
    assert files(tmp_path) == ["song.wav"]


@pytest.mark.parametrize(
    ("arguments", "package", "extra"),
    [(["--plot", "a.png"], "matplotlib", "plot"), (["--format", "jams"], "jams", "eval")],
)
def test_a_missing_extra_is_named_before_the_work(song, monkeypatch, capsys, arguments, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    code, out, err = run(capsys, "segment", song, *arguments)
    assert (code, out) == (2, [])
    assert err == [f"audiofeat: this needs the package {package}: pip install 'audiofeat[{extra}]'"]


def test_help_and_version(capsys):
    code, out, _ = run(capsys, "--version")
    assert code == 0
    assert re.fullmatch(r"audiofeat \d+\.\d+\.\d+\S*", out[0])
    for command in ("segment", "info", "features", "demo"):
        code, out, err = run(capsys, command, "--help")
        assert (code, err) == (0, [])
        assert out[0].startswith(f"usage: audiofeat {command}")


def test_ctrl_c_is_130_without_a_traceback(song, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("audiofeat.segmentation.segment_file", interrupted)
    assert run(capsys, "segment", song, song) == (130, [], ["[1/2] song.wav", "audiofeat: interrupted"])


def test_a_reader_that_goes_away_is_no_error(song):
    command = [sys.executable, "-m", "audiofeat.cli", "info", song]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=ENVIRONMENT, **pipes) as process:
        process.stdout.close()  # long before the process prints
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_that_a_terminal_cannot_show(song, tmp_path, capsys):
    name = os.fsdecode(b"caf\xe9\n\x1b[31m.wav")
    (tmp_path / name).write_bytes((tmp_path / song).read_bytes())
    code, out, err = run(capsys, "info", name, "no\nsuch.wav")
    assert code == 1
    assert out == [r"caf\udce9\n\x1b[31m.wav: WAV PCM_16, 8000 Hz, 1 channel, 0:20.00 declared"]
    assert err == [r"audiofeat: no\nsuch.wav: No such file or directory"]
    assert run(capsys, "features", name, "--preset", "librosa", "-o", "a.npz")[0] == 0
    with np.load("a.npz") as stored:
        assert set(stored) == {r"caf\udce9\n\x1b[31m.wav", "spec"}


def test_output_in_a_narrow_encoding(song, tmp_path):
    (tmp_path / "Grüße.wav").write_bytes((tmp_path / song).read_bytes())
    command = [sys.executable, "-m", "audiofeat.cli", "info", "Grüße.wav"]
    environment = ENVIRONMENT | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert done.stdout.startswith(rb"Gr\xfc\xdfe.wav: WAV")


@pytest.mark.realdata
@pytest.mark.slow
def test_real_recordings(data, tmp_path, capsys):
    songs = [str(path) for path in sorted((data / "schubert_HU33" / "audio").glob("*.wav"))]
    songs.append(str(next(data.rglob("musanmix.mp3"))))
    code, _, err = run(capsys, "segment", *songs, "-o", str(tmp_path), "--format", "json", "--plot", str(tmp_path))
    assert code == 0
    assert len(err) == len(songs)
    assert len(files(tmp_path)) == 2 * len(songs)
    for song in songs:
        y, sr = load(song)
        intervals, _ = load_annotations(tmp_path / f"{Path(song).stem}.json")
        assert intervals[0, 0] == 0
        assert intervals[-1, 1] == pytest.approx(len(y) / sr)
