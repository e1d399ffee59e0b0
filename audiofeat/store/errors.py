"""The one error of this folder."""

import sqlite3
from pathlib import Path
from typing import Any


class StoreError(RuntimeError):
    """A feature store that cannot be made, opened, written or read as it was asked for.

    Examples
    --------
    >>> from audiofeat.store import StoreError, open_store
    >>> try:
    ...     open_store("nowhere")
    ... except StoreError as error:
    ...     print(str(error).rpartition("/")[2])
    nowhere is no feature store: it has no store.json
    """


def unwritable(path: Path, error: Exception) -> StoreError:
    """Return the error of a store that the system does not let be written."""
    reason: Any = error.strerror if isinstance(error, OSError) and error.strerror else error
    if isinstance(error, sqlite3.Error) and "full" in str(error):
        reason = f"No space left on device ({error})"
    return StoreError(f"{path} cannot be written: {reason}")
