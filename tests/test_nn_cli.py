"""``audiofeat-nn``: what its commands print, write, refuse and go on with."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch")

from numpy.testing import assert_allclose  # noqa: E402

from audiofeat import SegmentExcerpt, classification, data_fingerprint, datasets, load, preset, save, synth  # noqa: E402
from audiofeat_nn import create_model, list_models, summary  # noqa: E402
from audiofeat_nn.checkpoint import load_network  # noqa: E402
from audiofeat_nn.cli import VOTES, asking, main  # noqa: E402
from audiofeat_nn.cli._network import load_trained  # noqa: E402
from audiofeat_nn.estimator import NeuralClassifier  # noqa: E402
from audiofeat_nn.prediction import Failure  # noqa: E402
from audiofeat_nn.prediction.predictor import HOW  # noqa: E402
from audiofeat_nn.recipes import list_papers, list_recipes, load_recipe  # noqa: E402
from audiofeat_nn.training import read_history  # noqa: E402

torch.set_num_threads(1)

ROOT = Path(__file__).parents[1]
SR = 8000
COMMANDS = ("models", "recipes", "summary", "train", "predict", "evaluate", "export", "reproduce")
CLASSES = {"bright": 0.9, "dark": -0.9}  # noise through a filter of one pole
SMALL = {"input.n_frames": 20, "model.options.n_filters": 8, "training.max_epochs": 3, "training.lr": 0.02}


def settings(**changes):
    """Return the options that make a training small."""
    return [word for key, value in (SMALL | changes).items() for word in ("--set", f"{key}={value}")]


def run(capsys, *arguments):
    """Exit code, lines of stdout, lines of stderr."""
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def refused(capsys, *arguments):
    """Return what a wrong call is told."""
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, [])
    return " ".join(err[-1].split())


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """Two classes of six files each: bright and dark noise."""
    folder = tmp_path_factory.mktemp("data") / "noise"
    y = np.stack([synth.ar_noise([1.0, a], 3 * SR // 2, random_state=i) for a in CLASSES.values() for i in range(6)])
    y *= 0.1 / np.abs(y).max(axis=1, keepdims=True)
    synth.write_genre_corpus(
        folder, synth.GenreCorpus(y, SR, [name for name in CLASSES for _ in range(6)], np.zeros(12))
    )
    return folder


@pytest.fixture(scope="module")
def trained(noise, tmp_path_factory):
    """A folder in which a network has been trained."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert main(["train", "frequency", "--data", f"folder:{noise}", "-o", str(folder), *settings()]) == 0
    return folder


@pytest.fixture
def parts(noise, tmp_path):
    """A table of the files with a published split: 2 of each class to train on, 2 to validate, 2 to test."""
    rows = [
        f"{noise / name / f'{name}.{i:05d}.wav'},{name},{part}"
        for name in CLASSES
        for i, part in enumerate(("train", "train", "valid", "valid", "test", "test"))
    ]
    table = tmp_path / "parts.csv"
    table.write_text("\n".join(["path,label,split", *rows]) + "\n")
    return table


@pytest.fixture
def fits(monkeypatch):
    """Keep what `make_classifier` and the fit of its classifier are called with, and train nothing."""
    from audiofeat_nn import reproduction

    calls = SimpleNamespace()

    class Untrained:
        def fit(self, paths, labels, groups):
            calls.fit = dict(zip(paths, labels, strict=True))
            raise ValueError("not trained here")

    def make_classifier(recipe, **options):
        calls.recipe, calls.options = recipe, options
        return Untrained()

    monkeypatch.setattr(reproduction, "make_classifier", make_classifier)
    return calls


def write_nan(path):
    """Write a file whose header is right, and whose samples cannot be used."""
    soundfile.write(path, np.full(SR, np.nan, np.float32), SR, subtype="FLOAT")


def weights_of(folder):
    return {name: value.numpy() for name, value in load_network(folder).model.state_dict().items()}


def assert_same_weights(one, other):
    first, second = weights_of(one), weights_of(other)
    assert list(first) == list(second)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


# calls


def test_help_and_version_load_no_torch():
    calls = [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS), ["train"], ["nothing"]]
    code = f"import sys\nfrom audiofeat_nn.cli import main\nprint(*[main(call) for call in {calls!r}])"
    code += "\nprint(*({'torch', 'numpy', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    *texts, codes, loaded = done.stdout.splitlines()
    assert codes.split() == ["0"] * (2 + len(COMMANDS)) + ["2"] * 2
    assert loaded == ""
    assert "audiofeat 0." in "\n".join(texts)


