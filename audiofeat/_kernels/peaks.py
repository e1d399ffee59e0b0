"""The peaks of spectra."""

from typing import Any

from numpy.typing import NDArray

from audiofeat._kernels import kernel

Array = NDArray[Any]


@kernel
def find_peaks(levels: Array, low: int, high: int, least: Array, places: Array, heights: Array, found: Array) -> None:
    """Find the peaks from row `low` up to row `high` of each column that are above its `least`.

    ``found[0]`` is their number; their places are rows and parts of them, by a parabola through three levels. A
    parabola that is flatter than it is steep has its peak elsewhere, and the place of the row is kept.
    """
    n_rows, n_columns = levels.shape
    n_found = 0
    for k in range(low, high):
        for t in range(n_columns):
            x = levels[k, t]
            if x <= least[t] or x <= levels[k - 1, t] or (k + 1 < n_rows and x < levels[k + 1, t]):
                continue
            shift, slope = 0.0, 0.0
            if k + 1 < n_rows:
                bend = levels[k + 1, t] + levels[k - 1, t] - 2.0 * x
                slope = (levels[k + 1, t] - levels[k - 1, t]) / 2.0
                if abs(slope) < abs(bend):
                    shift = -slope / bend
            places[n_found] = k + shift
            heights[n_found] = x + 0.5 * slope * shift
            n_found += 1
    found[0] = n_found
