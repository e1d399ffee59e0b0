"""Count the votes of clips for the classes of their tracks."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat._validation import as_choice

Array = NDArray[Any]

HOW = ("majority", "mean_proba", "sum_log_proba")
LEAST = float(np.finfo(np.float64).eps)  # so that a probability of 0 in one clip is no veto


class Votes(NamedTuple):
    """What tracks are voted to be.

    Attributes
    ----------
    tracks : ndarray, shape (n_tracks,)
        The tracks, in the order of their first clips.
    labels : ndarray, shape (n_tracks,)
        Class of each.
    proba : ndarray, shape (n_tracks, n_classes)
        Share of each class in the votes, or its probability: rows sum to 1.
    classes : ndarray, shape (n_classes,)
        Classes, the columns of `proba`.

    Examples
    --------
    >>> from audiofeat import vote
    >>> vote([1, 1, 0], ["a", "a", "b"]).labels
    array([1, 0])
    """

    tracks: Array
    labels: Array
    proba: Array
    classes: Array


def vote(
    predictions: ArrayLike, tracks: ArrayLike, *, how: str = "majority", classes: ArrayLike | None = None
) -> Votes:
    r"""Let the clips of each track vote.

    Parameters
    ----------
    predictions : array_like, shape (n_clips,) or (n_clips, n_classes)
        Classes of the clips; or probabilities, as of ``predict_proba``.
    tracks : array_like, shape (n_clips,)
        Track of each clip, in any order.
    how : {"majority", "mean_proba", "sum_log_proba"}
        What is counted: the class of each clip, or its most probable; the mean of the probabilities; or the sum of
        their logarithms, those below 2.2e-16 taken for that. The last two need probabilities.
    classes : array_like, optional, shape (n_classes,)
        Classes of the columns, by default their numbers; or of classes all that there are, by default those that occur.

    Returns
    -------
    Votes
        Named tuple of `tracks`, `labels`, `proba` and `classes`. Of classes with the same support, the first in
        `classes` wins.

    Raises
    ------
    ValueError
        If `how` is unknown or does not go with `predictions`, shapes do not agree, there is no clip, a class is named
        twice or not in `classes`, or a probability is negative or not finite.

    Notes
    -----
    With :math:`p_{ic}` the probability of class c in clip i of n, `proba` is for ``"mean_proba"``
    :math:`\frac{1}{n} \sum_i p_{ic}`, and for ``"sum_log_proba"``, which takes clips for independent,
    :math:`\prod_i p_{ic}` over its sum for all classes.

    Examples
    --------
    >>> from audiofeat import vote
    >>> found = vote(["jazz", "pop", "pop", "jazz"], ["a", "b", "a", "a"])
    >>> found.labels
    array(['jazz', 'pop'], dtype='<U4')
    >>> found.proba.round(2)
    array([[0.67, 0.33],
           [0.  , 1.  ]])
    """
    as_choice(how, "how", HOW)
    values, names = np.asarray(predictions), np.asarray(tracks)
    if values.ndim not in (1, 2) or names.shape != values.shape[:1] or values.size == 0:
        msg = f"predictions and tracks must be of as many clips, got shapes {values.shape} and {names.shape}"
        raise ValueError(msg)
    if values.ndim == 1 and how != "majority":
        msg = f"predictions must have the shape (n_clips, n_classes) for how={how!r}, got {values.shape}"
        raise ValueError(msg)
    if classes is not None:
        known = np.asarray(classes)
    else:
        known = np.unique(values) if values.ndim == 1 else np.arange(values.shape[1])
    if known.ndim != 1 or len(np.unique(known)) != len(known) or values.shape[1:] not in ((), known.shape):
        msg = f"classes must be different, and one for each column, got {known} for shape {values.shape}"
        raise ValueError(msg)
    support = of_labels(values, known) if values.ndim == 1 else of_probabilities(values, how)
    _, first, track = np.unique(names, return_index=True, return_inverse=True)
    order = np.argsort(first)
    proba = poll(support, np.argsort(order)[track], how)
    return Votes(names[first[order]], known[proba.argmax(axis=1)], proba, known)


def of_labels(labels: Array, classes: Array) -> Array:
    """Return a row to each clip: 1 in the column of its class."""
    support = labels[:, None] == classes
    if not support.any(axis=1).all():
        msg = f"classes must hold all predictions, got {labels[~support.any(axis=1)][0]!r} beside {classes}"
        raise ValueError(msg)
    return np.asarray(support, dtype=np.float64)


def of_probabilities(proba: Array, how: str) -> Array:
    """Return a row to each clip, whose sums over clips tell."""
    proba = np.asarray(proba, dtype=np.float64)
    if not (np.isfinite(proba) & (proba >= 0.0)).all():
        msg = f"probabilities must be finite and >= 0, got {proba[~(np.isfinite(proba) & (proba >= 0.0))][0]}"
        raise ValueError(msg)
    if how == "majority":
        first: Array = np.eye(proba.shape[1])[proba.argmax(axis=1)]
        return first
    return proba if how == "mean_proba" else np.asarray(np.log(np.maximum(proba, LEAST)))


def poll(support: Array, track: NDArray[np.intp], how: str) -> Array:
    """Return a row to each track of what its clips support, `track` being the row of each clip."""
    n_clips = np.bincount(track)
    total = np.zeros((len(n_clips), support.shape[1]))
    np.add.at(total, track, support)
    if how != "sum_log_proba":
        return total / n_clips[:, None]
    total = np.exp(total - total.max(axis=1, keepdims=True))
    share: Array = total / total.sum(axis=1, keepdims=True)
    return share
