"""The store is a dict that survives: whatever dies, what it says is done is there, to the bit."""

import errno
import json
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from numpy.testing import assert_array_equal

from audiofeat import preset
from audiofeat.store import Schema, StoreError, StoreWriter, compact_store, merge_stores, open_store
from audiofeat.store.schema import DTYPES
from audiofeat.store.shards import checksum

ROOT = Path(__file__).parents[1]
SCHEMA = Schema("function", {"name": "squares", "power": 2})
TABLE = Schema("statistics", {"frames": "all"}, columns=("mean", "std"))
NEVER = 1e6  # seconds: no commit but those asked for
# A process that dies leaves the same in a file system in memory, which need not wait for a disk at every commit.
MEMORY = next((folder for folder in ["/dev/shm"] if os.access(folder, os.W_OK)), None)


def item(number, schema=SCHEMA):
    """An item that no other number has, of its own shape unless it is a row."""
    if schema.columns:
        return np.array([number, number / 8], schema.dtype)
    return np.arange(number % 5 * 2, dtype=schema.dtype).reshape(-1, 2) + number


def writer_of(path, schema=SCHEMA, *, resume=True, **options):
    return StoreWriter.open(path, schema, resume=resume, **{"commit_seconds": NEVER, **options})


def fill(path, numbers, schema=SCHEMA, **options):
    """Make a store of items whose paths are numbers; negative ones are errors."""
    with writer_of(path, schema, **options) as writer:
        writer.enlist([(str(number), 1, 0) for number in numbers])
        for row, name in writer.claim(len(numbers) or 1):
            if int(name) < 0:
                writer.fail(row, f"{name} is bad", state="error", seconds=0.5)
            else:
                writer.put(row, item(int(name), schema), seconds=0.25)
    return path


def content(path):
    """What a store has: dtype, shape and bytes by path, then reasons."""
    store = open_store(path)
    items = {name: (str(x.dtype), x.shape, x.tobytes()) for name, x in zip(store.paths, store, strict=True)}
    return items, {failure.path: failure.reason for failure in store.errors}


def expected(numbers, schema=SCHEMA):
    items = {str(n): (schema.dtype, item(n, schema).shape, item(n, schema).tobytes()) for n in numbers if n >= 0}
    return items, {str(n): f"{n} is bad" for n in numbers if n < 0}


def files_of(path):
    return sorted(entry.name for entry in Path(path, "shards").iterdir())


def ledger(path, statement, *values):
    with closing(sqlite3.connect(Path(path, "ledger.sqlite"), isolation_level=None)) as connection:
        return connection.execute(statement, values).fetchall()


