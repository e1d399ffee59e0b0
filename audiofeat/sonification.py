"""Audio files of sections: with clicks at their borders, and the typical excerpt."""

import os
from pathlib import Path

import numpy as np

from audiofeat._files import replacing
from audiofeat.clicks import mixed
from audiofeat.io import info, load, save, stream
from audiofeat.sections import Segmentation

BLOCK = 1 << 18  # samples in memory together
LARGEST = (1 << 32) - 4096  # bytes of samples that fit into a WAV; RF64 is the same with longer counts


def save_clicks(target: str | os.PathLike[str], segmentation: Segmentation, path: str | os.PathLike[str]) -> None:
    """Write a file's sound with clicks at the borders of its sections, as `Segmentation.sonify`.

    The file is read twice, block by block, at its own rate and with all its channels.

    Parameters
    ----------
    target : str or os.PathLike
        The WAV to write, of 16 bits; what is too long for one becomes RF64.
    segmentation : Segmentation
        The sections of the file.
    path : str or os.PathLike
        The file.

    Raises
    ------
    AudioError
        If the file cannot be read.
    """
    import soundfile as sf

    header, goal = info(path), Path(target)
    peak, n_samples = 0.0, 0
    for block in stream(path, block=BLOCK, mono=False):
        peak, n_samples = max(peak, float(np.abs(block).max())), n_samples + block.shape[-1]
    container = "WAV" if 2 * n_samples * header.n_channels <= LARGEST else "RF64"
    with (
        replacing(goal) as temporary,
        sf.SoundFile(temporary, "w", header.sr, header.n_channels, format=container, subtype="PCM_16") as file,
    ):
        begin = 0
        for block in stream(path, block=BLOCK, mono=False):
            end = begin + block.shape[-1]
            file.write(mixed(block, segmentation.click_track(begin, end, header.sr), peak=peak).T)
            begin = end


def save_thumbnail(
    target: str | os.PathLike[str], segmentation: Segmentation, path: str | os.PathLike[str], *, duration: float
) -> None:
    """Write the typical excerpt of a file, at its own rate and with all its channels.

    Parameters
    ----------
    target : str or os.PathLike
        File to write, as for `save`.
    segmentation : Segmentation
        The sections of the file.
    path : str or os.PathLike
        The file.
    duration : float
        Length in seconds, as for `Segmentation.thumbnail`.

    Raises
    ------
    AudioError
        If a file cannot be read or written.
    ValueError
        If `duration` is not above 0.
    """
    start, end = segmentation.thumbnail(duration)
    y, sr = load(path, mono=False, offset=start, duration=end - start)
    save(target, y / max(1.0, float(np.abs(y).max())), sr)  # lossy codings decode to somewhat more than 1
