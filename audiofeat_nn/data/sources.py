"""From files, parts of files, signals and features to what a network sees."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import audiofeat
from audiofeat import AudioClip, FrontEnd
from audiofeat._validation import Float, as_count, as_rate, as_signal
from audiofeat_nn.data.cutting import Cutting, fitted, windows

FILES = (str, PathLike)
BLOCK = 1 << 18  # samples of a file decoded at a time
FRAMES = 4096  # frames of a file computed at a time


@dataclass(frozen=True)
class SampleBlocks:
    """The front end of a network that reads samples: blocks of them in columns, in the place of spectra.

    Attributes
    ----------
    sr : float
        Sample rate in Hz.
    n_bands : int
        Samples of a block. The last block of a signal is filled with zeros.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat_nn.data import SampleBlocks
    >>> SampleBlocks(8000, 2)(np.array([1.0, 2.0, 3.0]))
    array([[1., 3.],
           [2., 0.]])
    """

    sr: float
    n_bands: int

    def __post_init__(self) -> None:
        """Check both."""
        object.__setattr__(self, "sr", as_rate(self.sr))
        object.__setattr__(self, "n_bands", as_count(self.n_bands, "n_bands"))

    @property
    def hop_length(self) -> int:
        """Samples from one block to the next."""
        return self.n_bands

    def __call__(self, y: ArrayLike) -> Float:
        """Return the blocks of a signal, shape (n_bands, n_blocks)."""
        y = as_signal(y, ndim=1)
        y = np.pad(y, (0, -len(y) % self.n_bands))
        return y.reshape(-1, self.n_bands).T

    def stream(self, source: str | PathLike[str], *, n_frames: int = FRAMES) -> Iterator[Float]:
        """Read the blocks of a file.

        Parameters
        ----------
        source : str or path
            The file, mixed to mono and resampled.
        n_frames : int
            Blocks at a time.

        Yields
        ------
        ndarray, shape (n_bands, n_blocks)
            Parts of what a call with the file's samples returns.
        """
        size = self.n_bands * min(n_frames, max(1, BLOCK // self.n_bands))
        yield from map(self, audiofeat.stream(source, block=size, sr=self.sr))


Front = FrontEnd | SampleBlocks


def items_in(X: Any, *, maps: bool = False) -> list[Any] | None:
    """Return the items of a list, a store, or an array of one dimension; None if `X` is a table of numbers.

    With `maps`, an array of three dimensions is a list of features.
    """
    if isinstance(X, (*FILES, AudioClip)):
        msg = f"X must be a list of signals, files or features, got the file {X!r}"
        raise TypeError(msg)
    if isinstance(X, audiofeat.Store):
        return list(X)
    if isinstance(X, list | tuple):
        lengths = {len(item) for item in X if isinstance(item, list | tuple)}
        known = any(isinstance(item, (*FILES, AudioClip)) or getattr(item, "ndim", 0) > 0 for item in X)
        return list(X) if known or len(lengths) > 1 or not X else None
    if isinstance(X, audiofeat.datasets.AudioDataset):
        return [str(path) for path in X.path]
    n_axes = getattr(X, "ndim", 2)
    if n_axes == 1 and np.asarray(X).dtype.kind in "OUT":  # objects, or text: paths
        return list(np.asarray(X))
    return list(np.asarray(X)) if maps and n_axes == 3 else None


def checked_item(item: Any, name: str) -> Any:
    """Return a file or clip as it is; a signal, one spectrogram or several of one size as checked floats."""
    if isinstance(item, (*FILES, AudioClip)):
        return item
    array = as_signal(item, name=name)
    if array.ndim > 3:
        msg = f"{name} must be a signal, features (n_bands, n_frames) or a stack of them, got shape {array.shape}"
        raise ValueError(msg)
    return array


def patches_of(
    source: Any, front_end: Front | None, *, n_frames: int, cutting: Cutting
) -> Iterator[tuple[float, Float]]:
    """Cut a track into the inputs of a network, one after another.

    Of a file no more is in memory than a few seconds at a time, however long it is.

    Parameters
    ----------
    source : str, path, AudioClip or array_like
        A file or a part of one, a signal (n_samples,), features (n_bands, n_frames), or a stack of them
        (n_clips, n_bands, n_frames), each of which is cut.
    front_end : FrontEnd, SampleBlocks or None
        What makes features of a signal; None if `source` has them already. Of features the hop tells the times.
    n_frames : int
        Frames of a patch.
    cutting : Cutting
        How.

    Yields
    ------
    start : float
        Where the patch begins, in seconds; in frames without a front end.
    patch : ndarray, shape (n_bands, n_frames)
        Features.

    Raises
    ------
    ValueError
        If the track is too short for the front end, or ends before the offset.
    AudioError
        As `audiofeat.load`.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import preset
    >>> from audiofeat_nn.data import Cutting, patches_of
    >>> cutting = Cutting(clip_duration=3.0, overlap=0.5)
    >>> parts = list(patches_of(np.zeros(220500), preset("feng2017"), n_frames=128, cutting=cutting))
    >>> [start for start, _ in parts], parts[0][1].shape
    ([0.0, 1.5, 3.0, 4.5, 6.0], (513, 128))
    """
    given = _samples_or_path(source, front_end)
    is_file = isinstance(given, FILES)
    if is_file or given.ndim == 1:
        front = _needed(front_end)
        silence = 0.0 if isinstance(front, SampleBlocks) else None
        if cutting.clip_duration is not None:
            blocks: Iterable[Float] = audiofeat.stream(given, block=BLOCK, sr=front.sr) if is_file else [given]
            size = max(1, round(cutting.clip_duration * front.sr))
            for start, clip in windows(blocks, size, first=round(cutting.offset * front.sr), cutting=cutting):
                yield start / front.sr, fitted(front(clip), n_frames, silence)
            return
        parts: Iterable[Float] = front.stream(given, n_frames=FRAMES) if is_file else [front(given)]
        yield from _of_features(parts, front, n_frames, cutting, silence)
        return
    for S in given if given.ndim == 3 else [given]:
        yield from _of_features([S], front_end, n_frames, cutting, None)


def maps_of(source: Any, front_end: Front | None, *, n_frames: int, cutting: Cutting) -> list[Float]:
    """Compute the features of a track that `PatchDataset` cuts patches from.

    Parameters
    ----------
    source, front_end, n_frames, cutting : as in `patches_of`
        The track, and how it is cut.

    Returns
    -------
    list of ndarray, shape (n_bands, n)
        A patch for each clip, where the signal is cut into clips; else all frames from the offset on, which may be
        fewer than `n_frames`. Features that are given are returned as views.

    Raises
    ------
    ValueError, AudioError
        As `patches_of`.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import preset
    >>> from audiofeat_nn.data import Cutting, maps_of
    >>> [S.shape for S in maps_of(np.zeros(44100), preset("kth2020"), n_frames=128, cutting=Cutting())]
    [(128, 74)]
    """
    given = _samples_or_path(source, front_end)
    if isinstance(given, FILES):
        if cutting.clip_duration is None and isinstance(front_end, FrontEnd):
            return _behind_offset([front_end(given)], front_end, cutting)  # many times the speed of a stream
        given = audiofeat.load(given, sr=_needed(front_end).sr)[0]
    if given.ndim > 1:
        return _behind_offset(list(given) if given.ndim == 3 else [given], front_end, cutting)
    if cutting.clip_duration is None:
        return _behind_offset([_needed(front_end)(given)], front_end, cutting)
    return [S for _, S in patches_of(given, front_end, n_frames=n_frames, cutting=cutting)]


def _samples_or_path(source: Any, front_end: Front | None) -> Any:
    if isinstance(source, AudioClip):
        duration = None if source.stop is None else source.stop - source.start
        return audiofeat.load(source.path, sr=_needed(front_end).sr, offset=source.start, duration=duration)[0]
    return source if isinstance(source, FILES) else checked_item(source, "source")


def _needed(front_end: Front | None) -> Front:
    if front_end is None:
        msg = "frontend must be given to read signals and files, got None"
        raise ValueError(msg)
    return front_end


def _first_frame(front_end: Front | None, cutting: Cutting) -> int:
    if cutting.offset == 0.0:
        return 0
    front = _needed(front_end)  # or seconds are no frames
    return round(cutting.offset * front.sr / front.hop_length)


def _of_features(
    parts: Iterable[Float], front_end: Front | None, n_frames: int, cutting: Cutting, silence: float | None
) -> Iterator[tuple[float, Float]]:
    seconds = 1.0 if front_end is None else front_end.hop_length / front_end.sr
    for start, patch in windows(parts, n_frames, first=_first_frame(front_end, cutting), cutting=cutting):
        yield start * seconds, fitted(patch, n_frames, silence)


def _behind_offset(maps: list[Float], front_end: Front | None, cutting: Cutting) -> list[Float]:
    first = _first_frame(front_end, cutting)
    if any(S.shape[-1] <= first for S in maps):
        msg = f"offset must lie within the track, got {cutting.offset:g} s"
        raise ValueError(msg)
    return [S[..., first:] for S in maps] if first else maps
