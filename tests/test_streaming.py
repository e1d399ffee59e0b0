"""Parts of a stream are the whole, bit for bit, as soon as they can be, and in memory that does not grow."""

import dataclasses
import gc
import os
import re
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import numba
import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from audiofeat import AudioError, FrontEnd, list_presets, load, preset, save
from audiofeat.fourier import engine
from audiofeat.io._files import ForwardFile

SR = 8000
PAD_MODES = ["constant", "edge", "linear_ramp", "reflect", "symmetric"]
COMPRESSIONS = ["log", "log10_1p", "log1p", "none", "power_db"]
FORMATS = ["wav", "flac", "aiff", "ogg", "opus", "mp3"]
SMALL = {"n_fft": 64, "hop_length": 24, "n_mels": 6}
compiled = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="long signals, and several threads, need the JIT")


def noise(*shape, dtype=np.float32):
    return np.random.default_rng(0).uniform(-0.9, 0.9, shape).astype(dtype)


def assert_same(ours, theirs):
    """Bit for bit: the sign of zero counts, and so would NaN's."""
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    assert_array_equal(ours, theirs)
    assert ours.tobytes() == theirs.tobytes()


def assert_parts_are(parts, whole, n_frames):
    lengths = [part.shape[-1] for part in parts]
    assert lengths[:-1] == [n_frames] * (len(parts) - 1)
    assert 1 <= lengths[-1] <= n_frames
    assert all(part.flags.c_contiguous for part in parts)
    assert_same(np.concatenate(parts, axis=-1), whole)


# Any front end, any signal, any blocks


@st.composite
def front_ends(draw, clip_wide=False):
    """Odd sizes, sizes with other factors than 2, 3 and 5, gaps between frames, every pad mode and compression."""
    n_fft = draw(st.sampled_from([1, 2, 3, 7, 8, 15, 22, 32, 60, 63, 64, 97]))
    n_mels = draw(st.none() | st.integers(1, 8))
    logs = ["log", "power_db"]
    compression = draw(st.sampled_from(logs if clip_wide else COMPRESSIONS))
    n_mfcc = None if n_mels is None else draw(st.none() | st.integers(1, n_mels))
    energies = [None] if clip_wide or compression != "log" else [None, "first", *(["c0"] if n_mfcc else [])]
    return FrontEnd(
        SR,
        n_fft=n_fft,
        frames=draw(st.sampled_from(["librosa", "whisper", "kaldi"])),
        remove_dc=draw(st.booleans()),
        preemphasis=draw(st.sampled_from([0.0, 0.97])),
        log_energy=draw(st.sampled_from(energies)),
        scale=draw(st.sampled_from([1.0, 0.3])) if compression in logs else 1.0,
        hop_length=draw(st.integers(1, 2 * n_fft + 2)),
        win_length=draw(st.none() | st.integers(1, n_fft)),
        window=draw(st.sampled_from(["hann", "boxcar", ("kaiser", 5.0)])),
        center=draw(st.booleans()),
        pad_mode=draw(st.sampled_from(PAD_MODES)),
        power=draw(st.sampled_from([1.0, 2.0, 0.7])),
        n_mels=n_mels,
        compression=compression,
        ref=draw(st.sampled_from(["max", 0.5])) if clip_wide else 1.0,
        top_db=draw(st.sampled_from([None, 15.0])) if clip_wide else None,
        n_mfcc=n_mfcc,
        max_frames=draw(st.none() | st.integers(1, 12)),
    )


def needed_samples(front_end):
    """The number of samples of a frame, without the zeros that may follow."""
    return (front_end.win_length or front_end.n_fft) if front_end.frames == "kaldi" else front_end.n_fft


def samples_before(front_end):
    """How many samples the first frame begins before the signal; below 0, after its start."""
    length = needed_samples(front_end)
    if not front_end.center:
        return 0
    return length // 2 - (front_end.hop_length // 2 if front_end.frames == "kaldi" else 0)


