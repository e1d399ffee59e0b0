"""Features of whole collections, into a store that survives whatever happens on the way."""

from audiofeat.extraction.cutting import Excerpts
from audiofeat.extraction.engines import EngineError
from audiofeat.extraction.features import Describe, Segments
from audiofeat.extraction.running import Progress, extract_features

__all__ = ["Describe", "EngineError", "Excerpts", "Progress", "Segments", "extract_features"]