def python(code, *arguments, **options):
    """Start a Python of our own; its code is dedented and sees what this file defines."""
    start = f"import signal, sys; sys.path[:0] = {[str(ROOT), str(ROOT / 'tests')]!r}\nfrom test_store import *\n"
    command = [sys.executable, "-c", start + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def result(process):
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output


@pytest.fixture
def memory():
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


# ---------------------------------------------------------------- a dict


@given(arrays=st.lists(npst.arrays(st.shared(st.sampled_from(DTYPES), key="dtype"), npst.array_shapes(
    min_dims=0, max_dims=4, min_side=0, max_side=3)), min_size=1, max_size=5))  # fmt: skip
def test_any_array_comes_back_to_the_bit(arrays):
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        schema = Schema("function", {}, dtype=str(arrays[0].dtype))
        with writer_of(folder, schema, resume=False) as writer:
            writer.enlist([(str(i), 1, 0) for i in range(len(arrays))])
            for (row, _), array in zip(writer.claim(len(arrays)), arrays, strict=True):
                writer.put(row, np.array(array, order="F"), seconds=0.0)
        store = open_store(folder)
        for i, array in enumerate(arrays):
            for found in (store[i], store[i - len(arrays)], store[np.int64(i)], store[str(i)]):
                assert found.dtype == array.dtype
                assert found.shape == array.shape
                assert found.tobytes() == array.tobytes()
                assert not found.flags.writeable
        assert store.verify() == []
        assert store.shapes == tuple(array.shape for array in arrays)
        assert store.info().n_bytes == sum(array.nbytes for array in arrays)


class StoreMachine(RuleBasedStateMachine):
    """The store against a dict of what was committed, through every way to end a writer."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        self.path = self.folder / "store"
        self.times, self.committed, self.pending, self.claimed = {}, {}, {}, {}
        self.writer = writer_of(self.path, resume=False, shard_bytes=64)

    def states(self):
        return {**dict.fromkeys(self.times, "waiting"), **{name: state for name, (state, _) in self.committed.items()}}

    @rule(numbers=st.lists(st.integers(0, 12), max_size=4), changed=st.booleans())
    def enlist(self, numbers, changed):
        files = []
        for number in dict.fromkeys(map(str, numbers)):
            if number in self.claimed or number in self.pending:
                continue
            old = self.times.get(number)
            self.times[number] = 0 if old is None else old + changed
            if self.times[number] != old:
                self.committed.pop(number, None)
            files.append((number, 1, self.times[number]))
        self.writer.enlist(files)
        self.commit()

    @rule(n=st.integers(1, 3))
    def claim(self, n):
        waiting = [name for name, state in self.states().items() if state == "waiting"]
        waiting = [name for name in waiting if name not in self.claimed and name not in self.pending]
        rows = self.writer.claim(n)
        assert [name for _, name in rows] == waiting[:n]
        self.claimed.update({name: row for row, name in rows})

    @precondition(lambda self: self.claimed)
    @rule(data=st.data(), bad=st.booleans())
    def answer(self, data, bad):
        name = data.draw(st.sampled_from(sorted(self.claimed)))
        row = self.claimed.pop(name)
        if bad:
            self.writer.fail(row, f"no {name}", state="skipped", seconds=0.0)
            self.pending[name] = ("skipped", f"no {name}")
            return
        array = item(int(name) + 100 * self.times[name])
        self.writer.put(row, array, seconds=0.0)
        self.pending[name] = ("done", array.tobytes())
        if self.writer.counts()["done"] + self.writer.counts()["skipped"] > len(self.committed):
            self.commit()  # a shard was full

    @rule()
    def flush(self):
        self.writer.flush()
        self.commit()

    @rule(kept=st.booleans())
    def reopen(self, kept):
        if kept:
            self.writer.close()
            self.commit()
        else:
            kill(self.writer)
        self.pending, self.claimed = {}, {}
        self.writer = writer_of(self.path, shard_bytes=64)

    @rule()
    def compact(self):
        with pytest.raises(StoreError, match="is being written"):
            compact_store(self.path)
        self.reopen(True)
        self.writer.close()
        compact_store(self.path, shard_bytes=10_000)
        n_items = len(open_store(self.path))
        assert len(files_of(self.path)) == min(n_items, 1)
        self.writer = writer_of(self.path, shard_bytes=64)

    @rule()
    def merge_with_nothing(self):
        self.reopen(True)
        self.writer.close()
        merge_stores([self.path, self.path], self.folder / "merged")
        shutil.rmtree(self.path)
        (self.folder / "merged").rename(self.path)
        self.writer = writer_of(self.path, shard_bytes=64)

    @rule()
    def retry(self):
        n_skipped = sum(state == "skipped" for state, _ in {**self.committed, **self.pending}.values())
        assert self.writer.retry(["skipped"]) == n_skipped
        self.commit()
        self.committed = {name: told for name, told in self.committed.items() if told[0] != "skipped"}

    def commit(self):
        self.committed.update(self.pending)
        self.pending = {}

    @invariant()
    def the_store_says_what_was_committed(self):
        store, states = open_store(self.path), self.states()
        assert list(store.paths) == [name for name in self.times if states[name] == "done"]
        found = {name: ("done", x.tobytes()) for name, x in zip(store.paths, store, strict=True)}
        found.update({failure.path: (failure.state, failure.reason) for failure in store.errors})
        assert found == self.committed
        claimed = len(self.claimed) + len(self.pending)
        assert self.writer.counts()["claimed"] == claimed
        assert self.writer.remaining() == list(states.values()).count("waiting") - claimed
        assert sum(self.writer.counts().values()) == len(self.times)

    def teardown(self):
        if hasattr(self, "writer"):
            self.writer.close()
            assert open_store(self.path).verify() == []
            shutil.rmtree(self.folder)


def kill(writer):
    """Let a writer of this process be as dead as one that was killed."""
    writer._me.stop()
    writer._connection.close()
    ledger(writer.path, "UPDATE writers SET pid = ? WHERE token = ?", 2**22 + 1, writer._me.token)


StoreMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=25)
test_a_store_is_a_dict = StoreMachine.TestCase


# ---------------------------------------------------------------- kills


KILLER = """
import random
reference, folder, numbers = Path(sys.argv[1]), Path(sys.argv[2]), range(-10, 190)

def work(resume=True):
    with writer_of(folder, shard_bytes=200, resume=resume) as writer:
        writer.enlist([(str(number), 1, 0) for number in numbers])
        while rows := writer.claim(7):
            for row, name in rows:
                time.sleep(0.0005)
                if int(name) < 0:
                    writer.fail(row, f"{name} is bad", state="error", seconds=0)
                else:
                    writer.put(row, item(int(name)), seconds=0)

draw, n_kills = random.Random(0), 0
while n_kills < 25:
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    time.sleep(draw.uniform(0, 0.08))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    n_kills += 1
    if (folder / "store.json").exists():
        items, reasons = content(folder)
        whole = expected(numbers)
        assert items.items() <= whole[0].items() and reasons.items() <= whole[1].items()
    if n_kills % 8 == 0 and (folder / "store.json").exists() and len(open_store(folder)) == 190:
        shutil.rmtree(folder)  # begin anew
work()
assert content(folder) == content(reference) == expected(numbers)
assert open_store(folder).verify() == []
print(len(files_of(folder)), open_store(folder).info().n_shards)
"""


def test_kills_at_random_moments_lose_nothing(memory):
    fill(memory / "reference", range(-10, 190))
    n_files, n_shards = result(python(KILLER, memory / "reference", memory / "store")).split()
    assert n_files == n_shards  # nothing is left over


# The n-th line that the package runs is its last, for every n: what is on the disk then must do.
LAST_LINES = """
base, stride, which = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
work = base.parent / "work"

def write():
    with writer_of(work / "a", shard_bytes=1, resume=True) as writer:
        writer.enlist([(str(n), 1, 0) for n in (7, 8, -2)])
        for row, name in writer.claim(9):
            if int(name) < 0:
                writer.fail(row, f"{name} is bad", state="error", seconds=0)
            else:
                writer.put(row, item(int(name)), seconds=0)

def make():
    shutil.rmtree(work / "a")
    fill(work / "a", [1, 2, 3, -1, 7, 8, -2])

def compact():
    compact_store(work / "a", shard_bytes=60)

def merge():
    merge_stores([work / "a", work / "b"], work / "c")

action = {"write": write, "make": make, "compact": compact, "merge": merge}[which]

def run(last):
    # run the action in a process that ends with its `last`-th line, and return how many there were
    seen, (reading, writing) = 0, os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        with os.fdopen(reading) as pipe:
            told = pipe.read()
        code = os.waitpid(child, 0)[1]
        return code, told
    def trace(frame, event, argument):
        nonlocal seen
        if f"{os.sep}store{os.sep}" not in frame.f_code.co_filename or "_beat" in frame.f_code.co_name:
            return None
        if event == "line":
            seen += 1
            if seen == last:
                os._exit(9)
        return trace
    sys.settrace(trace)
    action()
    sys.settrace(None)
    os.write(writing, str(seen).encode())
    os._exit(0)

def fresh():
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(base, work)

first, added = [1, 2, 3, -1], [7, 8, -2]
fresh()
code, n_lines = run(0)
assert code == 0 and int(n_lines) > 100, (code, n_lines)
n_stopped = 0
for last in range(1, int(n_lines) + 1, stride):
    fresh()
    code, told = run(last)
    n_stopped += code != 0
    if which == "write":
        items, reasons = content(work / "a")
        whole = expected(first + added)
        assert items.items() <= whole[0].items() and reasons.items() <= whole[1].items(), last
        assert items.items() >= expected(first)[0].items(), last
        write()
        assert content(work / "a") == whole, last
    elif which == "make":
        if (work / "a" / "store.json").exists():
            content(work / "a")
        write_all = [(str(n), 1, 0) for n in first + added]
        with writer_of(work / "a") as writer:
            writer.enlist(write_all)
            for row, name in writer.claim(9):
                if int(name) < 0:
                    writer.fail(row, f"{name} is bad", state="error", seconds=0)
                else:
                    writer.put(row, item(int(name)), seconds=0)
        assert content(work / "a") == expected(first + added), last
    elif which == "compact":
        assert content(work / "a") == expected(first), last
        compact()
        assert content(work / "a") == expected(first), last
    else:
        if (work / "c" / "store.json").exists():
            assert content(work / "c") == expected(first + added), last
            writer_of(work / "c").close()
        else:
            merge()
        assert content(work / "c") == expected(first + added), last
        assert content(work / "a") == expected(first), last
    place = work / ("c" if which == "merge" else "a")
    assert len(files_of(place)) == open_store(place).info().n_shards, (last, files_of(place))
    assert open_store(place).verify() == []
assert n_stopped > 0.9 * int(n_lines) / stride
print(n_stopped)
"""


@pytest.mark.parametrize("action", ["write", "make", "compact", "merge"])
@pytest.mark.parametrize("stride", [23, pytest.param(3, marks=pytest.mark.slow)])
def test_a_kill_at_any_line_leaves_what_was_or_what_was_to_be(memory, action, stride):
    fill(memory / "base" / "a", [1, 2, 3, -1], shard_bytes=1)
    fill(memory / "base" / "b", [7, 2, 8, -2])
    assert int(result(python(LAST_LINES, memory / "base", stride, action))) > 5


# ---------------------------------------------------------------- several writers


SHARED = """
folder, told = Path(sys.argv[1]), Path(sys.argv[2])
with writer_of(folder, shard_bytes=100) as writer, told.open("w") as log:
    writer.enlist([(str(number), 1, 0) for number in range(60)])
    while writer.remaining():
        for row, name in writer.claim(3):
            print(name, file=log)
            time.sleep(0.002)
            writer.put(row, item(int(name)), seconds=0)
        writer.flush()
"""


def test_two_writers_share_the_rows(memory):
    both = [python(SHARED, memory / "store", memory / name) for name in "ab"]
    for process in both:
        result(process)
    one, other = [set((memory / name).read_text().split()) for name in "ab"]
    assert one | other == set(map(str, range(60)))
    assert not one & other
    assert content(memory / "store") == expected(range(60))


HOLDER = """
writer = writer_of(sys.argv[1], resume=True)
rows = writer.claim(2)
writer.put(rows[0][0], item(1), seconds=0)
print(len(rows), flush=True)
time.sleep(100)
"""


def test_what_the_dead_had_claimed_waits_again(memory):
    with writer_of(memory / "store", resume=False) as writer:
        writer.enlist([("1", 1, 0), ("2", 1, 0), ("3", 1, 0)])
        holder = python(HOLDER, memory / "store")
        assert holder.stdout.readline() == "2\n"
        assert [name for _, name in writer.claim(9)] == ["3"]
        assert writer.claim(9) == []  # the others are a living one's
        assert writer.remaining() == 2
        with pytest.raises(StoreError, match="is being written by process"):
            merge_stores([memory / "store"], memory / "merged")
        holder.kill()
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)  # ended, and a zombie until it is asked for
        assert [name for _, name in writer.claim(9)] == ["1", "2"]
        holder.communicate()
    leavings = [name for name in files_of(memory / "store") if name.endswith(".tmp")]
    writer_of(memory / "store").close()
    assert (len(leavings), files_of(memory / "store")) == (1, [])


@pytest.mark.parametrize(
    ("change", "dead"),
    [
        ("host = 'elsewhere'", False),  # it cannot be seen, but has just given a sign
        ("host = 'elsewhere', heartbeat = heartbeat - 1000", True),
        ("heartbeat = heartbeat - 1000", False),  # it can be seen
        ("started = 'boot/1'", True),  # another process has its number
        ("started = ''", False),  # a system that does not tell
        ("started = '', heartbeat = heartbeat - 1000", True),
        ("pid = 4194305", True),
    ],
)
def test_who_lives(memory, change, dead):
    first = writer_of(memory / "store", resume=False)
    first.enlist([("1", 1, 0)])
    [(row, _)] = first.claim(1)
    first.put(row, item(1), seconds=0.0)
    ledger(memory / "store", f"UPDATE writers SET {change}")
    with writer_of(memory / "store") as second:
        assert [name for _, name in second.claim(1)] == ["1"] * dead
        if dead:  # and if it was not dead, it must not write what is another's by now
            with pytest.raises(StoreError, match="taken for dead"):
                first.flush()
            assert content(memory / "store") == ({}, {})
        first.close()
    assert content(memory / "store") == (({}, {}) if dead else expected([1]))
    writer_of(memory / "store").close()
    assert len(files_of(memory / "store")) == (not dead)


def test_a_writer_gives_signs_of_life_while_its_process_is_busy(memory, monkeypatch):
    monkeypatch.setattr("audiofeat.store.ledger.HEARTBEAT", 0.01)
    with writer_of(memory / "store", resume=False):
        [(first,)] = ledger(memory / "store", "SELECT heartbeat FROM writers")
        until = time.monotonic() + 30
        while ledger(memory / "store", "SELECT heartbeat FROM writers") == [(first,)]:
            assert time.monotonic() < until
            time.sleep(0.01)


def test_a_writer_belongs_to_its_process(memory):
    with writer_of(memory / "store", resume=False) as writer:
        writer._pid += 1  # as in a fork
        with pytest.raises(StoreError, match="belongs to process"):
            writer.flush()
        writer._pid -= 1


def test_no_one_writes_while_a_store_is_compacted(memory, monkeypatch):
    fill(memory / "store", [1, 2, 3], shard_bytes=1)

    def interfere(*arguments):
        with pytest.raises(StoreError, match=f"is being compacted by process {os.getpid()}"):
            writer_of(memory / "store")
        with pytest.raises(StoreError, match="is being compacted"):
            compact_store(memory / "store")
        return whole(*arguments)

    from audiofeat.store.maintenance import _whole as whole

    monkeypatch.setattr("audiofeat.store.maintenance._whole", interfere)
    compact_store(memory / "store")
    assert content(memory / "store") == expected([1, 2, 3])


# ---------------------------------------------------------------- the disk


def half_full(path):
    """A writer with an item committed, one in its shard, and a third claimed."""
    writer = writer_of(path, resume=False)
    writer.enlist([(str(number), 1, 0) for number in range(1, 5)])
    rows = writer.claim(3)
    writer.put(rows[0][0], item(1), seconds=0.0)
    writer.flush()
    writer.put(rows[1][0], item(2), seconds=0.0)
    return writer, rows


@pytest.mark.parametrize("step", ["audiofeat.store.shards.GrowingShard.write", "os.fsync", "pathlib.Path.replace"])
def test_a_full_disk_is_an_error_and_no_harm(memory, monkeypatch, step):
    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "shard")

    writer, rows = half_full(memory / "store")

    def go_on():
        writer.put(rows[2][0], item(3), seconds=0.0)
        writer.flush()

    with monkeypatch.context() as patch:
        patch.setattr(step, full)
        with pytest.raises(StoreError, match=r"store cannot be written: No space left"):
            go_on()
    assert len(files_of(memory / "store")) == 1
    with pytest.raises(StoreError, match="is closed"):
        writer.claim(1)
    writer.close()  # a second time, and leaving the block, are nothing
    assert content(memory / "store") == expected([1])
    with writer_of(memory / "store") as writer:
        assert [name for _, name in writer.claim(9)] == ["2", "3", "4"]


def test_a_ledger_that_cannot_grow_is_an_error_and_no_harm(memory):
    writer, _ = half_full(memory / "store")
    [(n_pages,)] = writer._connection.execute("PRAGMA page_count").fetchall()
    writer._connection.execute(f"PRAGMA max_page_count = {n_pages}")
    with pytest.raises(StoreError, match=r"No space left on device \(database or disk is full\)"):
        writer.enlist([(f"{number:0300d}", 1, 0) for number in range(1000)])
    # what was put before was committed before
    assert content(memory / "store") == expected([1, 2])


def test_a_file_that_may_not_grow(memory):
    code = """
    import resource
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    writer = StoreWriter.open(sys.argv[1], Schema("function", {}), resume=False)
    writer.enlist([("1", 1, 0)])
    [(row, _)] = writer.claim(1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
    try:
        writer.put(row, np.zeros(1 << 20, "float32"), seconds=0)
    except StoreError as error:
        print(error)
    print(open_store(sys.argv[1]).info().counts["waiting"], files_of(sys.argv[1]))
    """
    assert result(python(code, memory / "store")).endswith("store cannot be written: File too large\n1 []\n")


@contextmanager
def mounted(folder, *options):
    """Mount 2 MB of memory where the system lets us."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)]
    try:
        mount = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if mount.returncode:
        pytest.skip("mounting is not permitted")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_of_two_megabytes(tmp_path):
    schema, array = Schema("function", {}), np.random.default_rng(0).standard_normal((50, 500)).astype("float32")

    def write(store):
        with writer_of(store, schema) as writer:
            writer.enlist([(str(i), 1, 0) for i in range(100)])
            for row, _ in writer.claim(100):
                writer.put(row, array + row, seconds=0.0)
                if row % 4 == 0:
                    writer.flush()

    with mounted(tmp_path / "disk") as disk:
        store = disk / "store"
        with pytest.raises(StoreError, match="No space left on device"):
            write(store)
        opened = open_store(store)
        assert 12 <= len(opened) < 20
        assert len(opened) % 4 == 0
        assert opened.verify() == []
        assert opened.info().counts["waiting"] == 100 - len(opened)  # the claims were given back
        assert all((opened[i] == array + (i + 1)).all() for i in range(len(opened)))
        with pytest.raises(StoreError, match="No space left on device"):
            compact_store(store)  # there is no room for as much once more
        assert open_store(store).verify() == []
        assert len(files_of(store)) == len(opened) // 4


def test_a_disk_that_can_only_be_read(tmp_path):
    with mounted(tmp_path / "disk") as disk:
        fill(disk / "store", [1, 2, -3])
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert content(disk / "store") == expected([1, 2, -3])
        merge_stores([disk / "store"], tmp_path / "merged")
        with pytest.raises(StoreError, match="cannot be written"):
            writer_of(disk / "store")
        with pytest.raises(StoreError, match="cannot be written"):
            writer_of(disk / "other")
    assert content(tmp_path / "merged") == expected([1, 2, -3])


def test_an_exception_commits_what_is_whole_and_gives_back_the_rest(memory):
    def write():
        with writer_of(memory / "store", resume=False) as writer:
            writer.enlist([(str(number), 1, 0) for number in range(1, 5)])
            for row, name in writer.claim(3):
                if name == "3":
                    raise KeyboardInterrupt
                writer.put(row, item(int(name)), seconds=0.0)

    with pytest.raises(KeyboardInterrupt):
        write()
    assert content(memory / "store") == expected([1, 2])
    assert open_store(memory / "store").info().counts["waiting"] == 2


# At its n-th line a call is interrupted, for many n; leaving the block then makes good what was begun.
INTERRUPTS = """
memory, n_interrupted, last = Path(sys.argv[1]), 0, 0
while n_interrupted == last // 7:
    seen, put, folder = 0, [], memory / str(last)
    def trace(frame, event, argument):
        global seen
        if f"{os.sep}store{os.sep}" not in frame.f_code.co_filename:
            return None
        if event == "line":
            seen += 1
            if seen == last + 1:
                raise KeyboardInterrupt
        return trace
    try:
        with writer_of(folder, shard_bytes=50, resume=False) as writer:
            writer.enlist([(str(number), 1, 0) for number in range(1, 9)])
            rows = writer.claim(6)
            sys.settrace(trace)
            try:
                for row, name in rows:
                    writer.put(row, item(int(name)), seconds=0)
                    put.append(int(name))
                writer.flush()
                writer.claim(2)
            finally:
                sys.settrace(None)
    except KeyboardInterrupt:
        n_interrupted += 1
    items, _ = content(folder)
    assert expected(put)[0].items() <= items.items() <= expected(range(1, 7))[0].items(), (last, put, set(items))
    assert len(items) <= len(put) + 1
    store = open_store(folder)
    assert store.verify() == [] and store.info().counts["waiting"] == 8 - len(items)
    writer_of(folder).close()
    assert len(files_of(folder)) == store.info().n_shards, last
    sizes = [(folder / "shards" / name).stat().st_size - 128 for name in files_of(folder)]
    assert sum(sizes) == store.info().n_bytes, last  # what was begun is cut off
    last += 7
print(n_interrupted)
"""


def test_an_interrupted_call_is_made_good_on_leaving(memory):
    assert int(result(python(INTERRUPTS, memory))) > 30


# ---------------------------------------------------------------- what is refused


OTHER = Schema("function", {"name": "squares", "power": 3})
FRONT_END = Schema("frontend", preset("librosa").to_dict(), {"position": 30.0, "n": 1}, "float16")


def framed(dtype="float16", excerpt=FRONT_END.excerpt, **changed):
    return Schema("frontend", {**FRONT_END.spec, **changed}, excerpt, dtype)


@pytest.mark.parametrize(
    ("stored", "asked", "message"),
    [
        (SCHEMA, OTHER, "spec.power is 2 in the store, 3 was asked for"),
        (SCHEMA, Schema("function", {"name": "squares"}), "spec.power is 2 in the store, missing was asked for"),
        (OTHER, Schema("segments", OTHER.spec), "kind is 'function' in the store, 'segments' was asked for"),
        (TABLE, Schema("statistics", TABLE.spec, columns=("mean",)), r"columns is \['mean', 'std'\] in the store"),
        (FRONT_END, framed("float32"), "dtype is 'float16' in the store, 'float32' was asked for"),
        (FRONT_END, framed(excerpt=None), r"excerpt is {.*} in the store, None was"),
        (FRONT_END, framed(excerpt={"position": 3.0, "n": 1}), "excerpt.position is 30.0 in the store, 3.0 was"),
        (FRONT_END, framed(htk=True, n_fft=512), "spec.n_fft is 2048 in the store, 512 was asked for"),
        (Schema("function", {"a": [1, True]}), Schema("function", {"a": [1, 1]}), r"spec.a is \[1, True\] in the"),
    ],
)
def test_another_schema_is_refused_by_the_first_field_that_differs(tmp_path, stored, asked, message):
    writer_of(tmp_path / "a", stored, resume=False).close()
    with pytest.raises(StoreError, match=f"another schema: {message}"):
        writer_of(tmp_path / "a", asked)
    writer_of(tmp_path / "b", asked, resume=False).close()
    with pytest.raises(StoreError, match=f"b has another schema than .*a: {message}"):
        merge_stores([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    assert stored.fingerprint() != asked.fingerprint()
    assert open_store(tmp_path / "a").schema == stored
    writer_of(tmp_path / "a", stored).close()


def test_fields_that_a_front_end_was_saved_without_are_at_their_default(tmp_path):
    old = Schema(
        "frontend", {name: value for name, value in FRONT_END.spec.items() if name != "shift"}, None, "float16"
    )
    writer_of(tmp_path, old, resume=False).close()
    writer_of(tmp_path, Schema("frontend", FRONT_END.spec, None, "float16")).close()
    unknown = Schema("frontend", {**FRONT_END.spec, "of_tomorrow": 1}, None, "float16")
    with pytest.raises(StoreError, match="spec"):
        writer_of(tmp_path, unknown)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("frontends", {}), ValueError, "kind must be one of"),
        (("function", []), TypeError, "spec must be a dict"),
        (("function", {1: 2}), TypeError, "spec must be a dict with str"),
        (("function", {"a": float("nan")}), ValueError, "spec must hold what JSON can"),
        (("function", {"a": object()}), TypeError, "not JSON serializable"),
        (("function", {}, None, "float128"), ValueError, "dtype must be one of"),
        (("function", {}, None, "object"), ValueError, "dtype must be one of"),
        (("function", {}, None, "float32", ()), ValueError, "columns must be names"),
        (("function", {}, None, "float32", ("a", "a")), ValueError, "columns must be different"),
        (("function", {}, None, "float32", ("a", "path")), ValueError, "columns must be different"),
    ],
)
def test_a_wrong_schema_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Schema(*arguments)
    with pytest.raises(ValueError, match="unknown fields: size"):
        Schema.from_dict({"kind": "function", "spec": {}, "size": 1})


def test_only_a_store_or_an_empty_folder_becomes_one(tmp_path):
    writer_of(tmp_path / "store", resume=False).close()
    with pytest.raises(StoreError, match="store already"):
        writer_of(tmp_path / "store", resume=False)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="is no folder"):
        writer_of(tmp_path / "file")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "song.wav").touch()
    with pytest.raises(StoreError, match=r"not empty: it has 'song.wav'"):
        writer_of(tmp_path / "full")
    for path in (tmp_path / "full", tmp_path / "nowhere", tmp_path / "file"):
        for use in (open_store, compact_store, lambda path: merge_stores([path], tmp_path / "merged")):
            with pytest.raises(StoreError, match=r"store.json"):
                use(path)
    (tmp_path / "empty").mkdir()
    writer_of(tmp_path / "empty", resume=False).close()
    with pytest.raises(StoreError, match="store already"):
        merge_stores([tmp_path / "store"], tmp_path / "empty")


