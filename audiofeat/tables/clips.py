"""Tables of clips."""

from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._threads import in_order
from audiofeat._validation import Float, as_choice, as_signal
from audiofeat.fourier.framing import Window
from audiofeat.tables.gtzan import gtzan_plan, gtzan_row
from audiofeat.tables.rows import NAMES, Plan, Rows, as_plan, columns_of, rows_of
from audiofeat.tables.statistics import ALL, STATISTICS, statistics_of
from audiofeat.tables.table import FeatureTable

Item = ArrayLike | str | PathLike[str]

OF_CLIPS = ("hpss", "rhythm")  # not of frames, and through librosa
DEFAULTS = (2048, 512, None, "hann", True, "constant", 20, None)  # of the arguments from `n_fft` on


def describe(
    y: ArrayLike,
    sr: float,
    *,
    preset: str = "default",
    names: Sequence[str] = NAMES,
    statistics: Sequence[str] = STATISTICS,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    n_mfcc: int = 20,
    top_db: float | None = None,
) -> FeatureTable:
    """Statistics over a clip of the descriptors of its frames.

    Parameters
    ----------
    y : array_like, shape (..., n_samples)
        Signal. Leading axes are independent.
    sr : float
        Sample rate in Hz.
    preset : {"default", "gtzan"}
        ``"gtzan"`` gives the 57 columns of the table that is handed around with the GTZAN data set, as described
        below; the other arguments must then be left out.
    names : sequence of str
        Descriptors, as in `frames`, and, of the whole clip and through librosa, which takes a hundred times as
        long: ``"hpss"``, statistics of the samples of the ``harmonic`` and ``percussive`` part, and ``"rhythm"``,
        the columns of `rhythm_statistics`. All but these two if not given.
    statistics : sequence of {"mean", "var", "std", "skew", "kurtosis", "median", "min", "max"}
        What is told of each column of `frames`. Skewness and kurtosis (0 for a normal distribution) are those of
        the frames, without a correction for their number, and 0 where they are all alike.
    n_fft, hop_length, win_length, window, center, pad_mode, n_mfcc, top_db : as in `frames`
        How the descriptors are computed.

    Returns
    -------
    FeatureTable
        A row to a signal, values of shape (..., n_columns) in float64: ``"rms_mean"``, ``"mfcc_1_var"``.

    Raises
    ------
    ValueError
        If a name is unknown or there is none, an argument is out of its range, or `y` is empty, not finite, or
        too short without `center`; or if `preset` comes with other arguments.

    Notes
    -----
    ``preset="gtzan"`` follows librosa's functions with the defaults of their day, that is with padding by
    reflection (but for zero crossings, which repeat the first and last sample): mean and variance of
    `chroma_stft` (of all rows together), `rms`, `spectral_centroid`, `spectral_bandwidth`, `spectral_rolloff`,
    `zero_crossing_rate`, and of the samples of the two parts of `hpss`, called harmony and perceptr; the tempo
    of `beat_track`; and mean and variance of 20 `mfcc` with ``top_db=80``. Recordings are to be loaded at 22,050
    Hz. All is computed in float64 whatever the dtype of `y`, but for the roll-off and librosa's parts.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import describe
    >>> table = describe(np.sin(np.arange(22050.0)), 22050, names=["rms"], statistics=["mean", "max"])
    >>> {name: round(value, 3) for name, value in table.to_dict().items()}
    {'rms_mean': 0.694, 'rms_max': 0.707}
    """
    describer = _describer(
        sr, preset, names, statistics, n_fft, hop_length, win_length, window, center, pad_mode, n_mfcc, top_db
    )
    y = as_signal(y)
    rows = [describer(item) for item in y.reshape(-1, y.shape[-1])]
    values = np.array([list(row.values()) for row in rows])
    return FeatureTable(tuple(rows[0]), values.reshape(*y.shape[:-1], -1))


