"""Extraction in processes: the same store by every engine, whatever dies on the way."""

import errno
import importlib
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numba
import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from audiofeat import AudioError, FrontEnd
from audiofeat.extraction import engines, extract_features
from audiofeat.extraction.engines import EngineError
from audiofeat.extraction.limits import Limits
from audiofeat.extraction.running import _as_work, _fill, _schema_of
from audiofeat.extraction.serving import LENGTH, _unseen, take_messages
from audiofeat.store import StoreWriter, open_store

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes where Linux has them")

ROOT = Path(__file__).parents[1]
SR = 8000
SERIAL = {"engine": "serial"}
ENGINES = [{"n_jobs": 2}, {"scheduler": "local:2"}]
SLOW_ENGINES = [ENGINES[0], pytest.param(ENGINES[1], marks=pytest.mark.slow)]

# What workers do: a module that they can import, in the folder of the test.
MODULE = """
import os
import signal
import sys
import time

import numpy as np


def slow(y, sr):
    time.sleep(0.01)
    return np.abs(np.fft.rfft(y))


def endless(y, sr):
    time.sleep(1000)


def deadly(y, sr):
    number = round(100 * float(y[0]))
    if number == 3:
        os._exit(7)
    if number == 5:
        time.sleep(1000)
    if number == 7:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == 8:
        sys.exit("no")
    if number == 9:
        np.ones(1 << 50)
    if number == 10:
        raise KeyError("y")
    return y[:10]


def once(y, sr, folder):
    number = round(100 * float(y[0]))
    if number == 4:
        try:
            os.mkdir(folder)
        except FileExistsError:
            return y
        os.kill(os.getpid(), signal.SIGKILL)  # as a system that is short of memory
    return y


def counted(y, sr, folder):
    number = round(100 * float(y[0]))
    open(f"{folder}/{number} {time.monotonic_ns()}", "x").close()
    if number == 0:
        os._exit(7)
    return y[:10]


def environment(y, sr):
    return np.array([float(os.environ[f"{name}_NUM_THREADS"]) for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")])


def loaded(y, sr, names):
    return np.array([float(name in sys.modules) for name in names])


def orphaning(y, sr):
    if os.fork() == 0:  # what holds all that this process has open, and outlives it
        time.sleep(60)
        os._exit(0)
    os._exit(7)


def interrupting(y, sr):
    raise KeyboardInterrupt("mine")


def collected(y, sr):
    import gc

    return np.array([gc.isenabled(), gc.get_freeze_count() > 0])


if "ENDS_AT_IMPORT" in os.environ:
    if not os.environ["ENDS_AT_IMPORT"]:
        os._exit(3)
    try:
        os.mkdir(os.environ["ENDS_AT_IMPORT"])
    except FileExistsError:
        pass
    else:  # the first of them
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    """The module, in a folder of its own."""
    name = f"work_{tmp_path.name}".replace("-", "_")
    name = "".join(c if c.isalnum() else "_" for c in name)
    folder = tmp_path / "module"
    folder.mkdir()
    (folder / f"{name}.py").write_text(MODULE)
    monkeypatch.syspath_prepend(folder)
    return importlib.import_module(name)


def music(folder, n_files, n_samples=400):
    """Write files whose first sample is their number over a hundred."""
    folder.mkdir()
    for i in range(n_files):
        y = 0.1 * np.random.default_rng(i).standard_normal(n_samples)
        y[0] = i / 100
        sf.write(folder / f"{i:03d}.wav", y, SR, subtype="FLOAT")
    return folder


def assert_same_stores(one, other):
    assert one.paths == other.paths
    assert one.errors == other.errors
    for item, twin in zip(one, other, strict=True):
        assert_array_equal(item, twin, strict=True)
        assert item.tobytes() == twin.tobytes()


def members(group):
    """Return the processes of a group that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[2] == str(group).encode() and fields[0] not in (b"Z", b"X"):
            found.append(int(path.parent.name))
    return found


