"""How kernels are compiled: seldom, kept on disk where that can be done, and without fuss where it cannot."""

import os
import shutil
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numba
import numpy as np
import pytest

from audiofeat import fit_ar, logmel, warmup

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="with JIT off nothing is compiled")

ROOT = Path(__file__).parents[1]
NO_SOURCES = shutil.ignore_patterns("__pycache__")


def python(script, *, folder=ROOT, timeout=120.0, **env):
    """Return the lines that a fresh process prints, in which a warning or a word on stderr is an error."""
    ours = ("NUMBA_", "XDG_", "PYTHON")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | env
    command = [sys.executable, "-B", "-W", "error", "-c", script]
    run = subprocess.run(command, cwd=folder, env=env, check=False, capture_output=True, text=True, timeout=timeout)
    assert (run.returncode, run.stderr) == (0, ""), run.stderr
    return run.stdout.splitlines()


# Every front end, and every form of a signal that NumPy knows.
FRONT_ENDS = """
import sys

import numpy as np

import audiofeat
from audiofeat import FrontEnd, fit_ar, list_presets, logmel, melspectrogram, mfcc, preset, segment
from audiofeat import spectrogram, stft
from audiofeat._kernels.frames import analyse, finish_levels

FRAMES = {
    22050.0: {"n_fft": 2048, "hop_length": 512},
    16000.0: {"n_fft": 400, "hop_length": 160, "win_length": 320, "window": "hamming", "pad_mode": "reflect"},
    8000.0: {"n_fft": 225, "hop_length": 300, "window": ("kaiser", 6.0), "center": False},
    44100.0: {"n_fft": 509, "hop_length": 200, "window": "boxcar"},  # a prime: by SciPy
    1.0: {"n_fft": 4, "hop_length": 50, "window": [0.1, 0.5, 1.0, 0.5]},
}


def forms(dtype):
    y = np.random.default_rng(0).uniform(-1, 1, (2, 3000)).astype(dtype)
    frozen = y.copy()
    frozen.flags.writeable = False
    unaligned = np.zeros(y.nbytes + 1, np.uint8)[1:].view(dtype).reshape(y.shape)
    unaligned[:] = y
    assert not unaligned.flags.aligned
    views = [y, y[0], frozen, frozen[1], y[:, ::2], y[:, ::-1], np.broadcast_to(y[0], (1, 2, 3000))]
    return [*views, np.asfortranarray(y), y.astype(y.dtype.newbyteorder()), unaligned]


def front_ends(y):
    for sr, frames in FRAMES.items():
        stft(y, **frames)
        for power in (0.5, 1.0, 2.0):
            spectrogram(y, power=power, workers=2, **frames)
        bands = {"n_mels": 9, **frames}
        melspectrogram(y, sr, **bands)
        logmel(y, sr, **bands)
        logmel(y, sr, ref=np.max, top_db=80.0, **bands)
        mfcc(y, sr, n_mfcc=5, **bands)
        mfcc(y, sr, n_mfcc=5, top_db=80.0, **bands)
    for name in list_presets():
        preset(name)(y)
    for compression in ("log", "log1p", "log10_1p"):
        FrontEnd(22050, compression=compression, max_frames=3)(y)
    front_end = FrontEnd(22050, n_fft=512, n_mels=20)
    front_end.map([y, y[..., :700]], workers=2)
    front_end.patches(y, 2)
    list(front_end.stream(np.array_split(y, 3, axis=-1), n_frames=2))


def signatures():
    modules = [module for name, module in sys.modules.items() if name.startswith("audiofeat._kernels")]
    kernels = [(name, k) for module in modules for name, k in vars(module).items() if hasattr(k, "py_func")]
    return {name: len(kernel.signatures) for name, kernel in kernels}
"""

COUNT = """
for dtype in ("float32", "float64"):
    for y in forms(dtype):
        front_ends(y)
    print(len(analyse.signatures), len(finish_levels.signatures))
front_ends(np.arange(-1500, 1500, dtype=np.int16))
print(len(analyse.signatures), len(finish_levels.signatures))
"""


@pytest.mark.slow
def test_one_specialisation_a_dtype_serves_every_size_front_end_and_form_of_signal():
    assert python(FRONT_ENDS + COUNT) == ["1 1", "2 2", "2 2"]


