"""Recipes: all that is in the package can be read, built and run, and says what the papers say."""

import json

import pytest

torch = pytest.importorskip("torch")

from audiofeat import datasets, synth  # noqa: E402
from audiofeat.datasets import AudioDataset  # noqa: E402
from audiofeat_nn import count_parameters  # noqa: E402
from audiofeat_nn.recipes import (  # noqa: E402
    list_papers,
    list_recipes,
    load_paper,
    load_recipe,
    reading,
)
from audiofeat_nn.reproduction import RecipeClassifier, evaluate_recipe, make_classifier, reproduce  # noqa: E402
from audiofeat_nn.reproduction.classifier import network_of  # noqa: E402
from audiofeat_nn.reproduction.running import _chosen, _suited  # noqa: E402
from audiofeat_nn.training import TrainSettings  # noqa: E402

torch.set_num_threads(1)
NAMES = list_recipes()
SMALL = "pons2016/t1-frequency-40"

# Copied from the papers by hand: accuracy in per cent, trainable parameters for as many classes as the paper has.
PUBLISHED = {
    "feng2017/t1-prcnn": (90.2, 293_354, 10),
    "feng2017/t1-prcnn-2-layers": (88.8, 589_802, 10),
    "feng2017/t2-cnn": (88.0, None, 10),
    "feng2017/t2-cnn-rnn": (92.0, 293_354, 10),
    "feng2017/t2-alexnet": (81.4, None, 10),
    "feng2017/t2-alexnet-rnn": (88.8, None, 10),
    "feng2017/t2-vgg11": (86.8, None, 10),
    "feng2017/t2-vgg11-rnn": (88.7, None, 10),
    "feng2017/t2-resnet11": (86.8, None, 10),
    "feng2017/t2-resnet11-rnn": (87.6, None, 10),
    "pons2016/t1-black-box-12x8": (87.25, 3_275_312, 8),
    "pons2016/t1-black-box-12x200": (82.80, 2_363_440, 8),
    "pons2016/t1-time-60": (81.79, 7_336, 8),
    "pons2016/t1-time-200": (81.52, 19_496, 8),
    "pons2016/t1-frequency-30": (59.45, 3_816, 8),
    "pons2016/t1-frequency-32": (59.59, 3_368, 8),
    "pons2016/t1-frequency-34": (58.17, 2_920, 8),
    "pons2016/t1-frequency-36": (57.88, 2_472, 8),
    "pons2016/t1-frequency-38": (57.45, 2_024, 8),
    "pons2016/t1-frequency-40": (52.43, 1_576, 8),
    "pons2016/t1-time-frequency": (86.54, 196_816, 8),
    "pons2016/t1-time-frequency-init": (87.68, 196_816, 8),
}


def built(recipe, n_classes):
    """Return the network of a recipe on no device."""
    with torch.device("meta"):
        return network_of(recipe, n_classes)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_says_what_learns_from_what(name):
    recipe = load_recipe(name)
    assert recipe.key == name
    assert recipe.title
    assert recipe.table
    assert recipe.sets
    assert "clean" in recipe.protocols
    json.dumps(recipe.to_dict(), default=str)
    if recipe.model.kind == "network":
        TrainSettings.from_dict(recipe.training)
        model = built(recipe, 8)
        x = torch.zeros(2, 1, model.recipe.n_bands, model.recipe.n_frames, device="meta")
        assert model.eval()(x).shape == (2, 8)


@pytest.mark.parametrize("name", PUBLISHED)
def test_figures_are_the_papers(name):
    accuracy, parameters, n_classes = PUBLISHED[name]
    recipe = load_recipe(name)
    assert recipe.published.accuracy == accuracy
    if parameters is not None:
        assert count_parameters(built(recipe, n_classes)) == parameters


@pytest.mark.parametrize("paper", list_papers())
def test_a_paper_names_its_rows_its_flaws_and_nothing_else(paper):
    told = load_paper(paper)
    assert told.flaws
    assert list_recipes(paper)
    assert len(set(list_recipes(paper))) == len(list_recipes(paper))


def test_every_model_of_the_papers_has_a_row():
    from audiofeat_nn import list_models

    used = {load_recipe(name).model.name for name in NAMES}
    assert set(list_models()) - used <= {"mirex-2015", "ubc-temporal"}  # of no table: an ancestor, and our own


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.name": "no-such"}, "model.name must be one of"),
        ({"model.options": {"lenght": 60}}, "has no 'lenght'"),
        ({"training.lr": -1.0}, "lr must be > 0"),
        ({"training.speed": 1}, "settings have no field speed"),
        ({"protocol.normalization": "leaky"}, "protocol must not leak"),
        ({"protocol.validation_by": "patch"}, "protocol must not leak"),
        ({"protocol.cv": 1}, "protocol.cv must be >= 2, got 1"),
        ({"protocol.validation": 1.5}, "protocol.validation must be < 1"),
        ({"input.cutting": "no-such"}, "input.cutting must be one of"),
        ({"input.frontend": "no-such"}, "input.frontend must be one of"),
        ({"input.frontend.n_mells": 3}, "has no 'n_mells'"),
        ({"published.accuracy": 101.0}, "published.accuracy must be"),
        ({"published.per_class": {"rock": [1.0]}}, "published.per_class.rock must be precision, recall and F1"),
        ({"sets": ["gtzann"]}, "sets must be one of"),
        ({"colour": 1}, "recipe has no 'colour'"),
        ({"model.branches": {"time": "x"}}, "has no 'time'"),
    ],
)
def test_what_is_no_recipe_is_refused_with_its_name(changes, message):
    with pytest.raises((ValueError, TypeError), match=message) as error:
        load_recipe("pons2016/t1-time-60", changes=changes)
    assert "pons2016/t1-time-60" in str(error.value)


