"""`FrontEnd` is the functions it names, its fields travel, and wrong ones are refused."""

import dataclasses
import json
import pickle

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from audiofeat import FrontEnd, load, logmel, melspectrogram, mfcc, spectrogram

SR = 8000


def noise(*shape, dtype=np.float64):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(dtype)


def test_the_defaults_are_logmels():
    y = noise(9000)
    assert_array_equal(FrontEnd(SR)(y), logmel(y, SR))


BANDS = {"n_mels": 20, "fmin": 50.0, "fmax": 3000.0, "htk": True, "norm": 1.0, "triangles": "mel"}
FRAMES = {"n_fft": 512, "hop_length": 200, "win_length": 400, "center": False, "pad_mode": "edge"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_field_reaches_its_function(dtype):
    y = noise(2, 9000, dtype=dtype)
    window = ("kaiser", 6.0)
    S = spectrogram(y, window=window, power=3.0, **FRAMES)
    front_end = FrontEnd(SR, n_mels=None, compression="none", window=window, power=3.0, **FRAMES)
    assert front_end(y).dtype == dtype
    assert_array_equal(front_end(y), S)
    centred = {**FRAMES, "center": True}
    front_end = FrontEnd(SR, compression="none", window=window, power=3.0, **centred, **BANDS)
    assert_array_equal(front_end(y), melspectrogram(y, SR, window=window, power=3.0, **centred, **BANDS))
    decibels = {"ref": 0.5, "amin": 1e-3, "top_db": 25.0}
    expected = logmel(y, SR, window=window, power=3.0, **centred, **BANDS, **decibels)
    front_end = dataclasses.replace(front_end, compression="power_db", **decibels)
    assert_array_equal(front_end(y), expected)
    assert_array_equal(dataclasses.replace(front_end, max_frames=7)(y), expected[..., :7])
    assert_array_equal(
        dataclasses.replace(front_end, ref="max")(y),
        logmel(y, SR, window=window, power=3.0, **centred, **BANDS, **decibels | {"ref": np.max}),
    )
    bands = {k: v for k, v in BANDS.items() if k != "norm"}
    expected = mfcc(y, SR, n_mfcc=5, mel_norm=1.0, window=window, power=3.0, **centred, **bands, **decibels)
    assert_array_equal(dataclasses.replace(front_end, n_mfcc=5)(y), expected)


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({"compression": "none"}, lambda S: S),
        ({"compression": "power_db"}, lambda S: librosa.power_to_db(S, top_db=None)),
        ({"compression": "log", "amin": 1e-5}, lambda S: np.log(np.maximum(S, 1e-5))),
        ({"compression": "log", "ref": "max"}, lambda S: np.log(S / S.max())),
        (
            {"compression": "log", "ref": 4.0, "top_db": 10.0},
            lambda S: np.log(np.maximum(S, S.max() / 10) / 4),
        ),
        ({"compression": "log10_1p"}, lambda S: np.log10(1 + 10000 * S)),
        ({"compression": "log1p", "factor": 3.0}, lambda S: np.log(1 + 3 * S)),
    ],
)
def test_compressions(kwargs, expected):
    y = noise(9000)
    assert_allclose(FrontEnd(SR, n_mels=40, **kwargs)(y), expected(melspectrogram(y, SR, n_mels=40)), atol=1e-10)


def test_gain_and_symmetry_are_of_the_window():
    y = noise(5000)
    plain = FrontEnd(SR, power=1.0, n_mels=None, compression="none", window="boxcar")
    assert_allclose(dataclasses.replace(plain, gain=3.0)(y), 3.0 * plain(y), atol=1e-11)
    symmetric = dataclasses.replace(plain, window="hann", symmetric=True)
    assert_allclose(symmetric(y), np.abs(librosa.stft(y, hop_length=512, window=np.hanning(2048))), atol=1e-10)


def test_whole_clip_references_are_an_items_own():
    batch = noise(3, 9000) * np.array([[1.0], [1e-2], [0.0]])
    front_end = FrontEnd(SR, n_fft=256, n_mels=20, ref="max", top_db=30.0)
    S = front_end(batch)
    for item, y in zip(S, batch, strict=True):
        assert_array_equal(item, front_end(y))
    assert_allclose(S.max(axis=(1, 2)), 0.0, atol=1e-12)
    assert not S[2].any()  # silence is its own maximum


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"center": False},
        {"max_frames": 4},
        {"n_mels": None},
        {"n_mfcc": 13},
        {"frames": "whisper"},
        {"frames": "whisper", "center": False},
        {"frames": "kaldi", "win_length": 1000},
        {"frames": "kaldi", "win_length": 1000, "center": False},
        {"compression": "log", "log_energy": "first"},
        {"compression": "log", "log_energy": "first", "n_mels": None},
        {"compression": "log", "log_energy": "first", "n_mfcc": 13},
        {"compression": "log", "log_energy": "c0", "n_mfcc": 13},
    ],
)
@pytest.mark.parametrize("n_samples", [2048, 2559, 2560, 20000])
def test_the_shape_is_foretold(kwargs, n_samples):
    front_end = FrontEnd(SR, **kwargs)
    assert front_end(np.zeros(n_samples)).shape == (front_end.n_bands, front_end.n_frames(n_samples))


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("frames", ["librosa", "whisper", "kaldi"])
def test_frame_times_are_where_a_click_is_heard(center, frames):
    framing = {"n_fft": 256, "hop_length": 64, "center": center, "frames": frames}
    if frames == "kaldi":
        framing |= {"n_fft": 512, "win_length": 256}
    front_end = FrontEnd(SR, **framing, n_mels=None, compression="none")
    for sample in (1280, 2560):
        sample += 32 if frames == "kaldi" and center else 0
        y = np.zeros(4000)
        y[sample] = 1.0
        loudest = front_end(y).sum(axis=0).argmax()
        assert front_end.frame_times(63)[loudest] == sample / SR


