"""Where a page finds its sound: in the file beside it, or inside itself."""

import os
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

from audiofeat.io import AudioError, AudioInfo, info, stream

LIMIT = 1 << 28  # bytes; browsers take data of up to 512 MB, of which base64 makes a third more
PCM = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "ULAW", "ALAW")
# What today's browsers play, of what libsndfile reads.
PLAYED = {
    "WAV": PCM,
    "WAVEX": PCM,
    "FLAC": ("PCM_S8", "PCM_16", "PCM_24"),
    "OGG": ("VORBIS", "OPUS"),
    "MP3": ("MPEG_LAYER_III",),
}
SMALL = {"FLAC": "audio/flac", "OGG": "audio/ogg", "MP3": "audio/mpeg"}  # enough to be embedded as they are
BLOCK = 1 << 16  # samples encoded at once


def is_played(header: AudioInfo) -> bool:
    return header.subtype in PLAYED.get(header.format, ())


def audio_url(path: Path, page: Path, *, embed: bool) -> str:
    """Return the address of a file as seen from a page, or the sound itself where it has to be in the page."""
    header = info(path)
    if is_played(header) and not embed:
        return relative_url(path, page)
    if is_played(header) and header.format in SMALL:
        kind = SMALL[header.format]
        data = path.read_bytes() if path.stat().st_size <= LIMIT else None
    else:
        kind = "audio/ogg"
        data = encoded(path, header)
    if data is None:
        raise AudioError(str(path), f"more than {LIMIT >> 20} MiB of sound to embed in a page")
    return f"data:{kind};base64,{b64encode(data).decode()}"


def encoded(path: Path, header: AudioInfo) -> bytes | None:
    """Return a file's sound as Ogg Vorbis, which all browsers play and which keeps its time; None if it is too much."""
    import soundfile as sf

    n_channels = header.n_channels if header.n_channels <= 2 else 1
    rate = min(max(header.sr, 8000), 48000)
    target = BytesIO()
    with sf.SoundFile(target, "w", rate, n_channels, format="OGG", subtype="VORBIS") as file:
        for block in stream(path, block=BLOCK, sr=rate, mono=n_channels == 1):
            file.write(block.T)
            if target.tell() > LIMIT:
                return None
    return target.getvalue()


def relative_url(path: Path, page: Path) -> str:
    """Return the address of a file relative to a page, of ASCII that means nothing else in an address."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100  (a browser takes .. from the text of an address, as this does)
    try:
        relative = os.path.relpath(absolute, os.path.abspath(page.parent))  # noqa: PTH100
    except ValueError:  # another drive of Windows
        return absolute.as_uri()
    return quote(os.fsencode(relative.replace(os.sep, "/")), safe="/")
