"""The folder of a store, and its ``store.json``, which says what the items are."""

import json
import os
import sqlite3
import sys
from importlib.metadata import version
from pathlib import Path

from audiofeat._files import replacing
from audiofeat.store.errors import StoreError
from audiofeat.store.ledger import LEDGER, MERGED, WRITTEN, Membership, connect, create_tables, transaction
from audiofeat.store.schema import Schema
from audiofeat.store.shards import OURS, SHARDS, sync_folder

MANIFEST = "store.json"
FORMAT = 1


def enter_folder(path: Path, schema: Schema, *, resume: bool) -> tuple[sqlite3.Connection, Membership]:
    """Enter the store in a folder as a writer; it is made unless it is there and `resume`.

    store.json comes last, and under the ledger's lock: of two that make a store at once, one makes it, and a folder
    without it, but with no more than its beginnings, is made anew.
    """
    is_new = not (path / MANIFEST).exists()
    if is_new:
        prepare(path)
    elif not resume:
        raise exists(path)
    else:
        require_ledger(path)
    connection = connect(path, create=is_new)
    try:
        create_tables(connection)
        with transaction(connection):
            if not (path / MANIFEST).exists():
                start_anew(path, connection)
            me = Membership(path, connection, WRITTEN)
            _settle(path, schema, resume=resume)
            record_versions(connection, [versions()])
    except BaseException:
        connection.close()
        raise
    return connection, me


def prepare(path: Path) -> None:
    """Make the folders of a store, where nothing else is."""
    if path.exists() and not path.is_dir():
        msg = f"{path} is no folder, and cannot be a feature store"
        raise StoreError(msg)
    foreign = sorted(entry.name for entry in path.iterdir() if not _is_ours(entry)) if path.exists() else []
    if foreign:
        msg = f"{path} is no feature store, and not empty: it has {foreign[0]!r}"
        raise StoreError(msg)
    shards = path / SHARDS
    if shards.exists() and any(shards.iterdir()):
        require_ledger(path)
    shards.mkdir(parents=True, exist_ok=True)


def start_anew(path: Path, connection: sqlite3.Connection) -> None:
    """Forget what a merge that was killed has left in a folder without store.json. Inside a transaction."""
    if connection.execute("SELECT 1 FROM writers WHERE role = ?", (MERGED,)).fetchone():
        connection.execute("DELETE FROM items")
        connection.execute("DELETE FROM versions")
    elif connection.execute("SELECT 1 FROM items").fetchone():
        msg = f"{path} has lost its {MANIFEST}, which says what its items are"
        raise StoreError(msg)


def require_ledger(path: Path) -> None:
    """Refuse a folder with store.json alone: with an empty ledger, all of its shards would seem to be left over."""
    if not (path / LEDGER).exists():
        msg = f"{path} has lost its {LEDGER}, without which its shards cannot be read"
        raise StoreError(msg)


def exists(path: Path) -> StoreError:
    """Return the error of a new store where there is one."""
    return StoreError(f"{path} is a feature store already: resume it, or choose another folder")


def record_versions(connection: sqlite3.Connection, told: list[dict[str, str]]) -> None:
    """Add sets of versions to those by which items were written. Inside a transaction."""
    rows = [(json.dumps(one, sort_keys=True),) for one in told]
    connection.executemany("INSERT OR IGNORE INTO versions (told) VALUES (?)", rows)


def _settle(path: Path, schema: Schema, *, resume: bool) -> None:
    """Write store.json, or see that what is there is what was asked for. Inside a transaction."""
    if not (path / MANIFEST).exists():
        write_manifest(path, schema)
    elif not resume:
        raise exists(path)
    difference = read_manifest(path).difference(schema)
    if difference:
        msg = f"{path} has another schema: {difference}"
        raise StoreError(msg)


def write_manifest(path: Path, schema: Schema) -> None:
    """Write store.json whole, and see it on the disk."""
    told = {"format": FORMAT, "schema": schema.to_dict(), "fingerprint": schema.fingerprint(), "versions": versions()}
    with replacing(path / MANIFEST) as temporary, temporary.open("w", encoding="utf-8") as file:
        json.dump(told, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path)


def read_manifest(path: Path) -> Schema:
    """Return the schema in store.json."""
    try:
        told = json.loads((path / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        msg = f"{path} is no feature store: it has no {MANIFEST}"
        raise StoreError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"{path / MANIFEST} cannot be read: {error}"
        raise StoreError(msg) from error
    try:
        number, schema = told["format"], told["schema"]
        if number != FORMAT:
            msg = f"{path} is a store of format {number}, and this version of audiofeat reads format {FORMAT}"
            raise StoreError(msg)
        found = Schema.from_dict(schema)
        if found.fingerprint() != told["fingerprint"]:
            msg = f"{path / MANIFEST} is damaged: its schema has the fingerprint {found.fingerprint()}, not its own"
            raise StoreError(msg)
    except (KeyError, TypeError, ValueError) as error:
        msg = f"{path / MANIFEST} is damaged: {error!r}"
        raise StoreError(msg) from error
    return found


def versions() -> dict[str, str]:
    """Return the versions of what decodes and computes, on which the numbers depend."""
    import soundfile

    told = {name: version(name) for name in ("numpy", "soundfile", "soxr")}
    own = vars(sys.modules["audiofeat"])["__version__"]
    return {"audiofeat": own, **told, "libsndfile": str(soundfile.__libsndfile_version__)}


def _is_ours(entry: Path) -> bool:
    """Tell if an entry is one that a store may have before its store.json."""
    if entry.name == SHARDS:
        return entry.is_dir() and all(OURS.fullmatch(inner.name) for inner in entry.iterdir())
    return entry.name.startswith(LEDGER) or (entry.name.startswith(".") and entry.suffix == ".tmp")
