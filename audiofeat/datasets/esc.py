"""ESC-50 and ESC-10 (Piczak 2015): sounds of the environment, 40 clips of 5 s to a class, in five folds."""

import re
from collections.abc import Iterator
from pathlib import Path

from audiofeat.datasets._files import Folder, as_folder, audio_in, collect, folders_in
from audiofeat.datasets.generic import rows_of
from audiofeat.datasets.table import AudioDataset, Item, Problem

CLASS = re.compile(r"(?P<number>\d{3}) - (?P<name>.+)")  # of folders
CLIP = re.compile(r"(?P<fold>[1-5])-(?P<source>\d+)-(?P<take>[A-Z]+)(?:-\d+)?")  # 1-100032-A.ogg, 1-100032-A-0.wav
COLUMNS: dict[str, tuple[str, ...]] = {
    "path": ("filename",),
    "label": ("category",),
    "split": ("fold",),
    "esc10": ("esc10",),
    "track": ("src_file",),
}


def load_esc10(folder: Folder, *, check: bool = False, min_duration: float = 0.0) -> AudioDataset:
    """Load ESC-10: 400 clips of ten classes, in five folds.

    Parameters
    ----------
    folder : str or os.PathLike
        ESC-10 itself, with folders ``001 - Dog bark`` to ``010 - Fire crackling``, or ESC-50 with ``meta/esc50.csv``,
        which marks its clips; or the folder above.
    check : bool, default=False
        Open the header of every file.
    min_duration : float, default=0.0
        Least duration in seconds; above 0 the headers are opened.

    Returns
    -------
    AudioDataset
        A row to a clip; its split is the fold, ``"1"`` to ``"5"``, and its track the recording which it was
        cut from. Labels are as in the folders, ``"Dog bark"``, or the table, ``"dog"``. Clips of the table without a
        file are problems, as are files whose name tells no fold; in folders, clips that are missing are not noticed.

    Raises
    ------
    ValueError
        If there is neither the table nor a folder of a class.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from pathlib import Path
    >>> from audiofeat import save
    >>> from audiofeat.datasets import load_esc10
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "002 - Rain").mkdir()
    ...     save(f"{folder}/002 - Rain/1-17367-A.ogg", np.zeros(800), 8000)
    ...     dataset = load_esc10(folder)
    >>> dataset.items[0][1:]
    ('Rain', '17367', '', '1')
    """
    return _load(folder, "esc10", range(1, 11), check=check, min_duration=min_duration)


def load_esc50(folder: Folder, *, check: bool = False, min_duration: float = 0.0) -> AudioDataset:
    """Load ESC-50: 2000 clips of fifty classes, in five folds.

    Parameters
    ----------
    folder : str or os.PathLike
        ESC-50 with ``meta/esc50.csv`` and ``audio``, or its first release with folders ``101 - Dog`` and so on; or
        the folder above.
    check : bool, default=False
        Open the header of every file.
    min_duration : float, default=0.0
        Least duration in seconds; above 0 the headers are opened.

    Returns
    -------
    AudioDataset
        As for `load_esc10`.

    Raises
    ------
    ValueError
        If there is neither the table nor a folder of a class.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from audiofeat.datasets import load_esc50
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "meta").mkdir()
    ...     head, row = "filename,fold,target,category,esc10,src_file,take", "1-7-A-0.wav,1,0,dog,True,7,A"
    ...     _ = Path(folder, "meta", "esc50.csv").write_text(f"{head}\\n{row}\\n")
    ...     dataset = load_esc50(folder)
    >>> dataset.problems[0][1:]
    ('missing', 'No such file or directory', 'dog', '1')
    """
    return _load(folder, "esc50", range(101, 151), check=check, min_duration=min_duration)


def _load(folder: Folder, name: str, numbers: range, *, check: bool, min_duration: float) -> AudioDataset:
    """Return what the table says if there is one, else what is in the folders with these numbers."""
    top = as_folder(folder)
    for home in (top, *folders_in(top)):
        table = home / "meta" / "esc50.csv"
        if table.is_file():
            return collect(name, _from_table(home, table, name), check=check, min_duration=min_duration)
        classes = [(child, match) for child in folders_in(home) if (match := CLASS.fullmatch(child.name))]
        wanted = {child: match["name"] for child, match in classes if int(match["number"]) in numbers}
        if wanted:
            return collect(name, _from_folders(wanted), check=check, min_duration=min_duration)
    first, last = f"{numbers[0]:03} - ...", f"{numbers[-1]:03} - ..."
    msg = f"folder must hold meta/esc50.csv, or folders {first} to {last}, got {str(top)!r}"
    raise ValueError(msg)


def _from_table(home: Path, table: Path, name: str) -> Iterator[Item | Problem]:
    for n, row in rows_of(table, COLUMNS):
        missing = [header for column, (header,) in COLUMNS.items() if not row.get(column)]
        if missing:
            msg = f"{table}, line {n}: the line must give {', '.join(missing)}"
            raise ValueError(msg)
        if name == "esc50" or row["esc10"].lower() == "true":
            yield Item(str(home / "audio" / row["path"]), row["label"], row["track"], "", row["split"])


def _from_folders(classes: dict[Path, str]) -> Iterator[Item | Problem]:
    for folder, label in classes.items():
        for path in audio_in(folder):
            clip = CLIP.fullmatch(path.stem)
            if clip is None:
                yield Problem(str(path), "unknown", "the name is not like 1-100032-A, with the fold first", label)
            else:
                yield Item(str(path), label, clip["source"], "", clip["fold"])