def test_a_store_that_lost_a_part_is_refused_and_not_emptied(tmp_path):
    fill(tmp_path / "store", [1, 2])
    shutil.copytree(tmp_path / "store", tmp_path / "copy")
    for lost in ("ledger.sqlite", "store.json"):
        parts = [tmp_path / "store" / name for name in ("ledger.sqlite", "store.json") if name >= lost]
        parts[0].unlink()
        for use in (writer_of, open_store, compact_store):
            with pytest.raises(StoreError, match=parts[0].name if len(parts) > 1 else "ledger|store.json"):
                use(tmp_path / "store")
        assert len(files_of(tmp_path / "store")) == 1
    (tmp_path / "copy" / "store.json").unlink()
    with pytest.raises(StoreError, match=r"lost its store.json"):
        writer_of(tmp_path / "copy")
    with pytest.raises(StoreError, match=r"lost its store.json"):
        merge_stores([fill(tmp_path / "third", [3])], tmp_path / "copy")
    assert len(files_of(tmp_path / "copy")) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda told: {**told, "format": 2}, "store of format 2, and this version of audiofeat reads format 1"),
        (lambda told: {**told, "fingerprint": "0" * 16}, "is damaged"),
        (lambda told: {**told, "schema": {**told["schema"], "dtype": "float64"}}, "is damaged"),
        (lambda told: {**told, "schema": {**told["schema"], "dtype": "wide"}}, "is damaged"),
        (lambda told: {**told, "schema": 3}, "is damaged"),
        (lambda told: {}, "is damaged"),
        (lambda told: 3, "is damaged"),
    ],
)
def test_a_forged_manifest_is_refused(tmp_path, change, message):
    manifest = fill(tmp_path / "store", [1]) / "store.json"
    manifest.write_text(json.dumps(change(json.loads(manifest.read_text()))))
    for use in (open_store, writer_of, compact_store):
        with pytest.raises(StoreError, match=message):
            use(tmp_path / "store")
    manifest.write_bytes(b"{\xff")
    with pytest.raises(StoreError, match="cannot be read"):
        open_store(tmp_path / "store")


