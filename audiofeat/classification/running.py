"""The loop over folds."""

import zlib
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import get_config
from sklearn.base import clone
from sklearn.model_selection._search import BaseSearchCV  # of all searches, the halving ones too
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from audiofeat._validation import as_count
from audiofeat.classification._folds import as_table, asks_for_groups, folds_of, take
from audiofeat.classification.parts import FoldResult
from audiofeat.classification.results import Evaluation
from audiofeat.datasets import AudioDataset

Array = NDArray[Any]


def evaluate(
    estimator: Any,
    dataset: AudioDataset | tuple[Any, ArrayLike, ArrayLike | None],
    *,
    cv: Any = 5,
    groups: str | None = "track",
    repeats: int = 1,
    max_folds: int | None = None,
    random_state: int | np.random.RandomState | None = 0,
    baselines: bool = True,
    params: Mapping[str, ArrayLike] | None = None,
    name: str | None = None,
    allow_leakage: bool = False,
) -> Evaluation:
    """Fit and test a classifier on folds that do not leak.

    Parameters
    ----------
    estimator : classifier
        What takes the items: for a data set a pipeline from paths on. It is cloned, not fitted.
    dataset : AudioDataset or tuple
        Files with labels and tracks; or three things, one entry for each item: items (rows of features, signals, paths,
        `AudioClip`), labels, and groups. None for groups says that each file, or each item that is no file, is a
        track of its own.
    cv : int, "official", or splitter
        Number of shuffled folds in which classes have their shares; the folds, or the training and test part, in the
        data set's column `split` (its "valid" is left out if there is a "test"); or a splitter of scikit-learn or
        pairs of rows to train and to test.
    groups : {"track", "artist"} or None
        What is never divided: tracks (the groups given, if `dataset` is a tuple), or whatever shares an artist or a
        track. With None an integer `cv` divides freely, and tracks of several items then leak.
    repeats : int
        Runs of the whole, each with folds shuffled anew if `cv` is an integer.
    max_folds : int or None
        Fit and test the first so many folds only, of all repeats together: a first look at what takes long.
    random_state : int, RandomState or None
        For the shuffling. What is random in `estimator` is its own.
    baselines : bool
        Also test what any classifier should beat, see `Evaluation`. The nearest neighbour asks for a `Pipeline`, whose
        features it takes.
    params : dict, optional
        What goes to ``fit`` beside items and labels, one entry for each item, such as ``sample_weight``; named as
        scikit-learn asks, with metadata routing on or off.
    name : str, optional
        Name of the model in reports; by default the names of its classes.
    allow_leakage : bool
        Go on where items of one group are trained and tested on. Reports say so.

    Returns
    -------
    Evaluation
        Scores, predictions and times.

    Raises
    ------
    ValueError
        If a group would be on both sides of a fold, a class has fewer groups than there are folds, there is no
        published split, or `dataset` does not have an entry of each kind for each item.
    TypeError
        If `dataset` is neither of the two.

    See Also
    --------
    compare : Two results on the same folds.

    Notes
    -----
    The guard looks at what each fold trains and tests on, whoever made the fold: by `groups`, or by track if that is
    None. It knows nothing of tracks that the data set does not.

    Where ``fit`` takes groups (a search over group-aware folds, alone or at the end of a pipeline), it is given those
    of its training items: whether metadata routing is on or off.

    An integer `cv` gives each class exactly its share where groups are of one size and one class each, as tracks are
    as a rule; `StratifiedGroupKFold` comes as near as it can where they are not.

    Features are computed anew for each fold, as they may be learnt; give the pipeline a `memory` to keep them.

    Examples
    --------
    >>> from audiofeat.classification import evaluate
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> X, y = [[0.0], [0.1], [0.2], [0.3], [5.0], [5.1], [5.2], [5.3]], list("aaaabbbb")
    >>> tracks = [1, 1, 2, 2, 3, 3, 4, 4]
    >>> evaluate(KNeighborsClassifier(1), (X, y, tracks), cv=2).accuracy
    1.0
    >>> evaluate(KNeighborsClassifier(1), (X, y, tracks), cv=4, groups=None)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: fold 1 would leak: ... that is trained on too, the first is ...
    """
    table = as_table(dataset, groups)
    metadata = {key: _column(values, key, len(table.names)) for key, values in (params or {}).items()}
    folds = folds_of(
        table, cv, groups, repeats=repeats, random_state=random_state, allow_leakage=allow_leakage
    )  # all are checked before the first is fitted
    folds = folds[: None if max_folds is None else as_count(max_folds, "max_folds")]
    key = groups_parameter(estimator)
    metadata = ({} if key is None else {key: table.groups}) | metadata
    classes, truth = np.unique(table.labels, return_inverse=True)
    results = []
    for fold in folds:
        train, test = take(table.X, fold.train), take(table.X, fold.test)
        labels = table.labels[fold.train]
        own = {key: values[fold.train] for key, values in metadata.items()}
        predicted, nearest, times = _run(clone(estimator), train, labels, test, own, with_nearest=baselines)
        majority = np.bincount(truth[fold.train]).argmax()  # the first of equals
        right = truth[fold.test]
        results.append(
            FoldResult(
                fold.repeat,
                fold.name,
                len(fold.train),
                f"{zlib.crc32(fold.train.astype('<i8').tobytes()):08x}",
                tuple(fold.test.tolist()),
                tuple(_codes(predicted, classes).tolist()),
                fold.leaked,
                *times,
                float((majority == right).mean()) if baselines else None,
                None if nearest is None else float((_codes(nearest, classes) == right).mean()),
            )
        )
    return Evaluation(
        name=_short(estimator) if name is None else name,
        model=" ".join(repr(estimator).split()),
        dataset=table.title,
        cv=cv if isinstance(cv, str) else " ".join(repr(cv).split()) if hasattr(cv, "split") else _told(cv),
        grouped_by=None if groups is None else table.kind,
        repeats=max(fold.repeat for fold in folds),
        classes=tuple(str(label) for label in classes.tolist()),
        items=table.names,
        truth=tuple(truth.tolist()),
        groups=tuple(np.unique(table.groups, return_inverse=True)[1].tolist()),
        folds=tuple(results),
    )


