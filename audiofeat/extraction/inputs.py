"""Which files are meant."""

import csv
import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from audiofeat.datasets import AudioDataset
from audiofeat.datasets._files import audio_in
from audiofeat.datasets.generic import COLUMNS

Inputs = str | os.PathLike[str] | AudioDataset | Iterable[str | os.PathLike[str]]

TABLES = (".csv", ".tsv")


def as_files(inputs: Inputs, shard: str | None = None) -> list[str]:
    """Return the paths of the files, each once; of a shard ``"i/n"``, every n-th of them in order of their names."""
    files = list(dict.fromkeys(_files_of(inputs)))
    if not files:
        msg = f"inputs must hold at least 1 audio file, got {inputs!r} with none"
        raise ValueError(msg)
    if shard is None:
        return files
    i, n = as_shard(shard)
    return sorted(files)[i - 1 :: n]


def as_shard(shard: str) -> tuple[int, int]:
    """Return i and n of ``"i/n"``, 1 <= i <= n."""
    numbers = shard.split("/")
    if len(numbers) == 2 and all(number.isdecimal() for number in numbers):
        i, n = map(int, numbers)
        if 1 <= i <= n:
            return i, n
    msg = f"shard must be i/n with 1 <= i <= n, got {shard!r}"
    raise ValueError(msg)


def with_status(files: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    """Yield paths with size in bytes and time of change in ns: zeros of what is not there, to be told as an error."""
    for file in files:
        try:
            status = os.stat(file)  # noqa: PTH116 - no Path is made for each of a million
        except OSError:
            yield file, 0, 0
        else:
            yield file, status.st_size, status.st_mtime_ns


def _files_of(inputs: Inputs) -> Iterator[str]:
    if isinstance(inputs, AudioDataset):
        return (item.path for item in inputs)
    if isinstance(inputs, str | os.PathLike):
        return _found(os.fspath(inputs))
    return map(_as_path, inputs)


def _as_path(path: object) -> str:
    if not isinstance(path, str | os.PathLike) or not isinstance(name := os.fspath(path), str):
        msg = f"inputs must be paths, got {path!r}"
        raise TypeError(msg)
    if not name or "\0" in name:
        msg = f"inputs must be names of files, got {name!r}"
        raise ValueError(msg)
    return name


def _found(name: str) -> Iterator[str]:
    """Yield the files of a folder, a table or a pattern."""
    path = Path(_as_path(name))
    if path.is_dir():
        yield from map(str, audio_in(path))
    elif path.suffix.lower() in TABLES and path.is_file():
        yield from _listed(path)
    elif path.is_file():
        yield name
    elif glob.has_magic(name):
        yield from sorted(found for found in glob.iglob(name, recursive=True) if Path(found).is_file())  # noqa: PTH207
    else:
        msg = f"inputs must be a folder, a file, a table in .csv or .tsv, or a pattern, got {name!r}: not there"
        raise ValueError(msg)


def _listed(table: Path) -> Iterator[str]:
    """Yield the files in the column of paths of a table, relative to its folder."""
    with table.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        head = file.readline()
        file.seek(0)
        reader = csv.reader(file, delimiter=max(",;\t", key=head.count), strict=True)
        try:
            names = [name.strip().lower() for name in next(reader, [])]
            found = [names.index(name) for name in COLUMNS["path"] if name in names]
            if not found:
                msg = f"{table}, line 1: one column must be {', '.join(COLUMNS['path'])}, got {names}"
                raise ValueError(msg)
            for cells in reader:
                if not cells:
                    continue
                path = cells[found[0]].strip() if len(cells) == len(names) else ""
                if not path:
                    msg = f"{table}, line {reader.line_num}: must have {len(names)} cells and a path, got {cells}"
                    raise ValueError(msg)
                yield _as_path(str(table.parent / path))
        except csv.Error as error:
            msg = f"{table}, line {reader.line_num}: {error}"
            raise ValueError(msg) from error
