"""What the picture networks share: the shape of their input, and that of their feature map."""

from collections import OrderedDict

from torch import Tensor, nn

from audiofeat._validation import as_count, as_number
from audiofeat_nn.layers import checked, pooled


class Backbone(nn.Module):
    """A convolutional network that turns a spectrogram into a feature map; its families derive from it.

    Parameters
    ----------
    steps : list of tuple of int
        Kernel, stride and padding (sum of both sides) of what shrinks the picture, equal for both axes.
    n_features : int
        Channels of the map.
    n_channels : int
        Of the input: 1 for a spectrogram, 3 for a picture in colours.
    n_bands, n_frames : int
        Height and width of the input.

    Attributes
    ----------
    n_features : int
        Channels of the map.
    map_shape : tuple of int
        ``(n_features, height, width)`` of one item's map.

    Raises
    ------
    ValueError
        If a number is below 1, or nothing would be left of the bands or the frames.

    Examples
    --------
    >>> from audiofeat_nn.vision import AlexNetFeatures
    >>> base = AlexNetFeatures(n_bands=128, n_frames=128)
    >>> base.n_features, base.map_shape
    (256, (256, 3, 3))
    """

    def __init__(
        self, steps: list[tuple[int, int, int]], n_features: int, *, n_channels: int, n_bands: int, n_frames: int
    ) -> None:
        super().__init__()
        self.n_channels = as_count(n_channels, "n_channels")
        self.n_bands = as_count(n_bands, "n_bands")
        self.n_frames = as_count(n_frames, "n_frames")
        height = pooled(self.n_bands, *steps, name="n_bands")
        width = pooled(self.n_frames, *steps, name="n_frames")
        self.n_features, self.map_shape = n_features, (n_features, height, width)

    def checked(self, x: Tensor) -> Tensor:
        """Return `x` as it is, if it is (batch, n_channels, n_bands, n_frames)."""
        return checked(x, bands=self.n_bands, frames=self.n_frames, channels=self.n_channels)


def dense_layers(
    n_inputs: int, hidden: tuple[int, ...], n_classes: int, dropout: float
) -> "OrderedDict[str, nn.Module]":
    """Return named layers: dense, ReLU and dropout for each of `hidden`, then the dense layer of the logits."""
    dropout = as_number(dropout, "dropout", low=0.0, high=1.0)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, n_units in enumerate(hidden, start=1):
        layers[f"dense{number}"] = nn.Linear(n_inputs, as_count(n_units, "hidden"))
        layers[f"relu{number}"] = nn.ReLU()
        layers[f"dropout{number}"] = nn.Dropout(dropout)
        n_inputs = n_units
    layers["out"] = nn.Linear(n_inputs, as_count(n_classes, "n_classes"))
    return layers


def draw_weights(model: nn.Module) -> None:
    """Draw weights as He et al. (2015): normal, of variance 2 / inputs; biases start at 0.

    torch's own uniform start has a sixth of that variance, and thirteen convolutions without normalisation then
    pass on next to nothing.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
