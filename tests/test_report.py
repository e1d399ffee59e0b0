"""The page: what it says and draws, that no text can become markup, and where its sound is."""

import base64
import hashlib
import io
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from audiofeat import AudioError, info, load, save, synth
from audiofeat.report import _audio as audio_of
from audiofeat.report import _pictures as pictures
from audiofeat.report import save_report
from audiofeat.report._markup import escape
from audiofeat.report._page import page
from audiofeat.sections import Segmentation

SR = 1000
HOSTILE = (
    "</script><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)>",
    "<!--",
    "]]></svg></style></title>",
    "{{script}}{{nothing}}",
    "&lt;b&gt; &amp; \\u2028",
    "a\u2028b\u2029c\0d\x85e\ud800f",
    "\u202egnp.exe",
    "javascript:alert(3)",
    "",
)


def segmentation(labels=("A", "B", "silence", "A"), durations=(4.0, 3.0, 2.0, 1.0), *, hop=0.5, sparse=True):
    """What `segment` returns, as far as pages ask: small distances within a label, silence left out."""
    edges = np.rint(SR * np.cumsum([0.0, *durations])).astype(int)
    starts = np.arange(0, edges[-1] - int(hop * SR) + 1, int(hop * SR))
    windows = np.stack([starts, starts + int(hop * SR)], axis=1)
    owners = np.searchsorted(edges, starts, side="right") - 1
    active = np.flatnonzero([labels[i] != "silence" for i in owners])
    kinds = np.array([list(dict.fromkeys(labels)).index(labels[owners[i]]) for i in active])
    distance = np.abs(np.subtract.outer(kinds, kinds)) + 0.1 * np.abs(np.subtract.outer(active, active))
    affinity = np.exp(-distance) * ~np.eye(len(active), dtype=bool)
    return Segmentation(
        boundary_samples=edges,
        labels=list(labels),
        sr=float(SR),
        window_labels=[labels[i] for i in owners],
        window_samples=windows,
        active=active,
        distance=distance,
        affinity=csr_array(affinity) if sparse else affinity,
        eigenvalues=np.ones(3),
        n_clusters=len(set(labels) - {"silence"}),
        confidence=0.5,
        n_components=1,
        parameters={"preset": "default", "sr": None, "min_duration": 2.0},
    )


def noise(seg, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, int(seg.boundary_samples[-1]))


