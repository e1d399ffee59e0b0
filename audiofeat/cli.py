"""The command ``audiofeat``: sections, headers and features of audio files from the shell.

Exit codes: 0 if all went well, 1 if a file failed (the others are done all the same), 2 for a wrong call,
130 after Ctrl-C, 141 if the reader of the output went away. Results go to stdout; progress and one line per
error, ``audiofeat: PATH: reason``, to stderr.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

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
FAILURES = (OSError, ValueError, MemoryError)  # of a file, not of the program
HEADING = f"{'start':>10}  {'end':>10}  {'duration':>9}  label"


class UsageError(Exception):
    """A call that no file can satisfy: exit code 2."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process if not given.

    Returns
    -------
    int
        The exit code.

    Examples
    --------
    >>> from audiofeat.cli import main
    >>> main(["info"])
    2
    """
    try:
        arguments = _parser().parse_args(argv)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except SystemExit as error:  # argparse, after its help or its message
        return int(error.code or 0)
    except UsageError as error:
        _say(f"audiofeat: {error}", to=sys.stderr)
        return 2
    except KeyboardInterrupt:
        _say("audiofeat: interrupted", to=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at exit
        return 141
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="audiofeat", description="Sections, headers and features of audio files.")
    version = vars(sys.modules["audiofeat"])["__version__"]
    parser.add_argument("--version", action="version", version=f"audiofeat {version}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    segment = command("segment", _segment, "Cut files into labelled sections.")
    segment.add_argument("files", nargs="+", metavar="FILE")
    segment.add_argument("--n-clusters", type=_count, metavar="K", help="number of labels (default: estimated)")
    segment.add_argument("--preset", default="default", metavar="P", help="default or ucsd2020")
    segment.add_argument("--sr", type=_rate, metavar="HZ", help="resample to this rate (default: the file's)")
    segment.add_argument(
        "--format",
        type=_formats,
        metavar="F,...",
        help=f"write NAME.EXT for each of {', '.join(EXTENSIONS)}",
    )
    segment.add_argument("--plot", metavar="PATH", help="draw a figure: its file for one input, a folder for several")
    segment.add_argument(
        "-o", dest="folder", metavar="DIR", help="where the files go (default: here); alone, writes .lab"
    )

    info = command("info", _info, "Say what the headers of files declare.")
    info.add_argument("files", nargs="+", metavar="FILE")

    features = command("features", _features, "Compute the features of a preset.")
    features.add_argument("files", nargs="+", metavar="FILE")
    features.add_argument("--preset", required=True, metavar="P", help="a name of audiofeat.list_presets()")
    features.add_argument(
        "-o",
        dest="output",
        required=True,
        metavar="OUT.npz",
        help="arrays by file name, and the preset as JSON under the name spec",
    )

    demo = command("demo", _demo, "Segment a synthetic song, and compare with the truth.")
    demo.add_argument("-o", dest="folder", default="audiofeat-demo", metavar="DIR", help="default: audiofeat-demo")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        msg = f"must be an integer >= 1, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _rate(text: str) -> float:
    from audiofeat._validation import as_rate

    try:
        return as_rate(float(text), "it")
    except ValueError as error:
        msg = f"must be a number of Hz above 0, got {text!r}"
        raise argparse.ArgumentTypeError(msg) from error


def _formats(text: str) -> list[str]:
    names = list(dict.fromkeys(name.strip().lower() for name in text.split(",")))
    for name in names:
        if name not in EXTENSIONS:
            msg = f"must be some of {', '.join(EXTENSIONS)}, got {name!r}"
            raise argparse.ArgumentTypeError(msg)
    return names


def _segment(arguments: argparse.Namespace) -> int:
    from audiofeat.annotations import save_annotations
    from audiofeat.io import load
    from audiofeat.segmentation import PRESETS, segment

    files: list[str] = arguments.files
    if arguments.preset not in PRESETS:
        msg = f"--preset must be one of {', '.join(sorted(PRESETS))}, got {arguments.preset!r}"
        raise UsageError(msg)
    formats = arguments.format or ([] if arguments.folder is None else ["lab"])
    for needed, package, extra in ((arguments.plot, "matplotlib", "plot"), ("jams" in formats, "jams", "eval")):
        if needed and find_spec(package) is None:
            msg = f"this needs the package {package}: pip install 'audiofeat[{extra}]'"
            raise UsageError(msg)
    names = _unique([(Path(file).stem, "") for file in files])
    figures = _figures(arguments.plot, names)
    folder = Path(arguments.folder or ".")

    def work(number: int) -> None:
        name = names[number]
        targets = [(folder / (name + EXTENSIONS[kind]), kind) for kind in formats]
        figure = figures[number] if figures else None
        _keep_inputs([path for path, _ in targets] + ([figure] if figure else []), files)
        y, sr = load(files[number], arguments.sr)
        found = segment(y, sr, n_clusters=arguments.n_clusters, preset=arguments.preset)
        _say(_summary(files[number], found), HEADING, *_rows(found.intervals, found.labels))
        for path, kind in targets:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_annotations(path, found.intervals, found.labels, format=kind)
            _say(f"wrote {path}")
        if figure:
            _draw(figure, found, y)

    return _each(files, work)


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


def _draw(path: Path, found: "Segmentation", y: Any) -> None:
    from audiofeat._files import replacing
    from audiofeat.plot import plot_summary

    figure = plot_summary(found, y)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower())
    _say(f"wrote {path}")


def _info(arguments: argparse.Namespace) -> int:
    from audiofeat.io import info

    def work(number: int) -> None:
        header = info(arguments.files[number])
        seconds = header.declared_duration
        length = "length not declared" if seconds is None else f"{_clock(seconds)} declared"
        channels = f"{header.n_channels} channel{'s' if header.n_channels > 1 else ''}"
        _say(f"{header.path}: {header.format} {header.subtype}, {header.sr} Hz, {channels}, {length}")

    return _each(arguments.files, work, progress=False)


def _features(arguments: argparse.Namespace) -> int:
    import json
    from zipfile import ZipFile

    import numpy as np

    from audiofeat._files import replacing
    from audiofeat.presets import list_presets, preset

    if arguments.preset not in list_presets():
        msg = f"--preset must be one of {', '.join(list_presets())}, got {arguments.preset!r}"
        raise UsageError(msg)
    front_end = preset(arguments.preset)
    files: list[str] = arguments.files
    output = Path(arguments.output)
    stems = [(_printable(Path(file).stem), _printable(Path(file).suffix)) for file in files]
    names = _unique(stems, taken=["spec"])
    code, done = 0, []

    def put(archive: ZipFile, name: str, array: Any) -> None:  # np.savez would hold all arrays at once
        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)

    try:
        _keep_inputs([output], files)
        output.parent.mkdir(parents=True, exist_ok=True)
        with replacing(output) as temporary, ZipFile(temporary, "w") as archive:
            put(archive, "spec", json.dumps(front_end.to_dict()))
            for number, (file, name) in enumerate(zip(files, names, strict=True)):
                _progress(number, files)
                try:
                    array = front_end(file)
                except FAILURES as error:
                    code = _report(file, error)
                    continue
                put(archive, name, array)
                done.append(f"{file}: {' x '.join(map(str, array.shape))} under the name {name}")
            _need_some(done)
    except FAILURES as error:
        return _report(arguments.output, error)
    _say(*done, f"wrote {output}")
    return code


def _need_some(done: Sequence[str]) -> None:
    if not done:
        msg = "not written, no file gave features"
        raise ValueError(msg)


def _demo(arguments: argparse.Namespace) -> int:
    from audiofeat.annotations import save_annotations
    from audiofeat.evaluation import evaluate_segments
    from audiofeat.io import load, save
    from audiofeat.segmentation import segment
    from audiofeat.synth import song

    folder = Path(arguments.folder)

    def work(_: int) -> None:
        truth = song(random_state=0)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "song.wav"
        save(path, truth.y, truth.sr)
        y, sr = load(path)
        found = segment(y, sr)
        _say(_summary(str(path), found))
        pairs = zip_longest(
            ["truth", HEADING, *_rows(truth.intervals, truth.labels)],
            ["found", HEADING, *_rows(found.intervals, found.labels)],
            fillvalue="",
        )
        _say(*(f"{left:<46}{right}".rstrip() for left, right in pairs))
        try:
            scores = evaluate_segments(truth, found)
            _say(*(f"{name:>20} {scores[name]:.3f}" for name in SCORES))
        except ImportError as error:
            _say(f"no scores: {error}")
        save_annotations(folder / "truth.lab", truth.intervals, truth.labels)
        _say(f"wrote {path}", f"wrote {folder / 'truth.lab'}")
        for kind, extension in EXTENSIONS.items():
            try:
                save_annotations(folder / f"song{extension}", found.intervals, found.labels, format=kind)
                _say(f"wrote {folder / f'song{extension}'}")
            except ImportError as error:
                _say(f"no {extension}: {error}")
        try:
            _draw(folder / "song.png", found, y)
        except ImportError as error:
            _say(f"no figure: {error}")

    return _each([arguments.folder], work)


def _each(files: Sequence[str], work: Callable[[int], None], *, progress: bool = True) -> int:
    """Call `work` with the number of each file; report those that fail, and return the exit code."""
    code = 0
    for number, file in enumerate(files):
        if progress:
            _progress(number, files)
        try:
            work(number)
        except FAILURES as error:
            code = _report(file, error)
    return code


def _progress(number: int, files: Sequence[str]) -> None:
    if len(files) > 1:
        _say(f"[{number + 1}/{len(files)}] {files[number]}", to=sys.stderr)


def _report(file: str, error: Exception) -> int:
    """Say on one line what went wrong; return the exit code."""
    if isinstance(error, BrokenPipeError):  # of stdout: `main` ends quietly
        raise error
    # AudioError and OSError know their path, which may be that of an output
    path = str(getattr(error, "path", None) or getattr(error, "filename", None) or file)
    if path.endswith(".tmp"):  # a temporary name means nothing to the reader, its folder does
        path = str(Path(path).parent)
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    _say(f"audiofeat: {path}: {' '.join((reason or type(error).__name__).split())}", to=sys.stderr)
    return 1


def _unique(names: Iterable[tuple[str, str]], taken: Iterable[str] = ()) -> list[str]:
    """Join stems and suffixes to names that differ, whatever their case: a second ``song`` is ``song-2``."""
    used, found = set(taken), []
    for stem, suffix in names:
        name, number = stem + suffix, 2
        while name.casefold() in used:
            name, number = f"{stem}-{number}{suffix}", number + 1
        used.add(name.casefold())
        found.append(name)
    return found


def _keep_inputs(targets: Iterable[Path], files: Iterable[str]) -> None:
    """Refuse to write over a file that is to be read."""
    inputs = {Path(file).resolve() for file in files}
    for target in targets:
        if target.resolve() in inputs:
            msg = f"{target} is an input, it would be overwritten"
            raise ValueError(msg)


def _summary(path: str, found: "Segmentation") -> str:
    counts = (len(found.labels), "section"), (len(set(found.labels)), "label")
    words = ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts)
    return f"{path}: {_clock(found.duration)}, {words}, confidence {found.confidence:.2f}"


def _rows(intervals: Any, labels: Iterable[str]) -> list[str]:
    return [
        f"{_clock(start):>10}  {_clock(end):>10}  {end - start:>9.2f}  {label}"
        for (start, end), label in zip(intervals, labels, strict=True)
    ]


def _clock(seconds: float) -> str:
    """Return 72.5 as 1:12.50."""
    minutes, hundredths = divmod(round(100 * seconds), 6000)
    hours, minutes = divmod(minutes, 60)
    clock = f"{minutes:02d}" if hours else f"{minutes}"
    return f"{f'{hours}:' if hours else ''}{clock}:{hundredths // 100:02d}.{hundredths % 100:02d}"


def _printable(text: str) -> str:
    """Escape what a terminal would obey or cannot show: a name may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _say(*lines: str, to: TextIO | None = None) -> None:
    stream = to or sys.stdout
    encoding = stream.encoding or "utf-8"
    text = "\n".join(map(_printable, lines))
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


if __name__ == "__main__":
    sys.exit(main())
