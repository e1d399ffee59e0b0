"""`LogMel` and `Spectrogram`: the front ends of `audiofeat` on torch."""

import math
from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn

from audiofeat import FrontEnd, preset
from audiofeat_nn.frontend.frames import condition, cut_frames
from audiofeat_nn.frontend.tables import fourier_matrix, tables_of

DTYPES = (torch.float32, torch.float64)
EXACT = ("none", "ieee")  # precisions of a product that are float32's


class _FrontEndModule(nn.Module):
    """A front end of `audiofeat` on batches of signals; which kinds are taken is the subclass's."""

    window: Tensor
    bank: Tensor | None
    cosines: Tensor | None

    def __init__(self, front_end: FrontEnd | str) -> None:
        super().__init__()
        given: object = preset(front_end) if isinstance(front_end, str) else front_end
        if not isinstance(given, FrontEnd):
            msg = f"front_end must be a FrontEnd or the name of a preset, got {type(given).__name__}"
            raise TypeError(msg)
        self.front_end = given
        for name in ("window", "bank", "cosines"):
            self.register_buffer(name, None, persistent=False)
        self._fill(None)

    def _fill(self, device: torch.device | None) -> None:
        for name, table in tables_of(self.front_end)._asdict().items():
            values = None if table is None else torch.tensor(table, dtype=torch.float32, device=device)
            setattr(self, name, values)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Follow to a device, but stay float32 under ``half()``, and have values after ``to_empty()``."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._fill(self.window.device)
        return self

    def _tables(self, y: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return the window, the bank and the cosines in the dtype of `y`."""
        if y.dtype == torch.float32:
            return self.window, self.bank, self.cosines
        tables = tables_of(self.front_end)
        window = torch.tensor(tables.window, device=y.device)
        bank, cosines = (None if table is None else torch.tensor(table, device=y.device) for table in tables[1:])
        return window, bank, cosines

    def extra_repr(self) -> str:
        """Return the fields of the front end that are not at their default."""
        default = FrontEnd(self.front_end.sr).to_dict()
        told = {name: value for name, value in self.front_end.to_dict().items() if value != default[name]}
        return ", ".join(f"{name}={value!r}" for name, value in {"sr": self.front_end.sr, **told}.items())

    def forward(self, y: Tensor) -> Tensor:
        """Return the features of signals.

        Parameters
        ----------
        y : Tensor, shape (batch, n_samples), (batch, 1, n_samples) or (n_samples,)
            float32 or float64 signals at the rate of the front end. They are not searched for NaN and Inf, which
            would make a GPU wait: these spread over the frames that see them, and where the front end looks at the
            whole clip over their item.

        Returns
        -------
        Tensor, shape (batch, 1, n_bands, n_frames)
            Features in the dtype of `y`; a single signal is a batch of one.

        Raises
        ------
        TypeError
            If `y` is not a tensor of float32 or float64.
        ValueError
            If its shape is another, or it has too few samples.
        """
        y = _as_batch(y)
        kind = y.device.type
        if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
            with torch.autocast(kind, enabled=False):
                return self._features(y)
        return self._features(y)

    def _features(self, y: Tensor) -> Tensor:
        front_end = self.front_end
        clip_wide = front_end.compression in ("log", "power_db") and (
            front_end.ref == "max" or front_end.top_db is not None
        )
        frames = cut_frames(y, front_end)
        if front_end.max_frames is not None and not clip_wide:
            frames = frames[:, : front_end.max_frames]
        frames, energy = condition(frames, front_end)
        window, bank, cosines = self._tables(y)
        S = _powers(*_spectra(frames * window, front_end.n_fft), front_end.power)
        if bank is not None:
            S = _product(S, bank)
        S = self._compressed(S)
        if cosines is not None:
            S = _product(S, cosines)
        if energy is not None:
            S = torch.cat([self._compressed(energy), S], dim=-1)
        if front_end.max_frames is not None and clip_wide:
            S = S[:, : front_end.max_frames]
        return S.transpose(1, 2).contiguous().unsqueeze(1)

    def _compressed(self, S: Tensor) -> Tensor:
        """Return compressed levels; the maximum is that of each item."""
        front_end = self.front_end
        if front_end.compression == "none":
            return S
        if front_end.compression in ("log1p", "log10_1p"):
            base = math.log(10.0) if front_end.compression == "log10_1p" else 1.0
            return torch.log1p(front_end.factor * S) / base
        decibels = front_end.compression == "power_db"
        scale = front_end.scale * (10.0 / math.log(10.0) if decibels else 1.0)
        least = max(front_end.amin, torch.finfo(S.dtype).tiny)
        logs = scale * S.clamp(min=least).log()
        if front_end.ref != "max" and front_end.top_db is None:
            return logs + (front_end.shift - scale * math.log(max(float(front_end.ref), least)))
        peak = logs.amax(dim=(1, 2), keepdim=True)
        if front_end.top_db is not None:
            logs = torch.maximum(logs, peak - scale * math.log(10.0) / 10.0 * front_end.top_db)
        if front_end.ref == "max":
            return logs - peak + front_end.shift
        return logs + (front_end.shift - scale * math.log(max(float(front_end.ref), least)))


class LogMel(_FrontEndModule):
    """Bands of a mel front end, compressed, or their cepstral coefficients, as the input of a network.

    The twin on torch of calling the `FrontEnd`, with every one of its fields, for batches on any device: each item
    gives what it gives alone, whatever its neighbours, also where levels are relative to the clip's maximum.

    Parameters
    ----------
    front_end : FrontEnd or str
        Front end with `n_mels`, or the name of a preset.

    Raises
    ------
    TypeError
        If `front_end` is neither.
    ValueError
        If its `n_mels` is None, or there is no preset of that name.

    See Also
    --------
    Spectrogram : For front ends without mel bands.

    Notes
    -----
    The module has no parameters and an empty state dict: its tables follow from `front_end`, stay float32 under
    ``half()`` and are made anew on another device. It is differentiable, with gradient 0 where a floor hides a
    level and at the magnitude of silence. Under autocast it computes in the dtype of its input, and a product that
    torch has been allowed to round to TF32 or bfloat16 is computed in float64.

    In float32 levels agree with `audiofeat` in double precision within 5e-4 dB in the bands up to 60 dB below the
    loudest of the frame, and within 0.05 dB up to 100 dB below it (values that are no logarithms within 1e-4 of
    themselves, and 1.2 %); with pre-emphasis, below what was loudest before it. Further down is the floor of a float32
    transform, about 130 dB below: what a full-scale tone leaves there is rounding, and differs between libraries and
    devices, as that of `audiofeat` itself does. float64 input keeps float64 and agrees to rounding.

    `torch.export` and ONNX take it with a variable batch and a variable number of samples. Transforms whose size is
    not a power of 2 are then products with a matrix, since onnxruntime's own are off by 0.02 dB and more.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.frontend import LogMel
    >>> LogMel("kth2020")(torch.zeros(4, 77175)).shape
    torch.Size([4, 1, 128, 128])
    """

    def __init__(self, front_end: FrontEnd | str) -> None:
        super().__init__(front_end)
        if self.front_end.n_mels is None:
            msg = "n_mels of front_end must be a number for LogMel, got None: Spectrogram takes it"
            raise ValueError(msg)


class Spectrogram(_FrontEndModule):
    """Linear spectra of a front end without mel bands, as the input of a network.

    Parameters
    ----------
    front_end : FrontEnd or str
        Front end whose `n_mels` is None, or the name of a preset.

    Raises
    ------
    TypeError
        If `front_end` is neither.
    ValueError
        If its `n_mels` is a number, or there is no preset of that name.

    See Also
    --------
    LogMel : For mel bands; what is said there of precision, state and export holds here.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.frontend import Spectrogram
    >>> Spectrogram("feng2017")(torch.zeros(4, 66150)).shape
    torch.Size([4, 1, 513, 128])
    """

    def __init__(self, front_end: FrontEnd | str) -> None:
        super().__init__(front_end)
        if self.front_end.n_mels is not None:
            msg = f"n_mels of front_end must be None for Spectrogram, got {self.front_end.n_mels}: LogMel takes it"
            raise ValueError(msg)


def _as_batch(y: Any) -> Tensor:
    """Return signals as (batch, n_samples)."""
    if not isinstance(y, Tensor):
        msg = f"y must be a torch.Tensor, got {type(y).__name__}"
        raise TypeError(msg)
    if y.dtype not in DTYPES:
        msg = f"y must be torch.float32 or torch.float64, samples in [-1, 1], got {y.dtype}"
        raise TypeError(msg)
    if y.ndim not in (1, 2, 3) or (y.ndim == 3 and y.shape[1] != 1):
        msg = f"y must be (batch, n_samples), (batch, 1, n_samples) or (n_samples,), got shape {tuple(y.shape)}"
        raise ValueError(msg)
    if y.shape[0] == 0 or y.shape[-1] == 0:
        msg = f"y must have at least 1 signal and 1 sample, got shape {tuple(y.shape)}"
        raise ValueError(msg)
    batch: Tensor = y[None] if y.ndim == 1 else y.squeeze(1) if y.ndim == 3 else y
    return batch


def _spectra(frames: Tensor, n_fft: int) -> tuple[Tensor, Tensor]:
    """Return the real and imaginary parts of spectra, shape (batch, n_frames, n_bins)."""
    if torch.compiler.is_exporting() and n_fft & (n_fft - 1):  # onnxruntime's other transforms lose three digits
        waves = torch.tensor(fourier_matrix(frames.shape[-1], n_fft), dtype=frames.dtype, device=frames.device)
        real, imag = _product(frames, waves).tensor_split(2, dim=-1)
        return real, imag
    spectra = torch.fft.rfft(frames, n=n_fft)
    return spectra.real, spectra.imag


def _powers(real: Tensor, imag: Tensor, power: float) -> Tensor:
    """Return magnitudes to the `power`, with gradient 0 where they are 0."""
    squares = real.square() + imag.square()  # abs() of a complex number takes eight times as long
    if power == 2.0:
        return squares
    silent = squares == 0.0
    levels = squares.masked_fill(silent, 1.0)
    levels = levels.sqrt() if power == 1.0 else levels.pow(power / 2.0)
    return levels.masked_fill(silent, 0.0)


def _product(S: Tensor, matrix: Tensor) -> Tensor:
    """Return ``S @ matrix`` in all digits of its dtype, whatever precision torch has been allowed."""
    if S.dtype == torch.float32 and _is_rounded(S.device.type):
        return (S.double() @ matrix.double()).to(S.dtype)
    return S @ matrix


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _is_rounded(device: str) -> bool:
    """Return whether products of float32 may be rounded on a device."""
    if device == "cuda":
        return torch.backends.cuda.matmul.fp32_precision not in EXACT
    product: Any = torch.backends.mkldnn
    return device == "cpu" and product.matmul.fp32_precision not in EXACT
