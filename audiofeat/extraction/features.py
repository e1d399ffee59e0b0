"""What is computed of a signal: front ends, statistics, segments, or a function of the user's."""

import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from audiofeat._validation import Float, as_rate
from audiofeat.frontend import FrontEnd
from audiofeat.presets import list_presets, preset

Array = NDArray[Any]
Kind = Literal["frontend", "function", "segments", "statistics"]

SECTIONS = ("start", "end", "label")  # columns of segments


@dataclass(frozen=True)
class Describe:
    """Statistics of a clip as features: options of `describe`.

    Attributes
    ----------
    sr : float
        Sample rate in Hz that all files are resampled to.
    preset : {"default", "gtzan"}
        As for `describe`; ``"gtzan"`` leaves the others at their defaults.
    names, statistics : tuple of str or None
        Descriptors and statistics; None for those of `describe`.
    n_fft, hop_length, n_mfcc, top_db : as for `describe`
        How the descriptors are computed.

    Examples
    --------
    >>> from audiofeat.extraction import Describe
    >>> Describe(names=("rms", "mfcc"), statistics=("mean",)).n_mfcc
    20
    """

    sr: float = 22050.0
    preset: str = "default"
    names: tuple[str, ...] | None = None
    statistics: tuple[str, ...] | None = None
    n_fft: int = 2048
    hop_length: int = 512
    n_mfcc: int = 20
    top_db: float | None = None

    def __call__(self, y: Float) -> Any:
        """Return the table of a signal, or of several of the same length."""
        from audiofeat.tables import describe

        options = {name: value for name, value in asdict(self).items() if value is not None}
        return describe(y, **options)


@dataclass(frozen=True)
class Segments:
    """Sections of a track as features, a row to a section: options of `segment_file`.

    The columns are start and end in seconds, and the label as a number: 0 for the one that sounds first, -1 for
    silence.

    Attributes
    ----------
    sr : float or None
        Sample rate in Hz to resample to; None keeps the file's.
    preset, n_clusters, max_clusters : as for `segment_file`
        How sections are found.
    window_duration, hop_duration, min_duration : float or None
        As for `segment_file`, in seconds.

    Examples
    --------
    >>> from audiofeat.extraction import Segments
    >>> Segments(sr=22050.0, n_clusters=4).preset
    'default'
    """

    sr: float | None = None
    preset: str = "default"
    n_clusters: int | None = None
    max_clusters: int = 12
    window_duration: float | None = None
    hop_duration: float | None = None
    min_duration: float | None = None

    def __call__(self, path: str, progress: Callable[[float, float | None], object]) -> Array:
        """Return the sections of a file, shape (n_sections, 3)."""
        from audiofeat.labels import SILENCE
        from audiofeat.segmentation import segment_file

        found = segment_file(path, progress=progress, **asdict(self))
        order = dict.fromkeys(label for label in found.labels if label != SILENCE)
        number = {SILENCE: -1} | {label: i for i, label in enumerate(order)}
        return np.column_stack([found.intervals, [number[label] for label in found.labels]])


@dataclass(frozen=True)
class Features:
    """What is computed, how it is told in a store, and at which rate it wants its signals."""

    kind: Kind
    of: Any
    spec: dict[str, Any]
    columns: tuple[str, ...] | None
    sr: float | None

    def __call__(self, y: Float, sr: float) -> Array:
        """Return the features of a signal; for front ends and statistics also of several, (n, n_samples)."""
        if self.kind == "frontend":
            return np.asarray(self.of(y))
        if self.kind == "statistics":
            return np.asarray(self.of(y).values)
        if y.ndim == 2:
            return np.stack([np.asarray(self.of(row, sr)) for row in y])
        return np.asarray(self.of(y, sr))

    def warm(self) -> None:
        """Compile and load all that is needed, so that the first file takes no longer than the others."""
        if self.kind == "frontend":
            n_samples = max(self.of.n_fft, self.of.win_length or 0)
            self.of(np.zeros(n_samples, dtype=np.float32))
        elif self.kind == "statistics":
            self.of(_silence(self.of))


def as_features(features: object) -> Features:
    """Return the features that were asked for, checked."""
    if isinstance(features, str):
        words = {"statistics": Describe, "segments": Segments}
        if features not in (*words, *list_presets()):
            msg = f"features must be one of {', '.join((*words, *list_presets()))}, or an object, got {features!r}"
            raise ValueError(msg)
        features = words[features]() if features in words else preset(features)
    if isinstance(features, FrontEnd):
        return Features("frontend", features, features.to_dict(), None, features.sr)
    if isinstance(features, Describe):
        sr = as_rate(features.sr)
        return Features("statistics", features, asdict(features), features(_silence(features)).columns, sr)
    if isinstance(features, Segments):
        _check_segments(features)
        rate = None if features.sr is None else as_rate(features.sr)
        return Features("segments", features, asdict(features), SECTIONS, rate)
    if callable(features):
        return Features("function", features, _spec_of_function(features), None, None)
    msg = f"features must be a name, a FrontEnd, Describe, Segments or a function, got {features!r}"
    raise TypeError(msg)


def _silence(features: Describe) -> Float:
    """Return enough of it to compute statistics: their columns are known from nothing else."""
    sr = as_rate(features.sr)
    return np.zeros(max(features.n_fft, round(sr)), dtype=np.float32)


def _check_segments(features: Segments) -> None:
    """Refuse what `segment_file` would refuse of every file."""
    from audiofeat.segmentation import segment

    options = asdict(features)
    sr = as_rate(options.pop("sr") or 22050.0)
    segment(np.zeros(round(sr), dtype=np.float32), sr, **options)


def _spec_of_function(function: Callable[..., object]) -> dict[str, Any]:
    """Return the name under which processes find a function, and what it is called with."""
    inner: Any = function
    spec: dict[str, Any] = {}
    if isinstance(function, partial):
        inner = function.func
        spec = {"args": list(map(repr, function.args)), "keywords": {k: repr(v) for k, v in function.keywords.items()}}
    name = getattr(inner, "__qualname__", "")
    module = getattr(inner, "__module__", "")
    if not name or isinstance(inner, type) or "<" in name:  # of <lambda>, and of <locals>
        msg = f"features must be a function at the top level of a module, which other processes can find, got {inner!r}"
        raise TypeError(msg)
    try:
        pickle.dumps(function)
    except Exception as error:
        msg = f"features must be a function that can be pickled, got {inner!r}: {error}"
        raise TypeError(msg) from error
    return {"function": f"{module}.{name}", **spec}
