"""Read tracks, and cut them into clips."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from sklearn.utils import check_array

from audiofeat._validation import as_number, as_rate, as_signal
from audiofeat.estimators._items import FILES, AudioClip, samples_of
from audiofeat.presets import preset

Array = NDArray[Any]


def rate_of(estimator: Any, sr: object) -> float | None:
    """Return the rate of all signals: `sr` or that of the front ends in `estimator`, which must be one."""
    rates = {} if sr is None else {"sr": as_rate(sr)}
    for name, value in estimator.get_params().items():
        last = name.rpartition("__")[2]
        rate = value if last == "sr" else None
        if last == "frontend":
            rate = getattr(preset(value) if isinstance(value, str) else value, "sr", None)
        if rate is not None:
            rates[f"estimator__{name}"] = as_rate(rate, name)
    if len(set(rates.values())) > 1:
        found = ", ".join(f"{rate:g} Hz as {name}" for name, rate in rates.items())
        msg = f"sr must be that of the front end, got {found}"
        raise ValueError(msg)
    return next(iter(rates.values()), None)


def clip_size(clip_duration: object, overlap: object, sr: float | None) -> tuple[int, int] | None:
    """Return the samples of a clip and those from one to the next, or None for whole tracks."""
    share = as_number(overlap, "overlap", low=0.0)
    if share >= 1.0:
        msg = f"overlap must be < 1, got {overlap!r}"
        raise ValueError(msg)
    if clip_duration is None:
        return None
    seconds = as_number(clip_duration, "clip_duration", low=0.0, open_low=True)
    size = max(1, round(seconds * _known(sr)))
    return size, max(1, round(size * (1.0 - share)))


def cut(tracks: Any, size: tuple[int, int] | None, sr: float | None) -> tuple[Any, NDArray[np.intp]]:
    """Return the clips of all tracks, one after another, and how many each track has.

    Of a matrix they are a matrix; of other tracks a list of views, or a matrix if these are matrices themselves.
    """
    if isinstance(tracks, np.ndarray):
        if size is None or size[0] >= tracks.shape[1]:
            return tracks, np.ones(len(tracks), dtype=np.intp)
        windows = sliding_window_view(tracks, size[0], axis=1)[:, :: size[1]]
        return windows.reshape(-1, size[0]), np.full(len(tracks), windows.shape[1])
    signals = [_read(track, sr, f"X[{i}]") for i, track in enumerate(tracks)]
    shapes = {signal.shape[1:] for signal in signals}
    if len(shapes) > 1 or (size is not None and shapes != {()}):
        wanted = "one channel" if size is not None else "all signals, or all matrices of as many columns"
        msg = f"X must hold tracks of {wanted}, got shapes {sorted({signal.shape for signal in signals})[:3]}"
        raise ValueError(msg)
    if shapes != {()}:
        return np.concatenate(signals), np.array([len(signal) for signal in signals])
    clips = [_clips(signal, size) for signal in signals]
    return [clip for parts in clips for clip in parts], np.array([len(parts) for parts in clips])


def _clips(y: Array, size: tuple[int, int] | None) -> list[Array]:
    """Return views of whole clips, or of all of a signal that is shorter."""
    n_samples, hop_length = size or (len(y), len(y))
    return [y[start : start + n_samples] for start in range(0, max(0, len(y) - n_samples) + 1, hop_length)]


def _read(track: Any, sr: float | None, name: str) -> Array:
    """Return a signal at `sr`, or a matrix of features."""
    if isinstance(track, (*FILES, AudioClip)):
        return samples_of(track, _known(sr))
    if getattr(track, "ndim", 1) == 2:
        features: Array = check_array(track, input_name=name)
        return features
    return as_signal(track, name=name, ndim=1)


def _known(sr: float | None) -> float:
    if sr is None:
        msg = "sr must be given in Hz to read files or cut clips, as estimator has no front end that tells, got None"
        raise ValueError(msg)
    return sr
