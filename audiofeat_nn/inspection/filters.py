"""The filters of the first convolutions as pictures."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from audiofeat._validation import as_choice

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]


def plot_filters(model: nn.Module, *, layer: str | None = None) -> "Figure":
    """Plot the filters of the first convolutions of a network: rows are bands, columns frames.

    Parameters
    ----------
    model : torch.nn.Module
        A network.
    layer : str or None
        Name of one convolution, say ``"layers.conv2"``; None takes those that read the input.

    Returns
    -------
    matplotlib.figure.Figure
        Axes for each convolution, its filters side by side with low bands below: red is positive, blue negative,
        white 0, on one scale for a convolution. Filters on the three colours of a picture are shown in colours, from
        the least to the greatest weight of the convolution; those on more channels as the mean over them.

    Raises
    ------
    ValueError
        If the network has no convolution, or no such convolution.
    ImportError
        If the extra ``plot`` is not installed.

    Examples
    --------
    >>> from audiofeat_nn import create_model
    >>> from audiofeat_nn.inspection import plot_filters
    >>> figure = plot_filters(create_model("time-frequency", n_classes=8))
    >>> [ax.get_title() for ax in figure.axes]
    ['time_conv: 32 of 1 x 60', 'freq_conv: 32 of 32 x 1']
    """
    convolutions = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}
    if not convolutions:
        msg = f"model must have a convolution, {type(model).__name__} has none"
        raise ValueError(msg)
    if layer is not None:
        shown = {layer: convolutions[as_choice(layer, "layer", convolutions)]}
    else:  # what reads as many channels as the first reads the input: later ones have many
        n_channels = next(iter(convolutions.values())).in_channels
        shown = {name: conv for name, conv in convolutions.items() if conv.in_channels == n_channels}
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        msg = "plot_filters needs the package matplotlib: pip install 'audiofeat[plot]'"
        raise ImportError(msg) from error
    figure = Figure(figsize=(6.0 * len(shown), 5.0), layout="constrained")
    for ax, (name, conv) in zip(np.atleast_1d(figure.subplots(1, len(shown))), shown.items(), strict=True):
        weight = conv.weight.detach().float().cpu().numpy()
        n_filters, n_channels, height, width = weight.shape
        limit = float(np.abs(weight).max()) or 1.0
        if n_channels == 3:
            low, high = float(weight.min()), float(weight.max())
            colours = (weight - low) / ((high - low) or 1.0)
            ax.imshow(np.stack([_mosaic(colours[:, c], 1.0) for c in range(3)], axis=-1), origin="lower")
        else:
            mean = _mosaic(weight.mean(axis=1), np.nan)
            image = ax.imshow(mean, origin="lower", cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
            figure.colorbar(image, cax=ax.inset_axes((1.02, 0.0, 0.03, 1.0)))  # no axes of the figure's
        ax.set(title=f"{name}: {n_filters} of {height} x {width}", xticks=[], yticks=[])
        ax.set(xlabel="frames", ylabel="bands")
    return figure


def _mosaic(filters: Array, gap: float) -> Array:
    """Lay filters (n, height, width) out in rows of about a square, the first above on the left, with gaps between."""
    n, height, width = filters.shape
    n_columns = min(n, max(1, round(math.sqrt(n * (height + 1) / (width + 1)))))
    n_rows = math.ceil(n / n_columns)
    picture = np.full((n_rows * (height + 1) - 1, n_columns * (width + 1) - 1), gap)
    for i, values in enumerate(filters):
        row, column = divmod(i, n_columns)
        top, left = (n_rows - 1 - row) * (height + 1), column * (width + 1)  # the origin is below
        picture[top : top + height, left : left + width] = values
    return picture