def test_a_ledger_that_is_none_is_refused(tmp_path):
    fill(tmp_path / "store", [1])
    (tmp_path / "store" / "ledger.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match=r"ledger.sqlite cannot be read: file is not a database"):
        open_store(tmp_path / "store")
    for use in (writer_of, compact_store):
        with pytest.raises(StoreError, match="file is not a database"):
            use(tmp_path / "store")


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda writer, row: writer.put(row, np.zeros(2), seconds=0), TypeError, "dtype float32, got float64"),
        (lambda writer, row: writer.put(row, np.zeros(2, ">f4"), seconds=0), TypeError, "dtype float32, got >f4"),
        (lambda writer, row: writer.put(row, np.zeros(3, "f4"), seconds=0), ValueError, "must have 2 columns"),
        (lambda writer, row: writer.put(row, np.float32(3), seconds=0), ValueError, "must have 2 columns"),
        (lambda writer, row: writer.put(row, np.zeros(2, "f4"), seconds=-1), ValueError, "seconds must be >= 0"),
        (lambda writer, row: writer.put(row + 1, np.zeros(2, "f4"), seconds=0), ValueError, "row must be claimed"),
        (lambda writer, row: writer.fail(row + 1, "bad", state="error", seconds=0), ValueError, "row must be claimed"),
        (lambda writer, row: writer.fail(row, "bad", state="done", seconds=0), ValueError, "state must be one of"),
        (lambda writer, row: writer.fail(row, "", state="error", seconds=0), ValueError, "reason must not be empty"),
        (lambda writer, row: writer.fail(row, None, state="error", seconds=0), TypeError, "reason must be a str"),
        (lambda writer, row: writer.claim(0), ValueError, "n must be >= 1"),
        (lambda writer, row: writer.retry(["done"]), ValueError, "states must be one of"),
        (lambda writer, row: writer.enlist([(Path("a"), 1, 0)]), TypeError, "path must be a str"),
        (lambda writer, row: writer.enlist([("", 1, 0)]), ValueError, "path must not be empty"),
        (lambda writer, row: writer.enlist([("a\0", 1, 0)]), ValueError, "path must not be empty and have no NUL"),
        (lambda writer, row: writer.enlist([("\ud800", 1, 0)]), ValueError, "path must be text that UTF-8 can hold"),
        (lambda writer, row: writer.enlist([("a", -1, 0)]), ValueError, "size must be"),
        (lambda writer, row: writer.enlist([("a", 1, 0.5)]), TypeError, "mtime_ns must be an integer"),
    ],
)
def test_a_wrong_argument_is_refused_and_changes_nothing(memory, use, error, message):
    with writer_of(memory / "store", TABLE, resume=False) as writer:
        writer.enlist([("1", 1, 0), ("2", 1, 0)])
        [(row, _)] = writer.claim(1)
        with pytest.raises(error, match=message):
            use(writer, row)
        writer.put(row, item(1, TABLE), seconds=0.0)
        with pytest.raises(ValueError, match="row must be claimed"):
            writer.put(row, item(1, TABLE), seconds=0.0)
        assert writer.counts() == {"waiting": 1, "claimed": 1, "done": 0, "error": 0, "skipped": 0}
    assert content(memory / "store") == expected([1], TABLE)


