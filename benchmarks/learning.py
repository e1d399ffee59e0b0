"""Learning: networks trained from recipes, their accuracy on what they have not heard, and the baselines beside it.

``--quick`` trains for two epochs on one fold, of fewer tracks, and writes nothing; ``--corpus FOLDER`` writes the
made-up corpus, for the commands of the page, and ends.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

from audiofeat import FeatureStatistics, baselines, synth
from audiofeat.classification import Evaluation, evaluate
from audiofeat.datasets import AudioDataset, load_dataset
from audiofeat_nn import count_parameters
from audiofeat_nn.recipes import Recipe, load_recipe
from audiofeat_nn.reproduction import evaluate_recipe
from audiofeat_nn.reproduction.classifier import network_of
from benchmarks._report import machine, table, verdict

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "learning.md"
RECIPES = Path(__file__).parent / "recipes"
PACKAGES = ("torch", "numpy", "scikit-learn")
ESC, CORPUS = "esc10_folds123", "corpus"  # a folder of AUDIOFEAT_DATA, and one that is made
N_TRACKS, DURATION = 20, 10.0  # of a genre of the corpus, and of a track in seconds
MODELS = ("svm", "pca_knn")
SEEDS = {ESC: (0, 1, 2), CORPUS: (0, 1)}
ABOUT = """\
A network is trained anew for each fold, on its training part alone, for as many epochs as its recipe says: no epoch
is chosen by a score. Seed 0 is that of the commands.
Folds are by tracks: no file on one side shares its recording with one on the other. A track is classified by the mean
of its patches' probabilities. Accuracy is the mean over folds, in %, ± their standard deviation (n - 1); a file is
tested once.

Time is that of all folds together, from files to predictions: of the processor, with one thread, and of the wall
clock, where other programs have a share of the machine. The bar of time is for the processor's.

Baselines are scikit-learn's on `FeatureStatistics()`, 658 columns, on the same folds. `majority` takes the most
frequent class of the training part, `nearest` the class of the nearest training file by the standardised statistics.
"""
ON_ESC = """\
Folds 1 to 3 of 5 as published: {n_files} recordings of 5 s, ten kinds of sounds, so that a network learns from
two thirds of them. `esc10:PATH` is a folder with the folders of the classes. The settings, of one to ten that were
tried, were chosen by the figure of seed 0 on these folds, which flatters that figure; the other seeds had no say.
"""
ON_CORPUS = """\
`synth.genre_corpus`: {n_files} tracks of {duration:g} s, ten genres, in WAV files of 16 bits at 22,050 Hz.
`python -m benchmarks learning --corpus PATH` writes them. They are drawn by another seed than those, of 6 s, on which
the settings were chosen: these figures flatter nobody.
"""

Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class Run:
    """A network that has to learn something: a recipe, the least accuracy in %, and the most minutes."""

    recipe: str
    least: float
    most: float

    def read(self, *, quick: bool) -> Recipe:
        """Return the recipe; a quick one has two epochs."""
        changes = {"training.max_epochs": 2} if quick else None
        return load_recipe(RECIPES / f"{self.recipe}.toml", changes=changes)


RUNS = {
    ESC: (Run("esc10-kth-cnn", 75.0, 10.0), Run("esc10-prcnn", 68.0, 10.0)),
    CORPUS: (
        Run("genres-prcnn", 90.0, 10.0),
        Run("genres-kth-cnn", 90.0, 10.0),
        Run("genres-time-frequency", 90.0, 10.0),
    ),
}


def write_corpus(folder: str | Path, n_tracks: int) -> None:
    """Write the corpus."""
    synth.write_genre_corpus(folder, synth.genre_corpus(n_tracks, duration=DURATION, random_state=1))


def parameters(recipe: Recipe, n_classes: int) -> int:
    """Return the number of parameters of a recipe's network."""
    with torch.device("meta"):
        return count_parameters(network_of(recipe, n_classes))


def shown(found: Evaluation) -> tuple[str, str]:
    """Return mean and spread over folds, and the folds, to print."""
    spread = "" if found.fold_std is None else f" ± {100 * found.fold_std:.1f}"
    return f"{100 * found.fold_mean:.1f}{spread}", " / ".join(f"{100 * each:.1f}" for each in found.fold_accuracies)


