"""A network as a classifier of scikit-learn: what it does when it is trained, and its file."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import joblib
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import nn

from audiofeat import FrontEnd
from audiofeat._validation import as_choice
from audiofeat_nn.checkpoint import LoadedNetwork, load_network, save_network
from audiofeat_nn.data.cutting import Cutting, as_cutting
from audiofeat_nn.data.normalization import Normalization
from audiofeat_nn.data.sources import Front, SampleBlocks, checked_item, items_in
from audiofeat_nn.estimator.preparing import Input, Network, items_of_rows, named
from audiofeat_nn.prediction.predictor import CUTTING, RATE, Prediction, Predictor
from audiofeat_nn.training import EpochRow

Array = NDArray[Any]


class TrainedNetwork(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The part of `NeuralClassifier` that works on what its `fit` has left."""

    model: str | Callable[..., nn.Module]
    frontend: FrontEnd | str | None
    model_options: Mapping[str, Any] | None
    n_frames: int | None
    sr: float | None
    rows: str
    cutting: Cutting | str | None
    vote: str
    batch_size: int
    device: str
    n_jobs: int | None
    classes_: Array
    model_: nn.Module
    front_end_: Front | None
    normalization_: Normalization | None
    history_: tuple[EpochRow, ...]
    n_iter_: int
    read_: Input

    def predict(self, X: Any) -> Array:
        """Return the class of each item.

        Parameters
        ----------
        X : as in `fit`
            Items; a 2-D array has as many columns as that in `fit`.

        Returns
        -------
        ndarray, shape (n_items,)
            Classes. Of those with the same support, the first in `classes_`.
        """
        proba = self.predict_proba(X)
        labels: Array = self.classes_[proba.argmax(axis=1)]
        return labels

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : as in `fit`
            Items.

        Returns
        -------
        ndarray, shape (n_items, n_classes)
            Rows that sum to 1, as `vote` defines them.
        """
        return np.stack([found.proba for found in self.predict_in_time(X)])

    def predict_in_time(self, X: Any) -> list[Prediction]:
        """Return what the network says along each item.

        Parameters
        ----------
        X : as in `fit`
            Items. Of files a few seconds at a time are in memory.

        Returns
        -------
        list of Prediction
            See `audiofeat_nn.prediction`, which also draws them.
        """
        check_is_fitted(self)
        items = self._items(X, reset=False)
        predictor = Predictor(
            self._loaded(), vote=self.vote, batch_size=self.batch_size, device=self.device, front_end=self.front_end_
        )
        if torch.device(self.device).type != "cpu":
            return [found for found in predictor.many(items) if isinstance(found, Prediction)]
        run = joblib.Parallel(n_jobs=self.n_jobs, prefer="threads")
        found: list[Prediction] = run(joblib.delayed(named)(predictor, item, f"X[{i}]") for i, item in enumerate(items))
        return found

    def save(self, path: str | os.PathLike[str], *, data_fingerprint: str | None = None) -> Path:
        """Write the trained network, as `audiofeat_nn.checkpoint.save_network`.

        Parameters
        ----------
        path : str or path
            A file ``.safetensors``, or a folder.
        data_fingerprint : str or None
            Of the training data.

        Returns
        -------
        Path
            The file; `load` makes a classifier of it, `Predictor` takes it as it is.

        Raises
        ------
        TypeError
            If the network is not one of `audiofeat_nn.list_models`.
        """
        check_is_fitted(self)
        notes: dict[str, Any] = {CUTTING: self.read_.cutting.to_dict()}
        front_end = self.front_end_
        if isinstance(front_end, SampleBlocks):
            notes[RATE] = front_end.sr
        columns = getattr(self, "n_features_in_", None)
        notes["estimator"] = {"rows": self.rows, "vote": self.vote, "n_features_in": columns}
        return save_network(
            self.model_,
            path,
            classes=self.classes_,
            front_end=front_end if isinstance(front_end, FrontEnd) else None,
            normalization=self.normalization_,
            data_fingerprint=data_fingerprint,
            notes=notes,
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, device: str = "cpu") -> Self:
        """Read a trained network.

        Parameters
        ----------
        path : str or path
            What `save` wrote.
        device : str
            Of torch.

        Returns
        -------
        NeuralClassifier
            A fitted classifier with the same network, front end and cutting; how it was trained is not in the file.

        Raises
        ------
        FileNotFoundError, ValueError
            As `audiofeat_nn.checkpoint.load_network`.
        """
        network = load_network(path, device=device)
        notes = network.info["notes"]
        recipe: Any = network.model.recipe
        kept = notes.get("estimator", {})
        options = {key: value for key, value in recipe.options.items() if key not in ("n_bands", "n_frames")}
        loaded = cls(
            recipe.name,
            frontend=network.front_end,
            model_options=options,
            n_frames=recipe.n_frames,
            sr=notes.get(RATE),
            rows=kept.get("rows", "signals"),
            cutting=Cutting.from_dict(notes.get(CUTTING, {})),
            vote=kept.get("vote", "mean_proba"),
            normalization="none" if network.normalization is None else "band",
            device=device,
        )
        predictor = Predictor(network, device=device)
        loaded.classes_, loaded.model_ = predictor.classes, predictor.model
        loaded.normalization_, loaded.front_end_ = predictor.normalization, predictor.front_end
        n_bands = recipe.n_bands
        loaded.read_ = Input(predictor.front_end, n_bands, predictor.n_frames, predictor.cutting)
        loaded.history_, loaded.n_iter_ = (), 0
        if kept.get("n_features_in") is not None:
            loaded.n_features_in_ = kept["n_features_in"]
        return loaded

    def _items(self, X: Any, *, reset: bool, y: Any = "no_validation") -> list[Any]:
        """Return checked items: files as they are, all else as floats."""
        as_choice(self.rows, "rows", ("features", "signals"))
        items = items_in(X, maps=True)
        if items is None:
            table = validate_data(self, X, y, dtype="numeric", reset=reset)
            return items_of_rows(table if isinstance(y, str) else table[0], self._wanted())
        if not items:
            msg = "X must hold at least 1 item, got 0"
            raise ValueError(msg)
        if reset:
            for name in ("n_features_in_", "feature_names_in_"):  # of an earlier fit
                if hasattr(self, name):
                    delattr(self, name)
        return [checked_item(item, f"X[{i}]") for i, item in enumerate(items)]

    def _wanted(self) -> Network:
        return Network(
            self.model, self.frontend, self.model_options, self.n_frames, self.sr, self.rows, as_cutting(self.cutting)
        )

    def _loaded(self) -> LoadedNetwork:
        """Return the network as `load_network` would."""
        front_end = self.front_end_ if isinstance(self.front_end_, FrontEnd) else None
        read = self.read_
        notes = {CUTTING: read.cutting.to_dict(), "n_bands": read.n_bands, "n_frames": read.n_frames}
        return LoadedNetwork(self.model_, front_end, tuple(self.classes_), self.normalization_, {"notes": notes})
