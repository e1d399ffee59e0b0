"""Archives are unpacked as if their author were hostile: into a new folder, plain files only, within limits."""

import gzip
import hashlib
import io
import os
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, NoReturn, cast
from uuid import uuid4

from audiofeat._validation import as_choice, as_count, as_number

BLOCK = 1 << 20  # bytes copied at once
HEADERS = 1 << 20  # bytes that a tar may spend between two members: tarfile holds long names in memory
ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
DRIVE = re.compile("[A-Za-z]:")
DAMAGES: tuple[type[Exception], ...] = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    struct.error,
    EOFError,
    OverflowError,
    NotImplementedError,  # a version of zip
)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the decoders of others give as much at once as they like


def unpack(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    checksum: str | None = None,
    max_size: int = 1 << 40,
    max_files: int = 1_000_000,
    max_ratio: float = 100.0,
) -> Path:
    """Unpack a zip, tar or tar.gz archive into a new folder, safely.

    Parameters
    ----------
    archive : str or os.PathLike
        The archive; its kind is told by its content.
    folder : str or os.PathLike
        Where its content goes: a folder that does not exist yet, or is empty. It appears when all has been unpacked;
        if anything is wrong, nothing stays behind.
    checksum : str or None, default=None
        Digest of the archive, as ``"sha256:..."``, ``"sha512:..."``, ``"sha1:..."`` or ``"md5:..."``, to be compared
        before anything is unpacked.
    max_size : int, default=2**40
        Most bytes that may be unpacked.
    max_files : int, default=1_000_000
        Most files and folders.
    max_ratio : float, default=100.0
        Most bytes that may be unpacked for each byte of the archive.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    ValueError
        If `archive` is of another kind, damaged, encrypted or beyond a limit, has another digest, or holds anything but
        plain files and folders below its own: links, devices, absolute names, names with ``..``, a drive or a
        backslash, or one name twice; if `folder` holds something; or if an argument is out of its range.
    OSError
        If the archive cannot be read or the folder not be written.

    Notes
    -----
    The limits count the bytes that come out, not those which headers declare. Files get the usual permissions of new
    files and the time of unpacking.

    Examples
    --------
    >>> import tempfile, zipfile
    >>> from pathlib import Path
    >>> from audiofeat.datasets import unpack
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with zipfile.ZipFile(f"{folder}/a.zip", "w") as archive:
    ...         archive.writestr("music/a.txt", "la")
    ...     unpack(f"{folder}/a.zip", f"{folder}/new").joinpath("music", "a.txt").read_text()
    'la'
    """
    path, target = Path(archive), Path(folder).absolute()
    limits = (
        as_count(max_size, "max_size"),
        as_count(max_files, "max_files"),
        as_number(max_ratio, "max_ratio", low=0.0, open_low=True),
    )
    if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
        msg = f"folder must be new or empty, got {os.fspath(folder)!r}"
        raise ValueError(msg)
    with path.open("rb") as file:
        if checksum is not None:
            _compare(path, file, checksum)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f".{uuid4().hex}.tmp"
        temporary.mkdir()
        try:
            unpacking = _Unpacking(path, temporary, *limits)
            try:
                _unpack_any(unpacking, file)
            except DAMAGES as error:
                unpacking.refuse(f"no archive, or damaged: {error!r}", error)
            if target.exists():
                target.rmdir()
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return Path(folder)


def _compare(path: Path, file: BinaryIO, checksum: str) -> None:
    name, _, wanted = checksum.partition(":")
    as_choice(name, "the algorithm of checksum", ALGORITHMS)
    digest = hashlib.file_digest(cast("Any", file), name).hexdigest()
    file.seek(0)
    if digest != wanted.strip().lower():
        msg = f"{path} must have the {name} digest {wanted}, got {digest}"
        raise ValueError(msg)


