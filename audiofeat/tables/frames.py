"""Tables of frames."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import as_signal
from audiofeat.fourier.framing import Window
from audiofeat.tables.rows import NAMES, as_plan, columns_of, rows_of
from audiofeat.tables.table import FeatureTable


def frames(
    y: ArrayLike,
    sr: float,
    *,
    names: Sequence[str] = NAMES,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    n_mfcc: int = 20,
    top_db: float | None = None,
) -> FeatureTable:
    """Descriptors of frames in one table, of spectra that are computed once.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    sr : float
        Sample rate in Hz.
    names : sequence of str
        Descriptors, in the order of their columns: functions of this library, ``"mfcc"``, and its derivatives
        ``"mfcc_delta"`` and ``"mfcc_delta2"``. All of them if not given.
    n_fft, hop_length, win_length, window, center, pad_mode : as in `stft`
        Framing. Frames of `rms` and `zero_crossing_rate` have `n_fft` samples; those of the latter see the first
        and last samples go on beyond the ends, whatever `pad_mode`.
    n_mfcc : int
        Cepstral coefficients, from 1 to 128, of 128 mel bands.
    top_db : float, optional
        Range in dB of the bands that `mfcc` is made of, as in `power_to_db`.

    Returns
    -------
    FeatureTable
        A row to a frame, in the dtype of `y`. A descriptor of several rows has as many columns, from
        ``"mfcc_1"`` on.

    Raises
    ------
    ValueError
        If a name is unknown or there is none, an argument is out of its range, or `y` is empty, not finite, or
        too short without `center`.

    Notes
    -----
    Each is what the function of its name returns with these arguments, but for two limits that a table for all
    signals must not have: `spectral_contrast` has only the octaves that begin below ``sr / 2``, and derivatives
    of fewer frames than their 9 see the first and last frame go on beyond the ends.

    Spectra are computed in double precision, also of float32 signals, and rounded once. Memory beyond `y` and the
    table does not grow with the length.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import frames
    >>> table = frames(np.sin(np.arange(22050.0)), 22050, names=["spectral_centroid", "chroma_stft"])
    >>> table.values.shape, table.columns[:3]
    ((44, 13), ('spectral_centroid', 'chroma_stft_1', 'chroma_stft_2'))
    """
    plan = as_plan(sr, names, NAMES, n_fft, hop_length, win_length, window, center, pad_mode, n_mfcc, top_db)
    y = as_signal(y)
    items = [rows_of(item, plan) for item in y.reshape(-1, y.shape[-1])]
    values = np.stack([np.concatenate([rows[name] for name in plan.names]).T for rows in items])
    first = 0.0 if center else n_fft / 2.0
    times = (first + plan.frames.whole.hop_length * np.arange(values.shape[1])) / plan.sr
    return FeatureTable(columns_of(items[0], plan.names), values.reshape(*y.shape[:-1], *values.shape[1:]), times)
