"""Arrays on their way from a process to its parent: through memory that both have open, where there is such."""

import os
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from audiofeat.extraction.features import Array

LEAST = 1 << 16  # bytes; a pipe is as quick with less
MOST = 1 << 25  # bytes of a place, so that what it once held is no burden


class Passed(NamedTuple):
    """Where an array lies."""

    offset: int
    shape: tuple[int, ...]
    dtype: str


class Inbox:
    """The parent's side of the memory: a file that has no name, and ends with those who have it open.

    Through a socket an array of a megabyte goes in pieces, for each of which both processes wake.
    """

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self.path = ""
        if hasattr(os, "memfd_create"):
            with suppress(OSError):  # a kernel that has none
                self._descriptor = os.memfd_create("audiofeat")
                self.path = f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def take(self, passed: Passed) -> Array:
        """Return a copy of an array: its place is used again."""
        array = np.empty(passed.shape, passed.dtype)
        octets: Any = array.reshape(-1).view(np.uint8)
        descriptor = -1 if self._descriptor is None else self._descriptor
        n_read = os.preadv(descriptor, [octets], passed.offset)
        if n_read != array.nbytes:
            msg = f"{n_read} bytes of {array.nbytes} have been passed"
            raise OSError(msg)
        return array

    def close(self) -> None:
        """Let go of the memory."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Outbox:
    """The other side, with as many places as there are arrays on the way at most."""

    def __init__(self, path: str, n_places: int) -> None:
        self._descriptor: int | None = None
        self._n_places, self._n_arrays = n_places, 0
        with suppress(OSError):  # there is none, or a system that does not show its processes
            self._descriptor = os.open(path, os.O_RDWR)

    def pass_on(self, array: Array | None) -> Array | Passed | None:
        """Return what is to be sent: where the array lies now, or else itself."""
        if self._descriptor is None or array is None or not LEAST <= array.nbytes <= MOST:
            return array
        offset = self._n_arrays % self._n_places * MOST
        try:
            n_written = os.pwrite(self._descriptor, np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, offset)
        except OSError:  # no memory is left for it
            return array
        if n_written < array.nbytes:
            return array
        self._n_arrays += 1
        return Passed(offset, array.shape, array.dtype.str)
