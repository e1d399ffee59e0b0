"""Engines: the work of one file done here, or in processes of this machine."""

import os
import re
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any

from audiofeat.extraction.passing import Inbox, Passed
from audiofeat.extraction.units import KEPT, ONE_THREAD, Outcome, Task, Work, begin, do

IN_FLIGHT = 3  # files that a process has been given: one that it works on, others so that it need not wait

EXIT_CODES = re.compile(r"exit codes of the workers are \{(.*?)\}")


class EngineError(RuntimeError):
    """Processes that cannot be started, or a scheduler that cannot be used."""


def serial(work: Work, tasks: Iterator[Task]) -> Iterator[Outcome]:
    """Yield what comes of the tasks, one by one, in this process."""
    yield from map(work, tasks)


def processes(work: Work, tasks: Iterator[Task], n_jobs: int, timeout: float | None) -> Iterator[Outcome]:
    """Yield what comes of the tasks, as it comes, from processes by loky. None of them outlives the iterator.

    Each process is a pool of its own, which does its files in order. So a crash breaks the pool of one: the first file
    that is left over is the culprit, and the others are given out again. The culprit is tried once more when all else
    is done, alone, because a system that is short of memory may have killed the wrong one.
    """
    crew = _Crew(work, timeout)
    try:
        yield from crew.run(tasks, n_jobs, IN_FLIGHT)
        crew.dismiss()
        suspects, crew.suspects = crew.suspects, None
        yield from crew.run(iter(suspects or ()), 1, 1)
    finally:
        crew.dismiss()


class _Process:
    """A pool of one process, and the files that it has been given."""

    def __init__(self, work: Work, events: "SimpleQueue[_Process]") -> None:
        from joblib.externals.loky import ProcessPoolExecutor

        self._events = events
        self.given: dict[Task, Future[Outcome] | None] = {}  # in order; None as long as the process has not begun
        self.began = 0.0  # when the first of them did, seen from here
        self.late: Task | None = None
        self.broken: BaseException | None = None
        self._pid: int | None = None
        self._pool, self._inbox = ProcessPoolExecutor(1, env=ONE_THREAD | KEPT), Inbox()
        with _without_interrupts():
            self._start = self._pool.submit(begin, work, os.getpid(), self._inbox.path, IN_FLIGHT)
        self._tell(self._start)

    def _tell(self, future: "Future[Any]") -> None:
        future.add_done_callback(lambda _: self._events.put(self))

    def give(self, task: Task) -> None:
        """Add a file to the others."""
        if not self.given:
            self.began = time.monotonic()
        self.given[task] = None
        if self._pid is not None:
            self._submit(task)

    def _submit(self, task: Task) -> None:
        try:
            future = self._pool.submit(do, task)
        except BrokenExecutor as error:  # it had nothing to do when it ended
            self.broken = error
            self._events.put(self)
            return
        self.given[task] = future
        self._tell(future)

    def finished(self) -> Iterator[Outcome]:
        """Yield what has come of the files, in order."""
        if self._pid is None:
            if not self._start.done():
                return
            try:
                self._pid, self.began = self._start.result(), time.monotonic()
            except Exception as error:
                msg = f"a process could not be started: {type(error).__name__}: {error}"
                raise EngineError(msg) from error
            for task in self.given:
                self._submit(task)
        for task, future in list(self.given.items()):
            if future is None or not future.done():
                return
            failure = future.exception()
            if isinstance(failure, BrokenExecutor):
                self.broken = failure
                return
            del self.given[task]
            self.began = time.monotonic()
            if failure is not None:
                yield Outcome.failed(task, f"{type(failure).__name__}: {failure}")
                continue
            outcome = future.result()
            array = outcome.array
            yield outcome._replace(array=self._inbox.take(array)) if isinstance(array, Passed) else outcome

    def deadline(self, timeout: float) -> float | None:
        """Return when the file at work will have had the time it may take."""
        return self.began + timeout if self._pid is not None and self.given and self.late is None else None

    def end_late(self) -> None:
        """Kill the process for its file. No lock, no GIL, no signal handler keeps it."""
        self.late = next(iter(self.given))
        self._kill()

    def culprit(self) -> Task | None:
        """Return the file that was at work when the process ended, if there was one."""
        return next((task for task, future in self.given.items() if future is not None), None)

    def exit_code(self) -> str:
        """Return how the process ended, in loky's words."""
        code = EXIT_CODES.search(str(self.broken))
        return f" ({code[1]})" if code else ""

    def dismiss(self) -> None:
        """End the process: it has nothing that would have to be saved."""
        self._kill()
        # where files are left, loky's own kill_workers may stumble over those that it has not yet passed on
        self._pool.shutdown(wait=True, kill_workers=self._pid is None)
        self._inbox.close()

    def _kill(self) -> None:
        if self._pid is not None and self.broken is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, getattr(signal, "SIGKILL", signal.SIGTERM))


