"""Tables of files: what is there, what is left out and why, and what must not be split."""

import csv
import pickle
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiofeat import save
from audiofeat.datasets import (
    AudioDataset,
    Item,
    Problem,
    load_1517_artists,
    load_ballroom,
    load_csv,
    load_dataset,
    load_esc10,
    load_esc50,
    load_extended_ballroom,
    load_fma,
    load_folder,
    load_gtzan,
)
from audiofeat.datasets.ballroom import EXTENDED, REPLICAS
from audiofeat.datasets.gtzan import GENRES, TRACKS

ROWS = (
    Item("a.wav", "dog", "1", "Ann", "train"),
    Item("b.wav", "cat", "2", "", "train"),
    Item("c.wav", "dog", "2", "Bob", "test"),
    Item("d.wav", "emu", "3", "Ann", "valid"),
)
PETS = AudioDataset(ROWS, "pets", (Problem("e.wav", "empty", "the file is empty", "emu", "test"),))


def touch(path, content=b"x"):
    """A file that is not looked into."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def sound(path, *, n_samples=800):
    """A real file, 0.1 s long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, np.zeros(n_samples), 8000)
    return path


def kinds(dataset):
    return Counter(problem.kind for problem in dataset.problems)


def test_a_table_is_its_rows():
    assert len(PETS) == 4
    assert tuple(PETS) == ROWS
    assert PETS[2] == PETS[-2] == PETS[np.int64(2)] == ROWS[2]
    for i, column in enumerate(Item._fields):
        assert getattr(PETS, column).tolist() == [row[i] for row in ROWS]
    assert PETS.counts == {"cat": 1, "dog": 2, "emu": 1}
    assert pickle.loads(pickle.dumps(PETS)) == PETS
    assert repr(PETS) == (
        "<AudioDataset pets: 4 files in 3 classes, split test: 1, train: 2, valid: 1\n"
        "  cat 1, dog 2, emu 1\n"
        "  1 left out: 1 empty>"
    )


@given(rows=st.lists(st.integers(0, 3)), mask=st.lists(st.booleans(), min_size=4, max_size=4))
def test_rows_are_chosen_as_numpy_chooses(rows, mask):
    for chosen in (rows, np.array(rows, dtype=int), mask, np.array(mask), slice(1, None, 2)):
        expected = np.arange(4)[np.array(chosen, dtype=int) if chosen is rows else chosen]
        assert PETS[chosen].items == tuple(ROWS[i] for i in expected)
        assert PETS[chosen].problems == PETS.problems


@pytest.mark.parametrize("rows", [4, -5, [4], [True], [[0, 1]], "label", [0.5]])
def test_rows_that_are_none_are_refused(rows):
    with pytest.raises(IndexError):
        PETS[rows]


def test_select_keeps_rows_and_problems_of_a_split_or_a_class():
    assert PETS.select() == PETS
    assert PETS.select(split="train").items == ROWS[:2]
    assert PETS.select(split="train").problems == ()
    assert PETS.select(split=["test", "valid"], label={"emu", "cat"}).items == ROWS[3:]
    assert PETS.select(split="test").problems == PETS.problems
    with pytest.raises(ValueError, match="split must be one of test, train, valid, got 'dev'"):
        PETS.select(split="dev")
    with pytest.raises(ValueError, match="label must be one of cat, dog, emu, got 'd'"):
        PETS.select(label=["d"])


def test_groups_share_an_artist_or_a_track():
    assert PETS.groups("track").tolist() == ["1", "2", "2", "3"]
    assert len(set(PETS.groups("artist"))) == 2
    assert PETS.groups("artist")[0] == PETS.groups("artist")[3] != PETS.groups("artist")[1] == PETS.groups("artist")[2]
    with pytest.raises(ValueError, match="knows no artists"):
        PETS[[1]].groups("artist")
    with pytest.raises(ValueError, match="by must be one of artist, track, got 'label'"):
        PETS.groups("label")


