"""The table that loaders give."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat._validation import as_choice
from audiofeat.datasets._groups import joined

if TYPE_CHECKING:
    import pandas as pd

Names = str | Collection[str]
Strings = NDArray[np.str_]

SHOWN = 20  # classes that a representation spells out


class Item(NamedTuple):
    """One file of a data set.

    Attributes
    ----------
    path : str
        The file.
    label : str
        Its class.
    track : str
        What it is a part or a copy of: files of one track belong on one side of a split.
    artist : str
        Its artist; empty where that is not known.
    split : str
        The part of a published split in which it is, ``"train"``, ``"valid"`` or ``"test"``, or its fold, ``"1"``,
        ``"2"``, ...; empty where there is none.

    Examples
    --------
    >>> from audiofeat.datasets import Item
    >>> Item("blues/blues.00000.wav", "blues", "blues.00000").artist
    ''
    """

    path: str
    label: str
    track: str
    artist: str = ""
    split: str = ""


class Problem(NamedTuple):
    """A file that belongs to a data set and was left out of its rows.

    Attributes
    ----------
    path : str
        The file, or the folder of a class that is missing.
    kind : str
        ``"missing"``, ``"empty"``, ``"unreadable"``, ``"short"``, ``"fault"`` (the data set ships it broken),
        ``"unlabelled"``, ``"duplicate"`` (listed twice) or ``"unknown"`` (not of this data set).
    reason : str
        The same in words.
    label : str
        Class of the file, empty where that is not known.
    split : str
        Split of the file, empty where there is none.

    Examples
    --------
    >>> from audiofeat.datasets import Problem
    >>> Problem("blues/blues.00000.wav", "missing", "No such file or directory").kind
    'missing'
    """

    path: str
    kind: str
    reason: str
    label: str = ""
    split: str = ""


@dataclass(frozen=True, repr=False)
class AudioDataset:
    """A table of audio files with labels, groups and splits.

    It has a length, iterates over its rows, and is indexed by row number (which gives an `Item`) or by a slice, a
    mask or an array of row numbers (which give an `AudioDataset` with the same problems).

    Attributes
    ----------
    items : tuple of Item
        The rows.
    name : str
        Name of the data set.
    problems : tuple of Problem
        Files that belong to the data set and cannot be used.

    Examples
    --------
    >>> from audiofeat.datasets import AudioDataset, Item
    >>> rows = (Item("a.wav", "dog", "a", split="1"), Item("b.wav", "cat", "b", split="2"))
    >>> dataset = AudioDataset(rows, name="pets")
    >>> dataset
    <AudioDataset pets: 2 files in 2 classes, split 1: 1, 2: 1
      cat 1, dog 1>
    >>> dataset.label.tolist(), dataset[dataset.label == "cat"].path.tolist(), len(dataset.select(split="1"))
    (['dog', 'cat'], ['b.wav'], 1)
    """

    items: tuple[Item, ...]
    name: str = "audio"
    problems: tuple[Problem, ...] = ()

    @property
    def path(self) -> Strings:
        """Files, shape (n_files,)."""
        return self._column("path")

    @property
    def label(self) -> Strings:
        """Classes, shape (n_files,)."""
        return self._column("label")

    @property
    def track(self) -> Strings:
        """Tracks, shape (n_files,): files of one track belong on one side of a split."""
        return self._column("track")

    @property
    def artist(self) -> Strings:
        """Artists, shape (n_files,), empty where not known."""
        return self._column("artist")

    @property
    def split(self) -> Strings:
        """Splits or folds, shape (n_files,), empty where there is none."""
        return self._column("split")

    @property
    def counts(self) -> dict[str, int]:
        """Number of files of each class, in alphabetical order."""
        return dict(sorted(Counter(item.label for item in self.items).items()))

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    @overload
    def __getitem__(self, rows: int) -> Item: ...
    @overload
    def __getitem__(self, rows: slice | ArrayLike) -> "AudioDataset": ...
    def __getitem__(self, rows: Any) -> "Item | AudioDataset":
        """Return a row, or the table of the chosen rows."""
        if isinstance(rows, int | np.integer) and not isinstance(rows, bool):
            return self.items[rows]
        if not isinstance(rows, slice):
            rows = np.asarray(rows)
            rows = rows if rows.size else rows.astype(np.intp)  # NumPy takes an empty list for floats
            if rows.ndim != 1:
                msg = f"rows must be a number, a slice, or a mask or numbers of 1 dimension, got shape {rows.shape}"
                raise IndexError(msg)
        chosen = np.arange(len(self))[rows]
        return replace(self, items=tuple(self.items[i] for i in chosen))

    def __repr__(self) -> str:
        """Return the counts of classes, splits and problems."""
        counts = self.counts
        shown = [f"{label} {n}" for label, n in list(counts.items())[:SHOWN]]
        shown += [f"and {len(counts) - SHOWN} more"] if len(counts) > SHOWN else []
        splits = Counter(item.split for item in self.items if item.split)
        parts = ", ".join(f"{split}: {n}" for split, n in sorted(splits.items()))
        head = f"{self.name}: {len(self)} files in {len(counts)} classes" + (f", split {parts}" if parts else "")
        lines = [head, *([", ".join(shown)] if shown else [])]
        if self.problems:
            kinds = sorted(Counter(problem.kind for problem in self.problems).items())
            lines.append(f"{len(self.problems)} left out: " + ", ".join(f"{n} {kind}" for kind, n in kinds))
        return "<AudioDataset " + "\n  ".join(lines) + ">"

    def select(self, *, split: Names | None = None, label: Names | None = None) -> "AudioDataset":
        """Return the rows, and the problems, of some splits or classes.

        Parameters
        ----------
        split : str, collection of str, or None
            Splits to keep; None keeps all.
        label : str, collection of str, or None
            Classes to keep; None keeps all.

        Returns
        -------
        AudioDataset
            The rows and problems of these splits and classes.

        Raises
        ------
        ValueError
            If a split or a class is asked for that neither rows nor problems have.
        """
        wanted = {"split": split, "label": label}
        items, problems = self.items, self.problems
        for column, names in wanted.items():
            if names is None:
                continue
            known = {getattr(row, column) for row in (*self.items, *self.problems)} - {""}
            kept = {as_choice(name, column, known) for name in ([names] if isinstance(names, str) else names)}
            items = tuple(item for item in items if getattr(item, column) in kept)
            problems = tuple(problem for problem in problems if getattr(problem, column) in kept)
        return replace(self, items=items, problems=problems)

    def groups(self, by: str) -> Strings:
        """Return what must stay on one side of a split.

        Parameters
        ----------
        by : {"track", "artist"}
            Keep tracks together, or whatever shares an artist or a track.

        Returns
        -------
        ndarray of str, shape (n_files,)
            Name of the group of each file.

        Raises
        ------
        ValueError
            If the artist of no file is known.
        """
        if as_choice(by, "by", ("track", "artist")) == "track":
            return self.track
        if not any(item.artist for item in self.items):
            msg = f"by must be 'track': the data set {self.name} knows no artists, got 'artist'"
            raise ValueError(msg)
        # A replica under another name of its artist, or under none, would stand on both sides: so links, not names.
        tracks = [f"track {item.track}" for item in self.items]
        known = [
            (f"artist {item.artist}", track) for item, track in zip(self.items, tracks, strict=True) if item.artist
        ]
        group = joined([*known, *zip(tracks, tracks, strict=True)])
        return np.array([group[track] for track in tracks], dtype=np.str_)

    def to_pandas(self) -> "pd.DataFrame":
        """Return a data frame with the columns path, label, track, artist and split."""
        import pandas as pd

        return pd.DataFrame(list(self.items), columns=list(Item._fields))

    def _column(self, name: str) -> Strings:
        return np.array([getattr(item, name) for item in self.items], dtype=np.str_)
