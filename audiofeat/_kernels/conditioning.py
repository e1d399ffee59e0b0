"""What is done to the samples of a frame before the window, a lane to a frame."""

from typing import Any

from numpy.typing import NDArray

from audiofeat._kernels import kernel
from audiofeat._kernels.arguments import Conditioning
from audiofeat._kernels.bands import added
from audiofeat._kernels.lanes import lanewise, multiply_add
from audiofeat._kernels.memory import load, store, width, zeros

Array = NDArray[Any]


@lanewise
def added_square(total: Any, x: Any) -> Any:
    """Return ``total + x * x``."""
    return multiply_add(x, x, total)


@kernel
def condition(
    hops: Array,
    lane: int,
    hop_length: int,
    n_cols: int,
    conditioning: Conditioning,
    frames: Array,
    energies: Array,
    at: int,
) -> None:
    """Write the samples of the frames from `lane` on to `frames`, sample by sample, and their energies.

    The mean is taken of differences to the first sample, so that a constant vanishes without a trace; the energy
    is that of what is left, before the predecessor's share is subtracted. The first sample is its own predecessor.
    """
    n = width(frames)
    first, stop, centering = conditioning.first, conditioning.stop, conditioning.centering
    row, column = first % hop_length, first // hop_length + lane
    base, total = load(hops, row * n_cols + column), zeros(frames)
    for s in range(first, stop):
        x = added(load(hops, row * n_cols + column), -centering, base)
        total = added(total, 1.0, x)
        store(frames, s * n, x)
        row += 1
        if row == hop_length:
            row, column = 0, column + 1
    share = -centering / (stop - first)
    previous, energy = added(load(frames, first * n), share, total), zeros(frames)
    for s in range(first, stop):
        x = added(load(frames, s * n), share, total)
        energy = added_square(energy, x)
        store(frames, s * n, added(x, -conditioning.preemphasis, previous))
        previous = x
    store(energies, at, energy)
    for s in range(first):
        store(frames, s * n, zeros(frames))
    for s in range(stop, len(frames) // n):
        store(frames, s * n, zeros(frames))
