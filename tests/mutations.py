"""Short recordings in every coding, and what a seed does to one of them."""

import io
import struct
from functools import cache, partial

import numpy as np
import soundfile as sf

CODINGS = {  # name -> extension, then libsndfile's names
    "int16": ("wav", "WAV", "PCM_16"),
    "int24": ("wav", "WAV", "PCM_24"),
    "float32": ("wav", "WAV", "FLOAT"),
    "flac": ("flac", "FLAC", "PCM_16"),
    "vorbis": ("ogg", "OGG", "VORBIS"),
    "opus": ("opus", "OGG", "OPUS"),
    "mp3": ("mp3", "MP3", "MPEG_LAYER_III"),
}
SIGNALS = [(0.3, 48000, 1), (2.0, 8000, 1), (0.7, 24000, 2)]  # seconds, rate, channels
WRONG = ["wav", "flac", "ogg", "opus", "mp3", "aiff", "au", "raw", "txt", ""]


@cache
def original(coding, signal=2):
    """The bytes of one of SIGNALS: tones, noise and a silent end. They are the same in every process."""
    seconds, sr, n_channels = SIGNALS[signal]
    t = np.arange(round(seconds * sr))[:, None] / sr
    y = 0.4 * np.sin(2 * np.pi * 220 * t * np.arange(1, n_channels + 1))
    y += 0.1 * np.random.default_rng(signal).standard_normal(y.shape)
    y[-len(y) // 5 :] = 0
    _, container, subtype = CODINGS[coding]
    file = io.BytesIO()
    sf.write(file, np.clip(y, -1, 1), sr, format=container, subtype=subtype)
    raw = bytearray(file.getvalue())
    for page in ogg_pages(raw):  # numbers that libsndfile drew
        raw[page + 14 : page + 18] = struct.pack("<I", signal)
    return bytes(with_checksums(raw, []))


def mutant(seed):
    """Return the coding it was, an extension, what was done to it, and the bytes."""
    rng = np.random.default_rng(seed)
    names = list(CODINGS)
    coding = names[seed % len(names)]
    raw = bytearray(original(coding, int(rng.integers(len(SIGNALS)))))
    frames, size = flac_frames(bytes(raw)), len(raw)
    damage = DAMAGES[rng.integers(len(DAMAGES))]
    for _ in range(rng.integers(1, 4)):
        raw = damage(raw, rng)
    if repaired := rng.random() < 0.6:  # else few mutants get past the first page or frame
        raw = with_checksums(raw, frames if len(raw) == size else [])
    extension = WRONG[rng.integers(len(WRONG))] if rng.random() < 0.05 else CODINGS[coding][0]
    return coding, extension, damage.__name__ + " with checksums" * repaired, bytes(raw)


# Damages


def span(raw, rng):
    """A piece of the file, often in its header."""
    reach = len(raw) if rng.random() < 0.7 else min(len(raw), 200)
    start = int(rng.integers(reach + 1))
    return start, min(len(raw), start + int(2 ** rng.uniform(0, 10)))


def flip_bits(raw, rng):
    reach = len(raw) if rng.random() < 0.7 else min(len(raw), 200)
    for at in rng.integers(max(1, reach), size=int(2 ** rng.uniform(0, 5))):
        raw[at : at + 1] = bytes(byte ^ 1 << int(rng.integers(8)) for byte in raw[at : at + 1])
    return raw


def zero(raw, rng):
    start, stop = span(raw, rng)
    raw[start:stop] = bytes(stop - start)
    return raw


def randomise(raw, rng):
    start, stop = span(raw, rng)
    raw[start:stop] = rng.bytes(stop - start)
    return raw


def remove(raw, rng):
    start, stop = span(raw, rng)
    del raw[start:stop]
    return raw


def repeat(raw, rng):
    start, stop = span(raw, rng)
    raw[start:start] = raw[start:stop]
    return raw


def truncate(raw, rng):
    return raw[: int(rng.integers(len(raw) + 1)) if rng.random() < 0.7 else int(rng.integers(65))]


def empty(raw, rng):
    return bytearray(int(2 ** rng.uniform(0, 12)) if rng.random() < 0.5 else 0)


def concatenate(raw, rng):
    """The beginning of one file before the end of another, or both whole."""
    coding = list(CODINGS)[rng.integers(len(CODINGS))]
    other = original(coding, int(rng.integers(len(SIGNALS))))
    if rng.random() < 0.5:
        return raw + other
    return raw[: rng.integers(len(raw) + 1)] + other[rng.integers(len(other)) :]


def tag(raw, rng):
    """Put a tag in front, mostly of a size that is not so."""
    size = int(2 ** rng.uniform(0, 28))
    seven = bytes(size >> 7 * shift & 127 for shift in (3, 2, 1, 0))
    return bytearray(b"ID3\x04\x00" + rng.bytes(1) + seven + bytes(min(size, 300)) + raw)


def forge(raw, rng):
    """Write another number into some fields of the header."""
    known = fields(raw)
    for _ in range(rng.integers(1, 4)) if known else ():
        start, size, order, low, width = known[rng.integers(len(known))]
        whole = int.from_bytes(raw[start : start + size], order)
        mask = (1 << width) - 1
        old, top = whole >> low & mask, 1 << width - 1
        values = (0, 1, 2, 23, 8000, 655350, top - 1, top, mask - 1, mask, old - 1, old + 1, 2 * old, old // 2)
        value = int.from_bytes(rng.bytes(8)) if rng.random() < 0.2 else values[rng.integers(len(values))]
        whole ^= (old ^ value & mask) << low
        raw[start : start + size] = whole.to_bytes(size, order)
    return raw


DAMAGES = [flip_bits, zero, randomise, remove, repeat, truncate, empty, concatenate, tag, forge, forge, forge]


# Where the numbers are: (first byte, bytes, byte order, lowest bit, bits)


def fields(raw):
    if raw[:4] == b"RIFF":
        found = list(riff_fields(raw))
    elif raw[:4] == b"fLaC":
        found = list(flac_fields(raw))
    elif raw[:4] == b"OggS":
        found = list(ogg_fields(raw))
    else:
        found = list(mpeg_fields(raw))
    return [field for field in found if field[0] + field[1] <= len(raw)]


def riff_fields(raw):
    little = partial(field, order="little")
    yield little(4, 4)
    at = 12
    while at + 8 <= len(raw):
        yield little(at + 4, 4)
        if raw[at : at + 4] == b"fmt ":  # tag, channels, rate, bytes per second and per frame, bits
            sizes = (2, 2, 4, 4, 2, 2)
            yield from (little(at + 8 + sum(sizes[:i]), size) for i, size in enumerate(sizes))
        elif raw[at : at + 4] in (b"fact", b"PEAK"):
            yield little(at + 8, 4)
        at += 8 + int.from_bytes(raw[at + 4 : at + 8], "little")


def flac_fields(raw):
    yield from (field(8, 2), field(10, 2), field(12, 3), field(15, 3))  # sizes of blocks and frames
    for low, width in ((44, 20), (41, 3), (36, 5), (0, 36)):  # rate, channels, bits, samples
        yield 18, 8, "big", low, width
    yield field(5, 3)  # of the first chunk, which holds all these
    for start, _ in flac_frames(bytes(raw)):
        for low, width in ((12, 4), (8, 4), (4, 4), (1, 3)):  # block, rate, channels, bits
            yield start + 2, 2, "big", low, width
        yield from (field(start + 4, 1), field(start + 6, 1))  # number, coding of the first channel


def ogg_fields(raw):
    little = partial(field, order="little")
    for page in ogg_pages(raw):
        yield from (little(page + 5, 1), little(page + 6, 8), little(page + 14, 4), little(page + 18, 4))
        yield from (field(page + 26, 1), field(page + 27, 1))
    for head, sizes in ((b"\x01vorbis", (4, 1, 4, 4, 4, 4, 1, 1)), (b"OpusHead", (1, 1, 2, 4, 2, 1, 1, 1))):
        at = raw.find(head) + len(head)
        if at >= len(head):
            yield from (little(at + sum(sizes[:i]), size) for i, size in enumerate(sizes))


def mpeg_fields(raw):
    sync = raw.find(b"\xff")
    for frame in (sync, raw.find(raw[sync : sync + 2], sync + 100)) if sync >= 0 else ():
        for low, width in ((19, 2), (17, 2), (16, 1), (12, 4), (10, 2), (9, 1), (6, 2)):  # version to channels
            yield frame, 4, "big", low, width
    at = max(raw.find(b"Xing"), raw.find(b"Info"))
    if at >= 0:  # flags, frames, bytes, a table, then delay and padding
        yield from (field(at + 4, 4), field(at + 8, 4), field(at + 12, 4), field(at + 116, 4))
        yield from ((at + 141, 3, "big", 12, 12), (at + 141, 3, "big", 0, 12))


def field(start, size, order="big"):
    return start, size, order, 0, 8 * size


# Checksums, without which a decoder drops what was changed


@cache
def table(polynomial, width):
    rows, mask = list(range(256)), (1 << width) - 1
    for i, row in enumerate(rows):
        row <<= width - 8
        for _ in range(8):
            row = row << 1 & mask ^ polynomial * (row >> width - 1)
        rows[i] = row
    return rows


def checksum(data, polynomial, width):
    """The remainder, most significant bit first, as Ogg and FLAC have it."""
    rows, mask, value = table(polynomial, width), (1 << width) - 1, 0
    for byte in data:
        value = value << 8 & mask ^ rows[value >> width - 8 ^ byte]
    return value


def with_checksums(raw, frames):
    """Make every page of Ogg that is found valid, and every frame of FLAC."""
    for page in ogg_pages(raw):
        n_segments = raw[page + 26]
        stop = page + 27 + n_segments + sum(raw[page + 27 : page + 27 + n_segments])
        raw[page + 22 : page + 26] = bytes(4)
        raw[page + 22 : page + 26] = struct.pack("<I", checksum(raw[page:stop], 0x04C11DB7, 32))
    for start, stop in frames:
        size = 4 + max(1, 8 - (raw[start + 4] ^ 255).bit_length())  # the frame's number is coded as in UTF-8
        size += {6: 1, 7: 2}.get(raw[start + 2] >> 4, 0) + {12: 1, 13: 2, 14: 2}.get(raw[start + 2] & 15, 0)
        if start + size < stop - 2:
            raw[start + size] = checksum(raw[start : start + size], 0x07, 8)
        raw[stop - 2 : stop] = checksum(raw[start : stop - 2], 0x8005, 16).to_bytes(2)
    return raw


@cache
def flac_frames(raw):
    """Where frames start and stop, up to the first that is damaged."""
    frames, start = [], raw.find(b"\xff\xf8") if raw[:4] == b"fLaC" else -1
    rows, value = table(0x8005, 16), 0
    for at in range(start, len(raw) + 1) if start >= 0 else ():
        if value == 0 and at > start and (raw[at : at + 2] == b"\xff\xf8" or at == len(raw)):
            frames.append((start, at))
            start = at
        if at < len(raw):
            value = value << 8 & 0xFFFF ^ rows[value >> 8 ^ raw[at]]
    return frames


def ogg_pages(raw):
    """Where pages start."""
    at = raw.find(b"OggS")
    while 0 <= at <= len(raw) - 27:
        yield at
        at = raw.find(b"OggS", at + 4)
