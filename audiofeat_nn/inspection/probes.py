"""What the layers of a network respond to: clicks at other tempi or other times, tones of other pitch."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import nn

from audiofeat import FrontEnd, synth
from audiofeat._validation import as_number
from audiofeat_nn.exporting import n_samples_for
from audiofeat_nn.inspection.maps import activation_maps
from audiofeat_nn.registry import NetworkRecipe, check_front_end

Array = NDArray[Any]

TEMPI = (90.0, 120.0, 150.0, 180.0, 210.0)  # at which two seconds hold some clicks
PITCHES = (220.0, 277.2, 349.2, 440.0, 554.4)  # thirds apart
N_HARMONICS = 8
N_SHIFTS = 5


class LayerChange(NamedTuple):
    """How much the output of a layer changes with each property of the sound, 0 for not at all.

    Attributes
    ----------
    name : str
        The layer; ``"logits"`` is the network.
    tempo : float
        Between clicks at other tempi.
    shift : float
        Between clicks of one tempo that come earlier or later.
    pitch : float
        Between harmonic tones of other pitch.

    Examples
    --------
    >>> from audiofeat_nn.inspection import LayerChange
    >>> LayerChange("pool1", 0.5, 0.5, 0.0).tempo
    0.5
    """

    name: str
    tempo: float
    shift: float
    pitch: float


class InvarianceProbe(NamedTuple):
    """What `invariance_probe` returns; printed, it is a table.

    Attributes
    ----------
    tempi, pitches : tuple of float
        Beats per minute of the clicks, and Hz of the tones.
    shifts : tuple of float
        Seconds by which the clicks were late.
    layers : tuple of LayerChange
        Layers in the order in which they run, the logits last.

    Examples
    --------
    >>> from audiofeat_nn.inspection import InvarianceProbe, LayerChange
    >>> print(InvarianceProbe((90.0, 120.0), (220.0, 440.0), (0.0, 0.1), (LayerChange("pool1", 0.5, 0.25, 0.0),)))
    layer  tempo  shift  pitch
    pool1  0.500  0.250  0.000
    """

    tempi: tuple[float, ...]
    pitches: tuple[float, ...]
    shifts: tuple[float, ...]
    layers: tuple[LayerChange, ...]

    def __str__(self) -> str:
        width = max(5, *(len(layer.name) for layer in self.layers))
        lines = [f"{each.name:<{width}}  {each.tempo:.3f}  {each.shift:.3f}  {each.pitch:.3f}" for each in self.layers]
        return "\n".join([f"{'layer':<{width}}  tempo  shift  pitch", *lines])


def invariance_probe(
    model: nn.Module,
    *,
    front_end: FrontEnd | None = None,
    tempi: Sequence[float] = TEMPI,
    pitches: Sequence[float] = PITCHES,
) -> InvarianceProbe:
    r"""Measure how the layers of a network respond to tempo, to when events are, and to pitch.

    Three series of sounds go through the front end and the network: clicks at each of `tempi`, clicks at the middle
    tempo of which the first comes later and later within a beat, and steady harmonic tones at each of `pitches`. The
    input of a series is standardised by one mean and deviation.

    Parameters
    ----------
    model : torch.nn.Module
        A network of `audiofeat_nn.create_model`.
    front_end : FrontEnd or None
        What makes its input; None takes that of the network.
    tempi : sequence of float
        Two or more, in beats per minute.
    pitches : sequence of float
        Two or more fundamentals in Hz; harmonics fall off as ``1 / h``, those above half the rate are left out.

    Returns
    -------
    InvarianceProbe
        A row for each layer with maps or a sequence, and for the logits.

    Raises
    ------
    TypeError
        If the model was not made by `create_model`.
    ValueError
        If the network reads samples, the front end does not go with it, there are fewer than two tempi or pitches,
        or one is out of range.

    Notes
    -----
    With :math:`r_i` what a layer gives for sound :math:`i` of a series and :math:`\bar r` their mean, the change is

    .. math:: \sqrt{\sum_i \lVert r_i - \bar r \rVert^2 / \sum_i \lVert r_i \rVert^2},

    0 for responses that are equal, and at most 1. Filters along time with the maximum over all bands change with
    tempo and little with pitch; filters along frequency with the maximum over all frames change with pitch and
    little with tempo or when a click comes [1]_: what is left is where clicks fall between frames.

    References
    ----------
    .. [1] J. Pons, T. Lidy and X. Serra, "Experimenting with musically motivated convolutional neural networks", CBMI
       2016, sections II and IV.

    Examples
    --------
    >>> from audiofeat_nn import create_model
    >>> from audiofeat_nn.inspection import invariance_probe
    >>> rows = {layer.name: layer for layer in invariance_probe(create_model("frequency", n_classes=8)).layers}
    >>> rows["pool1"].pitch > 3 * rows["pool1"].tempo
    True
    """
    recipe = getattr(model, "recipe", None)
    if not isinstance(recipe, NetworkRecipe):
        msg = f"model must be made by create_model, got {type(model).__name__}"
        raise TypeError(msg)
    front_end = recipe.front_end if front_end is None else front_end
    if front_end is None:
        msg = f"model must read features, {recipe.name} reads samples"
        raise ValueError(msg)
    check_front_end(model, front_end)
    sr = front_end.sr
    beats = _numbers(tempi, "tempi", high=60.0 * sr)
    tones = _numbers(pitches, "pitches", high=sr / 2)
    n_samples = n_samples_for(front_end, recipe.n_frames)
    middle = 60.0 / sorted(beats)[len(beats) // 2]
    shifts = tuple(middle * i / N_SHIFTS for i in range(N_SHIFTS))
    series = [
        [_clicks(60.0 / tempo, 0.0, n_samples, sr) for tempo in beats],
        [_clicks(middle, shift, n_samples, sr) for shift in shifts],
        [_harmonic(pitch, n_samples, sr) for pitch in tones],
    ]
    inputs = [_standardized(front_end(np.array(sounds, np.float32)))[:, None] for sounds in series]
    x = np.concatenate(inputs)
    maps = activation_maps(model, x)
    maps["logits"] = activation_maps(nn.Sequential(model), x, layer="0")["0"]
    ends = np.cumsum([len(sounds) for sounds in series])[:-1]
    layers = [LayerChange(name, *map(_change, np.split(found, ends))) for name, found in maps.items()]
    return InvarianceProbe(beats, tones, shifts, tuple(layers))


def _standardized(x: Array) -> Array:
    x = x - x.mean()
    return x / (x.std() or 1.0)


def _change(responses: Array) -> float:
    """Return the share of the responses' energy that is not in their mean."""
    flat = responses.reshape(len(responses), -1).astype(np.float64)
    energy = float((flat**2).sum())
    return float(np.sqrt(((flat - flat.mean(axis=0)) ** 2).sum() / energy)) if energy else 0.0


def _numbers(values: Sequence[float], name: str, *, high: float) -> tuple[float, ...]:
    numbers = tuple(as_number(value, name, low=0.0, high=high, open_low=True) for value in values)
    if len(numbers) < 2:
        msg = f"{name} must be 2 or more, got {len(numbers)}"
        raise ValueError(msg)
    return numbers


def _clicks(period: float, late: float, n_samples: int, sr: float) -> Array:
    duration = n_samples / sr
    times = np.arange(late, duration - 0.5 / sr, period)
    return synth.clicks(times, sr=sr, duration=duration)


def _harmonic(pitch: float, n_samples: int, sr: float) -> Array:
    t = np.arange(n_samples) / sr
    harmonics = [h for h in range(1, N_HARMONICS + 1) if h * pitch <= sr / 2]
    y: Array = 0.1 * sum((np.cos(2 * np.pi * h * pitch * t) / h for h in harmonics), np.zeros(n_samples))
    return y
