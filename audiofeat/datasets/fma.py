"""FMA, the Free Music Archive (Defferrard, Benzi, Vandergheynst, Bresson 2017): 106,574 tracks, 16 top genres."""

import csv
from collections.abc import Iterator
from pathlib import Path

from audiofeat._validation import as_choice
from audiofeat.datasets._files import Folder, as_folder, collect, present_as
from audiofeat.datasets.table import AudioDataset, Item, Problem

SIZES = {"small": ("small",), "medium": ("small", "medium")}
SIZES["large"] = SIZES["full"] = ("small", "medium", "large")
SPLITS = {"training": "train", "validation": "valid", "test": "test"}
COLUMNS = {
    ("set", "subset"): "subset",
    ("set", "split"): "split",
    ("track", "genre_top"): "genre",
    ("artist", "id"): "artist",
}
# Their clips were cut where the site's wrong lengths put the middle: at the end of the recording or behind it
# (github.com/mdeff/fma, issues 8 and 41).
SILENT = {99134, 108925, 133297}
SHORT = {1486, 5574, 65753, 80391, 98558, 98559, 98560, 98565, 98566, 98567, 98568, 98569, 98571, 105247, 108924}
SHORT |= {126981, 127336, 143992}
CELL = 1 << 30  # characters; some biographies are longer than the csv module allows by itself


def load_fma(
    folder: Folder,
    *,
    size: str = "small",
    metadata: Folder | None = None,
    check: bool = False,
    min_duration: float = 0.0,
) -> AudioDataset:
    """Load FMA with its official split.

    Parameters
    ----------
    folder : str or os.PathLike
        Where the audio is, ``000/000002.mp3`` and so on (``fma_small``), or the folder above. Files converted to other
        audio formats under the same names will do.
    size : {"small", "medium", "large", "full"}, default="small"
        8,000 clips of 8 genres, 25,000 of 16, all 106,574, or all as whole tracks.
    metadata : str, os.PathLike or None, default=None
        The table ``tracks.csv``, or the folder that holds it; None: it is in `folder`, in ``fma_metadata`` there, or
        in ``fma_metadata`` beside `folder`.
    check : bool, default=False
        Open the header of every file.
    min_duration : float, default=0.0
        Least duration in seconds; above 0 the headers are opened.

    Returns
    -------
    AudioDataset
        A row to a track, with its top genre, the number of its artist and its split, ``"train"``, ``"valid"`` or
        ``"test"``; an artist is in one of them only. Problems are the tracks without a file, those without a top
        genre (more than half of the large set), and, but for ``size="full"``, the 21 whose clips are
        known to be empty or shorter than 30 s: six of the small set, all in its training split.

    Raises
    ------
    ValueError
        If there is no ``tracks.csv``, or it is something else.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from audiofeat.datasets import load_fma
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     head = [",artist,set,set,track", ",id,split,subset,genre_top", "track_id,,,,"]
    ...     lines = [*head, "2,1,training,small,Hip-Hop", "99134,5,training,small,Rock"]
    ...     _ = Path(folder, "tracks.csv").write_text("\\n".join(lines))
    ...     dataset = load_fma(folder)
    >>> [(problem.kind, problem.label, problem.split) for problem in dataset.problems]
    [('missing', 'Hip-Hop', 'train'), ('fault', 'Rock', 'train')]
    """
    subsets = SIZES[as_choice(size, "size", SIZES)]
    top = as_folder(folder)
    home = top / f"fma_{size}" if (top / f"fma_{size}").is_dir() else top
    table = _table(top, metadata)

    def found() -> Iterator[Item | Problem]:
        for number, row in _rows(table):
            if row["subset"] not in subsets:
                continue
            path = str(present_as(home / f"{number // 1000:03}" / f"{number:06}.mp3"))
            genre, split = row["genre"], SPLITS.get(row["split"], row["split"])
            if not genre:
                yield Problem(path, "unlabelled", "the table names no top genre", split=split)
            elif size != "full" and number in SILENT:
                yield Problem(path, "fault", "the clip is known to hold no audio", genre, split)
            elif size != "full" and number in SHORT:
                yield Problem(path, "fault", "the clip is known to be shorter than 30 s, or empty", genre, split)
            else:
                yield Item(path, genre, f"{number:06}", row["artist"], split)

    return collect(f"fma-{size}", found(), check=check, min_duration=min_duration)


def _table(folder: Path, metadata: Folder | None) -> Path:
    """Return the path of the table of tracks."""
    if metadata is None:
        places = [folder, folder / "fma_metadata", folder.resolve().parent / "fma_metadata"]
        paths = [place / "tracks.csv" for place in places]
    else:
        paths = [Path(metadata), Path(metadata) / "tracks.csv"]
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        name, given = ("folder", folder) if metadata is None else ("metadata", metadata)
        msg = f"{name} must hold tracks.csv, of the archive fma_metadata.zip, got {str(given)!r}"
        raise ValueError(msg)
    return found


def _rows(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number of each track and what is needed of its line."""
    limit = csv.field_size_limit(CELL)
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            pairs = list(zip(next(lines, []), next(lines, []), strict=False))
            missing = [pair for pair in COLUMNS if pair not in pairs]
            if missing:
                msg = f"{table} must have the columns {missing} in its first two lines"
                raise ValueError(msg)
            at = {column: pairs.index(pair) for pair, column in COLUMNS.items()}
            for cells in lines:
                if not cells or cells[0] == "track_id":  # the third line of the header
                    continue
                if not cells[0].isdecimal() or len(cells) <= max(at.values()):
                    where = f"{table}, line {lines.line_num}"
                    msg = f"{where}: a line must begin with the number of a track, got {cells[:3]}"
                    raise ValueError(msg)
                yield int(cells[0]), {column: cells[i].strip() for column, i in at.items()}
    except (csv.Error, UnicodeDecodeError) as error:
        msg = f"{table} must be a table of comma-separated values in UTF-8: {error}"
        raise ValueError(msg) from error
    finally:
        csv.field_size_limit(limit)
