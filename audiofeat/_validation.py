"""The gate: arguments are checked here once, and everything below trusts them."""

import operator
import os
from collections.abc import Collection
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.floating[Any]]

BLOCK = 1 << 18  # samples looked at together: a mask of all would be a quarter of the signal

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
PCM = {"uint8": (128.0, 128.0), "int8": (0.0, 128.0), "int16": (0.0, 32768.0), "int32": (0.0, 2147483648.0)}


def as_signal(
    y: ArrayLike, *, name: str = "y", ndim: int | None = None, min_samples: int = 1, finite: bool = True
) -> Float:
    """Return `y` as a finite, native, C-ordered float32 or float64 array with time on the last axis.

    float32 and float64 keep their dtype, other floats become float64, integer PCM is scaled to [-1, 1) as
    float64. `ndim` asks for an exact number of axes. The result may share memory with `y` and is not written.
    Without `finite` the caller has yet to see to `require_finite`.
    """
    if isinstance(y, str | os.PathLike):
        msg = f"{name} must hold samples, got the path {os.fspath(y)!r}: audiofeat.load reads files"
        raise TypeError(msg)
    try:
        array = np.asarray(y)
    except ValueError as error:
        msg = f"{name} must have rows of equal length: {error}"
        raise ValueError(msg) from error
    if array.dtype not in FLOATS or not array.dtype.isnative:
        array = _as_floats(array, name)
    if array.ndim == 0 or (ndim is not None and array.ndim != ndim):
        wanted = "at least 1" if ndim is None else f"exactly {ndim}"
        msg = f"{name} must have {wanted} dimension(s), got shape {array.shape}"
        raise ValueError(msg)
    if array.shape[-1] < min_samples or array.size == 0:
        msg = f"{name} must have at least {min_samples} sample(s) on its last axis, got shape {array.shape}"
        raise ValueError(msg)
    array = np.ascontiguousarray(array)
    array = array if array.flags.aligned else array.copy()
    if finite:
        require_finite(array, name)
    return array


def _as_floats(array: NDArray[Any], name: str) -> Float:
    """Return floats of the machine: float32 for float32 in another order of bytes, else float64."""
    kind = array.dtype.name
    if kind in PCM:
        middle, scale = PCM[kind]
        array = (array.astype(np.float64) - middle) / scale
    elif array.dtype.kind != "f":
        msg = f"{name} must hold floats, or PCM samples as {', '.join(PCM)}, got dtype {array.dtype}"
        raise TypeError(msg)
    native = array.dtype.newbyteorder("=")
    with np.errstate(over="ignore"):  # a long double above 1.8e308 becomes infinite, and is refused as such
        return array.astype(native if native in FLOATS else np.float64)


def require_finite(array: Float, name: str) -> None:
    """Refuse NaN and Inf."""
    flat = array.reshape(-1)
    if not all(np.isfinite(flat[i : i + BLOCK]).all() for i in range(0, len(flat), BLOCK)):
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        at = first[0] if len(first) == 1 else first
        msg = f"{name} must be finite, got {array[first]} at index {at}"
        raise ValueError(msg)


def as_number(
    value: Any,
    name: str,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    open_low: bool = False,
) -> float:
    """Return `value` as a finite float in [low, high], or in (low, high] with `open_low`."""
    # float() alone would take text, True, one-element arrays and, with a warning, complex numbers
    scalar = value.item() if getattr(value, "ndim", None) == 0 else value
    if isinstance(scalar, bool) or not isinstance(scalar, Real):
        msg = f"{name} must be a number, got {value!r}"
        raise TypeError(msg)
    try:
        number = float(scalar)
    except OverflowError as error:
        msg = f"{name} must be finite, got an integer too large for a float"
        raise ValueError(msg) from error
    below = number <= low if open_low else number < low
    if not np.isfinite(number) or below or number > high:
        if low == -np.inf:
            wanted = "finite" if high == np.inf else f"<= {high:g}"
        elif high == np.inf:
            wanted = f"{'>' if open_low else '>='} {low:g}"
        else:
            wanted = f"in {'(' if open_low else '['}{low:g}, {high:g}]"
        msg = f"{name} must be {wanted}, got {value!r}"
        raise ValueError(msg)
    return number


def as_rate(sr: object, name: str = "sr") -> float:
    """Return a sample rate in Hz: finite and above 0."""
    return as_number(sr, name, low=0.0, open_low=True)


def as_count(value: object, name: str, *, low: int = 1, high: int | None = None) -> int:
    """Return `value` as an int in [low, high]."""
    if isinstance(value, bool | np.bool_):
        msg = f"{name} must be an integer, got {value!r}"
        raise TypeError(msg)
    try:
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError as error:
        msg = f"{name} must be an integer, got {value!r}"
        raise TypeError(msg) from error
    if count < low or (high is not None and count > high):
        wanted = f">= {low}" if high is None else f"in [{low}, {high}]"
        msg = f"{name} must be {wanted}, got {count}"
        raise ValueError(msg)
    return count


def as_choice(value: object, name: str, choices: Collection[str]) -> str:
    """Return `value` if it is one of the strings `choices`."""
    if not isinstance(value, str) or value not in choices:
        msg = f"{name} must be one of {', '.join(sorted(choices))}, got {value!r}"
        raise ValueError(msg)
    return value
