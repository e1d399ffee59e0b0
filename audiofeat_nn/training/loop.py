"""The training loop."""

import math
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from audiofeat._validation import as_count, as_number
from audiofeat_nn.distributed import add_up, current_group, same_everywhere, wait_for_all
from audiofeat_nn.training.batches import Items, epoch_batches, feed, seed_pass, start_epoch
from audiofeat_nn.training.checks import check_sizes, class_weights, count_outputs
from audiofeat_nn.training.history import EpochRow
from audiofeat_nn.training.keeping import Keeper, reports
from audiofeat_nn.training.losses import loss_sums
from audiofeat_nn.training.run import Run
from audiofeat_nn.training.running import kept_torch_state, put_off_interrupts
from audiofeat_nn.training.settings import TrainSettings


class TrainResult(NamedTuple):
    """What `fit` returns.

    Attributes
    ----------
    history : tuple of EpochRow
        A row for every epoch.
    best_epoch : int
        The epoch, from 1, whose weights the network now has: the last without validation data.
    best_score : float or None
        Its monitored score; None without validation data.
    n_steps : int
        Steps of the optimiser.
    stopped_early : bool
        Whether patience ended the training.

    Examples
    --------
    >>> from audiofeat_nn.training import TrainResult
    >>> TrainResult((), 3, 0.75, 120, True).best_epoch
    3
    """

    history: tuple[EpochRow, ...]
    best_epoch: int
    best_score: float | None
    n_steps: int
    stopped_early: bool


def fit(
    model: nn.Module,
    train: Items,
    valid: Items | None = None,
    *,
    settings: TrainSettings,
    device: str = "cpu",
    folder: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool | Callable[[EpochRow], object] | None = None,
    num_workers: int = 0,
    checkpoint_seconds: float | None = 60.0,
    checkpoint_steps: int | None = None,
    tensorboard: bool = False,
) -> TrainResult:
    """Train a network.

    Everything random (the order of the items, what they draw, dropout) is seeded anew by epoch, step and item, so a
    resumed training ends with the bits of one that was never interrupted, on a CPU with the same number of threads,
    and the number of workers changes nothing. torch's own generators are put back as they were.

    In several processes, see `audiofeat_nn.distributed.process_group`: all call this function alike.

    Parameters
    ----------
    model : torch.nn.Module
        Takes batches and gives logits (batch, n_classes). It is trained in place, moved to the device, and left in
        evaluation mode with the weights of the best epoch, or their moving average.
    train, valid : map-style dataset
        ``len(train)`` items ``train[i]``, an array or tensor and the number of its class. Used if they are there:
        ``set_epoch(epoch)`` before every epoch, from 0; ``targets``, the class numbers; ``batch(indices)``, many items
        at once, which may lie on the device already.
    settings : TrainSettings
        How.
    device : str
        Of torch.
    folder : str, path or None
        Made if it is not there; gets ``last.ckpt``, ``history.jsonl`` and ``history.csv``.
    resume : bool
        Go on from ``last.ckpt`` if there is one. Settings must be the same, but for `patience`, and `max_epochs` where
        the schedule does not depend on it.
    progress : None, True or callable
        True shows a bar of epochs on standard error; a function is called with every `EpochRow`.
    num_workers : int
        Processes that read items; 0 reads them in this one.
    checkpoint_seconds, checkpoint_steps : number or None
        Write a checkpoint within an epoch when so much time has passed, or so many steps of the epoch; one is written
        at the end of every epoch in any case.
    tensorboard : bool
        Write the rows for TensorBoard too, which must be installed.

    Returns
    -------
    TrainResult
        History and best epoch.

    Raises
    ------
    TrainingError
        If the loss or a weight is not finite; the message names epoch, step and learning rate. The last checkpoint
        stays as it is.
    ValueError
        If data, settings and network do not fit, or a checkpoint is damaged or of another training.
    FileExistsError
        If the folder holds a training and `resume` is False.
    KeyboardInterrupt
        After Ctrl-C, at the end of the step, when a checkpoint has been written. A second one does not wait.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.training import TrainSettings, fit
    >>> x = torch.linspace(-1, 1, 40)[:, None]
    >>> items = [(each, int(each > 0)) for each in x]
    >>> model = torch.nn.Linear(1, 2)
    >>> result = fit(model, items, items, settings=TrainSettings(lr=0.1, max_epochs=5))
    >>> result.best_score > 0.9
    True
    """
    where = torch.device(device)
    group = current_group()
    target = None if folder is None else Path(folder)
    steps = None if checkpoint_steps is None else as_count(checkpoint_steps, "checkpoint_steps")
    seconds = None if checkpoint_seconds is None else as_number(checkpoint_seconds, "checkpoint_seconds", low=0.0)
    as_count(num_workers, "num_workers", low=0)
    check_sizes(train, valid, settings, group)
    with ExitStack() as stack:
        stack.enter_context(kept_torch_state(where, deterministic=settings.deterministic))
        model.to(where)
        n_classes = count_outputs(model, train, settings, where)
        same_everywhere([*model.parameters(), *model.buffers()], group)  # before an average begins at them
        run = Run(
            model,
            settings,
            class_weights=class_weights(train, settings, n_classes, where),
            epoch_steps=math.ceil(len(epoch_batches(len(train), settings, epoch=0)) / settings.accumulate),
            device=where,
            group=group,
        )
        sizes = [len(train), 0 if valid is None else len(valid)]
        keeper = Keeper(run, target, sizes=sizes, seconds=seconds, steps=steps)
        keeper.begin(resume=resume)
        tell = stack.enter_context(reports(run, target, progress, tensorboard=tensorboard))
        keeper.interrupt = stack.enter_context(put_off_interrupts())
        place = run.place
        while place.epoch < settings.max_epochs and not _stuck(run):
            _train_epoch(run, train, keeper, n_classes, num_workers)
            tell(_end_epoch(run, valid, keeper, n_classes, num_workers))
        if run.best is not None:
            model.load_state_dict(run.best)
        model.eval()
        wait_for_all(group)  # the files are there for all, and nobody leaves in the middle of an exchange
    score = place.best_badness if settings.monitor == "loss" else -place.best_badness
    found = None if valid is None else score
    return TrainResult(tuple(place.rows), place.best_epoch, found, place.n_steps, _stuck(run))


