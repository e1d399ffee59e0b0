"""Figures show what the segmentation holds, in seconds, with one colour a label, for odd input too."""

import io
import subprocess
import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import LogNorm, to_hex
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from audiofeat import plot_eigenvalues, plot_graph, plot_matrix, plot_segments, plot_summary, synth
from audiofeat.plot import _drawing as drawing

SR = 1000


def segmentation(labels=("A", "B", "silence", "A", "C"), durations=(4, 3, 2, 4, 3), *, hop=0.5):
    """What `segment` returns, as far as figures ask: blocks of small distances, and silence left out."""
    boundaries = np.cumsum([0.0, *durations])
    starts = np.arange(0.0, boundaries[-1], hop)
    names = [labels[i] for i in np.searchsorted(boundaries, starts, side="right") - 1]
    active = np.flatnonzero([name != "silence" for name in names])
    kind = np.array([ord(names[i][0]) for i in active], dtype=float)
    jitter = 0.1 * np.random.default_rng(0).random((len(kind), len(kind)))
    distance = np.abs(np.subtract.outer(kind, kind)) + (jitter + jitter.T)
    np.fill_diagonal(distance, 0.0)
    affinity = np.exp(-(distance**2))
    np.fill_diagonal(affinity, 0.0)
    return SimpleNamespace(
        boundaries=boundaries,
        intervals=np.column_stack([boundaries[:-1], boundaries[1:]]),
        labels=list(labels),
        duration=float(boundaries[-1]),
        sr=SR,
        window_intervals=np.column_stack([starts, starts + 2 * hop]),
        window_labels=names,
        distance=distance,
        affinity=affinity,
        eigenvalues=np.array([1.0, 0.9, 0.85, 0.2, 0.1, 0.05, -0.1])[: max(len(active), 1)],
        n_clusters=len(set(labels) - {"silence"}),
        confidence=0.65,
        active=active,
    )


def noise(seg):
    return np.random.default_rng(1).uniform(-0.5, 0.5, round(seg.duration * SR))


def render(axes):
    """Draw for real: layout and text fail only then."""
    figure = axes if isinstance(axes, Figure) else axes.figure
    figure.savefig(buffer := io.BytesIO(), format="png", dpi=40)
    return buffer.getvalue()


PLOTS = {
    "segments": plot_segments,
    "waveform": lambda seg, ax=None: plot_segments(seg, noise(seg), ax=ax),
    "distance": plot_matrix,
    "affinity": lambda seg, ax=None: plot_matrix(seg, "affinity", ax=ax),
    "graph": plot_graph,
    "eigenvalues": plot_eigenvalues,
}


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_figures_are_drawn_into_the_axes_given_or_new_ones_and_are_deterministic(plot):
    seg = segmentation()
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot(seg, ax=right) is right
    assert left.has_data() is False
    new = plot(seg)
    assert new.figure is not figure
    assert render(new) == render(plot(seg))


