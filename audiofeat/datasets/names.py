"""Data sets by name."""

from collections.abc import Callable
from functools import partial

from audiofeat._validation import as_choice
from audiofeat.datasets.artists1517 import load_1517_artists
from audiofeat.datasets.ballroom import load_ballroom, load_extended_ballroom
from audiofeat.datasets.esc import load_esc10, load_esc50
from audiofeat.datasets.fma import load_fma
from audiofeat.datasets.generic import load_csv, load_folder
from audiofeat.datasets.gtzan import load_gtzan
from audiofeat.datasets.table import AudioDataset

LOADERS: dict[str, Callable[..., AudioDataset]] = {
    "1517-artists": load_1517_artists,
    "ballroom": load_ballroom,
    "csv": load_csv,
    "esc10": load_esc10,
    "esc50": load_esc50,
    "extended-ballroom": load_extended_ballroom,
    "fma-full": partial(load_fma, size="full"),
    "fma-large": partial(load_fma, size="large"),
    "fma-medium": partial(load_fma, size="medium"),
    "fma-small": partial(load_fma, size="small"),
    "folder": load_folder,
    "gtzan": load_gtzan,
    "gtzan-filtered": partial(load_gtzan, split="filtered"),
    "gtzan-random": partial(load_gtzan, split="random"),
    "gtzan-stratified": partial(load_gtzan, split="stratified"),
}


def load_dataset(spec: str, *, check: bool = False, min_duration: float = 0.0) -> AudioDataset:
    """Load a data set by its name and place, as the command line takes it.

    Parameters
    ----------
    spec : str
        ``"NAME:PATH"``. The names are those of the loaders: ``1517-artists``, ``ballroom``, ``extended-ballroom``,
        ``esc10``, ``esc50``, ``fma-small``, ``fma-medium``, ``fma-large``, ``fma-full``, ``folder``, ``csv`` (of a
        file), ``gtzan``, and ``gtzan-filtered``, ``gtzan-stratified``, ``gtzan-random`` with the lists of that split in
        the same folder.
    check : bool, default=False
        Open the header of every file.
    min_duration : float, default=0.0
        Least duration in seconds; above 0 the headers are opened.

    Returns
    -------
    AudioDataset
        As from the loader of that name.

    Raises
    ------
    ValueError
        If `spec` is of another form or names another data set, and as by the loader.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from pathlib import Path
    >>> from audiofeat import save
    >>> from audiofeat.datasets import load_dataset
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "cat").mkdir()
    ...     save(f"{folder}/cat/1.wav", np.zeros(800), 8000)
    ...     load_dataset(f"folder:{folder}").counts
    {'cat': 1}
    """
    name, colon, path = spec.partition(":")  # at the first: a path of Windows has its own
    if not colon or not path:
        msg = f"spec must be NAME:PATH, with NAME one of {', '.join(LOADERS)}, got {spec!r}"
        raise ValueError(msg)
    return LOADERS[as_choice(name, "the name in spec", LOADERS)](path, check=check, min_duration=min_duration)