def test_it_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "audiofeat_nn.cli", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("usage: audiofeat-nn ")
    assert all(f"\n    {name}" in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("package", ["torch", "safetensors"])
def test_what_is_not_installed_is_named(package, monkeypatch, capsys):
    monkeypatch.setattr("audiofeat_nn.cli._terminal.find_spec", lambda name: None if name == package else name)
    told = refused(capsys, "models")
    assert told == f"audiofeat-nn: this needs the package {package}: pip install 'audiofeat[nn]'"


def test_a_reader_that_goes_away_is_no_error(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert main(["summary", "time"]) == 141


def test_ctrl_c_anywhere_is_told(monkeypatch, capsys):
    def interrupted(name, n_classes, options):
        raise KeyboardInterrupt

    monkeypatch.setattr("audiofeat_nn.cli.listing.sketch", interrupted)
    assert run(capsys, "models") == (130, [], ["audiofeat-nn: interrupted"])


def test_votes_are_those_of_predictors():
    assert set(VOTES) == set(HOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("training.lr=1e-4", ("training.lr", 1e-4)),
        ("n_filters=12", ("n_filters", 12)),
        ("fusion=add", ("fusion", "add")),
        ("fusion='add'", ("fusion", "add")),
        ("filters=[16, 32]", ("filters", [16, 32])),
        ("input.excerpt=", ("input.excerpt", "")),
        ("a=b=c", ("a", "b=c")),
        ("drop_last=true", ("drop_last", True)),
        ("a=1\nb = 2", ("a", "1\nb = 2")),
        ("weights=C:\\new", ("weights", "C:\\new")),
    ],
    ids=repr,
)
def test_settings_are_toml_or_words(text, expected):
    key, value = asking.setting(text)
    assert (key, value) == expected
    assert type(value) is type(expected[1])


@pytest.mark.parametrize("text", ["lr", "=1", "training..lr=1", ".lr=1", "filters=[16, 32", "a={b"])
def test_settings_of_another_form_are_refused(text, capsys):
    assert "argument --set" in refused(capsys, "summary", "time", "--set", text)


# models, recipes, summary


def test_models_are_listed(capsys):
    code, lines, err = run(capsys, "models")
    assert (code, err) == (0, [])
    assert [line.split()[0] for line in lines[1:]] == list_models()
    # by hand: 32 filters of 60 frames and their biases; 21 places of each and a bias for each of ten classes
    expected = f"{32 * (60 + 1) + 10 * (32 * 21 + 1):,}"
    time = next(line for line in lines if line.startswith("time "))
    assert time.split() == ["time", "pons2016", "1", "x", "40", "x", "80", "pons2016,", "44100", "Hz", expected]
    assert len({len(line) for line in lines}) == 1  # the last column ends flush


def test_models_as_json(capsys):
    _, lines, _ = run(capsys, "models", "--json")
    found = {each["name"]: each for each in map(json.loads, lines)}
    assert list(found) == list_models()
    assert {each["paper"] for each in found.values()} == set(list_papers())
    assert found["gru-raw"]["front_end"] is None
    assert found["kth-cnn"]["front_end"] == json.loads(json.dumps(preset("kth2020").to_dict()))
    model = create_model("kth-cnn", n_classes=10)
    assert found["kth-cnn"]["parameters"] == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert found["kth-cnn"]["input"] == [1, model.recipe.n_bands, model.recipe.n_frames]


def test_recipes_are_listed(capsys):
    code, lines, err = run(capsys, "recipes")
    assert (code, err) == (0, [])
    assert [line.split()[0] for line in lines[1:]] == list_recipes()
    _, of_one, _ = run(capsys, "recipes", "pons2016")
    assert [line.split()[0] for line in of_one[1:]] == list_recipes("pons2016")
    recipe = load_recipe("pons2016/t1-time-60")
    line = next(line for line in of_one if line.startswith("pons2016/t1-time-60 "))
    assert line.split()[-1] == f"{recipe.published.accuracy:g}"
    assert recipe.title in line
    assert recipe.table in line


def test_recipes_as_json(capsys):
    _, lines, _ = run(capsys, "recipes", "feng2017", "--json")
    found = [json.loads(line) for line in lines]
    assert [each["name"] for each in found] == list_recipes("feng2017")
    first = load_recipe(found[0]["name"])
    assert found[0]["published"] == {"accuracy": first.published.accuracy, "of": first.published.of}
    assert (found[0]["model"], found[0]["protocols"]) == (first.model.name, list(first.protocols))


def test_a_summary_is_that_of_the_network(capsys):
    code, lines, err = run(capsys, "summary", "time", "--classes", "3", "--set", "n_filters=4", "--set", "n_bands=20")
    assert (code, err) == (0, [])
    assert lines == str(summary(create_model("time", n_classes=3, n_filters=4, n_bands=20))).splitlines()


@pytest.mark.parametrize("name", ["gru-raw", "time-frequency-init", "ubc-attention", "vgg16"])
def test_networks_of_every_kind_have_a_summary(name, capsys):
    code, lines, _ = run(capsys, "summary", name, "--classes", "4")
    assert code == 0
    assert lines[-2].split()[-2] == "(4,)"
    assert "trainable parameters" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recipes", "pons"], "PAPER must be one of feng2017, "),
        (["summary", "pons2016"], "MODEL must be one of alexnet, "),
        (["summary", "time", "--set", "n_filter=4"], "time has no option 'n_filter'"),
        (["summary", "time", "--set", "length=4000"], "n_frames must be at least 4000"),
        (["summary", "time", "--classes", "0"], "must be an integer >= 1, got '0'"),
    ],
)
def test_wrong_calls_of_lists_are_told(arguments, message, capsys):
    assert message in refused(capsys, *arguments)


# train


def test_a_training_leaves_all_that_is_needed(trained, noise):
    pytest.importorskip("matplotlib")
    names = {path.name for path in trained.iterdir() if path.is_file()}
    assert names == {"network.safetensors", "recipe.json", "history.csv", "history.jsonl", "history.svg"}
    network = load_network(trained)
    assert network.classes == ("bright", "dark")
    assert (network.model.recipe.name, network.model.recipe.n_frames) == ("frequency", 20)
    assert network.front_end == preset("pons2016")
    assert [row.epoch for row in read_history(trained)] == [1, 2, 3]
    assert (trained / "history.svg").read_text().count("<svg") == 1
    told = json.loads((trained / "recipe.json").read_text())
    assert told["recipe"]["training"] == {"max_epochs": 3, "lr": 0.02}
    fingerprint = data_fingerprint(datasets.load_folder(noise))
    assert told["data"]["fingerprint"] == network.info["data_fingerprint"] == fingerprint


