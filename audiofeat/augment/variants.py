"""Training items and their variants."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
from numpy.typing import ArrayLike, NDArray

from audiofeat._files import replacing
from audiofeat._validation import Float, as_choice, as_count, as_number, as_rate, as_signal
from audiofeat.augment.levels import add_noise, gain
from audiofeat.augment.time import pitch_shift, time_stretch
from audiofeat.estimators import AudioClip
from audiofeat.estimators._items import FILES, Item, checked, samples_of

Variant = tuple[str, float]

EFFECTS: dict[str, Callable[[Float, float, int], Float]] = {
    "pitch_shift": lambda y, value, _: pitch_shift(y, n_steps=value),
    "time_stretch": lambda y, value, _: time_stretch(y, rate=value),
    "gain": lambda y, value, _: gain(y, db=value),
    "noise": lambda y, value, seed: add_noise(y, snr_db=value, random_state=seed),
}
KTH2020: tuple[Variant, ...] = (
    ("pitch_shift", 2.0),
    ("pitch_shift", -2.0),
    ("time_stretch", 0.9),
    ("time_stretch", 1.1),
)
CACHE = 1  # of how variants are computed: cached ones of another number are not used,
PACKAGES = ("librosa", "numpy", "scipy", "soxr")  # nor those of other versions of what computes them


class Augmented(NamedTuple):
    """Items and their variants: each item is followed by its own.

    Attributes
    ----------
    items : list
        Items as they were given (arrays as signals), and their variants as signals.
    labels : ndarray, shape (n,)
        Their classes.
    groups : ndarray, shape (n,)
        Groups: that of a variant is that of its item.

    Examples
    --------
    >>> from audiofeat.augment import Augmented
    >>> Augmented(["song.wav"], ["jazz"], [0]).labels
    ['jazz']
    """

    items: list[Item]
    labels: NDArray[Any]
    groups: NDArray[Any]


def augmented(
    items: Sequence[Any] | ArrayLike,
    labels: ArrayLike,
    *,
    sr: float | None = None,
    which: Sequence[Variant] = KTH2020,
    groups: ArrayLike | None = None,
    random_state: int = 0,
    cache: str | PathLike[str] | None = None,
    n_jobs: int | None = None,
) -> Augmented:
    """Add variants to the items of a training set.

    It is for the training part of a split alone. A classifier that is cross-validated is better wrapped, in an
    `AugmentedClassifier`.

    Parameters
    ----------
    items : sequence of signals, paths or AudioClip, or array_like, shape (n_items, n_samples)
        Training items. Files are mixed to mono.
    labels : array_like, shape (n_items,)
        Their classes.
    sr : float, optional
        Sample rate in Hz to which files are resampled; needed for them only.
    which : sequence of (str, float)
        Variants of each item, by effect and amount: ``("pitch_shift", semitones)``, ``("time_stretch", rate)``,
        ``("gain", dB)``, ``("noise", signal-to-noise ratio in dB)``, and ``("excerpt", seconds)``, which is the part
        of the file that lies so much later, or earlier, than an `AudioClip` with a `stop`. The default are the
        shifts and stretches of [1]_, whose other excerpt is ``("excerpt", 6.0)``.
    groups : array_like, shape (n_items,), optional
        What must stay on one side of a split, such as tracks. By default each item is one, named by its number.
    random_state : int
        For the noise.
    cache : str or os.PathLike, optional
        Folder where variants are kept for the next time, as ``.npy`` files. It is made if missing. Excerpts are read
        from their files.
    n_jobs : int, optional
        Items at a time, in threads, or in what :func:`joblib.parallel_config` names; -1 for all cores.

    Returns
    -------
    Augmented
        ``len(items) * (1 + len(which))`` items with labels and groups.

    Raises
    ------
    ValueError
        If an argument is out of its range, lengths differ, `sr` is missing for a file, an excerpt is asked of what is
        no clip of a file, or begins before it.
    TypeError
        If an item is no signal, or an argument is not of its type.
    AudioError
        As `load`.

    Notes
    -----
    A variant depends on the samples of its item and the arguments, and on nothing else: not on the order of items,
    on what lies beside them, or on `n_jobs`. Lengths are those of the effects. All variants are in memory.

    References
    ----------
    .. [1] "Music genre classification: different methods exploration", KTH DT2119 project report, 2020, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from audiofeat import augment
    >>> y = np.sin(0.1 * np.arange(4000.0))
    >>> found = augment.augmented([y, -y], ["a", "b"], which=[("gain", -6.0), ("time_stretch", 0.5)])
    >>> [len(item) for item in found.items], found.labels.tolist(), found.groups.tolist()
    ([4000, 4000, 8000, 4000, 4000, 8000], ['a', 'a', 'a', 'b', 'b', 'b'], [0, 0, 0, 1, 1, 1])
    """
    given = [checked(item, f"items[{i}]") for i, item in enumerate(items)]  # type: ignore[arg-type]
    names = np.arange(len(given)) if groups is None else np.asarray(groups)
    for name, column in (("labels", np.asarray(labels)), ("groups", names)):
        if column.shape != (len(given),):
            msg = f"{name} must have shape ({len(given)},), one for each item, got {column.shape}"
            raise ValueError(msg)
    rate = None if sr is None else as_rate(sr)
    chosen, seed = checked_variants(which), as_count(random_state, "random_state", low=0)
    folder = None if cache is None else Path(cache)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    run = joblib.Parallel(n_jobs=n_jobs, prefer="threads")
    made = run(
        joblib.delayed(_variants)(item, f"items[{i}]", rate, chosen, seed, folder) for i, item in enumerate(given)
    )
    times = 1 + len(chosen)
    return Augmented(
        [each for item, variants in zip(given, made, strict=True) for each in (item, *variants)],
        np.repeat(np.asarray(labels), times),
        np.repeat(names, times),
    )


def checked_variants(which: Any) -> tuple[Variant, ...]:
    """Return pairs of an effect and a number."""
    variants = []
    for i, pair in enumerate(which):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            msg = f"which[{i}] must be a pair of an effect and an amount, got {pair!r}"
            raise ValueError(msg)
        name = as_choice(pair[0], f"which[{i}][0]", (*EFFECTS, "excerpt"))
        variants.append((name, as_number(pair[1], f"which[{i}][1]")))
    return tuple(variants)


def _variants(
    item: Item, name: str, sr: float | None, which: tuple[Variant, ...], seed: int, folder: Path | None
) -> list[Float]:
    """Return the variants of one item."""
    if sr is None and isinstance(item, (*FILES, AudioClip)):
        msg = f"sr must be given in Hz to read files, got None for {name}"
        raise ValueError(msg)
    made: list[Float] = []
    y: Float | None = None
    for effect, value in which:
        if effect == "excerpt":
            made.append(samples_of(_moved(item, value, name), sr or 0.0))
            continue
        if y is None:
            y = as_signal(samples_of(item, sr or 0.0), name=name)
        made.append(_variant(y, effect, value, seed, folder))
    return made


def _moved(item: Item, seconds: float, name: str) -> AudioClip:
    """Return the clip of the same file that lies so much later."""
    if not isinstance(item, AudioClip) or item.stop is None:
        msg = f"{name} must be an AudioClip with a stop, for another excerpt of its file, got {type(item).__name__}"
        raise ValueError(msg)
    if item.start + seconds < 0.0:
        msg = f"which must not move {name} before the start of its file, got ('excerpt', {seconds:g}) for {item}"
        raise ValueError(msg)
    return replace(item, start=item.start + seconds, stop=item.stop + seconds)


def _variant(y: Float, effect: str, value: float, seed: int, folder: Path | None) -> Float:
    """Return a variant of a signal, from the folder if it is there."""
    told = repr((y.dtype.str, y.shape, effect, value, seed if effect == "noise" else None)).encode()
    digest = hashlib.sha256(told + y.tobytes())
    own_seed = int.from_bytes(digest.digest()[:8], "little")
    if folder is None:
        return EFFECTS[effect](y, value, own_seed)
    digest.update(repr((CACHE, *map(version, PACKAGES))).encode())
    path = folder / f"{digest.hexdigest()}.npy"
    try:
        with path.open("rb") as file:
            kept: Float = np.lib.format.read_array(file, allow_pickle=False)
            return kept
    except FileNotFoundError:
        made = EFFECTS[effect](y, value, own_seed)
    except (ValueError, EOFError) as error:
        msg = f"cache must hold whole .npy files, got {path}: {error}"
        raise ValueError(msg) from error
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array(file, made, allow_pickle=False)
    return made
