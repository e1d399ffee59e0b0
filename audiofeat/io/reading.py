"""Decode forward, mix, resample, and cut into blocks: `load` and `stream` are one path."""

import os
from collections.abc import Iterator
from typing import Literal

import numpy as np
import soundfile as sf
from numpy.typing import DTypeLike, NDArray

from audiofeat._validation import Float, as_choice, as_count, as_number, as_rate
from audiofeat.io._blocks import BLOCK, is_finite, join, mix, rechunk, resample, within
from audiofeat.io._files import MISPLACED, UNKNOWN, ForwardFile, open_audio, reason_of, shortfall
from audiofeat.io.errors import AudioError

MP3_BLOCK = 16 * 1152  # samples read at once; libsndfile drops all of those among which an MP3 goes wrong
# Where 16 bits are read as they are, to be scaled here: the same numbers as libsndfile's, in a third of its time.
PLAIN = ("AIFF", "AU", "CAF", "RF64", "W64", "WAV", "WAVEX")
MAX_RATIO = 1000.0  # beyond it soxr may run for minutes on one sample, or ask for gigabytes
RANDOM_ACCESS = ("PCM_", "FLOAT", "DOUBLE", "ULAW", "ALAW")  # where a seek is exact (FLAC is PCM_ too)

Block = NDArray[np.int16] | Float
Truncated = Literal["raise", "keep"]


def _read_into(wanted: Block, file: ForwardFile, position: int) -> tuple[int, str]:
    """Fill `wanted` from `position`, where `file` is; return how many frames came, and what went wrong."""
    size, dtype = MP3_BLOCK if file.format == "MP3" else len(wanted), wanted.dtype.name
    n_read = 0
    try:
        while n_new := file.buffer_read_into(wanted[n_read : n_read + size], dtype):
            n_read += n_new
    except sf.LibsndfileError as error:
        problem = f"decoding stops with an error ({reason_of(error)})"
    else:
        return n_read, ""
    try:
        return file.tell() - position, problem  # what came before the error
    except sf.LibsndfileError:  # a coding without positions
        return n_read, problem


