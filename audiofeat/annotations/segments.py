"""Sections from files: what was corrected by hand, or annotated by others."""

import os
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiofeat._validation import as_choice, as_count, as_number, as_rate
from audiofeat.annotations._documents import segments_of_jams
from audiofeat.annotations._rows import Row, fail, kind_of
from audiofeat.annotations._salami import LEVELS, NAMESPACES, at_level, is_salami
from audiofeat.annotations.reading import READERS, checked, decode

JOIN = 1e-3  # s: what editors round away, or a mouse does


@dataclass(frozen=True, eq=False, repr=False)
class Sections:
    """Labelled sections that were read from a file.

    `audiofeat.evaluate_segments`, `audiofeat.plot_segments` and `audiofeat.save_annotations` (by its attributes)
    take it like the result of `audiofeat.segment`.

    Attributes
    ----------
    intervals : ndarray, shape (n_segments, 2)
        Starts and ends in seconds, sorted, not empty and not overlapping; there may be gaps.
    labels : list of str
        Label of each section.
    sr : float
        Rate in Hz of the signal that the sections belong to; only figures with a waveform ask for it.

    Examples
    --------
    >>> from audiofeat.annotations import Sections
    >>> sections = Sections(np.array([[0.0, 8.0], [8.0, 24.5]]), ["intro", "verse"])
    >>> sections
    <Sections of 24.50 s: 0.00 intro | 8.00 verse>
    >>> sections.boundaries.tolist()
    [0.0, 8.0, 24.5]
    """

    intervals: NDArray[np.float64]
    labels: list[str]
    sr: float = 1.0

    def __repr__(self) -> str:
        """Return the sections in one line, the first twelve of many."""
        shown = [f"{start:.2f} {label}" for start, label in zip(self.intervals[:, 0], self.labels, strict=True)]
        more = ["..."] if len(shown) > 12 else []
        return f"<Sections of {self.duration:.2f} s: {' | '.join(shown[:12] + more)}>"

    @property
    def boundaries(self) -> NDArray[np.float64]:
        """Starts and ends of the sections in seconds, sorted, each once."""
        return np.unique(self.intervals)

    @property
    def duration(self) -> float:
        """End of the last section in seconds."""
        return float(self.intervals[-1, 1])


def read_segments(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002
    level: str = "uppercase",
    annotator: int = 0,
    duration: float | None = None,
    sr: float = 1.0,
) -> Sections:
    """Read sections from a file: one corrected by hand in Audacity or an editor, or an annotation by others.

    Parameters
    ----------
    path : str or path-like
        The file: any that `load_annotations` reads.
    format : {"lab", "csv", "json", "audacity", "textgrid", "jams"} or None
        None: by the extension.
    level : {"uppercase", "lowercase", "functions"}
        Which of SALAMI's segmentations (large, small, or by function) is read from a file that holds them all,
        SALAMI's own text or JAMS. Other files have one.
    annotator : int
        Which of several annotations in a JAMS file, from 0. Other files have one.
    duration : float or None
        Where the last section ends, in seconds, if the file has points and no last one named ``end``.
    sr : float
        Rate in Hz of the signal that the sections belong to, for figures with its waveform.

    Returns
    -------
    Sections
        With `intervals` and `labels`, for `evaluate_segments`, `plot_segments` and `save_annotations`.

    Raises
    ------
    ValueError
        If the file is not what its format says, its sections overlap, or points have no end; the message names
        the file and the place.
    ImportError
        If the format is JAMS and the extra ``eval`` is not installed.

    See Also
    --------
    load_annotations : Read what stands in the file, be it points, empty or overlapping.

    Notes
    -----
    A file of points (Audacity's point labels, SALAMI, Harmonix, a CSV of time and label) gives sections from each
    point to the next, and the point named ``end``, whatever its case, closes the last; of several points at one
    time the last counts. Points among intervals are taken for remarks and left out. Ends that miss the next start
    by at most a millisecond, either way, are moved there.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "song.txt"
    >>> _ = path.write_text("0.0 intro\\n8.5 verse\\n25.49 chorus\\n42.48 end\\n")
    >>> read_segments(path)
    <Sections of 42.48 s: 0.00 intro | 8.50 verse | 25.49 chorus>
    """
    found = read_annotators(path, format=format, level=level, duration=duration)
    annotator = as_count(annotator, "annotator", low=0, high=len(found) - 1)
    intervals, labels = found[annotator].intervals, found[annotator].labels
    return Sections(intervals, labels, as_rate(sr))


def read_annotators(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002
    level: str = "uppercase",
    duration: float | None = None,
) -> list[Sections]:
    """Read the sections of every annotator in a file, at least one."""
    path = Path(path)
    as_choice(level, "level", LEVELS)
    if duration is not None:
        duration = as_number(duration, "duration", low=0.0, open_low=True)
    kind, text = kind_of(path, format), decode(path)
    if kind == "jams":
        annotations = segments_of_jams(text, path)
        namespaces = [namespace for namespace, _ in annotations]
        chosen = NAMESPACES[level] if NAMESPACES[level] in namespaces else namespaces[0]
        layers = [found for namespace, found in annotations if namespace == chosen]
    else:
        layers = [list(READERS[kind](text, path))]
    return [as_sections(checked(found, path), path, level, duration) for found in layers]


def as_sections(rows: list[Row], path: Path, level: str, duration: float | None) -> Sections:
    lasting = [row for row in rows if row[1] > row[0]]
    if rows and not lasting:
        rows = at_level(rows, level, path) if is_salami(rows) else rows
        lasting = _between(rows, path, duration)
    joined: list[Row] = []
    for (start, end, label), follower in zip_longest(lasting, lasting[1:]):
        if follower is not None and abs(follower[0] - end) <= JOIN:
            end = follower[0]
        elif follower is not None and follower[0] < end:
            fail(path, f"at {follower[0]:g} s", f"{label!r} must end before {follower[2]!r} starts, got {end:g} s")
        if end > start:
            joined.append((start, end, label))
    if not joined:
        fail(path, "sections", "the file must hold at least one section, got none")
    return Sections(np.array([row[:2] for row in joined]), [label for *_, label in joined])


def _between(points: list[Row], path: Path, duration: float | None) -> list[Row]:
    """Return the sections from each point to the next."""
    last, label = points[-1][0], points[-1][2]
    # SALAMI's parsed functions have "Silence" after "End", at the same time
    if any(time == last and name.strip().lower() == "end" for time, _, name in points):
        duration = last
    elif duration is None:
        fail(path, "last point", f"it must be labelled 'end', or duration be given, got {label!r} at {last:g} s")
    elif duration <= last:
        fail(path, "last point", f"it must be before duration, {duration:g} s, got {label!r} at {last:g} s")
    ends = [time for time, *_ in points[1:]] + [duration]
    return [(start, end, label) for (start, _, label), end in zip(points, ends, strict=True) if end > start]
