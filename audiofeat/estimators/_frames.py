"""Rows that are made of frames: a spectrogram or a table of descriptors, laid out or averaged over time."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from audiofeat._validation import Float, as_choice, as_count, as_rate
from audiofeat.estimators._items import Item, samples_of
from audiofeat.estimators._transformers import AudioTransformer
from audiofeat.fourier.framing import Framing, Window, as_framing
from audiofeat.frontend import FrontEnd
from audiofeat.frontend.tables import framing_of
from audiofeat.presets import list_presets, preset
from audiofeat.tables import FeatureTable, frames
from audiofeat.tables.rows import NAMES


class FramesTransformer(AudioTransformer):
    """A transformer whose rows are made of frames.

    Subclasses set ``_framing`` and ``_rows``, the names of the values of a frame, in `_prepare`.
    """

    n_frames: int | None
    flatten: bool
    n_frames_: int | None
    _framing: Framing
    _rows: tuple[str, ...]

    @abstractmethod
    def _values(self, y: Float) -> Float:
        """Return the values of all frames of a signal, shape (n_rows, n_frames)."""

    def _count(self, n_samples: int) -> int:
        """Return the number of frames of a signal, which has one at least after zeros are appended."""
        return self._framing.n_frames(max(n_samples, 0 if self._framing.center else self._framing.length))

    def _prepare(self) -> None:
        flatten: object = self.flatten
        if not isinstance(flatten, bool):
            msg = f"flatten must be True or False, got {flatten!r}"
            raise TypeError(msg)
        self.n_frames_ = None if self.n_frames is None else as_count(self.n_frames, "n_frames")

    def _learn(self, items: list[Item]) -> None:
        if self.n_frames_ is None and self.flatten:
            self.n_frames_ = max(self._each(self._n_frames_of, items))

    def _n_frames_of(self, item: Item, _: int) -> int:
        """Return the number of frames of an item."""
        return self._count(len(samples_of(item, self.sr_)))

    def _row(self, y: Float) -> Float:
        n_samples = len(y) if self._framing.center else max(len(y), self._framing.length)
        while (missing := (self.n_frames_ or 1) - self._framing.n_frames(n_samples)) > 0:
            n_samples += missing * self._framing.hop_length  # one turn, or two where a frame is left out
        values = self._values(np.pad(y, (0, n_samples - len(y))))[:, : self.n_frames_]
        return values.reshape(-1) if self.flatten else values.mean(axis=1)

    def _columns(self) -> list[str]:
        if not self.flatten:
            return [f"{row}_mean" for row in self._rows]
        return [f"{row}_frame_{t}" for row in self._rows for t in range(1, (self.n_frames_ or 0) + 1)]


class LogMelTransformer(FramesTransformer):
    """Make a row of the spectrogram of each signal, file or clip, by a front end.

    Parameters
    ----------
    frontend : str or FrontEnd
        The name of a `preset`, or a front end of one's own: a search can choose from a list of them.
    n_frames : int, optional
        Frames of the rows. A signal that has fewer is followed by zeros; of one that has more, the first are kept.
        By default as many as the longest item has that `fit` is given, which then reads all files; or, without
        `flatten`, as many as each item has.
    flatten : bool
        Lay out the spectrogram, band by band; or else take the mean of each band over the frames.
    n_jobs : int, optional
        Items at a time, in threads, or in what :func:`joblib.parallel_config` names; -1 for all cores.

    Attributes
    ----------
    frontend_ : FrontEnd
        The front end.
    sr_ : float
        Its sample rate in Hz: files are resampled to it, and arrays are taken to be at it.
    n_frames_ : int or None
        Frames of the rows; None for all that an item has.
    n_features_in_ : int
        Number of samples, if `fit` was given an array of two dimensions.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if it was given a data frame.

    See Also
    --------
    FrontEnd : What is computed.

    Notes
    -----
    Each row is that of its item alone, to the last bit, whatever lies beside it and however many work on it.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import LogMelTransformer
    >>> clips = [np.sin(np.arange(30000.0)), np.zeros(8000)]
    >>> transformer = LogMelTransformer("kth2020", n_frames=10).fit(clips)
    >>> transformer.transform(clips).shape
    (2, 1280)
    >>> transformer.get_feature_names_out()[[0, 1, 10]].tolist()
    ['band_1_frame_1', 'band_1_frame_2', 'band_2_frame_1']
    """

    def __init__(
        self,
        frontend: str | FrontEnd = "librosa",
        *,
        n_frames: int | None = None,
        flatten: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.frontend = frontend
        self.n_frames = n_frames
        self.flatten = flatten
        self.n_jobs = n_jobs

    def _prepare(self) -> None:
        super()._prepare()
        chosen = self.frontend
        if not isinstance(chosen, FrontEnd):
            chosen = preset(as_choice(chosen, "frontend", list_presets()))
        self.frontend_ = chosen
        limit = self.frontend_.max_frames
        if limit is not None and (self.n_frames_ or 0) > limit:
            msg = f"n_frames must be <= {limit}, the max_frames of the front end, got {self.n_frames_}"
            raise ValueError(msg)
        self.sr_ = self.frontend_.sr
        self._framing = framing_of(self.frontend_)
        self._rows = tuple(f"band_{i}" for i in range(1, self.frontend_.n_bands + 1))

    def _count(self, n_samples: int) -> int:
        n_frames = super()._count(n_samples)
        return min(n_frames, self.frontend_.max_frames or n_frames)

    def _values(self, y: Float) -> Float:
        return self.frontend_(y)


class DescriptorTransformer(FramesTransformer):
    """Make a row of chosen descriptors of the frames of each signal, file or clip.

    Parameters
    ----------
    sr : float
        Sample rate in Hz: files are resampled to it, and arrays are taken to be at it.
    names : sequence of str
        Descriptors, as in `frames`. All of them by default.
    n_frames : int, optional
        Frames of the rows. A signal that has fewer is followed by zeros; of one that has more, the first are kept.
        By default as many as the longest item has that `fit` is given, which then reads all files; or, without
        `flatten`, as many as each item has.
    flatten : bool
        Lay out the values of all frames, descriptor by descriptor; or else take their means over the frames.
    n_fft, hop_length, win_length, window, center, pad_mode, n_mfcc, top_db : as in `frames`
        How the descriptors are computed.
    n_jobs : int, optional
        Items at a time, in threads, or in what :func:`joblib.parallel_config` names; -1 for all cores.

    Attributes
    ----------
    sr_ : float
        Sample rate in Hz.
    n_frames_ : int or None
        Frames of the rows; None for all that an item has.
    n_features_in_ : int
        Number of samples, if `fit` was given an array of two dimensions.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if it was given a data frame.

    See Also
    --------
    frames : What is computed.
    FeatureStatistics : More statistics of the same than the mean.

    Notes
    -----
    Each row is that of its item alone, to the last bit, whatever lies beside it and however many work on it.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import DescriptorTransformer
    >>> clips = [np.sin(np.arange(30000.0)), np.zeros(8000)]
    >>> transformer = DescriptorTransformer(names=["rms", "mfcc"], n_mfcc=2, flatten=False).fit(clips)
    >>> transformer.get_feature_names_out().tolist()
    ['rms_mean', 'mfcc_1_mean', 'mfcc_2_mean']
    >>> transformer.transform(clips)[1].round().tolist()
    [0.0, -1131.0, 0.0]
    """

    def __init__(
        self,
        sr: float = 22050,
        *,
        names: Sequence[str] = NAMES,
        n_frames: int | None = None,
        flatten: bool = True,
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
        self.names = names
        self.n_frames = n_frames
        self.flatten = flatten
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.win_length = win_length
        self.window = window
        self.center = center
        self.pad_mode = pad_mode
        self.n_mfcc = n_mfcc
        self.top_db = top_db
        self.n_jobs = n_jobs

    def _prepare(self) -> None:
        super()._prepare()
        self.sr_ = as_rate(self.sr)
        self._framing = as_framing(
            self.n_fft, self.hop_length, self.win_length, self.window, self.center, self.pad_mode
        )
        self._rows = self._table(np.zeros(self._framing.n_fft)).columns  # enough samples for a frame without padding

    def _values(self, y: Float) -> Float:
        return self._table(y).values.T

    def _table(self, y: Float) -> FeatureTable:
        return frames(
            y,
            self.sr_,
            names=self.names,
            n_fft=self.n_fft,
            hop_length=self.hop_length,
            win_length=self.win_length,
            window=self.window,
            center=self.center,
            pad_mode=self.pad_mode,
            n_mfcc=self.n_mfcc,
            top_db=self.top_db,
        )
