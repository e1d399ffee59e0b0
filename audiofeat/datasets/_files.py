"""Which files lie where, and whether they can be used."""

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from audiofeat._validation import as_number
from audiofeat.datasets.table import AudioDataset, Item, Problem
from audiofeat.io import AudioError, info, stream

Folder = str | os.PathLike[str]

# What is taken for audio in a folder.
SUFFIXES: tuple[str, ...] = (".wav", ".au", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".aifc")
SUFFIXES += (".snd", ".wave", ".caf", ".w64", ".rf64", ".mp2", ".m4a", ".aac", ".wma")


def as_folder(folder: Folder, name: str = "folder") -> Path:
    """Return a folder that exists."""
    path = Path(folder)
    if not path.is_dir():
        msg = f"{name} must be an existing folder, got {os.fspath(folder)!r}"
        raise ValueError(msg)
    return path


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder, without hidden ones and links, in order of their names."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return [folder / name for name in sorted(names) if not name.startswith(".")]


def audio_in(folder: Path) -> Iterator[Path]:
    """Yield the audio files below a folder in order of their names, without hidden ones; links to folders are left."""
    with os.scandir(folder) as entries:
        names = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    for name, is_folder in names:
        if name.startswith("."):
            continue
        path = folder / name
        if is_folder:
            yield from audio_in(path)
        elif path.suffix.lower() in SUFFIXES and not path.is_dir():
            yield path


def home_of(folder: Folder, classes: Collection[str]) -> Path:
    """Return where the folders of `classes` lie: in `folder`, or up to two levels below it."""
    top = as_folder(folder)
    level = [top]
    for _ in range(3):
        for path in level:
            if not {child.name for child in folders_in(path)}.isdisjoint(classes):
                return path
        level = [child for path in level for child in folders_in(path)]
    few = ", ".join(sorted(classes)[:3])
    msg = f"folder must hold folders named {few}, ..., got {os.fspath(folder)!r} without any"
    raise ValueError(msg)


def files_of(home: Path, classes: Collection[str]) -> Iterator[tuple[Path, str] | Problem]:
    """Yield the audio files of every class and its name; as problems, what of the classes is missing or too much."""
    present = {child.name: child for child in folders_in(home)}
    for name in sorted(set(classes) | set(present)):
        path = home / name
        if name not in present:
            yield Problem(str(path), "missing", "the folder of this class is missing", name)
            continue
        found = list(audio_in(path))
        if name in classes:
            yield from ((file, name) for file in found)
            if not found:
                yield Problem(str(path), "missing", "the folder of this class holds no audio files", name)
        elif found:
            yield Problem(str(path), "unknown", f"no class of this data set, with {len(found)} audio file(s)")


def present_as(path: Path) -> Path:
    """Return the file that exists under the name of `path` with any suffix of audio files, or `path`."""
    candidates = (path.with_name(path.stem + suffix) for suffix in (path.suffix, *SUFFIXES))
    return next((candidate for candidate in candidates if candidate.is_file()), path)


def collect(
    name: str,
    found: Iterable[Item | Problem],
    *,
    check: bool,
    min_duration: float,
    suspects: Collection[str] = (),
) -> AudioDataset:
    """Return the table of what was found: files that cannot be used go to its problems.

    Headers are opened with `check`, with a `min_duration`, and of the tracks `suspects`.
    """
    min_duration = as_number(min_duration, "min_duration", low=0.0)
    opened = check or min_duration > 0.0
    items: list[Item] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    for row in found:
        if isinstance(row, Problem):
            problems.append(row)
            continue
        fault = ("duplicate", "listed before") if row.path in seen else _fault_of_size(row.path)
        if fault is None and (opened or row.track in suspects):
            fault = _fault_of_header(row.path, min_duration)
        seen.add(row.path)
        if fault is None:
            items.append(row)
        else:
            problems.append(Problem(row.path, *fault, row.label, row.split))
    return AudioDataset(tuple(items), name, tuple(problems))


def _fault_of_size(path: str) -> tuple[str, str] | None:
    """Return the kind of the fault and the reason, if there is no such file or nothing in it."""
    try:
        status = Path(path).stat()
    except FileNotFoundError as error:
        return "missing", str(error.strerror)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        return "unreadable", getattr(error, "strerror", None) or str(error)
    if not stat.S_ISREG(status.st_mode):
        return "unreadable", "not a regular file"
    return ("empty", "the file is empty") if status.st_size == 0 else None


def _fault_of_header(path: str, min_duration: float) -> tuple[str, str] | None:
    """Return the kind of the fault and the reason, if a header is none or declares too little."""
    try:
        header = info(path)
        wanted, n_samples = round(min_duration * header.sr), header.declared_samples
        if n_samples is None:  # then as much is decoded as is asked for
            blocks = stream(path, block=header.sr, duration=min_duration or 1.0, truncated="keep")
            n_samples = sum(block.shape[-1] for block in blocks)
    except AudioError as error:
        return "unreadable", error.reason
    if n_samples == 0:
        return "empty", "the header declares no samples"
    if n_samples < wanted:
        return "short", f"lasts {n_samples / header.sr:.3f} s, min_duration is {min_duration:g} s"
    return None
