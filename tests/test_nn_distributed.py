"""Several processes follow the loss curve of one; those left behind by a dead one fail instead of waiting."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from numpy.testing import assert_allclose  # noqa: E402

from audiofeat_nn.distributed import Group, current_group, process_group  # noqa: E402
from audiofeat_nn.training import read_history  # noqa: E402
from audiofeat_nn.training.state_file import read_state  # noqa: E402

torch.set_num_threads(1)
ROOT = Path(__file__).parents[1]

# 21 items in batches of 4: the last batch is one of 5, or with drop_last there are five of 4. Of 9 items to validate
# the last batch is of 1: too few for two processes, so one of them only takes part.
SCRIPT = '''
import os, sys
import torch
from torch import nn
from audiofeat_nn.distributed import process_group
from audiofeat_nn.training import TrainSettings, fit

torch.set_num_threads(1)
SETTINGS = dict(
    optimizer="adam", lr=0.02, batch_size=4, max_epochs=3, class_weights="balanced", clip_norm=1.0, ema=0.8, patience=3
)


class Cut(nn.Module):
    """A layer that the graph leaves without a gradient, and one that the norm does not couple to other items."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Linear(2, 2)
        self.body = nn.Sequential(nn.Linear(5, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 3))

    def forward(self, x):
        return self.body(x)


def items(n, seed):
    x = torch.randn(n, 5, generator=torch.Generator().manual_seed(seed))
    return [(row, int(row[:3].argmax())) for row in x]


def train(folder, seed=0, hook=None, resume=False, **changes):
    torch.manual_seed(seed)  # rank 0 tells the others where to start
    model = Cut()
    settings = TrainSettings(**{**SETTINGS, **changes})
    result = fit(
        model, items(21, 1), items(9, 2), settings=settings, folder=folder, resume=resume, progress=hook,
        checkpoint_steps=2,
    )
    return model, result
