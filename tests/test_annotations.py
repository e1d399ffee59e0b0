"""What is written is read back, by us and by other tools; what is malformed is refused with its line."""

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import load_annotations, save_annotations

FORMATS = {
    "lab": ".lab",
    "audacity": ".txt",
    "csv": ".csv",
    "json": ".json",
    "textgrid": ".TextGrid",
    "jams": ".jams",
}
INTERVALS = np.array([[0.0, 0.1], [0.1, 1 / 3], [1 / 3, 1e-7 + 1], [1e-7 + 1, 10815.123456789]])
HARD = [
    "",
    " ",
    "   ",
    "  verse ",
    "\t",
    "a\tb\nc\r\nd\re",
    'say "A"',
    '"',
    '""',
    "\\",
    "\\n",
    "\\\\t\\s",
    "a,b;c",
    "#comment",
    "0.5",
    "1 2 3",
    "début · 副歌 · 🎵",
    "\ufeffbom",
    "\u2028\x0b\x0c\x1c\x85",
    "\xa0edge\u3000",
    "it's <exists> = 1 \n 2",
    "start",
]

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
labels = st.one_of(st.sampled_from(HARD), texts, st.text(' \\\t\n\r",;ns1', max_size=6))
times = st.floats(0.0, 1e6, allow_subnormal=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("annotations")


@pytest.mark.parametrize(("kind", "extension"), FORMATS.items())
def test_hard_labels_come_back(folder, kind, extension):
    edges = np.linspace(0, 7, len(HARD) + 1)
    intervals = np.column_stack([edges[:-1], edges[1:]])
    save_annotations(folder / f"hard{extension}", intervals, HARD)
    loaded, names = load_annotations(folder / f"hard{extension}")
    assert_array_equal(loaded, intervals)
    assert loaded.dtype == np.float64
    assert names == HARD
    again, names = load_annotations(folder / f"hard{extension}", format=kind)
    assert_array_equal(again, intervals)


@pytest.mark.parametrize("kind", FORMATS)
@given(edges=st.lists(times, min_size=2, max_size=6, unique=True), data=st.data())
@example(edges=[1.04, 13.67, 400.0], data=None)  # 1.04 + (13.67 - 1.04) is not 13.67
@example(edges=[0.0, 5e-324, 1e-300, 1.7e308], data=None)
def test_contiguous_segments_come_back_exactly(folder, kind, edges, data):
    edges = sorted(edges)
    intervals = np.column_stack([edges[:-1], edges[1:]])
    names = [data.draw(labels) if data else "x" for _ in intervals]
    save_annotations(folder / "x", intervals, names, format=kind)
    loaded, read = load_annotations(folder / "x", format=kind)
    # only the last end has no next start to be taken from
    assert_array_equal(loaded.ravel()[:-1], intervals.ravel()[:-1])
    assert_allclose(loaded[-1, 1], intervals[-1, 1], rtol=3e-16 if kind == "jams" else 0, atol=0)
    assert read == names


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "textgrid"])
@given(starts=st.lists(times, max_size=6), data=st.data())
def test_gaps_overlaps_and_points_come_back(folder, kind, starts, data):
    starts = np.array(sorted(starts))
    intervals = np.column_stack([starts, starts + data.draw(st.sampled_from([0.0, 0.5, 1e3]))])
    names = [data.draw(labels) for _ in starts]
    save_annotations(folder / "x", intervals, names, format=kind)
    loaded, read = load_annotations(folder / "x", format=kind)
    assert_allclose(loaded, intervals, rtol=3e-16 if kind == "jams" else 0, atol=1e-9 if kind == "jams" else 0)
    assert loaded.shape == intervals.shape
    assert read == names


@pytest.mark.parametrize("kind", FORMATS)
def test_nul_is_kept_or_refused(folder, kind):
    def save():
        save_annotations(folder / "nul", [[0, 1]], ["a\0b"], format=kind)

    if kind in ("json", "jams"):
        save()
        assert load_annotations(folder / "nul", format=kind)[1] == ["a\0b"]
    else:
        with pytest.raises(ValueError, match=f"labels must be without NUL in format '{kind}'"):
            save()


NAMES = ["intro", "Strophe é", 'the "A"', "verse, again"]


def test_lab_is_read_by_mir_eval(folder):
    import mir_eval

    save_annotations(folder / "x.lab", INTERVALS, NAMES)
    intervals, names = mir_eval.io.load_labeled_intervals(folder / "x.lab")
    assert_array_equal(intervals, INTERVALS)
    assert names == NAMES


