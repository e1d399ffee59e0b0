"""How far two labellings of the same frames agree, from the table that counts each pair of labels.

A table has a row for each label of the reference and a column for each of the estimate, shape (n_reference,
n_estimate), none of them empty; its entries are counts of frames.
"""

import math
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Table = NDArray[np.float64]

BLOCK = 1 << 14  # terms of the expectation that are in memory together


def same_partition(table: Table) -> bool:
    """Whether each label of one side goes with one label of the other."""
    return bool(np.count_nonzero(table) == len(table) == table.shape[1])


def pair_counting(table: Table) -> tuple[float, float, float, float]:
    """Precision, recall, F-measure and Rand index of the pairs of frames that share a label."""
    both, ref, est, every = _pairs(table)
    precision = both / est if est else float(ref == 0)
    recall = both / ref if ref else float(est == 0)
    return precision, recall, f_measure(precision, recall), (every - ref - est + 2 * both) / every


def adjusted_rand_index(table: Table) -> float:
    """Rand index, adjusted so that chance gives 0 (Hubert and Arabie 1985)."""
    if same_partition(table):  # also where there is nothing to adjust: one label, or one for each frame
        return 1.0
    both, ref, est, every = _pairs(table)
    chance = ref * est / every
    return (both - chance) / ((ref + est) / 2 - chance)


def mutual_information(table: Table) -> tuple[float, float, float]:
    """Mutual information in nats, the same adjusted for chance (Vinh et al. 2010), and normalised."""
    n, rows, columns = table.sum(), table.sum(axis=1), table.sum(axis=0)
    i, j = np.nonzero(table)
    found = table[i, j]
    shared = float(np.sum(found / n * np.log(found * n / (rows[i] * columns[j]))))
    entropies = [float(-np.sum(side / n * np.log(side / n))) for side in (rows, columns)]
    if same_partition(table):
        return shared, 1.0, 1.0
    sizes = [np.unique(side, return_counts=True) for side in (rows, columns)]  # equal ones are reckoned once
    pairs = product(*(zip(*(part.tolist() for part in side), strict=True) for side in sizes))
    chance = sum(n_a * n_b * _expected(a, b, n) for (a, n_a), (b, n_b) in pairs)
    return shared, (shared - chance) / (max(entropies) - chance), shared / max(math.sqrt(math.prod(entropies)), 1e-10)


def _expected(a: float, b: float, n: float) -> float:
    """Mean share in the mutual information of two labels on `a` and `b` of `n` frames, shuffled (hypergeometric)."""
    fixed = float(np.sum(gammaln(np.array([a, b, n - a, n - b]) + 1)) - gammaln(n + 1))
    total, first, last = 0.0, int(max(1.0, a + b - n)), int(min(a, b))
    for start in range(first, last + 1, BLOCK):
        k = np.arange(start, min(start + BLOCK, last + 1), dtype=np.float64)
        log_p = fixed - gammaln(k + 1) - gammaln(a - k + 1) - gammaln(b - k + 1) - gammaln(n - a - b + k + 1)
        total += float(np.sum(k / n * np.log(n * k / (a * b)) * np.exp(log_p)))
    return total


def normalised_entropies(table: Table, *, marginal: bool) -> tuple[float, float, float]:
    """Over-segmentation, under-segmentation and F: one minus what one side leaves open of the other.

    The conditional entropies are divided by the logarithm of the number of labels (Lukashevich 2008), or with
    `marginal` by the entropy of the labels (V-measure, Rosenberg and Hirschberg 2007). One label gives 0.
    """
    scores = []
    for counts in (table.T, table):  # of the estimate given the reference, of the reference given the estimate
        open_bits = _entropy(counts.ravel()) - _entropy(counts.sum(axis=0))
        scale = _entropy(counts.sum(axis=1)) if marginal else math.log2(len(counts))
        scores.append(max(0.0, 1.0 - open_bits / scale) if len(counts) > 1 else 0.0)
    return scores[0], scores[1], f_measure(scores[0], scores[1])


def f_measure(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _entropy(counts: NDArray[np.float64]) -> float:
    p = counts[counts > 0] / counts.sum()
    return float(-np.sum(p * np.log2(p)))


def _pairs(table: Table) -> tuple[float, float, float, float]:
    """Pairs of frames that share both labels, the reference's, the estimate's, and all pairs."""

    def pairs(counts: Any) -> float:
        return float(np.sum(counts * (counts - 1.0)) / 2.0)

    return pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0)), pairs(table.sum())
