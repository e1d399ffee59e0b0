"""SALAMI's own text, which holds three segmentations at once.

A line is a time and a list: ``12.5<tab>B, c, Verse, (voice``. Capitals name the large sections, one or two small
letters the small ones, words the functions; brackets open and close what leads, and are no section.
"""

import re
from collections.abc import Callable
from pathlib import Path

from audiofeat.annotations._rows import Row, fail

LEVELS = ("uppercase", "lowercase", "functions")
NAMESPACES = {  # of JAMS
    "uppercase": "segment_salami_upper",
    "lowercase": "segment_salami_lower",
    "functions": "segment_salami_function",
}
UPPER, LOWER = re.compile("[A-Z]'*"), re.compile("[a-z][a-z]?'*")


def is_salami(rows: list[Row]) -> bool:
    """Whether points have labels of several levels."""
    lists = [_parts(label) for *_, label in rows]
    return any(len(parts) > 1 and UPPER.fullmatch(parts[0]) for parts in lists)


def at_level(rows: list[Row], level: str, path: Path) -> list[Row]:
    """Return the points of one level, as SALAMI's own parsed files have them."""
    name: Callable[[list[str]], str | None] = {"uppercase": _upper, "lowercase": _lower, "functions": _function}[level]
    named = [(start, end, name(_parts(label))) for start, end, label in rows]
    found = [(start, end, label) for start, end, label in named if label is not None]
    if all(label.lower() in ("silence", "end") for *_, label in found):
        fail(path, f"level {level!r}", "the file must hold labels of the level, got none")
    return found


def _parts(label: str) -> list[str]:
    return [part.strip() for part in label.split(",")]


def _everywhere(parts: list[str]) -> str | None:
    return next((part for part in parts if part.lower() in ("silence", "end")), None)


def _upper(parts: list[str]) -> str | None:
    return _everywhere(parts) or next(filter(UPPER.fullmatch, parts), None)


def _lower(parts: list[str]) -> str | None:
    return _everywhere(parts) or next(filter(LOWER.fullmatch, parts), None)


def _function(parts: list[str]) -> str | None:
    words = [p for p in parts if p and not (UPPER.fullmatch(p) or LOWER.fullmatch(p) or "(" in p or ")" in p)]
    if words:  # of two at once the last, as where the parsed file gives both the same time
        return words[-1][0].upper() + words[-1][1:]
    return "no_function" if _upper(parts) else None  # within a large section its function goes on
