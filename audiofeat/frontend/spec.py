"""The fields of a front end: what they may be, and how they travel."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from audiofeat._validation import as_choice, as_count, as_number
from audiofeat.frontend.tables import BANDS, chosen, framing_of
from audiofeat.mel import mel_filterbank

COUNTS = {"n_fft": 1, "hop_length": 1, "win_length": 1, "n_mels": 1, "n_mfcc": 1, "lifter_start": 0, "max_frames": 1}
POSITIVE = ("sr", "gain", "power", "factor", "amin", "norm", "scale")
NOT_NEGATIVE = ("fmin", "fmax", "ref", "top_db", "lifter")
FLAGS = ("symmetric", "center", "htk", "remove_dc")
OPTIONAL = ("win_length", "n_mels", "fmax", "norm", "top_db", "n_mfcc", "max_frames", "log_energy")
WORDS = {"norm": ("slaney",), "ref": ("max",)}  # instead of a number
COMPRESSIONS = ("log", "log10_1p", "log1p", "none", "power_db")
LOGARITHMS = ("log", "power_db")
ENERGIES = ("c0", "first")


@dataclass(frozen=True)
class Spec:
    """Pinned recipe from a signal to its features.

    The defaults are those of `logmel`. A default never changes: a field that is left out of a stored recipe
    means the same for ever.

    Attributes
    ----------
    sr : float
        Sample rate in Hz. Arrays are taken to be at it; files are resampled to it.
    n_fft, hop_length, win_length, center, pad_mode : as in `stft`
        Framing.
    window : str, float or tuple
        What :func:`scipy.signal.get_window` takes, or ``"povey"``, Kaldi's: Hann's to the power 0.85.
    symmetric : bool
        Make the window symmetric (Essentia, Kaldi) instead of periodic.
    gain : float
        The window is multiplied by it, and so are the magnitudes: a window of a given sum, or PCM units.
    power : float
        Exponent of the magnitudes, ``> 0``.
    n_mels : int or None
        Number of mel bands; None keeps the linear spectrum and ignores the five fields that follow.
    fmin, fmax, htk, norm, triangles : as in `mel_filterbank`
        Bands.
    compression : {"power_db", "log", "log10_1p", "log1p", "none"}
        ``10 * log10(S / ref)``, ``ln(S / ref)``, ``log10(1 + factor * S)``, ``ln(1 + factor * S)`` or ``S``.
    factor : float
        The factor of ``"log10_1p"`` and ``"log1p"``, ``> 0``.
    ref : float or "max"
        The reference of ``"power_db"`` and ``"log"``; ``"max"`` is the item's maximum, which needs the whole
        clip. Silence, its own maximum, is then 0.
    amin : float
        Their floor under `S` and `ref`, ``> 0``.
    top_db : float or None
        Their range in dB, for both, under the item's maximum, which needs the whole clip; None for no limit.
    n_mfcc : int or None
        Number of cepstral coefficients (orthonormal DCT-II of the compressed bands); None for the bands.
    max_frames : int or None
        Only the first frames are kept, up to this number, after everything else; None keeps all.
    frames : {"librosa", "whisper", "kaldi"}
        How frames are laid. ``"whisper"`` leaves out the last of librosa's, unless it is the only one. A frame of
        ``"kaldi"`` is `win_length` samples, and the zeros up to `n_fft` follow them: without `center` there are
        ``1 + (n_samples - win_length) // hop_length``; with it frame t is centred at ``(t + 1 / 2) * hop_length``,
        and there are ``(n_samples + hop_length // 2) // hop_length``, but one at least.
    remove_dc : bool
        Subtract the mean of the samples under the window from them.
    preemphasis : float
        Then subtract, of each sample, this much of the one before it in the frame, in [0, 1]; of the first, of
        itself.
    log_energy : {"first", "c0"} or None
        The logarithm of the frame's energy, as one more band: the sum of squares, times ``gain ** 2``, of the
        samples under the window, after `remove_dc` and before `preemphasis` and the window. It comes before all
        others, or takes the place of coefficient 0. It needs the compression ``"log"`` of each frame by itself.
    lifter : float
        Coefficient n is multiplied by ``1 + lifter / 2 * sin(pi * n / lifter)``; 0 does not.
    lifter_start : int
        The n of the first coefficient, ``>= 0``: librosa counts them from 1, Kaldi and HTK from 0.
    scale, shift : float
        What the levels in ``"power_db"`` and ``"log"`` are multiplied by, ``> 0``, and what is then added.

    Raises
    ------
    ValueError
        If a field is out of its range, or without the others that it needs.
    TypeError
        If a field is not of its type.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import FrontEnd
    >>> front_end = FrontEnd(22050, n_mels=64)
    >>> front_end(np.zeros(22050)).shape
    (64, 44)
    >>> front_end == FrontEnd.from_dict(front_end.to_dict())
    True
    """

    sr: float
    n_fft: int = 2048
    hop_length: int = 512
    win_length: int | None = None
    window: str | float | tuple[Any, ...] = "hann"
    symmetric: bool = False
    gain: float = 1.0
    center: bool = True
    pad_mode: str = "constant"
    power: float = 2.0
    n_mels: int | None = 128
    fmin: float = 0.0
    fmax: float | None = None
    htk: bool = False
    norm: str | float | None = "slaney"
    triangles: str = "hz"
    compression: str = "power_db"
    factor: float = 10000.0
    ref: str | float = 1.0
    amin: float = 1e-10
    top_db: float | None = None
    n_mfcc: int | None = None
    max_frames: int | None = None
    frames: str = "librosa"
    remove_dc: bool = False
    preemphasis: float = 0.0
    log_energy: str | None = None
    lifter: float = 0.0
    lifter_start: int = 1
    scale: float = 1.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _checked(getattr(self, field.name), field.name))
        framing_of(self)
        if self.n_mels is not None:
            mel_filterbank(self.sr, n_fft=self.n_fft, **chosen(self, BANDS))
        if self.n_mfcc is not None and self.n_mfcc > (self.n_mels or 0):
            msg = f"n_mfcc must be <= n_mels = {self.n_mels}, got {self.n_mfcc}"
            raise ValueError(msg)
        if self.compression not in LOGARITHMS and (self.scale, self.shift) != (1.0, 0.0):
            msg = (
                f"scale and shift must be 1 and 0 unless compression is one of {', '.join(LOGARITHMS)}, "
                f"got {self.scale} and {self.shift} for {self.compression!r}"
            )
            raise ValueError(msg)
        if self.log_energy is not None:
            self._check_energy()

    def _check_energy(self) -> None:
        if self.log_energy == "c0" and self.n_mfcc is None:
            msg = "n_mfcc must be a number for log_energy = 'c0', which takes the place of a coefficient, got None"
            raise ValueError(msg)
        if self.compression != "log":
            msg = f"compression must be 'log' for log_energy = {self.log_energy!r}, got {self.compression!r}"
            raise ValueError(msg)
        if isinstance(self.ref, str) or self.top_db is not None:
            msg = (
                f"ref must be a number and top_db None for log_energy = {self.log_energy!r}, "
                f"got {self.ref!r} and {self.top_db}"
            )
            raise ValueError(msg)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them."""
        return {field.name: _as_json(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_dict(cls, spec: Mapping[str, Any]) -> Self:
        """Make a front end from what `to_dict` returned.

        Parameters
        ----------
        spec : mapping
            Fields by name; `sr` at least, the others at their default if missing.

        Returns
        -------
        FrontEnd
            The front end.

        Raises
        ------
        ValueError
            If a name is no field, or `sr` is missing.
        """
        unknown = sorted(set(spec) - {field.name for field in fields(cls)})
        if unknown or "sr" not in spec:
            msg = f"spec has unknown fields: {', '.join(unknown)}" if unknown else "spec must have the field sr"
            raise ValueError(msg)
        return cls(**spec)

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that tell front ends apart, the same on every machine.

        Fields at their default are left out of the hash, so a field added by a later version changes nothing.
        """
        defaults = {field.name: field.default for field in fields(self)}
        told = {name: value for name, value in self.to_dict().items() if value != defaults[name]}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _checked(value: Any, name: str) -> Any:
    """Return the value of a field, as far as it can be judged without the others."""
    if value is None and name in OPTIONAL:
        return None
    if isinstance(value, str) and name in WORDS:
        return as_choice(value, name, WORDS[name])
    if name in COUNTS:
        return as_count(value, name, low=COUNTS[name])
    if name in POSITIVE or name in NOT_NEGATIVE:
        return as_number(value, name, low=0.0, open_low=name in POSITIVE)
    if name in FLAGS and not isinstance(value, bool):
        msg = f"{name} must be True or False, got {value!r}"
        raise TypeError(msg)
    if name == "preemphasis":
        return as_number(value, name, low=0.0, high=1.0)
    if name == "shift":
        return as_number(value, name)
    if name == "compression":
        return as_choice(value, name, COMPRESSIONS)
    if name == "log_energy":
        return as_choice(value, name, ENERGIES)
    return _window_spec(value) if name == "window" else value


def _window_spec(value: Any) -> Any:
    """Return a name, a number, or a tuple of them, which is a list after a trip through JSON."""
    if isinstance(value, list | tuple):
        return tuple(_window_spec(item) for item in value)
    return value if isinstance(value, str) else as_number(value, "window")


def _as_json(value: Any) -> Any:
    """Return tuples as lists."""
    return [_as_json(item) for item in value] if isinstance(value, tuple) else value