def _decode(
    name: str,
    file: ForwardFile,
    declared: int | None,
    *,
    start: int,
    stop: float,
    limit: float,
    mono: bool,
    dtype: str,
    truncated: str,
) -> Iterator[Float]:
    """Yield the samples [start, stop), in blocks of shape (n_samples,) or (n_samples, n_channels)."""
    position, problem = 0, ""
    with file:
        is_plain = file.subtype == "PCM_16" and file.format in PLAIN
        size = max(1, BLOCK // file.channels)
        if file.format == "MP3":
            size -= size % MP3_BLOCK
        buffer = np.empty((size, file.channels), dtype=np.int16 if is_plain else dtype)
        if 0 < start < file.frames < UNKNOWN and file.subtype.startswith(RANDOM_ACCESS):
            try:
                position = file.seek(start)
            except sf.LibsndfileError as error:
                reason = f"cannot be read from sample {start} on ({reason_of(error)})"
                raise AudioError(name, reason) from error
        while position < stop and not problem:
            wanted = buffer[: int(min(len(buffer), stop - position))]
            n_read, problem = _read_into(wanted, file, position)
            if n_read == 0:
                break
            if file.subtype == "OPUS" and MISPLACED.search(file.extra_info):
                raise AudioError(name, "its Opus pages cannot be where they say that they are")
            came = wanted[max(0, start - position) : n_read]
            block = mix(came.astype(dtype), mono=mono) if is_plain else mix(came, mono=mono)
            if is_plain:
                block *= 2.0**-15
            elif not is_finite(block):
                at = tuple(np.argwhere(~np.isfinite(block))[0])
                raise AudioError(name, f"sample {max(start, position) + at[0]} is {block[at]} as {dtype}")
            position += n_read
            if position > limit:
                raise AudioError(name, f"longer than max_duration = {limit / file.samplerate:g} s")
            if len(block):
                yield block
        if position >= stop:
            return  # what lies behind the part asked for is not judged
        problem = problem or shortfall(file, position, declared)
        if position <= start or (problem and truncated == "raise"):
            beyond = f"offset is beyond its end at {position / file.samplerate:g} s"
            raise AudioError(name, problem or (beyond if position else "holds no samples"))


def _read(
    path: str | os.PathLike[str],
    sr: float | None,
    mono: bool,
    offset: float,
    duration: float | None,
    dtype: DTypeLike,
    max_duration: float,
    max_size: int | None,
    truncated: str,
) -> tuple[Iterator[Float], float]:
    """Check the arguments, open the file; return its blocks, time first, and their rate."""
    rate = None if sr is None else as_rate(sr)
    offset = as_number(offset, "offset", low=0.0)
    seconds = np.inf if duration is None else as_number(duration, "duration", low=0.0, open_low=True)
    kind = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    as_choice(kind, "dtype", ("float32", "float64"))
    limit = as_number(max_duration, "max_duration", low=0.0, open_low=True)
    largest = None if max_size is None else as_count(max_size, "max_size")
    as_choice(truncated, "truncated", ("raise", "keep"))
    name, file, declared = open_audio(path)
    native, n_channels = int(file.samplerate), int(file.channels)
    if rate is None:
        rate = float(native)
    if not native / MAX_RATIO <= rate <= native * MAX_RATIO:
        file.close()
        raise AudioError(name, f"{native} Hz cannot be resampled to {rate:g} Hz: over {MAX_RATIO:g} to 1")
    start = round(offset * native)
    blocks = _decode(
        name,
        file,
        declared,
        start=start,
        stop=start + max(1.0, np.rint(seconds * native)),
        limit=limit * native,
        mono=mono,
        dtype=kind,
        truncated=truncated,
    )
    if rate != native:
        blocks = resample(blocks, name, native, rate, 1 if mono else n_channels, kind)
    return within(blocks, name, largest), int(rate) if rate.is_integer() else rate


def load(
    path: str | os.PathLike[str],
    sr: float | None = None,
    *,
    mono: bool = True,
    offset: float = 0.0,
    duration: float | None = None,
    dtype: DTypeLike = "float32",
    max_duration: float = 86400.0,
    max_size: int | None = None,
    truncated: Truncated = "raise",
) -> tuple[Float, float]:
    """Decode an audio file, all or a part of it.

    Parameters
    ----------
    path : str or os.PathLike
        WAV, FLAC, Ogg Vorbis, Opus, MP3, AIFF or another format of libsndfile.
    sr : float or None, default=None
        Sample rate to resample to, in Hz; None keeps the file's.
    mono : bool, default=True
        Return the mean of the channels.
    offset, duration : float
        The part to return, in seconds of the file; duration None is all the rest. It starts at sample
        ``round(offset * native)`` and has ``round(duration * native)`` samples (at least one), or fewer
        where the file ends.
    dtype : {"float32", "float64"}, default="float32"
        Type of the samples; integer codings are scaled to [-1, 1).
    max_duration : float, default=86400.0
        Longest audio to decode, in seconds from the start of the file, by its declared rate.
    max_size : int or None, default=None
        Most values to return, samples times channels; None is no limit. `load` holds them twice while it
        joins the blocks.
    truncated : {"raise", "keep"}, default="raise"
        What to do with a file that ends early or whose decoding stops with an error.

    Returns
    -------
    y : ndarray, shape (n_samples,) or (n_channels, n_samples)
        The signal; 2-D for a file of several channels with ``mono=False``.
    sr : int or float
        Its sample rate in Hz; an int if it is integral.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    AudioError
        If the file is missing, unreadable, empty, not audio, truncated (see Notes), longer than
        `max_duration`, of more than `max_size` values, holds NaN or Inf, overflows when it is resampled,
        or has no sample in the part asked for.

    See Also
    --------
    stream : The same samples block by block.

    Notes
    -----
    The decoder is read forward until it is empty. Nothing is allocated from the header, whose length
    may be forged: `max_duration` and `max_size` count what was decoded. So may the rate be, and with it what
    `max_duration` allows; a file that was not made by friends needs `max_size` as well. Seeking is used for
    linear codings and FLAC only, where it is exact; other formats decode and drop what comes before `offset`.

    A file is *truncated* if the decoder stops with an error, if it gives fewer samples than the header
    declares, or if its (first) Ogg stream does not end with the file. Nothing is declared by the maximal
    sizes that writers to pipes put into WAV, by FLAC without a count, or by MP3 without a Xing or Info
    frame (which is decoded to its end, whatever its bit rates suggest). The declared length of an MP3
    may be 2304 samples too long, as encoders differ in what they count. Only the part asked for is judged.
    ``"keep"`` returns what was decoded before the end or the error, unless that is nothing.

    Resampling is soxr's HQ quality, in a stream; rates more than 1000 to 1 apart are refused.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from audiofeat import load, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/a.wav", np.zeros((2, 44100)), 44100)
    ...     y, sr = load(f"{folder}/a.wav", sr=22050)
    >>> y.shape, y.dtype, sr
    ((22050,), dtype('float32'), 22050)
    """
    blocks, rate = _read(path, sr, mono, offset, duration, dtype, max_duration, max_size, truncated)
    return join(list(blocks)), rate


def stream(
    path: str | os.PathLike[str],
    *,
    block: int,
    sr: float | None = None,
    mono: bool = True,
    offset: float = 0.0,
    duration: float | None = None,
    dtype: DTypeLike = "float32",
    max_duration: float = 86400.0,
    max_size: int | None = None,
    truncated: Truncated = "raise",
) -> Iterator[Float]:
    """Decode an audio file block by block, in memory that does not grow with its length.

    Parameters
    ----------
    path : str or os.PathLike
        The file, as for `load`.
    block : int
        Samples per block, at the rate returned (`sr`, or the file's); the last block may be shorter.
    sr : float or None, default=None
        As for `load`.
    mono : bool, default=True
        As for `load`.
    offset, duration : float
        As for `load`.
    dtype : {"float32", "float64"}, default="float32"
        As for `load`.
    max_duration : float, default=86400.0
        As for `load`.
    max_size : int or None, default=None
        As for `load`, for all blocks together.
    truncated : {"raise", "keep"}, default="raise"
        As for `load`.

    Yields
    ------
    ndarray, shape (n_samples,) or (n_channels, n_samples)
        Blocks whose concatenation in time is what `load` returns, bit for bit, for every `block`.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    AudioError
        As for `load`: at once if the file cannot be opened, with the block at which it is found out
        otherwise, so the blocks before may have been used.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from audiofeat import save, stream
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/a.wav", np.zeros(2500), 8000)
    ...     [len(y) for y in stream(f"{folder}/a.wav", block=1000)]
    [1000, 1000, 500]
    """
    block = as_count(block, "block")
    blocks, _ = _read(path, sr, mono, offset, duration, dtype, max_duration, max_size, truncated)
    return rechunk(blocks, block)  # not a generator itself: arguments and file are checked at the call
