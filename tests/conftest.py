"""Profiles of hypothesis, and the gate to the recordings named by AUDIOFEAT_DATA."""

import os
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
import reference
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

Array = NDArray[Any]

# Compiling takes longer than any deadline; derandomised, so that a change is judged by its diff.
COMMON = {"deadline": None, "print_blob": True, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", derandomize=True, max_examples=50, database=None, **COMMON)
settings.register_profile("explore", max_examples=1000, **COMMON)
settings.register_profile("quick", derandomize=True, max_examples=8, database=None, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure(config: pytest.Config) -> None:
    """Fill librosa's cache of compiled code before several processes do.

    Of two that begin a cache at once, each may load the other's code for its own: a crash in `beat_track`, seen in
    fresh environments.
    """
    if numba.config.DISABLE_JIT or hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        return
    import librosa

    for dtype in ("float32", "float64"):
        y = np.random.default_rng(0).standard_normal(22050).astype(dtype)
        librosa.beat.beat_track(y=y)
        librosa.effects.hpss(y)
        librosa.cqt(y)
        librosa.segment.recurrence_matrix(librosa.feature.mfcc(y=y), mode="affinity")
        for feature in ("chroma_stft", "tempogram", "zero_crossing_rate"):
            getattr(librosa.feature, feature)(y=y)


# Whose slow tests take minutes each, or many of them: CI leaves them to `.ci/long`.
LONG = ("test_extraction", "test_nn_", "test_store")
SHORT = ("test_nn_recipes",)  # a few steps of every recipe are for CI


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real recordings; tests that ask for it carry the marker `realdata`."""
    return Path(os.environ["AUDIOFEAT_DATA"])


# With JIT off a kernel takes a tenth of a second for any signal, and minutes for a song. Those that everything goes
# through therefore run in the tests whose subject they are alone; in all others NumPy does the same at once.
KERNELS = {"ar", "cepstrum", "engine", "fourier", "lanes", "mel"}


@pytest.fixture(autouse=True)
def _numpy_in_place_of_kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if numba.config.DISABLE_JIT and request.path.stem.removeprefix("test_") not in KERNELS:
        monkeypatch.setattr("audiofeat.ar.autocorrelate", autocorrelate)
        monkeypatch.setattr("audiofeat.fourier.engine.is_smooth", lambda n_fft: False)  # SciPy transforms
        for path in ("fourier.engine", "descriptors._blocks"):
            monkeypatch.setattr(f"audiofeat.{path}.finish_levels", finish_levels)
        for path in ("distances", "profiles"):
            monkeypatch.setattr(f"audiofeat.{path}.melspectrogram", reference.melspectrogram)


def autocorrelate(frames: Array, autocorr: Array) -> None:
    for y, r in zip(frames, autocorr, strict=True):
        r[:] = [y[: len(y) - k] @ y[k:] for k in range(len(r))]


def finish_levels(
    levels: Array, n_rows: int, width_in: int, first: int, stop: int, finish: Any, _: Any, shift: int, width_out: int,
    out: Array,
) -> None:  # fmt: skip
    from audiofeat._kernels.arguments import LOG, LOG_1P
    from audiofeat._kernels.bands import log_of, log_of_1_plus

    S = weighed(finish.bank, levels.reshape(-1, width_in)[:n_rows, first:stop])
    with np.errstate(all="ignore"):
        logs = finish.scale, finish.octave, finish.rest
        if finish.compression == LOG:
            S = log_of(S, finish.least, *logs, finish.offset, finish.floor)
        elif finish.compression == LOG_1P:
            S = log_of_1_plus(S, finish.factor, *logs)
        S = weighed(finish.cosines, S) if len(finish.cosines.starts) else S
    out.reshape(-1, width_out)[:, first + shift : stop + shift] = S


def weighed(bank: Any, S: Array) -> Array:
    """Return the product with a matrix, to the same bits for a column whatever lies beside it."""
    product, used = np.zeros((len(bank.starts), S.shape[1]), S.dtype), 0
    for row, start, end in zip(product, bank.starts, bank.ends, strict=True):
        if end > start:
            weights = bank.weights[used : used + end - start, None]
            row[:] = np.cumsum(weights * S[start:end], axis=0, dtype=np.float64)[-1]
            used += end - start
    return product


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and item.path.name.startswith(LONG) and not item.path.name.startswith(SHORT):
            item.add_marker("long")
    folder = os.environ.get("AUDIOFEAT_DATA")
    if folder and Path(folder).is_dir():
        return
    skip = pytest.mark.skip(reason="AUDIOFEAT_DATA is not set to a folder of recordings")
    for item in items:
        if "data" in getattr(item, "fixturenames", ()) or item.get_closest_marker("realdata"):
            item.add_marker(skip)