def test_a_training_tells_its_epochs_and_files(noise, tmp_path, capsys):
    folder = tmp_path / "a" / "run"
    code, out, err = run(capsys, "train", "frequency", "--data", f"folder:{noise}", "-o", folder, *settings())
    assert code == 0
    assert out[0] == "12 files: bright 6, dark 6"
    best = max(row.valid_accuracy for row in read_history(folder))
    assert out[1].startswith(f"3 epochs, highest validation accuracy {100 * best:.1f} % in epoch ")
    assert all(Path(line.removeprefix("wrote ")).is_file() for line in out[2:])
    assert len(out) >= 6
    assert len(err) == 3
    for number, line in enumerate(err, 1):
        assert f"epoch {number} of 3" in line
        assert all(word in line for word in ("loss", "training", "validation", "clips/s"))


def test_the_seed_makes_the_network(trained, noise, tmp_path, capsys):
    call = ["train", "frequency", "--data", f"folder:{noise}", *settings()]
    assert run(capsys, *call, "-o", tmp_path / "same", "--seed", "0")[0] == 0
    assert_same_weights(trained, tmp_path / "same")
    assert run(capsys, *call, "-o", tmp_path / "other", "--seed", "1")[0] == 0
    first, second = weights_of(trained), weights_of(tmp_path / "other")
    assert any((first[name] != second[name]).any() for name in first)


def test_a_training_is_not_overwritten(trained, noise, tmp_path, capsys):
    folder = shutil.copytree(trained, tmp_path / "run")
    call = ["train", "frequency", "--data", f"folder:{noise}", "-o", folder]
    before = (folder / "network.safetensors").read_bytes()
    assert "holds a training already: go on with it by --resume" in refused(capsys, *call, *settings())
    other = {"training.lr": 0.05}
    told = refused(capsys, *call, *settings(**other), "--resume")
    assert "holds a training with recipe.training.lr = 0.02, this call has 0.05" in told
    assert "random_state = 0, this call has 3" in refused(capsys, *call, *settings(), "--resume", "--seed", "3")
    assert (folder / "network.safetensors").read_bytes() == before


def test_other_data_are_no_resumption(trained, noise, parts, tmp_path, capsys):
    folder = shutil.copytree(trained, tmp_path / "run")
    told = refused(capsys, "train", "frequency", "--data", f"csv:{parts}", "-o", folder, "--resume", *settings())
    assert "data.spec = " in told


def test_a_finished_training_is_only_read_again(trained, noise, tmp_path, capsys):
    folder = shutil.copytree(trained, tmp_path / "run")
    for name in ("network.safetensors", "history.csv"):  # as after a kill at the very end
        (folder / name).unlink()
    call = ["train", "frequency", "--data", f"folder:{noise}", "-o", folder, "--resume", *settings()]
    code, out, err = run(capsys, *call)
    assert (code, err) == (0, [])
    assert out[1].startswith("3 epochs")
    assert_same_weights(trained, folder)
    assert read_history(folder) == read_history(trained)


@pytest.fixture(params=["ctrl-c", "sigterm", "sigterm in the background"])
def pressed(request):
    """What ends a training; a shell has its jobs in the background ignore Ctrl-C."""
    before = signal.getsignal(signal.SIGINT)
    if "background" in request.param:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield signal.SIGINT if request.param == "ctrl-c" else signal.SIGTERM
    signal.signal(signal.SIGINT, before)


def test_an_interrupted_training_goes_on_to_the_same_network(pressed, trained, noise, tmp_path, monkeypatch, capsys):
    call = ["train", "frequency", "--data", f"folder:{noise}", "-o", tmp_path / "run", *settings()]
    heard = []

    def press(text):
        heard.append(text)
        if len(heard) == 1:
            signal.raise_signal(pressed)

    with monkeypatch.context() as patch:
        patch.setattr("audiofeat_nn.cli.training.relay", press)
        code, out, err = run(capsys, *call)
    assert (code, out) == (130, [])
    assert err == ["audiofeat-nn: interrupted; the same command with --resume goes on"]
    assert len(heard) == 1  # it ended with the next step, not with the training
    assert not (tmp_path / "run" / "network.safetensors").exists()
    assert "--resume" in refused(capsys, *call)
    code, _, err = run(capsys, *call, "--resume")
    assert code == 0
    assert len(err) == 2  # epochs that were left
    assert_same_weights(trained, tmp_path / "run")
    assert [row[:7] for row in read_history(tmp_path / "run")] == [row[:7] for row in read_history(trained)]


def test_resume_begins_too(noise, tmp_path, capsys):
    call = ["train", "frequency", "--data", f"folder:{noise}", "-o", tmp_path / "run", "--resume"]
    assert run(capsys, *call, *settings(**{"training.max_epochs": 1}))[0] == 0


def test_official_parts_are_kept_apart(parts, tmp_path, fits, capsys):
    code, _, err = run(capsys, "train", "frequency", "--data", f"csv:{parts}", "-o", tmp_path / "run", *settings())
    assert code == 1
    assert err[0] == "audiofeat-nn: 4 files of other parts of the official split are left out"
    assert sorted(Path(path).stem[-1] for path in fits.fit) == ["0", "0", "1", "1"]
    assert fits.recipe.protocols["clean"].validation == "official"
    assert sorted(set(fits.options["dataset"].split.tolist())) == ["train", "valid"]


@pytest.mark.parametrize(
    ("given", "of_parts", "expected"),
    [
        ([], False, 0.15),
        (["--validation", "0.3"], False, 0.3),
        (["--validation", "none"], False, None),
        (["--validation", "0.5"], True, 0.5),
        (["--validation", "official"], True, "official"),
        (["--set", "protocol.validation=0.4"], False, 0.4),
    ],
    ids=["model", "share", "none", "share of parts", "official", "setting"],
)
def test_the_validation_is_that_asked_for(given, of_parts, expected, noise, parts, tmp_path, fits, capsys):
    spec = f"csv:{parts}" if of_parts else f"folder:{noise}"
    run(capsys, "train", "time", "--data", spec, "-o", tmp_path / "run", *given)
    assert fits.recipe.protocols["clean"].validation == expected
    assert len(fits.fit) == (4 if expected == "official" else 8 if of_parts else 12)


