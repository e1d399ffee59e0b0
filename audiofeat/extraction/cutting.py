"""Excerpts of files: where they lie, and how no more than them is decoded."""

import re
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from audiofeat._validation import Float, as_choice, as_count, as_number
from audiofeat.extraction.limits import Limits, NotWanted
from audiofeat.io import AudioError, AudioInfo, info, load, stream

TEXT = re.compile(r"(?:(?P<n>\d+)x)?(?P<duration>\d*\.?\d+)s?(?:@(?P<position>[a-z]+|\d*\.?\d+s?))?")
NAMED = ("center", "end", "start")
BLOCK = 1 << 16
DIRECT = ("PCM_", "FLOAT", "DOUBLE", "ULAW", "ALAW")  # codings in which `load` begins where it is asked to
MP3_SLACK = 2304  # samples by which an MP3 may be shorter than it declares

Short = ("skip", "pad")


@dataclass(frozen=True)
class Excerpts:
    """Parts of fixed length of every file.

    Attributes
    ----------
    duration : float
        Length of each in seconds.
    position : {"center", "start", "end"} or float
        Where a single one lies, or the second at which it begins.
    n : int
        How many. Several are spread evenly over the file: in the middles of equal shares of it, or from its beginning
        to its end where they overlap.

    Raises
    ------
    ValueError
        If a value is out of its range, or several excerpts are given a position.
    TypeError
        If a value is not of its type.

    Examples
    --------
    >>> from audiofeat.extraction import Excerpts
    >>> Excerpts.parse("10x3s")
    Excerpts(duration=3.0, position='center', n=10)
    """

    duration: float
    position: str | float = "center"
    n: int = 1

    def __post_init__(self) -> None:
        duration = as_number(self.duration, "duration", low=0.0, open_low=True)
        position: Any = self.position
        if isinstance(position, str):
            as_choice(position, "position", NAMED)
        else:
            position = as_number(position, "position", low=0.0)
        n = as_count(self.n, "n")
        if n > 1 and position != "center":
            msg = f"position must be 'center' for n = {n} excerpts, which are spread over the file, got {position!r}"
            raise ValueError(msg)
        for name, value in (("duration", duration), ("position", position), ("n", n)):
            object.__setattr__(self, name, value)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the form of the command line.

        Parameters
        ----------
        text : str
            ``"3s"``, ``"3s@end"``, ``"3s@30"`` (from second 30 on) or ``"10x3s"``.

        Returns
        -------
        Excerpts
            The excerpts.

        Raises
        ------
        ValueError
            If `text` is of another form.
        """
        match = TEXT.fullmatch(text)
        if match is None:
            msg = f"excerpts must be like 3s, 3s@center, 3s@start, 3s@end, 3s@30 or 10x3s, got {text!r}"
            raise ValueError(msg)
        place = match["position"] or "center"
        position: Any = place if place[0].isalpha() else float(place.removesuffix("s"))
        return cls(float(match["duration"]), position, int(match["n"] or 1))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them."""
        return asdict(self)

    def starts(self, total: int, length: int, sr: int) -> list[int]:
        """Return the first samples of excerpts of `length` in a signal of `total` samples; 0 where it is shorter."""
        if not isinstance(self.position, str):
            return [round(self.position * sr)]
        free = total - self.n * length
        if total <= length or self.position == "start":
            return [0] * self.n
        if self.position == "end":
            return [total - length]
        if free >= 0:
            return [i * length + (2 * i + 1) * free // (2 * self.n) for i in range(self.n)]
        return [i * (total - length) // (self.n - 1) for i in range(self.n)]


def cut(path: str, excerpts: Excerpts, sr: float | None, short: str, limits: Limits) -> tuple[Float, float]:
    """Return the excerpts of a file as float32, shape (n, n_samples), and their rate: `sr`, or the file's."""
    header = info(path)
    native, length = header.sr, max(1, round(excerpts.duration * header.sr))
    total: int | None = None
    if isinstance(excerpts.position, str) and excerpts.position != "start":
        total = header.declared_samples
        total = _count(path, limits) if total is None else total
    starts = excerpts.starts(total or 0, length, native)
    pieces = _pieces(path, header, starts, length, limits)
    end = starts[-1] + len(pieces[-1])
    if total is not None and length <= end < min(total, starts[-1] + length) and total - end <= MP3_SLACK:
        # an MP3 that declares some samples too many: its end is known now
        starts = excerpts.starts(end, length, native)
        pieces = _pieces(path, header, starts, length, limits)
    if len(pieces[-1]) < length and short == "skip":
        begin = starts[-1] / native
        msg = (
            f"too short: the excerpt is from {begin:g} s to {begin + length / native:g} s, "
            f"the file ends at {begin + len(pieces[-1]) / native:.3f} s"
        )
        raise NotWanted(msg)
    rate = float(native) if sr is None else sr
    out = np.zeros((len(pieces), max(1, round(excerpts.duration * rate))), dtype=np.float32)
    for row, piece in zip(out, pieces, strict=True):
        resampled = _resampled(piece, header, rate)[: len(row)]
        row[: len(resampled)] = resampled
    return out, rate


def _count(path: str, limits: Limits) -> int:
    """Return the length of a file that does not declare it."""
    return sum(len(block) for block in stream(path, block=BLOCK, **limits.options))


def _pieces(path: str, header: AudioInfo, starts: list[int], length: int, limits: Limits) -> list[Float]:
    """Return the samples of excerpts at the file's rate; fewer where it ends."""
    native = header.sr
    if len(starts) == 1 or header.subtype.startswith(DIRECT):
        return [_piece(path, start / native, length / native, limits) for start in starts]
    # in other codings the way to each excerpt is decoded: once for all of them
    stop = starts[-1] + length
    pieces: list[list[Float]] = [[] for _ in starts]
    at = 0
    for block in stream(path, block=BLOCK, duration=stop / native, **limits.options):
        for piece, start in zip(pieces, starts, strict=True):
            piece.append(block[max(0, start - at) : max(0, start + length - at)])
        at += len(block)
    return [np.concatenate(piece) for piece in pieces]


def _piece(path: str, offset: float, duration: float, limits: Limits) -> Float:
    try:
        return load(path, offset=offset, duration=duration, **limits.options)[0]
    except AudioError as error:
        if error.reason.startswith("offset is beyond"):
            msg = f"too short: the excerpt is from {offset:g} s, {error.reason.removeprefix('offset is beyond ')}"
            raise NotWanted(msg) from error
        raise


def _resampled(piece: Float, header: AudioInfo, rate: float) -> Float:
    """Return what `load` returns at the rate."""
    if rate == header.sr:
        return piece
    import soxr

    from audiofeat.io.reading import MAX_RATIO

    if not header.sr / MAX_RATIO <= rate <= header.sr * MAX_RATIO:
        reason = f"{header.sr} Hz cannot be resampled to {rate:g} Hz: over {MAX_RATIO:g} to 1"
        raise AudioError(header.path, reason)
    resampled: Float = soxr.resample(piece, header.sr, rate, quality="HQ")
    return resampled
