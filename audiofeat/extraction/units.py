"""The work of one file, which any process can do."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, NamedTuple

import numpy as np

from audiofeat._validation import Float
from audiofeat.extraction.cutting import Excerpts, cut
from audiofeat.extraction.features import Array, Features
from audiofeat.extraction.limits import Limits, NotWanted
from audiofeat.extraction.passing import Passed
from audiofeat.io import AudioError, load, stream

LONG = 600.0  # seconds; a longer file is never whole in memory
BLOCK = 1 << 18

THREADS = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMBA", "NUMEXPR", "VECLIB_MAXIMUM")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in THREADS[:-1]} | {"VECLIB_MAXIMUM_THREADS": "1"}
# glibc gives arrays of megabytes back to the system at once, and takes them anew for the next file: a third of the
# time that an uncompressed file takes. So it may keep 256 MB.
KEPT = {"MALLOC_MMAP_THRESHOLD_": str(1 << 25), "MALLOC_TRIM_THRESHOLD_": str(1 << 28)}

Task = tuple[int, str]  # number of the row, path
State = Literal["done", "error", "skipped"]


class Outcome(NamedTuple):
    """What came of a file: an array, or a reason why there is none."""

    row: int
    path: str
    state: State
    array: Array | Passed | None
    reason: str
    seconds: float
    audio_seconds: float

    @classmethod
    def failed(cls, task: Task, reason: str, *, state: State = "error", seconds: float = 0.0) -> "Outcome":
        """Return the outcome of a file without an array. The reason is one line of valid text."""
        line = " ".join(reason.replace("\0", "\\0").split()) or "unknown"
        return cls(*task, state, None, line.encode(errors="backslashreplace").decode(), seconds, 0.0)


@dataclass(frozen=True)
class Work:
    """What is done with every file."""

    features: Features
    excerpts: Excerpts | None
    short: str
    dtype: str
    limits: Limits

    def __call__(self, task: Task) -> Outcome:
        """Do it with one file. Whatever is wrong with the file, or with a function of the user's, is the outcome."""
        started = time.perf_counter()
        row, path = task
        try:
            array, audio_seconds = self._read(path)
            array = _as_dtype(array, np.dtype(self.dtype))
        except NotWanted as error:
            return Outcome.failed(task, str(error), state="skipped", seconds=time.perf_counter() - started)
        except AudioError as error:
            reason = error.reason if error.path == path else str(error)
            return Outcome.failed(task, reason, seconds=time.perf_counter() - started)
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}"
            return Outcome.failed(task, reason, seconds=time.perf_counter() - started)
        return Outcome(row, path, "done", array, "", time.perf_counter() - started, audio_seconds)

    def _read(self, path: str) -> tuple[Array, float]:
        """Return the features of a file, and the seconds of audio that they are of."""
        self.limits.check(path)
        try:
            if self.excerpts is not None:
                y, sr = cut(path, self.excerpts, self.features.sr, self.short, self.limits)
                return self.features(y, sr), y.size / sr
            if self.features.kind == "segments":
                return self._segments(path)
            if self.features.kind == "frontend":
                return self._bands(path)
            y, sr = load(path, sr=self.features.sr, **self.limits.options)
            return self.features(y, sr), len(y) / sr
        except AudioError as error:
            self.limits.judge(error)
            raise

    def _bands(self, path: str) -> tuple[Array, float]:
        """Return the features of a front end, to the same bits whether the file is long or not."""
        front_end = self.features.of
        heard = [0]

        def counted(blocks: Iterator[Float]) -> Iterator[Float]:
            for block in blocks:
                heard[0] += len(block)
                yield block

        first_block = round(LONG * front_end.sr)
        blocks = counted(stream(path, block=first_block, sr=front_end.sr, **self.limits.options))
        first = next(blocks)
        if len(first) < first_block:
            return front_end(first), len(first) / front_end.sr
        dtype = np.dtype(self.dtype)
        if front_end.ref == "max" or front_end.top_db is not None:  # a file is then read twice, by its path
            for _ in blocks:  # and may be too long
                pass
            parts = front_end.stream(path)
        else:
            parts = front_end.stream(chain([first], blocks))
        del first
        joined = np.concatenate([_as_dtype(part, dtype) for part in parts], axis=-1)
        return joined, heard[0] / front_end.sr

    def _segments(self, path: str) -> tuple[Array, float]:
        heard = [0.0]

        def progress(done: float, _: float | None) -> None:
            heard[0] = done
            if done > self.limits.seconds:
                raise AudioError(path, "longer than max_duration")

        return self.features.of(path, progress), heard[0]


def _as_dtype(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return an array in the store's dtype, or refuse it if it does not fit."""
    if array.dtype == dtype:
        return array
    if not np.can_cast(array.dtype, dtype, "same_kind"):
        msg = f"features of dtype {array.dtype} cannot be kept as {dtype}"
        raise TypeError(msg)
    with np.errstate(over="ignore", under="ignore"):
        cast = array.astype(dtype)
    if dtype.kind in "fc" and not np.isfinite(cast).all() and np.isfinite(array).all():
        msg = f"features up to {np.abs(array).max():g} do not fit into {dtype}"
        raise ValueError(msg)
    return cast


def one_thread() -> None:
    """Have the libraries of linear algebra, in a process that others have started, use a single thread."""
    from threadpoolctl import threadpool_limits

    os.environ.update(ONE_THREAD)
    threadpool_limits(1)