def children():
    """Return the processes that this one has started, but for others' trackers of resources, and have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_bytes().rpartition(b")")[2].split()
            line = (path.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if fields[1] == str(os.getpid()).encode() and fields[0] not in (b"Z", b"X") and b"tracker" not in line:
            found.append(int(path.parent.name))
    return found


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def _no_orphans():
    before = set(children())
    yield
    until(lambda: not set(children()) - before)


# Equal stores


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="the stand-ins for kernels are not in other processes")
@pytest.mark.parametrize("options", [*ENGINES, pytest.param({"n_jobs": 1}, marks=pytest.mark.slow)], ids=str)
def test_engines_give_the_same_store(options, tmp_path):
    if "scheduler" in options:
        pytest.importorskip("distributed")
    folder = music(tmp_path / "music", 40, 5000)
    (folder / "bad.wav").write_bytes(b"")
    (folder / "worse.mp3").write_bytes(bytes(1000))
    front_end = FrontEnd(4000, n_fft=256, n_mels=16)
    excerpts = "2x0.4s"
    stores = [
        extract_features(folder, tmp_path / f"{i}", features=front_end, excerpts=excerpts, dtype="float16", **chosen)
        for i, chosen in enumerate((SERIAL, options))
    ]
    assert len(stores[0]) == 40
    assert_same_stores(*stores)
    assert not stores[1].verify()


@pytest.mark.parametrize("options", SLOW_ENGINES, ids=str)
def test_workers_use_one_thread(options, work, tmp_path):
    if "scheduler" in options:
        pytest.importorskip("distributed")
    store = extract_features(music(tmp_path / "music", 4), tmp_path / "store", features=work.environment, **options)
    assert_array_equal(store.matrix(), np.ones((4, 4)))


# Files that kill their workers


@pytest.mark.parametrize("options", SLOW_ENGINES, ids=str)
def test_who_kills_its_process_is_an_error_and_nobody_else(options, work, tmp_path):
    if "scheduler" in options:
        pytest.importorskip("distributed")
    folder = music(tmp_path / "music", 14)
    store = extract_features(folder, tmp_path / "store", features=work.deadly, timeout=1.0, **options)
    told = {int(Path(failure.path).stem): failure.reason for failure in store.errors}
    assert sorted(told) == [3, 5, 7, 8, 9, 10]
    death = ("its worker died on the way, twice",) * 2
    if "n_jobs" in options:
        death = ("its process ended on the way, twice (EXIT(7))", "its process ended on the way, twice (SIGSEGV(-11))")
    assert (told[3], told[7]) == death
    assert told[5] == "timeout: not done after 1 s"
    assert told[8] == "SystemExit: no"
    assert told[9].startswith("MemoryError: ") or "ArrayMemoryError" in told[9]
    assert told[10] == "KeyError: 'y'"
    assert [int(Path(path).stem) for path in store.paths] == [i for i in range(14) if i not in told]


def test_who_is_not_to_blame_is_tried_once(work, tmp_path):
    trials = tmp_path / "trials"
    trials.mkdir()
    function = partial(work.counted, folder=str(trials))
    store = extract_features(music(tmp_path / "music", 12), tmp_path / "store", features=function, n_jobs=2)
    assert [Path(failure.path).stem for failure in store.errors] == ["000"]
    numbers = sorted(int(path.name.split()[0]) for path in trials.iterdir())
    assert numbers == [0, *range(12)]


def test_who_was_killed_by_mistake_is_not(work, tmp_path):
    function = partial(work.once, folder=str(tmp_path / "seen"))
    store = extract_features(music(tmp_path / "music", 8), tmp_path / "store", features=function, n_jobs=2)
    assert (len(store), store.errors) == (8, ())
    assert (tmp_path / "seen").exists()


@pytest.mark.slow
def test_an_idle_process_that_dies_is_replaced(work, tmp_path):
    """Between two files: nobody is to blame."""
    killed = []

    def progress(now):
        for pid in children() if now.finished == 3 else ():
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    folder = music(tmp_path / "music", 30)
    store = extract_features(folder, tmp_path / "store", features=work.slow, n_jobs=2, progress=progress)
    assert killed
    assert (len(store), store.errors) == (30, ())


def test_the_first_error_is_raised_with_its_path(work, tmp_path):
    folder = music(tmp_path / "music", 12)
    with pytest.raises(AudioError, match=r"not done after 0\.5 s") as caught:
        extract_features(
            [folder / f"{i:03d}.wav" for i in (0, 1, 2, 5, 6)],
            tmp_path / "store",
            features=work.deadly,
            timeout=0.5,
            n_jobs=2,
            on_error="raise",
        )
    assert caught.value.path == str(folder / "005.wav")
    store = open_store(tmp_path / "store")
    assert [failure.path for failure in store.errors] == [caught.value.path]
    assert store.info().counts["claimed"] == 0


def test_a_process_that_had_nothing_to_do_is_not_late(work, tmp_path):
    """While its parent was waiting for the ledger, for instance."""
    folder = music(tmp_path / "music", 5)

    def tasks():
        for task in enumerate(sorted(map(str, folder.iterdir()))):
            time.sleep(0.7)
            yield task

    chosen = _as_work(work.slow, None, None, "skip", Limits())
    states = [outcome.state for outcome in engines.processes(chosen, tasks(), 1, 0.5)]
    assert states == ["done"] * 5


def test_processes_that_cannot_begin(tmp_path, monkeypatch):
    ghost = ModuleType("ghost_of_a_module")
    exec("def f(y, sr): return y", vars(ghost))
    monkeypatch.setitem(sys.modules, ghost.__name__, ghost)
    with pytest.raises(EngineError, match=r"a process could not be started: .*"):
        extract_features(music(tmp_path / "music", 3), tmp_path / "store", features=ghost.f, n_jobs=2)
    counts = open_store(tmp_path / "store").info().counts
    assert (counts["waiting"], counts["claimed"]) == (3, 0)


def test_a_process_that_ends_before_it_begins_is_replaced(work, tmp_path, monkeypatch):
    monkeypatch.setenv("ENDS_AT_IMPORT", str(tmp_path / "seen"))
    store = extract_features(music(tmp_path / "music", 5), tmp_path / "store", features=work.slow, n_jobs=2)
    assert (len(store), store.errors) == (5, ())


def test_processes_that_end_before_they_begin(work, tmp_path, monkeypatch):
    monkeypatch.setenv("ENDS_AT_IMPORT", "")
    with pytest.raises(EngineError, match=r"a process could not be started: EXIT\(3\)"):
        extract_features(music(tmp_path / "music", 3), tmp_path / "store", features=work.slow, n_jobs=2)
    assert open_store(tmp_path / "store").info().counts["claimed"] == 0


def test_a_system_without_more_processes(work, tmp_path, monkeypatch):
    def refused(*_, **__):
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refused)
    before = set(Path("/proc/self/fd").iterdir())
    with pytest.raises(EngineError, match=r"a process could not be started: .*Resource temporarily unavailable"):
        extract_features(music(tmp_path / "music", 3), tmp_path / "store", features=work.slow, n_jobs=2)
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_whatever_a_function_raises_is_the_error_of_its_file(work, tmp_path):
    store = extract_features(music(tmp_path / "music", 2), tmp_path / "store", features=work.interrupting, n_jobs=1)
    assert [failure.reason for failure in store.errors] == ["KeyboardInterrupt: mine"] * 2


def test_the_end_of_a_process_is_seen_while_another_has_its_socket(work, tmp_path):
    started = time.monotonic()
    store = extract_features(music(tmp_path / "music", 1), tmp_path / "store", features=work.orphaning, n_jobs=1)
    assert time.monotonic() - started < 50.0
    assert [failure.reason for failure in store.errors] == ["its process ended on the way, twice (EXIT(7))"]
    for path in Path("/proc").glob("[0-9]*/cmdline"):  # those left behind
        with suppress(OSError):
            if b"audiofeat.extraction.serving" in path.read_bytes():
                os.kill(int(path.parent.name), signal.SIGKILL)


# What processes begin with


def test_processes_load_no_more_than_they_need(work, tmp_path):
    names = ("numpy", "soundfile", "audiofeat.store", "audiofeat.datasets", "sqlite3", "joblib", "multiprocessing")
    function = partial(work.loaded, names=(*names, "numba", "scipy", "sklearn", "pandas", "librosa", "coverage"))
    store = extract_features(music(tmp_path / "music", 1), tmp_path / "store", features=function, n_jobs=1)
    assert_array_equal(store[0], [1.0, 1.0] + [0.0] * 11)


def test_processes_look_for_garbage_of_their_own_only(work, tmp_path):
    store = extract_features(music(tmp_path / "music", 1), tmp_path / "store", features=work.collected, n_jobs=1)
    assert_array_equal(store[0], [1.0, 1.0])


PARENT = """
import sys
from audiofeat import FrontEnd
from audiofeat.extraction import extract_features

