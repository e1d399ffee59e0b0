"""The spectrogram as a picture: scaled to 0..1, through a colour map, on the levels that ImageNet's networks expect."""

from typing import Any

import torch
from torch import Tensor, nn

from audiofeat._validation import as_number

# Of the red, green and blue of ImageNet's pictures on a scale of 0..1.
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


class Picture(nn.Module):
    """Turn a spectrogram into what a network trained on photographs expects.

    A value is scaled to 0..1 between the least and the greatest of its own spectrogram, as a plot does, or between
    `limits`; the colour map's entries are joined by straight lines, so that there is a gradient; from each colour
    ImageNet's mean is taken, and the rest divided by its deviation::

        s = clip((x - low) / (high - low), 0, 1)
        colour_c = (table_c(s) - mean_c) / deviation_c

    A spectrogram of one value becomes the colour of 0. Low bands stay at index 0.

    Parameters
    ----------
    colormap : str, Tensor of shape (n_entries, 3), or None
        Name of a colour map of matplotlib, whose table is read at construction (the extra ``audiofeat[plot]``), or a
        table of red, green and blue in 0..1 of at least two entries. None leaves one channel, a grey picture: mean
        and deviation are then the averages over the colours.
    limits : tuple of float, optional
        `low` and `high` for all spectrograms, say ``(-80.0, 0.0)`` dB. What is beyond them is clipped.

    Attributes
    ----------
    n_channels : int
        3, or 1 without a colour map.
    table : Tensor
        The colour map, shape (n_entries, 3); a buffer, so that it is saved with the weights. Absent without one.

    Raises
    ------
    ImportError
        If a name is given and matplotlib is not installed.
    TypeError
        If `colormap` is neither name, tensor nor None, or a limit is not a number.
    ValueError
        If matplotlib has no such colour map, a table is of another shape or beyond 0..1, or the limits do not rise.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.vision import Picture
    >>> Picture(None)(torch.rand(2, 1, 128, 65)).shape
    torch.Size([2, 1, 128, 65])
    >>> heat = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    >>> Picture(heat)(torch.rand(2, 1, 128, 65)).shape
    torch.Size([2, 3, 128, 65])
    """

    mean: Tensor
    deviation: Tensor
    table: Tensor

    def __init__(self, colormap: str | Tensor | None = "viridis", *, limits: tuple[float, float] | None = None) -> None:
        super().__init__()
        self.limits = None if limits is None else _rising(limits)
        self.n_channels = 1 if colormap is None else 3
        mean, deviation = torch.tensor(MEAN), torch.tensor(DEVIATION)
        if colormap is None:
            mean, deviation = mean.mean(dim=0, keepdim=True), deviation.mean(dim=0, keepdim=True)
        else:
            self.register_buffer("table", _table(colormap))
        self.register_buffer("mean", mean[:, None, None], persistent=False)
        self.register_buffer("deviation", deviation[:, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the picture, shape (batch, n_channels, bands, frames), of a spectrogram (batch, 1, bands, frames)."""
        if x.ndim != 4 or x.shape[1] != 1:
            msg = f"x must be (batch, 1, bands, frames), got shape {tuple(x.shape)}"
            raise ValueError(msg)
        scaled = self._scaled(x)
        if self.n_channels == 3:
            n_steps = len(self.table) - 1
            position = scaled[:, 0] * n_steps
            # clamped as integers: NaN must not become an index
            below = position.detach().floor().long().clamp(0, n_steps - 1)
            share = (position - below)[..., None]
            lower, upper = self.table[below], self.table[below + 1]
            scaled = (lower + share * (upper - lower)).permute(0, 3, 1, 2)
        return (scaled - self.mean) / self.deviation

    def _scaled(self, x: Tensor) -> Tensor:
        if self.limits is not None:
            low, high = self.limits
            return ((x - low) / (high - low)).clamp(0.0, 1.0)
        least, greatest = x.amin(dim=(1, 2, 3), keepdim=True), x.amax(dim=(1, 2, 3), keepdim=True)
        span = greatest - least
        # the inner choice keeps 0 / 0 out of the gradient too
        return (x - least) / torch.where(span == 0, torch.ones_like(span), span)


def _rising(limits: object) -> tuple[float, float]:
    if not isinstance(limits, tuple | list) or len(limits) != 2:  # a list where options were read from a file
        msg = f"limits must be two numbers, got {limits!r}"
        raise TypeError(msg)
    low, high = (as_number(value, "limits") for value in limits)
    if low >= high:
        msg = f"limits must rise, got {limits}"
        raise ValueError(msg)
    return low, high


def _table(colormap: Any) -> Tensor:
    """Return the colours of a map, float32, shape (n_entries, 3)."""
    if isinstance(colormap, str):
        return torch.tensor(_matplotlib_table(colormap))
    if not isinstance(colormap, Tensor):
        msg = f"colormap must be a name, a tensor of colours or None, got {type(colormap).__name__}"
        raise TypeError(msg)
    if colormap.ndim != 2 or colormap.shape[0] < 2 or colormap.shape[1] != 3:
        msg = f"colormap must be (n_entries, 3) with at least two entries, got shape {tuple(colormap.shape)}"
        raise ValueError(msg)
    if not bool(((colormap >= 0) & (colormap <= 1)).all()):
        msg = f"colormap must hold values in 0..1, got {colormap.min().item():g} to {colormap.max().item():g}"
        raise ValueError(msg)
    return colormap.detach().clone().float()


def _matplotlib_table(name: str) -> list[list[float]]:
    try:
        from matplotlib import colormaps
    except ImportError as error:
        msg = "a colour map by name needs the package matplotlib: pip install 'audiofeat[plot]'"
        raise ImportError(msg) from error
    if name not in colormaps:
        msg = f"colormap must be the name of a colour map of matplotlib, got {name!r}"
        raise ValueError(msg)
    found = colormaps[name]
    colours: list[list[float]] = found(range(found.N))[:, :3].tolist()
    return colours
