"""The recurrent networks of UCSD 2020: on MFCCs, on seconds of samples, and with states that skip steps."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from audiofeat._validation import as_choice, as_count, as_number
from audiofeat_nn.layers import checked, gru, last_states

READINGS = ("input", "output")
MIXES = ("mean", "sum")


def seconds(y: Tensor, *, n_samples: int = 22050, n_steps: int = 30) -> Tensor:
    """Lay signals out for the recurrent network on raw audio: a second to a step.

    Parameters
    ----------
    y : Tensor, shape (batch, samples)
        Signals. What goes beyond `n_steps` seconds is left out, what is missing is 0.
    n_samples : int
        Samples of a second.
    n_steps : int
        Seconds.

    Returns
    -------
    Tensor, shape (batch, 1, n_samples, n_steps)
        The samples of each second in a column, in the place of a spectrogram's bands.

    Raises
    ------
    ValueError
        If `y` has another number of axes, or a count is below 1.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.recurrent import seconds
    >>> seconds(torch.arange(7.0)[None], n_samples=2, n_steps=4)
    tensor([[[[0., 2., 4., 6.],
              [1., 3., 5., 0.]]]])
    """
    n_samples, n_steps = as_count(n_samples, "n_samples"), as_count(n_steps, "n_steps")
    if y.ndim != 2:
        msg = f"y must be (batch, samples), got shape {tuple(y.shape)}"
        raise ValueError(msg)
    y = functional.pad(y, (0, n_samples * n_steps - y.shape[1]))  # a negative border cuts
    return y.reshape(-1, 1, n_steps, n_samples).transpose(2, 3)


class SkipGRU(nn.Module):
    """Gated recurrent units whose state also receives the state `skip` steps back, the skip-RNN of [1]_.

    With ``G`` the recurrence of `torch.nn.GRU` and ``k`` the skip, the two readings are::

        h_t = G(x_t, h_{t-1}) + h_{t-k}       (output)
        h_t = G(x_t, h_{t-1} + h_{t-k})       (input)

    or the mean of the two terms in place of their sum. The first `skip` steps, which have no state so far back, are
    ``G``'s alone: a skip as long as the sequence is `torch.nn.GRU`.

    Parameters
    ----------
    input_size, hidden_size : int
        Features of a step, and units.
    num_layers : int
        Layers, each on the states of the one before.
    skip : int
        Steps back.
    reading : {"output", "input"}
        Where the skipped state enters: after the units or before them.
    mix : {"mean", "sum"}
        How it is joined to the other.

    Raises
    ------
    ValueError
        If an option is none of the above or out of range.

    Notes
    -----
    The report gives no formula: both readings, and the mean, are ours. A sum of states has no bound: at 646 steps
    of white noise, 128 units fresh from their start reach 1e28 with a skip of 20, and overflow with a skip of 2, in
    both readings. Means stay within [-1, 1] as the states of `torch.nn.GRU` do.

    Parameters are named and ordered as those of `torch.nn.GRU`, whose state dict loads. The steps run in Python.

    References
    ----------
    .. [1] A. Asgharivaskasi et al., "Music genre recognition using deep learning", project report, UC San Diego,
       2020, section 6.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.recurrent import SkipGRU
    >>> states, final = SkipGRU(8, 4, skip=3)(torch.zeros(2, 5, 8))
    >>> states.shape, final.shape
    (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        skip: int,
        reading: str = "output",
        mix: str = "mean",
    ) -> None:
        super().__init__()
        self.hidden_size, self.num_layers = as_count(hidden_size, "hidden_size"), as_count(num_layers, "num_layers")
        self.skip = as_count(skip, "skip")
        self.reading, self.mix = as_choice(reading, "reading", READINGS), as_choice(mix, "mix", MIXES)
        twin = nn.GRU(as_count(input_size, "input_size"), hidden_size, num_layers)
        for name, parameter in twin.named_parameters():  # its start, too
            self.register_parameter(name, parameter)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the last layer's states, (batch, steps, units), and final ones, (layers, batch, units)."""
        finals: list[Tensor] = []
        for layer in range(self.num_layers):
            x = self._run(x, layer)
            finals.append(x[:, -1])
        return x, torch.stack(finals)

    def _run(self, x: Tensor, layer: int) -> Tensor:
        part = self.get_parameter
        driven = functional.linear(x, part(f"weight_ih_l{layer}"), part(f"bias_ih_l{layer}"))
        weight, bias = part(f"weight_hh_l{layer}"), part(f"bias_hh_l{layer}")
        state = driven.new_zeros(driven.shape[0], self.hidden_size)
        states: list[Tensor] = []
        for t, step in enumerate(driven.unbind(1)):
            skipped = states[t - self.skip] if t >= self.skip else None
            if skipped is not None and self.reading == "input":
                state = self._join(state, skipped)
            reset_x, keep_x, new_x = step.chunk(3, dim=1)
            reset_h, keep_h, new_h = functional.linear(state, weight, bias).chunk(3, dim=1)
            keep = torch.sigmoid(keep_x + keep_h)
            new = torch.tanh(new_x + torch.sigmoid(reset_x + reset_h) * new_h)
            state = (1 - keep) * new + keep * state
            if skipped is not None and self.reading == "output":
                state = self._join(state, skipped)
            states.append(state)
        return torch.stack(states, dim=1)

    def _join(self, state: Tensor, skipped: Tensor) -> Tensor:
        return state + skipped if self.mix == "sum" else (state + skipped) / 2


