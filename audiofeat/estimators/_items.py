"""What a transformer is given: signals of any lengths, files, and parts of files."""

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from audiofeat._validation import Float, as_number, as_signal

FILES = (str, PathLike)


@dataclass(frozen=True)
class AudioClip:
    """A part of an audio file, as an item for the transformers.

    Attributes
    ----------
    path : str or os.PathLike
        The file.
    start : float
        Where the part begins, in seconds of the file, ``>= 0``.
    stop : float, optional
        Where it ends, after `start`; where the file ends if not given, or if the file is shorter.

    Raises
    ------
    ValueError
        If `start` is below 0, or `stop` is not after it.
    TypeError
        If `path` is no path, or a time no number.

    Examples
    --------
    >>> from audiofeat import AudioClip
    >>> AudioClip("song.flac", 30.0, 33.0)
    AudioClip(path='song.flac', start=30.0, stop=33.0)
    """

    path: str | PathLike[str]
    start: float = 0.0
    stop: float | None = None

    def __post_init__(self) -> None:
        path: object = self.path
        if not isinstance(path, FILES):
            msg = f"path must be a str or a path, got {path!r}"
            raise TypeError(msg)
        start = as_number(self.start, "start", low=0.0)
        if self.stop is not None:
            as_number(self.stop, "stop", low=start, open_low=True)


Item = Float | str | PathLike[str] | AudioClip


def items_in(X: Any) -> list[Any] | None:
    """Return the items of a list, or of an array of one dimension; None if `X` is a table of numbers."""
    if isinstance(X, (*FILES, AudioClip)):
        msg = f"X must be a list of signals or files, got the file {X!r}"
        raise TypeError(msg)
    if isinstance(X, list | tuple):
        lengths = {len(item) for item in X if isinstance(item, list | tuple)}
        items = len(lengths) > 1 or any(
            isinstance(item, (*FILES, AudioClip)) or getattr(item, "ndim", 0) > 0 for item in X
        )
        return list(X) if items else None
    if getattr(X, "ndim", 2) == 1 and np.asarray(X).dtype.kind in "OUT":  # objects, or text: paths
        return list(np.asarray(X))
    return None


def checked(item: Any, name: str) -> Item:
    """Return a file or clip as it is, to be read when its turn comes, and all else as a signal."""
    return item if isinstance(item, (*FILES, AudioClip)) else as_signal(item, name=name, ndim=1)


def samples_of(item: Item, sr: float) -> Float:
    """Return the samples of an item at the rate `sr`; of a file they are mono, in float32."""
    if isinstance(item, np.ndarray):
        return item
    from audiofeat.io import load  # a signal needs no decoder

    if isinstance(item, AudioClip):
        duration = None if item.stop is None else item.stop - item.start
        return load(item.path, sr=sr, offset=item.start, duration=duration)[0]
    return load(item, sr=sr)[0]