class _Unpacking:
    """The folder that is filled, and how much may still come into it."""

    def __init__(self, archive: Path, folder: Path, max_size: int, max_files: int, max_ratio: float) -> None:
        self.archive, self.folder = archive, folder
        self.max_files, self.max_ratio = max_files, max_ratio
        by_ratio = max_ratio * archive.stat().st_size
        self.limit = min(max_size, by_ratio)
        self.limit_name = f"max_size = {max_size} bytes" if max_size <= by_ratio else f"max_ratio = {max_ratio:g}"
        self.n_bytes = self.n_files = 0
        self.made = {folder}

    def refuse(self, reason: str, cause: BaseException | None = None) -> NoReturn:
        msg = f"{self.archive}: {reason}"
        raise ValueError(msg) from cause

    def count_bytes(self, n: int) -> None:
        self.n_bytes += n
        if self.n_bytes > self.limit:
            self.refuse(f"unpacks to more than {self.limit_name} allows")

    def place(self, name: str) -> Path:
        """Return where a member goes, in the folder."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or DRIVE.match(name):
            self.refuse(f"the name {name!r} is absolute")
        if ".." in parts:
            self.refuse(f"the name {name!r} leads out of the folder")
        if "\\" in name or "\0" in name:
            self.refuse(f"the name {name!r} holds a backslash or a NUL")
        return self.folder.joinpath(*parts)

    def add_folder(self, name: str) -> None:
        self._make(self.place(name), name)

    def _make(self, path: Path, name: str) -> None:
        """Make a folder and those above it: each counts."""
        missing = []
        while path not in self.made:
            missing.append(path)
            path = path.parent
        for path in reversed(missing):
            self._count_file()
            try:
                path.mkdir()
            except FileExistsError as error:
                self.refuse(f"{name!r} is a folder where there is a file", error)
            self.made.add(path)

    def add_file(self, name: str, content: IO[bytes]) -> None:
        path = self.place(name)
        if path == self.folder:
            self.refuse(f"{name!r} is no name for a file")
        self._make(path.parent, name)
        self._count_file()
        try:
            out = path.open("xb")  # on any file system: no name is used twice
        except FileExistsError as error:
            self.refuse(f"holds {name!r} twice", error)
        with out:
            while block := content.read(BLOCK):
                self.count_bytes(len(block))
                out.write(block)

    def _count_file(self) -> None:
        self.n_files += 1
        if self.n_files > self.max_files:
            self.refuse(f"holds more than max_files = {self.max_files} files and folders")


def _unpack_any(unpacking: _Unpacking, file: BinaryIO) -> None:
    magic = file.read(4)
    file.seek(0)
    if magic[:2] == b"PK":
        _unpack_zip(unpacking, file)
    elif magic[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=file) as unzipped:
            _unpack_tar(unpacking, unzipped)
    else:
        _unpack_tar(unpacking, file)


def _unpack_zip(unpacking: _Unpacking, file: BinaryIO) -> None:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                unpacking.refuse(f"{member.filename!r} is a link or a device")
            if member.flag_bits & 1:
                unpacking.refuse(f"{member.filename!r} is encrypted")
            unpacking.place(member.orig_filename)  # zipfile cuts at a NUL, and on Windows turns a backslash
            if member.is_dir():
                unpacking.add_folder(member.filename)
                continue
            if member.compress_type not in METHODS:
                unpacking.refuse(f"{member.filename!r} is neither stored nor deflated")
            with archive.open(member) as content:
                unpacking.add_file(member.filename, content)


class _Forward(io.RawIOBase):
    """The bytes of a tar, read in one direction, of which `budget` may be read before it is set anew."""

    def __init__(self, source: IO[bytes] | gzip.GzipFile, unpacking: _Unpacking) -> None:
        self.source, self.unpacking = source, unpacking
        self.position = 0
        self.last = b""
        self.budget = HEADERS

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0 or size > self.budget:
            self.unpacking.refuse("damaged: its headers are too long, or sizes do not agree")
        self.last = self.source.read(size)
        self.position += len(self.last)
        self.budget -= len(self.last)
        return self.last

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET or offset < self.position:
            self.unpacking.refuse("damaged: a member begins before the last one ends")
        while self.position < offset and self.read(min(BLOCK, offset - self.position)):
            pass
        return self.position


def _members(archive: tarfile.TarFile, source: _Forward) -> Iterator[tarfile.TarInfo]:
    while True:
        source.budget = HEADERS
        member = archive.next()
        if member is None:
            return
        source.budget = member.size
        yield member
        cast("Any", archive).members.clear()  # which tarfile keeps, a kilobyte for each


def _unpack_tar(unpacking: _Unpacking, file: IO[bytes] | gzip.GzipFile) -> None:
    source = _Forward(file, unpacking)
    with tarfile.open(fileobj=cast("Any", source), mode="r:") as archive:
        for member in _members(archive, source):
            if member.isdir():
                unpacking.add_folder(member.name)
            elif member.type in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE) and not member.issparse():
                content = archive.extractfile(member)
                if content is None or member.size < 0:
                    unpacking.refuse(f"{member.name!r} has the size {member.size}")
                with content:
                    unpacking.add_file(member.name, content)
            else:
                unpacking.refuse(f"{member.name!r} is a link, a device or a sparse file")
    # tarfile takes a header that is none for the end: the end is a block of zeros
    if len(source.last) != tarfile.BLOCKSIZE or any(source.last):
        unpacking.refuse("damaged: it ends early, or a header is none")
    source.budget = BLOCK
    while source.read(tarfile.RECORDSIZE):  # padding, and in a gzip file the sum of what was read
        pass
