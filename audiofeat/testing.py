"""Checks for transformers of audio, ours and others', beyond scikit-learn's own.

>>> from audiofeat import LogMelTransformer
>>> from audiofeat.testing import check_audio_transformer
>>> check_audio_transformer(LogMelTransformer("torchaudio", n_frames=20), duration=0.1)
"""

import pickle
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from audiofeat._validation import Float, as_number, as_rate
from audiofeat.estimators import AudioClip

__all__ = ["check_audio_transformer"]


def check_audio_transformer(transformer: Any, *, sr: float | None = None, duration: float = 0.5) -> None:
    """Check that a transformer takes audio in every form, and makes of each item what it makes of it alone.

    Parameters
    ----------
    transformer : object
        A scikit-learn transformer whose `fit` and `transform` take a 2-D array of signals; and lists, or 1-D arrays
        of objects, of 1-D signals, files and `AudioClip`. It is cloned, not changed.
    sr : int, optional
        Sample rate in Hz that it takes arrays to be at, and resamples files to; its attribute ``sr_`` after `fit` if
        not given.
    duration : float
        Length of the longest of the signals it is tried on, in seconds.

    Raises
    ------
    AssertionError
        If one of these does not hold, and to the last bit:

        - rows are finite floats, in an array of two dimensions, as many as items;
        - items in one call give what they give one by one, be they of unequal lengths or of equal ones, in a list, in
          an array of objects or in an array of two dimensions;
        - read-only, strided, Fortran-ordered and byte-swapped arrays give what others do; none is written to;
        - a file, its path being text or not, and a part of one give what their samples do, in `fit` too;
        - `fit` returns the transformer itself, `fit_transform` what `fit` and `transform` do; a second `fit` forgets
          the first; before the first, `transform` raises NotFittedError;
        - a clone has equal parameters, and what was pickled makes the same rows;
        - ``get_feature_names_out`` has a name for each column, all different;
        - with a parameter ``n_jobs``, two jobs make the same rows;
        - of silence, of a constant, of a click and of a single sample rows are finite (of too few samples, there may
          be an error that names the item instead);
        - an empty signal, one with NaN and one of two dimensions are a ValueError with their place, ``X[1]``, in the
          message; a missing file is one with its name; no items at all are one, and so is a signal that is no item.
    ValueError
        If `sr` or `duration` is out of its range.

    See Also
    --------
    sklearn.utils.estimator_checks.check_estimator : Checks with arrays of two dimensions, to be run beside these.

    Examples
    --------
    >>> from audiofeat import FeatureStatistics
    >>> from audiofeat.testing import check_audio_transformer
    >>> check_audio_transformer(FeatureStatistics(8000, names=["rms"]))
    """
    seconds = as_number(duration, "duration", low=0.0, open_low=True)
    fitted = clone(transformer)
    if sr is None:
        fitted.fit([np.zeros(1)])
    rate = as_rate(fitted.sr_ if sr is None else sr)
    signals = _signals(rate, seconds)
    assert fitted.fit(signals) is fitted, "fit must return the transformer itself"
    rows = fitted.transform(signals)
    assert isinstance(rows, np.ndarray), f"rows must be an array, got {type(rows).__name__}"
    assert rows.ndim == 2, f"rows must have 2 dimensions, got shape {rows.shape}"
    assert len(rows) == len(signals), f"there must be a row to an item, {len(signals)}, got {len(rows)}"
    assert rows.dtype.kind == "f", f"rows must hold floats, got {rows.dtype}"
    assert np.isfinite(rows).all(), "rows must be finite"
    for i, y in enumerate(signals):
        assert_array_equal(fitted.transform([y]), rows[i : i + 1], f"item {i} alone differs from the batch")
    _check_forms(fitted, signals, rows)
    _check_files(transformer, fitted, signals, rate)
    _check_state(transformer, fitted, signals, rows)
    _check_levels(fitted, signals)
    _check_errors(fitted, signals[0])


def _signals(sr: float, duration: float) -> list[Float]:
    """Return a few signals of unequal lengths."""
    rng = np.random.default_rng(0)
    signals = []
    for share, frequency in ((0.61, 0.02), (1.0, 0.05), (0.83, 0.11)):
        n_samples = max(2, round(share * duration * sr))
        tone = np.sin(2.0 * np.pi * frequency * np.arange(n_samples))
        signals.append((0.4 * tone + 0.2 * rng.uniform(-1.0, 1.0, n_samples)).astype(np.float32))
    return signals


def _objects(items: Sequence[Any]) -> Any:
    """Return an array of objects, of one dimension."""
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def _check_forms(fitted: Any, signals: list[Float], rows: Float) -> None:
    """The same samples in other containers and layouts of memory."""
    assert_array_equal(fitted.transform(_objects(signals)), rows, "an array of objects differs from a list")
    n_samples = min(map(len, signals))
    equal = np.stack([y[:n_samples] for y in signals])
    expected = fitted.transform(list(equal))
    one_by_one = [fitted.transform(equal[i : i + 1])[0] for i in range(len(equal))]
    assert_array_equal(one_by_one, expected, "signals of equal length differ from an array of two dimensions")
    swapped = equal.astype(equal.dtype.newbyteorder())
    read_only = equal.copy()
    read_only.flags.writeable = False
    strided = np.repeat(equal, 2, axis=1)[:, ::2]
    for name, array in (
        ("C-ordered", equal.copy()),
        ("Fortran-ordered", np.asfortranarray(equal)),
        ("read-only", read_only),
        ("strided", strided),
        ("byte-swapped", swapped),
    ):
        for form in (array, list(array)):
            assert_array_equal(fitted.transform(form), expected, f"{name} signals differ from others")
        assert_array_equal(array, equal, f"{name} signals have been written to")


