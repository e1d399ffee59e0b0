"""Fewer shards, and one store of many; a kill leaves what was, or what was to be."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audiofeat._validation import as_count
from audiofeat.store.committing import remove_leavings
from audiofeat.store.errors import StoreError, unwritable
from audiofeat.store.ledger import (
    COMPACTED,
    MERGED,
    Membership,
    as_text,
    connect,
    connected_to_read,
    create_tables,
    living,
    transaction,
)
from audiofeat.store.manifest import (
    MANIFEST,
    exists,
    prepare,
    read_manifest,
    record_versions,
    require_ledger,
    start_anew,
    write_manifest,
)
from audiofeat.store.reading import Store, open_store
from audiofeat.store.shards import SHARDS, Array, Packing, checksum
from audiofeat.store.snapshot import take_snapshot
from audiofeat.store.writing import SHARD_BYTES

ROWS = "SELECT path, size, mtime_ns, state, reason, shape, checksum, seconds FROM items ORDER BY id"
INSERT = """
INSERT INTO items (path, size, mtime_ns, state, reason, shape, checksum, seconds, shard, offset)
VALUES (CAST(? AS TEXT), ?, ?, ?, CAST(? AS TEXT), ?, ?, ?, ?, ?)
"""
RANK = {"done": 2, "error": 1, "skipped": 1}  # what a merge keeps of two rows; 0 for those that wait


class Row(NamedTuple):
    """A row of the ledger, as a merge takes it over."""

    path: str
    size: int
    mtime_ns: int
    state: str
    reason: str | None
    shape: str | None
    checksum: str | None
    seconds: float | None


def compact_store(path: str | PathLike[str], *, shard_bytes: int = SHARD_BYTES) -> None:
    """Lay the items of a store back to back, in the order enlisted, in as few shards as their size allows.

    Parameters
    ----------
    path : str or os.PathLike
        The folder. It needs room for the items once more while this lasts.
    shard_bytes : int
        A shard with this many bytes of items is full. With more than all items have, they lie in one, and
        `Store.matrix` views them without a copy.

    Raises
    ------
    StoreError
        If it is no store, a writer is at work on it, an item is damaged, or it cannot be written. The store is then
        as it was.
    ValueError
        If `shard_bytes` is below 1.

    Notes
    -----
    New shards are written beside the old ones; one transaction of the ledger leads to them, and then the old ones are
    removed. What is killed is removed by the next writer. A store that is open for reading follows.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from audiofeat.store import Schema, StoreWriter, compact_store, open_store
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with StoreWriter.open(folder, Schema("function", {}), resume=False, shard_bytes=1) as writer:
    ...         writer.enlist([(f"{i}.wav", 1, 0) for i in range(4)])
    ...         for row, path in writer.claim(4):
    ...             writer.put(row, np.full(2, row, dtype="float32"), seconds=0.0)
    ...     before = open_store(folder).info().n_shards
    ...     compact_store(folder)
    ...     before, open_store(folder).info().n_shards, open_store(folder).matrix(copy=False).shape
    (4, 1, (4, 2))
    """
    folder, shard_bytes = Path(path).absolute(), as_count(shard_bytes, "shard_bytes")
    schema = read_manifest(folder)
    require_ledger(folder)
    with _ledger(folder) as connection:
        with transaction(connection):
            me = Membership(folder, connection, COMPACTED)
        with _packing(folder, connection, me, np.dtype(schema.dtype), shard_bytes) as packing:
            now = take_snapshot(folder)
            store, rows = Store(folder, schema, now), now.ids.tolist()
            told = [digits.tobytes().hex() for digits in now.checksums]
            placed = [
                (*packing.add(_whole(store, path, digits)), row)
                for path, digits, row in zip(store.paths, told, rows, strict=True)
            ]
            packing.finish()
            with transaction(connection):
                me.require(connection)
                connection.executemany("UPDATE items SET shard = ?, offset = ? WHERE id = ?", placed)


def merge_stores(
    paths: Sequence[str | PathLike[str]], output: str | PathLike[str], *, shard_bytes: int = SHARD_BYTES
) -> None:
    """Make one store of several of the same schema.

    Parameters
    ----------
    paths : sequence of str or os.PathLike
        The stores' folders. They are only read.
    output : str or os.PathLike
        The folder of the new store, which must not be there, or be empty.
    shard_bytes : int
        A shard with this many bytes of items is full.

    Raises
    ------
    StoreError
        If the schemas differ, if one file has different items in two stores, if an item is damaged, if a writer is at
        work on one of the stores, if there is something in `output`, or if it cannot be written.
    ValueError
        If `paths` is empty, or `shard_bytes` below 1.

    Notes
    -----
    Files are in the order of the stores, and in each in the order enlisted. One that is in several is taken once: from
    the first that has its item, else from the first that says why there is none, else it waits. The folder is a store
    only when all of it is there.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from audiofeat.store import Schema, StoreWriter, merge_stores, open_store
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("a", "b"):
    ...         with StoreWriter.open(f"{folder}/{name}", Schema("function", {}), resume=False) as writer:
    ...             writer.enlist([(f"{name}.wav", 1, 0)])
    ...             for row, path in writer.claim(1):
    ...                 writer.put(row, np.zeros(2, dtype="float32"), seconds=0.0)
    ...     merge_stores([f"{folder}/a", f"{folder}/b"], f"{folder}/both")
    ...     open_store(f"{folder}/both").paths
    ('a.wav', 'b.wav')
    """
    folder, shard_bytes = Path(output).absolute(), as_count(shard_bytes, "shard_bytes")
    if isinstance(paths, str | PathLike) or not paths:
        msg = f"paths must be a sequence of one path at least, got {paths!r}"
        raise ValueError(msg)
    if (folder / MANIFEST).exists():
        raise exists(folder)
    sources = [Path(path).absolute() for path in paths]
    schema = read_manifest(sources[0])
    for source in sources[1:]:
        difference = schema.difference(read_manifest(source))
        if difference:
            msg = f"{source} has another schema than {sources[0]}: {difference}"
            raise StoreError(msg)
    chosen = _choose(sources)
    stores = [open_store(source) for source in sources]
    try:
        prepare(folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    with _ledger(folder, create=True) as connection:
        with transaction(connection):
            if (folder / MANIFEST).exists():
                raise exists(folder)
            start_anew(folder, connection)
            me = Membership(folder, connection, MERGED)
        with _packing(folder, connection, me, np.dtype(schema.dtype), shard_bytes) as packing:
            remove_leavings(folder, connection)
            rows = [_taken(row, stores[i], packing) for i, row in chosen.values()]
            packing.finish()
            with transaction(connection):
                me.require(connection)
                connection.executemany(INSERT, rows)
                for store in stores:
                    record_versions(connection, store.info().versions)
            write_manifest(folder, schema)  # last: without it, the folder is no store


def _choose(sources: list[Path]) -> dict[str, tuple[int, Row]]:
    """Return, for each path, which source its row is taken from, and the row."""
    chosen: dict[str, tuple[int, Row]] = {}
    for i, source in enumerate(sources):
        for row in _rows(source):
            held = chosen.get(row.path)
            if held is None or RANK.get(row.state, 0) > RANK.get(held[1].state, 0):
                chosen[row.path] = (i, row)
            elif row.state == held[1].state == "done" and (row.checksum, row.shape) != (
                held[1].checksum,
                held[1].shape,
            ):
                msg = f"{row.path} has different items in {sources[held[0]]} and {source}"
                raise StoreError(msg)
    return chosen


def _rows(folder: Path) -> list[Row]:
    """Return all rows of a ledger that nobody writes."""
    require_ledger(folder)
    with connected_to_read(folder) as connection:
        for other in living(connection):
            msg = f"{folder} is being {other.role} by process {other.pid} on {other.host.split()[0]}"
            raise StoreError(msg)
        return list(map(Row._make, connection.execute(ROWS).fetchall()))


def _taken(row: Row, store: Store, packing: Packing) -> tuple[object, ...]:
    """Return the fields of a row in the new ledger, whose item is now in the new shards."""
    reason = None if row.reason is None else as_text(row.reason, "reason")
    told = (as_text(row.path, "path"), row.size, row.mtime_ns)
    if row.state != "done":
        state = row.state if row.state in RANK else "waiting"
        return *told, state, reason, None, None, row.seconds, None, None
    if row.path not in store:
        msg = f"{store.path} has changed while it was read: the item of {row.path} is gone"
        raise StoreError(msg)
    return (
        *told,
        row.state,
        reason,
        row.shape,
        row.checksum,
        row.seconds,
        *packing.add(_whole(store, row.path, row.checksum)),
    )


def _whole(store: Store, path: str, told: str | None) -> Array:
    """Return an item that is what was written."""
    item = store[path]
    if checksum(item) != told:
        msg = f"{store.path} is damaged: the item of {path} has not the checksum in the ledger"
        raise StoreError(msg)
    return item


@contextmanager
def _ledger(folder: Path, *, create: bool = False) -> Iterator[sqlite3.Connection]:
    """Lend the ledger for writing."""
    try:
        with closing(connect(folder, create=create)) as connection:
            create_tables(connection)
            yield connection
    except (OSError, sqlite3.Error) as error:
        raise unwritable(folder, error) from error


@contextmanager
def _packing(
    folder: Path, connection: sqlite3.Connection, me: Membership, dtype: np.dtype[Any], shard_bytes: int
) -> Iterator[Packing]:
    """Lend new shards; in the end, those that no row names are removed: the new ones, or the old."""
    me.start()
    packing = Packing(folder / SHARDS, me.token, dtype, shard_bytes)
    try:
        yield packing
    finally:
        me.stop()
        with suppress(OSError):
            packing.discard()
        with suppress(OSError, sqlite3.Error):  # then whoever comes next does it
            with transaction(connection):
                me.leave(connection)
            remove_leavings(folder, connection)
