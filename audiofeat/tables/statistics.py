"""Statistics of rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from audiofeat._validation import Float

STATISTICS = ("mean", "var", "skew", "kurtosis", "median", "min", "max")
ALL = (*STATISTICS, "std")


def statistics_of(rows: Float, names: Sequence[str]) -> Float:
    """Return statistics of rows, shape (n_statistics, n_rows)."""
    x = rows.astype(np.float64)
    mean = x.mean(axis=1)
    away = x - mean[:, None]
    squares = np.square(away)
    var = squares.mean(axis=1)
    alike = np.sqrt(var) <= 1e-13 * np.abs(x).max(axis=1)  # rounding noise has no shape
    unit = np.where(alike, 1.0, var)
    found: dict[str, Any] = {"mean": mean, "var": var, "std": np.sqrt(var)}
    if "skew" in names:
        found["skew"] = np.where(alike, 0.0, (squares * away).mean(axis=1) / unit**1.5)
    if "kurtosis" in names:
        found["kurtosis"] = np.where(alike, 0.0, np.square(squares).mean(axis=1) / unit**2 - 3.0)
    if "median" in names:
        found["median"] = np.median(x, axis=1)
    found |= {"min": x.min(axis=1), "max": x.max(axis=1)}
    return np.stack([found[name] for name in names])
