"""Committing items: a shard to the disk first, then its rows in one transaction."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from audiofeat.store.errors import StoreError, unwritable
from audiofeat.store.ledger import Membership, bury_the_dead, transaction
from audiofeat.store.schema import Schema
from audiofeat.store.shards import OURS, SHARDS, GrowingShard

# Only a row that is still this writer's (what is claimed has an owner, and nothing else has): one that was enlisted
# anew meanwhile is another's, or waits.
MINE = "WHERE id = ? AND owner = ?"
DONE = f"""
UPDATE items SET state = 'done', shard = ?, offset = ?, shape = ?, checksum = ?, seconds = ?, owner = NULL {MINE}
"""  # noqa: S608
FAIL = f"UPDATE items SET state = ?, reason = CAST(? AS TEXT), seconds = ?, owner = NULL {MINE}"  # noqa: S608


class Placed(NamedTuple):
    """An item in the shard that grows."""

    row: int
    offset: int
    stop: int
    shape: str
    checksum: str
    seconds: float


class Committer:
    """What a `StoreWriter` has put and not committed yet, and how that ends."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        me: Membership,
        schema: Schema,
        *,
        shard_bytes: int,
        commit_seconds: float,
    ) -> None:
        self.path, self.schema = path, schema
        self._connection, self._me = connection, me
        self._dtype, self._shard_bytes, self._commit_seconds = np.dtype(schema.dtype), shard_bytes, commit_seconds
        self._claimed: dict[int, str] = {}
        self._placed: list[Placed] = []
        self._failed: list[tuple[int, str, bytes, float]] = []
        self._shard: GrowingShard | None = None
        self._n_shards, self._due, self._closed, self._pid = 0, 0.0, False, os.getpid()
        me.start()

    def flush(self) -> None:
        """Commit: every row that was put or failed is so for good.

        Raises
        ------
        StoreError
            If the store cannot be written; the writer is closed, and what was not committed waits again.
        """
        self._require_open()
        if not self._placed and not self._failed:
            return
        token = self._me.token
        with self._closing_on_failure():
            if self._placed and self._shard is not None:
                self._shard.finish(self._placed[-1].stop)
            name = None if self._shard is None else self._shard.name
            done = [(name, p.offset, p.shape, p.checksum, p.seconds, p.row, token) for p in self._placed]
            failed = [(state, reason, seconds, row, token) for row, state, reason, seconds in self._failed]
            with self._writing():
                self._connection.executemany(DONE, done)
                self._connection.executemany(FAIL, failed)
        # an interrupt before this line has all of it done again, to no effect: the rows are no longer claimed
        self._shard, self._placed, self._failed, self._due = None, [], [], 0.0

    def close(self) -> None:
        """Commit what is whole, give back the claims on the rest, and leave. A second time does nothing.

        Raises
        ------
        StoreError
            If the store cannot be written; what was not committed waits again.
        """
        if self._closed:
            return
        try:
            self.flush()
            with self._closing_on_failure():
                self._leave()
        finally:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _require_open(self) -> None:
        if self._closed or self._pid != os.getpid():
            state = "is closed" if self._closed else f"belongs to process {self._pid}"
            msg = f"this writer of {self.path} {state}"
            raise StoreError(msg)

    def _flush_if_due(self) -> None:
        self._require_open()
        if self._due and time.monotonic() >= self._due:
            self.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Lend the ledger, to one who is still entered in it."""
        self._require_open()
        with self._closing_on_failure(), transaction(self._connection):
            self._me.require(self._connection)
            yield

    @contextmanager
    def _closing_on_failure(self) -> Iterator[None]:
        """Close on what the system refuses, with nothing half-written left."""
        try:
            yield
        except (OSError, sqlite3.Error, StoreError) as error:
            self._abandon()
            if isinstance(error, StoreError):
                raise
            raise unwritable(self.path, error) from error

    def _abandon(self) -> None:
        """Give up what is not committed."""
        if self._closed:
            return
        with suppress(OSError, sqlite3.Error):
            self._discard()
        with suppress(OSError, sqlite3.Error):  # then whoever comes next finds this writer dead, and does it
            self._leave()
        self._end()

    def _discard(self) -> None:
        """Remove the shard, which makes room, unless a row names it."""
        if self._shard is not None:
            self._shard.discard()
            query = "SELECT 1 FROM items WHERE shard = ? LIMIT 1"
            if self._connection.execute(query, (self._shard.name,)).fetchone() is None:
                self._shard.path.unlink(missing_ok=True)

    def _leave(self) -> None:
        with transaction(self._connection):
            self._me.leave(self._connection)

    def _end(self) -> None:
        self._closed = True
        self._me.stop()
        self._connection.close()


def remove_leavings(folder: Path, connection: sqlite3.Connection) -> None:
    """Remove the shards of dead writers that no row names.

    The files are listed before the writers, and named shards are looked up with these: a shard of one who enters
    meanwhile is not in the list, and one whose writer has left has its rows.
    """
    files = [path for path in (folder / SHARDS).iterdir() if OURS.fullmatch(path.name)]
    if not files:
        return
    with transaction(connection):
        bury_the_dead(connection)
        alive = {token for (token,) in connection.execute("SELECT token FROM writers").fetchall()}
        named = {f"{name}.npy" for (name,) in connection.execute("SELECT DISTINCT shard FROM items").fetchall()}
    for path in files:
        if path.name not in named and path.name[:16] not in alive:
            with suppress(PermissionError):  # a system that keeps what is open: whoever comes next removes it
                path.unlink(missing_ok=True)
