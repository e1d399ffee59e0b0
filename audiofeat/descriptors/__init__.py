"""Frame-level descriptors under librosa's names, equal to it and made of shared spectra."""

from audiofeat.descriptors.chroma import chroma_stft, tonnetz
from audiofeat.descriptors.contrast import spectral_contrast
from audiofeat.descriptors.levels import rms, zero_crossing_rate
from audiofeat.descriptors.shape import (
    poly_features,
    spectral_bandwidth,
    spectral_centroid,
    spectral_flatness,
    spectral_rolloff,
)

__all__ = [
    "chroma_stft",
    "poly_features",
    "rms",
    "spectral_bandwidth",
    "spectral_centroid",
    "spectral_contrast",
    "spectral_flatness",
    "spectral_rolloff",
    "tonnetz",
    "zero_crossing_rate",
]
