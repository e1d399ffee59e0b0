"""Whether network, data and settings fit, before the first step."""

import torch
from torch import Tensor, nn

from audiofeat_nn.distributed import Group
from audiofeat_nn.training.batches import Items, feed, start_epoch, targets_of
from audiofeat_nn.training.losses import balanced_weights
from audiofeat_nn.training.settings import TrainSettings


def check_sizes(train: Items, valid: Items | None, settings: TrainSettings, group: Group) -> None:
    """Refuse data that are too few for the settings."""
    if settings.patience is not None and valid is None:
        msg = f"valid must be given for patience = {settings.patience}, got None"
        raise ValueError(msg)
    if settings.batch_size < group.size:
        msg = f"batch_size must be >= {group.size}, the number of processes, got {settings.batch_size}"
        raise ValueError(msg)
    for name, items in (("train", train), ("valid", valid)):
        if items is not None and len(items) == 0:
            msg = f"{name} must have one item at least, got none"
            raise ValueError(msg)
    if settings.drop_last and len(train) < settings.batch_size:
        msg = f"train must fill a batch of {settings.batch_size} for drop_last, got {len(train)} items"
        raise ValueError(msg)


def count_outputs(model: nn.Module, train: Items, settings: TrainSettings, device: torch.device) -> int:
    """Return the number of logits that the network gives to the first item."""
    start_epoch(train, 0)
    seeds = (settings.random_state, 0)
    source = feed(train, [[0]], group=Group(), seeds=seeds, n_classes=None, num_workers=0, device=device)
    model.eval()
    with torch.no_grad():
        shape: tuple[int, ...] = tuple(model(next(iter(source)).x).shape)
    if len(shape) != 2 or shape[0] != 1 or shape[1] < 2:
        msg = f"model must give logits (batch, n_classes) of 2 classes at least, got shape {shape} for one item"
        raise ValueError(msg)
    return shape[1]


def class_weights(train: Items, settings: TrainSettings, n_classes: int, device: torch.device) -> Tensor | None:
    """Return the weights of the classes on the device; None if all weigh the same."""
    given = settings.class_weights
    if given is None:
        return None
    if isinstance(given, str):
        return balanced_weights(targets_of(train, n_classes), n_classes).to(device)
    if len(given) != n_classes:
        msg = f"class_weights must have {n_classes} numbers, one to a class, got {len(given)}"
        raise ValueError(msg)
    return torch.tensor(given, device=device)
