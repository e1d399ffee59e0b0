"""From items and parameters to a network and what it reads."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import joblib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from audiofeat import AudioClip, FrontEnd, augment, preset
from audiofeat._validation import PCM, Float, as_count, as_rate, as_signal
from audiofeat_nn.data.cutting import Cutting
from audiofeat_nn.data.items import PatchDataset
from audiofeat_nn.data.normalization import Normalization
from audiofeat_nn.data.sources import FILES, Front, SampleBlocks, maps_of
from audiofeat_nn.registry import create_model, model_options
from audiofeat_nn.training import TrainSettings

NORMALIZATIONS = ("all", "band", "leaky", "none")
OWN = ("batch_size", "class_weights", "lr", "max_epochs", "patience")  # settings that are parameters by themselves
SIZES = ("n_bands", "n_frames")


class Input(NamedTuple):
    """What a network reads."""

    front_end: Front | None
    n_bands: int
    n_frames: int
    cutting: Cutting

    def continued(self, model: nn.Module, before: "Input") -> nn.Module:
        """Return a copy of a network that was fitted to such input before."""
        if self != before:
            msg = f"input must be that of the earlier fit, {before}, with warm_start, got {self}"
            raise ValueError(msg)
        return copy.deepcopy(model)


class Network(NamedTuple):
    """The parameters of a classifier that say which network it is, and what it reads."""

    model: str | Callable[..., nn.Module]
    frontend: FrontEnd | str | None
    model_options: Mapping[str, Any] | None
    n_frames: int | None
    sr: float | None
    rows: str
    cutting: Cutting

    def known(self) -> dict[str, Any]:
        """Return the options with their defaults."""
        return {} if not isinstance(self.model, str) else model_options(self.model)

    def given(self) -> dict[str, Any]:
        """Return the options that were given, without the size of the input."""
        return {key: value for key, value in (self.model_options or {}).items() if key not in SIZES}

    def bands_of_rows(self, n_columns: int) -> int:
        """Return the number of bands that a row of a table holds."""
        wanted = dict(self.model_options or {}).get("n_bands")
        if wanted is None and isinstance(self.frontend, FrontEnd | str):
            wanted = front_end_named(self.frontend).n_bands
        if wanted is None:
            wanted = self.known().get("n_bands", n_columns)
        n_bands = as_count(wanted, "n_bands")
        if n_columns % n_bands:
            msg = f"n_features = {n_columns} of X must be a multiple of n_bands = {n_bands}, the rows being features"
            raise ValueError(msg)
        return n_bands


def front_end_named(value: FrontEnd | str) -> FrontEnd:
    """Return a front end, also by the name of a preset."""
    return preset(value) if isinstance(value, str) else value


def items_of_rows(table: NDArray[Any], wanted: Network) -> list[Float]:
    """Return the rows of a checked table as signals or features."""
    pcm = wanted.rows == "signals" and table.dtype.name in PCM
    if table.dtype.kind != "f" and not pcm:
        table = table.astype(np.float64)
    rows = as_signal(table, name="X", ndim=2, finite=False)  # as they are already
    if wanted.rows == "signals":
        return list(rows)
    return list(rows.reshape(len(rows), wanted.bands_of_rows(rows.shape[1]), -1))


def make_network(wanted: Network, items: Sequence[Any], n_classes: int, seed: int) -> tuple[nn.Module, Input]:
    """Return a new network for the items, and what it reads."""
    if "n_frames" in (wanted.model_options or {}):
        msg = "n_frames must be given as the parameter of that name, not in model_options"
        raise ValueError(msg)
    maps = [item for item in items if not _is_sound(item)]
    front_end = _front_end(wanted, sound=len(maps) < len(items))
    n_bands = maps[0].shape[-2] if front_end is None else front_end.n_bands
    odd = next((S for S in maps if S.shape[-2] != n_bands), None)
    if odd is not None:
        msg = f"features must have {n_bands} bands, got shape {odd.shape}"
        raise ValueError(msg)
    asked = dict(wanted.model_options or {}).get("n_bands", n_bands)
    if asked != n_bands:
        msg = f"n_bands of model_options must be {n_bands}, which the front end or X has, got {asked!r}"
        raise ValueError(msg)
    n_frames = wanted.known().get("n_frames") if wanted.n_frames is None else wanted.n_frames
    if n_frames is None and len(maps):
        n_frames = maps[0].shape[-1]
    if n_frames is None:
        msg = "n_frames must be given for a network that is made by a function, got None"
        raise ValueError(msg)
    read = Input(front_end, n_bands, as_count(n_frames, "n_frames"), wanted.cutting)
    sizes = {"n_bands": read.n_bands, "n_frames": read.n_frames}
    with torch.random.fork_rng(devices=[]):  # nobody else's random numbers move
        torch.manual_seed(seed)
        if isinstance(wanted.model, str):
            return create_model(wanted.model, n_classes=n_classes, **wanted.given(), **sizes), read
        return wanted.model(n_classes, **wanted.given(), **sizes), read


def _is_sound(item: Any) -> bool:
    return isinstance(item, (*FILES, AudioClip)) or item.ndim == 1


def _front_end(wanted: Network, *, sound: bool) -> Front | None:
    """Return what makes features of sound, if there is any, or if it was named."""
    if wanted.frontend is not None:
        return front_end_named(wanted.frontend)
    if not sound:
        return None
    if not isinstance(wanted.model, str):
        msg = "frontend must be given for signals and files to a network that is made by a function, got None"
        raise ValueError(msg)  # noqa: TRY004  (frontend is what is wrong)
    with torch.device("meta"):
        own = create_model(wanted.model, n_classes=2, **wanted.given()).recipe
    if own.front_end is not None:  # type: ignore[union-attr]
        return own.front_end  # type: ignore[union-attr, return-value]
    if wanted.sr is None:
        msg = f"sr must be given in Hz, as {wanted.model} reads samples, got None"
        raise ValueError(msg)
    n_bands = dict(wanted.model_options or {}).get("n_bands", wanted.known()["n_bands"])
    return SampleBlocks(as_rate(wanted.sr), n_bands)


def made_settings(parameters: Any, seed: int) -> TrainSettings:
    """Return the settings of a training."""
    others = dict(parameters.settings or {})
    twice = sorted(set(others) & {*OWN, "random_state"})
    if twice:
        msg = f"settings must leave {twice[0]} to the parameter of that name"
        raise ValueError(msg)
    return TrainSettings.from_dict(
        {**others, **{name: getattr(parameters, name) for name in OWN}, "random_state": seed}
    )


def with_variants(
    items: list[Any], numbers: NDArray[Any], which: Any, read: Input, seed: int, n_jobs: int | None
) -> tuple[list[Any], NDArray[Any]]:
    """Return training items and their variants, with their classes."""
    if not all(_is_sound(item) for item in items):
        msg = "augment must be None for features, as variants are made of signals and files"
        raise ValueError(msg)
    rate = None if read.front_end is None else read.front_end.sr
    more = augment.augmented(items, numbers, sr=rate, which=which, random_state=seed, n_jobs=n_jobs)
    return list(more.items), np.asarray(more.labels)


def compute(items: Sequence[Any], read: Input, n_jobs: int | None) -> tuple[list[Float], NDArray[np.intp]]:
    """Return the maps of all items, one after another, and whose each is."""
    # threads, unless joblib's own settings name other workers: kernels release the lock
    run = joblib.Parallel(n_jobs=n_jobs, prefer="threads")
    made = run(joblib.delayed(named)(_Maps(read), item, f"X[{i}]") for i, item in enumerate(items))
    owners = np.repeat(np.arange(len(made)), [len(maps) for maps in made]).astype(np.intp)
    return [S for maps in made for S in maps], owners


def patches_by_themselves(
    maps: Sequence[Float], numbers: NDArray[Any], read: Input
) -> tuple[list[Float], NDArray[Any]]:
    """Return every patch as a map of its own, and the number of its class."""
    cutting = read.cutting if read.cutting.clip_duration is None else Cutting()  # clips have been cut
    cut = PatchDataset(maps, numbers.tolist(), n_frames=read.n_frames, cutting=cutting)
    rows = [(maps[i] if maps[i].ndim == 2 else maps[i][k], start) for i, k, start in cut.index.tolist()]
    return [S[:, start : start + read.n_frames] for S, start in rows], np.asarray(cut.targets)


class _Maps(NamedTuple):
    read: Input

    def __call__(self, item: Any) -> list[Float]:
        read = self.read
        return maps_of(item, read.front_end, n_frames=read.n_frames, cutting=read.cutting)


def named(function: Callable[[Any], Any], item: Any, name: str) -> Any:
    """Return what a function makes of an item, or an error that says whose it is."""
    try:
        return function(item)
    except ValueError as error:
        if isinstance(item, FILES):  # whose errors have the file's name
            raise
        msg = f"{name} cannot be used: {error}"
        raise ValueError(msg) from error


def learn_normalization(how: str, maps: Sequence[Float], others: Sequence[Float]) -> Normalization | None:
    """Return mean and deviation of the training maps; of the others too, for the published leak."""
    if how == "none":
        return None
    if how == "leaky":
        return Normalization.learn([*maps, *others], per="all")
    return Normalization.learn(maps, per=how)
