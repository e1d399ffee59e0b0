"""Labelled intervals to files."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._files import replacing
from audiofeat.annotations import _documents, _tables
from audiofeat.annotations._rows import Row, kind_of, problem

WRITERS: dict[str, Callable[[list[Row]], str]] = {
    "lab": _tables.write_lab,
    "audacity": _tables.write_lab,
    "csv": _tables.write_csv,
    "json": _documents.write_json,
    "textgrid": _documents.write_textgrid,
    "jams": _documents.write_jams,
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
    read_segments : Read the file back after it was corrected by hand.

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
    kind = kind_of(path, format)
    rows = as_rows(intervals, labels)
    if kind not in ("json", "jams") and any("\0" in label for *_, label in rows):
        msg = f"labels must be without NUL in format {kind!r}; json and jams can hold it"
        raise ValueError(msg)
    content = WRITERS[kind](rows).encode()
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def as_rows(intervals: ArrayLike, labels: Sequence[object]) -> list[Row]:
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
