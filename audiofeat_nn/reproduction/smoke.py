"""A recipe made so short that it only shows that everything runs, and tracks to run it on."""

import inspect
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from audiofeat import baselines, datasets, synth
from audiofeat.datasets import AudioDataset
from audiofeat_nn.recipes import Recipe

N_TRACKS = 3  # of each of two classes
SHARE = 0.34  # of them that is tested


def smoked(recipe: Recipe, protocol: str) -> Recipe:
    """Return a recipe of a few steps: the same model and input, an epoch of two clips of a track."""
    cut = recipe.input.cutting
    given = replace(
        recipe.input,
        cutting=replace(cut, n_clips=min(cut.n_clips or 2, 2)),
        augment=recipe.input.augment[:1],
    )
    training = dict(recipe.training)
    if recipe.model.kind == "network":
        training |= {"max_epochs": 1, "batch_size": 2, "drop_last": False}
        training.pop("patience", None)
    options = dict(recipe.model.options)
    if recipe.model.kind == "baseline":  # a few tracks have no fifteen components, nor eight neighbours
        options |= {name: 2 for name in ("n_components", "n_neighbors") if name in _defaults(recipe.model.name)}
    how = replace(recipe.protocols[protocol], cv="holdout", share=SHARE, repeats=1)
    if how.validation is not None:
        how = replace(how, validation=0.5)
    model = replace(recipe.model, options=options)
    return replace(recipe, input=given, training=training, model=model, protocols={**recipe.protocols, protocol: how})


def _defaults(baseline: str) -> set[str]:
    return set(inspect.signature(getattr(baselines, baseline)).parameters)


@contextmanager
def made_up_tracks() -> Iterator[AudioDataset]:
    """Lend files of made-up music, which are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = synth.genre_corpus(N_TRACKS, classes=["metal", "waltz"], duration=30.0, random_state=0)
        synth.write_genre_corpus(folder, corpus)
        yield datasets.load_folder(folder)
