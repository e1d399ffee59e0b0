"""The page of a folder: a row to a file, with its sections in small and a link to its own page."""

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from audiofeat._clock import clock
from audiofeat.report import _pictures as pictures
from audiofeat.report._audio import relative_url
from audiofeat.report._markup import Markup, join, tag
from audiofeat.report._page import count, document, header

HEADS = ("Structure", "Duration", "Sections", "Labels", "Confidence", "Status")


class Entry(NamedTuple):
    """What is known of a file: its sections as starts, ends and labels, or the reason why there are none."""

    file: str
    status: str
    name: str
    page: str
    confidence: float
    sections: list[tuple[float, float, str]]
    reason: str
    parameters: str

    @property
    def duration(self) -> float:
        return self.sections[-1][1] if self.sections else 0.0

    @property
    def n_labels(self) -> int:
        return len({label for *_, label in self.sections})


def index(entries: Sequence[Entry], *, title: str, path: Path) -> str:
    """Return the page that is to lie at `path`; the entries name files relative to its folder."""
    styles = pictures.styles_of([label for entry in entries for *_, label in entry.sections])
    kinds = {label: kind for kind, label in enumerate(styles)}
    head = tag("thead", {}, tag("tr", {}, *(tag("th", {"scope": "col"}, name) for name in ("File", *HEADS))))
    folders = [Path(entry.file).parent.parts for entry in entries]
    n_common = len(list(takewhile(lambda level: len(set(level)) == 1, zip(*folders, strict=False))))
    rows = [_row(entry, "/".join(Path(entry.file).parts[n_common:]), kinds, path) for entry in entries]
    body = tag("table", {"class": "index", "aria-label": "Files"}, head, tag("tbody", {}, *rows))
    failed = sum(entry.status == "failed" for entry in entries)
    line = count(len(entries), "file") + (f" · {failed:,} failed" if failed else "")
    whole = join([pictures.tiles(styles), header(title, line), tag("div", {"class": "scroll"}, body)])
    return document(title, whole, pictures.rules(styles), "")


def _row(entry: Entry, shown: str, kinds: dict[str, int], path: Path) -> Markup:
    name = tag("bdi", {}, shown)
    if entry.page:
        name = tag("a", {"href": relative_url(path.parent / entry.page, path)}, name)
    first = tag("th", {"scope": "row"}, name)
    if entry.status == "failed":
        return tag("tr", {}, first, tag("td", {"colspan": len(HEADS), "class": "failed"}, f"failed: {entry.reason}"))
    sections = [pictures.Section(start, end, label, kinds[label]) for start, end, label in entry.sections]
    facts = [clock(entry.duration), f"{len(sections)}", f"{entry.n_labels}", f"{entry.confidence:.2f}", entry.status]
    told = [pictures.strip(sections, names=False), *facts]
    return tag("tr", {}, first, *(tag("td", {"data-head": head}, text) for head, text in zip(HEADS, told, strict=True)))
