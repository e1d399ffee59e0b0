"""The commands ``segment`` and ``demo``."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
OUTLINE = 1 << 18  # steps of a file that is drawn, a hundred to each pixel
HEADING = f"{'start':>10}  {'end':>10}  {'duration':>9}  label"


def run_segment(arguments: argparse.Namespace) -> int:
    from audiofeat.annotations import save_annotations
    from audiofeat.segmentation import PRESETS, segment_file

    files: list[str] = arguments.files
    if arguments.preset not in PRESETS:
        msg = f"--preset must be one of {', '.join(sorted(PRESETS))}, got {arguments.preset!r}"
        raise UsageError(msg)
    formats = arguments.format or ([] if arguments.folder is None else ["lab"])
    for needed, package, extra in ((arguments.plot, "matplotlib", "plot"), ("jams" in formats, "jams", "eval")):
        if needed and find_spec(package) is None:
            msg = f"this needs the package {package}: pip install 'audiofeat[{extra}]'"
            raise UsageError(msg)
    names = unique([(Path(file).stem, "") for file in files])
    figures = _figures(arguments.plot, names)
    folder = Path(arguments.folder or ".")

    def work(number: int) -> None:
        name = names[number]
        targets = [(folder / (name + EXTENSIONS[kind]), kind) for kind in formats]
        figure = figures[number] if figures else None
        keep_inputs([path for path, _ in targets] + ([figure] if figure else []), files)
        with ticker() as progress:
            found = segment_file(
                files[number],
                sr=arguments.sr,
                n_clusters=arguments.n_clusters,
                preset=arguments.preset,
                progress=progress,
            )
        say(summary(files[number], found), HEADING, *rows(found.intervals, found.labels))
        for path, kind in targets:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_annotations(path, found.intervals, found.labels, format=kind)
            say(f"wrote {path}")
        if figure:
            draw(figure, found, files[number])

    return each(files, work)


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


def _figures(given: str | None, names: Sequence[str]) -> list[Path]:
    """Return the figure's path for each name, none if no figure is wanted."""
    if given is None:
        return []
    path = Path(given)
    if len(names) == 1 and not path.is_dir() and not given.endswith(("/", os.sep)):
        if path.suffix and path.suffix.lower() not in FIGURES:
            msg = f"--plot must end in one of {', '.join(FIGURES)}, got {given!r}"
            raise UsageError(msg)
        return [path if path.suffix else path.with_name(f"{path.name}.png")]
    if path.suffix and not path.is_dir():
        msg = f"--plot must be a folder for {len(names)} files, got {given!r}"
        raise UsageError(msg)
    return [path / f"{name}.png" for name in names]


def draw(path: Path, found: "Segmentation", file: str) -> None:
    from audiofeat._files import replacing
    from audiofeat.plot import plot_summary

    figure = plot_summary(*outlined(found, file))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower())
    say(f"wrote {path}")


def outlined(found: "Segmentation", file: str) -> tuple["Segmentation", Any]:
    """Return the sections in steps of some samples, and the file's least and greatest sample in each of them.

    A figure shows no more, and the file is never whole in memory. In short files a step is one sample.
    """
    import numpy as np

    from audiofeat.io import stream

    step = -(-int(found.boundary_samples[-1]) // OUTLINE)
    extremes = []
    for block in stream(file, block=step * -(-OUTLINE // step), sr=found.sr):
        starts = np.arange(0, len(block), step)
        extremes.append([np.minimum.reduceat(block, starts), np.maximum.reduceat(block, starts)])
    boundaries, windows = (np.rint(at / step).astype(np.intp) for at in (found.boundary_samples, found.window_samples))
    coarse = replace(found, sr=found.sr / step, boundary_samples=boundaries, window_samples=windows)
    return coarse, np.concatenate(extremes, axis=1)


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