'''
CALL = """
with process_group("cpu", timeout=60) as group:
    model, result = train(sys.argv[1], seed=group.rank, **eval(sys.argv[2]))
    print(group.rank, group.size, [value.double().sum().item() for value in model.state_dict().values()])
"""


def alone(folder, **changes):
    names = {}
    exec(SCRIPT, names)
    return names["train"](folder, **changes)


def together(code, *arguments, size=2, **extra):
    """Start processes as torchrun does, without the seconds that it takes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(size), **extra}
    return [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT + code, *map(str, arguments)],
            cwd=ROOT,
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(size)
    ]


def ended(processes, timeout=90):
    outputs = [process.communicate(timeout=timeout) for process in processes]
    return [process.returncode for process in processes], [out for out, _ in outputs], [err for _, err in outputs]


def assert_same_training(folder, expected):
    ours, theirs = read_state(folder / "last.ckpt"), read_state(expected / "last.ckpt")
    for name, value in theirs["best"].items():
        assert_allclose(ours["best"][name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    for one, other in zip(read_history(folder), read_history(expected), strict=True):
        assert one[:2] == other[:2]
        assert_allclose(one[2:7], other[2:7], rtol=1e-5)


def test_two_processes_train_as_one(tmp_path):
    codes, outs, errs = ended(together(CALL, tmp_path / "two", {}))
    assert codes == [0, 0], errs
    alone(tmp_path / "one")
    assert_same_training(tmp_path / "two", tmp_path / "one")
    ranks = sorted(out.split(maxsplit=2) for out in outs)
    assert [rank[:2] for rank in ranks] == [["0", "2"], ["1", "2"]]
    assert ranks[0][2] == ranks[1][2]  # both end with the same weights, to the bit
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["history.csv", "history.jsonl", "last.ckpt"]


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"accumulate": 2}, {"drop_last": True, "batch_size": 6}, {"loss": "softmax_bce"}])
def test_three_processes_train_as_one(tmp_path, changes):
    codes, _, errs = ended(together(CALL, tmp_path / "three", changes, size=3))
    assert codes == [0, 0, 0], errs
    alone(tmp_path / "one", **changes)
    assert_same_training(tmp_path / "three", tmp_path / "one")


@pytest.mark.slow
def test_killed_processes_resume_where_they_were(tmp_path):
    kill = "lambda row: os.kill(os.getpid(), 9)"
    codes, _, _ = ended(together(CALL.replace("**eval", f"hook={kill}, **eval"), tmp_path / "two", {}))
    assert codes == [-9, -9]
    assert read_state(tmp_path / "two" / "last.ckpt")["place"]["epoch"] == 1
    codes, _, errs = ended(together(CALL, tmp_path / "two", {"resume": True}))
    assert codes == [0, 0], errs
    alone(tmp_path / "one")
    assert_same_training(tmp_path / "two", tmp_path / "one")


@pytest.mark.slow
def test_when_one_dies_the_other_fails_soon(tmp_path):
    code = CALL.replace("**eval", "hook=(lambda row: os._exit(3)) if group.rank else None, **eval")
    start = time.monotonic()
    codes, _, errs = ended(together(code, tmp_path, {"max_epochs": 1000, "patience": None}))
    assert codes[1] == 3
    assert codes[0] == 1
    assert "Error" in errs[0]
    assert time.monotonic() - start < 50  # less than the timeout
    assert read_state(tmp_path / "last.ckpt")["place"]["epoch"] >= 1


@pytest.mark.slow
def test_a_silent_process_is_waited_for_no_longer_than_the_timeout(tmp_path):
    code = CALL.replace("timeout=60", "timeout=3").replace(
        "**eval", "hook=(lambda row: __import__('time').sleep(15)) if group.rank else None, **eval"
    )
    processes = together(code, tmp_path, {"max_epochs": 1000, "patience": None})
    _, err = processes[0].communicate(timeout=60)
    assert processes[0].returncode == 1
    assert "imed out" in err or "imeout" in err
    ended(processes[1:])
    assert processes[1].returncode == 1


@pytest.mark.slow
def test_torchrun_starts_it_and_ends_all_when_one_dies(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT + CALL)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, str(script), str(tmp_path / "two"), "{}"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    alone(tmp_path / "one")
    assert_same_training(tmp_path / "two", tmp_path / "one")
    script.write_text(SCRIPT + CALL.replace("**eval", "hook=(lambda row: os._exit(3)) if group.rank else None, **eval"))
    command[-2:] = [str(tmp_path / "dead"), "{'max_epochs': 100000, 'patience': None}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert "exitcode  : 3" in done.stderr


def test_processes_that_have_not_joined_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RuntimeError, match="2 processes were started: join them by"):
        alone(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE must be an integer, got 'two'"),
        ({"WORLD_SIZE": "0"}, "WORLD_SIZE must be >= 1, got 0"),
        ({"WORLD_SIZE": "2"}, r"RANK must be in \[0, 1\], got -1"),
        ({"WORLD_SIZE": "2", "RANK": "2"}, r"RANK must be in \[0, 1\], got 2"),
    ],
)
def test_variables_that_do_not_fit_are_refused(monkeypatch, variables, message):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=message), process_group():
        pass


def test_one_process_needs_no_group():
    with process_group() as group:
        assert group == current_group() == Group(0, 1)
        assert not torch.distributed.is_initialized()
    with pytest.raises(ValueError, match="timeout must be > 0"), process_group(timeout=0.0):
        pass


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_shares_are_the_whole(size):
    items = list(range(10, 15))
    shares = [Group(rank, size).share(items) for rank in range(size)]
    assert sorted(index for share in shares for index in share) == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_batch_smaller_than_the_processes_is_refused(monkeypatch):
    import audiofeat_nn.training.loop as loop

    monkeypatch.setattr(loop, "current_group", lambda: Group(0, 5))
    with pytest.raises(ValueError, match="batch_size must be >= 5, the number of processes, got 4"):
        alone(None)
