"""What a training keeps from step to step: the run, which a checkpoint holds whole."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from audiofeat_nn.distributed import Group, add_up, add_up_gradients
from audiofeat_nn.training.batches import Batch
from audiofeat_nn.training.history import EpochRow
from audiofeat_nn.training.losses import loss_sums
from audiofeat_nn.training.optimizers import MovingAverage, make_optimizer, momentum_of, set_momentum
from audiofeat_nn.training.schedules import Schedule
from audiofeat_nn.training.settings import TrainSettings

LOOKS = 32  # steps on a GPU between two looks at the loss, each of which waits for the GPU


class TrainingError(RuntimeError):
    """A training cannot go on: its loss, or a weight, is no finite number.

    Examples
    --------
    >>> from audiofeat_nn.training import TrainingError
    >>> issubclass(TrainingError, RuntimeError)
    True
    """


@dataclass
class Place:
    """Where a training is, and what it has seen so far."""

    epoch: int = 0  # epochs done
    step: int = 0  # steps done in the epoch
    n_steps: int = 0  # steps done in all
    sums: list[float] = field(default_factory=lambda: [0.0] * 4)  # of the epoch: loss, weight, hits, items
    seconds: float = 0.0  # of the epoch so far, training only
    best_epoch: int = 0  # from 1; 0 is none yet
    best_badness: float = math.inf
    rows: list[EpochRow] = field(default_factory=list)


class Run:
    """A network on its way, with everything that its next step depends on."""

    def __init__(
        self,
        model: nn.Module,
        settings: TrainSettings,
        *,
        class_weights: Tensor | None,
        epoch_steps: int,
        device: torch.device,
        group: Group,
    ) -> None:
        self.model, self.settings, self.device, self.group = model, settings, device, group
        self.class_weights = class_weights
        self.optimizer = make_optimizer(model.parameters(), settings)
        self.schedule = Schedule(
            settings.schedule,
            settings.schedule_options,
            lr=settings.lr,
            max_epochs=settings.max_epochs,
            epoch_steps=epoch_steps,
        )
        self._momentum = momentum_of(self.optimizer)
        self.average = None if settings.ema is None else MovingAverage(model, settings.ema)
        self.place = Place()
        self.best: dict[str, Tensor] | None = None
        self._unseen: list[tuple[int, float, Tensor]] = []  # step, rate, sums: not looked at yet

    def logits(self, batch: Batch) -> Tensor:
        """Return the network's output, computed in the precision of the settings."""
        half = self.settings.precision == "bfloat16"
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=half):
            logits: Tensor = self.model(batch.x)
        return logits

    def gather(self, batch: Batch) -> Tensor:
        """Add the gradient of a batch's summed loss; return the sums of loss, weights, hits and items."""
        logits = self.logits(batch)
        loss, weight = loss_sums(logits, batch.target, loss=self.settings.loss, class_weights=self.class_weights)
        counts = float(batch.n_items > 0)  # an item that only stands in for a missing part weighs nothing
        (loss * counts).backward()  # type: ignore[no-untyped-call]
        hits = (logits.detach().argmax(dim=1) == batch.target).sum()
        return torch.stack([loss.detach(), weight, hits, torch.full_like(weight, batch.n_items)]) * counts

    def step(self, sums: Tensor) -> None:
        """Change the weights by the gathered gradients, over the weight of the items that they come from."""
        add_up(sums, self.group)
        rate = self.schedule.rate(self.place.n_steps)
        self._unseen.append((self.place.n_steps + 1, rate, sums))
        if self.device.type == "cpu" or len(self._unseen) >= LOOKS:
            self.look()
        trained = [parameter for parameter in self.model.parameters() if parameter.grad is not None]
        add_up_gradients(trained, self.group)
        for parameter in trained:
            parameter.grad.div_(sums[1])  # type: ignore[union-attr]
        if self.settings.clip_norm is not None:
            nn.utils.clip_grad_norm_(trained, self.settings.clip_norm)
        for each in self.optimizer.param_groups:
            each["lr"] = rate
        set_momentum(self.optimizer, self.schedule.momentum(self.place.n_steps, self._momentum))
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average is not None:
            self.average.update()
        self.place.step += 1
        self.place.n_steps += 1

    def look(self) -> None:
        """Count the steps that have not been looked at, or raise if the loss of one is not finite."""
        unseen, self._unseen = self._unseen, []
        for (step, rate, _), sums in zip(unseen, [each[2].tolist() for each in unseen], strict=True):
            loss = sums[0] / sums[1]
            if not math.isfinite(loss):
                msg = f"the loss is {loss} in epoch {self.place.epoch + 1}, step {step}, at lr {rate:g}"
                raise TrainingError(msg)
            self.place.sums = [total + value for total, value in zip(self.place.sums, sums, strict=True)]

    @contextmanager
    def averaged_weights(self) -> Iterator[None]:
        """Let the network have the moving average's weights within the block, if there is one."""
        if self.average is None:
            yield
            return
        self.average.swap()
        try:
            yield
        finally:
            self.average.swap()

    def keep_if_best(self, badness: float | None) -> None:
        """Keep the weights in use if the epoch that has ended is strictly better than all before it.

        Without a score the last epoch is the best.
        """
        place = self.place
        if badness is None or self.best is None or badness < place.best_badness - self.settings.min_delta:
            place.best_epoch, place.best_badness = place.epoch + 1, math.inf if badness is None else badness
            with self.averaged_weights():
                self.best = {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def check_weights(self) -> None:
        """Refuse weights that are not finite, which the loss of a next step would show too late."""
        values = [*self.model.parameters(), *([] if self.average is None else self.average.weights)]
        if not all(bool(value.isfinite().all()) for value in values):
            msg = f"a weight is not finite in epoch {self.place.epoch + 1} after step {self.place.n_steps}"
            msg += f" at lr {self.schedule.rate(max(self.place.n_steps - 1, 0)):g}"
            raise TrainingError(msg)

    def state(self) -> dict[str, Any]:
        """Return all of it, as a checkpoint holds it."""
        self.check_weights()
        place = {**vars(self.place), "rows": [list(row) for row in self.place.rows]}
        return {
            "settings": self.settings.to_dict(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state(),
            "average": None if self.average is None else self.average.weights,
            "best": self.best,
            "place": place,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.restore(state["schedule"])
        if self.average is not None:
            self.average.weights = [value.to(self.device) for value in state["average"]]
        best = state["best"]
        self.best = None if best is None else {name: value.to(self.device) for name, value in best.items()}
        place = state["place"]
        self.place = Place(**{**place, "rows": [EpochRow(*row) for row in place["rows"]]})
