"""The networks with recurrence of KTH 2020: after the convolutions, and beside them."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from audiofeat._validation import as_choice, as_count, as_number
from audiofeat_nn.layers import checked, gru, last_states, pooled
from audiofeat_nn.residual import EPS, MOMENTUM, ShortcutFeatures, start_he

AXES = ("frequency", "time")
GRAPHS = {"coded": (68, 137, 137, 137), "published": (32, 64, 128, 64)}
POOLS = (2, 3, 4, 4)
WIDE = (128, 256, 512, 512, 512, 128)


def start_keras(module: nn.Module) -> None:
    """Draw all weights as Keras does by default: Glorot-uniform, recurrent ones orthogonal, biases 0."""
    for name, parameter in module.named_parameters():
        if "weight_hh" in name:
            nn.init.orthogonal_(parameter)
        elif parameter.ndim > 1:
            nn.init.xavier_uniform_(parameter)
        elif "bias" in name:
            nn.init.zeros_(parameter)


class KTHCRNN(nn.Module):
    """Convolutions, then gated recurrent units, of the KTH 2020 report [1]_, as coded and as published.

    Four times a 3 x 3 convolution, batch normalisation, ReLU, max-pool (2, 3, 4, 4) and dropout; a layer of 68
    recurrent units; a dense layer on their last state. For 1 x 128 x 128:

    ======= ====================== =====================
    layer   ``graph="coded"``      ``graph="published"``
    ======= ====================== =====================
    pool1   68 x 127 x 127         32 x 64 x 64
    pool2   137 x 125 x 125        64 x 21 x 21
    pool3   137 x 122 x 122        128 x 5 x 5
    pool4   137 x 119 x 119        64 x 1 x 1
    steps   119 of 119 features    1 of 64 features
    ======= ====================== =====================

    Parameters
    ----------
    n_classes : int
        Genres.
    n_bands, n_frames : int
        Of the input: 10 at least as coded, 96 as published.
    graph : {"coded", "published"}
        Pools of stride 1, after which the recurrence reads the first channel's map and no other; or pools that
        stride, as figure 2 has them, after which it reads all channels.
    channels : sequence of 4 int, optional
        Filters. As coded 68, 137, 137, 137; as published 32, 64, 128, 64.
    n_units : int
        Recurrent units.
    dropout : float
        Share of activations dropped after each pool.
    recurrence : {"frequency", "time"}
        The axis whose rows are the steps.

    Raises
    ------
    ValueError
        If an option is out of range, or bands or frames are too few.

    Notes
    -----
    The report describes figure 2, whose pools leave a sequence of one step for its own input. The accuracies come
    from code with pools of stride 1, in which 136 of the 137 maps of the last convolution reach nothing: their
    weights have no gradient. Trainable parameters for eight classes: 462,843 as coded, 194,928 as published, 206,148
    for figure 2's channels in the code's graph.

    The first axis of the authors' pictures is frequency, so that the recurrence of their code runs over mel bands,
    though the text speaks of time: both are offered. The figure does not say how a longer sequence is made: here
    each step holds the channels and the other axis. Weights start as Keras' defaults.

    References
    ----------
    .. [1] M. Bjelikj et al., "Music genre classification: different methods exploration", DT2119 project report,
       KTH, 2020, section 3.2 and figure 2.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.crnn import KTHCRNN
    >>> KTHCRNN(8, n_bands=16, n_frames=20, recurrence="time")(torch.zeros(2, 1, 16, 20)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        n_bands: int = 128,
        n_frames: int = 128,
        graph: str = "coded",
        channels: Sequence[int] | None = None,
        n_units: int = 68,
        dropout: float = 0.1,
        recurrence: str = "frequency",
    ) -> None:
        super().__init__()
        n_classes, n_units = as_count(n_classes, "n_classes"), as_count(n_units, "n_units")
        self.coded = as_choice(graph, "graph", GRAPHS) == "coded"
        self.over_time = as_choice(recurrence, "recurrence", AXES) == "time"
        dropout = as_number(dropout, "dropout", low=0, high=1)
        channels = GRAPHS[graph] if channels is None else tuple(channels)
        if len(channels) != len(POOLS):
            msg = f"channels must hold {len(POOLS)} counts, got {channels}"
            raise ValueError(msg)
        strides = [1 if self.coded else pool for pool in POOLS]
        pools = [(pool, stride, 0) for pool, stride in zip(POOLS, strides, strict=True)]
        height = pooled(as_count(n_bands, "n_bands"), *pools, name="n_bands")
        width = pooled(as_count(n_frames, "n_frames"), *pools, name="n_frames")
        self.n_bands, self.n_frames = n_bands, n_frames

        layers: OrderedDict[str, nn.Module] = OrderedDict()
        n_in = 1
        for i, n_out in enumerate(channels, 1):
            layers[f"conv{i}"] = nn.Conv2d(n_in, as_count(n_out, f"channels[{i - 1}]"), 3, padding=1)
            layers[f"norm{i}"] = nn.BatchNorm2d(n_out, EPS, MOMENTUM)
            layers[f"relu{i}"] = nn.ReLU()
            layers[f"pool{i}"] = nn.MaxPool2d(POOLS[i - 1], strides[i - 1])
            layers[f"dropout{i}"] = nn.Dropout(dropout)
            n_in = n_out
        self.layers = nn.Sequential(layers)
        side = height if self.over_time else width
        self.gru = gru(side if self.coded else side * n_in, n_units)
        self.output = nn.Linear(n_units, n_classes)
        start_keras(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, (batch, n_classes), of spectrograms, (batch, 1, n_bands, n_frames)."""
        x = self.layers(checked(x, bands=self.n_bands, frames=self.n_frames))  # (batch, channels, height, width)
        if self.coded:
            x = x[:, :1]
        steps = x.permute(0, 3, 1, 2) if self.over_time else x.permute(0, 2, 1, 3)
        _, final = self.gru(steps.flatten(2))
        logits: Tensor = self.output(last_states(final, bidirectional=False))
        return logits


class KTHCNNRNN(nn.Module):
    """Residual convolutions and recurrence side by side, of the KTH 2020 report [1]_.

    ============== ================================================================= ===========
    branch         layers, for an input of 1 x 128 x 128                             output
    ============== ================================================================= ===========
    ``features``   the six blocks of `KTHCNN` with 128, 256, 512, 512, 512, 128      1024
                   filters, the last convolution with 64
    ``gru``        max-pool by two along the features, 64 units each way             128
    ``output``     dense, on both joined                                             n_classes
    ============== ================================================================= ===========

    Parameters
    ----------
    n_classes : int
        Genres.
    n_bands, n_frames : int
        Of the input, 17 at least.
    recurrence : {"frequency", "time"}
        The axis whose rows are the steps; a row's features are the other axis.
    embedding : int, optional
        Size of a vector that a dense layer makes of each step; None for the steps themselves.
    attention : bool
        Weigh all states of the recurrence, in place of joining the last of each direction.
    padding : {"same", "symmetric"}
        See `KTHCNN`.

    Raises
    ------
    ValueError
        If an option is out of range, or bands or frames are too few.

    Notes
    -----
    The defaults are the authors' code, with 7,139,304 trainable parameters for eight classes. Its recurrence runs
    over mel bands, the first axis of the authors' pictures, and its pool halves time.

    The text goes further. Its "embedding" of segments is in the code a change of shape: `embedding` is a dense layer,
    whose size the report does not give. Its attention, a weighted sum of the hidden states, is not in the code:
    `attention` scores each state ``h_t`` by ``v . h_t`` (without a bias, which the softmax would cancel) and sums
    ``softmax(v . h)_t h_t``, a choice.

    Convolutions and dense layers start as in `KTHCNN`, the recurrence as Keras' defaults.

    References
    ----------
    .. [1] M. Bjelikj et al., "Music genre classification: different methods exploration", DT2119 project report,
       KTH, 2020, section 3.2 and figure 3.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.crnn import KTHCNNRNN
    >>> KTHCNNRNN(8, n_bands=32, n_frames=32, attention=True)(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        n_bands: int = 128,
        n_frames: int = 128,
        recurrence: str = "frequency",
        embedding: int | None = None,
        attention: bool = False,
        padding: str = "same",
    ) -> None:
        super().__init__()
        n_classes = as_count(n_classes, "n_classes")
        self.over_time = as_choice(recurrence, "recurrence", AXES) == "time"
        self.features = ShortcutFeatures(n_bands, n_frames, WIDE, padding=padding)
        self.n_bands, self.n_frames = n_bands, n_frames
        self.pool = nn.MaxPool2d((1, 2))
        size = (n_bands if self.over_time else n_frames) // 2
        n_inputs = size if embedding is None else as_count(embedding, "embedding")
        self.embedding = nn.Identity() if embedding is None else nn.Linear(size, n_inputs)
        self.gru = gru(n_inputs, 64, bidirectional=True)
        self.attention = nn.Linear(128, 1, bias=False) if attention else None
        self.output = nn.Linear(self.features.n_features + 128, n_classes)
        for module in (self.embedding, self.gru, self.attention):
            if module is not None:
                start_keras(module)
        start_he(self.output)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, (batch, n_classes), of spectrograms, (batch, 1, n_bands, n_frames)."""
        x = checked(x, bands=self.n_bands, frames=self.n_frames)
        rows = x.transpose(2, 3) if self.over_time else x
        steps = self.embedding(self.pool(rows).squeeze(1))  # (batch, steps, features)
        states, final = self.gru(steps)
        if self.attention is None:
            summary = last_states(final, bidirectional=True)
        else:
            summary = (torch.softmax(self.attention(states), dim=1) * states).sum(1)
        logits: Tensor = self.output(torch.cat([self.features(x), summary], dim=1))
        return logits
