"""What the words of a call mean: settings, recipes, data sets, devices."""

import argparse
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiofeat_nn.cli._terminal import FAILURES, UsageError, tell

if TYPE_CHECKING:
    from audiofeat import datasets
    from audiofeat_nn.recipes import Recipe

REPORTS = (".json", ".md", ".pdf", ".png", ".svg")


def setting(text: str) -> tuple[str, Any]:
    """Return ``training.lr=1e-4`` as the place and the value; what is no TOML is text."""
    key, equals, given = text.partition("=")
    if not equals or not all(key.split(".")):
        msg = f"must be KEY=VALUE, with words and dots in KEY, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    try:
        found = tomllib.loads(f"value = {given}")
    except tomllib.TOMLDecodeError as error:
        if given.startswith(("[", "{", '"', "'")):
            msg = f"the value of {key} is no TOML: {error}, got {given!r}"
            raise argparse.ArgumentTypeError(msg) from error
        return key, given
    return key, found["value"] if set(found) == {"value"} else given


def weights_by_name(text: str) -> tuple[str, str]:
    """Return ``alexnet=FILE`` as its two parts."""
    name, _, path = text.partition("=")
    if not name or not path:
        msg = f"must be NAME=PATH, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return name, path


def changes_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what is to be changed in a recipe; weights to begin with are an option of the network."""
    changes = dict(arguments.changes)
    if arguments.weights is not None:
        changes["model.options.weights"] = arguments.weights
    return changes


def recipe_named(name: str, changes: Mapping[str, Any]) -> "Recipe":
    """Return a recipe by its name or file, or one of a model and nobody's settings.

    What is wrong with the file is raised as an error of files, what is wrong with the call as one of usage.
    """
    from audiofeat_nn.recipes import list_recipes, load_recipe
    from audiofeat_nn.registry import list_models

    if name.endswith(".toml"):
        try:
            load_recipe(name)
        except TypeError as error:
            raise ValueError(str(error)) from error
    elif name not in list_models() and name not in list_recipes():
        near = get_close_matches(name, [*list_models(), *list_recipes()], n=3)
        hint = f"; near it are {', '.join(near)}" if near else ""
        msg = f"no recipe, .toml file or model {name!r}: audiofeat-nn recipes and models list them{hint}"
        raise UsageError(msg)
    try:
        return _of_model(name, changes) if name in list_models() else load_recipe(name, changes=changes)
    except (TypeError, ValueError) as error:
        raise UsageError(str(error)) from error


def _of_model(name: str, changes: Mapping[str, Any]) -> "Recipe":
    import torch

    from audiofeat_nn.recipes import Recipe
    from audiofeat_nn.registry import create_model, model_options

    needed = [key for key, default in model_options(name).items() if default is Parameter.empty]
    if needed:
        msg = f"{name} is built of the trained networks {' and '.join(needed)}: choose a recipe, which trains them"
        raise UsageError(msg)
    with torch.device("meta"):
        own: Any = create_model(name, n_classes=2).recipe.front_end  # type: ignore[union-attr]
    spec: dict[str, Any] = {"title": name, "table": "none", "model": {"name": name}, "input": {}}
    spec["protocol"] = {"validation": 0.15}
    if own is None and "input.sr" not in changes:
        msg = f"{name} reads samples: say at which rate, such as --set input.sr=22050"
        raise UsageError(msg)
    if own is not None and any(place.startswith("input.frontend.") for place in changes):
        spec["input"]["frontend"] = own.to_dict()
    for place, value in changes.items():
        _put(spec, place, value)
    return Recipe.from_dict(spec, paper="own", name=name)


def _put(spec: dict[str, Any], place: str, value: Any) -> None:
    *tables, last = place.split(".")
    table = spec
    for i, key in enumerate(tables, 1):
        inner = table.setdefault(key, {})
        if not isinstance(inner, dict):
            msg = f"--set {place}: {'.'.join(tables[:i])} must be a table, got {inner!r}"
            raise UsageError(msg)
        table = inner
    table[last] = value


def dataset_at(spec: str) -> "datasets.AudioDataset":
    """Return a data set, and say what it lacks."""
    from audiofeat import datasets

    dataset = datasets.load_dataset(spec, check=True)
    for problem in dataset.problems:
        tell(f"{problem.path}: left out, {problem.reason}")
    return dataset


def device_named(text: str) -> str:
    """Return the name of a device that torch has here."""
    import torch

    try:
        usable = torch.empty(0, device=text).device.type != "meta"
    except (AssertionError, NotImplementedError, RuntimeError):
        usable = False
    if not usable:
        msg = f"--device must be one that torch has here, such as cpu, got {text!r}"
        raise UsageError(msg)
    return text


def network_failures() -> tuple[type[Exception], ...]:
    """Return what may go wrong with data and networks, and is no fault of the program."""
    import torch

    from audiofeat_nn.training import TrainingError

    return (*FAILURES, TrainingError, torch.OutOfMemoryError)


def has_published_split(dataset: "datasets.AudioDataset") -> bool:
    """Tell whether every file of a data set is in a published part or fold."""
    parts = set(dataset.split.tolist())
    return len(parts) > 1 and "" not in parts


def is_trained(given: str) -> bool:
    """Tell whether a word names a trained network, and no recipe or model."""
    from audiofeat_nn.checkpoint import DEFAULT_NAME

    return given.endswith(".safetensors") or Path(given, DEFAULT_NAME).is_file()
