"""The page of one segmentation: what is known of it, in the words and pictures of HTML."""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files

from audiofeat._clock import clock
from audiofeat._validation import Float
from audiofeat.plot._drawing import missing_part
from audiofeat.report import _pictures as pictures
from audiofeat.report._markup import Markup, escape, join, tag
from audiofeat.report._pictures import Section
from audiofeat.sections import Segmentation

CAPTIONS = {
    "distance": "Distance: bright where two moments sound alike{silent}.",
    "affinity": "Affinity: bright where two moments are joined in the graph of windows{silent}.",
}


def page(
    segmentation: Segmentation, y: Float | None, rate: float, *, title: str, url: str | None, name: str | None
) -> str:
    """Return the page; `y` holds the channels of the signal, or its extremes, at `rate`."""
    styles = pictures.styles_of(segmentation.labels)
    sections = pictures.sections_of(segmentation.intervals, segmentation.labels, styles)
    body = [
        header(title, facts(segmentation)),
        stage(sections, y, rate, url=url, name=name),
        legend(sections, list(styles)),
        tag("div", {"class": "columns"}, table(sections, playable=url is not None), matrices(segmentation, sections)),
        made(segmentation.parameters),
    ]
    script = "" if url is None else source("page.js")
    return document(title, join([pictures.tiles(styles), *body]), pictures.rules(styles), script)


def document(title: str, body: Markup, rules: str, script: str) -> str:
    """Return a whole document that loads nothing but its sound, and runs no script but its own."""
    style = source("page.css") + rules
    allowed = {
        "default-src": "'none'",
        "img-src": "data:",
        "media-src": "'self' file: data:",
        "style-src": _hash(style),
        "script-src": _hash(script) if script else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    parts = {
        "policy": "; ".join(f"{directive} {value}" for directive, value in allowed.items()),
        "title": escape(title),
        "style": style,
        "body": body,
        "script": f"<script>{script}</script>" if script else "",
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], source("page.html"))


def source(name: str) -> str:
    return files("audiofeat.report").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def header(title: str, line: str) -> Markup:
    return tag("header", {}, tag("h1", {}, tag("bdi", {}, title)), tag("p", {}, line))


def count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def facts(segmentation: Segmentation) -> str:
    sections, labels = len(segmentation.labels), len(set(segmentation.labels))
    length = clock(segmentation.duration)
    sure = f"confidence {segmentation.confidence:.2f}"
    return " · ".join([length, count(sections, "section"), count(labels, "label"), sure])


def stage(sections: Sequence[Section], y: Float | None, rate: float, *, url: str | None, name: str | None) -> Markup:
    """Return the waveform, and the player if there is something to play."""
    duration = sections[-1].end
    drawn = [pictures.strip(sections), pictures.waveform(sections, y, rate), pictures.ruler(duration)]
    if url is None:
        shown = {"class": "timeline", "role": "img", "aria-label": "The sections over time, as in the table"}
        return tag("section", {"class": "stage", "aria-label": "Sections over time"}, tag("div", shown, *drawn))
    slider = {
        "class": "timeline",
        "role": "slider",
        "tabindex": 0,
        "aria-label": "Position",
        "aria-valuemin": 0,
        "aria-valuemax": duration,
        "aria-valuenow": 0,
        "aria-describedby": "keys",
    }
    cursor = tag("div", {"class": "cursor"})
    controls = [
        tag("audio", {"controls": True, "preload": "metadata", "src": url, "aria-label": "Player"}),
        button("previous", "Previous section", icon("M3 3h2v10H3zM14 3v10L6 8z")),
        button("next", "Next section", icon("M11 3h2v10h-2zM2 3v10l8-5z")),
        tag("button", {"type": "button", "class": "repeat", "aria-pressed": "false"}, "Repeat section"),
        tag("p", {"class": "now"}),
    ]
    trouble = ["This sound could not be played: ", tag("code", {}, tag("bdi", {}, name or "")), "."]
    if not url.startswith("data:"):
        trouble.append(" The page looks for it where it was when the page was made, seen from the page.")
    keys = "On the waveform: arrow keys move by 5 seconds, Page Up and Page Down by a section, Space plays and stops."
    return tag(
        "section",
        {"class": "stage", "aria-label": "Player"},
        tag("div", slider, *drawn, cursor),
        tag("div", {"class": "controls"}, *controls),
        tag("p", {"class": "trouble", "role": "alert", "hidden": True}, *trouble),
        tag("p", {"id": "keys", "class": "keys"}, keys),
    )


