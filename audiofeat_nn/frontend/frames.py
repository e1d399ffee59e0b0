"""From signals to frames: padding, cutting, and what is done to samples before the window.

Plain slices, gathers and views, whose gradients are the same on every run, which those of torch's reflecting pads are
not on a GPU; lengths may be symbols, as in `torch.export`.
"""

import torch
from torch import Tensor

from audiofeat import FrontEnd
from audiofeat_nn.frontend.tables import win_length


def cut_frames(y: Tensor, front_end: FrontEnd) -> Tensor:
    """Return the samples under the window in each frame, (batch, n_frames, win_length), of signals (batch, n_samples).

    Where the window lies inside of `n_fft` samples moves phases only: frames are as long as the window.
    """
    kaldi, length, hop = front_end.frames == "kaldi", win_length(front_end), front_end.hop_length
    size = length if kaldi else front_end.n_fft  # what a frame needs
    n_samples = y.shape[-1]
    before = after = 0
    if front_end.center and kaldi:
        before = length // 2 - hop // 2  # below 0 the first frame begins after the start
        after = max(length - length // 2 - hop % 2, length - before - n_samples)
    elif front_end.center:
        before = after = front_end.n_fft // 2
    spare = n_samples + before + after - size
    if spare < 0:
        name = "win_length" if kaldi else "n_fft"
        msg = f"y must have at least {name} = {size} samples for a front end without center, got {n_samples}"
        raise ValueError(msg)
    n_frames = 1 + spare // hop
    if front_end.frames == "whisper" and n_frames > 1:
        n_frames -= 1
    first = 0 if kaldi else (size - length) // 2
    if front_end.center:
        y = _padded(y, max(before, 0), after, front_end.pad_mode)
    return y[:, max(-before, 0) + first :].unfold(-1, length, hop)[:, :n_frames]


def _padded(y: Tensor, before: int, after: int, pad_mode: str) -> Tensor:
    """Return signals with samples before and after, as `numpy.pad` makes them."""
    n = y.shape[-1]
    if pad_mode == "constant":
        return torch.nn.functional.pad(y, (before, after))
    left = torch.arange(-before, 0, device=y.device)
    right = torch.arange(n, n + after, device=y.device)
    if pad_mode == "linear_ramp":  # from 0, which is the outermost, to the signal
        up = torch.arange(before, device=y.device, dtype=y.dtype) / max(before, 1)
        down = torch.arange(after, device=y.device, dtype=y.dtype).flip(0) / max(after, 1)
        return torch.cat([y[:, :1] * up, y, y[:, -1:] * down], dim=1)
    return torch.cat([y[:, _inside(left, n, pad_mode)], y, y[:, _inside(right, n, pad_mode)]], dim=1)


def _inside(index: Tensor, n: int, pad_mode: str) -> Tensor:
    """Return which of `n` samples stands for each sample beyond the ends, to and fro as often as needed."""
    if pad_mode == "edge":
        return index.clamp(0, n - 1)
    # ONNX knows the remainder of a tensor by a tensor, not by a symbol.
    if pad_mode == "symmetric":
        index = index % torch.arange(2 * n, 2 * n + 1, device=index.device)
        return torch.minimum(index, 2 * n - 1 - index)
    turn = max(2 * (n - 1), 1)  # "reflect"; a single sample stands for all
    index = index % torch.arange(turn, turn + 1, device=index.device)
    return torch.minimum(index, 2 * (n - 1) - index).clamp(min=0)


def condition(frames: Tensor, front_end: FrontEnd) -> tuple[Tensor, Tensor | None]:
    """Return frames as the window sees them, and their energies, (batch, n_frames, 1), if they are asked for."""
    if front_end.remove_dc:
        frames = frames - frames[..., :1]  # so that a constant vanishes without a trace
        frames = frames - frames.mean(dim=-1, keepdim=True)
    energy = None
    if front_end.log_energy is not None:
        energy = front_end.gain**2 * frames.square().sum(dim=-1, keepdim=True)
    if front_end.preemphasis > 0.0:  # the first sample is its own predecessor
        frames = frames - front_end.preemphasis * torch.cat([frames[..., :1], frames[..., :-1]], dim=-1)
    return frames, energy