@st.composite
def signals(draw, front_end, batches=((), (1,), (2,), (2, 3))):
    """Noise, silence, DC or a click, of lengths where something changes, and of any other."""
    length, hop_length = needed_samples(front_end), front_end.hop_length
    limits = [1, length // 2, length // 2 + 1, length - 1, length, length + 1, length + hop_length, hop_length]
    n_samples = draw(st.sampled_from([n for n in limits if n > 0]) | st.integers(1, 400))
    shape = (*draw(st.sampled_from(batches)), n_samples)
    kind = draw(st.sampled_from(["noise", "noise", "silence", "dc", "click"]))
    y = noise(*shape, dtype=draw(st.sampled_from([np.float32, np.float64])))
    if kind != "noise":
        y[:] = 0.25 if kind == "dc" else 0.0
    if kind == "click":
        y[..., draw(st.integers(0, n_samples - 1))] = 1.0
    return y


@st.composite
def divisions(draw, y):
    """Blocks of any lengths, of none too, or of one sample each."""
    n_samples = y.shape[-1]
    if draw(st.integers(0, 4)) == 0:
        return np.split(y, n_samples, axis=-1)
    cuts = draw(st.lists(st.integers(0, n_samples), max_size=8))
    return np.split(y, sorted(cuts), axis=-1)


def call_or_message(front_end, source):
    try:
        return front_end(source), None
    except ValueError as error:  # too short without `center`
        return None, re.escape(str(error))


@given(front_end=front_ends(), data=st.data(), n_frames=st.integers(1, 9) | st.just(100), workers=st.integers(1, 3))
def test_parts_are_the_whole(front_end, data, n_frames, workers):
    y = data.draw(signals(front_end))
    blocks = data.draw(divisions(y))
    whole, message = call_or_message(front_end, y)
    with mock.patch.object(engine, "SHARE", 1):  # so that threads work on a short signal
        parts = front_end.stream(blocks, n_frames=n_frames, workers=workers)
        if message:
            with pytest.raises(ValueError, match=message):
                list(parts)
        else:
            assert_parts_are(list(parts), whole, n_frames)


@given(front_end=front_ends(), data=st.data(), workers=st.integers(2, 3))
def test_threads_change_nothing(front_end, data, workers):
    y = data.draw(signals(front_end))
    whole, message = call_or_message(front_end, y)
    if not message:
        with mock.patch.object(engine, "SHARE", 1):
            assert_same(front_end(y, workers=workers), whole)
            assert_same(front_end.patches(y, 1, workers=workers), front_end.patches(y, 1))


@given(front_end=front_ends(clip_wide=True), data=st.data(), n_frames=st.integers(1, 9), workers=st.integers(1, 3))
def test_references_to_the_clip_stream_from_a_file(tmp_path_factory, front_end, data, n_frames, workers):
    y = data.draw(signals(front_end, batches=[()]))
    path = tmp_path_factory.getbasetemp() / "clip.wav"
    sf.write(path, y, SR, subtype="FLOAT")
    whole, message = call_or_message(front_end, path)
    with mock.patch.object(engine, "SHARE", 1):
        if message:
            with pytest.raises(ValueError, match=message):
                list(front_end.stream(path, n_frames=n_frames, workers=workers))
        else:
            assert_parts_are(list(front_end.stream(path, n_frames=n_frames, workers=workers)), whole, n_frames)
            assert_same(front_end(path, workers=workers), whole)


@pytest.mark.parametrize("pad_mode", PAD_MODES)
@pytest.mark.parametrize("n_fft", [8, 7])
def test_every_length_about_a_frame(n_fft, pad_mode):
    for center in (True, False):
        front_end = FrontEnd(
            SR, n_fft=n_fft, hop_length=3, window="boxcar", n_mels=None, center=center, pad_mode=pad_mode
        )
        for n_samples in range(1 if center else n_fft, 2 * n_fft + 2):
            y = noise(n_samples)
            for frames in ("librosa", "whisper", "kaldi"):
                laid = dataclasses.replace(front_end, frames=frames)
                whole = laid(y)
                for blocks in (list(y.reshape(-1, 1)), [y], np.array_split(y, 3)):
                    assert_parts_are(list(laid.stream(blocks, n_frames=2)), whole, 2)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("name", list_presets())
def test_every_preset_streams(tmp_path, name, center):
    front_end = dataclasses.replace(preset(name), center=center, max_frames=23)
    sr = int(front_end.sr)
    y = noise(sr + 7) * np.linspace(0.01, 1, sr + 7, dtype=np.float32)
    save(tmp_path / "a.wav", y, sr, subtype="FLOAT")
    whole = front_end(y)
    assert_parts_are(list(front_end.stream(tmp_path / "a.wav", n_frames=10)), whole, 10)
    if front_end.ref == "max" or front_end.top_db is not None:
        with pytest.raises(ValueError, match=r"source must be a file .*look at the whole clip, got list"):
            front_end.stream([y])
    else:
        assert_parts_are(list(front_end.stream(np.array_split(y, 9), n_frames=10)), whole, 10)


@pytest.mark.parametrize("kwargs", [{"ref": "max"}, {"top_db": 80.0}])
@pytest.mark.parametrize("compression", ["none", "log1p", "log10_1p"])
def test_a_reference_that_is_not_used_asks_for_no_file(kwargs, compression):
    front_end = FrontEnd(SR, compression=compression, **SMALL, **kwargs)
    y = noise(500)
    assert_same(np.concatenate(list(front_end.stream([y])), axis=-1), front_end(y))


# Blocks as they come


@pytest.mark.parametrize(
    "like",
    [
        lambda y: np.round(y * 32767).astype(np.int16),
        lambda y: y.astype(np.float16),
        lambda y: y.astype(y.dtype.newbyteorder()),
        lambda y: np.repeat(y, 2, axis=-1)[..., ::2],
        lambda y: np.asfortranarray(y),
        lambda y: np.lib.stride_tricks.as_strided(y, y.shape, y.strides, writeable=False),
        lambda y: y.tolist(),
    ],
    ids=["int16", "float16", "swapped", "strided", "fortran", "read-only", "list"],
)
def test_blocks_are_any_signals(like):
    y, front_end = noise(2, 700), FrontEnd(SR, **SMALL)
    blocks = [like(block) for block in np.split(y, [10, 200], axis=-1)]
    assert_parts_are(list(front_end.stream(blocks, n_frames=4)), front_end(like(y)), 4)
    assert_array_equal(y, noise(2, 700))


def test_a_buffer_may_be_filled_again():
    y, front_end = noise(700), FrontEnd(SR, **SMALL)

    def recording():
        buffer = np.empty(50, np.float32)
        for start in range(0, 700, 50):
            buffer[:] = y[start : start + 50]
            yield buffer

    assert_same(np.concatenate(list(front_end.stream(recording())), axis=-1), front_end(y))


def consumed(blocks, log):
    for number, block in enumerate(blocks):
        log[:] = [number + 1]
        yield block


@given(front_end=front_ends(), data=st.data(), n_frames=st.just(1) | st.integers(1, 6))
def test_nothing_is_read_before_it_is_needed(front_end, data, n_frames):
    y = data.draw(signals(front_end, batches=[()]))
    blocks = data.draw(divisions(y))
    arrived = np.cumsum([len(block) for block in blocks])
    if call_or_message(front_end, y)[1]:
        return
    n_all, pad = front_end.n_frames(len(y)), samples_before(front_end)
    reflected = pad + 1 if front_end.pad_mode == "reflect" and pad > 0 else 1  # it skips the first sample
    ahead = front_end.hop_length if front_end.frames == "whisper" else 0  # the last frame is left out
    log = [0]
    parts = front_end.stream(consumed(blocks, log), n_frames=n_frames)
    assert log == [0]
    for first in range(0, n_all, n_frames):
        part = next(parts)
        # A part that is full before the end waits for the last sample of its last frame, and no more.
        stop = min(first + n_frames, front_end.max_frames or first + n_frames)
        needed = max((stop - 1) * front_end.hop_length + needed_samples(front_end) - pad + ahead, reflected)
        enough = int(np.searchsorted(arrived, needed)) + 1
        assert log == [min(enough, len(blocks))]
        assert part.shape[-1] == min(stop, n_all) - first
    if n_all == front_end.max_frames:
        at_end = list(log)
        assert list(parts) == []
        assert log == at_end
    assert list(parts) == []


@pytest.fixture
def decoders(monkeypatch):
    """Whether each of the decoders that were opened still is."""
    made = []

    class Watched(ForwardFile):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(weakref.ref(self))

    monkeypatch.setattr("audiofeat.io._files.ForwardFile", Watched)
    return lambda: [file() is not None and not file().closed for file in made]


@pytest.mark.parametrize("name", ["a.wav", "a.mp3"])
@pytest.mark.parametrize(("kwargs", "n_passes"), [({}, 1), ({"sr": 6000}, 1), ({"top_db": 30.0}, 2)])
def test_decoders_are_closed(tmp_path, decoders, name, kwargs, n_passes):
    save(tmp_path / name, noise(60 * SR), SR)
    front_end = FrontEnd(**{"sr": SR, "n_fft": 256, "hop_length": 3000, "n_mels": 8, **kwargs})
    gc.disable()  # by the end of the stream itself, not by a search for cycles
    try:
        front_end.stream(tmp_path / name)  # no part of it asked for
        assert not any(decoders())
        parts = front_end.stream(tmp_path / name, n_frames=5)
        next(parts)
        assert decoders()[-n_passes:] == [False] * (n_passes - 1) + [True]
        parts.close()
        assert not any(decoders())
        parts = dataclasses.replace(front_end, max_frames=7).stream(tmp_path / name)
        assert next(parts).shape == (8, 7)
        assert list(parts) == []
        assert decoders() == [False] * 3 * n_passes
    finally:
        gc.enable()


# Files


@pytest.mark.parametrize("sr", [16000, 22050, 24000.0])
@pytest.mark.parametrize("extension", FORMATS)
def test_a_file_streams_as_it_loads(tmp_path, extension, sr):
    path = tmp_path / f"a.{extension}"
    save(path, noise(2, 40000), 24000)
    for kwargs in ({}, {"ref": "max", "top_db": 50.0}, {"n_mfcc": 4}):
        front_end = FrontEnd(sr, **SMALL, **kwargs)
        whole = front_end(path)
        assert_same(whole, front_end(load(path, sr=sr)[0]))
        assert_parts_are(list(front_end.stream(str(path), n_frames=300, workers=2)), whole, 300)


@pytest.mark.realdata
def test_a_recording_streams_as_it_loads(data):
    path = next(p for p in sorted(data.rglob("*.ogg")) if p.stat().st_size > 100_000)
    for name in list_presets():
        front_end = preset(name)
        assert_parts_are(list(front_end.stream(path, n_frames=100)), front_end(path), 100)


@pytest.mark.parametrize("peak", [1e30, 3e38])  # the powers are infinite, or already the sums of a spectrum
@pytest.mark.parametrize("n_mels", [None, 6])
def test_a_file_that_is_too_loud_streams_as_it_loads(tmp_path, peak, n_mels):
    y = noise(2, 900) * np.float32([[1e-3], [peak]])
    sf.write(tmp_path / "a.wav", y.reshape(-1), SR, subtype="FLOAT")
    front_end = FrontEnd(SR, **SMALL | {"n_mels": n_mels, "top_db": 30.0})
    parts = list(front_end.stream(tmp_path / "a.wav", n_frames=10))
    assert_array_equal(np.concatenate(parts, axis=-1), front_end(tmp_path / "a.wav"))
    under_peak = dataclasses.replace(front_end, ref="max")
    for make in (under_peak, lambda path: list(under_peak.stream(path, n_frames=10))):
        with pytest.raises(ValueError, match=r"ref must be >= 0, got .*(inf|nan)"):
            make(tmp_path / "a.wav")


def collect(parts, kept):
    for part in parts:
        kept.append(part)


@pytest.mark.parametrize("extension", ["wav", "flac"])
def test_a_truncated_file_gives_its_frames_and_an_error(tmp_path, extension):
    save(tmp_path / f"whole.{extension}", noise(80 * SR), SR)
    raw = (tmp_path / f"whole.{extension}").read_bytes()
    path = tmp_path / f"cut.{extension}"
    path.write_bytes(raw[: int(0.9 * len(raw))])
    front_end = FrontEnd(SR, n_fft=256, hop_length=8000, n_mels=8)
    kept = []
    with pytest.raises(AudioError, match=r"cut\.\w+: (truncated|decoding stops)"):
        collect(front_end.stream(path, n_frames=1), kept)
    joined = np.concatenate(kept, axis=-1)
    assert joined.shape[-1] >= (80 * SR - 2**18) // 8000 // 2  # what is not in the last block of the decoder
    assert_same(joined, np.ascontiguousarray(front_end(tmp_path / f"whole.{extension}")[:, : joined.shape[-1]]))
    with pytest.raises(AudioError, match=r"cut\.\w+: (truncated|decoding stops)"):
        next(dataclasses.replace(front_end, ref="max").stream(path, n_frames=1))


# What is wrong is named


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ([0.0, np.nan, 0.0], ValueError, r"blocks\[3\] must be finite, got nan at index 1"),
        ([0.0, 0.0, -np.inf], ValueError, r"blocks\[3\] must be finite, got -inf at index 2"),
        (np.zeros(3, np.float32), ValueError, r"blocks\[3\] must be like .* float64 .* got float32 of shape \(3,\)"),
        (np.zeros((2, 3)), ValueError, r"blocks\[3\] must be like .* of shape \('...',\), got .* of shape \(2, 3\)"),
        (np.zeros(3, complex), TypeError, r"blocks\[3\] must hold floats, .* got dtype complex128"),
        (["a"], TypeError, r"blocks\[3\] must hold floats"),
        (0.5, ValueError, r"blocks\[3\] must have at least 1 dimension"),
        ([[0.0], [0.0, 1.0]], ValueError, r"blocks\[3\] must have rows of equal length"),
    ],
)
def test_a_wrong_block_is_named_and_the_frames_before_it_are_given(wrong, error, message):
    y, front_end, kept = noise(500, dtype=np.float64), FrontEnd(SR, **SMALL), []
    with pytest.raises(error, match=message):  # the third block is empty
        collect(front_end.stream([y[:300], y[300:], y[:0], wrong], n_frames=1), kept)
    n_frames = 1 + (500 - 32) // 24  # those that end before it
    assert_same(np.concatenate(kept, axis=-1), np.ascontiguousarray(front_end(y)[:, :n_frames]))


