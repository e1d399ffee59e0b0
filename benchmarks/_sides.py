"""The sides of a comparison of front ends: ours, librosa, torch, and SciPy in double precision."""

import importlib
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import librosa
import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.signal import get_window

import audiofeat
from benchmarks._report import Call

Array = NDArray[Any]


@dataclass(frozen=True)
class Work:
    """A row of a table: what is computed of how much, and how often."""

    name: str
    feature: str = "logmel"
    bars: tuple[float, ...] = ()
    duration: int = 30
    sr: int = 22050
    n_fft: int = 2048
    hop_length: int = 512
    window: str = "hann"
    n_mels: int = 128
    dtype: str = "float32"
    n_clips: int = 1
    rounds: int = 30

    @property
    def is_mel(self) -> bool:
        """Return whether it has bands."""
        return self.feature in ("logmel", "mfcc")

    @property
    def framing(self) -> dict[str, Any]:
        """Return the arguments that all features share."""
        return {"n_fft": self.n_fft, "hop_length": self.hop_length, "window": self.window}


def optional(name: str) -> Any:
    """Return a module, or None if it is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def signal(work: Work) -> Array:
    """Return the samples, which repeat themselves after 30 s."""
    noise = np.random.default_rng(0).uniform(-1.0, 1.0, work.sr * min(30, work.duration))
    tone = 0.5 * np.sin(2.0 * np.pi * 440.0 / work.sr * np.arange(len(noise))) + 1e-3 * noise
    both = np.where(np.arange(len(noise)) < len(noise) // 2, noise, tone).astype(work.dtype)
    n_samples = work.sr * work.duration
    return np.resize(both, (work.n_clips, n_samples) if work.n_clips > 1 else n_samples)


def cosines(work: Work) -> Array:
    """Return the matrix from bands to 20 cepstral coefficients."""
    return np.asarray(scipy.fft.dct(np.eye(work.n_mels), axis=0, norm="ortho"))[:20].astype(work.dtype)


def ours(work: Work, y: Array, workers: int = 1) -> Any:
    """Compute a feature by the library."""
    if work.is_mel:
        mel: Any = audiofeat.logmel if work.feature == "logmel" else audiofeat.mfcc
        return mel(y, work.sr, n_mels=work.n_mels, workers=workers, **work.framing)
    stft: Any = audiofeat.stft if work.feature == "complex" else audiofeat.spectrogram
    return stft(y, workers=workers, **work.framing)


def with_librosa(work: Work, y: Array) -> Any:
    """Compute a feature as users of librosa do."""
    if work.is_mel:
        S = librosa.feature.melspectrogram(y=y, sr=work.sr, n_mels=work.n_mels, **work.framing)
        S = librosa.power_to_db(S, top_db=None)
        return S if work.feature == "logmel" else librosa.feature.mfcc(S=S)
    S = librosa.stft(y, **work.framing)
    return S if work.feature == "complex" else np.abs(S)


def with_torch(torch: Any, work: Work, y: Any, window: Any, bank: Any, matrix: Any) -> Any:
    """Compute a feature as users of torch do."""
    S = torch.stft(y, work.n_fft, work.hop_length, window=window, pad_mode="constant", return_complex=True)
    if work.is_mel:
        S = 10.0 * torch.log10(torch.clamp(bank @ (S.real**2 + S.imag**2), min=1e-10))
        return S if work.feature == "logmel" else matrix @ S
    return S if work.feature == "complex" else S.abs()


def sides(work: Work, y: Array) -> dict[str, Call]:
    """Return the calls to compare, by the name of the side."""
    calls: dict[str, Call] = {"audiofeat": partial(ours, work, y), "librosa": partial(with_librosa, work, y)}
    torch = optional("torch")
    if torch:
        torch.set_num_threads(1)
        bank = audiofeat.mel_filterbank(work.sr, n_fft=work.n_fft, n_mels=work.n_mels, dtype=work.dtype)
        tables = (get_window(work.window, work.n_fft).astype(work.dtype), bank, cosines(work))
        calls["torch"] = partial(with_torch, torch, work, *map(torch.from_numpy, (y, *tables)))
    return calls


def exactly(work: Work, y: Array) -> Array:
    """Compute a feature by SciPy in double precision, with nothing of ours."""
    half = work.n_fft // 2
    padded = np.pad(y.astype(np.float64), [(0, 0)] * (y.ndim - 1) + [(half, half)])
    frames = sliding_window_view(padded, work.n_fft, axis=-1)[..., :: work.hop_length, :]
    window = get_window(work.window, work.n_fft)
    bank = librosa.filters.mel(sr=work.sr, n_fft=work.n_fft, n_mels=work.n_mels, dtype=np.float64)
    blocks = []
    for t in range(0, frames.shape[-2], 4096):  # all frames of an hour would take gigabytes
        S: Any = scipy.fft.rfft(frames[..., t : t + 4096, :] * window).swapaxes(-1, -2)
        if work.is_mel:
            S = 10.0 * np.log10(np.maximum(bank @ (S.real**2 + S.imag**2), 1e-10))
        blocks.append(np.abs(S) if work.feature == "magnitude" else S)
    exact = np.concatenate(blocks, axis=-1)
    return cosines(replace(work, dtype="float64")) @ exact if work.feature == "mfcc" else exact


def deviation(work: Work, result: Any, exact: Array) -> str:
    """Return the largest deviation from the exact result, as the page says."""
    gap = np.abs(np.asarray(result) - exact)
    if work.feature != "logmel":
        return f"{(gap / np.abs(exact).max(axis=-2, keepdims=True)).max():.0e}"
    peak = exact.max(axis=-2, keepdims=True)
    return " / ".join(f"{gap[exact >= peak - below].max():.0e}" for below in (60.0, 100.0))
