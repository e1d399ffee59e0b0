"""``audiofeat extract`` and ``audiofeat store``: what is kept, what is said, and how one goes on."""

import csv
import functools
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numba
import numpy as np
import pages
import pytest
from numpy.testing import assert_array_equal

from audiofeat import extract_features, preset, save
from audiofeat.cli import collecting, main
from audiofeat.extraction import Describe, EngineError, Excerpts, Progress, Segments
from audiofeat.store import StoreError, open_store

ROOT = Path(__file__).parents[1]
SR = 22050
NEEDS_COMPILER = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="too slow in processes without the compiler")


def noise(seconds, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * SR))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Two classes of three files each, one that is empty and one that is short."""
    folder = tmp_path_factory.mktemp("recordings")
    for seed, name in enumerate(("blues/1", "blues/2", "blues/3", "jazz/1", "jazz/2", "jazz/3")):
        (folder / "music" / name).parent.mkdir(parents=True, exist_ok=True)
        save(folder / "music" / f"{name}.wav", noise(4.0, seed), SR)
    save(folder / "music/jazz/short.wav", noise(1.0), SR)
    (folder / "music/jazz/broken.wav").touch()
    return folder


@pytest.fixture
def music(recordings, tmp_path, monkeypatch):
    """The folder music in the current one."""
    (tmp_path / "music").symlink_to(recordings / "music")
    monkeypatch.chdir(tmp_path)
    return "music"


@pytest.fixture
def serial(monkeypatch):
    """Extraction without processes, which take seconds to start."""

    def in_process(*arguments, **options):
        return extract_features(*arguments, **options, engine="serial")

    monkeypatch.setattr("audiofeat.extraction.extract_features", in_process)


@pytest.fixture
def whole(music, serial, capsys):
    """A store of the six whole files, by the shell."""
    assert run(capsys, "extract", "music/blues", *JAZZ, "-o", "whole", "--stats", "--excerpt", "1s")[0] == 0
    return Path("whole")


JAZZ = [f"music/jazz/{i}.wav" for i in (1, 2, 3)]


def run(capsys, *arguments):
    """Exit code, lines of stdout, lines of stderr."""
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def damage(store):
    """Change a byte of the last item."""
    (shard,) = (store / "shards").iterdir()
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)


# extract


def test_extract_keeps_what_the_function_gives(music, serial, capsys):
    code, out, err = run(capsys, "extract", music, "-o", "a store", "--excerpt", "2x1s@center", "--dtype", "float16")
    assert (code, err) == (1, [])
    assert out == ["wrote a store: 7 done, 0 skipped, 1 failed (see: audiofeat store errors 'a store')"]
    expected = extract_features(music, "expected", excerpts=Excerpts(1.0, n=2), dtype="float16", engine="serial")
    found = open_store("a store")
    assert found.schema == expected.schema
    assert found.paths == expected.paths
    for item, wanted in zip(found, expected, strict=True):
        assert_array_equal(item, wanted)
    assert run(capsys, "store", "errors", "a store") == (0, ["music/jazz/broken.wav: error: the file is empty"], [])


def test_what_is_skipped_is_no_failure(music, serial, capsys):
    files = ["music/jazz/1.wav", "music/jazz/short.wav", "music/jazz/1.wav"]
    code, out, err = run(capsys, "extract", *files, "-o", "s", "--excerpt", "2s")
    assert (code, err) == (0, [])
    assert out == ["wrote s: 1 done, 1 skipped, 0 failed (see: audiofeat store errors s)"]
    assert run(capsys, "extract", *files, "-o", "t", "--excerpt", "2s", "--short", "pad") == (
        0,
        ["wrote t: 2 done, 0 skipped, 0 failed"],
        [],
    )


DEFAULTS = {
    "excerpts": None,
    "dtype": None,
    "n_jobs": -1,
    "scheduler": None,
    "shard": None,
    "resume": False,
    "retry_errors": False,
    "on_error": "record",
    "max_duration": None,
    "max_bytes": None,
    "timeout": None,
    "short": "skip",
    "features": preset("librosa"),
}


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ("", {}),
        ("--preset pons2016", {"features": preset("pons2016")}),
        ("--stats", {"features": Describe()}),
        ("--stats --preset gtzan", {"features": Describe(preset="gtzan")}),
        ("--segments", {"features": Segments()}),
        ("--segments --preset ucsd2020", {"features": Segments(preset="ucsd2020")}),
        ("--excerpt 3s@30 --short pad", {"excerpts": Excerpts(3.0, 30.0), "short": "pad"}),
        ("--excerpt 10x3s --short skip", {"excerpts": Excerpts(3.0, n=10)}),
        ("--dtype float64 -j 3", {"dtype": "float64", "n_jobs": 3}),
        ("--scheduler local:2 --shard 2/5", {"scheduler": "local:2", "shard": "2/5"}),
        ("--max-duration 1.5 --max-bytes 100", {"max_duration": 1.5, "max_bytes": 100}),
        ("--timeout 9 --strict", {"timeout": 9.0, "on_error": "raise"}),
        ("--resume --retry", {"resume": True, "retry_errors": True}),
    ],
)
def test_options_reach_the_function(music, monkeypatch, capsys, arguments, options):
    def told(files, store, *, progress, **given):
        assert (files, store) == (["music/blues/1.wav", "music/blues/2.wav", "music/blues/3.wav"], "s")
        assert given == DEFAULTS | options
        progress(Progress(0, 0, 0, 3, 0, 0.0, 0.0))
        raise StoreError("this far")

    monkeypatch.setattr("audiofeat.extraction.extract_features", told)
    given = ["extract", "music/blues", "-o", "s", *arguments.split()]
    assert run(capsys, *given) == (1, [], ["audiofeat: this far"])


def test_inputs_may_be_of_any_kind(music, serial, capsys):
    Path("table.csv").write_text("path\nmusic/jazz/2.wav\nmusic/jazz/1.wav\n")
    inputs = ["table.csv", "music/blues/[12].wav", "folder:music", "music/blues"]
    code, _, err = run(capsys, "extract", *inputs, "-o", "s", "--excerpt", "1s")
    assert (code, err) == (0, ["audiofeat: music/jazz/broken.wav: left out, the file is empty"])
    given = ("jazz/2", "jazz/1", "blues/1", "blues/2", "blues/3", "jazz/3", "jazz/short")  # each once
    assert open_store("s").paths == tuple(f"music/{name}.wav" for name in given)


def test_a_store_goes_on_only_if_that_is_asked_for(music, serial, capsys):
    arguments = ["extract", "-o", "s", "--excerpt", "1s", "music/jazz"]
    assert run(capsys, *arguments, "--resume")[0] == 1  # begins it
    before = (Path("s") / "ledger.sqlite").read_bytes()
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, [])
    assert err == ["audiofeat: s is a feature store already: go on with it by --resume, or choose another folder"]
    assert (Path("s") / "ledger.sqlite").read_bytes() == before
    assert run(capsys, *arguments, "music/blues", "--resume")[:2] == (
        1,
        ["wrote s: 7 done, 0 skipped, 1 failed (see: audiofeat store errors s)"],
    )
    code, out, (err,) = run(capsys, *arguments, "--dtype", "float16", "--resume")
    assert (code, out) == (1, [])
    assert err.endswith("has another schema: dtype is 'float32' in the store, 'float16' was asked for")


def test_what_failed_is_tried_again_if_asked(recordings, tmp_path, monkeypatch, serial, capsys):
    monkeypatch.chdir(tmp_path)
    at = "gone.wav"
    arguments = ["extract", recordings / "music/blues", at, "-o", "s", "--resume", "--excerpt", "1s"]
    Path(at).touch()
    assert run(capsys, *arguments)[0] == 1
    status = Path(at).stat()
    real = os.stat

    def same(path, *rest, **options):  # the file is repaired, but its size and time do not tell
        return status if path == at else real(path, *rest, **options)

    save(at, noise(2.0), SR)
    monkeypatch.setattr("audiofeat.extraction.inputs.os.stat", same)
    assert run(capsys, *arguments)[0] == 1
    assert run(capsys, *arguments, "--retry") == (0, ["wrote s: 4 done, 0 skipped, 0 failed"], [])


def test_strict_stops_at_the_first_failure(music, serial, capsys):
    code, out, err = run(capsys, "extract", "music/jazz", "-o", "s", "--strict", "--excerpt", "1s")
    assert (code, out) == (1, [])
    assert err == [
        "audiofeat: stopped, as --strict wants; the same command with --resume goes on without this file",
        "audiofeat: music/jazz/broken.wav: the file is empty",
    ]
    left = open_store("s")
    assert left.paths == ("music/jazz/1.wav", "music/jazz/2.wav", "music/jazz/3.wav")
    code, out, _ = run(capsys, "extract", "music/jazz", "-o", "s", "--strict", "--excerpt", "1s", "--resume")
    assert (code, out) == (1, ["wrote s: 4 done, 0 skipped, 1 failed (see: audiofeat store errors s)"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "the following arguments are required: INPUT, -o"),
        ("music", "the following arguments are required: -o"),
        ("nowhere -o s", "audiofeat: inputs must be a folder, a file, a table in .csv or .tsv, or a pattern, got"),
        ("folder:nowhere -o s", "nowhere"),
        ("mel.store/*.wav -o s", "inputs must hold at least 1 audio file, got 'mel.store/*.wav' with none"),
        ("music -o s --preset mp3", "--preset must be one of feng2017, kaldi,"),
        ("music -o s --stats --preset librosa", "--preset must be one of default, gtzan with --stats, got 'librosa'"),
        ("music -o s --segments --preset gtzan", "--preset must be one of default, ucsd2020 with --segments, got"),
        ("music -o s --segments --stats", "not allowed with argument"),
        ("music -o s --segments --excerpt 3s", "excerpts must be None for segments"),
        ("music -o s --excerpt 3m", "--excerpt: excerpts must be like 3s, 3s@center"),
        ("music -o s --short pad", "--short needs --excerpt"),
        ("music -o s --retry", "--retry needs --resume"),
        ("music -o s --dtype int8", "--dtype: invalid choice: 'int8'"),
        ("music -o s -j 0", "-j: must be an integer >= 1, got '0'"),
        ("music -o s -j 2 --scheduler local:2", "-j must be left out with --scheduler"),
        ("music -o s --scheduler somewhere", "scheduler must be an address like tcp://host:8786"),
        ("music -o s --shard 3/2", "shard must be i/n with 1 <= i <= n, got '3/2'"),
        ("music -o s --max-duration 0", "--max-duration: must be a number of seconds above 0, got '0'"),
        ("music -o s --max-bytes 1e6", "--max-bytes: must be an integer >= 1, got '1e6'"),
        ("music -o s --timeout nan", "--timeout: must be a number of seconds above 0, got 'nan'"),
    ],
)
def test_wrong_calls_make_no_store(music, capsys, arguments, message):
    code, out, err = run(capsys, "extract", *arguments.split())
    assert (code, out) == (2, [])
    assert message in err[-1]
    assert not Path("s").exists()


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (EngineError("scheduler 'tcp://a:1' cannot be reached"), 1, "scheduler 'tcp://a:1' cannot be reached"),
        (StoreError("/s cannot be written: No space left on device"), 1, "/s cannot be written: No space left"),
        (ImportError("a scheduler needs the extra 'cluster'"), 2, "a scheduler needs the extra 'cluster'"),
        (MemoryError(), 1, "s: MemoryError"),
    ],
)
def test_what_stops_it_is_told(music, monkeypatch, capsys, error, code, message):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr("audiofeat.extraction.extract_features", fails)
    found, out, (err,) = run(capsys, "extract", music, "-o", "s")
    assert (found, out) == (code, [])
    assert err.startswith(f"audiofeat: {message}")


# Interrupts


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_says_how_to_go_on(music, monkeypatch, capsys, sign):
    def interrupted(*arguments, progress, **options):
        def after_three(now):
            progress(now)
            if now.finished == 3:
                signal.raise_signal(sign)

        return extract_features(*arguments, **options, engine="serial", progress=after_three)

    monkeypatch.setattr("audiofeat.extraction.extract_features", interrupted)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    arguments = ["extract", music, "-o", "s", "--excerpt", "1s"]
    told = "audiofeat: interrupted, 3 of 8 files are done; the same command"
    assert run(capsys, *arguments) == (130, [], [f"{told} with --resume goes on"])
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert open_store("s").info().counts == {"waiting": 5, "claimed": 0, "done": 3, "error": 0, "skipped": 0}
    told = "audiofeat: interrupted, 6 of 8 files are done; the same command goes on"
    assert run(capsys, *arguments, "--resume") == (130, [], [told])
    assert len(open_store("s")) == 6


def test_an_interrupt_before_the_first_file(music, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("audiofeat.extraction.extract_features", interrupted)
    told = "audiofeat: interrupted; the same command with --resume goes on"
    assert run(capsys, "extract", music, "-o", "s") == (130, [], [told])


def test_a_thread_may_run_it_too(music, serial, capsys):
    codes = []
    arguments = ["extract", "music/blues", "-o", "s", "--excerpt", "1s"]
    thread = threading.Thread(target=lambda: codes.append(main(arguments)))
    thread.start()
    thread.join()
    assert codes == [0]


SCRIPT = """
import sys
from audiofeat.cli import collecting, main

