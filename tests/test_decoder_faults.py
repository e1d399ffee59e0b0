"""Thousands of damaged files, each read in a process that may neither crash, hang, grow nor complain.

AUDIOFEAT_MUTATIONS is the number of mutants, 2000 by default, 10000 before a release. A failure names seeds;
``echo SEED | python tests/test_decoder_faults.py FOLDER`` does one again; a file at fault stays in FOLDER.
"""

import contextlib
import io
import json
import os
import re
import resource
import select
import signal
import struct
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mutations import CODINGS, mutant, ogg_pages, original, with_checksums

from audiofeat import AudioError, info, load, stream

MUTATIONS = int(os.environ.get("AUDIOFEAT_MUTATIONS", "2000"))
SECONDS, MEGABYTES = 10.0, 1000
SLACK = 2 * 1152  # samples that an MP3 may lack
READ, REFUSED, LOST = "read", "refused", "no report"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measures processes as Linux does")


# In the child: what may come of one file


def attempt(function):
    """Return the value and no reason, or no value and the reason of an AudioError; let nothing else pass."""
    try:
        return function(), ""
    except AudioError as error:
        return None, str(error)


def examine(path, rng):
    """Read one file in every way; return READ or REFUSED. Any other fault is an exception."""
    options = {
        "sr": (None, None, 22050, 16000.5)[rng.integers(4)],
        "mono": bool(rng.integers(2)),
        "offset": (0.0, 0.0, 0.1)[rng.integers(3)],
        "duration": (None, None, 0.15)[rng.integers(3)],
        "dtype": ("float32", "float32", "float64")[rng.integers(3)],
        "max_duration": 60.0,
    }
    block = int(2 ** rng.uniform(5, 17))
    header, unopened = attempt(partial(info, path))
    results = {}
    for truncated in ("raise", "keep"):
        options["truncated"] = truncated
        found, reason = attempt(partial(load, path, **options))
        blocks, same = attempt(lambda: list(stream(path, block=block, **options)))
        assert reason == same, f"load says {reason!r}, stream {same!r}"
        assert not unopened or reason == unopened, f"info says {unopened!r}, load {reason!r}"
        if found is None:
            assert re.fullmatch(re.escape(f"{path}: ") + r"[^\n]+", reason), f"not one line: {reason!r}"
            assert not re.search("malloc|memory", reason, re.IGNORECASE), reason
        else:
            check(found, blocks, block, header, options)
        results[truncated] = found
    if results["raise"] is None:
        return REFUSED
    y = results["raise"][0]
    assert np.array_equal(y, results["keep"][0]), "keep changes what is whole"
    if (options["sr"], options["offset"], options["duration"]) == (None, 0.0, None):
        slack = SLACK if header.format == "MP3" else 0
        assert y.shape[-1] >= (header.declared_samples or 0) - slack, f"{y.shape} of {header}"
    return READ


def check(found, blocks, block, header, options):
    y, sr = found
    assert sr == (options["sr"] or header.sr), f"{sr} Hz of {header}"
    expected = () if options["mono"] or header.n_channels == 1 else (header.n_channels,)
    longest = 1 + (options["duration"] or options["max_duration"]) * sr + sr / header.sr
    assert y.shape[:-1] == expected, f"shape {y.shape} of {header}"
    assert 0 < y.shape[-1] <= longest, f"shape {y.shape} of {header}"
    assert y.dtype == options["dtype"]
    assert np.isfinite(y).all(), "not finite"
    assert np.array_equal(np.concatenate(blocks, axis=-1), y), f"blocks of {block} differ from the whole"
    assert all(part.shape[-1] == block for part in blocks[:-1])


def report(folder, seed):
    """Examine the mutant `seed`, a file in `folder`, and say what came of it."""
    coding, extension, done, raw = mutant(seed)
    path = Path(folder, f"mutant{seed}.{extension}".rstrip("."))
    path.write_bytes(raw)
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(printed):
        try:
            outcome, fault = examine(str(path), np.random.default_rng([seed, 1])), ""
        except BaseException as error:
            outcome, fault = "fault", f"{type(error).__name__}: {error}"
    if printed.getvalue():
        fault += f" printed: {printed.getvalue()}"
    if not fault:
        path.unlink()
    return {
        "seed": seed,
        "name": f"{coding}, {done}, as .{extension}",
        "outcome": outcome,
        "fault": fault,
        "megabytes": megabytes(),
    }


