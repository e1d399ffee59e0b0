r"""Labelled intervals to and from files.

The formats, all of them UTF-8 (a byte-order mark is read over, and UTF-16 is read if it has one):

``lab`` (MIREX, mir_eval) and ``audacity``
    A line per interval: start, tab, end, tab, label. In labels a backslash is written ``\\``, a tab ``\t``, a
    line break ``\n`` or ``\r``, and a space at either end ``\s``. Read: any white space between the columns,
    blank lines, lines of comment (``#``) and Audacity's lines of frequencies (a backslash) skipped.
``csv``
    Columns start, end and label under a header, labels in quotes (RFC 4180). Read: with or without header,
    commas, semicolons or tabs, columns in any order if the header names ``start`` and ``end`` or ``stop``.
``json``
    ``{"duration": ..., "segments": [{"start": ..., "end": ..., "label": ...}, ...]}``.
``textgrid`` (Praat)
    One interval tier in the long text form. Read: the first interval tier, long or short form.
``jams``
    One annotation in the namespace ``segment_open``. Read: the first whose namespace starts with ``segment``.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat._files import replacing
from audiofeat._validation import as_choice
from audiofeat.annotations import _documents, _tables
from audiofeat.annotations._rows import Found, Row, fail, problem

EXTENSIONS = {
    ".lab": "lab",
    ".csv": "csv",
    ".json": "json",
    ".txt": "audacity",
    ".textgrid": "textgrid",
    ".jams": "jams",
}
WRITERS: dict[str, Callable[[list[Row]], str]] = {
    "lab": _tables.write_lab,
    "audacity": _tables.write_lab,
    "csv": _tables.write_csv,
    "json": _documents.write_json,
    "textgrid": _documents.write_textgrid,
    "jams": _documents.write_jams,
}
READERS: dict[str, Callable[[str, Path], Iterator[Found]]] = {
    "lab": _tables.read_lab,
    "audacity": _tables.read_lab,
    "csv": _tables.read_csv,
    "json": _documents.read_json,
    "textgrid": _documents.read_textgrid,
    "jams": _documents.read_jams,
}


def save_annotations(
    path: str | os.PathLike[str],
    intervals: ArrayLike,
    labels: Sequence[str],
    *,
    format: str | None = None,  # noqa: A002
) -> None:
    """Write labelled intervals to a file that other tools read.

    The file is written under a temporary name in the same folder and then takes its own, so that no
    reader sees half of it.

    Parameters
    ----------
    path : str or path-like
        The file; one that exists is replaced.
    intervals : array_like, shape (n_intervals, 2)
        Start and end of each interval in seconds: finite, not negative, ``start <= end``, sorted by start.
        A TextGrid asks for more: at least one interval, none empty, each starting where the last ended.
    labels : sequence of str, length n_intervals
        Any text; only JSON and JAMS can hold the character NUL.
    format : {"lab", "csv", "json", "audacity", "textgrid", "jams"} or None
        None: by the extension (``.lab``, ``.csv``, ``.json``, ``.txt``, ``.TextGrid``, ``.jams``).

    Raises
    ------
    ValueError
        If the intervals or labels are not as above, or the extension is unknown.
    TypeError
        If a label is not a string.
    ImportError
        If the format is JAMS and the extra ``eval`` is not installed.

    See Also
    --------
    load_annotations : Read the file back.

    Notes
    -----
    Times are written with all the digits that make the same float64 again. JAMS stores durations, not
    ends, so that an end may come back one rounding away; an end within a nanosecond of the next
    start comes back as that start.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> save_annotations(folder / "song.lab", [[0, 8], [8, 24.5]], ["intro", "verse"])
    >>> print((folder / "song.lab").read_text(), end="")
    0.0	8.0	intro
    8.0	24.5	verse
    """
    path = Path(path)
    kind = _kind(path, format)
    rows = _as_rows(intervals, labels)
    if kind not in ("json", "jams") and any("\0" in label for *_, label in rows):
        msg = f"labels must be without NUL in format {kind!r}; json and jams can hold it"
        raise ValueError(msg)
    content = WRITERS[kind](rows).encode()
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def load_annotations(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002
) -> tuple[NDArray[np.float64], list[str]]:
    """Read labelled intervals from a file.

    Parameters
    ----------
    path : str or path-like
        The file.
    format : {"lab", "csv", "json", "audacity", "textgrid", "jams"} or None
        None: by the extension (``.lab``, ``.csv``, ``.json``, ``.txt``, ``.TextGrid``, ``.jams``).

    Returns
    -------
    intervals : ndarray, shape (n_intervals, 2)
        Start and end of each interval in seconds, float64.
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
    kind = _kind(path, format)
    text = _decode(path)
    rows: list[Row] = []
    for where, start, end, label in READERS[kind](text, path):
        try:
            times = float(start), float(end)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            fail(path, where, f"start and end must be numbers, got {start!r} and {end!r}")
        if not isinstance(label, str):
            fail(path, where, f"label must be a string, got {label!r}")
        if wrong := problem(times, rows[-1][0] if rows else 0.0):
            fail(path, where, wrong)
        rows.append((*times, label))
    intervals = np.array([row[:2] for row in rows], dtype=np.float64).reshape(-1, 2)
    return intervals, [label for *_, label in rows]


def _kind(path: Path, asked: str | None) -> str:
    if asked is not None:
        return as_choice(asked, "format", set(EXTENSIONS.values()))
    if path.suffix.lower() not in EXTENSIONS:
        msg = f"path must end in one of {', '.join(EXTENSIONS)} where format is not given, got {str(path)!r}"
        raise ValueError(msg)
    return EXTENSIONS[path.suffix.lower()]


def _as_rows(intervals: ArrayLike, labels: Sequence[object]) -> list[Row]:
    array = np.asarray(intervals, dtype=np.float64)
    array = array.reshape(0, 2) if array.size == 0 else array
    if array.ndim != 2 or array.shape[1] != 2:
        msg = f"intervals must have shape (n_intervals, 2), got {array.shape}"
        raise ValueError(msg)
    if len(labels) != len(array):
        msg = f"labels must be as many as the {len(array)} intervals, got {len(labels)}"
        raise ValueError(msg)
    rows: list[Row] = []
    for i, ((start, end), label) in enumerate(zip(array.tolist(), labels, strict=True)):
        if wrong := problem((start, end), rows[-1][0] if rows else 0.0):
            msg = f"intervals[{i}]: {wrong}"
            raise ValueError(msg)
        if not isinstance(label, str):
            msg = f"labels must be strings, got {label!r} at index {i}"
            raise TypeError(msg)
        if any("\ud800" <= character <= "\udfff" for character in label):
            msg = f"labels must be without lone surrogates, got {label!r} at index {i}"
            raise ValueError(msg)
        rows.append((start, end, str(label)))
    return rows


def _decode(path: Path) -> str:
    content = path.read_bytes()
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))  # Praat's own habit
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        fail(path, f"line {line}", f"the text must be UTF-8, got the byte 0x{content[error.start]:02x}")
