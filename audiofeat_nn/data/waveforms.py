"""Recordings that lie on the device as 16-bit samples, and windows that are cut there."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audiofeat._validation import as_count, as_signal
from audiofeat_nn.data.cutting import Cutting, as_cutting, starts

FULL = 32768.0


class ResidentWaveforms:
    """Windows of recordings that are all in the memory of a device, for networks that begin with their front end.

    No loader is at work: `audiofeat_nn.training.fit` asks for batches as a whole, and a batch is one gather on the
    device. A thousand recordings of 30 s at 22,050 Hz are 1.3 GB.

    Parameters
    ----------
    signals : sequence of array_like, shape (n_samples,)
        Recordings at one rate: int16 as they are, floats in [-1, 1] rounded to 16 bits, and cut off beyond.
    targets : sequence of int
        Number of the class of each.
    n_samples : int
        Samples of a window. A shorter recording is followed by zeros.
    overlap : float
        Share of a window that the next one has too, in [0, 1).
    crop : {"grid", "random"}
        Where windows begin, as in `PatchDataset`.
    device : str
        Of torch.

    Attributes
    ----------
    targets : list of int
        Class of each window.

    Raises
    ------
    ValueError
        If there are no signals, lengths differ, or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat_nn.data import ResidentWaveforms
    >>> windows = ResidentWaveforms([np.linspace(0, 0.5, 50), np.zeros(20)], [0, 1], n_samples=20)
    >>> x, target = windows.batch([1, 2])
    >>> x.shape, target
    (torch.Size([2, 20]), tensor([0, 1]))
    """

    def __init__(
        self,
        signals: Sequence[Any],
        targets: Sequence[int],
        *,
        n_samples: int,
        overlap: float = 0.0,
        crop: str = "grid",
        device: str = "cpu",
    ) -> None:
        if crop not in ("grid", "random"):
            msg = f"crop must be one of grid, random, got {crop!r}"
            raise ValueError(msg)
        size, cutting = as_count(n_samples, "n_samples"), as_cutting(Cutting(overlap=overlap))
        numbers = [as_count(number, f"targets[{i}]", low=0) for i, number in enumerate(targets)]
        if len(numbers) != len(signals) or not numbers:
            msg = f"signals and targets must be as many, and 1 at least, got {len(signals)} and {len(numbers)}"
            raise ValueError(msg)
        rows = [_as_pcm(y, f"signals[{i}]", size) for i, y in enumerate(signals)]
        ends = np.cumsum([len(row) for row in rows])
        places = [starts(len(row), size, cutting) + end - len(row) for row, end in zip(rows, ends, strict=True)]
        owner = np.repeat(np.arange(len(rows)), [len(each) for each in places])
        self.n_samples, self.crop, self.device = size, crop, torch.device(device)
        self.targets = [numbers[i] for i in owner]
        self._pcm = torch.from_numpy(np.concatenate(rows)).to(self.device)
        self._starts = torch.from_numpy(np.concatenate(places)).to(self.device)
        self._firsts = torch.from_numpy((ends - [len(row) for row in rows])[owner]).to(self.device)
        self._room = torch.from_numpy(np.array([len(rows[i]) - size + 1 for i in owner])).to(self.device)
        self._targets = torch.tensor(self.targets, device=self.device)
        self._steps = torch.arange(size, device=self.device)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        return self.batch([number])[0][0], self.targets[number]

    def batch(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return windows and their classes, on the device.

        Parameters
        ----------
        indices : sequence of int
            Numbers of windows.

        Returns
        -------
        x : Tensor of float32, shape (n, n_samples)
            Samples in [-1, 1).
        targets : Tensor of int64, shape (n,)
            Classes.
        """
        rows = torch.as_tensor(indices, device=self.device)
        begin = self._starts[rows]
        if self.crop == "random":  # drawn on the CPU, whose generator is the one that training seeds
            drawn = torch.rand(len(rows), dtype=torch.float64).to(self.device)  # float32 could round up to the end
            begin = self._firsts[rows] + (drawn * self._room[rows]).long()
        x = self._pcm[begin[:, None] + self._steps]
        return x.float() / FULL, self._targets[rows]


def _as_pcm(y: Any, name: str, size: int) -> Any:
    array = np.asarray(y)
    if array.dtype != np.int16 or array.ndim != 1:
        floats = as_signal(y, name=name, ndim=1)
        array = np.clip(np.rint(floats * FULL), -FULL, FULL - 1).astype(np.int16)
    return np.pad(array, (0, max(0, size - len(array))))
