"""`TrainSettings`: everything that the weights of a training depend on, beside network and data."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from audiofeat._validation import as_choice, as_count, as_number
from audiofeat_nn.training.schedules import checked_options

LOSSES = ("cross_entropy", "softmax_bce")
OPTIMIZERS = ("adam", "adamw", "momentum", "nesterov", "rmsprop", "sgd")
BELOW_ONE = 1.0 - 2.0**-53  # the largest float below 1
MAX_SEED = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How a network is trained.

    The defaults are no paper's; those of the papers are in the recipes.

    Attributes
    ----------
    loss : {"cross_entropy", "softmax_bce"}
        See `loss_sums`.
    class_weights : None, "balanced" or sequence of float
        Factor of an item's loss by its class, all above 0; "balanced" takes
        ``n_items / (n_present_classes * n_items_of_class)`` of the training data.
    optimizer : {"sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"}
        See `make_optimizer`.
    constants : {"torch", "keras"}
        Whose constants the optimiser has, where they differ.
    lr : float
        Learning rate, above 0; what it means to a schedule is said at `Schedule`.
    momentum : float
        In [0, 1), for "momentum" and "nesterov".
    weight_decay : float
        At least 0: decoupled from the gradient in "adamw", added to it as ``weight_decay * weight`` in the others.
    schedule : str
        Name of a schedule, see `Schedule`.
    schedule_options : mapping of str to float
        Numbers of the schedule that are not at their default.
    clip_norm : float or None
        Largest Euclidean norm of the gradient of all weights together.
    accumulate : int
        Batches whose gradients make one step: as one batch that many times as large, but for batch normalisation.
    precision : {"float32", "bfloat16"}
        Of the network's pass; weights, loss and optimiser are float32 with both.
    ema : float or None
        Decay in [0, 1) of a moving average of the weights, which is then what is validated and kept.
    batch_size : int
        Items of a batch; of all processes together in a distributed training.
    drop_last : bool
        Leave out the batch that the end of an epoch cuts short.
    max_epochs : int
        Passes over the training data.
    patience : int or None
        Stop after that many epochs without a better score.
    min_delta : float
        By how much a score must be better, absolutely, to count as better.
    monitor : {"accuracy", "loss"}
        Which of the validation's scores is meant. Strictly better counts, so of equal epochs the first is kept.
    deterministic : bool
        Let torch use deterministic algorithms only, and refuse where there is none. On a GPU some need the environment
        variable ``CUBLAS_WORKSPACE_CONFIG``, as torch's message says. Processors differ in their last bits anyway.
    random_state : int
        Seed of the order of items, of augmentation and of dropout, at least 0.

    Examples
    --------
    >>> from audiofeat_nn.training import TrainSettings
    >>> settings = TrainSettings(optimizer="rmsprop", constants="keras", lr=5e-4, schedule="plateau")
    >>> TrainSettings.from_dict(settings.to_dict()) == settings
    True
    """

    loss: str = "cross_entropy"
    class_weights: str | tuple[float, ...] | None = None
    optimizer: str = "adam"
    constants: str = "torch"
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "constant"
    schedule_options: Mapping[str, float] = field(default_factory=dict, hash=False)
    clip_norm: float | None = None
    accumulate: int = 1
    precision: str = "float32"
    ema: float | None = None
    batch_size: int = 32
    drop_last: bool = False
    max_epochs: int = 30
    patience: int | None = None
    min_delta: float = 0.0
    monitor: str = "accuracy"
    deterministic: bool = False
    random_state: int = 0

    def __post_init__(self) -> None:
        """Check every field and give it its type."""
        put = object.__setattr__  # the class is frozen for everybody else
        for name, words in WORDS.items():
            as_choice(getattr(self, name), name, words)
        for name in ("accumulate", "batch_size", "max_epochs"):
            put(self, name, as_count(getattr(self, name), name))
        put(self, "random_state", as_count(self.random_state, "random_state", low=0, high=MAX_SEED))
        put(self, "lr", as_number(self.lr, "lr", low=0.0, open_low=True))
        put(self, "momentum", as_number(self.momentum, "momentum", low=0.0, high=BELOW_ONE))
        for name in ("weight_decay", "min_delta"):
            put(self, name, as_number(getattr(self, name), name, low=0.0))
        if self.patience is not None:
            put(self, "patience", as_count(self.patience, "patience"))
        if self.clip_norm is not None:
            put(self, "clip_norm", as_number(self.clip_norm, "clip_norm", low=0.0, open_low=True))
        if self.ema is not None:
            put(self, "ema", as_number(self.ema, "ema", low=0.0, high=BELOW_ONE))
        for name in ("deterministic", "drop_last"):
            if not isinstance(getattr(self, name), bool):
                msg = f"{name} must be True or False, got {getattr(self, name)!r}"
                raise TypeError(msg)
        put(self, "class_weights", _weights(self.class_weights))
        put(self, "schedule_options", checked_options(self.schedule, self.schedule_options))
        if "least_momentum" in self.schedule_options and self.optimizer in ("sgd", "rmsprop"):
            msg = f"schedule_options['least_momentum'] needs an optimizer with momentum, got {self.optimizer!r}"
            raise ValueError(msg)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON and TOML can hold them: those that are None are left out.

        Returns
        -------
        dict
            Fields by name.
        """
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        told = {name: value for name, value in values.items() if value is not None}
        told["schedule_options"] = dict(self.schedule_options)
        if isinstance(self.class_weights, tuple):
            told["class_weights"] = list(self.class_weights)
        return told

    @classmethod
    def from_dict(cls, spec: Mapping[str, Any]) -> Self:
        """Make settings from what `to_dict` returned.

        Parameters
        ----------
        spec : mapping
            Fields by name; those that are missing have their default.

        Returns
        -------
        TrainSettings
            The settings.

        Raises
        ------
        ValueError
            If a name is no field, or a value is none of its field's.
        """
        unknown = sorted(set(spec) - {each.name for each in fields(cls)})
        if unknown:
            msg = f"settings have no field {', '.join(unknown)}"
            raise ValueError(msg)
        return cls(**spec)


WORDS = {
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "constants": ("keras", "torch"),
    "precision": ("bfloat16", "float32"),
    "monitor": ("accuracy", "loss"),
}


def _weights(value: Any) -> str | tuple[float, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return as_choice(value, "class_weights", ("balanced",))
    try:
        numbers = list(value)
    except TypeError as error:
        msg = f"class_weights must be None, 'balanced' or a sequence of numbers, got {value!r}"
        raise TypeError(msg) from error
    return tuple(as_number(number, f"class_weights[{i}]", low=0.0, open_low=True) for i, number in enumerate(numbers))
