"""Two classifiers on the same folds."""

import json
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr
from scipy.stats import binomtest

from audiofeat.classification._tables import percent
from audiofeat.classification.results import Evaluation


@dataclass(frozen=True, repr=False)
class Comparison:
    """How two models differ on the same folds; as text it is a report.

    Attributes
    ----------
    first, second : str
        Names of the models.
    accuracies : tuple of float
        Accuracy of each.
    n_groups : int
        Groups tested: tracks, or artists.
    first_better, second_better : int
        Groups of which one of the models predicted more items correctly than the other.
    p_value : float
        Of McNemar's exact test, two-sided, over groups.
    fold_p_value : float or None
        Of the corrected resampled t-test, two-sided, over folds. None with one fold, or where the difference is the
        same in each and not 0, so that there is no spread to compare it with.
    warning : str
        What is said of either model's leakage; empty if there is none.

    See Also
    --------
    compare : What makes it.

    Examples
    --------
    >>> from audiofeat.classification import Comparison
    >>> Comparison("SVC", "kNN", (0.8, 0.7), 100, 14, 4, 0.031, None, "")
    SVC 80.0 %, kNN 70.0 %: difference 10.0 points
      of 100 groups SVC was better on 14, kNN on 4: McNemar p = 0.031
    """

    first: str
    second: str
    accuracies: tuple[float, float]
    n_groups: int
    first_better: int
    second_better: int
    p_value: float
    fold_p_value: float | None
    warning: str

    @property
    def difference(self) -> float:
        """Accuracy of the first less that of the second, in [-1, 1]."""
        return self.accuracies[0] - self.accuracies[1]

    def to_dict(self) -> dict[str, Any]:
        """Return everything, in types of which JSON is made."""
        stored = {field.name: getattr(self, field.name) for field in fields(self)}
        return stored | {"accuracies": list(self.accuracies), "difference": self.difference}

    def to_json(self) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)

    def to_markdown(self) -> str:
        """Return the report in Markdown."""
        head, *lines = str(self).splitlines()
        return "\n".join([f"**{head}**", "", *(f"- {line.strip()}" for line in lines)])

    def __str__(self) -> str:
        """Return the report as text."""
        first, second = (percent(accuracy) for accuracy in self.accuracies)
        better = f"{self.first} was better on {self.first_better}, {self.second} on {self.second_better}"
        lines = [
            f"{self.first} {first} %, {self.second} {second} %: difference {percent(self.difference)} points",
            f"of {self.n_groups} groups {better}: McNemar p = {self.p_value:.2g}",
        ]
        if self.fold_p_value is not None:
            lines.append(f"over folds: corrected resampled t-test p = {self.fold_p_value:.2g}")
        return "\n  ".join([*lines, *([self.warning] if self.warning else [])])

    __repr__ = __str__


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    r"""Test whether two models differ on the same folds of the same items.

    Parameters
    ----------
    first, second : Evaluation
        Two results of `evaluate` with the same data set, `cv`, `groups`, `repeats` and `random_state`.

    Returns
    -------
    Comparison
        Counts, difference and the p-values of two tests.

    Raises
    ------
    ValueError
        If items, labels, groups or folds of the two are not the same.

    Notes
    -----
    McNemar's exact test [1]_ asks whether, of the groups on which the two differ, each has its half: the probability of
    so uneven a division among fair coins. Of a group of several predictions (clips, repeats) the model with more of
    them correct has it, so that no track counts twice. It speaks of these models as they were trained.

    The corrected resampled t-test [2]_ asks the same of the differences :math:`d_j` of accuracy in J folds,

    .. math:: t = \bar d \Big/ \sqrt{(1/J + n_{test}/n_{train})\, s_d^2}

    with ``J - 1`` degrees of freedom and mean sizes: what folds share in training would otherwise make it find
    differences that are not there. It includes the effect of other training items, and with few folds finds little.
    The first is the one to report for one run of few folds, the second where there are ten or more.

    References
    ----------
    .. [1] Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
       Psychometrika 12, 1947.
    .. [2] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52, 2003, equation 9.

    Examples
    --------
    >>> from audiofeat.classification import compare, evaluate
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.naive_bayes import GaussianNB
    >>> X, y = [[0.0], [0.1], [0.2], [0.3], [5.0], [5.1], [5.2], [5.3]], list("aaaabbbb")
    >>> better, worse = (evaluate(model, (X, y, None), cv=2) for model in (GaussianNB(), DummyClassifier()))
    >>> compare(better, worse)
    GaussianNB 100.0 %, DummyClassifier 50.0 %: difference 50.0 points
      of 8 groups GaussianNB was better on 4, DummyClassifier on 0: McNemar p = 0.12
    """
    _check_same(first, second)
    margin = np.zeros(max(first.groups) + 1, np.intp)
    truth, groups = np.array(first.truth), np.array(first.groups)
    for one, other in zip(first.folds, second.folds, strict=True):
        rows = np.array(one.rows)
        correct, correct_too = (truth[rows] == fold.predicted for fold in (one, other))
        np.add.at(margin, groups[rows], correct.astype(np.intp) - correct_too)
    ahead, behind = int((margin > 0).sum()), int((margin < 0).sum())
    warnings = [f"{result.name}: {result.warning}" for result in (first, second) if result.warning]
    return Comparison(
        first=first.name,
        second=second.name,
        accuracies=(first.accuracy, second.accuracy),
        n_groups=first.n_groups,
        first_better=ahead,
        second_better=behind,
        p_value=float(binomtest(ahead, ahead + behind).pvalue) if ahead + behind else 1.0,
        fold_p_value=_corrected(first, first.fold_accuracies - second.fold_accuracies),
        warning="; ".join(warnings),
    )


def _check_same(first: Evaluation, second: Evaluation) -> None:
    for what in ("items", "classes", "truth", "groups"):
        if getattr(first, what) != getattr(second, what):
            msg = f"first and second must have the same {what}, got others for {first.name} and {second.name}"
            raise ValueError(msg)
    one, other = ([(fold.repeat, fold.training, fold.rows) for fold in result.folds] for result in (first, second))
    if one != other:
        msg = f"first and second must have the same folds, got others in {first.name} and {second.name}"
        raise ValueError(msg)


def _corrected(result: Evaluation, difference: NDArray[np.float64]) -> float | None:
    n_folds = len(difference)
    if not difference.any():
        return 1.0 if n_folds > 1 else None
    if n_folds < 2 or np.ptp(difference) < 1e-12:  # of shares of some thousands: rounding
        return None
    ratio = sum(len(fold.rows) for fold in result.folds) / sum(fold.n_train for fold in result.folds)
    t = difference.mean() / np.sqrt((1 / n_folds + ratio) * difference.var(ddof=1))
    return float(2 * stdtr(n_folds - 1, -abs(t)))
