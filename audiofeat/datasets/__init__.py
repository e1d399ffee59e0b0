"""Data sets on a local disk as small tables: which files there are, their labels, groups and splits.

A loader takes the folder in which a data set lies and gives an `AudioDataset`. Nothing is downloaded, and no
audio is decoded. Files that are listed but cannot be used are never dropped in silence: they are left out of the
rows and stand, with the reason, in `AudioDataset.problems`.

By default a file must exist and hold more than nothing, and those that a data set is known to ship broken are told
by name or by their header. ``check=True`` opens the header of every file. A ``min_duration`` above 0 does so
too, and asks for as many seconds; where a header states no length, as much of the file is decoded.

What must not stand on both sides of a split shares a `track`: takes of one recording, replicas, versions.
"""

from audiofeat.datasets.archives import unpack
from audiofeat.datasets.artists1517 import load_1517_artists
from audiofeat.datasets.ballroom import load_ballroom, load_extended_ballroom
from audiofeat.datasets.esc import load_esc10, load_esc50
from audiofeat.datasets.fma import load_fma
from audiofeat.datasets.generic import load_csv, load_folder
from audiofeat.datasets.gtzan import load_gtzan
from audiofeat.datasets.names import load_dataset
from audiofeat.datasets.table import AudioDataset, Item, Problem

__all__ = [
    "AudioDataset",
    "Item",
    "Problem",
    "load_1517_artists",
    "load_ballroom",
    "load_csv",
    "load_dataset",
    "load_esc10",
    "load_esc50",
    "load_extended_ballroom",
    "load_fma",
    "load_folder",
    "load_gtzan",
    "unpack",
]
