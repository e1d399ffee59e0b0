"""What the families of networks share: the check of their input, gated recurrence, padding as Keras pads."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def checked(x: Tensor, *, bands: int, frames: int, channels: int = 1) -> Tensor:
    """Return a batch of spectrograms as it is, if it has the shape that a network expects.

    Parameters
    ----------
    x : Tensor, shape (batch, channels, bands, frames)
        Floating point.
    bands, frames, channels : int
        What is expected.

    Returns
    -------
    Tensor
        `x`.

    Raises
    ------
    TypeError
        If `x` is not of a floating-point type.
    ValueError
        If the shape differs: the message names what was expected and what was given.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.layers import checked
    >>> checked(torch.zeros(2, 1, 40, 80), bands=40, frames=80).shape
    torch.Size([2, 1, 40, 80])
    """
    if not x.is_floating_point():
        msg = f"x must be of a floating-point type, got {x.dtype}"
        raise TypeError(msg)
    if x.ndim != 4 or tuple(x.shape[1:]) != (channels, bands, frames):
        msg = f"x must be (batch, {channels}, {bands} bands, {frames} frames), got shape {tuple(x.shape)}"
        raise ValueError(msg)
    return x


def pooled(size: int, *steps: tuple[int, int, int], name: str) -> int:
    """Return what convolutions and pools leave of a length.

    Parameters
    ----------
    size : int
        The length.
    *steps : tuple of int
        Kernel, stride and padding (sum of both sides) of each; what does not fill a stride falls away.
    name : str
        The length's name, for the message.

    Returns
    -------
    int
        The length that is left, 1 at least.

    Raises
    ------
    ValueError
        If nothing is left: the message names the shortest length that would do.

    Examples
    --------
    >>> from audiofeat_nn.layers import pooled
    >>> pooled(128, (2, 2, 0), (3, 1, 2), name="n_frames")
    64
    """

    def left(length: int) -> int:
        for kernel, stride, padding in steps:
            if length + padding < kernel:
                return 0
            length = (length + padding - kernel) // stride + 1
        return length

    found = left(size)
    if found < 1:
        shortest = next(length for length in range(size + 1, size + 100_000) if left(length) > 0)
        msg = f"{name} must be at least {shortest} for the pools of this network, got {size}"
        raise ValueError(msg)
    return found


class SamePad(nn.Module):
    """Zeros around a picture, such that a strided convolution gives ``ceil(size / stride)``, as Keras lays them.

    The sum of both sides is ``max(0, (ceil(size / stride) - 1) * stride + kernel - size)``, the odd one after:
    torch's own symmetric padding gives the same size, one pixel aside.

    Parameters
    ----------
    kernel, stride : tuple of int
        Of the convolution, (height, width).

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.layers import SamePad
    >>> SamePad((5, 5), (2, 2))(torch.zeros(1, 1, 128, 128)).shape
    torch.Size([1, 1, 131, 131])
    """

    def __init__(self, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with its border, shape (batch, channels, height + border, width + border)."""
        border: list[int] = []
        for size, kernel, stride in zip(reversed(x.shape[2:]), self.kernel[::-1], self.stride[::-1], strict=True):
            total = max(0, (math.ceil(size / stride) - 1) * stride + kernel - size)
            border += [total // 2, total - total // 2]
        return functional.pad(x, border)


class ResetBeforeGRU(nn.Module):
    """Gated recurrent units whose reset gate acts before the recurrent product, as Cho et al. wrote them.

    With ``u`` the share of the new state::

        u_t = sigmoid(W_u x_t + U_u h_{t-1} + b_u)
        r_t = sigmoid(W_r x_t + U_r h_{t-1} + b_r)
        c_t = tanh(W_c x_t + U_c (r_t * h_{t-1}) + b_c)
        h_t = (1 - u_t) * h_{t-1} + u_t * c_t

    `torch.nn.GRU` multiplies by ``r_t`` after the product with ``U_c``, writes ``z = 1 - u``, and so needs a second
    bias: 3 * `hidden_size` parameters more to each direction of a layer. This form runs step by step in Python: it
    is for counts and comparisons, not for speed.

    Parameters
    ----------
    input_size, hidden_size : int
        Features of a step, and units.
    num_layers : int
        Layers, each on the sequence of the one before.
    bidirectional : bool
        Join a second pass from the end to the start.

    References
    ----------
    .. [1] K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
       translation", EMNLP 2014.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.layers import ResetBeforeGRU
    >>> sequence, final = ResetBeforeGRU(8, 4, bidirectional=True)(torch.zeros(2, 5, 8))
    >>> sequence.shape, final.shape
    (torch.Size([2, 5, 8]), torch.Size([2, 2, 4]))
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, *, bidirectional: bool = False) -> None:
        super().__init__()
        self.hidden_size, self.bidirectional = hidden_size, bidirectional
        n_directions = 2 if bidirectional else 1
        sizes = [input_size] + [hidden_size * n_directions] * (num_layers - 1)
        self.inputs = nn.ModuleList(nn.Linear(size, 3 * hidden_size) for size in sizes for _ in range(n_directions))
        self.gates = nn.ModuleList(
            nn.Linear(hidden_size, 2 * hidden_size, bias=False) for _ in sizes for _ in range(n_directions)
        )
        self.candidates = nn.ModuleList(
            nn.Linear(hidden_size, hidden_size, bias=False) for _ in sizes for _ in range(n_directions)
        )
        bound = 1 / math.sqrt(hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the states of the last layer, (batch, steps, directions * units), and all final states.

        The final states are (layers * directions, batch, units), as `torch.nn.GRU` orders them.
        """
        n_directions = 2 if self.bidirectional else 1
        finals: list[Tensor] = []
        for layer in range(0, len(self.inputs), n_directions):
            passes: list[Tensor] = []
            for direction in range(n_directions):
                states = self._run(x.flip(1) if direction else x, layer + direction)
                finals.append(states[:, -1])
                passes.append(states.flip(1) if direction else states)
            x = torch.cat(passes, dim=2)
        return x, torch.stack(finals)

    def _run(self, x: Tensor, number: int) -> Tensor:
        n = self.hidden_size
        driven = self.inputs[number](x)
        state = driven.new_zeros(x.shape[0], n)
        states: list[Tensor] = []
        for step in driven.unbind(1):
            update, reset = torch.sigmoid(step[:, : 2 * n] + self.gates[number](state)).chunk(2, dim=1)
            candidate = torch.tanh(step[:, 2 * n :] + self.candidates[number](reset * state))
            state = (1 - update) * state + update * candidate
            states.append(state)
        return torch.stack(states, dim=1)


def gru(
    input_size: int,
    hidden_size: int,
    num_layers: int = 1,
    *,
    bidirectional: bool = False,
    reset_after: bool = True,
) -> nn.GRU | ResetBeforeGRU:
    """Return gated recurrent units that take (batch, steps, features), in torch's form or the paper's.

    Parameters
    ----------
    input_size, hidden_size, num_layers : int
        Features of a step, units, layers.
    bidirectional : bool
        Join a second pass from the end to the start.
    reset_after : bool
        `torch.nn.GRU`, the form of cuDNN and of Keras since version 2; False for `ResetBeforeGRU`.

    Returns
    -------
    torch.nn.GRU or ResetBeforeGRU
        A module that gives the states and the final states.

    Examples
    --------
    >>> from audiofeat_nn.layers import gru
    >>> sum(p.numel() for p in gru(128, 128, bidirectional=True).parameters())
    198144
    >>> sum(p.numel() for p in gru(128, 128, bidirectional=True, reset_after=False).parameters())
    197376
    """
    if reset_after:
        return nn.GRU(input_size, hidden_size, num_layers, batch_first=True, bidirectional=bidirectional)
    return ResetBeforeGRU(input_size, hidden_size, num_layers, bidirectional=bidirectional)


def last_states(final: Tensor, *, bidirectional: bool) -> Tensor:
    """Return the final states of the last layer, both directions joined.

    Parameters
    ----------
    final : Tensor, shape (layers * directions, batch, units)
        As `torch.nn.GRU` gives them.
    bidirectional : bool
        Whether there are two directions.

    Returns
    -------
    Tensor, shape (batch, directions * units)
        Forward's, then backward's.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.layers import last_states
    >>> last_states(torch.zeros(4, 3, 8), bidirectional=True).shape
    torch.Size([3, 16])
    """
    if bidirectional:
        return torch.cat([final[-2], final[-1]], dim=1)
    return final[-1]


def count_parameters(model: nn.Module, *, trainable: bool = True) -> int:
    """Return the number of parameters.

    Parameters
    ----------
    model : torch.nn.Module
        A network.
    trainable : bool
        Only what an optimiser may change; False adds the moving statistics of batch normalisation (two to a
        channel), which gives the total that Keras prints.

    Returns
    -------
    int
        The number.

    Examples
    --------
    >>> from torch import nn
    >>> from audiofeat_nn.layers import count_parameters
    >>> count_parameters(nn.BatchNorm2d(3)), count_parameters(nn.BatchNorm2d(3), trainable=False)
    (6, 12)
    """
    if trainable:
        return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    moving: Sequence[Tensor] = [
        values for name, values in model.named_buffers() if name.endswith(("running_mean", "running_var"))
    ]
    return sum(values.numel() for values in [*model.parameters(), *moving])
