"""What people correct or annotate becomes sections, which scores and figures take."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import evaluate_segments, load_annotations, plot_segments, save_annotations, segment, synth
from audiofeat.annotations import Sections, read_segments

EXTENSIONS = {
    "lab": ".lab",
    "audacity": ".txt",
    "csv": ".csv",
    "json": ".json",
    "textgrid": ".TextGrid",
    "jams": ".jams",
}
SR = 2000  # low, for the kernels may be plain Python


def written(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def brief(sections):
    return [
        (start, end, label) for (start, end), label in zip(sections.intervals.tolist(), sections.labels, strict=True)
    ]


# the round trip


@pytest.fixture(scope="module")
def song():
    truth = synth.ar_regimes("ABAB", sr=SR, segment_duration=5.0, random_state=0)
    return truth, segment(truth.y, truth.sr, n_clusters=2, preset="ucsd2020")


@pytest.mark.parametrize(("kind", "extension"), EXTENSIONS.items())
def test_what_was_corrected_by_hand_is_read_scored_and_plotted(song, tmp_path, kind, extension):
    truth, found = song
    path = tmp_path / f"song{extension}"
    save_annotations(path, found.intervals, found.labels)
    again = read_segments(path, sr=found.sr)
    assert_allclose(again.intervals, found.intervals, rtol=1e-15)
    assert again.labels == found.labels
    assert evaluate_segments(found, again)["F-measure@0.5"] == 1.0

    text = path.read_text(encoding="utf-8")
    first = float(found.boundaries[1])
    edited = re.sub(rf"(?<![\d.]){first!r}(?!\d)", "4.0", text) if kind != "jams" else moved(text, first - 4.0)
    assert edited != text
    path.write_text(re.sub(r"\bB\b", "chorus é", edited), encoding="utf-8")
    corrected = read_segments(path, sr=found.sr)
    assert_allclose(corrected.boundaries, [0.0, 4.0, *found.boundaries[2:]], atol=1e-9)
    assert corrected.labels == ["A", "chorus é", "A", "chorus é"]
    scores = evaluate_segments(truth, corrected)
    assert scores["Recall@3.0"] == 1.0
    assert scores["Recall@0.5"] == 0.8
    ax = plot_segments(corrected, truth.y)
    assert ax.get_xlim() == (0.0, 20.0)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["A", "chorus é"]
    assert plot_segments(read_segments(path)).get_xlim() == (0.0, 20.0)


def moved(text, earlier):
    """JAMS with its first boundary earlier: a start and two durations."""
    document = json.loads(text)
    first, second = document["annotations"][0]["data"][:2]
    first["duration"] -= earlier
    second["time"] -= earlier
    second["duration"] += earlier
    return json.dumps(document)


@pytest.mark.realdata
@pytest.mark.parametrize("kind", EXTENSIONS)
def test_the_songs_of_schubert_in_every_format(data, tmp_path, kind):
    songs = sorted(data.glob("schubert_HU33/structure/*.csv"))
    assert len(songs) == 3
    for song in songs:
        truth = read_segments(song)
        save_annotations(tmp_path / song.stem, truth.intervals, truth.labels, format=kind)
        again = read_segments(tmp_path / song.stem, format=kind)
        assert_allclose(again.intervals, truth.intervals, rtol=1e-15)
        assert again.labels == truth.labels == load_annotations(song)[1]
        assert evaluate_segments(truth, again)["Adjusted Rand Index"] == 1.0


# points, gaps and overlaps


@st.composite
def points(draw):
    times = sorted(draw(st.lists(st.floats(0.0, 1e4), min_size=2, max_size=8, unique=True)))
    labels = draw(st.lists(st.sampled_from(["verse", "a b", "Endless", "2"]), min_size=len(times), max_size=len(times)))
    return times, labels


@given(drawn=points(), audacity=st.booleans())
def test_points_are_sections_up_to_the_next(tmp_path_factory, drawn, audacity):
    times, labels = drawn
    labels[0] = "intro"  # a number would be an end
    lines = [f"{t!r}\t{t!r}\t{x}" if audacity else f"{t!r} {x}" for t, x in zip(times, labels, strict=True)]
    path = written(tmp_path_factory.mktemp("points"), "x.txt", "\n".join(lines))
    given_end = read_segments(path, duration=2e4)
    assert_array_equal(given_end.boundaries, [*times, 2e4])
    assert given_end.labels == labels
    path = written(path.parent, "y.txt", "\n".join([*lines, "2e4\t2e4\tEnd" if audacity else "2e4 END"]))
    assert brief(read_segments(path)) == brief(read_segments(path, duration=3.0)) == brief(given_end)


SHAPES = {
    "a gap stays": ("0 4 a\n5 9 b\n", [(0, 4, "a"), (5, 9, "b")]),
    "a millisecond is none": ("0 4.0009 a\n4 8.9995 b\n9 10 c\n", [(0, 4, "a"), (4, 9, "b"), (9, 10, "c")]),
    "points are remarks": ("0 4 a\n3 3 oops\n4 9 b\n", [(0, 4, "a"), (4, 9, "b")]),
    "of points at once the last": ("0 Silence\n0 intro\n5 end\n", [(0, 5, "intro")]),
    "silence at the end": ("0 A\n5 End\n5 Silence\n", [(0, 5, "A")]),
    "a section named end": ("0 4 a\n4 9 end\n", [(0, 4, "a"), (4, 9, "end")]),
}


@pytest.mark.parametrize(("text", "expected"), SHAPES.values(), ids=SHAPES)
def test_shapes_of_files(tmp_path, text, expected):
    assert brief(read_segments(written(tmp_path, "x.lab", text))) == expected


WRONG = [
    ("0 a\n5 b\n", {}, r"x\.lab, last point: it must be labelled 'end', or duration be given, got 'b' at 5 s"),
    ("0 a\n5 b\n", {"duration": 5.0}, r"last point: it must be before duration, 5 s, got 'b' at 5 s"),
    ("0 5 a\n4.5 9 b\n", {}, r"x\.lab, at 4\.5 s: 'a' must end before 'b' starts, got 5 s"),
    ("", {}, r"x\.lab, sections: the file must hold at least one section, got none"),
    ("0 end\n", {}, "must hold at least one section"),
    ("0 1 a\n", {"level": "upper"}, "level must be one of functions, lowercase, uppercase, got 'upper'"),
    ("0 1 a\n", {"annotator": 1}, r"annotator must be in \[0, 0\], got 1"),
    ("0 1 a\n", {"duration": 0.0}, "duration must be > 0, got 0.0"),
    ("0 1 a\n", {"sr": 0}, "sr must be > 0, got 0"),
    ("0 1 a\n", {"format": "midi"}, "format must be one of"),
    (
        "0 A, intro\n5 end\n",
        {"level": "lowercase"},
        r"x\.lab, level 'lowercase': the file must hold labels of the level",
    ),
]


@pytest.mark.parametrize(("text", "options", "message"), WRONG)
def test_what_is_not_sections_is_refused(tmp_path, text, options, message):
    with pytest.raises(ValueError, match=message):
        read_segments(written(tmp_path, "x.lab", text), **options)


def test_sections_name_themselves():
    labels = [f"{i}" for i in range(14)]
    sections = Sections(np.column_stack([np.arange(14.0), np.arange(14.0) + 0.5]), labels)
    assert repr(sections).startswith("<Sections of 13.50 s: 0.00 0 | 1.00 1 | ")
    assert repr(sections).endswith(" | 11.00 11 | ...>")
    assert_array_equal(sections.boundaries[:4], [0.0, 0.5, 1.0, 1.5])
    assert (sections.duration, sections.sr) == (13.5, 1.0)


# several segmentations in a file

RAW = """0.000\tsilence
0.500\tA, a, intro, (guitar
8.250\ta'
16.00\tB, ab'', Verse, (voice
24.00\tb
32.00\tC', c, Instrumental, Solo, guitar), voice)
40.00\td
48.00\tZ
56.00\tSilence
60.00\tend
"""
LEVELS = {
    "uppercase": "0 silence|0.5 A|16 B|32 C'|48 Z|56 Silence",
    "lowercase": "0 silence|0.5 a|8.25 a'|16 ab''|24 b|32 c|40 d|56 Silence",
    "functions": "0 Silence|0.5 Intro|16 Verse|32 Solo|48 no_function|56 Silence",
}


@pytest.mark.parametrize(("level", "expected"), LEVELS.items())
def test_the_levels_of_salamis_text(tmp_path, level, expected):
    path = written(tmp_path, "textfile1.txt", RAW)
    found = read_segments(path, level=level)
    assert "|".join(f"{start:g} {label}" for start, _, label in brief(found)) == expected
    assert found.duration == 60.0


def test_the_annotators_and_levels_of_jams(tmp_path):
    import jams

    document = jams.JAMS(file_metadata=jams.FileMetadata(duration=9.0))
    for namespace, labels in (("beat", ""), ("segment_salami_lower", "ab"), ("segment_salami_upper", "AB")):
        for shift in (0.0, 1.0):
            annotation = jams.Annotation(namespace, duration=9.0)
            for label, start, end in zip(labels, (0.0, 4.0 + shift), (4.0 + shift, 9.0), strict=False):
                annotation.append(time=start, duration=end - start, value=label)
            document.annotations.append(annotation)
    path = written(tmp_path, "x.jams", document.dumps())
    assert brief(read_segments(path)) == [(0, 4, "A"), (4, 9, "B")]
    assert brief(read_segments(path, annotator=1, level="lowercase")) == [(0, 5, "a"), (5, 9, "b")]
    assert brief(read_segments(path, level="functions")) == [(0, 4, "a"), (4, 9, "b")]  # not there: the first
    assert load_annotations(path)[1] == ["a", "b"]
    with pytest.raises(ValueError, match=r"annotator must be in \[0, 1\], got 2"):
        read_segments(path, annotator=2)
