"""The commands ``segment`` and ``demo``."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from audiofeat.cli._terminal import UsageError, clock, each, keep_inputs, say, unique

if TYPE_CHECKING:
    from audiofeat.sections import Segmentation

EXTENSIONS = {
    "lab": ".lab",
    "csv": ".csv",
    "json": ".json",
    "audacity": ".txt",
    "textgrid": ".TextGrid",
    "jams": ".jams",
}
SCORES = ("F-measure@0.5", "F-measure@3.0", "Pairwise F-measure", "Adjusted Rand Index", "V-measure")
FIGURES = (".png", ".pdf", ".svg")
PAGES = (".html", ".htm")
SONIFIED, THUMBNAIL = ".sonified.wav", ".thumbnail.wav"  # such files in folders are outputs, not inputs
HEADING = f"{'start':>10}  {'end':>10}  {'duration':>9}  label"


class Job(NamedTuple):
    """A file, the stem of its outputs, and where they go."""

    file: str
    name: str
    annotations: list[tuple[Path, str]]
    figure: Path | None
    page: Path | None
    sonified: Path | None
    thumbnail: Path | None

    @property
    def targets(self) -> list[Path]:
        others = (self.figure, self.page, self.sonified, self.thumbnail)
        return [path for path, _ in self.annotations] + [path for path in others if path]


def run_segment(arguments: argparse.Namespace) -> int:
    from audiofeat.cli.folders import RESERVED, audio_files, run_folder
    from audiofeat.segmentation import PRESETS

    if arguments.preset not in PRESETS:
        msg = f"--preset must be one of {', '.join(sorted(PRESETS))}, got {arguments.preset!r}"
        raise UsageError(msg)
    formats = arguments.format or ([] if arguments.folder is None else ["lab"])
    for needed, package, extra in ((arguments.plot, "matplotlib", "plot"), ("jams" in formats, "jams", "eval")):
        if needed and find_spec(package) is None:
            msg = f"this needs the package {package}: pip install 'audiofeat[{extra}]'"
            raise UsageError(msg)
    many = arguments.resume or any(Path(file).is_dir() for file in arguments.files)
    if many and arguments.folder is None:
        msg = f"{'--resume' if arguments.resume else 'a folder'} needs -o DIR, where the summary goes"
        raise UsageError(msg)
    if arguments.embed_audio and arguments.report is None:
        msg = "--embed-audio needs --report"
        raise UsageError(msg)
    troubles: list[OSError] = []
    inputs = list(audio_files(arguments.files, troubles))
    files = [file for file, _ in inputs]
    names = unique([(stem, "") for _, stem in inputs], taken=RESERVED if many else ())
    folder = Path(arguments.folder or ".")
    one = len(inputs) == 1 and not many
    figures = _places("--plot", arguments.plot, names, FIGURES, one=one)
    given = arguments.report if arguments.report != "" else f"{folder}{os.sep}"
    pages = _places("--report", given, names, PAGES, one=one)
    jobs = [
        Job(
            file,
            name,
            [(folder / (name + EXTENSIONS[kind]), kind) for kind in formats],
            figure,
            page,
            folder / (name + SONIFIED) if arguments.sonify else None,
            folder / (name + THUMBNAIL) if arguments.thumbnail else None,
        )
        for file, name, figure, page in zip(files, names, figures, pages, strict=True)
    ]
    if many:
        return run_folder(arguments, jobs, troubles)

    def work(number: int) -> None:
        job = jobs[number]
        keep_inputs(job.targets, files)
        found = found_in(job, arguments)
        say(summary(job.file, found), HEADING, *rows(found.intervals, found.labels))
        for path in written(job, found, arguments):
            say(f"wrote {path}")

    return each(files, work)


def found_in(job: Job, arguments: argparse.Namespace) -> "Segmentation":
    """Segment the file of a job."""
    from audiofeat.segmentation import segment_file

    with ticker() as progress:
        return segment_file(
            job.file,
            sr=arguments.sr,
            n_clusters=arguments.n_clusters,
            preset=arguments.preset,
            progress=progress,
        )


def written(job: Job, found: "Segmentation", arguments: argparse.Namespace) -> Iterator[Path]:
    """Write the outputs of a job, and yield the path of each."""
    from audiofeat.annotations import save_annotations
    from audiofeat.report import save_report
    from audiofeat.sonification import save_clicks, save_thumbnail

    for path in job.targets:
        path.parent.mkdir(parents=True, exist_ok=True)
    for path, kind in job.annotations:
        save_annotations(path, found.intervals, found.labels, format=kind)
        yield path
    if job.figure:
        draw(job.figure, found, job.file)
        yield job.figure
    if job.page:
        save_report(job.page, found, audio=job.file, embed_audio=arguments.embed_audio)
        yield job.page
    if job.sonified:
        save_clicks(job.sonified, found, job.file)
        yield job.sonified
    if job.thumbnail:
        save_thumbnail(job.thumbnail, found, job.file, duration=arguments.thumbnail)
        yield job.thumbnail


@contextmanager
def ticker() -> Iterator[Callable[[float, float | None], None] | None]:
    """Lend what tells on a terminal, on a line that is gone afterwards, how much of a file has been read."""
    if not sys.stderr.isatty():
        yield None
        return

    def tell(done: float, total: float | None) -> None:
        of = f" of {clock(total)}" if total else ""
        print(f"\r{clock(done)}{of}\033[K", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _places(
    option: str, given: str | None, names: Sequence[str], suffixes: Sequence[str], *, one: bool
) -> Sequence[Path | None]:
    """Return the path of an optional output for each name: the one that is given, or names in a folder."""
    if given is None:
        return [None] * len(names)
    path = Path(given)
    if one and not path.is_dir() and not given.endswith(("/", os.sep)):
        if path.suffix and path.suffix.lower() not in suffixes:
            msg = f"{option} must end in one of {', '.join(suffixes)}, got {given!r}"
            raise UsageError(msg)
        return [path if path.suffix else path.with_name(f"{path.name}{suffixes[0]}")]
    if path.suffix and not path.is_dir():
        msg = f"{option} must be a folder for {len(names)} files, got {given!r}"
        raise UsageError(msg)
    return [path / f"{name}{suffixes[0]}" for name in names]


def draw(path: Path, found: "Segmentation", file: str) -> None:
    from audiofeat._files import replacing
    from audiofeat.outline import outlined
    from audiofeat.plot import plot_summary

    figure = plot_summary(*outlined(found, file))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower())


def run_demo(arguments: argparse.Namespace) -> int:
    from audiofeat.annotations import save_annotations
    from audiofeat.evaluation import evaluate_segments
    from audiofeat.io import save
    from audiofeat.segmentation import segment_file
    from audiofeat.synth import song

    folder = Path(arguments.folder)

    def work(_: int) -> None:
        truth = song(random_state=0)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "song.wav"
        save(path, truth.y, truth.sr)
        found = segment_file(path)
        say(summary(str(path), found))
        pairs = zip_longest(
            ["truth", HEADING, *rows(truth.intervals, truth.labels)],
            ["found", HEADING, *rows(found.intervals, found.labels)],
            fillvalue="",
        )
        say(*(f"{left:<46}{right}".rstrip() for left, right in pairs))
        try:
            scores = evaluate_segments(truth, found)
            say(*(f"{name:>20} {scores[name]:.3f}" for name in SCORES))
        except ImportError as error:
            say(f"no scores: {error}")
        save_annotations(folder / "truth.lab", truth.intervals, truth.labels)
        say(f"wrote {path}", f"wrote {folder / 'truth.lab'}")
        for kind, extension in EXTENSIONS.items():
            try:
                save_annotations(folder / f"song{extension}", found.intervals, found.labels, format=kind)
                say(f"wrote {folder / f'song{extension}'}")
            except ImportError as error:
                say(f"no {extension}: {error}")
        try:
            draw(folder / "song.png", found, str(path))
            say(f"wrote {folder / 'song.png'}")
        except ImportError as error:
            say(f"no figure: {error}")

    return each([arguments.folder], work)


def summary(path: str, found: "Segmentation") -> str:
    counts = (len(found.labels), "section"), (len(set(found.labels)), "label")
    words = ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts)
    return f"{path}: {clock(found.duration)}, {words}, confidence {found.confidence:.2f}"


def rows(intervals: Any, labels: Iterable[str]) -> list[str]:
    return [
        f"{clock(start):>10}  {clock(end):>10}  {end - start:>9.2f}  {label}"
        for (start, end), label in zip(intervals, labels, strict=True)
    ]
