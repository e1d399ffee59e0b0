"""Compiled loops: each takes arrays and fills arrays, and trusts what it is given.

A kernel validates, allocates and returns nothing; the functions above it do. `kernel` is the one decorator
that they all wear.
"""

# mypy: allow-untyped-calls

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

SOURCES = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))


@cache
def _cache_class() -> Any:
    """Return numba's cache on disk, where code that cannot be read or written is compiled, and is no error.

    With it comes numba: this folder is imported without, for `arguments`.
    """
    from numba.core.caching import FunctionCache
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.runtime import rtsys  # type: ignore[attr-defined, unused-ignore]

    # A process that is forked while another thread compiles would wait for that thread, which it does not have.
    if hasattr(os, "register_at_fork"):
        release = global_compiler_lock.release
        os.register_at_fork(before=global_compiler_lock.acquire, after_in_parent=release, after_in_child=release)

    class Cache(FunctionCache):
        def load_overload(self, sig: Any, target_context: Any) -> Any:
            try:  # numba's own method first fills all its registries, in 0.2 s, which only compiling needs
                rtsys.initialize(target_context)
                code = self._load_overload(sig, target_context)
            except Exception:  # whatever reading a damaged file leads to
                with suppress(OSError):
                    self.flush()  # or else nothing could be added to the index
                return None
            # Two processes that begin a cache at once may both give their code the same number.
            return code if code is not None and code.signature.args == sig else None

        def save_overload(self, sig: Any, data: Any) -> None:
            with suppress(OSError):  # the disk is full, or the folder gone
                super().save_overload(sig, data)

    return Cache


def kernel(loop: Callable[..., Any]) -> Any:
    """Compile `loop`; the one decorator every kernel wears.

    ``error_model="numpy"`` makes ``x / 0`` infinite with JIT on or off. The options, this folder's sources and
    the kind of CPU are in the name of the cached code: numba watches the kernel's own file and no other.
    """
    import numba
    from llvmlite.binding import get_host_cpu_name

    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    told = repr((options, get_host_cpu_name())).encode()
    loop.__qualname__ += f"-{crc32(told + SOURCES):08x}"
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return np.errstate(all="ignore")(loop)  # compiled code does not warn
    compiled = numba.njit(**options)(loop)
    with suppress(RuntimeError):  # raised here, at import, when no cache folder is writable
        compiled._cache = _cache_class()(loop)
    return compiled