def test_a_file_of_ones_own_is_laid_over_a_paper(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'paper = "pons2016"\ntitle = "Mine"\ntable = "-"\n[model]\nname = "time"\noptions = { length = 20 }\n'
        "[training]\nlr = 0.5\n"
    )
    recipe, like = load_recipe(file), load_recipe("pons2016/t1-time-60")
    assert recipe.training["lr"] == 0.5
    assert recipe.training["batch_size"] == like.training["batch_size"] == 10
    assert recipe.model.options == {"length": 20}  # whole, not laid over by key
    assert recipe.input.cutting == like.input.cutting
    file.write_text("title = \n")
    with pytest.raises(ValueError, match=r"mine\.toml is no TOML"):
        load_recipe(file)
    with pytest.raises(FileNotFoundError):
        load_recipe(tmp_path / "no.toml")
    with pytest.raises(ValueError, match="name must be one of"):
        load_recipe("pons2016/no-such-row")


def test_one_value_of_a_named_cutting_or_front_end_can_be_changed():
    recipe = load_recipe("feng2017/t1-prcnn", changes={"input.cutting.overlap": 0.0, "input.frontend.n_fft": 512})
    assert (recipe.input.cutting.clip_duration, recipe.input.cutting.overlap) == (3.0, 0.0)
    assert (recipe.input.front_end.n_fft, recipe.input.front_end.hop_length) == (512, 512)


