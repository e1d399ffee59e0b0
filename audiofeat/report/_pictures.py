"""Pictures of a segmentation as SVG and PNG: places are in percent, so that a page of any width shows all of it."""

import struct
import zlib
from base64 import b64encode
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audiofeat._clock import clock
from audiofeat._validation import Float
from audiofeat.labels import SILENCE
from audiofeat.plot._drawing import cell_limits, colours_of, envelope, ink_on, kept_part, matrix_image
from audiofeat.report._markup import Markup, join, tag
from audiofeat.sections import Segmentation

BINS = 1600  # of the waveform across the page
PIXELS = 400  # of a matrix, each way
INVALID = 255  # the palette's entry of silent windows, which is grey
# Sequential, and read alike by the colour-blind: nine colours of matplotlib's viridis, and straight lines between.
MAP = ("440154", "472D7B", "3B528B", "2C728E", "21918C", "28AE80", "5EC962", "ADDC30", "FDE725")
# Seven ways to hatch a tile of 12 by 12, after plain: labels differ in it where colours do not print.
HATCHES = (
    "",
    "M-3 3 3-3M0 12 12 0M9 15 15 9",
    "M3 3h.01M9 9h.01",
    "M0 6h12",
    "M-3 9 3 15M0 0 12 12M9-3 15 3",
    "M6 0v12",
    "M3 0v12M0 3h12",
    "M0 9 6 3 12 9",
)
TICKS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)  # seconds


class Section(NamedTuple):
    """A section to be drawn: its times in seconds, its name, and the number of its label."""

    start: float
    end: float
    label: str
    kind: int


class Style(NamedTuple):
    """How a label is drawn."""

    colour: str
    ink: str
    hatch: str


def styles_of(labels: Sequence[str]) -> dict[str, Style]:
    """Return the style of each label: the colours of the figures, with a hatch that goes with the colour."""
    styles = {}
    for number, (label, colour) in enumerate(colours_of(labels).items()):
        turn, place = divmod(number, len(HATCHES))
        hatch = "" if label == SILENCE else HATCHES[(place + turn) % len(HATCHES)]
        styles[label] = Style(colour, ink_on(colour), hatch)
    return styles


def sections_of(intervals: Float, labels: Sequence[str], styles: dict[str, Style]) -> list[Section]:
    kinds = {label: kind for kind, label in enumerate(styles)}
    rows = zip(np.asarray(intervals).tolist(), labels, strict=True)
    return [Section(start, end, label, kinds[label]) for (start, end), label in rows]


def tiles(styles: dict[str, Style]) -> Markup:
    """Return the definitions of the fills, ``url(#fill-0)`` and so on."""
    patterns = []
    for kind, (colour, ink, hatch) in enumerate(styles.values()):
        ground = tag("rect", {"width": 12, "height": 12, "fill": colour})
        stroke = {"d": hatch, "stroke": ink, "stroke-opacity": 0.4, "stroke-width": 2, "stroke-linecap": "round"}
        lines = tag("path", stroke | {"fill": "none"}) if hatch else ""
        size = {"id": f"fill-{kind}", "width": 12, "height": 12, "patternUnits": "userSpaceOnUse"}
        patterns.append(tag("pattern", size, ground, lines))
    return tag("svg", {"class": "tiles", "aria-hidden": "true"}, tag("defs", {}, *patterns))


def rules(styles: dict[str, Style]) -> str:
    """Return the style sheet of the labels, ``.kind-0`` and so on."""
    return "".join(
        f".kind-{kind}{{--colour:{style.colour};--ink:{style.ink}}}" for kind, style in enumerate(styles.values())
    )


def percent(part: float, whole: float) -> str:
    return f"{100.0 * part / whole:.4f}".rstrip("0").rstrip(".") + "%"


def strip(sections: Sequence[Section], *, names: bool = True) -> Markup:
    """Draw the sections as hatched blocks with their names, each cut to its block."""
    duration = sections[-1].end
    blocks = []
    for number, (start, end, label, kind) in enumerate(sections):
        fill = tag("rect", {"width": "100%", "height": "100%", "fill": f"url(#fill-{kind})"})
        name = tag("text", {"x": "50%", "y": "50%"}, label) if names else ""
        told = tag("title", {}, f"{label}, {clock(start)} to {clock(end)}")
        place = {"x": percent(start, duration), "width": percent(end - start, duration), "height": "100%"}
        blocks.append(
            tag("svg", place | {"class": f"kind-{kind}", "data-of": number if names else None}, told, fill, name)
        )
    return tag("svg", {"class": "strip", "aria-hidden": "true"}, *blocks)


