"""Descriptors and clip statistics against librosa: time, and agreement.

``python -m benchmarks.descriptors --quick`` writes nothing.
"""

import os
import sys
import time
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import scipy.stats
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

import audiofeat
from benchmarks._report import Call, Times, machine, middle, race, ratio, table, verdict

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "descriptors.md"
PACKAGES = ("numpy", "scipy", "numba", "librosa")
SR = 22050
RUNS = 3
ROUNDS = 10
CPU = time.process_time  # other load stops a long call more often than a short one, and this clock with it
BAR = 5.0
WITHOUT_RATE = ("rms", "spectral_flatness", "zero_crossing_rate")
DESCRIPTORS = (
    "rms",
    "zero_crossing_rate",
    "spectral_centroid",
    "spectral_bandwidth",
    "spectral_rolloff",
    "spectral_flatness",
    "spectral_contrast",
    "chroma_stft",
    "poly_features",
    "onset_strength",
)
STATISTICS: dict[str, Any] = {
    "mean": np.mean,
    "var": np.var,
    "skew": scipy.stats.skew,
    "kurtosis": scipy.stats.kurtosis,
    "median": np.median,
    "min": np.min,
    "max": np.max,
}
ABOUT = f"""\
30 s at 22,050 Hz, `n_fft` 2048, hop 512: the song that `audiofeat demo` makes, with noise 60 dB below it. One process,
one thread a side; the sides take turns. A time is the median of {ROUNDS} rounds of a run, of the processor. Shown is
the middle of {RUNS} runs, and of ratios the lowest and the highest too.

`describe` is 7 statistics (mean, variance, skewness, kurtosis, median, minimum, maximum) of the 94 rows of all
descriptors, of 20 MFCC and of their two derivatives, 658 columns. librosa's side calls its function for each (tonnetz
and MFCC made of the chroma and of the mel spectrogram that are there already), then NumPy and SciPy for the statistics.
Without tempo and harmonic-percussive separation, which are librosa's own.

Agreement is the largest deviation from librosa in float64 on the same signal, relative to the largest value of the row,
or of the column's descriptor. The roll-off of librosa itself moves by a bin where float32 sums are next to the share.
"""

Array = NDArray[Any]


def signal(dtype: str) -> Array:
    """Return the samples."""
    song = audiofeat.synth.song("ABABCB", sr=SR, random_state=0).y
    noise = np.random.default_rng(0).standard_normal(len(song))
    return np.resize(song + 1e-3 * np.abs(song).max() * noise, 30 * SR).astype(dtype)


def one_by_audiofeat(name: str, y: Array) -> Array:
    """Compute a descriptor by its function."""
    function: Any = getattr(audiofeat, name)
    found: Array = function(y) if name in WITHOUT_RATE else function(y, SR)
    return found


def one_by_librosa(name: str, y: Array) -> Array:
    """Compute a descriptor by librosa's function."""
    if name == "onset_strength":
        return np.asarray(librosa.onset.onset_strength(y=y, sr=SR))
    function = getattr(librosa.feature, name)
    return np.asarray(function(y=y) if name in WITHOUT_RATE else function(y=y, sr=SR))


def all_by_librosa(y: Array) -> dict[str, Array]:
    """Compute the descriptors of `frames` by librosa's functions."""
    rows = {name: np.atleast_2d(one_by_librosa(name, y)) for name in DESCRIPTORS}
    rows["tonnetz"] = librosa.feature.tonnetz(chroma=rows["chroma_stft"])
    mel = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=SR), top_db=None)
    rows["mfcc"] = librosa.feature.mfcc(S=mel)
    rows["mfcc_delta"] = librosa.feature.delta(rows["mfcc"])
    rows["mfcc_delta2"] = librosa.feature.delta(rows["mfcc"], order=2)
    return rows


def described_by_librosa(y: Array) -> dict[str, Array]:
    """Compute the columns of `describe` by librosa, NumPy and SciPy: descriptor -> (n_rows, n_statistics)."""
    rows = all_by_librosa(y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy's, about rows that hardly change
        return {
            name: np.stack([np.asarray(f(values, axis=1)) for f in STATISTICS.values()], axis=1)
            for name, values in rows.items()
        }


def deviation(found: Array, expected: Array) -> str:
    """Return the largest deviation, relative to the largest value of each row."""
    size = np.abs(expected).max(axis=-1, keepdims=True)
    return f"{(np.abs(found - expected) / np.where(size > 0.0, size, 1.0)).max():.0e}"


def row(name: str, runs: list[Times], bars: tuple[float, ...], gap: str) -> tuple[str, ...]:
    """Return a row of the table."""
    value, text = ratio(runs, "librosa", "audiofeat")
    return (name, middle(runs, "audiofeat"), middle(runs, "librosa"), text, *verdict([value], bars), gap)


def clip_rows() -> Iterator[tuple[str, ...]]:
    """Yield the rows of `describe`."""
    for dtype in ("float32", "float64"):
        y = signal(dtype)
        calls: dict[str, Call] = {
            "audiofeat": partial(audiofeat.describe, y, SR),
            "librosa": partial(described_by_librosa, y),
        }
        runs = [race(calls, ROUNDS, CPU) for _ in range(RUNS)]
        found = audiofeat.describe(y, SR).to_dict()
        gaps = []
        for name, expected in described_by_librosa(y.astype(np.float64)).items():
            columns = [f"{name}_{i}" for i in range(1, len(expected) + 1)] if len(expected) > 1 else [name]
            mine = np.array([[found[f"{column}_{kind}"] for kind in STATISTICS] for column in columns])
            gaps.append(float(deviation(mine.T, expected.T)))
        yield row(f"`describe`, {dtype}", runs, (BAR,), f"{max(gaps):.0e}")


def frame_rows() -> Iterator[tuple[str, ...]]:
    """Yield the rows of the descriptors one by one."""
    y = signal("float32")
    for name in DESCRIPTORS:
        calls: dict[str, Call] = {
            "audiofeat": partial(one_by_audiofeat, name, y),
            "librosa": partial(one_by_librosa, name, y),
        }
        runs = [race(calls, ROUNDS, CPU) for _ in range(RUNS)]
        gap = deviation(one_by_audiofeat(name, y), one_by_librosa(name, y.astype(np.float64)))
        yield row(f"`{name}`", runs, (), gap)


def main() -> None:
    """Print the page, and write it unless asked to be quick."""
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    head = ["work", "audiofeat, ms", "librosa, ms", "librosa / audiofeat", "bar", "met", "deviation"]
    with threadpool_limits(1):
        parts = [machine(PACKAGES), ABOUT, table(head, [*clip_rows(), *frame_rows()])]
    page = "# Descriptors\n\n" + "\n".join(parts)
    print(page)
    if "--quick" not in sys.argv[1:]:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