def test_other_wrong_arguments_are_refused(tmp_path):
    with pytest.raises(TypeError, match="schema must be a Schema"):
        StoreWriter.open(tmp_path / "store", SCHEMA.to_dict(), resume=False)
    with pytest.raises(ValueError, match="shard_bytes must be >= 1"):
        writer_of(tmp_path / "store", shard_bytes=0)
    with pytest.raises(ValueError, match="commit_seconds must be >= 0"):
        writer_of(tmp_path / "store", commit_seconds=-1)
    assert not (tmp_path / "store").exists()
    fill(tmp_path / "store", [1, 2])
    for paths in ([], str(tmp_path / "store")):
        with pytest.raises(ValueError, match="paths must be a sequence"):
            merge_stores(paths, tmp_path / "merged")
    store = open_store(tmp_path / "store")
    for wrong in (2, -3):
        with pytest.raises(IndexError, match=rf"index must be in \[-2, 2\), got {wrong}"):
            store[wrong]
    with pytest.raises(KeyError, match="nowhere"):
        store["nowhere"]
    with pytest.raises(TypeError):
        store[1.0]
    assert "1" in store
    assert "nowhere" not in store


# ---------------------------------------------------------------- writing


def test_a_commit_comes_by_size_by_time_or_when_asked(memory, monkeypatch):
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with writer_of(memory / "store", TABLE, resume=False, shard_bytes=24, commit_seconds=30.0) as writer:
        writer.enlist([(str(number), 1, 0) for number in range(9)])
        rows = [row for row, _ in writer.claim(8)]
        states = []

        def step(call=None):
            if call:
                call(rows.pop(0))
            states.append(writer.counts()["done"] + writer.counts()["error"])

        put = lambda row: writer.put(row, item(row, TABLE), seconds=0.0)  # noqa: E731
        fail = lambda row: writer.fail(row, "bad", state="error", seconds=0.0)  # noqa: E731
        for call in (put, put, put, put):  # 8 bytes each: full with the third
            step(call)
        now = 29.0
        step(fail)
        now = 30.0
        step(put)  # 30 s after the fourth
        step(fail)
        now = 60.0
        writer.claim(1)
        step()
        put(rows.pop())
        writer.flush()
        step()
    assert states == [0, 0, 3, 3, 3, 6, 6, 7, 8]
    assert len(files_of(memory / "store")) == 3


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not tell which file is open")
def test_items_and_names_are_on_the_disk_before_the_ledger_says_so(memory, monkeypatch):
    steps, synced, replaced = [], os.fsync, Path.replace

    def fsync(descriptor):
        synced(descriptor)
        steps.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink().suffix, writer.counts()["done"]))

    def replace(old, new):
        steps.append(("replace", old.suffix, writer.counts()["done"]))
        return replaced(old, new)

    with writer_of(memory / "store", resume=False) as writer:
        assert writer._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL: a commit is on the disk
        assert writer._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        monkeypatch.setattr("os.fsync", fsync)
        monkeypatch.setattr("pathlib.Path.replace", replace)
        writer.enlist([("1", 1, 0)])
        for row, _ in writer.claim(1):
            writer.put(row, item(1), seconds=0.0)
        writer.flush()
    assert steps == [("sync", ".tmp", 0), ("replace", ".tmp", 0), ("sync", "", 0)]


