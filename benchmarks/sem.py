"""Spectral error of all pairs of windows: matrix products against filtering pair by pair."""

import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.signal import lfilter
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

from audiofeat import ARModel, fit_ar, spectral_error_matrix, synth
from benchmarks._report import machine, race, table

SR, DURATION, N_WINDOWS, ORDER = 22050, 0.5, 600, 16
N_PAIRS, ROUNDS = 1000, 3
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "sem.md"
HEAD = ("lags", "a pair, ms", "all pairs, s", "spectral_error_matrix, s", "ratio", "deviation", "memory, MiB")
ABOUT = f"""\
{N_WINDOWS} windows of {DURATION} s at {SR} Hz, order {ORDER}, one thread. Pair by pair is what a user would otherwise
write: for each pair a filter and sums of products, or transforms where all lags are asked for. Of it {N_PAIRS} pairs
of {N_WINDOWS**2} are done, and the time of all follows from that, with one fit of all models, as on our side. Times
are the middle of {ROUNDS} turns. The deviation is the largest of those pairs, relative to 1 + SEM, from the measure of
the filter's whole output in float64; memory is the most that arrays took.
"""

Array = NDArray[Any]


def some_lags(a: Array, energy: float, y: Array, n_lags: int = 20) -> float:
    """Return the measure of one pair as a user would write it: a filter and a few dot products."""
    residual = lfilter(a, [1.0], y)
    r = np.array([residual[: len(y) - k] @ residual[k:] for k in range(n_lags + 1)])
    return float((energy / r[0] - 1.0) ** 2 + 2.0 * ((r[1:] / r[0]) ** 2).sum())


def all_lags(a: Array, energy: float, y: Array) -> float:
    """Return the measure of one pair as a user would write it: a filter, and the lags by two transforms."""
    residual = lfilter(a, [1.0], y)
    spectrum = scipy.fft.rfft(residual, scipy.fft.next_fast_len(2 * len(y), real=True))
    r = scipy.fft.irfft(spectrum.real**2 + spectrum.imag**2)[: len(y)]
    return float((energy / r[0] - 1.0) ** 2 + 2.0 * ((r[1:] / r[0]) ** 2).sum())


def over_pairs(pair: Callable[..., float], model: ARModel, windows: Array, pairs: Array) -> list[float]:
    """Measure the pairs one after the other."""
    return [pair(model.coefficients[i], model.error[i], windows[j]) for i, j in pairs]


def deviation(matrix: Array, pair: Callable[..., float], model: ARModel, windows: Array, pairs: Array) -> float:
    """Return the largest error relative to 1 + SEM, against the pair's measure of the filter's whole output.

    With zeros after the window, the filter runs out.
    """
    whole = np.pad(windows, [(0, 0), (0, ORDER)])
    expected = np.array(over_pairs(pair, model, whole, pairs))
    return float((np.abs(matrix[*pairs.T] - expected) / (1.0 + expected)).max())


def with_memory(call: Callable[[], Array]) -> tuple[Array, float]:
    """Return what a call returns, and the most memory that arrays took meanwhile, in MiB."""
    tracemalloc.start()
    result = call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return result, most / (1 << 20)


def page() -> str:
    """Measure, and return the page: a row for some lags and a row for all."""
    song = synth.ar_regimes("ABCDEF" * 10, sr=SR, segment_duration=N_WINDOWS * DURATION / 60, random_state=0)
    windows = song.y.reshape(N_WINDOWS, -1)
    model = fit_ar(windows, order=ORDER)
    pairs = np.random.default_rng(0).integers(0, N_WINDOWS, (N_PAIRS, 2))
    rows = []
    for lags, pair in ((20, some_lags), ("full", all_lags)):
        ours = partial(spectral_error_matrix, windows, order=ORDER, lags=lags)
        theirs = partial(over_pairs, pair, model, windows, pairs)
        matrix, memory = with_memory(ours)
        times = race({"pairs": theirs, "fit": partial(fit_ar, windows, order=ORDER), "ours": ours}, ROUNDS)
        per_pair = times["pairs"] / N_PAIRS
        total = per_pair * N_WINDOWS**2 + times["fit"]
        gap = deviation(matrix, pair, model, windows, pairs)
        row = (f"{per_pair:.3f}", f"{total / 1e3:.0f}", f"{times['ours'] / 1e3:.3f}", f"{total / times['ours']:.0f}")
        rows.append((str(lags), *row, f"{gap:.0e}", f"{memory:.0f}"))
    return "\n".join(["# Spectral error\n", machine(("numpy", "scipy")), ABOUT, table(HEAD, rows)])


def main() -> None:
    """Print the page, and write it."""
    text = page()
    print(text)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
