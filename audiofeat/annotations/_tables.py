"""A line per interval: .lab, Audacity's labels, CSV."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from audiofeat.annotations._rows import Found, Row, fail

ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
LABELS = ("label", "labels", "structure", "section", "segment")  # names of the column, where there are others
UNESCAPED = {escape: character for character, escape in ESCAPES.items()} | {"\\s": " "}


def write_lab(rows: list[Row]) -> str:
    return "".join(f"{start!r}\t{end!r}\t{_escape(label)}\n" for start, end, label in rows)


def _escape(label: str) -> str:
    core = label.strip(" ")
    before = len(label) - len(label.lstrip(" ")) if core else len(label)
    after = len(label) - len(core) - before
    return "\\s" * before + "".join(ESCAPES.get(c, c) for c in core) + "\\s" * after


def read_lab(text: str, path: Path) -> Iterator[Found]:
    points: bool | None = None  # lines of time and label: SALAMI, Harmonix
    # only these end a line: str.splitlines would also break labels at U+2028 and others
    for n, line in enumerate(re.split("\r\n|\n|\r", text), 1):
        line = line.strip(" \t")
        if not line or line[0] in "#\\":
            continue
        columns = re.split("[ \t]+", line, maxsplit=2)
        if len(columns) < 2:
            fail(path, f"line {n}", f"the line must hold start, end and label, got {line!r}")
        if points is None:
            points = not _is_number(columns[1])
        if points:
            start, label = re.split("[ \t]+", line, maxsplit=1)
            end = start
        else:
            start, end = columns[:2]
            tabbed = line.split("\t")  # Isophonics has a column before the label, we never write a bare tab
            label = tabbed[3] if len(tabbed) == 4 else "".join(columns[2:])
        yield f"line {n}", start, end, re.sub(r"\\[\\tnrs]", lambda match: UNESCAPED[match[0]], label)


def write_csv(rows: list[Row]) -> str:
    table = io.StringIO(newline="")
    # labels are quoted always: QUOTE_MINIMAL leaves a lone carriage return bare
    writer = csv.writer(table, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    table.write("start,end,label\n")
    writer.writerows(rows)
    return table.getvalue()


def read_csv(text: str, path: Path) -> Iterator[Found]:
    found = re.match(r'\s*(?:"[^"]*"|[^",;\t]*)([,;\t])', text)
    delimiter = found[1] if found else ","
    lines = io.StringIO(text, newline="")
    table = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    width = 0
    start, end, label = 0, 1, 2
    try:
        for row in table:
            if not row:
                continue
            where = f"line {table.line_num}"
            if not width:
                width = len(row)
                start, end, label = (0, 0, 1) if width == 2 else (0, 1, width - 1)
                if width > 1 and not any(map(_is_number, row)):
                    start, end, label = _named(row, path, where) or (start, end, label)
                    continue
            if len(row) != width or width < 2:
                wanted = "time and label" if width == 2 else "start, end and label"
                fail(path, where, f"the row must hold {wanted}, got {row!r}")
            yield where, row[start], row[end], row[label]
    except csv.Error as error:
        fail(path, f"line {table.line_num}", str(error))


def _named(row: list[str], path: Path, where: str) -> tuple[int, int, int] | None:
    """Return which columns are start, end and label by their names, None if they do not say."""
    header = [name.strip().lower() for name in row]
    ends = [name for name in ("end", "stop") if name in header]
    if "start" not in header or not ends:
        return None
    start, end = header.index("start"), header.index(ends[0])
    others = [i for i in range(len(header)) if i not in (start, end)]
    if not others:
        fail(path, where, f"the row must hold start, end and label, got {row!r}")
    return start, end, next((i for i in others if header[i] in LABELS), others[-1])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
