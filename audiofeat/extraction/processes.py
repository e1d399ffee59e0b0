"""A process that does files for this one, seen from here, and whatever may become of it."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from audiofeat.extraction.passing import Inbox, Passed
from audiofeat.extraction.serving import BEGINNING, take_messages
from audiofeat.extraction.units import KEPT, ONE_THREAD, Outcome, Task, Work

PIECE = 1 << 16  # bytes received at a time
GRACE = 5.0  # seconds in which a process ends that has closed its socket


def pickled(work: Work) -> bytes:
    """Return the work as other processes can read it; with all that it needs of a script, which they do not run."""
    data = pickle.dumps(work)
    if b"__main__" not in data:
        return data
    from joblib import wrap_non_picklable_objects

    return pickle.dumps(wrap_non_picklable_objects(work, keep_wrapper=False))


class Process:
    """A process, and the files that it has been given. It does them in order."""

    def __init__(self, work: bytes, n_places: int) -> None:
        self.given: dict[Task, None] = {}
        self.began = 0.0  # when it began with the first of them, seen from here
        self.late: Task | None = None
        self.is_ready, self.is_broken = False, False
        self.failure = ""  # why it could not begin
        self._received = bytearray()
        with ExitStack() as ending:  # also for an interrupt, or if there can be no more processes
            self._inbox = Inbox()
            ending.callback(self._inbox.close)
            self._socket, theirs = socket.socketpair()
            ending.enter_context(self._socket)
            with theirs, _without_interrupts():
                self._process = _started(theirs)
                ending.callback(self._kill_and_wait)
            self._send((sys.path, (os.getpid(), work, self._inbox.path, n_places)))
            self._ending = ending.pop_all()

    def fileno(self) -> int:
        """Return what a selector waits for."""
        return self._socket.fileno()

    def give(self, task: Task) -> None:
        """Add a file to the others."""
        if not self.given:
            self.began = time.monotonic()
        self.given[task] = None
        self._send(task)

    def _send(self, message: object) -> None:
        with suppress(OSError):  # it has ended: what it leaves in the socket is read before that is noticed
            self._socket.sendall(pickle.dumps(message))

    def finished(self) -> Iterator[Outcome]:
        """Yield what has come of the files, in order."""
        self._receive()
        for message in take_messages(self._received):
            self.began = time.monotonic()
            if not self.is_ready:
                self.is_ready, self.failure = message is None, message or ""
                continue
            outcome: Outcome = message
            del self.given[outcome.row, outcome.path]
            array = outcome.array
            yield outcome._replace(array=self._inbox.take(array)) if isinstance(array, Passed) else outcome

    def _receive(self) -> None:
        """Read what there is in the socket, and note if no more will come."""
        has_ended = self.has_ended()  # before, so that what it has sent until then is read
        self._socket.setblocking(False)
        try:
            while piece := self._socket.recv(PIECE):
                self._received += piece
            self.is_broken = True
        except BlockingIOError:  # when it has ended too, if a process that it has left behind has its socket
            self.is_broken = has_ended
        except OSError:  # it did not read all that it was sent
            self.is_broken = True
        finally:
            self._socket.setblocking(True)

    def has_ended(self) -> bool:
        """Tell whether the process has ended, whatever its socket says."""
        return self._process.poll() is not None

    def deadline(self, timeout: float) -> float | None:
        """Return when the file at work will have had the time it may take."""
        return self.began + timeout if self.is_ready and self.given and self.late is None else None

    def end_late(self) -> None:
        """Kill the process for its file. No lock, no GIL, no signal handler keeps it."""
        self.late = next(iter(self.given))
        self.kill()

    def culprit(self) -> Task | None:
        """Return the file that was at work when the process ended, if there was one."""
        return next(iter(self.given), None)

    def end(self) -> str:
        """Return how the process ended."""
        try:
            code = self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            return "its socket is closed"
        return f"EXIT({code})" if code >= 0 else f"{_name_of(-code)}({code})"

    def dismiss(self) -> None:
        """End the process: it has nothing that would have to be saved."""
        self._ending.close()

    def kill(self) -> None:
        """End the process, and do not wait for it."""
        self._process.kill()

    def _kill_and_wait(self) -> None:
        self.kill()
        self._process.wait()


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of many without
        return "SIGNAL"


def _started(theirs: socket.socket) -> "subprocess.Popen[bytes]":
    """Start a process with its end of the socket."""
    command, environment = [sys.executable, "-c", BEGINNING], os.environ | ONE_THREAD | KEPT
    if sys.platform == "win32":
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)  # noqa: S603 - this interpreter
        if process.stdin is not None:
            with process.stdin:
                process.stdin.write(theirs.share(process.pid))
        return process
    command.append(str(theirs.fileno()))
    return subprocess.Popen(command, env=environment, pass_fds=[theirs.fileno()])  # noqa: S603


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back while a process starts, who inherits that: until it ignores it, it would be its to report."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
