"""Trained networks as files; nothing that is read from them can run code."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

import audiofeat
from audiofeat import FrontEnd
from audiofeat._files import replacing

NETWORK_FORMAT = 1
HEADER = "audiofeat_nn"  # key of the JSON among the metadata of a safetensors file
WEIGHTS, MEAN, STD = "model.", "normalization.mean", "normalization.std"  # names of tensors
DEFAULT_NAME = "network.safetensors"


class LoadedNetwork(NamedTuple):
    """What `load_network` returns.

    Attributes
    ----------
    model : torch.nn.Module
        The network in evaluation mode.
    front_end : FrontEnd or None
        What makes its input from a signal.
    classes : tuple
        Names (or numbers) of the classes in the order of the outputs.
    normalization : tuple of ndarray or None
        Mean and standard deviation that the input is standardised by.
    info : dict
        The description as it lies in the file: model, options, versions, data_fingerprint, notes.

    Examples
    --------
    >>> from audiofeat_nn.checkpoint import LoadedNetwork
    >>> LoadedNetwork._fields
    ('model', 'front_end', 'classes', 'normalization', 'info')
    """

    model: nn.Module
    front_end: FrontEnd | None
    classes: tuple[Any, ...]
    normalization: tuple[NDArray[Any], NDArray[Any]] | None
    info: dict[str, Any]


def save_network(
    model: nn.Module,
    path: str | os.PathLike[str],
    *,
    classes: Sequence[str | int | float | bool] | NDArray[Any],
    front_end: FrontEnd | None,
    normalization: tuple[ArrayLike, ArrayLike] | None,
    data_fingerprint: str | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Path:
    """Write a network with all that is needed to use it, as one safetensors file.

    The description is JSON in the file's metadata, not a second file: neither can be lost or exchanged alone, and one
    rename replaces both.

    Parameters
    ----------
    model : torch.nn.Module
        A network of `audiofeat_nn.create_model`, whose name and options are written with its weights.
    path : str or path
        A file ``.safetensors``, or a folder that is there, for ``network.safetensors`` in it.
    classes : sequence
        Names of the classes, strings or numbers, in the order of the outputs.
    front_end : FrontEnd or None
        What made the input from a signal; None if nothing of audiofeat did.
    normalization : tuple of array_like or None
        Mean and standard deviation that the input was standardised by, each a scalar or an array.
    data_fingerprint : str or None
        Of the training data.
    notes : mapping or None
        Anything else that JSON can hold, such as scores and settings.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    TypeError
        If the model was not made by `create_model`, or something is not for JSON.
    ValueError
        If the classes are not as many as the outputs, or repeat.
    FileNotFoundError
        If the folder does not exist.

    Examples
    --------
    >>> import tempfile
    >>> from audiofeat_nn import create_model
    >>> from audiofeat_nn.checkpoint import load_network, save_network
    >>> model = create_model("time", n_classes=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_network(model, folder, classes=["rock", "jazz"], front_end=None, normalization=None)
    ...     load_network(path).classes
    ('rock', 'jazz')
    """
    from safetensors.torch import save_file

    recipe = getattr(model, "recipe", None)
    if recipe is None:
        msg = f"model must be made by create_model, which tells how to make it again, got {type(model).__name__}"
        raise TypeError(msg)
    names = np.asarray(classes).tolist() if isinstance(classes, np.ndarray) else list(classes)
    if len(names) != recipe.n_classes or len(set(names)) != len(names):
        msg = f"classes must be {recipe.n_classes} different names, one to an output, got {names!r}"
        raise ValueError(msg)
    tensors = {WEIGHTS + name: value.detach().cpu() for name, value in model.state_dict().items()}
    if normalization is not None:
        for name, values in zip((MEAN, STD), normalization, strict=True):
            tensors[name] = torch.from_numpy(np.array(values, dtype=np.float64))
    # a tensor under two names, or a view, is written whole under each
    tensors = {name: value.clone(memory_format=torch.contiguous_format) for name, value in tensors.items()}
    told = {
        "format": NETWORK_FORMAT,
        "model": recipe.name,
        # trained weights that the network began with are in the file by now
        "options": {name: value for name, value in recipe.options.items() if name != "weights"},
        "n_classes": recipe.n_classes,
        "classes": names,
        "front_end": None if front_end is None else front_end.to_dict(),
        "data_fingerprint": data_fingerprint,
        "notes": dict(notes or {}),
        "versions": {"audiofeat": audiofeat.__version__, "numpy": np.__version__, "torch": str(torch.__version__)},
        "checksum": _checksum(tensors),
    }
    try:
        text = json.dumps(told)
    except TypeError as error:
        msg = f"options of the model, classes and notes must be for JSON: {error}"
        raise TypeError(msg) from error
    target = _network_file(path)
    if not target.parent.is_dir():
        msg = f"path: no folder {os.fspath(target.parent)!r}"
        raise FileNotFoundError(msg)
    with replacing(target) as temporary:
        save_file(tensors, temporary, metadata={HEADER: text})
    return target


def load_network(path: str | os.PathLike[str], *, device: str = "cpu") -> LoadedNetwork:
    """Read what `save_network` wrote, and refuse everything else.

    Parameters
    ----------
    path : str or path
        The file, or the folder of ``network.safetensors``.
    device : str
        Where the network is put.

    Returns
    -------
    LoadedNetwork
        Network, front end, classes, normalisation, description.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, cut short, of another kind or format, of a network that is unknown here, or its weights
        are not those of the network that it describes. A pickle is never read.

    Examples
    --------
    See `save_network`.

    >>> from audiofeat_nn.checkpoint import load_network
    """
    from safetensors import SafetensorError, safe_open

    file = _network_file(path)
    if not file.is_file():
        msg = f"path: no file {os.fspath(file)!r}"
        raise FileNotFoundError(msg)
    try:
        with safe_open(file, framework="pt", device="cpu") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in list(opened.keys())}
    except (SafetensorError, OSError, RuntimeError) as error:
        raise _refused(file, f"it is no whole safetensors file: {error}") from error
    try:
        told = json.loads(metadata[HEADER])
        if told["format"] != NETWORK_FORMAT:
            raise _refused(file, f"its format must be {NETWORK_FORMAT}, got {told['format']!r}")
        if told["checksum"] != _checksum(tensors):
            raise _refused(file, "its tensors have not the checksum that it tells, it is damaged")
        front_end = None if told["front_end"] is None else FrontEnd.from_dict(told["front_end"])
        classes, name = tuple(told["classes"]), str(told["model"])
        options = {key: tuple(value) if isinstance(value, list) else value for key, value in told["options"].items()}
        model = _rebuilt(file, name, options, told["n_classes"], tensors)
    except (AttributeError, KeyError, TypeError, RecursionError, json.JSONDecodeError) as error:
        raise _refused(file, f"its description cannot be read: {error!r}") from error
    if len(classes) != told["n_classes"]:
        raise _refused(file, f"it names {len(classes)} classes for {told['n_classes']} outputs")
    pair = (tensors[MEAN].numpy(), tensors[STD].numpy()) if MEAN in tensors and STD in tensors else None
    return LoadedNetwork(model.to(device).eval(), front_end, classes, pair, told)


def _rebuilt(
    file: Path, name: str, options: Mapping[str, Any], n_classes: int, tensors: Mapping[str, Tensor]
) -> nn.Module:
    """Make the network that a file describes, after a look at its shapes on no device at all."""
    from audiofeat_nn.registry import create_model

    try:
        with torch.device("meta"):  # what a file asks for may be larger than the memory
            sketch = create_model(name, n_classes=n_classes, **options).state_dict()
    except (TypeError, ValueError) as error:
        raise _refused(file, f"there is no such network: {error}") from error
    shapes = {key: value.shape for key, value in sketch.items()}
    weights = {key.removeprefix(WEIGHTS): value for key, value in tensors.items() if key.startswith(WEIGHTS)}
    for key in [*shapes, *weights]:
        expected, found = shapes.get(key), weights[key].shape if key in weights else None
        if expected != found:
            wanted = "nothing" if expected is None else tuple(expected)
            got = "nothing" if found is None else tuple(found)
            raise _refused(file, f"{key} of {name!r} must be {wanted}, got {got}")
    with torch.random.fork_rng(devices=[]):  # the first weights are thrown away: nobody's random numbers move
        model: nn.Module = create_model(name, n_classes=n_classes, **options)
    model.load_state_dict(weights)
    return model


def _network_file(path: str | os.PathLike[str]) -> Path:
    file = Path(path)
    if file.is_dir():
        return file / DEFAULT_NAME
    if file.suffix != ".safetensors":
        msg = f"path must be a .safetensors file or a folder that is there, got {os.fspath(file)!r}"
        raise ValueError(msg)
    return file


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)} ".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _refused(file: Path, reason: str) -> ValueError:
    return ValueError(f"{file.name} is no network that can be loaded: {reason}")
