"""The outline of an audio file: what a picture shows of it, read without holding the file in memory."""

import os
from dataclasses import replace

import numpy as np

from audiofeat._validation import Float
from audiofeat.io import stream
from audiofeat.sections import Segmentation

STEPS = 1 << 18  # of a file that is drawn, a hundred to each pixel


def outlined(segmentation: Segmentation, path: str | os.PathLike[str]) -> tuple[Segmentation, Float]:
    """Return the sections in steps of some samples, and the file's least and greatest sample in each of them.

    A picture shows no more, and the file is never whole in memory. In short files a step is one sample.

    Parameters
    ----------
    segmentation : Segmentation
        The sections of the file.
    path : str or os.PathLike
        The file, which is resampled to ``segmentation.sr``.

    Returns
    -------
    coarse : Segmentation
        The same sections; its sample rate is the steps per second, its borders are rounded to steps.
    extremes : ndarray, shape (2, n_steps)
        The signal for pictures at that rate: least and greatest sample in each step.

    Raises
    ------
    AudioError
        If the file cannot be read.
    """
    step = -(-int(segmentation.boundary_samples[-1]) // STEPS)
    extremes = []
    for block in stream(path, block=step * -(-STEPS // step), sr=segmentation.sr):
        starts = np.arange(0, len(block), step)
        extremes.append([np.minimum.reduceat(block, starts), np.maximum.reduceat(block, starts)])
    boundaries, windows = (
        np.rint(at / step).astype(np.intp) for at in (segmentation.boundary_samples, segmentation.window_samples)
    )
    rate = segmentation.sr / step
    coarse = replace(segmentation, sr=rate, boundary_samples=boundaries, window_samples=windows)
    return coarse, np.concatenate(extremes, axis=1)
