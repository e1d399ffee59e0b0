"""Front ends against librosa, torch and Kaldi: time, agreement with double precision, memory, first calls.

``python -m benchmarks.frontends --quick`` leaves out what takes long, and writes nothing.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

import audiofeat
from benchmarks._report import MISSING, Call, machine, middle, race, ratio, seconds, table, verdict
from benchmarks._sides import Array, Work, deviation, exactly, optional, ours, sides, signal

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks" / "frontends.md"
PACKAGES = ("numpy", "scipy", "numba", "librosa", "torch", "kaldi-native-fbank")
PEERS = ("librosa", "torch")
SIDES = ("audiofeat", *PEERS)
STATUS = Path("/proc/self/status")
RUNS = 3
CPU = time.process_time  # other load stops a long call more often than a short one, and this clock with it

HOUR = Work("log-mel, 1 hour", bars=(15, 15), duration=3600, rounds=2)
WORKS = (  # the bars are the least ratios to librosa and torch
    Work("log-mel, 30 s", bars=(10, 8)),
    HOUR,
    Work("magnitude STFT 1024/512, 30 s", "magnitude", (5, 4), n_fft=1024),
    Work("complex STFT 2048/512, 30 s", "complex", (4.5, 2.5)),
    Work("pons2016, 30 s", "logmel", (7, 4), 30, 44100, 2048, 1024, "blackmanharris", 40),
    Work("whisper, 30 s", "logmel", (7, 4), 30, 16000, 400, 160, "hann", 80),
    Work("log-mel, 30 s, float64", dtype="float64"),
    Work("20 MFCC, 30 s", "mfcc"),
    Work("log-mel, 100 clips of 1 s", duration=1, n_clips=100),
    Work("log-mel, 1 s", duration=1, rounds=200),
)
SHARED = (  # of the time of one worker to that of two; 30 s are left to one, and two equal calls differ by noise
    Work("log-mel, 30 s", bars=(0.95,), rounds=100),
    Work("log-mel, 10 minutes", bars=(1.8,), duration=600, rounds=15),
)
FBANK = Work("log-mel", sr=16000, rounds=10)
FIRST_CALLS = {
    "audiofeat": "import audiofeat, numpy; audiofeat.logmel(numpy.zeros(22050, 'float32'), 22050)",
    "librosa": "import librosa, numpy; y = numpy.zeros(22050, 'float32'); "
    "librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=22050))",
}
ABOUT = f"""\
Log-mel is 2048/512/128 at 22,050 Hz: `n_fft`, hop, bands. pons2016 is 2048/1024/40 under a Blackman-Harris window at
44,100 Hz, whisper 400/160/80 at 16,000 Hz. Data are float32 unless said. One process, one thread a side. The sides
take turns, so each finds the caches as the others leave them, and all return new arrays. librosa is
`power_to_db(melspectrogram(y))`; torch is `torch.stft`, the sum of squares, a product with our filter bank, and
`log10`, the fastest of the ways tried to write it, with window and bank made beforehand. A time is the median of a
run. Shown is the middle of {RUNS} runs, and of ratios the lowest and the highest too: on a shared machine they move,
though where there is one thread a side, times are of the processor and leave other processes out. The middle decides
whether a bar is met, by the peers that are installed.

