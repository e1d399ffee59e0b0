"""Extraction in one process: which files, what of them, and what becomes of those that are not as they should be."""

import errno
import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from audiofeat import AudioError, FrontEnd, describe_many, load, preset, save, segment_file, synth
from audiofeat.datasets import load_folder
from audiofeat.extraction import Describe, Excerpts, Progress, Segments, extract_features, units
from audiofeat.extraction.inputs import as_files
from audiofeat.store import StoreError, open_store

ROOT = Path(__file__).parents[1]
SR = 8000
FRONT_END = FrontEnd(SR, n_fft=256, hop_length=128, n_mels=16)

extract = functools.partial(extract_features, features=FRONT_END, engine="serial")


def noise(n_samples, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(n_samples)


@pytest.fixture
def music(tmp_path):
    """Three files in two folders."""
    folder = tmp_path / "music"
    for seed, name in enumerate(("b/two.wav", "b/three.flac", "a/one.wav")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        save(folder / name, noise(4000 + 100 * seed, seed), SR)
    (folder / "a/notes.txt").write_text("no audio")
    return folder


NAMES = ["a/one.wav", "b/three.flac", "b/two.wav"]


# Inputs


def table(music, name, text):
    path = music / name
    path.write_text(text, encoding="utf-8")
    return path


INPUTS = {
    "folder": (lambda music: music, NAMES),
    "folder as text": (lambda music: f"{music}/", NAMES),
    "pattern": (lambda music: f"{music}/*/t*", NAMES[1:]),
    "pattern at any depth": (lambda music: f"{music}/**/*.wav", NAMES[::2]),
    "file": (lambda music: music / "b/two.wav", NAMES[2:]),
    "list": (lambda music: [f"{music}/b/two.wav", music / "a/one.wav", f"{music}/b/two.wav"], [NAMES[2], NAMES[0]]),
    "generator": (lambda music: (music / name for name in NAMES), NAMES),
    "csv": (lambda music: table(music, "t.csv", "id,Path\n1,b/two.wav\n\n2, a/one.wav\n"), [NAMES[2], NAMES[0]]),
    "tsv": (lambda music: table(music, "t.tsv", "file\tlabel\nb/three.flac\tpop, soft\n"), [NAMES[1]]),
    "data set": (load_folder, NAMES),
}


@pytest.mark.parametrize("name", INPUTS)
def test_inputs(name, music):
    inputs, expected = INPUTS[name]
    assert [str(Path(file).relative_to(music)) for file in as_files(inputs(music))] == expected


def test_paths_are_kept_as_they_are_given(music, tmp_path, monkeypatch):
    monkeypatch.chdir(music)
    store = extract(["b/two.wav", "./a/one.wav"], tmp_path / "store")
    assert store.paths == ("b/two.wav", "./a/one.wav")


@given(n_files=st.integers(1, 12), n=st.integers(1, 5))
def test_shards_are_all_files_once(n_files, n):
    files = [f"{i}.wav" for i in reversed(range(n_files))]
    shards = [as_files(files, f"{i + 1}/{n}") for i in range(n)]
    assert sorted(file for shard in shards for file in shard) == sorted(files)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1
    assert all(shard == sorted(shard) for shard in shards)


@pytest.mark.parametrize(
    ("inputs", "shard", "error", "told"),
    [
        ("nowhere", None, ValueError, "inputs must be a folder, .*'nowhere'"),
        ("no*where", None, ValueError, "at least 1 audio file, got 'no\\*where'"),
        ([], None, ValueError, "at least 1 audio file"),
        ([3], None, TypeError, "inputs must be paths, got 3"),
        ([b"a.wav"], None, TypeError, "inputs must be paths"),
        (["a\0.wav"], None, ValueError, "names of files"),
        (["a.wav"], "0/2", ValueError, "1 <= i <= n, got '0/2'"),
        (["a.wav"], "3/2", ValueError, "1 <= i <= n"),
        (["a.wav"], "1", ValueError, "shard must be i/n"),
    ],
)
def test_wrong_inputs(inputs, shard, error, told):
    with pytest.raises(error, match=told):
        as_files(inputs, shard)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,name\n1,a.wav\n", "line 1: one column must be path, "),
        ("path,id\na.wav\n", "line 2: must have 2 cells"),
        ("path,id\n,1\n", "line 2: must have 2 cells and a path"),
        ('path\n"a.wav\n', "line 2: "),
    ],
)
def test_wrong_tables(text, told, tmp_path):
    with pytest.raises(ValueError, match=told):
        as_files(table(tmp_path, "t.csv", text))


