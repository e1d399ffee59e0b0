"""Files of a training, and who is told about it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from audiofeat_nn.distributed import wait_for_all
from audiofeat_nn.training.history import EpochRow, write_history
from audiofeat_nn.training.run import Run
from audiofeat_nn.training.running import Interrupt
from audiofeat_nn.training.state_file import read_state, write_state

LAST = "last.ckpt"
FREE = ("max_epochs", "patience")  # settings that a resumed training may change
BOUND = ("cosine", "one-cycle", "per-step-decay")  # schedules that depend on the number of epochs


class Keeper:
    """Who writes the checkpoints of a run: process 0, into a folder, if there is one."""

    def __init__(
        self, run: Run, folder: Path | None, *, sizes: list[int], seconds: float | None, steps: int | None
    ) -> None:
        self.run, self.folder, self.sizes = run, folder, sizes
        self.seconds, self.steps = seconds, steps
        self.interrupt = Interrupt()
        self._written = monotonic()

    def begin(self, *, resume: bool) -> None:
        """Take over the last checkpoint, or see that none is in the way."""
        if self.folder is None:
            if resume:
                msg = "folder must be given to resume, got None"
                raise ValueError(msg)
            return
        last = self.folder / LAST
        if last.exists() and not resume:
            msg = f"folder {os.fspath(self.folder)!r} holds a training: resume it, or choose another"
            raise FileExistsError(msg)
        if last.exists():
            self._restore(read_state(last))
        wait_for_all(self.run.group)  # all have looked, before the first writes
        if self.run.group.rank == 0:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_history(self.folder, self.run.place.rows)

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            before, now = dict(state["settings"]), self.run.settings.to_dict()
            free = FREE if now["schedule"] not in BOUND else FREE[1:]
            differ = [
                name
                for name in sorted({*before, *now} - set(free))
                if name not in before or name not in now or before[name] != now[name]
            ]
            if differ:
                name = differ[0]
                msg = f"{name} must be {before.get(name)!r} as in {LAST}, got {now.get(name)!r}"
                raise ValueError(msg)
            if state["sizes"] != self.sizes:
                msg = f"train and valid must have {state['sizes']} items as in {LAST}, got {self.sizes}"
                raise ValueError(msg)
            self.run.restore(state)
        except (AttributeError, KeyError, RuntimeError, TypeError) as error:
            msg = f"{LAST} is of another network or training: {error}"
            raise ValueError(msg) from error

    def save(self, *, with_history: bool = False) -> None:
        """Write a checkpoint of the run as it is between two steps."""
        if self.folder is None or self.run.group.rank > 0:
            return
        self.run.look()
        write_state(self.folder / LAST, {**self.run.state(), "sizes": self.sizes})
        if with_history:
            write_history(self.folder, self.run.place.rows)
        self._written = monotonic()

    def heed(self) -> None:
        """Write a checkpoint if it is time, and stop if Ctrl-C has been pressed."""
        place = self.run.place
        due = self.steps is not None and place.step % self.steps == 0
        due = due or (self.seconds is not None and monotonic() - self._written >= self.seconds)
        if due or self.interrupt.pressed:
            self.save()
        if self.interrupt.pressed:
            raise KeyboardInterrupt


@contextmanager
def reports(
    run: Run, folder: Path | None, progress: bool | Callable[[EpochRow], object] | None, *, tensorboard: bool
) -> Iterator[Callable[[EpochRow], None]]:
    """Lend a function that tells a row to the caller's, to a bar and to TensorBoard, as asked for."""
    listeners: list[Callable[[EpochRow], object]] = []
    closing: list[Callable[[], object]] = []
    if callable(progress):
        listeners.append(progress)
    elif progress and run.group.rank == 0:
        from tqdm import tqdm

        bar = tqdm(total=run.settings.max_epochs, initial=run.place.epoch, unit="epoch")
        closing.append(bar.close)

        def advance(row: EpochRow) -> None:
            bar.set_postfix({name: f"{value:.4g}" for name, value in _scores(row).items()})
            bar.update()

        listeners.append(advance)
    if tensorboard and run.group.rank == 0:
        writer = _tensorboard(folder)
        closing.append(writer.close)

        def write(row: EpochRow) -> None:
            for name, value in {"lr": row.lr, **_scores(row)}.items():
                writer.add_scalar(name, value, row.epoch)

        listeners.append(write)

    def tell(row: EpochRow) -> None:
        for listener in listeners:
            listener(row)

    try:
        yield tell
    finally:
        for close in closing:
            close()


def _scores(row: EpochRow) -> dict[str, float]:
    names = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
    return {name: getattr(row, name) for name in names if getattr(row, name) is not None}


def _tensorboard(folder: Path | None) -> Any:
    if folder is None:
        msg = "folder must be given for tensorboard, got None"
        raise ValueError(msg)
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        msg = "tensorboard=True needs the package tensorboard: pip install tensorboard"
        raise ImportError(msg) from error
    return SummaryWriter(folder)