The signal is noise, then a tone 84 dB above noise. Deviations are the largest from SciPy in float64: of log-mel in
dB, in bands within 60 dB / 100 dB of the frame's peak; of the others relative to the maximum of the frame.
"""


def against_peers(works: tuple[Work, ...]) -> str:
    """Return the table of times and deviations."""
    before = time.perf_counter(), time.process_time()
    runs = [[race(sides(work, signal(work)), work.rounds, CPU) for work in works] for _ in range(RUNS)]
    wall, busy = time.perf_counter() - before[0], time.process_time() - before[1]
    rows = []
    for work, *mine in zip(works, *runs, strict=True):
        y = signal(work)
        exact = exactly(work, y)
        gaps = {side: deviation(work, call(), exact) for side, call in sides(work, y).items()}
        values, ratios = zip(*(ratio(mine, peer, "audiofeat") for peer in PEERS), strict=True)
        times = [middle(mine, side) for side in SIDES]
        rows.append((work.name, *times, *ratios, *verdict(values, work.bars), *(gaps.get(s, MISSING) for s in SIDES)))
    head = [*(f"{side}, ms" for side in SIDES), *(f"{peer} / audiofeat" for peer in PEERS), "bar", "met"]
    load = f"\nMeanwhile the process had {busy / wall:.0%} of a core, and other processes the rest.\n"
    return table(["work", *head, *(f"deviation of {side}" for side in SIDES)], rows) + load


def by_workers() -> str:
    """Return the table of two threads against one."""
    rows = []
    for work in SHARED:
        y = signal(work)
        calls: dict[str, Call] = {str(n): partial(ours, work, y, n) for n in (1, 2)}
        runs = [race(calls, work.rounds) for _ in range(RUNS)]
        value, text = ratio(runs, "1", "2")
        rows.append((work.name, middle(runs, "1"), middle(runs, "2"), text, *verdict([value], work.bars)))
    return table(["work", "1 worker, ms", "2 workers, ms", "1 / 2", "bar", "met"], rows)


def against_kaldi() -> str:
    """Return a sentence on Kaldi's own features."""
    knf = optional("kaldi_native_fbank")
    if not knf:
        return f"kaldi-native-fbank is {MISSING}.\n"
    y = signal(FBANK)
    pcm = 32768.0 * y
    options = knf.FbankOptions()
    options.mel_opts.num_bins, options.frame_opts.dither = 80, 0.0

    def fbank() -> Array:
        stream = knf.OnlineFbank(options)
        stream.accept_waveform(FBANK.sr, pcm)
        stream.input_finished()
        return np.array([stream.get_frame(i) for i in range(stream.num_frames_ready)])

    front_end = replace(audiofeat.preset("kaldi"), n_mels=80)
    runs = [race({"audiofeat": partial(front_end, y), "Kaldi": fbank}, FBANK.rounds, CPU) for _ in range(RUNS)]
    _, text = ratio(runs, "Kaldi", "audiofeat")
    exact = front_end(y.astype(np.float64))
    gaps = [np.abs(found - exact) for found in (front_end(y), fbank().T)]
    medians, highest = [np.median(gap) for gap in gaps], [gap.max() for gap in gaps]
    return (
        f"kaldi-native-fbank, 80 bands of 25 ms every 10 ms, 30 s at 16,000 Hz: {middle(runs, 'Kaldi')} ms, beside "
        f"{middle(runs, 'audiofeat')} ms of our preset with 80 bands: ratio {text}. Deviation from ours in float64, in "
        f"natural logarithms, median / largest: ours in float32 {medians[0]:.0e} / {highest[0]:.0e}, Kaldi's "
        f"{medians[1]:.0e} / {highest[1]:.0e}.\n"
    )


def python(code: str, **environment: str) -> str:
    """Return what a fresh process prints."""
    command, env = [sys.executable, "-c", code], {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout


def peak(side: str) -> float:
    """Return the MB that an hour takes at most beyond input and output, for a process that does nothing else."""

    def resident(name: str) -> int:  # getrusage begins with the peak of the process that started this one
        return int(STATUS.read_text().partition(f"{name}:")[2].split()[0]) * 1024

    minute = replace(HOUR, duration=60)
    sides(minute, signal(minute))[side]()  # compiled, and tables made
    call = sides(HOUR, signal(HOUR))[side]
    before = resident("VmRSS")
    out = call()
    return (resident("VmHWM") - before - int(out.nbytes)) / 1e6


def memory() -> str:
    """Return the table of memory."""
    if not STATUS.exists():
        return "Memory is measured on Linux only.\n"
    rows = []
    for side in SIDES:
        if side == "torch" and not optional("torch"):
            rows.append((side, MISSING, "", ""))
            continue
        found = float(python(f"from benchmarks.frontends import peak; print(peak({side!r}))"))
        rows.append((side, f"{found:.0f}", *verdict([found], (64.0,) if side == "audiofeat" else (), most=True)))
    return table(["log-mel, 1 hour", "MB at most beyond input and output", "bar", "met"], rows)


def first_calls() -> str:
    """Return the table of first calls."""
    rows = []
    for side, code in FIRST_CALLS.items():
        ours_, empty, warm = side == "audiofeat", [], []
        for _ in range(RUNS if ours_ else 1):  # librosa compiles for long
            with tempfile.TemporaryDirectory() as cache:
                call = partial(python, code, NUMBA_CACHE_DIR=cache)
                empty.append(seconds(call))
                warm += [seconds(call) for _ in range(RUNS)]
        for name, times, bar in (("empty", empty, 5.0), ("warm", warm, 0.7)):
            mid = float(np.median(times))
            text = f"{mid:.2f} ({min(times):.2f}-{max(times):.2f})"
            rows.append((side, name, text, *verdict([mid], (bar,) if ours_ else (), most=True)))
    return table(["log-mel of 1 s in a fresh process", "cache of compiled code", "s", "bar", "met"], rows)


def report(quick: bool) -> Iterator[str]:
    """Yield the parts of the page."""
    yield machine(PACKAGES)
    yield ABOUT
    yield against_peers(tuple(work for work in WORKS if not (quick and work is HOUR)))
    yield against_kaldi()
    if not quick:
        yield by_workers()
        yield memory()
        yield first_calls()


def main() -> None:
    """Print the page, and write it unless asked to be quick."""
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # or threads of torch, imported below, burn what others are timed on
    optional("torch")
    quick = "--quick" in sys.argv[1:]
    parts = []
    with threadpool_limits(1):
        for part in report(quick):
            print(part, flush=True)
            parts.append(part)
    if not quick:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text("# Front ends\n\n" + "\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
