"""The command ``train``: one network from a whole data set, with all that is needed to go on or to use it."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiofeat_nn.cli._terminal import FAILURES, UsageError, relay, report, say, sigterm_interrupts, tell
from audiofeat_nn.cli.asking import changes_of, dataset_at, device_named, network_failures, recipe_named

if TYPE_CHECKING:
    from audiofeat import datasets
    from audiofeat_nn.recipes import Recipe
    from audiofeat_nn.training import EpochRow

ABOUT = "recipe.json"
SHARE = 0.15  # to validate on, where nothing else is said
TRAININGS = "training"  # the folder of what one can go on from


def run_train(arguments: argparse.Namespace) -> int:
    try:
        recipe = recipe_named(arguments.name, changes_of(arguments))
    except FAILURES as error:
        return report(arguments.name, error)
    if recipe.model.kind != "network":
        msg = f"{arguments.name} is the baseline {recipe.model.name}, no network: evaluate tests it"
        raise UsageError(msg)
    folder = Path(arguments.folder)
    if not arguments.resume and _holds_training(folder):
        msg = f"{folder} holds a training already: go on with it by --resume, or choose another folder"
        raise UsageError(msg)
    device = device_named(arguments.device)
    try:
        dataset = training_part(dataset_at(arguments.data))
        recipe = _validated(recipe, dataset, arguments.validation)
        told = _about(recipe, dataset, arguments)
        _check(folder, told)
    except FAILURES as error:
        return report(arguments.data, error)
    with_resume = "" if arguments.resume else " with --resume"
    try:
        with sigterm_interrupts():
            history = _train(recipe, dataset, folder, told, device, arguments)
    except KeyboardInterrupt:
        tell(f"interrupted; the same command{with_resume} goes on")
        return 130
    except ImportError as error:
        raise UsageError(str(error)) from error
    except network_failures() as error:
        return report(arguments.data, error)
    classes = ", ".join(f"{label} {count}" for label, count in dataset.counts.items())
    say(f"{len(dataset)} files: {classes}", _best(history))
    try:
        say(*(f"wrote {path}" for path in _written(folder, history)))
    except FAILURES as error:
        return report(str(folder), error)
    return 0


def training_part(dataset: "datasets.AudioDataset") -> "datasets.AudioDataset":
    """Return the rows to train and validate on: all, or those parts of an official split."""
    present = set(dataset.split.tolist())
    if "train" not in present:  # folds, or nothing
        return dataset
    kept = dataset.select(split=[part for part in ("train", "valid") if part in present])
    if len(kept) < len(dataset):
        tell(f"{len(dataset) - len(kept)} files of other parts of the official split are left out")
    return kept


def _validated(recipe: "Recipe", dataset: "datasets.AudioDataset", wanted: float | str | None) -> "Recipe":
    """Return the recipe with the validation that is asked for, or else is official, or else its own."""
    clean = recipe.protocols["clean"]
    official = {"train", "valid"} <= set(dataset.split.tolist())
    if wanted is None:
        wanted = "official" if official else SHARE if clean.validation == "official" else clean.validation
    elif wanted == "official" and not official:
        msg = "--validation official needs a data set with the parts train and valid"
        raise UsageError(msg)
    clean, training = replace(clean, validation=wanted), dict(recipe.training)
    if clean.validation is None and training.pop("patience", None) is not None:
        tell(f"nothing is validated, so that patience = {recipe.training['patience']} is left out")
    return replace(recipe, protocols={"clean": clean}, training=training)


def _about(recipe: "Recipe", dataset: "datasets.AudioDataset", arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what recipe.json tells of a training."""
    from audiofeat import __version__, data_fingerprint

    told = {
        "recipe": recipe.to_dict(),
        "random_state": arguments.seed,
        "data": {"spec": arguments.data, "n_files": len(dataset), "fingerprint": data_fingerprint(dataset)},
        "weights": arguments.weights,
        "version": __version__,
    }
    return dict(json.loads(json.dumps(told)))  # as it will be read


