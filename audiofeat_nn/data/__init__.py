"""What networks learn from: tracks, cut into patches, standardised, and split."""

from audiofeat_nn.data.cutting import Cutting, list_cuttings
from audiofeat_nn.data.items import PatchDataset, StoreDataset
from audiofeat_nn.data.normalization import Normalization
from audiofeat_nn.data.sources import SampleBlocks, maps_of, patches_of
from audiofeat_nn.data.splits import split_validation
from audiofeat_nn.data.waveforms import ResidentWaveforms

__all__ = [
    "Cutting",
    "Normalization",
    "PatchDataset",
    "ResidentWaveforms",
    "SampleBlocks",
    "StoreDataset",
    "list_cuttings",
    "maps_of",
    "patches_of",
    "split_validation",
]
