"""Tracks are classified by classifying their clips."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, has_fit_parameter, validate_data

from audiofeat._validation import as_choice
from audiofeat.estimators._items import items_in
from audiofeat.voting.counting import HOW, of_labels, of_probabilities, poll
from audiofeat.voting.cutting import clip_size, cut, rate_of

Array = NDArray[Any]


class ClipVotingClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Cut tracks into clips, classify the clips, and let them vote.

    Parameters
    ----------
    estimator : classifier
        Learns and predicts clips: a pipeline of features and a classifier, as a rule.
    clip_duration : float or None
        Length of a clip in seconds, 3 s as in [1]_ and [2]_. None cuts nothing: a signal is one clip, and a track
        may also be a 2-D array of features, a row to each of its clips.
    overlap : float
        Share of a clip that the next one has too, in [0, 1): 0 as in [2]_, 0.5 as in [1]_.
    vote : {"majority", "mean_proba", "sum_log_proba"}
        What counts of a clip: its class, or its probabilities, see `vote`.
    sr : float, optional
        Sample rate of the signals in Hz, to which files are resampled. That of the front end in `estimator`, if it
        has one, which is then also the default.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Classes, sorted.
    estimator_ : classifier
        The one of the clips, fitted.
    n_features_in_ : int
        Samples of a track, if `X` was a 2-D array.
    feature_names_in_ : ndarray, shape (n_features_in_,)
        Names of its columns, if `X` was a table whose columns all have one.

    See Also
    --------
    vote : The same for clips that are classified already.

    Notes
    -----
    Clips begin every ``clip_duration * (1 - overlap)`` seconds; what is left behind the last whole one is dropped. A
    track shorter than a clip is one clip, as it is: silence that filled it up would be heard as music.

    Where tracks have unequal numbers of clips, a clip's weight is the mean number over that of its track, so that
    each track weighs the same, if `estimator` takes ``sample_weight``, or is a pipeline whose last step does, whatever
    metadata it requests; for others each clip weighs the same. All tracks are in memory while clips are learnt or
    predicted.

    A search within `estimator` would spread the clips of a track over folds. Search over this estimator instead,
    by names such as ``estimator__classifier__C``.

    References
    ----------
    .. [1] L. Feng, S. Liu and J. Yao, "Music genre classification with paralleling recurrent convolutional neural
       network", arXiv 1712.08370, 2017, section 4.
    .. [2] "Music genre recognition using deep learning", UCSD project report, 2020, Table 2.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import ClipVotingClassifier
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(loc, size=(n_clips, 2)) for loc, n_clips in [(0, 5), (3, 4), (0, 3), (3, 6)]]
    >>> model = ClipVotingClassifier(KNeighborsClassifier(1), clip_duration=None).fit(X[:2], ["calm", "loud"])
    >>> model.predict(X[2:])
    array(['calm', 'loud'], dtype='<U4')
    """

    def __init__(
        self,
        estimator: Any,
        *,
        clip_duration: float | None = 3.0,
        overlap: float = 0.0,
        vote: str = "majority",
        sr: float | None = None,
    ) -> None:
        self.estimator = estimator
        self.clip_duration = clip_duration
        self.overlap = overlap
        self.vote = vote
        self.sr = sr

    def fit(self, X: ArrayLike | Sequence[Any], y: ArrayLike) -> Self:
        """Fit the estimator on the clips of all tracks.

        Parameters
        ----------
        X : array_like, shape (n_tracks, n_samples), or sequence of tracks
            Signals of one length as rows. Or a list, or 1-D array of objects, of tracks: signals of any lengths, paths,
            or `AudioClip`.
        y : array_like, shape (n_tracks,)
            Classes of the tracks.

        Returns
        -------
        ClipVotingClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, a track is empty or not finite, `sr` is missing or not that of the front
            end, or `vote` needs probabilities which `estimator` does not give.
        TypeError
            If a parameter is not of its type, or an item is no signal.
        AudioError
            As `load`.
        """
        how, model = as_choice(self.vote, "vote", HOW), clone(self.estimator)
        if how != "majority" and not hasattr(model, "predict_proba"):
            msg = f"vote={how!r} needs an estimator with predict_proba, got {model!r}"
            raise ValueError(msg)
        tracks: Any = items_in(X)
        if tracks is None:
            tracks, labels = validate_data(self, X, y)
        else:
            labels = validate_data(self, X="no_validation", y=y)
            check_consistent_length(tracks, labels)
            if hasattr(self, "n_features_in_"):  # of an earlier fit
                del self.n_features_in_
        check_classification_targets(labels)
        clips, n_clips = self._cut(tracks)
        self.classes_ = np.unique(labels)
        weights = np.repeat(n_clips.mean() / n_clips, n_clips)
        self.estimator_ = _fit(model, clips, np.repeat(labels, n_clips), weights)
        return self

    def predict(self, X: ArrayLike | Sequence[Any]) -> Array:
        """Return the class of each track.

        Parameters
        ----------
        X : array_like, shape (n_tracks, n_samples), or sequence of tracks
            As in `fit`; if that was a 2-D array, another one has the same number of samples.

        Returns
        -------
        ndarray, shape (n_tracks,)
            Classes. Of those with the same support, the first in `classes_`.
        """
        proba = self.predict_proba(X)
        labels: Array = self.classes_[proba.argmax(axis=1)]
        return labels

    def predict_proba(self, X: ArrayLike | Sequence[Any]) -> Array:
        """Return the share of each class in the votes of a track, or its probability.

        Parameters
        ----------
        X : array_like, shape (n_tracks, n_samples), or sequence of tracks
            As in `predict`.

        Returns
        -------
        ndarray, shape (n_tracks, n_classes)
            Rows that sum to 1, as `vote` defines them.
        """
        how = as_choice(self.vote, "vote", HOW)
        clips, n_clips = self._clips(X)
        if how == "majority":
            support = of_labels(self.estimator_.predict(clips), self.classes_)
        else:
            support = of_probabilities(self.estimator_.predict_proba(clips), how)
        return poll(support, np.repeat(np.arange(len(n_clips)), n_clips), how)

    def predict_clips(self, X: ArrayLike | Sequence[Any]) -> list[Array]:
        """Return the class of each clip of each track.

        Parameters
        ----------
        X : array_like, shape (n_tracks, n_samples), or sequence of tracks
            As in `predict`.

        Returns
        -------
        list of ndarray, shape (n_clips,)
            Classes along each track.
        """
        clips, n_clips = self._clips(X)
        return np.split(self.estimator_.predict(clips), np.cumsum(n_clips)[:-1])

    def predict_proba_clips(self, X: ArrayLike | Sequence[Any]) -> list[Array]:
        """Return the probabilities of each clip of each track, if `estimator` gives them.

        Parameters
        ----------
        X : array_like, shape (n_tracks, n_samples), or sequence of tracks
            As in `predict`.

        Returns
        -------
        list of ndarray, shape (n_clips, n_classes)
            Probabilities along each track, of `classes_`.
        """
        clips, n_clips = self._clips(X)
        return np.split(self.estimator_.predict_proba(clips), np.cumsum(n_clips)[:-1])

    def _clips(self, X: Any) -> tuple[Any, NDArray[np.intp]]:
        """Return the clips to predict, and how many each track has."""
        check_is_fitted(self)
        tracks = items_in(X)
        return self._cut(validate_data(self, X, reset=False) if tracks is None else tracks)

    def _cut(self, tracks: Any) -> tuple[Any, NDArray[np.intp]]:
        sr = rate_of(self.estimator, self.sr)
        return cut(tracks, clip_size(self.clip_duration, self.overlap, sr), sr)


def _fit(model: Any, clips: Any, labels: Array, weights: Array) -> Any:
    """Fit with weights that are not all the same, if the model, or the last step of a pipeline, takes any."""
    if (weights == weights[0]).all():
        return model.fit(clips, labels)
    if has_fit_parameter(model, "sample_weight"):
        return model.fit(clips, labels, sample_weight=weights)
    if isinstance(model, Pipeline) and has_fit_parameter(model.steps[-1][1], "sample_weight"):
        with config_context(enable_metadata_routing=False):  # which would send them to every step or to none
            return model.fit(clips, labels, **{f"{model.steps[-1][0]}__sample_weight": weights})
    return model.fit(clips, labels)
