"""From a signal, whole or in blocks, to what is known of its windows: all that is ever known of the samples."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from audiofeat._validation import Float
from audiofeat.ar import scaled
from audiofeat.distances import Tile, feature_distances, spectral_error_distances, timbre
from audiofeat.profiles import N_SLICES, profile, rhythms
from audiofeat.sem import SpectralErrorFactors, quick_factors, spectral_error_factors

Feature = Callable[[Float, float], Float]  # of windows, shape (n_windows, n_samples), at a rate

GIVEN = "precomputed"
PROFILED = frozenset({"cepstra", "dynamics", "semitones", "chroma", "slices", "rhythm"})
SAMPLES = 1 << 21  # samples in one block of windows: 16 MiB, and as many again for each step of a feature
EDGE = 64  # samples of a window's end that tell whether it is silent


class Windows(NamedTuple):
    """What is known of the windows that sound."""

    active: NDArray[np.intp]  # which they are
    features: dict[str, Float]  # by their names, a row to a window
    factors: Any = None  # SpectralErrorFactors, if that measure was asked for
    given: Any = None  # the matrix of distances between all windows, silent ones too, if it was given

    def rows(self, index: Any) -> "Windows":
        """Return what is known of some of them."""
        features = {name: values[index] for name, values in self.features.items()}
        return Windows(self.active[index], features, self.factors and self.factors.rows(index), self.given)

    def tile(self, name: str) -> Tile:
        """Return the distances between them by what `name` says."""
        if name == "sem":
            return spectral_error_distances(self.factors)
        if name == GIVEN:
            return self._given
        return feature_distances(self.features[name].astype(np.float64, copy=False))

    def _given(self, i: slice, j: slice) -> Float:
        distance: Float = self.given[np.ix_(self.active[i], self.active[j])]
        return distance

    @staticmethod
    def joined(parts: Sequence["Windows"]) -> "Windows":
        """Return what is known of the windows of all parts, at least one."""
        active, features, factors, _ = zip(*parts, strict=True)
        return Windows(
            np.concatenate(active),
            {name: np.concatenate([part[name] for part in features]) for name in features[0]},
            SpectralErrorFactors.joined(factors) if all(factors) else None,
        )


class Wanted(NamedTuple):
    """What is to be known of windows."""

    names: frozenset[str]  # of distances, and "slices"
    functions: dict[str, Feature] = {}  # noqa: RUF012  of windows, by name
    order: int = 16  # of the spectral error measure
    lags: int | str = 20
    normalize: str | None = "window"
    preemphasis: float = 0.0
    quick: bool = False  # eight digits of the measure are enough


def rows_in_block(n_window: int) -> int:
    """Return the number of windows that are measured together.

    It hangs on their length alone: products of matrices of other shapes differ in their last bits.
    """
    return max(1, SAMPLES // n_window)


def cut_windows(blocks: Iterable[Float], n_window: int, n_hop: int) -> Iterator[Float]:
    """Yield the windows of a signal, shape (rows_in_block, n_window), that comes in blocks of any size.

    The last few may be fewer. A signal that is shorter than a window is one, of its own length.
    """
    n_rows = rows_in_block(n_window)
    step, need = n_rows * n_hop, (n_rows - 1) * n_hop + n_window
    held: Float = np.empty(0)
    short = True
    for block in blocks:
        held = np.concatenate([held, block]) if len(held) else block
        while len(held) >= need:
            yield sliding_window_view(held[:need], n_window)[::n_hop]
            held = held[step:]
            short = False
    if len(held) >= n_window:
        yield sliding_window_view(held, n_window)[::n_hop]
    elif short:
        yield held[None]


def cut_between(blocks: Iterable[Float], edges: NDArray[np.intp], n_window: int, starts: list[int]) -> Iterator[Float]:
    """Yield the windows around the middles of intervals, as `cut_windows` yields those of equal steps.

    Intervals meet at `edges`, ascending and above 0; those beyond the end of the signal are not there, and no window
    leaves the signal. The first samples of the windows are added to `starts`.
    """
    n_rows = rows_in_block(n_window)
    ends = edges.tolist()
    held: Float = np.empty(0)
    offset, begin, rows = 0, 0, []
    for block in blocks:
        held = np.concatenate([held, block]) if len(held) else block
        stop = offset + len(held)
        while len(starts) < len(ends):
            start = max(0, (begin + ends[len(starts)] - n_window) // 2)
            if max(start + n_window, ends[len(starts)]) > stop:
                break
            rows.append(held[start - offset : start - offset + n_window])
            begin = ends[len(starts)]
            starts.append(start)
            if len(rows) == n_rows:
                yield np.stack(rows)
                rows = []
        keep = max(offset, min(begin - n_window // 2 - 1, stop - n_window))
        held, offset = held[keep - offset :], keep
    stop = offset + len(held)
    if stop < n_window:
        starts.append(0)
        yield held[None]
        return
    while begin < stop:
        end = min([*ends[len(starts) : len(starts) + 1], stop])
        start = min(max(0, (begin + end - n_window) // 2), stop - n_window)
        rows.append(held[start - offset : start - offset + n_window])
        begin = end
        starts.append(start)
        if len(rows) == n_rows:
            yield np.stack(rows)
            rows = []
    if rows:
        yield np.stack(rows)


def measure_windows(
    blocks: Iterable[Float], wanted: Wanted, *, n_window: int, n_hop: int, sr: float, silence_db: float
) -> tuple[NDArray[np.bool_], NDArray[np.intp], Windows | None]:
    """Return which of the windows that `cut_windows` yields sound, where in them sound begins and ends, and the rest.

    A window is measured at a level of its own, so that no later one, however loud, changes a bit of it. Silent is what
    then turns out to lie too far below the loudest, and beside it what sounds on one side of its middle only, so that
    sections begin and end where sound does. What is known of the windows that sound is None unless they are two.
    """
    levels, exponents, edges, parts, n_windows = [], [], [], [], 0
    least = 10.0 ** (silence_db / 20.0)
    for block in blocks:
        y, powers = scaled(block)  # to peaks near 1
        level = np.sqrt((y * y).mean(axis=1))
        some = np.flatnonzero(level)
        if len(some) and y.shape[1] == n_window:
            y = y[some]
            if wanted.normalize == "window":
                y /= level[some, None]
            features = _features(y, sr, n_hop, wanted.names)
            features |= {name: _called(function, block[some], sr) for name, function in wanted.functions.items()}
            factors = _factors(y, powers[some], wanted) if "sem" in wanted.names else None
            parts.append(Windows(n_windows + some, features, factors))
        levels.append(level)
        edges.append(sounding(y if len(some) == len(level) else scaled(block)[0], least))
        exponents.append(powers)
        n_windows += len(level)
    level, powers = np.concatenate(levels), np.concatenate(exponents)
    loudness = np.ldexp(level, powers - powers[level > 0.0].max(initial=powers.min()))
    sounds = (level > 0.0) & (loudness >= least * loudness.max())
    edge = np.concatenate(edges)
    _silence_beside_silence(sounds, 2 * edge[:, 0] >= n_window + n_hop, 2 * edge[:, 1] <= n_window - n_hop)
    if sounds.sum() < 2:
        return sounds, edge, None
    known = Windows.joined(parts)
    if "rhythm" in wanted.names:
        gains = loudness if wanted.normalize == "window" else np.ldexp(1.0, powers - powers.max())
        with np.errstate(divide="ignore"):
            gains = 20.0 * np.log10(gains[known.active])
        known.features["rhythm"] = rhythms(known.active, known.features["slices"], gains, seconds=n_hop / sr / N_SLICES)
    loud = sounds[known.active]
    return sounds, edge, known if loud.all() else known.rows(loud)


def _features(y: Float, sr: float, n_hop: int, names: frozenset[str]) -> dict[str, Float]:
    features = {"logmel": timbre(y, sr)} if "logmel" in names else {}
    if names & PROFILED:
        found = profile(y, sr, n_hop)
        needed = names | ({"slices"} if "rhythm" in names else set())
        features |= {name: values for name, values in found.items() if name in needed}
    return features


def _factors(y: Float, powers: NDArray[np.int32], wanted: Wanted) -> SpectralErrorFactors:
    if wanted.preemphasis:
        y = np.concatenate([y[:, :1], y[:, 1:] - wanted.preemphasis * y[:, :-1]], axis=1)
        if wanted.normalize == "window":
            y /= np.sqrt((y * y).mean(axis=1, keepdims=True)).clip(min=np.finfo(float).tiny)
    if wanted.quick and isinstance(wanted.lags, int):
        factors = quick_factors(y, order=wanted.order, lags=wanted.lags)
    else:
        factors = spectral_error_factors(y, order=wanted.order, lags=wanted.lags)
    if wanted.normalize == "window":
        return factors
    return factors._replace(
        exponents=factors.exponents + powers
    )  # no factor of the whole: the measure would not see it


def _called(function: Feature, windows: Float, sr: float) -> Float:
    """Return what a function of the caller's says of windows, checked."""
    name = name_of(function)
    values: Float = np.asarray(function(windows, sr), dtype=np.float64)
    if values.ndim != 2 or len(values) != len(windows):
        msg = f"distances: {name} must return an array of shape ({len(windows)}, n_features), got {values.shape}"
        raise ValueError(msg)
    if not np.isfinite(values).all():
        msg = f"distances: {name} must return finite values, got {values[~np.isfinite(values)][0]}"
        raise ValueError(msg)
    return values


