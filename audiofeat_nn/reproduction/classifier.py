"""What a recipe describes as one classifier from paths on, network or baseline."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from torch import nn

from audiofeat import AudioClip, ClipVotingClassifier, FeatureStatistics, SegmentExcerpt, augment, baselines
from audiofeat.datasets import AudioDataset
from audiofeat_nn.estimator import NeuralClassifier
from audiofeat_nn.recipes import Recipe, load_recipe
from audiofeat_nn.registry import create_model, model_options
from audiofeat_nn.training import EpochRow, TrainSettings

Array = NDArray[Any]
NETWORK = "network.safetensors"
OWN = ("batch_size", "class_weights", "lr", "max_epochs", "patience")  # settings that the classifier has by themselves


class RecipeClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Train what a recipe says on files, and classify files.

    Parameters
    ----------
    recipe : Recipe
        What learns from what, and how.
    protocol : {"clean", "published"}
        Which of its protocols; of it, validation and normalisation matter here.
    dataset : AudioDataset or None
        Where a published validation part is found, and what a published leak leaks from.
    weights : mapping of str to str, or None
        File of trained weights by name of the network, such as ``{"vgg16": "vgg16.pth"}``, for recipes that began with
        some. Without, such a network begins at random.
    device : str
        Of torch.
    n_jobs : int or None
        Items whose features are computed at a time.
    random_state : int
        Of everything random.
    folder : str, path or None
        Trainings are kept in folders in it, one for each set of training files, and gone on with.
    progress : callable or None
        Called with a line of text after every epoch.

    Attributes
    ----------
    classes_ : ndarray
        Classes, sorted.
    network_ : NeuralClassifier
        The fitted network; not there for a baseline.
    model_ : classifier
        The network, or the fitted baseline.

    Examples
    --------
    >>> import tempfile
    >>> from audiofeat import datasets, synth
    >>> from audiofeat_nn.recipes import load_recipe
    >>> from audiofeat_nn.reproduction import RecipeClassifier
    >>> recipe = load_recipe("pons2016/t1-frequency-32", changes={"training.max_epochs": 2})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     corpus = synth.genre_corpus(4, classes=["metal", "waltz"], duration=4.0, random_state=0)
    ...     _ = synth.write_genre_corpus(folder, corpus)
    ...     files = datasets.load_folder(folder)
    ...     model = RecipeClassifier(recipe).fit(files.path.tolist(), files.label)
    ...     model.predict(files.path.tolist()).shape
    (8,)
    """

    classes_: Array
    network_: NeuralClassifier
    model_: Any

    def __init__(
        self,
        recipe: Recipe,
        *,
        protocol: str = "clean",
        dataset: AudioDataset | None = None,
        weights: Mapping[str, str] | None = None,
        device: str = "cpu",
        n_jobs: int | None = None,
        random_state: int = 0,
        folder: str | os.PathLike[str] | None = None,
        progress: Callable[[str], object] | None = None,
    ) -> None:
        self.recipe = recipe
        self.protocol = protocol
        self.dataset = dataset
        self.weights = weights
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.folder = folder
        self.progress = progress

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted copy that shares the data set and the listener."""
        return type(self)(**self.get_params(deep=False))

    def fit(self, X: Sequence[Any], y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Train.

        Parameters
        ----------
        X : sequence of str or path
            Files.
        y : array_like, shape (n_files,)
            Classes.
        groups : array_like, shape (n_files,), or None
            What a validation part keeps whole.

        Returns
        -------
        RecipeClassifier
            The classifier itself.

        Raises
        ------
        ValueError
            If the files are too short for the recipe, or do not fit to it otherwise.
        AudioError
            As `audiofeat.load`.
        """
        labels = np.asarray(y)
        if self.recipe.model.kind == "baseline":
            self.model_ = self._baseline().fit(self._items(X), labels)
        else:
            self.network_ = self.model_ = self._trained(X, labels, groups)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X: Sequence[Any]) -> Array:
        """Return the class of each file.

        Parameters
        ----------
        X : sequence of str or path
            Files.

        Returns
        -------
        ndarray, shape (n_files,)
            Classes.
        """
        found: Array = self.model_.predict(self._items(X))
        return found

    def save(self, path: str | os.PathLike[str], *, data_fingerprint: str | None = None) -> Path:
        """Write the trained network, as `NeuralClassifier.save`.

        Parameters
        ----------
        path : str or path
            A file ``.safetensors``, or a folder.
        data_fingerprint : str or None
            Of the training data.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        TypeError
            If the recipe is of a baseline, which `audiofeat.save_model` writes.
        """
        if self.recipe.model.kind == "baseline":
            msg = f"recipe must be of a network, got the baseline {self.recipe.model.name}"
            raise TypeError(msg)
        return self.network_.save(path, data_fingerprint=data_fingerprint)

    def _items(self, X: Sequence[Any]) -> Sequence[Any]:
        """Return what the model is given for files: excerpts of them, parts, or themselves."""
        given, front_end = self.recipe.input, self.recipe.input.front_end
        paths = [os.fspath(path) for path in X]
        if given.excerpt:
            rate = given.sr
            if rate is None:
                with torch.device("meta"):
                    own: Any = front_end or network_of(self.recipe, 2).recipe.front_end  # type: ignore[union-attr]
                rate = float(own.sr)
            excerpts = SegmentExcerpt(
                rate,
                duration=given.excerpt_duration,
                excerpt=given.excerpt,
                preset="ucsd2020",
                n_jobs=self.n_jobs,
            )
            return list(excerpts.fit_transform(paths))
        cut = given.cutting
        if self.recipe.model.kind == "baseline" and cut.clip_duration is not None and cut.n_clips == 1:
            return [AudioClip(path, cut.offset, cut.offset + cut.clip_duration) for path in paths]
        return paths

    @property
    def _in_clips(self) -> bool:
        """Whether training reads the one clip of each track and no more: variants of whole tracks would fill memory."""
        cut = self.recipe.input.cutting
        one = cut.clip_duration is not None and cut.n_clips == 1
        return self.recipe.model.kind == "network" and bool(self.recipe.input.augment) and one

    def _training_items(self, X: Sequence[Any]) -> Sequence[Any]:
        cut = self.recipe.input.cutting
        if not self._in_clips or cut.clip_duration is None or self.recipe.input.excerpt:
            return self._items(X)
        return [AudioClip(os.fspath(path), cut.offset, cut.offset + cut.clip_duration) for path in X]

    def _baseline(self) -> Any:
        given, name = self.recipe.input, self.recipe.model.name
        options: dict[str, Any] = dict(self.recipe.model.options)
        if name != "tempo_nn" and given.features == "statistics":
            options["features"] = FeatureStatistics()
        elif name != "tempo_nn":
            options |= {"preset": given.front_end or "librosa", "n_frames": given.n_frames}
        model: Any = getattr(baselines, name)(**options)
        cut = given.cutting
        if cut.clip_duration is not None and cut.n_clips != 1:
            model = ClipVotingClassifier(model, clip_duration=cut.clip_duration, overlap=cut.overlap, vote=given.vote)
        if given.augment:
            model = augment.AugmentedClassifier(model, which=given.augment, random_state=self.random_state)
        return model

    def _trained(self, X: Sequence[Any], y: Array, groups: ArrayLike | None) -> NeuralClassifier:
        """Return the network: read, if it is there already, or trained."""
        protocol = self.recipe.protocols[self.protocol]
        folder = None if self.folder is None else Path(self.folder) / self._key(X, y)
        if folder is not None and (folder / NETWORK).exists():
            kept = NeuralClassifier.load(folder / NETWORK, device=self.device)
            kept.n_jobs = self.n_jobs
            return kept
        share, valid = protocol.validation, None
        if share == "official":
            share, valid = None, self._part("valid")
        others = None
        if protocol.normalization == "leaky":
            others = self._training_items(self._others(X)) or None
        network = self._network(X, y, groups, share)
        if self._in_clips:
            network.cutting = replace(self.recipe.input.cutting, offset=0.0)
        network.fit(
            self._training_items(X),
            y,
            groups,
            valid=valid,
            leak=others,
            folder=folder,
            resume=folder is not None,
            progress=self._tell,
        )
        if self._in_clips:  # what it predicts are tracks again
            network.cutting = self.recipe.input.cutting
            network.read_ = network.read_._replace(cutting=self.recipe.input.cutting)
        if folder is not None:
            network.save(folder / NETWORK)
        return network

    def _network(self, X: Sequence[Any], y: Array, groups: ArrayLike | None, share: float | None) -> NeuralClassifier:
        """Return the network's classifier, unfitted; branches of it are trained first."""
        recipe, given = self.recipe, self.recipe.input
        protocol = recipe.protocols[self.protocol]
        front_end: Any = given.front_end
        n_frames: Any = given.n_frames
        options = dict(recipe.model.options)
        if recipe.model.weights and self.weights and recipe.model.name in self.weights:
            options["weights"] = self.weights[recipe.model.name]
        model: Any = recipe.model.name
        if recipe.model.branches:
            branches = {option: self._branch(row).fit(X, y, groups) for option, row in recipe.model.branches.items()}
            first = next(iter(branches.values())).network_
            front_end = front_end or first.front_end_
            n_frames = n_frames or first.read_.n_frames
            model = _Joined(model, {name: each.network_.model_ for name, each in branches.items()})
        settings = {**TrainSettings().to_dict(), **recipe.training}
        own: dict[str, Any] = {name: settings.get(name) for name in OWN}
        return NeuralClassifier(
            model,
            frontend=front_end,
            model_options=options,
            n_frames=n_frames,
            sr=given.sr,
            cutting=given.cutting,
            crop=given.crop,
            normalization=protocol.normalization,
            augment=given.augment or None,
            validation=share,
            validation_by=protocol.validation_by,
            vote=given.vote,
            settings={name: value for name, value in settings.items() if name not in (*OWN, "random_state")},
            device=self.device,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
            **own,
        )

    def _branch(self, row: str) -> "RecipeClassifier":
        """Return the classifier of another row, to be trained on the same files in the same way."""
        changes = {f"training.{name}": value for name, value in self.recipe.training.items()}
        recipe = load_recipe(f"{self.recipe.paper}/{row}", changes=changes)
        return type(self)(**{**self.get_params(deep=False), "recipe": _alike(recipe, self.recipe)})

    def _part(self, name: str) -> tuple[Sequence[Any], Array]:
        if self.dataset is None or self.dataset.split is None:
            msg = "dataset must be given for the published validation part, got None"
            raise ValueError(msg)
        rows = np.flatnonzero(self.dataset.split == name)
        if len(rows) == 0:
            msg = f"dataset must have a published part {name!r}, {self.dataset.name} has none"
            raise ValueError(msg)
        return self._training_items(self.dataset.path[rows].tolist()), self.dataset.label[rows]

    def _others(self, X: Sequence[Any]) -> list[str]:
        """Return all files that are not trained on: what a published normalisation saw too."""
        known = {os.fspath(path) for path in X}
        return [] if self.dataset is None else [path for path in self.dataset.path.tolist() if path not in known]

    def _key(self, X: Sequence[Any], y: Array) -> str:
        """Return a name for a training: other files, classes, recipe or seed, and it is another."""
        told = {
            "recipe": self.recipe.to_dict(),
            "protocol": self.protocol,
            "random_state": self.random_state,
            "weights": dict(self.weights or {}),
            "files": sorted(zip(map(os.fspath, X), map(str, y.tolist()), strict=True)),
        }
        return hashlib.sha256(json.dumps(told, default=str, sort_keys=True).encode()).hexdigest()[:16]

    def _tell(self, row: EpochRow) -> None:
        if self.progress is None:
            return
        n_epochs = {**TrainSettings().to_dict(), **self.recipe.training}["max_epochs"]
        valid = "" if row.valid_accuracy is None else f", validation {100 * row.valid_accuracy:.1f} %"
        self.progress(
            f"{self.recipe.key}: epoch {row.epoch} of {n_epochs}, loss {row.train_loss:.4g}, "
            f"training {100 * row.train_accuracy:.1f} %{valid}, lr {row.lr:.3g}, "
            f"{row.clips_per_second:.0f} clips/s, {(n_epochs - row.epoch) * row.seconds:.0f} s left at most"
        )


