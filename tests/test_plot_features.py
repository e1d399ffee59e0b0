"""Figures of features show what there is, where it is: in seconds, in hertz, for odd signals too."""

import io
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import FrontEnd, frames, logmel, mel_frequencies, synth
from audiofeat.plot import _features as module
from audiofeat.plot import plot_features, plot_spectrogram
from audiofeat.tables.rows import NAMES

SR = 8000
FRONT_ENDS = {
    "default": None,
    "mel": FrontEnd(SR, n_fft=1024, hop_length=256, n_mels=40),
    "narrow": FrontEnd(SR, n_fft=1024, n_mels=30, fmin=300.0, fmax=2500.0, htk=True),
    "htk": FrontEnd(SR, n_fft=1024, n_mels=64, htk=True, compression="log10_1p"),
    "power": FrontEnd(SR, compression="none"),
    "log": FrontEnd(SR, n_mels=20, compression="log", ref="max", top_db=60.0),
    "linear": FrontEnd(SR, n_mels=None),
    "coarse": FrontEnd(SR, n_fft=128, hop_length=64, n_mels=None),
    "scaled": FrontEnd(SR, n_fft=512, n_mels=40, top_db=60.0, scale=0.025, shift=1.0, frames="whisper"),
    "energy": FrontEnd(
        SR, n_fft=512, win_length=400, hop_length=80, n_mels=40, compression="log", frames="kaldi", log_energy="first"
    ),
    "odd": FrontEnd(SR, n_fft=1023, n_mels=None, power=1.0, compression="none", center=False),
}
CEPSTRA = {"cepstra": FrontEnd(SR, n_fft=512, n_mels=40, n_mfcc=20), "level": FrontEnd(SR, n_mels=40, n_mfcc=1)}
CEPSTRA["energy and cepstra"] = replace(CEPSTRA["cepstra"], compression="log", log_energy="first")
ALL = {**FRONT_ENDS, **CEPSTRA}


