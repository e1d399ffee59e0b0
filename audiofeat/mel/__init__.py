"""Mel bands: scales, filter bank, spectrograms in bands, and decibels."""

from audiofeat.mel.bands import logmel, mel_filterbank, melspectrogram
from audiofeat.mel.decibels import amplitude_to_db, db_to_amplitude, db_to_power, power_to_db
from audiofeat.mel.scales import hz_to_mel, mel_frequencies, mel_to_hz

__all__ = [
    "amplitude_to_db",
    "db_to_amplitude",
    "db_to_power",
    "hz_to_mel",
    "logmel",
    "mel_filterbank",
    "mel_frequencies",
    "mel_to_hz",
    "melspectrogram",
    "power_to_db",
]
