"""Reading a store's items again, and comparing their bytes with the ledger's checksums."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audiofeat.store.errors import StoreError
from audiofeat.store.shards import checksum, map_shard


class Problem(NamedTuple):
    """An item that is not what was written.

    Attributes
    ----------
    path : str
        Path of the file whose item it is.
    shard : str
        Name of the shard in which it lies.
    reason : str
        What is wrong.
    """

    path: str
    shard: str
    reason: str


class Expected(NamedTuple):
    """What the ledger says of an item."""

    path: str
    offset: int
    size: int
    checksum: NDArray[np.uint8]


def check_shard(file: Path, dtype: np.dtype[Any], items: Iterable[Expected]) -> Iterator[Problem]:
    """Yield what is wrong with the items of a shard.

    Items are read and not mapped: a disk that fails is then an error, and not the end of the process.
    """
    try:
        mapped = map_shard(file, dtype)
        start, n_elements = int(getattr(mapped, "offset", 0)), len(mapped)
        del mapped
        with file.open("rb") as opened:
            for item in items:
                if item.offset + item.size > n_elements:
                    yield Problem(item.path, file.stem, f"shard {file} is too short")
                    continue
                opened.seek(start + item.offset * dtype.itemsize)
                found = checksum(np.fromfile(opened, dtype, item.size))
                if found != item.checksum.tobytes().hex():
                    told = item.checksum.tobytes().hex()
                    yield Problem(item.path, file.stem, f"its checksum is {found}, {told} was written")
    except FileNotFoundError:
        yield from (Problem(item.path, file.stem, f"shard {file} is missing") for item in items)
    except (OSError, StoreError) as error:
        yield from (Problem(item.path, file.stem, str(error)) for item in items)
