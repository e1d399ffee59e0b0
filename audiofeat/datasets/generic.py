"""Any collection: a folder per class, or a table of files."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from audiofeat.datasets._files import Folder, as_folder, audio_in, collect, folders_in
from audiofeat.datasets.table import AudioDataset, Item, Problem

# Names under which the columns of a table are looked for, in lower case, in this order.
COLUMNS = {
    "path": ("path", "file", "filename", "file_name", "audio"),
    "label": ("label", "class", "genre", "category"),
    "track": ("track", "track_id"),
    "artist": ("artist", "artist_id", "artist_name"),
    "split": ("split", "fold"),
}


def load_folder(
    folder: Folder, *, artist_pattern: str | None = None, check: bool = False, min_duration: float = 0.0
) -> AudioDataset:
    r"""Load a folder that holds a folder of audio files for each class.

    Parameters
    ----------
    folder : str or os.PathLike
        Its folders are the classes, and all audio files below one of them are of that class. Hidden files, files
        with other suffixes and links to folders are passed over.
    artist_pattern : str or None, default=None
        Regular expression that is searched in the name of a file without its suffix, and whose first group is the
        artist: ``r"(.+?) - "``. Where it is not found the artist is not known.
    check : bool, default=False
        Open the header of every file.
    min_duration : float, default=0.0
        Least duration in seconds; above 0 the headers are opened.

    Returns
    -------
    AudioDataset
        A row to a file; its track is its path below `folder`, without suffix. Audio files beside the folders are
        problems of the kind ``"unlabelled"``.

    Raises
    ------
    ValueError
        If `folder` is no folder or holds no audio files, or if `artist_pattern` is not a pattern with a group.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from pathlib import Path
    >>> from audiofeat import save
    >>> from audiofeat.datasets import load_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat", "dog"):
    ...         Path(folder, name).mkdir()
    ...         save(f"{folder}/{name}/1.wav", np.zeros(800), 8000)
    ...     dataset = load_folder(folder, min_duration=0.1)
    >>> dataset.counts, dataset.track.tolist()
    ({'cat': 1, 'dog': 1}, ['cat/1', 'dog/1'])
    """
    top = as_folder(folder)
    pattern = as_pattern(artist_pattern)

    def found() -> Iterator[Item | Problem]:
        for path in sorted(top.iterdir()):
            if path.is_file() and path in audio:
                yield Problem(str(path), "unlabelled", "the file lies in no folder of a class")
        for home in folders_in(top):
            for path in audio_in(home):
                track = path.relative_to(top).with_suffix("").as_posix()
                yield Item(str(path), home.name, track, artist_in(path, pattern))

    audio = set(audio_in(top))
    if not audio:
        msg = f"folder must hold audio files in folders, one for each class, got {str(top)!r} without any"
        raise ValueError(msg)
    return collect(top.resolve().name or "folder", found(), check=check, min_duration=min_duration)


def load_csv(
    path: Folder, *, root: Folder | None = None, check: bool = False, min_duration: float = 0.0
) -> AudioDataset:
    """Load a table of files and labels.

    Parameters
    ----------
    path : str or os.PathLike
        Text in UTF-8, its columns separated by commas, semicolons or tabs, under a header. The column of files is
        called path, file, filename, file_name or audio, that of classes label, class, genre or category, both
        necessary; then there may be track or track_id, artist, artist_id or artist_name, and split or fold. Capitals
        do not matter, and other columns are passed over.
    root : str, os.PathLike or None, default=None
        Folder which the paths of the table are relative to; None is that of the table.
    check : bool, default=False
        Open the header of every file.
    min_duration : float, default=0.0
        Least duration in seconds; above 0 the headers are opened.

    Returns
    -------
    AudioDataset
        A row to a file; without a track, that is the path without its suffix. Files without a label, and those
        listed again, are problems.

    Raises
    ------
    ValueError
        If the table is not of this form; the message names the file and the line.
    OSError
        If the table cannot be read.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from pathlib import Path
    >>> from audiofeat import save
    >>> from audiofeat.datasets import load_csv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/a.wav", np.zeros(800), 8000)
    ...     table = Path(folder, "table.csv")
    ...     _ = table.write_text("File;Genre;Fold\\na.wav;rock;1\\nb.wav;pop;2\\n")
    ...     dataset = load_csv(table)
    >>> dataset.items[0][1:], dataset.problems[0][1:3]
    (('rock', 'a', '', '1'), ('missing', 'No such file or directory'))
    """
    table = Path(path)
    home = table.parent if root is None else as_folder(root, "root")

    def found() -> Iterator[Item | Problem]:
        for n, row in rows_of(table, COLUMNS):
            if not row["path"]:
                msg = f"{table}, line {n}: the path must not be empty"
                raise ValueError(msg)
            file, split = str(home / row["path"]), row.get("split", "")
            if not row["label"]:
                yield Problem(file, "unlabelled", f"line {n} gives no label", split=split)
                continue
            track = row.get("track") or Path(row["path"]).with_suffix("").as_posix()
            yield Item(file, row["label"], track, row.get("artist", ""), split)

    return collect(table.stem, found(), check=check, min_duration=min_duration)


def rows_of(table: Path, columns: dict[str, tuple[str, ...]]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the lines of a table with their numbers: the cells, without space around them, of `columns` it has."""
    try:
        text = table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{table}: the text must be UTF-8, got the byte 0x{error.object[error.start]:02x}"
        raise ValueError(msg) from error
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        at = {
            column: next(names.index(alias) for alias in aliases if alias in names)
            for column, aliases in columns.items()
            if not set(aliases).isdisjoint(names)
        }
        for column in ("path", "label"):
            if column not in at:
                msg = f"{table}, line 1: one column must be {', '.join(columns[column])}, got {names}"
                raise ValueError(msg)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(names):
                msg = f"{table}, line {reader.line_num}: the line must have {len(names)} cells, got {len(cells)}"
                raise ValueError(msg)
            yield reader.line_num, {column: cells[i].strip() for column, i in at.items()}
    except csv.Error as error:
        msg = f"{table}, line {reader.line_num}: {error}"
        raise ValueError(msg) from error


def as_pattern(artist_pattern: str | None) -> re.Pattern[str] | None:
    """Return a compiled pattern that has a group."""
    if artist_pattern is None:
        return None
    try:
        pattern = re.compile(artist_pattern)
    except re.error as error:
        msg = f"artist_pattern must be a regular expression, got {artist_pattern!r}: {error}"
        raise ValueError(msg) from error
    if pattern.groups < 1:
        msg = f"artist_pattern must have a group, got {artist_pattern!r}"
        raise ValueError(msg)
    return pattern


def artist_in(path: Path, pattern: re.Pattern[str] | None) -> str:
    """Return the artist that a file's name gives, or nothing."""
    match = pattern.search(path.stem) if pattern else None
    return (match[1] or "").strip() if match else ""
