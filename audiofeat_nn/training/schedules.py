"""Learning rates by name: most are a function of the step, two look at how the training goes."""

import math
from collections.abc import Mapping
from typing import Any

from audiofeat._validation import as_choice, as_count, as_number

# Options of every schedule with their defaults; None is worked out from the other settings.
OPTIONS: dict[str, dict[str, float | None]] = {
    "constant": {},
    "halve-when-stuck": {"factor": 0.5, "wait": 40},
    "plateau": {"factor": 0.1, "wait": 10, "min_delta": 1e-4, "lowest": 0.0},
    "per-step-decay": {"decay": None},
    "cyclic": {"low": 0.25, "steps_up": 2000, "steps_down": None, "shrink": 1.0, "least_momentum": None},
    "one-cycle": {"rise": 0.3, "start_divisor": 25.0, "end_divisor": 1e4, "least_momentum": None},
    "cosine": {"warmup": 0, "low": 0.0},
}
COUNTS = {"wait": 1, "steps_up": 1, "steps_down": 1, "warmup": 0}
# lowest value, highest value, and whether the lowest is excluded
RANGES: dict[str, tuple[float, float, bool]] = {
    "factor": (0.0, 1.0, True),
    "min_delta": (0.0, math.inf, False),
    "lowest": (0.0, math.inf, False),
    "decay": (0.0, math.inf, False),
    "low": (0.0, 1.0, False),
    "shrink": (0.0, 1.0, True),
    "rise": (0.0, 1.0, True),
    "start_divisor": (1.0, math.inf, False),
    "end_divisor": (1.0, math.inf, False),
    "least_momentum": (0.0, 1.0 - 1e-9, False),
}


def checked_options(name: object, options: Any) -> dict[str, float]:
    """Return the options of a schedule, each of its type, after a check of names and ranges."""
    schedule = as_choice(name, "schedule", OPTIONS)
    if not isinstance(options, Mapping):
        msg = f"schedule_options must be a mapping of names to numbers, got {options!r}"
        raise TypeError(msg)
    found: dict[str, float] = {}
    for key, value in options.items():
        if key not in OPTIONS[schedule]:
            known = ", ".join(OPTIONS[schedule]) or "none"
            msg = f"schedule_options of {schedule!r} are {known}, got {key!r}"
            raise ValueError(msg)
        where = f"schedule_options[{key!r}]"
        if key in COUNTS:
            found[key] = as_count(value, where, low=COUNTS[key])
        else:
            low, high, open_low = RANGES[key]
            found[key] = as_number(value, where, low=low, high=high, open_low=open_low)
    return found


