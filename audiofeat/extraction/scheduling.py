"""The engine for many machines: the same work of one file, given to a scheduler of dask."""

import faulthandler
import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from audiofeat._validation import as_count
from audiofeat.extraction.engines import EngineError
from audiofeat.extraction.units import Outcome, Task, Work, one_thread

PER_THREAD = 3  # files that each thread of the cluster has been given
LOOK = 10.0  # seconds between two looks at how many threads there are

_PREPARED: list[TextIO] = []  # of this process: where tracebacks go


def as_scheduler(scheduler: str) -> int | None:
    """Return the number of processes of ``"local:N"``, or None for the address of a scheduler."""
    if scheduler.startswith("local:"):
        number = scheduler.removeprefix("local:")
        if number.isdecimal():
            return as_count(int(number), "scheduler")
    elif "://" in scheduler:
        return None
    msg = f"scheduler must be an address like tcp://host:8786, or local:N for N processes, got {scheduler!r}"
    raise ValueError(msg)


def scheduled(work: Work, tasks: Iterator[Task], scheduler: str, timeout: float | None) -> Iterator[Outcome]:
    """Yield what comes of the tasks, as it comes, from the workers of a scheduler.

    A worker that dies takes with it the files that it had been given, of which dask cannot tell the culprit: they are
    tried again when all else is done, one by one, and who is alone with a worker that dies is the one.
    """
    try:
        import distributed
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        msg = "a scheduler needs the extra 'cluster': pip install audiofeat[cluster]"
        raise ImportError(msg, name="distributed") from error

    dask: Any = distributed
    with ExitStack() as stack:
        n_processes = as_scheduler(scheduler)
        address: Any = scheduler if n_processes is None else stack.enter_context(_local(n_processes))
        try:
            client = stack.enter_context(dask.Client(address, set_as_default=False))
        except (OSError, ValueError) as error:
            msg = f"scheduler {scheduler!r} cannot be reached: {error}"
            raise EngineError(msg) from error
        if timeout is not None and any(n > 1 for n in client.nthreads().values()):
            msg = f"timeout must be None for workers with several threads, as it ends their process, got {timeout:g}"
            raise ValueError(msg)

        def submit(task: Task) -> Any:
            return client.submit(_do, work, task, timeout, pure=False)  # a second trial has a key of its own

        suspects: list[Task] = []
        given: dict[Any, Task] = {}
        completed = dask.as_completed(loop=client.loop)
        wanted, looked = 0, -LOOK
        while True:
            if time.monotonic() > looked + LOOK:
                wanted, looked = PER_THREAD * max(1, sum(client.nthreads().values())), time.monotonic()
            while len(given) < wanted and (task := next(tasks, None)) is not None:
                future = submit(task)
                given[future] = task
                completed.add(future)
            if not given:
                break
            future = next(completed)
            task = given.pop(future)
            outcome = _outcome(task, future, KilledWorker)
            del future  # or the scheduler would keep the result
            if outcome is None:
                suspects.append(task)
            else:
                yield outcome
        for task in suspects:
            client.wait_for_workers(1)  # and none that begins: its start would be counted as the file's time
            client.run(_prepare, work, on_error="ignore")
            started = time.monotonic()
            outcome = _outcome(task, submit(task), KilledWorker)
            seconds = time.monotonic() - started
            if outcome is None and timeout is not None and seconds >= timeout:
                outcome = Outcome.failed(task, f"timeout: not done after {timeout:g} s", seconds=timeout)
            yield outcome or Outcome.failed(task, "its worker died on the way, twice", seconds=seconds)


def _local(n_processes: int) -> Any:
    """Return a cluster of processes on this machine."""
    import dask
    import distributed

    # a file that kills its worker need not kill more of them before it is a suspect
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        cluster: Any = distributed.LocalCluster
        return cluster(
            n_workers=n_processes, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
        )


def _outcome(task: Task, future: Any, killed: type[BaseException]) -> Outcome | None:
    """Return what came of a file, None if its worker died."""
    try:
        outcome: Outcome = future.result()
    except killed:
        return None
    except MemoryError as error:
        return Outcome.failed(task, f"MemoryError: {error}")
    except Exception as error:  # no file does that: another library there than here, or no scheduler any more
        msg = f"a worker of the scheduler failed: {type(error).__name__}: {error}"
        raise EngineError(msg) from error
    return outcome


def _prepare(work: Work) -> None:
    """Do once in a worker of dask what no file's time should be."""
    if not _PREPARED:
        one_thread()
        work.features.warm()
        _PREPARED.append(Path(os.devnull).open("w"))  # noqa: SIM115 - as long as the process lives


def _do(work: Work, task: Task, timeout: float | None) -> Outcome:
    """Do the work of one file in a worker of dask, which ends if it takes too long, and is started again."""
    _prepare(work)
    if timeout is None:
        return work(task)
    faulthandler.dump_traceback_later(timeout, exit=True, file=_PREPARED[0])
    try:
        return work(task)
    finally:
        faulthandler.cancel_dump_traceback_later()
