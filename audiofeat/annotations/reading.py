"""Labelled intervals from files."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiofeat.annotations import _documents, _tables
from audiofeat.annotations._rows import Found, Row, fail, kind_of, problem

READERS: dict[str, Callable[[str, Path], Iterator[Found]]] = {
    "lab": _tables.read_lab,
    "audacity": _tables.read_lab,
    "csv": _tables.read_csv,
    "json": _documents.read_json,
    "textgrid": _documents.read_textgrid,
    "jams": _documents.read_jams,
}


def load_annotations(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002
) -> tuple[NDArray[np.float64], list[str]]:
    """Read labelled intervals from a file, as they stand there.

    `read_segments` makes sections of them, for figures and scores.

    Parameters
    ----------
    path : str or path-like
        The file.
    format : {"lab", "csv", "json", "audacity", "textgrid", "jams"} or None
        None: by the extension (``.lab``, ``.csv``, ``.json``, ``.txt``, ``.TextGrid``, ``.jams``).

    Returns
    -------
    intervals : ndarray, shape (n_intervals, 2)
        Start and end of each interval in seconds, float64. A point has its time twice.
    labels : list of str
        One label per interval.

    Raises
    ------
    ValueError
        If the file is not what its format says; the message names the file and the line.
    ImportError
        If the format is JAMS and the extra ``eval`` is not installed.

    See Also
    --------
    read_segments : Read sections that follow each other.
    save_annotations : Write such a file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "song.csv"
    >>> _ = path.write_text("start;end;structure\\n0.22;6.26;'I'\\n6.26;19.5;A1\\n".replace("'", '"'))
    >>> intervals, labels = load_annotations(path)
    >>> intervals.tolist(), labels
    ([[0.22, 6.26], [6.26, 19.5]], ['I', 'A1'])
    """
    path = Path(path)
    rows = checked(READERS[kind_of(path, format)](decode(path), path), path)
    intervals = np.array([row[:2] for row in rows], dtype=np.float64).reshape(-1, 2)
    return intervals, [label for *_, label in rows]


def checked(found: Iterable[Found], path: Path) -> list[Row]:
    """Return what was found in a file as rows, or fail at the first that is none."""
    rows: list[Row] = []
    for where, start, end, label in found:
        try:
            times = float(start), float(end)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            fail(path, where, f"start and end must be numbers, got {start!r} and {end!r}")
        if not isinstance(label, str):
            fail(path, where, f"label must be a string, got {label!r}")
        if wrong := problem(times, rows[-1][0] if rows else 0.0):
            fail(path, where, wrong)
        rows.append((*times, label))
    return rows


def decode(path: Path) -> str:
    content = path.read_bytes()
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))  # Praat's own habit
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        fail(path, f"line {line}", f"the text must be UTF-8, got the byte 0x{content[error.start]:02x}")