def row(run: Run, dataset: AudioDataset, seeds: tuple[int, ...], *, quick: bool) -> tuple[str, ...]:
    """Train and test a network with every seed, and return its row, which is of the first."""
    recipe, found, costs, walls = run.read(quick=quick), [], [], []
    for seed in seeds[:1] if quick else seeds:
        cost, wall = time.process_time(), time.perf_counter()
        found.append(evaluate_recipe(recipe, dataset, random_state=seed, folds=1 if quick else None))
        costs.append((time.process_time() - cost) / 60)
        walls.append((time.perf_counter() - wall) / 60)
    accuracy = 100 * found[0].fold_mean
    others = " / ".join(f"{100 * each.fold_mean:.1f}" for each in found[1:])
    cells = (f"`{recipe.model.name}`", *shown(found[0]), *verdict([accuracy], (run.least,)), others)
    times = (f"{costs[0]:.1f}", f"{walls[0]:.1f}", *verdict([costs[0]], (run.most,), most=True))
    return (*cells, f"{parameters(recipe, len(dataset.counts)):,}", *times)


def baseline_rows(dataset: AudioDataset, cv: Any) -> Rows:
    """Return the rows of the baselines."""
    rows: Rows = []
    for name in MODELS:
        start = time.process_time()
        found = evaluate(getattr(baselines, name)(features=FeatureStatistics()), dataset, cv=cv, random_state=0)
        rows.append((f"`{name}`", *shown(found), f"{(time.process_time() - start) / 60:.1f}"))
        if name == "svm":  # its features are the statistics themselves, standardised
            simple: Rows = [(each, f"{100 * getattr(found, each):.1f}", "", "") for each in ("nearest", "majority")]
    return rows + simple


def parts(place: str, dataset: AudioDataset, *, quick: bool) -> Iterator[str]:
    """Yield the tables of the runs on a data set."""
    spec = "esc10:PATH" if place == ESC else "folder:PATH"
    runs = RUNS[place]
    yield "".join(f"    audiofeat-nn evaluate benchmarks/recipes/{run.recipe}.toml --data {spec}\n" for run in runs)
    told = f"with seed{'s' * (len(SEEDS[place]) > 2)} {' / '.join(map(str, SEEDS[place][1:]))}, %"
    head = ["network", "accuracy, %", "folds, %", "bar", "met", told, "parameters"]
    head += ["processor, min", "wall, min", "bar", "met"]
    yield table(head, [row(run, dataset, SEEDS[place], quick=quick) for run in runs])
    cv = runs[0].read(quick=quick).protocols["clean"].cv
    yield table(["baseline", "accuracy, %", "folds, %", "processor, min"], baseline_rows(dataset, cv))


def page(data: str, *, quick: bool) -> Iterator[str]:
    """Measure, and yield the page part by part."""
    yield "# Learning\n"
    yield machine(PACKAGES)
    yield ABOUT
    esc = load_dataset(f"esc10:{Path(data) / ESC}")
    yield "## Sounds\n"
    yield ON_ESC.format(n_files=len(esc))
    yield from parts(ESC, esc, quick=quick)
    with tempfile.TemporaryDirectory() as folder:
        write_corpus(folder, 4 if quick else N_TRACKS)
        corpus = load_dataset(f"folder:{folder}")
        yield "## Made-up genres\n"
        yield ON_CORPUS.format(n_files=len(corpus), duration=DURATION)
        yield from parts(CORPUS, corpus, quick=quick)


def main() -> None:
    """Print the page, and write it unless asked to be quick."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks learning", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="write nothing")
    parser.add_argument("--corpus", metavar="FOLDER", help="write the made-up corpus there, and end")
    options = parser.parse_args()
    if options.corpus:
        write_corpus(options.corpus, N_TRACKS)
        return
    if not os.environ.get("AUDIOFEAT_DATA"):
        parser.error("the environment variable AUDIOFEAT_DATA must name the folder of recordings")
    torch.set_num_threads(1)
    written = []
    with threadpool_limits(1):
        for part in page(os.environ["AUDIOFEAT_DATA"], quick=options.quick):
            print(part, flush=True)
            written.append(part)
    if not options.quick:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text("\n".join(written), encoding="utf-8")


if __name__ == "__main__":
    main()
