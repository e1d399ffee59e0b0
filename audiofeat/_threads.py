"""Work shared out among threads."""

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from audiofeat._validation import as_count

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")


def as_workers(workers: object) -> int:
    """Return a number of threads: `workers`, or as many as the process may use cores for -1."""
    if workers == 1 and type(workers) is int:
        return 1
    count = as_count(workers, "workers", low=-1)
    if count == 0:
        msg = "workers must be >= 1, or -1 for all cores, got 0"
        raise ValueError(msg)
    if count > 0:
        return count
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_out(tasks: Iterable[T], job: Callable[[T, S], None], make: Callable[[], S], n_threads: int) -> None:
    """Do all tasks. A thread, with what it has made for itself, takes the next that is left.

    So a slow core holds nobody up, and the first error or interrupt leaves the tasks that have not begun.

    Threads are made anew: a pool that is kept would be dead in a forked process.
    """
    left = deque(tasks)

    def work() -> None:
        try:
            own = make()
            while left:
                try:
                    task = left.popleft()
                except IndexError:  # another thread took the last
                    return
                job(task, own)
        except BaseException:
            left.clear()
            raise

    if n_threads == 1:
        work()
        return
    with ThreadPoolExecutor(n_threads - 1) as pool:
        try:
            others = [pool.submit(work) for _ in range(n_threads - 1)]
            work()
            for other in others:
                other.result()
        finally:
            left.clear()  # an interrupt while a thread starts leaves a thread that the pool does not know


def in_order(items: Iterable[T], function: Callable[[T], R], workers: int) -> list[R]:
    """Return what `function` makes of each item, in their order; of several errors that of the first item is raised.

    Each thread takes the next item that is left; those that have begun when one fails are finished.
    """
    waiting = list(enumerate(items))
    done: dict[int, R] = {}
    failed: dict[int, Exception] = {}

    def job(task: tuple[int, T], _: None) -> None:
        number, item = task
        try:
            done[number] = function(item)
        except Exception as error:
            failed[number] = error
            raise

    try:
        share_out(waiting, job, lambda: None, max(1, min(as_workers(workers), len(waiting))))
    except Exception:  # items begin in order, so all before the first that fails are done
        if failed:
            raise failed[min(failed)] from None
        raise
    return [done[number] for number in range(len(waiting))]
