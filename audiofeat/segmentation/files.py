"""Segment an audio file that is never whole in memory."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import Float, as_rate
from audiofeat.sections import Segmentation
from audiofeat.segmentation.beats import beat_times
from audiofeat.segmentation.sectioning import segment_blocks
from audiofeat.segmentation.settings import Distances, as_times, settled
from audiofeat.windows import rows_in_block

if TYPE_CHECKING:
    from audiofeat.io import AudioInfo

Progress = Callable[[float, float | None], object]


def segment_file(
    path: str | os.PathLike[str],
    *,
    sr: float | None = None,
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
    progress: Progress | None = None,
) -> Segmentation:
    """Cut an audio file into labelled sections, reading it block by block.

    Parameters
    ----------
    path : str or os.PathLike
        The file, as for `load`; channels are averaged.
    sr : float, optional
        Sample rate to resample to, in Hz; the file's if not given.
    n_clusters, preset, window_duration, hop_duration, order, lags, normalize, preemphasis, distances : optional
        As for `segment`.
    graph, assign, timelag, min_duration, min_silence, sync, silence_db, max_clusters, random_state : optional
        As for `segment`. For beats and bars the file is read twice.
    progress : callable, optional
        Called as ``progress(done, total)``: the seconds that have been read and measured, and those that the header
        declares, None if it declares none. There is a call after each block of the file, which is at least as long
        as a window (by default 24 s at 22,050 Hz), and one at its end, with the true duration twice; then the
        sections are found from what was measured. What it raises ends the work.

    Returns
    -------
    Segmentation
        What ``segment(*load(path, sr=sr), ...)`` returns, to the last bit.

    Raises
    ------
    ValueError
        If a parameter is out of range.
    AudioError
        If the file is missing, unreadable, empty, not audio, truncated, holds NaN or Inf, or is longer than a day: as
        for `load`, but where that shows only on the way, after `progress` was called.

    See Also
    --------
    segment : The same of a signal in memory.

    Notes
    -----
    In memory are a block of windows and what is known of the windows before it: about 5 kB of each, or 9 kB with all
    lags, whatever the sample rate. By default that is 70 MB an hour, and as much again for a moment at the end of the
    file. To find the sections takes what it takes `segment`.

    Examples
    --------
    >>> import tempfile
    >>> from audiofeat import save, segment_file, synth
    >>> song = synth.ar_regimes("ABAC", sr=8000, segment_duration=6.0, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/song.flac", 0.1 * song.y, 8000)
    ...     segment_file(f"{folder}/song.flac", n_clusters=3, hop_duration=1.0)
    <Segmentation of 24.00 s: 0.00 A | 6.00 B | 12.00 A | 18.00 C>
    """
    from audiofeat.io import info  # a signal needs no decoder

    header = info(path)
    settings = settled(
        float(header.sr) if sr is None else as_rate(sr),
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
    block = max(settings.n_window, settings.n_hop * rows_in_block(settings.n_window))
    if isinstance(sync, str):
        with closing(_blocks(path, block, settings.sr)) as blocks:
            told = _told(blocks, header, settings.sr, None)
            settings = settings.synced(beat_times(told, settings.sr, bars=sync == "bar"))
    elif sync is not None:
        settings = settings.synced(as_times(sync))
    with closing(_blocks(path, block, settings.sr)) as blocks:  # else what `progress` raises would keep the file open
        return segment_blocks(_told(blocks, header, settings.sr, progress), settings)


def _blocks(path: str | os.PathLike[str], block: int, sr: float) -> Any:
    from audiofeat.io import stream

    return stream(path, block=block, sr=sr)


def _told(blocks: Iterator[Float], header: "AudioInfo", sr: float, progress: Progress | None) -> Iterator[Float]:
    """Pass blocks on, and tell how far they have come when they have been measured."""
    n_samples = 0
    for block in blocks:
        yield block
        n_samples += len(block)
        if progress is not None:
            progress(n_samples / sr, header.declared_duration)
    if progress is not None:
        progress(n_samples / sr, n_samples / sr)