links = st.lists(st.tuples(st.sampled_from("ABC") | st.just(""), st.sampled_from("wxyz12")), min_size=1)


@given(links=links)
def test_groups_are_the_finest_that_split_neither_artists_nor_tracks(links):
    table = AudioDataset(tuple(Item(f"{i}.wav", "a", track, artist) for i, (artist, track) in enumerate(links)))
    if not any(table.artist):
        return
    group = table.groups("artist")
    together = np.equal.outer(table.track, table.track)
    together |= np.equal.outer(table.artist, table.artist) & (table.artist != "")
    reach = np.linalg.matrix_power(together.astype(float), len(links)) > 0  # over any number of links
    assert np.array_equal(np.equal.outer(group, group), reach)


def test_to_pandas():
    pytest.importorskip("pandas")
    frame = PETS.to_pandas()
    assert frame.columns.tolist() == ["path", "label", "track", "artist", "split"]
    assert [Item(*row) for row in frame.itertuples(index=False)] == list(ROWS)


def test_many_classes_are_not_all_spelt_out():
    table = AudioDataset(tuple(Item(f"{i}.wav", f"{i:02}", f"{i}") for i in range(25)))
    assert repr(table).endswith("18 1, 19 1, and 5 more>")
    assert repr(AudioDataset(())) == "<AudioDataset audio: 0 files in 0 classes>"


def test_every_kind_of_bad_file_is_a_problem(tmp_path):
    for name in ("good.wav", "short.wav"):
        sound(tmp_path / "a" / name, n_samples=800 if name == "good.wav" else 799)
    sound(tmp_path / "a" / "hollow.wav").write_bytes((tmp_path / "a" / "good.wav").read_bytes()[:44])
    touch(tmp_path / "a" / "empty.wav", b"")
    touch(tmp_path / "a" / "text.wav", b"no audio")
    (tmp_path / "a" / "folder.wav").mkdir()
    (tmp_path / "a" / "gone.wav").symlink_to(tmp_path / "nowhere")
    touch(tmp_path / "beside.wav")
    for passed_over in ("a/notes.txt", "a/.hidden.wav", ".cache/x.wav"):
        touch(tmp_path / passed_over)
    quick = load_folder(tmp_path)
    assert kinds(quick) == {"empty": 1, "missing": 1, "unlabelled": 1}
    checked = load_folder(tmp_path, check=True)
    assert kinds(checked) - kinds(quick) == {"unreadable": 1, "empty": 1}
    strict = load_folder(tmp_path, min_duration=0.1)
    assert [Path(path).name for path in strict.path] == ["good.wav"]
    assert {Path(problem.path).name: problem.kind for problem in strict.problems}["short.wav"] == "short"
    for table in (quick, checked, strict):
        assert len(table) + len(table.problems) == 7  # nothing is dropped
    with pytest.raises(ValueError, match="min_duration must be >= 0"):
        load_folder(tmp_path, min_duration=-1)


@pytest.mark.parametrize(("n_samples", "n_files"), [(1000, 0), (9000, 1)])
def test_a_length_that_no_header_states_is_decoded(tmp_path, n_samples, n_files):
    sound(tmp_path / "a" / "b.mp3", n_samples=n_samples)
    raw = (tmp_path / "a" / "b.mp3").read_bytes()
    stripped = raw.replace(b"Xing", b"\0\0\0\0").replace(b"Info", b"\0\0\0\0")
    assert stripped != raw
    (tmp_path / "a" / "b.mp3").write_bytes(stripped)
    assert len(load_folder(tmp_path, check=True)) == 1
    assert len(load_folder(tmp_path, min_duration=1.0)) == n_files


