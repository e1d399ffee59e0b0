"""What a network is made of: every layer with its output and its parameters."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from audiofeat_nn.layers import count_parameters


class Layer(NamedTuple):
    """A layer of a network.

    Attributes
    ----------
    name : str
        Its path in the network.
    kind : str
        Its class.
    shape : tuple of int
        Of its output for one item, without the batch.
    parameters : int
        Trainable ones of its own.

    Examples
    --------
    >>> from audiofeat_nn.summaries import Layer
    >>> Layer("conv1", "Conv2d", (16, 513, 128), 64).shape
    (16, 513, 128)
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int


class Summary(NamedTuple):
    """Layers of a network in the order in which they run; printed, it is a table.

    Attributes
    ----------
    model : str
        Class of the network.
    input_shape : tuple of int
        (channels, bands, frames) of one item.
    layers : tuple of Layer
        Layers without parts of their own, in the order of their first run.
    trainable, total : int
        Parameters, and the same with frozen ones and moving statistics, as Keras counts them.

    Examples
    --------
    >>> from torch import nn
    >>> from audiofeat_nn import summary
    >>> print(summary(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), input_shape=(1, 8, 8)))
    Sequential of (1, 8, 8)
    layer  kind     output     parameters
    0      Conv2d   (2, 6, 6)          20
    1      Flatten  (72,)               0
    20 trainable parameters, 20 in all
    """

    model: str
    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    trainable: int
    total: int

    def __str__(self) -> str:
        rows = [("layer", "kind", "output", "parameters")]
        rows += [(each.name, each.kind, str(each.shape), f"{each.parameters:,}") for each in self.layers]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = [
            f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {shape:<{widths[2]}}  {number:>{widths[3]}}"
            for name, kind, shape, number in rows
        ]
        head = f"{self.model} of {self.input_shape}"
        return "\n".join([head, *lines, f"{self.trainable:,} trainable parameters, {self.total:,} in all"])


def summary(model: nn.Module, *, input_shape: tuple[int, ...] | None = None) -> Summary:
    """List the layers of a network with their output shapes and parameters.

    One item of zeros runs through the network in evaluation mode, without gradients; its mode is put back.

    Parameters
    ----------
    model : torch.nn.Module
        A network.
    input_shape : tuple of int or None
        (channels, bands, frames) of one item; None takes that of `create_model`.

    Returns
    -------
    Summary
        A table.

    Raises
    ------
    ValueError
        If the shape is neither given nor known.

    Examples
    --------
    >>> from audiofeat_nn import create_model, summary
    >>> summary(create_model("time", n_classes=8)).trainable
    7336
    """
    if input_shape is None:
        recipe = getattr(model, "recipe", None)
        if recipe is None:
            msg = "input_shape must be given for a network that create_model did not make"
            raise ValueError(msg)
        input_shape = (1, recipe.n_bands, recipe.n_frames)
    layers: dict[str, Layer] = {}
    names = {module: name for name, module in model.named_modules()}

    def note(module: nn.Module, _: Any, output: Any) -> None:
        name = names[module]
        first: Tensor = output[0] if isinstance(output, tuple) else output
        kind = type(module).__name__
        layers.setdefault(name, Layer(name, kind, tuple(first.shape[1:]), count_parameters(module)))

    leaves = [module for module in names if not any(module.children()) or isinstance(module, nn.GRU)]
    hooks = [module.register_forward_hook(note) for module in leaves]
    first = next(model.parameters(), torch.empty(0))
    modes = {module: module.training for module in names}
    try:
        model.eval()
        with torch.no_grad():
            model(torch.zeros(1, *input_shape, device=first.device, dtype=first.dtype))
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes.items():
            module.training = mode
    found = tuple(layers.values())
    return Summary(
        type(model).__name__,
        tuple(input_shape),
        found,
        count_parameters(model),
        count_parameters(model, trainable=False),
    )
