"""Structure segmentation: from a signal to labelled sections, by the spectral error measure and a graph."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from audiofeat._validation import Float, as_choice, as_count, as_number, as_rate, as_signal
from audiofeat.graph import Graph, Matrix
from audiofeat.recurrence import decisive_n_clusters, measure_windows, window_gains, window_graph
from audiofeat.sections import Segmentation, absorb_short, name_clusters
from audiofeat.spectral import Partition, spectral_partition

PRESETS: dict[str, dict[str, Any]] = {
    "default": {
        "window_duration": 1.0,
        "overlap": 0.5,
        "min_windows": 2.0,
        "order": 16,
        "lags": 20,
        "normalize": "window",
        "graph": "knn",
        "assign": "cluster_qr",
    },
    "ucsd2020": {
        "window_duration": 1.0,
        "overlap": 0.0,
        "min_windows": 0.0,
        "order": 12,
        "lags": "full",
        "normalize": None,
        "graph": "paper",
        "assign": "kmeans",
    },
}


def segment(
    y: ArrayLike,
    sr: float,
    *,
    n_clusters: int | None = None,
    preset: str = "default",
    window_duration: float | None = None,
    hop_duration: float | None = None,
    order: int | None = None,
    lags: int | str | None = None,
    normalize: str | None = "preset",
    graph: str | None = None,
    assign: str | None = None,
    min_duration: float | None = None,
    silence_db: float = -80.0,
    max_clusters: int = 12,
    random_state: int | np.random.RandomState | None = 0,
) -> Segmentation:
    r"""Cut a signal into labelled sections; sections that sound alike share a label.

    Parameters
    ----------
    y : array_like, shape (n_samples,) or (n_channels, n_samples)
        Signal; channels are averaged.
    sr : float
        Sample rate in Hz.
    n_clusters : int, optional
        Number of labels, silence not counted; estimated if not given. Where fewer windows sound, there are as
        many labels as windows.
    preset : {"default", "ucsd2020"}
        What the parameters below are where they are not given. ``"ucsd2020"`` is the recipe of [1]_: windows of
        1 s side by side, order 12, all lags, levels as they are, the graph ``"paper"`` and k-means; the source
        leaves window, order and number of clusters open. The default takes windows of 1 s every 0.5 s, order
        16, 20 lags, equal levels, the graph ``"knn"``, pivoted QR, and no section shorter than two windows.
    window_duration : float
        Length of a window in seconds. It must hold more samples than `order`.
    hop_duration : float
        Step from window to window in seconds, at most `window_duration`; half of it in the default.
    order : int
        Order of the autoregressive models.
    lags : int or "full"
        Lags of the measure, see `spectral_error_matrix`.
    normalize : {"window", "global", None}
        Level before the measure: each window to one RMS, the whole signal, or none. The measure does not see
        the level of the whole, but 6 dB between windows weigh more than most timbres.
    graph : {"knn", "paper", "local"}
        ``"paper"``: all windows, with the weights :math:`\exp(-S^2)` of the symmetrised measure. ``"local"``: all
        windows, with weights scaled by each window's neighbourhood, on the logarithm of the measure's excess
        over its diagonal. ``"knn"``: mutual nearest neighbours, about :math:`2 \sqrt{n}` a window (128 at most), joined
        along time as in [2]_, on the sum of that logarithm and the difference of mean log-mel spectra, each over its
        median; weights are scaled by the window's neighbourhood, to at most half of what windows differ by.
    assign : {"cluster_qr", "kmeans"}
        How clusters are read off the eigenvectors.
    min_duration : float
        Sections that are shorter, in seconds, are given to the longer of their neighbours, but never to a shorter
        one nor to silence, the shortest first. 0 keeps all; the default is two windows.
    silence_db : float
        A window whose RMS lies so far below the loudest window's is silent: it has the label ``"silence"`` and
        no place in the graph. Windows of zeros are always silent.
    max_clusters : int
        Largest number of clusters that is estimated.
    random_state : int, RandomState or None
        For k-means only.

    Returns
    -------
    Segmentation
        ``boundaries`` in seconds (the first 0, the last the duration), ``intervals``, ``labels`` and more.

    Raises
    ------
    TypeError
        If `y` does not hold real samples.
    ValueError
        If `y` is empty, not finite or has more than two dimensions, or a parameter is out of range.

    Notes
    -----
    The step between two windows with different labels lies in the middle between their centres. Samples after
    the last window belong to it; a signal shorter than one window is one section. The result is the same for any
    gain and polarity. Every input gives a result: where the formulas of [1]_ divide by zero (silence, windows
    that resemble no other) `spectral_partition` says what is done.

    A missing `n_clusters` is read off the gap of the eigenvalues. With the graph ``"knn"``, whose scale is
    relative, measures of an absolute scale are asked first: if mean log-mel spectra differ by less than 1 dB
    throughout there is one cluster, and if the eigenvalues of :math:`\exp(-S^2)` have a gap of 0.5 or more it
    decides. This is how one process is told from many.

    Above 4,000 windows the graph ``"knn"`` is built from blocks of distances, in memory proportional to the
    number of windows; the other graphs need the whole matrix.

    References
    ----------
    .. [1] "Music genre recognition using deep learning", UCSD project report, 2020, Algorithms 1 to 4.
    .. [2] B. McFee and D. Ellis, "Analyzing song structure with spectral clustering", ISMIR 2014.

    Examples
    --------
    >>> from audiofeat import segment, synth
    >>> song = synth.ar_regimes("ABAC", sr=8000, segment_duration=6.0, random_state=0)
    >>> found = segment(song.y, song.sr, n_clusters=3, hop_duration=1.0)
    >>> found.labels
    ['A', 'B', 'A', 'C']
    >>> found.boundaries
    array([ 0.,  6., 12., 18., 24.])
    """
    y = as_signal(y)
    if y.ndim > 2:
        msg = f"y must have 1 or 2 dimensions, got shape {y.shape}"
        raise ValueError(msg)
    sr = as_rate(sr)
    chosen = dict(PRESETS[as_choice(preset, "preset", PRESETS)])
    overlap, min_windows = chosen.pop("overlap"), chosen.pop("min_windows")
    given = {"window_duration": window_duration, "order": order, "lags": lags, "graph": graph, "assign": assign}
    chosen |= {name: value for name, value in given.items() if value is not None}
    chosen |= {} if normalize == "preset" else {"normalize": normalize}
    length = as_number(chosen["window_duration"], "window_duration", low=0.0, open_low=True)
    hop = length * (1.0 - overlap) if hop_duration is None else as_number(hop_duration, "hop_duration", low=0.0)
    shortest = length * min_windows if min_duration is None else as_number(min_duration, "min_duration", low=0.0)
    chosen |= {
        "preset": preset,
        "n_clusters": None if n_clusters is None else as_count(n_clusters, "n_clusters"),
        "hop_duration": hop,
        "min_duration": shortest,
        "silence_db": as_number(silence_db, "silence_db", high=0.0),
        "max_clusters": as_count(max_clusters, "max_clusters"),
        "random_state": random_state,
    }
    as_choice(chosen["graph"], "graph", ("knn", "paper", "local"))
    as_choice(chosen["assign"], "assign", ("cluster_qr", "kmeans"))
    if chosen["normalize"] is not None:
        as_choice(chosen["normalize"], "normalize", ("window", "global"))
    p = as_count(chosen["order"], "order")
    n_window, n_hop = round(length * sr), round(hop * sr)
    if n_window <= p:
        msg = f"window_duration must be at least {(p + 1) / sr:g} s for order {p} at {sr:g} Hz, got {length:g}"
        raise ValueError(msg)
    if not 1 <= n_hop <= n_window:
        msg = f"hop_duration must be in [{1 / sr:g}, {length:g}], got {hop:g}"
        raise ValueError(msg)
    if chosen["lags"] != "full":
        as_count(chosen["lags"], "lags", high=n_window + p - 1)
    return _segment(y if y.ndim == 1 else y.mean(axis=0), sr, n_window, n_hop, chosen)


def _segment(y: Float, sr: float, n_window: int, n_hop: int, chosen: dict[str, Any]) -> Segmentation:
    n_samples = len(y)
    windows = sliding_window_view(y, min(n_window, n_samples))[::n_hop]
    starts = np.arange(len(windows)) * n_hop
    gains = window_gains(windows, normalize=chosen["normalize"], silence_db=chosen["silence_db"])
    active = np.flatnonzero(gains[1])
    cluster = np.full(len(windows), -1, dtype=np.intp)
    cluster[active] = 0
    distance: Matrix | None = None
    weights: Graph | None = None
    found = Partition(cluster[active], np.ones(min(len(active), 1)), 1.0, min(len(active), 1))
    if len(active) > 1:
        measured = measure_windows(windows, gains, sr=sr, order=chosen["order"], lags=chosen["lags"])
        distance, weights = window_graph(measured, graph=chosen["graph"])
        wanted, most = chosen["n_clusters"], chosen["max_clusters"]
        if wanted is None and chosen["graph"] == "knn":
            wanted = decisive_n_clusters(measured, overlap=-(-n_window // n_hop), max_clusters=most)
        found = spectral_partition(
            weights,
            n_clusters=None if wanted is None else min(wanted, len(active)),
            max_clusters=most,
            ratio=chosen["graph"] == "knn",
            method=chosen["assign"],
            random_state=chosen["random_state"],
        )
        cluster[active] = found.labels
    # Border between windows i and i + 1: the middle between their centres.
    borders = np.concatenate([[0], starts[1:] + (n_window - n_hop) // 2, [n_samples]])
    cluster = absorb_short(cluster, np.diff(borders), chosen["min_duration"] * sr)
    names = name_clusters(cluster)
    change = np.flatnonzero(cluster[1:] != cluster[:-1]) + 1
    return Segmentation(
        boundary_samples=np.concatenate([[0], borders[change], [n_samples]]).astype(np.intp),
        labels=[names[i] for i in [0, *change]],
        sr=sr,
        window_labels=names,
        window_samples=np.stack([starts, np.minimum(starts + n_window, n_samples)], axis=1),
        active=active,
        distance=distance,
        affinity=weights,
        eigenvalues=found.eigenvalues,
        n_clusters=len(np.unique(found.labels)),
        confidence=found.confidence,
        n_components=found.n_components,
        parameters=chosen,
    )
