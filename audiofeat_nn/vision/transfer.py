"""Networks of photographs, transferred to spectrograms: a picture, a trained base, and a new head."""

from collections.abc import Sequence
from typing import Self

from torch import Tensor, nn

from audiofeat_nn.layers import checked
from audiofeat_nn.vision.backbone import Backbone, dense_layers, draw_weights
from audiofeat_nn.vision.picture import Picture
from audiofeat_nn.vision.resnet import ResNetFeatures
from audiofeat_nn.vision.vgg import VGGFeatures
from audiofeat_nn.vision.weights import Weights, load_weights


def _require_bool(value: object, name: str) -> None:
    if not isinstance(value, bool):
        msg = f"{name} must be True or False, got {value!r}"
        raise TypeError(msg)


class Transfer(nn.Module):
    """A spectrogram as a picture, the feature map of a base averaged over it, and dense layers to the logits.

    ``picture`` → ``base`` → ``head``: average over bands and frames, then dense, ReLU and dropout for each hidden
    layer, and the dense layer of the logits (no soft-max).

    Parameters
    ----------
    base : Backbone
        Such as `VGGFeatures`, with as many input channels as `picture` has.
    n_classes : int
        Number of classes.
    picture : Picture
        What turns the spectrogram into the base's input.
    hidden : sequence of int
        Units of the hidden layers; may be empty.
    dropout : float
        Share of values dropped after each hidden layer, in [0, 1].
    weights : str, path or mapping, optional
        Of the base, under torchvision's names, as `load_weights` takes them. None leaves it as it is.
    frozen : bool
        Keep the base as it is: no gradient for its parameters, and its batch normalisation stays in evaluation mode,
        also while the head trains.

    Raises
    ------
    TypeError
        If `frozen` is not True or False, or a number is of another type.
    ValueError
        If the channels of `picture` and `base` differ, a number is out of range, or weights do not fit; in `forward`,
        if the input has another shape.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.vision import AlexNetFeatures, Picture, Transfer
    >>> model = Transfer(AlexNetFeatures(n_bands=128, n_frames=65), 10, picture=Picture(None), hidden=(64,))
    >>> model(torch.rand(2, 1, 128, 65)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        base: Backbone,
        n_classes: int,
        *,
        picture: Picture,
        hidden: Sequence[int] = (),
        dropout: float = 0.0,
        weights: Weights | None = None,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        if picture.n_channels != base.n_channels:
            msg = f"picture and base must have as many channels, got {picture.n_channels} and {base.n_channels}"
            raise ValueError(msg)
        _require_bool(frozen, "frozen")
        self.n_bands, self.n_frames, self.frozen = base.n_bands, base.n_frames, frozen
        self.picture, self.base = picture, base
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Sequential(dense_layers(base.n_features, tuple(hidden), n_classes, dropout))
        draw_weights(self.head)
        if weights is not None:
            load_weights(base, weights)
        if frozen:
            base.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation mode; a frozen base stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.base.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (batch, n_classes), of spectrograms (batch, 1, n_bands, n_frames)."""
        x = self.picture(checked(x, bands=self.n_bands, frames=self.n_frames))
        logits: Tensor = self.head(self.pool(self.base(x)).flatten(1))
        return logits


