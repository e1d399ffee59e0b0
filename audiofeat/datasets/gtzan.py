"""GTZAN (Tzanetakis and Cook 2002): 1000 excerpts of 30 s, ten genres."""

import re
from collections.abc import Iterator, Mapping
from hashlib import md5
from pathlib import Path

from audiofeat.datasets._files import Folder, as_folder, audio_in, collect, home_of, present_as
from audiofeat.datasets.table import AudioDataset, Item, Problem

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
TRACKS = tuple(f"{genre}.{n:05}" for genre in GENRES for n in range(100))
UNREADABLE = ("jazz.00054",)  # in the copies that are handed around as .wav, not in all
SPLITS = ("train", "valid", "test")
LINE = re.compile(r"(?:.*/)?(?P<track>[a-z]+\.\d{5})(?:\.\w+)?")

# Of the published lists, so that a figure is of the split whose name it bears: their digests, or their lengths.
DIGESTS = {
    "train_filtered.txt": "d55795dd4bc006e94d1c1b092bfe9da3",
    "valid_filtered.txt": "bf8b8540ab13630c984d6331b3102191",
    "test_filtered.txt": "6dbab6aabd0c49a20bc3b6df10986454",
}
LENGTHS = {"train_stratified.txt": 500, "valid_stratified.txt": 250, "test_stratified.txt": 250}


def load_gtzan(
    folder: Folder,
    *,
    split: str | None = None,
    lists: Folder | None = None,
    artists: Mapping[str, str] | None = None,
    check: bool = False,
    min_duration: float = 0.0,
) -> AudioDataset:
    """Load GTZAN: 1000 excerpts of ten genres, in a folder for each genre.

    Parameters
    ----------
    folder : str or os.PathLike
        Where the folders of the genres lie (``genres``, ``genres_original``), or up to two levels above. The files
        may be .au, as published, or .wav, or another audio format.
    split : str or None, default=None
        Name of a split: ``"filtered"`` is the fault- and artist-filtered one of Kereliuk, Sturm and Larsen (2015) with
        443, 197 and 290 excerpts, ``"stratified"`` theirs with 500, 250 and 250; any other name is that of lists of
        one's own. None: all excerpts, and no split.
    lists : str, os.PathLike or None, default=None
        Folder of the lists ``train_NAME.txt``, ``valid_NAME.txt`` (may be absent in a split of one's own) and
        ``test_NAME.txt``, a line ``blues/blues.00000.wav`` to an excerpt; None is `folder`, or that of the genres.
    artists : mapping of str to str, or None, default=None
        Artist of each excerpt, where known: ``{"blues.00000": "John Lee Hooker", ...}``. The data set names none.
    check : bool, default=False
        Open the header of every file.
    min_duration : float, default=0.0
        Least duration in seconds; above 0 the headers are opened.

    Returns
    -------
    AudioDataset
        A row to an excerpt, of those in the lists if there is a split; tracks are named ``"blues.00000"``. Excerpts
        without a file are problems, and ``jazz.00054``, if the header of its file shows that it is one of the
        broken copies.

    Raises
    ------
    ValueError
        If there is no folder of a genre or no list, if a list holds something else or an excerpt that stands in
        another, or if the lists of the split "filtered" or "stratified" are not the published ones.

    Notes
    -----
    72 of the excerpts are counted to come from recordings that others come from as well, and 160 to be mislabelled.
    Both sides of a random split, and of the stratified one, hold the same artists and songs: the same features
    score some 13 points more there than on the filtered split.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from pathlib import Path
    >>> from audiofeat import save
    >>> from audiofeat.datasets import load_gtzan
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "genres", "jazz").mkdir(parents=True)
    ...     save(f"{folder}/genres/jazz/jazz.00007.wav", np.zeros(800), 8000)
    ...     dataset = load_gtzan(folder)
    >>> dataset.items[0][1:3], len(dataset.problems)
    (('jazz', 'jazz.00007'), 999)
    """
    home = home_of(folder, GENRES)
    split_of = dict.fromkeys(TRACKS, "") if split is None else _split_of(split, home, Path(folder), lists)
    artist_of = artists or {}

    def found() -> Iterator[Item | Problem]:
        for track in TRACKS:
            if track in split_of:
                genre = track.partition(".")[0]
                path = present_as(home / genre / f"{track}.wav")
                yield Item(str(path), genre, track, artist_of.get(track, ""), split_of[track])
        if split is None:
            for genre in GENRES:
                for path in audio_in(home / genre) if (home / genre).is_dir() else ():
                    if path.stem not in split_of or path.parent != home / genre:
                        yield Problem(str(path), "unknown", "no excerpt of this data set", genre)

    name = "gtzan" if split is None else f"gtzan-{split}"
    return collect(name, found(), check=check, min_duration=min_duration, suspects=UNREADABLE)


def _split_of(split: str, home: Path, folder: Path, lists: Folder | None) -> dict[str, str]:
    """Return the part of the split in which each excerpt is."""
    places = [folder, home] if lists is None else [as_folder(lists, "lists")]
    place = next((place for place in places if (place / f"train_{split}.txt").is_file()), places[0])
    found: dict[str, str] = {}
    for part in SPLITS:
        path = place / f"{part}_{split}.txt"
        if part == "valid" and not path.is_file() and path.name not in {*DIGESTS, *LENGTHS}:
            continue
        for n, track in enumerate(_tracks_in(path), 1):
            if track in found:
                msg = f"{path}: {track}, entry {n}, stands in {found[track]}_{split}.txt already"
                raise ValueError(msg)
            found[track] = part
    return found


def _tracks_in(path: Path) -> list[str]:
    """Return the excerpts of a list, which is the published one if it has the name of one."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        msg = f"lists must hold {path.name}, which cannot be read from {str(path.parent)!r}: {error}"
        raise ValueError(msg) from error
    lines = [line for line in lines if line]
    # of the lines, as some copies end them as Windows does
    digest = md5("".join(f"{line}\n" for line in lines).encode(), usedforsecurity=False).hexdigest()
    if digest != DIGESTS.get(path.name, digest) or len(lines) != LENGTHS.get(path.name, len(lines)):
        wanted = f"{LENGTHS[path.name]} lines" if path.name in LENGTHS else f"the MD5 {DIGESTS[path.name]}"
        msg = f"{path} must be the published list with {wanted}, got {len(lines)} lines with the MD5 {digest}"
        raise ValueError(msg)
    tracks = []
    for line in lines:
        match = LINE.fullmatch(line)
        if match is None or match["track"] not in TRACKS:
            msg = f"{path}: a line must be like blues/blues.00000.wav, got {line!r}"
            raise ValueError(msg)
        tracks.append(match["track"])
    return tracks