def describe_many(
    items: Iterable[Item],
    sr: float,
    *,
    preset: str = "default",
    names: Sequence[str] = NAMES,
    statistics: Sequence[str] = STATISTICS,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    n_mfcc: int = 20,
    top_db: float | None = None,
    workers: int = 1,
) -> FeatureTable:
    """Describe clips of any lengths, or files.

    Parameters
    ----------
    items : iterable of array_like, shape (n_samples,), str or path
        Signals at the rate `sr`; or files, which are mixed to mono and resampled to it.
    sr : float
        Sample rate in Hz.
    preset, names, statistics : as in `describe`
        What is computed.
    n_fft, hop_length, win_length, window, center, pad_mode, n_mfcc, top_db : as in `frames`
        How the descriptors are computed.
    workers : int
        Threads, ``>= 1`` or -1 for all cores; each takes the next item that is left.

    Returns
    -------
    FeatureTable
        A row to an item, in their order, of what `describe` returns for it.

    Raises
    ------
    ValueError
        As `describe`, or if there is no item.
    TypeError
        If `items` is a file, or an item is no signal.
    AudioError
        As `load`. Of several errors that of the first item is raised; items that have begun are finished before.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import describe_many
    >>> describe_many([np.zeros(22050), np.ones(5000)], 22050, names=["rms"], statistics=["max"]).values
    array([[0.],
           [1.]])
    """
    describer = _describer(
        sr, preset, names, statistics, n_fft, hop_length, win_length, window, center, pad_mode, n_mfcc, top_db
    )
    if isinstance(items, str | PathLike):
        msg = f"items must be an iterable of signals or files, got the file {items!r}"
        raise TypeError(msg)

    def row(item: Item) -> dict[str, float]:
        if isinstance(item, str | PathLike):
            from audiofeat.io import load  # a signal needs no decoder

            return describer(load(item, sr=sr)[0])
        return describer(as_signal(item, ndim=1))

    rows = in_order(items, row, workers)
    if not rows:
        msg = "items must hold at least 1 signal or file, got 0"
        raise ValueError(msg)
    return FeatureTable(tuple(rows[0]), np.array([list(row.values()) for row in rows]))


def _describer(
    sr: float, preset: str, names: Sequence[str], statistics: Sequence[str], *framing: Any
) -> Callable[[Float], dict[str, float]]:
    """Check what the public functions share, and return what describes one signal."""
    if as_choice(preset, "preset", ("default", "gtzan")) == "gtzan":
        if repr((names, statistics, *framing)) != repr((NAMES, STATISTICS, *DEFAULTS)):
            msg = "preset must be 'default' beside other arguments, got 'gtzan', which sets them all"
            raise ValueError(msg)
        plan = gtzan_plan(sr)
        return lambda y: gtzan_row(y, plan)
    plan = as_plan(sr, names, (*NAMES, *OF_CLIPS), *framing)
    wanted = [statistics] if isinstance(statistics, str) else statistics
    chosen = [as_choice(name, "statistics", ALL) for name in wanted]
    if not chosen or len(set(chosen)) < len(chosen):
        msg = f"statistics must be different ones, at least one, got {list(wanted)!r}"
        raise ValueError(msg)
    return lambda y: _described(y, plan, chosen)


def _described(y: Float, plan: Plan, statistics: Sequence[str]) -> dict[str, float]:
    """Return the statistics of the columns of one signal by name."""
    rows = rows_of(y, plan)
    table: dict[str, float] = {}
    for name in plan.names:
        if name == "rhythm":
            from audiofeat.rhythm import rhythm_statistics

            table |= rhythm_statistics(y, plan.sr)
            continue
        part = {name: rows[name]} if name in rows else _separated(y)
        told = statistics_of(np.concatenate(list(part.values())), statistics)
        for column, values in zip(columns_of(part, tuple(part)), told.T.tolist(), strict=True):
            table |= {f"{column}_{statistic}": value for statistic, value in zip(statistics, values, strict=True)}
    return table


def _separated(y: Float) -> Rows:
    """Return the harmonic and the percussive part of one signal."""
    from audiofeat.separation import hpss

    harmonic, percussive = hpss(y)
    return {"harmonic": harmonic[None], "percussive": percussive[None]}
