"""The sides of a comparison of segmenters: ours, librosa's two, ruptures, MSAF, and what needs no method."""

import atexit
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import librosa
import numpy as np
import scipy.linalg
import scipy.ndimage
import scipy.sparse.csgraph
import soundfile
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler

import audiofeat
from benchmarks._report import MISSING
from benchmarks._sides import optional

HOP = 512
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
Array = NDArray[Any]


class Found(NamedTuple):
    """Boundaries in seconds, first and last included; labels, if there are any; time, if another process took it."""

    boundaries: Array
    labels: list[str] | None
    seconds: float | None = None


Call = Callable[[Array, int, int | None, int | None], Found]


@dataclass(frozen=True)
class Side:
    """A row of the tables: who it is, what it is told, and how to call it.

    A call takes a signal, its rate, and the true numbers of labels and of segments, None where it is not told.
    """

    name: str
    call: Call
    role: str  # "ours", "peer" or "floor"
    told: tuple[str, ...] = ()  # of "labels", "segments"
    missing: str = ""  # why it cannot be called

    def __call__(self, y: Array, sr: int, n_labels: int, n_segments: int) -> Found:
        """Segment a signal, with no more told than the side is."""
        numbers = {"labels": n_labels, "segments": n_segments}
        return self.call(y, sr, *(numbers[name] if name in self.told else None for name in numbers))


ALONE = ("sem", "cepstra", "logmel", "dynamics", "semitones", "chroma", "rhythm")
OURS: tuple[tuple[str, dict[str, Any]], ...] = (  # name, keywords of segment
    ("audiofeat", {}),
    *((f"audiofeat, {name} alone", {"distances": name}) for name in ALONE),
    ("audiofeat, graph of windows", {"graph": "knn"}),
    ("audiofeat, the same, time-lag median", {"graph": "knn", "timelag": 7}),
    ("audiofeat, graph by SEM, local scale", {"graph": "local"}),
    ("audiofeat, preset ucsd2020", {"preset": "ucsd2020"}),
)


def with_audiofeat(keywords: dict[str, Any], y: Array, sr: int, n_labels: int | None, _n_segments: int | None) -> Found:
    """Segment by the library."""
    found = audiofeat.segment(y, sr, n_clusters=n_labels, **keywords)
    return Found(found.boundaries, found.labels)


def _cqt(y: Array, sr: int) -> Array:
    """Return a CQT in dB: of log-mel, MFCC and this, what serves the two peers below best on development seeds."""
    return np.asarray(librosa.amplitude_to_db(np.abs(librosa.cqt(y=y, sr=sr, hop_length=HOP)), ref=np.max))


def with_agglomeration(y: Array, sr: int, n_labels: int | None, n_segments: int | None) -> Found:
    """Cut by librosa's agglomerative segmentation of CQT frames; label by k-means of the segments' means."""
    assert n_segments is not None
    cqt = _cqt(y, sr)
    starts: Any = librosa.segment.agglomerative(cqt, n_segments)
    means = librosa.util.sync(cqt, starts)
    clusters = KMeans(n_labels, n_init=10, random_state=0).fit_predict(means.T)
    times = librosa.frames_to_time(starts, sr=sr, hop_length=HOP)
    return Found(np.append(times, len(y) / sr), [str(cluster) for cluster in clusters])


def with_laplacian(y: Array, sr: int, n_labels: int | None, _n_segments: int | None) -> Found:
    """Segment by librosa's recipe of spectral clustering (McFee and Ellis, 2014), as its gallery has it."""
    cqt = np.abs(librosa.cqt(y=y, sr=sr, bins_per_octave=36, n_bins=252))
    starts = _beats(y, sr, cqt.shape[1])
    harmony = librosa.util.sync(librosa.amplitude_to_db(cqt, ref=np.max), starts, aggregate=np.median)
    timbre = librosa.util.sync(librosa.feature.mfcc(y=y, sr=sr), starts)

    repetition: Any = librosa.segment.recurrence_matrix(harmony, width=3, mode="affinity", sym=True)
    repetition = librosa.segment.timelag_filter(scipy.ndimage.median_filter)(repetition, size=(1, 7))
    steps = np.square(np.diff(timbre, axis=1)).sum(axis=0)
    near = np.exp(-steps / np.median(steps))
    path = np.diag(near, 1) + np.diag(near, -1)
    of_path, of_both = path.sum(axis=1), path.sum(axis=1) + repetition.sum(axis=1)
    mu = of_path @ of_both / (of_both @ of_both)
    laplacian: Any = scipy.sparse.csgraph.laplacian(mu * repetition + (1.0 - mu) * path, normed=True)

    _, vectors = scipy.linalg.eigh(laplacian)
    vectors = scipy.ndimage.median_filter(vectors, size=(9, 1))[:, :n_labels]
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    clusters = KMeans(n_labels, n_init=10, random_state=0).fit_predict(vectors / np.maximum(norms, 1e-12))
    changes = np.append(0, np.flatnonzero(np.diff(clusters)) + 1)
    times = librosa.frames_to_time(starts[changes], sr=sr)
    return Found(np.append(times, len(y) / sr), [str(cluster) for cluster in clusters[changes]])


