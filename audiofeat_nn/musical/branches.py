"""Filters along time alone, and along frequency alone (Pons, Lidy and Serra 2016)."""

from torch import Tensor, nn

from audiofeat._validation import as_count
from audiofeat_nn.layers import pooled
from audiofeat_nn.musical.base import Musical


class Time(Musical):
    """Filters along time alone, and the maximum over all bands: rhythm whatever the pitch.

    ====== ================================ ==================
    layer  what                             output, by default
    ====== ================================ ==================
    conv1  32 filters of 1 x 60, ReLU       32 x 40 x 21
    pool1  maximum over all bands           32 x 1 x 21
    out    logits, no soft-max              n_classes
    ====== ================================ ==================

    There is no hidden layer: with 8 classes it has the published 7,336 parameters, and 19,496 with filters of 200 on
    250 frames. Half of the maps is dropped before the dense layer.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    n_bands, n_frames : int
        Of the input, standardised by one mean and one deviation of the whole training set.
    length : int
        Frames of a filter.
    n_filters : int
        Filters.
    dropout : float
        Share of values dropped, in [0, 1].

    Raises
    ------
    TypeError
        If a number is of another type.
    ValueError
        If a number is out of range, or a filter longer than the input; in `forward`, if the input has another shape.

    References
    ----------
    .. [1] J. Pons, T. Lidy and X. Serra, "Experimenting with musically motivated convolutional neural networks", CBMI
       2016, figure 2 and table I.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.musical import Time
    >>> Time(8)(torch.zeros(2, 1, 40, 80)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        n_bands: int = 40,
        n_frames: int = 80,
        length: int = 60,
        n_filters: int = 32,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(n_classes, n_bands=n_bands, n_frames=n_frames, n_filters=n_filters, dropout=dropout)
        self.length = as_count(length, "length")
        width = pooled(self.n_frames, (self.length, 1, 0), name="n_frames")
        self.conv1 = nn.Conv2d(1, self.n_filters, (1, self.length))
        self.pool1 = nn.MaxPool2d((self.n_bands, 1))
        self.classify = self.classifier(self.n_filters * width, None)
        self.start()

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (batch, n_classes)."""
        logits: Tensor = self.classify(self.pool1(self.conv1(self.checked(x)).relu()).flatten(1))
        return logits


class Frequency(Musical):
    """Filters along frequency alone, and the maximum over all frames: timbre whatever its time.

    ====== ================================ ==================
    layer  what                             output, by default
    ====== ================================ ==================
    conv1  32 filters of 32 x 1, ReLU       32 x 9 x 80
    pool1  maximum over all frames          32 x 9 x 1
    out    logits, no soft-max              n_classes
    ====== ================================ ==================

    There is no hidden layer: with 8 classes and filters of 30, 32, 34, 36, 38 and 40 bands it has the published 3,816,
    3,368, 2,920, 2,472, 2,024 and 1,576 parameters. Half of the maps is dropped before the dense layer.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    n_bands, n_frames : int
        Of the input, standardised by one mean and one deviation of the whole training set.
    height : int
        Bands of a filter; 32 did best.
    n_filters : int
        Filters.
    dropout : float
        Share of values dropped, in [0, 1].

    Raises
    ------
    TypeError
        If a number is of another type.
    ValueError
        If a number is out of range, or a filter higher than the input; in `forward`, if the input has another shape.

    References
    ----------
    .. [1] J. Pons, T. Lidy and X. Serra, "Experimenting with musically motivated convolutional neural networks", CBMI
       2016, figure 3 and table I.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.musical import Frequency
    >>> Frequency(8)(torch.zeros(2, 1, 40, 80)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        n_bands: int = 40,
        n_frames: int = 80,
        height: int = 32,
        n_filters: int = 32,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(n_classes, n_bands=n_bands, n_frames=n_frames, n_filters=n_filters, dropout=dropout)
        self.height = as_count(height, "height")
        left = pooled(self.n_bands, (self.height, 1, 0), name="n_bands")
        self.conv1 = nn.Conv2d(1, self.n_filters, (self.height, 1))
        self.pool1 = nn.MaxPool2d((1, self.n_frames))
        self.classify = self.classifier(self.n_filters * left, None)
        self.start()

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (batch, n_classes)."""
        logits: Tensor = self.classify(self.pool1(self.conv1(self.checked(x)).relu()).flatten(1))
        return logits
