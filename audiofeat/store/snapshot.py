"""What the ledger said at one moment."""

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audiofeat.store.errors import StoreError
from audiofeat.store.ledger import LEDGER, connected_to_read, count_rows
from audiofeat.store.manifest import require_ledger

# unary plus: half a million rows of an index are slower than the table
DONE = "SELECT id, path, shard, offset, shape, checksum FROM items WHERE +state = 'done' ORDER BY id"
FAILURES = "SELECT path, state, reason FROM items WHERE state IN ('error', 'skipped') ORDER BY id"
SECONDS = "SELECT total(seconds) FROM items"


class Failure(NamedTuple):
    """A file without an item.

    Attributes
    ----------
    path : str
        The file, as it was enlisted.
    state : {"error", "skipped"}
        Whether it went wrong or was not wanted.
    reason : str
        Why.
    """

    path: str
    state: str
    reason: str


class Snapshot(NamedTuple):
    """Rows of the ledger, all of one moment. Lists and arrays are parallel, in the order enlisted."""

    ids: NDArray[np.int64]
    paths: tuple[str, ...]
    shards: list[str]
    offsets: NDArray[np.int64]
    shapes: tuple[tuple[int, ...], ...]
    checksums: NDArray[np.uint8]  # shape (n, 16)
    failures: tuple[Failure, ...]
    counts: dict[str, int]
    seconds: float
    versions: list[dict[str, str]]


def take_snapshot(folder: Path) -> Snapshot:
    """Read the ledger of the store in a folder, and close it."""
    require_ledger(folder)
    try:
        with connected_to_read(folder) as connection:
            return _read(connection)
    except (OSError, ValueError, sqlite3.Error) as error:
        msg = f"{folder / LEDGER} cannot be read: {error}"
        raise StoreError(msg) from error


def _read(connection: sqlite3.Connection) -> Snapshot:
    connection.execute("BEGIN")  # one moment for all that follows
    rows = connection.execute(DONE).fetchall()
    failures = tuple(map(Failure._make, connection.execute(FAILURES).fetchall()))
    counts, seconds = count_rows(connection), connection.execute(SECONDS).fetchone()[0]
    versions = [json.loads(told) for (told,) in connection.execute("SELECT told FROM versions ORDER BY id")]
    ids, paths, shards, offsets, shapes, checksums = zip(*rows, strict=True) if rows else ((),) * 6
    names = {name: name for name in shards}  # each once in memory, not once a row
    known = {shape: tuple(json.loads(shape)) for shape in set(shapes)}
    return Snapshot(
        np.array(ids, np.int64),
        paths,
        [names[name] for name in shards],
        np.array(offsets, np.int64),
        tuple(known[shape] for shape in shapes),
        np.frombuffer(bytes.fromhex("".join(checksums)), np.uint8).reshape(-1, 16),
        failures,
        counts,
        seconds,
        versions,
    )


def take_same(folder: Path, ids: NDArray[np.int64], digest: bytes) -> Snapshot:
    """Read the ledger again, for the rows of an earlier snapshot, whose items must be the same."""
    now = take_snapshot(folder)
    at = np.searchsorted(now.ids, ids)
    if at.max(initial=-1) < len(now.ids) and np.array_equal(now.ids[at], ids):
        chosen = now._replace(
            ids=ids,
            paths=tuple(now.paths[i] for i in at),
            shards=[now.shards[i] for i in at],
            offsets=now.offsets[at],
            shapes=tuple(now.shapes[i] for i in at),
            checksums=now.checksums[at],
        )
        if digest_of(chosen) == digest:
            return chosen
    msg = f"{folder} has changed since it was opened: some of its items are gone or computed anew, open it again"
    raise StoreError(msg)


def digest_of(snapshot: Snapshot) -> bytes:
    """Return what tells the items of two snapshots apart."""
    return hashlib.blake2b(repr(snapshot.shapes).encode() + snapshot.checksums.tobytes(), digest_size=16).digest()
