"""Frames of a signal that arrives in blocks, cut so that each is what the whole signal would give."""

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._files import replacing
from audiofeat._validation import Float, as_signal
from audiofeat.fourier.framing import Framing, ends


def as_blocks(blocks: Iterable[ArrayLike]) -> Iterator[Float]:
    """Check that blocks, time last, fit together; leave out empty ones."""
    first: Float | None = None
    for number, block in enumerate(blocks):
        name = f"blocks[{number}]"
        with suppress(ValueError):  # rows of unequal length: `as_signal` says so
            if np.shape(block)[-1:] == (0,):
                continue
        y = as_signal(block, name=name)
        first = y if first is None else first
        if (y.dtype, y.shape[:-1]) != (first.dtype, first.shape[:-1]):
            msg = (
                f"{name} must be like the blocks before it, {first.dtype} of shape {(*first.shape[:-1], '...')}, "
                f"got {y.dtype} of shape {y.shape}"
            )
            raise ValueError(msg)
        yield y.copy()  # the caller may fill a buffer again, and some of this block waits for the next


def padded(blocks: Iterator[Float], framing: Framing) -> Iterator[Float]:
    """Add what the frames see before the first block and after the last."""
    near = max(1, framing.padding + (framing.pad_mode == "reflect"))  # samples that the padding looks at,
    far = max(near, framing.after(0)) + 1  # and that at the end
    held: list[Float] = []
    for block in blocks:
        held.append(block)
        if sum(y.shape[-1] for y in held) >= near:
            break
    if not held:
        msg = "blocks must hold at least 1 sample(s)"
        raise ValueError(msg)
    recent = np.concatenate(held, axis=-1)
    yield ends(recent, framing)[0]
    yield recent
    for block in blocks:
        yield block
        recent = np.concatenate((recent[..., -far:], block), axis=-1)
    yield ends(recent, framing)[1]


def cut_frames(
    blocks: Iterator[Float], framing: Framing, n_frames: int, max_frames: int | None = None
) -> Iterator[Float]:
    """Cut a signal, or its first frames, into parts that hold `n_frames` frames each, the last of them fewer."""
    length, hop = framing.length, framing.hop_length
    left = math.inf if max_frames is None else max_frames
    ahead = framing.left_out * hop  # samples that say that a frame is not the last
    held: list[Float] = []
    n_held, skip, n_seen = 0, max(0, -framing.padding), 0  # samples: waiting, to leave out, and all
    begun = False
    for block in blocks:
        n_seen += block.shape[-1]
        rest = block[..., skip:]
        skip -= block.shape[-1] - rest.shape[-1]
        held.append(rest)
        n_held += rest.shape[-1]
        if n_held < (min(n_frames, left) - 1) * hop + length + ahead:
            continue
        y = held[0] if len(held) == 1 else np.concatenate(held, axis=-1)
        at = 0
        while n_held - at >= (need := (min(n_frames, left) - 1) * hop + length) + ahead:
            yield y[..., at : at + int(need)]
            begun = True
            left -= n_frames
            if left <= 0:
                return
            at += n_frames * hop
        skip = max(0, at - n_held)
        held, n_held = [y[..., at:]], max(0, n_held - at)
    if n_held >= length:
        n_rest = max(1 + (n_held - length) // hop - framing.left_out, 0 if begun else 1)
        if n_rest > 0:
            yield np.concatenate(held, axis=-1)[..., : (n_rest - 1) * hop + length]
    elif n_seen < length:
        framing.n_frames(n_seen)  # says what is too short: without padding, or else there is a frame


def write_parts(parts: Iterable[Float], path: Path) -> None:
    """Write parts of features, shape (..., n_bands, n_frames), to a ``.npy`` file in which frame follows frame."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        shape: list[int] = []
        for part in parts:
            if not shape:
                shape, dtype = [*part.shape[:-1], 0], part.dtype
                _write_header(file, shape, dtype)
            file.write(part.tobytes(order="F"))
            shape[-1] += part.shape[-1]
        file.seek(0)
        _write_header(file, shape, dtype)  # of the same length: NumPy leaves room for the number of frames


def _write_header(file: BinaryIO, shape: list[int], dtype: np.dtype[Any]) -> None:
    descr = np.lib.format.dtype_to_descr(dtype)
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": True, "shape": tuple(shape)})