@pytest.mark.parametrize("change", [np.zeros((3, 9)), np.zeros(9), np.zeros((2, 1, 9))])
def test_channels_stay_as_they_are(change):
    with pytest.raises(ValueError, match=re.escape("blocks[1] must be like the blocks before it")):
        list(FrontEnd(SR, **SMALL).stream([np.zeros((2, 9)), change]))


@pytest.mark.parametrize("blocks", [[], [[]], [np.empty(0), np.empty(0)], [np.empty((2, 0))], iter(())])
@pytest.mark.parametrize("center", [True, False])
def test_no_samples_at_all(blocks, center):
    with pytest.raises(ValueError, match=r"blocks must hold at least 1 sample"):
        list(FrontEnd(SR, center=center, **SMALL).stream(blocks))


def test_too_short_without_padding_is_as_the_call_says():
    front_end = FrontEnd(SR, center=False, **SMALL)
    message = "y must have at least n_fft = 64 samples when center is False, got 63"
    with pytest.raises(ValueError, match=message):
        front_end(noise(63))
    with pytest.raises(ValueError, match=message):
        list(front_end.stream([noise(60), noise(3)]))
    front_end = dataclasses.replace(front_end, frames="kaldi", win_length=50)
    message = "y must have at least win_length = 50 samples when center is False, got 49"
    for call in (front_end, lambda y: list(front_end.stream([y[:40], y[40:]]))):
        assert front_end(noise(50)).shape == (6, 1)
        with pytest.raises(ValueError, match=message):
            call(noise(49))


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"n_frames": 0}, ValueError, "n_frames must be >= 1, got 0"),
        ({"n_frames": 2.0}, TypeError, "n_frames must be an integer, got 2.0"),
        ({"n_frames": None}, TypeError, "n_frames must be an integer, got None"),
        ({"workers": 0}, ValueError, "workers must be >= 1, or -1 for all cores, got 0"),
        ({"workers": -2}, ValueError, "workers must be >= -1, got -2"),
        ({"workers": True}, TypeError, "workers must be an integer, got True"),
    ],
)
def test_wrong_arguments_are_refused_at_once(tmp_path, kwargs, error, message):
    front_end, y = FrontEnd(SR, **SMALL), noise(500)
    with pytest.raises(error, match=message):
        front_end.stream([y], **kwargs)  # before the first part is asked for
    with pytest.raises(error, match=message):
        front_end.save([y], tmp_path / "a.npy", **kwargs)
    assert list(tmp_path.iterdir()) == []
    if "workers" in kwargs:
        for call in (lambda: front_end(y, **kwargs), lambda: front_end.patches(y, 2, **kwargs)):
            with pytest.raises(error, match=message):
                call()
        with pytest.raises(error, match=message):
            front_end.map([], **kwargs)


