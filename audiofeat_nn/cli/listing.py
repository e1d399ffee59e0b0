"""The commands ``models``, ``recipes`` and ``summary``."""

import argparse
import json
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from audiofeat_nn.cli._terminal import UsageError, columns, say

if TYPE_CHECKING:
    from torch import nn

    from audiofeat import FrontEnd

CLASSES = 10  # of the networks whose parameters are counted


def run_models(arguments: argparse.Namespace) -> int:
    from audiofeat_nn.layers import count_parameters
    from audiofeat_nn.registry import list_models

    rows = [["name", "paper", "input", "front end", f"parameters for {CLASSES} classes"]]
    for name in list_models():
        model = sketch(name, CLASSES, {})
        own: Any = model.recipe
        shape, n_parameters = [1, own.n_bands, own.n_frames], count_parameters(model)
        if arguments.json:
            front_end = None if own.front_end is None else own.front_end.to_dict()
            told = {"name": name, "paper": own.paper, "input": shape, "front_end": front_end}
            say(json.dumps({**told, "n_classes": CLASSES, "parameters": n_parameters}))
        rows.append([name, own.paper, " x ".join(map(str, shape)), _told(own.front_end), f"{n_parameters:,}"])
    if not arguments.json:
        say(*columns(rows, right=[4]))
    return 0


def run_recipes(arguments: argparse.Namespace) -> int:
    from audiofeat_nn.recipes import list_papers, list_recipes, load_recipe

    if arguments.paper is not None and arguments.paper not in list_papers():
        msg = f"PAPER must be one of {', '.join(list_papers())}, got {arguments.paper!r}"
        raise UsageError(msg)
    found = [load_recipe(name) for name in list_recipes(arguments.paper)]
    if arguments.json:
        for recipe in found:
            told = {"name": recipe.key, "table": recipe.table, "title": recipe.title, "data": list(recipe.sets)}
            figures = {"accuracy": recipe.published.accuracy, "of": recipe.published.of}
            model = {"kind": recipe.model.kind, "model": recipe.model.name}
            say(json.dumps({**told, **model, "published": figures, "protocols": list(recipe.protocols)}))
        return 0
    rows = [["recipe", "table", "title", "data", "model", "published %"]]
    for recipe in found:
        accuracy = recipe.published.accuracy
        figure = "-" if accuracy is None else f"{accuracy:g}"
        rows.append([recipe.key, recipe.table, recipe.title, ", ".join(recipe.sets), recipe.model.name, figure])
    say(*columns(rows, right=[5]))
    return 0


def run_summary(arguments: argparse.Namespace) -> int:
    from audiofeat_nn.registry import list_models
    from audiofeat_nn.summaries import summary

    if arguments.model not in list_models():
        msg = f"MODEL must be one of {', '.join(list_models())}, got {arguments.model!r}"
        raise UsageError(msg)
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in arguments.changes}
    try:
        found = summary(sketch(arguments.model, arguments.classes, options))
    except (TypeError, ValueError) as error:
        raise UsageError(str(error)) from error
    say(*str(found).splitlines())
    return 0


def sketch(name: str, n_classes: int, options: dict[str, Any]) -> "nn.Module":
    """Return a network without memory for its weights; what it is built of is built too."""
    import torch

    from audiofeat_nn.registry import create_model, model_options

    with torch.device("meta"):
        parts = {
            key: create_model(key, n_classes=n_classes)
            for key, default in model_options(name).items()
            if default is Parameter.empty
        }
        return create_model(name, n_classes=n_classes, **{**parts, **options})


def _told(front_end: "FrontEnd | None") -> str:
    """Return the name of the preset, or what differs most."""
    from audiofeat import list_presets, preset

    if front_end is None:
        return "samples"
    named = next((name for name in list_presets() if preset(name) == front_end), None)
    return f"{named or f'{front_end.n_bands} bands'}, {front_end.sr:g} Hz"
