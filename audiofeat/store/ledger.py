"""The ledger in SQLite: a row for every file, and who is writing."""

import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from audiofeat.store.errors import StoreError

LEDGER = "ledger.sqlite"
BUSY = 60.0  # seconds to wait for another's transaction
HEARTBEAT = 15.0  # seconds between two signs of life
DEAD_AFTER = 120.0  # seconds without one, of a writer whose process cannot be seen from here

WRITTEN, COMPACTED, MERGED = "written", "compacted", "merged"  # roles: what is being done to a store

# id is SQLite's own row number: the order of enlisting. The index serves counts and claims alike.
TABLES = """
CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'claimed', 'done', 'error', 'skipped')),
    reason TEXT, shard TEXT, offset INTEGER, shape TEXT, checksum TEXT, seconds REAL, owner TEXT
);
CREATE INDEX IF NOT EXISTS items_state ON items (state);
CREATE TABLE IF NOT EXISTS writers (
    token TEXT PRIMARY KEY, role TEXT NOT NULL, pid INTEGER NOT NULL, host TEXT NOT NULL, started TEXT NOT NULL,
    heartbeat REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS versions (id INTEGER PRIMARY KEY, told TEXT NOT NULL UNIQUE);
"""
# A row that waits has nothing of an earlier result.
WAIT = (
    "state = 'waiting', reason = NULL, shard = NULL, offset = NULL, shape = NULL, checksum = NULL, seconds = NULL, "
    "owner = NULL"
)


STATES = ("waiting", "claimed", "done", "error", "skipped")


class Writer(NamedTuple):
    """A row of the table of writers."""

    token: str
    role: str
    pid: int
    host: str
    started: str
    heartbeat: float


def connect(folder: Path, *, create: bool = False, uri_options: str = "") -> sqlite3.Connection:
    """Open the ledger in a folder. Transactions are ours to begin."""
    uri = f"{(folder / LEDGER).absolute().as_uri()}?mode={'rwc' if create else 'rw'}{uri_options}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY, isolation_level=None)
    # names of files need not be UTF-8: see `as_text`
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return connection


@contextmanager
def connected_to_read(folder: Path) -> Iterator[sqlite3.Connection]:
    """Lend the ledger in a folder, which need not be one's to write."""
    connection = connect(folder)
    try:
        connection.execute("PRAGMA query_only = 1")
        try:
            connection.execute("SELECT 1 FROM items LIMIT 1")
        except sqlite3.OperationalError:
            log = folder / f"{LEDGER}-wal"
            if log.exists() and log.stat().st_size:
                raise
            # not even the files which readers share can be made here: then nobody writes
            connection.close()
            connection = connect(folder, uri_options="&immutable=1")
        yield connection
    finally:
        connection.close()


def as_text(text: object, name: str) -> bytes:
    """Return text for ``CAST(? AS TEXT)``: a name that is not UTF-8 is in the ledger as the system has it."""
    if not isinstance(text, str):
        msg = f"{name} must be a str, got {text!r}"
        raise TypeError(msg)
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        msg = f"{name} must be text that UTF-8 can hold, got {text!r}"
        raise ValueError(msg) from error
    if not raw or b"\0" in raw:
        msg = f"{name} must not be empty and have no NUL, got {text!r}"
        raise ValueError(msg)
    return raw


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Lend the one right to write: all of the block is written, or nothing."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def create_tables(connection: sqlite3.Connection) -> None:
    """Make what is missing of the tables, in a file that others can read while one writes."""
    connection.execute("PRAGMA synchronous = FULL")  # a commit is on the disk
    connection.execute("PRAGMA journal_mode = WAL")
    with transaction(connection):
        for statement in TABLES.split(";\n"):
            connection.execute(statement)


def count_rows(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the number of rows in each state."""
    found = dict(connection.execute("SELECT state, count(*) FROM items GROUP BY state").fetchall())
    return {state: int(found.get(state, 0)) for state in STATES}


def host() -> str:
    """Return what tells machines apart, and the containers on one, which do not see each other's processes."""
    try:
        return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def started(pid: int) -> str | None:
    """Return when a process began, which no later one of its number did; "" where that cannot be seen.

    None is for one that has ended, and is kept by the system until its parent asks.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    return None if fields[0] in (b"Z", b"X") else f"{boot}/{fields[19].decode()}"


def is_alive(writer: Writer) -> bool:
    """Tell if a writer may still write."""
    recent = time.time() - writer.heartbeat < DEAD_AFTER
    if os.name != "posix" or writer.host != host():
        return recent
    try:
        os.kill(writer.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    start = started(writer.pid)
    if start and writer.started:
        return start == writer.started
    return start is not None and recent


def living(connection: sqlite3.Connection) -> list[Writer]:
    """Return who is writing."""
    rows = connection.execute("SELECT token, role, pid, host, started, heartbeat FROM writers")
    return [writer for writer in map(Writer._make, rows.fetchall()) if is_alive(writer)]


def bury_the_dead(connection: sqlite3.Connection) -> None:
    """Let wait again what dead writers have claimed. Inside a transaction."""
    alive = {writer.token for writer in living(connection)}
    tokens = [token for (token,) in connection.execute("SELECT token FROM writers").fetchall()]
    connection.executemany("DELETE FROM writers WHERE token = ?", [(token,) for token in tokens if token not in alive])
    connection.execute(
        f"UPDATE items SET {WAIT} WHERE state = 'claimed' AND owner NOT IN (SELECT token FROM writers)"  # noqa: S608
    )


class Membership:
    """One's own row in the table of writers, with a thread that keeps it fresh."""

    def __init__(self, folder: Path, connection: sqlite3.Connection, role: str) -> None:
        """Enter, inside a transaction, which `start` follows. Many may write, but only one compact or merge, alone."""
        for other in living(connection):
            if role != WRITTEN or other.role != WRITTEN:
                msg = f"{folder} is being {other.role} by process {other.pid} on {other.host.split()[0]}"
                raise StoreError(msg)
        bury_the_dead(connection)
        self.token = uuid4().hex[:16]
        self._folder, self._stop, pid = folder, threading.Event(), os.getpid()
        me = Writer(self.token, role, pid, host(), started(pid) or "", time.time())
        connection.execute("INSERT INTO writers VALUES (?, ?, ?, ?, ?, ?)", me)

    def start(self) -> None:
        """Begin to give signs of life."""
        threading.Thread(target=_beat, args=(self._folder, self.token, self._stop), daemon=True).start()

    def require(self, connection: sqlite3.Connection) -> None:
        """Refuse to write for one who was taken for dead: others have its rows. Inside a transaction."""
        if connection.execute("SELECT 1 FROM writers WHERE token = ?", (self.token,)).fetchone() is None:
            msg = f"{self._folder}: this writer gave no sign of life for {DEAD_AFTER:g} s and was taken for dead"
            raise StoreError(msg)

    def leave(self, connection: sqlite3.Connection) -> None:
        """Sign off, and give back what is claimed. Inside a transaction."""
        connection.execute("DELETE FROM writers WHERE token = ?", (self.token,))
        bury_the_dead(connection)

    def stop(self) -> None:
        """End the signs of life."""
        self._stop.set()


def _beat(folder: Path, token: str, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT):
        with suppress(sqlite3.Error):  # a ledger that is busy or full: the writer itself will tell
            connection = connect(folder)
            try:
                connection.execute("UPDATE writers SET heartbeat = ? WHERE token = ?", (time.time(), token))
            finally:
                connection.close()
