"""All networks by name, each with the front end and the input of its paper."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import nn

from audiofeat import FrontEnd, preset
from audiofeat._validation import as_choice, as_count
from audiofeat_nn.attention import UBCPRCNN, UBCAttention
from audiofeat_nn.crnn import KTHCNNRNN, KTHCRNN
from audiofeat_nn.musical import BlackBox, Frequency, Time, TimeFrequency, mirex2015, time_frequency_init
from audiofeat_nn.prcnn import PRCNN, FengCNN, ParallelRecurrent
from audiofeat_nn.recurrent import GRUClassifier
from audiofeat_nn.residual import CNN3, KTHCNN
from audiofeat_nn.vision import (
    VGG,
    VGG16,
    AlexNet,
    AlexNetFeatures,
    Backbone,
    ResNet,
    ResNet34,
    ResNetFeatures,
    VGGFeatures,
)


@dataclass(frozen=True)
class NetworkRecipe:
    """What `create_model` made a network from, and what its input is.

    Attributes
    ----------
    name : str
        A name of `list_models`.
    n_classes : int
        Number of classes.
    options : dict
        Options that were given, but for trained networks.
    front_end : FrontEnd or None
        The paper's; None for a network that reads samples.
    n_bands, n_frames : int
        The input is (batch, 1, n_bands, n_frames).
    paper : str
        The paper that it is of: a name of `audiofeat_nn.list_papers`.

    Examples
    --------
    >>> from audiofeat_nn import create_model
    >>> recipe = create_model("time", n_classes=8).recipe
    >>> recipe.n_bands, recipe.n_frames, recipe.front_end.sr
    (40, 80, 44100.0)
    """

    name: str
    n_classes: int
    options: Mapping[str, Any]
    front_end: FrontEnd | None
    n_bands: int
    n_frames: int
    paper: str


@dataclass(frozen=True)
class _Entry:
    """A builder, and what makes its front end: a preset's name, or the front end, or None for samples."""

    build: Callable[..., nn.Module]
    front_end: str | Callable[[], FrontEnd] | None
    paper: str


def _mfcc() -> FrontEnd:
    return replace(preset("ucsd2020"), compression="power_db", n_mfcc=20)


def _from_branches(
    n_classes: int, *, time: Time, frequency: Frequency, n_units: int = 200, dropout: float = 0.5
) -> TimeFrequency:
    return time_frequency_init(n_classes, time=time, frequency=frequency, n_units=n_units, dropout=dropout)


def _beside(features: Callable[..., Backbone]) -> Callable[..., nn.Module]:
    """Return a builder of a picture network with the recurrent branch of `PRCNN` beside it."""

    def build(
        n_classes: int,
        *,
        n_bands: int = 513,
        n_frames: int = 128,
        fusion: str = "concat",
        n_layers: int = 1,
        reset_after: bool = True,
    ) -> nn.Module:
        backbone = features(n_bands=n_bands, n_frames=n_frames)
        return ParallelRecurrent(
            n_classes,
            backbone,
            n_bands=n_bands,
            n_frames=n_frames,
            fusion=fusion,
            n_layers=n_layers,
            reset_after=reset_after,
        )

    return build


_ENTRIES = {
    "alexnet": _Entry(AlexNet, "feng2017", "feng2017"),
    "alexnet-rnn": _Entry(_beside(AlexNetFeatures), "feng2017", "feng2017"),
    "black-box": _Entry(BlackBox, "pons2016", "pons2016"),
    "cnn-3": _Entry(CNN3, "kth2020", "kth2020"),
    "feng-cnn": _Entry(FengCNN, "feng2017", "feng2017"),
    "frequency": _Entry(Frequency, "pons2016", "pons2016"),
    "gru-mfcc": _Entry(GRUClassifier, _mfcc, "ucsd2020"),
    "gru-raw": _Entry(partial(GRUClassifier, n_bands=22050, n_frames=30), None, "ucsd2020"),
    "kth-cnn": _Entry(KTHCNN, "kth2020", "kth2020"),
    "kth-cnn-rnn": _Entry(KTHCNNRNN, "kth2020", "kth2020"),
    "kth-crnn": _Entry(KTHCRNN, "kth2020", "kth2020"),
    "mirex-2015": _Entry(mirex2015, "pons2016", "pons2016"),
    "prcnn": _Entry(PRCNN, "feng2017", "feng2017"),
    "resnet11": _Entry(partial(ResNet, depth=11), "feng2017", "feng2017"),
    "resnet11-rnn": _Entry(_beside(partial(ResNetFeatures, depth=11)), "feng2017", "feng2017"),
    "resnet34": _Entry(ResNet34, "ucsd2020", "ucsd2020"),
    "skip-gru": _Entry(partial(GRUClassifier, skip=20), _mfcc, "ucsd2020"),
    "time": _Entry(Time, "pons2016", "pons2016"),
    "time-frequency": _Entry(TimeFrequency, "pons2016", "pons2016"),
    "time-frequency-init": _Entry(_from_branches, "pons2016", "pons2016"),
    "ubc-attention": _Entry(UBCAttention, "ubc2020", "ubc2020"),
    "ubc-cnn": _Entry(partial(UBCPRCNN, n_layers=0), "ubc2020", "ubc2020"),
    "ubc-cnn-3": _Entry(partial(UBCPRCNN, n_layers=0, filters=(16, 32, 64)), "ubc2020", "ubc2020"),
    "ubc-prcnn": _Entry(UBCPRCNN, "ubc2020", "ubc2020"),
    "ubc-rnn": _Entry(partial(UBCPRCNN, filters=()), "ubc2020", "ubc2020"),
    "ubc-temporal": _Entry(partial(UBCAttention, attention="temporal"), "ubc2020", "ubc2020"),
    "vgg11": _Entry(partial(VGG, depth=11), "feng2017", "feng2017"),
    "vgg11-rnn": _Entry(_beside(partial(VGGFeatures, depth=11)), "feng2017", "feng2017"),
    "vgg16": _Entry(VGG16, "ucsd2020", "ucsd2020"),
}