def test_folders_are_classes_and_names_are_artists(tmp_path):
    for name in ("dog/1.wav", "dog/more/1.mp3", "cat/Ann - Tea.wav", "cat/tea.flac"):
        touch(tmp_path / name)
    table = load_folder(tmp_path, artist_pattern="(.+?) - ")
    assert table.name == tmp_path.name
    assert [row[1:] for row in table] == [
        ("cat", "cat/Ann - Tea", "Ann", ""),
        ("cat", "cat/tea", "", ""),
        ("dog", "dog/1", "", ""),
        ("dog", "dog/more/1", "", ""),
    ]
    for pattern in ("(", "no group"):
        with pytest.raises(ValueError, match="artist_pattern must"):
            load_folder(tmp_path, artist_pattern=pattern)
    (tmp_path / "none").mkdir()
    for folder in (tmp_path / "none", tmp_path / "nowhere"):
        with pytest.raises(ValueError, match="folder must"):
            load_folder(folder)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_table_is_read_whatever_separates_its_columns(tmp_path, delimiter, mark):
    lines = [["Path", "note", "GENRE", "artist_id", "fold"]]
    lines += [["x/a.wav", '"', "dog, brown", "7", "1"], ["b.wav", "", "", "", "2"], ["x/a.wav", "", "dog", "", ""]]
    lines += [[str(touch(tmp_path / "c.wav")), "", "cat", "", "2"]]
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        file.write(mark)
        csv.writer(file, delimiter=delimiter).writerows(lines)
    touch(tmp_path / "x" / "a.wav")
    table = load_csv(tmp_path / "t.csv")
    assert [row[1:] for row in table] == [
        ("dog, brown", "x/a", "7", "1"),
        ("cat", (tmp_path / "c").as_posix(), "", "2"),
    ]
    assert [problem[1:] for problem in table.problems] == [
        ("unlabelled", "line 3 gives no label", "", "2"),
        ("duplicate", "listed before", "dog", ""),
    ]
    assert kinds(load_csv(tmp_path / "t.csv", root=tmp_path / "x")) == {"missing": 1, "unlabelled": 1, "duplicate": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: one column must be path"),
        ("path,kind\na,b", "line 1: one column must be label"),
        ("path,label\na.wav", "line 2: the line must have 2 cells, got 1"),
        ("path,label\n,dog", "line 2: the path must not be empty"),
        ('path,label\na,"b" c', "line 2: "),
        (b"path,label\n\xff,b", "must be UTF-8, got the byte 0xff"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, text, reason):
    table = touch(tmp_path / "t.csv", text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=reason):
        load_csv(table)


@pytest.fixture
def gtzan(tmp_path):
    """All files of GTZAN, in name."""
    for track in TRACKS:
        touch(tmp_path / "gtzan" / "genres" / track.partition(".")[0] / f"{track}.au")
    return tmp_path / "gtzan"


def test_gtzan_is_found_below_its_folder(gtzan):
    tables = [load_gtzan(folder) for folder in (gtzan, gtzan / "genres", gtzan.parent)]
    assert {table.counts == dict.fromkeys(GENRES, 100) | {"jazz": 99} for table in tables} == {True}
    assert tables[0].problems == tables[1].problems
    assert tables[0].problems[0][1:] == ("unreadable", "not decodable as audio (a raw file has no header)", "jazz", "")
    broken = gtzan / "genres" / "jazz" / "jazz.00054.au"
    broken.rename(broken.with_suffix(".wav"))
    assert load_gtzan(gtzan).problems[0].reason == "not decodable as audio (Format not recognised)"
    sound(gtzan / "genres" / "jazz" / "jazz.00054.wav")  # a copy that is whole
    assert len(load_gtzan(gtzan, artists={"rock.00003": "Queen"}).select(label="jazz")) == 100
    assert load_gtzan(gtzan, artists={"rock.00003": "Queen"})[-97].artist == "Queen"
    with pytest.raises(ValueError, match="folder must hold folders named blues, classical, country"):
        load_gtzan(gtzan / "genres" / "jazz")


def test_gtzan_lists_what_is_missing_and_what_is_not_its_own(gtzan):
    (gtzan / "genres" / "pop" / "pop.00099.au").unlink()
    touch(gtzan / "genres" / "pop" / "pop.00100.wav")
    problems = load_gtzan(gtzan).select(label="pop").problems
    assert [(Path(path).name, kind) for path, kind, *_ in problems] == [
        ("pop.00099.wav", "missing"),
        ("pop.00100.wav", "unknown"),
    ]


def write_split(folder, name, *parts):
    for part, tracks in zip(("train", "test", "valid"), parts, strict=False):
        lines = [f"{track.partition('.')[0]}/{track}.wav" for track in tracks]
        (folder / f"{part}_{name}.txt").write_text("\n".join(lines))


def test_gtzan_takes_any_split_from_lists(gtzan):
    write_split(gtzan, "mine", TRACKS[:30], TRACKS[-20:])
    table = load_gtzan(gtzan, split="mine")
    assert Counter(table.split) == {"train": 30, "test": 20}
    assert table.select(split="test").track.tolist() == list(TRACKS[-20:])
    assert table.name == "gtzan-mine"
    write_split(gtzan / "genres", "random", TRACKS[:3], TRACKS[3:5], TRACKS[5:6])
    assert Counter(load_dataset(f"gtzan-random:{gtzan}").split) == {"train": 3, "test": 2, "valid": 1}
    write_split(gtzan, "stratified", TRACKS[:500], TRACKS[500:750], TRACKS[750:])
    assert len(load_dataset(f"gtzan-stratified:{gtzan}")) == 999


@pytest.mark.parametrize(
    ("parts", "name", "reason"),
    [
        ((TRACKS[:2], TRACKS[1:3]), "mine", "blues.00001, entry 1, stands in train_mine.txt already"),
        ((TRACKS[:2], ["blues.00100"]), "mine", "a line must be like"),
        ((TRACKS[:2],), "mine", "lists must hold test_mine.txt"),
        ((TRACKS[:2], TRACKS[2:3]), "other", "lists must hold train_other.txt"),
        ((TRACKS[:500], TRACKS[500:750]), "stratified", "lists must hold valid_stratified.txt"),
        ((TRACKS[:500], TRACKS[500:750], TRACKS[750:-1]), "stratified", "the published list with 250 lines"),
        ((TRACKS[:443], TRACKS[443:733], TRACKS[733:930]), "filtered", "the published list with the MD5 d55795dd"),
    ],
)
def test_gtzan_refuses_other_lists(tmp_path, parts, name, reason):
    (tmp_path / "blues").mkdir()
    write_split(tmp_path, "mine" if name == "other" else name, *parts)
    with pytest.raises(ValueError, match=reason):
        load_gtzan(tmp_path, split=name)


@pytest.mark.realdata
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_published_lists_of_gtzan(data, gtzan, ending):
    for path in (data / "gtzan_splits").glob("*_filtered.txt"):
        (gtzan / path.name).write_text(path.read_text(), newline=ending)
    table = load_dataset(f"gtzan-filtered:{gtzan}")
    assert len(table) == 929  # of 930, without jazz.00054
    assert [(problem.kind, problem.split) for problem in table.problems] == [("unreadable", "train")]
    sound(gtzan / "genres" / "jazz" / "jazz.00054.wav")
    table = load_gtzan(gtzan, split="filtered", lists=data / "gtzan_splits")
    assert Counter(table.split) == {"train": 443, "valid": 197, "test": 290}
    assert table.counts["blues"] == 100
    assert table.counts["pop"] == 84


FMA = """\
,album,artist,set,set,track,track
,comments,id,split,subset,bit_rate,genre_top
track_id,,,,,,
2,"two
lines",1,training,small,256000,Hip-Hop
3,,1,training,medium,256000,Jazz
5,,9,test,small,256000,Rock
10,,6,validation,small,256000,Pop
20,,4,training,large,256000,
99134,,8,training,small,256000,Folk
98565,,8,training,small,256000,Folk
1486,,3,training,large,256000,Rock
"""


@pytest.fixture
def fma(tmp_path):
    biography = "lines" + 200_000 * "z"  # more than the csv module reads of itself
    touch(tmp_path / "fma_metadata" / "tracks.csv", FMA.replace("lines", biography).encode())
    for size in ("small", "large", "full"):
        for number in (2, 3, 5, 20, 99134, 98565, 1486):
            touch(tmp_path / f"fma_{size}" / f"{number // 1000:03}" / f"{number:06}.mp3")
    return tmp_path


def test_fma_has_its_official_split_and_lists_its_faults(fma):
    table = load_dataset(f"fma-small:{fma}")
    assert [row[1:] for row in table] == [("Hip-Hop", "000002", "1", "train"), ("Rock", "000005", "9", "test")]
    assert Path(table[0].path) == fma / "fma_small" / "000" / "000002.mp3"
    assert [(Path(problem.path).stem, problem.kind, problem.split) for problem in table.problems] == [
        ("000010", "missing", "valid"),
        ("099134", "fault", "train"),
        ("098565", "fault", "train"),
    ]
    assert load_fma(fma / "fma_small").items == table.items
    assert load_fma(fma / "fma_small", metadata=fma / "fma_metadata").items == table.items
    assert load_fma(fma / "fma_small", metadata=fma / "fma_metadata" / "tracks.csv").items == table.items
    large = load_dataset(f"fma-large:{fma}")
    assert (len(large), kinds(large)) == (3, {"fault": 3, "missing": 1, "unlabelled": 1})
    assert len(load_dataset(f"fma-full:{fma}")) == 6
    assert kinds(load_dataset(f"fma-medium:{fma}")) == {
        "missing": 4,
        "fault": 2,
    }  # there is no fma_medium: the folder itself


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must have the columns"),
        ("a,b\n1,2\n", "must have the columns"),
        (FMA + "x,,,,,,\n", "must begin with the number of a track"),
        (FMA + "7,,1\n", "must begin with the number of a track"),
        (FMA + '7,"x" y,1,test,small,1,Rock\n', "must be a table of comma-separated values"),
    ],
)
def test_another_table_than_that_of_fma_is_refused(fma, text, reason):
    limit = csv.field_size_limit()
    touch(fma / "fma_metadata" / "tracks.csv", text.encode())
    with pytest.raises(ValueError, match=reason):
        load_fma(fma)
    assert csv.field_size_limit() == limit
    for options in ({"metadata": fma / "fma_small"}, {}):
        with pytest.raises(ValueError, match=r"must hold tracks\.csv"):
            load_fma(fma / "fma_small" / "000", **options)
    with pytest.raises(ValueError, match="size must be one of full, large, medium, small"):
        load_fma(fma, size="tiny")


