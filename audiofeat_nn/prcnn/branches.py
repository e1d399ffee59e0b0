"""The two branches of PRCNN, and how their vectors are fused."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from audiofeat._validation import as_choice, as_count
from audiofeat_nn.layers import gru, last_states, pooled

FUSIONS = ("add", "concat")
JOINS = ("directions", "layers")
N_FEATURES = 256  # of either branch: without equal sizes there is no sum


def as_row(value: object, name: str) -> tuple[Any, ...]:
    """Return a list or another sequence, of anything, as a tuple."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        msg = f"{name} must be a sequence, got {value!r}"
        raise TypeError(msg)
    return tuple(value)


def as_pair(value: object, name: str, *, low: int = 1) -> tuple[int, int]:
    """Return two counts, (bands, frames), each `low` at least."""
    pair = as_row(value, name)
    if len(pair) != 2:
        msg = f"{name} must be two integers, (bands, frames), got {value!r}"
        raise ValueError(msg)
    return as_count(pair[0], f"{name}[0]", low=low), as_count(pair[1], f"{name}[1]", low=low)


def as_flag(value: object, name: str) -> bool:
    """Return True or False, and refuse what only stands for them."""
    if not isinstance(value, bool):
        msg = f"{name} must be True or False, got {value!r}"
        raise TypeError(msg)
    return value


class PooledConvolutions(nn.Sequential):
    """Convolution, ReLU and max-pool, several times, and the flattened map.

    The layers are `conv1`, `relu1`, `pool1`, `conv2` and so on, then `flatten`. What does not fill a pool falls away.

    Parameters
    ----------
    n_bands, n_frames : int
        Of the input.
    filters : sequence of int
        Of each convolution.
    pools : sequence of (int, int)
        Of each pool, size and stride, (bands, frames).
    kernel, padding : (int, int)
        Of all convolutions, (bands, frames).

    Attributes
    ----------
    n_features : int
        Length of the flattened map.

    Raises
    ------
    ValueError
        If filters and pools are not as many, or bands or frames are too few.

    Examples
    --------
    >>> from audiofeat_nn.prcnn.branches import PooledConvolutions
    >>> PooledConvolutions(20, 30, filters=(4, 8), pools=((2, 2), (4, 4)), kernel=(1, 3), padding=(0, 1)).n_features
    48
    """

    def __init__(
        self,
        n_bands: int,
        n_frames: int,
        *,
        filters: Sequence[int],
        pools: Sequence[tuple[int, int]],
        kernel: tuple[int, int],
        padding: tuple[int, int],
    ) -> None:
        if len(filters) != len(pools):
            msg = f"filters and pools must be as many, got {len(filters)} and {len(pools)}"
            raise ValueError(msg)
        kernel, padding = as_pair(kernel, "kernel"), as_pair(padding, "padding", low=0)
        pools = [as_pair(pool, f"pools[{i}]") for i, pool in enumerate(pools)]
        sizes: list[int] = []
        for axis, (size, name) in enumerate([(n_bands, "n_bands"), (n_frames, "n_frames")]):
            steps = [
                step for pool in pools for step in [(kernel[axis], 1, 2 * padding[axis]), (pool[axis], pool[axis], 0)]
            ]
            sizes.append(pooled(as_count(size, name), *steps, name=name))
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        n_in = 1
        for i, (n_out, pool) in enumerate(zip(filters, pools, strict=True), 1):
            layers[f"conv{i}"] = nn.Conv2d(n_in, as_count(n_out, f"filters[{i - 1}]"), kernel, padding=padding)
            layers[f"relu{i}"] = nn.ReLU()
            layers[f"pool{i}"] = nn.MaxPool2d(pool)
            n_in = n_out
        layers["flatten"] = nn.Flatten()
        super().__init__(layers)
        self.n_features = n_in * sizes[0] * sizes[1]


class RecurrentBranch(nn.Module):
    """The recurrent branch of PRCNN: max-pool over pairs of bands, a dense layer for each frame, BGRU.

    For 513 bands and 128 frames: `pool` 1 x 256 x 128, `embedding` 128 steps of 128, `gru`, and a vector of 256.

    Parameters
    ----------
    n_bands : int
        Of the input, 2 at least.
    n_layers : int
        Bidirectional layers, 1 or 2.
    join : {"directions", "layers"}
        128 units each way, and the last states of the last layer's two directions joined; or 128 shared between the
        layers, 64 each way for two, and the last states of all layers joined. The same for one layer.
    reset_after : bool
        `torch.nn.GRU`; False for the paper's equations, see `audiofeat_nn.ResetBeforeGRU`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.prcnn.branches import RecurrentBranch
    >>> RecurrentBranch(40)(torch.zeros(2, 1, 40, 30)).shape
    torch.Size([2, 256])
    """

    def __init__(self, n_bands: int, *, n_layers: int = 1, join: str = "directions", reset_after: bool = True) -> None:
        super().__init__()
        n_layers = as_count(n_layers, "n_layers", high=2)
        self.all_layers = as_choice(join, "join", JOINS) == "layers"
        reset_after = as_flag(reset_after, "reset_after")
        self.pool = nn.MaxPool2d((2, 1))
        self.embedding = nn.Linear(as_count(n_bands, "n_bands", low=2) // 2, 128)
        n_units = N_FEATURES // 2 // (n_layers if self.all_layers else 1)
        self.gru = gru(128, n_units, n_layers, bidirectional=True, reset_after=reset_after)

    def forward(self, x: Tensor) -> Tensor:
        """Return vectors, (batch, 256), of spectrograms, (batch, 1, bands, frames)."""
        steps = self.embedding(self.pool(x).squeeze(1).transpose(1, 2))  # (batch, frames, 128)
        _, final = self.gru(steps)
        if self.all_layers:
            return torch.cat(final.unbind(0), dim=1)
        return last_states(final, bidirectional=True)


def fused(convolved: Tensor, recurrent: Tensor, fusion: str) -> Tensor:
    """Return the sum of two vectors of each item, or both joined."""
    return convolved + recurrent if fusion == "add" else torch.cat([convolved, recurrent], dim=1)