class GRUClassifier(nn.Module):
    """Gated recurrent units and two dense layers, of the UCSD 2020 report [1]_; with a skip, its skip-RNN.

    A frame is a step; the last state goes through a hidden dense layer with ReLU, then the output layer.

    Parameters
    ----------
    n_classes : int
        Genres.
    n_bands, n_frames : int
        Of the input. 20 MFCCs of 646 analysis windows, which are 30 s at the report's hop of 1024; for raw audio
        22,050 and 30, laid out by `seconds`.
    n_units, n_layers : int
        Recurrent units, and layers of them.
    dense : sequence of int
        Units of the hidden dense layers.
    dropout : float
        Share of activations dropped before each dense layer.
    skip : int, optional
        Steps back, for `SkipGRU` in place of `torch.nn.GRU`.
    reading : {"output", "input"}
        See `SkipGRU`.
    mix : {"mean", "sum"}
        See `SkipGRU`.

    Raises
    ------
    ValueError
        If an option is out of range.

    Notes
    -----
    The report states the inputs (an analysis window a step, or a second of samples a step, thirty of them), the kind
    of units and two dense layers. Not stated, and chosen: 20 MFCCs (librosa's default), 128 units, 64 in the hidden
    layer, the last state for a summary. Its deeper variant drops activations in the dense layers, not between the
    recurrent ones, as `dropout` does.

    References
    ----------
    .. [1] A. Asgharivaskasi et al., "Music genre recognition using deep learning", project report, UC San Diego,
       2020, sections 4.4 and 6.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.recurrent import GRUClassifier, seconds
    >>> GRUClassifier(10)(torch.zeros(2, 1, 20, 646)).shape
    torch.Size([2, 10])
    >>> deeper = GRUClassifier(10, n_bands=2205, n_frames=3, n_layers=2, dense=(64, 32), dropout=0.5)
    >>> deeper(seconds(torch.zeros(2, 6615), n_samples=2205, n_steps=3)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        n_bands: int = 20,
        n_frames: int = 646,
        n_units: int = 128,
        n_layers: int = 1,
        dense: Sequence[int] = (64,),
        dropout: float = 0.0,
        skip: int | None = None,
        reading: str = "output",
        mix: str = "mean",
    ) -> None:
        super().__init__()
        self.n_bands, self.n_frames = as_count(n_bands, "n_bands"), as_count(n_frames, "n_frames")
        n_units, n_layers = as_count(n_units, "n_units"), as_count(n_layers, "n_layers")
        as_choice(reading, "reading", READINGS)  # without a skip, too
        as_choice(mix, "mix", MIXES)
        dropout = as_number(dropout, "dropout", low=0, high=1)
        sizes = [n_units, *(as_count(size, f"dense[{i}]") for i, size in enumerate(dense))]
        if skip is None:
            self.gru: nn.Module = gru(n_bands, n_units, n_layers)
        else:
            self.gru = SkipGRU(n_bands, n_units, n_layers, skip=skip, reading=reading, mix=mix)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for i in range(1, len(sizes)):
            layers[f"dropout{i}"] = nn.Dropout(dropout)
            layers[f"dense{i}"] = nn.Linear(sizes[i - 1], sizes[i])
            layers[f"relu{i}"] = nn.ReLU()
        layers["dropout"] = nn.Dropout(dropout)
        layers["output"] = nn.Linear(sizes[-1], as_count(n_classes, "n_classes"))
        self.head = nn.Sequential(layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, (batch, n_classes), of (batch, 1, n_bands, n_frames)."""
        x = checked(x, bands=self.n_bands, frames=self.n_frames)
        _, final = self.gru(x.squeeze(1).transpose(1, 2))  # (batch, frames, bands)
        logits: Tensor = self.head(last_states(final, bidirectional=False))
        return logits