def test_the_clips_of_fma_small_that_are_known_to_be_bad(tmp_path):
    numbers = (98565, 98567, 98569, 99134, 108925, 133297)
    rows = [f"{number},,1,training,small,256000,Rock" for number in (*numbers, 98570)]
    touch(tmp_path / "tracks.csv", "\n".join([*FMA.splitlines()[:2], *rows]).encode())  # pandas writes no third line
    assert kinds(load_fma(tmp_path)) == {"fault": 6, "missing": 1}


def test_replicas_of_ballroom_share_a_track(tmp_path):
    folders = ("ChaChaCha", "Jive", "Quickstep", "Rumba-International", "Rumba-Misc", "Samba", "Waltz", "other")
    names = [name for pair in REPLICAS for name in pair]
    assert len(set(names)) == 26
    for i, name in enumerate(names):
        touch(tmp_path / "BallroomData" / folders[i % 7] / f"{name}.wav")
    touch(tmp_path / "BallroomData" / "other" / "x.wav")
    (tmp_path / "BallroomData" / "Tango").mkdir()
    table = load_dataset(f"ballroom:{tmp_path}")
    track = dict(zip([Path(path).stem for path in table.path], table.track, strict=True))
    assert all(track[first] == track[second] for first, second in REPLICAS)
    assert len(set(track.values())) == 13
    assert len(set(load_ballroom(tmp_path, replicas="keep").track)) == len(table) == 26
    assert set(table.label) == {"ChaChaCha", "Jive", "Quickstep", "Rumba", "Samba", "Waltz"}
    assert [(Path(problem.path).name, problem.kind) for problem in table.problems] == [
        ("Tango", "missing"),
        ("VienneseWaltz", "missing"),
        ("other", "unknown"),
    ]
    with pytest.raises(ValueError, match="replicas must be one of group, keep"):
        load_ballroom(tmp_path, replicas="merge")


