"""Open audio files, and find out what they declare and whether that was true."""

import io
import os
import re
import stat
from pathlib import Path
from typing import Any, Literal

import soundfile as sf

from audiofeat.io.errors import AudioError

UNKNOWN = 2**62  # libsndfile's count for a FLAC stream that states none is 2**63 - 1
MP3_SLACK = 2 * 1152  # some encoders count the frame that holds the count, or their padding

# libsndfile lowers a length that its file cannot hold; its log still tells what was declared, if it has room
LOWERED = re.compile(r"^ *(?:data|SSND|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)$", re.MULTILINE)
LOG_SIZE = 2047  # a long comment fills it
MAX_CHUNKS = 1000
OGG_TAIL = 2**16  # an Ogg page has at most 65307 bytes

# Where a page of Opus starts before zero or after all time, libsndfile returns memory that nobody wrote: it adds and
# subtracts without regard to the sign or the width.
MISPLACED = re.compile(
    r"^Opus : Hole found appears to be of length (?:-\d|\d{10})|^ *Granule pos offset *: -?\d{17}", re.MULTILINE
)


class ForwardFile(sf.SoundFile):  # type: ignore[misc]
    """A file read in one direction, with no limit but its own end.

    Seen as seekable, soundfile seeks after every read, which restarts MP3's bit reservoir: blocks of
    a real recording then differ from one long read by up to 0.2.
    """

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        super().close()
        if isinstance(self.name, _Endless):  # soundfile leaves open what it did not open
            self.name.close()


class _Endless(io.FileIO):
    """A file that claims a size of 2**40 bytes.

    Without a frame count, libsndfile takes the bit rate of an MP3's first frame for all, multiplies by
    the size and stops there: a third of the way through a file of varying rate.
    """

    position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.position = offset + (0, self.position, 2**40)[whence]
        return self.position

    def tell(self) -> int:
        return self.position

    def readinto(self, buffer: Any) -> int:
        if self.position >= 2**39:  # a tag is looked for at the end: there is none
            count = memoryview(buffer).nbytes
            memoryview(buffer).cast("B")[:] = bytes(count)
        else:
            super().seek(self.position)
            count = super().readinto(buffer) or 0
        self.position += count
        return count


def open_audio(path: str | os.PathLike[str]) -> tuple[str, ForwardFile, int | None]:
    """Open `path`; return its name, the open file, and how many samples it declares, if it does."""
    name: Any = os.fspath(path)
    if not isinstance(name, str):
        msg = f"path must be a str or os.PathLike of str, got {path!r}"
        raise TypeError(msg)
    reason = ""
    try:  # first the system's reasons, which libsndfile keeps to itself
        status = Path(name).stat()
        if not stat.S_ISREG(status.st_mode):
            reason = "Is a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        elif status.st_size == 0:
            reason = "the file is empty"
        else:
            Path(name).open("rb").close()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise AudioError(name, getattr(error, "strerror", None) or str(error)) from error
    if reason:
        raise AudioError(name, reason)
    try:  # as bytes, for names that are not valid Unicode; Windows has none
        file = ForwardFile(name if os.name == "nt" else os.fsencode(name))
        if file.format == "RAW":  # libsndfile takes anything that is called .au for headerless mu-law
            file.close()
            raise AudioError(name, "not decodable as audio (a raw file has no header)")
        if file.format != "MP3":
            return name, file, _declared(file)
        if _counts_frames(Path(name)):
            return name, file, None if file.frames >= UNKNOWN else int(file.frames)
        file.close()
        return name, _open_endless(name), None
    except sf.LibsndfileError as error:
        raise AudioError(name, f"not decodable as audio ({reason_of(error)})") from error
    except OSError as error:
        raise AudioError(name, error.strerror or str(error)) from error
    except TypeError as error:  # the extension .raw
        raise AudioError(name, "not decodable as audio (a raw file has no header)") from error


def _open_endless(name: str) -> ForwardFile:
    source = _Endless(name)
    try:
        return ForwardFile(source)
    except sf.LibsndfileError:
        source.close()
        raise


def reason_of(error: Any) -> str:
    """Return libsndfile's words without their full stop."""
    words = error.error_string.rstrip(".")
    if "does not exist" in words:  # its answer to a name in .mp3 with something else inside
        return "Format not recognised"
    return words or f"decoder error {error.code}"


def _declared(file: ForwardFile) -> int | None:
    """Return the samples that the header of `file` declares."""
    frames = int(file.frames)
    if frames >= UNKNOWN:
        return None
    log = file.extra_info
    lowered = LOWERED.search(log)
    if lowered is not None:
        declared, actual = map(int, lowered.groups())
    elif len(log) >= LOG_SIZE and file.format in ("WAV", "WAVEX", "AIFF"):
        declared, actual = _data_size(_path_of(file))
    else:
        return frames
    if actual == 0 or declared & 0x7FFF0000 == 0x7FFF0000:
        return frames  # a writer to a pipe puts the largest size, signed or not
    return max(frames, round(declared * frames / actual))


def _path_of(file: ForwardFile) -> Path:
    return Path(os.fsdecode(file.name))


def _data_size(path: Path) -> tuple[int, int]:
    """Return how many bytes the chunk of samples in a WAV or AIFF declares, and how many follow."""
    with path.open("rb") as raw:
        order: Literal["little", "big"] = "little" if raw.read(12)[:4] == b"RIFF" else "big"
        for _ in range(MAX_CHUNKS):
            head = raw.read(8)
            size = int.from_bytes(head[4:], order)
            if head[:4] in (b"data", b"SSND"):
                return size, path.stat().st_size - raw.tell()
            raw.seek(size + size % 2, os.SEEK_CUR)
    return 0, 0


def _counts_frames(path: Path) -> bool:
    """Tell whether an MP3 opens with a Xing or Info frame that states the number of frames, which is 0 in a pipe."""
    with path.open("rb") as raw:
        head = raw.read(10)
        tag = head[:3] == b"ID3"  # its size follows, in four bytes of 7 bits
        raw.seek(10 + sum((byte & 127) << 7 * (3 - i) for i, byte in enumerate(head[6:])) if tag else 0)
        frame = raw.read(4096)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    return at >= 0 and len(frame) >= at + 12 and frame[at + 7] & 1 == 1 and any(frame[at + 8 : at + 12])


def _ogg_ends(path: Path) -> bool:
    """Tell whether an Ogg file ends with the last page of its first stream."""
    with path.open("rb") as raw:
        serial = raw.read(18)[14:]
        raw.seek(max(0, path.stat().st_size - OGG_TAIL))
        tail = raw.read()
    at = tail.find(b"OggS")
    while at >= 0:
        sizes = tail[at + 27 : at + 27 + tail[at + 26]] if at + 26 < len(tail) else b""
        if at + 27 + len(sizes) + sum(sizes) == len(tail):
            return tail[at + 5] & 4 == 4 and tail[at + 14 : at + 18] == serial
        at = tail.find(b"OggS", at + 1)
    return False


def shortfall(file: ForwardFile, n_samples: int, declared: int | None) -> str:
    """Say in what a file that ended after `n_samples` is truncated; empty if it is whole."""
    slack = MP3_SLACK if file.format == "MP3" else 0
    if declared is not None and n_samples < declared - slack:
        return f"truncated: {n_samples} of {declared} declared samples"
    try:
        if file.format == "OGG" and not _ogg_ends(_path_of(file)):
            return f"truncated: its Ogg stream, {n_samples} samples, does not end where the file ends"
    except OSError as error:
        return f"cannot be read to its end ({error.strerror})"
    return ""
