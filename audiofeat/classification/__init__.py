"""Evaluation of classifiers of audio: folds that do not leak, scores, baselines, and comparison of two.

>>> import numpy as np
>>> from sklearn.dummy import DummyClassifier
>>> from sklearn.svm import SVC
>>> from audiofeat.classification import compare, evaluate
>>> rng = np.random.default_rng(0)
>>> y = np.repeat(["jazz", "rock"], 20)
>>> X = rng.normal(size=(40, 3)) + 2.0 * (y == "jazz")[:, np.newaxis]
>>> songs = np.arange(40) // 2  # two clips of each
>>> result = evaluate(SVC(), (X, y, songs), cv=5)
>>> result.n_groups, result.accuracy
(20, 0.95)
>>> compare(result, evaluate(DummyClassifier(), (X, y, songs), cv=5)).difference > 0
True
"""

from audiofeat.classification.pairing import Comparison, compare
from audiofeat.classification.parts import ClassScores, FoldResult
from audiofeat.classification.results import Evaluation
from audiofeat.classification.running import evaluate

__all__ = ["ClassScores", "Comparison", "Evaluation", "FoldResult", "compare", "evaluate"]
