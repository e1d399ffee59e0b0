"""Items of a store as rows of a table."""

import json
from collections.abc import Iterator
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audiofeat._files import replacing
from audiofeat.store.errors import StoreError
from audiofeat.store.shards import Array

if TYPE_CHECKING:
    import pandas as pd

    from audiofeat.store.reading import Store

ROWS = 1 << 16  # in a group of rows, which is what is held at once


def rows_of(store: "Store", n_rows: int) -> Iterator[tuple[list[str], Array]]:
    """Yield paths and rows, `n_rows` of them as a rule; the rows of one item are not torn apart."""
    columns = store.schema.columns
    if columns is None:
        msg = f"{store.path} has no columns: its items are arrays, not rows of a table"
        raise StoreError(msg)
    paths: list[str] = []
    rows: list[Array] = []
    for path, item in zip(store.paths, store, strict=True):
        rows.append(item.reshape(-1, len(columns)))
        paths += [_printable(path)] * len(rows[-1])
        if len(paths) >= n_rows:
            yield paths, np.concatenate(rows)
            paths, rows = [], []
    yield paths, np.concatenate([*rows, np.empty((0, len(columns)), store.schema.dtype)])


def to_pandas(store: "Store") -> "pd.DataFrame":
    """Return a data frame: see `Store.to_pandas`."""
    import pandas as pd

    parts = list(rows_of(store, ROWS))
    table = pd.DataFrame(np.concatenate([rows for _, rows in parts]), columns=list(store.schema.columns or ()))
    table.insert(0, "path", [path for paths, _ in parts for path in paths])
    return table


def to_parquet(store: "Store", path: str | PathLike[str]) -> None:
    """Write a file of Parquet: see `Store.to_parquet`."""
    import pyarrow as pa
    from pyarrow import parquet

    columns = store.schema.columns or ()
    kind: Any = pa.from_numpy_dtype(np.dtype(store.schema.dtype))
    metadata = {"audiofeat": json.dumps(store.schema.to_dict())}
    fields = [("path", pa.string()), *((name, kind) for name in columns)]
    schema = pa.schema(fields, metadata=metadata)
    batches = rows_of(store, ROWS)
    first = next(batches)  # what cannot be a table fails before there is a file
    with replacing(Path(path)) as temporary, parquet.ParquetWriter(temporary, schema) as writer:
        for paths, rows in chain((first,), batches):
            arrays = [pa.array(paths, pa.string()), *(pa.array(np.ascontiguousarray(column)) for column in rows.T)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _printable(path: str) -> str:
    """Return a path as text that UTF-8 can hold: a byte that it cannot is written as \\x and two digits."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