class Schedule:
    r"""The learning rate at every step.

    With the rate :math:`\eta` of the settings, :math:`t` the steps done, :math:`T` all steps of the training:

    ``"constant"``
        :math:`\eta`.
    ``"halve-when-stuck"`` (`factor` = 0.5, `wait` = 40)
        :math:`\eta`, times `factor` whenever the training loss has not come below its lowest for `wait` epochs, counted
        anew after that [1]_.
    ``"plateau"`` (`factor` = 0.1, `wait` = 10, `min_delta` = 1e-4, `lowest` = 0)
        The same for the monitored score of the validation, which must be better by more than `min_delta`, an absolute
        number as in Keras; never below `lowest`. torch counts one epoch more: its ``patience`` is `wait` - 1.
    ``"per-step-decay"`` (`decay` = :math:`\eta` / epochs)
        :math:`\eta / (1 + decay \cdot t)`: Keras's old argument ``decay`` [2]_.
    ``"cyclic"`` (`low` = 0.25, `steps_up` = 2000, `steps_down` = `steps_up`, `shrink` = 1)
        A triangle from `low` :math:`\eta` to :math:`\eta` and back; every cycle is `shrink` times as high as the one
        before: 0.5 gives what is called triangular2 [3]_.
    ``"one-cycle"`` (`rise` = 0.3, `start_divisor` = 25, `end_divisor` = 1e4)
        From :math:`\eta` / `start_divisor` up to :math:`\eta` in the first `rise` of all steps, then down to
        `end_divisor` below the start, both along half a cosine [4]_.
    ``"cosine"`` (`warmup` = 0, `low` = 0)
        A straight line from 0 to :math:`\eta` over `warmup` steps, then half a cosine down to `low` :math:`\eta`.

    With ``least_momentum``, an option of the two cycles, the optimiser's momentum moves against the rate: down to that
    where the rate is highest, and back. It is ``beta_1`` of Adam.

    Parameters
    ----------
    name : str
        One of those above.
    options : mapping of str to float
        Numbers that are not at their default.
    lr : float
        The rate :math:`\eta`.
    max_epochs : int
        Epochs of the training.
    epoch_steps : int
        Steps of an epoch.

    References
    ----------
    .. [1] J. Pons, T. Lidy, X. Serra, "Experimenting with musically motivated convolutional neural networks", CBMI
       2016.
    .. [2] The training of KTH's genre networks on FMA, 2020.
    .. [3] L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017.
    .. [4] L. N. Smith, N. Topin, "Super-convergence", 2017, arXiv:1708.07120.

    Examples
    --------
    >>> from audiofeat_nn.training import Schedule
    >>> schedule = Schedule("per-step-decay", {"decay": 0.5}, lr=1.0, max_epochs=1, epoch_steps=3)
    >>> [schedule.rate(step) for step in (0, 2)]
    [1.0, 0.5]
    """

    def __init__(
        self, name: str, options: Mapping[str, float], *, lr: float, max_epochs: int, epoch_steps: int
    ) -> None:
        given = checked_options(name, options)
        self.name, self.lr = name, lr
        self.n_steps = max_epochs * epoch_steps
        self.options = {key: value for key, value in {**OPTIONS[name], **given}.items() if value is not None}
        if name == "per-step-decay":
            self.options.setdefault("decay", lr / max_epochs)
        if name == "cyclic":
            self.options.setdefault("steps_down", self.options["steps_up"])
        if name == "cosine" and self.options["warmup"] >= self.n_steps:
            msg = f"schedule_options['warmup'] must be < {self.n_steps}, all steps, got {self.options['warmup']}"
            raise ValueError(msg)
        self.scale, self.best, self.waited = 1.0, math.inf, 0

    def rate(self, step: int) -> float:
        """Return the rate of the step after `step` steps.

        Parameters
        ----------
        step : int
            Steps done since the start of the training.

        Returns
        -------
        float
            The learning rate.
        """
        o, lr = self.options, self.lr
        if self.name == "per-step-decay":
            return lr / (1.0 + o["decay"] * step)
        if self.name == "cyclic":
            return float(lr * (o["low"] + (1.0 - o["low"]) * self._height(step)))
        if self.name == "one-cycle":
            start = lr / o["start_divisor"]
            low = start if step <= self._top else start / o["end_divisor"]
            return low + (lr - low) * self._height(step)
        if self.name == "cosine":
            if step < o["warmup"]:
                return lr * (step + 1) / (o["warmup"] + 1)
            return _cosine(lr, lr * o["low"], (step - o["warmup"]) / (self.n_steps - o["warmup"]))
        return max(lr * self.scale, min(lr, o.get("lowest", 0.0)))

    def momentum(self, step: int, greatest: float) -> float:
        """Return the momentum of the step after `step` steps.

        Parameters
        ----------
        step : int
            Steps done since the start of the training.
        greatest : float
            The momentum of the optimiser.

        Returns
        -------
        float
            The same, unless a cycle has a ``least_momentum``.
        """
        least = self.options.get("least_momentum")
        return greatest if least is None else greatest + (least - greatest) * self._height(step)

    @property
    def _top(self) -> float:
        """Of one cycle: the step with the highest rate."""
        return max(self.options["rise"] * self.n_steps - 1.0, 0.0)

    def _height(self, step: int) -> float:
        """How far up a cycle is, from 0 to 1."""
        o = self.options
        if self.name == "cyclic":
            period = o["steps_up"] + o["steps_down"]
            cycle, at = divmod(step, period)
            height = at / o["steps_up"] if at <= o["steps_up"] else (period - at) / o["steps_down"]
            return float(height * o["shrink"] ** cycle)
        if step <= self._top:
            return _cosine(0.0, 1.0, step / self._top if self._top > 0.0 else 1.0)
        return _cosine(1.0, 0.0, (step - self._top) / (self.n_steps - 1.0 - self._top))

    def end_epoch(self, *, train_loss: float, valid_badness: float) -> None:
        """Look at the epoch that has ended.

        Parameters
        ----------
        train_loss : float
            Mean loss of the training data.
        valid_badness : float
            The monitored score, negated where more is better.
        """
        if self.name not in ("halve-when-stuck", "plateau"):
            return
        seen = train_loss if self.name == "halve-when-stuck" else valid_badness
        if seen < self.best - self.options.get("min_delta", 0.0):
            self.best, self.waited = seen, 0
            return
        self.waited += 1
        if self.waited >= self.options["wait"]:
            self.scale, self.waited = self.scale * self.options["factor"], 0

    def state(self) -> dict[str, float]:
        """Return what `end_epoch` has changed.

        Returns
        -------
        dict
            Numbers by name.
        """
        return {"scale": self.scale, "best": self.best, "waited": self.waited}

    def restore(self, state: Mapping[str, float]) -> None:
        """Take over what `state` returned.

        Parameters
        ----------
        state : mapping
            Numbers by name.
        """
        self.scale, self.best, self.waited = state["scale"], state["best"], int(state["waited"])


def _cosine(first: float, last: float, share: float) -> float:
    """Half a cosine from `first` at share 0 to `last` at share 1."""
    return last + (first - last) * (1.0 + math.cos(math.pi * min(share, 1.0))) / 2.0
