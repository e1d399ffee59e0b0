"""Reading a store: items as views of mapped files."""

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import groupby
from operator import index
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiofeat.store.checking import Expected, Problem, check_shard
from audiofeat.store.errors import StoreError
from audiofeat.store.exporting import to_pandas, to_parquet
from audiofeat.store.manifest import read_manifest
from audiofeat.store.schema import Schema
from audiofeat.store.shards import SHARDS, Array, map_shard
from audiofeat.store.snapshot import Failure, Snapshot, digest_of, take_same, take_snapshot

if TYPE_CHECKING:
    import pandas as pd

OPEN_SHARDS = 64  # each holds a file open as long as it is mapped, and a process has some 1000


class StoreInfo(NamedTuple):
    """What `Store.info` tells.

    Attributes
    ----------
    path : str
        The folder.
    schema : Schema
        What the items are.
    counts : dict
        Number of files that are waiting, claimed, done, error and skipped.
    n_shards : int
        Number of shards with items.
    n_bytes : int
        Bytes of the items.
    seconds : float
        Sum of the seconds that the files took.
    versions : list of dict
        Versions of the libraries by which it was written, one dict for each set of them.
    """

    path: str
    schema: Schema
    counts: dict[str, int]
    n_shards: int
    n_bytes: int
    seconds: float
    versions: list[dict[str, str]]


