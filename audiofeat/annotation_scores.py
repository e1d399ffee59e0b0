"""Folders of annotations against folders of estimates, beside what costs nothing and what people reach."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audiofeat._validation import as_choice, as_number
from audiofeat.annotations import Sections
from audiofeat.annotations._rows import EXTENSIONS
from audiofeat.annotations._salami import LEVELS
from audiofeat.annotations.segments import read_annotators
from audiofeat.evaluation import evaluate_segments

SUMMARY = "summary.csv"  # the table that `audiofeat segment` writes of a folder, which is no annotation
GRID = 8.0  # s, the spacing for which published figures exist
SYSTEMS = ("estimate", "grid of 8 s", "one label", "human")


class Score(NamedTuple):
    """How one system does on one annotation.

    Attributes
    ----------
    file : str
        Name of the song.
    annotator : int
        Which of its annotations, from 0.
    system : {"estimate", "grid of 8 s", "one label", "human"}
        What is scored against it.
    scores : dict of str to float
        The measures of `audiofeat.evaluate_segments`, and those of boundaries once more under ``Trimmed ...``.
    """

    file: str
    annotator: int
    system: str
    scores: dict[str, float]


@dataclass(frozen=True, eq=False)
class AnnotationScores:
    """Scores of files, by themselves and on average.

    Attributes
    ----------
    rows : list of Score
        By file, annotator and system.
    skipped : dict of str to str
        Path of each file that was not used, and why.

    Examples
    --------
    >>> from audiofeat.annotation_scores import AnnotationScores, Score
    >>> rows = [Score("a", 0, "estimate", {"V-measure": 0.5}), Score("b", 0, "estimate", {"V-measure": 0.7})]
    >>> round(AnnotationScores(rows, {}).mean("estimate")["V-measure"], 3)
    0.6
    """

    rows: list[Score]
    skipped: dict[str, str]

    def per_file(self, system: str) -> dict[str, dict[str, float]]:
        """Return the scores of a system by file, averaged over its annotators; files it has none for are left out."""
        as_choice(system, "system", SYSTEMS)
        rows: dict[str, list[dict[str, float]]] = {}
        for row in self.rows:
            if row.system == system:
                rows.setdefault(row.file, []).append(row.scores)
        return {file: _mean(scores) for file, scores in rows.items()}

    def mean(self, system: str) -> dict[str, float]:
        """Return the scores of a system averaged over its files, without those that are NaN; none if it has none."""
        return _mean(list(self.per_file(system).values()))


def _mean(scores: list[dict[str, float]]) -> dict[str, float]:
    columns = {key: np.array([row[key] for row in scores]) for key in (scores[0] if scores else {})}
    columns = {key: column[~np.isnan(column)] for key, column in columns.items()}
    return {key: float(column.mean()) if column.size else float("nan") for key, column in columns.items()}


def evaluate_annotations(
    reference: str | os.PathLike[str],
    estimate: str | os.PathLike[str],
    *,
    level: str = "uppercase",
    frame_duration: float = 0.1,
) -> AnnotationScores:
    """Score estimated segmentations in files against annotated ones, beside trivial and human ones.

    Parameters
    ----------
    reference, estimate : str or path-like
        Two files, whatever their names; or folders of files that `audiofeat.read_segments` reads, paired by name
        without extension. Of two formats under one name the first of .lab, .csv, .json, .txt, .TextGrid and .jams
        is read. Files of other formats are not looked at, nor are folders in
        folders, but SALAMI's songs: a folder with ``textfile1.txt`` or ``textfile2.txt`` is a song of its name with
        an annotator for each. Of an estimate the first annotation counts.
    level : {"uppercase", "lowercase", "functions"}
        Which of SALAMI's segmentations to read where there are several.
    frame_duration : float
        Seconds between the instants at which the labels are compared.

    Returns
    -------
    AnnotationScores
        Scores of four systems against each annotation: the ``estimate``; the trivial ``grid of 8 s``, each piece
        with a label of its own, and ``one label`` for everything; and where there are other annotators ``human``,
        each of them taken for an estimate.

    Raises
    ------
    OSError
        If `reference` or `estimate` does not exist.
    ValueError
        If `level` is unknown or `frame_duration` not above 0. What is wrong with a file is in `skipped`.
    ImportError
        If the extra ``eval`` is not installed.

    See Also
    --------
    audiofeat.evaluate_segments : The measures.

    Notes
    -----
    Compare an estimate with the others on trimmed boundaries and V-measure: the first and last boundary and pairs of
    frames reward doing nothing. The means of ``human`` are over fewer files, those with several annotators.

    A file that cannot be read or scored, or has no partner, is in `skipped` with the reason, and in no mean.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "truth.lab").write_text("0 10 A\\n10 20 B\\n20 30 A\\n")
    >>> _ = (folder / "guess.txt").write_text("0 x\\n10.2 y\\n24 x\\n30 end\\n")
    >>> scores = evaluate_annotations(folder / "truth.lab", folder / "guess.txt")
    >>> [round(scores.mean(system)["Trimmed F-measure@0.5"], 2) for system in ("estimate", "one label")]
    [0.5, 0.0]
    """
    as_choice(level, "level", LEVELS)
    frame_duration = as_number(frame_duration, "frame_duration", low=0.0, open_low=True)
    rows: list[Score] = []
    skipped: dict[str, str] = {}

    def read(paths: list[Path], duration: float | None = None) -> list[tuple[Path, Sections]]:
        found = []
        for path in paths:
            try:
                found += [(path, one) for one in read_annotators(path, level=level, duration=duration)]
            except (OSError, ValueError) as error:
                skipped[str(path)] = str(error).removeprefix(f"{path}, ")
        return found

    for name, references, estimates in _pairs(Path(reference), Path(estimate), level, skipped):
        annotations = read(references)
        guesses = read(estimates[:1], max((truth.duration for _, truth in annotations), default=None))
        for number, (path, truth) in enumerate(annotations if guesses else []):
            others = [other for _, other in annotations if other is not truth]
            try:
                scores = [
                    Score(name, number, system, _scores(truth, found, frame_duration))
                    for system, found in _systems(truth, guesses[0][1], others)
                ]
            except ValueError as error:
                skipped[str(path)] = str(error)
            else:
                rows += scores
    return AnnotationScores(rows, skipped)


def _systems(truth: Sections, guess: Sections, others: list[Sections]) -> list[tuple[str, Sections]]:
    """Return what is scored against an annotation."""
    edges = np.append(np.arange(0.0, truth.duration, GRID), truth.duration)
    grid = Sections(np.stack([edges[:-1], edges[1:]], axis=1), [f"{i}" for i in range(len(edges) - 1)])
    whole = Sections(edges[[0, -1]][None], ["A"])
    return [*zip(SYSTEMS, (guess, grid, whole), strict=False), *((SYSTEMS[3], other) for other in others)]


def _scores(truth: Sections, found: Sections, frame_duration: float) -> dict[str, float]:
    scores = evaluate_segments(truth, found, frame_duration=frame_duration)
    trimmed = evaluate_segments(truth, found, frame_duration=frame_duration, trim=True)
    return scores | {f"Trimmed {key}": trimmed[key] for key in trimmed if "@" in key or "deviation" in key}


def _pairs(
    reference: Path, estimate: Path, level: str, skipped: dict[str, str]
) -> Iterator[tuple[str, list[Path], list[Path]]]:
    """Yield name, files of the reference and files of the estimate of each song that has both."""
    references, estimates = (_songs(path, level) for path in (reference, estimate))
    if not any(path.is_dir() and not _salami(path, level) for path in (reference, estimate)):
        ((name, truth),), (guess,) = references.items(), estimates.values()  # a song on each side
        yield name, truth, guess
        return
    for songs, others, side, where in (
        (references, estimates, "estimate", estimate),
        (estimates, references, "reference", reference),
    ):
        for name in songs.keys() - others.keys():
            skipped[str(songs[name][0])] = f"no {side} of its name in {where}"
    for name in sorted(references.keys() & estimates.keys()):
        yield name, references[name], estimates[name]


def _songs(path: Path, level: str) -> dict[str, list[Path]]:
    """Return the files of each song, one for each annotator, by its name; of several formats the first."""
    if not path.is_dir():
        path.stat()  # or the system's reason why not
        return {path.stem: [path]}
    if song := _salami(path, level):
        return {path.name: song}
    order = list(EXTENSIONS)
    children = [child for child in path.iterdir() if child.is_file() and child.name != SUMMARY]
    files = [[child] for child in children if child.suffix.lower() in order]
    files.sort(key=lambda one: (one[0].stem, order.index(one[0].suffix.lower())))
    folders = sorted(child for child in path.iterdir() if child.is_dir())
    songs: dict[str, list[Path]] = {}
    named = [(one[0].stem, one) for one in files] + [(one.name, _salami(one, level)) for one in folders]
    for name, song in named:
        if song:
            songs.setdefault(name, song)
    return songs


def _salami(folder: Path, level: str) -> list[Path]:
    """Return the file of each annotator of a song of SALAMI, its parsed one if there is one."""
    found = {}
    for pattern, parent in ((r"textfile(\d+)\.txt", folder), (rf"textfile(\d+)_{level}\.txt", folder / "parsed")):
        for path in parent.glob("textfile*.txt"):
            if match := re.fullmatch(pattern, path.name):
                found[int(match[1])] = path
    return [found[number] for number in sorted(found)]
