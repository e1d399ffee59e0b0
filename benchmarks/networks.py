"""Networks: parameters, operations, and clips a second, forward and in training."""

import argparse
import inspect
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from audiofeat_nn import count_parameters, create_model, list_models, model_options
from benchmarks._report import Call, machine, seconds, table

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "networks.md"
PACKAGES = ("torch", "numpy")
N_CLASSES = 10
# Training-step ceilings in clips a second, float32 with TF32: three times the operations of a forward pass on the
# matrix units, or five passes over the layers' outputs in memory, of an H200's data sheet.
CEILINGS = {"kth-cnn-rnn": 55e3, "kth-crnn": 6.5e3, "prcnn": 53e3, "ubc-prcnn": 45e3, "black-box": 3.5e6}
ABOUT = """\
Input is random, of the size that the paper has, 10 classes. MFLOP are two for each multiplication and addition of
convolutions, dense layers and recurrence in a forward pass of one clip, by torch's counter. Forward is evaluation
without gradients; a training step is forward, cross-entropy, backward and SGD. A figure is the median of what fits in
a budget of seconds, after a first; float32. Figures are of one run on a machine with other work: they compare rows
with each other, not machines. Nothing is compiled: `torch.compile` takes the convolutional parts whole, and leaves
`torch.nn.GRU` out of its graphs.
"""


def build(name: str) -> nn.Module:
    """Return a network of the paper's size."""
    options: dict[str, Any] = {}
    if inspect.Parameter.empty in model_options(name).values():
        options = {branch: create_model(branch, n_classes=N_CLASSES) for branch in ("time", "frequency")}
    return create_model(name, n_classes=N_CLASSES, **options)


def operations(name: str) -> float:
    """Return the MFLOP of a forward pass of one clip, counted without computing it."""
    with torch.device("meta"):
        model = build(name).eval()
        x = torch.empty(1, 1, *size(model))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(x)
    return float(counter.get_total_flops()) / 1e6


def size(model: nn.Module) -> tuple[int, int]:
    """Return bands and frames of the input."""
    recipe: Any = model.recipe
    return recipe.n_bands, recipe.n_frames


def rate(call: Call, batch: int, budget: float) -> float:
    """Return the clips a second of a call, by the median of what fits in a budget of seconds."""
    call()
    times, end = [seconds(call)], time.perf_counter() + budget
    while time.perf_counter() < end:
        times.append(seconds(call))
    return batch / sorted(times)[len(times) // 2]


def measure(name: str, device: str, batch: int, budget: float) -> tuple[int, tuple[int, int], float, float]:
    """Return parameters, input, and clips a second of forward passes and of training steps."""
    torch.manual_seed(0)
    model = build(name).to(device)
    x = torch.randn(batch, 1, *size(model), device=device)
    y = torch.arange(batch, device=device) % N_CLASSES
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)

    def wait() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    def forward() -> None:
        with torch.no_grad():
            model(x)
        wait()

    def step() -> None:
        optimizer.zero_grad()
        torch.autograd.backward(nn.functional.cross_entropy(model(x), y))
        optimizer.step()
        wait()

    model.eval()
    passes = rate(forward, batch, budget)
    model.train()
    return count_parameters(model), size(model), passes, rate(step, batch, budget)


def main() -> None:
    """Print the page, and write it where all networks were measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks networks", description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--batch", type=int, help="clips of a batch; 2 on CPU, 256 on GPU")
    parser.add_argument("--budget", type=float, default=2.0, help="seconds for each figure")
    parser.add_argument("--models", nargs="*", choices=list_models(), help="networks; all")
    options = parser.parse_args()
    on_gpu = options.device == "cuda"
    if on_gpu and not torch.cuda.is_available():
        parser.error("--device cuda: torch finds no GPU")
    batch = options.batch or (256 if on_gpu else 2)
    torch.set_num_threads(1)
    if on_gpu:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    where = f"{torch.cuda.get_device_name()}, TF32 allowed" if on_gpu else "CPU, one thread"
    head = ["network", "input", "parameters", "MFLOP", "forward, clips/s", "training, clips/s"]
    head += ["ceiling of training, clips/s", "of the ceiling"] if on_gpu else []
    rows = []
    for name in options.models or list_models():
        n_parameters, (n_bands, n_frames), passes, steps = measure(name, options.device, batch, options.budget)
        row = [name, f"{n_bands} x {n_frames}", f"{n_parameters:,}", f"{operations(name):,.1f}"]
        row += [f"{passes:,.1f}", f"{steps:,.1f}"]
        if on_gpu:
            ceiling = CEILINGS.get(name)
            row += [f"{ceiling:,.0f}", f"{steps / ceiling:.1%}"] if ceiling else ["", ""]
        rows.append(row)
    parts = [machine(PACKAGES), ABOUT, f"{where}, batches of {batch}.\n", table(head, rows)]
    print("\n".join(parts), flush=True)
    if not options.models and not on_gpu:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text("# Networks\n\n" + "\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
