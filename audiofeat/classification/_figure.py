"""The figure of a confusion matrix."""

from typing import TYPE_CHECKING

import numpy as np

from audiofeat.classification._tables import percent
from audiofeat.plot._drawing import axes_or_new, colour_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from audiofeat.classification.results import Evaluation

NUMBERED = 30  # classes; beyond, counts would not be read


def draw_confusion(result: "Evaluation", ax: "Axes | None") -> "Axes":
    """Fill `ax`, or a new figure, with a confusion matrix."""
    counts, classes = result.confusion, result.classes
    size = min(2.5 + 0.45 * len(classes), 14.0)
    ax = axes_or_new(ax, (size + 1.0, size))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = ax.imshow(shares, cmap=colour_map(), vmin=0.0, vmax=1.0)
    at = range(len(classes))
    # a dollar sign would begin a formula
    names = [label.replace("$", r"\$") for label in classes]
    ax.set_xticks(at, names, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(at, names)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    title = f"{result.name} on {result.dataset}: {percent(result.accuracy)} %"
    warning = result.warning.partition(":")[0]
    lines = [title.replace("$", r"\$")]
    if warning:
        lines.append(f"{warning}: groups trained and tested on")
    ax.set_title("\n".join(lines), fontsize="medium", color="#B00020" if warning else "black", wrap=True)
    if len(classes) <= NUMBERED:
        for row, column in zip(*np.nonzero(counts), strict=True):
            ink = "black" if shares[row, column] > 0.6 else "white"
            ax.text(column, row, str(counts[row, column]), ha="center", va="center", color=ink, fontsize="small")
    ax.figure.colorbar(image, ax=ax, label="share of the true class", shrink=0.8)
    return ax
