"""What surrounds a training: torch's global state, kept and put back, and Ctrl-C, put off to the end of a step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch


@contextmanager
def kept_torch_state(device: torch.device, *, deterministic: bool) -> Iterator[None]:
    """Put random generators and switches of torch back as they were, after the block."""
    strict = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            if deterministic:
                torch.use_deterministic_algorithms(True)
                torch.backends.cudnn.benchmark = False
            yield
        finally:
            torch.use_deterministic_algorithms(strict, warn_only=warn_only)
            torch.backends.cudnn.benchmark = benchmark


class Interrupt:
    """Whether Ctrl-C has been pressed."""

    pressed = False

    def __call__(self, _: int, __: FrameType | None) -> None:
        """Take note; at the second time do not wait for the end of the step."""
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True


@contextmanager
def put_off_interrupts() -> Iterator[Interrupt]:
    """Let Ctrl-C only be noted within the block: in the middle of a step it would leave half of the weights changed.

    Outside the main thread, and where the caller ignores or handles the signal otherwise, nothing changes.
    """
    interrupt = Interrupt()
    ours = threading.current_thread() is threading.main_thread()
    ours = ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupt
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