@pytest.mark.parametrize("name", ["nowhere.wav", "text.wav", "empty.wav", ""])
def test_a_file_that_is_none(tmp_path, name):
    (tmp_path / "text.wav").write_text("no audio")
    (tmp_path / "empty.wav").touch()
    front_end = FrontEnd(SR, **SMALL)
    for make in (lambda path: list(front_end.stream(path)), front_end, lambda path: front_end.map([path])):
        with pytest.raises(AudioError, match=re.escape(str(tmp_path / name))):
            make(tmp_path / name)


# To a file


@given(front_end=front_ends(), data=st.data(), n_frames=st.integers(1, 9), workers=st.integers(1, 3))
def test_what_is_saved_is_the_whole(tmp_path_factory, front_end, data, n_frames, workers):
    y = data.draw(signals(front_end))
    blocks = data.draw(divisions(y))
    path = tmp_path_factory.getbasetemp() / "saved.npy"
    path.unlink(missing_ok=True)
    whole, message = call_or_message(front_end, y)
    if message:
        with pytest.raises(ValueError, match=message):
            front_end.save(blocks, path, n_frames=n_frames)
        assert not path.exists()
        return
    with mock.patch.object(engine, "SHARE", 1):
        mapped = front_end.save(blocks, path, n_frames=n_frames, workers=workers)
    assert isinstance(mapped, np.memmap)
    assert mapped.flags.f_contiguous
    assert not mapped.flags.writeable
    assert_same(mapped, whole)
    assert_same(np.load(path), whole)
    again = np.load(path, mmap_mode="r")
    assert (again.shape, again.dtype, again.flags.f_contiguous) == (whole.shape, whole.dtype, True)
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        assert np.lib.format.read_array_header_1_0(file)[1] is True  # frames lie one after the other
    with pytest.raises(ValueError, match="read-only"):
        mapped[:] = 0.0


