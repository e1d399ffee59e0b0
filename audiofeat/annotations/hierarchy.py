"""Several segmentations of one song, coarse to fine, to and from JAMS."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from audiofeat._files import replacing
from audiofeat._validation import as_count, as_rate
from audiofeat.annotations._documents import dump_jams, load_jams, observed
from audiofeat.annotations._rows import Row, fail
from audiofeat.annotations._salami import LEVELS
from audiofeat.annotations.reading import checked, decode
from audiofeat.annotations.segments import Sections, as_sections
from audiofeat.annotations.writing import as_rows

NAMESPACE = "multi_segment"


class Level(Protocol):
    """Whatever has sections: the result of `audiofeat.segment`, `Sections`, `audiofeat.synth.Song`."""

    @property
    def intervals(self) -> NDArray[np.floating[Any]]: ...

    @property
    def labels(self) -> list[str]: ...


def save_hierarchy(path: str | os.PathLike[str], levels: Sequence[Level]) -> None:
    """Write several segmentations of one song to one JAMS file.

    Parameters
    ----------
    path : str or path-like
        The file; one that exists is replaced, as a whole.
    levels : sequence of object
        Coarse to fine, at least one: anything with the attributes `intervals`, shape (n_segments, 2) in seconds,
        and `labels`. Sections are finite, sorted, not empty and do not overlap.

    Raises
    ------
    ValueError
        If there are no levels, or the sections of one are not as above; the message names the level.
    TypeError
        If a level has no `intervals` and `labels`, or a label is not a string.
    ImportError
        If the extra ``eval`` is not installed.

    See Also
    --------
    load_hierarchy : Read the file back.
    save_annotations : Write one segmentation.

    Notes
    -----
    One annotation in the namespace ``multi_segment``, with levels from 0, the coarsest, as `jams.eval.hierarchy`
    reads it. Confidences are null.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "song.jams"
    >>> coarse = Sections(np.array([[0.0, 24.5]]), ["A"])
    >>> fine = Sections(np.array([[0.0, 8.0], [8.0, 24.5]]), ["a", "b"])
    >>> save_hierarchy(path, [coarse, fine])
    >>> load_hierarchy(path)
    [<Sections of 24.50 s: 0.00 A>, <Sections of 24.50 s: 0.00 a | 8.00 b>]
    """
    if not isinstance(levels, Sequence) or not levels:
        msg = f"levels must be a sequence of at least one segmentation, got {levels!r}"
        raise ValueError(msg)
    rows = [
        (start, end, {"label": label, "level": number})
        for number, level in enumerate(levels)
        for start, end, label in _rows_of(level, f"levels[{number}]")
    ]
    content = dump_jams(NAMESPACE, rows).encode()
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(content)


def _rows_of(level: Level, name: str) -> list[Row]:
    if not (hasattr(level, "intervals") and hasattr(level, "labels")):
        msg = f"{name} must have intervals and labels, got {type(level).__name__}"
        raise TypeError(msg)
    try:
        rows = as_rows(level.intervals, level.labels)
    except (TypeError, ValueError) as error:
        msg = f"{name}: {error}"
        raise type(error)(msg) from error
    if not rows:
        msg = f"{name} must have at least one section, got none"
        raise ValueError(msg)
    for i, (start, end, _) in enumerate(rows):
        if start == end or (i and start < rows[i - 1][1]):
            msg = f"{name} must have sections that are not empty and do not overlap, got [{start}, {end}] at index {i}"
            raise ValueError(msg)
    return rows


def load_hierarchy(path: str | os.PathLike[str], *, annotator: int = 0, sr: float = 1.0) -> list[Sections]:
    """Read several segmentations of one song from a JAMS file.

    Parameters
    ----------
    path : str or path-like
        The file, with an annotation in the namespace ``multi_segment``.
    annotator : int
        Which of several such annotations, from 0.
    sr : float
        Rate in Hz of the signal that the sections belong to, for figures with its waveform.

    Returns
    -------
    list of Sections
        The levels by their numbers: coarse to fine.

    Raises
    ------
    ValueError
        If the file is no JAMS document or has no such annotation, or the sections of a level overlap; the message
        names the file and the place.
    ImportError
        If the extra ``eval`` is not installed.

    See Also
    --------
    save_hierarchy : Write such a file.
    read_segments : Read a file of one segmentation.
    audiofeat.evaluate_hierarchy : Score a hierarchy.
    audiofeat.plot_hierarchy : Draw it.

    Notes
    -----
    JAMS stores durations. An end within a nanosecond of the next start of its level, or of the end of the annotation,
    is read as that, so that what `save_hierarchy` wrote comes back to the bit where sections follow each other. As in
    `read_segments`, ends that miss the next start by at most a millisecond, either way, are moved there.

    Examples
    --------
    >>> import tempfile
    >>> from audiofeat import synth
    >>> path = Path(tempfile.mkdtemp()) / "song.jams"
    >>> truth = synth.ar_regimes("ABA", sr=1000, segment_duration=2.0, random_state=0)
    >>> save_hierarchy(path, [truth])
    >>> load_hierarchy(path)[0].labels
    ['A', 'B', 'A']
    """
    path, sr = Path(path), as_rate(sr)
    document = load_jams(decode(path), path)
    numbered = [pair for pair in enumerate(document.annotations) if pair[1].namespace == NAMESPACE]
    if not numbered:
        fail(path, "annotations", f"the file must hold an annotation in the namespace {NAMESPACE}, got none")
    number, annotation = numbered[as_count(annotator, "annotator", low=0, high=len(numbered) - 1)]
    where = f"annotations[{number}]"
    levels: dict[int, list[Any]] = {}
    for i, item in enumerate(annotation.data):
        levels.setdefault(_level_of(item.value, path, f"{where}.data[{i}]"), []).append(item)
    if not levels:
        fail(path, where, "the annotation must hold at least one section, got none")
    span = annotation.time, annotation.duration  # which others may leave out
    end = sum(span) if all(isinstance(part, int | float) for part in span) else None
    return [_sections_of(levels[level], path, f"{where}.levels[{level}]", end, sr) for level in sorted(levels)]


def _level_of(value: Any, path: Path, where: str) -> int:
    level = value.get("level") if isinstance(value, dict) and "label" in value else None
    if isinstance(level, bool) or not isinstance(level, int) or level < 0:
        fail(path, where, f"value must hold label and level, a whole number from 0, got {value!r}")
    return level


def _sections_of(items: list[Any], path: Path, where: str, end: float | None, sr: float) -> Sections:
    rows = zip(observed(items, where), items, strict=True)
    found = [(place, start, stop, item.value["label"]) for (place, start, stop, _), item in rows]
    sections = as_sections(checked(found, path), path, LEVELS[0], end)
    intervals = sections.intervals
    if end is not None and abs(intervals[-1, 1] - end) < 1e-9:
        intervals[-1, 1] = end
    return Sections(intervals, sections.labels, sr)