def read(path, call, options):
    """Read a file once, and say what came of it and how much memory there was, at most, since the start."""
    if call == "info":
        found, reason = attempt(lambda: info(path).declared_samples)
    elif call == "load":
        found, reason = attempt(lambda: load(path, **options)[0].size)
    else:
        found, reason = attempt(lambda: sum(part.size for part in stream(path, block=4096, **options)))
    return {"found": found, "reason": reason, "megabytes": megabytes()}


def megabytes():
    """Return the largest size that this process has had in memory."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1000


def main():
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEGABYTES * 10**6,) * 2)
    for line in sys.stdin:
        asked = json.loads(line)
        answer = report(sys.argv[1], asked) if isinstance(asked, int) else read(*asked)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


# In the parent: a child that is watched


class Child:
    """A process that examines mutants; what C libraries print, and a trace if it crashes, goes to a file."""

    def __init__(self, folder):
        env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-W", "error", "-X", "faulthandler", __file__, str(folder)]
        self.noise = (folder / "stderr").open("ab")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.noise, bufsize=0, env=env
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self.noise):
            file.close()

    def ask(self, asked, timeout=SECONDS):
        """Return the answer, or what became of the child."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        line = self.process.stdout.readline() if ready else b""
        if line.endswith(b"\n"):
            return json.loads(line)
        fault = f"ended with status {self.process.wait()}" if ready else f"no answer in {timeout:g} s"
        return {"seed": asked, "name": LOST, "outcome": "fault", "fault": fault, "megabytes": 0}


def ask_all(seeds, folder):
    """Return a report on every mutant; a child that ends, hangs or grows is replaced."""
    reports, seeds = [], list(seeds)
    while seeds:
        with Child(folder) as child:
            first = True
            while seeds:
                reports.append(child.ask(seeds.pop(0), timeout=SECONDS + 50 * first))  # it starts, too
                first = False
                if reports[-1]["megabytes"] > MEGABYTES:
                    reports[-1]["fault"] += f" {reports[-1]['megabytes']:.0f} MB"
                if reports[-1]["name"] == LOST or reports[-1]["megabytes"] > MEGABYTES:
                    break
    return reports


@pytest.mark.parametrize("coding", CODINGS)
def test_a_damaged_file_is_read_or_refused(coding, tmp_path):
    seeds = range(list(CODINGS).index(coding), MUTATIONS, len(CODINGS))
    reports = ask_all(seeds, tmp_path)
    faults = [f"seed {r['seed']} ({r['name']}): {r['fault']}" for r in reports if r["fault"]]
    assert not faults, "\n".join(faults[:20])
    n_read = sum(r["outcome"] == READ for r in reports)
    assert 0.08 * len(reports) < n_read < 0.9 * len(reports)


def test_a_child_that_hangs_or_dies_is_noticed(tmp_path):
    with Child(tmp_path) as child:
        assert child.ask(0, timeout=60.0)["fault"] == ""
        child.process.send_signal(signal.SIGSTOP)
        assert child.ask(7, timeout=0.2)["fault"] == "no answer in 0.2 s"
        child.process.kill()
        assert child.ask(14)["fault"] == "ended with status -9"


# Small files that are, or claim to be, enormous

MORE = "more values than max_size = 1000000"


def flac_bomb(path, sr=44100):
    """Ten minutes of silence in two channels, in 100 kB; the header may state another rate."""
    with sf.SoundFile(path, "w", 44100, 2, format="FLAC") as file:
        for _ in range(10):
            file.write(np.zeros((60 * 44100, 2), np.int16))
    raw = bytearray(path.read_bytes())
    word = int.from_bytes(raw[18:26]) & (1 << 44) - 1 | sr << 44
    path.write_bytes(raw[:18] + word.to_bytes(8) + raw[26:])


