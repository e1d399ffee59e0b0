"""From a signal, whole or in blocks, to what is known of its windows: all that is ever known of the samples."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from audiofeat._validation import Float
from audiofeat.ar import scaled
from audiofeat.distances import timbre
from audiofeat.profiles import Profiles, profile
from audiofeat.sem import SpectralErrorFactors, spectral_error_factors

SAMPLES = 1 << 21  # samples in one block of windows: 16 MiB, and as many again for each step of a feature


class Windows(NamedTuple):
    """What is known of the windows that sound."""

    active: NDArray[np.intp]  # which they are
    factors: SpectralErrorFactors
    bands: Float  # (n_active, n_bands), their timbre
    profiles: Profiles | None = None  # what they sound like, if that was asked for

    def rows(self, index: Any) -> "Windows":
        """Return what is known of some of them."""
        profiles = self.profiles and self.profiles.rows(index)
        return Windows(self.active[index], self.factors.rows(index), self.bands[index], profiles)

    @staticmethod
    def joined(parts: Sequence["Windows"]) -> "Windows":
        """Return what is known of the windows of all parts, at least one."""
        active, factors, bands, profiles = zip(*parts, strict=True)
        joined = Profiles.joined(profiles) if all(profiles) else None
        return Windows(np.concatenate(active), SpectralErrorFactors.joined(factors), np.concatenate(bands), joined)


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


def measure_windows(
    blocks: Iterable[Float],
    *,
    n_window: int,
    n_hop: int,
    sr: float,
    order: int,
    lags: int | str,
    normalize: str | None,
    silence_db: float,
    profiled: bool,
) -> tuple[NDArray[np.bool_], Windows | None]:
    """Return which of the windows that `cut_windows` yields sound, and what is known of those, if they are two.

    A window is measured at a level of its own, so that no later one, however loud, changes a bit of it. Silent is what
    then turns out to lie too far below the loudest.
    """
    levels, exponents, parts, n_windows = [], [], [], 0
    for block in blocks:
        y, powers = scaled(block)  # to peaks near 1
        level = np.sqrt((y * y).mean(axis=1))
        some = np.flatnonzero(level)
        if len(some) and y.shape[1] == n_window:
            y = y[some]
            if normalize == "window":
                y /= level[some, None]
            factors = spectral_error_factors(y, order=order, lags=lags)
            if normalize != "window":  # no factor of the whole signal: the measure would not see it
                factors = factors._replace(exponents=factors.exponents + powers[some])
            sound = profile(y, sr, n_hop) if profiled else None
            parts.append(Windows(n_windows + some, factors, timbre(y, sr), sound))
        levels.append(level)
        exponents.append(powers)
        n_windows += len(level)
    level, powers = np.concatenate(levels), np.concatenate(exponents)
    loudness = np.ldexp(level, powers - powers[level > 0.0].max(initial=powers.min()))
    sounds = (level > 0.0) & (loudness >= 10.0 ** (silence_db / 20.0) * loudness.max())
    if sounds.sum() < 2:
        return sounds, None
    known = Windows.joined(parts)
    loud = sounds[known.active]
    return sounds, known if loud.all() else known.rows(loud)
