"""Where windows may begin and end: at beats, at bars, or at times that are given."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from audiofeat._validation import Float
from audiofeat.frontend import FrontEnd
from audiofeat.onset import TOP_DB, onset_envelope
from audiofeat.rhythm.beats import tracked_beats

HOP = 512  # samples between frames of the onset strength, librosa's
METER = 4  # beats of a bar
LONGEST = 2.0  # median intervals: a longer one, without beats in it, is cut into equal parts


def beat_times(blocks: Iterable[Float], sr: float, *, bars: bool) -> Float:
    """Return the times of beats or of bars in seconds, none where nothing begins.

    Bars have four beats, and begin with the one of four that is strongest in the mean.
    """
    levels = np.concatenate(list(FrontEnd(sr, hop_length=HOP).stream(blocks)), axis=-1)
    levels = np.maximum(levels, levels.max() - TOP_DB)
    strength = onset_envelope(levels, aggregate=np.median, hop_length=HOP)
    times = tracked_beats(strength, sr, HOP, trim=False).times
    if not bars or len(times) < 2 * METER:
        return times
    at = strength[np.rint(times * sr / HOP).astype(np.intp)]
    phase = int(np.argmax([at[first::METER].mean() for first in range(METER)]))
    return times[phase::METER]


def interval_edges(times: Float, sr: float) -> NDArray[np.intp]:
    """Return the samples at which one interval ends and the next begins, ascending, above 0."""
    edges = np.unique(np.concatenate([[0], np.rint(times * sr).astype(np.intp)]))
    lengths = np.diff(edges)
    n_parts = np.maximum(1, np.ceil(lengths / (LONGEST * np.median(lengths)))).astype(np.intp)
    parts = [
        start + np.arange(1, n + 1) * length // n
        for start, length, n in zip(edges[:-1].tolist(), lengths.tolist(), n_parts.tolist(), strict=True)
    ]
    return np.concatenate(parts).astype(np.intp)
