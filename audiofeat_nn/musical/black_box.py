"""The baseline of Pons, Lidy and Serra (2016), and its ancestor."""

from collections.abc import Sequence

from torch import Tensor, nn

from audiofeat_nn.layers import pooled
from audiofeat_nn.musical.base import Musical, shape_of


class BlackBox(Musical):
    """One layer of filters over bands and frames, and a hidden layer: the baseline of the study.

    ====== ================================ ==================
    layer  what                             output, by default
    ====== ================================ ==================
    conv1  32 filters of 12 x 8, ReLU       32 x 29 x 73
    pool1  maximum over 4 x 1               32 x 7 x 73
    dense  200, ReLU                        200
    out    logits, no soft-max              n_classes
    ====== ================================ ==================

    Convolutions are valid, and what does not fill a pool falls away: with 8 classes that gives the published
    3,275,312 parameters, and 2,363,440 with filters of 12 x 200 on 250 frames. The maps are dropped out at half
    before both dense layers.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    n_bands, n_frames : int
        Of the input, standardised by one mean and one deviation of the whole training set.
    kernel, pool : sequence of int
        Bands and frames of a filter, and of the pool.
    n_filters, n_units : int
        Filters, and units of the hidden layer.
    dropout : float
        Share of values dropped, in [0, 1].

    Raises
    ------
    TypeError
        If a number is of another type.
    ValueError
        If a number is out of range, or filter and pool leave nothing of the input; in `forward`, if the input has
        another shape.

    References
    ----------
    .. [1] J. Pons, T. Lidy and X. Serra, "Experimenting with musically motivated convolutional neural networks", CBMI
       2016, figure 1 and table I.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.musical import BlackBox
    >>> BlackBox(8)(torch.zeros(2, 1, 40, 80)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        n_bands: int = 40,
        n_frames: int = 80,
        kernel: Sequence[int] = (12, 8),
        pool: Sequence[int] = (4, 1),
        n_filters: int = 32,
        n_units: int = 200,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(n_classes, n_bands=n_bands, n_frames=n_frames, n_filters=n_filters, dropout=dropout)
        filters, over = shape_of(kernel, "kernel"), shape_of(pool, "pool")
        height = pooled(self.n_bands, (filters[0], 1, 0), (over[0], over[0], 0), name="n_bands")
        width = pooled(self.n_frames, (filters[1], 1, 0), (over[1], over[1], 0), name="n_frames")
        self.conv1 = nn.Conv2d(1, self.n_filters, filters)
        self.pool1 = nn.MaxPool2d(over)
        self.classify = self.classifier(self.n_filters * height * width, n_units)
        self.start()

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (batch, n_classes)."""
        logits: Tensor = self.classify(self.pool1(self.conv1(self.checked(x)).relu()).flatten(1))
        return logits


def mirex2015(n_classes: int, *, n_bands: int = 40, n_frames: int = 80, dropout: float = 0.5) -> BlackBox:
    """Return the ancestor of `BlackBox`, of the contest of 2015 in telling music from speech.

    It has 15 filters of 12 x 8, a pool of 2 x 1 and a hidden layer of 200. Neither the size of its input nor its
    dropout is told by the paper that names it [1]_: they are that paper's own here.

    Parameters
    ----------
    n_classes : int
        Number of classes: music and speech were 2.
    n_bands, n_frames : int
        Of the input.
    dropout : float
        Share of values dropped, in [0, 1].

    Returns
    -------
    BlackBox
        The network.

    References
    ----------
    .. [1] J. Pons, T. Lidy and X. Serra, "Experimenting with musically motivated convolutional neural networks", CBMI
       2016, section III.
    .. [2] T. Lidy, "Spectral convolutional neural network for music classification", MIREX 2015.

    Examples
    --------
    >>> from audiofeat_nn.layers import count_parameters
    >>> from audiofeat_nn.musical import mirex2015
    >>> count_parameters(mirex2015(2))
    3068057
    """
    return BlackBox(
        n_classes,
        n_bands=n_bands,
        n_frames=n_frames,
        pool=(2, 1),
        n_filters=15,
        dropout=dropout,
    )