class Tree(HTMLParser):
    """Elements with their attributes and the text directly in them, in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes), []))
        if name not in ("meta", "link"):
            self.open.append(self.elements[-1])

    def handle_endtag(self, name):
        assert self.open.pop()[0] == name  # every element is closed where it should be

    def handle_data(self, data):
        if self.open:
            self.open[-1][2].append(data)

    def all(self, name, **wanted):
        found = [(a, "".join(t)) for n, a, t in self.elements if n == name]
        return [(a, t) for a, t in found if all(a.get(key.rstrip("_")) == value for key, value in wanted.items())]

    @property
    def shape(self):
        return [(name, tuple(attributes)) for name, attributes, _ in self.elements]


def rendered(seg, y=None, *, title="Song", url="song.flac", name="song.flac"):
    signal = None if y is None else np.atleast_2d(y)
    return Tree(page(seg, signal, seg.sr, title=title, url=url, name=name))


# What it says


def test_the_table_has_the_sections():
    seg = segmentation()
    tree = rendered(seg)
    rows = [a for a, _ in tree.all("tr") if "data-start" in a]
    assert_allclose([[float(row["data-start"]), float(row["data-end"])] for row in rows], seg.intervals, rtol=0)
    assert [row["data-of"] for row in rows] == ["0", "1", "2", "3"]
    names = [t for _, t in tree.all("button", class_="jump")]
    assert names == ["0:00.00", "0:04.00", "0:07.00", "0:09.00"]
    told = [a["aria-label"] for a, _ in tree.all("button", class_="jump")]
    assert told[1] == "Play section 2, B, from 0:04.00"
    cells = [t for _, t in tree.all("bdi")]
    assert cells == ["Song", "song.flac", "A", "B", "silence", *seg.labels]
    assert ("10.00 · 4 sections · 3 labels · confidence 0.50") in "".join(t for _, t in tree.all("p"))


def test_the_legend_sums_the_labels():
    tree = rendered(segmentation())
    assert [t for a, t in tree.all("span")] == ["2 ×, 0:05, 50 %", "1 ×, 0:03, 30 %", "1 ×, 0:02, 20 %"]


def test_the_slider_spans_the_song_and_every_control_has_a_name():
    tree = rendered(segmentation())
    ((slider, _),) = tree.all("div", role="slider")
    assert (slider["aria-valuemin"], float(slider["aria-valuemax"]), slider["tabindex"]) == ("0", 10.0, "0")
    for attributes, text in tree.all("button"):
        assert attributes.get("aria-label") or text.strip()
    for name, attributes, _ in tree.elements:
        if name == "svg":  # a picture is named, or left to the words beside it
            inner = "data-of" in attributes or "viewbox" in attributes
            assert inner or attributes.get("aria-hidden") == "true" or attributes.get("aria-labelledby"), attributes


def test_without_sound_there_is_nothing_to_press_and_no_script():
    tree = rendered(segmentation(), url=None, name=None)
    assert not tree.all("script") + tree.all("button") + tree.all("audio") + tree.all("div", role="slider")
    ((meta, _),) = [(a, t) for a, t in tree.all("meta") if "http-equiv" in a]
    assert "script-src 'none'" in meta["content"]


# What it draws


def test_blocks_and_waveform_lie_where_the_sections_are():
    seg = segmentation()
    tree = rendered(seg, noise(seg))
    blocks = [a for a, _ in tree.all("svg") if "data-of" in a]
    assert [(a["x"], a["width"]) for a in blocks] == [("0%", "40%"), ("40%", "30%"), ("70%", "20%"), ("90%", "10%")]
    colours = [a["class"] for a in blocks]
    assert colours[0] == colours[3]  # of one label
    assert len(set(colours)) == 3
    borders = [a["x1"] for a, _ in tree.all("line") if "class" not in a and a["x1"] == a["x2"]]
    assert borders == 3 * ["40%", "70%", "90%"]  # in the waveform and in both matrices
    paths = [a for a, _ in tree.all("path") if "data-of" in a]
    for path, (start, end) in zip(paths, seg.intervals / seg.duration * pictures.BINS, strict=True):
        points = np.array([pair.split(",") for pair in path["d"][1:-1].split()], dtype=float)
        assert (points[0, 0], points[:, 0].max()) == (start, end)


@pytest.mark.parametrize("n_channels", [1, 2])
def test_the_waveform_reaches_from_the_least_to_the_greatest_sample_of_all_channels(n_channels):
    seg = segmentation()
    y = np.stack([noise(seg, seed) * (seed + 1) for seed in range(n_channels)])
    tree = rendered(seg, y)
    peak = np.abs(y).max()
    edges = seg.boundary_samples
    paths = [a for a, _ in tree.all("path") if "data-of" in a]
    for path, start, end in zip(paths, edges[:-1], edges[1:], strict=True):
        levels = np.array([pair.split(",")[1] for pair in path["d"][1:-1].split()], dtype=float)
        part = y[:, start:end]
        assert_allclose(
            [levels.min(), levels.max()], [100 - 96 * part.max() / peak, 100 - 96 * part.min() / peak], atol=0.06
        )


@pytest.mark.parametrize("level", [0.0, 1e-300, 1.0])
def test_constant_signals_are_drawn(level):
    seg = segmentation()
    text = page(seg, np.full((1, 10 * SR), level), SR, title="", url=None, name=None)
    numbers = [a[key] for _, a, _ in Tree(text).elements for key in ("d", "x", "y", "width", "height") if key in a]
    assert not re.search("nan|inf", " ".join(numbers))


def test_labels_differ_in_more_than_colour():
    labels = [chr(ord("A") + i) for i in range(24)] + ["silence"]
    styles = pictures.styles_of(labels)
    assert len({(style.colour, style.hatch) for style in styles.values()}) == 25
    assert len({style.hatch for style in list(styles.values())[:8]}) == 8


def test_times_under_the_picture_are_few_and_within_it():
    for duration in (0.004, 0.3, 1.0, 17.3, 240.0, 3601.0, 86400.0, 1e6):
        ticks = Tree(pictures.ruler(duration)).all("text")
        assert 1 <= len(ticks) <= 12
        assert all(float(a["x"].rstrip("%")) <= 100 for a, _ in ticks)
        assert len({t for _, t in ticks}) == len(ticks)


@pytest.mark.parametrize("which", ["affinity", "distance"])
@pytest.mark.parametrize("sparse", [True, False])
def test_matrices_are_bright_where_windows_are_alike(which, sparse):
    seg = segmentation(sparse=sparse)
    levels = pictures.levels(seg, which)[::-1].astype(int)  # the first window first
    n = len(seg.window_samples)
    assert levels.shape == (n, n)
    silent = np.setdiff1d(np.arange(n), seg.active)
    assert len(silent) == 4
    assert (levels[silent] == pictures.INVALID).all()
    assert (levels[:, silent] == pictures.INVALID).all()
    shown = levels[np.ix_(seg.active, seg.active)]
    assert shown.max() < pictures.INVALID
    off = ~np.eye(len(shown), dtype=bool)
    order = np.argsort(seg.distance[off])
    assert (np.diff(shown[off][order]) <= 0).all()
    assert (shown[off].min(), shown[off].max()) == (shown[off][order[-1]], 254)


@pytest.mark.parametrize("value", [0.0, 1.0, np.inf])
@pytest.mark.parametrize("which", ["affinity", "distance"])
def test_matrices_of_one_value_are_drawn(which, value):
    seg = segmentation()
    n = len(seg.active)
    matrix = np.full((n, n), 1.0 if which == "affinity" and value == np.inf else value)
    levels = pictures.levels(replace(seg, **{which: matrix}), which)
    assert len(np.unique(levels)) <= 2


def test_the_picture_of_a_matrix_is_a_png():
    image_of = pytest.importorskip("PIL.Image")
    indices = np.random.default_rng(0).integers(0, 256, (30, 50)).astype(np.uint8)
    image = image_of.open(io.BytesIO(pictures.png(indices)))
    image.load()
    assert_array_equal(np.asarray(image), indices)
    palette = np.array(image.getpalette()).reshape(-1, 3)
    assert palette[0].tolist() == [0x44, 0x01, 0x54]
    assert palette[254].tolist() == [0xFD, 0xE7, 0x25]
    assert (np.diff(palette[:255] @ [0.299, 0.587, 0.114]) > -0.5).all()  # brighter is more, also printed in grey
    assert palette[255].tolist() == [184, 184, 184]


def test_what_a_segmentation_has_not_is_said():
    seg = replace(segmentation(), distance=None)
    tree = rendered(seg)
    assert len(tree.all("image")) == 1
    assert "it is not kept for 16 windows" in tree.all("p", class_="missing")[0][1]
    silent = replace(seg, affinity=None, active=np.empty(0, dtype=int))
    assert len(rendered(silent).all("p", class_="missing")) == 2


def test_a_page_of_many_windows_is_small():
    n_windows = 6000
    starts = SR // 25 * np.arange(n_windows)
    rng = np.random.default_rng(0)
    joined = rng.integers(0, n_windows, (2, 100_000))
    seg = replace(
        segmentation(list("AB") * 60, [2.0] * 120),
        window_samples=np.stack([starts, starts + SR], axis=1),
        active=np.arange(n_windows),
        affinity=csr_array((rng.random(100_000), joined), shape=(n_windows, n_windows)),
        distance=rng.random((n_windows, n_windows), dtype=np.float32),
    )
    text = page(seg, rng.uniform(-1, 1, (1, 240 * SR)), SR, title="", url="a.mp3", name="a.mp3")
    assert len(text.encode()) < 1_500_000


# No text is markup


@given(labels=st.lists(st.text(min_size=1, max_size=12), min_size=3, max_size=3, unique=True), title=st.text())
def test_texts_do_not_change_the_structure(labels, title):
    labels = ["x" if label == "silence" else label for label in labels]
    plain = rendered(segmentation(list("ABC"), (2, 3, 4)), title="Song", name="song.mp3")
    odd = rendered(segmentation(labels, (2, 3, 4)), title=title, name=title)
    assert odd.shape == plain.shape
    assert odd.all("script") == plain.all("script")
    shown = [t for _, t in odd.all("bdi")]
    if all(c.isprintable() for text in (*labels, title) for c in text):
        assert (shown[:2], sorted(shown[2:5]), shown[5:]) == ([title, title], sorted(labels), labels)
        assert odd.all("title")[0][1] == title


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_only_read(tmp_path, text):
    seg = segmentation((text, "B", "silence", text))
    save_report(tmp_path / "a.html", seg, title=text)
    raw = (tmp_path / "a.html").read_bytes()
    tree = Tree(raw.decode())
    plain = rendered(segmentation(("a", "B", "silence", "a")), url=None, name=None)
    assert [name for name, _ in tree.shape if name != "text"] == [name for name, _ in plain.shape if name != "text"]
    assert b"\0" not in raw
    assert not set("\u2028\u2029\x85") & set(raw.decode())
    assert escape(text) == escape(escape(text))  # once


def test_nothing_is_loaded_but_the_sound_and_no_script_runs_but_the_pages_own():
    tree = rendered(segmentation(), noise(segmentation()), url="song.flac")
    addresses = [a[key] for _, a, _ in tree.elements for key in ("src", "href", "action", "poster") if key in a]
    assert sorted(address for address in addresses if not address.startswith("data:")) == ["song.flac"]
    assert not [key for _, a, _ in tree.elements for key in a if key.startswith("on") or key == "style"]
    ((meta, _),) = [(a, t) for a, t in tree.all("meta") if "http-equiv" in a]
    policy = dict(part.split(" ", 1) for part in meta["content"].split("; "))
    assert policy["default-src"] == "'none'"
    for name in ("script", "style"):
        ((_, content),) = tree.all(name)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy[f"{name}-src"] == f"'sha256-{digest}'"
        assert not re.search(r"https?:|@import|url\((?!#)|\beval\b|innerHTML|document\.write", content)


# Its file and its sound


@pytest.fixture
def song(tmp_path):
    seg = segmentation()
    save(tmp_path / "song.wav", noise(seg), SR)
    return tmp_path / "song.wav", seg


@given(
    name=st.binary(min_size=1, max_size=20).filter(lambda name: not set(name) & {0, 47} and name not in (b".", b".."))
)
def test_the_address_of_a_file_is_found_by_a_browser(name):
    path = Path("/music/a b#c") / os.fsdecode(name)
    for folder in ("/music/a b#c", "/music/a b#c/pages?x=1", "/elsewhere", "/"):
        url = audio_of.relative_url(path, Path(folder) / "song.html")
        assert re.fullmatch(r"[A-Za-z0-9_.~%/-]+", url)
        base = (Path(folder) / "song.html").as_uri()
        parts = urlsplit(urljoin(base, url))
        assert unquote_to_bytes(parts.path) == os.fsencode(path)


def test_a_page_refers_to_its_sound_where_it_lies(song, tmp_path, monkeypatch):
    path, seg = song
    (tmp_path / "pages").mkdir()
    monkeypatch.chdir(tmp_path)
    save_report("pages/a.html", seg, audio="song.wav")
    save_report(tmp_path / "b.HTM", seg, audio=path, title="Mine")
    trees = [Tree((tmp_path / name).read_text()) for name in ("pages/a.html", "b.HTM")]
    assert [tree.all("audio")[0][0]["src"] for tree in trees] == ["../song.wav", "song.wav"]
    assert [tree.all("title")[0][1] for tree in trees] == ["song", "Mine"]


def test_the_waveform_of_a_file_is_that_of_its_signal(song, tmp_path):
    path, seg = song
    y, _ = load(path)
    save_report(tmp_path / "a.html", seg, audio=path)
    save_report(tmp_path / "b.html", seg, audio=path, y=y)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    save_report(tmp_path / "c.html", seg, y=y)
    a, c = (Tree((tmp_path / name).read_text()).all("path") for name in ("a.html", "c.html"))
    drawn = [path for path in c if "data-of" in path[0]]
    assert drawn == [path for path in a if "data-of" in path[0]]
    assert len(drawn) == 4


def embedded(path):
    url = Tree(path.read_text()).all("audio")[0][0]["src"]
    kind, data = re.fullmatch(r"data:(audio/\w+);base64,(\S+)", url).groups()
    return kind, base64.b64decode(data)


@pytest.mark.parametrize(("extension", "kind"), [("flac", "flac"), ("ogg", "ogg"), ("opus", "ogg"), ("mp3", "mpeg")])
def test_small_formats_are_embedded_as_they_are(tmp_path, extension, kind):
    seg = replace(segmentation(), sr=8000.0, boundary_samples=8 * segmentation().boundary_samples)
    path = tmp_path / f"song.{extension}"
    save(path, synth.tone(440.0, sr=8000, duration=10.0) * 0.5, 8000)
    if extension == "mp3":
        seg = replace(seg, boundary_samples=np.append(seg.boundary_samples[:-1], len(load(path)[0])))
    save_report(tmp_path / "a.html", seg, audio=path, embed_audio=True)
    assert embedded(tmp_path / "a.html") == (f"audio/{kind}", path.read_bytes())
    save_report(tmp_path / "b.html", seg, audio=path)
    assert f'src="song.{extension}"' in (tmp_path / "b.html").read_text()


@pytest.mark.parametrize(
    ("name", "subtype", "n_channels", "embed"),
    [
        ("a.wav", None, 1, True),
        ("a.aiff", None, 2, False),
        ("a.au", "FLOAT", 3, False),
        ("a.wav", "IMA_ADPCM", 2, False),
    ],
)
def test_other_formats_are_embedded_as_vorbis(tmp_path, name, subtype, n_channels, embed):
    sr, base = 11025, segmentation()
    seg = replace(base, sr=float(sr), boundary_samples=base.boundary_samples * sr // SR)
    tone = 0.5 * np.sin(2 * np.pi * 300 * np.arange(seg.boundary_samples[-1]) / sr)
    y = tone * np.linspace(1.0, 0.5, n_channels)[:, None]
    save(tmp_path / name, y, sr, subtype=subtype)
    n_samples = len(load(tmp_path / name)[0])
    seg = replace(seg, boundary_samples=np.append(seg.boundary_samples[:-1], n_samples))
    save_report(tmp_path / "a.html", seg, audio=tmp_path / name, embed_audio=embed)
    kind, data = embedded(tmp_path / "a.html")
    assert kind == "audio/ogg"
    (tmp_path / "b.ogg").write_bytes(data)
    header = info(tmp_path / "b.ogg")
    assert (header.sr, header.n_channels, header.subtype) == (sr, n_channels if n_channels < 3 else 1, "VORBIS")
    heard, _ = load(tmp_path / "b.ogg")
    given_, _ = load(tmp_path / name)
    assert len(heard) == len(given_)
    assert_allclose(heard, given_, atol=0.1)
    assert np.corrcoef(heard, given_)[0, 1] > 0.99


@pytest.mark.parametrize("extension", ["flac", "wav"])
def test_too_much_sound_is_refused_and_the_old_page_stays(tmp_path, monkeypatch, extension):
    seg = replace(segmentation(), sr=8000.0, boundary_samples=8 * segmentation().boundary_samples)
    path = tmp_path / f"song.{extension}"
    save(path, np.random.default_rng(0).uniform(-0.9, 0.9, 80000), 8000)
    (tmp_path / "a.html").write_text("old")
    monkeypatch.setattr(audio_of, "LIMIT", 1000)
    monkeypatch.setattr(audio_of, "BLOCK", 1000)
    with pytest.raises(AudioError, match="more than 0 MiB of sound"):
        save_report(tmp_path / "a.html", seg, audio=path, embed_audio=True)
    assert (tmp_path / "a.html").read_text() == "old"


def test_wrong_arguments_are_named(song, tmp_path):
    _, seg = song
    with pytest.raises(ValueError, match=r"path must end in \.html or \.htm, got '.*a\.pdf'"):
        save_report(tmp_path / "a.pdf", seg)
    with pytest.raises(ValueError, match=r"y must be 10\.000000 s long, as the segmentation, got 5\.000000 s"):
        save_report(tmp_path / "a.html", seg, y=np.zeros(5 * SR))
    save(tmp_path / "short.wav", np.zeros(7 * SR), SR)
    with pytest.raises(ValueError, match=r"audio must be 10\.000000 s long, as the segmentation, got 7\.000000 s"):
        save_report(tmp_path / "a.html", seg, audio=tmp_path / "short.wav")
    with pytest.raises(AudioError, match="No such file"):
        save_report(tmp_path / "a.html", seg, audio=tmp_path / "none.wav")
    assert not list(tmp_path.glob("*.html"))