WARM = """
audiofeat.warmup()
before = signatures()
assert before.keys() >= {"analyse", "finish_levels", "autocorrelate", "levinson_durbin", "burg"}
assert before.keys() >= {"moments", "count_below", "logs_and_sums", "extremes", "find_peaks"}
for dtype in ("float32", "float64"):
    y = forms(dtype)[0]
    front_ends(y)
    for method in ("yule_walker", "burg", "covariance"):
        fit_ar(y, order=3, method=method)
    for sr in (22050.0, 800.0):
        audiofeat.describe(y, sr)
    for recipe in ("default", "ucsd2020"):
        segment(y, 300.0, preset=recipe)
assert signatures() == before, (before, signatures())
print(len(analyse.signatures), len(finish_levels.signatures))
"""


@pytest.mark.slow
def test_after_warmup_nothing_is_compiled():
    assert python(FRONT_ENDS + WARM) == ["2 2"]


ONE_DTYPE = """
import audiofeat
from audiofeat._kernels.frames import analyse

audiofeat.warmup(("float64",))
print(*(signature[0].dtype for signature in analyse.signatures))
"""


def test_warmup_makes_the_dtypes_it_is_asked_for():
    assert python(ONE_DTYPE) == ["float64"]


@pytest.mark.parametrize("dtypes", [("int16",), ("float32", "float16"), ("nonsense",)])
def test_warmup_refuses_other_dtypes(dtypes):
    with pytest.raises(ValueError, match=f"dtypes must .*{dtypes[-1]}"):
        warmup(dtypes)


SHOW = """
import zlib

import numpy as np

import audiofeat
from audiofeat._kernels.frames import analyse

for dtype in {dtypes}:
    before = sum(analyse.stats.cache_hits.values())
    S = audiofeat.logmel(np.sin(np.arange(9000.0)).astype(dtype), 8000, workers=2)
    print(dtype, zlib.crc32(S), sum(analyse.stats.cache_hits.values()) - before, float(S.mean()))
"""


def shown(*hits):
    """What `SHOW` prints but for the mean, by this process's results: of float32, then of float64."""
    lines = []
    for dtype, n_hits in zip(("float32", "float64"), hits, strict=False):
        S = logmel(np.sin(np.arange(9000.0)).astype(dtype), 8000)
        lines.append(f"{dtype} {zlib.crc32(S)} {n_hits} {float(S.mean())}")
    return lines


FLOAT32, BOTH = SHOW.format(dtypes=["float32"]), SHOW.format(dtypes=["float32", "float64"])


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A copy of the package, with a cache of its code for both dtypes."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(ROOT / "audiofeat", folder / "audiofeat", ignore=NO_SOURCES)
    assert python(BOTH, folder=folder, NUMBA_CACHE_DIR=str(folder / "cache")) == shown(0, 0)
    return folder


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_second_process_compiles_nothing(installed):
    cache = installed / "cache"
    before = files(cache)
    assert {path.suffix for path in before} == {".nbi", ".nbc"}
    assert python(BOTH, folder=installed, NUMBA_CACHE_DIR=str(cache)) == shown(1, 1)
    assert files(cache) == before


LOUDER = """

plain = logarithm


def logarithm(*args):
    return plain(*args) * 2.0
"""


@pytest.mark.slow
def test_code_of_other_sources_is_not_used(installed, tmp_path):
    """What a kernel calls lies in other files too, which numba does not watch."""
    cache = shutil.copytree(installed / "cache", tmp_path / "cache")
    source = installed / "audiofeat" / "_kernels" / "bands.py"
    text = source.read_text()
    try:
        source.write_text(text + LOUDER)
        (edited,) = python(FLOAT32, folder=installed, NUMBA_CACHE_DIR=str(cache))
    finally:
        source.write_text(text)
    *_, n_hits, mean = edited.split()
    assert n_hits == "0"
    assert float(mean) == pytest.approx(2.0 * float(shown(0)[0].split()[-1]))
    assert python(FLOAT32, folder=installed, NUMBA_CACHE_DIR=str(cache)) == shown(1)


