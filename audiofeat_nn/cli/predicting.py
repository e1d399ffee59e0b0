"""The command ``predict``: classes of files, of folders, or of a list of paths."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from audiofeat_nn.cli._network import load_trained
from audiofeat_nn.cli._terminal import FAILURES, UsageError, keep_inputs, namer, need, report, say
from audiofeat_nn.cli.asking import device_named, network_failures

if TYPE_CHECKING:
    from audiofeat_nn.prediction import Prediction

FIGURES = (".png", ".pdf", ".svg")
SHOWN = 3  # classes of a file in the table, the likeliest first
LIST = "-"  # paths, one to a line, on stdin
# What is taken for audio in a folder; what cannot be decoded among it is reported, as any bad file.
AUDIO: tuple[str, ...] = (".aac", ".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".m4a", ".mp2", ".mp3")
AUDIO += (".oga", ".ogg", ".opus", ".rf64", ".snd", ".w64", ".wav", ".wave", ".wma")


def run_predict(arguments: argparse.Namespace) -> int:
    device = device_named(arguments.device)
    given: list[str] = arguments.files
    many = len(given) > 1 or given == [LIST] or Path(given[0]).is_dir()
    if arguments.timeline is not None:
        need("matplotlib", "plot")
        _check_timeline(arguments.timeline, many=many)
    try:
        network = load_trained(arguments.network, vote=arguments.vote, batch_size=arguments.batch_size, device=device)
    except FAILURES as error:
        return report(arguments.network, error)
    from audiofeat_nn.prediction import Failure

    troubles: list[OSError] = []
    width = 0
    files = _files(given, troubles)
    if LIST not in given:  # whose end may be far
        files = iter(known := list(files))
        width = max(map(len, known), default=0)
    name, code = namer(), 0
    try:
        for file, found in network.predictions(files, arguments.n_jobs):
            if isinstance(found, Failure):
                code = report(file, ValueError(found.reason))
                continue
            _say(file, found, width, as_json=arguments.json)
            if arguments.timeline is None:
                continue
            path = Path(arguments.timeline)
            if many or _is_folder(arguments.timeline):
                path = path / name(Path(file).stem, FIGURES[0])
            try:
                keep_inputs([path], [file])
                _draw(path, found, file)
            except FAILURES as error:
                code = report(str(path), error)
    except network_failures() as error:  # of the network or the device, which no other file would escape
        return report(arguments.network, error)
    for trouble in troubles:
        code = report(str(trouble.filename), trouble)
    return code


def _say(file: str, found: "Prediction", width: int, *, as_json: bool) -> None:
    proba = dict(zip(map(str, found.classes.tolist()), found.proba.tolist(), strict=True))
    if as_json:
        say(json.dumps({"file": file, "label": str(found.label), "probabilities": proba}))
        return
    likely = sorted(proba.items(), key=lambda one: -one[1])[:SHOWN]
    told = "  ".join(f"{name} {share:.2f}" for name, share in likely)
    say(f"{file:<{width}}  {found.label!s:<16}  {told}")


def _files(given: Iterable[str], troubles: list[OSError]) -> Iterator[str]:
    """Yield each file, those below folders and those listed on stdin too."""
    for text in given:
        if text == LIST:
            lines = (line.rstrip(b"\r\n") for line in sys.stdin.buffer)  # names need not be text
            yield from (os.fsdecode(line) for line in lines if line)
        elif Path(text).is_dir():
            yield from _below(text, troubles)
        else:
            yield text


def _below(top: str, troubles: list[OSError]) -> Iterator[str]:
    """Yield the audio files of a folder and its subfolders, but for hidden ones, in the order of their names."""
    empty = True
    before = len(troubles)
    for folder, subfolders, names in os.walk(top, onerror=troubles.append):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(AUDIO) and not name.startswith("."):
                empty = False
                yield str(Path(folder, name))
    if empty and len(troubles) == before:
        troubles.append(OSError(0, "holds no audio files", top))


def _check_timeline(given: str, *, many: bool) -> None:
    path = Path(given)
    if _is_folder(given):
        return
    if many and path.suffix:
        msg = f"--timeline must be a folder for more than one file, got {given!r}"
        raise UsageError(msg)
    if not many and path.suffix.lower() not in FIGURES:
        msg = f"--timeline must end in one of {', '.join(FIGURES)}, or be a folder, got {given!r}"
        raise UsageError(msg)


def _is_folder(given: str) -> bool:
    return Path(given).is_dir() or given.endswith(("/", os.sep))


def _draw(path: Path, found: "Prediction", file: str) -> None:
    from audiofeat._files import replacing
    from audiofeat_nn.prediction import plot_timeline

    figure = plot_timeline(found, title=f"{Path(file).name}: {found.label}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower())
