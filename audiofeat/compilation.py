"""Compile, or load, what would otherwise be at a first call."""

from collections.abc import Collection

import numpy as np

from audiofeat._validation import as_choice
from audiofeat.ar import fit_ar
from audiofeat.descriptors import (
    chroma_stft,
    spectral_bandwidth,
    spectral_contrast,
    spectral_flatness,
    spectral_rolloff,
)
from audiofeat.fourier import stft
from audiofeat.mel import logmel


def warmup(dtypes: Collection[str] = ("float32", "float64")) -> None:
    """Compile every kernel, or load it from the disk where that has been done before.

    Otherwise it happens at the first call that needs a kernel, and takes a few seconds once on a machine, and
    a fifth of a second in each process after that. It pays before a measurement, a real-time loop, or a fork.

    Parameters
    ----------
    dtypes : collection of {"float32", "float64"}
        Types of the signals that are to come.

    Raises
    ------
    ValueError
        If a type is another.

    Notes
    -----
    Compiled code is kept beside the library, or in the user's cache folder where that cannot be written, or
    where the environment variable ``NUMBA_CACHE_DIR`` says; where none can be written, every process compiles.

    Examples
    --------
    >>> import audiofeat
    >>> audiofeat.warmup(["float32"])
    """
    for dtype in dtypes:
        y = np.zeros(16, as_choice(dtype, "dtypes", ("float32", "float64")))
        stft(y, n_fft=16)  # the kernels of all front ends,
        logmel(y, 16.0, n_fft=16, n_mels=1, top_db=80.0)  # and that of a reference to the whole clip
        spectral_bandwidth(y, 16.0, n_fft=16)  # those of the descriptors,
        spectral_rolloff(y, 16.0, n_fft=16)
        spectral_flatness(y, n_fft=16)
        spectral_contrast(y, 16.0, n_fft=16, n_bands=1, fmin=4.0)
        chroma_stft(y, 1000.0, n_fft=16)
        for method in ("yule_walker", "burg"):  # and those of linear prediction
            fit_ar(y, order=1, method=method)
