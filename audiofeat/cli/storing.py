"""The commands ``store info``, ``verify``, ``errors``, ``export``, ``compact`` and ``merge``."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiofeat.cli._terminal import FAILURES, UsageError, clock, report, say
from audiofeat.cli.collecting import Line, counted

if TYPE_CHECKING:
    from audiofeat.store import Store

EXPORTS = (".csv", ".parquet")
CELLS = 1 << 20  # of a table in text, which is what is held at once
ONE = 1 << 62  # more bytes than any shard has


def run_info(arguments: argparse.Namespace) -> int:
    def work(store: "Store", name: str) -> int:
        found = store.info()
        schema = found.schema.to_dict()
        if arguments.json:
            known = {"schema": schema, "fingerprint": found.schema.fingerprint(), "path": name}
            say(json.dumps(found._asdict() | known))
            return 0
        spec = ", ".join(f"{field}={json.dumps(value)}" for field, value in found.schema.spec.items())
        say(
            f"{name}: {counted(found.counts)}",
            f"  features  {found.schema.kind} {found.schema.fingerprint()}: {spec}",
            f"  of        {_excerpts(found.schema.excerpt)}",
            f"  items     {len(store)} of {found.schema.dtype}, {_shapes(store.shapes)}",
            f"  size      {_bytes(found.n_bytes)} in {found.n_shards} shard{'s' * (found.n_shards != 1)}",
            f"  work      {clock(found.seconds)}",
            *(f"  versions  {', '.join(f'{k} {v}' for k, v in one.items())}" for one in found.versions),
        )
        return 0

    return _each(arguments.stores, work)


def run_verify(arguments: argparse.Namespace) -> int:
    from audiofeat.store import StoreWriter

    def work(store: "Store", name: str) -> int:
        line = Line()
        problems = store.verify(lambda read, of: line.tell(lambda: f"{read}/{of} items of {name}"))
        line.end()
        for problem in problems:
            say(f"audiofeat: {problem.path}: {problem.reason}", to=sys.stderr)
        say(f"{name}: {len(store) - len(problems)} of {len(store)} items are as they were written")
        if problems and arguments.redo:
            with StoreWriter.open(name, store.schema, resume=True) as writer:
                again = writer.redo(problem.path for problem in problems)
            say(f"{name}: {again} of them wait to be made again by audiofeat extract --resume")
        elif problems:
            say(
                f"audiofeat: --redo has them made again by the next audiofeat extract --resume of {name}", to=sys.stderr
            )
        return 1 if problems else 0

    return _each(arguments.stores, work)


def run_errors(arguments: argparse.Namespace) -> int:
    def work(store: "Store", _: str) -> int:
        for failure in store.errors:
            say(f"{failure.path}: {failure.state}: {failure.reason}")
        return 0

    return _each(arguments.stores, work)


def run_export(arguments: argparse.Namespace) -> int:
    output = Path(arguments.output)
    kind = output.suffix.lower()
    if kind not in EXPORTS:
        msg = f"-o must end in one of {', '.join(EXPORTS)}, got {arguments.output!r}"
        raise UsageError(msg)
    if kind == ".parquet" and find_spec("pyarrow") is None:
        msg = "this needs the package pyarrow: pip install 'audiofeat[store]'"
        raise UsageError(msg)

    def work(store: "Store", _: str) -> int:
        output.parent.mkdir(parents=True, exist_ok=True)
        if kind == ".csv":
            _write_csv(store, output)
        else:
            store.to_parquet(output)
        say(f"wrote {output}: {len(store.schema.columns or ()) + 1} columns, from {len(store)} files")
        return 0

    return _each([arguments.store], work)


def run_compact(arguments: argparse.Namespace) -> int:
    from audiofeat.store import compact_store, open_store

    def work(store: "Store", name: str) -> int:
        compact_store(name, **_shard_bytes(arguments))
        before, after = store.info().n_shards, open_store(name).info().n_shards
        say(f"{name}: {after} shard{'s' * (after != 1)}, of {before} before")
        return 0

    return _each(arguments.stores, work)


def run_merge(arguments: argparse.Namespace) -> int:
    from audiofeat.store import merge_stores, open_store

    def work(name: str) -> int:
        merge_stores(arguments.stores, name, **_shard_bytes(arguments))
        say(f"wrote {name}: {counted(open_store(name).info().counts)}")
        return 0

    return _tried(arguments.output, work)


def _each(stores: Sequence[str], work: Callable[["Store", str], int]) -> int:
    """Call `work` with each store, and its name as it was given; return the exit code."""
    from audiofeat.store import open_store

    def opened(name: str) -> int:
        return work(open_store(name), name)

    return max([_tried(name, opened) for name in stores])


def _tried(name: str, work: Callable[[str], int]) -> int:
    from audiofeat.store import StoreError

    try:
        return work(name)
    except StoreError as error:  # which names the store
        say(f"audiofeat: {error}", to=sys.stderr)
        return 1
    except FAILURES as error:
        return report(name, error)


def _shard_bytes(arguments: argparse.Namespace) -> dict[str, int]:
    return {"shard_bytes": ONE} if arguments.one else {}


def _write_csv(store: "Store", output: Path) -> None:
    """Write a table of text, in which numbers have as many digits as tell them apart."""
    import csv

    from audiofeat._files import replacing
    from audiofeat.store.exporting import rows_of

    columns = store.schema.columns or ()
    lots = rows_of(store, CELLS // max(1, len(columns)) + 1)
    paths, rows = next(lots)  # what cannot be a table fails before there is a file
    with replacing(output) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", *columns])
        while True:
            cells = rows.astype(str).tolist()
            writer.writerows([path, *row] for path, row in zip(paths, cells, strict=True))
            following = next(lots, None)
            if following is None:
                break
            paths, rows = following


def _excerpts(excerpt: Mapping[str, Any] | None) -> str:
    if excerpt is None:
        return "whole files"
    n, position = excerpt["n"], excerpt["position"]
    where = f"at {position}" if isinstance(position, str) else f"from second {position:g} on"
    where = where if n == 1 else "spread evenly"
    short = "padded with zeros" if excerpt["short"] == "pad" else "skipped"
    return f"{n} excerpt{'s' * (n != 1)} of {excerpt['duration']:g} s, {where}; shorter files are {short}"


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    kinds = sorted(set(shapes))
    if not kinds:
        return "no shape yet"
    return f"shape {kinds[0]}" if len(kinds) == 1 else f"{len(kinds)} shapes from {kinds[0]} to {kinds[-1]}"


def _bytes(n: int) -> str:
    for unit, power in (("GB", 9), ("MB", 6), ("kB", 3)):
        if n >= 10**power:
            return f"{n / 10**power:.1f} {unit}"
    return f"{n} bytes"