def _run(
    model: Any, X: Any, y: Array, test: Any, metadata: dict[str, Any], *, with_nearest: bool
) -> tuple[Array, Array | None, tuple[float, float]]:
    """Return predictions, those of the nearest neighbour in the same features, and seconds to fit and to predict."""
    start = perf_counter()
    if not (with_nearest and type(model) is Pipeline and len(model.steps) > 1):
        model.fit(X, y, **metadata)
        fitted = perf_counter()
        predicted = model.predict(test)
        return predicted, None, (fitted - start, perf_counter() - fitted)
    head, last = model[:-1], model.steps[-1][1]
    if metadata:  # a pipeline knows which step it is for
        model.fit(X, y, **metadata)
    else:  # what the pipeline does, but the features, which cost most, serve twice
        features = head.fit_transform(X, y)
        last.fit(features, y)
    fitted = perf_counter()
    unknown = head.transform(test)
    predicted = last.predict(unknown)
    done = perf_counter()
    known = head.transform(X) if metadata else features
    nearest = KNeighborsClassifier(1).fit(known, y).predict(unknown)
    return predicted, nearest, (fitted - start, done - fitted)


def groups_parameter(model: Any) -> str | None:
    """Return the name under which ``fit`` takes groups, None where it takes none."""
    if get_config()["enable_metadata_routing"]:
        try:
            return "groups" if get_routing_for_object(model).consumes("fit", ["groups"]) else None
        except NotImplementedError:  # of the few that do not route yet
            return None
    if isinstance(model, Pipeline):
        step, last = model.steps[-1]
        inner = groups_parameter(last)
        return None if inner is None else f"{step}__{inner}"
    if isinstance(model, BaseSearchCV):
        return "groups" if hasattr(model.cv, "split") and asks_for_groups(model.cv) else None
    return "groups" if has_fit_parameter(model, "groups") else None


def _column(values: ArrayLike, key: str, n: int) -> Array:
    column = np.asarray(values)
    if column.shape[:1] != (n,):
        msg = f"params[{key!r}] must have one entry for each of {n} items, got shape {column.shape}"
        raise ValueError(msg)
    return column


def _codes(predicted: Array, classes: Array) -> NDArray[np.intp]:
    """Return the numbers of predicted classes, all of which are known."""
    codes = np.searchsorted(classes, predicted).clip(max=len(classes) - 1)
    wrong = classes[codes] != predicted
    if wrong.any():
        msg = f"estimator must predict classes of the labels, got {np.asarray(predicted)[wrong][0]!r}"
        raise ValueError(msg)
    return codes


def _short(model: Any) -> str:
    if isinstance(model, Pipeline):
        return " + ".join(_short(step) for _, step in model.steps)
    return model if isinstance(model, str) else type(model).__name__


def _told(cv: Any) -> str:
    return f"{len(cv)} given folds" if hasattr(cv, "__len__") else "given folds" if np.iterable(cv) else str(cv)