def test_no_global_figure_is_made_and_nothing_of_matplotlib_imported_early():
    code = (
        "import sys, audiofeat, audiofeat.plot as p; assert 'matplotlib' not in sys.modules;"
        "t = audiofeat.synth.ar_regimes('AB', sr=100, segment_duration=1, random_state=0);"
        "p.plot_segments(t, t.y).figure.savefig(sys.stderr.buffer);"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_sections_have_their_colours_labels_and_seconds():
    seg = segmentation()
    ax = plot_segments(seg, noise(seg))
    assert ax.get_xlabel() == "Time (s)"
    assert ax.get_xlim() == (0.0, 16.0)
    colours = drawing.colours_of(seg.labels)
    assert [text.get_text() for text in ax.texts] == seg.labels
    assert [text.get_position()[0] for text in ax.texts] == [2.0, 5.5, 8.0, 11.0, 14.5]
    waves, strips = ax.collections[:5], ax.collections[5:10]
    for (start, end), label, wave, strip in zip(seg.intervals, seg.labels, waves, strips, strict=True):
        for part in (wave, strip):
            x = part.get_paths()[0].vertices[:, 0]
            assert_allclose([x.min(), x.max()], [start, end])
            assert to_hex(part.get_facecolor()[0]) == colours[label].lower()
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["A", "B", "C", "silence"]
    shown = [to_hex(handle.get_facecolor()) for handle in legend.legend_handles]
    assert shown == [colours[name].lower() for name in ("A", "B", "C", "silence")]


def test_the_waveform_shows_every_click_however_long_the_signal():
    y = synth.clicks([1000.3, 3333.4], sr=SR, duration=4000.0)
    seg = segmentation(("A", "B"), (2000, 2000), hop=100.0)
    ax = plot_segments(seg, np.stack([np.zeros_like(y), -y]))
    for wave, time in zip(ax.collections[:2], (1000.3, 3333.4), strict=True):
        vertices = wave.get_paths()[0].vertices
        assert vertices[:, 1].min() == -1.0
        assert len(vertices) < 10_000
        assert_allclose(vertices[vertices[:, 1].argmin(), 0], time, atol=2.0)


def test_narrow_sections_carry_no_text_and_text_is_plain():
    labels = ["A", "B", "A", "$x_y$ \n z"]
    ax = plot_segments(segmentation(labels, (100, 0.5, 100, 100), hop=10.0))
    assert [text.get_text() for text in ax.texts] == ["A", "A", r"\$x_y\$ z"]
    assert len(render(ax)) > 0


def test_a_truth_is_plotted_like_a_result():
    truth = synth.ar_regimes("ABA", sr=100, segment_duration=2.0, random_state=0)
    ax = plot_segments(truth, truth.y)
    assert [text.get_text() for text in ax.texts] == ["A", "B", "A"]


@given(names=st.lists(st.sampled_from([*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "verse", "_x", "silence", ""])))
def test_colours_hang_on_the_label(names):
    colours = drawing.colours_of(names)
    assert colours.keys() == set(names)
    whole = drawing.colours_of(["A", *names, "Z"])
    for name in names:
        if len(name) == 1 or name == "silence":
            assert colours[name] == whole[name]


def test_colours_differ():
    colours = drawing.colours_of([*"ABCDEFGHIJKLMNOPQRSTUVWX", "silence"])
    assert len(set(colours.values())) == 25
    assert {drawing.ink_on(colour) for colour in colours.values()} == {"black", "white"}


@given(st.integers(1, 60), st.integers(1, 2), st.lists(st.floats(0.0, 60.0), min_size=2, max_size=9), st.data())
def test_envelope_is_the_extremes_between_edges(n_samples, n_channels, edges, data):
    y = np.random.default_rng(data.draw(st.integers(0, 9))).standard_normal((n_channels, n_samples))
    steps, low, high = drawing.envelope(y, np.array(sorted(edges)))
    expected = sorted({min(round(edge), n_samples) for edge in edges})
    if len(expected) < 2:
        assert len(steps) == len(low) == len(high) == 0
        return
    assert_array_equal(steps, expected)
    for i, (start, stop) in enumerate(pairwise(expected)):
        assert (low[i], high[i]) == (y[:, start:stop].min(), y[:, start:stop].max())
    assert (low[-1], high[-1]) == (low[-2], high[-2])


@given(st.integers(1, 30), st.integers(1, 12), st.sampled_from(["distance", "affinity"]), st.data())
def test_matrix_image_is_the_extreme_of_the_pairs_in_each_bin(n_windows, pixels, which, data):
    active = np.array(sorted(data.draw(st.sets(st.integers(0, n_windows - 1), min_size=1))))
    matrix = np.random.default_rng(0).random((len(active), len(active)))
    size = min(n_windows, pixels)
    expected = np.full((size, size), np.nan)
    for i, row in enumerate(active):
        for j, column in enumerate(active):
            at = row * size // n_windows, column * size // n_windows
            expected[at] = (np.fmin if which == "distance" else np.fmax)(expected[at], matrix[i, j])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "PIXELS", pixels)
        assert_array_equal(drawing.matrix_image(matrix, active, n_windows, which), expected)
        if which == "affinity":
            assert_array_equal(drawing.matrix_image(csr_array(matrix), active, n_windows, which), expected)


@pytest.mark.parametrize("which", ["distance", "affinity"])
def test_matrices_have_seconds_both_ways_and_grey_silence(which):
    seg = segmentation()
    ax = plot_matrix(seg, which)
    image = ax.images[0]
    # the first window is centred on 0.5 s, its cell reaches 0.25 s to either side
    assert_allclose(image.get_extent(), [0.25, 16.25, 0.25, 16.25])
    shown = image.get_array()
    silent = [name == "silence" for name in seg.window_labels]
    assert_array_equal(np.ma.getmaskarray(shown), np.logical_or.outer(silent, silent))
    assert to_hex(image.cmap.get_bad()) == drawing.SILENCE.lower()
    values = np.ma.getdata(shown)[np.ix_(seg.active, seg.active)]
    if which == "distance":
        assert isinstance(image.norm, LogNorm)
        order = np.argsort(seg.distance, axis=None)
        assert (np.diff(values.ravel()[order]) >= 0).all()  # clipped, never reordered
    else:
        assert_array_equal(values, seg.affinity)


def test_infinite_and_huge_distances_stay_readable():
    seg = segmentation()
    seg.distance[0, 5] = seg.distance[5, 0] = np.inf
    seg.distance[1, 6] = seg.distance[6, 1] = 1e300
    norm = plot_matrix(seg).images[0].norm
    assert 0.0 < norm.vmin < norm.vmax < 10.0
    assert np.isfinite(plot_graph(seg).collections[1].get_offsets()).all()
    shown = plot_matrix(seg).images[0].get_array()
    assert np.ma.getdata(shown)[0, 5] == norm.vmax  # not masked, which would be grey
    assert not np.ma.getmaskarray(shown)[np.ix_(seg.active, seg.active)].any()


@given(st.integers(1, 12), st.integers(0, 5))
def test_scaling_finds_a_plane(n, seed):
    points = np.random.default_rng(seed).standard_normal((n, 2))
    squared = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    found = drawing.scale_to_plane(squared)
    assert found.shape == (n, 2)
    assert_allclose(((found[:, None] - found[None]) ** 2).sum(axis=-1), squared, atol=1e-9)
    assert found[:, 0].var() >= found[:, 1].var() - 1e-12
    assert_array_equal(found, drawing.scale_to_plane(squared))