def test_what_was_done_can_be_done_again(memory):
    fill(memory / "store", [1, 2, -3, -4])
    with writer_of(memory / "store") as writer:
        writer.enlist([("1", 1, 0), ("2", 2, 0), ("-3", 1, 1), ("-4", 1, 0), ("5", 1, 0)])
        assert [name for _, name in writer.claim(9)] == ["2", "-3", "5"]
    assert content(memory / "store") == expected([1, -4])
    with writer_of(memory / "store") as writer:
        assert (writer.retry(), writer.retry()) == (1, 0)
        assert writer.redo(["1", "2", "nowhere"]) == 1
        assert writer.counts()["waiting"] == 5
    assert content(memory / "store") == ({}, {})


def test_paths_and_reasons_are_kept_as_the_system_has_them(memory):
    names = ["ä/ö ü.wav", "日本.flac", os.fsdecode(b"caf\xe9.wav"), "a'; DROP TABLE items; --", "line\nbreak", " "]
    for schema, folder in ((TABLE, "table"), (SCHEMA, "other")):
        with writer_of(memory / folder, schema, resume=False) as writer:
            writer.enlist([(name, 1, 0) for name in [*names, *names]])
            for i, (row, name) in enumerate(writer.claim(99)):
                if i == 2 and schema is SCHEMA:
                    writer.fail(row, f"{name}: no", state="skipped", seconds=0.0)
                else:
                    writer.put(row, item(i, schema), seconds=0.0)
    assert open_store(memory / "other").errors == ((names[2], "skipped", f"{names[2]}: no"),)
    store = open_store(memory / "table")
    assert store.paths == tuple(names)
    assert_array_equal(store[names[2]], item(2, TABLE))
    merge_stores([memory / "table"], memory / "merged")
    assert content(memory / "merged") == content(memory / "table")


def test_versions_of_all_who_wrote_are_kept(tmp_path, monkeypatch):
    fill(tmp_path / "a", [1])
    told = json.loads((tmp_path / "a" / "store.json").read_text())
    assert set(told["versions"]) == {"audiofeat", "libsndfile", "numpy", "soundfile", "soxr"}
    later = {**told["versions"], "numpy": "9.0"}
    monkeypatch.setattr("audiofeat.store.manifest.versions", lambda: later)
    fill(tmp_path / "a", [2])
    fill(tmp_path / "b", [3])
    assert open_store(tmp_path / "a").info().versions == [told["versions"], later]
    monkeypatch.undo()
    merge_stores([tmp_path / "b", tmp_path / "a"], tmp_path / "c")
    assert open_store(tmp_path / "c").info().versions == [later, told["versions"]]


# ---------------------------------------------------------------- reading


def test_what_is_read_is_what_was_there_on_opening(memory):
    store = memory / "store"
    writer = writer_of(store, resume=False)
    writer.enlist([(str(number), 1, 0) for number in range(1, 7)])
    rows = {int(name): row for row, name in writer.claim(9)}
    for number in (2, 5):
        writer.put(rows[number], item(number), seconds=0.0)
    writer.flush()
    opened = open_store(store)
    pickled = pickle.dumps(opened)
    assert len(pickled) < 1000
    for number in (1, 3):
        writer.put(rows[number], item(number), seconds=0.0)
    writer.close()
    unpickled = pickle.loads(pickled)
    for reader in (opened, unpickled):
        assert (len(reader), reader.paths) == (2, ("2", "5"))
        assert_array_equal(reader[1], item(5))
        assert reader.info().counts["done"] in (2, 4)
    assert open_store(store).paths == ("1", "2", "3", "5")
    before = [open_store(store), pickle.loads(pickled), pickle.loads(pickled)]
    compact_store(store)  # the shards of what is open are gone
    assert {name: (str(x.dtype), x.shape, x.tobytes()) for name, x in zip(before[0].paths, before[0], strict=True)} == (
        expected([1, 2, 3, 5])[0]
    )
    assert_array_equal(before[1]["5"], item(5))
    assert before[2].verify() == []
    with writer_of(store) as writer:
        writer.redo(["5"])
    with pytest.raises(StoreError, match="has changed since it was opened"):
        pickle.loads(pickled)
    assert_array_equal(before[1]["5"], item(5))  # still mapped


def is_mapped(array):
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array is not None


