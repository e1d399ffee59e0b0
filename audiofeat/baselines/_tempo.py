"""The classifier of tempi."""

import numpy as np
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline

from audiofeat._validation import Float, as_rate
from audiofeat.baselines._steps import pipeline
from audiofeat.estimators._transformers import AudioTransformer
from audiofeat.rhythm import tempo


def tempo_nn(n_neighbors: int = 1, *, sr: float | None = 22050, n_jobs: int | None = None) -> Pipeline:
    """Return nearest neighbours in tempo, the reference on Ballroom of [1]_.

    Parameters
    ----------
    n_neighbors : int
        Neighbours that vote.
    sr : float or None
        Sample rate in Hz: files are resampled to it, and arrays are taken to be at it. Without, `X` holds tempi, of
        shape (n_clips, 1): in [2]_ they are annotated.
    n_jobs : int, optional
        Items at a time, as for `TempoTransformer`.

    Returns
    -------
    Pipeline
        Not fitted.

    Notes
    -----
    Annotated tempi gave an accuracy of 0.823. Those that are found in the signal may be double or half.

    References
    ----------
    .. [1] J. Pons, T. Lidy and X. Serra, "Experimenting with musically motivated convolutional neural networks",
       CBMI 2016.
    .. [2] F. Gouyon, S. Dixon, E. Pampalk and G. Widmer, "Evaluating rhythmic descriptors for musical genre
       classification", AES 25th International Conference, 2004.

    Examples
    --------
    >>> from audiofeat import baselines
    >>> baselines.tempo_nn(sr=None).fit([[180.0], [90.0]], ["viennese-waltz", "waltz"]).predict([[100.0]])
    array(['waltz'], dtype='<U14')
    """
    features = None if sr is None else TempoTransformer(sr, n_jobs=n_jobs)
    return pipeline(KNeighborsClassifier(n_neighbors), preset=None, n_frames=None, features=features)


class TempoTransformer(AudioTransformer):
    """Make a row of the `tempo` of each signal, file or clip.

    Parameters
    ----------
    sr : float
        Sample rate in Hz: files are resampled to it, and arrays are taken to be at it.
    n_jobs : int, optional
        Items at a time, in threads, or in what :func:`joblib.parallel_config` names; -1 for all cores.

    Attributes
    ----------
    sr_ : float
        Sample rate in Hz.
    n_features_in_ : int
        Number of samples, if `fit` was given an array of two dimensions.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if it was given a data frame.

    See Also
    --------
    tempo : What is computed.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import baselines, synth
    >>> y = synth.clicks(np.arange(0.5, 8.0, 0.5), sr=22050, duration=8.0)
    >>> baselines.TempoTransformer().fit_transform([y, y[:99]]).round()
    array([[117.],
           [117.]])
    """

    def __init__(self, sr: float = 22050, *, n_jobs: int | None = None) -> None:
        self.sr = sr
        self.n_jobs = n_jobs

    def _prepare(self) -> None:
        self.sr_ = as_rate(self.sr)

    def _row(self, y: Float) -> Float:
        return np.array([tempo(y, self.sr_)], dtype=y.dtype)

    def _columns(self) -> list[str]:
        return ["tempo"]