def _beats(y: Array, sr: int, n_frames: int) -> Any:
    """Return the frames where beats start, with 0; every half second where fewer than 16 are found."""
    _, beats = librosa.beat.beat_track(y=y, sr=sr, trim=False)
    if len(beats) < 16:  # the recipe has no answer: its graph leaves out three neighbours on each side
        beats = librosa.time_to_frames(np.arange(0.0, len(y) / sr, 0.5), sr=sr)
    return librosa.util.fix_frames(beats[beats < n_frames], x_min=0)


def with_kernels(ruptures: Any, y: Array, sr: int, _n_labels: int | None, n_segments: int | None) -> Found:
    """Cut by KernelCPD of ruptures, radial kernel, on the standardised CQT of about a quarter of a second each."""
    assert n_segments is not None
    cqt = _cqt(y, sr)
    n_each = round(sr / HOP / 4.0)
    frames = librosa.util.sync(cqt, range(0, cqt.shape[1], n_each)).T
    algorithm = ruptures.KernelCPD(kernel="rbf", min_size=2).fit(StandardScaler().fit_transform(frames))
    ends = np.array(algorithm.predict(n_bkps=n_segments - 1)[:-1])
    return Found(np.concatenate([[0.0], ends * n_each * HOP / sr, [len(y) / sr]]), None)


def one_label(y: Array, sr: int, _n_labels: int | None, _n_segments: int | None) -> Found:
    """Take the signal for one section."""
    return Found(np.array([0.0, len(y) / sr]), ["A"])


def grid(y: Array, sr: int, _n_labels: int | None, _n_segments: int | None) -> Found:
    """Cut every 8 s."""
    duration = len(y) / sr
    return Found(np.append(np.arange(0.0, duration, 8.0), duration), None)


MSAF = """
import json, os, sys, time, warnings
warnings.simplefilter("ignore")
import msaf
for line in sys.stdin:
    path, boundaries, labels = json.loads(line)
    if os.path.exists(".features_msaf_tmp.json"):  # or it takes the features of the file before
        os.remove(".features_msaf_tmp.json")
    start = time.process_time()
    try:
        found = msaf.process(path, boundaries_id=boundaries, labels_id=labels, feature="mfcc", plot=False)
        times, names = [float(x) for x in found[0]], [str(x) for x in found[1]]
    except Exception as error:
        times, names = None, repr(error)
    print("found", json.dumps([times, names, time.process_time() - start]), flush=True)
"""


class Msaf:
    """MSAF in a process of another interpreter: it needs older packages than we do, and writes beside what it reads."""

    def __init__(self, python: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [python, "-c", MSAF],
            cwd=self.folder.name,
            env={**os.environ, "PYTHONPATH": "", **dict.fromkeys(THREADS, "1")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        atexit.register(self.close)

    def close(self) -> None:
        """End the process, and remove what it wrote."""
        self.process.communicate()
        self.folder.cleanup()

    def __call__(
        self, methods: tuple[str, str], y: Array, sr: int, _n_labels: int | None, _n_segments: int | None
    ) -> Found:
        """Segment by a method for boundaries and one for labels."""
        assert self.process.stdin
        assert self.process.stdout
        path = Path(self.folder.name) / "item.wav"
        soundfile.write(path, y, sr)
        print(json.dumps([str(path), *methods]), file=self.process.stdin, flush=True)
        for line in self.process.stdout:
            if line.startswith("found "):
                times, labels, seconds = json.loads(line.removeprefix("found "))
                if times is None:
                    raise RuntimeError(labels)
                return Found(np.array(times), labels, seconds)
        msg = "the process of MSAF ended"
        raise RuntimeError(msg)


def msaf_versions(python: str) -> tuple[str, str]:
    """Return what an interpreter runs MSAF with, and why it cannot, if it cannot."""
    code = "import platform, importlib.metadata as m; print('Python', platform.python_version(), end='')\n"
    code += "for name in ('msaf', 'numpy', 'scipy', 'librosa'): print(',', name, m.version(name), end='')\n"
    code += "print(flush=True)\nimport msaf"
    env = {**os.environ, "PYTHONPATH": ""}
    run = subprocess.run([python, "-c", code], env=env, capture_output=True, text=True, check=False)
    why = run.stderr.strip().rpartition("\n")[2] if run.returncode else ""
    return run.stdout.partition("\n")[0], MISSING if "PackageNotFoundError" in why else why


def sides(ours: tuple[tuple[str, dict[str, Any]], ...], python: str) -> list[Side]:
    """Return all sides: ours by name and keywords of `audiofeat.segment`; `python` is where MSAF may be installed."""
    ruptures, (_, without) = optional("ruptures"), msaf_versions(python)
    msaf: Any = one_label if without else Msaf(python)
    kernels = partial(with_kernels, ruptures)
    return [
        Side(ours[0][0], partial(with_audiofeat, ours[0][1]), "ours"),
        *(Side(name, partial(with_audiofeat, keywords), "ours", ("labels",)) for name, keywords in ours),
        Side("librosa, Laplacian recipe", with_laplacian, "peer", ("labels",)),
        Side("librosa, agglomerative", with_agglomeration, "peer", ("labels", "segments")),
        Side("ruptures, KernelCPD", kernels, "peer", ("segments",), "" if ruptures else MISSING),
        Side("MSAF, sf + fmc2d", partial(msaf, ("sf", "fmc2d")), "peer", (), without),
        Side("MSAF, scluster", partial(msaf, ("scluster", "scluster")), "peer", (), without),
        Side("one label", one_label, "floor"),
        Side("every 8 s", grid, "floor"),
    ]
