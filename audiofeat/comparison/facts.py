"""What follows from the fields of a front end, and how numbers are told."""

import numpy as np

from audiofeat._validation import Float
from audiofeat.fourier import fft_frequencies
from audiofeat.fourier.framing import window_samples
from audiofeat.frontend import FrontEnd
from audiofeat.mel import mel_filterbank, mel_frequencies
from audiofeat.presets import preset


def as_front_end(value: object, name: str) -> FrontEnd:
    """Return a front end, given as one or as the name of a preset."""
    if isinstance(value, str):
        return preset(value)
    if not isinstance(value, FrontEnd):
        msg = f"{name} must be a FrontEnd or the name of a preset, got {type(value).__name__}"
        raise TypeError(msg)
    return value


def centres(front_end: FrontEnd) -> Float:
    """Return the frequencies in Hz of the bands, or of the bins where there are none."""
    if front_end.n_mels is None:
        return fft_frequencies(front_end.sr, n_fft=front_end.n_fft)
    edges = mel_frequencies(front_end.n_mels + 2, fmin=front_end.fmin, fmax=top(front_end), htk=front_end.htk)
    return edges[1:-1]


def number(value: float) -> str:
    """Return four digits; rounding noise, which no two machines share, is 0."""
    value = 0.0 if abs(value) < 1e-9 else float(value)
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.4g}"


def both(x: float, y: float) -> str:
    return f"{number(x)} | {number(y)}"


def common_unit(a: FrontEnd, b: FrontEnd) -> str:
    decibels = all(one.compression == "power_db" and one.scale == 1.0 for one in (a, b))
    return " dB" if decibels else ""


def top(front_end: FrontEnd) -> float:
    return front_end.sr / 2.0 if front_end.fmax is None else front_end.fmax


def n_taper(front_end: FrontEnd) -> int:
    return front_end.n_fft if front_end.win_length is None else front_end.win_length


def taper(front_end: FrontEnd) -> Float:
    samples = window_samples(front_end.window, n_taper(front_end), symmetric=front_end.symmetric)
    return front_end.gain * samples


def weights(front_end: FrontEnd, norm: str | float | None, triangles: str) -> Float:
    """Return the filter bank of a front end with another norm and other triangles."""
    return mel_filterbank(
        front_end.sr,
        n_fft=front_end.n_fft,
        n_mels=front_end.n_mels or 1,
        fmin=front_end.fmin,
        fmax=front_end.fmax,
        htk=front_end.htk,
        norm=norm,
        triangles=triangles,
        dtype=np.float64,
    )
