"""The archive of a model, read with no trust in it, and its header."""

import hashlib
import io
import json
import re
import zipfile
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from audiofeat.frontend import FrontEnd

HEADER = "audiofeat.json"
FORMAT = {"format": "audiofeat model", "version": 1}
MEMBER = re.compile(r"schema\.json|[0-9]+\.npy")


class ModelInfo(NamedTuple):
    """What a file says of its model.

    Attributes
    ----------
    classes : list or None
        Classes, in the order of probabilities.
    frontends : dict
        Front ends, by the name of the parameter which each is.
    versions : dict
        Versions of the packages that the model was fitted with, audiofeat's among them.
    data : str or None
        Fingerprint of the data that it was fitted on.
    metadata : dict
        What was added.

    Examples
    --------
    >>> from audiofeat import ModelInfo
    >>> ModelInfo(["jazz", "rock"], {}, {"audiofeat": "0.1.0"}, None, {}).classes
    ['jazz', 'rock']
    """

    classes: list[Any] | None
    frontends: dict[str, FrontEnd]
    versions: dict[str, str]
    data: str | None
    metadata: dict[str, Any]


def model_info(path: str | PathLike[str]) -> ModelInfo:
    """Return what the file of a model says of it, and build nothing.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    ModelInfo
        Classes, front ends, versions, and the record of `save_model`.

    Raises
    ------
    ValueError
        If the file is none that `save_model` writes, or damaged.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from audiofeat import baselines
    >>> from audiofeat.persistence import model_info, save_model
    >>> model = baselines.knn(1).fit([[0.0], [9.0]], ["calm", "loud"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(f"{folder}/model.skops", model, data="two rows")
    ...     model_info(f"{folder}/model.skops")[0], model_info(f"{folder}/model.skops").data
    (['calm', 'loud'], 'two rows')
    """
    return header_of(str(path), read_members(path))


def read_members(path: str | PathLike[str]) -> dict[str, bytes]:
    """Return the members of an archive that is as `save_model` writes it."""
    name, content = str(path), Path(path).read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            names = [info.filename for info in infos]
            if HEADER not in names or "schema.json" not in names:
                raise not_ours(name, f"it lacks {HEADER} or schema.json")
            strange = [member for member in names if member != HEADER and not MEMBER.fullmatch(member)]
            if strange or len(set(names)) < len(names):
                raise not_ours(name, f"it has members {strange[:3]} that no model has" if strange else "names repeat")
            # members are stored as they are: what is compressed, or overlaps, may be far larger than the file
            packed = any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in infos)
            if packed or sum(info.file_size for info in infos) > len(content):
                raise not_ours(name, "its members are compressed, encrypted, or overlap")
            return {member: archive.read(member) for member in names}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise not_ours(name, f"it is no whole archive: {error}") from error


def header_of(name: str, members: dict[str, bytes]) -> ModelInfo:
    """Return the header, whose checksums are those of all other members, which are left in `members`."""
    try:
        told = json.loads(members.pop(HEADER))
        wrong = [key for key, value in FORMAT.items() if told.get(key) != value]
        if wrong:
            raise not_ours(name, f"{HEADER} must have {wrong[0]} {FORMAT[wrong[0]]!r}, got {told.get(wrong[0])!r}")
        checksums = {member: checksum(content) for member, content in members.items()}
        differ = sorted(set(checksums.items()) ^ set(told["checksums"].items()))
        if differ:
            raise not_ours(name, f"{differ[0][0]} has not the checksum in {HEADER}, and is damaged or not its own")
        frontends = {key: FrontEnd.from_dict(spec) for key, spec in told["frontends"].items()}
        versions = {str(key): str(value) for key, value in told["versions"].items()}
        versions["scikit-learn"]  # which every file has
        return ModelInfo(told["classes"], frontends, versions, told["data"], dict(told["metadata"]))
    except (AttributeError, KeyError, TypeError, RecursionError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise not_ours(name, f"{HEADER} cannot be read: {error!r}") from error


def checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def not_ours(name: str, reason: str) -> ValueError:
    return ValueError(f"{name} is no model that can be loaded: {reason}")
