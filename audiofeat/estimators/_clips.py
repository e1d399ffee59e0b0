"""Rows that are made of a whole clip: statistics of its descriptors, or a part of its samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from audiofeat._validation import Float, as_choice, as_count, as_number, as_rate
from audiofeat.estimators._transformers import AudioTransformer
from audiofeat.fourier.framing import Window
from audiofeat.sections import Segmentation
from audiofeat.segmentation import segment
from audiofeat.tables import FeatureTable, describe
from audiofeat.tables.rows import NAMES
from audiofeat.tables.statistics import STATISTICS


class FeatureStatistics(AudioTransformer):
    """Make a row of the statistics that `describe` gives of each signal, file or clip.

    Parameters
    ----------
    sr : float
        Sample rate in Hz: files are resampled to it, and arrays are taken to be at it.
    preset : {"default", "gtzan"}
        As in `describe`.
    names : sequence of str
        Descriptors, as in `describe`: ``"hpss"`` and ``"rhythm"`` take a hundred times as long as all others, which
        are the default.
    statistics : sequence of {"mean", "var", "std", "skew", "kurtosis", "median", "min", "max"}
        What is told of each column of `frames`. All but ``"std"`` by default.
    n_fft, hop_length, win_length, window, center, pad_mode, n_mfcc, top_db : as in `frames`
        How the descriptors are computed.
    n_jobs : int, optional
        Items at a time, in threads, or in what :func:`joblib.parallel_config` names; -1 for all cores.

    Attributes
    ----------
    sr_ : float
        Sample rate in Hz.
    columns_ : tuple of str
        Names of the columns.
    n_features_in_ : int
        Number of samples, if `fit` was given an array of two dimensions.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if it was given a data frame.

    See Also
    --------
    describe : What is computed.

    Notes
    -----
    Each row is that of its item alone, to the last bit, whatever lies beside it and however many work on it. Rows are
    in float64.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import FeatureStatistics
    >>> clips = [np.sin(np.arange(30000.0)), np.zeros(8000)]
    >>> transformer = FeatureStatistics(names=["rms"], statistics=["mean", "max"]).fit(clips)
    >>> transformer.get_feature_names_out().tolist()
    ['rms_mean', 'rms_max']
    >>> transformer.transform(clips).round(3)
    array([[0.699, 0.707],
           [0.   , 0.   ]])
    """

    def __init__(
        self,
        sr: float = 22050,
        *,
        preset: str = "default",
        names: Sequence[str] = NAMES,
        statistics: Sequence[str] = STATISTICS,
        n_fft: int = 2048,
        hop_length: int = 512,
        win_length: int | None = None,
        window: Window = "hann",
        center: bool = True,
        pad_mode: str = "constant",
        n_mfcc: int = 20,
        top_db: float | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.sr = sr
        self.preset = preset
        self.names = names
        self.statistics = statistics
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.win_length = win_length
        self.window = window
        self.center = center
        self.pad_mode = pad_mode
        self.n_mfcc = n_mfcc
        self.top_db = top_db
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Any:
        """Say that rows are in float64."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64"]
        return tags

    def _prepare(self) -> None:
        self.sr_ = as_rate(self.sr)
        silence = np.zeros(as_count(self.n_fft, "n_fft"))  # enough for a frame without padding
        self.columns_ = self._table(silence).columns

    def _row(self, y: Float) -> Float:
        return self._table(y).values

    def _columns(self) -> list[str]:
        return list(self.columns_)

    def _table(self, y: Float) -> FeatureTable:
        return describe(
            y,
            self.sr_,
            preset=self.preset,
            names=self.names,
            statistics=self.statistics,
            n_fft=self.n_fft,
            hop_length=self.hop_length,
            win_length=self.win_length,
            window=self.window,
            center=self.center,
            pad_mode=self.pad_mode,
            n_mfcc=self.n_mfcc,
            top_db=self.top_db,
        )


class SegmentExcerpt(AudioTransformer):
    """Make a row of the samples of a typical excerpt of each signal, file or clip, found by segmentation.

    Its rows, clips of equal length at ``sr``, are what the other transformers take: as the first step of a pipeline
    it stands between songs and their features.

    Parameters
    ----------
    sr : float
        Sample rate in Hz: files are resampled to it, and arrays are taken to be at it.
    duration : float
        Length of the excerpts in seconds, above 0, rounded to samples.
    excerpt : {"thumbnail", "largest"}
        The part around the most central window of the label that sounds longest (`Segmentation.thumbnail`), or the
        beginning of all its sections joined in time, which is what [1]_ hands to a classifier. What is shorter than
        `duration` is followed by zeros.
    n_clusters, preset, window_duration, hop_duration : as in `segment`
        How the signal is segmented: ``preset="ucsd2020"`` is the recipe of [1]_.
    n_jobs : int, optional
        Items at a time, in threads, or in what :func:`joblib.parallel_config` names; -1 for all cores.

    Attributes
    ----------
    sr_ : float
        Sample rate in Hz.
    n_samples_ : int
        Samples of an excerpt.
    n_features_in_ : int
        Number of samples, if `fit` was given an array of two dimensions.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if it was given a data frame.

    See Also
    --------
    segment : How the excerpts are found.

    Notes
    -----
    Each row is that of its item alone, to the last bit, whatever lies beside it and however many work on it. A signal
    that is no longer than its thumbnail is taken as it is.

    References
    ----------
    .. [1] "Music genre recognition using deep learning", UCSD project report, 2020, section 6.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import SegmentExcerpt, synth
    >>> song = synth.ar_regimes("ABA", sr=8000, segment_duration=8.0, random_state=0)
    >>> excerpts = SegmentExcerpt(8000, duration=10.0, excerpt="largest").fit_transform([song.y])
    >>> np.array_equal(excerpts[0], np.concatenate([song.y[:64000], song.y[128000:144000]]))
    True
    """

    def __init__(
        self,
        sr: float = 22050,
        *,
        duration: float = 30.0,
        excerpt: str = "thumbnail",
        n_clusters: int | None = None,
        preset: str = "default",
        window_duration: float | None = None,
        hop_duration: float | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.sr = sr
        self.duration = duration
        self.excerpt = excerpt
        self.n_clusters = n_clusters
        self.preset = preset
        self.window_duration = window_duration
        self.hop_duration = hop_duration
        self.n_jobs = n_jobs

    def _prepare(self) -> None:
        self.sr_ = as_rate(self.sr)
        self.n_samples_ = max(1, round(self.sr_ * as_number(self.duration, "duration", low=0.0, open_low=True)))
        as_choice(self.excerpt, "excerpt", ("largest", "thumbnail"))
        self._segment(np.zeros(1))

    def _row(self, y: Float) -> Float:
        n = self.n_samples_
        if self.excerpt == "largest":
            found = self._segment(y)
            part = found.extract(y, found.largest().label)[:n]
        elif len(y) > n:
            start = round(self._segment(y).thumbnail(n / self.sr_)[0] * self.sr_)
            part = y[start : start + n]
        else:
            part = y
        return np.pad(part, (0, n - len(part)))

    def _columns(self) -> list[str]:
        return [f"sample_{i}" for i in range(1, self.n_samples_ + 1)]

    def _segment(self, y: Float) -> Segmentation:
        return segment(
            y,
            self.sr_,
            n_clusters=self.n_clusters,
            preset=self.preset,
            window_duration=self.window_duration,
            hop_duration=self.hop_duration,
        )
