"""What the figures share: colours that hang on the label, envelopes, images of matrices, scaling."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse import issparse

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from audiofeat.evaluation import Segmented
    from audiofeat.sections import Segmentation

Float = NDArray[np.floating[Any]]

# Okabe and Ito's colours, which the colour-blind tell apart; the yellow, pale on white, comes last
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#8C6D1F", "#E5D72F")
SILENCE = "#B8B8B8"
UNLABELLED = "#D9D9D9"  # the waveform outside of sections
PIXELS = 1000  # of a matrix, and windows of the graph: beyond them a screen shows no more


def new_figure(size: tuple[float, float]) -> "Figure":
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        msg = "figures need the package matplotlib: pip install 'audiofeat[plot]'"
        raise ImportError(msg) from error
    return Figure(figsize=size, layout="constrained")


def axes_or_new(ax: "Axes | None", size: tuple[float, float]) -> "Axes":
    return new_figure(size).subplots() if ax is None else ax


def colour_map() -> "Colormap":
    from matplotlib import colormaps

    return colormaps["viridis"].with_extremes(bad=SILENCE)


def colours_of(labels: Iterable[str]) -> dict[str, str]:
    """Colours by label, sorted: those of "A", "B", ... hang on the letter, others on the order of coming."""
    names = list(dict.fromkeys(labels))
    numbers = {name: ord(name) - ord("A") for name in names if len(name) == 1 and "A" <= name <= "Z"}
    free = iter(range(max(numbers.values(), default=-1) + 1, len(names) + 27))
    numbers |= {name: next(free) for name in names if name not in numbers and name != "silence"}
    colours = {name: _shade(number) for name, number in sorted(numbers.items(), key=lambda item: item[1])}
    return colours | {name: SILENCE for name in names if name == "silence"}


def _shade(number: int) -> str:
    """Return the colour of a number: after the palette its dark shades, after those its light ones."""
    base = PALETTE[number % len(PALETTE)]
    channels = np.array([int(base[i : i + 2], 16) for i in (1, 3, 5)])
    mixed = (channels, 0.55 * channels, 0.45 * channels + 140)[number // len(PALETTE) % 3]
    return "#" + "".join(f"{round(channel):02X}" for channel in mixed.tolist())


def ink_on(colour: str) -> str:
    """Black or white, whichever is read on a colour."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"


def draw_strip(ax: "Axes", level: "Segmented", colours: dict[str, str], bottom: float, top: float) -> None:
    """Fill a row with the sections, in their colours and with their labels where these have room.

    Room is measured on the axes as they are: set their limits before.
    """
    left, right = ax.get_xlim()
    scale = ax.bbox.width / ax.figure.dpi / (right - left)  # inches a second; a character takes about 0.09
    intervals = np.asarray(level.intervals)
    for (start, end), label in zip(intervals.tolist(), level.labels, strict=True):
        ax.fill_between([start, end], bottom, top, color=colours[label], linewidth=0.0)
        if 0.09 * len(label) + 0.06 < scale * (end - start):
            at, ink = ((start + end) / 2, (bottom + top) / 2), ink_on(colours[label])
            ax.text(*at, plain(label), color=ink, ha="center", va="center", fontsize="small", clip_on=True)
    ax.vlines(np.unique(intervals)[1:-1], bottom, top, color="white", linewidth=1.0)


def add_legend(ax: "Axes", colours: dict[str, str]) -> None:
    """Add a legend of labels, above axes without a title, beside those with one."""
    from matplotlib.patches import Patch

    handles: list[Any] = [Patch(color=colour, label=plain(name)) for name, colour in colours.items()]
    handles += ax.get_legend_handles_labels()[0]
    if ax.get_title():
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    else:
        room = ax.bbox.width / ax.figure.dpi  # inches; no layout is left to axes under a wider legend
        widths = [0.7 + 0.09 * len(handle.get_label()) for handle in handles]
        most = range(min(12, len(handles)), 1, -1)
        columns = next((n for n in most if sum(map(np.max, np.array_split(widths, n))) < room), 1)
        ax.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns, frameon=False)


