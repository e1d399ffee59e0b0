"""Features of whole collections, into a store that survives whatever happens on the way."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audiofeat.extraction.cutting import Excerpts
    from audiofeat.extraction.engines import EngineError
    from audiofeat.extraction.features import Describe, Segments
    from audiofeat.extraction.running import Progress, extract_features

# Imported when it is asked for: a process that computes features begins without the store and the data sets.
_HOME = {
    "Describe": "features",
    "EngineError": "engines",
    "Excerpts": "cutting",
    "Progress": "running",
    "Segments": "features",
    "extract_features": "running",
}

__all__ = ["Describe", "EngineError", "Excerpts", "Progress", "Segments", "extract_features"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
