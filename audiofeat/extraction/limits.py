"""Files that are not wanted: too long, too large, too short."""

import os
from dataclasses import dataclass
from typing import Any

from audiofeat._validation import as_count, as_number
from audiofeat.io import AudioError

MOST = 86400.0  # seconds that `load` decodes at most
RATIO = 256  # samples for each byte of the largest file: four times as many as Opus packs at its lowest rate


class NotWanted(Exception):  # noqa: N818 - no error
    """A file that is passed over, with the reason."""


@dataclass(frozen=True)
class Limits:
    """The longest and largest file that is wanted; None where there is no limit."""

    max_duration: float | None = None
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.max_duration is not None:
            as_number(self.max_duration, "max_duration", low=0.0, open_low=True)
        if self.max_bytes is not None:
            as_count(self.max_bytes, "max_bytes")

    @property
    def seconds(self) -> float:
        """Return how much audio a file may hold."""
        return MOST if self.max_duration is None else self.max_duration

    @property
    def options(self) -> dict[str, Any]:
        """Return what decoders are told: a small file can be made to hold days of silence."""
        size = None if self.max_bytes is None else RATIO * self.max_bytes
        return {"max_duration": self.seconds, "max_size": size}

    def check(self, path: str) -> None:
        """Pass over a file for its size, or for what its header declares, before anything of it is decoded."""
        if self.max_bytes is not None:
            try:
                n_bytes = os.stat(path).st_size  # noqa: PTH116 - no Path is made for each of a million
            except (OSError, ValueError):  # the decoder has better words for it
                n_bytes = 0
            if n_bytes > self.max_bytes:
                msg = f"max_bytes is {self.max_bytes}, the file has {n_bytes}"
                raise NotWanted(msg)
        if self.max_duration is not None:
            from audiofeat.io import info

            declared = info(path).declared_duration
            if declared is not None and declared > self.max_duration:
                msg = f"max_duration is {self.max_duration:g} s, the header declares {declared:.3f} s"
                raise NotWanted(msg)

    def judge(self, error: AudioError) -> None:
        """Pass over a file whose decoder gave more than the limits, whatever its header declared."""
        if self.max_duration is not None and error.reason.startswith("longer than max_duration"):
            msg = f"max_duration is {self.max_duration:g} s, decoding gave more"
            raise NotWanted(msg) from error
        if self.max_bytes is not None and error.reason.startswith("more values than max_size"):
            msg = f"max_bytes is {self.max_bytes}, decoding gave more than {RATIO} times as many samples"
            raise NotWanted(msg) from error