XML = """<dataset>
<Salsa><song id="1" artist="Ann" bpm="96"/><song id="2" artist="Bob" karaoke="1"/><song id="3" version="2"/></Salsa>
<Wcswing><song id="4" exact="5"/><song id="5" time="4"/><song id="6" artist=" Eve "/></Wcswing>
</dataset>"""


def test_extended_ballroom_takes_artists_and_repeats_from_its_xml(tmp_path):
    for number in (1, 2, 3, 4, 5, 7):
        touch(tmp_path / ("Salsa" if number < 4 else "Wcswing") / f"{number}.mp3")
    bare = load_dataset(f"extended-ballroom:{tmp_path}")
    assert bare.track.tolist() == ["1", "2", "3", "4", "5", "7"]
    assert (set(bare.artist), kinds(bare)) == ({""}, {"missing": 11})
    xml = touch(tmp_path / "extendedballroom_v1.1.xml", XML.encode())
    table = load_extended_ballroom(tmp_path)
    assert table.track.tolist() == ["1", "1", "1", "4", "4", "7"]
    assert table.artist.tolist() == ["Ann", "Bob", "", "", "", ""]
    assert [problem[2:4] for problem in table.problems][-1] == ("the XML lists it, and there is no file", "Wcswing")
    assert load_extended_ballroom(tmp_path, replicas="keep").track.tolist() == bare.track.tolist()
    for text in (b"<a", b"<a><b><song/></b></a>"):
        xml.write_bytes(text)
        with pytest.raises(ValueError, match="must be the XML of Extended Ballroom"):
            load_extended_ballroom(tmp_path)
    assert len(EXTENDED) == 13