# Features


def test_items_are_what_the_front_end_returns(music, tmp_path):
    store = extract(music, tmp_path / "store")
    assert (store.schema.kind, store.schema.spec) == ("frontend", FRONT_END.to_dict())
    for path, item in zip(store.paths, store, strict=True):
        assert_array_equal(item, FRONT_END(path), strict=True)


@pytest.mark.parametrize("front_end", [FRONT_END, FrontEnd(11025, n_fft=256, n_mels=16, ref="max", top_db=40.0)])
def test_long_files_give_the_same_bits(front_end, music, tmp_path, monkeypatch):
    whole = extract(music, tmp_path / "whole", features=front_end, max_duration=1.0)
    monkeypatch.setattr(units, "LONG", 0.1)
    parts = extract(music, tmp_path / "parts", features=front_end, max_duration=1.0)
    for one, other in zip(whole, parts, strict=True):
        assert_array_equal(one, other, strict=True)


def test_statistics(music, tmp_path):
    options = Describe(sr=4000.0, names=("rms", "mfcc"), statistics=("mean", "max"), n_fft=256)
    store = extract(music, tmp_path / "store", features=options, dtype="float64")
    expected = describe_many(store.paths, 4000.0, names=["rms", "mfcc"], statistics=["mean", "max"], n_fft=256)
    assert store.schema.columns == expected.columns
    assert_array_equal(np.stack(list(store)), expected.values)


def test_segments(tmp_path):
    song = synth.ar_regimes("ABA", sr=SR, segment_duration=6.0, random_state=0)
    y = np.concatenate([0.1 * song.y, np.zeros(12 * SR)])
    save(tmp_path / "song.wav", y, SR)
    store = extract(tmp_path / "song.wav", tmp_path / "store", features=Segments(n_clusters=2, hop_duration=1.0))
    expected = segment_file(tmp_path / "song.wav", n_clusters=2, hop_duration=1.0)
    assert_array_equal(store[0][:, :2], expected.intervals)
    assert expected.labels == ["A", "B", "A", "silence"]
    assert_array_equal(store[0][:, 2], [0, 1, 0, -1])
    assert (store.schema.dtype, store.schema.columns) == ("float64", ("start", "end", "label"))


def peak(y, sr, scale=1.0):
    return scale * np.array([np.abs(y).max(), sr])


@pytest.mark.parametrize("function", [peak, functools.partial(peak, scale=3.0)])
def test_functions(function, music, tmp_path):
    store = extract(music, tmp_path / "store", features=function)
    for path, item in zip(store.paths, store, strict=True):
        assert_array_equal(item, function(*load(path)).astype(np.float32), strict=True)
    assert store.schema.spec["function"].endswith("test_extraction.peak")
    with pytest.raises(StoreError, match="spec"):  # with another scale, or another function
        extract(music, tmp_path / "store", features=functools.partial(peak, scale=2.0), resume=True)


def huge(y, sr):
    return 1e5 * np.ones(3)


def phases(y, sr):
    return np.exp(1j * y)


def scalar(y, sr):
    return len(y)


@pytest.mark.parametrize(
    ("function", "dtype", "told"),
    [
        (huge, "float16", "ValueError: features up to 100000 do not fit into float16"),
        (phases, "float32", "TypeError: features of dtype complex64 cannot be kept as float32"),
        (phases, "complex64", None),
        (scalar, "float16", None),
        (huge, "float32", None),
    ],
)
def test_dtypes(function, dtype, told, music, tmp_path):
    store = extract(music, tmp_path / "store", features=function, dtype=dtype)
    assert {failure.reason for failure in store.errors} == ({told} if told else set())
    if told is None:
        expected = np.asarray(function(*load(store.paths[0]))).astype(dtype)
        assert_array_equal(store[0], expected, strict=True)