def test_a_row_that_is_not_listed_is_noticed(monkeypatch):
    common = dict(reading._common("pons2016"))
    monkeypatch.setattr(reading, "_common", lambda paper: {**common, "rows": common["rows"][1:]})
    reading._rows.cache_clear()
    with pytest.raises(ValueError, match="rows of pons2016 must be its files"):
        reading._rows("pons2016")
    reading._rows.cache_clear()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Ten tracks of each of two styles."""
    folder = tmp_path_factory.mktemp("corpus")
    corpus = synth.genre_corpus(10, classes=["ambient", "metal"], duration=6.0, random_state=0)
    synth.write_genre_corpus(folder, corpus)
    return datasets.load_folder(folder)


def in_parts(files, parts):
    """Return a data set with a published split."""
    return AudioDataset(tuple(item._replace(split=part) for item, part in zip(files, parts, strict=True)))


def test_a_row_is_run_once_and_read_the_second_time(files, tmp_path, monkeypatch):
    options = {"folder": tmp_path, "folds": 2}
    changes = {"training.max_epochs": 2, "protocol.cv": 4}
    quick = load_recipe(SMALL, changes=changes)
    monkeypatch.setattr("audiofeat_nn.reproduction.running.load_recipe", lambda name: quick)
    lines: list[str] = []
    first = reproduce(SMALL, files, progress=lines.append, **options)
    (row,) = first.rows
    assert (row.n_folds, row.n_tested) == (2, 10)
    assert sum("epoch" in line for line in lines) == 4
    kept = json.loads((tmp_path / SMALL / "result-clean.json").read_text())
    assert kept["evaluation"]["fold_mean"] * 100 == pytest.approx(row.accuracy)
    lines.clear()
    assert reproduce(SMALL, files, resume=True, progress=lines.append, **options).to_dict() == first.to_dict()
    assert not any("epoch" in line for line in lines)
    with pytest.raises(FileExistsError, match="is not empty: resume it"):
        reproduce(SMALL, files, **options)
    lines.clear()  # two more folds: the first two trainings are kept
    more = reproduce(SMALL, files, resume=True, progress=lines.append, folder=tmp_path, folds=4)
    assert more.rows[0].n_folds == 4
    assert sum("epoch" in line for line in lines) == 4


def test_an_interrupted_training_is_gone_on_with(files, tmp_path):
    recipe = load_recipe(SMALL, changes={"training.max_epochs": 4})
    paths, labels = files.path.tolist(), files.label
    whole = make_classifier(recipe, dataset=files, folder=tmp_path / "whole").fit(paths, labels)
    seen = []

    def stop(line):
        seen.append(line)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_classifier(recipe, dataset=files, folder=tmp_path / "cut", progress=stop).fit(paths, labels)
    rest: list[str] = []
    again = make_classifier(recipe, dataset=files, folder=tmp_path / "cut", progress=rest.append).fit(paths, labels)
    assert len(rest) == 2
    for one, other in zip(whole.network_.model_.parameters(), again.network_.model_.parameters(), strict=True):
        assert torch.equal(one, other)
    third = make_classifier(recipe, dataset=files, folder=tmp_path / "cut").fit(paths, labels)  # read, not trained
    assert third.predict(paths).tolist() == again.predict(paths).tolist()


def test_a_published_part_is_validated_on_and_a_missing_one_is_told(files):
    changes = {"training.max_epochs": 1, "protocol.cv": "official", "protocol.validation": "official"}
    recipe = load_recipe(SMALL, changes=changes)
    whole = in_parts(files, (["train"] * 6 + ["valid"] * 2 + ["test"] * 2) * 2)
    found = evaluate_recipe(recipe, whole)
    assert [fold.name for fold in found.folds] == ["test"]
    assert (found.folds[0].n_train, found.n_tested) == (12, 4)
    classifier = make_classifier(recipe, dataset=whole)
    items, labels = classifier._part("valid")
    assert items == whole.path[whole.split == "valid"].tolist()
    assert labels.tolist() == ["ambient"] * 2 + ["metal"] * 2
    _, notes = _suited(load_recipe(SMALL, changes=changes | {"protocol.groups": "artist"}), "clean", files)
    assert [note.partition(": ")[2] for note in notes] == [
        "5 folds",
        "they may be on both sides, tracks are not",
        "a tenth of the training tracks",
    ]
    assert len(evaluate_recipe(recipe, files).folds) == 5


def test_the_leak_takes_what_is_not_trained_on(files):
    recipe = load_recipe(SMALL, changes={"training.max_epochs": 1})
    paths, labels = files.path.tolist(), files.label
    models = {}
    for protocol in ("clean", "published"):
        model = make_classifier(recipe, dataset=files, protocol=protocol).fit(paths[::2], labels[::2])
        models[protocol] = model.network_.normalization_
    everything = make_classifier(recipe, dataset=files, protocol="published").fit(paths, labels)
    whole = everything.network_.normalization_.mean
    assert models["published"].mean == pytest.approx(whole, rel=5e-3)  # ends that make no patch are not trained on
    assert abs(models["clean"].mean - whole).max() > 10 * abs(models["published"].mean - whole)


def test_branches_are_trained_on_the_same_files_first(files, tmp_path):
    recipe = load_recipe("pons2016/t1-time-frequency-init", changes={"training.max_epochs": 1})
    lines: list[str] = []
    paths, labels = files.path.tolist()[::3], files.label[::3]
    model = make_classifier(recipe, dataset=files, folder=tmp_path, progress=lines.append).fit(paths, labels)
    assert [line.partition(":")[0] for line in lines] == [
        "pons2016/t1-time-60",
        "pons2016/t1-frequency-32",
        "pons2016/t1-time-frequency-init",
    ]
    assert model.network_.model_.recipe.name == "time-frequency"
    model.save(tmp_path / "network.safetensors")


def test_a_row_that_cannot_be_run_is_told_and_the_others_go_on(files):
    short = AudioDataset(tuple(files)[:2])
    report = reproduce([SMALL, "pons2016/t1-frequency-38"], short)
    assert [bool(row.error) for row in report.rows] == [True, True]
    assert len(report.failed) == 2
    assert "failed" in str(report)


def test_the_report_sets_the_figures_side_by_side(files):
    report = reproduce(SMALL, files, smoke=True, kind="folder")
    text = report.to_markdown()
    assert "| 52.43 ± 5.63 |" in text
    assert "1,378" in text  # parameters for two classes, 6 * 33 fewer than for the paper's eight
    assert "the published figure is not of folder" in text
    assert "Marchand" in text
    for flaw in load_paper("pons2016").flaws:
        assert flaw in text
        assert flaw in str(report)
    assert json.loads(report.to_json())["rows"][0]["recipe"] == SMALL


def test_of_a_paper_the_rows_of_the_kind_are_run():
    on_gtzan = _chosen("ucsd2020", "gtzan")
    assert on_gtzan
    assert all("gtzan" in load_recipe(name).sets for name in on_gtzan)
    assert _chosen("pons2016", "esc10") == list_recipes("pons2016")
    assert _chosen("all", None) == NAMES
    assert _chosen([SMALL, "pons2016", SMALL], None)[0] == SMALL
    with pytest.raises(ValueError, match="names must be one of"):
        _chosen("nobody2020", None)


def test_what_is_wrong_with_a_call_is_told(files):
    with pytest.raises(ValueError, match="dataset must be given unless smoke is True"):
        reproduce(SMALL)
    with pytest.raises(ValueError, match="protocol must be"):
        make_classifier(load_recipe("feng2017/t1-prcnn"), protocol="published")
    with pytest.raises(TypeError, match="recipe must be of a network, got the baseline tempo_nn"):
        RecipeClassifier(load_recipe("pons2016/t1-tempo-nn")).save("x")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_runs_in_a_few_steps(name):
    (row,) = reproduce(name, smoke=True).rows
    assert not row.error
    assert 0.0 <= row.accuracy <= 100.0
    assert row.n_folds == 1