def test_1517_artists(tmp_path):
    touch(tmp_path / "1517-Artists" / "R&B & Soul" / "Ann - Tea.mp3")
    touch(tmp_path / "1517-Artists" / "Excerpts" / "1.mp3")
    table = load_dataset(f"1517-artists:{tmp_path}")
    assert [row[1:] for row in table] == [("R&B & Soul", "R&B & Soul/Ann - Tea", "", "")]
    assert kinds(table) == {"missing": 18, "unknown": 1}
    assert load_1517_artists(tmp_path, artist_pattern="(.+?) - ").artist.tolist() == ["Ann"]


ESC = """filename,fold,target,category,esc10,src_file,take
1-100032-A-0.wav,1,0,dog,True,100032,A
1-100032-B-0.wav,1,0,dog,True,100032,B
5-9032-A-3.wav,5,3,cow,False,9032,A
"""


def test_esc_by_its_table(tmp_path):
    touch(tmp_path / "ESC-50-master" / "meta" / "esc50.csv", ESC.encode())
    for name in ("1-100032-A-0", "5-9032-A-3"):
        touch(tmp_path / "ESC-50-master" / "audio" / f"{name}.wav")
    fifty, ten = load_dataset(f"esc50:{tmp_path}"), load_esc10(tmp_path / "ESC-50-master")
    assert [row[1:] for row in fifty] == [("dog", "100032", "", "1"), ("cow", "9032", "", "5")]
    assert ten.items == fifty.items[:1]
    assert fifty.problems == ten.problems
    assert kinds(ten) == {"missing": 1}
    touch(tmp_path / "ESC-50-master" / "meta" / "esc50.csv", ESC.replace(",9032,", ",,").encode())
    with pytest.raises(ValueError, match="line 4: the line must give src_file"):
        load_esc50(tmp_path)