def flac_of_a_forged_rate(path):
    flac_bomb(path, sr=2**20 - 1)


def flac_of_a_forged_length(path):
    raw = original("flac")
    word = int.from_bytes(raw[18:26]) | (1 << 36) - 1
    path.write_bytes(raw[:18] + word.to_bytes(8) + raw[26:])


def vorbis_of_a_forged_rate(path):
    """A minute of silence in 9 kB."""
    with sf.SoundFile(path, "w", 44100, 1, format="OGG", subtype="VORBIS") as file:
        for _ in range(60):
            file.write(np.zeros(44100))
    raw = bytearray(path.read_bytes())
    at = raw.index(b"\x01vorbis") + 12
    raw[at : at + 4] = struct.pack("<I", 2**31 - 1)
    path.write_bytes(with_checksums(raw, []))


def opus_of_a_forged_length(path):
    raw = bytearray(original("opus"))
    *_, last = ogg_pages(raw)
    raw[last + 6 : last + 14] = struct.pack("<Q", 2**45)
    path.write_bytes(with_checksums(raw, []))


def mp3_of_a_forged_length(path):
    raw = original("mp3")
    at = raw.index(b"Xing") + 8
    path.write_bytes(raw[:at] + b"\xff" * 4 + raw[at + 4 :])


def wav_of_a_forged_length(path):
    sf.write(path, np.zeros((1000, 2)), 44100, format="RF64")
    raw = path.read_bytes()
    at = raw.index(b"ds64") + 8
    path.write_bytes(raw[:at] + struct.pack("<3Q", 2**60 + 100, 2**60, 2**58) + raw[at + 24 :])


def wav_of_a_low_rate(path):
    """Two seconds that at 22050 Hz are an hour."""
    sf.write(path, np.zeros((2 * 44100, 2)), 23, format="WAV")


@pytest.mark.parametrize(
    ("make", "call", "options", "expected"),
    [
        (flac_bomb, "info", {}, 26_460_000),
        (flac_bomb, "stream", {}, 26_460_000),
        (flac_bomb, "load", {"max_duration": 60}, "longer than max_duration = 60 s"),
        (flac_bomb, "stream", {"max_duration": 60}, "longer than max_duration = 60 s"),
        (flac_of_a_forged_rate, "stream", {"max_duration": 60}, 26_460_000),
        (
            flac_of_a_forged_rate,
            "load",
            {"max_duration": 60, "max_size": 10**6},
            MORE,
        ),
        (flac_of_a_forged_rate, "load", {"max_size": 10**6, "mono": False}, MORE),
        (flac_of_a_forged_length, "info", {}, 2**36 - 1),
        (flac_of_a_forged_length, "load", {}, "truncated: 16800 of 68719476735 declared samples"),
        (
            vorbis_of_a_forged_rate,
            "load",
            {"max_duration": 1, "max_size": 10**6},
            MORE,
        ),
        (opus_of_a_forged_length, "load", {}, r"truncated: \d+ of 1759218604\d+ declared samples"),
        (mp3_of_a_forged_length, "load", {}, r"truncated: \d+ of 247390116\d+ declared samples"),
        (wav_of_a_forged_length, "load", {}, r"truncated: 1000 of \d+ declared samples"),
        (wav_of_a_low_rate, "stream", {"sr": 22050}, 84_556_957),
        (wav_of_a_low_rate, "load", {"sr": 22050, "max_duration": 60}, "longer than max_duration = 60 s"),
        (wav_of_a_low_rate, "load", {"sr": 22050, "max_size": 10**6}, MORE),
    ],
)
def test_a_bomb_is_stopped(make, call, options, expected, tmp_path):
    make(tmp_path / "bomb")
    assert (tmp_path / "bomb").stat().st_size < 400_000
    with Child(tmp_path) as child:
        answer = child.ask([str(tmp_path / "bomb"), call, options], timeout=60.0)
    assert answer["megabytes"] < 160, answer
    if isinstance(expected, str):
        assert re.fullmatch(f".*/bomb: {expected}", answer["reason"]), answer
    else:
        assert (answer["found"], answer["reason"]) == (expected, "")


if __name__ == "__main__":
    main()
