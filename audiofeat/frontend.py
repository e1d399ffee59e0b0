"""`FrontEnd`: everything a feature depends on, in one frozen, callable object."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import reduce
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._caching import remembered
from audiofeat._kernels.bands import LOG, LOG_1P
from audiofeat._validation import Float, as_choice, as_count, as_number, as_signal
from audiofeat.cepstrum import cosine_bank
from audiofeat.fourier.engine import as_workers, share_out
from audiofeat.fourier.framing import Framing, as_framing, window_samples
from audiofeat.mel import mel_filterbank
from audiofeat.mel.bands import mel_bank
from audiofeat.mel.decibels import Reference
from audiofeat.mel.recipe import Compression, Recipe, as_recipe, features
from audiofeat.streaming import as_blocks, cut_frames, padded, write_parts

Source = ArrayLike | str | PathLike[str]

FRAMING = ("n_fft", "hop_length", "win_length", "center", "pad_mode")  # handed on to `as_framing`
BANDS = ("n_mels", "fmin", "fmax", "htk", "norm", "triangles")  # and to `mel_filterbank`
COUNTS = ("n_fft", "hop_length", "win_length", "n_mels", "n_mfcc", "max_frames")
POSITIVE = ("sr", "gain", "power", "factor", "amin", "norm")
NOT_NEGATIVE = ("fmin", "fmax", "ref", "top_db")
FLAGS = ("symmetric", "center", "htk")
OPTIONAL = ("win_length", "n_mels", "fmax", "norm", "top_db", "n_mfcc", "max_frames")
WORDS = {"norm": ("slaney",), "ref": ("max",)}  # instead of a number
COMPRESSIONS = ("log", "log10_1p", "log1p", "none", "power_db")


@dataclass(frozen=True)
class FrontEnd:
    """Pinned recipe from a signal to its features.

    The defaults are those of `logmel`. A default never changes: a field that is left out of a stored recipe
    means the same for ever.

    Attributes
    ----------
    sr : float
        Sample rate in Hz. Arrays are taken to be at it; files are resampled to it.
    n_fft, hop_length, win_length, center, pad_mode : as in `stft`
        Framing.
    window : str, float or tuple
        What :func:`scipy.signal.get_window` takes.
    symmetric : bool
        Make the window symmetric (Essentia, Kaldi) instead of periodic.
    gain : float
        The window is multiplied by it, and so are the magnitudes: a window of a given sum, or PCM units.
    power : float
        Exponent of the magnitudes, ``> 0``.
    n_mels : int or None
        Number of mel bands; None keeps the linear spectrum and ignores the five fields that follow.
    fmin, fmax, htk, norm, triangles : as in `mel_filterbank`
        Bands.
    compression : {"power_db", "log", "log10_1p", "log1p", "none"}
        ``10 * log10(S / ref)``, ``ln(S / ref)``, ``log10(1 + factor * S)``, ``ln(1 + factor * S)`` or ``S``.
    factor : float
        The factor of ``"log10_1p"`` and ``"log1p"``, ``> 0``.
    ref : float or "max"
        The reference of ``"power_db"`` and ``"log"``; ``"max"`` is the item's maximum, which needs the whole
        clip. Silence, its own maximum, is then 0.
    amin : float
        Their floor under `S` and `ref`, ``> 0``.
    top_db : float or None
        Their range in dB, for both, under the item's maximum, which needs the whole clip; None for no limit.
    n_mfcc : int or None
        Number of cepstral coefficients (orthonormal DCT-II of the compressed bands); None for the bands.
    max_frames : int or None
        Only the first frames are kept, up to this number, after everything else; None keeps all.

    Raises
    ------
    ValueError
        If a field is out of its range.
    TypeError
        If a field is not of its type.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import FrontEnd
    >>> front_end = FrontEnd(22050, n_mels=64)
    >>> front_end(np.zeros(22050)).shape
    (64, 44)
    >>> front_end == FrontEnd.from_dict(front_end.to_dict())
    True
    """

    sr: float
    n_fft: int = 2048
    hop_length: int = 512
    win_length: int | None = None
    window: str | float | tuple[Any, ...] = "hann"
    symmetric: bool = False
    gain: float = 1.0
    center: bool = True
    pad_mode: str = "constant"
    power: float = 2.0
    n_mels: int | None = 128
    fmin: float = 0.0
    fmax: float | None = None
    htk: bool = False
    norm: str | float | None = "slaney"
    triangles: str = "hz"
    compression: str = "power_db"
    factor: float = 10000.0
    ref: str | float = 1.0
    amin: float = 1e-10
    top_db: float | None = None
    n_mfcc: int | None = None
    max_frames: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            checked: Any = value
            if (value is None and name in OPTIONAL) or (isinstance(value, str) and name in WORDS):
                checked = None if value is None else as_choice(value, name, WORDS[name])
            elif name in COUNTS:
                checked = as_count(value, name)
            elif name in POSITIVE or name in NOT_NEGATIVE:
                checked = as_number(value, name, low=0.0, open_low=name in POSITIVE)
            elif name in FLAGS and not isinstance(value, bool):
                msg = f"{name} must be True or False, got {value!r}"
                raise TypeError(msg)
            elif name == "window":
                checked = _window_spec(value)
            object.__setattr__(self, name, checked)
        as_choice(self.compression, "compression", COMPRESSIONS)
        self._framing()
        if self.n_mels is not None:
            mel_filterbank(self.sr, n_fft=self.n_fft, **self._values(BANDS))
        if self.n_mfcc is not None and self.n_mfcc > (self.n_mels or 0):
            msg = f"n_mfcc must be <= n_mels = {self.n_mels}, got {self.n_mfcc}"
            raise ValueError(msg)

    def __call__(self, y: Source, *, workers: int = 1) -> Float:
        """Compute the features of a signal or a file.

        Parameters
        ----------
        y : array_like, shape (..., n_samples), or str or path
            Signal at the rate `sr`, leading axes independent; or a file, mixed to mono and resampled.
        workers : int
            Threads, as in `stft`.

        Returns
        -------
        ndarray, shape (..., n_bands, n_frames)
            Features, in the dtype of `y`; float32 for a file.
        """
        workers = as_workers(workers)
        signal: Any = y
        if isinstance(y, str | PathLike):
            from audiofeat.io import load  # a signal needs no decoder

            signal, _ = load(y, sr=self.sr)
        signal = as_signal(signal, finite=False)
        framing, recipe = _tables(self, signal.dtype)
        return features(signal, framing, recipe, workers=workers, max_frames=self.max_frames)

    def map(self, sources: Iterable[Source], *, workers: int = 1) -> list[Float]:
        """Compute the features of signals of any lengths, or of files.

        Parameters
        ----------
        sources : iterable of array_like, str or path
            Each is what the front end can be called with.
        workers : int
            Threads, ``>= 1`` or -1 for all cores; each takes the next source that is left.

        Returns
        -------
        list of ndarray
            Features, one for each source, in their order.

        Raises
        ------
        ValueError, TypeError, AudioError
            As a call with the first source that fails; those that have begun are finished before.
        """
        if isinstance(sources, str | PathLike):
            msg = f"sources must be an iterable of signals or files, got the file {sources!r}"
            raise TypeError(msg)
        waiting = list(enumerate(sources))
        done: dict[int, Float] = {}
        failed: dict[int, Exception] = {}

        def job(task: tuple[int, Source], _: None) -> None:
            number, source = task
            try:
                done[number] = self(source)
            except Exception as error:
                failed[number] = error
                raise

        try:
            share_out(waiting, job, lambda: None, max(1, min(as_workers(workers), len(waiting))))
        except Exception:  # sources begin in order, so all before the first that fails are done
            if failed:
                raise failed[min(failed)] from None
            raise
        return [done[number] for number in range(len(waiting))]

    def stream(
        self, source: str | PathLike[str] | Iterable[ArrayLike], *, n_frames: int = 4096, workers: int = 1
    ) -> Iterator[Float]:
        """Compute the features of a long signal part by part, in memory that does not grow with its length.

        Parameters
        ----------
        source : str or path, or iterable of array_like
            A file, mixed to mono and resampled; or blocks of a signal at the rate `sr`, time last and of any
            lengths, as they arrive. Leading axes, the same in all, are independent. An array is one block.
        n_frames : int
            Frames to return at a time; the last part may have fewer. With 1, a frame is returned as soon as its
            last sample has arrived.
        workers : int
            Threads, as in `stft`.

        Yields
        ------
        ndarray, shape (..., n_bands, n_frames)
            Parts whose concatenation in time is what a call with the whole file or signal returns, bit for bit.

        Raises
        ------
        ValueError
            If a block does not fit to those before it, holds NaN or Inf, or the signal is too short without
            `center`; or if the features look at the whole clip (``ref="max"`` or `top_db`) and `source` is not
            a file, which is then read twice.
        AudioError
            As `load`.

        Examples
        --------
        >>> import numpy as np
        >>> from audiofeat import FrontEnd
        >>> front_end, y = FrontEnd(22050), np.sin(np.arange(44100.0))
        >>> parts = front_end.stream(np.split(y, 9), n_frames=32)
        >>> np.array_equal(np.concatenate(list(parts), axis=-1), front_end(y))
        True
        """
        n_frames, workers = as_count(n_frames, "n_frames"), as_workers(workers)
        looks_at_clip = self._compression().looks_at_clip
        if isinstance(source, str | PathLike):
            return self._stream_file(source, looks_at_clip, n_frames, workers)
        if looks_at_clip:
            msg = (
                f"source must be a file for ref = {self.ref!r} and top_db = {self.top_db}, "
                f"which look at the whole clip, got {type(source).__name__}"
            )
            raise ValueError(msg)
        return self._stream_blocks([source] if isinstance(source, np.ndarray) else source, n_frames, workers)

    def save(
        self,
        source: str | PathLike[str] | Iterable[ArrayLike],
        path: str | PathLike[str],
        *,
        n_frames: int = 4096,
        workers: int = 1,
    ) -> Float:
        """Write the features of a long signal to a file of NumPy, and open it mapped into memory.

        Parameters
        ----------
        source : as in `stream`
            The signal.
        path : str or path
            The file to write, ``.npy`` by custom. It is written under another name and then renamed, so that no
            half of it is ever seen.
        n_frames, workers : as in `stream`
            Frames at a time, and threads.

        Returns
        -------
        numpy.memmap, shape (..., n_bands, n_frames)
            The features, read-only, as ``numpy.load(path, mmap_mode="r")`` opens them; frames lie one after the
            other in the file.

        Raises
        ------
        ValueError, AudioError
            As `stream`.
        OSError
            If the file cannot be written.
        """
        write_parts(self.stream(source, n_frames=n_frames, workers=workers), Path(path))
        mapped: Float = np.load(path, mmap_mode="r")
        return mapped

    def _stream_file(self, path: Any, twice: bool, n_frames: int, workers: int) -> Iterator[Float]:
        from audiofeat.io import stream

        peak = None
        if twice:
            levels = dataclasses.replace(self, compression="none", n_mfcc=None, max_frames=None)
            parts = levels._stream_file(path, False, n_frames, workers)
            peak = float(reduce(np.maximum, (part.max() for part in parts)))  # NaN too
        return self._stream_blocks(stream(path, block=1 << 18, sr=self.sr), n_frames, workers, peak)

    def _stream_blocks(
        self, blocks: Iterable[ArrayLike], n_frames: int, workers: int, peak: float | None = None
    ) -> Iterator[Float]:
        framing = self._framing()
        inside = dataclasses.replace(framing, center=False)
        for y in cut_frames(padded(as_blocks(blocks), framing), framing, n_frames, self.max_frames):
            yield features(y, inside, _tables(self, y.dtype)[1], workers=workers, peak=peak)

    def patches(self, y: Source, n_frames: int, *, workers: int = 1) -> Float:
        """Cut the features into patches that follow each other without overlap.

        Parameters
        ----------
        y : array_like, shape (..., n_samples), or str or path
            Signal or file.
        n_frames : int
            Frames of a patch.
        workers : int
            Threads, as in `stft`.

        Returns
        -------
        ndarray, shape (..., n_patches, n_bands, n_frames)
            The patches; frames that do not fill the last one are left out.

        Raises
        ------
        ValueError
            If there are fewer than `n_frames` frames.
        """
        n_frames = as_count(n_frames, "n_frames")
        S = self(y, workers=workers)
        *batch, n_bands, n_available = S.shape
        n_patches = n_available // n_frames
        if n_patches == 0:
            msg = f"n_frames must be <= {n_available}, the number of frames of y, got {n_frames}"
            raise ValueError(msg)
        cut = S[..., : n_patches * n_frames].reshape(*batch, n_bands, n_patches, n_frames)
        return np.ascontiguousarray(np.moveaxis(cut, -2, -3))

    @property
    def n_bands(self) -> int:
        """Return the number of rows of the features."""
        return self.n_mfcc or self.n_mels or 1 + self.n_fft // 2

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames of the features.

        Parameters
        ----------
        n_samples : int
            Samples of the signal.

        Returns
        -------
        int
            Number of frames.
        """
        n_frames = self._framing().n_frames(as_count(n_samples, "n_samples"))
        return n_frames if self.max_frames is None else min(n_frames, self.max_frames)

    def frame_times(self, n_frames: int) -> Float:
        """Return the centres of the first frames.

        Parameters
        ----------
        n_frames : int
            Number of frames.

        Returns
        -------
        ndarray, shape (n_frames,)
            Seconds.
        """
        first = 0.0 if self.center else self.n_fft / 2.0
        return (first + self.hop_length * np.arange(as_count(n_frames, "n_frames", low=0))) / self.sr

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them."""
        return {field.name: _as_json(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_dict(cls, spec: Mapping[str, Any]) -> Self:
        """Make a front end from what `to_dict` returned.

        Parameters
        ----------
        spec : mapping
            Fields by name; `sr` at least, the others at their default if missing.

        Returns
        -------
        FrontEnd
            The front end.

        Raises
        ------
        ValueError
            If a name is no field, or `sr` is missing.
        """
        unknown = sorted(set(spec) - {field.name for field in fields(cls)})
        if unknown or "sr" not in spec:
            msg = f"spec has unknown fields: {', '.join(unknown)}" if unknown else "spec must have the field sr"
            raise ValueError(msg)
        return cls(**spec)

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that tell front ends apart, the same on every machine.

        Fields at their default are left out of the hash, so a field added by a later version changes nothing.
        """
        defaults = {field.name: field.default for field in fields(self)}
        told = {name: value for name, value in self.to_dict().items() if value != defaults[name]}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    def _window(self) -> Float:
        win_length = self.n_fft if self.win_length is None else self.win_length
        return self.gain * window_samples(self.window, win_length, symmetric=self.symmetric)

    def _framing(self) -> Framing:
        return as_framing(window=self._window(), **self._values(FRAMING))

    def _values(self, names: tuple[str, ...]) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names}

    def _compression(self) -> Compression:
        ref: Reference = np.max if isinstance(self.ref, str) else self.ref
        return {
            "none": Compression(),
            "power_db": Compression(LOG, 10.0, 10.0, ref=ref, amin=self.amin, top_db=self.top_db),
            "log": Compression(LOG, ref=ref, amin=self.amin, top_db=self.top_db),
            "log1p": Compression(LOG_1P, factor=self.factor),
            "log10_1p": Compression(LOG_1P, base=10.0, factor=self.factor),
        }[self.compression]


@remembered
def _tables(front_end: FrontEnd, dtype: Any) -> tuple[Framing, Recipe]:
    """Return where the frames of a front end lie and what becomes of them."""
    framing, n_bins, bank, cosines = front_end._framing(), 1 + front_end.n_fft // 2, None, None
    if front_end.n_mels is not None:
        bank = mel_bank(dtype, front_end.sr, front_end.n_fft, *front_end._values(BANDS).values())
        if front_end.n_mfcc is not None:
            cosines = cosine_bank(dtype, front_end.n_mfcc, front_end.n_mels)
    return framing, as_recipe(dtype, n_bins, front_end.power, bank, front_end._compression(), cosines)


def _window_spec(value: Any) -> Any:
    """Return a name, a number, or a tuple of them, which is a list after a trip through JSON."""
    if isinstance(value, list | tuple):
        return tuple(_window_spec(item) for item in value)
    return value if isinstance(value, str) else as_number(value, "window")


def _as_json(value: Any) -> Any:
    """Return tuples as lists."""
    return [_as_json(item) for item in value] if isinstance(value, tuple) else value
