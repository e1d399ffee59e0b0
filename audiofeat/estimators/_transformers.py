"""What all transformers of audio share: which items they take, and how rows are made of them."""

from abc import ABC, abstractmethod
from typing import Any, Self

import joblib
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from audiofeat._validation import PCM, Float, as_signal
from audiofeat.estimators._items import Item, checked, items_in, samples_of


class AudioTransformer(TransformerMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """A transformer that makes one row of each item by itself.

    Subclasses say how: `_prepare` checks the parameters and sets ``sr_``, `_row` makes the row of one signal, and
    `_columns` names its values.
    """

    n_jobs: int | None
    sr_: float

    def __sklearn_tags__(self) -> Any:
        """Say that the dtype of the rows is that of the signals."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @abstractmethod
    def _prepare(self) -> None:
        """Check the parameters, and set what does not depend on the items."""

    @abstractmethod
    def _row(self, y: Float) -> Float:
        """Return the values of one signal, shape (n_columns,)."""

    @abstractmethod
    def _columns(self) -> list[str]:
        """Return the names of the values."""

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:  # noqa: ARG002  (scikit-learn's signature)
        """Check the parameters and the items.

        Parameters
        ----------
        X : array_like, shape (n_items, n_samples), or list
            Items, as for `transform`. Files are looked for when they are read, by `transform`.
        y : None
            Not used.

        Returns
        -------
        AudioTransformer
            The transformer itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, there is no item, or a signal is empty or not finite.
        TypeError
            If a parameter is not of its type, or an item is no signal.
        """
        self._prepare()
        self._learn(self._items(X, reset=True))
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.floating[Any]]:
        """Make a row of each item.

        Parameters
        ----------
        X : array_like, shape (n_items, n_samples), or list
            Signals of equal length, at the rate ``sr_``; or a list (or array of objects, of one dimension) of signals
            of any lengths, files (str or path), and `AudioClip`. Files are mixed to mono and resampled. Integers are
            PCM samples, as for all functions, but for those of 64 bits in an array, which are taken as they are.

        Returns
        -------
        ndarray, shape (n_items, n_columns)
            In the dtype of the signals, float32 for files, and the wider one for both.

        Raises
        ------
        ValueError
            If there is no item, a signal is empty or not finite, or its features cannot be computed.
        TypeError
            If an item is no signal.
        AudioError
            As `load`.
        """
        check_is_fitted(self)
        return np.stack(self._each(self._named_row, self._items(X, reset=False)))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name the columns that `transform` returns.

        Parameters
        ----------
        input_features : array_like of str, shape (n_features_in_,), optional
            Names of the samples, which are compared with those in `fit` and not used otherwise.

        Returns
        -------
        ndarray of str, shape (n_columns,)
            All different.

        Raises
        ------
        ValueError
            If `input_features` are others than in `fit`.
        """
        check_is_fitted(self)
        if input_features is not None:
            given = np.asarray(input_features, dtype=object)
            expected = getattr(self, "n_features_in_", len(given))
            if len(given) != expected:
                msg = f"input_features should have length equal to number of features ({expected}), got {len(given)}"
                raise ValueError(msg)
            if not np.array_equal(given, getattr(self, "feature_names_in_", given)):
                msg = "input_features is not equal to feature_names_in_"
                raise ValueError(msg)
        return np.array(self._columns(), dtype=object)

    def _learn(self, items: list[Item]) -> None:
        """Set what depends on the items: nothing, but in subclasses."""

    def _items(self, X: Any, *, reset: bool) -> list[Item]:
        """Return checked items: signals as arrays, files as they are."""
        items = items_in(X)
        if items is None:
            rows = validate_data(self, X, dtype="numeric", reset=reset)
            if rows.dtype.kind != "f" and rows.dtype.name not in PCM:
                rows = rows.astype(np.float64)
            return list(as_signal(rows, name="X", ndim=2, finite=False))  # as they are already
        if not items:
            msg = "X must hold at least 1 signal or file, got 0"
            raise ValueError(msg)
        if reset:
            for name in ("n_features_in_", "feature_names_in_"):  # of an earlier fit
                if hasattr(self, name):
                    delattr(self, name)
        return [checked(item, f"X[{i}]") for i, item in enumerate(items)]

    def _each(self, function: Any, items: list[Item]) -> list[Any]:
        """Return what `function` makes of each item and its number."""
        # threads, unless joblib's own settings name other workers: kernels release the lock
        run = joblib.Parallel(n_jobs=self.n_jobs, prefer="threads")
        done: list[Any] = run(joblib.delayed(function)(item, i) for i, item in enumerate(items))
        return done

    def _named_row(self, item: Item, number: int) -> Float:
        """Return the row of an item, or an error that says whose it is."""
        y = samples_of(item, self.sr_)
        try:
            return self._row(y)
        except ValueError as error:
            msg = f"X[{number}] cannot be transformed: {error}"
            raise ValueError(msg) from error
