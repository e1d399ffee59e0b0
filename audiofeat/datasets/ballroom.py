"""Ballroom (Gouyon et al. 2006): 698 excerpts of 8 dances; Extended Ballroom (Marchand, Peeters 2016): 4180 of 13."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from audiofeat._validation import as_choice
from audiofeat.datasets._files import Folder, collect, files_of, folders_in, home_of
from audiofeat.datasets._groups import joined
from audiofeat.datasets.table import AudioDataset, Item, Problem

# Folders, and what their dance is called; the rumbas are one class of the published experiments.
DANCES = {name: name for name in ("ChaChaCha", "Jive", "Quickstep", "Samba", "Tango", "VienneseWaltz", "Waltz")}
RUMBAS = re.compile("rumba([-_ ].*)?", re.IGNORECASE)
EXTENDED = (
    "Chacha",
    "Foxtrot",
    "Jive",
    "Pasodoble",
    "Quickstep",
    "Rumba",
    "Salsa",
    "Samba",
    "Slowwaltz",
    "Tango",
    "Viennesewaltz",
    "Waltz",
    "Wcswing",
)
# Excerpts of the same recording (B. L. Sturm, in the README of CPJKU/BallroomAnnotations), the first four the same
# samples. Fire-08 is in the class ChaChaCha and Fire-09 in Samba.
REPLICAS = (
    ("Albums-AnaBelen_Veneo-11", "Albums-Chrisanne2-12"),
    ("Albums-Fire-08", "Albums-Fire-09"),
    ("Albums-Latin_Jam2-05", "Albums-Latin_Jam2-13"),
    ("Albums-Secret_Garden-01", "Media-104705"),
    ("Albums-AnaBelen_Veneo-03", "Albums-AnaBelen_Veneo-15"),
    ("Albums-Ballroom_Magic-03", "Albums-Ballroom_Magic-18"),
    ("Albums-Latin_Jam-04", "Albums-Latin_Jam-13"),
    ("Albums-Latin_Jam-08", "Albums-Latin_Jam-14"),
    ("Albums-Latin_Jam-06", "Albums-Latin_Jam-15"),
    ("Albums-Latin_Jam2-02", "Albums-Latin_Jam2-14"),
    ("Albums-Latin_Jam2-07", "Albums-Latin_Jam2-15"),
    ("Albums-Latin_Jam3-02", "Media-103414"),
    ("Media-103402", "Media-103415"),
)
REPEATS = ("exact", "time", "karaoke", "version")  # attributes of the XML that name another song


def load_ballroom(
    folder: Folder, *, replicas: str = "group", check: bool = False, min_duration: float = 0.0
) -> AudioDataset:
    """Load Ballroom: 698 excerpts of 8 dances, in a folder for each dance.

    Parameters
    ----------
    folder : str or os.PathLike
        Where the folders of the dances lie (``BallroomData``), or up to two levels above.
    replicas : {"group", "keep"}, default="group"
        Give the two excerpts of each of the 13 pairs from one recording the same track, or each its own, as in
        experiments that did not know of them.
    check : bool, default=False
        Open the header of every file.
    min_duration : float, default=0.0
        Least duration in seconds; above 0 the headers are opened.

    Returns
    -------
    AudioDataset
        A row to an excerpt. The folders of several rumbas are one class, ``"Rumba"``. Dances without a folder, and
        folders that are no dance of the data set, are problems.

    Raises
    ------
    ValueError
        If there is no folder of a dance, or `replicas` is something else.

    Notes
    -----
    The pair ``Albums-Fire-08`` and ``Albums-Fire-09`` stands in two classes, ChaChaCha and Samba.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from pathlib import Path
    >>> from audiofeat import save
    >>> from audiofeat.datasets import load_ballroom
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "Samba").mkdir()
    ...     for n in ("06", "15", "16"):
    ...         save(f"{folder}/Samba/Albums-Latin_Jam-{n}.wav", np.zeros(800), 8000)
    ...     dataset = load_ballroom(folder)
    >>> dataset.track.tolist()
    ['Albums-Latin_Jam-06', 'Albums-Latin_Jam-06', 'Albums-Latin_Jam-16']
    """
    group = as_choice(replicas, "replicas", ("group", "keep")) == "group"
    rumbas = ("Rumba", "Rumba-American", "Rumba-International", "Rumba-Misc", "Rumba-international")
    home = home_of(folder, {*DANCES, *rumbas})
    names = {child.name: "Rumba" for child in folders_in(home) if RUMBAS.fullmatch(child.name)} or {"Rumba": "Rumba"}
    track_of = joined(REPLICAS) if group else {}
    return _load("ballroom", home, DANCES | names, track_of, {}, {}, check=check, min_duration=min_duration)


def load_extended_ballroom(
    folder: Folder, *, replicas: str = "group", check: bool = False, min_duration: float = 0.0
) -> AudioDataset:
    """Load Extended Ballroom: 4180 excerpts of 13 dances, in a folder for each dance.

    Parameters
    ----------
    folder : str or os.PathLike
        Where the folders of the dances and ``extendedballroom_v1.1.xml`` lie, or up to two levels above.
    replicas : {"group", "keep"}, default="group"
        Give excerpts which the XML calls an exact copy, a stretched copy, a karaoke or another version of each other
        the same track, and the pairs of Ballroom if they are there, or give each its own.
    check : bool, default=False
        Open the header of every file.
    min_duration : float, default=0.0
        Least duration in seconds; above 0 the headers are opened.

    Returns
    -------
    AudioDataset
        A row to an excerpt, with the artist that the XML names. Dances without a folder, folders that are no dance of
        the data set, and songs of the XML without a file, are problems.

    Raises
    ------
    ValueError
        If there is no folder of a dance, the XML is something else, or `replicas` is.

    Notes
    -----
    Without the XML the artists and the repeated recordings are not known, and single files that are missing are not
    noticed. The classes hold from 23 to 529 excerpts: balanced accuracy says more than accuracy.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from pathlib import Path
    >>> from audiofeat import save
    >>> from audiofeat.datasets import load_extended_ballroom
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     songs = '<song id="100701" artist="A"/><song id="100702" artist="B" exact="100701"/>'
    ...     _ = Path(folder, "extendedballroom_v1.1.xml").write_text(f"<all><Salsa>{songs}</Salsa></all>")
    ...     Path(folder, "Salsa").mkdir()
    ...     for n in (100701, 100702):
    ...         save(f"{folder}/Salsa/{n}.wav", np.zeros(800), 8000)
    ...     dataset = load_extended_ballroom(folder)
    >>> dataset.track.tolist(), dataset.artist.tolist()
    (['100701', '100701'], ['A', 'B'])
    """
    group = as_choice(replicas, "replicas", ("group", "keep")) == "group"
    home = home_of(folder, EXTENDED)
    found = (path for place in (home, Path(folder)) for path in sorted(place.glob("extendedballroom*.xml")))
    table = next(found, None)
    songs = {} if table is None else _songs(table)
    links = [(name, other) for name, (_, _, others) in songs.items() for other in others]
    track_of = joined([*REPLICAS, *links]) if group else {}
    artists = {name: artist for name, (_, artist, _) in songs.items()}
    names = {name: name for name in EXTENDED}
    dances = {name: dance for name, (dance, _, _) in songs.items()}
    return _load("extended-ballroom", home, names, track_of, artists, dances, check=check, min_duration=min_duration)


def _load(
    name: str,
    home: Path,
    classes: dict[str, str],
    track_of: dict[str, str],
    artists: dict[str, str],
    listed: dict[str, str],
    *,
    check: bool,
    min_duration: float,
) -> AudioDataset:
    """Return the files of the folders `classes`, and as problems what is `listed` without a file."""

    def found() -> Iterator[Item | Problem]:
        seen = set()
        for row in files_of(home, classes):
            if isinstance(row, Problem):
                yield row
                continue
            path, folder = row
            seen.add(path.stem)
            track = track_of.get(path.stem, path.stem)
            yield Item(str(path), classes[folder], track, artists.get(path.stem, ""))
        for song, dance in listed.items():
            if song not in seen:
                path = home / dance / f"{song}.mp3"
                yield Problem(str(path), "missing", "the XML lists it, and there is no file", dance)

    return collect(name, found(), check=check, min_duration=min_duration)


def _songs(table: Path) -> dict[str, tuple[str, str, list[str]]]:
    """Return dance, artist and repeated songs of each song of the XML."""
    try:
        root = ElementTree.parse(table).getroot()  # noqa: S314  expat refuses entities that multiply
        return {
            song.attrib["id"]: (
                dance.tag,
                song.get("artist", "").strip(),
                [other for key in REPEATS for other in re.findall(r"\d+", song.get(key, ""))],
            )
            for dance in root
            for song in dance
        }
    except (ElementTree.ParseError, KeyError, OSError) as error:
        msg = f"{table} must be the XML of Extended Ballroom, a song with its id in each node: {error!r}"
        raise ValueError(msg) from error