def test_esc_by_its_folders(tmp_path):
    names = ("001 - Dog bark/1-30226-A.ogg", "101 - Dog/1-30226-A.ogg", "101 - Dog/take two.ogg", "200 - No/1-1-A.ogg")
    for name in names:
        touch(tmp_path / name)
    assert [row[1:] for row in load_esc10(tmp_path)] == [("Dog bark", "30226", "", "1")]
    assert [row[1:] for row in load_esc50(tmp_path)] == [("Dog", "30226", "", "1")]
    assert kinds(load_esc50(tmp_path)) == {"unknown": 1}
    with pytest.raises(ValueError, match=r"folder must hold meta/esc50.csv, or folders 001 - ... to 010 - ..., got"):
        load_esc10(tmp_path / "101 - Dog")


@pytest.mark.realdata
def test_three_folds_of_esc10(data):
    table = load_dataset(f"esc10:{data / 'esc10_folds123'}", check=True)
    assert (len(table), table.problems) == (238, ())
    assert Counter(table.split) == {"1": 79, "2": 79, "3": 80}
    assert len(table.counts) == 10
    assert {"Dog bark", "Fire crackling"} < set(table.counts)
    # what was cut from one recording is in one fold
    assert len(set(zip(table.track, table.split, strict=True))) == len(set(table.track)) < 238
    assert len(load_esc10(data / "esc10_folds123", min_duration=4.9)) == 238
    assert kinds(load_esc10(data / "esc10_folds123", min_duration=100.0)) == {"short": 238}
    folder = load_folder(data / "esc10_folds123")
    assert folder.path.tolist() == table.path.tolist()


@pytest.mark.parametrize("spec", ["gtzan", "gtzan:", "", "music/folder"])
def test_a_data_set_has_a_name_and_a_place(spec):
    with pytest.raises(ValueError, match="spec must be NAME:PATH, with NAME one of 1517-artists, ballroom, csv"):
        load_dataset(spec)


def test_a_data_set_by_name_is_that_of_its_loader(tmp_path):
    sound(tmp_path / "a:b" / "cat" / "1.wav")
    assert load_dataset(f"folder:{tmp_path / 'a:b'}").items == load_folder(tmp_path / "a:b").items
    table = touch(tmp_path / "t.csv", b"path,label\na:b/cat/1.wav,cat\n")
    assert load_dataset(f"csv:{table}").items == load_csv(table).items
    assert kinds(load_dataset(f"csv:{table}", min_duration=1)) == {"short": 1}
    with pytest.raises(ValueError, match="the name in spec must be one of"):
        load_dataset("gztan:x")


NAMED = {
    "1517-artists": load_1517_artists,
    "ballroom": load_ballroom,
    "esc10": load_esc10,
    "esc50": load_esc50,
    "extended-ballroom": load_extended_ballroom,
    "fma-small": load_fma,
    "fma-medium": partial(load_fma, size="medium"),
    "folder": load_folder,
    "gtzan": load_gtzan,
}


@pytest.mark.parametrize("name", NAMED)
def test_a_folder_without_the_data_set_is_refused_by_each_loader(tmp_path, name):
    for folder in (tmp_path, tmp_path / "nowhere"):
        messages = set()
        for call in (partial(load_dataset, f"{name}:{folder}"), partial(NAMED[name], folder)):
            with pytest.raises(ValueError, match="folder must") as caught:
                call()
            messages.add(str(caught.value))
        assert len(messages) == 1
