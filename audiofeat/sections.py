"""Labelled sections: the result of `segment`, and how windows with clusters become sections with names."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat.graph import Graph, Matrix

SILENCE = "silence"


class Excerpt(NamedTuple):
    """The sections of one label.

    Attributes
    ----------
    label : str
        Their label.
    longest : tuple of float
        Start and end of the longest section in seconds.
    runs : ndarray, shape (n_runs, 2)
        Starts and ends of all of them in seconds.

    Examples
    --------
    >>> from audiofeat.sections import Excerpt
    >>> Excerpt(label="A", longest=(0.0, 2.0), runs=[[0.0, 2.0]]).longest
    (0.0, 2.0)
    """

    label: str
    longest: tuple[float, float]
    runs: Matrix


@dataclass(frozen=True, eq=False, repr=False)
class Segmentation:
    """Labelled sections of a signal, and how they were found.

    Attributes
    ----------
    boundary_samples : ndarray of int, shape (n_segments + 1,)
        Borders of the sections in samples: the first is 0, the last the length of the signal.
    labels : list of str
        Label of each section: ``"A"``, ``"B"``, ... in the order in which they first sound, and ``"silence"``.
        A label recurs when the music does; neighbours differ.
    sr : float
        Sample rate in Hz.
    window_labels : list of str
        Label of each window.
    window_samples : ndarray of int, shape (n_windows, 2)
        First sample of each window, and the one after its last.
    active : ndarray of int, shape (n_active,)
        The windows that are not silent, which are the vertices of the graph.
    distance : ndarray, shape (n_active, n_active), or None
        Distances of the windows; None where there are too many windows to keep it.
    affinity : ndarray or scipy.sparse.csr_array, shape (n_active, n_active), or None
        Weights of the graph; None where there was nothing to cluster.
    eigenvalues : ndarray, shape (n_values,)
        Largest eigenvalues of the graph's normalised Laplacian, descending.
    n_clusters : int
        Number of clusters, silence not counted; labels may be fewer, where a cluster sounds too shortly for a section.
    confidence : float
        How far the clusters are apart, in [0, 1]: their silhouette, or with a graph the gap of the eigenvalues behind
        the last cluster.
    n_components : int
        Number of connected components of the graph: 1 if there is a way from each window to each.
    parameters : dict
        The parameters of `segment` that were used.

    Examples
    --------
    >>> from audiofeat import segment, synth
    >>> song = synth.ar_regimes("ABA", sr=8000, segment_duration=8.0, random_state=0)
    >>> segment(song.y, song.sr, hop_duration=1.0)
    <Segmentation of 24.00 s: 0.00 A | 8.00 B | 16.00 A>
    """

    boundary_samples: NDArray[np.intp]
    labels: list[str]
    sr: float
    window_labels: list[str]
    window_samples: NDArray[np.intp]
    active: NDArray[np.intp]
    distance: Matrix | None
    affinity: Graph | None
    eigenvalues: Matrix
    n_clusters: int
    confidence: float
    n_components: int
    parameters: dict[str, Any]

    def __repr__(self) -> str:
        """Return the sections in one line, the first twelve of many."""
        shown = [f"{start:.2f} {label}" for start, label in zip(self.boundaries, self.labels, strict=False)]
        more = ["..."] if len(shown) > 12 else []
        return f"<Segmentation of {self.duration:.2f} s: {' | '.join(shown[:12] + more)}>"

    @property
    def boundaries(self) -> Matrix:
        """Borders of the sections in seconds, shape (n_segments + 1,)."""
        return self.boundary_samples / self.sr

    @property
    def intervals(self) -> Matrix:
        """Starts and ends of the sections in seconds, shape (n_segments, 2): with `labels`, mir_eval's form."""
        return np.stack([self.boundaries[:-1], self.boundaries[1:]], axis=1)

    @property
    def window_intervals(self) -> Matrix:
        """Starts and ends of the windows in seconds, shape (n_windows, 2)."""
        return self.window_samples / self.sr

    @property
    def duration(self) -> float:
        """Length of the signal in seconds."""
        return float(self.boundaries[-1])

    def sample_ranges(self, label: str) -> NDArray[np.intp]:
        """Return the first sample of each section of a label, and the one after its last, shape (n_runs, 2)."""
        if label not in self.labels:
            msg = f"label must be one of {', '.join(sorted(set(self.labels)))}, got {label!r}"
            raise ValueError(msg)
        runs = np.flatnonzero([found == label for found in self.labels])
        return np.stack([self.boundary_samples[runs], self.boundary_samples[runs + 1]], axis=1)

    def largest(self) -> Excerpt:
        """Return the sections of the label that sounds longest, silence only if there is nothing else.

        It is the excerpt that [1]_ hands to a classifier. Of equally long ones the first to sound is taken.

        References
        ----------
        .. [1] "Music genre recognition using deep learning", UCSD project report, 2020, section 6.
        """
        names = list(dict.fromkeys(self.labels))
        names = [name for name in names if name != SILENCE] or names
        lengths = [int(np.diff(self.sample_ranges(name)).sum()) for name in names]
        label = names[int(np.argmax(lengths))]
        runs = self.sample_ranges(label) / self.sr
        start, stop = runs[np.argmax(runs[:, 1] - runs[:, 0])]
        return Excerpt(label, (float(start), float(stop)), runs)

    def extract(self, y: ArrayLike, label: str) -> NDArray[Any]:
        """Return the samples of all sections of a label, joined in time, shape (..., n_samples).

        Parameters
        ----------
        y : array_like, shape (..., n_samples)
            The signal that was segmented, of the same length.
        label : str
            One of `labels`.

        Returns
        -------
        ndarray
            In the dtype of `y`.

        Raises
        ------
        ValueError
            If the length of `y` is another, or there is no such label.
        """
        samples = np.asarray(y)
        if samples.ndim == 0 or samples.shape[-1] != self.boundary_samples[-1]:
            msg = f"y must have {self.boundary_samples[-1]} samples, got shape {samples.shape}"
            raise ValueError(msg)
        ranges = self.sample_ranges(label)
        return np.concatenate([samples[..., start:stop] for start, stop in ranges], axis=-1)


