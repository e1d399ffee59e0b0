"""Profiles of hypothesis, and the gate to the recordings named by AUDIOFEAT_DATA."""

import os
from pathlib import Path

import numba
import numpy as np
import pytest
import reference
from hypothesis import HealthCheck, settings

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


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real recordings; tests that ask for it carry the marker `realdata`."""
    return Path(os.environ["AUDIOFEAT_DATA"])


# With JIT off the kernels of the front ends take a tenth of a second for any signal, so only their own tests use them.
FRONT_ENDS = {"cepstrum", "distances", "engine", "fourier", "frontend", "lanes", "mel", "presets", "streaming"}


@pytest.fixture(autouse=True)
def _front_ends_without_kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if numba.config.DISABLE_JIT and request.path.stem.removeprefix("test_") not in FRONT_ENDS:
        monkeypatch.setattr("audiofeat.fourier.engine.is_smooth", lambda n_fft: False)
        monkeypatch.setattr("audiofeat.distances.melspectrogram", reference.melspectrogram)
        monkeypatch.setattr("audiofeat.profiles.melspectrogram", reference.melspectrogram)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = os.environ.get("AUDIOFEAT_DATA")
    if folder and Path(folder).is_dir():
        return
    skip = pytest.mark.skip(reason="AUDIOFEAT_DATA is not set to a folder of recordings")
    for item in items:
        if "data" in getattr(item, "fixturenames", ()) or item.get_closest_marker("realdata"):
            item.add_marker(skip)
