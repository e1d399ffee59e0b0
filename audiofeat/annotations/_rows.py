"""What every format shares: its name, rows, what a row must be, and how a file is refused."""

import math
from pathlib import Path
from typing import NoReturn

from audiofeat._validation import as_choice

Row = tuple[float, float, str]
EXTENSIONS = {
    ".lab": "lab",
    ".csv": "csv",
    ".json": "json",
    ".txt": "audacity",
    ".textgrid": "textgrid",
    ".jams": "jams",
}
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


def kind_of(path: Path, asked: str | None) -> str:
    if asked is not None:
        return as_choice(asked, "format", set(EXTENSIONS.values()))
    if path.suffix.lower() not in EXTENSIONS:
        msg = f"path must end in one of {', '.join(EXTENSIONS)} where format is not given, got {str(path)!r}"
        raise ValueError(msg)
    return EXTENSIONS[path.suffix.lower()]
