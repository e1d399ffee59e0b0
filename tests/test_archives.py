"""Archives whose author is hostile leave nothing behind, outside the folder or inside."""

import contextlib
import gzip
import hashlib
import io
import os
import stat
import tarfile
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiofeat.datasets import unpack

CONTENT = {"music/a.txt": b"la" * 300, "music/deep/b.bin": bytes(range(256)) * 20, "c": b""}
KINDS = ("zip", "tar", "tar.gz")


def zipped(members, *, method=zipfile.ZIP_DEFLATED):
    """The bytes of a zip of pairs of name, or ZipInfo, and content."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content, method)
    return raw.getvalue()


def tarred(members):
    """The bytes of a tar of pairs of name, or TarInfo, and content."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name) if isinstance(name, str) else name
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return raw.getvalue()


def made(kind, members):
    if kind == "zip":
        return zipped(members)
    return tarred(members) if kind == "tar" else gzip.compress(tarred(members), mtime=0)


def special(name, kind, target="../outside"):
    """A member of a tar that is no file."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def zip_link(name, mode=stat.S_IFLNK):
    member = zipfile.ZipInfo(name)
    member.external_attr = (mode | 0o777) << 16
    return member


def refused(tmp_path, raw, reason, **limits):
    """Unpack bytes that are refused, and see that the disk is as before."""
    archive = tmp_path / "archive"
    archive.write_bytes(raw)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=reason):
        unpack(archive, tmp_path / "new", **limits)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_packed_comes_out(tmp_path, kind):
    archive, folder = tmp_path / "archive", tmp_path / "below" / "new"
    archive.write_bytes(made(kind, [("./empty/", b""), *CONTENT.items()] if kind == "zip" else CONTENT.items()))
    assert unpack(archive, folder) == folder
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert {name: path.read_bytes() for name, path in found.items()} == CONTENT
    assert not any(path.stat().st_mode & 0o111 for path in found.values())
    assert {path.name for path in folder.parent.iterdir()} == {"new"}
    assert (folder / "empty").is_dir() == (kind == "zip")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/evil", "absolute"),
        ("C:/evil", "absolute"),
        ("../evil", "leads out"),
        ("music/../../evil", "leads out"),
        ("a/..", "leads out"),
        ("..\\evil", "backslash"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path, kind, name, reason):
    refused(tmp_path, made(kind, [("fine", b"x"), (name, b"x")]), reason)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")  # zipfile warns who writes one
@pytest.mark.parametrize("names", [("a", "a"), ("a", "./a"), ("a", "a/b"), ("a/b", "a")])
def test_one_name_twice_is_refused(tmp_path, kind, names):
    refused(tmp_path, made(kind, [(name, b"x") for name in names]), "twice|a folder where there is a file")


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.GNUTYPE_SPARSE,
        b"?",
    ],
)
def test_a_tar_with_anything_but_files_and_folders_is_refused(tmp_path, kind):
    (tmp_path / "outside").write_text("mine")
    refused(tmp_path, tarred([("fine", b"x"), (special("evil", kind), b"")]), "link, a device or a sparse file")


def test_a_write_through_a_link_is_refused(tmp_path):
    raw = tarred([(special("music", tarfile.SYMTYPE, ".."), b""), ("music/evil", b"x")])
    refused(tmp_path, raw, "'music' is a link")
    refused(tmp_path, zipped([(zip_link("music"), ".."), ("music/evil", "x")]), "'music' is a link")


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_a_zip_with_anything_but_files_and_folders_is_refused(tmp_path, mode):
    refused(tmp_path, zipped([("fine", b"x"), (zip_link("evil", mode), "../outside")]), "a link or a device")


def test_a_zip_that_is_encrypted_or_coded_otherwise_is_refused(tmp_path):
    raw = bytearray(zipped([("a", b"x" * 50)]))
    for magic, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        raw[raw.index(magic) + at] |= 1
    refused(tmp_path, bytes(raw), "encrypted")
    refused(tmp_path, zipped([("a", b"x" * 50)], method=zipfile.ZIP_BZIP2), "neither stored nor deflated")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_bomb_is_refused_by_its_ratio(tmp_path, kind):
    raw = made(kind, [("bomb", bytes(3_000_000))])
    refused(tmp_path, raw, "max_ratio = 100")
    (tmp_path / "archive").write_bytes(raw)
    assert unpack(tmp_path / "archive", tmp_path / "new", max_ratio=2000).joinpath("bomb").stat().st_size == 3_000_000


@pytest.mark.parametrize("kind", KINDS)
def test_limits_are_met_exactly(tmp_path, kind):
    raw = made(kind, CONTENT.items())
    size = sum(map(len, CONTENT.values()))
    n_files = len(CONTENT) + 2  # folders count
    refused(tmp_path, raw, f"max_size = {size - 1} bytes", max_size=size - 1)
    refused(tmp_path, raw, f"max_files = {n_files - 1}", max_files=n_files - 1)
    (tmp_path / "archive").write_bytes(raw)
    assert unpack(tmp_path / "archive", tmp_path / "new", max_size=size, max_files=n_files).is_dir()


def test_a_zip_that_understates_its_sizes_does_not_get_past_them(tmp_path):
    raw = bytearray(zipped([("a", bytes(100_000))]))
    for magic, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        raw[raw.index(magic) + at : raw.index(magic) + at + 4] = (10).to_bytes(4, "little")
    refused(tmp_path, bytes(raw), "damaged", max_ratio=1000)


def test_a_tar_cannot_ask_for_memory_by_a_long_name(tmp_path):
    long = special("././@LongLink", tarfile.GNUTYPE_LONGNAME)
    refused(tmp_path, gzip.compress(tarred([(long, bytes(5_000_000)), ("a", b"x")])), "headers are too long")


@pytest.mark.parametrize("size", [-1, -1024])
def test_a_tar_cannot_lead_backwards(tmp_path, size):
    member = tarfile.TarInfo("a")
    member.size = size
    refused(tmp_path, member.tobuf(tarfile.GNU_FORMAT) + bytes(4096), f"has the size {size}")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_truncated_archive_is_refused(tmp_path, kind, kept):
    raw = made(kind, [("a", os.urandom(3000)), ("b", os.urandom(3000))])
    end = len(raw) if kind != "tar" else 2 * 512 + 2 * 3072
    refused(tmp_path, raw[: int(kept * end)], "damaged")


def test_a_tar_that_breaks_off_between_members_or_in_a_header_is_refused(tmp_path):
    raw = tarred([("a", b"x" * 512), ("b", b"y" * 512)])
    refused(tmp_path, raw[:1024], "ends early")
    refused(tmp_path, raw[:1024] + b"z" * 512 + raw[1536:], "a header is none")


def test_a_damaged_gzip_is_refused_even_in_its_last_bytes(tmp_path):
    raw = bytearray(made("tar.gz", CONTENT.items()))
    raw[-8] ^= 1  # of the checksum
    refused(tmp_path, bytes(raw), "damaged")


@pytest.mark.parametrize("raw", [b"", b"no archive", b"PK", b"\x1f\x8b", bytes(2000)[:100]])
def test_what_is_no_archive_is_refused(tmp_path, raw):
    refused(tmp_path, raw, "no archive, or damaged")


def test_nothing_is_overwritten(tmp_path):
    archive, folder = tmp_path / "a.zip", tmp_path / "new"
    archive.write_bytes(zipped(CONTENT.items()))
    folder.mkdir()
    unpack(archive, folder)  # an empty folder will do
    (folder / "c").write_text("mine")
    for taken in (folder, archive):
        with pytest.raises(ValueError, match="folder must be new or empty"):
            unpack(archive, taken)
    assert (folder / "c").read_text() == "mine"
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="folder must be new or empty"):
        unpack(archive, tmp_path / "link")


def test_the_checksum_is_compared_first(tmp_path):
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped(CONTENT.items()))
    for name in ("sha256", "sha1", "md5"):
        digest = hashlib.new(name, archive.read_bytes()).hexdigest()
        assert unpack(archive, tmp_path / name, checksum=f"{name}:{digest.upper()}").is_dir()
    refused(tmp_path, b"whatever", "must have the sha256 digest 12", checksum="sha256:12")
    refused(tmp_path, b"whatever", "algorithm of checksum must be one of", checksum="12")


@pytest.mark.parametrize("limits", [{"max_size": 0}, {"max_files": 0}, {"max_ratio": 0.0}])
def test_limits_are_checked(tmp_path, limits):
    with pytest.raises(ValueError, match=next(iter(limits))):
        unpack(tmp_path / "nowhere.zip", tmp_path / "new", **limits)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(KINDS), edits=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6))
def test_damage_anywhere_gives_an_error_or_files_below_the_folder(tmp_path_factory, kind, edits):
    top = tmp_path_factory.mktemp("fuzz")
    raw = bytearray(made(kind, CONTENT.items()))
    for at, value in edits:
        raw[at % len(raw)] = value
    (top / "archive").write_bytes(raw)
    with contextlib.suppress(ValueError):
        unpack(top / "archive", top / "new")
    assert {path.name for path in top.iterdir()} <= {"archive", "new"}
