"""Blocks of samples, time first: mixed, resampled, counted, joined, and cut to another size."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from audiofeat._validation import Float
from audiofeat.io.errors import AudioError

BLOCK = 2**18  # values decoded at once, over all channels: 1 MiB of float32


def mix(block: Float, *, mono: bool) -> Float:
    """Return a copy of `block`, (n_samples, n_channels): the mean channel, or all, or the only one."""
    n_channels = block.shape[1]
    if n_channels == 1:
        return block[:, 0].copy()
    if not mono:
        return block.copy()
    with np.errstate(over="ignore", invalid="ignore"):  # caught as not finite by the caller
        mixed = block[:, 0] + block[:, 1]  # several times faster than a mean over a short axis
        for channel in range(2, n_channels):
            mixed += block[:, channel]
        mixed /= n_channels
    return mixed


def is_finite(block: Float) -> bool:
    """Tell whether all of `block` is finite. As its energy is, which is quicker found; unless that is too large."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(np.vdot(block, block))) or bool(np.isfinite(block).all())


def resample(
    blocks: Iterable[Float], name: str, native: float, sr: float, n_channels: int, dtype: str
) -> Iterator[Float]:
    """Yield `blocks` at the rate `sr`."""
    resampler = soxr.ResampleStream(native, sr, n_channels, dtype=dtype, quality="HQ")
    empty = np.empty((0, n_channels) if n_channels > 1 else 0, dtype=dtype)
    size = max(1, int(BLOCK * native / sr) // n_channels)  # 1000 times as many may come out as go in
    pieces = (block[i : i + size] for block in blocks for i in range(0, len(block), size))
    n_samples = 0
    for piece in itertools.chain(pieces, [empty]):
        resampled = resampler.resample_chunk(piece, last=len(piece) == 0)
        n_samples += len(resampled)
        if not is_finite(resampled):  # of samples near the largest float32: soxr's HQ works in that
            raise AudioError(name, f"too loud to be resampled to {sr:g} Hz")
        if len(resampled):
            yield resampled
    if n_samples == 0:
        raise AudioError(name, f"too short to give one sample at {sr:g} Hz")


def within(blocks: Iterable[Float], name: str, max_size: int | None) -> Iterator[Float]:
    """Yield `blocks` while they hold no more than `max_size` values in all."""
    size = 0
    for block in blocks:
        size += block.size
        if max_size is not None and size > max_size:
            raise AudioError(name, f"more values than max_size = {max_size}")
        yield block


def join(blocks: list[Float]) -> Float:
    """Concatenate blocks in time, and put time last."""
    if blocks[0].ndim == 1:
        return np.concatenate(blocks)
    out = np.empty((blocks[0].shape[1], sum(map(len, blocks))), dtype=blocks[0].dtype)
    return np.concatenate([block.T for block in blocks], axis=1, out=out)


def rechunk(blocks: Iterable[Float], size: int) -> Iterator[Float]:
    """Yield the same samples in blocks of `size`, time last."""
    held: list[Float] = []
    n_held = 0
    for block in blocks:
        rest = block
        while n_held + len(rest) >= size:
            cut = size - n_held
            yield join([*held, rest[:cut]])
            held, n_held, rest = [], 0, rest[cut:]
        if len(rest):
            held.append(rest)
            n_held += len(rest)
    if held:
        yield join(held)
