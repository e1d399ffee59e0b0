"""From pieces of a sequence to labels of its windows: which sound alike, and how many labels there are."""

import math

import numpy as np
from numpy.typing import NDArray

from audiofeat.agglomeration import Agglomeration, agglomerate, silhouette
from audiofeat.graph import Matrix
from audiofeat.resegmentation import ROUNDS, price, resegment

Labels = NDArray[np.intp]

# Found on medleys of music, regions and sounds, seeds 0 to 99, 0 to 59 and 0 to 71:
CHANGE = 0.375  # what a change costs where labels are counted, in medians of all distances, to each unit of the penalty
CLUSTER = 0.07  # by what share a label has to lower the price of all
ALIKE = 0.2  # silhouette below which there is one sound: above 0.3 on medleys, below 0.2 on speech and on noise
THINNED = 500  # windows that are looked at for a median
FLOOR = 1e-9  # of a price, in medians of all distances


def label_pieces(
    distance: Matrix, near: Matrix, pieces: Labels, *, n_clusters: int | None, max_clusters: int, penalty: float
) -> tuple[Labels, float]:
    """Return labels of windows, and a confidence: their silhouette, or for one label what two lack of it.

    `distance` is between windows, and `near` the same by mutual proximity: labels follow the second, their number
    the first, in which small differences, as of chords, stay small. `penalty` is the price of a change of label in mean
    distances within clusters. A number of clusters that is given is that of the labels, but for pieces that are fewer.
    """
    tree = agglomerate(near, pieces)
    if n_clusters is not None:
        labels = _labelled(near, pieces, tree.labels(n_clusters)[pieces], penalty)
        return labels, max(0.0, silhouette(near, labels)) if labels.max() else 1.0
    k, alone = _estimated(distance, near, pieces, tree, penalty=penalty, most=max_clusters)
    labels = _labelled(near, pieces, tree.labels(k)[pieces], penalty)
    confidence = silhouette(near, labels) if labels.max() else 0.0
    if alone or confidence < ALIKE:
        return np.zeros_like(labels), 1.0 - max(confidence, 0.0)
    return labels, confidence


def median(distance: Matrix) -> float:
    """Return the median of the distances between two windows, of a part of them if they are many."""
    thin = slice(None, None, -(-len(distance) // THINNED))
    some = distance[thin, thin]
    return float(np.median(some[np.triu_indices(len(some), 1)])) if len(some) > 1 else 0.0


def _labelled(near: Matrix, pieces: Labels, labels: Labels, penalty: float, rounds: int = ROUNDS) -> Labels:
    """Return labels that are consistent in time; one for each piece stays as it is."""
    if labels.max() == pieces[-1]:
        return labels
    within = price(near, labels, penalty=0.0) / len(labels)
    return resegment(near, labels, penalty=penalty * within, rounds=rounds)


def _estimated(
    distance: Matrix, near: Matrix, pieces: Labels, tree: Agglomeration, *, penalty: float, most: int
) -> tuple[int, bool]:
    """Return the number of clusters, two at least if there are pieces, with the lowest price, in which each has one.

    And whether one cluster for all has a lower one.
    """
    scale = median(distance) or 1.0
    change = CHANGE * penalty * scale
    prices = []
    for k in range(1, min(most, int(pieces[-1]) + 1) + 1):
        labels = _labelled(near, pieces, tree.labels(k)[pieces], penalty, rounds=1)
        prices.append(math.log(max(price(distance, labels, penalty=change) / scale, FLOOR)) + CLUSTER * k)
    if len(prices) == 1:
        return 1, True
    best = int(np.argmin(prices[1:]))
    return best + 2, prices[0] <= prices[best + 1]
