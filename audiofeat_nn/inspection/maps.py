"""What the layers of a network give, and what the input matters to its classes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from audiofeat._validation import as_choice, as_count
from audiofeat_nn.layers import ResetBeforeGRU
from audiofeat_nn.recurrent import SkipGRU

Array = NDArray[Any]
RECURRENT = (nn.RNNBase, SkipGRU, ResetBeforeGRU)


def activation_maps(model: nn.Module, x: ArrayLike | Tensor, *, layer: str | None = None) -> dict[str, Array]:
    """Return what the layers of a network give for a batch, map by map and over time.

    Parameters
    ----------
    model : torch.nn.Module
        A network. It evaluates; its mode is put back.
    x : array_like or Tensor, shape (batch, channels, n_bands, n_frames)
        Its input.
    layer : str or None
        Name of one module, say ``"conv1"``. None takes all that have maps or a sequence: layers without parts of
        their own whose output has four axes, and recurrence.

    Returns
    -------
    dict of ndarray
        By name, in the order in which they run: maps (batch, channels, bands, frames), before an activation that is
        not a module; states (batch, steps, units). A layer that runs twice has its last output.

    Raises
    ------
    ValueError
        If there is no such layer, or it does not run.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn import create_model
    >>> from audiofeat_nn.inspection import activation_maps
    >>> maps = activation_maps(create_model("time", n_classes=8), torch.zeros(2, 1, 40, 80))
    >>> {name: array.shape for name, array in maps.items()}
    {'conv1': (2, 32, 40, 21), 'pool1': (2, 32, 1, 21)}
    """
    names = {module: name for name, module in model.named_modules() if module is not model}
    if layer is None:
        inside = {part for module in names if isinstance(module, RECURRENT) for part in module.modules()}
        leaves = (module for module in names if not any(module.children()) and module not in inside)
        chosen = [*leaves, *(module for module in names if isinstance(module, RECURRENT))]
    else:
        chosen = [model.get_submodule(as_choice(layer, "layer", names.values()))]
    found: dict[str, Array] = {}

    def keep(module: nn.Module, _: Any, output: Any) -> None:
        first: Tensor = output[0] if isinstance(output, tuple) else output
        if layer is not None or first.ndim == 4 or isinstance(module, RECURRENT):
            found.pop(names[module], None)
            found[names[module]] = first.detach().float().cpu().numpy().copy()  # before it is written in place

    hooks = [module.register_forward_hook(keep) for module in chosen]
    try:
        with evaluating(model), torch.no_grad():
            model(as_input(model, x))
    finally:
        for hook in hooks:
            hook.remove()
    if layer is not None and not found:
        msg = f"layer must be one that runs, got {layer!r}"
        raise ValueError(msg)
    return found


def saliency(model: nn.Module, x: ArrayLike | Tensor, *, classes: int | Sequence[int] | None = None) -> Array:
    r"""Return the gradient of a class's logit by the input: where a change would tell most.

    Parameters
    ----------
    model : torch.nn.Module
        A network. It evaluates; its mode is put back, and the gradients of its parameters stay as they are.
    x : array_like or Tensor, shape (batch, channels, n_bands, n_frames)
        Its input.
    classes : int, sequence of int or None
        Number of the class, for all items or for each. None takes the class with the largest logit.

    Returns
    -------
    ndarray, shape of `x`
        :math:`\partial z_c / \partial x`, item by item; of a linear network its weights.

    Raises
    ------
    ValueError
        If a class is not one of the network's, or there are not as many as items.

    References
    ----------
    .. [1] K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks: visualising image
       classification models and saliency maps", ICLR workshop 2014, section 3.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn import create_model
    >>> from audiofeat_nn.inspection import saliency
    >>> saliency(create_model("time", n_classes=8), torch.rand(1, 1, 40, 80), classes=3).shape
    (1, 1, 40, 80)
    """
    leaf = as_input(model, x).detach().clone().requires_grad_()
    # cuDNN has no gradient for recurrence that evaluates
    with evaluating(model), torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        logits: Tensor = model(leaf)
        chosen = logits.argmax(dim=1) if classes is None else _numbers(classes, logits)
        (gradient,) = torch.autograd.grad(logits.gather(1, chosen[:, None]).sum(), leaf)
    values: Array = gradient.cpu().numpy()
    return values


def _numbers(classes: int | Sequence[int], logits: Tensor) -> Tensor:
    n_items, n_classes = logits.shape
    given = [classes] * n_items if np.ndim(classes) == 0 else list(classes)  # type: ignore[arg-type]
    if len(given) != n_items:
        msg = f"classes must have {n_items} numbers, one to an item, got {len(given)}"
        raise ValueError(msg)
    numbers = [as_count(number, "classes", low=0, high=n_classes - 1) for number in given]
    return torch.tensor(numbers, device=logits.device)


def as_input(model: nn.Module, x: ArrayLike | Tensor) -> Tensor:
    """Return a tensor on the device and of the dtype of a network."""
    first = next(model.parameters(), torch.empty(0))
    tensor = x if isinstance(x, Tensor) else torch.as_tensor(np.asarray(x))
    return tensor.to(first.device, first.dtype)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Set all modules to evaluate, and put the mode of each back."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        yield
    finally:
        for module, training in modes:
            module.training = training
