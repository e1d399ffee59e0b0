"""Segment a signal in memory."""

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import as_rate, as_signal
from audiofeat.sections import Segmentation
from audiofeat.segmentation.beats import beat_times
from audiofeat.segmentation.sectioning import segment_blocks
from audiofeat.segmentation.settings import Distances, as_times, settled


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
    preemphasis: float = 0.0,
    distances: Distances | None = None,
    graph: str | None = None,
    assign: str | None = None,
    timelag: int = 1,
    min_duration: float | None = None,
    min_silence: float | None = None,
    sync: str | ArrayLike | None = None,
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
        leaves window, order and number of clusters open. The default takes windows of 1 s every 0.25 s, order
        16, 20 lags, equal levels, clusters by ``"energy"``, no section shorter than two windows, and no silence
        shorter than 5 s.
    window_duration : float
        Length of a window in seconds. It must hold more samples than `order`.
    hop_duration : float
        Step from window to window in seconds, at most `window_duration`; a quarter of it in the default.
    order : int
        Order of the autoregressive models.
    lags : int or "full"
        Lags of the measure, see `spectral_error_matrix`.
    normalize : {"window", "global", None}
        Level before the measure: each window to one RMS, the whole signal, or none. The measure does not see
        the level of the whole, but 6 dB between windows weigh more than most timbres.
    preemphasis : float
        Before the measure windows are filtered by :math:`1 - c z^{-1}` with this c, in [0, 1].
    distances : str, callable, dict or array_like, shape (n_windows, n_windows), optional
        What windows are compared by: a name; a function ``f(windows, sr)`` of shape (n_windows, n_samples) that returns
        features, shape (n_windows, n_features), whose root mean square difference counts; weights of names and
        functions; or the distances themselves, silent windows included. Several are summed, each over its median.
        The names: ``"sem"``, the logarithm of the spectral error measure's excess over its diagonal; ``"logmel"``, mean
        log-mel spectra; ``"cepstra"`` of median ones; ``"dynamics"``, standard deviations of mel levels;
        ``"semitones"``, median levels; ``"chroma"``, median shares of pitch classes; ``"rhythm"``, how the onsets of
        the 8 s around a window repeat. By default what is written below.
    graph : {"knn", "paper", "local"}
        ``"paper"``: all windows, with the weights :math:`\exp(-S^2)` of the symmetrised measure. ``"local"``: all
        windows, with weights scaled by each window's neighbourhood, on ``"sem"``. ``"knn"``: mutual nearest neighbours,
        about :math:`2 \sqrt{n}` a window (128 at most), joined along time as in [2]_, on ``"sem"`` and ``"logmel"``;
        weights are scaled by the window's neighbourhood, to at most half of what windows differ by.
    assign : {"energy", "cluster_qr", "kmeans"}
        How windows become clusters: ``"energy"`` finds changes, and which of the pieces between them sound alike, as
        described below; the others read clusters off the eigenvectors of the graph, and are the default where a
        `graph` is given.
    timelag : int
        An odd number of windows: of a ``"knn"`` graph the median along repetitions is taken, see `timelag_median`.
    min_duration : float
        Sections that are shorter, in seconds, are given to the longer of their neighbours, but never to a shorter
        one nor to silence, the shortest first. 0 keeps all; the default is two windows.
    min_silence : float
        Silence that is shorter, in seconds, belongs to the section before it, at the beginning to the first. The
        default is 5 s; 0 makes every silence a section.
    sync : {"beat", "bar"} or array_like, shape (n_times,), optional
        Put a window around the middle of each interval between beats (of `beat_track`), bars (of four beats) or
        ascending times in seconds, and borders of sections on these; no matter what `hop_duration` says, unless there
        are no beats. Intervals twice as long as their median are cut.
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

    See Also
    --------
    segment_file : The same of a file, which is never whole in memory.

    Notes
    -----
    By default, windows are compared by ``cepstra`` and, with weights of 0.4, 0.3 and 0.3, ``dynamics``, ``semitones``
    and ``chroma``. Changes are the peaks of the energy distance [3]_ between the two seconds before and after each
    window, by the sum of ``cepstra``, ``semitones``, ``sem`` and half of ``dynamics``. The pieces between them are
    merged, always the two that add least variation within clusters (`agglomerate`), by the mutual proximity
    (`mutual_proximity`) of windows; then windows are labelled anew until no label changes, with a price on every change
    (`resegment`). A border between two labels lies where the spectra of 31 ms change most likely, at most 0.6 s from
    where windows say, and beside silence where sound begins or ends. All durations but `min_silence` are in proportion
    to `window_duration`. Of more than 4,000 windows every second, third, ... is looked at.

    A missing `n_clusters` is that of the lowest price: every label has to lower the mean distance within clusters, with
    what its changes cost, by 7 %. The `confidence` is the silhouette. There is one cluster if two cost more, if the
    silhouette is below 0.2, or if the smooth median spectra (cepstra) of nine in ten pairs of windows differ by less
    than 0.6 dB; its confidence is what the silhouette lacks of 1.

    With a graph, the step between two windows with different labels lies in the middle between their centres, and a
    missing `n_clusters` is read off the gap of the eigenvalues. With ``"knn"``, whose scale is relative, measures of
    an absolute scale are asked first: if mean log-mel spectra differ by less than 1 dB throughout there is one
    cluster, and if the eigenvalues of :math:`\exp(-S^2)` have a gap of 0.5 or more it decides. Above 4,000 windows
    it is built from blocks of distances, in memory proportional to the number of windows; the other graphs need the
    whole matrix. Where the formulas of [1]_ divide by zero (silence, windows that resemble no other)
    `spectral_partition` says what is done.

    Samples after the last window belong to it; a signal shorter than one window is one section. Every input gives a
    result, the same for any gain and polarity.

    References
    ----------
    .. [1] "Music genre recognition using deep learning", UCSD project report, 2020, Algorithms 1 to 4.
    .. [2] B. McFee and D. Ellis, "Analyzing song structure with spectral clustering", ISMIR 2014.
    .. [3] G. J. Székely and M. L. Rizzo, "Hierarchical clustering via joint between-within distances", Journal of
       Classification 22, 2005.

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
    settings = settled(
        as_rate(sr),
        n_clusters=n_clusters,
        preset=preset,
        window_duration=window_duration,
        hop_duration=hop_duration,
        order=order,
        lags=lags,
        normalize=normalize,
        preemphasis=preemphasis,
        distances=distances,
        graph=graph,
        assign=assign,
        timelag=timelag,
        min_duration=min_duration,
        min_silence=min_silence,
        sync=sync,
        silence_db=silence_db,
        max_clusters=max_clusters,
        random_state=random_state,
    )
    mono = y if y.ndim == 1 else y.mean(axis=0)
    if isinstance(sync, str):
        settings = settings.synced(beat_times([mono], settings.sr, bars=sync == "bar"))
    elif sync is not None:
        settings = settings.synced(as_times(sync))
    return segment_blocks([mono], settings)
