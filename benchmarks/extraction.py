"""Bulk extraction: 500 files of 30 s into a store, against a plain script of joblib and librosa, and mere decoding.

``python -m benchmarks.extraction --quick`` takes 60 files and one turn, and writes nothing.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from audiofeat import load, synth
from audiofeat.store import open_store
from benchmarks._report import Times, machine, ratio, table, verdict

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "extraction.md"
PACKAGES = ("numpy", "soundfile", "numba", "librosa", "joblib")
RECORDINGS = ("Hungarian", "Karissa", "Sugar_Plum", "Vibe_Ace")  # in names of librosa_audio_ccby, over 30 s each
SR, DURATION, N_DISTINCT = 44100, 30, 12
N_FILES, TURNS = 500, 2
N_JOBS = 2
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
BARS = {"wav": ("plain script", 4.0), "flac": ("plain script", 2.3), "mp3": ("decoding", 0.8)}
SCRIPTS = {
    "audiofeat": f"""
import sys
from audiofeat import FrontEnd
from audiofeat.extraction import extract_features

extract_features(sys.argv[1], sys.argv[2] + "/store", features=FrontEnd({SR}), n_jobs={N_JOBS})
""",
    "plain script": f"""
import sys
from pathlib import Path
import joblib
import librosa
import numpy as np

def extract(path, folder):
    y, sr = librosa.load(path, sr=None)
    decibels = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=sr), top_db=None)
    np.save(folder / (path.name + ".npy"), decibels)

paths, folder = sorted(Path(sys.argv[1]).iterdir()), Path(sys.argv[2])
joblib.Parallel(n_jobs={N_JOBS})(joblib.delayed(extract)(path, folder) for path in paths)
""",
    "decoding": f"""
import sys
from pathlib import Path
import joblib
import soundfile

def decode(path):
    return len(soundfile.read(path, dtype="float32")[0])

joblib.Parallel(n_jobs={N_JOBS})(joblib.delayed(decode)(path) for path in sorted(Path(sys.argv[1]).iterdir()))
""",
}
REAPED = """
from joblib.externals.loky import get_reusable_executor

get_reusable_executor().shutdown(wait=True)
"""  # so that the time of the processes is known when the script ends
ABOUT = f"""\
Log-mel 2048/512/128 at the native rate, from files to files, with {N_JOBS} processes. Files are stereo at 44,100 Hz,
{DURATION} s long, of 16 bits or, for MP3, soundfile's default quality: {N_DISTINCT} different ones, of music, under
hard links, in the page cache. The plain script is `librosa.load(sr=None)`, `melspectrogram` and `power_to_db` under
`joblib.Parallel`, and saves a .npy for each file; decoding is `soundfile.read` under the same, and nothing else.

Each side is a program of its own, start-up included, one thread to a process, and does all files before the next
takes its turn. Rates are of the wall clock; where other programs have a share of the machine they are lower than its
own, and noisy. The processor's time, of a program with all its processes, is not so. Shown is the middle of turns, and
of ratios the lowest and the highest too: how many times as many files audiofeat does as the side in the column of the
bar, by rate and by processor time.

