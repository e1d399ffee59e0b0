"""The benchmarks of networks: their recipes can be repeated, and what they time is the training that `fit` does."""

import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from audiofeat import datasets, synth  # noqa: E402
from audiofeat_nn.estimator import NeuralClassifier  # noqa: E402
from audiofeat_nn.recipes import load_recipe  # noqa: E402
from audiofeat_nn.reproduction import make_classifier  # noqa: E402
from audiofeat_nn.reproduction.classifier import network_of  # noqa: E402
from benchmarks import learning, training  # noqa: E402

torch.set_num_threads(1)
FILES = sorted(learning.RECIPES.glob("*.toml"))


def test_all_recipes_are_run_and_all_that_are_run_are_there():
    runs = [run.recipe for each in learning.RUNS.values() for run in each]
    assert sorted(runs) == [file.stem for file in FILES]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recipe_can_be_read_and_chooses_nothing_by_what_it_is_tested_on(file):
    recipe = load_recipe(file)
    with torch.device("meta"):
        model = network_of(recipe, 10)
    x = torch.zeros(2, 1, recipe.input.front_end.n_bands, recipe.input.n_frames, device="meta")
    assert model.eval()(x).shape == (2, 10)
    assert set(recipe.protocols) == {"clean"}
    assert recipe.protocols["clean"].validation is None  # a fixed number of epochs
    assert "patience" not in recipe.training


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        ("frequency", {"input.crop": "any"}, "input.crop must be one of grid, random, got 'any'"),
        (
            "frequency",
            {"input.cutting": "feng2017", "input.crop": "random"},
            "input.crop must be 'grid' for clips of clip_duration, which are a patch each, got 'random'",
        ),
        ("svm", {"input.crop": "random"}, "input.crop must be left out for the baseline svm"),
    ],
    ids=["unknown", "of a clip", "of a baseline"],
)
def test_a_crop_that_would_do_nothing_is_refused(model, changes, message, tmp_path):
    kind = "baseline" if model == "svm" else "network"
    file = tmp_path / "own.toml"
    file.write_text(f'title = "own"\ntable = "none"\n[model]\nkind = "{kind}"\nname = "{model}"\n')
    assert load_recipe(file).input.crop == "grid"
    with pytest.raises(ValueError, match=re.escape(message)):
        load_recipe(file, changes=changes)


def weights_of(network):
    return torch.cat([each.detach().flatten() for each in network.parameters()]).numpy()


def test_a_recipes_crop_is_that_of_the_network(tmp_path):
    corpus = synth.genre_corpus(3, classes=["metal", "waltz"], duration=4.0, random_state=0)
    synth.write_genre_corpus(tmp_path / "music", corpus)
    files = datasets.load_folder(tmp_path / "music")
    X, y = files.path.tolist(), files.label
    file = tmp_path / "own.toml"
    file.write_text(
        'title = "own"\ntable = "none"\n[model]\nname = "frequency"\n[protocol]\nvalidation = "none"\n'
        "[training]\nmax_epochs = 2\nbatch_size = 4\n"
    )
    found = {}
    for crop in ("grid", "random"):
        recipe = load_recipe(file, changes={"input.crop": crop})
        found[crop] = weights_of(make_classifier(recipe, random_state=5).fit(X, y).network_.model_)
    settings = {"max_epochs": 2, "batch_size": 4, "validation": None, "random_state": 5}
    alone = NeuralClassifier("frequency", crop="random", **settings).fit(X, y)
    assert np.array_equal(found["random"], weights_of(alone.model_))
    assert not np.array_equal(found["random"], found["grid"])


def test_stages_are_the_steps_of_fit_and_add_up_to_them():
    job, reading = training.make_job("time-frequency", "cpu", batch=4, steps=2)
    assert len(job.items) == 8
    assert 0.0 < reading < 1.0
    ours, theirs = training.by_stages(job), training.by_fit(job)
    assert ours.losses == theirs.losses  # to the last bit: dropout and crops draw the same too
    assert len(set(ours.losses)) == job.settings.max_epochs
    assert all(each > 0.0 for each in ours.stages.values())
    assert 0.9 * ours.work < sum(ours.stages.values()) <= 1.001 * ours.work


@pytest.mark.parametrize("name", training.MODELS)
def test_a_window_is_what_the_front_end_makes_the_input_of(name):
    n_samples, sr = training.window(name)
    with torch.device("meta"):
        recipe = training.create_model(name, n_classes=2).recipe
    assert sr == recipe.front_end.sr
    shapes = [recipe.front_end(np.zeros(n)).shape for n in (n_samples, n_samples - 1)]
    assert shapes == [(recipe.n_bands, recipe.n_frames), (recipe.n_bands, recipe.n_frames - 1)]


def test_what_spans_cover_counts_once():
    assert training.covered([]) == 0.0
    assert training.covered([(5.0, 6.0), (0.0, 2.0), (1.0, 3.0), (1.5, 1.75)]) == 4.0
    rng = np.random.default_rng(0)
    starts = rng.integers(0, 200, 40)
    ends = starts + rng.integers(0, 9, 40)
    seen = np.zeros(300, bool)
    for start, end in zip(starts, ends, strict=True):
        seen[start:end] = True
    assert training.covered(list(zip(starts.astype(float), ends.astype(float), strict=True))) == seen.sum()


def test_a_part_of_the_page_that_is_not_measured_again_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "PAGE", tmp_path / "training.md")
    first = training.joined({"cpu": "one\n\n| 1 |\n"})
    assert first.endswith(f"## CPU\n\none\n\n| 1 |\n\n## GPU\n\n{training.MISSING_PART.format(device='cuda')}")
    training.PAGE.write_text(first, encoding="utf-8")
    second = training.joined({"cuda": "two\n\n| 2 |\n"})
    assert second.endswith("## CPU\n\none\n\n| 1 |\n\n## GPU\n\ntwo\n\n| 2 |\n")
    training.PAGE.write_text(second, encoding="utf-8")
    assert training.joined({}) == second
    assert training.joined({"cpu": "three\n"}).endswith("## CPU\n\nthree\n\n## GPU\n\ntwo\n\n| 2 |\n")


@pytest.mark.slow
def test_the_tables_of_learning_show_the_network_beside_the_baselines(tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "RUNS", {learning.CORPUS: (learning.Run("genres-time-frequency", 90.0, 10.0),)})
    learning.write_corpus(tmp_path, 4)
    corpus = datasets.load_dataset(f"folder:{tmp_path}")
    command, networks, baselines = learning.parts(learning.CORPUS, corpus, quick=True)
    name = re.search(r"benchmarks/recipes/\S+\.toml", command).group()
    assert (Path(learning.__file__).parents[1] / name).is_file()
    head, _, row = (line.strip("| ").split(" | ") for line in networks.splitlines())
    told = dict(zip(head, row, strict=True))
    assert told["network"] == "`time-frequency`"
    assert told["parameters"] == "197,218"
    assert 0.0 <= float(told["accuracy, %"]) <= 100.0
    names = [line.split(" | ")[0].strip("| ") for line in baselines.splitlines()[2:]]
    assert names == ["`svm`", "`pca_knn`", "nearest", "majority"]