def test_a_matrix_is_the_file_itself_where_it_can_be(memory):
    numbers = list(range(6))
    store = open_store(fill(memory / "store", numbers, TABLE))
    matrix = store.matrix(copy=False)
    assert is_mapped(matrix)
    assert not matrix.flags.writeable
    assert np.shares_memory(matrix, store[3])
    assert_array_equal(matrix, [item(number, TABLE) for number in numbers])
    copied = store.matrix(copy=True)
    assert copied.flags.writeable
    assert not np.shares_memory(copied, matrix)
    assert_array_equal(copied, matrix)
    fill(memory / "store", [*numbers, 7], TABLE)
    store = open_store(memory / "store")
    with pytest.raises(StoreError, match=r"items in 2 shards.*shard_bytes=56 at least"):
        store.matrix(copy=False)
    assert_array_equal(store.matrix(), [item(number, TABLE) for number in [*numbers, 7]])
    assert not store.matrix().flags.writeable
    compact_store(memory / "store", shard_bytes=56)
    assert is_mapped(store.matrix(copy=False))  # it was opened before
    assert is_mapped(pickle.loads(pickle.dumps(store)).matrix())


def test_a_matrix_of_one_shard_in_another_order_is_read(memory):
    with writer_of(memory / "store", TABLE, resume=False) as writer:
        writer.enlist([("1", 1, 0), ("2", 1, 0)])
        for row, name in reversed(writer.claim(2)):
            writer.put(row, item(int(name), TABLE), seconds=0.0)
    store = open_store(memory / "store")
    assert_array_equal(store.matrix(), [item(1, TABLE), item(2, TABLE)])
    with pytest.raises(StoreError, match="in another order"):
        store.matrix(copy=False)
    compact_store(memory / "store")
    assert_array_equal(store.matrix(copy=False), [item(1, TABLE), item(2, TABLE)])


@pytest.mark.parametrize(
    ("numbers", "message"),
    [([], "has no items"), ([-1], "has no items"), ([1, 2], r"1 has \(1, 2\), 2 has \(2, 2\)")],
)
def test_a_matrix_needs_items_of_one_shape(memory, numbers, message):
    with pytest.raises(StoreError, match=message):
        open_store(fill(memory / "store", numbers)).matrix()


def test_many_shards_are_not_all_held_open(memory, monkeypatch):
    monkeypatch.setattr("audiofeat.store.reading.OPEN_SHARDS", 3)
    store = open_store(fill(memory / "store", range(1, 9), TABLE, shard_bytes=1))
    assert store.info().n_shards == 8
    for _ in range(2):
        assert [x.tolist() for x in store] == [item(number, TABLE).tolist() for number in range(1, 9)]
    assert len(store._mapped) == 3


def test_a_store_goes_to_other_processes(memory):
    from joblib import Parallel, delayed

    store = open_store(fill(memory / "store", range(20), TABLE))
    found = Parallel(n_jobs=2)(delayed(total)(store, i) for i in range(20))
    assert found == [float(item(i, TABLE).sum()) for i in range(20)]


def total(store, i):
    return float(store[i].sum())