def test_patches_follow_each_other():
    y = noise(2, 9000)
    front_end = FrontEnd(SR, n_mels=20, hop_length=100)
    S = front_end(y)
    patches = front_end.patches(y, 30)
    assert patches.shape == (2, 3, 20, 30)
    assert_array_equal(np.concatenate(np.moveaxis(patches, 1, 0), axis=-1), S[..., :90])
    assert front_end.patches(y, 91).shape == (2, 1, 20, 91)
    with pytest.raises(ValueError, match="n_frames must be <= 91, the number of frames of y, got 92"):
        front_end.patches(y, 92)


def test_a_path_is_loaded_at_the_rate(tmp_path):
    path = tmp_path / "noise.wav"
    soundfile.write(path, noise(16000, 2) / 2, 16000, subtype="FLOAT")
    y, sr = load(path, sr=SR)
    front_end = FrontEnd(SR, n_mels=20)
    assert sr == SR
    assert front_end(path).dtype == np.float32
    for name in (path, str(path)):
        assert_array_equal(front_end(name), front_end(y))
    assert front_end.patches(path, 16).shape == (1, 20, 16)


@st.composite
def front_ends(draw):
    n_fft = draw(st.integers(1, 512))
    n_mels = draw(st.none() | st.integers(1, 64))
    window = st.sampled_from(["hann", "povey", 5.0, ("tukey", 0.5), ("general_cosine", (0.5, 0.5))])
    compression = draw(st.sampled_from(["power_db", "log"]))
    clip_wide = compression == "power_db" or draw(st.booleans())
    energies = [None] if clip_wide else [None, "first"]
    n_mfcc = None if n_mels is None else draw(st.none() | st.integers(1, n_mels))
    return FrontEnd(
        draw(st.sampled_from([8000, 22050.0, 44100])),
        n_fft=n_fft,
        compression=compression,
        frames=draw(st.sampled_from(["kaldi", "librosa", "whisper"])),
        remove_dc=draw(st.booleans()),
        preemphasis=draw(st.floats(0, 1)),
        log_energy=draw(st.sampled_from(energies + (["c0"] if n_mfcc and not clip_wide else []))),
        lifter=draw(st.floats(0, 30)),
        lifter_start=draw(st.integers(0, 1)),
        scale=draw(st.floats(0.1, 10)),
        shift=draw(st.floats(-10, 10)),
        win_length=draw(st.none() | st.integers(1, n_fft)),
        window=draw(window),
        symmetric=draw(st.booleans()),
        power=draw(st.floats(0.5, 4)),
        n_mels=n_mels,
        norm=draw(st.sampled_from(["slaney", None, 1, 2.0])),
        ref=draw(st.sampled_from(["max", 1, 0.5])) if clip_wide else 0.5,
        top_db=draw(st.none() | st.floats(0, 100)) if clip_wide else None,
        n_mfcc=n_mfcc,
    )


@given(front_end=front_ends())
def test_fields_travel_through_json(front_end):
    spec = front_end.to_dict()
    assert list(spec) == [field.name for field in dataclasses.fields(FrontEnd)]
    again = FrontEnd.from_dict(json.loads(json.dumps(spec)))
    assert again == front_end
    assert hash(again) == hash(front_end)
    assert again.to_dict() == spec
    assert again.fingerprint() == front_end.fingerprint()
    assert pickle.loads(pickle.dumps(front_end)) == front_end


def test_fingerprints_tell_fields_apart():
    changes = {
        "n_fft": 1024, "hop_length": 256, "win_length": 1024, "window": "hamming", "symmetric": True,
        "gain": 2.0, "center": False, "pad_mode": "edge", "power": 1.0, "n_mels": 64, "fmin": 10.0,
        "fmax": 4000.0, "htk": True, "norm": None, "triangles": "mel", "compression": "log", "factor": 1.0,
        "ref": "max", "amin": 1e-5, "top_db": 80.0, "n_mfcc": 20, "max_frames": 10, "frames": "kaldi",
        "remove_dc": True, "preemphasis": 0.97, "log_energy": "first", "lifter": 22.0, "lifter_start": 0,
        "scale": 0.5, "shift": 1.0,
    }  # fmt: skip
    assert ["sr", *changes] == [field.name for field in dataclasses.fields(FrontEnd)]
    base = FrontEnd(22050)
    prints = [base.fingerprint(), FrontEnd(44100).fingerprint()]
    also = {"log_energy": {"compression": "log"}}
    for name, value in changes.items():
        prints.append(dataclasses.replace(base, **{name: value}, **also.get(name, {})).fingerprint())
    assert len(set(prints)) == len(prints)
    assert FrontEnd(np.float32(22050), n_fft=np.int64(2048)).fingerprint() == base.fingerprint()
    # Stored features carry it, so neither the defaults nor the way it is made may change.
    assert base.fingerprint() == "6d8937e1a8eb73f1"