def network_of(recipe: Recipe, n_classes: int) -> nn.Module:
    """Return a new network of a recipe, for its own input; branches are new too."""
    options, name, front_end = dict(recipe.model.options), recipe.model.name, recipe.input.front_end
    branches = {option: load_recipe(f"{recipe.paper}/{row}") for option, row in recipe.model.branches.items()}
    options |= {option: network_of(_alike(branch, recipe), n_classes) for option, branch in branches.items()}
    size = {"n_bands": None if front_end is None else front_end.n_bands, "n_frames": recipe.input.n_frames}
    known = model_options(name)
    options |= {key: value for key, value in size.items() if value is not None and key in known}
    return create_model(name, n_classes=n_classes, **options)


class _Joined:
    """Makes a network that begins with trained branches."""

    def __init__(self, name: str, branches: Mapping[str, nn.Module]) -> None:
        self.name, self.branches = name, dict(branches)

    def __call__(self, n_classes: int, *, n_bands: int, n_frames: int, **options: Any) -> nn.Module:
        for name, branch in self.branches.items():
            size = (branch.recipe.n_bands, branch.recipe.n_frames)  # type: ignore[union-attr]
            if size != (n_bands, n_frames):
                msg = f"the network {name} must have an input of {(n_bands, n_frames)} bands and frames, got {size}"
                raise ValueError(msg)
        return create_model(self.name, n_classes=n_classes, **options, **self.branches)


def _alike(recipe: Recipe, like: Recipe) -> Recipe:
    """Return a recipe with the input and the protocols of another."""
    return replace(recipe, input=like.input, protocols=like.protocols)
