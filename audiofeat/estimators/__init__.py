"""scikit-learn estimators over the functions: from signals, files and clips to rows of features, and a clusterer."""

from audiofeat.estimators._clips import FeatureStatistics, SegmentExcerpt
from audiofeat.estimators._frames import DescriptorTransformer, LogMelTransformer
from audiofeat.estimators._items import AudioClip
from audiofeat.estimators._segmenter import SpectralSegmenter

__all__ = [
    "AudioClip",
    "DescriptorTransformer",
    "FeatureStatistics",
    "LogMelTransformer",
    "SegmentExcerpt",
    "SpectralSegmenter",
]
