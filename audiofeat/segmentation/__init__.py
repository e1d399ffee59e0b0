"""Structure segmentation: from a signal or a file to labelled sections, by distances of windows and a graph."""

from audiofeat.segmentation.files import segment_file
from audiofeat.segmentation.hierarchy import segment_hierarchy
from audiofeat.segmentation.settings import PRESETS
from audiofeat.segmentation.signals import segment

__all__ = ["PRESETS", "segment", "segment_file", "segment_hierarchy"]
