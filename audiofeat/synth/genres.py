"""Small corpora of made-up music with known classes: ten genres, or classes of tempo or of timbre alone."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.signal import lfilter

from audiofeat._validation import as_choice, as_count, as_number
from audiofeat.synth import music
from audiofeat.synth.signals import Float, RandomState, _n_samples, as_dtype

TIMBRES: dict[str, tuple[float, ...]] = {
    "bell": music.BELL,
    "brass": (0.5, 0.8, 1.0, 0.8, 0.5, 0.3, 0.15, 0.1),
    "flute": (1.0, 0.02),
    "nasal": (0.5, 0.05, 0.05, 0.1, 0.3, 0.8, 1.0, 0.8, 0.3),
    "organ": music.ORGAN,
    "pulse": tuple(abs(np.sin(np.pi * h / 5)) for h in range(1, 20)),
    "reed": music.REED,
    "saw": music.SAW,
    "soft": music.SOFT,
    "string": music.STRING,
}
TEMPI = {f"{tempo:.0f}-bpm": tempo for tempo in np.geomspace(60.0, 180.0, 10).tolist()}  # 13 % apart
SPREAD = 0.04  # of the tempi of such a class, either way: classes do not meet
TAIL = 6.0  # decays after which a note is 52 dB down, and ends
MISSED = 0.08  # share of the strokes of a pattern that a track leaves out


class _Genre(NamedTuple):
    """What the tracks of a class share: choices, of which a track takes one, stand between bars."""

    tempo: tuple[float, float]  # beats per minute
    timbres: str
    octave: int
    progressions: str  # one chord a bar of the music
    strokes: str  # of the chord, a character per step: x all its notes, 0 1 2 3 one of them
    attack: float  # beats, so that music of another tempo has the same spectra
    decay: float  # beats
    bass: str = ""
    kick: str = ""
    snare: str = ""
    hat: str = ""
    n_beats: int = 4  # of a bar
    swing: float = 0.0  # how late every other step is, in steps
    bed: float = 0.0  # level of noise from 2 to 5 kHz


AMBIENT = _Genre((55, 85), "soft|organ", 4, "I vi IV V|I IV", "x-------|x---x---", 1.0, 8.0, "x-------", bed=0.03)
BLUES = _Genre((80, 130), "reed|string", 3, "I IV I V|I I IV I", "x-xxx-xx|x-x-x-xx", 0.02, 0.8, "x-x-x-x-")
BLUES = BLUES._replace(kick="x---x---", snare="--x---x-", hat="x-xxx-xx|x-x-x-x-", swing=0.33)
DISCO = _Genre((108, 132), "string|saw", 4, "vi IV I V|ii V I vi", "-x-x-x-x|x-xx-xx-", 0.02, 0.5, "xxxxxxxx|-x-x-x-x")
DISCO = DISCO._replace(kick="x-x-x-x-", snare="--x---x-", hat="-x-x-x-x|xxxxxxxx")
FOLK = _Genre((85, 140), "string|flute", 4, "I IV V I|I V vi IV", "01230123|0213021x", 0.01, 0.7, "x---x---|--------")
HIPHOP = _Genre((70, 105), "bell|soft", 3, "vi vi IV IV|i iv", "x-----------x---|------x---x-----", 0.02, 1.0)
HIPHOP = HIPHOP._replace(bass="x-----x---x-----|x--x------x-----", kick="x-----x---x-----|x--x------x-----")
HIPHOP = HIPHOP._replace(snare="----x-------x---", hat="x-x-x-x-x-x-xxx-|xxxxxxxxxxxxxxxx")
JAZZ = _Genre((110, 200), "reed|brass", 4, "ii V I vi|iii vi ii V", "0-2-1-3x|x--x-1-2", 0.03, 0.9, "x-x-x-x-")
JAZZ = JAZZ._replace(snare="-------x|---x----", hat="x-xxx-xx", swing=0.33)
METAL = _Genre((125, 200), "saw|pulse", 2, "i bVII bVI bVII|i i bVI V", "xxxxxxxx|x-xxx-xx", 0.02, 0.6, "xxxxxxxx")
METAL = METAL._replace(kick="xxxxxxxx|x-xxx-xx", snare="--x---x-", hat="x-x-x-x-", bed=0.03)
REGGAE = _Genre((70, 100), "organ|string", 4, "I IV|I V vi IV", "-x-x-x-x|--x---x-", 0.02, 0.2, "x--x-x--|--x--xx-")
REGGAE = REGGAE._replace(kick="----x---", snare="----x---|--------", hat="x-x-x-x-|x-xxx-xx")
TECHNO = _Genre((118, 145), "saw|pulse", 3, "i i i i|i i bVI bVI", "x--x--x--x--x--x|--x---x---x---x-", 0.02, 0.25)
TECHNO = TECHNO._replace(bass="--x---x---x---x-|--xx--xx--xx--xx", kick="x---x---x---x---", hat="--x---x---x---x-")
WALTZ = _Genre((85, 180), "string|flute", 4, "I V V I|I IV V I", "--x-x-|0-x-x-", 0.03, 0.6, "x-----", n_beats=3)
NAMES = ("ambient", "blues", "disco", "folk", "hiphop", "jazz", "metal", "reggae", "techno", "waltz")
GENRES = dict(zip(NAMES, (AMBIENT, BLUES, DISCO, FOLK, HIPHOP, JAZZ, METAL, REGGAE, TECHNO, WALTZ), strict=True))
# One chord and no drum whose length is in seconds: frames in another order are those of another tempo.
PLAIN = _Genre((60, 180), "|".join(TIMBRES), 4, "I|i", "x-x-x-x-|x-x-x-xx", 0.02, 0.5, hat="x-x-x-x-")
CLASSES = {
    "genre": GENRES,
    "tempo": {name: PLAIN._replace(tempo=(t * (1 - SPREAD), t * (1 + SPREAD))) for name, t in TEMPI.items()},
    "timbre": {name: PLAIN._replace(timbres=name) for name in TIMBRES},
}


class GenreCorpus(NamedTuple):
    """Clips of made-up music, with their classes.

    Attributes
    ----------
    y : ndarray, shape (n_clips, n_samples)
        The clips, each with its peak in [0.2, 0.9].
    sr : float
        Sample rate in Hz.
    labels : list of str
        Class of each clip, sorted.
    tempi : ndarray, shape (n_clips,)
        Tempo of each clip in beats per minute.

    Examples
    --------
    >>> corpus = GenreCorpus(np.zeros((2, 4000)), 8000.0, ["jazz", "waltz"], np.array([140.0, 90.0]))
    >>> dict(zip(corpus.labels, corpus.tempi.tolist()))
    {'jazz': 140.0, 'waltz': 90.0}
    """

    y: Float
    sr: float
    labels: list[str]
    tempi: NDArray[np.float64]


def genre_corpus(
    n_tracks: int = 20,
    *,
    by: str = "genre",
    classes: Sequence[str] | None = None,
    sr: float = 22050.0,
    duration: float = 3.0,
    random_state: RandomState = None,
    dtype: DTypeLike = "float32",
) -> GenreCorpus:
    """Return a corpus of ten classes of short clips of made-up music, to test classifiers on.

    Parameters
    ----------
    n_tracks : int
        Clips of each class, each a track of its own.
    by : {"genre", "tempo", "timbre"}
        What classes differ in. Genres differ in tempo, rhythm, harmony, register and timbre, and share some of each,
        so that none tells all of them apart. Classes of tempo are 13 % apart from 60 to 180 beats per minute, and have
        the same sounds, chords and rhythm; those of timbre have all tempi and ten spectra of notes.
    classes : sequence of str or None
        The classes to make; None makes all: ambient, blues, disco, folk, hiphop, jazz, metal, reggae, techno and
        waltz; or tempi from ``"60-bpm"``; or bell, brass, flute, nasal, organ, pulse, reed, saw, soft and string.
    sr : float
        Sample rate in Hz, at least 4000.
    duration : float
        Length of each clip in seconds, rounded to samples.
    random_state : int, numpy.random.Generator or None
        Source of what tracks of a class do not share; the same number gives the same corpus, and the same tracks to
        a smaller one.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    GenreCorpus
        Clips class by class, with labels and tempi.

    Raises
    ------
    ValueError
        If `by` or one of `classes` is not known, there are no classes, or a number is out of range.

    See Also
    --------
    write_genre_corpus : The same as files.

    Notes
    -----
    A track draws its key, tempo and instrument, one of the chord progressions and patterns of its class, which strokes
    it leaves out, the balance of chords, bass and drums (3 dB either way), a filter, a noise floor 20 to 40 dB below
    it, its level, and where in a bar it begins. Notes are as long in beats at every tempo: classes of tempo
    have the same spectra, in other orders.

    Examples
    --------
    >>> from audiofeat.synth import genre_corpus
    >>> corpus = genre_corpus(2, classes=["jazz", "waltz"], sr=8000, random_state=0)
    >>> corpus.y.shape, corpus.labels
    ((4, 24000), ['jazz', 'jazz', 'waltz', 'waltz'])
    """
    n_tracks = as_count(n_tracks, "n_tracks")
    known = CLASSES[as_choice(by, "by", CLASSES)]
    chosen = sorted({as_choice(name, "classes", known) for name in (known if classes is None else classes)})
    if not chosen:
        msg = "classes must have at least 1 class, got none"
        raise ValueError(msg)
    sr = as_number(sr, "sr", low=4000.0)
    n_samples = _n_samples(duration, sr)
    y = np.empty((len(chosen) * n_tracks, n_samples), dtype=as_dtype(dtype))
    labels = [name for name in chosen for _ in range(n_tracks)]
    tempi = np.empty(len(y))
    streams = dict(zip(known, np.random.default_rng(random_state).spawn(len(known)), strict=True))
    tracks = [rng for name in chosen for rng in streams[name].spawn(n_tracks)]
    for i, (name, rng) in enumerate(zip(labels, tracks, strict=True)):
        tempi[i] = rng.uniform(*known[name].tempo)
        y[i] = _track(known[name], tempi[i], n_samples, sr, rng)
    return GenreCorpus(y, sr, labels, tempi)


def write_genre_corpus(folder: str | os.PathLike[str], corpus: GenreCorpus) -> None:
    """Write a corpus as a folder of WAV files for each class, which `audiofeat.datasets.load_folder` loads.

    Parameters
    ----------
    folder : str or os.PathLike
        Where; it is made. Files are ``jazz/jazz.00000.wav`` and so on, in 16 bits.
    corpus : GenreCorpus
        What `genre_corpus` returned.

    Raises
    ------
    FileExistsError
        If there is something in `folder`: what is left there would be loaded too.
    AudioError
        If a file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from audiofeat.datasets import load_folder
    >>> from audiofeat.synth import genre_corpus, write_genre_corpus
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_genre_corpus(folder, genre_corpus(2, classes=["jazz", "waltz"], sr=8000, random_state=0))
    ...     load_folder(folder).track.tolist()
    ['jazz/jazz.00000', 'jazz/jazz.00001', 'waltz/waltz.00000', 'waltz/waltz.00001']
    """
    from audiofeat.io import save  # signals need no encoder

    top = Path(folder)
    top.mkdir(parents=True, exist_ok=True)
    if any(top.iterdir()):
        msg = f"folder must be empty, or not be there yet, got {str(top)!r}"
        raise FileExistsError(msg)
    numbers: dict[str, int] = {}
    for y, label in zip(corpus.y, corpus.labels, strict=True):
        number = numbers[label] = numbers.get(label, -1) + 1
        (top / label).mkdir(exist_ok=True)
        save(top / label / f"{label}.{number:05d}.wav", y, corpus.sr)


def _track(genre: _Genre, tempo: float, n_samples: int, sr: float, rng: np.random.Generator) -> Float:
    """Render a track of a class."""

    def choice(between: str) -> str:
        return str(rng.choice(between.split("|")))

    harmonics, strokes = TIMBRES[choice(genre.timbres)], choice(genre.strokes)
    chords = [music._chord(name) for name in choice(genre.progressions).split()]
    key, first = int(rng.integers(-5, 7)), int(rng.integers(len(chords)))
    beat = 60.0 / tempo
    step = beat * genre.n_beats / len(strokes)
    skipped = round(rng.uniform(0.0, step * len(strokes)) * sr)
    y = np.zeros(skipped + n_samples)
    attack, decay = genre.attack * beat, genre.decay * beat
    for_chords, for_bass, for_drums = 10 ** (rng.uniform(-3.0, 3.0, 3) / 20)

    def play(sound: Float, start: int, level: float) -> None:
        sound = sound[: len(y) - start]
        y[start : start + len(sound)] += level * 10 ** (rng.uniform(-0.5, 0.5) / 20) * sound

    silent = "-" * len(strokes)
    bass, kick, snare, hat = (choice(drum) or silent for drum in (genre.bass, genre.kick, genre.snare, genre.hat))
    longest = min(step * len(strokes), attack + TAIL * decay)

    @cache
    def note(semitone: int) -> Float:
        pitch = music._pitch(key + semitone, genre.octave)
        return music._note(pitch, harmonics, longest, attack, decay, sr, rng)

    @cache
    def low(semitone: int) -> Float:
        return music._note(music._pitch(key + semitone, 2), music.STRING, beat, 0.01 * beat, 0.6 * beat, sr, rng)

    for number in range(int(len(y) / sr / step) + 1):
        bar, now = divmod(number, len(strokes))
        start = round((number + genre.swing * (now % 2)) * step * sr)
        played = rng.random(5) >= MISSED
        if start >= len(y):
            break
        chord = chords[(first + bar) % len(chords)]
        rest = round(step * (len(strokes) - now) * sr)  # a chord ends with its bar
        stroke = strokes[now] if played[0] else "-"
        for semitone in chord if stroke == "x" else chord[int(stroke) : int(stroke) + 1] if stroke != "-" else ():
            play(music._fade(note(semitone)[:rest], sr), start, 0.25 * for_chords)
        if bass[now] == "x" and played[1]:
            play(low(chord[0]), start, 0.45 * for_bass)
        if kick[now] == "x" and played[2]:
            play(music._kick(sr), start, 0.9 * for_drums)
        if snare[now] == "x" and played[3]:
            play(music._burst(0.14 * beat, (180.0, 4000.0), sr, rng), start, 0.5 * for_drums)
        if hat[now] == "x" and played[4]:
            play(music._burst(0.05 * beat, (6000.0, 12000.0), sr, rng), start, 0.2 * for_drums)
    return _recorded(y[skipped:], genre.bed, sr, rng)


def _recorded(y: Float, bed: float, sr: float, rng: np.random.Generator) -> Float:
    """Return music as it might be recorded: with noise, through a filter, at some level."""
    loudness = max(float(np.sqrt(np.mean(y**2))), 0.01)  # a clip may lie between two strokes
    floor = loudness * 10 ** (rng.uniform(-40.0, -20.0) / 20)
    y = y + floor * rng.standard_normal(len(y))
    if bed:
        y += bed * 10 ** (rng.uniform(-3.0, 3.0) / 20) * music._band_noise(len(y), (2000.0, 5000.0), sr, rng)
    y = music._fade(lfilter([1.0, rng.uniform(-0.4, 0.4)], [1.0], y), sr)
    y *= rng.uniform(0.2, 0.9) / np.abs(y).max()
    return y
