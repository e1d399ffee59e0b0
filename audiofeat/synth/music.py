"""A small song of several sections, made from wavetables and noise."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike
from scipy.signal import butter, sosfilt

from audiofeat._validation import as_number
from audiofeat.synth.signals import Float, RandomState, Song, as_dtype

STEPS = 8  # eighth notes in a bar of four beats
TABLE = 2048  # samples in one period of a wavetable; linear interpolation puts its error under -70 dB


class _Style(NamedTuple):
    """What the repetitions of a section share. Patterns have one character per eighth note of the bar."""

    level: float  # dB
    progression: str  # one chord a bar
    octave: int
    harmonics: tuple[float, ...]
    attack: float  # s
    decay: float  # s
    strokes: str  # of the chord: x all its notes, 0 1 2 3 one of them
    n_bars: int = 4
    bass: str = "--------"
    kick: str = "--------"
    snare: str = "--------"
    hat: str = "--------"
    breath: float = 0.0  # level of a bed of noise,
    band: tuple[float, float] = (500.0, 1500.0)  # and its band in Hz


# semitones above the key, the highest chords an octave down
DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": -5, "bVI": -4, "VI": -3, "bVII": -2}
SOFT, BELL = (1.0, 0.25, 0.08), (1.0, 0.0, 0.0, 0.6, 0.0, 0.0, 0.0, 0.35, 0.0, 0.25)
STRING, SAW = tuple(0.9**h / h for h in range(1, 13)), tuple(1.0 / h for h in range(1, 25))
REED, ORGAN = tuple(h % 2 / h for h in range(1, 16)), (1.0, 0.8, 0.5, 0.7, 0.0, 0.3, 0.0, 0.5)

PAD = _Style(-6.0, "I vi IV V", 4, SOFT, 0.3, 6.0, "x-------", breath=0.04, band=(2000.0, 5000.0))
VERSE = _Style(-3.0, "vi IV I V", 4, STRING, 0.004, 0.35, "01230123", n_bars=8)
VERSE = VERSE._replace(bass="x--xx---", kick="x---x---", hat="--x---x-")
CHORUS = _Style(0.0, "IV V I vi", 5, SAW, 0.01, 0.5, "x-x-x-xx")
CHORUS = CHORUS._replace(bass="xxxxxxxx", kick="x---x---", snare="--x---x-", hat="xxxxxxxx")
BRIDGE = _Style(-4.0, "ii bVII bVI V", 3, ORGAN, 0.05, 5.0, "x---x---", bass="x-------", breath=0.1)
SOLO = _Style(-2.0, "iii vi ii V", 5, BELL, 0.002, 0.8, "0-213-2-", bass="x-x-x-x-", hat="--x---x-")
BREAK = _Style(-2.0, "iv iv I I", 3, REED, 0.005, 0.15, "x--x--x-", bass="x--x--x-")
BREAK = BREAK._replace(kick="x-x-x-x-", snare="--x---xx", hat="xxxxxxxx")
STYLES = (PAD, VERSE, CHORUS, BRIDGE, SOLO, BREAK)  # in the order in which sections appear


def song(
    form: str | Sequence[str] = "ABCBCDC",
    *,
    sr: float = 22050.0,
    tempo: float = 120.0,
    random_state: RandomState = None,
    dtype: DTypeLike = "float64",
) -> Song:
    """Return a small song with known sections.

    Each distinct label of `form` gets, in order of appearance, one of six styles: a pad without drums, a
    plucked verse, a loud chorus with full drums, an organ bridge, a bell solo, a break. A style has its own
    chord progression, register, timbre, rhythm and number of bars (8 for the verse, 4 for the others).

    Parameters
    ----------
    form : str or sequence of str
        The label of each section in order, at most six distinct. The default is an intro, then verse,
        chorus, verse, chorus, bridge and chorus, 72 s at the default tempo.
    sr : float
        Sample rate in Hz, at least 4000.
    tempo : float
        Beats per minute in [30, 300], four beats a bar.
    random_state : int, numpy.random.Generator or None
        Source of the key, the phases, the noises and the levels; the same number gives the same song.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    Song
        The signal, its peak at 0.9, and its truth.

    Raises
    ------
    ValueError
        If `form` is empty or has more than six distinct labels, or a number is out of range.

    Notes
    -----
    Repetitions share harmony, timbre and rhythm, not samples: phases and noises are drawn anew, notes vary
    by 0.5 dB and whole sections by 1 dB. Sections begin and end by fades of 5 ms and do not overlap. Half a
    second of computing makes the default song.

    Examples
    --------
    >>> truth = song("ABA", sr=8000, random_state=0)
    >>> truth.boundaries.tolist(), truth.labels
    ([0.0, 8.0, 24.0, 32.0], ['A', 'B', 'A'])
    """
    sr = as_number(sr, "sr", low=4000.0)
    labels = list(form)
    order = list(dict.fromkeys(labels))
    if not 1 <= len(order) <= len(STYLES):
        msg = f"form must have 1 to {len(STYLES)} distinct labels, got {len(order)}"
        raise ValueError(msg)
    rng = np.random.default_rng(random_state)
    key = float(rng.integers(-5, 7))  # semitones above C
    bar = 240.0 / as_number(tempo, "tempo", low=30.0, high=300.0)
    styles = [STYLES[order.index(label)] for label in labels]
    n_bars = np.cumsum([0, *(style.n_bars for style in styles)])
    edges = np.rint(n_bars * bar * sr).astype(np.int64)
    sections = [_section(style, key, int(n), bar, sr, rng) for style, n in zip(styles, np.diff(edges), strict=True)]
    y = np.concatenate(sections)
    y *= 0.9 / np.abs(y).max()
    return Song(y.astype(as_dtype(dtype), copy=False), sr, edges / sr, labels)


def _section(style: _Style, key: float, n_samples: int, bar: float, sr: float, rng: np.random.Generator) -> Float:
    """Render one section: chords, bass, drums and the bed of noise."""
    y = np.zeros(n_samples)

    def add(sound: Float, start: int, level: float) -> None:
        sound = sound[: n_samples - start]
        y[start : start + len(sound)] += level * 10 ** (rng.uniform(-0.5, 0.5) / 20) * sound

    chords = [_chord(name) for name in style.progression.split()]
    for step in range(style.n_bars * STEPS):
        start = round(step * bar / STEPS * sr)
        chord = chords[step // STEPS % len(chords)]
        now = step % STEPS
        stroke = style.strokes[now]
        struck = chord if stroke == "x" else chord[int(stroke) : int(stroke) + 1] if stroke != "-" else ()
        rest = bar * (STEPS - now) / STEPS  # a chord ends with its bar
        for semitone in struck:
            pitch = _pitch(key + semitone, style.octave)
            add(_note(pitch, style.harmonics, rest, style.attack, style.decay, sr, rng), start, 0.25)
        if style.bass[now] == "x":
            add(_note(_pitch(key + chord[0], 2), STRING, bar / 4, 0.005, 0.3, sr, rng), start, 0.45)
        if style.kick[now] == "x":
            add(_kick(sr), start, 0.9)
        if style.snare[now] == "x":
            add(_burst(0.07, (180.0, 4000.0), sr, rng), start, 0.5)
        if style.hat[now] == "x":
            add(_burst(0.025, (6000.0, 12000.0), sr, rng), start, 0.2)
    if style.breath:
        add(_band_noise(n_samples, style.band, sr, rng), 0, style.breath)
    return _fade(y, sr) * 10 ** ((style.level + rng.uniform(-1.0, 1.0)) / 20)


def _chord(name: str) -> tuple[int, ...]:
    """Semitones above the key of a chord named by its degree; lower case is minor."""
    minor = name == name.lower()
    root = DEGREES[name.upper() if minor else name]
    return root, root + 4 - minor, root + 7, root + 12


def _pitch(semitones: float, octave: int) -> float:
    """Frequency in Hz of a note so many semitones above the C of an octave."""
    return float(440.0 * 2 ** ((semitones - 9) / 12 + octave - 4))


def _note(
    pitch: float,
    harmonics: tuple[float, ...],
    duration: float,
    attack: float,
    decay: float,
    sr: float,
    rng: np.random.Generator,
) -> Float:
    """Return a harmonic tone with random phases, a linear attack and an exponential decay (s)."""
    kept = np.array(harmonics)[: int(sr / 2 / pitch)]  # those below half the sample rate
    spectrum = np.zeros(TABLE // 2 + 1, dtype=np.complex128)
    spectrum[1 : len(kept) + 1] = kept * np.exp(2j * np.pi * rng.random(len(kept))) * TABLE / 2
    period = np.append(table := np.fft.irfft(spectrum), table[0])
    t = np.arange(round(duration * sr)) / sr
    wave = np.interp(pitch * t % 1.0, np.linspace(0.0, 1.0, TABLE + 1), period)
    return _fade(wave * np.minimum(t / attack, 1.0) * np.exp(-t / decay), sr)


def _kick(sr: float) -> Float:
    """Return a drum that falls from 130 Hz to 50 Hz."""
    t = np.arange(round(0.3 * sr)) / sr
    return _fade(np.sin(2 * np.pi * (50.0 * t - 80.0 * 0.03 * np.expm1(-t / 0.03))) * np.exp(-t / 0.1), sr)


def _burst(decay: float, band: tuple[float, float], sr: float, rng: np.random.Generator) -> Float:
    """Return a stroke of noise that dies away in `decay` seconds."""
    t = np.arange(round(5 * decay * sr)) / sr
    return _fade(_band_noise(len(t), band, sr, rng) * np.exp(-t / decay), sr)


def _band_noise(n_samples: int, band: tuple[float, float], sr: float, rng: np.random.Generator) -> Float:
    """Return noise of about unit level in a band of Hz, moved below half the sample rate where needed."""
    high = min(band[1], 0.45 * sr)
    low = min(band[0], 0.5 * high)
    sections = butter(2, (low, high), btype="bandpass", fs=sr, output="sos")
    noise: Float = sosfilt(sections, rng.standard_normal(n_samples)) * np.sqrt(0.5 * sr / (high - low))
    return noise


def _fade(y: Float, sr: float) -> Float:
    """Return `y` with its first and last 5 ms faded, against clicks."""
    n_samples = min(round(0.005 * sr), len(y) // 2)
    ramp = np.sin(0.5 * np.pi * (np.arange(n_samples) + 0.5) / n_samples) ** 2
    y = y.copy()
    y[:n_samples] *= ramp
    y[len(y) - n_samples :] *= ramp[::-1]
    return y
