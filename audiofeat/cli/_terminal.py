"""What commands share: lines for the reader, a line for each error, names for what is written."""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TextIO

from audiofeat._clock import clock as clock

FAILURES = (OSError, ValueError, MemoryError)  # of a file, not of the program


class UsageError(Exception):
    """A call that no file can satisfy: exit code 2."""


def each(files: Sequence[str], work: Callable[[int], None], *, tell: bool = True) -> int:
    """Call `work` with the number of each file; report those that fail, and return the exit code."""
    code = 0
    for number, file in enumerate(files):
        if tell:
            progress(number, files)
        try:
            work(number)
        except FAILURES as error:
            code = report(file, error)
    return code


def progress(number: int, files: Sequence[str]) -> None:
    if len(files) > 1:
        say(f"[{number + 1}/{len(files)}] {files[number]}", to=sys.stderr)


def report(file: str, error: Exception) -> int:
    """Say on one line what went wrong; return the exit code."""
    if isinstance(error, BrokenPipeError):  # of stdout: `main` ends quietly
        raise error
    say(f"audiofeat: {explained(file, error)}", to=sys.stderr)
    return 1


def explained(file: str, error: Exception) -> str:
    """Return on one line what is wrong with which file."""
    # AudioError and OSError know their path, which may be that of an output
    path = str(getattr(error, "path", None) or getattr(error, "filename", None) or file)
    if path.endswith(".tmp"):  # a temporary name means nothing to the reader, its folder does
        path = str(Path(path).parent)
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return f"{path}: {' '.join((reason or type(error).__name__).split())}"


def unique(names: Iterable[tuple[str, str]], taken: Iterable[str] = ()) -> list[str]:
    """Join stems and suffixes to names that differ, whatever their case: a second ``song`` is ``song-2``."""
    used, found = set(taken), []
    for stem, suffix in names:
        name, number = stem + suffix, 2
        while name.casefold() in used:
            name, number = f"{stem}-{number}{suffix}", number + 1
        used.add(name.casefold())
        found.append(name)
    return found


def keep_inputs(targets: Iterable[Path], files: Iterable[str]) -> None:
    """Refuse to write over a file that is to be read."""
    inputs = {Path(file).resolve() for file in files}
    for target in targets:
        if target.resolve() in inputs:
            msg = f"{target} is an input, it would be overwritten"
            raise ValueError(msg)


def printable(text: str) -> str:
    """Escape what a terminal would obey or cannot show: a name may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def say(*lines: str, to: TextIO | None = None) -> None:
    stream = to or sys.stdout
    encoding = stream.encoding or "utf-8"
    text = "\n".join(map(printable, lines))
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
