"""Compiled loops: each takes arrays and fills arrays, and trusts what it is given.

A kernel validates, allocates and returns nothing; the functions above it do. `kernel` is the one decorator
that they all wear.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import numba
import numpy as np

SOURCES = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))


def kernel(loop: Callable[..., None]) -> Any:
    """Compile `loop`; the one decorator every kernel wears.

    ``error_model="numpy"`` makes ``x / 0`` infinite with JIT on or off. The options and this folder's
    sources are in the name of the cached code: numba watches the kernel's own file and no other.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    loop.__qualname__ += f"-{crc32(repr(options).encode() + SOURCES):08x}"
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return np.errstate(all="ignore")(loop)  # compiled code does not warn
    try:
        return numba.njit(cache=True, **options)(loop)
    except RuntimeError:  # raised here, at import, when no cache folder is writable
        return numba.njit(**options)(loop)
