"""Structured documents: JSON, Praat's TextGrid, JAMS."""

import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from audiofeat.annotations._rows import Found, Row, fail


def write_json(rows: list[Row]) -> str:
    segments = [{"start": start, "end": end, "label": label} for start, end, label in rows]
    duration = max((end for _, end, _ in rows), default=0.0)
    return json.dumps({"duration": duration, "segments": segments}, ensure_ascii=False, indent=1) + "\n"


def read_json(text: str, path: Path) -> Iterator[Found]:
    content = _parse_json(text, path)
    segments = content.get("segments") if isinstance(content, dict) else None
    if not isinstance(segments, list):
        fail(path, "line 1", "the file must hold an object with a list named 'segments'")
    for i, segment in enumerate(segments):
        if not isinstance(segment, dict) or not {"start", "end", "label"} <= segment.keys():
            fail(path, f"segments[{i}]", f"the segment must hold start, end and label, got {segment!r}")
        yield f"segments[{i}]", segment["start"], segment["end"], segment["label"]


def _parse_json(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:  # also an integer of thousands of digits, which has no line
        fail(path, f"line {getattr(error, 'lineno', 1)}", f"the file must be JSON: {error}")


def write_textgrid(rows: list[Row]) -> str:
    if not rows:
        msg = "intervals must be at least 1 in a TextGrid, got none"
        raise ValueError(msg)
    for i, (start, end, _) in enumerate(rows):
        if end == start or (i and start != rows[i - 1][1]):
            msg = f"intervals must touch and not be empty in a TextGrid, got [{start}, {end}] at index {i}"
            raise ValueError(msg)
    limits = f"xmin = {rows[0][0]!r} \n{{0}}xmax = {rows[-1][1]!r} \n"
    lines = [
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n',
        limits.format(""),
        "tiers? <exists> \nsize = 1 \nitem []: \n    item [1]:\n        ",
        'class = "IntervalTier" \n        name = "segments" \n        ',
        limits.format(" " * 8),
        f"        intervals: size = {len(rows)} \n",
    ]
    for i, (start, end, label) in enumerate(rows, 1):
        text = label.replace('"', '""')
        lines.append(f"        intervals [{i}]:\n            xmin = {start!r} \n")
        lines.append(f'            xmax = {end!r} \n            text = "{text}" \n')
    return "".join(lines)


# Praat reads strings in quotes, numbers that stand free and <flags>; all else is for the human reader
TOKEN = re.compile(r'"((?:[^"]|"")*)"|(?<!\S)([-+]?(?:\d|\.\d)[^\s"]*)(?!\S)')


def read_textgrid(text: str, path: Path) -> Iterator[Found]:
    tokens = TOKEN.finditer(text)
    line, position = 1, 0

    def take(kind: int, what: str) -> tuple[str, str]:
        nonlocal line, position
        match = next(tokens, None)
        start = match.start() if match else len(text)
        line += text.count("\n", position, start)
        position, where = start, f"line {line}"
        if match is None or match[kind] is None:
            fail(path, where, f"{what} must follow, got {match[0] if match else 'the end of the file'}")
        return where, match[kind]

    def count(what: str) -> int:
        where, value = take(2, what)
        if not value.isdecimal():
            fail(path, where, f"{what} must be a whole number, got {value}")
        return int(value)

    heading = take(1, "a file type"), take(1, "an object class")
    if [value for _, value in heading] != ["ooTextFile", "TextGrid"]:
        fail(path, "line 1", "the file must be an ooTextFile that holds a TextGrid")
    take(2, "xmin"), take(2, "xmax")
    for _ in range(count("a number of tiers")):
        kind = take(1, "the class of a tier")[1]
        take(1, "the name of a tier"), take(2, "xmin"), take(2, "xmax")
        for _ in range(count("a number of intervals")):
            where, start = take(2, "a time")
            if kind == "IntervalTier":
                end = take(2, "a time")[1]
                yield where, start, end, take(1, "a text")[1].replace('""', '"')
            else:
                take(1, "a mark")
        if kind == "IntervalTier":
            return
    fail(path, "line 1", "the TextGrid must hold an IntervalTier, got none")


def write_jams(rows: list[Row]) -> str:
    return dump_jams("segment_open", rows)


def dump_jams(namespace: str, rows: Iterable[tuple[float, float, Any]]) -> str:
    """Return a document of one annotation, whose rows are start, end and a value of the namespace."""
    jams, rows = _jams(), list(rows)
    duration = max((end for _, end, _ in rows), default=0.0)
    annotation = jams.Annotation(namespace=namespace, time=0, duration=duration)
    for start, end, value in rows:
        annotation.append(time=start, duration=end - start, value=value, confidence=None)
    document = jams.JAMS(annotations=[annotation], file_metadata=jams.FileMetadata(duration=duration))
    return str(document.dumps(ensure_ascii=False, indent=1)) + "\n"


def read_jams(text: str, path: Path) -> Iterator[Found]:
    yield from segments_of_jams(text, path)[0][1]


def segments_of_jams(text: str, path: Path) -> list[tuple[str, list[Found]]]:
    """Return the namespace and the rows of each annotation of segments, at least one."""
    found = []
    for number, annotation in enumerate(load_jams(text, path).annotations):
        if annotation.namespace.startswith("segment"):
            found.append((annotation.namespace, list(observed(list(annotation.data), f"annotations[{number}]"))))
    if not found:
        fail(path, "annotations", "the file must hold an annotation of segments, got none")
    return found


def load_jams(text: str, path: Path) -> Any:
    jams = _jams()
    _parse_json(text, path)  # jams would not name the line
    foreign = (jams.JamsError, ValueError, TypeError, KeyError, AttributeError)
    try:
        # unvalidated: its validator warns of a deprecated call, and what is read is checked by ourselves
        return jams.load(io.StringIO(text), validate=False, fmt="jams")
    except foreign as error:
        fail(path, "line 1", f"the file must be a valid JAMS document: {error}")


def observed(data: list[Any], where: str) -> Iterator[Found]:
    for i, item in enumerate(data):
        end = item.time + item.duration
        if i + 1 < len(data) and abs(data[i + 1].time - end) < 1e-9:
            end = max(item.time, data[i + 1].time)
        yield f"{where}.data[{i}]", item.time, end, item.value


def _jams() -> Any:
    try:
        import jams
    except ImportError as error:
        msg = "JAMS files need the package jams: pip install 'audiofeat[eval]'"
        raise ImportError(msg) from error
    return jams
