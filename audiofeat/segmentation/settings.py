"""The parameters of a segmentation: presets, and what was asked for, checked."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat._validation import Float, as_choice, as_count, as_number
from audiofeat.graph import Matrix, as_distances
from audiofeat.segmentation.beats import interval_edges
from audiofeat.windows import GIVEN, Feature, Wanted, name_of

LONGEST = 1e15  # samples of a window or a hop: more than any signal has

PRESETS: dict[str, dict[str, Any]] = {
    "default": {
        "window_duration": 1.0,
        "overlap": 0.75,
        "min_windows": 2.0,
        "min_silence": 5.0,
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
        "min_silence": 0.0,
        "order": 12,
        "lags": "full",
        "normalize": None,
        "graph": "paper",
        "assign": "kmeans",
    },
}

NAMES = ("cepstra", "chroma", "dynamics", "logmel", "rhythm", "sem", "semitones")
# By what windows are compared, and with which weights; where changes are looked for by "energy", by CHANGES. Those of
# "energy" were found on medleys of music, regions and sounds, seeds 0 to 99, 0 to 59 and 0 to 71.
DISTANCES = {
    "energy": {"cepstra": 1.0, "semitones": 0.3, "chroma": 0.3, "dynamics": 0.4},
    "knn": {"sem": 1.0, "logmel": 1.0},
    "paper": {"sem": 1.0},
    "local": {"sem": 1.0},
}
CHANGES = {"cepstra": 1.0, "semitones": 1.0, "sem": 1.0, "dynamics": 0.5}

Distances = str | Feature | Mapping[Any, float] | ArrayLike


class Settings(NamedTuple):
    """Parameters that fit together, and lengths in samples."""

    sr: float
    n_window: int
    n_hop: int
    chosen: dict[str, Any]  # every parameter by its name, as a `Segmentation` keeps them
    wanted: Wanted
    weights: dict[str, float]  # of distances between windows
    changes: dict[str, float]  # of those where changes are looked for
    by_default: bool  # nobody asked for other distances
    given: Matrix | None  # distances between all windows
    edges: NDArray[np.intp] | None = None  # where intervals with a window each meet, in samples; or there are hops

    def synced(self, times: Float) -> "Settings":
        """Return the same with a window between each two of some times in seconds, if there are times."""
        if not (times > 0.5 / self.sr).any():
            return self
        edges = interval_edges(times, self.sr)
        step = int(np.median(np.diff(edges, prepend=0)))
        chosen = self.chosen | {"hop_duration": step / self.sr}
        return self._replace(edges=edges, n_hop=step, chosen=chosen)


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
    preemphasis: float,
    distances: Distances | None,
    graph: str | None,
    assign: str | None,
    timelag: int,
    min_duration: float | None,
    min_silence: float | None,
    sync: str | ArrayLike | None,
    silence_db: float,
    max_clusters: int,
    random_state: int | np.random.RandomState | None,
) -> Settings:
    """Fill in from the preset what was not given, and check all."""
    chosen = dict(PRESETS[as_choice(preset, "preset", PRESETS)])
    overlap, min_windows = chosen.pop("overlap"), chosen.pop("min_windows")
    asked = {"window_duration": window_duration, "order": order, "lags": lags, "graph": graph, "assign": assign}
    if graph is not None and assign is None and chosen["assign"] == "energy":
        asked["assign"] = "cluster_qr"  # a graph that is asked for is to be cut
    chosen |= {name: value for name, value in asked.items() if value is not None}
    chosen |= {} if normalize == "preset" else {"normalize": normalize}
    length = as_number(chosen["window_duration"], "window_duration", low=0.0, open_low=True)
    hop = length * (1.0 - overlap) if hop_duration is None else as_number(hop_duration, "hop_duration", low=0.0)
    shortest = length * min_windows if min_duration is None else as_number(min_duration, "min_duration", low=0.0)
    if min_silence is not None:
        chosen["min_silence"] = as_number(min_silence, "min_silence", low=0.0)
    chosen |= {
        "preset": preset,
        "n_clusters": None if n_clusters is None else as_count(n_clusters, "n_clusters"),
        "hop_duration": hop,
        "min_duration": shortest,
        "silence_db": as_number(silence_db, "silence_db", high=0.0),
        "max_clusters": as_count(max_clusters, "max_clusters"),
        "preemphasis": as_number(preemphasis, "preemphasis", low=0.0, high=1.0),
        "sync": sync if sync is None or isinstance(sync, str) else "given",
        "timelag": as_count(timelag, "timelag"),
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
    if sync is not None:
        if isinstance(sync, str):
            as_choice(sync, "sync", ("bar", "beat"))
        if "rhythm" in (
            distances if isinstance(distances, Mapping) else [distances] if isinstance(distances, str) else ()
        ):
            msg = "sync must be None beside distances='rhythm', which needs windows that follow by hops"
            raise ValueError(msg)
    if chosen["timelag"] > 1 and chosen["graph"] != "knn":
        msg = f"timelag must be 1 beside graph={chosen['graph']!r}, got {timelag}"
        raise ValueError(msg)
    method = "energy" if chosen["assign"] == "energy" else chosen["graph"]
    weights, functions, given = _weighed(DISTANCES[method] if distances is None else distances)
    changes = CHANGES if distances is None else weights
    chosen["distances"] = GIVEN if given is not None else dict(weights)
    names = set(weights) | ({"slices"} | set(changes) if method == "energy" else set())
    if distances is None and chosen["n_clusters"] is None and method == "knn":
        names |= {"logmel"}
    wanted = Wanted(
        frozenset(names),
        functions,
        chosen["order"],
        chosen["lags"],
        chosen["normalize"],
        chosen["preemphasis"],
        quick=method == "energy",
    )
    return Settings(sr, n_window, n_hop, chosen, wanted, weights, changes, distances is None, given)


def as_times(sync: ArrayLike) -> Float:
    """Return times in seconds as they were given, checked."""
    try:
        times = np.asarray(sync, dtype=np.float64)
    except (TypeError, ValueError):
        times = np.full(1, np.nan)
    if times.ndim != 1 or not np.isfinite(times).all() or (times < 0.0).any() or (np.diff(times) <= 0.0).any():
        msg = f"sync must be 'beat', 'bar' or ascending times of 0 s or more, got {sync!r:.60}"
        raise ValueError(msg)
    return times


def _weighed(distances: Distances) -> tuple[dict[str, float], dict[str, Feature], Matrix | None]:
    """Return distances as weights by name, with the functions among them by their names, or as a matrix."""
    if isinstance(distances, str) or callable(distances):
        distances = {distances: 1.0}
    if not isinstance(distances, Mapping):
        try:
            return {GIVEN: 1.0}, {}, as_distances(distances)
        except (TypeError, ValueError) as error:
            msg = f"distances must be a name, a function, weights of these, or a square matrix: {error}"
            raise type(error)(msg) from None
    weights: dict[str, float] = {}
    functions: dict[str, Feature] = {}
    for key, weight in distances.items():
        if not isinstance(key, str) and not callable(key):
            msg = f"distances must have names and functions for keys, got {key!r}"
            raise TypeError(msg)
        name = as_choice(key, "distances", NAMES) if isinstance(key, str) else name_of(key)
        if name in weights:
            msg = f"distances must have different names, got {name!r} twice"
            raise ValueError(msg)
        weights[name] = as_number(weight, f"distances[{name!r}]", low=0.0, open_low=True)
        if not isinstance(key, str):
            functions[name] = key
    if not weights:
        msg = "distances must hold at least one, got none"
        raise ValueError(msg)
    return weights, functions, None
