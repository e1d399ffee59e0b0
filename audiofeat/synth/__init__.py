"""Signals with known truth: tones, clicks, autoregressive noise, songs of known sections, corpora of known genres."""

from audiofeat.synth.genres import GenreCorpus, genre_corpus, write_genre_corpus
from audiofeat.synth.music import song
from audiofeat.synth.signals import Song, ar_noise, ar_regimes, clicks, tone

__all__ = [
    "GenreCorpus",
    "Song",
    "ar_noise",
    "ar_regimes",
    "clicks",
    "genre_corpus",
    "song",
    "tone",
    "write_genre_corpus",
]
