"""From a signal in blocks to sections: windows, their graph, its clusters, and borders between them."""

from collections.abc import Iterable

import numpy as np

from audiofeat._validation import Float
from audiofeat.graph import Graph, Matrix
from audiofeat.recurrence import decisive_n_clusters, window_graph
from audiofeat.sections import Segmentation, absorb_short, name_clusters
from audiofeat.segmentation.homogeneous import find_sections, fine_borders
from audiofeat.segmentation.settings import Settings
from audiofeat.spectral import Partition, spectral_partition
from audiofeat.windows import cut_windows, measure_windows


def segment_blocks(blocks: Iterable[Float], settings: Settings) -> Segmentation:
    """Segment a signal whose samples come in blocks of any size."""
    sr, n_window, n_hop, chosen = settings
    n_samples = 0

    def counted() -> Iterable[Float]:
        nonlocal n_samples
        for block in blocks:
            n_samples += len(block)
            yield block

    sounds, measured = measure_windows(
        cut_windows(counted(), n_window, n_hop),
        n_window=n_window,
        n_hop=n_hop,
        sr=sr,
        order=chosen["order"],
        lags=chosen["lags"],
        normalize=chosen["normalize"],
        silence_db=chosen["silence_db"],
        profiled=chosen["assign"] == "energy",
    )
    active = np.flatnonzero(sounds)
    cluster = np.where(sounds, 0, -1).astype(np.intp)
    distance: Matrix | None = None
    weights: Graph | None = None
    found = Partition(cluster[active], np.ones(min(len(active), 1)), 1.0, min(len(active), 1))
    if measured is not None and measured.profiles is not None:
        wanted, most = chosen["n_clusters"], chosen["max_clusters"]
        alike = find_sections(measured, n_clusters=wanted, max_clusters=most, n_window=n_window, n_hop=n_hop)
        distance, weights = alike.distance, alike.weights
        found = Partition(alike.labels, alike.eigenvalues, alike.confidence, alike.n_components)
        cluster[active] = found.labels
    elif measured is not None:
        distance, weights = window_graph(measured, graph=chosen["graph"])
        wanted, most = chosen["n_clusters"], chosen["max_clusters"]
        if wanted is None and chosen["graph"] == "knn":
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
    starts = np.arange(len(sounds)) * n_hop
    # Border between windows i and i + 1: the middle between their centres.
    borders = np.concatenate([[0], starts[1:] + (n_window - n_hop) // 2, [n_samples]])
    cluster = absorb_short(cluster, np.diff(borders), chosen["min_duration"] * sr)
    names = name_clusters(cluster)
    change = np.flatnonzero(cluster[1:] != cluster[:-1]) + 1
    border = borders[change]
    if measured is not None:
        border = fine_borders(
            change, borders, measured, n_window=n_window, n_hop=n_hop, shortest=chosen["min_duration"] * sr
        )
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
    )
