"""Signals with known truth: tones, clicks, autoregressive noise, and songs with known sections."""

from audiofeat.synth.music import song
from audiofeat.synth.signals import Song, ar_noise, ar_regimes, clicks, tone

__all__ = ["Song", "ar_noise", "ar_regimes", "clicks", "song", "tone"]
