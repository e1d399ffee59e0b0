"""A front end at work: on a signal, on many, on one that is too long for memory."""

import dataclasses
from collections.abc import Iterable, Iterator
from functools import reduce
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._threads import as_workers, in_order
from audiofeat._validation import Float, as_count, as_signal
from audiofeat.frontend.spec import Spec
from audiofeat.frontend.tables import compression_of, framing_of, tables_of
from audiofeat.mel.recipe import features
from audiofeat.streaming import as_blocks, cut_frames, padded, write_parts

Source = ArrayLike | str | PathLike[str]


class FrontEnd(Spec):
    __doc__ = Spec.__doc__  # where the fields are

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
        framing, recipe = tables_of(self, signal.dtype)
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
        return in_order(sources, self, workers)

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
        looks_at_clip = compression_of(self).looks_at_clip
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
            levels = dataclasses.replace(self, compression="none", scale=1.0, shift=0.0, n_mfcc=None, max_frames=None)
            parts = levels._stream_file(path, False, n_frames, workers)
            peak = float(reduce(np.maximum, (part.max() for part in parts)))  # NaN too
        return self._stream_blocks(stream(path, block=1 << 18, sr=self.sr), n_frames, workers, peak)

    def _stream_blocks(
        self, blocks: Iterable[ArrayLike], n_frames: int, workers: int, peak: float | None = None
    ) -> Iterator[Float]:
        framing = framing_of(self)
        inside = framing.cut()
        for y in cut_frames(padded(as_blocks(blocks), framing), framing, n_frames, self.max_frames):
            yield features(y, inside, tables_of(self, y.dtype)[1], workers=workers, peak=peak)

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
        return (self.n_mfcc or self.n_mels or 1 + self.n_fft // 2) + (self.log_energy == "first")

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
        n_frames = framing_of(self).n_frames(as_count(n_samples, "n_samples"))
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
        hops = self.hop_length * np.arange(as_count(n_frames, "n_frames", low=0))
        return (framing_of(self).first_time + hops) / self.sr
