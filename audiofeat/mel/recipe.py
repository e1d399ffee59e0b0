"""From the spectra of frames to bands, decibels or other logarithms, and cosine coefficients, in one pass."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from audiofeat._kernels.arguments import LOG, NONE, Bank, Finish
from audiofeat._validation import Float, as_number
from audiofeat.fourier.engine import as_finish, extract, finish_items, identity_bank
from audiofeat.fourier.framing import Framing
from audiofeat.mel.decibels import Reference

SMALLEST = {np.dtype(kind): float(np.finfo(kind).tiny) for kind in (np.float32, np.float64)}


class Compression(NamedTuple):
    """How levels are compressed; the same fields serve all ways."""

    kind: int = NONE
    scale: float = 1.0  # of the logarithm
    base: float = math.e
    factor: float = 1.0  # of the levels, for LOG_1P
    ref: Reference = 1.0  # for LOG
    amin: float = 1e-10
    top_db: float | None = None
    shift: float = 0.0  # what is added to the logarithm, for LOG

    @property
    def looks_at_clip(self) -> bool:
        """Return whether a frame depends on the others of its clip."""
        return self.kind == LOG and (callable(self.ref) or self.top_db is not None)

    def values(self, dtype: Any, ref: float, peak: float | None) -> dict[str, Any]:
        """Return the arguments of `as_finish`, for a clip whose highest level is `peak`."""
        values: dict[str, Any] = {"compression": self.kind, "scale": self.scale, "base": self.base}
        if self.kind != LOG:
            return {**values, "factor": self.factor}
        least = max(self.amin, SMALLEST[dtype])
        offset = self._log(max(ref, least)) - self.shift
        floor = -math.inf
        if self.top_db is not None and peak is not None:
            floor = self._log(max(peak, least)) - offset - self._log(10.0) * self.top_db / 10.0
        return {**values, "least": least, "offset": offset, "floor": floor}

    def _log(self, level: float) -> float:
        return self.scale * (math.log10(level) if self.base == 10.0 else math.log(level, self.base))


@dataclass(frozen=True, eq=False)
class Recipe:
    """What becomes of the magnitudes of a frame; made by `as_recipe`."""

    power: float
    n_bins: int
    bank: Bank | None
    compression: Compression
    cosines: Bank | None
    finish: Finish | None  # None: nothing, or what only the clip's levels will tell

    def for_clip(self, dtype: Any, n_levels: int, bank: Bank | None, ref: float, peak: float | None) -> Finish:
        """Return what to do with the levels of a clip whose reference and highest level are known."""
        values = self.compression.values(dtype, ref, peak)
        return as_finish(dtype, bank or identity_bank(n_levels, dtype), self.cosines, **values)


def decibels(ref: Reference, amin: float, top_db: float | None) -> Compression:
    """Return the compression of `power_to_db`, after a check of its arguments."""
    ref = ref if callable(ref) else as_number(ref, "ref", low=0.0)
    amin = as_number(amin, "amin", low=0.0, open_low=True)
    top_db = None if top_db is None else as_number(top_db, "top_db", low=0.0)
    return Compression(LOG, 10.0, 10.0, ref=ref, amin=amin, top_db=top_db)


def as_recipe(
    dtype: Any, n_bins: int, power: float, bank: Bank | None, compression: Compression, cosines: Bank | None = None
) -> Recipe:
    """Return the recipe for signals of a dtype."""
    power = as_number(power, "power", low=0.0, open_low=True)
    recipe = Recipe(power, n_bins, bank, compression, cosines, None)
    plain = compression.kind == NONE and bank is None and cosines is None
    if plain or callable(compression.ref) or compression.looks_at_clip:
        return recipe
    finish = recipe.for_clip(dtype, n_bins, bank, compression.ref, None)
    return Recipe(power, n_bins, bank, compression, cosines, finish)


def features(
    y: Float,
    framing: Framing,
    recipe: Recipe,
    *,
    workers: int = 1,
    max_frames: int | None = None,
    peak: float | None = None,
) -> Float:
    """Return the features of a signal that is checked but for NaN and Inf, shape (..., n_rows, n_frames).

    `max_frames` keeps the first, after a look at the whole clip where the recipe wants one; `peak` is the highest
    level of the clip of which `y` is a part, and the reference if that is a function of the clip.
    """
    dtype, compression = y.dtype, recipe.compression
    if not compression.looks_at_clip or peak is not None:
        finish = recipe.finish
        if peak is not None:
            ref = as_number(peak, "ref", low=0.0) if callable(compression.ref) else compression.ref
            finish = recipe.for_clip(dtype, recipe.n_bins, recipe.bank, ref, peak)
        return extract(y, framing, recipe.power, finish, workers=workers, max_frames=max_frames)
    bands = as_finish(dtype, recipe.bank) if recipe.bank else None
    levels = extract(y, framing, recipe.power, bands, workers=workers)
    finishes = []
    for item in levels.reshape(-1, *levels.shape[-2:]):
        ref = as_number(compression.ref(item), "ref", low=0.0) if callable(compression.ref) else compression.ref
        finishes.append(recipe.for_clip(dtype, len(item), None, ref, float(item.max())))
    return np.ascontiguousarray(finish_items(levels, finishes, workers=workers)[..., :max_frames])
