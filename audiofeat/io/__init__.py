"""Audio files to arrays and back: soundfile decodes, soxr resamples, no header is taken at its word."""

from audiofeat.io.errors import AudioError
from audiofeat.io.header import AudioInfo, info
from audiofeat.io.reading import load, stream
from audiofeat.io.writing import save

__all__ = ["AudioError", "AudioInfo", "info", "load", "save", "stream"]