def test_the_header_has_room_for_any_number_of_frames(tmp_path):
    front_end = FrontEnd(SR, n_fft=2, hop_length=2, center=False, n_mels=1, compression="none")
    sizes = {n: front_end.save([np.zeros(2 * n)], tmp_path / "a.npy").offset for n in (1, 9, 10, 999, 1000, 123_456)}
    assert set(sizes.values()) == {sizes[1]}
    assert (tmp_path / "a.npy").stat().st_size == sizes[1] + 8 * 123_456
    for n_axes in range(25):  # headers are filled up to 64 bytes: some are at the brim
        y = noise(*[1] * n_axes, 12)
        assert_same(front_end.save([y], tmp_path / "a.npy"), front_end(y))


def test_a_path_is_saved_from_and_to(tmp_path):
    save(tmp_path / "a.flac", noise(2, 9000), 16000)
    for name, kwargs in (("plain", {}), ("clip.npy", {"ref": "max", "top_db": 20.0}), ("c.x", {"max_frames": 5})):
        front_end = FrontEnd(SR, **SMALL, **kwargs)
        for target in (tmp_path / name, str(tmp_path / name)):
            assert_same(front_end.save(str(tmp_path / "a.flac"), target, n_frames=7), front_end(tmp_path / "a.flac"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.flac", "c.x", "clip.npy", "plain"]


def failing(error):
    yield noise(500)
    raise error


@pytest.mark.parametrize("error", [ValueError("no more"), OSError("no more"), KeyboardInterrupt("no more")])
@pytest.mark.parametrize("n_frames", [2, 4096])
def test_a_failing_source_leaves_what_was_there(tmp_path, error, n_frames):
    front_end, path = FrontEnd(SR, **SMALL), tmp_path / "a.npy"
    with pytest.raises(type(error), match="no more"):
        front_end.save(failing(error), path, n_frames=n_frames)
    assert list(tmp_path.iterdir()) == []
    older = front_end.save([noise(300)], path)
    with pytest.raises(type(error), match="no more"):
        front_end.save(failing(error), path, n_frames=n_frames)
    assert list(tmp_path.iterdir()) == [path]
    assert_same(np.load(path), front_end(noise(300)))
    assert_same(older, front_end(noise(300)))


def test_nothing_is_seen_of_half_a_file(tmp_path):
    front_end, path = FrontEnd(SR, **SMALL), tmp_path / "a.npy"
    front_end.save([noise(300)], path)
    seen = []

    def source():
        for block in np.split(noise(900), 9):
            seen.append(np.load(path).shape)
            yield block

    older = np.load(path, mmap_mode="r")
    assert front_end.save(source(), path, n_frames=1).shape == (6, 38)
    assert set(seen) == {(6, 13)}
    assert_same(older, front_end(noise(300)))  # what is mapped stays


def test_a_folder_that_is_missing_is_the_systems_error(tmp_path):
    log = [0]
    with pytest.raises(FileNotFoundError):
        FrontEnd(SR, **SMALL).save(consumed([noise(500)], log), tmp_path / "nowhere" / "a.npy")
    assert log == [0]


# Many


@pytest.mark.parametrize("workers", [1, 2, 3, -1])
def test_map_is_a_call_for_each(tmp_path, workers):
    save(tmp_path / "a.wav", noise(5000), 16000)
    sources = [noise(n) for n in (3000, 1, 64, 700)] + [noise(2, 90, dtype=np.float64), tmp_path / "a.wav"]
    sources += [str(tmp_path / "a.wav"), noise(400).tolist()]
    for kwargs in ({}, {"ref": "max", "top_db": 30.0}, {"n_mfcc": 3, "max_frames": 2}):
        front_end = FrontEnd(SR, **SMALL, **kwargs)
        mapped = front_end.map(iter(sources), workers=workers)
        assert isinstance(mapped, list)
        for ours, source in zip(mapped, sources, strict=True):
            assert_same(ours, front_end(source))
    assert front_end.map([], workers=workers) == []
    assert front_end.map(iter(()), workers=workers) == []


class Source:
    """Something array-like that knows when it is looked at."""

    def __init__(self, y, look):
        self.y, self.look = y, look

    def __array__(self, dtype=None, copy=None):
        self.look()
        return np.asarray(self.y)


def test_map_uses_the_threads_it_is_given():
    meeting = threading.Barrier(3)  # passed by three at once, or broken
    sources = [Source(noise(300 + i), lambda: meeting.wait(30)) for i in range(6)]
    front_end = FrontEnd(SR, **SMALL)
    for i, S in enumerate(front_end.map(sources, workers=3)):
        assert_same(S, front_end(noise(300 + i)))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_map_stops_at_the_first_that_fails(workers):
    looked = []
    good = Source(noise(100), lambda: looked.append(0))
    bad = Source([np.nan], lambda: looked.append(1))
    with pytest.raises(ValueError, match="y must be finite, got nan at index 0"):
        FrontEnd(SR, **SMALL).map([good, bad] + 1000 * [good], workers=workers)
    if workers == 1:
        assert looked == [0, 1]


@pytest.mark.parametrize("by_main", [True, False])
def test_the_error_is_the_first_sources_whoever_meets_it(monkeypatch, by_main):
    """Two fail at once: the one that a loop would have met is raised, whichever thread it fell to."""
    begun, meeting = threading.Event(), threading.Barrier(2)

    def look():
        begun.set()
        meeting.wait(30)

    class Pool(ThreadPoolExecutor):
        def submit(self, work):
            future = super().submit((lambda: begun.wait(30) and work()) if by_main else work)
            assert by_main or begun.wait(30)
            return future

    monkeypatch.setattr("audiofeat._threads.ThreadPoolExecutor", Pool)
    with pytest.raises(ValueError, match="got nan at index 0"):
        FrontEnd(SR, **SMALL).map([Source([np.nan], look), Source([0.0, np.inf], look)], workers=2)


# Threads, memory


@compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kwargs", [{}, {"n_fft": 2048 + 2}, {"top_db": 60.0, "n_mfcc": 13}, {"pad_mode": "reflect"}])
def test_one_two_and_three_workers_give_the_same(tmp_path, kwargs, dtype):
    front_end = FrontEnd(22050, **kwargs)
    y = noise(1_700_000, dtype=dtype)
    whole, parallel = front_end(y), engine.share_out
    for workers in (2, 3):
        meeting, met = threading.Barrier(workers), []

        def met_first(make, meeting=meeting, met=met):
            met.append(meeting.wait(30))  # a thread begins when all are there
            return make()

        def shared(tasks, job, make, n_threads, workers=workers, meet=met_first):
            parallel(tasks, job, (lambda: meet(make)) if n_threads == workers else make, n_threads)

        with mock.patch.object(engine, "share_out", shared):
            assert_same(front_end(y, workers=workers), whole)
        assert len(met) == workers
    assert_same(front_end.patches(y, 300, workers=2), front_end.patches(y, 300))
    if "top_db" not in kwargs:
        parts = front_end.stream(np.array_split(y, 7), n_frames=3200, workers=2)
        assert_same(np.concatenate(list(parts), axis=-1), whole)


MEASURE = """
import resource, sys, tracemalloc
import numpy as np
from audiofeat import FrontEnd
source, target, n_minutes, n_frames = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
front_end = FrontEnd(22050, n_fft=1024, hop_length=1024, n_mels=64, **({"top_db": 80.0} if source != "-" else {}))
tone = np.sin(np.arange(65536, dtype=np.float32))
blocks = (tone * np.float32(i % 7) for i in range(int(n_minutes * 60 * 22050 / 65536)))
front_end(tone)  # compiles
tracemalloc.start()
if target != "-":
    n = front_end.save(blocks if source == "-" else source, target, n_frames=n_frames).shape[1]
else:
    n = sum(part.shape[1] for part in front_end.stream(source, n_frames=n_frames))
print(n, tracemalloc.get_traced_memory()[1] / 1e6, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
"""


def measured(source="-", target="-", n_minutes=0.0, n_frames=512):
    """Frames, peak of what Python allocates and peak of the process, in MB, in a process of its own."""
    args = [sys.executable, "-c", MEASURE, str(source), str(target), str(n_minutes), str(n_frames)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(args, env=environment, capture_output=True, text=True, check=True)
    return np.array([float(number) for number in done.stdout.split()])


@compiled
@pytest.mark.parametrize(
    ("n_minutes", "limit"), [(10, 10.0), pytest.param(600, 100.0, marks=pytest.mark.slow, id="10 hours")]
)
def test_memory_of_a_stream_does_not_grow(tmp_path, n_minutes, limit):
    path = tmp_path / "a.npy"
    _, python, process = measured(target=path, n_minutes=1)
    n_frames, long_python, long_process = measured(target=path, n_minutes=n_minutes)
    assert n_frames > 1280 * n_minutes
    assert long_python < python + 1.0
    assert long_process < process + limit  # 53 MB of input in 10 minutes, 200 MB of output in 10 hours
    path.unlink()


def write_minutes(path, n_minutes):
    """Write a file minute by minute."""
    minute = np.round(3000 * noise(60 * 22050)).astype(np.int16)
    with sf.SoundFile(path, "w", 22050, 1, subtype="PCM_16") as file:
        for number in range(n_minutes):
            file.write(minute // (1 + number % 5))


@compiled
@pytest.mark.slow
@pytest.mark.parametrize(("extension", "n_minutes"), [("wav", 60), ("flac", 600)])
def test_memory_of_a_file_does_not_grow(tmp_path, extension, n_minutes):
    short, long = tmp_path / f"short.{extension}", tmp_path / f"long.{extension}"
    write_minutes(short, 1)
    write_minutes(long, n_minutes)
    _, python, process = measured(source=short)
    n_frames, long_python, long_process = measured(source=long)
    assert n_frames == 1 + 60 * 22050 * n_minutes // 1024
    assert long_python < python + 5.0
    assert long_process < process + 50.0
    long.unlink()


def test_an_array_is_one_block():
    y = noise(2, 3000)
    front_end = FrontEnd(SR, n_fft=256, n_mels=8)
    assert_array_equal(np.concatenate(list(front_end.stream(y, n_frames=5)), axis=-1), front_end(y))


def test_one_path_is_not_a_list_of_sources():
    with pytest.raises(TypeError, match=r"sources must be .*song\.wav"):
        FrontEnd(SR).map("song.wav")
