"""Trainings that are killed, stopped and resumed; files that are damaged, foreign or malicious."""

import hashlib
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from safetensors.torch import load_file, save_file  # noqa: E402
from torch import nn  # noqa: E402

import audiofeat_nn  # noqa: E402
from audiofeat import preset  # noqa: E402
from audiofeat_nn.checkpoint import load_network, save_network  # noqa: E402
from audiofeat_nn.training import TrainingError, TrainSettings, fit, read_history  # noqa: E402
from audiofeat_nn.training.state_file import MAGIC, read_state, write_state  # noqa: E402

torch.set_num_threads(1)
ROOT = Path(__file__).parents[1]

# A training whose every part has a state: drawn items, dropout, batch normalisation, momenta, schedule, average.
SCRIPT = """
import os, random, signal, sys, time  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from audiofeat_nn.training import TrainSettings, fit  # noqa: E402

torch.set_num_threads(1)
SETTINGS = TrainSettings(
    optimizer="adamw", weight_decay=0.01, lr=0.01, schedule="halve-when-stuck", schedule_options={"wait": 1},
    accumulate=2, ema=0.9, batch_size=3, max_epochs=4, patience=4, class_weights=[1.0, 2.0],
)


class Drawn:
    calls, limit = 0, None

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __getitem__(self, index):
        Drawn.calls += 1
        if Drawn.limit is not None and Drawn.calls > Drawn.limit:
            os.kill(os.getpid(), signal.SIGKILL)
        x = torch.randn(5) + self.epoch / 10
        return x, int(x[0] > (index % 3 - 1) / 2)


def train(folder=None, resume=False, pause=0.0, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))
    valid = Drawn(9)
    valid.set_epoch(0)
    settings = options.pop("settings", SETTINGS)
    items = options.pop("train", Drawn(31))
    class Slow(nn.Module):
        def forward(self, x):
            time.sleep(pause)
            return x
    model = nn.Sequential(Slow(), model)
    result = fit(model, items, valid, settings=settings, folder=folder, resume=resume, **options)
    return model, result
"""
# Forks one training after the other, so that torch is imported once: each is killed at a random item, or at any time,
# in the middle of a write perhaps, and the next one resumes; at last one may finish.
KILLER = (
    SCRIPT
    + """
folder, seed = sys.argv[1], int(sys.argv[2])
train(None, settings=TrainSettings(optimizer="adamw", max_epochs=1))  # what torch imports late
Drawn.calls = 0
draw = random.Random(seed)
kills = 0
while True:
    last = kills >= 8
    limit, delay = draw.randrange(1, 90), draw.uniform(0.01, 0.15)
    child = os.fork()
    if child == 0:
        if not last and kills % 2:
            Drawn.limit = limit
        pause = 0.0 if last or kills % 2 else 0.002
        train(folder, resume=True, pause=pause, checkpoint_steps=1 + kills % 3)
        os._exit(0)
    if not last and kills % 2 == 0:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or status == 0, status
    if last or not killed:
        break
    kills += 1
print(kills)
"""
)


def training():
    names = {}
    exec(SCRIPT, names)
    return names["train"]


