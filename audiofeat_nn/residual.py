"""The convolutional networks of KTH 2020: shortcut blocks, and the plain network of its study of inputs."""

import math
from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

from audiofeat._validation import as_choice, as_count
from audiofeat_nn.layers import SamePad, checked, pooled

EPS, MOMENTUM = 1e-3, 0.01  # of Keras' batch normalisation, in torch's sense of the momentum
PADDINGS = ("same", "symmetric")
STRIDES = (2, 1, 2, 1, 2, 1)  # of the blocks
BOTTLENECKS = (16, 16, 32, 32, 64, 64)
CHANNELS = (64, 128, 256, 128, 64, 128)
HALF = (1, 2, 0)  # for `pooled`: ceil(size / 2)


def start_he(module: nn.Module, *, normal: bool = False) -> None:
    """Draw the weights of all convolutions and dense layers as Keras' ``he_uniform`` or ``he_normal``, biases 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            if normal:  # cut at two deviations; 0.8796 is what the cut leaves of a deviation of 1
                scale = math.sqrt(2 / layer.weight[0].numel()) / 0.87962566103423978
                nn.init.trunc_normal_(layer.weight, std=scale, a=-2 * scale, b=2 * scale)
            else:
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _conv(n_in: int, n_out: int, kernel: int, stride: int, padding: str) -> OrderedDict[str, nn.Module]:
    """Return a padded convolution and its normalisation."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    keras = padding == "same" and stride > 1  # at stride 1 both lay the same border
    if keras:
        layers["pad"] = SamePad((kernel, kernel), (stride, stride))
    layers["conv"] = nn.Conv2d(n_in, n_out, kernel, stride, 0 if keras else kernel // 2)
    layers["norm"] = nn.BatchNorm2d(n_out, EPS, MOMENTUM)
    return layers


class ShortcutBlock(nn.Module):
    """A convolution beside a bottleneck of two 1 x 1 convolutions, which is handed on to the next block.

    With ``m`` the convolution and its normalisation, ``s`` the bottleneck (1 x 1, normalised, ReLU, 1 x 1,
    normalised), ``p`` a 2 x 2 max-pool where the convolution strides::

        b = s(p(x'))
        y = relu(m(x) + b)

    Parameters
    ----------
    n_in, n_out : int
        Channels of `x` and of both outputs.
    n_shortcut : int
        Channels of ``x'``.
    bottleneck : int
        Channels between the two 1 x 1 convolutions.
    stride : int
        Of the convolution, 1 or 2.
    padding : {"same", "symmetric"}
        See `KTHCNN`.
    normal : bool
        Whether the convolution starts He-normal, not He-uniform.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.residual import ShortcutBlock
    >>> x = torch.zeros(2, 8, 10, 10)
    >>> y, shortcut = ShortcutBlock(8, 16, 8, bottleneck=4, stride=2, padding="same", normal=False)(x, x)
    >>> y.shape, shortcut.shape
    (torch.Size([2, 16, 5, 5]), torch.Size([2, 16, 5, 5]))
    """

    def __init__(
        self, n_in: int, n_out: int, n_shortcut: int, *, bottleneck: int, stride: int, padding: str, normal: bool
    ) -> None:
        super().__init__()
        self.main = nn.Sequential(_conv(n_in, n_out, 3, stride, padding))
        # Rounded up, as the convolution rounds: at even sizes that is the authors' pool, at odd ones theirs fails
        self.pool = nn.MaxPool2d(2, ceil_mode=True) if stride == 2 else nn.Identity()
        self.shortcut = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(n_shortcut, bottleneck, 1),
                norm1=nn.BatchNorm2d(bottleneck, EPS, MOMENTUM),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(bottleneck, n_out, 1),
                norm2=nn.BatchNorm2d(n_out, EPS, MOMENTUM),
            )
        )
        start_he(self.shortcut)
        start_he(self.main, normal=normal)

    def forward(self, x: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum after its ReLU, and the bottleneck's output, both (batch, n_out, bands, frames)."""
        shortcut = self.shortcut(self.pool(previous))
        return (self.main(x) + shortcut).relu(), shortcut


class ShortcutFeatures(nn.Module):
    """The stem and the shortcut blocks that `KTHCNN` and the parallel network of the same report begin with.

    Parameters
    ----------
    n_bands, n_frames : int
        Of the input.
    channels : sequence of int
        Filters of the blocks, five or six: the sixth is followed by one more convolution, of 64 filters, and a pool.
    padding : {"same", "symmetric"}
        See `KTHCNN`.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.residual import ShortcutFeatures
    >>> ShortcutFeatures(32, 48, (8, 8, 8, 8, 8, 8))(torch.zeros(2, 1, 32, 48)).shape
    torch.Size([2, 64])
    """

    def __init__(self, n_bands: int, n_frames: int, channels: Sequence[int], *, padding: str = "same") -> None:
        super().__init__()
        as_choice(padding, "padding", PADDINGS)
        self.n_blocks = len(channels)
        pools = [HALF] * 4 if self.n_blocks == 5 else [HALF] * 4 + [(2, 2, 0)]
        height = pooled(as_count(n_bands, "n_bands"), *pools, name="n_bands")
        width = pooled(as_count(n_frames, "n_frames"), *pools, name="n_frames")
        self.stem = nn.Sequential(_conv(1, 32, 5, 2, padding) | {"relu": nn.ReLU()})
        start_he(self.stem)
        n_in = 32
        for i, n_out in enumerate(channels):
            block = ShortcutBlock(
                n_in, n_out, n_in, bottleneck=BOTTLENECKS[i], stride=STRIDES[i], padding=padding, normal=i >= 2
            )
            self.add_module(f"block{i + 1}", block)
            n_in = n_out
        if self.n_blocks == 6:
            self.last = nn.Sequential(_conv(n_in, 64, 3, 1, padding) | {"relu": nn.ReLU(), "pool": nn.MaxPool2d(2)})
            start_he(self.last)
            n_in = 64
        self.n_features = n_in * height * width

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, n_features), channel by channel, for `x` of (batch, 1, n_bands, n_frames)."""
        x = self.stem(x)
        shortcut = x
        for i in range(self.n_blocks):
            # the blocks that stride look at the sum before them, the others at the shortcut before them
            x, shortcut = self.get_submodule(f"block{i + 1}")(x, x if STRIDES[i] == 2 else shortcut)
        if self.n_blocks == 6:
            x = self.last(x)
        return x.flatten(1)


class KTHCNN(nn.Module):
    r"""Residual convolutional network with additions of shortcuts, of the KTH 2020 report [1]_.

    For an input of 1 x 128 x 128, with five blocks (`ShortcutBlock`):

    ======= ======================= ===================== ==============
    layer   convolution             shortcut's input      output
    ======= ======================= ===================== ==============
    stem    5 x 5 / 2               none                  32 x 64 x 64
    block1  3 x 3 / 2               stem, pooled 2 x 2    64 x 32 x 32
    block2  3 x 3                   shortcut of block1    128 x 32 x 32
    block3  3 x 3 / 2               block2, pooled 2 x 2  256 x 16 x 16
    block4  3 x 3                   shortcut of block3    128 x 16 x 16
    block5  3 x 3 / 2               block4, pooled 2 x 2  64 x 8 x 8
    head    4096 to 128 to classes                        n_classes
    ======= ======================= ===================== ==============

    With six, block6 (3 x 3, on the shortcut of block5) gives 128 x 8 x 8, and one more 3 x 3 convolution and a 2 x 2
    pool give 64 x 4 x 4. Each layer, the last included, is normalised.

    Parameters
    ----------
    n_classes : int
        Genres.
    n_bands, n_frames : int
        Of the input; 17 at least with six blocks.
    n_blocks : {5, 6}
        Five is the network whose accuracy the report gives; six, the model file that its authors published.
    padding : {"same", "symmetric"}
        Border of the convolutions that stride: as Keras lays it, or torch's. Sizes are equal, pixels one aside.

    Raises
    ------
    ValueError
        If an option is none of the above, or bands or frames are too few.

    Notes
    -----
    Figure 1 of the report cannot be built: its shortcuts pool and stride where the convolution beside them strides
    alone, so that the sums do not fit. This follows the authors' code, parameter by parameter: 1,328,120 for eight
    classes, 1,095,800 with six blocks. Odd sizes, which the authors had not, are rounded up, by the pools too.

    Weights start He-uniform, those of the convolutions of blocks 3 to 6 He-normal. The authors' loss was a binary
    cross-entropy on the softmax; the module gives logits.

    References
    ----------
    .. [1] M. Bjelikj et al., "Music genre classification: different methods exploration", DT2119 project report,
       KTH, 2020, section 3.2 and figure 1.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.residual import KTHCNN
    >>> KTHCNN(8, n_bands=32, n_frames=32)(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self, n_classes: int, *, n_bands: int = 128, n_frames: int = 128, n_blocks: int = 5, padding: str = "same"
    ) -> None:
        super().__init__()
        n_classes = as_count(n_classes, "n_classes")
        n_blocks = as_count(n_blocks, "n_blocks", low=5, high=6)
        self.features = ShortcutFeatures(n_bands, n_frames, CHANNELS[:n_blocks], padding=padding)
        self.n_bands, self.n_frames = n_bands, n_frames
        self.head = nn.Sequential(
            OrderedDict(
                dense=nn.Linear(self.features.n_features, 128),
                norm=nn.BatchNorm1d(128, EPS, MOMENTUM),
                relu=nn.ReLU(),
                output=nn.Linear(128, n_classes),
                output_norm=nn.BatchNorm1d(n_classes, EPS, MOMENTUM),
            )
        )
        start_he(self.head)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, (batch, n_classes), of spectrograms, (batch, 1, n_bands, n_frames)."""
        x = checked(x, bands=self.n_bands, frames=self.n_frames)
        logits: Tensor = self.head(self.features(x))
        return logits


class CNN3(nn.Module):
    """Plain network of three convolutions, for comparing inputs as the KTH 2020 report does [1]_.

    Three times a 3 x 3 convolution (32, 64, 128 filters), batch normalisation, ReLU and a 2 x 2 max-pool, then the
    mean of each map and one dense layer.

    Parameters
    ----------
    n_classes : int
        Genres.
    n_bands, n_frames : int
        Of the input, 8 at least.

    Raises
    ------
    ValueError
        If bands or frames are too few.

    Notes
    -----
    The report says "a basic 3-layer CNN" and no more: the shape is a choice. The mean makes the number of parameters
    (94,152 for eight classes) the same for MFCCs and mel bands, and for 3 and 30 seconds, so that the inputs alone
    differ.

    References
    ----------
    .. [1] M. Bjelikj et al., "Music genre classification: different methods exploration", DT2119 project report,
       KTH, 2020, section 3.1.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.residual import CNN3
    >>> CNN3(8, n_bands=13, n_frames=40)(torch.zeros(2, 1, 13, 40)).shape
    torch.Size([2, 8])
    """

    def __init__(self, n_classes: int, *, n_bands: int = 128, n_frames: int = 128) -> None:
        super().__init__()
        n_classes = as_count(n_classes, "n_classes")
        for size, name in ((n_bands, "n_bands"), (n_frames, "n_frames")):
            pooled(as_count(size, name), *[(2, 2, 0)] * 3, name=name)
        self.n_bands, self.n_frames = n_bands, n_frames
        sizes = (1, 32, 64, 128)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for i in (1, 2, 3):
            layers[f"conv{i}"] = nn.Conv2d(sizes[i - 1], sizes[i], 3, padding=1)
            layers[f"norm{i}"] = nn.BatchNorm2d(sizes[i], EPS, MOMENTUM)
            layers[f"relu{i}"] = nn.ReLU()
            layers[f"pool{i}"] = nn.MaxPool2d(2)
        self.layers = nn.Sequential(layers)
        self.output = nn.Linear(sizes[3], n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, (batch, n_classes), of spectrograms, (batch, 1, n_bands, n_frames)."""
        x = self.layers(checked(x, bands=self.n_bands, frames=self.n_frames))
        logits: Tensor = self.output(x.mean(dim=(2, 3)))
        return logits
