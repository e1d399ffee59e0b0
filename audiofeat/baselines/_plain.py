"""Classifiers of features as they are."""

from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from audiofeat.baselines._steps import RandomState, pipeline
from audiofeat.frontend import FrontEnd


def knn(
    n_neighbors: int = 5,
    weights: str = "uniform",
    *,
    metric: str = "minkowski",
    scale: bool = True,
    preset: str | FrontEnd | None = None,
    n_frames: int | None = None,
    features: Any = None,
) -> Pipeline:
    """Return nearest neighbours.

    With `svm`, `softmax`, `decision_tree` and `naive_bayes` these are the five rows of [1]_, which states neither
    features nor parameters: those here are scikit-learn's, and ``preset="ucsd2020"`` is the input of its networks.

    Parameters
    ----------
    n_neighbors : int
        Neighbours that vote.
    weights : {"uniform", "distance"}
        A neighbour counts 1, or one over its distance.
    metric : str
        Distance of clips, as of `KNeighborsClassifier`: by default the Euclidean one.
    scale : bool
        Bring each feature to a mean of 0 and a variance of 1 over the clips, first.
    preset, n_frames, features : see the module
        The input.

    Returns
    -------
    Pipeline
        Not fitted.

    Raises
    ------
    ValueError
        If `preset` and `features` are given both, or `n_frames` alone.

    References
    ----------
    .. [1] "Music genre recognition using deep learning", UCSD project report, 2020, Table 2: on GTZAN, whole songs
       and clips of 3 s with voting.

    Examples
    --------
    >>> from audiofeat import baselines
    >>> baselines.knn(1, metric="cosine", scale=False).fit([[1.0, 0.0], [0.0, 1.0]], [0, 1]).predict([[9.0, 5.0]])
    array([0])
    """
    classifier = KNeighborsClassifier(n_neighbors, weights=weights, metric=metric)
    return pipeline(classifier, preset=preset, n_frames=n_frames, features=features, scale=scale)


def svm(
    *,
    kernel: str = "rbf",
    C: float = 1.0,
    gamma: float | str = "scale",
    scale: bool = True,
    preset: str | FrontEnd | None = None,
    n_frames: int | None = None,
    features: Any = None,
) -> Pipeline:
    """Return a support vector machine, see `knn`.

    Parameters
    ----------
    kernel, C, gamma : as in `pca_svm`
        The machine.
    scale : bool
        Bring each feature to a mean of 0 and a variance of 1 over the clips, first.
    preset, n_frames, features : see the module
        The input.

    Returns
    -------
    Pipeline
        Not fitted.

    Raises
    ------
    ValueError
        If `preset` and `features` are given both, or `n_frames` alone.

    Examples
    --------
    >>> from audiofeat import baselines
    >>> baselines.svm().fit([[0.0], [1.0], [8.0], [9.0]], list("aabb")).predict([[2.0], [7.0]])
    array(['a', 'b'], dtype='<U1')
    """
    classifier = SVC(C=C, kernel=kernel, gamma=gamma)
    return pipeline(classifier, preset=preset, n_frames=n_frames, features=features, scale=scale)


def softmax(
    *,
    C: float = 1.0,
    max_iter: int = 1000,
    scale: bool = True,
    preset: str | FrontEnd | None = None,
    n_frames: int | None = None,
    features: Any = None,
) -> Pipeline:
    """Return soft-max regression: logistic regression of several classes, see `knn`.

    Parameters
    ----------
    C : float
        One over the price of large weights, above 0.
    max_iter : int
        Steps at most. scikit-learn warns where they are not enough.
    scale : bool
        Bring each feature to a mean of 0 and a variance of 1 over the clips, first.
    preset, n_frames, features : see the module
        The input.

    Returns
    -------
    Pipeline
        Not fitted.

    Raises
    ------
    ValueError
        If `preset` and `features` are given both, or `n_frames` alone.

    Examples
    --------
    >>> from audiofeat import baselines
    >>> model = baselines.softmax().fit([[0.0], [1.0], [8.0], [9.0]], list("aabb"))
    >>> model.predict_proba([[4.5]]).round(6)
    array([[0.5, 0.5]])
    """
    classifier = LogisticRegression(C=C, max_iter=max_iter)
    return pipeline(classifier, preset=preset, n_frames=n_frames, features=features, scale=scale)


def decision_tree(
    *,
    max_depth: int | None = None,
    random_state: RandomState = 0,
    preset: str | FrontEnd | None = None,
    n_frames: int | None = None,
    features: Any = None,
) -> Pipeline:
    """Return a decision tree, see `knn`.

    Parameters
    ----------
    max_depth : int, optional
        Questions on the way to a leaf, at most; by default until leaves hold one class.
    random_state : int, RandomState or None
        For choosing between questions that are as good.
    preset, n_frames, features : see the module
        The input.

    Returns
    -------
    Pipeline
        Not fitted.

    Raises
    ------
    ValueError
        If `preset` and `features` are given both, or `n_frames` alone.

    Examples
    --------
    >>> from audiofeat import baselines
    >>> baselines.decision_tree().fit([[0.0], [1.0], [8.0], [9.0]], list("aabb")).predict([[4.0], [5.0]])
    array(['a', 'b'], dtype='<U1')
    """
    classifier = DecisionTreeClassifier(max_depth=max_depth, random_state=random_state)
    return pipeline(classifier, preset=preset, n_frames=n_frames, features=features)


def naive_bayes(
    *,
    var_smoothing: float = 1e-9,
    preset: str | FrontEnd | None = None,
    n_frames: int | None = None,
    features: Any = None,
) -> Pipeline:
    """Return naive Bayes with normal distributions, see `knn`.

    Parameters
    ----------
    var_smoothing : float
        Share of the largest variance of a feature that is added to all, ``>= 0``.
    preset, n_frames, features : see the module
        The input.

    Returns
    -------
    Pipeline
        Not fitted.

    Raises
    ------
    ValueError
        If `preset` and `features` are given both, or `n_frames` alone.

    Examples
    --------
    >>> from audiofeat import baselines
    >>> baselines.naive_bayes().fit([[0.0], [1.0], [8.0], [9.0]], list("aabb")).predict([[4.0], [5.0]])
    array(['a', 'b'], dtype='<U1')
    """
    classifier = GaussianNB(var_smoothing=var_smoothing)
    return pipeline(classifier, preset=preset, n_frames=n_frames, features=features)
