"""From fitted models to files, and back."""

import io
import json
import sys
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiofeat._files import replacing
from audiofeat.frontend import FrontEnd
from audiofeat.persistence.allowed import ALLOWED, refused_in
from audiofeat.persistence.archive import FORMAT, HEADER, checksum, header_of, not_ours, read_members
from audiofeat.presets import preset

if TYPE_CHECKING:
    from audiofeat.datasets import AudioDataset

PACKAGES = ("numpy", "scikit-learn", "scipy", "skops")


def save_model(
    path: str | PathLike[str],
    estimator: Any,
    *,
    data: "AudioDataset | str | None" = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Save a fitted model to a file.

    Parameters
    ----------
    path : str or os.PathLike
        The file, ``model.skops`` as a rule. One that is there is replaced, when the new one is whole.
    estimator : estimator
        Fitted baseline, `ClipVotingClassifier`, or another pipeline of the types that `load_model` allows.
    data : AudioDataset or str, optional
        What it was fitted on, for the record: a data set, of which `data_fingerprint` is kept, or any text.
    metadata : mapping, optional
        More for the record, as JSON can hold it.

    Raises
    ------
    ValueError
        If `estimator` is not fitted, or holds a type which `load_model` would refuse.
    TypeError
        If JSON cannot hold `metadata`.
    ModuleNotFoundError
        Without skops.

    Notes
    -----
    The file is an archive of skops with a member more, ``audiofeat.json``, which tells what `model_info` gives and
    the checksums of all others. Features of the training data are in it as far as the model
    keeps them: all for nearest neighbours, the support vectors of a machine.

    Examples
    --------
    >>> import tempfile
    >>> from audiofeat import baselines
    >>> from audiofeat.persistence import load_model, model_info, save_model
    >>> model = baselines.svm().fit([[0.0], [1.0], [8.0], [9.0]], list("aabb"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(f"{folder}/model.skops", model, metadata={"accuracy": 1.0})
    ...     model_info(f"{folder}/model.skops").metadata, load_model(f"{folder}/model.skops").predict([[2.0]])
    ({'accuracy': 1.0}, array(['a'], dtype='<U1'))
    """
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        msg = f"estimator must be fitted, got {estimator!r}"
        raise ValueError(msg) from error
    buffer = io.BytesIO(_skops().dumps(estimator))
    with zipfile.ZipFile(buffer, "a") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
        refused = sorted(set(refused_in(json.loads(members["schema.json"]))))
        if refused:
            msg = f"estimator must hold none but the types that load_model allows, got {', '.join(refused)}"
            raise ValueError(msg)
        own = vars(sys.modules["audiofeat"])["__version__"]
        header = {
            **FORMAT,
            "classes": _classes_of(estimator),
            "frontends": {name: front_end.to_dict() for name, front_end in _frontends_of(estimator).items()},
            "versions": {"audiofeat": own, **{name: version(name) for name in PACKAGES}},
            "data": data if data is None or isinstance(data, str) else data_fingerprint(data),
            "metadata": dict(metadata or {}),
            "checksums": {name: checksum(content) for name, content in members.items()},
        }
        archive.writestr(HEADER, json.dumps(header, indent=1))
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(buffer.getvalue())


def load_model(path: str | PathLike[str], *, check_versions: bool = True) -> Any:
    """Load a model that `save_model` saved.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    check_versions : bool
        Refuse a model of another minor version of scikit-learn, which may predict otherwise. Without, scikit-learn
        warns.

    Returns
    -------
    estimator
        The fitted model.

    Raises
    ------
    ValueError
        If the file is none that `save_model` writes, is damaged, holds a type that is not allowed, does not fit its
        header, or is of another version of scikit-learn.
    OSError
        If it cannot be read.
    ModuleNotFoundError
        Without skops.

    Notes
    -----
    Nothing in the file is run, and nothing is unpickled. All types in it are compared with a list in this package (our
    transformers and classifiers, and the parts of scikit-learn of our baselines), and built only if all are there. A
    checksum tells a damaged file, not a forged one. A forged one of allowed types may still hold wrong
    numbers, on which a tree's compiled code does not check every index: take models from people you trust.

    A preset that is not what it was when the model was fitted is refused too.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from audiofeat.persistence import load_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "model.skops")
    ...     _ = path.write_bytes(b"something else")
    ...     load_model(path)
    Traceback (most recent call last):
    ValueError: ...model.skops is no model that can be loaded: it is no whole archive: File is not a zip file
    """
    name, members = str(path), read_members(path)
    header = header_of(name, members)
    if check_versions and _minor(header.versions["scikit-learn"]) != _minor(version("scikit-learn")):
        msg = (
            f"{name} must be of scikit-learn {_minor(version('scikit-learn'))}, which is installed, got "
            f"{header.versions['scikit-learn']}: check_versions=False loads it nevertheless"
        )
        raise ValueError(msg)
    try:
        schema = json.loads(members["schema.json"])
        refused = sorted(set(refused_in(schema)))
    except (ValueError, RecursionError) as error:
        raise not_ours(name, f"schema.json cannot be read: {error}") from error
    if refused:
        raise not_ours(name, f"it holds types that are not allowed: {', '.join(refused)}")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # what was checked, and nothing else
        for member, content in members.items():
            archive.writestr(member, content)
    trusted, loads = sorted(set().union(*ALLOWED.values())), _skops().loads
    try:
        estimator = loads(buffer.getvalue(), trusted=trusted)
        found = _classes_of(estimator), _frontends_of(estimator)
    except Exception as error:  # a forged schema may fail anywhere
        raise not_ours(name, f"its model cannot be built: {error!r}") from error
    for what, told, is_now in zip(("classes", "front ends"), (header.classes, header.frontends), found, strict=True):
        if told != is_now:
            raise not_ours(name, f"its header tells of the {what} {told}, and its model has {is_now}")
    return estimator


def data_fingerprint(dataset: "AudioDataset") -> str:
    """Return 16 hexadecimal digits that tell data sets apart, wherever they lie.

    Parameters
    ----------
    dataset : AudioDataset
        The data set.

    Returns
    -------
    str
        Hash of the names of files without their folders, of classes, tracks, artists and splits, in any order of
        rows. The audio is not read.

    Examples
    --------
    >>> from audiofeat.datasets.table import AudioDataset, Item
    >>> from audiofeat.persistence import data_fingerprint
    >>> data_fingerprint(AudioDataset((Item("music/a.wav", "pop", "a", "", ""),)))
    '4d432ac337e1ef5b'
    """
    rows = sorted([Path(item.path).name, item.label, item.track, item.artist, item.split] for item in dataset)
    return checksum(json.dumps(rows).encode())[:16]


def _frontends_of(estimator: Any) -> dict[str, FrontEnd]:
    """Return the front ends among the parameters of a model, checked, by their names."""
    found = {}
    for name, value in estimator.get_params().items():
        if name.rpartition("__")[2] == "frontend":
            front_end = preset(value) if isinstance(value, str) else value
            found[name] = FrontEnd.from_dict(front_end.to_dict())
    best = getattr(estimator, "best_estimator_", None)  # of a search, which may have run over front ends
    if best is not None:
        found |= {f"best_estimator__{name}": front_end for name, front_end in _frontends_of(best).items()}
    return found


def _classes_of(estimator: Any) -> list[Any] | None:
    """Return the classes of a classifier."""
    classes = getattr(estimator, "classes_", None)
    return None if classes is None else list(classes.tolist())


def _skops() -> Any:
    """Import skops's reader and writer, or say how to install it."""
    try:
        import skops.io as skops_io
    except ModuleNotFoundError as error:
        msg = "models are saved with the package skops: pip install 'audiofeat[persist]'"
        raise ModuleNotFoundError(msg) from error
    return skops_io


def _minor(text: str) -> str:
    return ".".join(text.split(".")[:2])
