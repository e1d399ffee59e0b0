"""A line per interval: .lab, Audacity's labels, CSV."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from audiofeat.annotations._rows import Found, Row, fail

ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
UNESCAPED = {escape: character for character, escape in ESCAPES.items()} | {"\\s": " "}


def write_lab(rows: list[Row]) -> str:
    return "".join(f"{start!r}\t{end!r}\t{_escape(label)}\n" for start, end, label in rows)


def _escape(label: str) -> str:
    core = label.strip(" ")
    before = len(label) - len(label.lstrip(" ")) if core else len(label)
    after = len(label) - len(core) - before
    return "\\s" * before + "".join(ESCAPES.get(c, c) for c in core) + "\\s" * after


def read_lab(text: str, path: Path) -> Iterator[Found]:
    # only these end a line: str.splitlines would also break labels at U+2028 and others
    for n, line in enumerate(re.split("\r\n|\n|\r", text), 1):
        line = line.strip(" \t")
        if not line or line[0] in "#\\":
            continue
        columns = re.split("[ \t]+", line, maxsplit=2)
        if len(columns) < 2:
            fail(path, f"line {n}", f"the line must hold start, end and label, got {line!r}")
        label = columns[2] if len(columns) == 3 else ""
        label = re.sub(r"\\[\\tnrs]", lambda match: UNESCAPED[match[0]], label)
        yield f"line {n}", columns[0], columns[1], label


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
    start, end, label = 0, 1, 2
    first = True
    try:
        for row in table:
            if not row:
                continue
            if len(row) != 3:
                fail(path, f"line {table.line_num}", f"the row must hold start, end and label, got {row!r}")
            names = [name.strip().lower() for name in row]
            if first and not any(_is_number(row[i]) for i in range(3)):
                stop = "end" if "end" in names else "stop"
                if "start" in names and stop in names:
                    start, end = names.index("start"), names.index(stop)
                    label = 3 - start - end
            else:
                yield f"line {table.line_num}", row[start], row[end], row[label]
            first = False
    except csv.Error as error:
        fail(path, f"line {table.line_num}", str(error))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
