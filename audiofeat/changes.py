"""Where a sequence of windows changes: candidates for the boundaries of sections."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat._validation import as_count
from audiofeat.graph import Matrix, as_distances

Tile = Callable[[slice, slice], Matrix]  # distances between two ranges of windows

PLACES = 64  # that are looked at together


def novelty(distance: ArrayLike, *, reach: int, gap: int = 0) -> Matrix:
    r"""Energy distance between the windows before and after each place.

    Parameters
    ----------
    distance : array_like, shape (n, n)
        Symmetric distances between windows, 0 or more.
    reach : int
        Windows that are looked at on each side.
    gap : int
        Windows left out on each side, such as those that overlap a window of the other.

    Returns
    -------
    ndarray, shape (n + 1,)
        Place t is before window t. 0 where fewer than two windows, or a quarter of `reach`, are left on a side.

    Raises
    ------
    ValueError
        If `distance` is not square, holds NaN or negative values, or a count is out of range.

    Notes
    -----
    With the mean distances d between and within the sides L and R, :math:`2 d_{LR} - d_{LL} - d_{RR}` [1]_: what
    separates two sides, and not how much either varies in itself.

    References
    ----------
    .. [1] G. J. Székely and M. L. Rizzo, "Energy statistics: a class of statistics based on distances", Journal of
       Statistical Planning and Inference 143(8), 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat.changes import novelty
    >>> x = np.array([0.0, 0.0, 0.0, 3.0, 3.0, 3.0])
    >>> novelty(abs(x[:, None] - x), reach=3).round(1)
    array([0. , 0. , 2.7, 6. , 2.7, 0. , 0. ])
    """
    D = as_distances(distance)
    reach, gap = as_count(reach, "reach"), as_count(gap, "gap", low=0)
    n = len(D)
    sums = np.zeros((n + 1, n + 1))
    sums[1:, 1:] = D.cumsum(axis=0).cumsum(axis=1)
    t = np.arange(n + 1)
    a, b, c, d = np.maximum(t - gap - reach, 0), t - gap, t + gap, np.minimum(t + gap + reach, n)
    least = max(2, reach // 4)
    t = t[(b - a >= least) & (d - c >= least)]
    a, b, c, d = a[t], b[t], c[t], d[t]

    def mean(i: NDArray[np.intp], j: NDArray[np.intp], k: NDArray[np.intp], m: NDArray[np.intp]) -> Matrix:
        found: Matrix = (sums[j, m] - sums[i, m] - sums[j, k] + sums[i, k]) / ((j - i) * (m - k))
        return found

    curve = np.zeros(n + 1)
    curve[t] = 2.0 * mean(a, b, c, d) - mean(a, b, a, b) - mean(c, d, c, d)
    return curve


def novelty_of(tile: Tile, n: int, *, reach: int, gap: int) -> Matrix:
    """Return the `novelty` of n windows whose distances are given in blocks, of which those on the diagonal do."""
    curve = np.empty(n + 1)
    for start in range(0, n + 1, PLACES):
        stop = min(start + PLACES, n + 1)
        low, high = max(0, start - gap - reach), min(n, stop + gap + reach)
        near = novelty(tile(slice(low, high), slice(low, high)), reach=reach, gap=gap)
        curve[start:stop] = near[start - low : stop - low]
    return curve


def change_points(curve: ArrayLike, *, spacing: int) -> NDArray[np.intp]:
    """Find the places at which a curve is highest.

    Parameters
    ----------
    curve : array_like, shape (n + 1,)
        What `novelty` returned.
    spacing : int
        Windows between two places, and between a place and an end, at least.

    Returns
    -------
    ndarray of int
        Places, ascending: local maxima, the highest first of those that are too near.

    Raises
    ------
    ValueError
        If `spacing` is below 1.

    Examples
    --------
    >>> from audiofeat.changes import change_points
    >>> change_points([0.0, 0.0, 3.0, 6.0, 3.0, 0.0, 0.0], spacing=2)
    array([3])
    """
    values = np.asarray(curve, dtype=np.float64)
    spacing = as_count(spacing, "spacing")
    middle = values[1:-1]
    peaks = 1 + np.flatnonzero((middle > values[:-2]) & (middle >= values[2:]))
    free = np.ones(len(values), dtype=bool)
    free[:spacing], free[max(0, len(values) - spacing) :] = False, False
    kept = []
    for place in peaks[np.argsort(-values[peaks], kind="stable")].tolist():
        if free[place]:
            kept.append(place)
            free[max(0, place - spacing + 1) : place + spacing] = False
    return np.sort(np.array(kept, dtype=np.intp))
