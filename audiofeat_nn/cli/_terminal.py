"""What commands share: lines for the reader, a line for each error, names for what is written."""

import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TextIO

FAILURES = (OSError, ValueError, MemoryError)  # of a file, not of the program


class UsageError(Exception):
    """A call that no file can satisfy: exit code 2."""


def need(package: str, extra: str) -> None:
    """Refuse to begin without a package, and say what brings it."""
    if find_spec(package) is None:
        msg = f"this needs the package {package}: pip install 'audiofeat[{extra}]'"
        raise UsageError(msg)


def report(file: str, error: Exception) -> int:
    """Say on one line what went wrong; return the exit code."""
    if isinstance(error, BrokenPipeError):  # of stdout: `main` ends quietly
        raise error
    tell(explained(file, error))
    return 1


def explained(file: str, error: Exception) -> str:
    """Return on one line what is wrong with which file."""
    # AudioError and OSError know their path, which may be that of an output
    path = str(getattr(error, "path", None) or getattr(error, "filename", None) or file)
    if path.endswith(".tmp"):  # a temporary name means nothing to the reader, its folder does
        path = str(Path(path).parent)
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return f"{path}: {' '.join((reason or type(error).__name__).split())}"


def namer() -> Callable[[str, str], str]:
    """Return what joins stems and suffixes to names that differ, whatever their case: a second is ``song-2``."""
    used: set[str] = set()

    def name(stem: str, suffix: str) -> str:
        found, number = stem + suffix, 2
        while found.casefold() in used:
            found, number = f"{stem}-{number}{suffix}", number + 1
        used.add(found.casefold())
        return found

    return name


def keep_inputs(targets: Iterable[Path], files: Iterable[str]) -> None:
    """Refuse to write over a file that is to be read."""
    inputs = {Path(file).resolve() for file in files}
    for target in targets:
        if target.resolve() in inputs:
            msg = f"{target} is an input, it would be overwritten"
            raise ValueError(msg)


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Have SIGTERM, by which batch systems end what has run too long, do what Ctrl-C does.

    It goes to whoever handles that at the moment: a training waits for the end of its step.
    """
    if threading.current_thread() is not threading.main_thread():  # only that one may
        yield
        return

    def pass_on(number: int, frame: FrameType | None) -> None:
        handler = signal.getsignal(signal.SIGINT)
        if not callable(handler):  # a shell has its jobs in the background ignore Ctrl-C
            raise KeyboardInterrupt
        handler(number, frame)

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def columns(rows: Sequence[Sequence[str]], *, right: Iterable[int] = ()) -> list[str]:
    """Return rows as lines whose columns begin, or with `right` end, below each other."""
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    flush = set(right)
    return [
        "  ".join(
            f"{cell:>{width}}" if i in flush else f"{cell:<{width}}"
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in shown
    ]


def printable(text: str) -> str:
    """Escape what a terminal would obey or cannot show: a name may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def tell(text: str) -> None:
    """Say something of the work, which is no result."""
    say(f"audiofeat-nn: {text}", to=sys.stderr)


def relay(text: str) -> None:
    """Say how far the work is."""
    say(text, to=sys.stderr)


def say(*lines: str, to: TextIO | None = None) -> None:
    stream = to or sys.stdout
    encoding = stream.encoding or "utf-8"
    text = "\n".join(map(printable, lines))
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
