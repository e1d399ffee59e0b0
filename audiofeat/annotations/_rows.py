"""What every format shares: rows, what a row must be, and how a file is refused."""

import math
from pathlib import Path
from typing import NoReturn

Row = tuple[float, float, str]
Found = tuple[str, object, object, object]  # where in the file, start, end, label: not yet checked


def problem(times: tuple[float, float], previous: float) -> str | None:
    start, end = times
    if not (math.isfinite(start) and math.isfinite(end)):
        return f"start and end must be finite, got {start} and {end}"
    if start < 0:
        return f"start must be >= 0, got {start}"
    if start < previous:
        return f"start must be at or after the one before, {previous}, got {start}"
    return f"end must be >= start, {start}, got {end}" if end < start else None


def fail(path: Path, where: str, problem: str) -> NoReturn:
    msg = f"{path}, {where}: {problem}"
    raise ValueError(msg)