def test_a_recipe_keeps_its_own_validation(noise, tmp_path, fits, capsys):
    run(capsys, "train", "pons2016/t1-time-60", "--data", f"folder:{noise}", "-o", tmp_path / "run")
    own = load_recipe("pons2016/t1-time-60")
    assert fits.recipe.protocols["clean"] == own.protocols["clean"]
    assert (fits.recipe.model, fits.recipe.training) == (own.model, own.training)


def test_without_validation_there_is_no_patience(noise, tmp_path, fits, capsys):
    name = "pons2016/t1-time-60"
    own = load_recipe(name).training
    call = ["train", name, "--data", f"folder:{noise}", "-o", tmp_path / "run", "--validation", "none"]
    _, _, err = run(capsys, *call)
    assert err[0] == f"audiofeat-nn: nothing is validated, so that patience = {own['patience']} is left out"
    assert {**fits.recipe.training, "patience": own["patience"]} == own
    assert "patience" not in fits.recipe.training


def test_options_of_a_training_reach_it(noise, tmp_path, fits, capsys):
    call = ["train", "vgg16", "--data", f"folder:{noise}", "-o", tmp_path / "run", "-j", "2", "--seed", "5"]
    run(capsys, *call, "--weights", "vgg16.pth", "--set", "input.frontend.hop_length=512")
    assert fits.recipe.model.options == {"weights": "vgg16.pth"}
    assert (fits.options["n_jobs"], fits.options["random_state"], fits.options["device"]) == (2, 5, "cpu")
    front_end = fits.recipe.input.front_end
    own = create_model("time", n_classes=2)  # a cheap one, to see that presets differ
    assert front_end != own.recipe.front_end
    assert front_end.to_dict() == preset("ucsd2020").to_dict() | {"hop_length": 512}


@pytest.mark.parametrize("name", [name for name in list_models() if name not in ("gru-raw", "time-frequency-init")])
def test_a_front_end_is_changed_from_the_networks_own(name):
    with torch.device("meta"):
        own = create_model(name, n_classes=2).recipe.front_end
    changed = asking.recipe_named(name, {"input.frontend.fmax": own.fmax}).input.front_end
    assert changed == own
    assert asking.recipe_named(name, {}).input.front_end is None


