"""Classifiers of principal components."""

from typing import Any

from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from audiofeat.baselines._steps import RandomState, pipeline
from audiofeat.frontend import FrontEnd


def pca_knn(
    n_components: int | float = 15,
    n_neighbors: int = 8,
    weights: str = "distance",
    *,
    metric: str = "minkowski",
    scale: bool = True,
    random_state: RandomState = 0,
    preset: str | FrontEnd | None = None,
    n_frames: int | None = None,
    features: Any = None,
) -> Pipeline:
    """Return nearest neighbours among principal components: ``preset="kth2020"`` is that report's [1]_.

    Parameters
    ----------
    n_components : int or float
        Components, at most as many as there are clips or features; or below 1, the share of the variance to keep.
    n_neighbors : int
        Neighbours that vote. The authors' code has 18.
    weights : {"distance", "uniform"}
        A neighbour counts one over its distance, or 1.
    metric : str
        Distance of clips, as of `KNeighborsClassifier`: by default the Euclidean one.
    scale : bool
        Bring each feature to a mean of 0 and a variance of 1 over the clips, first.
    random_state : int, RandomState or None
        For the components of wide matrices, which are found from random projections.
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

    Notes
    -----
    The report normalises "the mean and variance of the mel-spectrograms", which is read as of each of their values.
    It found an accuracy of 0.305 on FMA-small, of 8 genres, and 0.33 with `pca_svm`.

    References
    ----------
    .. [1] "Music genre classification: different methods exploration", KTH DT2119 project report, 2020, section 3.

    Examples
    --------
    >>> from audiofeat import baselines
    >>> list(baselines.pca_knn(preset="kth2020").named_steps)
    ['features', 'scaler', 'pca', 'classifier']
    """
    return pipeline(
        KNeighborsClassifier(n_neighbors, weights=weights, metric=metric),
        preset=preset,
        n_frames=n_frames,
        features=features,
        scale=scale,
        pca=PCA(n_components, random_state=random_state),
    )


def pca_svm(
    n_components: int | float = 15,
    *,
    kernel: str = "rbf",
    C: float = 1.0,
    gamma: float | str = "scale",
    scale: bool = True,
    random_state: RandomState = 0,
    preset: str | FrontEnd | None = None,
    n_frames: int | None = None,
    features: Any = None,
) -> Pipeline:
    """Return a support vector machine on principal components: ``preset="kth2020"`` is that report's, see `pca_knn`.

    Parameters
    ----------
    n_components : int or float
        As in `pca_knn`.
    kernel : {"rbf", "linear", "poly", "sigmoid"}
        Kernel.
    C : float
        Price of a clip on the wrong side, above 0.
    gamma : float or {"scale", "auto"}
        Width of the kernel, as of `SVC`.
    scale, random_state : as in `pca_knn`
        Whether to bring features to one scale, and what is random.
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
    >>> from audiofeat import FeatureStatistics, baselines
    >>> baselines.pca_svm(features=FeatureStatistics(), C=10.0).named_steps["classifier"]
    SVC(C=10.0)
    """
    return pipeline(
        SVC(C=C, kernel=kernel, gamma=gamma),
        preset=preset,
        n_frames=n_frames,
        features=features,
        scale=scale,
        pca=PCA(n_components, random_state=random_state),
    )