class _Crew:
    """The processes, and what happens to those that end before their work does."""

    def __init__(self, work: Work, timeout: float | None) -> None:
        self._work, self._timeout = work, timeout
        self._events: SimpleQueue[_Process] = SimpleQueue()
        self._processes: list[_Process] = []
        self._returned: deque[Task] = deque()
        self.suspects: list[Task] | None = []  # None when they have had their second trial

    def run(self, tasks: Iterator[Task], n_jobs: int, n_each: int) -> Iterator[Outcome]:
        """Yield what comes of all tasks but the suspects."""
        while True:
            self._give_out(lambda: self._returned.popleft() if self._returned else next(tasks, None), n_jobs, n_each)
            if not any(process.given for process in self._processes):
                return
            process = self._next_event()
            if process not in self._processes:  # None, or one that has been buried
                continue
            yield from process.finished()
            if process.broken:
                yield from self._bury(process)

    def dismiss(self) -> None:
        """End all processes."""
        while self._processes:
            self._processes[-1].dismiss()
            self._processes.pop()

    def _give_out(self, following: Callable[[], Task | None], n_jobs: int, n_each: int) -> None:
        """Give each process its files, the next to the one that has fewest; a new one if all have some."""
        while True:
            least = min(self._processes, key=lambda process: len(process.given), default=None)
            grow = len(self._processes) < n_jobs and (least is None or bool(least.given))
            if not grow and least is not None and len(least.given) >= n_each:
                return
            task = following()
            if task is None:
                return
            if grow or least is None:
                least = _Process(self._work, self._events)
                self._processes.append(least)
            least.give(task)

    def _next_event(self) -> _Process | None:
        """Wait until something came of a file, or one has taken too long."""
        if self._timeout is None:
            return self._events.get()
        deadlines = [(process.deadline(self._timeout), process) for process in self._processes]
        first = min((at for at, _ in deadlines if at is not None), default=None)
        with suppress(Empty):
            return self._events.get(timeout=None if first is None else max(first - time.monotonic(), 0.0))
        for at, process in deadlines:
            if at is not None and at <= time.monotonic():
                process.end_late()
        return None

    def _bury(self, process: _Process) -> Iterator[Outcome]:
        """Judge who was at work when a process ended, and take back the others."""
        culprit = process.culprit()
        self._returned.extend(task for task in process.given if task != culprit)
        process.dismiss()
        self._processes.remove(process)
        if culprit is None:
            return
        if process.late == culprit:
            seconds = self._timeout or 0.0
            yield Outcome.failed(culprit, f"timeout: not done after {seconds:g} s", seconds=seconds)
        elif self.suspects is None:
            yield Outcome.failed(culprit, f"its process ended on the way, twice{process.exit_code()}")
        else:
            self.suspects.append(culprit)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back while processes start, who inherit that: until they ignore it, it would be theirs to report."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # which lets interrupts through when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