extract_features(sys.argv[1], sys.argv[2], features=FrontEnd(8000, n_fft=64, n_mels=4), n_jobs=2)
names = ("numba", "scipy", "sklearn", "pandas", "librosa", "joblib", "multiprocessing", "torch", "coverage")
print([name for name in names if name in sys.modules])
"""


def run_script(text, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(text)
    command = [sys.executable, "-W", "error", script, music(tmp_path / "music", 3), tmp_path / "store"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.skipif("COVERAGE_PROCESS_START" in os.environ, reason="coverage is in every process")
def test_a_parent_computes_nothing_and_loads_nothing_for_it(tmp_path):
    assert run_script(PARENT, tmp_path) == "[]\n"
    assert len(open_store(tmp_path / "store")) == 3


# Neither a guard against being run again, nor a module of its own.
ALONE = """
import sys
from audiofeat.extraction import extract_features

FACTOR = 3.0


class Least:
    value = 0.5


def largest(y, sr):
    print("said", flush=True)
    return FACTOR * y[:1] + Least.value


extract_features(sys.argv[1], sys.argv[2], features=largest, n_jobs=2)
"""


def test_a_function_of_the_script_itself(tmp_path):
    assert run_script(ALONE, tmp_path).count("said") == 3
    assert_array_equal(open_store(tmp_path / "store").matrix(), 3.0 * np.array([[0.0], [0.01], [0.02]], "f4") + 0.5)


@given(cuts=st.lists(st.integers(0, 400), max_size=8), sizes=st.lists(st.integers(0, 100), max_size=5))
def test_messages_come_whole_however_they_are_cut(cuts, sizes):
    messages = [bytes(size) for size in sizes]
    sent = b"".join(LENGTH.pack(len(data)) + data for data in map(pickle.dumps, messages))
    edges = sorted({0, len(sent), *(min(cut, len(sent)) for cut in cuts)})
    received, taken = bytearray(), []
    for start, stop in pairwise(edges):
        received += sent[start:stop]
        taken += take_messages(received)
    assert taken == messages
    assert not received


def test_a_module_is_unseen_for_a_while(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "seldom_needed.py").touch()
    with _unseen("seldom_needed"), pytest.raises(ImportError):
        importlib.import_module("seldom_needed")
    found = importlib.import_module("seldom_needed")
    with _unseen("seldom_needed"):
        assert importlib.import_module("seldom_needed") is found
    assert sys.modules.pop("seldom_needed") is found


def test_no_more_than_a_few_files_are_on_the_way(work, tmp_path):
    """Else memory would grow, and what a crash gives back."""
    taken, n_finished, most = [], 0, 0
    folder = music(tmp_path / "music", 30)

    def tasks():
        for task in enumerate(sorted(map(str, folder.iterdir()))):
            taken.append(task)
            yield task

    chosen = _as_work(work.slow, None, None, "skip", Limits())
    for _ in engines.processes(chosen, tasks(), 2, None):
        n_finished += 1
        most = max(most, len(taken) - n_finished)
    assert n_finished == 30
    assert most <= 2 * engines.IN_FLIGHT


# Extractions that are killed

SCRIPT = """
import functools
import sys

