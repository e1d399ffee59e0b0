"""Files are replaced whole: no reader sees half of one, and what was there survives a failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Lend a temporary name beside `path`; what the block wrote there replaces `path`, if it ended well."""
    temporary = path.with_name(f".{uuid4().hex}.tmp")
    try:
        temporary.touch()  # the system's reason, which libsndfile would keep to itself
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
