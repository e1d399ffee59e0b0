"""What each field of a front end does, told for two values of it."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np

from audiofeat.comparison.facts import both, centres, common_unit, n_taper, number, taper, top, weights
from audiofeat.frontend import FrontEnd

BANDS = {"fmin", "fmax", "htk", "norm", "triangles"}
TAPERS = {"n_fft", "win_length", "window", "symmetric"}
PLACES = {"sr", "n_mels", "fmin", "fmax", "htk"}  # what moves the centres of bands
TIMES = {"sr", "n_fft", "win_length", "hop_length", "center", "frames"}  # and of frames
UNITS = dict.fromkeys(("n_fft", "hop_length", "win_length"), "samples")
UNITS |= {"sr": "Hz", "fmin": "Hz", "fmax": "Hz", "top_db": "dB"}
FORMULAS = {
    "none": "S",
    "power_db": "10 log10(S / ref)",
    "log": "ln(S / ref)",
    "log10_1p": "log10(1 + factor S)",
    "log1p": "ln(1 + factor S)",
}
LOGARITHMS = {"power_db": 10.0 / np.log(10.0), "log": 1.0}  # as multiples of the natural one
BENT = {"log10_1p": 1.0 / np.log(10.0), "log1p": 1.0}

Effect = str | Callable[[FrontEnd, FrontEnd], str]


def tell_fields(a: FrontEnd, b: FrontEnd) -> Iterator[str]:
    """Tell of every field that differs, and what several of them do together."""
    names = [field.name for field in fields(FrontEnd) if getattr(a, field.name) != getattr(b, field.name)]
    idle = [name for name in names if name in without_effect(a, b)]
    active = [name for name in names if name not in idle]
    if active:
        yield f"{len(active)} field{' differs' if len(active) == 1 else 's differ'} (a | b):"
    for name in active:
        effect = EFFECTS.get(name, "")
        told = effect if isinstance(effect, str) else effect(a, b)
        unused = [f"({who} does not use it.)" for who, one in (("a", a), ("b", b)) if name in ignored(one)]
        yield " ".join(filter(None, [f"  {_values(name, a, b)}.", told, *unused]))
    for movers, tell in TOGETHER:
        if movers.intersection(active) and (told := tell(a, b)):
            yield f"  -> {told}"
    if idle:
        values = ", ".join(_values(name, a, b) for name in idle)
        yield f"{'Without effect here' if active else 'The features are the same. Without effect'}: {values}."


def ignored(front_end: FrontEnd) -> set[str]:
    """Names of the fields that a front end does not look at, the others being as they are."""
    return (
        (BANDS if front_end.n_mels is None else set())
        | (set() if front_end.compression in BENT else {"factor"})
        | (set() if front_end.compression in LOGARITHMS else {"ref", "amin", "top_db"})
        | (set() if front_end.center else {"pad_mode"})
        | (set() if front_end.n_mfcc else {"lifter"})
        | (set() if front_end.n_mfcc and front_end.lifter else {"lifter_start"})
    )


def without_effect(a: FrontEnd, b: FrontEnd) -> set[str]:
    """Names of the fields that may differ between two front ends and change nothing."""
    names = ignored(a) & ignored(b)
    if a.n_fft == b.n_fft and np.array_equal(taper(a), taper(b)):
        names |= TAPERS | {"gain"}
    return names | {"fmax"} if top(a) == top(b) else names


def _values(name: str, a: FrontEnd, b: FrontEnd) -> str:
    values: list[Any] = [getattr(one, name) for one in (a, b)]
    x, y = [f"{value:.10g}" if isinstance(value, float) else repr(value) for value in values]
    return f"{name}: {x} | {y} {UNITS.get(name, '')}".rstrip()


def _timing(a: FrontEnd, b: FrontEnd) -> str:
    length = both(*(1e3 * n_taper(one) / one.sr for one in (a, b)))
    hop = both(*(1e3 * one.hop_length / one.sr for one in (a, b)))
    rate = both(*(one.sr / one.hop_length for one in (a, b)))
    first = both(*(1e3 * float(one.frame_times(1)[0]) for one in (a, b)))
    bins = both(*(one.sr / one.n_fft for one in (a, b)))
    return (
        f"Frames are {length} ms long and {hop} ms apart ({rate} a second), the first centred at {first} ms; "
        f"bins are {bins} Hz apart."
    )


def _tapers(a: FrontEnd, b: FrontEnd) -> str:
    """Compare the noise bandwidths (Harris 1978, equation 11) and the sums of the windows."""
    sums = np.array([abs(taper(one).sum()) for one in (a, b)])
    powers = np.array([np.square(taper(one)).sum() for one in (a, b)])
    with np.errstate(divide="ignore", invalid="ignore"):  # a window may sum to 0
        x, y = powers / sums**2 * (a.sr, b.sr)
        tone, noise = 20.0 * np.log10(sums[1] / sums[0]), 10.0 * np.log10(powers[1] / powers[0])
    return (
        f"Windows, with their gain: from a to b a steady tone changes by {number(tone)} dB, white noise by "
        f"{number(noise)} dB; a bin gathers noise from {both(x, y)} Hz."
    )


def _places(a: FrontEnd, b: FrontEnd) -> str:
    if not (a.n_mels and b.n_mels):
        return ""
    x, y = centres(a), centres(b)
    if len(x) != len(y):
        return f"Band centres run from {both(x[0], y[0])} to {both(x[-1], y[-1])} Hz."
    apart = np.abs(x - y)
    if apart.max() < 1e-6:
        return "Band centres are the same."
    k = int(apart.argmax())
    return (
        f"Band centres lie up to {number(apart[k])} Hz apart (band {k}: {both(x[k], y[k])} Hz), "
        f"by the median {number(float(np.median(apart)))} Hz."
    )


def _unfilled(a: FrontEnd, b: FrontEnd) -> str:
    x, y = [int((weights(one, None, one.triangles).max(axis=1) == 0.0).sum()) if one.n_mels else 0 for one in (a, b)]
    return f"Bands too narrow to hold a bin, which stay empty: {x} | {y}." if x or y else ""


def _rate(a: FrontEnd, b: FrontEnd) -> str:
    return f"Sound above {number(min(a.sr, b.sr) / 2)} Hz is lost in {'a' if a.sr < b.sr else 'b'}."


def _bins(a: FrontEnd, b: FrontEnd) -> str:
    return f"Bins are {both(a.sr / a.n_fft, b.sr / b.n_fft)} Hz apart."


def _hops(a: FrontEnd, b: FrontEnd) -> str:
    return f"A frame every {both(*(1e3 * one.hop_length / one.sr for one in (a, b)))} ms."


def _tapered(a: FrontEnd, b: FrontEnd) -> str:
    return f"A frame looks at {both(*(1e3 * n_taper(one) / one.sr for one in (a, b)))} ms."


def _gains(a: FrontEnd, b: FrontEnd) -> str:
    gain = b.gain / a.gain
    return f"Amplitudes are {number(gain)} times those of a in b. {_moved(a, b, gain**a.power)}"


def _moved(a: FrontEnd, b: FrontEnd, factor: float) -> str:
    """Tell what becomes of the features when their levels grow by a factor."""
    if (a.compression, a.power, a.scale) != (b.compression, b.power, b.scale):
        return "What that does depends on the power, the compression and the scale."
    if a.compression in LOGARITHMS and "max" in (a.ref, b.ref):
        return "The clip's maximum moves with it."
    if a.compression in LOGARITHMS:
        offset = LOGARITHMS[a.compression] * a.scale * float(np.log(factor))
        return f"That is an offset of {number(offset)}{common_unit(a, b)}, above the floor."
    if a.compression in BENT:
        return "That bends the features: no gain and offset undo it."
    return f"That is a gain of {number(factor)}."


def _centring(a: FrontEnd, b: FrontEnd) -> str:
    first, late = (replace(b if a.center else a, center=center).frame_times(1)[0] for center in (True, False))
    delay = number(1e3 * float(late - first))
    return f"Without, frame k starts at k * hop_length: its centre is {delay} ms later, and no frame needs padding."


def _padding(a: FrontEnd, b: FrontEnd) -> str:
    reach = max(-(-one.n_fft // (2 * one.hop_length)) for one in (a, b))
    return f"Only frames that reach over an end of the signal change: at most the first and last {reach}."


def _powers(a: FrontEnd, b: FrontEnd) -> str:
    if {a.compression, b.compression} <= LOGARITHMS.keys():
        steps = both(*(LOGARITHMS[one.compression] * one.scale * one.power * float(np.log(2.0)) for one in (a, b)))
        return f"Amplitudes twice as large add {steps}{common_unit(a, b)} to the features."
    return f"Levels S grow with the amplitude to the power {both(a.power, b.power)}."


def _rows(a: FrontEnd, b: FrontEnd) -> str:
    x, y = [f"{one.n_mels} mel bands" if one.n_mels else f"{1 + one.n_fft // 2} bins of the spectrum" for one in (a, b)]
    return f"{x} | {y}."


def _span(a: FrontEnd, b: FrontEnd) -> str:
    return f"Bands span {number(a.fmin)} to {number(top(a))} | {number(b.fmin)} to {number(top(b))} Hz."


def _scales(a: FrontEnd, b: FrontEnd) -> str:
    x, y = ["HTK's" if one.htk else "Slaney's" for one in (a, b)]
    return f"{x} | {y} mel scale."


def _norms(a: FrontEnd, b: FrontEnd) -> str:
    one = a if a.n_mels else b
    w, v = (weights(one, norm, one.triangles).max(axis=1) for norm in (a.norm, b.norm))
    gains = v[w > 0.0] / w[w > 0.0]
    if not gains.size:
        return "No band holds a bin."
    low, high = float(gains.min()), float(gains.max())
    decibels = f"{number(10.0 * np.log10(low))} to {number(10.0 * np.log10(high))} dB"
    return f"A gain of each band's level from a to b, {number(low)} to {number(high)}: {decibels}."


def _sides(a: FrontEnd, b: FrontEnd) -> str:
    one = a if a.n_mels else b
    apart = np.abs(weights(one, None, b.triangles) - weights(one, None, a.triangles)).max()
    return f"The scale on which a band's sides are straight; its weights, 1 at the peak, move by up to {number(apart)}."


def _formulas(a: FrontEnd, b: FrontEnd) -> str:
    x, y = a.compression, b.compression
    for family in (LOGARITHMS, BENT):
        if x in family and y in family:
            return f"{FORMULAS[x]} | {FORMULAS[y]}: a gain of {number(family[y] / family[x])} from a to b."
    return f"{FORMULAS[x]} | {FORMULAS[y]}: no gain and offset turn one into the other."


def _bends(a: FrontEnd, b: FrontEnd) -> str:
    knees = both(1.0 / a.factor, 1.0 / b.factor)
    return f"The logarithm sets in about S = {knees}: no gain and offset turn one into the other."


def _references(a: FrontEnd, b: FrontEnd) -> str:
    if isinstance(a.ref, str) or isinstance(b.ref, str):
        return "The maximum is that of a clip, so the offset changes from clip to clip, and blocks cannot be streamed."
    return _moved(a, b, max(a.ref, a.amin) / max(b.ref, b.amin))


def _floors(a: FrontEnd, b: FrontEnd) -> str:
    x, y = 10.0 * np.log10([a.amin, b.amin])
    return f"Levels S below it are raised to it, {both(x, y)} dB; others stay."


def _cepstra(a: FrontEnd, b: FrontEnd) -> str:
    if a.n_mfcc and b.n_mfcc:
        return f"Cepstral coefficients: both have the first {min(a.n_mfcc, b.n_mfcc)}."
    return "Cepstral coefficients, which mix all bands, beside the bands themselves (None)."


def _lengths(a: FrontEnd, b: FrontEnd) -> str:
    kept = [f"{number(one.max_frames * one.hop_length / one.sr)} s" if one.max_frames else "all" for one in (a, b)]
    return f"Of a clip, the first {kept[0]} | {kept[1]} is kept."


def _tilt(a: FrontEnd, b: FrontEnd) -> str:
    with np.errstate(divide="ignore"):  # 1 takes all of it away
        bass, treble = (20.0 * np.log10([1.0 + sign * one.preemphasis for one in (a, b)]) for sign in (-1, 1))
    return f"y[n] - c y[n - 1]: 0 Hz moves by {both(*bass)} dB, half the sample rate by {both(*treble)} dB."


def _scalings(a: FrontEnd, b: FrontEnd) -> str:
    return f"The logarithms are multiplied by it: a gain of {number(b.scale / a.scale)} from a to b."


def _shifts(a: FrontEnd, b: FrontEnd) -> str:
    return f"Added at the end: an offset of {number(b.shift - a.shift)}."


EFFECTS: dict[str, Effect] = {
    "sr": _rate,
    "n_fft": _bins,
    "hop_length": _hops,
    "win_length": _tapered,
    "window": "The taper of a frame.",
    "symmetric": "Whether the window ends as it starts, or one sample before, as one period of many.",
    "gain": _gains,
    "center": _centring,
    "pad_mode": _padding,
    "power": _powers,
    "n_mels": _rows,
    "fmin": _span,
    "fmax": _span,
    "htk": _scales,
    "norm": _norms,
    "triangles": _sides,
    "compression": _formulas,
    "factor": _bends,
    "ref": _references,
    "amin": _floors,
    "top_db": "What lies further under the clip's maximum is raised to that (None: nothing); it takes the whole clip.",
    "n_mfcc": _cepstra,
    "max_frames": _lengths,
    "frames": "Where frames lie, how many there are, and whether a shorter window is centred in the transform.",
    "remove_dc": "Whether a frame's mean is taken off: an offset of the signal fills the lowest bands.",
    "preemphasis": _tilt,
    "log_energy": "The logarithm of a frame's energy, before all other rows ('first') or as coefficient 0 ('c0').",
    "lifter": "Coefficient n is multiplied by 1 + L / 2 sin(pi n / L).",
    "lifter_start": "The n of the first coefficient, under the lifter.",
    "scale": _scalings,
    "shift": _shifts,
}

TOGETHER = ((TAPERS, _tapers), (TIMES, _timing), (PLACES, _places), (PLACES | {"n_fft"}, _unfilled))
