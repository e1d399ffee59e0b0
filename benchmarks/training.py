"""Training: clips a second from waveforms to the optimiser's step, where the time goes, and the loss beside `fit`'s.

``--device cpu`` and ``--device cuda`` measure, and write, that part of the page alone; ``--quick`` takes one turn of
small batches, and writes nothing.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from audiofeat import load, save, synth
from audiofeat_nn import LogMel, ResidentWaveforms, Spectrogram, create_model
from audiofeat_nn.distributed import Group
from audiofeat_nn.training import EpochRow, TrainSettings, fit, loss_sums, make_optimizer
from audiofeat_nn.training.batches import epoch_batches, feed, seed_pass
from benchmarks._report import machine, seconds, table

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "training.md"
PACKAGES = ("torch", "numpy")
MODELS = ("prcnn", "ubc-prcnn", "kth-cnn", "kth-cnn-rnn", "time-frequency")
STAGES = ("data", "front end", "forward", "backward", "optimiser")
N_CLASSES, N_DISTINCT, EXTRA = 10, 20, 1.0  # EXTRA: seconds of a recording beyond the window
TURNS = 3
# Training-step ceilings in clips a second, bfloat16: three times the operations of a forward pass on the matrix units,
# or five passes over the layers' outputs in memory, of an H200's data sheet. kth-cnn's is that of six blocks.
CEILINGS = {"prcnn": 107e3, "ubc-prcnn": 89e3, "kth-cnn": 266e3, "kth-cnn-rnn": 111e3}
BAR, AIM, MOST_IDLE = 30.0, 50.0, 10.0  # % of the ceiling, and of the time
DEVICES = {"CPU": "cpu", "GPU": "cuda"}  # by the title of the part of the page
MISSING_PART = (
    "Not run where this page was written: `python -m benchmarks training --device {device}` writes this part.\n"
)
ABOUT = f"""\
A training step begins with indices of windows and ends with new weights. `audiofeat_nn.data.ResidentWaveforms` holds
the recordings as 16-bit samples on the device, and cuts windows at random places; the paper's front end computes on the
device, `LogMel` or `Spectrogram`, followed by a standardisation; then come the network and the cross-entropy, backward,
and Adam. The recordings are `synth.genre_corpus`, {EXTRA:g} s longer than the paper's input, a window of each in an
epoch; reading is `audiofeat.load` of a WAV file of 16 bits for each, once before the training, and no part of the step.

The same steps are done twice with the same seed: stage by stage here, with a clock between the stages, and by
`audiofeat_nn.training.fit`. The first epoch warms up. `sum` is what the stages add up to, in % of a clock around the
whole epoch. `fit` is its clips a second on the clock of the first column of clips a second. Deviation is the
largest difference between the two in the mean loss of an epoch.
"""
ON_CPU = """\
One thread, float32, {batch} clips a batch, {steps} steps an epoch, 2 epochs. Stages and clips a second are of the
processor's time, and of the wall clock beside it, where other programs have a share of the machine. Figures are the
middle of {turns} turns; the shares are those of the turn with the middle rate.
"""
ON_GPU = """\
{name}: bfloat16 by autocast but for the front end, which is float32; {batch} clips a batch, {steps} steps an epoch,
4 epochs. Stages are between events on the GPU's own timeline; clips a second are of the wall clock, with a wait for the
GPU at the end of an epoch, middle of {turns} turns. Idle is the time of an epoch in which the GPU executes nothing, by
torch's profiler. The ceiling is that of operations or of memory, whichever is lower, of an H200's data sheet; the aim
is {aim:g} % of it.
"""

Row = tuple[str, ...]


@dataclass
class Job:
    """A training to be measured: what it reads, and how."""

    name: str
    device: torch.device
    items: ResidentWaveforms
    settings: TrainSettings

    def network(self) -> nn.Sequential:
        """Return the front end with a standardisation, and the network: the same whenever it is called."""
        torch.manual_seed(0)
        model = create_model(self.name, n_classes=N_CLASSES)
        front: Any = model.recipe.front_end  # type: ignore[union-attr]
        module = Spectrogram(front) if front.n_mels is None else LogMel(front)
        head = nn.Sequential(module, nn.BatchNorm2d(1, affine=False))
        return nn.Sequential(head, model).to(self.device)


@dataclass
class Timing:
    """Seconds of the epochs after the first, and what was learnt in all of them."""

    stages: dict[str, float]
    work: float  # of the clock that the stages have
    wall: float
    losses: list[float]


class Laps:
    """Seconds between marks: of the processor, or between events that a GPU passes."""

    def __init__(self, *, on_gpu: bool) -> None:
        self.on_gpu = on_gpu
        self.marks: list[tuple[str, Any]] = []

    def mark(self, stage: str) -> None:
        """Say which stage has just ended; the first mark of all ends none."""
        now: Any = torch.cuda.Event(enable_timing=True) if self.on_gpu else time.process_time()  # type: ignore[no-untyped-call]
        if self.on_gpu:
            now.record()
        self.marks.append((stage, now))

    def totals(self) -> dict[str, float]:
        """Return the seconds of each stage."""
        sums = dict.fromkeys(STAGES, 0.0)
        for (_, before), (stage, after) in zip(self.marks, self.marks[1:], strict=False):
            sums[stage] += before.elapsed_time(after) / 1e3 if self.on_gpu else after - before
        return sums


def window(name: str) -> tuple[int, float]:
    """Return the samples from which a network's front end makes its frames, and their rate."""
    with torch.device("meta"):
        recipe: Any = create_model(name, n_classes=N_CLASSES).recipe
    front = recipe.front_end
    n_samples = (recipe.n_frames - 1) * front.hop_length + (0 if front.center else front.n_fft)
    return n_samples, front.sr


