"""Optimisers of torch by name, with torch's constants or Keras's."""

from collections.abc import Iterable

import torch
from torch import nn

from audiofeat_nn.training.settings import TrainSettings


def make_optimizer(parameters: Iterable[nn.Parameter], settings: TrainSettings) -> torch.optim.Optimizer:
    r"""Return the optimiser that settings name.

    =============  ==================================  ==================================
    name           constants="torch"                   constants="keras"
    =============  ==================================  ==================================
    sgd            the same with both: no constants
    momentum       the same with both: `momentum`
    nesterov       the same with both: `momentum`
    rmsprop        alpha 0.99, eps 1e-8                alpha 0.9, eps 1e-7
    adam, adamw    betas 0.9 and 0.999, eps 1e-8       betas 0.9 and 0.999, eps 1e-7
    =============  ==================================  ==================================

    The formulas are torch's with both. They differ from Keras's in three places, none of which matters once gradients
    are well above 1e-7: Keras 3 takes eps of "rmsprop" under the root, :math:`g / \sqrt{v + \epsilon}`, where torch
    has :math:`g / (\sqrt{v} + \epsilon)`; Keras adds eps of "adam" before the correction of the second moment,
    :math:`\sqrt{v} + \epsilon`, torch after it, :math:`\sqrt{v / (1 - \beta_2^t)} + \epsilon`; and Keras's momentum
    adds up steps, torch's gradients, which is the same as long as the rate does not change.

    Parameters
    ----------
    parameters : iterable of torch.nn.Parameter
        Those that ask for no gradient are left out.
    settings : TrainSettings
        Of which `optimizer`, `constants`, `lr`, `momentum` and `weight_decay` are read.

    Returns
    -------
    torch.optim.Optimizer
        The optimiser.

    Raises
    ------
    ValueError
        If no parameter asks for a gradient.

    Examples
    --------
    >>> from torch import nn
    >>> from audiofeat_nn.training import TrainSettings, make_optimizer
    >>> optimizer = make_optimizer(nn.Linear(2, 1).parameters(), TrainSettings(optimizer="rmsprop", constants="keras"))
    >>> optimizer.defaults["alpha"], optimizer.defaults["eps"]
    (0.9, 1e-07)
    """
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    if not trained:
        msg = "parameters must hold one to train at least, got none that asks for a gradient"
        raise ValueError(msg)
    lr, decay, name = settings.lr, settings.weight_decay, settings.optimizer
    keras = settings.constants == "keras"
    eps = 1e-7 if keras else 1e-8
    if name == "rmsprop":
        return torch.optim.RMSprop(trained, lr=lr, alpha=0.9 if keras else 0.99, eps=eps, weight_decay=decay)
    if name == "adam":
        return torch.optim.Adam(trained, lr=lr, eps=eps, weight_decay=decay)
    if name == "adamw":
        return torch.optim.AdamW(trained, lr=lr, eps=eps, weight_decay=decay)
    momentum = 0.0 if name == "sgd" else settings.momentum
    nesterov = name == "nesterov" and momentum > 0.0  # with 0 it is plain descent, which torch wants said so
    return torch.optim.SGD(trained, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=decay)


def momentum_of(optimizer: torch.optim.Optimizer) -> float:
    """Return the momentum of an optimiser as it was made, ``beta_1`` of Adam; 0 if it has none."""
    defaults = optimizer.defaults
    return float(defaults["betas"][0] if "betas" in defaults else defaults.get("momentum", 0.0))


def set_momentum(optimizer: torch.optim.Optimizer, momentum: float) -> None:
    """Give an optimiser that has a momentum another."""
    for group in optimizer.param_groups:
        if "betas" in group:
            group["betas"] = (momentum, group["betas"][1])
        elif group.get("momentum"):
            group["momentum"] = momentum


class MovingAverage:
    r"""A moving average of a network's weights, :math:`e \leftarrow d e + (1 - d) w` after every step.

    It starts at the weights as they are. Moving statistics of batch normalisation are averages already: the network's
    own are used with the average's weights.

    Parameters
    ----------
    model : torch.nn.Module
        The network, whose weights are then followed.
    decay : float
        Share :math:`d` in [0, 1) of the past.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from audiofeat_nn.training import MovingAverage
    >>> model = nn.Linear(1, 1, bias=False)
    >>> average = MovingAverage(model, 0.75)
    >>> start = model.weight.item()
    >>> _ = model.weight.data.add_(1.0)
    >>> average.update()
    >>> round(average.weights[0].item() - start, 4)
    0.25
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.followed = list(model.parameters())
        self.weights = [parameter.detach().clone() for parameter in self.followed]

    @torch.no_grad()
    def update(self) -> None:
        """Let the average follow the weights by one step."""
        for mean, weight in zip(self.weights, self.followed, strict=True):
            mean.lerp_(weight, 1.0 - self.decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the network's weights and the average's; a second call puts them back."""
        for mean, weight in zip(self.weights, self.followed, strict=True):
            kept = weight.clone()
            weight.copy_(mean)
            mean.copy_(kept)
