"""From the fields of a front end to where its frames lie and what becomes of them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from audiofeat._caching import remembered
from audiofeat._kernels.arguments import LOG, LOG_1P, Bank
from audiofeat.cepstrum import cosine_bank
from audiofeat.fourier.engine import identity_bank
from audiofeat.fourier.framing import Framing, as_framing, window_samples
from audiofeat.mel.bands import mel_bank
from audiofeat.mel.decibels import Reference
from audiofeat.mel.recipe import Compression, Recipe, as_recipe

if TYPE_CHECKING:
    from audiofeat.frontend.spec import Spec

FRAMING = ("n_fft", "hop_length", "win_length", "center", "pad_mode", "frames", "remove_dc", "preemphasis")
BANDS = ("n_mels", "fmin", "fmax", "htk", "norm", "triangles")  # handed on to `mel_bank`, in its order


def chosen(spec: "Spec", names: tuple[str, ...]) -> dict[str, Any]:
    """Return some of the fields."""
    return {name: getattr(spec, name) for name in names}


def framing_of(spec: "Spec") -> Framing:
    """Return where the frames lie, and what they are multiplied by."""
    win_length = spec.n_fft if spec.win_length is None else spec.win_length
    window = spec.gain * window_samples(spec.window, win_length, symmetric=spec.symmetric)
    return as_framing(window=window, energy=spec.log_energy is not None, **chosen(spec, FRAMING))


def compression_of(spec: "Spec") -> Compression:
    """Return how levels are compressed."""
    ref: Reference = np.max if isinstance(spec.ref, str) else spec.ref
    limits: dict[str, Any] = {"ref": ref, "amin": spec.amin, "top_db": spec.top_db, "shift": spec.shift}
    return {
        "none": Compression(),
        "power_db": Compression(LOG, 10.0 * spec.scale, 10.0, **limits),
        "log": Compression(LOG, spec.scale, **limits),
        "log1p": Compression(LOG_1P, factor=spec.factor),
        "log10_1p": Compression(LOG_1P, base=10.0, factor=spec.factor),
    }[spec.compression]


@remembered
def tables_of(spec: "Spec", dtype: Any) -> tuple[Framing, Recipe]:
    """Return where the frames of a front end lie and what becomes of them."""
    n_bins, bank, cosines = 1 + spec.n_fft // 2, None, None
    if spec.n_mels is not None:
        bank = mel_bank(dtype, spec.sr, spec.n_fft, *chosen(spec, BANDS).values())
        if spec.n_mfcc is not None:
            lifter = (spec.lifter, spec.lifter_start)
            cosines = cosine_bank(dtype, spec.n_mfcc, spec.n_mels, 2, "ortho", *lifter)
    if spec.log_energy is not None:  # the kernel leaves it behind the last bin, and it is compressed as a band is
        energy = _single(n_bins, spec.gain**2, dtype)
        bank = bank or identity_bank(n_bins, dtype)
        if cosines is None:
            bank = _joined(energy, bank)
        else:
            row = _single(len(bank.starts), 1.0, dtype)
            bank = _joined(bank, energy)
            cosines = _joined(row, _rest(cosines) if spec.log_energy == "c0" else cosines)
    return framing_of(spec), as_recipe(dtype, n_bins, spec.power, bank, compression_of(spec), cosines)


def _single(column: int, weight: float, dtype: Any) -> Bank:
    """Return the bank of one row, with one value."""
    return Bank(np.array([column], np.intp), np.array([column + 1], np.intp), np.array([weight], dtype))


def _joined(*banks: Bank) -> Bank:
    """Return the rows of banks as those of one."""
    return Bank(*(np.concatenate(parts) for parts in zip(*banks, strict=True)))


def _rest(bank: Bank) -> Bank:
    """Return a bank without its first row."""
    return Bank(bank.starts[1:], bank.ends[1:], bank.weights[bank.ends[0] - bank.starts[0] :])
