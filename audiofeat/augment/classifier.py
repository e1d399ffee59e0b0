"""A classifier that learns from variants of its training items."""

from collections.abc import Sequence
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import check_consistent_length
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from audiofeat._validation import PCM, Float, as_signal
from audiofeat.augment.time import fitted
from audiofeat.augment.variants import KTH2020, Variant, augmented
from audiofeat.estimators._items import checked, items_in
from audiofeat.voting.cutting import rate_of

Array = NDArray[Any]


def _can(method: str) -> Any:
    """Say whether the classifier within has a method."""
    return available_if(lambda self: hasattr(getattr(self, "estimator_", self.estimator), method))


class AugmentedClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Fit a classifier on items and their variants, and predict items as they are.

    Parameters
    ----------
    estimator : classifier
        Learns and predicts items: a pipeline of features and a classifier, as a rule, or a `ClipVotingClassifier`.
    which : sequence of (str, float)
        Variants of each item, as in `augmented`.
    sr : float, optional
        Sample rate in Hz to which files are resampled. That of the front end in `estimator`, if it has one, which is
        then also the default.
    random_state : int
        For the noise.
    cache : str or os.PathLike, optional
        Folder where variants are kept, as in `augmented`: folds and searches make each of them once.
    n_jobs : int, optional
        Items at a time, in threads, or in what :func:`joblib.parallel_config` names; -1 for all cores.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Classes, sorted.
    estimator_ : classifier
        The one within, fitted.
    n_features_in_ : int
        Number of samples, if `X` was a 2-D array.
    feature_names_in_ : ndarray, shape (n_features_in_,)
        Names of its columns, if `X` was a table whose columns all have one.

    See Also
    --------
    augmented : The variants themselves.

    Notes
    -----
    Each item brings as many variants as any other, so that all weigh the same. In cross-validation no variant of a
    test item is seen in training, whatever the folds, as variants are made in `fit`; tracks still want grouped folds.
    A search within `estimator` would spread the variants of an item over folds. Search over this estimator instead,
    by names such as ``estimator__classifier__C``.

    Rows of a 2-D array keep their length: stretched ones are cut, or followed by zeros.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import FeatureStatistics, augment, baselines
    >>> rng = np.random.default_rng(0)
    >>> noise, tones = rng.normal(size=(3, 9000)), np.sin(np.outer([0.1, 0.2, 0.3], np.arange(9000)))
    >>> model = augment.AugmentedClassifier(baselines.knn(1, features=FeatureStatistics()), which=[("gain", -6.0)])
    >>> model.fit([*noise[:2], *tones[:2]], ["noise", "noise", "tone", "tone"]).predict([noise[2], tones[2]])
    array(['noise', 'tone'], dtype='<U5')
    """

    def __init__(
        self,
        estimator: Any,
        *,
        which: Sequence[Variant] = KTH2020,
        sr: float | None = None,
        random_state: int = 0,
        cache: str | PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.which = which
        self.sr = sr
        self.random_state = random_state
        self.cache = cache
        self.n_jobs = n_jobs

    def fit(self, X: ArrayLike | Sequence[Any], y: ArrayLike) -> Self:
        """Fit the classifier on all items and their variants.

        Parameters
        ----------
        X : array_like, shape (n_items, n_samples), or sequence
            Signals of one length as rows. Or a list, or 1-D array of objects, of signals of any lengths, paths, or
            `AudioClip`.
        y : array_like, shape (n_items,)
            Classes of the items.

        Returns
        -------
        AugmentedClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            As `augmented`.
        TypeError
            If a parameter is not of its type, or an item is no signal.
        AudioError
            As `load`.
        """
        items = items_in(X)
        if items is None:
            rows, labels = validate_data(self, X, y)
            items = list(_signals(rows))
        else:
            labels = validate_data(self, X="no_validation", y=y)
            check_consistent_length(items, labels)
            for name in ("n_features_in_", "feature_names_in_"):  # of an earlier fit
                if hasattr(self, name):
                    delattr(self, name)
        check_classification_targets(labels)
        more = augmented(
            items,
            labels,
            sr=rate_of(self.estimator, self.sr),
            which=self.which,
            random_state=self.random_state,
            cache=self.cache,
            n_jobs=self.n_jobs,
        )
        learnt: Any = more.items
        if hasattr(self, "n_features_in_"):  # a matrix stays one
            learnt = np.stack([fitted(row, self.n_features_in_) for row in learnt])
        self.classes_ = np.unique(labels)
        self.estimator_ = clone(self.estimator).fit(learnt, more.labels)
        return self

    def predict(self, X: ArrayLike | Sequence[Any]) -> Array:
        """Return the class of each item.

        Parameters
        ----------
        X : array_like, shape (n_items, n_samples), or sequence
            As in `fit`; if that was a 2-D array, another one has the same number of samples.

        Returns
        -------
        ndarray, shape (n_items,)
            Classes, as the classifier within predicts them.
        """
        labels: Array = self._ask("predict", X)
        return labels

    @_can("predict_proba")  # type: ignore[untyped-decorator]
    def predict_proba(self, X: ArrayLike | Sequence[Any]) -> Array:
        """Return the probability of each class, if `estimator` gives it.

        Parameters
        ----------
        X : array_like, shape (n_items, n_samples), or sequence
            As in `predict`.

        Returns
        -------
        ndarray, shape (n_items, n_classes)
            Rows that sum to 1.
        """
        proba: Array = self._ask("predict_proba", X)
        return proba

    @_can("decision_function")  # type: ignore[untyped-decorator]
    def decision_function(self, X: ArrayLike | Sequence[Any]) -> Array:
        """Return the distance from the border between classes, if `estimator` gives it.

        Parameters
        ----------
        X : array_like, shape (n_items, n_samples), or sequence
            As in `predict`.

        Returns
        -------
        ndarray, shape (n_items,) or (n_items, n_classes)
            As of the classifier within.
        """
        values: Array = self._ask("decision_function", X)
        return values

    def _ask(self, method: str, X: Any) -> Any:
        """Return what the classifier within says of items as they are."""
        check_is_fitted(self)
        items: Any = items_in(X)
        if items is None:
            items = _signals(validate_data(self, X, reset=False))
        else:
            items = [checked(item, f"X[{i}]") for i, item in enumerate(items)]
        return getattr(self.estimator_, method)(items)


def _signals(rows: Array) -> Float:
    """Return a matrix of signals: PCM is scaled, and other integers are numbers, as for the transformers."""
    if rows.dtype.kind != "f" and rows.dtype.name not in PCM:
        rows = rows.astype(np.float64)
    return as_signal(rows, name="X", ndim=2)
