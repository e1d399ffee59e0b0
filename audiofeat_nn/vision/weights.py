"""Trained weights under torchvision's names: from a file or a dict into a network, for three channels or one."""

import os
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from audiofeat_nn.vision.backbone import Backbone

Weights = str | os.PathLike[str] | Mapping[str, Tensor]

CLASSIFIERS = ("classifier.", "fc.")  # what a network without classes leaves in the file
COUNTERS = "num_batches_tracked"  # of batches seen: files of the first years lack them, and they change nothing
SHOWN = 3  # names in a message


def read_weights(weights: Weights) -> dict[str, Tensor]:
    """Return named tensors from a file or a mapping.

    Parameters
    ----------
    weights : str, path or mapping of str to Tensor
        A file ``.safetensors``, or ``.pth`` or ``.pt`` as `torch.save` writes a state dict; or the state dict itself.
        Of a pickle nothing but tensors is read (``weights_only=True``): it cannot run code.

    Returns
    -------
    dict of str to Tensor
        The tensors; those of a file on the CPU.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If `weights` is neither, or holds anything but tensors by name.
    ValueError
        If the file is of another kind, damaged, or a pickle of more than tensors.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.vision import read_weights
    >>> read_weights({"fc.bias": torch.zeros(2)})
    {'fc.bias': tensor([0., 0.])}
    """
    found: object = weights if isinstance(weights, Mapping) else _read(weights)
    if not isinstance(found, Mapping):
        msg = f"weights must hold tensors by name, got {type(found).__name__}"
        raise TypeError(msg)
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            msg = f"weights must hold tensors by name, got {type(value).__name__} at {name!r}"
            raise TypeError(msg)
    return dict(found)


def _read(weights: object) -> object:
    if not isinstance(weights, str | os.PathLike):
        msg = f"weights must be a path or a state dict, got {type(weights).__name__}"
        raise TypeError(msg)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(weights)
    if path.suffix not in (".safetensors", ".pth", ".pt"):
        msg = f"weights must be a .safetensors, .pth or .pt file, got {os.fspath(path)!r}"
        raise ValueError(msg)
    if not path.is_file():
        msg = f"weights: no file {os.fspath(path)!r}"
        raise FileNotFoundError(msg)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        msg = f"weights: {os.fspath(path)!r} is not a readable file of tensors: {error}"
        raise ValueError(msg) from error


def load_weights(model: Backbone, weights: Weights) -> None:
    """Write trained weights into a network, all of them or none.

    Every tensor of the network must be there in its shape, and none besides; but

    - a network without classes leaves the classifier's (``classifier.*``, ``fc.*``) aside;
    - for a network of one channel, the first layer's weights for three colours are summed over them: it then gives
      what the original gives on a picture of three equal channels.

    Parameters
    ----------
    model : Backbone
        Such as `VGGFeatures` or `ResNet`.
    weights : str, path or mapping of str to Tensor
        As `read_weights` takes them.

    Raises
    ------
    TypeError
        If `weights` does not hold tensors by name.
    ValueError
        If a tensor is missing, of another shape, or unknown to the network; the model is then as before.

    Examples
    --------
    >>> from audiofeat_nn.vision import ResNet, ResNetFeatures, load_weights
    >>> trained = ResNet(10, depth=11, n_channels=3, n_bands=64, n_frames=64)
    >>> grey = ResNetFeatures(depth=11, n_bands=64, n_frames=64)
    >>> load_weights(grey, trained.state_dict())
    >>> bool((grey.conv1.weight == trained.conv1.weight.sum(1, keepdim=True)).all())
    True
    """
    given, own = read_weights(weights), model.state_dict()
    if not any(name.startswith(CLASSIFIERS) for name in own):
        given = {name: value for name, value in given.items() if not name.startswith(CLASSIFIERS)}
    first = next(iter(own))
    if model.n_channels == 1 and first in given and given[first].ndim == 4 and given[first].shape[1] == 3:
        given[first] = given[first].sum(dim=1, keepdim=True)
    missing = [name for name in own if name not in given and not name.endswith(COUNTERS)]
    unknown = [name for name in given if name not in own]
    wrong = [
        f"{name} of shape {tuple(given[name].shape)} for {tuple(value.shape)}"
        for name, value in own.items()
        if name in given and given[name].shape != value.shape
    ]
    for what, names in (("lack", missing), ("hold the unknown", unknown), ("hold", wrong)):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            msg = f"weights do not fit {type(model).__name__}: they {what} {', '.join(names[:SHOWN])}{more}"
            raise ValueError(msg)
    model.load_state_dict(given, strict=False)
