"""The recurrent branch of PRCNN beside any CNN."""

import torch
from torch import Tensor, nn
from torch.func import functional_call

from audiofeat._validation import as_choice, as_count
from audiofeat_nn.layers import checked
from audiofeat_nn.prcnn.branches import FUSIONS, N_FEATURES, RecurrentBranch, fused


class ParallelRecurrent(nn.Module):
    """Any CNN with the recurrent branch of PRCNN beside it, as table 2 of [1]_ adds it to three known networks.

    ``backbone`` → average over the map → ``project``, a dense layer to 256; fused with ``rnn``; ``output``.

    Parameters
    ----------
    n_classes : int
        Genres.
    backbone : torch.nn.Module
        Gives (batch, channels, height, width) or (batch, features) of (batch, 1, n_bands, n_frames).
    n_bands, n_frames : int
        Of the input.
    fusion : {"concat", "add"}
        Join the two vectors, or add them.
    n_layers : int
        Recurrent layers, 1 or 2.
    join : {"directions", "layers"}
        What the recurrence gives, see `RecurrentBranch`.
    reset_after : bool
        `torch.nn.GRU`; False for the paper's equations.

    Raises
    ------
    ValueError
        If an option is out of range, or the backbone gives something else.
    TypeError
        If the backbone is no module, or gives no tensor.

    Notes
    -----
    The output are logits. The paper says neither what its networks take nor where the branch joins them: all of this
    is a choice, and the dense layer is there so that either fusion fits. The backbone stands before its classifier.
    At construction its output is asked for without computing it, on torch's device "meta".

    References
    ----------
    .. [1] L. Feng, S. Liu and J. Yao, "Music genre classification with paralleling recurrent convolutional neural
       network", arXiv 1712.08370, 2017, table 2.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from audiofeat_nn.prcnn import ParallelRecurrent
    >>> model = ParallelRecurrent(10, nn.Conv2d(1, 32, 5, stride=4), n_bands=40, n_frames=80)
    >>> model(torch.zeros(2, 1, 40, 80)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        n_classes: int,
        backbone: nn.Module,
        *,
        n_bands: int = 513,
        n_frames: int = 128,
        fusion: str = "concat",
        n_layers: int = 1,
        join: str = "directions",
        reset_after: bool = True,
    ) -> None:
        super().__init__()
        self.fusion = as_choice(fusion, "fusion", FUSIONS)
        self.n_bands, self.n_frames = as_count(n_bands, "n_bands", low=2), as_count(n_frames, "n_frames")
        shape = _shape_of_output(backbone, self.n_bands, self.n_frames)
        self.backbone = backbone
        self.average: nn.Module = (
            nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()) if len(shape) == 4 else nn.Identity()
        )
        self.project = nn.Linear(shape[1], N_FEATURES)
        self.rnn = RecurrentBranch(n_bands, n_layers=n_layers, join=join, reset_after=reset_after)
        n_fused = N_FEATURES * (1 if fusion == "add" else 2)
        self.output = nn.Linear(n_fused, as_count(n_classes, "n_classes"))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, (batch, n_classes), of spectrograms, (batch, 1, n_bands, n_frames)."""
        x = checked(x, bands=self.n_bands, frames=self.n_frames)
        convolved = self.project(self.average(self.backbone(x)))
        logits: Tensor = self.output(fused(convolved, self.rnn(x), self.fusion))
        return logits


def _shape_of_output(backbone: object, n_bands: int, n_frames: int) -> tuple[int, ...]:
    """Return the shape of what a CNN gives for two items, without computing it or touching its statistics."""
    if not isinstance(backbone, nn.Module):
        msg = f"backbone must be a torch.nn.Module, got {type(backbone).__name__}"
        raise TypeError(msg)
    state = {name: value.to("meta") for name, value in [*backbone.named_parameters(), *backbone.named_buffers()]}
    dtype = next((value.dtype for value in state.values() if value.is_floating_point()), torch.get_default_dtype())
    with torch.no_grad():
        found = functional_call(backbone, state, (torch.empty(2, 1, n_bands, n_frames, device="meta", dtype=dtype),))
    if not isinstance(found, Tensor):
        msg = f"backbone must give a tensor, got {type(found).__name__}"
        raise TypeError(msg)
    if found.ndim not in (2, 4) or len(found) != 2:
        msg = (
            "backbone must give (batch, features) or (batch, channels, height, width), got shape "
            f"{tuple(found.shape)} for a batch of 2"
        )
        raise ValueError(msg)
    return tuple(found.shape)