def button(kind: str, name: str, *content: str) -> Markup:
    return tag("button", {"type": "button", "class": kind, "aria-label": name, "title": name}, *content)


def icon(path: str) -> Markup:
    return tag("svg", {"class": "icon", "viewBox": "0 0 16 16", "aria-hidden": "true"}, tag("path", {"d": path}))


def swatch(kind: int) -> Markup:
    fill = tag("rect", {"width": "100%", "height": "100%", "fill": f"url(#fill-{kind})"})
    return tag("svg", {"class": "swatch", "aria-hidden": "true"}, fill)


def legend(sections: Sequence[Section], labels: Sequence[str]) -> Markup:
    """Return each label with how often and how long it sounds."""
    items = []
    for kind, label in enumerate(labels):
        lengths = [section.end - section.start for section in sections if section.kind == kind]
        share = 100.0 * sum(lengths) / sections[-1].end
        told = f"{len(lengths)} ×, {clock(sum(lengths))[:-3]}, {share:.0f} %"
        items.append(tag("li", {}, swatch(kind), tag("b", {}, tag("bdi", {}, label)), " ", tag("span", {}, told)))
    return tag("ul", {"class": "legend", "aria-label": "Labels"}, *items)


def table(sections: Sequence[Section], *, playable: bool) -> Markup:
    """Return a row to a section, with a button that plays it."""
    rows = []
    for number, (start, end, label, kind) in enumerate(sections):
        begin = escape(clock(start))
        if playable:
            told = f"Play section {number + 1}, {label}, from {begin}"
            begin = button("jump", told, icon("M3 2v12l11-6z"), begin)
        cells = [
            tag("td", {"class": "number"}, str(number + 1)),
            tag("th", {"scope": "row"}, swatch(kind), tag("bdi", {}, label)),
            tag("td", {}, begin),
            tag("td", {}, clock(end)),
            tag("td", {}, f"{end - start:.2f}"),
        ]
        rows.append(tag("tr", {"data-start": start, "data-end": end, "data-of": number}, *cells))
    heads = [tag("th", {"scope": "col"}, name) for name in ("#", "Label", "Start", "End", "Seconds")]
    body = [tag("thead", {}, tag("tr", {}, *heads)), tag("tbody", {}, *rows)]
    name = tag("h2", {"id": "sections"}, "Sections")
    inner = tag("div", {"class": "scroll"}, tag("table", {"aria-labelledby": "sections"}, *body))
    return tag("section", {"class": "table"}, name, inner)


def matrices(segmentation: Segmentation, sections: Sequence[Section]) -> Markup:
    """Return the pictures of the matrices that the segmentation has, and why it has not the others."""
    figures = []
    silent = "; silence is grey" if len(segmentation.active) < len(segmentation.window_samples) else ""
    for which, caption in CAPTIONS.items():
        missing = missing_part(segmentation, which)
        if missing is None:
            picture = pictures.matrix(segmentation, which, sections)
            under = [
                pictures.ruler(sections[-1].end),
                tag("figcaption", {"id": f"{which}-caption"}, caption.format(silent=silent)),
            ]
            figures.append(tag("figure", {}, picture, *under))
        else:
            figures.append(tag("p", {"class": "missing"}, f"{missing[0].upper()}{missing[1:]}."))
    return tag("section", {"class": "matrices"}, tag("h2", {}, "Which moments are alike"), *figures)


def made(parameters: Mapping[str, object]) -> Markup:
    """Return the parameters, folded away."""
    pairs = [
        tag("div", {}, tag("dt", {}, key), tag("dd", {}, f"{value:g}" if isinstance(value, float) else str(value)))
        for key, value in parameters.items()
    ]
    return tag("details", {}, tag("summary", {}, "How it was made"), tag("dl", {}, *pairs))
