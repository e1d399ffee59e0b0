"""Two front ends applied to the same sound."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from audiofeat._validation import Float
from audiofeat.comparison.facts import both, centres, common_unit, number
from audiofeat.frontend import FrontEnd

SOUND = 1.5  # seconds, before the silence
PITCH, DYING = 220.0, 0.25  # Hz, s
BURSTS = ((0.8, 1.0), (1.1, 1.4))  # s
HISS, BED = 20000.0, 0.003  # the highest frequency of the noise in Hz, and its level under everything
CLOSE = 1e-4  # relative
EXACT = 1e-6  # of the range: rounding, and what is left of what an affine map explains
HUGE = 1e100  # its square is a number
LADDER = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)  # Hz


def tell_measures(a: FrontEnd, b: FrontEnd) -> Iterator[str]:
    """Tell how far apart the features of one sound are."""
    silence = max(0.5, *(2.0 * one.n_fft / one.sr for one in (a, b)))
    A, B = (one(probe(one.sr, SOUND + silence)) for one in (a, b))
    yield (
        f"Measured on {number(SOUND + silence)} s of a dying tone, bursts of noise and silence, at each one's rate, in "
        "float64:"
    )
    yield f"  Shapes: {A.shape} | {B.shape}."
    if (a.log_energy == "first") != (b.log_energy == "first"):
        yield f"  The first row of {'a' if a.log_energy == 'first' else 'b'}, of energies, is left out below."
        A, B = A[int(a.log_energy == "first") :], B[int(b.log_energy == "first") :]
    if _kind(a) != _kind(b) or (len(A) != len(B) and not a.n_mfcc):
        yield from _levels(a, b, A, B)
        return
    i, j, late = paired_frames(a, b, A.shape[1], B.shape[1])
    n_rows = min(len(A), len(B))
    if not len(i):
        yield "  No two frames lie within half a hop of each other."
        return
    if A.shape != B.shape or late > 1e-9 or len(i) < A.shape[1]:
        apart = f"up to {number(1e3 * late)} ms apart" if late > 1e-9 else "at the same times"
        rows = "all rows" if len(A) == len(B) else f"the first {n_rows} rows"
        yield f"  Compared: {rows}, at {len(i)} frames of each that lie {apart}."
    A, B = A[:n_rows], B[:n_rows]
    X, Y = A[:, i], B[:, j]
    if np.array_equal(X, Y):
        yield "  Equal in every value."
        return
    if max(np.abs(X).max(), np.abs(Y).max()) > HUGE:
        yield f"  Values are beyond {HUGE:g}, and not compared."
        return
    x, y = heard_values(a, A, i, silence), heard_values(b, B, j, silence)
    heard = x & y if (x & y).any() else np.ones_like(x)
    yield f"  {number(100.0 * heard.mean())} % of the values are above the floor of both, and counted below."
    of = common_unit(a, b)
    yield from _distances(X[heard], Y[heard], of)
    yield from _fits(X, Y, heard, of)


def _kind(front_end: FrontEnd) -> str:
    return "cepstral coefficients" if front_end.n_mfcc else "mel bands" if front_end.n_mels else "bins of the spectrum"


def probe(sr: float, duration: float) -> Float:
    """Return the sound: the same function of time at every rate, without what lies above half of it."""
    t = np.arange(max(1, round(duration * sr))) / sr
    y = np.zeros_like(t)
    n_sound = min(len(t), max(1, round(SOUND * sr)))
    t = t[:n_sound]
    steps = np.arange(1, min((n_sound - 1) // 2, int(HISS * SOUND)) + 1)  # the noise has a period of SOUND
    spectrum = np.zeros(n_sound // 2 + 1, dtype=np.complex128)
    phases = np.random.default_rng(0).uniform(0.0, 2.0 * np.pi, int(HISS * SOUND))
    spectrum[steps] = 0.03 * n_sound / np.sqrt(steps) * np.exp(1j * phases[: len(steps)])
    hiss = np.fft.irfft(spectrum, n_sound)
    level = np.full(n_sound, BED)
    for start, stop in BURSTS:
        inside = (t >= start) & (t < stop)
        level[inside] += np.sin(np.pi * (t[inside] - start) / (stop - start)) ** 2
    tone = sum((np.cos(2.0 * np.pi * hz * t) * PITCH / hz for hz in PITCH * np.arange(1, 41) if hz < sr / 2.0), 0.0 * t)
    fade = np.minimum(1.0, 100.0 * np.minimum(t, SOUND - t))
    y[:n_sound] = fade * (0.2 * np.exp(-t / DYING) * tone + level * hiss)
    return y


def paired_frames(a: FrontEnd, b: FrontEnd, n_a: int, n_b: int) -> tuple[NDArray[np.intp], NDArray[np.intp], float]:
    """Return the numbers of frames nearest in time, up to half the shorter hop, and their largest distance in s."""
    t, u = a.frame_times(n_a), b.frame_times(n_b)
    nearest = np.searchsorted((u[1:] + u[:-1]) / 2.0, t)
    late = np.abs(t - u[nearest])
    kept = np.flatnonzero(late <= 0.5001 * min(a.hop_length / a.sr, b.hop_length / b.sr))  # halves, rounded
    j, first = np.unique(nearest[kept], return_index=True)
    i = kept[first]
    return i, j, float(late[i].max(initial=0.0))


def heard_values(front_end: FrontEnd, S: Float, frames: NDArray[np.intp], silence: float) -> NDArray[np.bool_]:
    """Tell which values of some frames are not those of a frame in the midst of the silence, if there is one."""
    apart = np.abs(front_end.frame_times(S.shape[1]) - (SOUND + silence / 2.0))
    k = int(apart.argmin())
    if apart[k] + front_end.n_fft / front_end.sr / 2.0 > silence / 2.0:
        return np.ones((len(S), len(frames)), dtype=bool)
    heard: NDArray[np.bool_] = S[:, frames] != S[:, [k]]
    return heard


def _distances(x: Float, y: Float, of: str) -> Iterator[str]:
    apart = np.abs(y - x)
    close = 100.0 * float((apart <= CLOSE * np.abs(x)).mean())
    yield (
        f"  b - a: mean offset {number(float((y - x).mean()))}{of}; |b - a| by the median "
        f"{number(float(np.median(apart)))}{of}, at most {number(float(apart.max()))}{of}; "
        f"{number(close)} % of the values agree within {CLOSE:g} relative."
    )


def _fits(X: Float, Y: Float, heard: NDArray[np.bool_], of: str) -> Iterator[str]:
    """Tell what a gain and an offset explain, for all values and for each row."""
    x, y = X[heard], Y[heard]
    for name, values in (("a", x), ("b", y)):
        if np.ptp(values) == 0.0:
            yield f"  All of these are the same in {name}."
            return
    gain, offset, left = _affine(x, y)
    rest = EXACT * float(np.ptp(y))
    added = number(offset)
    sign = "-" if added.startswith("-") else "+"
    correlation = float(np.corrcoef(x, y)[0, 1])
    yield f"  Correlation {correlation:.4f}; best fit b = {number(gain)} a {sign} {added.removeprefix('-')}."
    if np.abs(left).max() <= rest:
        yield "  That fit is exact: they differ by a gain and an offset only, which a trained model cannot know."
        return
    yield f"  The fit leaves {_size(left, of)}; b itself deviates from its mean by {number(float(y.std()))}{of} rms."
    rows = [_affine(X[k][row], Y[k][row])[2] for k, row in enumerate(heard) if row.any()]
    left = np.concatenate(rows)
    if np.abs(left).max() <= rest:
        yield "  With a gain and an offset for each row nothing is left: rows differ by no more than that."
    else:
        yield f"  A gain and an offset for each row would leave {_size(left, of)}."


def _affine(x: Float, y: Float) -> tuple[float, float, Float]:
    """Return the gain and offset of least squares, and what they leave of `y`."""
    centred = x - x.mean()
    power = float(centred @ centred)
    gain = float(centred @ (y - y.mean())) / power if power > 0.0 else 0.0
    offset = float(y.mean() - gain * x.mean())
    return gain, offset, y - (gain * x + offset)


def _size(left: Float, of: str) -> str:
    return f"{number(float(np.sqrt(np.square(left).mean())))}{of} rms, at most {number(float(np.abs(left).max()))}{of}"


def _levels(a: FrontEnd, b: FrontEnd, A: Float, B: Float) -> Iterator[str]:
    """Compare the mean levels at frequencies that both have, where rows are not the same."""
    yield f"  Values cannot be compared one by one: rows are {len(A)} {_kind(a)} | {len(B)} {_kind(b)}."
    if a.n_mfcc or b.n_mfcc:
        return
    x, y = centres(a), centres(b)
    A, B = A[-len(x) :], B[-len(y) :]  # without a row of energies
    low, high = max(x[0], y[0]), min(x[-1], y[-1])
    steps = [hz for hz in LADDER if low <= hz <= high]
    if steps:
        means = [np.interp(steps, hz, S.mean(axis=1)) for hz, S in ((x, A), (y, B))]
        told = [f"{number(hz)} Hz: {both(*pair)}" for hz, *pair in zip(steps, *means, strict=True)]
        yield f"  Means over all frames at equal frequencies{common_unit(a, b)}: {', '.join(told)}."