def draw(figure):
    """Draw for real, and return the picture's luminance, rows from the bottom, as a function of data."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[::-1, :, :3] @ [0.299, 0.587, 0.114]


def inside(ax, picture):
    """Cut the axes, without their frame, out of a picture; return the corner in pixels too."""
    left, bottom, right, top = (round(edge) for edge in ax.bbox.extents)
    return picture[bottom + 2 : top - 2, left + 2 : right - 2], (left + 2, bottom + 2)


def bar(ax):
    return next(other for other in ax.figure.axes if other.get_label() == "<colorbar>")


@pytest.mark.parametrize("frequency", [440.0, 1000.0, 2000.0])
@pytest.mark.parametrize("name", FRONT_ENDS)
def test_a_tone_is_seen_at_its_frequency(name, frequency):
    y = synth.tone(frequency, sr=SR, duration=1.5)
    ax = plot_spectrogram(y, SR, front_end=FRONT_ENDS[name])
    picture, (_, bottom) = inside(ax, draw(ax.figure))
    row = picture.mean(axis=1)
    bright = bottom + np.flatnonzero(row > row.max() - 1e-6).mean() + 0.5
    seen = ax.transData.inverted().transform((0.0, bright))[1]
    one = FRONT_ENDS[name] or FrontEnd(SR)
    top = one.fmax or SR / 2
    bands = mel_frequencies((one.n_mels or 0) + 2, fmin=one.fmin, fmax=top, htk=one.htk)
    width = np.interp(frequency, bands[1:-1], (bands[2:] - bands[:-2]) / 2) if one.n_mels else SR / one.n_fft
    pixel = (ax.get_ylim()[1] - ax.get_ylim()[0]) / len(picture)
    assert seen == pytest.approx(frequency, abs=0.6 * width + 2 * pixel)
    assert ax.get_ylabel() == "Frequency (Hz)"


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("n_mels", [40, None])
@pytest.mark.parametrize("time", [0.4, 1.3])
def test_a_click_is_seen_at_its_second(center, n_mels, time):
    y = synth.clicks([time], sr=SR, duration=2.0)
    one = FrontEnd(SR, n_fft=256, hop_length=64, n_mels=n_mels, center=center)
    ax = plot_spectrogram(y, SR, front_end=one)
    picture, (left, _) = inside(ax, draw(ax.figure))
    column = picture.mean(axis=0)
    bright = left + np.flatnonzero(column > column.max() - 1).mean() + 0.5
    assert ax.transData.inverted().transform((bright, 0.0))[0] == pytest.approx(time, abs=0.008)
    assert ax.get_xlabel() == "Time (s)"


@pytest.mark.parametrize("n_frames", [1, 99, 1000, 1001, 5000])
def test_long_signals_are_reduced_to_maxima(n_frames):
    y = synth.clicks([(n_frames - 1) * 0.01], sr=SR, duration=n_frames * 0.01)
    one = FrontEnd(SR, n_fft=80, hop_length=80, n_mels=4)
    mesh = plot_spectrogram(y, SR, front_end=one).collections[0]
    S, shown = one(y), np.ma.getdata(mesh.get_array())
    assert shown.shape[1] <= 1000
    step = -(-S.shape[1] // shown.shape[1])
    for column in (0, shown.shape[1] // 2, shown.shape[1] - 1):
        assert_array_equal(shown[:, column], S[:, column * step : (column + 1) * step].max(axis=1))
    edges = mesh.get_coordinates()[0, :, 0]
    assert_allclose(edges[:2], [-0.005, 0.01 * step - 0.005], atol=1e-12)
    assert_allclose(np.diff(edges), 0.01 * step)
    assert mesh.axes.get_xlim() == pytest.approx((0.0, 0.01 * S.shape[1] - 0.005))


def test_cepstra_are_reduced_to_means():
    y = np.random.default_rng(0).uniform(-1, 1, 40 * 3001)
    one = FrontEnd(SR, n_fft=80, hop_length=40, n_mels=4, n_mfcc=3)
    ax = plot_spectrogram(y, SR, front_end=one)
    S, shown = one(y), np.ma.getdata(ax.collections[0].get_array())
    step = -(-S.shape[1] // shown.shape[1])
    assert_allclose(shown[:, 0], S[:, :step].mean(axis=1))
    assert_allclose(shown[:, -1], S[:, step * (shown.shape[1] - 1) :].mean(axis=1))
    assert ax.get_ylabel() == "Coefficient"
    assert_array_equal(ax.get_yticks(), [0, 1, 2])
    assert_array_equal(ax.collections[0].get_coordinates()[:, 0, 1], [-0.5, 0.5, 1.5, 2.5])
    low, high = np.percentile(shown[1:], [5, 95])
    assert ax.collections[0].get_clim() == pytest.approx((low, high))


@pytest.mark.parametrize("kwargs", [{}, {"n_mfcc": 13}, {"n_mels": None}])
def test_a_row_of_energies_is_no_band(kwargs):
    y = np.random.default_rng(0).uniform(-1, 1, 4000)
    one = FrontEnd(SR, **{"n_fft": 256, "n_mels": 40, "compression": "log", **kwargs})
    shown = []
    for front_end in (one, replace(one, log_energy="first")):
        ax = plot_spectrogram(y, SR, front_end=front_end)
        shown.append(np.ma.getdata((ax.images or ax.collections)[0].get_array()))
    assert_allclose(*shown, atol=1e-9)


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_ticks_are_round_frequencies_and_do_not_crowd(name):
    ax = plot_spectrogram(synth.tone(440.0, sr=SR, duration=1.0), SR, front_end=FRONT_ENDS[name])
    draw(ax.figure)
    low, high = ax.get_ylim()
    ticks = [hz for hz in ax.get_yticks() if low <= hz <= high]
    labels = dict(zip(ax.get_yticks(), [text.get_text() for text in ax.get_yticklabels()], strict=True))
    assert 1000.0 in ticks
    assert len(ticks) >= 2
    assert all(float(labels[hz]) == hz == round(hz) for hz in ticks)
    pixels = ax.transData.transform([(0.0, hz) for hz in ticks])[:, 1]
    assert np.diff(np.sort(pixels)).min() > 10


def test_an_axis_without_round_frequencies_has_ticks():
    one = FrontEnd(SR, n_mels=8, fmin=1100.0, fmax=1900.0)
    ax = plot_spectrogram(synth.tone(1500.0, sr=SR, duration=1.0), SR, front_end=one)
    draw(ax.figure)
    assert len([hz for hz in ax.get_yticks() if 1100 < hz < 1900]) >= 2


@pytest.mark.parametrize(
    ("kwargs", "unit"),
    [
        ({}, "dB"),
        ({"compression": "none"}, "Power"),
        ({"compression": "none", "power": 1.0}, "Magnitude"),
        ({"compression": "none", "power": 1.5}, "Magnitude ** 1.5"),
        ({"compression": "log"}, "ln(power)"),
        ({"compression": "log1p", "factor": 3.0}, "ln(1 + 3 power)"),
        ({"compression": "log10_1p", "power": 1.0}, "log10(1 + 10000 magnitude)"),
        ({"n_mfcc": 13}, "dB"),
        ({"scale": 0.025, "shift": 1.0}, "0.025 dB +1"),
        ({"shift": -2.0, "compression": "log"}, "ln(power) -2"),
    ],
)
def test_the_colour_bar_has_the_unit(kwargs, unit):
    ax = plot_spectrogram(synth.tone(440.0, sr=SR, duration=0.5), SR, front_end=FrontEnd(SR, n_mels=40, **kwargs))
    assert bar(ax).get_ylabel() == unit
    assert ax.collections[0].cmap.name == "viridis"  # whose lightness grows from end to end


def test_colours_show_80_db_and_levels_by_their_fourth_roots():
    y = synth.tone(1000.0, sr=SR, duration=1.0)
    S = logmel(y, SR)
    mesh = plot_spectrogram(y, SR).collections[0]
    assert mesh.get_clim() == pytest.approx((S.max() - 80, S.max()))
    assert mesh.colorbar.extend == "min"
    nepers = plot_spectrogram(y, SR, front_end=FrontEnd(SR, compression="log")).collections[0]
    assert np.ptp(nepers.get_clim()) == pytest.approx(80 / 10 * np.log(10))
    scaled = plot_spectrogram(y, SR, front_end=FrontEnd(SR, scale=0.5)).collections[0]
    assert np.ptp(scaled.get_clim()) == pytest.approx(40)
    quiet = plot_spectrogram(1e-7 * y, SR).collections[0]  # nothing of it is 80 dB under its maximum
    assert quiet.colorbar.extend == "neither"
    for power in (1.0, 2.0):
        front_end = FrontEnd(SR, compression="none", power=power)
        norm = plot_spectrogram(y, SR, front_end=front_end).collections[0].norm
        assert isinstance(norm, PowerNorm)
        assert norm(norm.vmax * 1e-4**power) == pytest.approx(0.1)  # 80 dB under the maximum


ODD = {
    "silence": np.zeros(4000),
    "one sample": np.ones(1),
    "constant": np.full(4000, 0.5),
    "click": synth.clicks([0.2], sr=SR, duration=0.5),
    "int16": np.arange(4000, dtype=np.int16),
    "float32, read-only, backwards": np.linspace(-1, 1, 4000, dtype=np.float32)[::-1],
    "huge": np.full(4000, 1e30),
}
ODD["float32, read-only, backwards"].flags.writeable = False


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("y", ODD.values(), ids=ODD)
def test_odd_signals_are_drawn(y, name):
    if name == "odd" and len(y) < 1023:
        with pytest.raises(ValueError, match="y must have at least n_fft = 1023 samples when center is False, got 1"):
            plot_spectrogram(y, SR, front_end=ALL[name])
        return
    picture = draw(plot_spectrogram(y, SR, front_end=ALL[name]).figure)
    assert np.ptp(picture) > 0


def test_a_preset_is_drawn_at_its_rate_only():
    y = synth.tone(1000.0, sr=22050, duration=1.0)
    assert plot_spectrogram(y, 22050, front_end="librosa").get_title() == "Mel spectrogram"
    assert plot_spectrogram(y, 22050, front_end="feng2017").get_title() == "Spectrogram"
    assert plot_spectrogram(y, SR, front_end=CEPSTRA["cepstra"]).get_title() == "Cepstral coefficients"
    with pytest.raises(ValueError, match="sr must be 22050, the rate of the front end, got 8000"):
        plot_spectrogram(y, 8000, front_end="librosa")


def test_the_axes_given_are_used():
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot_spectrogram(ODD["click"], SR, ax=right) is right
    assert left.has_data() is False
    assert plot_spectrogram(ODD["click"], SR).figure is not figure


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plot_spectrogram(np.zeros((2, 9)), SR), ValueError, r"y must have exactly 1 dimension\(s\)"),
        (lambda: plot_spectrogram(np.zeros(0), SR), ValueError, "y must have at least 1 sample"),
        (lambda: plot_spectrogram(np.zeros(9), 0), ValueError, "sr must be > 0, got 0"),
        (lambda: plot_spectrogram(np.zeros(9), SR, front_end="lib"), ValueError, "name must be one of"),
        (lambda: plot_spectrogram(np.zeros(9), SR, front_end=3), TypeError, "front_end must be a FrontEnd or"),
        (lambda: plot_features(np.zeros((2, 9)), SR), ValueError, r"y must have exactly 1 dimension\(s\)"),
        (lambda: plot_features(np.zeros(9), SR, names=["pitch"]), ValueError, "names must be one of"),
        (lambda: plot_features(np.zeros(9), SR, names=[]), ValueError, "names must"),
        (lambda: plot_features(np.zeros(9), SR, hop_length=0), ValueError, "hop_length must be >= 1, got 0"),
    ],
)
def test_errors_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call()


def titles(figure):
    return [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]


def panel(figure, title):
    return next(ax for ax in figure.axes if ax.get_title(loc="left") == title)


def test_every_descriptor_has_its_panel():
    y = np.random.default_rng(0).uniform(-1, 1, 6000)
    figure = plot_features(y, SR, names=NAMES)
    draw(figure)
    panels = [ax for ax in figure.axes if ax.get_title(loc="left")]
    assert len(panels) == 2 + len(NAMES)  # the log-mel spectrogram, and one more for poly_features
    assert {ax.get_xlim() for ax in panels} == {panels[0].get_xlim()}
    assert [ax.get_xlabel() for ax in panels] == [""] * (len(panels) - 1) + ["Time (s)"]
    edges = np.array([ax.bbox.x0 for ax in panels] + [ax.bbox.x1 for ax in panels]).reshape(2, -1)
    assert np.ptp(edges, axis=1).max() < 1.0  # one above the other to the pixel
    assert all(ax.get_ylabel() for ax in panels)
    units = [panel(figure, f"Spectral {name}").get_ylabel() for name in ("centroid", "bandwidth", "roll-off")]
    assert units == ["Hz"] * 3
    assert panel(figure, "Spectral contrast").collections[0].colorbar.ax.get_ylabel() == "dB"
    for title in ("Mel-frequency cepstrum", "Tonal centroids", "Chroma", "Spectral contrast"):
        assert len(panel(figure, title).get_yticks()) >= 3


def test_panels_show_the_table():
    y = np.random.default_rng(0).uniform(-1, 1, 6000)
    names = ["spectral_centroid", "chroma_stft", "poly_features"]
    figure = plot_features(y, SR, names=names, hop_length=200)
    table = frames(y, SR, names=names, hop_length=200)
    line = panel(figure, "Spectral centroid").lines[0]
    assert_array_equal(line.get_xdata(), table.times)
    assert_array_equal(line.get_ydata(), table["spectral_centroid"])
    mesh = panel(figure, "Chroma").collections[0]
    assert_array_equal(np.ma.getdata(mesh.get_array()), table["chroma_stft"].T)
    assert_array_equal(mesh.get_coordinates()[:, 0, 1], np.arange(13) - 0.5)
    cells = mesh.get_coordinates()[0, :, 0]
    assert_allclose((cells[1:] + cells[:-1]) / 2, table.times)
    for k, title in ((1, "Line through the spectrum: slope"), (2, "Line through the spectrum: at 0 Hz")):
        assert_array_equal(panel(figure, title).lines[0].get_ydata(), table[f"poly_features_{k}"])
    top = figure.axes[0].collections[0]
    assert_array_equal(np.ma.getdata(top.get_array()), logmel(y, SR, hop_length=200))


@pytest.mark.parametrize(("note", "frequency"), [("C", 261.6256), ("E", 329.6276), ("A", 440.0), ("B", 493.8833)])
def test_a_note_is_seen_beside_its_name(note, frequency):
    figure = plot_features(synth.tone(frequency, sr=SR, duration=1.0), SR, names="chroma_stft")
    ax = panel(figure, "Chroma")
    loudest = np.ma.getdata(ax.collections[0].get_array()).mean(axis=1).argmax()
    labels = dict(zip(ax.get_yticks(), [text.get_text() for text in ax.get_yticklabels()], strict=True))
    assert labels[loudest] == note


def test_octaves_of_the_contrast_are_labelled_by_where_they_begin():
    figure = plot_features(np.random.default_rng(0).uniform(-1, 1, 3000), 16000, names=["spectral_contrast"])
    ax = panel(figure, "Spectral contrast")
    assert [text.get_text() for text in ax.get_yticklabels()] == ["0", "200", "400", "800", "1600", "3200", "6400"]
    low = plot_features(np.random.default_rng(0).uniform(-1, 1, 3000), 2000, names=["spectral_contrast"])
    labels = [text.get_text() for text in panel(low, "Spectral contrast").get_yticklabels()]
    assert labels == ["0", "200", "400", "800"]


def test_long_lines_are_bands_between_extremes():
    y = synth.clicks([7.0], sr=SR, duration=21.0)
    figure = plot_features(y, SR, names=["rms", "chroma_stft"], hop_length=64)
    table = frames(y, SR, names=["rms"], hop_length=64)
    assert len(table.times) > 2000
    ax = panel(figure, "Root mean square")
    assert not ax.lines
    vertices = ax.collections[0].get_paths()[0].vertices
    assert vertices[:, 1].max() == table["rms"].max()
    assert vertices[:, 1].min() == table["rms"].min()
    assert vertices[vertices[:, 1].argmax(), 0] == pytest.approx(7.0, abs=0.2)
    assert len(vertices) < 5000
    assert np.ma.getdata(panel(figure, "Chroma").collections[0].get_array()).shape[1] <= 1000


@pytest.mark.parametrize("y", ODD.values(), ids=ODD)
def test_features_of_odd_signals_are_drawn(y):
    figure = plot_features(y, SR, names=["spectral_flatness", "chroma_stft", "mfcc"])
    assert np.ptp(draw(figure)) > 0


def test_figures_are_deterministic_and_leave_nothing_behind():
    def render():
        buffer = io.BytesIO()
        plot_features(ODD["click"], SR).savefig(buffer, format="png", dpi=40)
        return buffer.getvalue()

    assert render() == render()
    code = (
        "import sys, numpy as np, audiofeat; import audiofeat.plot as p; assert 'matplotlib' not in sys.modules;"
        "p.plot_features(np.ones(4000), 8000).savefig(sys.stderr.buffer);"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("plot", [plot_spectrogram, plot_features])
def test_without_matplotlib_the_extra_is_named(monkeypatch, plot):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"audiofeat\[plot\]"):
        plot(np.zeros(4000), SR)


def test_every_name_of_a_table_has_a_label():
    parts = [part for name in NAMES for part in module.PARTS.get(name, (name,))]
    assert set(parts) == set(module.PANELS)
