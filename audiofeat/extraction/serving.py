"""A process that computes: what it is sent, one file after the other, as long as its parent wants more."""

import faulthandler
import gc
import os
import pickle
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from audiofeat.extraction.passing import Outbox
from audiofeat.extraction.units import Outcome, Task, Work

# What such a process begins with. Its parent tells it first where modules are found. While these are imported nothing
# is looked through for garbage: they leave little, and that would take a fifth of the time.
BEGINNING = """\
import gc, pickle, socket, sys
gc.disable()
if sys.platform == "win32":
    parent = socket.fromshare(sys.stdin.buffer.read())
else:
    parent = socket.socket(fileno=int(sys.argv[1]))
sent = parent.makefile("rb")
try:
    sys.path[:], told = pickle.load(sent)
except EOFError:
    sys.exit()
from audiofeat.extraction.serving import serve
serve(parent, sent, *told)
"""
LENGTH = struct.Struct("<Q")  # of what follows in the socket
WATCH = 0.5  # seconds between two looks for the parent


def serve(parent: socket.socket, sent: BinaryIO, number: int, work: bytes, place: str, n_places: int) -> None:
    """Tell the parent that work can begin, or why not, and do it until the parent is gone.

    That is the process of a `number`, and has memory open in a `place` for so many arrays.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal's processes: the parent decides
    threading.Thread(target=_end_with, args=(number,), daemon=True).start()
    parent.set_inheritable(False)
    faulthandler.enable()
    try:
        known: Work = pickle.loads(work)  # noqa: S301 - the parent's, as all that is sent
        with _unseen("coverage"):  # which numba imports where it is installed, to note lines that nobody asks for
            known.features.warm()
        outbox = Outbox(place, n_places)
    except Exception as error:
        _send(parent, _pickled(f"{type(error).__name__}: {error}"))
        return
    gc.freeze()  # what there is now will stay
    gc.enable()
    _send(parent, _pickled(None))
    while True:
        try:
            task: Task = pickle.load(sent)  # noqa: S301
        except (EOFError, OSError):
            return
        _send(parent, _done(known, task, outbox))


@contextmanager
def _unseen(module: str) -> Iterator[None]:
    """Have an import of a module fail, unless it is there already."""
    modules: dict[str, Any] = sys.modules
    if module in modules:
        yield
        return
    modules[module] = None
    try:
        yield
    finally:
        del modules[module]


def _done(work: Work, task: Task, outbox: Outbox) -> bytes:
    """Return what comes of a task, pickled."""
    try:
        outcome = work(task)
        return _pickled(outcome._replace(array=outbox.pass_on(outcome.array)))  # type: ignore[arg-type]
    except BaseException as error:  # whatever a function of the user's raises
        return _pickled(Outcome.failed(task, f"{type(error).__name__}: {error}"))


def _pickled(message: object) -> bytes:
    return pickle.dumps(message, pickle.HIGHEST_PROTOCOL)


def _send(parent: socket.socket, data: bytes) -> None:
    try:
        parent.sendall(LENGTH.pack(len(data)) + data)
    except OSError:  # nobody is there any more
        os._exit(1)


def _end_with(parent: int) -> None:
    """End this process when its parent has: however that was killed, nothing is left behind."""
    while os.getppid() == parent:
        time.sleep(WATCH)
    os._exit(1)


def take_messages(received: bytearray) -> list[Any]:
    """Take those messages from what a parent has received that are there as a whole."""
    messages: list[Any] = []
    while len(received) >= LENGTH.size:
        end = LENGTH.size + LENGTH.unpack_from(received)[0]
        if len(received) < end:
            break
        messages.append(pickle.loads(bytes(received[LENGTH.size : end])))  # noqa: S301
        del received[:end]
    return messages