def _holds_training(folder: Path) -> bool:
    from audiofeat_nn.checkpoint import DEFAULT_NAME
    from audiofeat_nn.training.keeping import LAST

    ours = (folder / ABOUT).is_file()  # no stranger's folder is searched
    return any((folder / name).exists() for name in (DEFAULT_NAME, LAST)) or (ours and any(folder.rglob(LAST)))


def _check(folder: Path, told: dict[str, Any]) -> None:
    """Refuse to go on with the training of another recipe, or on other data."""
    if not (folder / ABOUT).is_file() or not _holds_training(folder):
        return
    before, now = _flat(read_about(folder)), _flat(told)
    places = ["random_state", "data.spec", "data.fingerprint"]
    for place in [*places, *(key for key in {**before, **now} if key.startswith("recipe."))]:
        if before.get(place) != now.get(place):
            other = f"{place} = {before.get(place)!r}, this call has {now.get(place)!r}"
            msg = f"{folder} holds a training with {other}: choose another folder"
            raise UsageError(msg)


def read_about(folder: Path) -> dict[str, Any]:
    """Return what recipe.json tells; nothing if there is none."""
    path = folder / ABOUT
    if not path.is_file():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{path} cannot be read: {error}"
        raise ValueError(msg) from error
    return told if isinstance(told, dict) else {}


def _flat(told: Any, place: str = "") -> dict[str, Any]:
    if not isinstance(told, dict) or not told:
        return {place: told}
    return {
        key: value for name, each in told.items() for key, value in _flat(each, f"{place}.{name}".strip(".")).items()
    }


def _train(
    recipe: "Recipe",
    dataset: "datasets.AudioDataset",
    folder: Path,
    told: dict[str, Any],
    device: str,
    arguments: argparse.Namespace,
) -> tuple["EpochRow", ...]:
    """Train a network and save it; return its history."""
    from audiofeat._files import replacing
    from audiofeat_nn.checkpoint import DEFAULT_NAME
    from audiofeat_nn.reproduction import make_classifier
    from audiofeat_nn.training import read_history
    from audiofeat_nn.training.history import JSONL

    classifier = make_classifier(
        recipe,
        dataset=dataset,
        device=device,
        n_jobs=arguments.n_jobs,
        random_state=arguments.seed,
        folder=folder / TRAININGS,
        progress=relay,
    )
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / ABOUT) as temporary:
        temporary.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    protocol = recipe.protocols["clean"]
    learnt = dataset.select(split="train") if protocol.validation == "official" else dataset
    by_artist = protocol.groups == "artist" and any(learnt.artist.tolist())
    classifier.fit(learnt.path.tolist(), learnt.label, learnt.groups("artist" if by_artist else "track"))
    classifier.save(folder / DEFAULT_NAME, data_fingerprint=told["data"]["fingerprint"])
    if classifier.network_.history_:
        return classifier.network_.history_
    kept = (folder / TRAININGS).rglob(JSONL)  # of a network that was there whole, the last of those it is built of
    return read_history(max(kept, key=lambda path: path.stat().st_mtime_ns).parent)


def _best(history: Sequence["EpochRow"]) -> str:
    scores = [row.valid_accuracy for row in history if row.valid_accuracy is not None]
    counted = f"{len(history)} epoch{'s' * (len(history) != 1)}"
    if not scores:
        return counted
    return f"{counted}, highest validation accuracy {100 * max(scores):.1f} % in epoch {scores.index(max(scores)) + 1}"


def _written(folder: Path, history: Sequence["EpochRow"]) -> list[Path]:
    """Write the history, also as a figure if it can be drawn, and return all files of the folder."""
    from audiofeat._files import replacing
    from audiofeat_nn.checkpoint import DEFAULT_NAME
    from audiofeat_nn.training import plot_history, write_history
    from audiofeat_nn.training.history import CSV, JSONL

    write_history(folder, history)
    names = [DEFAULT_NAME, ABOUT, CSV, JSONL]
    if history and find_spec("matplotlib") is not None:
        names.append("history.svg")
        with replacing(folder / names[-1]) as temporary:
            plot_history(history).savefig(temporary, format="svg")
    return [folder / name for name in names]