# Excerpts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3s", Excerpts(3.0)),
        ("2.5s@start", Excerpts(2.5, "start")),
        ("3s@center", Excerpts(3.0, "center")),
        (".5@end", Excerpts(0.5, "end")),
        ("3s@30", Excerpts(3.0, 30.0)),
        ("3s@1.5s", Excerpts(3.0, 1.5)),
        ("10x3s", Excerpts(3.0, n=10)),
    ],
)
def test_excerpts_as_text(text, expected):
    assert Excerpts.parse(text) == expected


@pytest.mark.parametrize("text", ["", "s", "3s@", "3s@middle", "0s", "0x3s", "2x3s@end", "-3s", "3s@-1", "3 s", "."])
def test_wrong_excerpts(text):
    with pytest.raises(ValueError, match=r"must be"):
        Excerpts.parse(text)


@given(total=st.integers(1, 200), length=st.integers(1, 60), n=st.integers(1, 7))
def test_excerpts_are_spread_evenly(total, length, n):
    starts = np.array(Excerpts(1.0, n=n).starts(total, length, SR))
    stops = starts + length
    assert len(starts) == n
    if total <= length:
        assert not starts.any()
        return
    assert starts.min() >= 0
    assert stops.max() <= total
    assert np.ptp(np.diff(starts)) <= 1 if n > 1 else abs(starts[0] - (total - stops[0])) <= 1
    if n * length <= total:
        assert (starts[1:] >= stops[:-1]).all()
        assert starts[0] <= (total - n * length) / (2 * n)
    elif n > 1:
        assert (starts[0], stops[-1]) == (0, total)


CODINGS = {"wav": {}, "flac": {}, "mp3": {}, "ogg": {}, "opus": {"format": "OGG", "subtype": "OPUS"}}
PLACES = {
    "0.5s@start": [0.0],
    "0.5s@center": [0.75],
    "0.5s@end": [1.5],
    "0.5s@0.3": [0.3],
    "3x0.5s": [1 / 12, 0.75, 17 / 12],
}