def test_a_file_of_ones_own_is_a_recipe(noise, tmp_path, fits, capsys):
    file = tmp_path / "mine.toml"
    file.write_text('title = "mine"\ntable = "none"\n[model]\nname = "time"\n[training]\nmax_epochs = 7\n')
    call = ["train", file, "--data", f"folder:{noise}", "-o", tmp_path / "run"]
    run(capsys, *call, "--set", "training.lr=0.5")
    assert fits.recipe.training == {"max_epochs": 7, "lr": 0.5}
    assert "settings have no field rate" in refused(capsys, *call, "--set", "training.rate=0.5")
    file.write_text("title = 3")
    code, _, err = run(capsys, *call)
    assert (code, len(err)) == (1, 1)
    assert err[0].startswith(f"audiofeat-nn: {file}: recipe own/mine: ")
    file.unlink()
    assert run(capsys, *call)[::2] == (1, [f"audiofeat-nn: {file}: No such file or directory"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["tims"],
            "no recipe, .toml file or model 'tims': audiofeat-nn recipes and models list them; near it are ",
        ),
        (["time-frequency-init"], "built of the trained networks time and frequency: choose a recipe"),
        (["gru-raw"], "gru-raw reads samples: say at which rate, such as --set input.sr=22050"),
        (["pons2016/t1-tempo-nn"], "is the baseline tempo_nn, no network: evaluate tests it"),
        (["time", "--set", "model.options.n_filter=8"], "model.options of time has no 'n_filter'"),
        (["time", "--set", "input.cutting=feng2017", "--set", "input.cutting.overlap=0.1"], "must be a table"),
        (["time", "--weights", "w.pth"], "model.options of time has no 'weights'"),
        (["time", "--set", "training.lr=-1"], "lr must be > 0, got -1"),
        (["time", "--device", "moon"], "--device must be one that torch has here, such as cpu, got 'moon'"),
        (["time", "--device", "meta"], "--device must be one that torch has here, such as cpu, got 'meta'"),
        (["time", "--validation", "official"], "--validation official needs a data set with the parts train and valid"),
        (["time", "--validation", "1.5"], "must be a share above 0 and below 1, official or none, got '1.5'"),
        (["time", "--seed", "-1"], "must be an integer >= 0, got '-1'"),
        (["time", "-j", "0"], "must be an integer >= 1, got '0'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_calls_of_train_are_told(arguments, message, noise, tmp_path, capsys):
    assert message in refused(capsys, "train", *arguments, "--data", f"folder:{noise}", "-o", tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("spec", "message"), [("songs", "spec must be NAME:PATH"), ("folder:nowhere", "nowhere")])
def test_data_that_are_none_are_told(spec, message, tmp_path, capsys):
    code, out, err = run(capsys, "train", "time", "--data", spec, "-o", tmp_path / "run")
    assert (code, out, len(err)) == (1, [], 1)
    assert message in err[0]


def test_a_training_that_cannot_go_on_is_one_line(noise, tmp_path, capsys):
    wild = settings(**{"training.lr": 1e30, "training.optimizer": "sgd"})
    code, out, err = run(capsys, "train", "frequency", "--data", f"folder:{noise}", "-o", tmp_path / "run", *wild)
    assert (code, out) == (1, [])
    assert err[-1].startswith(f"audiofeat-nn: folder:{noise}: ")
    assert "not finite" in err[-1] or "the loss is" in err[-1]


# predict


def test_predictions_are_those_of_the_network(trained, noise, capsys):
    files = [noise / "dark" / "dark.00000.wav", noise / "bright" / "bright.00003.wav"]
    code, lines, err = run(capsys, "predict", trained, *files)
    assert (code, err) == (0, [])
    assert [line.split()[:2] for line in lines] == [[str(files[0]), "dark"], [str(files[1]), "bright"]]
    code, lines, _ = run(capsys, "predict", trained / "network.safetensors", *files, "--json")
    assert code == 0
    expected = NeuralClassifier.load(trained).predict_proba([str(file) for file in files])
    for line, file, proba in zip(lines, files, expected, strict=True):
        told = json.loads(line)
        assert told["file"] == str(file)
        assert told["label"] == ("bright", "dark")[proba.argmax()]
        assert list(told["probabilities"]) == ["bright", "dark"]
        assert_allclose(list(told["probabilities"].values()), proba, rtol=1e-12)


def test_one_bad_file_does_not_stop_the_rest(trained, noise, tmp_path, capsys):
    good = noise / "dark" / "dark.00001.wav"
    (tmp_path / "text.wav").write_text("no sound")
    code, out, err = run(capsys, "predict", trained, tmp_path / "none.wav", good, tmp_path / "text.wav", good)
    assert code == 1
    assert [line.split()[:2] for line in out] == [[str(good), "dark"]] * 2
    assert err == [
        f"audiofeat-nn: {tmp_path / 'none.wav'}: No such file or directory",
        f"audiofeat-nn: {tmp_path / 'text.wav'}: not decodable as audio (Format not recognised)",
    ]


def test_several_at_a_time_are_the_same(trained, noise, tmp_path, capsys):
    one = run(capsys, "predict", trained, noise, tmp_path / "none.wav", "--json")
    assert run(capsys, "predict", trained, noise, tmp_path / "none.wav", "--json", "-j", "3") == one
    assert (one[0], len(one[1]), len(one[2])) == (1, 12, 1)


def test_files_that_are_read_ahead_keep_their_names(trained, noise):
    """On a GPU a batch goes across files, and the predictions of several come when it is full."""

    class Ahead:
        apart = False

        def many(self, sources, *, on_error):
            waiting = []
            for number, source in enumerate(sources):
                waiting.append(Failure(source, f"{source}: broken") if number == 1 else f"that of {source}")
                if len(waiting) == 2:
                    yield waiting.pop(0)
            yield from waiting

    network = load_trained(str(trained))._replace(predictor=Ahead())
    found = list(network.predictions(iter("abc")))
    assert found == [("a", "that of a"), ("b", Failure("b", "broken")), ("c", "that of c")]


def test_folders_and_lists_are_searched(trained, noise, tmp_path, monkeypatch, capsys):
    (tmp_path / "sub" / ".hidden").mkdir(parents=True)
    names = ["b.wav", "a.WAV", "notes.txt", ".c.wav", "sub/d.wav", "sub/.hidden/e.wav"]
    for name in names:
        shutil.copy(noise / "dark" / "dark.00000.wav", tmp_path / name)
    _, of_folder, _ = run(capsys, "predict", trained, tmp_path)
    assert [line.split()[0] for line in of_folder] == [str(tmp_path / name) for name in ("a.WAV", "b.wav", "sub/d.wav")]
    listed = f"{tmp_path / 'b.wav'}\n\n{tmp_path / 'sub/d.wav'}\r\n".encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(listed)))
    code, of_list, _ = run(capsys, "predict", trained, "-", tmp_path / "a.WAV", "--json")
    assert code == 0
    assert [Path(json.loads(line)["file"]).name for line in of_list] == ["b.wav", "d.wav", "a.WAV"]


def test_a_folder_without_audio_is_told(trained, tmp_path, capsys):
    code, out, err = run(capsys, "predict", trained, tmp_path)
    assert (code, out, err) == (1, [], [f"audiofeat-nn: {tmp_path}: holds no audio files"])


def test_the_vote_is_that_asked_for(trained, noise, capsys):
    file = noise / "bright" / "bright.00002.wav"
    patches = NeuralClassifier.load(trained).predict_in_time([str(file)])[0].proba_in_time
    assert len(patches) > 1
    expected = {
        "mean_proba": patches.mean(axis=0),
        "majority": np.bincount(patches.argmax(axis=1), minlength=2) / len(patches),
        "sum_log_proba": np.exp(np.log(patches).sum(axis=0)) / np.exp(np.log(patches).sum(axis=0)).sum(),
    }
    for how, proba in expected.items():
        _, (line,), _ = run(capsys, "predict", trained, file, "--json", "--vote", how)
        assert_allclose(list(json.loads(line)["probabilities"].values()), proba, rtol=1e-6, atol=1e-9)


def test_the_vote_of_the_training_is_the_default(noise, trained, tmp_path, capsys):
    model = NeuralClassifier.load(trained).set_params(vote="majority")
    model.save(tmp_path / "network.safetensors")
    file = noise / "bright" / "bright.00002.wav"
    _, (line,), _ = run(capsys, "predict", tmp_path, file, "--json")
    assert set(json.loads(line)["probabilities"].values()) <= {0.0, 0.5, 1.0, 1 / 3, 2 / 3}