def _train_epoch(run: Run, train: Items, keeper: Keeper, n_classes: int, num_workers: int) -> None:
    settings, place = run.settings, run.place
    start_epoch(train, place.epoch)
    batches = epoch_batches(len(train), settings, epoch=place.epoch)
    first = place.step * settings.accumulate
    source = feed(
        train,
        batches[first:],
        group=run.group,
        seeds=(settings.random_state, place.epoch),
        n_classes=n_classes,
        num_workers=num_workers,
        device=run.device,
    )
    run.model.train()
    before, start = place.seconds, time.perf_counter()
    sums: Tensor | None = None
    for number, batch in enumerate(source, first + 1):
        seed_pass(run.device, settings.random_state, place.epoch, number, run.group.rank)
        gathered = run.gather(batch)
        sums = gathered if sums is None else sums + gathered
        if number % settings.accumulate == 0 or number == len(batches):
            run.step(sums)
            sums = None
            place.seconds = before + time.perf_counter() - start
            keeper.heed()
    run.look()
    place.seconds = before + time.perf_counter() - start  # on a GPU the last steps end with the look


def _end_epoch(run: Run, valid: Items | None, keeper: Keeper, n_classes: int, num_workers: int) -> EpochRow:
    """Validate, keep what is best, and go to the next epoch."""
    place, start = run.place, time.perf_counter()
    run.check_weights()
    same_everywhere(run.model.buffers(), run.group)
    found = None if valid is None else _evaluate(run, valid, keeper, n_classes, num_workers)
    keeper.heed()
    loss, weight, hits, items = place.sums
    row = EpochRow(
        epoch=place.epoch + 1,
        step=place.n_steps,
        lr=run.schedule.rate(place.n_steps - 1),
        train_loss=loss / weight,
        train_accuracy=hits / items,
        valid_loss=None if found is None else found[0],
        valid_accuracy=None if found is None else found[1],
        seconds=place.seconds + time.perf_counter() - start,
        clips_per_second=items / max(place.seconds, 1e-9),
    )
    badness = None
    if found is not None:
        badness = -found[1] if run.settings.monitor == "accuracy" else found[0]
        badness = badness if math.isfinite(badness) else math.inf
    run.keep_if_best(badness)
    run.schedule.end_epoch(train_loss=row.train_loss, valid_badness=row.train_loss if badness is None else badness)
    place.rows.append(row)
    place.epoch, place.step, place.sums, place.seconds = place.epoch + 1, 0, [0.0] * 4, 0.0
    keeper.save(with_history=True)
    return row


@torch.no_grad()
def _evaluate(run: Run, valid: Items, keeper: Keeper, n_classes: int, num_workers: int) -> tuple[float, float]:
    """Return mean loss and accuracy of the weights in use; of a part of the data, if Ctrl-C is pressed."""
    size = run.settings.batch_size
    batches = [list(range(start, min(start + size, len(valid)))) for start in range(0, len(valid), size)]
    source = feed(
        valid,
        batches,
        group=run.group,
        seeds=(run.settings.random_state, 0),  # the same draws, should there be any, in every epoch
        n_classes=n_classes,
        num_workers=num_workers,
        device=run.device,
    )
    sums = torch.zeros(3, dtype=torch.float64, device=run.device)
    run.model.eval()
    with run.averaged_weights():
        for batch in source:
            logits = run.logits(batch)
            loss, weight = loss_sums(logits, batch.target, loss=run.settings.loss)
            hits = (logits.argmax(dim=1) == batch.target).sum()
            sums += torch.stack([loss, weight, hits]).double() * float(batch.n_items > 0)
            if keeper.interrupt.pressed and run.group.size == 1:
                break
    add_up(sums, run.group)
    loss_sum, n_items, n_hits = sums.tolist()
    return loss_sum / n_items, n_hits / n_items


def _stuck(run: Run) -> bool:
    """Whether the best epoch lies as many epochs back as patience allows."""
    patience = run.settings.patience
    return patience is not None and run.place.epoch > 0 and run.place.epoch - run.place.best_epoch >= patience
