"""Write audio files, whole or not at all."""

import os
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import ArrayLike

from audiofeat._files import replacing
from audiofeat._validation import as_choice, as_rate, as_signal
from audiofeat.io._files import reason_of
from audiofeat.io.errors import AudioError

BLOCK = 2**16  # frames encoded at once
# Extensions that are not libsndfile's names of formats.
BY_NAME = {"aif": ("AIFF", None), "oga": ("OGG", None), "opus": ("OGG", "OPUS"), "wave": ("WAV", None)}


def save(path: str | os.PathLike[str], y: ArrayLike, sr: float, *, subtype: str | None = None) -> None:
    """Write a signal to an audio file.

    The file is written under a temporary name in the same folder and then renamed: `path` is never
    half a file.

    Parameters
    ----------
    path : str or os.PathLike
        File to write or replace; its extension gives the format, such as ``.wav``, ``.flac``, ``.ogg``,
        ``.opus``, ``.mp3`` or ``.aiff``.
    y : array_like, shape (n_samples,) or (n_channels, n_samples)
        The signal. Within [-1, 1], unless the subtype is ``"FLOAT"`` or ``"DOUBLE"``: nothing is clipped.
    sr : float
        Sample rate in Hz, integral.
    subtype : str or None, default=None
        Coding, as libsndfile names it: ``"PCM_U8"``, ``"PCM_16"``, ``"PCM_24"``, ``"FLOAT"``, …; None is
        libsndfile's default for the format (16-bit PCM for WAV and FLAC).

    Raises
    ------
    ValueError
        If the extension or the subtype is not known, `sr` is not integral, or `y` is empty, not finite or
        would be clipped.
    AudioError
        If the file cannot be written, or the format does not offer this rate or number of channels.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from audiofeat import load, save
    >>> y = np.array([0.0, 0.5, -1.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/a.wav", y, 8000, subtype="PCM_24")
    ...     load(f"{folder}/a.wav", dtype="float64")
    (array([ 0. ,  0.5, -1. ]), 8000)
    """
    signal = as_signal(y)
    if signal.ndim > 2:
        msg = f"y must have shape (n_samples,) or (n_channels, n_samples), got {signal.shape}"
        raise ValueError(msg)
    rate = as_rate(sr)
    if not rate.is_integer():
        msg = f"sr must be integral in a file, got {sr}"
        raise ValueError(msg)
    target = Path(path)
    extension = target.suffix[1:].lower()
    container, coding = BY_NAME.get(extension, (extension.upper(), None))
    if container == "RAW":  # without a header it could not be read back
        container = ""
    as_choice(container, "the format, from the extension of path,", sf.available_formats())
    coding = subtype or coding or sf.default_subtype(container)
    as_choice(coding, "subtype", sf.available_subtypes(container))
    peak = float(np.abs(signal).max())
    if peak > 1.0 and coding not in ("FLOAT", "DOUBLE"):
        msg = f"y must be within [-1, 1] to be written as {coding}, got a peak of {peak:g}"
        raise ValueError(msg)
    frames = signal.reshape(-1, signal.shape[-1]).T
    try:
        with (
            replacing(target) as temporary,
            sf.SoundFile(temporary, "w", int(rate), frames.shape[1], subtype=coding, format=container) as file,
        ):
            for start in range(0, len(frames), BLOCK):
                file.write(frames[start : start + BLOCK])
    except OSError as error:
        raise AudioError(str(target), error.strerror or str(error)) from error
    except sf.LibsndfileError as error:
        reason = f"cannot be written as {container}/{coding} ({reason_of(error)})"
        raise AudioError(str(target), reason) from error
