"""ResNet of two-convolution blocks as torchvision names its layers: 34 layers, and eleven convolutions."""

from torch import Tensor, nn

from audiofeat._validation import as_count
from audiofeat_nn.vision.backbone import Backbone, draw_weights

WIDTHS = (64, 128, 256, 512)
BLOCKS = {11: (2, 1, 1, 1), 34: (3, 4, 6, 3)}  # depth -> blocks of each width
STEPS = [(7, 2, 6), (3, 2, 2), (3, 2, 2), (3, 2, 2), (3, 2, 2)]  # stem, its pool, and the stages but the first


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation, and the input added before the last ReLU.

    Where the block halves the picture or widens it, the input passes through a 1x1 convolution with batch
    normalisation (``downsample``).

    Parameters
    ----------
    n_inputs, n_filters : int
        Channels before and after.
    stride : int
        Of the first convolution, and of the 1x1.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.vision.resnet import BasicBlock
    >>> BasicBlock(64, 128, stride=2)(torch.zeros(1, 64, 9, 5)).shape
    torch.Size([1, 128, 5, 3])
    """

    def __init__(self, n_inputs: int, n_filters: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_inputs, n_filters, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_filters)
        self.conv2 = nn.Conv2d(n_filters, n_filters, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_filters)
        self.downsample = (
            nn.Identity()
            if n_inputs == n_filters and stride == 1
            else nn.Sequential(nn.Conv2d(n_inputs, n_filters, 1, stride=stride, bias=False), nn.BatchNorm2d(n_filters))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, shape (batch, n_filters, height / stride, width / stride)."""
        residual = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        output: Tensor = (residual + self.downsample(x)).relu()
        return output


class ResNetFeatures(Backbone):
    """The convolutions of ResNet: a spectrogram becomes 512 feature maps, a 32nd as high and as long.

    The stem is a 7x7 convolution of 64 with stride 2, batch normalisation, ReLU and a 3x3 pool with stride 2. Stages
    ``layer1`` to ``layer4`` of 64, 128, 256 and 512 filters follow, the last three of stride 2; of 3, 4, 6 and 3
    blocks with a depth of 34 (21,284,672 parameters on 3 channels).

    With a depth of 11, one study's "ResNet-11" [2]_, a depth that is not among those published and of which nothing
    else is said. Chosen here: eleven convolutions, the stem's and those of five two-convolution blocks, which are 2,
    1, 1 and 1 of each width; the 1x1 convolutions and the dense layer are not counted. Its keys are then among those
    of ResNet34, and its weights may come from there.

    Parameters
    ----------
    depth : {11, 34}
        Layers.
    n_channels : int
        1, or 3 for a picture in colours.
    n_bands, n_frames : int
        Of the input: any, as every step is padded.

    Raises
    ------
    ValueError
        If `depth` is another, at construction; if the input has another shape, in `forward`.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR 2016, table 1.
    .. [2] L. Feng, S. Liu and J. Yao, "Music genre classification with paralleling recurrent convolutional neural
       network", arXiv:1712.08370, 2017, table 2.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.vision import ResNetFeatures
    >>> ResNetFeatures(depth=11, n_bands=128, n_frames=65)(torch.zeros(2, 1, 128, 65)).shape
    torch.Size([2, 512, 4, 3])
    """

    def __init__(self, *, depth: int = 34, n_channels: int = 1, n_bands: int = 513, n_frames: int = 128) -> None:
        if depth not in BLOCKS:
            msg = f"depth must be one of {', '.join(map(str, BLOCKS))}, got {depth!r}"
            raise ValueError(msg)
        super().__init__(STEPS, WIDTHS[-1], n_channels=n_channels, n_bands=n_bands, n_frames=n_frames)
        self.conv1 = nn.Conv2d(self.n_channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        n_inputs = 64
        for number, (n_filters, n_blocks) in enumerate(zip(WIDTHS, BLOCKS[depth], strict=True), start=1):
            first = BasicBlock(n_inputs, n_filters, stride=1 if number == 1 else 2)
            others = [BasicBlock(n_filters, n_filters) for _ in range(n_blocks - 1)]
            self.add_module(f"layer{number}", nn.Sequential(first, *others))
            n_inputs = n_filters
        draw_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the map, shape (batch, 512, height, width)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(self.checked(x)))))
        for number in range(1, len(WIDTHS) + 1):
            x = self.get_submodule(f"layer{number}")(x)
        return x


class ResNet(ResNetFeatures):
    """ResNet with the keys and shapes of torchvision's: at a depth of 34, 21,797,672 parameters for 1000 classes.

    That is with 3 channels; with one, 6,272 fewer.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    depth : {11, 34}
        Layers; what 11 means is told at `ResNetFeatures`.
    n_channels, n_bands, n_frames : int
        Of the input, as `ResNetFeatures` takes them; one channel, and 513 bins of 128 frames, unless said otherwise.

    Examples
    --------
    Logits come out, not probabilities:

    >>> import torch
    >>> from audiofeat_nn.vision import ResNet
    >>> ResNet(10, depth=11, n_bands=40, n_frames=80)(torch.zeros(2, 1, 40, 80)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self, n_classes: int, *, depth: int, n_channels: int = 1, n_bands: int = 513, n_frames: int = 128
    ) -> None:
        super().__init__(depth=depth, n_channels=n_channels, n_bands=n_bands, n_frames=n_frames)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(self.n_features, as_count(n_classes, "n_classes"))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (batch, n_classes)."""
        logits: Tensor = self.fc(self.avgpool(super().forward(x)).flatten(1))
        return logits
