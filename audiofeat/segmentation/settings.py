"""The parameters of a segmentation: presets, and what was asked for, checked."""

from typing import Any, NamedTuple

import numpy as np

from audiofeat._validation import as_choice, as_count, as_number

LONGEST = 1e15  # samples of a window or a hop: more than any signal has

PRESETS: dict[str, dict[str, Any]] = {
    "default": {
        "window_duration": 1.0,
        "overlap": 0.75,
        "min_windows": 2.0,
        "order": 16,
        "lags": 20,
        "normalize": "window",
        "graph": "knn",
        "assign": "energy",
    },
    "ucsd2020": {
        "window_duration": 1.0,
        "overlap": 0.0,
        "min_windows": 0.0,
        "order": 12,
        "lags": "full",
        "normalize": None,
        "graph": "paper",
        "assign": "kmeans",
    },
}


class Settings(NamedTuple):
    """Parameters that fit together, and lengths in samples."""

    sr: float
    n_window: int
    n_hop: int
    chosen: dict[str, Any]  # every parameter by its name, as a `Segmentation` keeps them


def settled(
    sr: float,
    *,
    n_clusters: int | None,
    preset: str,
    window_duration: float | None,
    hop_duration: float | None,
    order: int | None,
    lags: int | str | None,
    normalize: str | None,
    graph: str | None,
    assign: str | None,
    min_duration: float | None,
    silence_db: float,
    max_clusters: int,
    random_state: int | np.random.RandomState | None,
) -> Settings:
    """Fill in from the preset what was not given, and check all."""
    chosen = dict(PRESETS[as_choice(preset, "preset", PRESETS)])
    overlap, min_windows = chosen.pop("overlap"), chosen.pop("min_windows")
    given = {"window_duration": window_duration, "order": order, "lags": lags, "graph": graph, "assign": assign}
    if graph is not None and assign is None and chosen["assign"] == "energy":
        given["assign"] = "cluster_qr"  # a graph that is asked for is to be cut
    chosen |= {name: value for name, value in given.items() if value is not None}
    chosen |= {} if normalize == "preset" else {"normalize": normalize}
    length = as_number(chosen["window_duration"], "window_duration", low=0.0, open_low=True)
    hop = length * (1.0 - overlap) if hop_duration is None else as_number(hop_duration, "hop_duration", low=0.0)
    shortest = length * min_windows if min_duration is None else as_number(min_duration, "min_duration", low=0.0)
    chosen |= {
        "preset": preset,
        "n_clusters": None if n_clusters is None else as_count(n_clusters, "n_clusters"),
        "hop_duration": hop,
        "min_duration": shortest,
        "silence_db": as_number(silence_db, "silence_db", high=0.0),
        "max_clusters": as_count(max_clusters, "max_clusters"),
        "random_state": random_state,
    }
    as_choice(chosen["graph"], "graph", ("knn", "paper", "local"))
    as_choice(chosen["assign"], "assign", ("cluster_qr", "energy", "kmeans"))
    if chosen["assign"] == "energy" and chosen["graph"] != "knn":
        msg = f"graph must be 'knn' beside assign='energy', which looks at no graph, got {chosen['graph']!r}"
        raise ValueError(msg)
    if chosen["normalize"] is not None:
        as_choice(chosen["normalize"], "normalize", ("window", "global"))
    p = as_count(chosen["order"], "order")
    n_window, n_hop = (round(min(seconds * sr, LONGEST)) for seconds in (length, hop))
    if n_window <= p:
        msg = f"window_duration must be at least {(p + 1) / sr:g} s for order {p} at {sr:g} Hz, got {length:g}"
        raise ValueError(msg)
    if not 1 <= n_hop <= n_window:
        msg = f"hop_duration must be in [{1 / sr:g}, {length:g}], got {hop:g}"
        raise ValueError(msg)
    if chosen["lags"] != "full":
        as_count(chosen["lags"], "lags", high=n_window + p - 1)
    return Settings(sr, n_window, n_hop, chosen)
