"""The parts of an evaluation: folds, and scores of classes."""

from typing import NamedTuple


class FoldResult(NamedTuple):
    """One fold of an evaluation.

    Attributes
    ----------
    repeat : int
        Run to which it belongs, from 1 on.
    name : str
        Its name: ``"fold 1"``, or the part of a published split that was tested.
    n_train : int
        Items trained on.
    training : str
        Check sum of their rows, by which two folds are known to be the same.
    rows : tuple of int
        Items tested.
    predicted : tuple of int
        Class predicted for each, a position in `Evaluation.classes`.
    leaked : int
        Items tested whose group was trained on too.
    fit_time, predict_time : float
        Seconds, features included.
    majority, nearest : float or None
        Accuracy of the two baselines, None if not asked for or not to be had.

    Examples
    --------
    >>> from audiofeat.classification import FoldResult
    >>> FoldResult(1, "test", 8, "0", (8, 9), (0, 1), 0, 2.5, 0.1, 0.5, None).fit_time
    2.5
    """

    repeat: int
    name: str
    n_train: int
    training: str
    rows: tuple[int, ...]
    predicted: tuple[int, ...]
    leaked: int
    fit_time: float
    predict_time: float
    majority: float | None
    nearest: float | None


class ClassScores(NamedTuple):
    """Scores of one class, over all folds and repeats.

    Attributes
    ----------
    label : str
        The class.
    precision : float
        Share of what was predicted to be of the class and is; 0 if nothing was.
    recall : float
        Share of the class that was predicted to be; 0 if nothing of it was tested.
    f1 : float
        Harmonic mean of the two; 0 if both are.
    support : int
        Times that an item of the class was tested.

    Examples
    --------
    >>> from audiofeat.classification import ClassScores
    >>> ClassScores("jazz", 0.5, 1.0, 2 / 3, 4).recall
    1.0
    """

    label: str
    precision: float
    recall: float
    f1: float
    support: int