collecting.LOGGED = 0.0  # a line for every file
sys.exit(main(sys.argv[1:]))
"""


def ends(group):
    """Tell whether all processes of a group end: loky's own helpers take a moment."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    return False


@NEEDS_COMPILER
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("sign", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_ends_it_with_its_processes_and_it_goes_on(recordings, tmp_path, sign):
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(400):
        (folder / f"{i:03d}.wav").symlink_to(recordings / "music/blues/1.wav")
    command = [sys.executable, "-W", "error", "-c", SCRIPT, "extract", folder, "-o", tmp_path / "s", "-j", "2"]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, **options) as process:
        for line in process.stderr:
            if re.match(r"[1-9]\d*/400 files", line):
                break
        process.send_signal(sign)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (130, ""), err
        assert ends(process.pid)
    last = re.fullmatch(
        r"audiofeat: interrupted, (\d+) of 400 files are done; the same command with --resume goes on",
        err.splitlines()[-1],
    )
    assert last, err
    assert len(open_store(tmp_path / "s")) == int(last[1]) > 0
    done = subprocess.run([*command, "--resume"], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"wrote {tmp_path / 's'}: 400 done, 0 skipped, 0 failed\n"


# Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(text):
    """Lines of a terminal after each step, as they look."""
    return [line.rstrip() for line in re.split(r"[\r\n]+", text) if line]


@pytest.fixture
def clocked(monkeypatch):
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(collecting, "monotonic", lambda: now[0])
    return now


NOW = Progress(done=150, errors=2, skipped=3, total=1155, finished=50, seconds=10.0, audio_seconds=1500.0)
TOLD = "155/1155 files, 2 failed, 3 skipped, 5.0 per second, 150 x real time, 3:20 left"


def test_progress_has_rate_errors_and_what_is_left(clocked):
    assert collecting._told(NOW) == TOLD
    begun = Progress(0, 0, 0, 8, 0, 0.0, 0.0)
    assert collecting._told(begun) == "0/8 files, 0 failed, 0 skipped, 0.0 per second"


def test_a_terminal_has_one_line(clocked, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("COLUMNS", "40")
    line = collecting.Line()
    line.tell(lambda: "at once")
    assert stream.getvalue() == ""
    for text in ("a longer line " * 5, "short", "too soon"):
        clocked[0] += 0.05 if text == "too soon" else 0.3
        line.tell(lambda text=text: text)
    assert stream.getvalue().startswith("\r")
    assert len(shown(stream.getvalue())[0]) <= 39
    assert len(stream.getvalue().split("\r")[2]) >= len(stream.getvalue().split("\r")[1]) - 1  # what was is covered
    line.end()
    assert shown(stream.getvalue())[1:] == ["short", "too soon"]
    assert stream.getvalue().endswith("\n")


def test_a_log_has_a_line_now_and_then(clocked, capsys):
    line = collecting.Line()
    for second in range(31):
        clocked[0] = 100.0 + second
        line.tell(lambda second=second: f"after {second}")
    line.end()
    assert capsys.readouterr().err.splitlines() == ["after 10", "after 20", "after 30", "after 30"]
    collecting.Line().end()
    assert capsys.readouterr().err == ""


# store


def test_info_tells_what_is_there(whole, capsys):
    code, out, err = run(capsys, "store", "info", whole, whole)
    assert (code, err) == (0, [])
    assert out[:7] != out[7:] or len(out) == 14
    store = open_store(whole)
    assert out[0] == "whole: 6 done, 0 skipped, 0 failed"
    assert out[1].startswith(f'  features  statistics {store.schema.fingerprint()}: sr=22050.0, preset="default",')
    assert out[2] == "  of        1 excerpt of 1 s, at center; shorter files are skipped"
    assert out[3:5] == ["  items     6 of float32, shape (1, 658)", "  size      15.8 kB in 1 shard"]
    assert out[6].startswith("  versions  audiofeat ")
    code, (line,), _ = run(capsys, "store", "info", "--json", whole)
    told = json.loads(line)
    assert code == 0
    assert told["schema"] == store.schema.to_dict()
    assert (told["path"], told["counts"]["done"], told["n_bytes"]) == ("whole", 6, 6 * 658 * 4)
    assert told["fingerprint"] == store.schema.fingerprint()


def test_info_of_items_of_several_shapes(music, serial, capsys):
    assert run(capsys, "extract", "music/jazz/[1s]*.wav", "-o", "s")[0] == 0
    _, out, _ = run(capsys, "store", "info", "s")
    assert out[2] == "  of        whole files"
    assert out[3] == "  items     2 of float32, 2 shapes from (128, 44) to (128, 173)"


def test_damage_is_found_and_made_good(whole, capsys):
    assert run(capsys, "store", "verify", whole) == (0, ["whole: 6 of 6 items are as they were written"], [])
    expected = [item.copy() for item in open_store(whole)]
    damage(whole)
    for options in ([], ["--redo"]):
        code, out, err = run(capsys, "store", "verify", *options, whole)
        assert code == 1
        assert out[0] == "whole: 5 of 6 items are as they were written"
        assert re.fullmatch(r"audiofeat: music/jazz/3\.wav: its checksum is \w+, \w+ was written", err[0])
    assert out[1:] == ["whole: 1 of them wait to be made again by audiofeat extract --resume"]
    arguments = ["music/blues", *JAZZ, "-o", "whole", "--stats", "--excerpt", "1s", "--resume"]
    assert run(capsys, "extract", *arguments) == (0, ["wrote whole: 6 done, 0 skipped, 0 failed"], [])
    assert run(capsys, "store", "verify", whole)[0] == 0
    for item, wanted in zip(open_store(whole), expected, strict=True):
        assert_array_equal(item, wanted)


def test_a_table_of_text_has_all_digits(whole, capsys, monkeypatch):
    monkeypatch.setattr("audiofeat.cli.storing.CELLS", 658 * 2)  # several lots
    assert run(capsys, "store", "export", whole, "-o", "out/a.csv") == (
        0,
        ["wrote out/a.csv: 659 columns, from 6 files"],
        [],
    )
    store = open_store(whole)
    with Path("out/a.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["path", *store.schema.columns]
    assert tuple(row[0] for row in rows) == store.paths
    assert_array_equal(np.array([row[1:] for row in rows], np.float32), store.matrix()[:, 0])


def test_a_file_of_parquet_is_that_of_the_store(whole, capsys):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert run(capsys, "store", "export", whole, "-o", "a.parquet")[0] == 0
    found = parquet.read_table("a.parquet")
    assert found.column("path").to_pylist() == list(open_store(whole).paths)
    assert_array_equal(found.column("rms_mean").to_numpy(), open_store(whole).to_pandas()["rms_mean"])


def test_a_table_without_columns_is_refused_before_there_is_a_file(music, serial, capsys):
    run(capsys, "extract", "music/blues", "-o", "s", "--excerpt", "1s")
    code, out, (err,) = run(capsys, "store", "export", "s", "-o", "a.csv")
    assert (code, out) == (1, [])
    assert err.endswith("s has no columns: its items are arrays, not rows of a table")
    assert not Path("a.csv").exists()


def test_parts_are_merged_into_the_whole(music, serial, capsys):
    arguments = ["extract", "music", "--excerpt", "2s", "-o"]
    assert run(capsys, *arguments, "all")[0] == 1
    for i in (1, 2, 3):
        run(capsys, *arguments, f"part{i}", "--shard", f"{i}/3")
    code, out, err = run(capsys, "store", "merge", "part1", "part2", "part3", "-o", "joined")
    assert (code, out, err) == (0, ["wrote joined: 6 done, 1 skipped, 1 failed"], [])
    expected, found = open_store("all"), open_store("joined")
    assert sorted(found.paths) == sorted(expected.paths)
    for path in expected.paths:
        assert_array_equal(found[path], expected[path])
    assert sorted(found.errors) == sorted(expected.errors)
    code, _, (err,) = run(capsys, "store", "merge", "part1", "part2", "-o", "joined")
    assert code == 1
    assert "joined is a feature store already" in err


@pytest.mark.parametrize("action", ["compact", "merge"])
def test_one_shard_is_mapped_without_a_copy(music, serial, monkeypatch, capsys, action):
    monkeypatch.setattr("audiofeat.extraction.running.StoreWriter.open", with_small_shards())
    run(capsys, "extract", "music/blues", "-o", "s", "--excerpt", "1s")
    with pytest.raises(StoreError, match="in 3 shards"):
        open_store("s").matrix(copy=False)
    if action == "merge":
        target, command, said = "t", ["merge", "--one", "s", "-o", "t"], "wrote t: 3 done, 0 skipped, 0 failed"
    else:
        target, command, said = "s", ["compact", "--one", "s"], "s: 1 shard, of 3 before"
    assert run(capsys, "store", *command) == (0, [said], [])
    assert open_store(target).matrix(copy=False).shape == (3, 1, 128, 44)


def with_small_shards():
    from audiofeat.store import StoreWriter

    return functools.partial(StoreWriter.open, shard_bytes=1)


def test_each_store_is_looked_at_though_one_is_none(whole, capsys):
    for action in ("info", "verify", "errors", "compact"):
        code, out, err = run(capsys, "store", action, "nowhere", whole)
        assert code == 1
        assert err == [f"audiofeat: {Path.cwd() / 'nowhere'} is no feature store: it has no store.json"]
        assert bool(out) == (action != "errors")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "the following arguments are required: ACTION"),
        ("repair s", "invalid choice: 'repair'"),
        ("info", "the following arguments are required: STORE"),
        ("export s", "the following arguments are required: -o"),
        ("export s -o a.xlsx", "-o must end in one of .csv, .parquet, got 'a.xlsx'"),
        ("merge s", "the following arguments are required: -o"),
    ],
)
def test_wrong_calls_of_store(capsys, arguments, message):
    code, out, err = run(capsys, "store", *arguments.split())
    assert (code, out) == (2, [])
    assert message in err[-1]


def test_a_missing_extra_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    told = "audiofeat: this needs the package pyarrow: pip install 'audiofeat[store]'"
    assert run(capsys, "store", "export", "s", "-o", "a.parquet") == (2, [], [told])


# docs/collections.md


@NEEDS_COMPILER
def test_the_page_says_what_is_printed(music, serial):
    names = {}
    assert pages.run_page(pages.DOCS / "collections.md", names) == 11
    assert names["X"].shape[1:] == (1, 128, 130)