def test_timelines_are_drawn(trained, noise, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    file = noise / "dark" / "dark.00000.wav"
    assert run(capsys, "predict", trained, file, "--timeline", tmp_path / "new" / "a.svg")[0] == 0
    assert "dark.00000.wav: dark" in (tmp_path / "new" / "a.svg").read_text()
    shutil.copy(file, tmp_path / file.name)
    assert run(capsys, "predict", trained, file, tmp_path / file.name, "--timeline", tmp_path / "all")[0] == 0
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["dark.00000-2.png", "dark.00000.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "all").iterdir())
    assert run(capsys, "predict", trained, file, "--timeline", f"{tmp_path / 'one'}/")[0] == 0
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["dark.00000.png"]


def test_a_timeline_of_another_kind_is_refused(trained, noise, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    file = noise / "dark" / "dark.00000.wav"
    told = refused(capsys, "predict", trained, file, "--timeline", "a.txt")
    assert "--timeline must end in one of .png, .pdf, .svg" in told
    told = refused(capsys, "predict", trained, noise, "--timeline", "a.png")
    assert "--timeline must be a folder for more than one file, got 'a.png'" in told
    (tmp_path / "song.png").write_bytes(file.read_bytes())
    code, _, err = run(capsys, "predict", trained, tmp_path / "song.png", "--timeline", tmp_path / "song.png")
    assert code == 1
    assert "is an input, it would be overwritten" in err[0]
    assert (tmp_path / "song.png").read_bytes() == file.read_bytes()


def test_what_is_no_network_is_told(tmp_path, capsys):
    (tmp_path / "network.safetensors").write_text("no network")
    for given, message in (
        (tmp_path, "is no network that can be loaded"),
        (tmp_path / "none", "a folder that is there"),
    ):
        code, out, err = run(capsys, "predict", given, "song.wav")
        assert (code, out, len(err)) == (1, [], 1)
        assert message in err[0]


def test_a_network_of_excerpts_is_given_excerpts(trained, tmp_path, capsys):
    song = synth.ar_regimes("ABA", sr=SR, segment_duration=6.0, random_state=0)
    save(tmp_path / "song.wav", 0.3 * song.y / np.abs(song.y).max(), SR)
    folder = shutil.copytree(trained, tmp_path / "run")
    told = json.loads((folder / "recipe.json").read_text())
    told["recipe"]["input"] |= {"excerpt": "largest", "excerpt_duration": 2.0}
    (folder / "recipe.json").write_text(json.dumps(told))
    code, (line,), err = run(capsys, "predict", folder, tmp_path / "song.wav", tmp_path / "none.wav", "--json")
    assert (code, err) == (1, [f"audiofeat-nn: {tmp_path / 'none.wav'}: No such file or directory"])
    found = list(json.loads(line)["probabilities"].values())
    model, rate = NeuralClassifier.load(trained), 44100.0
    part = SegmentExcerpt(rate, duration=2.0, excerpt="largest", preset="ucsd2020")
    excerpt = part.fit_transform([str(tmp_path / "song.wav")])[0]
    assert_allclose(found, model.predict_proba([excerpt])[0], rtol=1e-9)
    whole = model.predict_proba([load(tmp_path / "song.wav", rate)[0]])[0]
    assert np.abs(found - whole).max() > 1e-4  # or the test would not tell them apart


def test_a_damaged_description_is_told(trained, tmp_path, capsys):
    folder = shutil.copytree(trained, tmp_path / "run")
    (folder / "recipe.json").write_text("{")
    code, _, err = run(capsys, "predict", folder, "song.wav")
    assert code == 1
    assert "recipe.json cannot be read" in err[0]


# evaluate


def test_a_network_tested_on_its_training_data_says_so(trained, noise, tmp_path, capsys):
    report, page = tmp_path / "out" / "r.json", tmp_path / "r.md"
    code, out, err = run(capsys, "evaluate", trained, "--data", f"folder:{noise}", "-o", report, "-o", page)
    assert code == 0
    assert err == [
        f"audiofeat-nn: {trained} was trained on these very data: what follows says how well it knows them by heart"
    ]
    assert out[-2:] == [f"wrote {report}", f"wrote {page}"]
    files = sorted(str(path) for path in noise.rglob("*.wav"))
    right = NeuralClassifier.load(trained).predict(files) == [Path(file).parent.name for file in files]
    found = json.loads(report.read_text())
    assert found["accuracy"] == right.mean()
    assert found["leakage"]["predictions"] == found["n_tested"] == 12
    assert found["leakage"]["warning"] in page.read_text()
    assert found["folds"][0]["n_train"] == 12


def test_other_data_are_no_leak(trained, noise, tmp_path, capsys):
    other = tmp_path / "other"
    for i, name in enumerate(("bright", "dark", "dark")):
        (other / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(noise / name / f"{name}.00000.wav", other / name / f"new{i}.wav")
    (other / "loud").mkdir()
    shutil.copy(noise / "dark" / "dark.00000.wav", other / "loud" / "1.wav")
    write_nan(other / "bright" / "nan.wav")
    report = tmp_path / "r.json"
    code, _, err = run(capsys, "evaluate", trained, "--data", f"folder:{other}", "-o", report)
    assert code == 1
    assert err[0] == f"audiofeat-nn: {trained} does not know loud: it is wrong about these files, whatever it says"
    assert err[1].startswith(f"audiofeat-nn: {other / 'bright' / 'nan.wav'}: ")
    assert len(err) == 2
    found = json.loads(report.read_text())
    assert (found["accuracy"], found["n_tested"], found["leakage"]["predictions"]) == (0.75, 4, 0)
    assert found["classes"] == ["bright", "dark", "loud"]
    assert np.array(found["confusion"]).tolist() == [[1, 0, 0], [0, 2, 0], [0, 1, 0]]


def test_of_official_parts_the_test_is_tested(noise, parts, tmp_path, capsys):
    folder, report = tmp_path / "run", tmp_path / "r.json"
    call = ["--data", f"csv:{parts}", "-o"]
    assert run(capsys, "train", "frequency", *call, folder, *settings())[0] == 0
    code, _, err = run(capsys, "evaluate", folder, *call, report)
    assert (code, err) == (0, ["audiofeat-nn: the test part of the official split, 4 files"])
    found = json.loads(report.read_text())
    assert [Path(item).stem[-1] for item in found["items"]] == ["4", "5"] * 2
    assert found["leakage"]["predictions"] == 0
    told = json.loads((folder / "recipe.json").read_text())
    assert told["data"]["n_files"] == 8


def test_a_recipe_is_tested_on_folds(noise, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    outputs = [tmp_path / "r.json", tmp_path / "r.svg"]
    call = ["evaluate", "frequency", "--data", f"folder:{noise}", "--cv", "2", *settings()]
    code, out, err = run(capsys, *call, "-o", outputs[0], "-o", outputs[1])
    assert code == 0
    assert out[-2:] == [f"wrote {output}" for output in outputs]
    assert sum("epoch 3 of 3" in line for line in err) == 2
    found = json.loads(outputs[0].read_text())
    assert (len(found["folds"]), found["n_tested"], found["leakage"]["predictions"]) == (2, 12, 0)
    assert found["accuracy"] > 0.8
    assert "<svg" in outputs[1].read_text()


def test_options_of_an_evaluation_reach_it(noise, parts, monkeypatch, capsys):
    from audiofeat_nn import reproduction

    calls = []

    def evaluate_recipe(recipe, dataset, **options):
        calls.append((recipe, dataset, options))
        raise ValueError("not run here")

    monkeypatch.setattr(reproduction, "evaluate_recipe", evaluate_recipe)
    published = next(name for name in list_recipes() if "published" in load_recipe(name).protocols)
    options = ["--protocol", "published", "--cv", "official", "-j", "3", "--seed", "4"]
    code, _, err = run(capsys, "evaluate", published, "--data", f"csv:{parts}", *options)
    assert (code, err) == (1, [f"audiofeat-nn: csv:{parts}: not run here"])
    recipe, dataset, given = calls[0]
    assert recipe.protocols["published"].cv == "official"
    assert recipe.protocols["clean"] == load_recipe(published).protocols["clean"]
    assert len(dataset) == 12
    told = given["protocol"], given["n_jobs"], given["random_state"], given["device"]
    assert told == ("published", 3, 4, "cpu")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["time", "--protocol", "published"], "--protocol must be clean for time, got 'published'"),
        (["time", "--cv", "1"], "must be an integer >= 2, got '1'"),
        (["time", "--cv", "official"], "--cv official needs a published split"),
        (["time", "-o", "report.txt"], "-o must end in one of .json, .md"),
        (["times"], "no recipe, .toml file or model 'times'"),
        (["time", "--set", "protocol.groups=label"], "protocol.groups must be one of artist, track"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_calls_of_evaluate_are_told(arguments, message, noise, capsys):
    assert message in refused(capsys, "evaluate", *arguments, "--data", f"folder:{noise}")


@pytest.mark.parametrize(
    "option", [["--cv", "3"], ["--protocol", "clean"], ["--set", "training.lr=1"], ["--weights", "x"]]
)
def test_a_trained_network_takes_no_options_of_training(option, trained, noise, capsys):
    told = refused(capsys, "evaluate", trained, "--data", f"folder:{noise}", *option)
    assert f"{option[0]} must be left out" in told


# export


@pytest.mark.parametrize("source", ["features", "waveform"])
def test_an_exported_graph_predicts_alike(source, trained, noise, tmp_path, capsys):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    output = tmp_path / "new" / "network.onnx"
    code, out, err = run(capsys, "export", trained, "--onnx", output, "--from", source)
    assert (code, err) == (0, [])
    front_end = preset("pons2016")
    n_samples = 19 * 1024  # of 20 frames at a hop of 1024, centred
    shapes = {"features": "x (batch, 1, 40, 20)", "waveform": f"y (batch, {n_samples}) at 44100 Hz"}
    assert out == [f"input {shapes[source]}", "output logits (batch, 2): bright, dark", f"wrote {output}"]
    y = np.stack([load(noise / name / f"{name}.00000.wav", 44100)[0][:n_samples] for name in CLASSES])
    x = np.stack([front_end(each) for each in y])
    expected = NeuralClassifier.load(trained).predict_proba(list(x))
    session = runtime.InferenceSession(output)
    given = {"x": x[:, None].astype(np.float32)} if source == "features" else {"y": y.astype(np.float32)}
    logits = session.run(None, given)[0]
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert_allclose(proba, expected, atol=1e-3)


def test_wrong_exports_are_told(trained, tmp_path, capsys):
    assert "--onnx must end in .onnx, got 'x.pb'" in refused(capsys, "export", trained, "--onnx", "x.pb")
    code, _, err = run(capsys, "export", tmp_path, "--onnx", tmp_path / "x.onnx")
    assert (code, len(err)) == (1, 1)
    assert "no file" in err[0]


def test_a_network_without_front_end_has_no_waveform(trained, tmp_path, capsys):
    model = NeuralClassifier.load(trained)
    model.front_end_ = None
    model.save(tmp_path / "network.safetensors")
    told = refused(capsys, "export", tmp_path, "--onnx", tmp_path / "x.onnx", "--from", "waveform")
    assert "has no front end: --from must be features" in told


# reproduce


@pytest.fixture
def reproduced(monkeypatch):
    """Keep what `reproduce` is called with, and give what is put there back."""
    from audiofeat_nn import reproduction

    calls = SimpleNamespace(result=reproduction.Reproduction("nothing", (), ()))

    def reproduce(names, dataset=None, **options):
        calls.names, calls.dataset, calls.options = names, dataset, options
        if isinstance(calls.result, BaseException):
            raise calls.result
        return calls.result

    monkeypatch.setattr(reproduction, "reproduce", reproduce)
    return calls


def test_a_row_is_reproduced(tmp_path, capsys):
    folder = tmp_path / "rows"
    name = "pons2016/t1-frequency-40"
    call = ["reproduce", name, "--smoke", "-o", folder]
    code, out, err = run(capsys, *call)
    assert code == 0
    assert out[-2:] == [f"wrote {folder / 'report.md'}", f"wrote {folder / 'report.json'}"]
    assert any(name in line for line in err)
    found = json.loads((folder / "report.json").read_text())
    published = load_recipe(name).published.accuracy
    (row,) = found["rows"]
    assert (row["recipe"], row["published"]["accuracy"]) == (name, published)
    assert 0.0 <= row["accuracy"] <= 100.0
    assert f"| {published:.2f}" in (folder / "report.md").read_text()
    assert "is not empty: go on with what it holds by --resume" in refused(capsys, *call)
    code, again, err = run(capsys, *call, "--resume")
    assert (code, again) == (0, out)
    assert not any("epoch" in line for line in err)


def test_options_of_a_reproduction_reach_it(noise, tmp_path, reproduced, capsys):
    call = ["reproduce", "feng2017", "kth2020", "--data", f"folder:{noise}", "-o", tmp_path / "out", "--resume"]
    call += ["--protocol", "published", "--folds", "2", "--weights", "vgg16=a.pth", "--weights", "resnet34=b=c.pth"]
    code, _, _ = run(capsys, *call, "-j", "2", "--seed", "9")
    assert code == 0
    assert (reproduced.names, len(reproduced.dataset)) == (["feng2017", "kth2020"], 12)
    expected = {
        "folder": tmp_path / "out",
        "protocol": "published",
        "folds": 2,
        "resume": True,
        "smoke": False,
        "weights": {"vgg16": "a.pth", "resnet34": "b=c.pth"},
        "n_jobs": 2,
        "random_state": 9,
        "device": "cpu",
    }
    assert {name: reproduced.options[name] for name in expected} == expected
    assert (tmp_path / "out" / "report.json").is_file()


@pytest.mark.parametrize(
    ("spec", "kind"), [(None, None), ("gtzan:x", "gtzan"), ("gtzan-filtered:x", "gtzan"), ("fma-small:x", "fma-small")]
)
def test_rows_of_the_data_at_hand_are_chosen(spec, kind, tmp_path, reproduced, monkeypatch, capsys):
    table = datasets.AudioDataset((datasets.Item("a.wav", "pop", "a"),))
    monkeypatch.setattr("audiofeat_nn.cli.reproducing.dataset_at", lambda text: table)
    given = ["--smoke"] if spec is None else ["--data", spec]
    assert run(capsys, "reproduce", "all", *given, "-o", tmp_path / "out")[0] == 0
    assert reproduced.options["kind"] == kind
    assert reproduced.dataset is (None if spec is None else table)


def test_a_row_that_fails_is_told(tmp_path, reproduced, capsys):
    from audiofeat_nn.recipes import load_paper
    from audiofeat_nn.reproduction import Reproduction, RowResult

    row = RowResult(recipe="feng2017/t1-prcnn", table="Table 1", title="CNN", error="too short")
    reproduced.result = Reproduction("nothing", (load_paper("feng2017"),), (row,))
    code, out, err = run(capsys, "reproduce", "feng2017/t1-prcnn", "--smoke", "-o", tmp_path / "out")
    assert (code, err) == (1, ["audiofeat-nn: feng2017/t1-prcnn: too short"])
    assert any("failed" in line for line in out)
    assert (tmp_path / "out" / "report.md").is_file()


def test_an_interrupted_reproduction_says_how_to_go_on(tmp_path, reproduced, capsys):
    reproduced.result = KeyboardInterrupt()
    code, _, err = run(capsys, "reproduce", "all", "--smoke", "-o", tmp_path / "out")
    assert (code, err) == (130, ["audiofeat-nn: interrupted; the same command with --resume goes on"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["feng2017"], "--data is needed, or --smoke"),
        (["feng", "--smoke"], "NAME must be a paper, a recipe or all, got 'feng'"),
        (["all", "--smoke", "--weights", "vgg16"], "must be NAME=PATH, got 'vgg16'"),
        (["all", "--smoke", "--device", "moon"], "--device must be one that torch has here"),
        (["all", "--smoke", "--protocol", "leaky"], "invalid choice: 'leaky'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_calls_of_reproduce_are_told(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, "reproduce", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_an_evaluation_of_nothing_is_told(trained, noise, tmp_path, capsys):
    (tmp_path / "dark").mkdir()
    write_nan(tmp_path / "dark" / "nan.wav")
    code, out, err = run(capsys, "evaluate", trained, "--data", f"folder:{tmp_path}")
    assert (code, out) == (1, [])
    assert err[-1] == f"audiofeat-nn: folder:{tmp_path}: no file could be predicted"


def test_reports_are_those_of_the_evaluations(trained, noise, monkeypatch, capsys):
    """What is printed is the report of `Evaluation`, with all its lines."""
    made = []
    original = classification.Evaluation.__str__
    monkeypatch.setattr(classification.Evaluation, "__str__", lambda self: made.append(original(self)) or made[-1])
    _, out, _ = run(capsys, "evaluate", trained, "--data", f"folder:{noise}")
    assert out == made[0].splitlines()
