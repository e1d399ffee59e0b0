"""What benchmarks share: calls timed in turns, the middle of runs, tables in Markdown, the machine's name."""

import os
import platform
import time
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import llvmlite.binding
import numpy as np

MISSING = "not installed"

Call = Callable[[], Any]
Times = dict[str, float]


def seconds(call: Call, clock: Callable[[], float] = time.perf_counter) -> float:
    """Return how long a call takes."""
    start = clock()
    call()
    return clock() - start


def race(calls: dict[str, Call], rounds: int, clock: Callable[[], float] = time.perf_counter) -> Times:
    """Return the median time of each call in ms, taken in turns after a first of each."""
    for call in calls.values():
        call()
    times = [[seconds(call, clock) for call in calls.values()] for _ in range(rounds)]
    return dict(zip(calls, 1e3 * np.median(times, axis=0), strict=True))


def middle(runs: list[Times], side: str) -> str:
    """Return the middle of the times of a side, to print."""
    return f"{np.median([run[side] for run in runs]):.2f}" if side in runs[0] else MISSING


def ratio(runs: list[Times], side: str, over: str) -> tuple[float, str]:
    """Return the middle of the ratios of two sides; with the lowest and highest, to print."""
    if not {side, over} <= runs[0].keys():
        return np.inf, MISSING
    low, *_, high = ratios = sorted(run[side] / run[over] for run in runs)
    mid = float(np.median(ratios))
    digits = 1 if mid >= 3.0 else 2
    return mid, f"{mid:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def verdict(values: Iterable[float], bars: tuple[float, ...], *, most: bool = False) -> tuple[str, str]:
    """Return the bars, the least that values may be or the `most`, and whether they are met."""
    if not bars:
        return "", ""
    is_met = all(value <= bar if most else value >= bar for value, bar in zip(values, bars, strict=True))
    return f"{'<=' if most else '>='} {' / '.join(f'{bar:g}' for bar in bars)}", "yes" if is_met else "no"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    head = list(head)
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *rows))


def machine(packages: Iterable[str]) -> str:
    """Name the processor, and the versions of Python and of packages."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    wide = "with" if llvmlite.binding.get_host_cpu_features().get("avx512f") else "without"
    versions = [f"Python {platform.python_version()}"]
    for name in packages:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{name} {MISSING}")
    name, cores = llvmlite.binding.get_host_cpu_name(), os.cpu_count()
    return f"{[*models, platform.processor()][0]} ({name}), {cores} cores, {wide} AVX-512. {', '.join(versions)}.\n"