from audiofeat.extraction import extract_features
from audiofeat.store import StoreWriter
from {module} import {function}

if __name__ == "__main__":
    folder, store, n_jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    opened = StoreWriter.open
    StoreWriter.open = functools.partial(opened, commit_seconds=0.03)  # so that there is always something to lose
    told = lambda now: print(now.finished, flush=True)
    extract_features(folder, store, features={function}, n_jobs=n_jobs, resume=True, progress=told)
    print("whole", flush=True)
"""


@contextmanager
def extraction(work, folder, store, *, function="slow", n_jobs=2):
    """Run an extraction in a group of processes of its own, of which nothing is left in the end."""
    home = Path(work.__file__).parent
    script = home / f"{function}.py"
    script.write_text(SCRIPT.format(module=work.__name__, function=function))
    process = subprocess.Popen(
        [sys.executable, "-W", "error", script, folder, store, str(n_jobs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{home}"},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if members(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    until(lambda: not members(process.pid))


def run_whole(work, folder, store, **options):
    with extraction(work, folder, store, **options) as process:
        out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, ""), err
    assert out.endswith("whole\n")
    return open_store(store)


def kill_again_and_again(work, tmp_path, n_files, n_kills):
    folder = music(tmp_path / "music", n_files)
    (folder / "bad.wav").write_bytes(b"no audio")
    expected = extract_features(folder, tmp_path / "uninterrupted", features=work.slow, engine="serial")
    chance, store, n_done, gained = random.Random(0), tmp_path / "store", 0, 0
    for _ in range(n_kills):
        with extraction(work, folder, store) as process:
            for _ in range(chance.randrange(1 + 2 * n_files // n_kills)):
                if process.stdout.readline() in ("whole\n", ""):
                    break
            time.sleep(chance.uniform(0.0, 0.06))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if not (store / "store.json").exists():
            continue
        left = open_store(store)
        assert not left.verify()
        for path, item in zip(left.paths, left, strict=True):
            assert item.tobytes() == expected[path].tobytes()
        assert len(left) >= n_done  # what was committed stays
        gained += len(left) > n_done
        n_done = len(left)
    assert gained > 1
    assert_same_stores(run_whole(work, folder, store), expected)
    named = {f"{name}.npy" for name in open_store(store)._snapshot.shards}
    assert {path.name for path in store.glob("shards/*")} == named


def test_kills_lose_nothing(work, tmp_path):
    kill_again_and_again(work, tmp_path, n_files=60, n_kills=8)


@pytest.mark.slow
def test_fifty_kills_lose_nothing(work, tmp_path):
    kill_again_and_again(work, tmp_path, n_files=200, n_kills=50)


@pytest.mark.parametrize(
    ("sign", "function"),
    [
        (signal.SIGKILL, "endless"),
        pytest.param(signal.SIGKILL, "slow", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, "endless", marks=pytest.mark.slow),
    ],
)
def test_processes_end_with_their_parent(sign, function, work, tmp_path):
    n_files = 400 if function == "slow" else 10  # two seconds at least
    with extraction(work, music(tmp_path / "music", n_files), tmp_path / "store", function=function) as process:
        process.stdout.readline()
        until(lambda: len(members(process.pid)) >= 3)
        time.sleep(0.5)
        process.send_signal(sign)
        assert process.wait() == -sign
        until(lambda: not members(process.pid))


@pytest.mark.parametrize("function", ["slow", "endless"])
@pytest.mark.parametrize("to_all", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["terminal", "parent"])
def test_an_interrupt_keeps_what_is_done(to_all, function, work, tmp_path):
    folder, store = music(tmp_path / "music", 100), tmp_path / "store"
    with extraction(work, folder, store, function=function) as process:
        for _ in range(5 if function == "slow" else 1):
            process.stdout.readline()
        if function == "endless":
            time.sleep(1.0)  # some begin, others are about to
        (os.killpg if to_all else os.kill)(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert process.returncode == -signal.SIGINT
        assert err.splitlines()[-1] == "KeyboardInterrupt"
        assert err.count("Traceback") == 1, err
        until(lambda: not members(process.pid))
    kept = open_store(store)
    assert not kept.verify()
    counts = kept.info().counts
    assert counts["claimed"] == 0
    assert counts["done"] + counts["waiting"] == 100
    if function == "slow":
        assert counts["done"] >= 4


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.15])
def test_an_interrupt_while_processes_begin_is_the_parents(delay, work, tmp_path):
    with extraction(work, music(tmp_path / "music", 10), tmp_path / "store", function="endless") as process:
        process.stdout.readline()
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert process.returncode == -signal.SIGINT
        assert err.splitlines()[-1] == "KeyboardInterrupt"
        assert err.count("Traceback") == 1, err
        until(lambda: not members(process.pid))
    assert open_store(tmp_path / "store").info().counts["waiting"] == 10


def test_two_extractions_fill_one_store(work, tmp_path):
    folder = music(tmp_path / "music", 120)
    expected = extract_features(folder, tmp_path / "alone", features=work.slow, engine="serial")
    store = tmp_path / "store"
    with extraction(work, folder, store, n_jobs=1) as one, extraction(work, folder, store, n_jobs=1) as other:
        outputs = [process.communicate(timeout=120) for process in (one, other)]
    assert [err for _, err in outputs] == ["", ""]
    assert all(out.endswith("whole\n") for out, _ in outputs)
    finished = [int(out.splitlines()[-2]) for out, _ in outputs]
    assert sum(finished) == 120  # no file twice
    assert_same_stores(open_store(store), expected)


def test_one_extraction_waits_for_the_other_and_inherits(work, tmp_path):
    """The second finds everything claimed, until the first is killed."""
    folder, store = music(tmp_path / "music", 10), tmp_path / "store"
    seen = threading.Event()
    with extraction(work, folder, store, function="endless") as first:
        first.stdout.readline()
        until(lambda: (store / "store.json").exists() and open_store(store).info().counts["claimed"] == 10)

        def kill(_):
            if not seen.is_set():
                seen.set()
                os.killpg(first.pid, signal.SIGKILL)
                first.wait()

        chosen = _as_work(work.endless, None, None, "skip", Limits())
        with StoreWriter.open(store, _schema_of(chosen), resume=True) as writer:
            assert writer.claim(10) == []
            mine = _as_work(work.slow, None, None, "skip", Limits())
            _fill(writer, engines.serial, mine, False, kill)
    assert seen.is_set()
    assert len(open_store(store)) == 10
