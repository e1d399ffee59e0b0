"""Which items train, which test, and what may not be on both sides."""

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.multiclass import check_classification_targets

from audiofeat._validation import as_choice, as_count
from audiofeat.datasets import AudioDataset
from audiofeat.estimators import AudioClip

Array = NDArray[Any]
Rows = NDArray[np.intp]

PUBLISHED = ("train", "valid", "test")


class Table(NamedTuple):
    """What is evaluated on: items, their classes, what belongs together (and is called `kind`), the published split."""

    X: Any
    labels: Array
    groups: Array
    kind: str
    split: Array | None
    names: tuple[str, ...]
    title: str


class Fold(NamedTuple):
    """Rows for training and for testing; `leaked` counts those for testing whose group is in training too."""

    repeat: int
    name: str
    train: Rows
    test: Rows
    leaked: int


def as_table(dataset: Any, groups: str | None) -> Table:
    """Return the columns of a data set, or of items, labels and groups."""
    if groups is not None:
        as_choice(groups, "groups", ("track", "artist"))
    if isinstance(dataset, AudioDataset):
        paths, kind = dataset.path.tolist(), groups or "track"
        table = Table(paths, dataset.label, dataset.groups(kind), kind, dataset.split, (*paths,), dataset.name)
    elif isinstance(dataset, tuple | list) and len(dataset) == 3:
        if groups == "artist":
            msg = "groups must be 'track' or None for items with groups of their own, got 'artist'"
            raise ValueError(msg)
        X, labels, given = dataset
        X = X if hasattr(X, "shape") else list(X)
        n = X.shape[0] if hasattr(X, "shape") else len(X)
        files = getattr(X, "ndim", 1) == 1 and all(_is_file(item) for item in X)
        names = tuple(_name(item) for item in X) if files else tuple(str(i) for i in range(n))
        kind = "track" if given is not None else "file" if files else "item"
        if given is None:  # one file is one track, however it is spelt
            given = [os.path.realpath(_file(item)) for item in X] if files else range(n)
        table = Table(X, np.asarray(labels), np.asarray(given), kind, None, names, "items")
    else:
        msg = f"dataset must be an AudioDataset, or items, labels and groups (or None), got {type(dataset).__name__}"
        raise TypeError(msg)
    _check(table)
    return table


def _check(table: Table) -> None:
    n = len(table.names)
    for name, column in (("labels", table.labels), ("groups", table.groups)):
        if column.shape != (n,):
            msg = f"{name} must have shape ({n},), one for each item, got {column.shape}"
            raise ValueError(msg)
    if n == 0:
        msg = "dataset must have at least 1 item, got 0"
        raise ValueError(msg)
    check_classification_targets(table.labels)
    classes = np.unique(table.labels)
    if len(classes) < 2:
        msg = f"labels must hold at least 2 classes, got {classes.tolist()}"
        raise ValueError(msg)


def _is_file(item: Any) -> bool:
    return isinstance(item, str | os.PathLike | AudioClip)


def _file(item: Any) -> str:
    return os.fspath(item.path if isinstance(item, AudioClip) else item)


def _name(item: Any) -> str:
    if not isinstance(item, AudioClip):
        return _file(item)
    return f"{_file(item)} from {item.start:g} s" + ("" if item.stop is None else f" to {item.stop:g} s")


def folds_of(
    table: Table, cv: Any, groups: str | None, *, repeats: int, random_state: Any, allow_leakage: bool
) -> list[Fold]:
    """Return the folds of all repeats, or raise where a group is on both sides and that is not allowed."""
    n_repeats = as_count(repeats, "repeats")
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=n_repeats)
    codes = np.unique(table.groups, return_inverse=True)[1]
    found = []
    for repeat, seed in enumerate(seeds.tolist(), 1):
        for name, train, test in _splits(table, codes, cv, groups, seed):
            if len(train) == 0 or len(test) == 0:
                msg = f"cv must leave items on both sides, got {len(train)} to train and {len(test)} to test in {name}"
                raise ValueError(msg)
            leaked = np.isin(codes[test], codes[train])
            if leaked.any() and not allow_leakage:
                example = table.names[test[leaked.argmax()]]
                msg = (
                    f"{name} would leak: {leaked.sum()} of its {len(test)} test items belong to a {table.kind} "
                    f"that is trained on too, the first is {example!r}. An integer cv with groups='track' keeps them "
                    "together; allow_leakage=True goes on, and is told in the report"
                )
                raise ValueError(msg)
            found.append(Fold(repeat, name, train, test, int(leaked.sum())))
    return found


