"""Audio files: what is written is read, blocks are the whole, and the worst of files is an AudioError."""

import os
import pickle
import re
import struct
import tracemalloc
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile as sf
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import ogg_pages, with_checksums
from numpy.testing import assert_array_equal

from audiofeat import AudioError, AudioInfo, info, load, save, stream
from audiofeat.io._files import ForwardFile
from audiofeat.io.reading import MP3_BLOCK

SR = 24000  # one that Opus has
LOSSLESS = [
    ("wav", "PCM_U8", 8),
    ("wav", "PCM_16", 16),
    ("wav", "PCM_24", 24),
    ("wav", "PCM_32", 32),
    ("aiff", "PCM_16", 16),
    ("flac", "PCM_16", 16),
    ("flac", "PCM_24", 24),
]
LOSSY = [("ogg", "VORBIS"), ("opus", "OPUS"), ("mp3", "MPEG_LAYER_III")]
EXTENSIONS = ["wav", "flac", "aiff", "ogg", "opus", "mp3"]


def music(n_samples, n_channels=2, seed=0):
    """Two tones and some noise, within [-1, 1], of shape (n_channels, n_samples)."""
    t = np.arange(n_samples) / SR
    tones = np.stack([0.4 * np.sin(2 * np.pi * 220 * (c + 1) * t) for c in range(n_channels)])
    noise = np.random.default_rng(seed).standard_normal(tones.shape)
    return np.clip(tones + 0.05 * np.linspace(0, 3, n_samples) * noise, -1, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two seconds of stereo in every format, and one WAV of one channel."""
    path = tmp_path_factory.mktemp("audio")
    for extension in EXTENSIONS:
        save(path / f"a.{extension}", music(2 * SR), SR)
    save(path / "mono.wav", music(SR, 1), SR)
    return path


def flac_declaring(n_samples, raw):
    """The bytes of a FLAC file with another number in the 36 bits that hold its length."""
    head = int.from_bytes(raw[18:26], "big") >> 36 << 36 | n_samples
    return raw[:18] + head.to_bytes(8, "big") + raw[26:]


def without_first_frame(mp3):
    """The bytes of an MP3 (MPEG-1, no tag) without the frame that counts the others."""
    rates = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    assert mp3[0] == 0xFF
    sr = (44100, 48000, 32000)[mp3[2] >> 2 & 3]
    return mp3[144000 * rates[mp3[2] >> 4] // sr + (mp3[2] >> 1 & 1) :]


# What is written is read


@pytest.mark.parametrize(("extension", "subtype", "bits"), LOSSLESS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_pcm_value_survives(tmp_path, extension, subtype, bits, dtype):
    bits = min(bits, 24) if dtype == "float32" else bits
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    steps = np.random.default_rng(0).integers(low, high + 1, (2, 70_000))
    steps[0, :4] = low, high, -1, 0
    y = (steps / 2 ** (bits - 1)).astype(dtype)
    save(tmp_path / f"a.{extension}", y, 8000, subtype=subtype)
    back, sr = load(tmp_path / f"a.{extension}", mono=False, dtype=dtype)
    assert (sr, back.dtype) == (8000, np.dtype(dtype))
    assert_array_equal(back, y)
    assert info(tmp_path / f"a.{extension}")[1:4] == (8000, 2, 70_000)


@pytest.mark.parametrize("container", ["AIFF", "AU", "CAF", "RF64", "W64", "WAV", "WAVEX"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_16_bits_are_the_floats_of_libsndfile(tmp_path, container, dtype):
    for n_channels in (1, 2, 3):
        steps = np.random.default_rng(n_channels).integers(-(2**15), 2**15, (140_000, n_channels)).astype(np.int16)
        steps[:3] = [[-(2**15)], [2**15 - 1], [-1]]
        sf.write(tmp_path / "a", steps, 8000, format=container, subtype="PCM_16")
        expected = sf.read(tmp_path / "a", dtype=dtype, always_2d=True)[0]
        assert_array_equal(np.atleast_2d(load(tmp_path / "a", mono=False, dtype=dtype)[0]), expected.T)
        mono = load(tmp_path / "a", dtype=dtype)[0]
        assert mono.dtype == dtype
        assert_array_equal(mono, sum(expected.T) / np.array(n_channels, dtype))
        assert_array_equal(load(tmp_path / "a", offset=1.0, dtype=dtype)[0], mono[8000:])


@pytest.mark.parametrize(("subtype", "dtype"), [("FLOAT", "float32"), ("DOUBLE", "float64")])
def test_floats_survive_beyond_one(tmp_path, subtype, dtype):
    y = np.array([1e-40, -3.0, 1e20, 0.0, 1 / 3], dtype=dtype)
    save(tmp_path / "a.wav", y, 44100, subtype=subtype)
    assert_array_equal(load(tmp_path / "a.wav", dtype=dtype)[0], y)


@pytest.mark.parametrize(("extension", "subtype"), LOSSY)
def test_lossy_codings_keep_length_and_waveform(folder, extension, subtype):
    y, sr = load(folder / f"a.{extension}", mono=False)
    expected = music(2 * SR)
    assert (y.shape, sr, info(folder / f"a.{extension}").subtype) == (expected.shape, SR, subtype)
    assert np.corrcoef(y.ravel(), expected.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_channels_are_kept_or_averaged(folder, extension):
    both, _ = load(folder / f"a.{extension}", mono=False)
    assert both.shape == (2, 2 * SR)
    assert both.flags.c_contiguous
    assert_array_equal(load(folder / f"a.{extension}")[0], (both[0] + both[1]) / 2)


@pytest.mark.filterwarnings("ignore:'(aifc|audioop|sunau)' is deprecated:DeprecationWarning")  # on import
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "mono.wav"])
@pytest.mark.parametrize("mono", [True, False])
def test_librosa_reads_the_same(folder, name, mono):
    expected, sr = librosa.load(folder / name, sr=None, mono=mono)
    assert load(folder / name, mono=mono)[1] == sr
    assert_array_equal(load(folder / name, mono=mono)[0], expected)


def test_six_channels(tmp_path):
    y = music(500, 6)
    save(tmp_path / "a.wav", y, 8000, subtype="DOUBLE")
    assert_array_equal(load(tmp_path / "a.wav", mono=False, dtype="float64")[0], y)
    np.testing.assert_allclose(load(tmp_path / "a.wav", dtype="float64")[0], y.mean(axis=0), atol=1e-15)


@pytest.mark.parametrize("sr", [8000, 22050, 48000, 11025.5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_resampling_is_soxr_in_one_piece(folder, sr, dtype):
    whole, native = load(folder / "a.flac", dtype=dtype)
    y, rate = load(folder / "a.flac", sr, dtype=dtype)
    assert rate == sr
    assert isinstance(rate, int) is float(sr).is_integer()
    assert_array_equal(y, soxr.resample(whole, native, sr, quality="HQ"))


def test_asking_for_the_native_rate_changes_nothing(folder):
    y, sr = load(folder / "a.wav", float(SR))
    assert isinstance(sr, int)
    assert_array_equal(y, load(folder / "a.wav")[0])


@pytest.mark.parametrize("name", ["Schöne Grüße 音楽.wav", "two  spaces .wav", "-o.wav", "a'b\"c.wav"])
def test_names(tmp_path, name):
    save(tmp_path / name, [0.0, 0.5], 8000)
    assert info(tmp_path / name) == AudioInfo(str(tmp_path / name), 8000, 1, 2, "WAV", "PCM_16")
    assert_array_equal(load(str(tmp_path / name))[0], [0.0, 0.5])


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX only")
def test_a_name_that_is_not_unicode(tmp_path, folder):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    Path(name).write_bytes((folder / "mono.wav").read_bytes())
    assert load(name)[0].shape == (SR,)


# Blocks are the whole, parts are slices


@settings(max_examples=80)
@given(data=st.data())
def test_stream_is_load(folder, data):
    draw = data.draw
    path = folder / draw(st.sampled_from([f"a.{extension}" for extension in EXTENSIONS] + ["mono.wav"]))
    block = draw(st.one_of(st.integers(500, 100_000), st.integers(1, 3).map(lambda k: k * MP3_BLOCK)))
    options = {
        "sr": draw(st.sampled_from([None, 8000, 22050, 44100, 7999.5])),
        "mono": draw(st.booleans()),
        "offset": draw(st.sampled_from([0.0, 0.3])),
        "duration": draw(st.sampled_from([None, 0.123, 0.5, 30.0])),
        "dtype": draw(st.sampled_from(["float32", "float64"])),
    }
    whole, _ = load(path, **options)
    blocks = list(stream(path, block=block, **options))
    assert {y.shape[-1] for y in blocks[:-1]} <= {block}
    assert 0 < blocks[-1].shape[-1] <= block
    assert_array_equal(np.concatenate(blocks, axis=-1), whole)


def test_blocks_of_one_sample(folder):
    blocks = stream(folder / "mono.wav", block=1, duration=0.01)
    assert_array_equal(np.concatenate(list(blocks)), load(folder / "mono.wav", duration=0.01)[0])


@settings(max_examples=60)
@given(
    extension=st.sampled_from(EXTENSIONS),
    offset=st.floats(0, 1.99),
    duration=st.one_of(st.none(), st.floats(1e-9, 3)),
)
def test_a_part_is_a_slice_of_the_whole(folder, extension, offset, duration):
    whole, sr = load(folder / f"a.{extension}", mono=False)
    start = round(offset * sr)
    stop = None if duration is None else start + max(1, round(duration * sr))
    part, _ = load(folder / f"a.{extension}", mono=False, offset=offset, duration=duration)
    assert_array_equal(part, whole[:, start:stop])


def test_memory_of_a_stream_does_not_grow(tmp_path):
    save(tmp_path / "a.flac", np.zeros(44100 * 240), 44100)
    tracemalloc.start()
    n_samples = sum(len(y) for y in stream(tmp_path / "a.flac", block=4096, sr=22050))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_samples == 22050 * 240
    assert peak < 8e6  # 21 MB if it were held


def test_a_stream_checks_before_the_first_block(folder):
    with pytest.raises(ValueError, match=r"block must be >= 1, got 0"):
        stream(folder / "a.wav", block=0)
    with pytest.raises(AudioError, match=r"nowhere\.wav: No such file or directory"):
        stream("nowhere.wav", block=10)


# Truncated files


@pytest.fixture(scope="module", params=EXTENSIONS)
def long(request, tmp_path_factory):
    """Eight seconds of one channel: several pages of Ogg."""
    path = tmp_path_factory.mktemp("long") / f"a.{request.param}"
    save(path, music(8 * SR, 1), SR)
    return path


@pytest.mark.parametrize("part", [0.4, 0.8, 0.97])
def test_a_cut_file_raises_or_gives_its_beginning(long, tmp_path, part):
    raw = long.read_bytes()
    path = tmp_path / f"cut{long.suffix}"
    path.write_bytes(raw[: int(len(raw) * part)])
    with pytest.raises(AudioError, match=r"cut\.\w+: (truncated|decoding stops)"):
        load(path)
    whole, _ = load(long)
    kept, _ = load(path, truncated="keep")
    assert (part - 0.35) * len(whole) < len(kept) < len(whole)
    n_same = len(kept) - 3000  # a codec's last frame leans on what is gone
    assert_array_equal(kept[:n_same], whole[:n_same])
    assert_array_equal(np.concatenate(list(stream(path, block=999, truncated="keep"))), kept)


def test_what_lies_outside_the_part_asked_for_is_not_judged(long, tmp_path):
    raw = long.read_bytes()
    path = tmp_path / f"cut{long.suffix}"
    path.write_bytes(raw[: int(len(raw) * 0.9)])
    expected, _ = load(long, offset=0.1, duration=2)
    assert_array_equal(load(path, offset=0.1, duration=2)[0], expected)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFFFF - 44, 0xFFFFFFFE])
def test_the_largest_size_is_no_declaration(folder, tmp_path, size):  # ffmpeg and sox write to a pipe
    raw = (folder / "mono.wav").read_bytes()
    at = raw.index(b"data") + 4
    (tmp_path / "a.wav").write_bytes(raw[:at] + struct.pack("<I", size) + raw[at + 4 :])
    assert_array_equal(load(tmp_path / "a.wav")[0], load(folder / "mono.wav")[0])


def test_a_wrong_riff_size_alone_loses_nothing(folder, tmp_path):
    raw = (folder / "mono.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(raw[:4] + struct.pack("<I", 10**9) + raw[8:])
    assert_array_equal(load(tmp_path / "a.wav")[0], load(folder / "mono.wav")[0])


def test_flac_need_not_declare_a_length(folder, tmp_path):
    (tmp_path / "a.flac").write_bytes(flac_declaring(0, (folder / "a.flac").read_bytes()))
    assert info(tmp_path / "a.flac").declared_samples is None
    assert info(tmp_path / "a.flac").declared_duration is None
    assert_array_equal(load(tmp_path / "a.flac")[0], load(folder / "a.flac")[0])
    assert_array_equal(load(tmp_path / "a.flac", offset=1)[0], load(folder / "a.flac", offset=1)[0])
    with pytest.raises(AudioError, match="offset is beyond its end at 2 s"):
        load(tmp_path / "a.flac", offset=3)


@pytest.mark.parametrize("tag", [b"", b"TAG" + b" " * 125])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_mp3_without_a_count_is_decoded_to_its_end(tmp_path, mode, tag):
    # libsndfile alone stops after a third: loud noise first, so the first bit rate is the highest
    noise = np.random.default_rng(0).standard_normal(44100 * 6) * np.repeat([0.3, 1e-4], 44100 * 3)
    sf.write(tmp_path / "a.mp3", noise, 44100, bitrate_mode=mode, compression_level=0.2)
    whole, _ = load(tmp_path / "a.mp3")
    (tmp_path / "b.mp3").write_bytes(without_first_frame((tmp_path / "a.mp3").read_bytes()) + tag)
    assert info(tmp_path / "b.mp3").declared_samples is None
    y, _ = load(tmp_path / "b.mp3")
    assert len(y) % 1152 == 0
    delay = 1105  # of encoder and decoder, which the lost frame stated
    np.testing.assert_allclose(y[delay : delay + len(whole)], whole, atol=1e-6)
    raw = (tmp_path / "b.mp3").read_bytes()
    (tmp_path / "b.mp3").write_bytes(raw[: len(raw) - len(tag) - 30])  # ends within a frame
    with pytest.raises(AudioError, match="decoding stops with an error"):
        load(tmp_path / "b.mp3")
    kept, _ = load(tmp_path / "b.mp3", truncated="keep")
    assert len(y) - 17 * 1152 <= len(kept) < len(y)
    assert_array_equal(kept, y[: len(kept)])


def test_a_count_of_no_frames_is_no_count(tmp_path):  # of an MP3 that was written to a pipe
    save(tmp_path / "a.mp3", music(SR), SR)
    raw = (tmp_path / "a.mp3").read_bytes()
    at = raw.index(b"Xing") + 8
    (tmp_path / "b.mp3").write_bytes(raw[:at] + bytes(4) + raw[at + 4 :])
    assert info(tmp_path / "b.mp3").declared_samples is None
    y, _ = load(tmp_path / "b.mp3")
    assert SR <= len(y) < SR + 3 * 1152
    assert np.isin(load(tmp_path / "a.mp3")[0][:2000], y).mean() > 0.9
    (tmp_path / "b.mp3").write_bytes(raw[:at] + b"\0\0\0\2" + raw[at + 4 :])  # fewer than its padding
    assert info(tmp_path / "b.mp3").declared_samples is None
    with pytest.raises(AudioError, match=r"b\.mp3: holds no samples"):
        load(tmp_path / "b.mp3")


def test_an_mp3_that_goes_wrong_loses_sixteen_frames(tmp_path):
    sr, rng = 44100, np.random.default_rng(0)
    save(tmp_path / "a.mp3", rng.uniform(-0.5, 0.5, (2, 8 * sr)), sr)
    raw = bytearray((tmp_path / "a.mp3").read_bytes())
    at = len(raw) * 3 // 4
    raw[at : at + 3000] = bytes(3000)
    (tmp_path / "a.mp3").write_bytes(raw)
    pieces = []

    def read_forward(file):
        buffer = np.empty((MP3_BLOCK, 2), np.float32)
        while len(piece := file.read(out=buffer)):
            pieces.append(piece.copy())

    with ForwardFile(tmp_path / "a.mp3") as file, pytest.raises(sf.LibsndfileError):
        read_forward(file)
    with pytest.raises(AudioError, match="decoding stops with an error"):
        load(tmp_path / "a.mp3")
    y, _ = load(tmp_path / "a.mp3", mono=False, truncated="keep")
    assert y.shape[1] > 2**17  # more than is decoded at once
    assert_array_equal(y.T, np.concatenate(pieces))


def test_mp3_with_id3_tag(folder, tmp_path):
    tag = b"ID3\x04\x00\x00\x00\x00\x40\x00" + bytes(8192)
    (tmp_path / "a.mp3").write_bytes(tag + (folder / "a.mp3").read_bytes())
    assert_array_equal(load(tmp_path / "a.mp3")[0], load(folder / "a.mp3")[0])
    assert info(tmp_path / "a.mp3").declared_duration == 2.0


def test_chained_ogg_is_not_taken_for_whole(folder, tmp_path):
    save(tmp_path / "b.ogg", music(SR), SR)
    chained = (folder / "a.ogg").read_bytes() + (tmp_path / "b.ogg").read_bytes()
    (tmp_path / "a.ogg").write_bytes(chained)
    with pytest.raises(AudioError, match="its Ogg stream, 48000 samples, does not end where the file ends"):
        load(tmp_path / "a.ogg")
    assert_array_equal(load(tmp_path / "a.ogg", truncated="keep")[0], load(folder / "a.ogg")[0])


@pytest.mark.parametrize("extension", ["wav", "aiff", "ogg", "opus"])
@pytest.mark.parametrize("size", [10, 3000])
def test_a_long_comment_hides_no_cut(tmp_path, extension, size):  # it fills libsndfile's log
    path = tmp_path / f"a.{extension}"
    save(path, music(8 * SR, 1), SR)
    raw = path.read_bytes()
    if extension == "wav":  # a chunk before the samples
        text = b"LIST" + struct.pack("<I", size + 12) + b"INFOICMT" + struct.pack("<I", size) + b"x" * size
        path.write_bytes(raw[:36] + text + raw[36:])
    elif extension == "aiff":
        path.write_bytes(raw[:12] + b"ANNO" + struct.pack(">I", size) + b"x" * size + raw[12:])
    else:
        with sf.SoundFile(path, "w", SR, 1, format="OGG", subtype=dict(LOSSY)[extension]) as file:
            file.comment = "x" * size
            file.write(music(8 * SR, 1).T)
    whole, _ = load(path)
    assert len(whole) == 8 * SR
    raw = path.read_bytes()
    path.write_bytes(raw[: raw.rindex(b"OggS")] if b"OggS" in raw else raw[:-50_000])
    with pytest.raises(AudioError, match=rf"a\.{extension}: truncated: "):
        load(path)
    kept, _ = load(path, truncated="keep")
    assert 6 * SR < len(kept) < 8 * SR


# Hostile files


def test_opus_that_begins_before_zero(tmp_path):
    """One page after a hole, with fewer samples than its packets hold: libsndfile returned memory nobody wrote."""
    sf.write(tmp_path / "a.opus", music(SR // 4, 1).T, SR, format="OGG", subtype="OPUS")
    raw = bytearray((tmp_path / "a.opus").read_bytes())
    raw[raw.rindex(b"OggS") + 18] += 1  # number of the page
    (tmp_path / "a.opus").write_bytes(with_checksums(raw, []))
    for truncated in ("raise", "keep"):
        with pytest.raises(AudioError, match=r"a\.opus: its Opus pages cannot be"):
            load(tmp_path / "a.opus", truncated=truncated)


@pytest.mark.parametrize("position", [2**63 - 1, 2**63 - 1000, 2**60])
def test_opus_that_begins_after_all_time(position, tmp_path):
    sf.write(tmp_path / "a.opus", music(2 * SR, 1).T, SR, format="OGG", subtype="OPUS")
    raw = bytearray((tmp_path / "a.opus").read_bytes())
    start = list(ogg_pages(raw))[2]  # after the header and the tags
    raw[start + 6 : start + 14] = struct.pack("<q", position)
    (tmp_path / "a.opus").write_bytes(with_checksums(raw, []))
    for truncated in ("raise", "keep"):
        with pytest.raises(AudioError, match=r"a\.opus: its Opus pages cannot be"):
            load(tmp_path / "a.opus", truncated=truncated)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sr", [8000, 22050, 48000])
def test_samples_too_loud_to_be_resampled(tmp_path, dtype, sr):
    loud = np.where(np.random.default_rng(0).random(5000) < 0.5, 3e38, -3e38)
    sf.write(tmp_path / "a.wav", loud, 16000, subtype="FLOAT")
    assert np.abs(load(tmp_path / "a.wav", dtype=dtype)[0]).max() == np.float32(3e38)
    with pytest.raises(AudioError, match=rf"a\.wav: too loud to be resampled to {sr} Hz"):
        load(tmp_path / "a.wav", sr, dtype=dtype)


@pytest.mark.parametrize(("options", "size"), [({}, SR), ({"mono": False}, 2 * SR), ({"sr": SR // 2}, SR // 2)])
def test_max_size_counts_what_is_returned(folder, options, size):
    expected, _ = load(folder / "a.flac", duration=1, **options)
    assert_array_equal(load(folder / "a.flac", duration=1, max_size=size, **options)[0], expected)
    message = rf"a\.flac: more values than max_size = {size - 1}$"
    with pytest.raises(AudioError, match=message):
        load(folder / "a.flac", duration=1, max_size=size - 1, **options)
    with pytest.raises(AudioError, match=message):
        list(stream(folder / "a.flac", block=100, duration=1, max_size=size - 1, **options))


def test_memory_of_a_stream_does_not_grow_with_its_ratio(tmp_path):
    sf.write(tmp_path / "a.wav", np.zeros(50_000), 100)
    tracemalloc.start()
    n_samples = sum(len(y) for y in stream(tmp_path / "a.wav", block=4096, sr=100_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_samples == 50_000_000
    assert peak < 16e6  # 200 MB if it were resampled at once


def test_a_forged_length_allocates_nothing(folder, tmp_path):
    path = tmp_path / "forged.flac"
    path.write_bytes(flac_declaring(2**36 - 1, (folder / "a.flac").read_bytes()))  # 256 GiB as float32
    tracemalloc.start()
    assert info(path).declared_samples == 2**36 - 1
    with pytest.raises(AudioError, match=r"forged\.flac: truncated: 48000 of 68719476735 declared"):
        load(path)
    assert_array_equal(load(path, truncated="keep")[0], load(folder / "a.flac")[0])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


def test_a_bomb_is_not_decoded_to_its_end(tmp_path, monkeypatch):
    path = tmp_path / "bomb.flac"
    save(path, np.zeros((2, 600 * 8000), dtype=np.float32), 8000)
    assert path.stat().st_size < 200_000
    n_read = []
    read = ForwardFile.buffer_read_into
    monkeypatch.setattr(
        ForwardFile, "buffer_read_into", lambda self, out, dtype: n_read.append(len(out)) or read(self, out, dtype)
    )
    with pytest.raises(AudioError, match=r"bomb\.flac: longer than max_duration = 60 s"):
        load(path, max_duration=60)
    assert 60 < sum(n_read) / 8000 < 100
    assert load(path, max_duration=600)[0].shape == (600 * 8000,)
    assert load(path, max_duration=60, duration=60)[0].shape == (60 * 8000,)
    with pytest.raises(AudioError, match="longer than max_duration"):
        load(path, max_duration=60, offset=59, duration=2)


def mutants(raw, n_mutants, seed):
    """Seeded damage: bytes changed, a piece removed, doubled or zeroed, often in the header."""
    rng = np.random.default_rng(seed)
    for _ in range(n_mutants):
        mutant = bytearray(raw)
        reach = len(mutant) if rng.random() < 0.6 else min(200, len(mutant))
        start, size = int(rng.integers(reach)), int(rng.integers(1, 64))
        match rng.integers(4):
            case 0:
                for at in rng.integers(reach, size=size):
                    mutant[at] = rng.integers(256)
            case 1:
                del mutant[start : start + size]
            case 2:
                mutant[start:start] = mutant[start : start + size]
            case _:
                mutant[start : start + size] = bytes(len(mutant[start : start + size]))
        yield bytes(mutant)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_damaged_file_is_read_or_is_an_audio_error(tmp_path, extension):
    path = tmp_path / f"good.{extension}"
    save(path, music(SR // 4), SR)
    outcomes, messages = set(), set()
    for mutant in mutants(path.read_bytes(), 60, seed=1):
        bad = tmp_path / f"bad.{extension}"
        bad.write_bytes(mutant)
        for truncated in ("raise", "keep"):
            try:
                y, sr = load(bad, 22050, truncated=truncated, max_duration=60)
            except AudioError as error:
                outcomes.add("error")
                messages.add(str(error))
            else:
                assert sr == 22050
                assert y.size
                assert np.isfinite(y).all()
                outcomes.add("read")
    assert outcomes == {"read", "error"}
    assert all(re.fullmatch(rf"{re.escape(str(bad))}: .+", message) for message in messages)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("truncated", ["raise", "keep"])
def test_a_file_with_samples_that_are_no_numbers(tmp_path, bad, truncated):
    y = np.zeros((300_000, 2))
    y[270_000, 1] = bad
    sf.write(tmp_path / "a.wav", y, 8000, subtype="DOUBLE")
    with pytest.raises(AudioError, match=r"a\.wav: sample 270000 is (nan|-?inf) as float32"):
        load(tmp_path / "a.wav", truncated=truncated)
    assert not load(tmp_path / "a.wav", duration=33)[0].any()


def test_a_rate_too_far_away(tmp_path):  # soxr would not return
    save(tmp_path / "a.wav", np.zeros(3), 1)
    assert len(load(tmp_path / "a.wav", 1000)[0]) == 3000
    with pytest.raises(AudioError, match=r"a\.wav: 1 Hz cannot be resampled to 768000 Hz: over 1000 to 1"):
        load(tmp_path / "a.wav", 768000)


# Files that are none


def write_nothing(path):
    path.write_bytes(b"")


def write_text(path):
    path.write_text("Not a sound.\n" * 1000)


def write_no_samples(path):
    sf.write(path, np.zeros(0), 8000, format="WAV")


@pytest.mark.parametrize(
    ("make", "name", "reason"),
    [
        (lambda _: None, "a.wav", "No such file or directory"),
        (Path.mkdir, "a.wav", "Is a directory"),
        (write_nothing, "a.mp3", "the file is empty"),
        (write_text, "a.wav", r"not decodable as audio \(Format not recognised\)"),
        (write_text, "a.mp3", r"not decodable as audio \(Format not recognised\)"),
        (write_text, "a.raw", r"not decodable as audio \(a raw file has no header\)"),
        (write_text, "a.au", r"not decodable as audio \(a raw file has no header\)"),
        (write_no_samples, "a.wav", "holds no samples"),
    ],
)
def test_files_without_audio(tmp_path, make, name, reason):
    make(tmp_path / name)
    for truncated in ("raise", "keep"):
        with pytest.raises(AudioError, match=f"{name}: {reason}$") as caught:
            load(tmp_path / name, truncated=truncated)
    assert caught.value.path == str(tmp_path / name)
    copy = pickle.loads(pickle.dumps(caught.value))  # from a worker process
    assert (type(copy), str(copy)) == (AudioError, str(caught.value))


def test_special_files_and_names(tmp_path, folder, monkeypatch):
    with pytest.raises(AudioError, match="embedded null byte"):
        load("a\0.wav")
    with pytest.raises(TypeError, match="path must be a str"):
        load(b"a.wav")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.wav")
        with pytest.raises(AudioError, match="not a regular file"):  # opening it would wait for ever
            load(tmp_path / "pipe.wav")

    def refuse(self, mode):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AudioError, match=r"a\.wav: Permission denied$"):
        load(folder / "a.wav")


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_an_offset_beyond_the_end(folder, extension):
    with pytest.raises(AudioError, match=rf"a\.{extension}: offset is beyond its end at 2 s$"):
        load(folder / f"a.{extension}", offset=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sr": 0}, "sr must be > 0, got 0"),
        ({"offset": -1.0}, "offset must be >= 0, got -1.0"),
        ({"duration": 0}, "duration must be > 0, got 0"),
        ({"dtype": "int16"}, "dtype must be one of float32, float64, got 'int16'"),
        ({"max_duration": 0}, "max_duration must be > 0, got 0"),
        ({"max_size": 0}, "max_size must be >= 1, got 0"),
        ({"truncated": "ignore"}, "truncated must be one of keep, raise, got 'ignore'"),
    ],
)
def test_arguments_are_checked(folder, options, message):
    with pytest.raises(ValueError, match=message):
        load(folder / "a.wav", **options)


# Writing


@pytest.mark.parametrize(
    ("name", "y", "sr", "subtype", "error", "message"),
    [
        ("a.wav", [1.5, 0], 8000, None, ValueError, r"y must be within \[-1, 1\] to be written as PCM_16"),
        ("a.ogg", [0, -1.01], 8000, None, ValueError, "got a peak of 1.01"),
        ("a.wav", [0, np.nan], 8000, None, ValueError, "y must be finite"),
        ("a.wav", [[[0.0]]], 8000, None, ValueError, r"y must have shape \(n_samples,\) or"),
        ("a.wav", [0.0], 8000.5, None, ValueError, "sr must be integral in a file, got 8000.5"),
        (
            "a.xyz",
            [0.0],
            8000,
            None,
            ValueError,
            "from the extension of path, must be one of .*WAV.* got 'XYZ'",
        ),
        ("a.raw", [0.0], 8000, None, ValueError, "from the extension of path, must be one of"),
        ("a.wav", [0.0], 8000, "VORBIS", ValueError, "subtype must be one of .*PCM_16.* got 'VORBIS'"),
        ("a.opus", [0.0], 44100, None, AudioError, r"a\.opus: cannot be written as OGG/OPUS"),
        ("no/a.wav", [0.0], 8000, None, AudioError, r"a\.wav: No such file or directory"),
    ],
)
def test_what_cannot_be_written_leaves_the_old_file(tmp_path, name, y, sr, subtype, error, message):
    old = tmp_path / Path(name).name
    old.write_bytes(b"old")
    with pytest.raises(error, match=message):
        save(tmp_path / name, np.array(y, dtype=float), sr, subtype=subtype)
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]


def test_save_takes_what_the_gate_takes(tmp_path):
    steps = np.array([[-32768, 0, 32767], [5, -5, 1]], dtype=np.int16)
    for y in (steps, np.asfortranarray(steps), (steps / 32768)[:, ::-1][:, ::-1]):
        save(tmp_path / "a.WAV", y, 8000)
        assert_array_equal(load(tmp_path / "a.WAV", mono=False)[0], steps / 32768)
    assert [path.name for path in tmp_path.iterdir()] == ["a.WAV"]


def test_full_scale_is_written(tmp_path):
    save(tmp_path / "a.wav", [1.0, -1.0], 8000)
    assert_array_equal(load(tmp_path / "a.wav")[0], np.float32([32767 / 32768, -1.0]))


# Real recordings


@pytest.mark.realdata
def test_real_recordings_decode(data):
    paths = [path for path in sorted(data.rglob("*")) if path.suffix in (".wav", ".ogg", ".mp3")]
    sample = [path for path in paths if "esc10" not in str(path)] + paths[::12]
    assert len(sample) > 20
    for path in sample:
        y, sr = load(path)
        header = info(path)
        assert (sr, len(y)) == (header.sr, header.declared_samples)
        assert 0 < np.abs(y).max() < 2


@pytest.mark.realdata
def test_blocks_of_a_real_mp3_are_the_whole(data):
    # soundfile's own blocks differ here by 0.2, as it seeks between them
    path = next(data.rglob("musanmix.mp3"))
    whole, sr = load(path)
    assert (sr, len(whole)) == (16000, 1192367)
    np.testing.assert_allclose(whole, sf.read(path, dtype="float32")[0], atol=1e-6)
    assert_array_equal(np.concatenate(list(stream(path, block=1000))), whole)