The deviation is the largest from the plain script in dB, in bands within 60 dB of the frame's peak.
"""

Array = NDArray[Any]


def signals() -> Iterator[Array]:
    """Yield signals in stereo, shape (n_samples, 2): excerpts of recordings if there are any, else made-up music."""
    n_samples, rng = SR * DURATION, np.random.default_rng(0)
    data = Path(os.environ.get("AUDIOFEAT_DATA", "")) / "librosa_audio_ccby"
    sources = [load(path, sr=SR)[0] for name in RECORDINGS for path in sorted(data.glob(f"*{name}*.ogg"))]
    if not sources:
        sources = list(synth.genre_corpus(1, sr=SR, duration=DURATION, random_state=0).y)
    for i in range(N_DISTINCT):
        both = []
        for y in (sources[i % len(sources)], sources[(i + 1) % len(sources)]):
            start = int(rng.integers(max(1, len(y) - n_samples + 1)))
            both.append(np.resize(y[start : start + n_samples], n_samples))
        middle, side = both
        y = np.stack([middle + 0.3 * side, middle - 0.3 * side], axis=1)
        y += 0.003 * rng.standard_normal(y.shape)  # recordings of half the rate have nothing in the upper half
        yield 0.9 * y / np.abs(y).max()


def write_files(folder: Path, n_files: int) -> None:
    """Write a folder of files for each coding."""
    for coding in BARS:
        (folder / coding).mkdir()
    for i, y in enumerate(signals()):
        for coding in BARS:
            first = folder / coding / f"{i:04}.{coding}"
            sf.write(first, y, SR)
            for j in range(i + N_DISTINCT, n_files, N_DISTINCT):
                os.link(first, folder / coding / f"{j:04}.{coding}")


def run(side: str, inputs: Path, output: Path) -> tuple[float, float]:
    """Run the program of a side, and return its seconds by the wall clock and by the processor."""
    output.mkdir()
    code = SCRIPTS[side] + (REAPED if side != "audiofeat" else "")
    started = time.perf_counter()
    program = subprocess.Popen([sys.executable, "-c", code, inputs, output], env=os.environ | ONE_THREAD)
    _, status, usage = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if program.returncode:
        raise subprocess.CalledProcessError(program.returncode, side)
    return wall, usage.ru_utime + usage.ru_stime


def deviation(store: Path, plain: Path) -> float:
    """Return the largest deviation of features from those of the plain script, in dB, near the peaks of frames."""
    worst = 0.0
    opened = open_store(store)
    for path in opened.paths[:N_DISTINCT]:
        found, expected = opened[path], np.load(plain / f"{Path(path).name}.npy")
        loud = expected > expected.max(axis=0) - 60.0
        worst = max(worst, float(np.abs(found - expected)[loud].max()))
    return worst


def measure(inputs: Path, n_files: int, n_turns: int) -> tuple[list[Times], list[Times], float]:
    """Return a folder's times of sides in turns, of the wall and of the processor, in ms a file; and the deviation."""
    walls: list[Times] = []
    costs: list[Times] = []
    worst = 0.0
    for _ in range(n_turns):
        with tempfile.TemporaryDirectory(dir=inputs.parent) as scratch:
            outputs = {side: Path(scratch) / side.replace(" ", "_") for side in SCRIPTS}
            times = {side: run(side, inputs, output) for side, output in outputs.items()}
            worst = max(worst, deviation(outputs["audiofeat"] / "store", outputs["plain script"]))
        walls.append({side: 1e3 * wall / n_files for side, (wall, _) in times.items()})
        costs.append({side: 1e3 * cost / n_files for side, (_, cost) in times.items()})
    return walls, costs, worst


def page(n_files: int, n_turns: int) -> str:
    """Measure, and return the page."""
    rates: list[tuple[str, ...]] = []
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), n_files)
        for coding, (other, bar) in BARS.items():
            walls, costs, worst = measure(Path(folder) / coding, n_files, n_turns)
            for side in SCRIPTS:
                wall = float(np.median([turn[side] for turn in walls]))
                cost = float(np.median([turn[side] for turn in costs]))
                rates.append((coding, side, f"{1e3 / wall:.0f}", f"{1e3 * DURATION / wall:,.0f}", f"{cost:.1f}"))
            row = [coding, other]
            for runs in (walls, costs):
                value, text = ratio([*runs, *runs], other, "audiofeat")
                bars, met = verdict([value], (bar,))
                row += [text, bars, met]
            against, _ = ratio([*costs, *costs], "plain script", "audiofeat")
            rows.append((*row, f"{against:.1f}", f"{worst:.0e}"))
    what = ["coding", "side", "files/s", "times real time", "processor, ms a file"]
    head = ["coding", "against", "by rate", "bar", "met", "by processor time", "bar", "met"]
    head += ["plain script / audiofeat, processor", "deviation, dB"]
    turns = f"{n_files} files a side, {n_turns} turn{'s' * (n_turns > 1)}.\n"
    return "# Extraction\n\n" + "\n".join([machine(PACKAGES), ABOUT, turns, table(what, rates), table(head, rows)])


def main() -> None:
    """Print the page, and write it unless asked to be quick."""
    is_quick = "--quick" in sys.argv[1:]
    text = page(60, 1) if is_quick else page(N_FILES, TURNS)
    print(text)
    if not is_quick:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
