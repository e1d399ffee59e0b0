"""Engines: the work of one file done here, or in processes of this machine."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from selectors import EVENT_READ, DefaultSelector

from audiofeat.extraction.processes import Process, pickled
from audiofeat.extraction.units import Outcome, Task, Work

IN_FLIGHT = 3  # files that a process has been given: one that it works on, others so that it need not wait
STILLBORN = 3  # processes that end before they begin, and no more are started
LOOK = 1.0  # seconds between two looks for processes that have ended and whose sockets are still open


class EngineError(RuntimeError):
    """Processes that cannot be started, or a scheduler that cannot be used."""


def serial(work: Work, tasks: Iterator[Task]) -> Iterator[Outcome]:
    """Yield what comes of the tasks, one by one, in this process."""
    yield from map(work, tasks)


def processes(work: Work, tasks: Iterator[Task], n_jobs: int, timeout: float | None) -> Iterator[Outcome]:
    """Yield what comes of the tasks, as it comes, from processes. None of them outlives the iterator.

    Each process does its files in order. So of one that ends on the way the first file that is left over is the
    culprit, and the others are given out again. The culprit is tried once more when all else is done, alone, because a
    system that is short of memory may have killed the wrong one.
    """
    crew = _Crew(work, timeout)
    try:
        yield from crew.run(tasks, n_jobs, IN_FLIGHT)
        crew.dismiss()
        suspects, crew.suspects = crew.suspects, None
        yield from crew.run(iter(suspects or ()), 1, 1)
    finally:
        crew.dismiss()
        crew.close()


class _Crew:
    """The processes, and what happens to those that end before their work does."""

    def __init__(self, work: Work, timeout: float | None) -> None:
        self._work, self._timeout = pickled(work), timeout
        self._selector = DefaultSelector()
        self._processes: list[Process] = []
        self._returned: deque[Task] = deque()
        self._n_stillborn = 0  # processes, one after the other
        self.suspects: list[Task] | None = []  # None when they have had their second trial

    def run(self, tasks: Iterator[Task], n_jobs: int, n_each: int) -> Iterator[Outcome]:
        """Yield what comes of all tasks but the suspects."""
        while True:
            self._give_out(lambda: self._returned.popleft() if self._returned else next(tasks, None), n_jobs, n_each)
            if not any(process.given for process in self._processes):
                return
            for process in self._wait():
                yield from process.finished()
                self._judge_start(process)
                if process.is_broken:
                    yield from self._bury(process)

    def dismiss(self) -> None:
        """End all processes."""
        for process in self._processes:
            process.kill()
        while self._processes:
            self._remove(self._processes[-1])

    def close(self) -> None:
        """Let go of the selector."""
        self._selector.close()

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
                least = self._start(n_each)
            least.give(task)

    def _start(self, n_each: int) -> Process:
        try:
            process = Process(self._work, n_each)
        except OSError as error:
            msg = f"a process could not be started: {error}"
            raise EngineError(msg) from error
        self._processes.append(process)
        self._selector.register(process, EVENT_READ, process)
        return process

    def _remove(self, process: Process) -> None:
        if process.fileno() in self._selector.get_map():
            self._selector.unregister(process)
        process.dismiss()
        self._processes.remove(process)

    def _judge_start(self, process: Process) -> None:
        """Refuse to go on if processes cannot begin: one of them may have been killed, by a system short of memory."""
        if process.is_ready:
            self._n_stillborn = 0
            return
        if process.is_broken:
            self._n_stillborn += 1
        if process.failure or self._n_stillborn == STILLBORN:
            msg = f"a process could not be started: {process.failure or process.end()}"
            raise EngineError(msg)

    def _wait(self) -> list[Process]:
        """Wait until something came of a file, or a process has ended, and end those that take too long."""
        deadlines: list[tuple[float, Process]] = []
        if self._timeout is not None:
            found = [(process.deadline(self._timeout), process) for process in self._processes]
            deadlines = [(at, process) for at, process in found if at is not None]
        left = min((at - time.monotonic() for at, _ in deadlines), default=LOOK)
        ready = [key.data for key, _ in self._selector.select(min(max(left, 0.0), LOOK))]
        for at, process in deadlines:
            if process not in ready and at <= time.monotonic():
                process.end_late()
        return ready or [process for process in self._processes if process.has_ended()]

    def _bury(self, process: Process) -> Iterator[Outcome]:
        """Judge who was at work when a process ended, and take back the others."""
        culprit, how = process.culprit() if process.is_ready else None, process.end()
        self._returned.extend(task for task in process.given if task != culprit)
        self._remove(process)
        if culprit is None:
            return
        if process.late == culprit:
            seconds = self._timeout or 0.0
            yield Outcome.failed(culprit, f"timeout: not done after {seconds:g} s", seconds=seconds)
        elif self.suspects is None:
            yield Outcome.failed(culprit, f"its process ended on the way, twice ({how})")
        else:
            self.suspects.append(culprit)