@pytest.mark.slow
def test_without_a_folder_for_a_cache_all_is_compiled_in_silence(tmp_path):
    """A file in the place of `__pycache__`, and no home, stop even the superuser from writing a cache."""
    shutil.copytree(ROOT / "audiofeat", tmp_path / "audiofeat", ignore=NO_SOURCES)
    for folder in [path for path in tmp_path.rglob("*") if path.is_dir()]:
        (folder / "__pycache__").touch()
    assert python(FLOAT32, folder=tmp_path, HOME="/proc/nope") == shown(0)
    assert not [path for path in files(tmp_path) if path.suffix in {".nbi", ".nbc"}]


@pytest.mark.slow
def test_code_for_another_dtype_is_not_used(installed, tmp_path):
    """Two processes that fill an empty cache at once may both take the number 1 for theirs."""
    cache = shutil.copytree(installed / "cache", tmp_path / "cache")
    (ours,) = cache.rglob("*analyse*.1.nbc")
    (other,) = cache.rglob("*analyse*.2.nbc")
    shutil.copy(other, ours)
    assert python(FLOAT32, folder=installed, NUMBA_CACHE_DIR=str(cache)) == shown(0)
    assert python(FLOAT32, folder=installed, NUMBA_CACHE_DIR=str(cache)) == shown(1)


# The policy is the same for every kernel; these are compiled in half a second.
FIT = """
import os
import shutil
from pathlib import Path

from audiofeat import fit_ar
from audiofeat._kernels.prediction import levinson_durbin

fit_ar  # imports the kernels, and finds them a cache
cache = Path(os.environ["NUMBA_CACHE_DIR"])
assert cache.is_dir()
{mishap}
print(fit_ar([1.0, -0.5, 0.25, -0.125], order=1).coefficients[1], sum(levinson_durbin.stats.cache_hits.values()))
"""


def fitted(n_hits):
    return [f"{fit_ar([1.0, -0.5, 0.25, -0.125], order=1).coefficients[1]} {n_hits}"]


LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))"
MISHAPS = {
    "removed": "shutil.rmtree(cache)",
    "a file": "shutil.rmtree(cache); cache.touch()",
    "full": LIMIT.format(0),  # nothing can be written, as on a disk that is full
    "nearly full": LIMIT.format(4096),  # an index can be written, but no code
}


@pytest.mark.parametrize("mishap", MISHAPS)
def test_a_cache_that_fails_after_the_import_is_no_error(mishap, tmp_path):
    if "resource" in MISHAPS[mishap]:
        pytest.importorskip("resource")
    cache = str(tmp_path / "cache")
    assert python(FIT.format(mishap=MISHAPS[mishap]), NUMBA_CACHE_DIR=cache) == fitted(0)
    if mishap != "a file":
        hits = 1 if mishap == "removed" else 0
        assert python(FIT.format(mishap=""), NUMBA_CACHE_DIR=cache) == fitted(hits)


@pytest.fixture(scope="module")
def fit_cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit") / "cache"
    assert python(FIT.format(mishap=""), NUMBA_CACHE_DIR=str(folder)) == fitted(0)
    return folder


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        ("*.nb?", lambda content: b""),  # what a crash of the machine leaves of a file that was just written
        ("*.nbc", lambda content: content[:-100]),
        ("*.nbi", lambda content: bytes(reversed(content))),
    ],
)
def test_a_damaged_cache_is_made_anew(pattern, damage, fit_cache, tmp_path):
    cache = shutil.copytree(fit_cache, tmp_path / "cache")
    paths = list(cache.rglob(pattern))
    assert len(paths) >= 2
    for path in paths:
        path.write_bytes(damage(path.read_bytes()))
    assert python(FIT.format(mishap=""), NUMBA_CACHE_DIR=str(cache)) == fitted(0)
    assert python(FIT.format(mishap=""), NUMBA_CACHE_DIR=str(cache)) == fitted(1)


LAYER = """
import numba
import numpy as np

import audiofeat

audiofeat.logmel(np.zeros(1 << 22, np.float32), 8000, workers=2)
try:
    numba.threading_layer()
except ValueError as error:
    print(error)
"""


def test_numbas_threads_are_not_started():
    """One of its layers hangs after a fork, another is aborted when two threads call at once."""
    assert python(LAYER) == ["Threading layer is not initialized."]


def test_no_thread_is_left(monkeypatch):
    started = []
    start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda thread: (started.append(thread), start(thread)))
    before = threading.enumerate()
    logmel(np.zeros(1 << 22, np.float32), 8000, workers=3)
    assert len(started) == 2  # and the calling one
    assert threading.enumerate() == before
