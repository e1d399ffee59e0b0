"""A part of the training data to validate on, that shares no track with the rest."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat._validation import as_count, as_number


def split_validation(
    targets: Sequence[int] | NDArray[np.integer],
    groups: ArrayLike | None = None,
    *,
    share: float = 0.15,
    random_state: int = 0,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Divide items into those to learn from and those to validate on, whole groups and all classes alike.

    Parameters
    ----------
    targets : sequence of int
        Numbers of the items' classes.
    groups : array_like, shape (n_items,), or None
        What must stay on one side, such as tracks or artists; None takes every item for one.
    share : float
        Share of each class to validate on, in (0, 1), as nearly as whole groups allow.
    random_state : int
        Which groups are chosen.

    Returns
    -------
    train : ndarray of int
        Numbers of the items to learn from, in ascending order.
    valid : ndarray of int
        Those to validate on.

    Raises
    ------
    ValueError
        If `share` is out of range, lengths differ, or no group can be spared without a class losing its last.

    Notes
    -----
    Groups in a random order are taken to the validation part as long as each brings its counts of classes nearer to
    the share, and leaves every class one group to learn from; if none does, the one that overshoots least is. The
    folds of scikit-learn's `StratifiedGroupKFold` are for larger data: of a class of few groups they may leave nothing
    to learn from.

    Examples
    --------
    >>> from audiofeat_nn.data import split_validation
    >>> train, valid = split_validation([0, 0, 0, 0, 1, 1, 1, 1], list("aabbccdd"), share=0.5)
    >>> train.tolist(), valid.tolist()
    ([2, 3, 6, 7], [0, 1, 4, 5])
    """
    part = as_number(share, "share", low=0.0, open_low=True)
    if part >= 1.0:
        msg = f"share must be < 1, got {share!r}"
        raise ValueError(msg)
    labels = np.asarray(targets)
    names = np.arange(len(labels)) if groups is None else np.asarray(groups)
    if names.shape != labels.shape or labels.ndim != 1:
        msg = f"targets and groups must be of as many items, got shapes {labels.shape} and {names.shape}"
        raise ValueError(msg)
    _, group = np.unique(names, return_inverse=True)
    counts = np.zeros((group.max(initial=-1) + 1, labels.max(initial=-1) + 1), dtype=np.int64)
    np.add.at(counts, (group, labels), 1)
    wanted, left = part * counts.sum(axis=0), (counts > 0).sum(axis=0)
    taken, chosen = np.zeros(counts.shape[1]), np.zeros(len(counts), dtype=bool)
    rng = np.random.default_rng(as_count(random_state, "random_state", low=0))
    order: list[int] = rng.permutation(len(counts)).tolist()
    for last_resort in (False, True):  # a share of less than half a group takes the one that overshoots least
        if last_resort and chosen.any():
            break
        if last_resort:
            order = sorted(order, key=lambda i: float(((counts[i] - wanted) ** 2).sum()))
        for i in order:
            spared = not ((left == 1) & (counts[i] > 0)).any()
            nearer = ((taken + counts[i] - wanted) ** 2).sum() < ((taken - wanted) ** 2).sum()
            if spared and (nearer or (last_resort and not chosen.any())):
                taken, left, chosen[i] = taken + counts[i], left - (counts[i] > 0), True
    if not chosen.any():
        msg = f"groups must be 2 at least in some class, to validate on one, got {len(counts)} groups in all"
        raise ValueError(msg)
    valid = chosen[group]
    return np.flatnonzero(~valid), np.flatnonzero(valid)
