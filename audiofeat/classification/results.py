"""What an evaluation found."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from audiofeat._validation import as_number
from audiofeat.classification._tables import as_markdown, as_text, percent, seconds
from audiofeat.classification.parts import ClassScores, FoldResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Evaluation:
    r"""What `evaluate` found; as text it is a report.

    Attributes
    ----------
    name, model : str
        Short name of the model, and all its parameters.
    dataset : str
        Name of the data set.
    cv : str
        Kind of folds.
    grouped_by : str or None
        What was to stay on one side: ``"track"``, ``"artist"``, or None for nothing. Without groups for items of
        one's own ``"file"``, or ``"item"`` where these are no files: their tracks are not known.
    repeats : int
        Runs of all folds.
    classes : tuple of str
        Classes, sorted.
    items : tuple of str
        Paths, or row numbers.
    truth, groups : tuple of int
        Class and group of each item, as numbers.
    folds : tuple of FoldResult
        Folds, those of the first run first.

    See Also
    --------
    evaluate : What makes it.

    Notes
    -----
    `accuracy` is the share of correct predictions of all folds and repeats together, `fold_mean` and `fold_std` those
    that papers report: mean and spread (with ``n - 1``) of the accuracies of the folds.

    The interval is that of Wilson [1]_ around `accuracy` for as many trials as groups were tested:

    .. math:: \frac{p + z^2/2n \pm z \sqrt{p (1 - p)/n + z^2/4n^2}}{1 + z^2/n}

    Clips of one track, and repeats, are no new trials; where they do differ it is too wide rather than too narrow.
    A t interval over folds would take them for independent, although they share what they are trained on, and for k
    folds no estimate of their variance is unbiased [2]_; nor does it stay in [0, 1]. What Wilson's leaves out is that
    training on other tracks gives another model.

    Baselines: `majority` predicts the class that is most frequent in training, `nearest` the class of the item
    nearest (Euclidean) in the features that the last step of a pipeline is given. Both are shares of all that was
    tested; None if not asked for, and `nearest` also for models without steps.

    References
    ----------
    .. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
       American Statistical Association 22, 1927.
    .. [2] Y. Bengio and Y. Grandvalet, "No unbiased estimator of the variance of k-fold cross-validation", Journal of
       Machine Learning Research 5, 2004.

    Examples
    --------
    >>> from audiofeat.classification import evaluate
    >>> from sklearn.naive_bayes import GaussianNB
    >>> X, y = [[0.0], [0.1], [0.2], [0.3], [5.0], [5.1], [5.2], [5.3]], list("aaaabbbb")
    >>> result = evaluate(GaussianNB(), (X, y, None), cv=4)
    >>> result.confusion
    array([[4, 0],
           [0, 4]])
    >>> result.scores[0]
    ClassScores(label='a', precision=1.0, recall=1.0, f1=1.0, support=4)
    >>> print(result.to_markdown().splitlines()[0])
    **GaussianNB** on items: accuracy **100.0 %**, 95 % interval 67.6 to 100.0 %
    """

    name: str
    model: str
    dataset: str
    cv: str
    grouped_by: str | None
    repeats: int
    classes: tuple[str, ...]
    items: tuple[str, ...]
    truth: tuple[int, ...]
    groups: tuple[int, ...]
    folds: tuple[FoldResult, ...]

    @cached_property
    def confusion(self) -> NDArray[np.intp]:
        """Predictions counted, shape (n_classes, n_classes): a row for each true class."""
        truth, n_classes = np.array(self.truth), len(self.classes)
        true = np.concatenate([truth[list(fold.rows)] for fold in self.folds])
        predicted = np.concatenate([fold.predicted for fold in self.folds])
        counts = np.bincount(true * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)
        counts.flags.writeable = False  # it is kept
        return counts

    @property
    def accuracy(self) -> float:
        """Share of correct predictions, in [0, 1]."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def fold_accuracies(self) -> NDArray[np.float64]:
        """Accuracy in each fold, shape (n_folds * repeats,)."""
        truth = np.array(self.truth)
        return np.array([np.mean(truth[list(fold.rows)] == fold.predicted) for fold in self.folds])

    @property
    def fold_mean(self) -> float:
        """Mean of the accuracies of the folds."""
        return float(self.fold_accuracies.mean())

    @property
    def fold_std(self) -> float | None:
        """Standard deviation of the accuracies of the folds; None if there is one."""
        return float(self.fold_accuracies.std(ddof=1)) if len(self.folds) > 1 else None

    @property
    def scores(self) -> tuple[ClassScores, ...]:
        """Precision, recall and F1 of each class."""
        hits = np.diag(self.confusion)
        predicted, support = self.confusion.sum(axis=0), self.confusion.sum(axis=1)
        ratios = [hits / np.maximum(predicted, 1), hits / np.maximum(support, 1)]
        ratios.append(2 * hits / np.maximum(predicted + support, 1))
        rows = zip(self.classes, *(ratio.tolist() for ratio in ratios), support.tolist(), strict=True)
        return tuple(ClassScores(*row) for row in rows)

    @property
    def n_tested(self) -> int:
        """Number of items that were tested at least once."""
        return len({row for fold in self.folds for row in fold.rows})

    @property
    def n_groups(self) -> int:
        """Number of groups of which an item was tested."""
        return len({self.groups[row] for fold in self.folds for row in fold.rows})

    @property
    def majority(self) -> float | None:
        """Accuracy of predicting the most frequent class."""
        return self._baseline("majority")

    @property
    def nearest(self) -> float | None:
        """Accuracy of the nearest neighbour in the same features."""
        return self._baseline("nearest")

    @property
    def leaked(self) -> int:
        """Number of predictions for items whose group was trained on too; 0 unless that was allowed."""
        return sum(fold.leaked for fold in self.folds)

    @property
    def warning(self) -> str:
        """What reports say where groups are on both sides of a fold; empty if none is."""
        if not self.leaked:
            return ""
        share = f"{self.leaked} of {self.confusion.sum()} predictions"
        return f"LEAKAGE: {share} are for items whose {self.grouped_by or 'track'} was trained on too"

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return the interval of Wilson around the accuracy, see the Notes.

        Parameters
        ----------
        confidence : float
            Probability that such an interval holds the true value, in (0, 0.9999].

        Returns
        -------
        tuple of float
            Its ends, in [0, 1].
        """
        confidence = as_number(confidence, "confidence", low=0.0, high=0.9999, open_low=True)
        p, n, z2 = self.accuracy, self.n_groups, float(ndtri(0.5 + confidence / 2)) ** 2
        middle = p + z2 / (2 * n)
        reach = float(np.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))))
        low, high = ((middle + side * reach) / (1 + z2 / n) for side in (-1, 1))
        return max(low, 0.0), min(high, 1.0)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, in types of which JSON is made."""
        low, high = self.interval()
        return {
            **{name: getattr(self, name) for name in ("name", "model", "dataset", "cv", "grouped_by", "repeats")},
            "n_items": len(self.items),
            "n_tested": self.n_tested,
            "n_groups": self.n_groups,
            "leakage": {"predictions": self.leaked, "warning": self.warning},
            "accuracy": self.accuracy,
            "interval": {"low": low, "high": high, "confidence": 0.95, "method": "Wilson over groups"},
            "fold_accuracies": self.fold_accuracies.tolist(),
            "fold_mean": self.fold_mean,
            "fold_std": self.fold_std,
            "baselines": {"majority": self.majority, "nearest": self.nearest},
            "time": self._times(),
            "scores": [score._asdict() for score in self.scores],
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
            "items": list(self.items),
            "truth": list(self.truth),
            "groups": list(self.groups),
            "folds": [
                fold._asdict() | {"rows": list(fold.rows), "predicted": list(fold.predicted)} for fold in self.folds
            ],
        }

    def to_json(self) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)

    def to_markdown(self) -> str:
        """Return the report in Markdown."""
        low, high = (percent(value) for value in self.interval())
        head = f"**{self.name}** on {self.dataset}: accuracy **{percent(self.accuracy)} %**, "
        lines = [f"{head}95 % interval {low} to {high} %", *([f"**{self.warning}**"] if self.leaked else [])]
        facts = "\n".join(f"- {key}: {value}" for key, value in self._facts())
        return "\n\n".join([*lines, facts, as_markdown(*self._class_table()), as_markdown(*self._confusion_table())])

    def __str__(self) -> str:
        """Return the report as text."""
        low, high = (percent(value) for value in self.interval())
        head = f"{self.name} on {self.dataset}: accuracy {percent(self.accuracy)} %, 95 % interval {low} to {high} %"
        width = max(len(key) for key, _ in self._facts())
        facts = "\n".join(f"  {key:{width}}  {value}" for key, value in self._facts())
        lines = [head, *([self.warning] if self.leaked else []), facts, "", as_text(*self._class_table())]
        return "\n".join([*lines, "", as_text(*self._confusion_table())])

    __repr__ = __str__

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Plot the confusion matrix: shares of the true class as colours, counts as numbers.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where; a new figure by default.

        Returns
        -------
        matplotlib Axes
            The axes.

        Raises
        ------
        ImportError
            If the extra ``plot`` is not installed.
        """
        from audiofeat.classification._figure import draw_confusion

        return draw_confusion(self, ax)

    def _facts(self) -> list[tuple[str, str]]:
        n_folds, spread = len(self.folds) // self.repeats, self.fold_std
        folds = f"{n_folds} ({self.cv})" + (f", {self.repeats} repeats" if self.repeats > 1 else "")
        kept = "divided freely" if self.grouped_by is None else f"kept whole by {self.grouped_by}"
        over = f"mean {percent(self.fold_mean)} %" + (
            "" if spread is None else f", standard deviation {percent(spread)}"
        )
        known = {"majority class": self.majority, "nearest neighbour": self.nearest}
        times = self._times()
        return [
            ("items", f"{self.n_tested} of {len(self.items)} tested, {self.n_groups} groups, {kept}"),
            ("folds", f"{folds}: {over}"),
            *((key, f"{percent(value)} %") for key, value in known.items() if value is not None),
            ("time", f"{seconds(times['fit'])} to fit, {seconds(times['predict'])} to predict, all folds together"),
        ]

    def _class_table(self) -> tuple[list[str], list[list[str]]]:
        rows = [[s.label, percent(s.precision), percent(s.recall), percent(s.f1), str(s.support)] for s in self.scores]
        return ["class", "precision %", "recall %", "F1 %", "tested"], rows

    def _confusion_table(self) -> tuple[list[str], list[list[str]]]:
        rows = [[label, *map(str, counts)] for label, counts in zip(self.classes, self.confusion.tolist(), strict=True)]
        return ["true \\ predicted", *self.classes], rows

    def _times(self) -> dict[str, float]:
        return {"fit": sum(f.fit_time for f in self.folds), "predict": sum(f.predict_time for f in self.folds)}

    def _baseline(self, name: str) -> float | None:
        values = [getattr(fold, name) for fold in self.folds]
        if None in values:
            return None
        return float(np.average(values, weights=[len(fold.rows) for fold in self.folds]))
