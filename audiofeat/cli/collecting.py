"""The command ``extract``: features of whole collections, into a store."""

import argparse
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import get_terminal_size
from time import monotonic
from typing import TYPE_CHECKING, Any

from audiofeat.cli._terminal import FAILURES, UsageError, clock, printable, report, say

if TYPE_CHECKING:
    from audiofeat.extraction import Progress

REDRAWN, LOGGED = 0.2, 10.0  # seconds between two lines of progress: on a terminal, elsewhere


def run_extract(arguments: argparse.Namespace) -> int:
    from audiofeat.extraction import EngineError, extract_features
    from audiofeat.io import AudioError
    from audiofeat.store import StoreError

    store = arguments.output
    _check(arguments)
    last: list[Progress] = []
    line = Line()

    def progress(now: "Progress") -> None:
        last[:] = [now]
        line.tell(lambda: _told(now))

    with_resume = "" if arguments.resume else " with --resume"
    goes_on = f"the same command{with_resume} goes on"
    try:
        with _sigterm_interrupts():
            opened = extract_features(
                _files(arguments.inputs),
                store,
                features=_features(arguments),
                excerpts=arguments.excerpt,
                dtype=arguments.dtype,
                n_jobs=arguments.n_jobs or -1,
                scheduler=arguments.scheduler,
                shard=arguments.shard,
                resume=arguments.resume,
                retry_errors=arguments.retry,
                on_error="raise" if arguments.strict else "record",
                max_duration=arguments.max_duration,
                max_bytes=arguments.max_bytes,
                timeout=arguments.timeout,
                short=arguments.short or "skip",
                progress=progress,
            )
    except KeyboardInterrupt:
        line.end()
        done = f", {last[0].done} of {last[0].total} files are done" if last else ""
        say(f"audiofeat: interrupted{done}; {goes_on}", to=sys.stderr)
        return 130
    except AudioError as error:  # --strict
        line.end()
        say(f"audiofeat: stopped, as --strict wants; {goes_on} without this file", to=sys.stderr)
        return report(error.path, error)
    except (EngineError, StoreError) as error:
        line.end()
        say(f"audiofeat: {error}", to=sys.stderr)
        return 1
    except (ImportError, ValueError) as error:  # of what was asked for: what is wrong with files is in the store
        line.end()
        raise UsageError(str(error)) from error
    except FAILURES as error:
        line.end()
        return report(store, error)
    line.end()
    counts = opened.info().counts
    why = f" (see: audiofeat store errors {shlex.quote(store)})" if opened.errors else ""
    say(f"wrote {store}: {counted(counts)}{why}")
    return 1 if counts["error"] else 0


def _check(arguments: argparse.Namespace) -> None:
    """Refuse options that would have no effect, and a store that is there."""
    for option, needed in (("retry", "resume"), ("short", "excerpt")):
        if getattr(arguments, option) and not getattr(arguments, needed):
            msg = f"--{option} needs --{needed}"
            raise UsageError(msg)
    if arguments.n_jobs and arguments.scheduler:
        msg = f"-j must be left out with --scheduler, whose workers do the work, got {arguments.n_jobs}"
        raise UsageError(msg)
    if not arguments.resume and Path(arguments.output, "store.json").exists():
        msg = f"{arguments.output} is a feature store already: go on with it by --resume, or choose another folder"
        raise UsageError(msg)


def _files(inputs: Sequence[str]) -> list[str]:
    """Return the files of all inputs."""
    from audiofeat.datasets import load_dataset
    from audiofeat.datasets.names import LOADERS
    from audiofeat.extraction.inputs import as_files

    files: list[str] = []
    for given in inputs:
        if given.partition(":")[0] not in LOADERS or Path(given).exists():
            files += as_files(given)
            continue
        dataset = load_dataset(given)
        for problem in dataset.problems:
            say(f"audiofeat: {problem.path}: left out, {problem.reason}", to=sys.stderr)
        files += as_files(dataset)
    return files


def _features(arguments: argparse.Namespace) -> Any:
    from audiofeat.extraction import Describe, Segments
    from audiofeat.presets import list_presets, preset

    known: Sequence[str]
    make: Callable[[str], Any]
    if arguments.stats:
        known, option, make = ("default", "gtzan"), " with --stats", lambda name: Describe(preset=name)
    elif arguments.segments:
        known, option, make = ("default", "ucsd2020"), " with --segments", lambda name: Segments(preset=name)
    else:
        known, option, make = list_presets(), "", preset
    name = arguments.preset or ("default" if "default" in known else "librosa")
    if name not in known:
        msg = f"--preset must be one of {', '.join(known)}{option}, got {name!r}"
        raise UsageError(msg)
    return make(name)


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Have SIGTERM, by which batch systems end what has run too long, do what Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():  # only that one may
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


class Line:
    """Progress on stderr: one line that is drawn again on a terminal, a new one now and then elsewhere."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._due = monotonic() + (REDRAWN if self._is_terminal else LOGGED)
        self._last: Callable[[], str] | None = None
        self._width = -1  # of what is on the terminal; below 0, nothing was said

    def tell(self, make: Callable[[], str]) -> None:
        self._last = make
        if monotonic() < self._due:
            return
        self._due = monotonic() + (REDRAWN if self._is_terminal else LOGGED)
        self._say()

    def end(self) -> None:
        """Say how it ended, if anything was said before."""
        if self._width >= 0:
            self._say()
            if self._is_terminal:
                print(file=sys.stderr, flush=True)
            self._width = -1

    def _say(self) -> None:
        text = self._last() if self._last else ""
        if self._is_terminal:
            text = printable(text)[: get_terminal_size().columns - 1]
            print(f"\r{text:<{self._width + 1}}", end="", file=sys.stderr, flush=True)
        else:
            say(text, to=sys.stderr)
        self._width = len(text)


def _told(now: "Progress") -> str:
    left = now.remaining_seconds
    speed = f", {now.audio_seconds / now.seconds:.0f} x real time" if now.audio_seconds and now.seconds else ""
    remaining = "" if left is None else f", {clock(left).partition('.')[0]} left"
    finished = now.done + now.errors + now.skipped
    return (
        f"{finished}/{now.total} files, {now.errors} failed, {now.skipped} skipped, {now.rate:.1f} per second"
        f"{speed}{remaining}"
    )


def counted(counts: Mapping[str, int]) -> str:
    words = {"done": "done", "skipped": "skipped", "error": "failed", "waiting": "waiting", "claimed": "at work"}
    always = ("done", "skipped", "error")
    return ", ".join(f"{counts[state]} {word}" for state, word in words.items() if counts[state] or state in always)
