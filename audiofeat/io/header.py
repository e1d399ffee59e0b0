"""What a header says."""

import os
from typing import NamedTuple

from audiofeat.io._files import open_audio


class AudioInfo(NamedTuple):
    """What a file's header says; nothing has been decoded, so nothing is known to be true.

    Attributes
    ----------
    path : str
        The file.
    sr : int
        Sample rate in Hz.
    n_channels : int
        Number of channels.
    declared_samples : int or None
        Samples per channel that the header declares; None where it declares none (FLAC written to a
        pipe, MP3 without a frame count). Decoding may give fewer.
    format, subtype : str
        Container and coding, as libsndfile names them: ``"WAV"``, ``"PCM_16"``.

    Examples
    --------
    >>> from audiofeat import AudioInfo
    >>> AudioInfo("a.wav", 8000, 1, 4000, "WAV", "PCM_16").declared_duration
    0.5
    """

    path: str
    sr: int
    n_channels: int
    declared_samples: int | None
    format: str
    subtype: str

    @property
    def declared_duration(self) -> float | None:
        """Declared length in seconds, or None."""
        return None if self.declared_samples is None else self.declared_samples / self.sr


def info(path: str | os.PathLike[str]) -> AudioInfo:
    """Read the header of an audio file.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    AudioInfo
        Path, rate, channels, *declared* length, format and subtype. A header may lie: only `load` and
        `stream` know how much audio there is.

    Raises
    ------
    AudioError
        If the file is missing, empty, or not audio.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from audiofeat import info, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/a.flac", np.zeros(8000), 8000)
    ...     header = info(f"{folder}/a.flac")
    >>> header.sr, header.n_channels, header.declared_duration, header.format, header.subtype
    (8000, 1, 1.0, 'FLAC', 'PCM_16')
    """
    name, file, declared = open_audio(path)
    with file:
        return AudioInfo(name, int(file.samplerate), int(file.channels), declared, file.format, file.subtype)
