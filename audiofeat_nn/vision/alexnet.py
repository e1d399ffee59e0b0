"""AlexNet in the form of torchvision, one column of it."""

from torch import Tensor, nn

from audiofeat._validation import as_count, as_number
from audiofeat_nn.vision.backbone import Backbone

STEPS = [(11, 4, 4), (3, 2, 0), (3, 2, 0), (3, 2, 0)]  # the first convolution, and the three pools


class AlexNetFeatures(Backbone):
    """The five convolutions and three pools of AlexNet: a spectrogram becomes 256 feature maps.

    Layers, by their number in ``features``: 0 convolution 11x11 of 64 with stride 4, 2 pool 3x3 with stride 2, 3
    convolution 5x5 of 192, 5 pool, 6, 8 and 10 convolutions 3x3 of 384, 256 and 256, 12 pool; ReLU between.

    Parameters
    ----------
    n_channels : int
        1, or 3 for a picture in colours.
    n_bands, n_frames : int
        Of the input, at least 63 each.

    Raises
    ------
    ValueError
        If the input is too small, at construction; if it has another shape, in `forward`.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.vision import AlexNetFeatures
    >>> AlexNetFeatures(n_bands=128, n_frames=65)(torch.zeros(2, 1, 128, 65)).shape
    torch.Size([2, 256, 3, 1])
    """

    def __init__(self, *, n_channels: int = 1, n_bands: int = 513, n_frames: int = 128) -> None:
        super().__init__(STEPS, 256, n_channels=n_channels, n_bands=n_bands, n_frames=n_frames)
        self.features = nn.Sequential(
            nn.Conv2d(self.n_channels, 64, 11, stride=4, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the map, shape (batch, 256, height, width)."""
        features: Tensor = self.features(self.checked(x))
        return features


class AlexNet(AlexNetFeatures):
    """AlexNet with the keys and shapes of torchvision's: 61,100,840 parameters at 1000 classes and 3 channels.

    The map is averaged to 6x6, so that any size of input goes with the classifier of two hidden layers.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    n_channels, n_bands, n_frames : int
        Of the input, as `AlexNetFeatures` takes them. The study that set this network beside others on
        spectrograms [2]_ does not say how: one channel, and its own 513 bins of 128 frames, are chosen here.
    n_units : int
        Of each hidden layer.
    dropout : float
        Share of values dropped before both hidden layers, in [0, 1].

    References
    ----------
    .. [1] A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", arXiv:1404.5997, 2014.
    .. [2] L. Feng, S. Liu and J. Yao, "Music genre classification with paralleling recurrent convolutional neural
       network", arXiv:1712.08370, 2017, table 2.

    Examples
    --------
    Logits come out, not probabilities:

    >>> import torch
    >>> from audiofeat_nn.vision import AlexNet
    >>> AlexNet(10, n_bands=64, n_frames=64, n_units=32)(torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        n_channels: int = 1,
        n_bands: int = 513,
        n_frames: int = 128,
        n_units: int = 4096,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(n_channels=n_channels, n_bands=n_bands, n_frames=n_frames)
        n_classes, n_units = as_count(n_classes, "n_classes"), as_count(n_units, "n_units")
        dropout = as_number(dropout, "dropout", low=0.0, high=1.0)
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256 * 6 * 6, n_units),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(n_units, n_units),
            nn.ReLU(),
            nn.Linear(n_units, n_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (batch, n_classes)."""
        logits: Tensor = self.classifier(self.avgpool(super().forward(x)).flatten(1))
        return logits
