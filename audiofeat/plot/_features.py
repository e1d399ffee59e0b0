"""Figures of features over time: spectrograms on an axis in hertz, descriptors in panels under each other."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from audiofeat._validation import Float, as_count, as_rate, as_signal
from audiofeat.comparison.facts import as_front_end, top
from audiofeat.frontend import FrontEnd
from audiofeat.mel import hz_to_mel, mel_to_hz
from audiofeat.plot._drawing import PALETTE, PIXELS, axes_or_new, colour_map, new_figure
from audiofeat.tables import frames

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

RANGE_DB = 80.0  # of the colours, under the maximum
TICKS = 1000.0 * 2.0 ** np.arange(-4, 5)  # Hz


class Panel(NamedTuple):
    """How a descriptor is labelled."""

    title: str
    unit: str = ""
    rows: str = ""  # what its rows are, if there are several
    ticks: tuple[tuple[float, str], ...] = ()


COEFFICIENTS = tuple((float(k), str(k)) for k in range(0, 128, 5))
PANELS = {
    "rms": Panel("Root mean square", "Amplitude"),
    "zero_crossing_rate": Panel("Zero crossings", "Per sample"),
    "spectral_centroid": Panel("Spectral centroid", "Hz"),
    "spectral_bandwidth": Panel("Spectral bandwidth", "Hz"),
    "spectral_rolloff": Panel("Spectral roll-off", "Hz"),
    "spectral_flatness": Panel("Spectral flatness", "0 to 1"),
    "spectral_contrast": Panel(
        "Spectral contrast", "dB", "From (Hz)", tuple((k, f"{200 * 2 ** (k - 1) if k else 0}") for k in range(7))
    ),
    "chroma_stft": Panel("Chroma", "0 to 1", "Pitch class", tuple(zip((0, 2, 4, 5, 7, 9, 11), "CDEFGAB", strict=True))),
    "poly_features_1": Panel("Line through the spectrum: slope", "Per Hz"),
    "poly_features_2": Panel("Line through the spectrum: at 0 Hz", "Magnitude"),
    "tonnetz": Panel(
        "Tonal centroids",
        "-1 to 1",
        "Interval",
        tuple(enumerate(("fifth x", "fifth y", "minor x", "minor y", "major x", "major y"))),
    ),
    "onset_strength": Panel("Onset strength", "dB"),
    "mfcc": Panel("Mel-frequency cepstrum", "dB", "Coefficient", COEFFICIENTS),
    "mfcc_delta": Panel("Cepstrum: slope", "dB a frame", "Coefficient", COEFFICIENTS),
    "mfcc_delta2": Panel("Cepstrum: curvature", "dB a frame²", "Coefficient", COEFFICIENTS),
}
PARTS = {"poly_features": ("poly_features_1", "poly_features_2")}  # of different units


def plot_spectrogram(
    y: ArrayLike, sr: float, *, front_end: FrontEnd | str | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Plot the features of a front end over time: a spectrogram, mel bands or cepstral coefficients.

    Parameters
    ----------
    y : array_like, shape (n_samples,)
        Signal.
    sr : float
        Sample rate in Hz.
    front_end : FrontEnd, str or None
        The front end, or the name of a preset, at the rate `sr`; None for the defaults of `logmel`.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn into, in seconds and hertz; bands lie at their frequencies, cepstral coefficients by
        number. Bright is high. Of more frames than the axes have points, or than 1000, a column shows the maximum
        of those under it, for cepstra the mean. Of logarithms the upper 80 dB are shown. Colours of bare levels
        are spread over the fourth roots of the magnitudes, those of cepstra over the middle 90 % of the
        coefficients from 1 on. A row of energies (`log_energy`) is left out.

    Raises
    ------
    ValueError
        If `sr` is not the rate of the front end, there is no such preset, or `y` has other than one dimension, is
        empty, not finite, or too short for the front end.
    TypeError
        If `front_end` is neither a front end nor a name.
    ImportError
        If the extra ``plot`` is not installed.

    Examples
    --------
    >>> import audiofeat
    >>> y = audiofeat.synth.tone(1000.0, sr=16000, duration=2.0)
    >>> ax = audiofeat.plot_spectrogram(y, 16000)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('Time (s)', 'Frequency (Hz)')
    """
    y, sr = as_signal(y, ndim=1), as_rate(sr)
    one = FrontEnd(sr) if front_end is None else as_front_end(front_end, "front_end")
    if one.sr != sr:
        msg = f"sr must be {one.sr:g}, the rate of the front end, got {sr:g}"
        raise ValueError(msg)
    ax = axes_or_new(ax, (12.0, 4.0))
    S = one(y)[int(one.log_energy == "first") :]
    n_frames = S.shape[1]
    pooled, step = _pooled(S, np.add if one.n_mfcc else np.maximum, ax)
    hop = one.hop_length / one.sr
    start = float(one.frame_times(1)[0]) - hop / 2.0
    times = start + hop * step * np.arange(pooled.shape[1] + 1)
    norm, extend = _colours(pooled, one)
    shown: Any
    if one.n_mfcc:
        shown = _cells(ax, pooled, times, np.arange(len(S) + 1) - 0.5, norm)
        ax.set(ylabel="Coefficient", yticks=np.arange(0, len(S), -(-len(S) // 10)))
    elif one.n_mels:
        edges = _mel_axis(ax, one)
        shown = _cells(ax, pooled, times, edges, norm)
        ax.set(ylabel="Frequency (Hz)", ylim=(edges[0], edges[-1]))
    else:  # more rows than a screen shows, which only an image smooths
        edges = one.sr / one.n_fft * (np.arange(len(S) + 1) - 0.5)
        extent = (times[0], times[-1], edges[0], edges[-1])
        shown = ax.imshow(pooled, origin="lower", extent=extent, aspect="auto", norm=norm, cmap=colour_map())
        ax.set(ylabel="Frequency (Hz)", ylim=(0.0, one.sr / 2.0))
    bar = ax.figure.colorbar(shown, ax=ax, label=_unit(one), extend=extend, pad=0.01)
    if one.compression == "none" and not one.n_mfcc:
        ticks = np.asarray(norm.inverse(np.linspace(0.0, 1.0, 5))).tolist()
        bar.set_ticks(ticks, labels=[f"{tick:.2g}" for tick in ticks])
    title = "Cepstral coefficients" if one.n_mfcc else "Mel spectrogram" if one.n_mels else "Spectrogram"
    ax.set(title=title, xlabel="Time (s)", xlim=(max(start, 0.0), start + hop * n_frames))
    return ax


def plot_features(
    y: ArrayLike,
    sr: float,
    *,
    names: Sequence[str] = ("rms", "spectral_centroid", "chroma_stft", "onset_strength"),
    hop_length: int = 512,
) -> "Figure":
    """Plot the log-mel spectrogram of a signal, and descriptors under it.

    Parameters
    ----------
    y : array_like, shape (n_samples,)
        Signal.
    sr : float
        Sample rate in Hz.
    names : sequence of str
        Descriptors, as in `frames`, each once, in the order of their panels.
    hop_length : int
        Samples between frames.

    Returns
    -------
    matplotlib.figure.Figure
        Panels that share an axis in seconds. A descriptor of one row is a line, or, of more than 2000 frames, the
        band between the extremes under each column; one of several rows is an image, whose columns show the mean.
        The two rows of `poly_features`, of different units, have a panel each.

    Raises
    ------
    ValueError
        As `frames`, or if `y` has other than one dimension.
    ImportError
        If the extra ``plot`` is not installed.

    Examples
    --------
    >>> import audiofeat
    >>> y = audiofeat.synth.tone(1000.0, sr=16000, duration=2.0)
    >>> figure = audiofeat.plot_features(y, 16000, names=["rms", "chroma_stft"])
    >>> [ax.get_title(loc="left") for ax in figure.axes[:3]]
    ['Mel spectrogram', 'Root mean square', 'Chroma']
    """
    y, sr, hop_length = as_signal(y, ndim=1), as_rate(sr), as_count(hop_length, "hop_length")
    table = frames(y, sr, names=names, hop_length=hop_length)
    wanted = [names] if isinstance(names, str) else names
    rows = {part: table[part] for name in wanted for part in PARTS.get(name, (name,))}
    heights = [2.4, *(1.4 if values.ndim > 1 else 1.0 for values in rows.values())]
    figure = new_figure((12.0, 1.0 + 1.3 * sum(heights)))
    first, *others = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    plot_spectrogram(y, sr, front_end=FrontEnd(sr, hop_length=hop_length), ax=first)
    first.set(xlabel="", title="")
    first.set_title("Mel spectrogram", loc="left")
    for ax, (name, values) in zip(others, rows.items(), strict=True):
        if values.ndim > 1:
            _draw_rows(ax, values.T, hop_length / sr, name)
        else:
            _draw_line(ax, np.asarray(table.times), values)
            ax.set_ylabel(PANELS[name].unit)
        ax.set_title(PANELS[name].title, loc="left")
    others[-1].set_xlabel("Time (s)")
    return figure


def _draw_line(ax: "Axes", times: Float, values: Float) -> None:
    """Draw one row: a line, or the band between its extremes where frames are narrower than a screen shows."""
    if len(values) <= 2 * PIXELS:
        ax.plot(times, values, color=PALETTE[0], linewidth=1.0, marker="." if len(values) == 1 else "")
        return
    step = -(-len(values) // PIXELS)
    starts = np.arange(0, len(values), step)
    low, high = (extreme.reduceat(values, starts) for extreme in (np.minimum, np.maximum))
    ax.fill_between(times[starts], low, high, step="post", color=PALETTE[0], linewidth=0.5)


def _draw_rows(ax: "Axes", S: Float, hop: float, name: str) -> None:
    """Draw several rows as an image, whose first column is centred on time 0."""
    panel = PANELS[name]
    pooled, step = _pooled(S, np.add, ax)
    times = hop * (step * np.arange(pooled.shape[1] + 1) - 0.5)
    norm, extend = _middle(pooled) if panel.rows == "Coefficient" else _limits(pooled, pooled)
    shown = _cells(ax, pooled, times, np.arange(len(S) + 1) - 0.5, norm)
    ticks = [(k, label) for k, label in panel.ticks if k < len(S)]
    ax.set_yticks([k for k, _ in ticks], [label for _, label in ticks], fontsize="small")
    ax.set_ylabel(panel.rows)
    ax.figure.colorbar(shown, ax=ax, label=panel.unit, extend=extend, pad=0.01)


def _cells(ax: "Axes", S: Float, times: Float, rows: Float, norm: "Normalize") -> Any:
    return ax.pcolormesh(times, rows, S, norm=norm, cmap=colour_map(), rasterized=True)


def _pooled(S: Float, pool: np.ufunc, ax: "Axes") -> tuple[Float, int]:
    """Return the maxima, or for ``np.add`` the means, of as many columns as the axes have points."""
    n_frames = S.shape[1]
    step = -(-n_frames // int(np.clip(ax.bbox.width, 100, PIXELS)))
    starts = np.arange(0, n_frames, step)
    pooled: Float = pool.reduceat(S, starts, axis=1)
    if pool is np.add:
        pooled /= np.diff(starts, append=n_frames)
    return pooled, step


def _colours(S: Float, front_end: FrontEnd) -> tuple["Normalize", str]:
    """Return how values become colours, and at which ends some lie beyond the bar."""
    from matplotlib.colors import PowerNorm

    if front_end.n_mfcc:
        return _middle(S)
    if front_end.compression in ("power_db", "log"):
        span = RANGE_DB if front_end.compression == "power_db" else RANGE_DB * np.log(10.0) / 10.0
        return _limits(S.clip(min=S.max() - front_end.scale * span), S)
    if front_end.compression == "none":
        return PowerNorm(0.25 / front_end.power, 0.0, float(S.max()) or 1.0), "neither"
    return _limits(S, S)


def _middle(S: Float) -> tuple["Normalize", str]:
    """Return the colours of the middle 90 % of the coefficients from 1 on: the first few would outshine the others."""
    return _limits(np.percentile(S[1:] if len(S) > 1 else S, [5.0, 95.0]), S)


def _limits(chosen: Float, S: Float) -> tuple["Normalize", str]:
    """Return the colours of the range of `chosen`, and at which ends `S` goes beyond it."""
    from matplotlib.colors import Normalize

    low, high = float(chosen.min()), float(chosen.max())
    below, above = float(S.min()) < low, float(S.max()) > high
    extend = "both" if below and above else "min" if below else "max" if above else "neither"
    return Normalize(low, high if high > low else low + 1.0), extend


def _unit(front_end: FrontEnd) -> str:
    power = {1.0: "Magnitude", 2.0: "Power"}.get(front_end.power, f"Magnitude ** {front_end.power:g}")
    unit = {
        "none": power,
        "power_db": "dB",
        "log": f"ln({power.lower()})",
        "log10_1p": f"log10(1 + {front_end.factor:g} {power.lower()})",
        "log1p": f"ln(1 + {front_end.factor:g} {power.lower()})",
    }[front_end.compression]
    scaled = unit if front_end.scale == 1.0 else f"{front_end.scale:g} {unit}"
    return scaled if front_end.shift == 0.0 else f"{scaled} {front_end.shift:+g}"


def _mel_axis(ax: "Axes", front_end: FrontEnd) -> Float:
    """Scale an axis in hertz as mels, and return the edges of the cells: halfway, in mels, between band centres."""
    from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, ScalarFormatter

    def mirrored(convert: Callable[..., Float], values: ArrayLike) -> Float:
        x = np.asarray(values, dtype=np.float64)  # matplotlib asks for points below 0 too, and for none
        return np.sign(x) * convert(np.abs(x), htk=front_end.htk) if x.size else x

    low, high = hz_to_mel([front_end.fmin, top(front_end)], htk=front_end.htk)
    n_mels = front_end.n_mels or 1
    edges = low + (high - low) / (n_mels + 1) * (np.arange(n_mels + 1) + 0.5)
    octaves = np.diff(hz_to_mel([TICKS, 2.0 * TICKS], htk=front_end.htk), axis=0)[0]
    places = hz_to_mel(TICKS, htk=front_end.htk)
    ticks = TICKS[(places >= edges[0]) & (places <= edges[-1]) & (octaves > (high - low) / 16.0)]
    ax.set_yscale("function", functions=(partial(mirrored, hz_to_mel), partial(mirrored, mel_to_hz)))
    ax.yaxis.set_major_locator(FixedLocator(ticks) if len(ticks) > 1 else MaxNLocator(4))
    ax.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
    ax.yaxis.set_minor_locator(NullLocator())
    return mel_to_hz(edges, htk=front_end.htk)
