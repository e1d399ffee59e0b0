"""Shards: one-dimensional ``.npy`` files in which items lie back to back."""

import io
import os
import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from audiofeat.store.errors import StoreError

SHARDS = "shards"
OURS = re.compile(r"([0-9a-f]{16})-[0-9]{6}\.(?:npy|tmp)")  # the writer's token, and a number
QUARTERS = 4
Array = NDArray[Any]


def header_of(dtype: np.dtype[Any], n_elements: int) -> bytes:
    """Return the header of a shard: as long for any number of elements, for it is written before they are known."""
    told = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (n_elements,)}
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, told)
    return buffer.getvalue()


def octets(array: Array) -> NDArray[np.uint8]:
    """Return the bytes of an array in C order, of any dtype and shape."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def checksum(array: Array) -> str:
    """Return 32 hexadecimal digits that tell the bytes of items apart: the CRC-32 of each quarter.

    They tell damage, not forgery: a cryptographic hash would tell no more of that, in five times as long. A quarter
    never has the same if all that changed in it lies within 32 bits, and else by a chance of 1 in 2**32; another item
    differs in all quarters.
    """
    data = octets(array).data
    cuts = [len(data) * i // QUARTERS for i in range(QUARTERS + 1)]
    return "".join(f"{crc32(data[start:stop]):08x}" for start, stop in pairwise(cuts))


class GrowingShard:
    """A shard under a temporary name, until it is whole."""

    def __init__(self, folder: Path, name: str, dtype: np.dtype[Any]) -> None:
        self.name, self.dtype = name, dtype
        self.path = folder / f"{name}.npy"
        self.temporary = folder / f"{name}.tmp"
        self._start = len(header_of(dtype, 0))
        self._file = io.FileIO(self.temporary, "xb")  # unbuffered: an interrupt leaves no hidden rest

    def write(self, array: Array, offset: int) -> None:
        """Write an item from element `offset` on. What a write that failed left there is written over."""
        self._write_at(self._start + offset * self.dtype.itemsize, octets(array).data)

    def finish(self, n_elements: int) -> None:
        """Give the shard its name, with its first elements, on the disk. An interrupted call is repeated in full."""
        if not self._file.closed:
            header = header_of(self.dtype, n_elements)
            self._file.truncate(self._start + n_elements * self.dtype.itemsize)
            self._write_at(0, header)
            os.fsync(self._file.fileno())
            self._file.close()
        if self.temporary.exists():
            self.temporary.replace(self.path)
        sync_folder(self.path.parent)

    def discard(self) -> None:
        """Remove what has been written."""
        self._file.close()
        self.temporary.unlink(missing_ok=True)

    def _write_at(self, position: int, data: "memoryview | bytes") -> None:
        self._file.seek(position)
        rest = memoryview(data)
        while len(rest):
            rest = rest[self._file.write(rest) :]


class Packing:
    """Items in the order given, in as few shards as their size allows."""

    def __init__(self, folder: Path, token: str, dtype: np.dtype[Any], shard_bytes: int) -> None:
        self._folder, self._token, self._dtype, self._shard_bytes = folder, token, dtype, shard_bytes
        self._shard: GrowingShard | None = None
        self._n_shards, self._end = 0, 0

    def add(self, array: Array) -> tuple[str, int]:
        """Append an item, and return its shard and offset."""
        if self._shard is None:
            self._n_shards, self._end = self._n_shards + 1, 0
            self._shard = GrowingShard(self._folder, f"{self._token}-{self._n_shards:06d}", self._dtype)
        name, offset = self._shard.name, self._end
        self._shard.write(array, offset)
        self._end += array.size
        if self._end * self._dtype.itemsize >= self._shard_bytes:
            self.finish()
        return name, offset

    def finish(self) -> None:
        """See the last shard on the disk."""
        if self._shard is not None:
            self._shard.finish(self._end)
            self._shard = None

    def discard(self) -> None:
        """Let go of a shard that is not whole, and remove it."""
        if self._shard is not None:
            self._shard.discard()


def sync_folder(folder: Path) -> None:
    """Have the names in a folder outlive a crash of the machine, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def map_shard(path: Path, dtype: np.dtype[Any]) -> Array:
    """Return the elements of a shard, mapped and not read."""
    try:
        elements: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        msg = f"shard {path} cannot be read: {error}"
        raise StoreError(msg) from error
    if elements.ndim != 1 or elements.dtype != dtype:
        msg = f"shard {path} must hold one axis of {dtype}, got {elements.ndim} of {elements.dtype}"
        raise StoreError(msg)
    return elements