def name_of(function: Feature) -> str:
    """Return what a function is called."""
    return str(getattr(function, "__name__", type(function).__name__))


def _silence_beside_silence(sounds: NDArray[np.bool_], late: NDArray[np.bool_], early: NDArray[np.bool_]) -> None:
    """Take windows for silent that follow silence and sound late, or are followed by it and sound early, in place.

    The first and the last window are not: what sounds at an end of the signal is in no window's middle.
    """
    last = len(sounds) - 1
    for i in (np.flatnonzero(sounds[1:] > sounds[:-1]) + 1).tolist():
        while i < last and sounds[i] and late[i]:
            sounds[i] = False
            i += 1
    for i in np.flatnonzero(sounds[1:] < sounds[:-1]).tolist():
        while i > 0 and sounds[i] and early[i]:
            sounds[i] = False
            i -= 1


def sounding(y: Float, least: float) -> NDArray[np.intp]:
    """Return the first sample of each window that is louder than `least`, and the one after the last."""
    n_windows, n_samples = y.shape
    found = np.tile(np.array([0, n_samples]), (n_windows, 1))
    for side, part in enumerate((y, y[:, ::-1])):
        some = np.flatnonzero(np.abs(part[:, :EDGE]).max(axis=1) <= least)  # few begin or end in silence
        steps = (np.abs(part[some]) > least).argmax(axis=1)
        found[some, side] = n_samples - steps if side else steps
    return found