class Store:
    """A store that is open for reading, as it was at that moment. Made by `open_store`.

    Items are in the order enlisted. ``store[i]`` and ``store[path]`` are read-only views of mapped files: nothing is
    read before it is used. A copy that was pickled opens the store itself, and has the same items.

    Parameters
    ----------
    path : pathlib.Path
        The folder, absolute.
    schema : Schema
        What the items are.
    snapshot : Snapshot
        What was done at that moment.

    Attributes
    ----------
    path : pathlib.Path
        The folder, absolute.
    schema : Schema
        What the items are.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from audiofeat.store import Schema, StoreWriter, open_store
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with StoreWriter.open(folder, Schema("function", {}), resume=False) as writer:
    ...         writer.enlist([("a.wav", 1, 0), ("b.wav", 1, 0)])
    ...         for row, path in writer.claim(2):
    ...             writer.put(row, np.full(3, row, dtype="float32"), seconds=0.0)
    ...     store = open_store(folder)
    ...     len(store), store.paths, store.shapes, store["b.wav"]
    (2, ('a.wav', 'b.wav'), ((3,), (3,)), array([2., 2., 2.], dtype=float32))
    """

    def __init__(self, path: Path, schema: Schema, snapshot: Snapshot) -> None:
        self.path, self.schema = path, schema
        self._snapshot = snapshot
        self._dtype = np.dtype(schema.dtype)
        self._mapped: dict[str, Array] = {}
        self._positions: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._snapshot.paths)

    def __repr__(self) -> str:
        return f"<Store {str(self.path)!r}: {len(self)} items of {self._dtype}>"

    def __iter__(self) -> Iterator[Array]:
        return map(self._item, range(len(self)))

    def __contains__(self, path: object) -> bool:
        return path in self._position_of()

    def __getitem__(self, key: int | str) -> Array:
        """Return an item by its number, or its path."""
        if isinstance(key, str):
            return self._item(self._position_of()[key])
        i = index(key)
        if not -len(self) <= i < len(self):
            msg = f"index must be in [{-len(self)}, {len(self)}), got {i}"
            raise IndexError(msg)
        return self._item(i % len(self))

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths of the files whose items are here, as they were enlisted."""
        return self._snapshot.paths

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the items."""
        return self._snapshot.shapes

    @property
    def errors(self) -> tuple[Failure, ...]:
        """Files without an item: path, state, and reason."""
        return self._snapshot.failures

    def matrix(self, *, copy: bool | None = None) -> Array:
        """Return all items as one array, which they must have one shape for.

        Parameters
        ----------
        copy : bool, optional
            None views the mapped file where all items lie back to back in one shard (as `compact_store` lays them),
            and else reads them into memory; either is read-only. False raises where it cannot view. True always
            reads, into an array that may be written.

        Returns
        -------
        ndarray, shape (n_items, ...)
            The items, in the order of `paths`.

        Raises
        ------
        StoreError
            If there are no items, if they differ in shape, or if `copy` is False and they lie apart.
        """
        if not len(self):
            msg = f"{self.path} has no items for a matrix"
            raise StoreError(msg)
        shape = self.shapes[0]
        if len(set(self.shapes)) > 1:
            other = next(i for i, found in enumerate(self.shapes) if found != shape)
            msg = (
                f"{self.path} has items of different shapes, and no matrix: "
                f"{self.paths[0]} has {shape}, {self.paths[other]} has {self.shapes[other]}"
            )
            raise StoreError(msg)
        self._catch_up()
        now, size = self._snapshot, size_of(shape)
        start = int(now.offsets[0])
        n_shards = len(set(now.shards))
        if not copy and n_shards == 1 and np.array_equal(now.offsets, start + size * np.arange(len(self))):
            return self._view(0, size * len(self)).reshape(len(self), *shape)
        if copy is not None and not copy:
            msg = (
                f"{self.path} has its items in {n_shards} shards, or in another order: read them with copy=None, or "
                f"see compact_store, with shard_bytes={len(self) * size * self._dtype.itemsize} at least"
            )
            raise StoreError(msg)
        whole = np.empty((len(self), *shape), self._dtype)
        for i, item in enumerate(self):
            whole[i] = item
        whole.flags.writeable = copy is not None
        return whole

    def to_pandas(self) -> "pd.DataFrame":
        """Return the items as a data frame of pandas.

        Returns
        -------
        pandas.DataFrame
            A row for each row of each item, which follow each other; ``path``, then the store's columns. A byte of a
            path that is not UTF-8 is written as ``\\x`` and two digits.

        Raises
        ------
        StoreError
            If the store has no columns.
        ModuleNotFoundError
            Without pandas.
        """
        return to_pandas(self)

    def to_parquet(self, path: str | PathLike[str]) -> None:
        """Write the items to a file of Parquet, with the rows and columns of `to_pandas`.

        Parameters
        ----------
        path : str or os.PathLike
            The file. One that is there is replaced, when the new one is whole. It is written in groups of rows, and
            never held as a whole. Its metadata have the schema, as ``audiofeat``.

        Raises
        ------
        StoreError
            If the store has no columns.
        ModuleNotFoundError
            Without pyarrow.
        """
        to_parquet(self, path)

    def verify(self, progress: Callable[[int, int], object] | None = None) -> list[Problem]:
        """Read all items again, and compare their checksums with the ledger's.

        Parameters
        ----------
        progress : callable, optional
            Called after each shard with the number of items read, and of all.

        Returns
        -------
        list of Problem
            Path, shard and reason, for every item that is damaged or missing. `StoreWriter.redo` takes the paths, and
            has them computed again.
        """
        self._catch_up()
        now, problems, n_read = self._snapshot, list[Problem](), 0
        order = sorted(range(len(self)), key=lambda i: (now.shards[i], now.offsets[i]))
        for name, group in groupby(order, key=now.shards.__getitem__):
            items = [
                Expected(now.paths[i], int(now.offsets[i]), size_of(now.shapes[i]), now.checksums[i]) for i in group
            ]
            problems += check_shard(self.path / SHARDS / f"{name}.npy", self._dtype, items)
            n_read += len(items)
            if progress is not None:
                progress(n_read, len(self))
        return problems

    def info(self) -> StoreInfo:
        """Return counts, sizes, schema and versions, of the moment when the store was opened.

        Returns
        -------
        StoreInfo
            What `audiofeat store info` shows.
        """
        now = self._snapshot
        n_bytes = sum(map(size_of, now.shapes)) * self._dtype.itemsize
        shards = len(set(now.shards))
        return StoreInfo(str(self.path), self.schema, dict(now.counts), shards, n_bytes, now.seconds, now.versions)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the path, and which rows: a writer may have added others when it is opened again."""
        ids = self._snapshot.ids
        ends = np.flatnonzero(np.diff(ids) != 1)
        starts, stops = ids[np.append(0, ends + 1)[: len(ids)]], ids[np.append(ends, len(ids) - 1)[: len(ids)]] + 1
        return _reopen, (str(self.path), starts, stops, digest_of(self._snapshot))

    def _position_of(self) -> dict[str, int]:
        if len(self._positions) < len(self):
            self._positions = {path: i for i, path in enumerate(self.paths)}
        return self._positions

    def _item(self, i: int) -> Array:
        shape = self._snapshot.shapes[i]
        return self._view(i, size_of(shape)).reshape(shape)

    def _view(self, i: int, size: int) -> Array:
        """Return elements from where item `i` begins."""
        if size == 0:
            return frozen(np.empty(0, self._dtype))
        try:
            elements = self._elements(self._snapshot.shards[i])
        except FileNotFoundError:
            self._follow()  # compacted since it was opened
            try:
                elements = self._elements(self._snapshot.shards[i])
            except FileNotFoundError as error:
                msg = f"shard {error.filename} is missing, with the item of {self.paths[i]}"
                raise StoreError(msg) from error
        start = int(self._snapshot.offsets[i])
        if start + size > len(elements):
            msg = f"shard {self._snapshot.shards[i]} of {self.path} is too short for the item of {self.paths[i]}"
            raise StoreError(msg)
        return elements[start : start + size]

    def _elements(self, name: str) -> Array:
        elements = self._mapped.get(name)
        if elements is None:
            elements = map_shard(self.path / SHARDS / f"{name}.npy", self._dtype).view(np.ndarray)
            while len(self._mapped) >= OPEN_SHARDS:
                self._mapped.pop(next(iter(self._mapped)), None)
            self._mapped[name] = elements
        return elements

    def _catch_up(self) -> None:
        """Look where the items are if shards have gone, as after `compact_store`."""
        shards = self.path / SHARDS
        if not all((shards / f"{name}.npy").exists() for name in set(self._snapshot.shards)):
            with suppress(StoreError):  # then some are lost, which whoever reads them will be told
                self._follow()

    def _follow(self) -> None:
        """Look again where the items are."""
        self._snapshot = take_same(self.path, self._snapshot.ids, digest_of(self._snapshot))
        self._mapped = {}


def size_of(shape: tuple[int, ...]) -> int:
    """Return the number of elements."""
    return math.prod(shape)


def frozen(array: Array) -> Array:
    """Return an array that can be read only."""
    array.flags.writeable = False
    return array


def open_store(path: str | PathLike[str]) -> Store:
    """Open a feature store for reading.

    Parameters
    ----------
    path : str or os.PathLike
        The folder.

    Returns
    -------
    Store
        What is done at this moment. A writer at work does not change it, and neither does `compact_store`.

    Raises
    ------
    StoreError
        If the folder is no store, or one of another format, or it cannot be read.

    Notes
    -----
    The ledger is read once and closed. It is SQLite's with a write-ahead log, which fails on network file
    systems while several machines use it; a store that nobody writes can be read from one, also without the right to
    write.

    Examples
    --------
    >>> import tempfile
    >>> from audiofeat.store import Schema, StoreWriter, open_store
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with StoreWriter.open(folder, Schema("function", {"name": "pitch"}), resume=True) as writer:
    ...         writer.enlist([("a.wav", 44, 0)])
    ...         [(row, path)] = writer.claim(10)
    ...         writer.fail(row, "a.wav: no samples", state="error", seconds=0.1)
    ...     store = open_store(folder)
    ...     len(store), store.errors
    (0, (Failure(path='a.wav', state='error', reason='a.wav: no samples'),))
    """
    folder = Path(path).absolute()
    return Store(folder, read_manifest(folder), take_snapshot(folder))


def _reopen(path: str, starts: Array, stops: Array, digest: bytes) -> Store:
    folder = Path(path)
    runs = [np.arange(start, stop) for start, stop in zip(starts, stops, strict=True)]
    ids = np.concatenate([np.empty(0, np.int64), *runs])
    return Store(folder, read_manifest(folder), take_same(folder, ids, digest))
