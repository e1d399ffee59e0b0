"""From a signal in blocks to sections: windows, their graph, its clusters, and borders between them."""

from collections.abc import Iterable

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from audiofeat._validation import Float
from audiofeat.agglomeration import agglomerate
from audiofeat.graph import Graph, Matrix
from audiofeat.labels import absorb_short, absorb_silence, name_clusters
from audiofeat.recurrence import decisive_n_clusters, window_graph
from audiofeat.sections import Segmentation
from audiofeat.segmentation.energy import find_sections, fine_borders
from audiofeat.segmentation.settings import Settings
from audiofeat.spectral import Partition, spectral_partition
from audiofeat.windows import cut_between, cut_windows, measure_windows


def segment_blocks(blocks: Iterable[Float], settings: Settings) -> Segmentation:
    """Segment a signal whose samples come in blocks of any size."""
    sr, n_window, n_hop, chosen = settings[:4]
    n_samples = 0

    def counted() -> Iterable[Float]:
        nonlocal n_samples
        for block in blocks:
            n_samples += len(block)
            yield block

    begun: list[int] = []
    if settings.edges is None:
        cut = cut_windows(counted(), n_window, n_hop)
    else:
        cut = cut_between(counted(), settings.edges, n_window, begun)
    sounds, edges, measured = measure_windows(
        cut,
        settings.wanted,
        n_window=n_window,
        n_hop=n_hop if settings.edges is None else n_window,  # sections do not begin within an interval
        sr=sr,
        silence_db=chosen["silence_db"],
    )
    if settings.given is not None:
        if len(settings.given) != len(sounds):
            n = len(sounds)
            msg = f"distances must have shape ({n}, {n}), a row to a window, got {settings.given.shape}"
            raise ValueError(msg)
        measured = measured and measured._replace(given=settings.given)
    active = np.flatnonzero(sounds)
    cluster = np.where(sounds, 0, -1).astype(np.intp)
    distance: Matrix | None = None
    weights: Graph | None = None
    near: Matrix | None = None
    found = Partition(cluster[active], np.ones(min(len(active), 1)), 1.0, min(len(active), 1))
    wanted, most = chosen["n_clusters"], chosen["max_clusters"]
    if measured is not None and chosen["assign"] == "energy":
        alike = find_sections(measured, settings)
        distance, weights, near = alike.distance, alike.weights, alike.near
        found = Partition(alike.labels, alike.eigenvalues, alike.confidence, alike.n_components)
        cluster[active] = found.labels
    elif measured is not None:
        distance, weights = window_graph(measured, settings.weights, graph=chosen["graph"], timelag=chosen["timelag"])
        if wanted is None and chosen["graph"] == "knn" and settings.by_default:
            wanted = decisive_n_clusters(measured, overlap=-(-n_window // n_hop), max_clusters=most)
        found = spectral_partition(
            weights,
            n_clusters=None if wanted is None else min(wanted, len(active)),
            max_clusters=most,
            ratio=chosen["graph"] == "knn",
            method=chosen["assign"],
            random_state=chosen["random_state"],
        )
        cluster[active] = found.labels
        near = None if distance is None else _farness(weights)
    if settings.edges is None:
        starts = np.arange(len(sounds)) * n_hop
        # Border between windows i and i + 1: the middle between their centres, or where silence begins or ends.
        borders = np.concatenate([[0], starts[1:] + (n_window - n_hop) // 2, [n_samples]])
        begins, ends = np.flatnonzero(sounds[1:] > sounds[:-1]) + 1, np.flatnonzero(sounds[1:] < sounds[:-1]) + 1
        borders[begins], borders[ends] = starts[begins] + edges[begins, 0], starts[ends - 1] + edges[ends - 1, 1]
    else:
        starts = np.array(begun, np.intp)
        borders = np.concatenate([[0], settings.edges[: len(starts) - 1], [n_samples]])
    cluster = absorb_silence(cluster, np.diff(borders), chosen["min_silence"] * sr)
    cluster = absorb_short(cluster, np.diff(borders), chosen["min_duration"] * sr)
    names = name_clusters(cluster)
    change = np.flatnonzero(cluster[1:] != cluster[:-1]) + 1
    border = borders[change]
    if measured is not None and chosen["assign"] == "energy" and settings.edges is None:
        border = fine_borders(change, borders, measured, settings)
    return Segmentation(
        boundary_samples=np.concatenate([[0], border, [n_samples]]).astype(np.intp),
        labels=[names[i] for i in [0, *change]],
        sr=sr,
        window_labels=names,
        window_samples=np.stack([starts, np.minimum(starts + n_window, n_samples)], axis=1),
        active=active,
        distance=distance,
        affinity=weights,
        eigenvalues=found.eigenvalues,
        n_clusters=len(np.unique(found.labels)),
        confidence=found.confidence,
        n_components=found.n_components,
        parameters=chosen,
        merges=None if near is None else _merges(near, names, active),
    )


def _farness(weights: Graph) -> Matrix:
    """Return distances from 0 to 1 for the weights of a graph."""
    dense: Matrix = weights.toarray() if sp.issparse(weights) else np.array(weights)
    far = 1.0 - dense / max(float(dense.max()), np.finfo(float).tiny)
    np.fill_diagonal(far, 0.0)
    return far


def _merges(near: Matrix, names: list[str], active: NDArray[np.intp]) -> NDArray[np.intp] | None:
    """Return which labels are joined one after the other, by distances of all windows that sound, or of some."""
    number = {name: i for i, name in enumerate(dict.fromkeys(names[i] for i in active))}
    pieces = np.array([number[names[i]] for i in active[:: -(-len(active) // len(near))]])
    return agglomerate(near, pieces).merges if len(np.unique(pieces)) == len(number) else None
