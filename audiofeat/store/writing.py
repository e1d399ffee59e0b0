"""Writing a store: claims, and what is put for them."""

import json
import sqlite3
import time
from collections.abc import Iterable
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Literal, Self

import numpy as np

from audiofeat._validation import as_choice, as_count, as_number
from audiofeat.store.committing import Committer, Placed, remove_leavings
from audiofeat.store.errors import unwritable
from audiofeat.store.ledger import WAIT, as_text, bury_the_dead, count_rows, living
from audiofeat.store.manifest import enter_folder
from audiofeat.store.schema import Schema, as_schema
from audiofeat.store.shards import SHARDS, Array, GrowingShard, checksum

FAILED = ("error", "skipped")
SHARD_BYTES = 256 * 2**20
LOT = 50_000  # rows enlisted in one transaction: others wait for no more

# What has changed since waits again; what has not stays as it is.
ENLIST = f"""
INSERT INTO items (path, size, mtime_ns) VALUES (CAST(? AS TEXT), ?, ?)
ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns, {WAIT}
WHERE size <> excluded.size OR mtime_ns <> excluded.mtime_ns
"""  # noqa: S608


class StoreWriter(Committer):
    """An open store, for one who fills it; many may at once, on one machine.

    Made by `open`, and a context manager: leaving it, also by an exception, commits what is whole and gives back the
    claims on the rest. What a kill takes is what was not committed: these rows wait again.

    Notes
    -----
    Items are appended to a shard with a temporary name. A commit writes it to the disk, gives it its name, and then
    marks its rows done in one transaction: a row that is done has its bytes on the disk. It happens when the shard is
    full, when `commit_seconds` have passed since its first item (looked at when the writer is called), and on `flush`.

    A writer belongs to its thread and its process. After a `StoreError` while writing it is closed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from audiofeat.store import Schema, StoreWriter, open_store
    >>> schema = Schema("function", {"name": "squares"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with StoreWriter.open(f"{folder}/squares", schema, resume=False) as writer:
    ...         writer.enlist([("one", 1, 0), ("two", 1, 0)])
    ...         for row, path in writer.claim(2):
    ...             writer.put(row, np.arange(len(path), dtype="float32") ** 2, seconds=0.01)
    ...     store = open_store(f"{folder}/squares")
    ...     store.paths, store["two"]
    (('one', 'two'), array([0., 1., 4.], dtype=float32))
    """

    @classmethod
    def open(
        cls,
        path: str | PathLike[str],
        schema: Schema,
        *,
        resume: bool,
        shard_bytes: int = SHARD_BYTES,
        commit_seconds: float = 30.0,
    ) -> Self:
        """Open a store for writing, or make it.

        Parameters
        ----------
        path : str or os.PathLike
            The folder. One that is there must be a store, or empty.
        schema : Schema
            What the items are.
        resume : bool
            Take a store that is there, if its schema is the same. Without, there must be none.
        shard_bytes : int
            A shard with this many bytes of items is full.
        commit_seconds : float
            Longest time in seconds that an item which was put may wait for its commit, at a call.

        Returns
        -------
        StoreWriter
            The writer, entered in the store's ledger.

        Raises
        ------
        StoreError
            If there is a store and not `resume`, or another thing, or a store of another schema; if it is being
            compacted, or cannot be written.
        TypeError
            If `schema` is none.
        ValueError
            If `shard_bytes` is below 1 or `commit_seconds` below 0.
        """
        schema = as_schema(schema)
        shard_bytes = as_count(shard_bytes, "shard_bytes")
        commit_seconds = as_number(commit_seconds, "commit_seconds", low=0.0)
        folder = Path(path).absolute()
        try:
            connection, me = enter_folder(folder, schema, resume=resume)
        except (OSError, sqlite3.Error) as error:
            raise unwritable(folder, error) from error
        writer = cls(folder, connection, me, schema, shard_bytes=shard_bytes, commit_seconds=commit_seconds)
        with writer._closing_on_failure():
            remove_leavings(folder, connection)
        return writer

    def enlist(self, files: Iterable[tuple[str, int, int]]) -> None:
        """Add files to the ledger. Those that are there already, of the same size and time, stay as they are.

        Parameters
        ----------
        files : iterable of tuple
            Path as it is to be kept, size in bytes, time of the last change in ns. A new path waits; one whose size or
            time differs from the ledger's waits again, and its item is forgotten.

        Raises
        ------
        TypeError
            If a path is no str, or a size or time no int.
        ValueError
            If a path is empty, or holds what no path can.
        StoreError
            If the ledger cannot be written.
        """
        self.flush()
        lots = iter(files)
        while lot := [
            (as_text(path, "path"), as_count(size, "size", low=0), as_count(mtime_ns, "mtime_ns", low=-(2**63)))
            for path, size, mtime_ns in islice(lots, LOT)
        ]:
            with self._writing():
                self._connection.executemany(ENLIST, lot)

    def claim(self, n: int) -> list[tuple[int, str]]:
        """Take rows that wait, in the order enlisted, so that no other writer does.

        Parameters
        ----------
        n : int
            Number of rows at most.

        Returns
        -------
        list of tuple
            Number of the row, and path. Empty if none waits, and no writer that has died leaves any.

        Raises
        ------
        ValueError
            If `n` is below 1.
        StoreError
            If the ledger cannot be written.
        """
        n = as_count(n, "n")
        self._flush_if_due()
        with self._writing():
            rows = self._waiting(n)
            if not rows:
                bury_the_dead(self._connection)
                rows = self._waiting(n)
            mine = [(self._me.token, row) for row, _ in rows]
            self._connection.executemany("UPDATE items SET state = 'claimed', owner = ? WHERE id = ?", mine)
        self._claimed.update(rows)
        return rows

    def put(self, row: int, array: Array, *, seconds: float) -> None:
        """Give the item of a row that is claimed.

        Parameters
        ----------
        row : int
            Number of the row, from `claim`.
        array : ndarray, shape (...)
            The item, of the store's dtype: nothing is cast. With columns, its last axis has one for each.
        seconds : float
            What it took, for the record.

        Raises
        ------
        TypeError
            If the dtype is another.
        ValueError
            If `row` is not claimed by this writer, or the last axis does not fit the columns.
        StoreError
            If the store cannot be written; the writer is closed, and what was not committed waits again.
        """
        self._require_claim(row)
        seconds = as_number(seconds, "seconds", low=0.0)
        array = np.asarray(array)
        if array.dtype != self._dtype:
            msg = f"array must have the store's dtype {self._dtype}, got {array.dtype}"
            raise TypeError(msg)
        if self.schema.columns is not None and array.shape[-1:] != (len(self.schema.columns),):
            msg = f"array must have {len(self.schema.columns)} columns on its last axis, got shape {array.shape}"
            raise ValueError(msg)
        with self._closing_on_failure():
            if self._shard is None:
                self._n_shards += 1
                name = f"{self._me.token}-{self._n_shards:06d}"
                self._shard = GrowingShard(self.path / SHARDS, name, self._dtype)
            self._due = self._due or time.monotonic() + self._commit_seconds
            offset = self._placed[-1].stop if self._placed else 0
            self._shard.write(array, offset)
            shape = json.dumps(array.shape)
            # one step, so that an interrupt finds it done or not: the next offset is read from here
            self._placed.append(Placed(row, offset, offset + array.size, shape, checksum(array), seconds))
        del self._claimed[row]
        if self._placed[-1].stop * self._dtype.itemsize >= self._shard_bytes:
            self.flush()
        self._flush_if_due()

    def fail(self, row: int, reason: str, *, state: Literal["error", "skipped"], seconds: float) -> None:
        """Say why there is no item for a row that is claimed.

        Parameters
        ----------
        row : int
            Number of the row, from `claim`.
        reason : str
            What the user will read.
        state : {"error", "skipped"}
            Whether it went wrong or was not wanted.
        seconds : float
            What it took, for the record.

        Raises
        ------
        TypeError
            If `reason` is no str.
        ValueError
            If `row` is not claimed by this writer, `reason` is empty, or `state` is another.
        StoreError
            If the store cannot be written; the writer is closed, and what was not committed waits again.
        """
        self._require_claim(row)
        as_choice(state, "state", FAILED)
        failure = (row, state, as_text(reason, "reason"), as_number(seconds, "seconds", low=0.0))
        self._due = self._due or time.monotonic() + self._commit_seconds
        self._failed.append(failure)
        del self._claimed[row]
        self._flush_if_due()

    def retry(self, states: Iterable[str] = ("error",)) -> int:
        """Have rows without an item wait again.

        Parameters
        ----------
        states : iterable of {"error", "skipped"}
            Which.

        Returns
        -------
        int
            Number of rows.

        Raises
        ------
        ValueError
            If a state is another.
        StoreError
            If the ledger cannot be written.
        """
        chosen = [(as_choice(state, "states", FAILED),) for state in states]
        self.flush()
        with self._writing():
            again = self._connection.executemany(f"UPDATE items SET {WAIT} WHERE state = ?", chosen)  # noqa: S608
            return max(again.rowcount, 0)

    def redo(self, paths: Iterable[str]) -> int:
        """Have rows that are done wait again, as after `Store.verify` has found their items damaged.

        Parameters
        ----------
        paths : iterable of str
            Which. What is not done stays as it is.

        Returns
        -------
        int
            Number of rows.

        Raises
        ------
        StoreError
            If the ledger cannot be written.
        """
        chosen = [(as_text(path, "paths"),) for path in paths]
        self.flush()
        with self._writing():
            where = "WHERE path = CAST(? AS TEXT) AND state = 'done'"
            again = self._connection.executemany(f"UPDATE items SET {WAIT} {where}", chosen)  # noqa: S608
            return max(again.rowcount, 0)

    def counts(self) -> dict[str, int]:
        """Return the number of rows in each state, as the ledger has it: without what is not committed.

        Returns
        -------
        dict
            Keys waiting, claimed (by any writer), done, error and skipped.
        """
        self._require_open()
        return count_rows(self._connection)

    def remaining(self) -> int:
        """Return the number of rows that wait, or are claimed by other writers that live.

        Returns
        -------
        int
            0 when there is nothing left but what this writer has claimed.
        """
        self._require_open()
        tokens = [writer.token for writer in living(self._connection) if writer.token != self._me.token]
        marks = ", ".join("?" * len(tokens))
        query = f"SELECT count(*) FROM items WHERE state = 'claimed' AND owner IN ({marks})"  # noqa: S608
        claimed = self._connection.execute(query, tokens).fetchone()[0]
        return int(claimed) + self.counts()["waiting"]

    def _waiting(self, n: int) -> list[tuple[int, str]]:
        query = "SELECT id, path FROM items WHERE state = 'waiting' ORDER BY id LIMIT ?"
        return self._connection.execute(query, (n,)).fetchall()

    def _require_claim(self, row: int) -> None:
        self._require_open()
        if row not in self._claimed:
            msg = f"row must be claimed by this writer, got {row!r}"
            raise ValueError(msg)