def test_infinite_distances_count_as_the_largest_finite_one():
    squared = np.abs(np.subtract.outer(np.arange(6.0), np.arange(6.0)))
    cut = np.where(squared > 3.0, np.inf, squared)
    assert_array_equal(drawing.scale_to_plane(cut), drawing.scale_to_plane(np.minimum(squared, 3.0)))
    alone = np.where(np.eye(3, dtype=bool), 0.0, np.inf)
    assert_array_equal(drawing.scale_to_plane(alone), np.zeros((3, 2)))


def test_the_graph_has_a_point_a_window_and_a_path_broken_at_silence():
    seg = segmentation()
    ax = plot_graph(seg)
    path, dots, first, last = ax.collections
    assert len(dots.get_offsets()) == len(seg.active) == 28
    assert len(path.get_segments()) == 28 - 2
    colours = drawing.colours_of(seg.labels)
    inks = [to_hex(colour) for colour in dots.get_facecolors()]
    assert inks == [colours[seg.window_labels[i]].lower() for i in seg.active]
    assert_allclose([first.get_offsets()[0], last.get_offsets()[0]], dots.get_offsets()[[0, -1]])
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["A", "B", "C", "first window", "last window"]


def test_a_graph_of_many_windows_is_thinned(monkeypatch):
    monkeypatch.setattr("audiofeat.plot.PIXELS", 10)
    seg = segmentation()
    path, dots = plot_graph(seg).collections[:2]
    assert len(dots.get_offsets()) == 10  # every third of 28
    assert len(path.get_segments()) == 8


def test_eigenvalues_mark_the_clusters():
    seg = segmentation()
    ax = plot_eigenvalues(seg)
    chosen, others, gap = ax.lines[:3]
    assert_array_equal(chosen.get_xydata(), [[1, 1.0], [2, 0.9], [3, 0.85]])
    assert_array_equal(others.get_ydata(), seg.eigenvalues[3:])
    assert_array_equal(gap.get_xdata(), [3.5, 3.5])
    assert ax.get_title() == "Eigenvalues of the graph, 3 clusters"
    low, high = ax.get_ylim()
    assert low < -0.1
    assert high > 1.0


def test_what_was_not_kept_is_said():
    seg = segmentation()
    seg.distance = seg.affinity = None
    seg.eigenvalues = np.zeros(0)
    for plot in (plot_matrix, plot_graph, lambda s: plot_matrix(s, "affinity"), plot_eigenvalues):
        with pytest.raises(ValueError, match=r"segmentation has no .*: it is not kept for 28 windows"):
            plot(seg)
    figure = plot_summary(seg)
    said = [text.get_text() for ax in figure.axes[1:] for text in ax.texts]
    assert len(said) == 4
    assert all("not kept" in text for text in said)
    assert len(render(figure)) > 0


def test_the_summary_has_every_figure_once():
    seg = segmentation()
    seg.affinity = csr_array(seg.affinity)
    figure = plot_summary(seg, noise(seg))
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert titles[:2] == ["Distance", "Affinity"]
    assert len(titles) == 4
    assert len(figure.axes[0].texts) == 5
    assert len(render(figure)) > 10_000


def empty(seg):
    seg.active, seg.distance, seg.affinity = np.arange(0), None, None
    seg.eigenvalues, seg.n_clusters = np.zeros(0), 0
    return seg


ODD = {
    "all silent": empty(segmentation(("silence",), (3,))),
    "one window": segmentation(("A",), (1,), hop=1.0),
    "two windows": segmentation(("A", "B"), (1, 1), hop=1.0),
    "equal windows": segmentation(("A",), (5,)),
    "many labels": segmentation([chr(65 + i) for i in range(26)], [1] * 26),
}
ODD["equal windows"].distance[:] = 0.0
ODD["equal windows"].affinity[:] = 0.0


@pytest.mark.parametrize("seg", ODD.values(), ids=ODD)
def test_odd_segmentations_are_drawn(seg):
    for y in (None, noise(seg), np.zeros(round(seg.duration * SR), np.int16)):
        assert len(render(plot_summary(seg, y))) > 0
    if len(seg.active) == 0:
        with pytest.raises(ValueError, match="segmentation has no distance: every window is silent"):
            plot_graph(seg)


def test_errors_name_the_argument():
    seg = segmentation()
    with pytest.raises(ValueError, match=r"y must last 16 s as the sections, or .*, got 14.9 s at 1000 Hz"):
        plot_segments(seg, np.zeros(14900))
    with pytest.raises(ValueError, match="which must be one of affinity, distance, got 'sem'"):
        plot_matrix(seg, "sem")


@pytest.mark.parametrize("plot", [*PLOTS.values(), plot_summary], ids=[*PLOTS, "summary"])
def test_without_matplotlib_the_extra_is_named(monkeypatch, plot):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"audiofeat\[plot\]"):
        plot(segmentation())