def _splits(table: Table, codes: Rows, cv: Any, groups: str | None, seed: int) -> Iterator[tuple[str, Rows, Rows]]:
    if isinstance(cv, str):
        as_choice(cv, "cv", ("official",))
        yield from _official(table)
        return
    if not hasattr(cv, "split") and not np.iterable(cv):
        cv = _stratified(table, codes, as_count(cv, "cv", low=2), groups, seed)
    splitter = check_cv(cv)
    given = (codes,) if asks_for_groups(splitter) else ()
    for i, (train, test) in enumerate(splitter.split(np.zeros((len(codes), 1)), table.labels, *given), 1):
        rows = np.arange(len(codes))  # also for masks
        yield f"fold {i}", rows[np.asarray(train)], rows[np.asarray(test)]


def _stratified(table: Table, codes: Rows, n_folds: int, groups: str | None, seed: int) -> Any:
    """Return shuffled folds in which classes have their shares, if there is something of each class for each fold."""
    units = np.arange(len(codes)) if groups is None else codes
    for label in np.unique(table.labels):
        n_units = len(np.unique(units[table.labels == label]))
        if n_units < n_folds:
            what = "item" if groups is None else table.kind
            msg = f"cv must be <= {n_units}, the number of {what}s of class {str(label)!r}, got {n_folds}"
            raise ValueError(msg)
    _, first, sizes = np.unique(units, return_index=True, return_counts=True)
    labels = table.labels[first]
    if np.ptp(sizes) > 0 or (labels[units] != table.labels).any():
        return StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    # Exact for equal groups of one class each, of which scikit-learn 1.6 would make folds with uneven shares.
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(first, labels)
    return [(np.isin(units, train), np.isin(units, test)) for train, test in folds]


def _official(table: Table) -> Iterator[tuple[str, Rows, Rows]]:
    """Yield the one published split, testing on "test", or "valid" if there is none; or each published fold in turn."""
    split = np.zeros(0, np.str_) if table.split is None else table.split
    parts = sorted(set(split.tolist()), key=_natural)
    if not parts or "" in parts:
        lacking = len(table.names) if not parts else int((split == "").sum())
        msg = f"cv='official' needs a published split or fold for each item, {lacking} of {len(table.names)} have none"
        raise ValueError(msg)
    named = [part for part in PUBLISHED if part in parts]
    if not named and len(parts) > 1:
        for part in parts:
            yield f"fold {part}", np.flatnonzero(split != part), np.flatnonzero(split == part)
    elif len(named) == len(parts) > 1 and "train" in named:
        yield named[-1], np.flatnonzero(split == "train"), np.flatnonzero(split == named[-1])
    else:
        msg = f"cv='official' needs train and test (or valid), or at least 2 folds, got {', '.join(parts)}"
        raise ValueError(msg)


def _natural(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isdecimal() else (-1, part)


def asks_for_groups(splitter: Any) -> bool:
    """Whether `split` of a splitter reads groups, as strangers may: scikit-learn's others warn when given some."""
    if not hasattr(splitter, "get_metadata_routing"):
        return True
    return "groups" in get_routing_for_object(splitter).split.requests


def take(X: Any, rows: Rows) -> Any:
    """Return some items, as the kind of collection in which they are."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X[rows] if hasattr(X, "shape") else _listed(X, rows)


def _listed(X: Sequence[Any], rows: Rows) -> list[Any]:
    return [X[i] for i in rows.tolist()]
