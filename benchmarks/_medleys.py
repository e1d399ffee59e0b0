"""Medleys of real recordings, whose sections are known: several sources, recurring, no two neighbours alike."""

import os
import string
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

import audiofeat

SR = 22050
DEVELOPMENT = range(100)  # seeds to choose methods and parameters by
REPORTING = range(200, 248)  # seeds of what is printed: nothing is chosen by them
SHORTEST, LONGEST = 2.5, 14.0  # seconds of a part
REGION = 20.0  # seconds of a source that the parts are taken from, in medleys of regions
MUSIC = ("Hungarian", "Karissa", "Sugar_Plum", "Vibe_Ace", "trumpet")  # in names of librosa_audio_ccby
KINDS = {
    "music": "5 recordings of music; a part is an excerpt from anywhere in its recording",
    "regions": "the same and three songs of Schubert, at most one in a medley; a source is a random region of "
    f"{REGION:g} s, so that parts of it overlap, or recur note by note",
    "sounds": "ESC-10; a source is a clip of 5 s, of another class each, and a part an excerpt of it",
    "classes": "ESC-10; a source is a class, and a part a run of its clips: what recurs is the kind of sound only",
}

Samples = NDArray[np.floating]
Item = TypeVar("Item")


class Medley(NamedTuple):
    """A signal and its sections: intervals of shape (n_parts, 2) in seconds, labels, and how many differ."""

    y: Samples
    sr: int
    intervals: NDArray[np.float64]
    labels: list[str]
    n_labels: int


def medley(kind: str, seed: int) -> Medley:
    """Return the medley of a kind and a seed: 3 to 5 sources in 6 to 10 parts, 22,050 Hz, mono, float32.

    Each source has a part at least, so that some recur; two neighbouring parts have different sources. A part
    has 2.5 to 14 s, or less where its source has less. The recordings are those under ``AUDIOFEAT_DATA``.
    """
    rng = np.random.default_rng(seed)
    n_sources = int(rng.integers(3, 6))
    sources = _sources(kind, n_sources, rng)
    order = _order(n_sources, int(rng.integers(6, 11)), rng)
    parts = [_excerpt(sources[source], rng) for source in order]
    times = np.cumsum([0, *map(len, parts)]) / SR
    names = dict(zip(dict.fromkeys(order), string.ascii_uppercase, strict=False))
    intervals = np.stack([times[:-1], times[1:]], axis=1)
    return Medley(np.concatenate(parts), SR, intervals, [names[source] for source in order], n_sources)


def recordings(folder: str, pattern: str) -> list[Path]:
    """Return the files of a folder of the data, sorted by name."""
    found = sorted((Path(os.environ["AUDIOFEAT_DATA"]) / folder).glob(pattern))
    if not found:
        msg = f"AUDIOFEAT_DATA must be a folder with {folder}/{pattern}, got {os.environ['AUDIOFEAT_DATA']!r}"
        raise FileNotFoundError(msg)
    return found


@cache
def samples(path: Path) -> Samples:
    """Return a recording at 22,050 Hz; read-only, as it is kept."""
    y, _ = audiofeat.load(path, sr=SR)
    y.flags.writeable = False
    return y


def _sources(kind: str, n_sources: int, rng: np.random.Generator) -> list[list[Samples]]:
    """Draw the sources of a medley, each of them the recordings that its parts are cut from."""
    if kind in ("music", "regions"):
        pool = [recordings("librosa_audio_ccby", f"*{name}*.ogg")[0] for name in MUSIC]
        if kind == "regions":
            pool.append(_one(recordings("schubert_HU33", "audio/*.wav"), rng))
        drawn = [[samples(pool[i])] for i in rng.choice(len(pool), n_sources, replace=False)]
        return drawn if kind == "music" else [[_cut(y, REGION, rng)] for (y,) in drawn]
    if kind not in KINDS:
        msg = f"kind must be one of {', '.join(KINDS)}, got {kind!r}"
        raise ValueError(msg)
    classes = [sorted(folder.glob("*.ogg")) for folder in recordings("esc10_folds123", "0*")]
    clips = [classes[i] for i in rng.choice(len(classes), n_sources, replace=False)]
    if kind == "sounds":
        return [[samples(_one(paths, rng))] for paths in clips]
    return [[samples(path) for path in paths] for paths in clips]


def _order(n_sources: int, n_parts: int, rng: np.random.Generator) -> list[int]:
    """Draw the source of each part: neighbours differ, and all are there."""
    while True:
        order = [int(rng.integers(n_sources))]
        while len(order) < n_parts:
            step = int(rng.integers(1, n_sources))
            order.append((order[-1] + step) % n_sources)
        if len(set(order)) == n_sources:
            return order


def _excerpt(source: list[Samples], rng: np.random.Generator) -> Samples:
    """Draw a part: an excerpt of the one recording of a source, or of some of them, put after each other."""
    if len(source) == 1:
        return _cut(source[0], rng.uniform(SHORTEST, min(LONGEST, len(source[0]) / SR)), rng)
    duration = rng.uniform(SHORTEST, LONGEST)
    run = [_one(source, rng)]
    while sum(map(len, run)) < duration * SR:
        run.append(_one(source, rng))
    return _cut(np.concatenate(run), duration, rng)


def _cut(y: Samples, duration: float, rng: np.random.Generator) -> Samples:
    """Draw an excerpt of so many seconds, or of all there is."""
    n_samples = min(round(duration * SR), len(y))
    start = int(rng.integers(len(y) - n_samples + 1))
    return y[start : start + n_samples]


def _one(items: list[Item], rng: np.random.Generator) -> Item:
    return items[int(rng.integers(len(items)))]
