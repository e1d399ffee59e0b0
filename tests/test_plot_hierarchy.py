"""Levels lie above each other in the colours of their labels; sections lie on signals that last longer than they do."""

import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

pytest.importorskip("matplotlib")

from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from audiofeat import plot_segments, synth
from audiofeat.annotations import Sections
from audiofeat.plot import _drawing as drawing
from audiofeat.plot import plot_hierarchy

SR = 1000


def sections(edges, labels, sr=SR):
    edges = np.asarray(edges, float)
    return Sections(np.column_stack([edges[:-1], edges[1:]]), list(labels), sr)


LEVELS = [
    sections([0, 16, 24], "AB"),
    sections([0, 8, 16, 24], "ACB"),
    sections([0, 8, 12, 12.1, 16, 24], ["A", "C", "d", "$e$", "silence"]),
]


def render(ax):
    ax.figure.savefig(buffer := io.BytesIO(), format="png", dpi=40)
    return buffer.getvalue()


def boxes(ax):
    """Return left, right, lower and upper limit on the page, and colour, of what is filled."""
    found = []
    for part in ax.collections:
        if len(part.get_facecolor()) and part.get_paths():
            corners = part.get_paths()[0].vertices
            (left, low), (right, high) = corners.min(axis=0), corners.max(axis=0)
            heights = sorted(ax.transData.transform([(0, low), (0, high)])[:, 1])
            found.append((left, right, *heights, to_hex(part.get_facecolor()[0])))
    return found


def test_levels_are_rows_the_coarsest_on_top():
    ax = plot_hierarchy(LEVELS)
    assert ax.get_xlabel() == "Time (s)"
    assert ax.get_xlim() == (0.0, 24.0)
    assert ax.get_ylabel() == "Level"
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["1", "2", "3"]
    colours = drawing.colours_of(label for level in LEVELS for label in level.labels)
    drawn = boxes(ax)
    floor = np.inf
    for row, level in enumerate(LEVELS):
        strip, drawn = drawn[: len(level.labels)], drawn[len(level.labels) :]
        assert_allclose([box[:2] for box in strip], level.intervals)
        assert [box[4] for box in strip] == [colours[label].lower() for label in level.labels]
        (low,), (high,) = {box[2] for box in strip}, {box[3] for box in strip}
        tick = ax.transData.transform((0, ax.get_yticks()[row]))[1]
        assert low < tick < high < floor  # below the level before, and a gap between
        floor = low
    assert not drawn


def test_labels_are_written_where_they_have_room_and_listed_once():
    ax = plot_hierarchy(LEVELS)
    texts = [(text.get_text(), text.get_position()[0]) for text in ax.texts]
    written = [("A", 8), ("B", 20), ("A", 4), ("C", 12), ("B", 20), ("A", 4), ("C", 10), (r"\$e\$", 14.05)]
    assert texts == [*written, ("silence", 20)]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["A", "B", "C", "d", r"\$e\$", "silence"]


def test_it_is_drawn_into_the_axes_given_or_new_ones():
    upper, lower = Figure().subplots(2)
    assert plot_hierarchy(LEVELS, ax=lower) is lower
    assert not upper.has_data()
    assert render(plot_hierarchy(LEVELS)) == render(plot_hierarchy(tuple(LEVELS)))


def test_results_truths_gaps_and_other_ends_are_drawn():
    truth = synth.ar_regimes("ABA", sr=SR, segment_duration=2.0, random_state=0)
    gaps = SimpleNamespace(intervals=np.array([[0.5, 1.0], [3.0, 7.5]]), labels=["A", "x"])
    ax = plot_hierarchy([truth, gaps])
    assert ax.get_xlim() == (0.0, 7.5)
    assert_allclose([box[:2] for box in boxes(ax)], [*truth.intervals, *gaps.intervals])
    assert plot_hierarchy([truth]).get_yticks().tolist() == [0.5]
    assert len(render(ax)) > 0


@pytest.mark.parametrize("names", [[f"label {i}" for i in range(30)], ["x" * 60, "y"], [*"AB", "x" * 30]])
def test_the_legend_is_no_wider_than_the_page(names):
    figure = Figure(figsize=(5.0, 9.0), layout="constrained")
    ax = plot_hierarchy([sections(np.arange(len(names) + 1), names)], ax=figure.subplots())
    render(ax)  # would warn if the legend left no room
    width = ax.get_legend().get_window_extent().width
    assert width < figure.bbox.width or max(map(len, names)) > 50  # one column, and too long a name


def test_errors_name_the_level():
    with pytest.raises(ValueError, match=r"levels must be a sequence of at least one segmentation, got \[\]"):
        plot_hierarchy([])
    with pytest.raises(ValueError, match=r"levels must be a sequence .*, got <Sections of 24.00 s"):
        plot_hierarchy(LEVELS[0])
    empty = SimpleNamespace(intervals=np.zeros((0, 2)), labels=[])
    with pytest.raises(ValueError, match=r"levels\[1\] must have at least one section, got none"):
        plot_hierarchy([LEVELS[0], empty])


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"audiofeat\[plot\]"):
        plot_hierarchy(LEVELS)


# sections of a file on the signal they belong to


def test_a_signal_outside_of_the_sections_is_drawn_in_grey():
    annotated = Sections(np.array([[1.0, 3.0], [5.0, 6.0]]), ["A", "B"], SR)
    y = synth.clicks([0.5, 2.0, 4.0, 5.5, 9.5], sr=SR, duration=10.0)
    ax = plot_segments(annotated, y)
    assert ax.get_xlim() == (0.0, 10.0)
    colours = drawing.colours_of("AB")
    waves = boxes(ax)[:5]
    parts = [(1, 3, "A"), (5, 6, "B"), (0, 1, None), (3, 5, None), (6, 10, None)]
    for (left, right, *_, colour), (start, end, label) in zip(waves, parts, strict=True):
        assert_allclose([left, right], [start, end])
        assert colour == colours.get(label, drawing.UNLABELLED).lower()
    for wave in ax.collections[:5]:
        assert wave.get_paths()[0].vertices[:, 1].max() == pytest.approx(y.max())  # each has its click
    assert [text.get_text() for text in ax.texts] == ["A", "B"]
    assert len(render(ax)) > 0


@pytest.mark.parametrize("n_samples", [23001, 23999, 24000, 24001])
def test_a_signal_may_end_a_second_before_the_sections(n_samples):
    ax = plot_segments(LEVELS[1], np.ones(n_samples))
    assert ax.get_xlim() == (0.0, 24.0)
    assert_allclose([box[:2] for box in boxes(ax)[:2]], [[0, 8], [8, 16]])
    assert drawing.UNLABELLED.lower() not in [box[4] for box in boxes(ax)]


def test_a_section_after_the_end_of_the_signal_has_no_waveform():
    ax = plot_segments(sections([0, 8, 23.5, 24], "ABC"), np.ones(23200))
    assert len(render(ax)) > 0
    assert [box[:2] for box in boxes(ax)][-1] == (23.5, 24.0)


def test_a_signal_far_shorter_or_a_forgotten_rate_is_refused():
    with pytest.raises(ValueError, match=r"y must last 24 s as the sections, .* got 22.9 s at 1000 Hz"):
        plot_segments(LEVELS[1], np.ones(22900))
    with pytest.raises(ValueError, match=r"segmentation.sr must be the sample rate of y, got 1 Hz"):
        plot_segments(sections([0, 8, 24], "AB", sr=1.0), np.ones(24000))
    assert plot_segments(sections([0, 8, 24], "AB", sr=1.0), np.ones(24)).get_xlim() == (0.0, 24.0)