def waveform(sections: Sequence[Section], y: Float | None, sr: float) -> Markup:
    """Draw the envelope of a signal, shape (n_channels, n_samples), section by section; without it the sections."""
    duration = sections[-1].end
    peak = 1.0 if y is None else float(np.abs(y).max()) or 1.0
    paths, grounds = [], []
    for number, (start, end, _, kind) in enumerate(sections):
        marks = {"class": f"kind-{kind}", "data-of": number}
        place = {"x": percent(start, duration), "width": percent(end - start, duration), "height": "100%"}
        grounds.append(tag("rect", marks | place))
        if y is not None:
            n_bins = 2 + int(BINS * (end - start) / duration)
            t, low, high = envelope(y, np.linspace(start * sr, end * sr, n_bins + 1))
            x = (t * (BINS / sr / duration)).round(2).tolist()
            top, bottom = ((100.0 - 96.0 / peak * side).round(1).tolist() for side in (high, low))
            ring = [*zip(x, top, strict=True), *zip(reversed(x), reversed(bottom), strict=True)]
            paths.append(tag("path", marks | {"d": "M" + " ".join(f"{at:g},{level:g}" for at, level in ring) + "Z"}))
    box = {"viewBox": f"0 0 {BINS} 200", "preserveAspectRatio": "none", "width": "100%", "height": "100%"}
    edges = (percent(section.start, duration) for section in sections[1:])
    lines = join(tag("line", {"x1": at, "x2": at, "y1": "0", "y2": "100%"}) for at in edges)
    return tag("svg", {"class": "wave", "aria-hidden": "true"}, *grounds, tag("svg", box, *paths), lines)


def ruler(duration: float) -> Markup:
    """Draw the times under a picture: at most ten, every other of them left to wide pages."""
    step = next((step for step in TICKS if duration / step <= 10), duration / 10)
    ticks = []
    for number in range(int(duration / step) + 1):
        at = number * step
        anchor = "start" if number == 0 else "end" if at > 0.96 * duration else "middle"
        place = {"x": percent(at, duration), "y": "12", "text-anchor": anchor, "class": "minor" if number % 2 else None}
        text = clock(at) if step < 1 else clock(at)[:-3]
        ticks.append(tag("text", place, text))
    return tag("svg", {"class": "ruler", "aria-hidden": "true"}, *ticks)


def matrix(segmentation: Segmentation, which: str, sections: Sequence[Section]) -> Markup:
    """Draw the affinities or the distances of the windows over time both ways, with the borders of the sections."""
    duration = sections[-1].end
    left, right = cell_limits(segmentation.window_intervals)
    size = percent(right - left, duration)
    data = b64encode(png(levels(segmentation, which))).decode()
    place = {"x": percent(left, duration), "y": percent(duration - right, duration), "width": size, "height": size}
    image = tag("image", place | {"href": f"data:image/png;base64,{data}", "preserveAspectRatio": "none"})
    lines, names = [], []
    for start, end, label, _ in sections:
        middle = (start + end) / 2
        if start > 0:
            at, up = percent(start, duration), percent(duration - start, duration)
            lines.append(tag("line", {"x1": at, "x2": at, "y1": "0", "y2": "100%"}))
            lines.append(tag("line", {"x1": "0", "x2": "100%", "y1": up, "y2": up}))
        if end - start > 0.03 * duration and len(label) <= 12:
            here = {"x": percent(middle, duration), "y": percent(duration - middle, duration)}
            names.append(tag("text", here, label))
    cross = [tag("line", {"class": f"at-{axis}", "x2": "100%" if axis == "y" else "0"}) for axis in "xy"]
    attributes = {"class": "matrix", "role": "img", "aria-labelledby": f"{which}-caption"}
    return tag("svg", attributes, image, *lines, *names, *cross)


def levels(segmentation: Segmentation, which: str) -> NDArray[np.uint8]:
    """Return a matrix in 255 levels, bright where windows are alike, and `INVALID` for silent windows.

    Affinities are spread over their square roots: beside the path in time, whose weights are near 1, repetitions
    would be black. Distances are spread over the logarithms of their middle 98 %. The first window is at the bottom.
    """
    values = kept_part(segmentation, which)
    image = matrix_image(values, np.asarray(segmentation.active), len(segmentation.window_samples), which, PIXELS)
    known = ~np.isnan(image)
    if which == "affinity":
        level = np.sqrt(image / (float(np.nanmax(image)) or 1.0))
    else:
        apart = image[known & np.isfinite(image) & (image > 0.0) & ~np.eye(len(image), dtype=bool)]
        low, high = np.percentile(apart, [1.0, 99.0]) if apart.size else (1.0, 1.0)
        high = max(float(high), 1.01 * float(low))
        level = 1.0 - np.log(np.clip(image, low, high) / low) / np.log(high / low)
    indices = np.full(image.shape, INVALID, dtype=np.uint8)
    indices[known] = np.rint((INVALID - 1) * level[known])
    return indices[::-1]


def png(indices: NDArray[np.uint8]) -> bytes:
    """Return an image of the colour map's levels as PNG."""
    anchors = np.array([[int(colour[i : i + 2], 16) for i in (0, 2, 4)] for colour in MAP], dtype=float)
    at = np.linspace(0, len(MAP) - 1, INVALID)
    channels = [np.interp(at, np.arange(len(MAP)), anchor) for anchor in anchors.T]
    palette = np.append(np.rint(np.stack(channels, axis=1)), [[184, 184, 184]], axis=0).astype(np.uint8)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = indices.shape
    lines = np.insert(indices, 0, 0, axis=1)  # the filter of each line: none
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            chunk(b"PLTE", palette.tobytes()),
            chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)),
            chunk(b"IEND", b""),
        ]
    )