def run(code, *arguments, **options):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def states_equal(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(states_equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(states_equal(a, b) for a, b in zip(one, other, strict=True))
    return one == other


def timeless(path):
    state = read_state(path)
    state["place"]["rows"] = [row[:7] for row in state["place"]["rows"]]
    return state


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a training that nothing interrupted, and its weights."""
    folder = tmp_path_factory.mktemp("whole")
    model, result = training()(folder)
    return folder, model.state_dict(), result


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_killed_trainings_end_with_the_bits_of_one_that_was_not(whole, tmp_path, seed):
    process = run(KILLER, tmp_path, seed)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert int(out) >= 1, "no training was killed before its end"
    folder, expected, result = whole
    assert states_equal(timeless(tmp_path / "last.ckpt"), timeless(folder / "last.ckpt"))
    assert [row[:7] for row in read_history(tmp_path)] == [row[:7] for row in result.history]
    model, again = training()(tmp_path, resume=True)  # nothing is left to do
    assert states_equal(dict(model.state_dict()), dict(expected))
    assert again[1:] == result[1:]


def test_control_c_writes_a_checkpoint_that_resumes(whole, tmp_path):
    call = "train(sys.argv[1], pause=0.02, checkpoint_seconds=None, progress=lambda row: print(row.epoch, flush=True))"
    process = run(f"{SCRIPT}\n{call}", tmp_path)
    assert process.stdout.readline() == "1\n"
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert err.rstrip().endswith("KeyboardInterrupt")
    place = read_state(tmp_path / "last.ckpt")["place"]
    assert place["step"] > 0
    assert place["n_steps"] < whole[2].n_steps
    model, _ = training()(tmp_path, resume=True)
    assert states_equal(dict(model.state_dict()), dict(whole[1]))


@pytest.mark.parametrize("part", ["train", "valid"])
def test_an_interrupt_waits_for_the_end_of_the_step_and_puts_the_handler_back(whole, tmp_path, part):
    names = {}
    exec(SCRIPT, names)
    drawn, reading = names["Drawn"], names["Drawn"].__getitem__

    def read(self, index):
        where = "train" if len(self) == 31 else "valid"
        if where == part and drawn.limit is None and drawn.calls > 40:
            drawn.limit = 10**9  # once
            os.kill(os.getpid(), signal.SIGINT)
        return reading(self, index)

    drawn.__getitem__ = read
    with pytest.raises(KeyboardInterrupt):
        names["train"](tmp_path)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    place = read_state(tmp_path / "last.ckpt")["place"]
    assert place["step"] > 0
    model, result = names["train"](tmp_path, resume=True)
    assert states_equal(dict(model.state_dict()), dict(whole[1]))
    assert [row[:7] for row in result.history] == [row[:7] for row in whole[2].history]


def test_a_second_interrupt_does_not_wait():
    from audiofeat_nn.training.running import put_off_interrupts

    with put_off_interrupts() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.pressed
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_loss_that_is_not_finite_keeps_the_last_good_checkpoint(tmp_path):
    class Turning:
        epoch = 0

        def __len__(self):
            return 31

        def set_epoch(self, epoch):
            self.epoch = epoch

        def __getitem__(self, index):
            return torch.full((5,), torch.nan if (self.epoch, index) == (2, 17) else index / 31), index % 2

    with pytest.raises(TrainingError, match=r"the loss is nan in epoch 3, step 1\d, at lr 0.01"):
        training()(tmp_path, train=Turning(), checkpoint_steps=1, settings=TrainSettings(lr=0.01, batch_size=5))
    state = read_state(tmp_path / "last.ckpt")
    assert all(value.isfinite().all() for value in state["model"].values())
    assert state["place"]["epoch"] == 2
    assert [row.epoch for row in read_history(tmp_path)] == [1, 2]


def test_a_training_may_go_on_for_more_epochs(tmp_path):
    few, many = ({"lr": 0.01, "batch_size": 4, "max_epochs": n} for n in (2, 5))
    one, _ = training()(tmp_path / "one", settings=TrainSettings(**many))
    training()(tmp_path / "two", settings=TrainSettings(**few))
    two, result = training()(tmp_path / "two", settings=TrainSettings(**many), resume=True)
    assert states_equal(dict(one.state_dict()), dict(two.state_dict()))
    assert len(result.history) == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": {"lr": 0.02}}, r"lr must be 0\.01 as in last\.ckpt, got 0\.02"),
        ({"settings": {"class_weights": None}}, r"class_weights must be \[1\.0, 2\.0\] as in last\.ckpt, got None"),
        ({"train": [(torch.zeros(5), 0)] * 4}, r"train and valid must have \[31, 9\] items as in last\.ckpt"),
    ],
)
def test_another_training_is_not_resumed(whole, change, message):
    if "settings" in change:
        told = {**read_state(whole[0] / "last.ckpt")["settings"], **change["settings"]}
        change = {"settings": TrainSettings(**told)}
    with pytest.raises(ValueError, match=message):
        training()(whole[0], resume=True, **change)


def test_a_schedule_bound_to_the_number_of_epochs_keeps_it(tmp_path):
    settings = {"schedule": "cosine", "max_epochs": 1}
    training()(tmp_path, settings=TrainSettings(**settings))
    with pytest.raises(ValueError, match="max_epochs must be 1"):
        training()(tmp_path, settings=TrainSettings(**{**settings, "max_epochs": 2}), resume=True)


def test_a_training_in_the_way_is_not_overwritten(whole):
    before = (whole[0] / "last.ckpt").read_bytes()
    with pytest.raises(FileExistsError, match="holds a training: resume it, or choose another"):
        training()(whole[0])
    assert (whole[0] / "last.ckpt").read_bytes() == before


def test_another_network_is_not_resumed(whole):
    items = [(torch.zeros(5), 0)] * 31
    settings = TrainSettings(**read_state(whole[0] / "last.ckpt")["settings"])
    with pytest.raises(ValueError, match=r"last\.ckpt is of another network"):
        fit(nn.Linear(5, 2), items, items[:9], settings=settings, folder=whole[0], resume=True)


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def sealed(content, path):
    """Write a checkpoint with a checksum that is right, whatever its content."""
    path.write_bytes(MAGIC + hashlib.sha256(content).digest() + content)


@pytest.mark.parametrize("around", ["nothing", "seal"])
@pytest.mark.parametrize("wrap", ["pickle", "torch", "inside", "legacy"])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")  # torch's, of one that it does not read
def test_a_pickle_does_not_run(whole, tmp_path, wrap, around):
    ran, path, packed = tmp_path / "ran", tmp_path / "last.ckpt", io.BytesIO()
    if wrap == "pickle":
        packed.write(pickle.dumps(Malicious(ran)))
    elif wrap == "inside":
        torch.save({**read_state(whole[0] / "last.ckpt"), "extra": Malicious(ran)}, packed)
    else:
        torch.save(Malicious(ran), packed, _use_new_zipfile_serialization=wrap == "torch")
    if around == "seal":
        sealed(packed.getvalue(), path)
    else:
        path.write_bytes(packed.getvalue())
    with pytest.raises(ValueError, match=r"last\.ckpt is no (whole )?checkpoint"):
        training()(tmp_path, resume=True)
    network = tmp_path / "network.safetensors"
    network.write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match="is no whole safetensors file"):
        load_network(network)
    assert not ran.exists()


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.99, -1])
def test_a_checkpoint_cut_short_is_refused(whole, tmp_path, kept):
    content = (whole[0] / "last.ckpt").read_bytes()
    end = int(kept * len(content)) if isinstance(kept, float) else kept
    (tmp_path / "last.ckpt").write_bytes(content[:end])
    with pytest.raises(ValueError, match=r"last\.ckpt is no whole checkpoint"):
        read_state(tmp_path / "last.ckpt")


def test_a_checkpoint_with_other_bytes_is_refused(whole, tmp_path):
    content = (whole[0] / "last.ckpt").read_bytes()
    state = read_state(whole[0] / "last.ckpt")
    part = state["model"]["1.0.weight"].numpy().tobytes()
    at = content.index(part)
    (tmp_path / "last.ckpt").write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(ValueError, match=r"last\.ckpt is no whole checkpoint"):
        read_state(tmp_path / "last.ckpt")


@pytest.mark.parametrize("content", [{"epoch": 1, "format": 0}, {"epoch": 1}, [1, 2]])
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    packed = io.BytesIO()
    torch.save(content, packed)
    sealed(packed.getvalue(), tmp_path / "last.ckpt")
    with pytest.raises(ValueError, match="must be a checkpoint of format 1"):
        read_state(tmp_path / "last.ckpt")


def test_a_failed_write_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    write_state(path, {"epoch": 1})

    def fail(descriptor):
        raise OSError("no space")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        write_state(path, {"epoch": 2})
    assert read_state(path)["epoch"] == 1
    assert [each.name for each in tmp_path.iterdir()] == ["last.ckpt"]


# ------------------------------------------------------------------------------------------------------ networks

OPTIONS = {"n_bands": 12, "n_frames": 20, "length": 6, "n_filters": 3}
CLASSES = ["jazz", "rock", "ça"]
PAIR = (np.linspace(-1, 1, 12), np.full(12, 1 / 3))


def network(name="time", **options):
    torch.manual_seed(3)
    return audiofeat_nn.create_model(name, n_classes=3, **{**OPTIONS, **options})


@pytest.fixture
def saved(tmp_path):
    model = network()
    told = {"classes": CLASSES, "front_end": preset("pons2016"), "normalization": PAIR}
    return save_network(model, tmp_path, data_fingerprint="abc", notes={"score": 0.5}, **told), model.eval()


def test_a_network_comes_back_as_it_was(saved):
    path, model = saved
    before = torch.random.get_rng_state()
    loaded = load_network(path)
    assert torch.equal(torch.random.get_rng_state(), before)
    x = torch.randn(2, 1, 12, 20)
    assert torch.equal(loaded.model(x), model(x))
    assert not loaded.model.training
    assert loaded.classes == tuple(CLASSES)
    assert loaded.front_end == preset("pons2016")
    assert all(np.array_equal(a, b) for a, b in zip(loaded.normalization, PAIR, strict=True))
    assert loaded.model.recipe == model.recipe
    info = loaded.info
    assert (info["model"], info["data_fingerprint"], info["notes"]) == ("time", "abc", {"score": 0.5})
    assert set(info["versions"]) == {"audiofeat", "numpy", "torch"}
    assert load_network(path.parent).classes == loaded.classes  # the folder does as well


def test_numbers_scalars_and_nothing_come_back(tmp_path):
    path = save_network(
        network(),
        tmp_path / "a.safetensors",
        classes=np.arange(3),
        front_end=None,
        normalization=(2.5, np.float32(1.5)),
    )
    loaded = load_network(path)
    assert loaded.classes == (0, 1, 2)
    assert [each.item() for each in loaded.normalization] == [2.5, 1.5]
    assert loaded.front_end is None
    save_network(network(), path, classes=CLASSES, front_end=None, normalization=None)  # in place of the first
    assert load_network(path).normalization is None
    assert [each.name for each in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model": nn.Linear(2, 3)}, TypeError, "model must be made by create_model"),
        ({"classes": ["a", "b"]}, ValueError, "classes must be 3 different names"),
        ({"classes": ["a", "b", "a"]}, ValueError, "classes must be 3 different names"),
        ({"classes": [b"a", b"b", b"c"]}, TypeError, "must be for JSON"),
        ({"notes": {"a": {1, 2}}}, TypeError, "must be for JSON"),
        ({"path": "network.pth"}, ValueError, "path must be a .safetensors file or a folder"),
        ({"path": "none/network.safetensors"}, FileNotFoundError, "no folder"),
    ],
)
def test_what_cannot_be_saved_is_refused(tmp_path, change, error, message):
    told = {"model": network(), "classes": CLASSES, "front_end": None, "normalization": None, "path": "a.safetensors"}
    told |= change
    path = tmp_path / told.pop("path")
    with pytest.raises(error, match=message):
        save_network(told.pop("model"), path, **told)
    assert not list(tmp_path.iterdir())


def rewrite(path, change):
    """Write the file again after a change of its description and tensors; its checksum is made right."""
    from safetensors import safe_open

    from audiofeat_nn.checkpoint import _checksum

    with safe_open(path, framework="pt") as file:
        told = json.loads(file.metadata()["audiofeat_nn"])
    tensors = load_file(path)
    change(told, tensors)
    if "checksum" in told:
        told["checksum"] = _checksum(tensors)
    save_file(tensors, path, metadata={"audiofeat_nn": json.dumps(told)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda told, _: told.update(format=2), "its format must be 1, got 2"),
        (lambda told, _: told.update(model="transformer"), "there is no such network: name must be one of"),
        (lambda told, _: told["options"].update(height=3), "there is no such network: time has no option 'height'"),
        (lambda told, _: told["options"].update(n_filters=4), "conv.*weight.* of 'time' must be .*4.*, got .*3"),
        (lambda told, _: told["options"].update(n_filters=10**9), "of 'time' must be .*1000000000.*, got .*3"),
        (lambda told, _: told.update(n_classes=4), "of 'time' must be .*4.*, got .*3"),
        (lambda told, _: told["classes"].pop(), "it names 2 classes for 3 outputs"),
        (lambda told, _: told.pop("checksum"), "description cannot be read: KeyError"),
        (lambda told, _: told["front_end"].update(sr="fast"), "description cannot be read: TypeError"),
        (lambda _, tensors: tensors.update({"model.more": torch.zeros(1)}), "more of 'time' must be nothing"),
        (lambda _, tensors: tensors.pop(next(k for k in tensors if k.startswith("model."))), "got nothing"),
    ],
)
def test_what_does_not_fit_is_refused(saved, change, message):
    path, _ = saved
    rewrite(path, change)
    with pytest.raises(ValueError, match=rf"network.safetensors is no network that can be loaded: .*{message}"):
        load_network(path)


@pytest.mark.parametrize("end", [0, 4, 100, -400, -1])
def test_a_network_cut_short_is_refused(saved, end):
    path, _ = saved
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(ValueError, match="is no whole safetensors file"):
        load_network(path)


def test_a_network_with_another_bit_is_refused(saved):
    path, _ = saved
    content = bytearray(path.read_bytes())
    content[-1] ^= 64
    path.write_bytes(content)
    with pytest.raises(ValueError, match="have not the checksum"):
        load_network(path)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        load_network(tmp_path)
    save_file({"a": torch.zeros(1)}, tmp_path / "network.safetensors")
    with pytest.raises(ValueError, match="its description cannot be read: KeyError"):
        load_network(tmp_path)
    with pytest.raises(ValueError, match=r"path must be a \.safetensors file"):
        load_network(tmp_path / "weights.pth")
