"""The command ``evaluate``: a trained network on data, or a recipe on folds of them."""

import argparse
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from audiofeat_nn.cli._network import Trained, load_trained
from audiofeat_nn.cli._terminal import (
    FAILURES,
    UsageError,
    keep_inputs,
    need,
    relay,
    report,
    say,
    sigterm_interrupts,
    tell,
)
from audiofeat_nn.cli.asking import (
    REPORTS,
    changes_of,
    dataset_at,
    device_named,
    has_published_split,
    is_trained,
    network_failures,
    recipe_named,
)

if TYPE_CHECKING:
    from audiofeat import datasets
    from audiofeat.classification import Evaluation
    from audiofeat_nn.recipes import Recipe


def run_evaluate(arguments: argparse.Namespace) -> int:
    outputs = [Path(output) for output in arguments.outputs or []]
    for output in outputs:
        if output.suffix.lower() not in REPORTS:
            msg = f"-o must end in one of {', '.join(REPORTS)}, got {str(output)!r}"
            raise UsageError(msg)
    if any(output.suffix.lower() not in (".json", ".md") for output in outputs):
        need("matplotlib", "plot")
    device = device_named(arguments.device)
    trained, recipe = None, None
    try:
        if is_trained(arguments.name):
            _refuse_folds(arguments)
            trained = load_trained(arguments.name, device=device)
        else:
            recipe = _recipe(arguments)
    except FAILURES as error:
        return report(arguments.name, error)
    try:
        dataset = dataset_at(arguments.data)
        keep_inputs(outputs, dataset.path.tolist())
        code = 0
        with sigterm_interrupts():
            if trained is not None:
                found, code = _tested(trained, dataset, arguments)
            elif recipe is not None:
                found = _cross_validated(recipe, dataset, device, arguments)
    except ImportError as error:
        raise UsageError(str(error)) from error
    except network_failures() as error:
        return report(arguments.data, error)
    say(*str(found).splitlines())
    for output in outputs:
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            _write(output, found)
        except FAILURES as error:
            return report(str(output), error)
        say(f"wrote {output}")
    return code


def _refuse_folds(arguments: argparse.Namespace) -> None:
    """Refuse options that would have no effect on a network that is trained already."""
    for option, dest in (("cv", "cv"), ("protocol", "protocol"), ("set", "changes"), ("weights", "weights")):
        if getattr(arguments, dest):
            msg = f"--{option} must be left out for {arguments.name}, which is trained: nothing is fitted to folds"
            raise UsageError(msg)


def _recipe(arguments: argparse.Namespace) -> "Recipe":
    """Return the recipe with the folds that are asked for."""
    recipe = recipe_named(arguments.name, changes_of(arguments))
    protocol = arguments.protocol or "clean"
    if protocol not in recipe.protocols:
        msg = f"--protocol must be {' or '.join(recipe.protocols)} for {arguments.name}, got {protocol!r}"
        raise UsageError(msg)
    if arguments.cv is None:
        return recipe
    return replace(
        recipe, protocols={**recipe.protocols, protocol: replace(recipe.protocols[protocol], cv=arguments.cv)}
    )


def _cross_validated(
    recipe: "Recipe", dataset: "datasets.AudioDataset", device: str, arguments: argparse.Namespace
) -> "Evaluation":
    from audiofeat_nn.reproduction import evaluate_recipe

    if recipe.protocols[arguments.protocol or "clean"].cv == "official" and not has_published_split(dataset):
        if arguments.cv == "official":
            msg = f"--cv official needs a published split, which {arguments.data} has not"
            raise UsageError(msg)
        tell(f"{arguments.data} has no published split, which {arguments.name} asks for: folds are drawn")
    return evaluate_recipe(
        recipe,
        dataset,
        protocol=arguments.protocol or "clean",
        device=device,
        n_jobs=arguments.n_jobs,
        random_state=arguments.seed,
        progress=relay,
    )


def _tested(
    trained: Trained, dataset: "datasets.AudioDataset", arguments: argparse.Namespace
) -> tuple["Evaluation", int]:
    """Return how a network does on the test part, or on everything, and the exit code."""
    import numpy as np

    from audiofeat import classification
    from audiofeat_nn.prediction import Failure

    given = arguments.name
    if {"train", "test"} <= set(dataset.split.tolist()):
        dataset = dataset.select(split="test")
        tell(f"the test part of the official split, {len(dataset)} files")
    known = {str(label) for label in trained.predictor.classes.tolist()}
    strange = sorted(set(dataset.label.tolist()) - known)
    if strange:
        tell(f"{given} does not know {', '.join(strange)}: it is wrong about these files, whatever it says")
    code, rows, labels = 0, [], []
    start = perf_counter()
    for row, (file, found) in enumerate(trained.predictions(dataset.path.tolist(), arguments.n_jobs)):
        if isinstance(found, Failure):
            code = report(file, ValueError(found.reason))
            continue
        rows.append(row)
        labels.append(str(found.label))
    seconds = perf_counter() - start
    if not rows:
        msg = "no file could be predicted"
        raise ValueError(msg)
    same = trained.is_of(dataset)
    if same:
        tell(f"{given} was trained on these very data: what follows says how well it knows them by heart")
    classes = sorted({*known, *dataset.label.tolist()})
    number = {label: i for i, label in enumerate(classes)}
    fold = classification.FoldResult(
        repeat=1,
        name="trained before",
        n_train=trained.n_files,
        training=trained.fingerprint or "",
        rows=tuple(rows),
        predicted=tuple(number[label] for label in labels),
        leaked=len(rows) if same else 0,
        fit_time=0.0,
        predict_time=seconds,
        majority=None,
        nearest=None,
    )
    found_all = classification.Evaluation(
        name=trained.name,
        model=f"{trained.name} of {given}",
        dataset=dataset.name,
        cv="trained before",
        grouped_by="track",
        repeats=1,
        classes=tuple(classes),
        items=tuple(dataset.path.tolist()),
        truth=tuple(number[label] for label in dataset.label.tolist()),
        groups=tuple(np.unique(dataset.track, return_inverse=True)[1].tolist()),
        folds=(fold,),
    )
    return found_all, code


def _write(output: Path, found: Any) -> None:
    from audiofeat._files import replacing

    kind = output.suffix.lower()
    with replacing(output) as temporary:
        if kind in (".json", ".md"):
            temporary.write_text(found.to_json() if kind == ".json" else found.to_markdown(), encoding="utf-8")
        else:
            found.plot().figure.savefig(temporary, format=kind[1:], bbox_inches="tight")
