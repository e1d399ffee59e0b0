"""Training: settings, the loop, and what it is made of."""

from audiofeat_nn.training.batches import Items
from audiofeat_nn.training.history import EpochRow, plot_history, read_history, write_history
from audiofeat_nn.training.loop import TrainResult, fit
from audiofeat_nn.training.losses import balanced_weights, loss_sums
from audiofeat_nn.training.optimizers import MovingAverage, make_optimizer
from audiofeat_nn.training.run import TrainingError
from audiofeat_nn.training.schedules import Schedule
from audiofeat_nn.training.settings import TrainSettings

__all__ = [
    "EpochRow",
    "Items",
    "MovingAverage",
    "Schedule",
    "TrainResult",
    "TrainSettings",
    "TrainingError",
    "balanced_weights",
    "fit",
    "loss_sums",
    "make_optimizer",
    "plot_history",
    "read_history",
    "write_history",
]
