"""Filters along time and along frequency side by side (Pons, Lidy and Serra 2016)."""

import torch
from torch import Tensor, nn

from audiofeat._validation import as_count
from audiofeat_nn.layers import pooled
from audiofeat_nn.musical.base import Musical
from audiofeat_nn.musical.branches import Frequency, Time


class TimeFrequency(Musical):
    """The filters of `Time` and of `Frequency` side by side, and a hidden layer on both.

    ============ ================================ ==================
    layer        what                             output, by default
    ============ ================================ ==================
    time_conv    32 filters of 1 x 60, ReLU       32 x 40 x 21
    time_pool    maximum over all bands           32 x 1 x 21
    freq_conv    32 filters of 32 x 1, ReLU       32 x 9 x 80
    freq_pool    maximum over all frames          32 x 9 x 1
    dense        200 on 32 * (21 + 9), ReLU       200
    out          logits, no soft-max              n_classes
    ============ ================================ ==================

    With 8 classes it has the published 196,816 parameters. The paper does not say in which order the two branches
    are joined; as in the authors' code, the maps of frequency are turned, and follow those of time filter by filter.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    n_bands, n_frames : int
        Of the input, standardised by one mean and one deviation of the whole training set.
    length : int
        Frames of a filter along time.
    height : int
        Bands of a filter along frequency.
    n_filters : int
        Filters of each kind.
    n_units : int
        Units of the hidden layer.
    dropout : float
        Share of values dropped before both dense layers, in [0, 1].

    Raises
    ------
    TypeError
        If a number is of another type.
    ValueError
        If a number is out of range, or a filter larger than the input; in `forward`, if the input has another shape.

    See Also
    --------
    time_frequency_init : The same network, with the filters of trained ones.

    References
    ----------
    .. [1] J. Pons, T. Lidy and X. Serra, "Experimenting with musically motivated convolutional neural networks", CBMI
       2016, figure 4 and table I.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.musical import TimeFrequency
    >>> TimeFrequency(8)(torch.zeros(2, 1, 40, 80)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        n_bands: int = 40,
        n_frames: int = 80,
        length: int = 60,
        height: int = 32,
        n_filters: int = 32,
        n_units: int = 200,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(n_classes, n_bands=n_bands, n_frames=n_frames, n_filters=n_filters, dropout=dropout)
        self.length, self.height = as_count(length, "length"), as_count(height, "height")
        width = pooled(self.n_frames, (self.length, 1, 0), name="n_frames")
        left = pooled(self.n_bands, (self.height, 1, 0), name="n_bands")
        self.time_conv = nn.Conv2d(1, self.n_filters, (1, self.length))
        self.time_pool = nn.MaxPool2d((self.n_bands, 1))
        self.freq_conv = nn.Conv2d(1, self.n_filters, (self.height, 1))
        self.freq_pool = nn.MaxPool2d((1, self.n_frames))
        self.classify = self.classifier(self.n_filters * (width + left), n_units)
        self.start()

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (batch, n_classes)."""
        x = self.checked(x)
        time = self.time_pool(self.time_conv(x).relu())  # (batch, n_filters, 1, frames left)
        frequency = self.freq_pool(self.freq_conv(x).relu())  # (batch, n_filters, bands left, 1)
        logits: Tensor = self.classify(torch.cat([time, frequency.transpose(2, 3)], dim=3).flatten(1))
        return logits


def time_frequency_init(
    n_classes: int, *, time: Time, frequency: Frequency, n_units: int = 200, dropout: float = 0.5
) -> TimeFrequency:
    """Return a `TimeFrequency` whose filters are copies of those of two trained networks.

    In the study both come from the same fold of the cross-validation, so that nothing of the fold's test set is known
    to them: the caller sees to that. The dense layers start anew, and everything is trained further.

    Parameters
    ----------
    n_classes : int
        Number of classes, that of both networks.
    time, frequency : Time and Frequency
        Trained on the same classes and the same shape of input, with as many filters; they are left as they are.
    n_units : int
        Units of the hidden layer.
    dropout : float
        Share of values dropped before both dense layers, in [0, 1].

    Returns
    -------
    TimeFrequency
        The network, in training mode, with the dtype and on the device of `time`.

    Raises
    ------
    TypeError
        If a network is of another class.
    ValueError
        If the two differ in classes, bands, frames or filters, or have not `n_classes`.

    References
    ----------
    .. [1] J. Pons, T. Lidy and X. Serra, "Experimenting with musically motivated convolutional neural networks", CBMI
       2016, section III.

    Examples
    --------
    >>> from audiofeat_nn.musical import Frequency, Time, time_frequency_init
    >>> time = Time(8)
    >>> model = time_frequency_init(8, time=time, frequency=Frequency(8))
    >>> bool((model.time_conv.weight == time.conv1.weight).all())
    True
    """
    for name, network, wanted in (("time", time, Time), ("frequency", frequency, Frequency)):
        if not isinstance(network, wanted):
            msg = f"{name} must be a {wanted.__name__}, got {type(network).__name__}"
            raise TypeError(msg)
    for name in ("n_classes", "n_bands", "n_frames", "n_filters"):
        ours, theirs = getattr(time, name), getattr(frequency, name)
        if ours != theirs:
            msg = f"time and frequency must have the same {name}, got {ours} and {theirs}"
            raise ValueError(msg)
    if n_classes != time.n_classes:
        msg = f"n_classes must be {time.n_classes} as in time and frequency, got {n_classes}"
        raise ValueError(msg)
    model = TimeFrequency(
        n_classes,
        n_bands=time.n_bands,
        n_frames=time.n_frames,
        length=time.length,
        height=frequency.height,
        n_filters=time.n_filters,
        n_units=n_units,
        dropout=dropout,
    ).to(time.conv1.weight)
    model.time_conv.load_state_dict(time.conv1.state_dict())
    model.freq_conv.load_state_dict(frequency.conv1.state_dict())
    return model
