"""How a track is cut into the inputs of a network."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from audiofeat._validation import Float, as_choice, as_count, as_number


@dataclass(frozen=True, kw_only=True)
class Cutting:
    """Which parts of a track a network sees.

    Attributes
    ----------
    clip_duration : float or None
        None computes the features of the whole track and cuts them into patches as long as the network's input. A
        number cuts the signal into clips of so many seconds first, and computes the features of each by itself, which
        differs where a front end looks at the whole clip (``ref="max"``, `top_db`) or pads it.
    overlap : float
        Share of a patch, or clip, that the next one has too, in [0, 1).
    offset : float
        Where the first one begins, in seconds.
    n_clips : int or None
        The first so many only; None for all that are whole.

    Raises
    ------
    ValueError
        If a number is out of its range.
    TypeError
        If one is not of its type.

    See Also
    --------
    list_cuttings : Those of the papers.

    Notes
    -----
    What is left behind the last whole patch is dropped. A track shorter than one is one patch: at its end the frames
    that are missing are filled with its own lowest value, which is no silence of other tracks' making.

    Examples
    --------
    >>> from audiofeat_nn.data import Cutting
    >>> Cutting(clip_duration=3.0, overlap=0.5).to_dict()
    {'clip_duration': 3.0, 'overlap': 0.5, 'offset': 0.0, 'n_clips': None}
    """

    clip_duration: float | None = None
    overlap: float = 0.0
    offset: float = 0.0
    n_clips: int | None = None

    def __post_init__(self) -> None:
        """Check every field and give it its type."""
        put = object.__setattr__  # the class is frozen for everybody else
        if self.clip_duration is not None:
            put(self, "clip_duration", as_number(self.clip_duration, "clip_duration", low=0.0, open_low=True))
        put(self, "overlap", as_number(self.overlap, "overlap", low=0.0))
        if self.overlap >= 1.0:
            msg = f"overlap must be < 1, got {self.overlap!r}"
            raise ValueError(msg)
        put(self, "offset", as_number(self.offset, "offset", low=0.0))
        if self.n_clips is not None:
            put(self, "n_clips", as_count(self.n_clips, "n_clips"))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them.

        Returns
        -------
        dict
            Fields by name.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, spec: Mapping[str, Any]) -> Self:
        """Make what `to_dict` returned.

        Parameters
        ----------
        spec : mapping
            Fields by name; those that are missing have their default.

        Returns
        -------
        Cutting
            The cutting.

        Raises
        ------
        ValueError
            If a name is no field.
        """
        unknown = sorted(set(spec) - {each.name for each in fields(cls)})
        if unknown:
            msg = f"a cutting has no field {', '.join(unknown)}"
            raise ValueError(msg)
        return cls(**spec)

    def hop(self, size: int) -> int:
        """Return the distance from one patch of `size` to the next.

        Parameters
        ----------
        size : int
            Length of a patch, in frames or samples.

        Returns
        -------
        int
            The same, less the overlap, at least 1.
        """
        return max(1, round(size * (1.0 - self.overlap)))


CUTTINGS = {
    "feng2017": Cutting(clip_duration=3.0, overlap=0.5),
    "kth2020": Cutting(clip_duration=3.5, offset=15.5, n_clips=1),  # as its code loads them: the paper says 3 s
    "pons2016": Cutting(),
    "ubc2020": Cutting(n_clips=1),
    "ucsd2020": Cutting(clip_duration=3.0),
    "ucsd2020-full": Cutting(clip_duration=30.0, n_clips=1),
}


def list_cuttings() -> list[str]:
    """Return the names of the papers' cuttings.

    Returns
    -------
    list of str
        ``"feng2017"``: clips of 3 s that overlap by half. ``"kth2020"``: 3.5 s from 15.5 s on. ``"pons2016"``: patches
        of the spectrogram one after another. ``"ubc2020"``: the first patch. ``"ucsd2020"``: 3 s after 3 s;
        ``"ucsd2020-full"``: the first 30 s.

    Examples
    --------
    >>> from audiofeat_nn.data import list_cuttings
    >>> list_cuttings()
    ['feng2017', 'kth2020', 'pons2016', 'ubc2020', 'ucsd2020', 'ucsd2020-full']
    """
    return sorted(CUTTINGS)


def as_cutting(value: Any) -> Cutting:
    """Return a cutting, also by the name of a paper; None is that of patches one after another."""
    if value is None:
        return Cutting()
    return value if isinstance(value, Cutting) else CUTTINGS[as_choice(value, "cutting", CUTTINGS)]


def starts(n: int, size: int, cutting: Cutting) -> NDArray[np.intp]:
    """Return where the patches of `size` begin in a length of `n`: at 0 if it is too short for one."""
    found = np.arange(0, max(n - size, 0) + 1, cutting.hop(size))
    return found[: cutting.n_clips]


def windows(parts: Iterable[Float], size: int, *, first: int, cutting: Cutting) -> Iterator[tuple[int, Float]]:
    """Cut what arrives in parts along the last axis into patches, each with its place; hold no more than needed.

    The first begins at `first`. Too few for one are one that is shorter; none at all are an error.
    """
    hop, n_done, at = cutting.hop(size), 0, first
    kept: Float | None = None
    begin = end = 0  # of what is kept
    for part in parts:
        skipped = min(max(at - end, 0), part.shape[-1]) if kept is None or kept.shape[-1] == 0 else 0
        begin, part = (end + skipped, part[..., skipped:]) if kept is None or kept.shape[-1] == 0 else (begin, part)
        kept = part if kept is None or kept.shape[-1] == 0 else np.concatenate([kept, part], axis=-1)
        end = begin + kept.shape[-1]
        while at + size <= end:
            yield at, kept[..., at - begin : at - begin + size]
            at, n_done = at + hop, n_done + 1
            if n_done == cutting.n_clips:
                return
        dropped = min(max(at - begin, 0), kept.shape[-1])
        kept, begin = kept[..., dropped:], begin + dropped
    if n_done == 0:
        if kept is None or end <= first:
            msg = f"offset must lie within the track, got {cutting.offset:g} s"
            raise ValueError(msg)
        yield first, kept


def fitted(S: Float, n_frames: int, silence: float | None = None) -> Float:
    """Return the first frames, followed by `silence`, or by the lowest value of all, where there are too few."""
    missing = n_frames - S.shape[-1]
    if missing <= 0:
        return S[..., :n_frames]
    value = S.min() if silence is None else silence
    return np.pad(S, [(0, 0)] * (S.ndim - 1) + [(0, missing)], constant_values=value)