class VGG16(Transfer):
    """VGG16 trained on photographs, with a head of 256, 128 and 64 units, on mel spectrograms.

    A picture of 3 x 128 x 646 becomes a map of 512 x 4 x 20. The base has 14,714,688 parameters, the head 173,130 at
    10 classes.

    The report says that the dense layers were discarded and 256-128-64 found best, and that a colour map was used.
    It does not say which, nor whether pictures were resized and normalised, or how the map was flattened. Here:
    viridis, matplotlib's default; no resizing; ImageNet's mean and deviation; the average over the map, since the
    flattened map of a 30-second clip would need a head of 10.5 million parameters. There is no dropout unless asked
    for.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    n_bands, n_frames : int
        Of the input, at least 32 each: 646 frames are 30 s, 65 are 3 s.
    colormap : str, Tensor or None
        As `Picture` takes it; None for one channel, and the first layer summed over the colours.
    limits : tuple of float, optional
        Of the picture, as `Picture` takes them.
    hidden : sequence of int
        Units of the head's hidden layers.
    dropout : float
        Share of values dropped after each of them, in [0, 1].
    weights : str, path or mapping, optional
        torchvision's VGG16: a .safetensors or .pth file, or its state dict; None for random ones.
    frozen : bool
        Train the head alone.

    Raises
    ------
    ImportError
        If `colormap` is a name and matplotlib is not installed.
    TypeError
        If an argument is of the wrong type.
    ValueError
        If an argument is out of range, or the weights do not fit.

    References
    ----------
    .. [1] "Music genre recognition using deep learning", UCSD project report, 2020, table 3.
    .. [2] K. Simonyan and A. Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR
       2015, table 1, D.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.vision import VGG16
    >>> VGG16(10, n_bands=32, n_frames=40, colormap=None)(torch.rand(2, 1, 32, 40)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        n_bands: int = 128,
        n_frames: int = 646,
        colormap: str | Tensor | None = "viridis",
        limits: tuple[float, float] | None = None,
        hidden: Sequence[int] = (256, 128, 64),
        dropout: float = 0.0,
        weights: Weights | None = None,
        frozen: bool = False,
    ) -> None:
        picture = Picture(colormap, limits=limits)
        base = VGGFeatures(depth=16, n_channels=picture.n_channels, n_bands=n_bands, n_frames=n_frames)
        super().__init__(
            base, n_classes, picture=picture, hidden=hidden, dropout=dropout, weights=weights, frozen=frozen
        )


class ResNet34(Transfer):
    """ResNet34 trained on photographs, with a new last layer, on mel spectrograms.

    A picture of 3 x 128 x 646 becomes a map of 512 x 4 x 21. The base has 21,284,672 parameters, the last layer 5,130
    at 10 classes. The report names no head for this network: its own, one dense layer on the average of the map. All
    else as `VGG16`, and so are the parameters.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    n_bands, n_frames : int
        Of the input: 646 frames are 30 s, 65 are 3 s.
    colormap : str, Tensor or None
        As `Picture` takes it; None for one channel, and the first layer summed over the colours.
    limits : tuple of float, optional
        Of the picture, as `Picture` takes them.
    hidden : sequence of int
        Units of hidden layers before the last.
    dropout : float
        Share of values dropped after each of them, in [0, 1].
    weights : str, path or mapping, optional
        torchvision's ResNet34: a .safetensors or .pth file, or its state dict; None for random ones.
    frozen : bool
        Train the head alone, the moving statistics of the base left alone.

    Raises
    ------
    ImportError
        If `colormap` is a name and matplotlib is not installed.
    TypeError
        If an argument is of the wrong type.
    ValueError
        If an argument is out of range, or the weights do not fit.

    References
    ----------
    .. [1] "Music genre recognition using deep learning", UCSD project report, 2020, table 3.
    .. [2] K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR 2016, table 1.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.vision import ResNet34
    >>> ResNet34(10, n_bands=32, n_frames=40, colormap=None)(torch.rand(2, 1, 32, 40)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        n_bands: int = 128,
        n_frames: int = 646,
        colormap: str | Tensor | None = "viridis",
        limits: tuple[float, float] | None = None,
        hidden: Sequence[int] = (),
        dropout: float = 0.0,
        weights: Weights | None = None,
        frozen: bool = False,
    ) -> None:
        picture = Picture(colormap, limits=limits)
        base = ResNetFeatures(depth=34, n_channels=picture.n_channels, n_bands=n_bands, n_frames=n_frames)
        super().__init__(
            base, n_classes, picture=picture, hidden=hidden, dropout=dropout, weights=weights, frozen=frozen
        )
