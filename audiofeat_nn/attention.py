"""PRCNN as replicated on FMA at the University of British Columbia in 2020, with its ablations and its attention."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from audiofeat._validation import as_choice, as_count
from audiofeat_nn.crnn import start_keras
from audiofeat_nn.layers import checked, gru, last_states, pooled
from audiofeat_nn.prcnn.branches import PooledConvolutions, as_pair, as_row

FILTERS = (16, 32, 64, 64, 64)
POOLS = ((2, 2), (2, 2), (2, 2), (4, 4), (4, 4))
KERNEL = (1, 3)
ATTENTIONS = ("figure4", "temporal")
SCORES = ("cnn", "linear")
ORDERS = ("parallel", "serial")


def _convolutions(
    n_bands: int, n_frames: int, filters: Sequence[int], pools: Sequence[tuple[int, int]] | None
) -> PooledConvolutions:
    chosen = POOLS[: len(filters)] if pools is None else as_row(pools, "pools")
    return PooledConvolutions(n_bands, n_frames, filters=filters, pools=chosen, kernel=KERNEL, padding=(0, 0))


def _pooled_input(n_bands: int, n_frames: int, pool: tuple[int, int]) -> tuple[nn.MaxPool2d, int]:
    """Return the pool before the recurrence, and the bands that it leaves."""
    pool = as_pair(pool, "recurrent_pool")
    pooled(as_count(n_frames, "n_frames"), (pool[1], pool[1], 0), name="n_frames")
    return nn.MaxPool2d(pool), pooled(as_count(n_bands, "n_bands"), (pool[0], pool[0], 0), name="n_bands")


class UBCPRCNN(nn.Module):
    """Parallel convolutions and recurrence of the UBC replication [1]_, and the parts that it took away.

    For 1 x 128 x 640 (bands x frames) and eight classes:

    ============= ================ ==========
    layer         output           parameters
    ============= ================ ==========
    ``cnn.pool1`` 16 x 64 x 319    64
    ``cnn.pool2`` 32 x 32 x 158    1,568
    ``cnn.pool3`` 64 x 16 x 78     6,208
    ``cnn.pool4`` 64 x 4 x 19      12,352
    ``cnn.pool5`` 64 x 1 x 4       12,352
    ``pool``      1 x 128 x 320
    ``gru``       128              74,496
    ``output``    8                3,080
    ============= ================ ==========

    Parameters
    ----------
    n_classes : int
        Genres.
    n_bands, n_frames : int
        Of the input; with all five pools 128 and 222 at least.
    filters : sequence of int
        Of the convolutions; empty for recurrence alone, ``(16, 32, 64)`` for three layers.
    pools : sequence of (int, int), optional
        Of the convolutions, (bands, frames). By default the paper's, as many as there are filters.
    recurrent_pool : (int, int)
        Before the recurrence, (bands, frames).
    n_layers : int
        Recurrent layers of 64 units each way; 0 for convolutions alone.

    Raises
    ------
    ValueError
        If an option is out of range, if nothing is left of the network, or bands or frames are too few.

    Notes
    -----
    The output are logits. Kernels are 3 frames of one band, without padding, and the steps of the recurrence are
    frames. There are 110,120 parameters for eight classes, and 85,544 with ``recurrent_pool=(2, 4)``, the pool of the
    code that the replication started from.

    Options for the rows of the paper's table 2: ``filters=()`` for recurrence alone, ``n_layers=0`` for convolutions
    alone, with ``filters=(16, 32, 64)`` for three of them, ``n_layers=2`` for two recurrent layers. The paper does not
    say which three convolutions: the first three with their pools are a choice, after which the map has 79,872 values.
    Weights start as Keras' defaults.

    References
    ----------
    .. [1] M. Fadaviardakani et al., "Parallel recurrent and convolutional neural networks for music genre
       classification", report, University of British Columbia, 2020, sections "CNN component" and "RNN component",
       and table 2.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.attention import UBCPRCNN
    >>> UBCPRCNN(8, n_bands=128, n_frames=222)(torch.zeros(2, 1, 128, 222)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        n_bands: int = 128,
        n_frames: int = 640,
        filters: Sequence[int] = FILTERS,
        pools: Sequence[tuple[int, int]] | None = None,
        recurrent_pool: tuple[int, int] = (1, 2),
        n_layers: int = 1,
    ) -> None:
        super().__init__()
        n_classes, n_layers = as_count(n_classes, "n_classes"), as_count(n_layers, "n_layers", low=0)
        filters = as_row(filters, "filters")
        if not filters and not n_layers:
            msg = "n_layers must be at least 1 where filters are empty: no layer is left"
            raise ValueError(msg)
        pool, n_rows = _pooled_input(n_bands, n_frames, recurrent_pool)
        self.cnn = _convolutions(n_bands, n_frames, filters, pools) if filters else None
        self.pool = pool if n_layers else None
        self.gru = gru(n_rows, 64, n_layers, bidirectional=True) if n_layers else None
        n_features = (self.cnn.n_features if self.cnn else 0) + (128 if n_layers else 0)
        self.output = nn.Linear(n_features, n_classes)
        self.n_bands, self.n_frames = n_bands, n_frames
        start_keras(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, (batch, n_classes), of spectrograms, (batch, 1, n_bands, n_frames)."""
        x = checked(x, bands=self.n_bands, frames=self.n_frames)
        vectors: list[Tensor] = []
        if self.cnn is not None:
            vectors.append(self.cnn(x))
        if self.gru is not None and self.pool is not None:
            _, final = self.gru(self.pool(x).squeeze(1).transpose(1, 2))  # (batch, frames, bands)
            vectors.append(last_states(final, bidirectional=True))
        logits: Tensor = self.output(torch.cat(vectors, dim=1))
        return logits


class ConvolutionScores(nn.Module):
    """A score for each step of a sequence, by convolutions over the picture of all steps.

    Five convolutions over three steps, padded so that none is lost, with ReLU and max-pools over the features only
    (2, 2, 2, 4, 4); then a dense layer without a bias, which the softmax over steps would cancel.

    Parameters
    ----------
    n_rows : int
        Features of a step, 128 at least.
    name : str
        What `n_rows` is called in the message if they are too few.

    Raises
    ------
    ValueError
        If there are too few features.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.attention import ConvolutionScores
    >>> ConvolutionScores(128)(torch.zeros(2, 30, 128)).shape
    torch.Size([2, 30, 1])
    """

    def __init__(self, n_rows: int, *, name: str = "n_rows") -> None:
        super().__init__()
        height = pooled(n_rows, *((rows, rows, 0) for rows, _ in POOLS), name=name)
        layers: list[nn.Module] = []
        n_in = 1
        for n_out, (rows, _) in zip(FILTERS, POOLS, strict=True):
            layers += [nn.Conv2d(n_in, n_out, KERNEL, padding=(0, 1)), nn.ReLU(), nn.MaxPool2d((rows, 1))]
            n_in = n_out
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(n_in * height, 1, bias=False)

    def forward(self, steps: Tensor) -> Tensor:
        """Return scores, (batch, steps, 1), of (batch, steps, features)."""
        maps = self.layers(steps.transpose(1, 2).unsqueeze(1))  # (batch, 64, height, steps)
        scores: Tensor = self.linear(maps.flatten(1, 2).transpose(1, 2))
        return scores


class UBCAttention(nn.Module):
    """Recurrence under attention, of the UBC report [1]_: as its figure 4 has it, and one that works.

    Parameters
    ----------
    n_classes : int
        Genres.
    n_bands, n_frames : int
        Of the input; for figure 4 at least 128 and 222.
    attention : {"figure4", "temporal"}
        The published graph, whose attention is an identity; or a softmax over the recurrence's steps.
    scores : {"cnn", "linear"}
        Of temporal attention: from `ConvolutionScores`, or one dense layer. Figure 4 has a graph of its own.
    order : {"parallel", "serial"}
        Of temporal attention: scores from the recurrence's input, or from its states.
    recurrent_pool : (int, int)
        Before the recurrence, (bands, frames).
    n_units, n_layers : int
        Of the recurrence, each way.

    Raises
    ------
    ValueError
        If an option is out of range, or bands, frames or units are too few.

    Notes
    -----
    The output are logits. Figure 4 has 232,744 parameters for eight classes: 32,544 in its convolutions, 198,144 in
    its recurrence, 2,056 in its dense layer. Its convolutions end in a vector ``f`` of 256. With ``a = softmax(f)`` and
    ``h`` the last states of the recurrence, figure 4 repeats ``a`` once for each unit, turns it, multiplies by ``h``
    along the other axis and sums::

        s_j = sum_i a_i h_j = h_j

    as the weights of a softmax add up to one. The attention is therefore an identity, and the convolutions neither
    reach the output nor get a gradient, but for rounding: the network learns as recurrence alone. This is kept, for
    its published accuracy is of this network.

    Temporal attention is what the text describes, after [2]_: with ``h_t`` the state at a step and ``e_t`` its score::

        s = sum_t softmax(e)_t h_t

    Parallel scores are a function of the pooled spectrogram, serial ones of the states. Layer sizes of [2]_ are not
    known to us: the convolutions' filters are the report's, and their pools leave time alone, such that each step
    has a score, both choices. There is one recurrent layer, as in figure 4, though table 2 speaks of two. Weights
    start as Keras' defaults.

    References
    ----------
    .. [1] M. Fadaviardakani et al., "Parallel recurrent and convolutional neural networks for music genre
       classification", report, University of British Columbia, 2020, section "Attention" and figure 4.
    .. [2] Y. Yu, S. Luo, S. Liu, H. Qiao, Y. Liu and L. Feng, "Deep attention based music genre classification",
       Neurocomputing 372, pp. 84-91, 2020.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.attention import UBCAttention
    >>> UBCAttention(8, n_frames=64, attention="temporal")(torch.zeros(2, 1, 128, 64)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        n_bands: int = 128,
        n_frames: int = 640,
        attention: str = "figure4",
        scores: str = "cnn",
        order: str = "parallel",
        recurrent_pool: tuple[int, int] = (1, 2),
        n_units: int = 128,
        n_layers: int = 1,
    ) -> None:
        super().__init__()
        n_units, n_layers = as_count(n_units, "n_units"), as_count(n_layers, "n_layers")
        self.temporal = as_choice(attention, "attention", ATTENTIONS) == "temporal"
        self.serial = as_choice(order, "order", ORDERS) == "serial"
        by_convolution = as_choice(scores, "scores", SCORES) == "cnn"
        self.pool, n_rows = _pooled_input(n_bands, n_frames, recurrent_pool)
        self.gru = gru(n_rows, n_units, n_layers, bidirectional=True)
        self.scores: nn.Module
        if not self.temporal:
            self.scores = _convolutions(n_bands, n_frames, FILTERS, None)
        else:
            size, name = (2 * n_units, "2 * n_units") if self.serial else (n_rows, "n_bands after recurrent_pool")
            self.scores = ConvolutionScores(size, name=name) if by_convolution else nn.Linear(size, 1, bias=False)
        self.output = nn.Linear(2 * n_units, as_count(n_classes, "n_classes"))
        self.n_bands, self.n_frames = n_bands, n_frames
        start_keras(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, (batch, n_classes), of spectrograms, (batch, 1, n_bands, n_frames)."""
        x = checked(x, bands=self.n_bands, frames=self.n_frames)
        steps = self.pool(x).squeeze(1).transpose(1, 2)  # (batch, frames, bands)
        states, final = self.gru(steps)
        if self.temporal:
            weights = torch.softmax(self.scores(states if self.serial else steps), dim=1)  # (batch, frames, 1)
            attended = (weights * states).sum(1)
        else:
            last = last_states(final, bidirectional=True)
            weights = torch.softmax(self.scores(x), dim=1)  # (batch, features)
            repeated = weights.unsqueeze(1).expand(-1, last.shape[1], -1).transpose(1, 2)  # (batch, features, units)
            attended = (repeated * last.unsqueeze(1)).sum(-2)
        logits: Tensor = self.output(attended)
        return logits