def _check_files(transformer: Any, fitted: Any, signals: list[Float], sr: float) -> None:
    """Files, and parts of files."""
    from audiofeat.io import save

    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.wav" for i in range(len(signals))]
        for path, y in zip(paths, signals, strict=True):
            save(path, y, sr, subtype="FLOAT")
        expected = fitted.transform(signals)
        for name, items in (
            ("paths", paths),
            ("text", list(map(str, paths))),
            ("an array of text", np.array(list(map(str, paths)))),
            ("clips", [AudioClip(path) for path in paths]),
            ("an array of clips", _objects([AudioClip(path) for path in paths])),
            ("signals, files and clips", [signals[0], str(paths[1]), AudioClip(paths[2])]),
        ):
            assert_array_equal(fitted.transform(items), expected, f"{name} differ from their samples")
        assert_array_equal(clone(transformer).fit(paths).transform(paths), expected, "fit differs for files")
        start = len(signals[1]) // 8
        stop = len(signals[1]) - start  # longer than the shortest signal
        part = AudioClip(paths[1], start / sr, stop / sr)
        of_part = fitted.transform([signals[1][start:stop]])
        assert_array_equal(fitted.transform([part]), of_part, "a part of a file differs from its samples")


def _check_state(transformer: Any, fitted: Any, signals: list[Float], rows: Float) -> None:
    """What is learned, copied and named."""
    assert_array_equal(clone(transformer).fit_transform(signals), rows, "fit_transform differs from fit and transform")
    n_samples = max(map(len, signals)) + 1
    again = clone(transformer).fit(np.zeros((2, n_samples))).fit(signals)
    assert_array_equal(again.transform(signals), rows, "a second fit has not forgotten the first")
    assert not hasattr(again, "n_features_in_"), "n_features_in_ must be gone after a fit with a list"
    try:
        clone(transformer).transform(signals)
    except NotFittedError:
        pass
    else:
        msg = "transform must raise NotFittedError before fit"
        raise AssertionError(msg)
    assert repr(clone(transformer).get_params()) == repr(transformer.get_params()), "a clone has other parameters"
    revived = pickle.loads(pickle.dumps(fitted))  # noqa: S301  (of our own making)
    assert_array_equal(revived.transform(signals), rows, "what was pickled makes other rows")
    names = list(fitted.get_feature_names_out())
    assert len(names) == rows.shape[1], f"there must be a name to a column, {rows.shape[1]}, got {len(names)}"
    assert len(set(names)) == len(names), "names of columns must be different"
    if "n_jobs" in transformer.get_params():
        parallel = clone(transformer).set_params(n_jobs=2).fit(signals)
        assert_array_equal(parallel.transform(signals), rows, "two jobs make other rows")


def _check_levels(fitted: Any, signals: list[Float]) -> None:
    """Sounds that are none."""
    n_samples = len(signals[0])
    click = np.zeros(n_samples, dtype=np.float32)
    click[n_samples // 2] = 1.0
    silence, constant = np.zeros_like(click), np.full_like(click, 0.5)
    for name, y in (("silence", silence), ("a constant", constant), ("a click", click)):
        assert np.isfinite(fitted.transform([signals[0], y])).all(), f"the row of {name} must be finite"
    sample = [signals[0], click[:1]]
    error = _error_of(fitted, sample)
    assert error is None or "X[1]" in error, f"an error must name the item X[1], got {error!r}"
    assert error or np.isfinite(fitted.transform(sample)).all(), "the row of a single sample must be finite"


def _check_errors(fitted: Any, y: Float) -> None:
    """What is no signal."""
    missing = str(Path(tempfile.gettempdir()) / "no such folder" / "missing.wav")
    wrong = y.copy()
    wrong[-1] = np.nan
    for name, X, told in (
        ("an empty signal", [y, y[:0]], "X[1]"),
        ("a signal with NaN", [y, wrong], "X[1]"),
        ("a signal of two dimensions", [y, np.stack([y, y])], "X[1]"),
        ("a missing file", [y, missing], "missing.wav"),
        ("an empty list", [], ""),
        ("a signal that is no item", y, ""),
    ):
        error = _error_of(fitted, X)
        assert error is not None, f"{name} must raise ValueError"
        assert told in error, f"the error for {name} must name {told}, got {error!r}"


def _error_of(fitted: Any, X: Any) -> str | None:
    """Return the message of the ValueError that items raise, or None."""
    try:
        fitted.transform(X)
    except ValueError as error:
        return str(error)
    return None
