"""VGG with 11 and 16 layers (configurations A and D), without batch normalisation, as torchvision names them."""

from torch import Tensor, nn

from audiofeat._validation import as_count, as_number
from audiofeat_nn.vision.backbone import Backbone, draw_weights

# Depth -> filters of the convolutions between two pools.
BLOCKS = {
    11: [(64,), (128,), (256, 256), (512, 512), (512, 512)],
    16: [(64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)],
}


class VGGFeatures(Backbone):
    """The convolutions of VGG: a spectrogram becomes 512 feature maps, a 32nd as high and as long.

    Five blocks of 3x3 convolutions with ReLU, each ending in a 2x2 pool: 64, 128, 256-256, 512-512, 512-512 filters
    with a depth of 11; 64-64, 128-128, three of 256, three of 512 twice with 16 (14,714,688 parameters on 3 channels).

    Parameters
    ----------
    depth : {11, 16}
        Layers, the three dense ones of the classifier counted.
    n_channels : int
        1, or 3 for a picture in colours.
    n_bands, n_frames : int
        Of the input, at least 32 each.

    Raises
    ------
    ValueError
        If `depth` is another, or the input too small, at construction; if it has another shape, in `forward`.

    Examples
    --------
    >>> from audiofeat_nn.layers import count_parameters
    >>> from audiofeat_nn.vision import VGGFeatures
    >>> base = VGGFeatures(depth=16, n_channels=3, n_bands=128, n_frames=646)
    >>> base.map_shape, count_parameters(base)
    ((512, 4, 20), 14714688)
    """

    def __init__(self, *, depth: int, n_channels: int = 1, n_bands: int = 513, n_frames: int = 128) -> None:
        if depth not in BLOCKS:
            msg = f"depth must be one of {', '.join(map(str, BLOCKS))}, got {depth!r}"
            raise ValueError(msg)
        super().__init__([(2, 2, 0)] * 5, 512, n_channels=n_channels, n_bands=n_bands, n_frames=n_frames)
        layers: list[nn.Module] = []
        n_inputs = self.n_channels
        for block in BLOCKS[depth]:
            for n_filters in block:
                layers += [nn.Conv2d(n_inputs, n_filters, 3, padding=1), nn.ReLU()]
                n_inputs = n_filters
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        draw_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the map, shape (batch, 512, height, width)."""
        features: Tensor = self.features(self.checked(x))
        return features


class VGG(VGGFeatures):
    """VGG with the keys and shapes of torchvision's.

    At 1000 classes and 3 channels it has 132,863,336 parameters with a depth of 11, 138,357,544 with 16. The map is
    averaged to 7x7 (repeated where it is smaller), so that any size of input goes with the classifier.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    depth : {11, 16}
        Layers.
    n_channels, n_bands, n_frames : int
        Of the input, as `VGGFeatures` takes them. The study that set VGG-11 beside others on spectrograms [2]_ does
        not say how: one channel, and its own 513 bins of 128 frames, are chosen here.
    n_units : int
        Of each hidden layer.
    dropout : float
        Share of values dropped after both hidden layers, in [0, 1].

    References
    ----------
    .. [1] K. Simonyan and A. Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR
       2015, table 1.
    .. [2] L. Feng, S. Liu and J. Yao, "Music genre classification with paralleling recurrent convolutional neural
       network", arXiv:1712.08370, 2017, table 2.

    Examples
    --------
    Logits come out, not probabilities:

    >>> import torch
    >>> from audiofeat_nn.vision import VGG
    >>> VGG(10, depth=11, n_bands=40, n_frames=80, n_units=32)(torch.zeros(2, 1, 40, 80)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        depth: int,
        n_channels: int = 1,
        n_bands: int = 513,
        n_frames: int = 128,
        n_units: int = 4096,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(depth=depth, n_channels=n_channels, n_bands=n_bands, n_frames=n_frames)
        n_classes, n_units = as_count(n_classes, "n_classes"), as_count(n_units, "n_units")
        dropout = as_number(dropout, "dropout", low=0.0, high=1.0)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, n_units),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(n_units, n_units),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(n_units, n_classes),
        )
        draw_weights(self.classifier)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (batch, n_classes)."""
        logits: Tensor = self.classifier(self.avgpool(super().forward(x)).flatten(1))
        return logits
