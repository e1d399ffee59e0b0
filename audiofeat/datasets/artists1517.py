"""1517-Artists: 3180 songs of 19 genres."""

from audiofeat.datasets._files import Folder, collect, files_of, home_of
from audiofeat.datasets.generic import artist_in, as_pattern
from audiofeat.datasets.table import AudioDataset, Item, Problem

GENRES = (
    "Alternative & Punk",
    "Blues",
    "Childrens",
    "Classical",
    "Comedy & Spoken Word",
    "Country",
    "Easy Listening & Vocals",
    "Electronic & Dance",
    "Folk",
    "Hip-Hop",
    "Jazz",
    "Latin",
    "New Age",
    "R&B & Soul",
    "Reggae",
    "Religious",
    "Rock & Pop",
    "Soundtracks & More",
    "World",
)


def load_1517_artists(
    folder: Folder, *, artist_pattern: str | None = None, check: bool = False, min_duration: float = 0.0
) -> AudioDataset:
    """Load 1517-Artists: 3180 songs of 19 genres, in a folder for each genre.

    Parameters
    ----------
    folder : str or os.PathLike
        Where the folders of the genres lie, or up to two levels above.
    artist_pattern : str or None, default=None
        Regular expression that is searched in the name of a file without its suffix, and whose first group is the
        artist: ``r"(.+?) - "``. Where it is not found the artist is not known.
    check : bool, default=False
        Open the header of every file.
    min_duration : float, default=0.0
        Least duration in seconds; above 0 the headers are opened.

    Returns
    -------
    AudioDataset
        A row to a song. Genres without a folder, and folders that are no genre of the data set, are problems. There
        is no list of the files, so that single files which are missing are not noticed.

    Raises
    ------
    ValueError
        If there is no folder of a genre.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from pathlib import Path
    >>> from audiofeat import save
    >>> from audiofeat.datasets import load_1517_artists
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "Folk").mkdir()
    ...     save(f"{folder}/Folk/Ann - Tea.wav", np.zeros(800), 8000)
    ...     dataset = load_1517_artists(folder, artist_pattern="(.+?) - ")
    >>> dataset.items[0][1:4], len(dataset.problems)
    (('Folk', 'Folk/Ann - Tea', 'Ann'), 18)
    """
    pattern, home = as_pattern(artist_pattern), home_of(folder, GENRES)
    found = (
        row
        if isinstance(row, Problem)
        else Item(str(row[0]), row[1], row[0].relative_to(home).with_suffix("").as_posix(), artist_in(row[0], pattern))
        for row in files_of(home, GENRES)
    )
    return collect("1517-artists", found, check=check, min_duration=min_duration)