def test_a_front_end_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        FrontEnd(SR).sr = 44100


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"sr": 0}, "sr must be > 0, got 0"),
        ({"sr": None}, "sr must be a number, got None"),
        ({"n_fft": 0}, "n_fft must be >= 1, got 0"),
        ({"hop_length": None}, "hop_length must be an integer, got None"),
        ({"win_length": 4096}, r"win_length must be in \[1, 2048\], got 4096"),
        ({"window": "hannn"}, "window must be known to scipy.signal.get_window"),
        ({"window": np.ones(2048)}, "window must be a number"),
        ({"symmetric": 1}, "symmetric must be True or False, got 1"),
        ({"center": "false"}, "center must be True or False, got 'false'"),
        ({"pad_mode": "wrap"}, "pad_mode must be one of"),
        ({"gain": 0.0}, "gain must be > 0"),
        ({"power": 0}, "power must be > 0"),
        ({"n_mels": 0}, "n_mels must be >= 1"),
        ({"fmin": 3000.0, "fmax": 2000.0}, "fmin must be < fmax = 2000 Hz"),
        ({"fmax": 5000.0}, r"fmax must be in \(0, 4000\], got 5000"),
        ({"norm": "l1"}, "norm must be one of slaney"),
        ({"triangles": "bark"}, "triangles must be one of"),
        ({"compression": "db"}, "compression must be one of log, log10_1p, log1p, none, power_db, got 'db'"),
        ({"factor": -1.0}, "factor must be > 0"),
        ({"ref": ""}, "ref must be one of max, got ''"),
        ({"ref": None}, "ref must be a number, got None"),
        ({"amin": 0.0}, "amin must be > 0"),
        ({"top_db": -1.0}, "top_db must be >= 0"),
        ({"n_mfcc": 129}, "n_mfcc must be <= n_mels = 128, got 129"),
        ({"n_mfcc": 1, "n_mels": None}, "n_mfcc must be <= n_mels = None, got 1"),
        ({"max_frames": 0}, "max_frames must be >= 1"),
        ({"frames": "htk"}, "frames must be one of kaldi, librosa, whisper, got 'htk'"),
        ({"remove_dc": 1}, "remove_dc must be True or False, got 1"),
        ({"preemphasis": 1.5}, r"preemphasis must be in \[0, 1\], got 1.5"),
        ({"preemphasis": -0.1}, r"preemphasis must be in \[0, 1\]"),
        ({"lifter": -1.0}, "lifter must be >= 0"),
        ({"lifter_start": -1}, "lifter_start must be >= 0, got -1"),
        ({"scale": 0.0}, "scale must be > 0"),
        ({"shift": np.inf}, "shift must be finite, got inf"),
        (
            {"compression": "log1p", "scale": 2.0},
            "scale and shift must be 1 and 0 unless compression is one of log, power_db, got 2.0 and 0.0 for 'log1p'",
        ),
        ({"compression": "none", "shift": 2.0}, "got 1.0 and 2.0 for 'none'"),
        ({"log_energy": "last"}, "log_energy must be one of c0, first, got 'last'"),
        ({"log_energy": "c0", "compression": "log"}, "n_mfcc must be a number for log_energy = 'c0'"),
        ({"log_energy": "first"}, "compression must be 'log' for log_energy = 'first', got 'power_db'"),
        (
            {"log_energy": "first", "compression": "log", "ref": "max"},
            "ref must be a number and top_db None for log_energy = 'first', got 'max' and None",
        ),
        ({"log_energy": "first", "compression": "log", "top_db": 80.0}, "got 1.0 and 80.0"),
    ],
)
def test_a_wrong_field_is_named(kwargs, message):
    with pytest.raises((ValueError, TypeError), match=message):
        FrontEnd(**{"sr": SR} | kwargs)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"sr": 8000, "hop": 1, "bins": 2}, "spec has unknown fields: bins, hop"),
        ({"n_fft": 512}, "spec must have the field sr"),
    ],
)
def test_a_wrong_dictionary_is_refused(spec, message):
    with pytest.raises(ValueError, match=message):
        FrontEnd.from_dict(spec)


@pytest.mark.parametrize("y", [[], [np.nan], np.ones(3, complex), np.float64(0)])
def test_a_wrong_signal_is_refused(y):
    with pytest.raises((ValueError, TypeError), match="y must"):
        FrontEnd(SR)(y)
