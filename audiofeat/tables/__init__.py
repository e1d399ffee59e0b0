"""Tables of named features: of frames, and of clips."""

from audiofeat.tables.clips import describe, describe_many
from audiofeat.tables.frames import frames
from audiofeat.tables.table import FeatureTable

__all__ = ["FeatureTable", "describe", "describe_many", "frames"]
