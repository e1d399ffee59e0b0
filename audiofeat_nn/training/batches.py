"""Which items come when, and with which random numbers: a function of seed and epoch, of nothing that went before."""

import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from audiofeat._validation import as_count
from audiofeat_nn.distributed import Group
from audiofeat_nn.training.settings import TrainSettings

ORDER, ITEM, PASS = range(3)  # what a seed is for


class Items(Protocol):
    """What a network learns from: ``len(items)`` and ``items[i]``, an array or tensor and the number of its class.

    Three more attributes are used where an object has them: ``set_epoch(epoch)``, called before every epoch, counted
    from 0; ``targets``, the class numbers of all items, which "balanced" class weights otherwise read item by item; and
    ``batch(indices)``, which returns a tensor (n, ...) and a tensor of n class numbers at once, on any device: for
    recordings that already lie on the GPU. ``num_workers`` is then without effect.

    Items may draw from torch's global generator: it is seeded before each by the seed of the settings, the epoch and
    the item's number, so they are the same in every order, process and worker.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[Any, int]: ...


class Batch(NamedTuple):
    """Items of this process, of which `n_items` count: none, if the batch was too small for all processes."""

    x: Tensor
    target: Tensor
    n_items: int


def seed_of(*numbers: int) -> int:
    """Return a seed that hangs on all of the numbers, none of them negative."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def seed_pass(device: torch.device, *numbers: int) -> None:
    """Seed what dropout draws from."""
    seed = seed_of(PASS, *numbers)
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


def start_epoch(items: Items, epoch: int) -> None:
    """Tell the items which epoch begins, counted from 0, if they want to know."""
    tell = getattr(items, "set_epoch", None)
    if tell is not None:
        tell(epoch)


def epoch_batches(n_items: int, settings: TrainSettings, *, epoch: int) -> list[list[int]]:
    """Return the batches of an epoch in their order, each item once.

    What is left at the end is a batch of its own, or dropped. A single item left over joins the batch before: batch
    normalisation cannot train on one.
    """
    generator = torch.Generator().manual_seed(seed_of(ORDER, settings.random_state, epoch))
    order = torch.randperm(n_items, generator=generator).tolist()
    batch_size = settings.batch_size
    batches = [order[start : start + batch_size] for start in range(0, n_items, batch_size)]
    if settings.drop_last and len(batches[-1]) < batch_size:
        batches.pop()
    elif len(batches) > 1 and len(batches[-1]) == 1 < batch_size:
        last = batches.pop()
        batches[-1] += last
    return batches


def feed(
    items: Items,
    batches: Sequence[list[int]],
    *,
    group: Group,
    seeds: tuple[int, ...],
    n_classes: int | None,
    num_workers: int,
    device: torch.device,
) -> Iterator[Batch]:
    """Yield this process's part of every batch, on the device; `seeds` are those of settings and epoch."""
    shares = [group.share(batch) for batch in batches]
    counts = [len(share) for share in shares]
    shares = [share or batch[:1] for share, batch in zip(shares, batches, strict=True)]  # all must take part
    whole = getattr(items, "batch", None)
    if whole is None:
        source = _load(_Seeded(items, seeds, n_classes), shares, num_workers, pinned=device.type == "cuda")
    else:
        source = _take(whole, shares, seeds)
    for count, (x, target) in zip(counts, source, strict=True):
        x = x.float() if x.dtype == torch.float64 else x
        yield Batch(x.to(device, non_blocking=True), target.to(device, non_blocking=True), count)


def _take(
    whole: Callable[[list[int]], tuple[Any, Any]], shares: Sequence[list[int]], seeds: tuple[int, ...]
) -> Iterator[tuple[Tensor, Tensor]]:
    for share in shares:
        torch.default_generator.manual_seed(seed_of(ITEM, *seeds, share[0]))
        x, target = whole(share)
        yield torch.as_tensor(x), torch.as_tensor(target).long()


def _load(
    items: "_Seeded", shares: Sequence[list[int]], num_workers: int, *, pinned: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    loader: DataLoader[Any] = DataLoader(
        items,  # type: ignore[arg-type]
        batch_sampler=shares,
        num_workers=num_workers,
        pin_memory=pinned,
        generator=torch.Generator(),  # or it would draw from the global one
        worker_init_fn=_leave_interrupts_to_the_main_process,
    )
    yield from loader


class _Seeded:
    """Items, each read after the seeding that is its own."""

    def __init__(self, items: Items, seeds: tuple[int, ...], n_classes: int | None) -> None:
        self.items, self.seeds = items, seeds
        self.highest = None if n_classes is None else n_classes - 1

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        torch.default_generator.manual_seed(seed_of(ITEM, *self.seeds, index))
        x, target = self.items[index]
        return x, as_count(target, f"class of item {index}", low=0, high=self.highest)


def _leave_interrupts_to_the_main_process(_: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def targets_of(items: Items, n_classes: int) -> list[int]:
    """Return the class numbers of all items."""
    known = getattr(items, "targets", None)
    found = [items[i][1] for i in range(len(items))] if known is None else list(known)
    return [as_count(number, f"class of item {i}", low=0, high=n_classes - 1) for i, number in enumerate(found)]
