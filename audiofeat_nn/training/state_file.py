"""The file of a training's state: whole at any moment, and read without running any code from it."""

import hashlib
import io
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from audiofeat._files import replacing

STATE_FORMAT = 1
MAGIC = b"audiofeat_nn state\n"


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write the state of a training in place of the last one; a kill at any moment leaves one of the two.

    Parameters
    ----------
    path : Path
        The file.
    state : mapping
        Tensors, numbers, strings, and lists and dicts of such.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from audiofeat_nn.training.state_file import read_state, write_state
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_state(Path(folder, "last.ckpt"), {"epoch": 3})
    ...     read_state(Path(folder, "last.ckpt"))["epoch"]
    3
    """
    packed = io.BytesIO()
    torch.save({**state, "format": STATE_FORMAT}, packed)
    content = packed.getbuffer()
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(MAGIC + hashlib.sha256(content).digest())  # torch does not look at the checksums of its own format
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # or the name may be on the disk before the content is


def read_state(path: Path) -> dict[str, Any]:
    """Read what `write_state` wrote, as tensors on the CPU.

    Parameters
    ----------
    path : Path
        The file. Of a pickle, nothing but tensors and plain values are read: it cannot run code.

    Returns
    -------
    dict
        The state.

    Raises
    ------
    ValueError
        If the file is damaged, cut short, or anything else.

    Examples
    --------
    See `write_state`.

    >>> from audiofeat_nn.training.state_file import read_state
    """
    content = memoryview(path.read_bytes())
    start = len(MAGIC) + hashlib.sha256().digest_size
    if content[: len(MAGIC)] != MAGIC or content[len(MAGIC) : start] != hashlib.sha256(content[start:]).digest():
        msg = f"{path.name} is no whole checkpoint: it is damaged, cut short, or another file"
        raise ValueError(msg)
    try:
        state = torch.load(io.BytesIO(content[start:]), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        msg = f"{path.name} is no checkpoint: {error}"
        raise ValueError(msg) from error
    if not isinstance(state, dict) or state.get("format") != STATE_FORMAT:
        found = state.get("format") if isinstance(state, dict) else type(state).__name__
        msg = f"{path.name} must be a checkpoint of format {STATE_FORMAT}, got {found!r}"
        raise ValueError(msg)
    return state