def test_csv_is_read_by_the_csv_module(folder):
    save_annotations(folder / "x.csv", INTERVALS, HARD[:4])
    with (folder / "x.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == HARD[:4]
    assert [float(row["end"]) for row in rows] == INTERVALS[:, 1].tolist()


@pytest.mark.filterwarnings("ignore:Passing a schema:DeprecationWarning")  # from jams
def test_json_and_jams_are_documents(folder):
    save_annotations(folder / "x.json", INTERVALS, NAMES)
    document = json.loads((folder / "x.json").read_text(encoding="utf-8"))
    assert document["duration"] == INTERVALS[-1, 1]
    assert document["segments"][1] == {"start": 0.1, "end": 1 / 3, "label": "Strophe é"}
    import jams

    save_annotations(folder / "x.jams", INTERVALS, NAMES)
    annotation = jams.load(str(folder / "x.jams")).annotations[0]
    assert annotation.namespace == "segment_open"
    intervals, names = annotation.to_interval_values()
    assert_allclose(intervals, INTERVALS, rtol=3e-16)
    assert names == NAMES


def test_textgrid_is_the_long_form(folder):
    save_annotations(folder / "x.TextGrid", [[0.5, 1.5], [1.5, 2.0]], ['a "b"', ""])
    lines = (folder / "x.TextGrid").read_text(encoding="utf-8").splitlines()
    assert [line.strip() for line in lines] == [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0.5",
        "xmax = 2.0",
        "tiers? <exists>",
        "size = 1",
        "item []:",
        "item [1]:",
        'class = "IntervalTier"',
        'name = "segments"',
        "xmin = 0.5",
        "xmax = 2.0",
        "intervals: size = 2",
        "intervals [1]:",
        "xmin = 0.5",
        "xmax = 1.5",
        'text = "a ""b"""',
        "intervals [2]:",
        "xmin = 1.5",
        "xmax = 2.0",
        'text = ""',
    ]


HEAD = '"ooTextFile"\n"TextGrid"\n0\n3\n<exists>\n'
FOREIGN = [  # one line of each: name, text, starts, labels
    (
        "spaces.lab",
        "0.0   1.5  verse one \r\n\r\n# note\n 1.5\t2 chorus\n2 3",
        [0, 1.5, 2],
        "verse one|chorus|",
    ),
    ("audacity.txt", "0.0\t1.0\tA\n\\\t120.0\t800.0\n1.0\t1.0\t\n", [0, 1], "A|"),
    ("windows.lab", "\ufeff0\t1\tA\\B\\q\r\n", [0], "A\\B\\q"),
    ("isophonics.lab", "0.000\t2.612\t\tsilence\n2.612\t8.424\t0\tintro x\n", [0, 2.612], "silence|intro x"),
    ("harmonix.txt", "0.0 intro\n8.5 verse one\n42.25 end\n", [0, 8.5, 42.25], "intro|verse one|end"),
    ("salami.txt", "0.0\tSilence\n0.5\tA, a, Intro, (voice\n9.0\tEnd", [0, 0.5, 9], "Silence|A, a, Intro, (voice|End"),
    ("instants.csv", "0.5,verse\n8,2\n", [0.5, 8], "verse|2"),
    ("times.csv", "time,label\n0.5,verse\n", [0.5], "verse"),
    ("beatles.csv", '"start";"end";"label"\n0;2.5;"intro"\n2.5;3;"verse"\n', [0, 2.5], "intro|verse"),
    ("wide.csv", "start,end,label,confidence\n0,1,a,0.9\n1,2,b,1.0\n", [0, 1], "a|b"),
    ("last.csv", "id,start,end,name\n7,0,1,a\n8,1,2,b\n", [0, 1], "a|b"),
    ("four.csv", "0,1,x,a\n1,2,x,b\n", [0, 1], "a|b"),
    ("plain.csv", "0,1,A\n1,2,3\n", [0, 1], "A|3"),
    ("schubert.csv", 'start;end;structure\n0.22;6.26;"I"\n6.26;19.26;"A;1"', [0.22, 6.26], "I|A;1"),
    ("ina.csv", "labels\tstart\tstop\nmusic\t0.0\t22.48\nnoise\t22.48\t30\n", [0, 22.48], "music|noise"),
    ("spaced.csv", '\ufeffStart, End, Label\n\n0, 1, verse\n1, 2, "a ""b"""\n', [0, 1], 'verse|a "b"'),
    (
        "allin1.json",
        '{"path": "/a/b.wav", "bpm": 90, "beats": [0.5], "beat_positions": [1], "segments":'
        ' [{"start": 0.0, "end": 1.5, "label": "start"}, {"start": 1.5, "end": 9.25, "label": "verse"}]}',
        [0, 1.5],
        "start|verse",
    ),
    ("extra.json", '{"bpm": 90, "segments": [{"start": 0, "end": 1, "label": "a", "x": 1}]}', [0], "a"),
    ("short.TextGrid", HEAD + '1\n"IntervalTier"\n"s"\n0\n3\n2\n0\n1\n"a"\n1\n3\n"b\nc"\n', [0, 1], "a|b\nc"),
    (
        "points.TextGrid",
        HEAD + '2\n"TextTier" "p" 0 3 1 0.5 "x"\n"IntervalTier" "s" 0 3 1 0 3 "4"\n',
        [0],
        "4",
    ),
]


@pytest.mark.parametrize(("name", "text", "starts", "expected"), FOREIGN, ids=[name for name, *_ in FOREIGN])
def test_files_of_other_tools(folder, name, text, starts, expected):
    (folder / name).write_bytes(text.encode())
    intervals, names = load_annotations(folder / name)
    assert_array_equal(intervals[:, 0], starts)
    assert names == expected.split("|")


def test_utf16_with_its_mark_is_read(folder):
    save_annotations(folder / "x.TextGrid", [[0, 1]], ["é🎵"])
    text = (folder / "x.TextGrid").read_text(encoding="utf-8")
    (folder / "wide.TextGrid").write_bytes(text.encode("utf-16"))
    assert load_annotations(folder / "wide.TextGrid")[1] == ["é🎵"]


JAMS = '{"file_metadata": {"duration": 1}, "annotations": [], "sandbox": {}}'
SEGMENT = '{"annotations": [{"namespace": "segment_open", "data": [{%s, "value": "a", "confidence": 1}]}]}'
MALFORMED = [
    ("x.lab", "0 1 a\nb\n", "line 2: the line must hold start, end and label, got 'b'"),
    ("x.lab", "0 1 a\n1 two b\n", "line 2: start and end must be numbers, got '1' and 'two'"),
    ("x.lab", "0 1 a\n\n1 nan b\n", "line 3: start and end must be finite, got 1.0 and nan"),
    ("x.lab", "0 1 a\n3 2 b\n", "line 2: end must be >= start, 3.0, got 2.0"),
    ("x.lab", "1 2 a\n0 1 b\n", "line 2: start must be at or after the one before, 1.0, got 0.0"),
    ("x.lab", "-1 2 a\n", "line 1: start must be >= 0, got -1.0"),
    ("x.lab", "0 a\n1 2 b\nx c\n", "line 3: start and end must be numbers, got 'x' and 'x'"),
    ("x.csv", "0,a\n1,2,b\n", "line 2: the row must hold time and label, got ['1', '2', 'b']"),
    ("x.csv", "start,end\n0,1\n", "line 1: the row must hold start, end and label, got ['start', 'end']"),
    ("x.csv", "start,end,label\n0,1\n", "line 2: the row must hold start, end and label, got ['0', '1']"),
    (
        "x.csv",
        'start,end,label\n0,1,"a\nb"\n1,x,c\n',
        "line 4: start and end must be numbers, got '1' and 'x'",
    ),
    ("x.csv", '0,1,"a', "line 1: unexpected end of data"),
    ("x.json", '{"segments":\n [}', "line 2: the file must be JSON"),
    ("x.json", "[]", "line 1: the file must hold an object with a list named 'segments'"),
    ("x.json", '{"segments": [{"start": 0}]}', "segments[0]: the segment must hold start, end and label"),
    (
        "x.json",
        '{"segments": [{"start": null, "end": 1, "label": "a"}]}',
        "segments[0]: start and end must be",
    ),
    ("x.json", '{"segments": [{"start": 0, "end": 1, "label": 3}]}', "segments[0]: label must be a string"),
    ("x.json", '{"segments": [{"start": 0, "end": 1%s, "label": ""}]}' % ("0" * 400), "must be numbers"),
    (
        "x.json",
        '{"segments": [{"start": 0, "end": 1%s, "label": ""}]}' % ("0" * 5000),
        "line 1: the file must",
    ),
    ("x.TextGrid", "hello", "line 1: a file type must follow, got the end of the file"),
    ("x.TextGrid", '"ooTextFile" "Sound"', "line 1: the file must be an ooTextFile that holds a TextGrid"),
    (
        "x.TextGrid",
        HEAD + '1\n"IntervalTier" "s" 0 3 2\n0 1 "a"\n1 "b"',
        'got "b"',
    ),
    ("x.TextGrid", HEAD + '1\n"IntervalTier" "s" 0 3 1.5', "line 7: a number of intervals must be a whole"),
    ("x.TextGrid", HEAD + "0\n", "line 1: the TextGrid must hold an IntervalTier, got none"),
    ("x.jams", "{", "line 1: the file must be JSON"),
    ("x.jams", "[]", "line 1: the file must be a valid JAMS document"),
    ("x.jams", "{}", "annotations: the file must hold an annotation of segments, got none"),
    ("x.jams", SEGMENT % '"time": "a", "duration": 1', "line 1: the file must be a valid JAMS document"),
    ("x.jams", SEGMENT % '"time": null, "duration": 1', "line 1: the file must be a valid JAMS document"),
    ("x.jams", SEGMENT % '"duration": 1', "line 1: the file must be a valid JAMS document"),
    ("x.jams", SEGMENT % '"time": -1, "duration": 1', "annotations[0].data[0]: start must be >= 0, got -1"),
    ("x.jams", '{"annotations": 3}', "line 1: the file must be a valid JAMS document"),
    ("x.jams", JAMS, "annotations: the file must hold an annotation of segments, got none"),
]


@pytest.mark.parametrize(("name", "text", "message"), MALFORMED)
def test_malformed_files_are_refused_with_file_and_line(folder, name, text, message):
    (folder / name).write_bytes(text.encode())
    with pytest.raises(ValueError, match=f"^{re.escape(str(folder / name))}, .*{re.escape(message)}"):
        load_annotations(folder / name)


def test_bytes_that_are_not_utf8_are_refused(folder):
    (folder / "x.lab").write_bytes(b"0 1 a\n1 2 d\xe9but\n")
    with pytest.raises(ValueError, match=r"x\.lab, line 2: the text must be UTF-8, got the byte 0xe9"):
        load_annotations(folder / "x.lab")


WRONG = [
    ([[0, 1, 2]], ["a"], {}, ValueError, r"intervals must have shape \(n_intervals, 2\), got \(1, 3\)"),
    ([0, 1], ["a"], {}, ValueError, r"intervals must have shape \(n_intervals, 2\), got \(2,\)"),
    ([[0, 1]], ["a", "b"], {}, ValueError, "labels must be as many as the 1 intervals, got 2"),
    ([[0, 1]], [1], {}, TypeError, "labels must be strings, got 1 at index 0"),
    ([[0, 1]], ["\ud800"], {}, ValueError, "labels must be without lone surrogates"),
    ([[0, np.inf]], ["a"], {}, ValueError, r"intervals\[0\]: start and end must be finite"),
    ([[0, 2], [3, 1]], ["a", "b"], {}, ValueError, r"intervals\[1\]: end must be >= start, 3.0, got 1.0"),
    (
        [[1, 2], [0, 1]],
        ["a", "b"],
        {},
        ValueError,
        r"intervals\[1\]: start must be at or after the one before",
    ),
    ([[0, 1]], ["a"], {"format": "midi"}, ValueError, "format must be one of audacity, csv"),
    ([[0, 1], [2, 3]], ["a", "b"], {"format": "textgrid"}, ValueError, "must touch .* at index 1"),
    ([[0, 0]], ["a"], {"format": "textgrid"}, ValueError, "must touch and not be empty"),
    ([], [], {"format": "textgrid"}, ValueError, "intervals must be at least 1 in a TextGrid"),
]


@pytest.mark.parametrize(("intervals", "names", "options", "error", "message"), WRONG)
def test_wrong_arguments_leave_the_old_file_and_no_other(tmp_path, intervals, names, options, error, message):
    path = tmp_path / "x.lab"
    path.write_text("old")
    with pytest.raises(error, match=message):
        save_annotations(path, intervals, names, **options)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_is_atomic(tmp_path, monkeypatch):
    path = tmp_path / "x.lab"
    save_annotations(str(path), INTERVALS, NAMES)
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_annotations(path, [[0, 1]], ["new"])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_extension_asks_for_the_format(tmp_path):
    for call in (
        lambda: load_annotations(tmp_path / "x.wav"),
        lambda: save_annotations("x", [[0, 1]], ["a"]),
    ):
        with pytest.raises(ValueError, match=r"path must end in one of \.lab, .* where format is not given"):
            call()
    with pytest.raises(FileNotFoundError):
        load_annotations(tmp_path / "none.lab")


def test_without_jams_the_extra_is_named(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "jams", None)
    with pytest.raises(ImportError, match=r"audiofeat\[eval\]"):
        save_annotations(folder / "x.jams", [[0, 1]], ["a"])


def test_importing_and_using_the_others_does_not_need_jams():
    code = "import sys, audiofeat; audiofeat.save_annotations; sys.exit('jams' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.realdata
def test_real_annotations_are_read(data, tmp_path):
    for path in [*data.glob("mir_eval_segment/*.lab"), *data.glob("schubert_HU33/structure/*.csv")]:
        intervals, names = load_annotations(path)
        assert len(intervals) == len(names) > 1
        assert (np.diff(intervals, axis=1) > 0).all()
        assert all(name == name.strip() != "" for name in names)
        save_annotations(tmp_path / "again.json", intervals, names)
        assert_array_equal(load_annotations(tmp_path / "again.json")[0], intervals)
    assert load_annotations(data / "schubert_HU33/structure/Schubert_D911-18_HU33.csv")[1] == [
        "I",
        "A1",
        "B",
        "A2",
    ]