def list_models() -> list[str]:
    """Return the names of all networks.

    Returns
    -------
    list of str
        In alphabetical order.

    Examples
    --------
    >>> from audiofeat_nn import list_models
    >>> [name for name in list_models() if name.startswith("kth")]
    ['kth-cnn', 'kth-cnn-rnn', 'kth-crnn']
    """
    return sorted(_ENTRIES)


def model_options(name: str) -> dict[str, Any]:
    """Return the options of a network with their defaults.

    Parameters
    ----------
    name : str
        A name of `list_models`.

    Returns
    -------
    dict
        Option -> default; `n_bands` and `n_frames`, the size of the input, are among them.

    Raises
    ------
    ValueError
        If there is no such network.

    Examples
    --------
    >>> from audiofeat_nn import model_options
    >>> model_options("time")
    {'n_bands': 40, 'n_frames': 80, 'length': 60, 'n_filters': 32, 'dropout': 0.5}
    """
    parameters = inspect.signature(_ENTRIES[as_choice(name, "name", list_models())].build).parameters
    return {key: parameter.default for key, parameter in parameters.items() if key != "n_classes"}


def create_model(name: str, *, n_classes: int, **options: Any) -> nn.Module:
    """Return a new network by name.

    Parameters
    ----------
    name : str
        A name of `list_models`.
    n_classes : int
        Number of classes: the network gives as many logits to an item.
    **options : Any
        What `model_options` lists, `n_bands` and `n_frames` for another size of input among them.

    Returns
    -------
    torch.nn.Module
        The network. Its attribute `recipe` is a `NetworkRecipe`.

    Raises
    ------
    ValueError
        If there is no such network, or an option's value is out of range.
    TypeError
        If there is no such option.

    Examples
    --------
    >>> from audiofeat_nn import count_parameters, create_model
    >>> count_parameters(create_model("kth-cnn", n_classes=8))
    1328120
    """
    known = model_options(name)
    unknown = sorted(set(options) - set(known))
    if unknown:
        msg = f"{name} has no option {unknown[0]!r}: it has {', '.join(known)}"
        raise TypeError(msg)
    missing = [key for key, default in known.items() if default is inspect.Parameter.empty and key not in options]
    if missing:
        msg = f"{name} needs the option {missing[0]!r}"
        raise TypeError(msg)
    entry = _ENTRIES[name]
    model = entry.build(as_count(n_classes, "n_classes"), **options)
    if isinstance(model, TimeFrequency) and name == "time-frequency-init":  # what another process can make again
        given = {key: value for key, value in options.items() if not isinstance(value, nn.Module)}
        kept = ("n_bands", "n_frames", "length", "height", "n_filters")
        name, options = "time-frequency", given | {key: getattr(model, key) for key in kept}
    size = {**known, **options}
    front_end = preset(entry.front_end) if isinstance(entry.front_end, str) else entry.front_end and entry.front_end()
    model.recipe = NetworkRecipe(  # type: ignore[assignment]
        name, n_classes, dict(options), front_end, int(size["n_bands"]), int(size["n_frames"]), entry.paper
    )
    return model


def check_front_end(model: nn.Module, front_end: FrontEnd) -> None:
    """Refuse a front end whose output a network cannot read, or whose sample rate is not its paper's.

    Parameters
    ----------
    model : torch.nn.Module
        A network of `create_model`.
    front_end : FrontEnd
        What its input is to come from.

    Raises
    ------
    ValueError
        If the number of bands or the sample rate differs: the message names both.
    TypeError
        If `create_model` did not make the network.

    Examples
    --------
    >>> from audiofeat import preset
    >>> from audiofeat_nn import check_front_end, create_model
    >>> check_front_end(create_model("kth-cnn", n_classes=8), preset("feng2017"))
    Traceback (most recent call last):
        ...
    ValueError: front_end gives 513 bands, kth-cnn expects 128
    """
    recipe = getattr(model, "recipe", None)
    if not isinstance(recipe, NetworkRecipe):
        msg = "model must be made by create_model"
        raise TypeError(msg)
    if recipe.front_end is None:
        msg = f"front_end must be None: {recipe.name} reads samples"
        raise ValueError(msg)
    if front_end.n_bands != recipe.n_bands:
        msg = f"front_end gives {front_end.n_bands} bands, {recipe.name} expects {recipe.n_bands}"
        raise ValueError(msg)
    if front_end.sr != recipe.front_end.sr:
        msg = f"front_end has sr {front_end.sr:g} Hz, {recipe.name} expects {recipe.front_end.sr:g} Hz"
        raise ValueError(msg)