def test_two_hundred_thousand_rows(memory):
    n = 200_000
    names = [f"{i // 1000:03d}/{i:06d}.mp3" for i in range(n)]
    with writer_of(memory / "store", TABLE, resume=False) as writer:
        for _ in range(2):
            writer.enlist((name, 1, 0) for name in names)
        assert writer.remaining() == n
        for row, _ in writer.claim(n)[n // 2 :: 5]:
            writer.put(row, np.array([row, 0.0], "float32"), seconds=0.0)
    store = open_store(memory / "store")
    assert store.paths == tuple(names[n // 2 :: 5])
    assert store.info().counts["waiting"] == n - n // 10
    assert_array_equal(store.matrix(copy=False)[:, 0], np.arange(n // 2, n, 5) + 1)
    assert_array_equal(store[names[-5]], [n - 4, 0.0])
    assert pickle.loads(pickle.dumps(store)).paths == store.paths


# ---------------------------------------------------------------- checksums


def test_checksums_are_crcs_of_quarters():
    """By the check value of its catalogue, and for no bytes."""
    item = np.frombuffer(4 * b"123456789", np.uint8)
    assert checksum(item.reshape(2, 18)) == 4 * "cbf43926"
    assert checksum(np.empty(0)) == 4 * "00000000"
    assert checksum(item[:9].repeat(2)[:1]) == 3 * "00000000" + "83dcefb7"  # "1"


@given(size=st.integers(4, 200), data=st.data())
def test_a_checksum_tells_any_damage_within_32_bits(size, data):
    item = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8)
    first = data.draw(st.integers(0, 8 * size - 32))
    flipped = data.draw(st.integers(1, (1 << 32) - 1)) << first
    damaged = int.from_bytes(item.tobytes(), "little") ^ flipped
    twin = np.frombuffer(damaged.to_bytes(size, "little"), np.uint8)
    changed = {4 * i // size for i in np.flatnonzero(item != twin)} if size % 4 == 0 else None
    told = [checksum(array) for array in (item, twin)]
    differ = {k for k in range(4) if told[0][8 * k : 8 * k + 8] != told[1][8 * k : 8 * k + 8]}
    assert differ == changed if changed is not None else differ


@pytest.mark.parametrize("dtype", ["float16", ">f8", "complex64", "bool"])
def test_a_checksum_is_of_bytes_in_c_order(dtype):
    item = np.random.default_rng(0).integers(0, 2, (3, 5, 7)).astype(dtype)
    told = checksum(item)
    assert told == checksum(np.frombuffer(item.tobytes(), np.uint8))
    assert told == checksum(np.asfortranarray(item)) == checksum(item.repeat(2, axis=1)[:, ::2])
    assert told != checksum(item[::-1])


# ---------------------------------------------------------------- verify


def damage(shard, kind):
    raw = bytearray(shard.read_bytes())
    if kind == "missing":
        shard.unlink()
    elif kind == "short":
        shard.write_bytes(raw[:-4])
    elif kind == "fewer":  # whole, but with less than the ledger says
        np.save(shard, np.load(shard)[:-1])
    elif kind == "wider":
        np.save(shard, np.load(shard).astype("float64"))
    elif kind == "header":
        raw[0] ^= 1
        shard.write_bytes(raw)
    else:
        raw[kind] ^= 1
        shard.write_bytes(raw)


@pytest.mark.parametrize(
    ("kind", "paths", "reason"),
    [
        (-1, ["3"], "its checksum is"),
        (128, ["1"], "its checksum is"),
        ("missing", ["1", "2", "3"], "is missing"),
        ("short", ["1", "2", "3"], "cannot be read"),
        ("fewer", ["3"], "too short"),
        ("wider", ["1", "2", "3"], "must hold one axis of float32"),
        ("header", ["1", "2", "3"], "cannot be read"),
    ],
)
def test_verify_finds_damage_which_can_be_made_good(memory, kind, paths, reason):
    fill(memory / "store", [1, 2, 3])
    fill(memory / "store", [1, 2, 3, 4, 5])
    first = ledger(memory / "store", "SELECT shard FROM items WHERE path = '1'")[0]
    damage(memory / "store" / "shards" / f"{first[0]}.npy", kind)
    store, seen = open_store(memory / "store"), []
    problems = store.verify(lambda n, total: seen.append((n, total)))
    assert [problem.path for problem in problems] == paths
    assert all(reason in problem.reason and problem.shard == first[0] for problem in problems)
    assert sorted(seen) in ([(2, 5), (5, 5)], [(3, 5), (5, 5)])
    if not isinstance(kind, int):
        with pytest.raises(StoreError, match=reason):
            store["3"]
    with pytest.raises(StoreError, match=f"{reason}|is damaged"):
        compact_store(memory / "store")
    with pytest.raises(StoreError, match=f"{reason}|is damaged"):
        merge_stores([memory / "store"], memory / "merged")
    with pytest.raises(StoreError, match=r"no store.json"):
        open_store(memory / "merged")
    assert open_store(memory / "store").verify() == problems  # and the rest is as it was
    with writer_of(memory / "store") as writer:
        assert writer.redo(problem.path for problem in problems) == len(paths)
    fill(memory / "store", [int(path) for path in paths])
    assert content(memory / "store") == expected([1, 2, 3, 4, 5])
    merge_stores([memory / "store"], memory / "merged")  # what the first attempt left is no hindrance
    assert content(memory / "merged") == expected([1, 2, 3, 4, 5])


# ---------------------------------------------------------------- compact, merge


def test_compact_lays_items_in_the_order_enlisted(memory):
    numbers = [4, 3, -2, 1, 0, 6]
    fill(memory / "store", numbers[::2], shard_bytes=1)
    with writer_of(memory / "store") as writer:
        writer.enlist([("4", 2, 0)])  # changed: its old bytes are in a shard, and of no use
    fill(memory / "store", numbers, shard_bytes=1)
    with writer_of(memory / "store") as writer:
        writer.enlist([("waits", 1, 0)])
    for shard_bytes, n_shards in ((40, 2), (1, 4), (1000, 1), (1000, 1)):
        compact_store(memory / "store", shard_bytes=shard_bytes)
        items, reasons = content(memory / "store")
        assert (items, reasons) == expected(numbers)
        info = open_store(memory / "store").info()
        assert (info.n_shards, len(files_of(memory / "store"))) == (n_shards, n_shards)
        assert info.counts["waiting"] == 1
        n_elements = [len(np.load(memory / "store" / "shards" / name)) for name in files_of(memory / "store")]
        assert 4 * sum(n_elements) == info.n_bytes
    assert info.seconds == 4 * 0.25 + 0.25 + 0.5


def test_an_empty_store_can_be_compacted_and_merged(memory):
    writer_of(memory / "store", resume=False).close()
    compact_store(memory / "store")
    merge_stores([memory / "store"], memory / "merged")
    assert content(memory / "merged") == ({}, {})
    assert open_store(memory / "store").verify() == []


def test_a_merge_keeps_the_best_row_of_each_file(memory):
    fill(memory / "a", [1, -2, 3])
    fill(memory / "b", [3, 4, -5])
    with writer_of(memory / "a") as writer:
        writer.enlist([("4", 1, 0), ("-5", 1, 0), ("6", 1, 0)])
        writer.claim(2)
    with writer_of(memory / "b") as writer:
        writer.enlist([("-2", 7, 7), ("6", 9, 9)])
        for row, _ in writer.claim(1):
            writer.put(row, item(2), seconds=0.0)  # it could be read after all
    merge_stores([memory / "a", memory / "b"], memory / "both")
    items, reasons = content(memory / "both")
    whole = expected([1, 2, 3, 4, -5])
    whole[0]["-2"] = whole[0].pop("2")
    assert (items, reasons) == whole
    assert list(items) == ["1", "-2", "3", "4"]
    assert open_store(memory / "both").info().counts["waiting"] == 1
    told = dict(ledger(memory / "both", "SELECT path, size FROM items"))
    assert (told["-2"], told["6"]) == (7, 1)  # of the store that the row is from
    assert content(memory / "a")[0] == expected([1, 3])[0]
    with writer_of(memory / "a") as writer:
        writer.redo(["3"])
        for row, _ in writer.claim(1):
            writer.put(row, item(8), seconds=0.0)
    with pytest.raises(StoreError, match=r"^3 has different items in .*a and .*b$"):
        merge_stores([memory / "a", memory / "b"], memory / "other")
    assert not (memory / "other").exists()


# ---------------------------------------------------------------- tables


SEGMENTS = Schema("segments", {}, None, "float64", ("start", "end", "label"))


def segments(path):
    """Files with 0 to 4 rows each."""
    with writer_of(path, SEGMENTS, resume=False) as writer:
        writer.enlist([(f"{name}.wav", 1, 0) for name in ("a", os.fsdecode(b"\xff"), "c", "d", "e")])
        for i, (row, _) in enumerate(writer.claim(9)):
            writer.put(row, np.arange(3.0 * i).reshape(i, 3), seconds=0.0)
    return open_store(path)


def test_rows_go_to_pandas(memory):
    pytest.importorskip("pandas")
    table = segments(memory / "store").to_pandas()
    assert list(table.columns) == ["path", "start", "end", "label"]
    assert list(table["path"]) == [r"\xff.wav", "c.wav", "c.wav", "d.wav", "d.wav", "d.wav", *["e.wav"] * 4]
    assert list(table["start"]) == [0, 0, 3, 0, 3, 6, 0, 3, 6, 9]
    flat = open_store(fill(memory / "flat", range(5), TABLE)).to_pandas()
    assert flat["std"].dtype == "float32"
    assert list(flat["std"]) == [i / 8 for i in range(5)]
    empty = open_store(fill(memory / "empty", [-1], TABLE)).to_pandas()
    assert (list(empty.columns), len(empty)) == (["path", "mean", "std"], 0)
    with pytest.raises(StoreError, match="has no columns"):
        open_store(fill(memory / "other", [1])).to_pandas()


@pytest.mark.parametrize("n_rows", [1, 3, 1000])
def test_rows_go_to_parquet_in_groups(memory, monkeypatch, n_rows):
    parquet = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("pandas")
    monkeypatch.setattr("audiofeat.store.exporting.ROWS", n_rows)
    store = segments(memory / "store")
    store.to_parquet(memory / "rows.parquet")
    assert parquet.read_table(memory / "rows.parquet").to_pandas().equals(store.to_pandas())
    file = parquet.ParquetFile(memory / "rows.parquet")
    assert file.num_row_groups >= {1: 4, 3: 3, 1000: 1}[n_rows]
    assert json.loads(file.schema_arrow.metadata[b"audiofeat"]) == SEGMENTS.to_dict()


@pytest.mark.parametrize("dtype", [dtype for dtype in DTYPES if "complex" not in dtype])
def test_parquet_keeps_the_dtype(memory, dtype):
    parquet = pytest.importorskip("pyarrow.parquet")
    schema = Schema("statistics", {}, None, dtype, ("mean", "std"))
    store = open_store(fill(memory / "store", range(4), schema))
    store.to_parquet(memory / "rows.parquet")
    column = parquet.read_table(memory / "rows.parquet")["mean"].to_numpy()
    assert column.dtype == dtype
    assert_array_equal(column, store.matrix()[:, 0])


def test_what_is_no_table_leaves_no_file(memory):
    pytest.importorskip("pyarrow")
    with pytest.raises(StoreError, match="has no columns"):
        open_store(fill(memory / "store", [1])).to_parquet(memory / "rows.parquet")
    assert not (memory / "rows.parquet").exists()