def absorb_short(cluster: NDArray[np.intp], lengths: NDArray[np.intp], shortest: float) -> NDArray[np.intp]:
    """Give runs of windows that are shorter than `shortest` samples to a neighbour, the shortest run first.

    Of two neighbours the longer one inherits, the earlier of equal ones; a shorter one and silence (-1) do not.
    """
    cluster = cluster.copy()
    while True:
        starts = np.flatnonzero(np.concatenate([[True], cluster[1:] != cluster[:-1]]))
        runs = np.add.reduceat(lengths, starts)
        heirs = np.where(cluster[starts] >= 0, runs, -1)
        before, after = np.concatenate([[-1], heirs[:-1]]), np.concatenate([heirs[1:], [-1]])
        short = np.flatnonzero((runs < shortest) & (np.maximum(before, after) >= runs))
        if len(short) == 0:
            return cluster
        run = short[np.argmin(runs[short])]
        heir = run - 1 if before[run] >= after[run] else run + 1
        cluster[starts[run] : np.append(starts, len(cluster))[run + 1]] = cluster[starts[heir]]


def name_clusters(cluster: NDArray[np.intp]) -> list[str]:
    """Name clusters A, B, ..., Z, AA, AB, ... by first appearance; -1 is silence."""
    order = dict.fromkeys(int(c) for c in cluster if c >= 0)
    letters = {c: _letters(i) for i, c in enumerate(order)} | {-1: SILENCE}
    return [letters[int(c)] for c in cluster]


def _letters(number: int) -> str:
    letters = ""
    while number >= 0:
        letters = chr(ord("A") + number % 26) + letters
        number = number // 26 - 1
    return letters
