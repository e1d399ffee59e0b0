"""Recipes run on a data set, each kept when it is done."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from audiofeat import data_fingerprint
from audiofeat._files import replacing
from audiofeat._validation import as_choice
from audiofeat.classification import Evaluation, evaluate
from audiofeat.datasets import AudioDataset
from audiofeat_nn.data.splits import split_validation
from audiofeat_nn.layers import count_parameters
from audiofeat_nn.recipes import Recipe, list_papers, list_recipes, load_paper, load_recipe
from audiofeat_nn.reproduction.classifier import RecipeClassifier, network_of
from audiofeat_nn.reproduction.reports import Reproduction, RowResult
from audiofeat_nn.reproduction.smoke import made_up_tracks, smoked

FALLBACK = 5  # folds, where a published split is asked for and there is none
Listener = Callable[[str], object]


def make_classifier(
    recipe: Recipe,
    *,
    protocol: str = "clean",
    dataset: AudioDataset | None = None,
    weights: Mapping[str, str] | None = None,
    device: str = "cpu",
    n_jobs: int | None = None,
    random_state: int = 0,
    folder: str | os.PathLike[str] | None = None,
    progress: Listener | None = None,
) -> RecipeClassifier:
    """Return what a recipe describes, to be trained on files.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    protocol : {"clean", "published"}
        Which of its protocols.
    dataset, weights, device, n_jobs, random_state, folder, progress : as in `RecipeClassifier`
        See there. Where the recipe validates on a published part and `dataset` has none, a share of the training part
        takes its place.

    Returns
    -------
    RecipeClassifier
        Unfitted.

    Raises
    ------
    ValueError
        If the recipe has no such protocol.

    Examples
    --------
    >>> from audiofeat_nn.recipes import load_recipe
    >>> from audiofeat_nn.reproduction import make_classifier
    >>> make_classifier(load_recipe("feng2017/t1-prcnn")).recipe.model.name
    'prcnn'
    """
    as_choice(protocol, "protocol", recipe.protocols)
    return RecipeClassifier(
        _suited(recipe, protocol, dataset)[0],
        protocol=protocol,
        dataset=dataset,
        weights=weights,
        device=device,
        n_jobs=n_jobs,
        random_state=random_state,
        folder=folder,
        progress=progress,
    )


def evaluate_recipe(
    recipe: Recipe,
    dataset: AudioDataset,
    *,
    protocol: str = "clean",
    folder: str | os.PathLike[str] | None = None,
    weights: Mapping[str, str] | None = None,
    folds: int | None = None,
    device: str = "cpu",
    n_jobs: int | None = None,
    random_state: int = 0,
    progress: Listener | None = None,
) -> Evaluation:
    """Train and test what a recipe describes, fold by fold.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    dataset : AudioDataset
        Files, classes, tracks.
    protocol : {"clean", "published"}
        Which of its protocols.
    folder, weights : as in `RecipeClassifier`
        See there.
    folds : int or None
        The first so many only.
    device, n_jobs, random_state, progress : as in `RecipeClassifier`
        See there.

    Returns
    -------
    Evaluation
        As of `audiofeat.classification.evaluate`, which is what tests: a track on both sides of a fold raises.

    Raises
    ------
    ValueError
        If the recipe has no such protocol, or data and recipe do not fit.
    AudioError
        As `audiofeat.load`.

    Examples
    --------
    >>> import tempfile
    >>> from audiofeat import datasets, synth
    >>> from audiofeat_nn.recipes import load_recipe
    >>> from audiofeat_nn.reproduction import evaluate_recipe
    >>> changes = {"training.max_epochs": 1, "training.batch_size": 2, "protocol.cv": 2}
    >>> recipe = load_recipe("pons2016/t1-frequency-32", changes=changes)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     corpus = synth.genre_corpus(4, classes=["metal", "waltz"], duration=4.0, random_state=0)
    ...     _ = synth.write_genre_corpus(folder, corpus)
    ...     found = evaluate_recipe(recipe, datasets.load_folder(folder))
    >>> len(found.folds), found.n_tested
    (2, 8)
    """
    as_choice(protocol, "protocol", recipe.protocols)
    suited, _ = _suited(recipe, protocol, dataset)
    how = suited.protocols[protocol]
    cv: Any = how.cv
    if cv == "holdout":
        groups, codes = dataset.groups(how.groups), np.unique(dataset.label, return_inverse=True)[1]
        cv = [
            split_validation(codes, groups, share=how.share, random_state=random_state + repeat)
            for repeat in range(how.repeats)
        ]
    classifier = make_classifier(
        suited,
        protocol=protocol,
        dataset=dataset,
        weights=weights,
        device=device,
        n_jobs=n_jobs,
        random_state=random_state,
        folder=folder,
        progress=progress,
    )
    return evaluate(
        classifier,
        dataset,
        cv=cv,
        groups=how.groups,
        repeats=1 if how.cv == "holdout" else how.repeats,
        max_folds=folds,
        random_state=random_state,
        baselines=False,
        name=recipe.key,
    )


def reproduce(
    names: str | Sequence[str],
    dataset: AudioDataset | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    protocol: str = "clean",
    smoke: bool = False,
    kind: str | None = None,
    weights: Mapping[str, str] | None = None,
    folds: int | None = None,
    resume: bool = False,
    device: str = "cpu",
    n_jobs: int | None = None,
    random_state: int = 0,
    progress: Listener | None = None,
) -> Reproduction:
    """Run rows of papers again, and set the published figures beside what comes out.

    Parameters
    ----------
    names : str or sequence of str
        Papers, rows (``"paper/row"``), or ``"all"``.
    dataset : AudioDataset or None
        What to run them on. None is for `smoke` only: a few made-up tracks.
    folder : str, path or None
        Every training is kept there, and every row that is done.
    protocol : {"clean", "published"}
        The rows' protocol without leaks, or the papers' own; a row that has none of its own takes the clean one.
    smoke : bool
        A few steps of everything, to see that it runs; the figures mean nothing.
    kind : str or None
        Kind of the data set, such as ``"gtzan"``: of the rows of a paper, only those published on it are run. A row
        that is named itself, or a paper none of whose rows is of it, is run all the same, and the report says so.
    weights : mapping of str to str, or None
        Trained weights by name of the network, see `RecipeClassifier`.
    folds : int or None
        The first so many folds only.
    resume : bool
        Go on in a folder in which something is kept already; it also begins a new one.
    device, n_jobs, random_state : as in `RecipeClassifier`
        See there.
    progress : callable or None
        Called with lines of text.

    Returns
    -------
    Reproduction
        The report. A row that cannot be run is in it with the reason.

    Raises
    ------
    ValueError
        If there is no such paper, row or protocol, or no data set.
    FileExistsError
        If the folder is not empty and `resume` is False.

    Examples
    --------
    >>> from audiofeat_nn.reproduction import reproduce
    >>> report = reproduce("pons2016/t1-frequency-40", smoke=True)
    >>> report.rows[0].parameters, report.rows[0].published["accuracy"]
    (1378, 52.43)
    """
    as_choice(protocol, "protocol", ("clean", "published"))
    if dataset is None and not smoke:
        msg = "dataset must be given unless smoke is True, got None"
        raise ValueError(msg)
    kept = None if folder is None else Path(folder)
    if kept is not None and not resume and kept.is_dir() and any(kept.iterdir()):
        msg = f"folder {os.fspath(kept)!r} is not empty: resume it, or choose another"
        raise FileExistsError(msg)
    recipes = [load_recipe(name) for name in _chosen(names, kind)]
    with _lent(dataset) as files:
        rows = []
        for number, recipe in enumerate(recipes, 1):
            if progress is not None:
                progress(f"{recipe.key}: row {number} of {len(recipes)}")
            how = protocol if protocol in recipe.protocols else "clean"
            asked = smoked(recipe, how) if smoke else recipe
            place = None if kept is None else kept / recipe.paper / recipe.name
            settings: dict[str, Any] = {
                "protocol": how,
                "weights": weights,
                "folds": folds,
                "device": device,
                "n_jobs": n_jobs,
                "random_state": random_state,
                "progress": progress,
            }
            found = _row(asked, files, place, settings)
            more = [] if kind is None or kind in recipe.sets else [f"the published figure is not of {kind}"]
            more += ["a few steps only: the figure means nothing"] if smoke else []
            rows.append(replace(found, notes=(*found.notes, *more), protocol="smoke" if smoke else how))
        name = "made-up tracks" if dataset is None else f"{files.name} ({len(files)} tracks)"
    papers = tuple(load_paper(paper) for paper in dict.fromkeys(recipe.paper for recipe in recipes))
    return Reproduction(name, papers, tuple(rows))


def _row(recipe: Recipe, dataset: AudioDataset, place: Path | None, settings: dict[str, Any]) -> RowResult:
    """Return what a row gives: read, if it is kept, or else run and kept. An error is a result too, but is not kept."""
    asked = {name: settings[name] for name in ("protocol", "folds", "random_state", "weights")}
    asked |= {"recipe": recipe.to_dict(), "data": data_fingerprint(dataset)}
    told = json.loads(json.dumps(asked, default=str))
    file = None if place is None else place / f"result-{settings['protocol']}.json"
    if file is not None and file.exists():
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["asked"] == told:
            return RowResult(**kept["row"])
    start = perf_counter()
    result = RowResult(
        recipe=recipe.key,
        table=recipe.table,
        title=recipe.title,
        published=asdict(recipe.published),
        published_on=recipe.sets,
        parameters=_parameters(recipe, len(dataset.counts)),
        notes=(*recipe.notes, *_suited(recipe, settings["protocol"], dataset)[1], *_flaws(recipe, settings)),
    )
    try:
        found = evaluate_recipe(recipe, dataset, folder=place and place / "trainings", **settings)
    except (ValueError, TypeError, OSError, RuntimeError) as error:
        return replace(result, error=str(error), seconds=perf_counter() - start)
    row = replace(
        result,
        accuracy=100.0 * found.fold_mean,
        std=None if found.fold_std is None else 100.0 * found.fold_std,
        macro_f1=100.0 * float(np.mean([score.f1 for score in found.scores])),
        n_folds=len(found.folds),
        n_tested=found.n_tested,
        seconds=perf_counter() - start,
    )
    kept = json.loads(json.dumps({"asked": told, "row": asdict(row), "evaluation": found.to_dict()}))
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as temporary:
            temporary.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
    return RowResult(**kept["row"])


def _chosen(names: str | Sequence[str], kind: str | None) -> list[str]:
    """Return the rows that are meant, each once."""
    found: list[str] = []
    for name in [names] if isinstance(names, str) else names:
        if name in list_recipes():
            found.append(name)
            continue
        papers = list_papers() if name == "all" else [as_choice(name, "names", (*list_papers(), "all"))]
        for paper in papers:
            rows = list_recipes(paper)
            own = [row for row in rows if kind is None or kind in load_recipe(row).sets]
            found += own or rows
    return list(dict.fromkeys(found))


def _suited(recipe: Recipe, protocol: str, dataset: AudioDataset | None) -> tuple[Recipe, list[str]]:
    """Return a recipe that a data set can be tested by, and what had to be changed for that."""
    how, notes = recipe.protocols[protocol], []
    parts = set() if dataset is None or dataset.split is None else set(dataset.split.tolist())
    if how.cv == "official" and (len(parts) < 2 or "" in parts) and dataset is not None:
        how = replace(how, cv=FALLBACK)
        notes.append(f"{dataset.name} has no published split: {FALLBACK} folds")
    if how.groups == "artist" and dataset is not None and not any(dataset.artist.tolist()):
        how = replace(how, groups="track")
        notes.append(f"{dataset.name} knows no artists: they may be on both sides, tracks are not")
    if how.validation == "official" and "valid" not in parts:
        how = replace(how, validation=0.1)
        notes += [] if dataset is None else ["no published validation part: a tenth of the training tracks"]
    return replace(recipe, protocols={**recipe.protocols, protocol: how}), notes


def _flaws(recipe: Recipe, settings: dict[str, Any]) -> list[str]:
    """Return what is wrong with the way a row is run."""
    flaws = list(recipe.protocols[settings["protocol"]].flaws)
    if recipe.model.weights and recipe.model.name not in (settings["weights"] or {}):
        flaws.append(f"the paper began with {recipe.model.weights} weights; none were given, so this began at random")
    return flaws


def _parameters(recipe: Recipe, n_classes: int) -> int | None:
    if recipe.model.kind == "baseline":
        return None
    with torch.device("meta"):
        return count_parameters(network_of(recipe, n_classes))


def _lent(dataset: AudioDataset | None) -> AbstractContextManager[AudioDataset]:
    return made_up_tracks() if dataset is None else nullcontext(dataset)