def plain(label: str) -> str:
    """Return a label in one line and without the signs that mean something to matplotlib."""
    text = " ".join(label.split()).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def envelope(y: Float, edges: Float) -> tuple[Float, Float, Float]:
    """Extremes of `y` (channels, samples) between edges in samples; the last repeated, to plot in steps."""
    n_samples = y.shape[1]
    steps = np.unique(edges.round().astype(np.int64).clip(0, n_samples))
    if len(steps) < 2:  # a section shorter than half a sample
        return np.empty(0), np.empty(0), np.empty(0)
    part = y[:, steps[0] : steps[-1]]
    starts = steps[:-1] - steps[0]
    low = np.minimum.reduceat(part.min(axis=0), starts)
    high = np.maximum.reduceat(part.max(axis=0), starts)
    return steps.astype(np.float64), np.append(low, low[-1]), np.append(high, high[-1])


def matrix_image(
    matrix: Any, active: NDArray[np.int64], n_windows: int, which: str, pixels: int | None = None
) -> Float:
    """Spread the matrix of the active windows over all windows, NaN elsewhere, in at most `pixels` (PIXELS) bins."""
    size = min(n_windows, pixels or PIXELS)
    bins = active * size // n_windows
    image = np.full((size, size), np.nan)
    if issparse(matrix):
        entries: Any = matrix  # the stubs know no conversion of every sparse type
        entries = entries.tocoo()
        seen = np.unique(bins)
        image[np.ix_(seen, seen)] = 0.0
        np.maximum.at(image, tuple(bins[index] for index in entries.coords), entries.data)
        return image
    starts = np.flatnonzero(np.diff(bins, prepend=-1))
    pick = np.minimum if which == "distance" else np.maximum
    seen = bins[starts]
    image[np.ix_(seen, seen)] = pick.reduceat(pick.reduceat(matrix, starts, axis=0), starts, axis=1)
    return image


def cell_limits(windows: Float) -> tuple[float, float]:
    """Limits in seconds of a row of cells centred on the windows."""
    centres = np.asarray(windows).mean(axis=1)
    if len(centres) == 1:
        return float(windows[0, 0]), float(windows[0, 1])
    half = (centres[-1] - centres[0]) / (len(centres) - 1) / 2
    return float(centres[0] - half), float(centres[-1] + half)


def scale_to_plane(distance: Float) -> Float:
    """Classical multidimensional scaling of squared distances, shape (n, n), to points, shape (n, 2)."""
    n = len(distance)
    finite = np.isfinite(distance)
    squared = np.where(finite, distance, distance[finite].max(initial=0.0))
    mean = squared.mean(axis=0)
    centred = -(squared - mean - mean[:, None] + mean.mean()) / 2
    powers, axes = eigh(centred, subset_by_index=[max(n - 2, 0), n - 1])
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])  # one of two mirror images
    points = np.zeros((n, 2))
    points[:, : len(powers)] = (axes * np.sqrt(powers.clip(min=0.0)))[:, ::-1]
    return points


def missing_part(segmentation: "Segmentation", name: str) -> str | None:
    """Say why a segmentation has not the matrix or the eigenvalues of a name; None if it has."""
    value = getattr(segmentation, name)
    if value is not None and min(value.shape) > 0:
        return None
    n_active = len(segmentation.active)
    reasons = {0: "every window is silent", 1: "one window is no graph"}
    return f"segmentation has no {name}: {reasons.get(n_active, f'it is not kept for {n_active} windows')}"


def kept_part(segmentation: "Segmentation", name: str) -> Any:
    """Return the matrix or the eigenvalues of a name, or raise."""
    missing = missing_part(segmentation, name)
    if missing:
        raise ValueError(missing)
    return getattr(segmentation, name)
