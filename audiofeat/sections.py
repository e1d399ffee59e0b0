"""Labelled sections: the result of `segment`, and how windows with clusters become sections with names."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat._validation import Float, as_count, as_number, as_signal
from audiofeat.clicks import click_track, mixed, pitches
from audiofeat.excerpts import Excerpt, centrality, spread, typical
from audiofeat.graph import Graph, Matrix
from audiofeat.labels import SILENCE, name_clusters


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
    merges : ndarray of int, shape (n_labels - 1, 2), or None
        Pairs of labels, by number from 0 for ``"A"``, in the order in which `coarser` joins them, the second to the
        first; None where there were too many windows to compare the labels.

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
    merges: NDArray[np.intp] | None = None

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

    def thumbnail(self, duration: float) -> tuple[float, float]:
        """Return start and end in seconds of a typical excerpt: around the most central window of the `largest` label.

        That is the window with the least mean `distance` from those of its label, or the greatest mean `affinity`
        where no distances were kept; without either, the middle of the longest section. The excerpt lies inside a
        section; if none of the label is as long, it lies around the longest.

        Parameters
        ----------
        duration : float
            Length in seconds, above 0, rounded to samples. A shorter signal is taken whole.

        Returns
        -------
        tuple of float
            Inside the signal.

        Examples
        --------
        >>> from audiofeat import segment, synth
        >>> song = synth.ar_regimes("AB", sr=8000, segment_duration=8.0, random_state=0)
        >>> segment(song.y, song.sr, hop_duration=1.0).thumbnail(8.0)
        (0.0, 8.0)
        """
        length, label = self._in_samples(duration), self.largest().label
        own = np.flatnonzero(np.array(self.window_labels)[self.active] == label)
        near = centrality(self.distance, self.affinity, own)
        middles = self.window_samples[self.active[own]].sum(axis=1) // 2
        n_samples = int(self.boundary_samples[-1])
        start = typical(self.sample_ranges(label), middles, near, n_samples=n_samples, length=length)
        return start / self.sr, (start + length) / self.sr

    def excerpts(self, n: int, duration: float) -> Matrix:
        """Return intervals for a classifier, spread over the labels in proportion to how long they sound.

        As many as the sections, silence left out, can hold lie side by side inside of them. If more are asked for,
        they cross borders of sections, and if that is not enough they overlap. They touch silence only if no stretch
        of sound is as long as an excerpt; then each has a stretch inside.

        Parameters
        ----------
        n : int
            Number of excerpts, ``>= 1``.
        duration : float
            Length in seconds, above 0, rounded to samples. Of a shorter signal each excerpt is the whole.

        Returns
        -------
        ndarray, shape (n, 2)
            Starts and ends in seconds, in the order of time.

        Examples
        --------
        >>> import numpy as np
        >>> from audiofeat import segment, synth
        >>> song = synth.ar_regimes("AB", sr=8000, segment_duration=8.0, random_state=0)
        >>> intervals = segment(song.y, song.sr, hop_duration=1.0).excerpts(4, 2.0)
        >>> intervals.tolist()
        [[1.0, 3.0], [5.0, 7.0], [9.0, 11.0], [13.0, 15.0]]
        >>> np.stack([song.y[start:stop] for start, stop in np.rint(intervals * song.sr).astype(int)]).shape
        (4, 16000)
        """
        length = self._in_samples(duration)
        starts = spread(self.boundary_samples, self._numbers(), n=as_count(n, "n"), length=length)
        return np.stack([starts, starts + length], axis=1) / self.sr

    def sonify(self, y: ArrayLike | None = None) -> Float:
        """Return the signal with a click where each section begins, at the pitch of its label.

        Parameters
        ----------
        y : array_like, shape (..., n_samples), optional
            The signal that was segmented, of the same length; silence if not given.

        Returns
        -------
        ndarray, shape (..., n_samples)
            In [-1, 1]: a half of it clicks, the other `y`, brought to a peak of 1. float32 for float32, else float64.
            Labels climb a pentatonic scale from 440 Hz, by first appearance; silence is an octave below.
        """
        signal = np.zeros(self.boundary_samples[-1]) if y is None else as_signal(y)
        self._require_length(signal)
        clicks = self.click_track(0, signal.shape[-1], self.sr)
        return mixed(signal, clicks, peak=float(np.abs(signal).max()))

    def click_track(self, begin: int, end: int, sr: float) -> Matrix:
        """Return the samples from `begin` to `end`, at the rate `sr` in Hz, of the clicks alone, shape (n_samples,)."""
        starts = np.rint(self.boundary_samples[:-1] * (sr / self.sr)).astype(np.intp)
        return click_track(starts, pitches(self._numbers(), sr=sr), sr=sr, begin=begin, end=end)

    def _numbers(self) -> list[int]:
        """Return the labels of the sections as numbers by first appearance, -1 for silence."""
        order = dict.fromkeys(label for label in self.labels if label != SILENCE)
        number = {label: i for i, label in enumerate(order)} | {SILENCE: -1}
        return [number[label] for label in self.labels]

    def _in_samples(self, duration: float) -> int:
        """Return a duration in samples, at least one and at most all."""
        seconds = as_number(duration, "duration", low=0.0, open_low=True)
        return max(1, round(min(seconds * self.sr, float(self.boundary_samples[-1]))))

    def _require_length(self, y: NDArray[Any]) -> None:
        if y.ndim == 0 or y.shape[-1] != self.boundary_samples[-1]:
            msg = f"y must have {self.boundary_samples[-1]} samples, got shape {y.shape}"
            raise ValueError(msg)

    def coarser(self, n_labels: int) -> "Segmentation":
        """Return the segmentation with labels joined, those first that sound most alike, until `n_labels` are left.

        Parameters
        ----------
        n_labels : int
            Labels to be left, silence not counted; where there are no more, nothing is joined.

        Returns
        -------
        Segmentation
            Its boundaries are some of these, and its labels are named anew.

        Raises
        ------
        ValueError
            If `n_labels` is below 1, or the labels were not compared.

        Notes
        -----
        Always those two are joined that add the least variation within labels (`agglomerate`), so that the
        segmentations of all `n_labels` are nested.

        Examples
        --------
        >>> from audiofeat import segment, synth
        >>> song = synth.ar_regimes("ABCB", sr=8000, segment_duration=8.0, random_state=0)
        >>> segment(song.y, song.sr, n_clusters=3, hop_duration=1.0).coarser(2).labels
        ['A', 'B', 'A', 'B']
        """
        n_labels = as_count(n_labels, "n_labels")
        before = list(dict.fromkeys(label for label in self.labels if label != SILENCE))
        if n_labels >= len(before):
            return self
        if self.merges is None:
            msg = f"n_labels must be >= {len(before)} where labels were not compared, got {n_labels}"
            raise ValueError(msg)
        joined = np.arange(len(before))
        for first, second in self.merges[: len(before) - n_labels]:
            joined[joined == second] = first
        clusters = joined.tolist()
        names = dict(zip(dict.fromkeys(clusters), name_clusters(np.arange(n_labels)), strict=True))
        renamed = {label: names[cluster] for label, cluster in zip(before, clusters, strict=True)} | {SILENCE: SILENCE}
        labels = [renamed[label] for label in self.labels]
        kept = [i for i, label in enumerate(labels) if i == 0 or label != labels[i - 1]]
        order = {cluster: i for i, cluster in enumerate(dict.fromkeys(clusters))}
        return replace(
            self,
            boundary_samples=self.boundary_samples[[*kept, -1]],
            labels=[labels[i] for i in kept],
            window_labels=[renamed[label] for label in self.window_labels],
            n_clusters=n_labels,
            merges=np.array(
                [(order[clusters[i]], order[clusters[j]]) for i, j in self.merges[len(before) - n_labels :]], np.intp
            ).reshape(-1, 2),
        )

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
        self._require_length(samples)
        ranges = self.sample_ranges(label)
        return np.concatenate([samples[..., start:stop] for start, stop in ranges], axis=-1)