@pytest.mark.parametrize("sr", [24000, 16000])
@pytest.mark.parametrize("coding", CODINGS)
def test_excerpts_are_slices_of_the_file(coding, sr, tmp_path):
    native = 24000
    path = tmp_path / f"a.{coding}"
    sf.write(path, np.stack([noise(2 * native), noise(2 * native, 1)], axis=1), native, **CODINGS[coding])
    y, rate = load(path)
    assert (rate, len(y)) == (native, 2 * native)
    front_end = FrontEnd(sr, n_fft=256, n_mels=16)
    for number, (text, seconds) in enumerate(PLACES.items()):
        store = extract(path, tmp_path / f"{number}", features=front_end, excerpts=text)
        cuts = [y[round(native * second) :][: native // 2] for second in seconds]
        slices = np.stack([cut if sr == native else soxr.resample(cut, native, sr, "HQ") for cut in cuts])
        assert slices.shape[1] == sr // 2
        assert_array_equal(store[0], front_end(slices), strict=True)


def undeclared(path, y):
    """Write a FLAC that does not say how long it is, as one written to a pipe."""
    sf.write(path, y, SR)
    raw = bytearray(path.read_bytes())
    assert raw[:4] == b"fLaC"
    raw[21] &= 0xF0  # the number of samples: 36 bits in the first block
    raw[22:26] = bytes(4)
    path.write_bytes(raw)


def test_excerpts_of_a_file_of_unknown_length(tmp_path):
    undeclared(tmp_path / "a.flac", noise(3 * SR))
    y, _ = load(tmp_path / "a.flac")
    store = extract(tmp_path / "a.flac", tmp_path / "store", features=whole, excerpts="2x1s")
    assert_array_equal(store[0], np.stack([y[SR // 4 :][:SR], y[7 * SR // 4 :][:SR]]))


def whole(y, sr):
    return y


@pytest.mark.parametrize("text", ["1s", "1s@end", "1s@0", "2x1s"])
def test_files_shorter_than_the_excerpt(text, tmp_path):
    y = noise(SR // 2)
    sf.write(tmp_path / "a.wav", y, SR, subtype="DOUBLE")
    skipped = extract(tmp_path / "a.wav", tmp_path / "skipped", features=whole, excerpts=text)
    assert [failure[1:] for failure in skipped.errors] == [
        ("skipped", "too short: the excerpt is from 0 s to 1 s, the file ends at 0.500 s")
    ]
    padded = extract(tmp_path / "a.wav", tmp_path / "padded", features=whole, excerpts=text, short="pad")
    expected = np.pad(y, (0, SR - len(y))).astype(np.float32)
    assert_array_equal(padded[0], np.stack([expected] * (2 if text[0] == "2" else 1)))


@pytest.mark.parametrize("short", ["skip", "pad"])
def test_nothing_is_left_where_the_excerpt_begins(short, tmp_path):
    save(tmp_path / "a.wav", noise(SR // 2), SR)
    store = extract(tmp_path / "a.wav", tmp_path / "store", excerpts="1s@7", short=short)
    assert store.errors[0][1:] == ("skipped", "too short: the excerpt is from 7 s, its end at 0.5 s")


# Files that are not as they should be


def test_bad_files_are_rows_with_reasons(music, tmp_path):
    good = (music / "b/two.wav").read_bytes()
    flac = (music / "b/three.flac").read_bytes()
    bad = {
        "cut.wav": (good[:3000], "truncated: 1478 of 4000 declared samples"),
        "cut.flac": (flac[: len(flac) // 2], "decoding stops with an error"),
        "empty.wav": (b"", "the file is empty"),
        "header.wav": (good[:44], "holds no samples"),
        "text.mp3": (b"no audio at all" * 100, "not decodable as audio"),
    }
    for name, (content, _) in bad.items():
        (music / name).write_bytes(content)
    os.mkfifo(music / "pipe.wav")
    files = [*as_files(music), f"{music}/gone.wav", f"{music}/a"]
    store = extract(files, tmp_path / "store")
    assert [str(Path(path).relative_to(music)) for path in store.paths] == NAMES
    told = {str(Path(path).relative_to(music)): (state, reason) for path, state, reason in store.errors}
    bad |= {"gone.wav": ("", "No such file"), "a": ("", "Is a directory"), "pipe.wav": ("", "not a regular file")}
    assert set(told) == set(bad)
    for name, (_, reason) in bad.items():
        assert told[name][0] == "error"
        assert told[name][1].startswith(reason), told[name]


def test_names_that_are_not_text(music, tmp_path):
    odd = os.fsdecode(os.fsencode(music) + b"/\xff\xfe.wav")
    try:
        Path(odd).write_bytes((music / "b/two.wav").read_bytes())
    except OSError:
        pytest.skip("a file system that takes UTF-8 only")
    store = extract(music, tmp_path / "store")
    assert odd in store.paths
    assert_array_equal(store[odd], store[f"{music}/b/two.wav"])


@pytest.mark.parametrize("excerpts", [None, "0.1s@0.45"])
def test_limits(excerpts, tmp_path):
    for name, n_samples in (("short", 4800), ("long", 8000)):
        sf.write(tmp_path / f"{name}.wav", noise(n_samples), SR)
    undeclared(tmp_path / "long.flac", noise(8000))
    n_bytes = (tmp_path / "short.wav").stat().st_size
    limits = {"max_duration": 0.6} if excerpts is None else {"max_duration": 0.5}
    kept = extract(f"{tmp_path}/*.*", tmp_path / "store", excerpts=excerpts, **limits)
    told = {Path(path).name: (state, reason) for path, state, reason in kept.errors}
    expected = {
        "long.flac": ("skipped", f"max_duration is {limits['max_duration']:g} s, decoding gave more"),
        "long.wav": ("skipped", f"max_duration is {limits['max_duration']:g} s, the header declares 1.000 s"),
    }
    if excerpts:
        expected["short.wav"] = ("skipped", "max_duration is 0.5 s, the header declares 0.600 s")
    assert told == expected
    small = extract(f"{tmp_path}/*.wav", tmp_path / "small", excerpts=excerpts, max_bytes=n_bytes)
    assert [Path(path).name for path in small.paths] == ["short.wav"]
    assert small.errors[0].reason == f"max_bytes is {n_bytes}, the file has {44 + 2 * 8000}"


@pytest.mark.parametrize("excerpts", [None, "0.1s@end", "3x0.1s"])
@pytest.mark.parametrize("features", [FrontEnd(SR, n_fft=512, n_mels=8), peak], ids=["front_end", "function"])
def test_a_small_file_may_not_unpack_to_a_large_one(features, excerpts, tmp_path):
    undeclared(tmp_path / "silence.flac", np.zeros(400 * SR))
    n_bytes = (tmp_path / "silence.flac").stat().st_size
    least = -(-400 * SR // 256)  # of bytes, that 256 times as many samples are all
    assert n_bytes < least
    options = {"features": features, "excerpts": excerpts}
    kept = extract(tmp_path / "silence.flac", tmp_path / "kept", max_bytes=least, **options)
    assert (len(kept), kept.errors) == (1, ())
    store = extract(tmp_path / "silence.flac", tmp_path / "store", max_bytes=least - 1, **options)
    reason = f"max_bytes is {least - 1}, decoding gave more than 256 times as many samples"
    assert [failure[1:] for failure in store.errors] == [("skipped", reason)]


def test_segments_have_limits_too(tmp_path):
    undeclared(tmp_path / "a.flac", noise(30 * SR))
    store = extract(tmp_path / "a.flac", tmp_path / "store", features=Segments(hop_duration=1.0), max_duration=20.0)
    assert store.errors[0][1:] == ("skipped", "max_duration is 20 s, decoding gave more")


def fussy(y, sr):
    if len(y) == 4100:
        raise KeyError("what\na\0mess\udcff")
    if len(y) == 4200:
        sys.exit("I am leaving")
    return y[:5]


def test_functions_that_fail(music, tmp_path):
    store = extract(music, tmp_path / "store", features=fussy)
    assert len(store) == 1
    assert [failure.reason for failure in store.errors] == [
        "SystemExit: I am leaving",
        r"KeyError: 'what\na\x00mess\udcff'",
    ]


def test_raise(music, tmp_path):
    with pytest.raises(AudioError, match="SystemExit: I am leaving") as caught:
        extract(music, tmp_path / "store", features=fussy, on_error="raise")
    assert caught.value.path == f"{music}/a/one.wav"
    store = open_store(tmp_path / "store")
    assert [failure.path for failure in store.errors] == [caught.value.path]
    assert store.info().counts["claimed"] == 0
    more = extract(music, tmp_path / "store", features=fussy, resume=True)
    assert (len(more), len(more.errors)) == (1, 2)


# Going on


def test_going_on(music, tmp_path):
    path = tmp_path / "store"
    (music / "bad.wav").write_bytes(b"")
    first = extract(music, path)
    with pytest.raises(StoreError, match="already"):
        extract(music, path)
    with pytest.raises(StoreError, match=r"spec.n_mels is 16 in the store, 20 was asked for"):
        extract(music, path, features=FrontEnd(SR, n_fft=256, hop_length=128, n_mels=20), resume=True)
    with pytest.raises(StoreError, match="excerpt"):
        extract(music, path, excerpts="0.1s", resume=True)
    with pytest.raises(StoreError, match="dtype"):
        extract(music, path, dtype="float16", resume=True)

    asked = []
    told = {"resume": True, "progress": asked.append}
    again = extract(music, path, **told)  # nothing is left to do
    assert (again.paths, again.errors) == (first.paths, first.errors)
    assert [now.finished for now in asked] == [0]

    asked.clear()
    extract(music, path, retry_errors=True, **told)
    assert [now.finished for now in asked] == [0, 1]

    save(music / "bad.wav", noise(1000), SR)  # another size
    save(music / "c.wav", noise(1000), SR)
    asked.clear()
    assert sorted(extract(music, path, **told).paths) == as_files(music)
    assert [now.finished for now in asked] == [0, 1, 2]


def test_progress(music, tmp_path):
    (music / "bad.wav").write_bytes(b"")
    seen = []
    extract(music, tmp_path / "store", progress=seen.append, max_duration=0.52)
    first, *_, last = seen
    assert first[:5] == (0, 0, 0, 4, 0)
    assert last[:5] == (2, 1, 1, 4, 4)
    assert last.audio_seconds == (4000 + 4100) / SR
    assert [now.finished for now in seen] == [0, 1, 2, 3, 4]
    assert first.remaining_seconds is None
    assert last.remaining_seconds == 0.0
    assert last.rate == 4 / last.seconds


def test_an_error_of_progress_ends_it_all(music, tmp_path):
    def progress(now: Progress) -> None:
        if now.finished == 2:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        extract(music, tmp_path / "store", progress=progress)
    assert len(open_store(tmp_path / "store")) == 2
    assert extract(music, tmp_path / "store", resume=True).info().counts["done"] == 3


def test_shards_are_stores_of_their_own(music, tmp_path):
    stores = [extract(music, tmp_path / f"{i}", shard=f"{i}/2") for i in (1, 2)]
    assert [len(store) for store in stores] == [2, 1]
    assert sorted(stores[0].paths + stores[1].paths) == as_files(music)


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"features": "mfcc"}, ValueError, "features must be one of .*librosa.*, got 'mfcc'"),
        ({"features": 3}, TypeError, "features must be a name"),
        ({"features": lambda y, sr: y}, TypeError, "top level of a module"),
        ({"features": functools.partial(lambda y, sr: y)}, TypeError, "top level of a module"),
        ({"features": functools.partial(whole, open(os.devnull))}, TypeError, "can be pickled"),  # noqa: SIM115, PTH123
        ({"features": Describe(names=("nothing",))}, ValueError, "nothing"),
        ({"features": Segments(n_clusters=0)}, ValueError, "n_clusters"),
        ({"features": "segments", "excerpts": "3s"}, ValueError, "excerpts must be None for segments"),
        ({"excerpts": 3.0}, TypeError, "excerpts must be Excerpts, a str or None, got 3.0"),
        ({"excerpts": "three"}, ValueError, "got 'three'"),
        ({"dtype": "text"}, TypeError, "text"),
        ({"dtype": "U4"}, ValueError, "dtype"),
        ({"engine": "threads"}, ValueError, "engine must be one of"),
        ({"n_jobs": 0}, ValueError, "got 0"),
        ({"scheduler": "here"}, ValueError, "scheduler must be an address"),
        ({"scheduler": "local:0"}, ValueError, "scheduler must be >= 1, got 0"),
        ({"timeout": 3.0}, ValueError, "timeout must be None for engine = 'serial'"),
        ({"timeout": 0.0}, ValueError, "timeout must be > 0"),
        ({"max_duration": 0.0}, ValueError, "max_duration must be > 0"),
        ({"max_bytes": 1.5}, TypeError, "max_bytes"),
        ({"short": "repeat"}, ValueError, "short must be one of"),
        ({"on_error": "warn"}, ValueError, "on_error must be one of"),
    ],
)
def test_wrong_arguments_make_no_store(options, error, told, music, tmp_path):
    with pytest.raises(error, match=told):
        extract(music, tmp_path / "store", **options)
    assert not (tmp_path / "store").exists()


def test_an_unknown_preset_is_told_before_any_work(music, tmp_path):
    store = extract(music / "a", tmp_path / "store", features="whisper")
    assert store.schema.spec == preset("whisper").to_dict()


# Without room

FULL = """
import resource, signal, sys
import numpy as np
from audiofeat.extraction import extract_features
from audiofeat.store import StoreError

def large(y, sr):
    return np.full(50_000, y[0], dtype="float32")

if len(sys.argv) > 3:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
try:
    extract_features(sys.argv[1], sys.argv[2], features=large, engine="serial", resume=True)
except StoreError as error:
    print(error)
"""


def run_full(music, *args):
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", FULL, str(music), *map(str, args)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert not run.stderr
    return run.stdout


def whole_after(store, music):
    kept = open_store(store)
    assert not kept.verify()
    assert kept.info().counts["claimed"] == 0
    assert not list(store.glob("shards/*.tmp"))
    assert not run_full(music, store)
    assert len(open_store(store)) == 23


@pytest.fixture
def crowd(music):
    for i in range(20):
        save(music / f"{i}.wav", noise(100, i), SR)
    return music


@pytest.mark.skipif(os.name != "posix", reason="needs limits")
def test_a_limit_of_the_size_of_files(crowd, tmp_path):
    assert f"cannot be written: {os.strerror(errno.EFBIG)}" in run_full(crowd, tmp_path / "store", 1_000_000)
    whole_after(tmp_path / "store", crowd)


def test_a_full_disk(crowd, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted")
    try:
        assert "No space left on device" in run_full(crowd, disk / "store")
        subprocess.run(["mount", "-o", "remount,size=20m", disk], check=True)
        whole_after(disk / "store", crowd)
    finally:
        subprocess.run(["umount", disk], check=True)