def make_job(name: str, device: str, batch: int, steps: int) -> tuple[Job, float]:
    """Return a training, and the seconds that reading one of its recordings takes."""
    n_samples, sr = window(name)
    corpus = synth.genre_corpus(N_DISTINCT // 10, sr=sr, duration=n_samples / sr + EXTRA, random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{i}.wav" for i in range(len(corpus.y))]
        for path, y in zip(paths, corpus.y, strict=True):
            save(path, y, corpus.sr)
        load(paths[0])
        signals: list[Any] = []
        cost = seconds(lambda: signals.extend(load(path)[0] for path in paths), time.process_time) / len(paths)
    pcm = [np.rint(32767 * y).astype(np.int16) for y in signals]
    rows = [np.roll(pcm[i % len(pcm)], 997 * i) for i in range(batch * steps)]
    targets = [i % len(pcm) * N_CLASSES // len(pcm) for i in range(len(rows))]
    items = ResidentWaveforms(rows, targets, n_samples=n_samples, crop="random", device=device)
    on_gpu = device == "cuda"
    settings = TrainSettings(
        batch_size=batch,
        max_epochs=4 if on_gpu else 2,
        precision="bfloat16" if on_gpu else "float32",
        drop_last=True,
    )
    return Job(name, torch.device(device), items, settings), cost


def by_stages(job: Job) -> Timing:
    """Train as `fit` does, with a clock between the stages."""
    head, model = network = job.network()
    network.train()
    optimizer, settings, on_gpu = (
        make_optimizer(network.parameters(), job.settings),
        job.settings,
        job.device.type == "cuda",
    )
    found = Timing(dict.fromkeys(STAGES, 0.0), 0.0, 0.0, [])
    for epoch in range(settings.max_epochs):
        laps = Laps(on_gpu=on_gpu)
        wait(job.device)
        wall, work = time.perf_counter(), time.process_time()
        laps.mark("")
        loss = epoch_loss(job, head, model, optimizer, epoch, laps.mark)
        wait(job.device)
        wall, work = time.perf_counter() - wall, time.process_time() - work
        found.losses.append(loss)
        if epoch > 0:
            found.stages = {stage: found.stages[stage] + time_ for stage, time_ in laps.totals().items()}
            found.wall += wall
            found.work += wall if on_gpu else work
    return found


def epoch_loss(
    job: Job,
    head: nn.Module,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    mark: Callable[[str], None],
) -> float:
    """Train for an epoch, say which stage has ended, and return the mean loss."""
    settings, device = job.settings, job.device
    batches = epoch_batches(len(job.items), settings, epoch=epoch)
    seeds = (settings.random_state, epoch)
    source = feed(job.items, batches, group=Group(), seeds=seeds, n_classes=N_CLASSES, num_workers=0, device=device)
    seen = []
    half = torch.autocast(device.type, dtype=torch.bfloat16, enabled=settings.precision == "bfloat16")
    for number, batch in enumerate(source, 1):
        seed_pass(device, *seeds, number, 0)  # what dropout draws from
        mark("data")
        with half:
            x = head(batch.x)
        mark("front end")
        with half:
            logits = model(x)
        loss, weight = loss_sums(logits, batch.target)
        mark("forward")
        torch.autograd.backward(loss)
        mark("backward")
        for each in model.parameters():
            if each.grad is not None:
                each.grad.div_(weight)
        optimizer.step()
        optimizer.zero_grad()
        seen.append(torch.stack([loss.detach(), weight]))
        mark("optimiser")
    sums = [each.tolist() for each in seen]
    mark("optimiser")  # on a GPU the look at the losses waits for it
    return float(sum(loss for loss, _ in sums) / sum(weight for _, weight in sums))


def by_fit(job: Job) -> Timing:
    """Train by `fit`."""
    clock = time.perf_counter if job.device.type == "cuda" else time.process_time
    ends: list[float] = []
    rows: list[EpochRow] = []

    def tell(row: EpochRow) -> None:
        wait(job.device)
        ends.append(clock())
        rows.append(row)

    fit(job.network(), job.items, settings=job.settings, device=job.device.type, progress=tell)
    return Timing({}, ends[-1] - ends[0], sum(row.seconds for row in rows[1:]), [row.train_loss for row in rows])


def idle_share(job: Job, elapsed: float) -> float:
    """Return the share in % of an epoch, which takes so many seconds, in which the GPU executes nothing."""
    head, model = network = job.network()
    optimizer = make_optimizer(network.train().parameters(), job.settings)
    epoch_loss(job, head, model, optimizer, 0, lambda _: None)
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        epoch_loss(job, head, model, optimizer, 1, lambda _: None)
        wait(job.device)
    events = [each for each in profiler.events() or () if each.device_type.name == "CUDA"]
    busy = covered([(each.time_range.start, each.time_range.end) for each in events]) / 1e6
    return 100.0 * max(0.0, 1.0 - busy / elapsed)


def covered(spans: list[tuple[float, float]]) -> float:
    """Return the length of what spans cover together; where they lie on each other it counts once."""
    total, reached = 0.0, -np.inf
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def wait(device: torch.device) -> None:
    """Wait for the GPU, if that is the device."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def measure(name: str, device: str, batch: int, steps: int, turns: int) -> Row:
    """Return the row of a network."""
    job, reading = make_job(name, device, batch, steps)
    found = [(by_stages(job), by_fit(job)) for _ in range(turns)]
    n_epochs = job.settings.max_epochs - 1
    n_clips = len(job.items) * n_epochs
    ours, _ = sorted(found, key=lambda pair: pair[0].work)[turns // 2]
    theirs = float(np.median([other.work for _, other in found]))
    total = sum(ours.stages.values())
    gap = max(abs(a - b) for one, other in found for a, b in zip(one.losses, other.losses, strict=True))
    model: Any = job.network()[1]
    row = [name, f"{model.recipe.n_bands} x {model.recipe.n_frames}", f"{1e3 * reading:.2f}"]
    row += [f"{n_clips / ours.work:,.1f}", *([] if device == "cuda" else [f"{n_clips / ours.wall:,.1f}"])]
    row += [f"{100 * time_ / total:.1f}" for time_ in ours.stages.values()]
    row += [f"{100 * total / ours.work:.1f}", f"{n_clips / theirs:,.1f}"]
    row += [f"{ours.losses[-1]:.4f}", f"{gap:.0e}"]
    if device == "cuda":
        ceiling = CEILINGS.get(name)
        share = None if ceiling is None else 100.0 * n_clips / ours.work / ceiling
        idle = idle_share(job, ours.wall / n_epochs)
        row += ["", "", ""] if share is None else [f"{ceiling:,.0f}", f"{share:.1f}", "yes" if share >= BAR else "no"]
        row += [f"{idle:.1f}", "yes" if idle < MOST_IDLE else "no"]
    return tuple(row)


def part(device: str, models: tuple[str, ...], *, quick: bool) -> str:
    """Measure on a device, and return its part of the page."""
    on_gpu = device == "cuda"
    batch, steps, turns = (256 if on_gpu else 16), (6 if on_gpu else 3), TURNS
    if quick:
        batch, steps, turns = (batch if on_gpu else 4), 2, 1
    about = ON_CPU.format(batch=batch, steps=steps, turns=turns)
    head = ["network", "input", "reading, ms a clip", "clips/s", *([] if on_gpu else ["of the wall"])]
    head += [*(f"{stage}, %" for stage in STAGES), "sum, %", "`fit`, clips/s", "loss", "deviation"]
    if on_gpu:
        name = torch.cuda.get_device_name()
        about = ON_GPU.format(name=name, batch=batch, steps=steps, turns=turns, aim=AIM)
        head += ["ceiling, clips/s", "of it, %", f">= {BAR:g}", "idle, %", f"< {MOST_IDLE:g}"]
    rows = [measure(name, device, batch, steps, turns) for name in models]
    return "\n".join([machine(PACKAGES), about, table(head, rows)])


def joined(parts: dict[str, str]) -> str:
    """Return the page of the parts by device; one that is missing stays as the page has it."""
    known = {device: MISSING_PART.format(device=device) for device in DEVICES.values()}
    if PAGE.exists():
        _, *before = PAGE.read_text(encoding="utf-8").split("\n## ")
        known |= {DEVICES[head]: f"{text.rstrip()}\n" for head, _, text in (each.partition("\n\n") for each in before)}
    known |= parts
    return f"# Training\n\n{ABOUT}" + "".join(f"\n## {head}\n\n{known[device]}" for head, device in DEVICES.items())


def main() -> None:
    """Print the page, and write it where all was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks training", description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), help="one alone; both, where there is a GPU")
    parser.add_argument("--models", nargs="*", choices=MODELS, default=MODELS, help="networks; all")
    parser.add_argument("--quick", action="store_true", help="write nothing")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch finds no GPU")
    torch.set_num_threads(1)
    devices = [options.device] if options.device else ["cpu", *["cuda"] * torch.cuda.is_available()]
    models = tuple(options.models)
    parts = {device: part(device, models, quick=options.quick) for device in devices}
    print("\n".join([ABOUT, *parts.values()]), flush=True)
    if not options.quick and models == MODELS:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(joined(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
