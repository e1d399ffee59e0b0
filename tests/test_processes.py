"""Front ends in pools of processes and threads, across forks, in a race for the cache, and under Ctrl-C."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
import pytest

from audiofeat import logmel

pytestmark = [
    pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="with JIT off there is no compiled code to share"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and groups of processes"),
]

ROOT = Path(__file__).parents[1]
SR = 22050
N_SAMPLES = 1 << 21  # enough for two threads to share


def digest(dtype="float32", seed=0):
    """What `digest` of the scripts returns, by this process and a single thread."""
    y = np.random.default_rng(seed).uniform(-1, 1, N_SAMPLES).astype(dtype)
    return hashlib.sha256(logmel(y, SR)).hexdigest()


PRELUDE = f"""
import hashlib
import sys

import numpy as np

import audiofeat  # lazy: the kernels are imported at the first call


def digest(dtype="float32", seed=0, workers=2):
    y = np.random.default_rng(seed).uniform(-1, 1, {N_SAMPLES}).astype(dtype)
    return hashlib.sha256(audiofeat.logmel(y, {SR}, workers=workers)).hexdigest()
"""


class Script:
    """A script that runs in a group of processes of its own, none of which outlives a `with`."""

    def __init__(self, folder, text, *args, **env):
        folder.mkdir(exist_ok=True)
        path = folder / "script.py"  # spawned processes import it
        path.write_text(PRELUDE + text)
        # Later versions of Python warn of a fork while there are threads, of BLAS or our own.
        command = [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", str(path), *args]
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | threads | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.is_alive():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def is_alive(self):
        """Whether the process or one that it started is still there."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def lines(self, timeout=60.0):
        """Return what the script printed, which must end well."""
        out, err = self.process.communicate(timeout=timeout)
        assert (self.process.returncode, err) == (0, ""), err
        return out.splitlines()


def python(folder, text, *args, timeout=60.0, **env):
    with Script(folder, text, *args, **env) as script:
        return script.lines(timeout)


POOL = """
import multiprocessing

if __name__ == "__main__":
    print(digest())  # so there have been threads before the fork
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print(*pool.starmap(digest, [("float32", 0), ("float64", 0), ("float32", 1), ("float32", 2)], chunksize=1))
"""


def of_the_pool():
    """What the pools print."""
    return " ".join([digest(), digest("float64"), digest(seed=1), digest(seed=2)])


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_pools_of_multiprocessing(method, tmp_path):
    assert python(tmp_path, POOL, method) == [digest(), of_the_pool()]


JOBLIB = """
from joblib import Parallel, delayed

if __name__ == "__main__":
    print(digest())
    parallel = Parallel(n_jobs=2, backend=sys.argv[1])
    jobs = [("float32", 0), ("float64", 0), ("float32", 1), ("float32", 2)]
    print(*parallel(delayed(digest)(*job) for job in jobs))
"""


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_joblib(backend, tmp_path):
    assert python(tmp_path, JOBLIB, backend) == [digest(), of_the_pool()]


THREADS = """
import threading
from concurrent.futures import ThreadPoolExecutor

barrier = threading.Barrier(8)


def first(i):
    barrier.wait()
    return digest(("float32", "float64")[i % 2], workers=1 + i % 3)


if __name__ == "__main__":
    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(first, range(8)):
            print(result)
    print(threading.active_count())
"""


@pytest.mark.slow
def test_eight_threads_compile_at_once(tmp_path):
    """The first call of a process, its imports included, with nothing on the disk."""
    shown = python(tmp_path, THREADS, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert shown == [digest(), digest("float64")] * 4 + ["1"]


def test_threads_of_the_caller_may_use_threads_of_ours():
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda seed: digest(seed=seed % 2), range(24)))
    assert results == [digest(), digest(seed=1)] * 12


FORK = """
import os
import threading
import traceback

finished = threading.Event()
results = []


def keep_busy():
    while not finished.is_set():
        results.append(digest())


def fork():
    for _ in range(10):
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if digest() == expected else 1)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(2)
        statuses.append(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    expected, statuses = digest(), []
    threads = [threading.Thread(target=keep_busy), threading.Thread(target=fork)]
    for thread in threads:
        thread.start()
    threads[1].join()
    finished.set()
    threads[0].join()
    print(expected, statuses, len(results) > 1 and set(results) == {expected})
"""


def test_a_fork_from_one_thread_while_another_is_in_a_call(tmp_path):
    assert python(tmp_path, FORK) == [f"{digest()} {[0] * 10} True"]


FORK_COMPILING = """
import os
import threading

from numba.core import event

compiling = threading.Event()


class Listener(event.Listener):
    def on_start(self, event):
        compiling.set()

    def on_end(self, event):
        pass


if __name__ == "__main__":
    audiofeat.logmel  # imports it
    event.register("numba:compile", Listener())
    thread = threading.Thread(target=digest)
    thread.start()
    compiling.wait()
    child = os.fork()
    if child == 0:
        print(digest(), flush=True)
        os._exit(0)
    print(os.waitpid(child, 0)[1])
    thread.join()
"""


@pytest.mark.slow
def test_a_fork_while_another_thread_compiles(tmp_path):
    """Without care the child waits for ever for the thread that holds the compiler's lock, which it has not."""
    shown = python(tmp_path, FORK_COMPILING, timeout=30.0, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert shown == [digest(), "0"]


RACE = """
if __name__ == "__main__":
    print(*map(digest, sys.argv[1:]))
    from audiofeat._kernels.frames import analyse

    print(sum(analyse.stats.cache_hits.values()))
"""


@pytest.mark.slow
def test_four_processes_race_to_fill_one_cache(tmp_path):
    """Two compile for each dtype; one may undo the other's entry, but what the fifth finds or adds stays."""
    cache = str(tmp_path / "cache")
    dtypes = ["float32", "float64"] * 2
    scripts = [Script(tmp_path / str(i), RACE, dtype, NUMBA_CACHE_DIR=cache) for i, dtype in enumerate(dtypes)]
    try:
        shown = [script.lines(timeout=120.0)[0] for script in scripts]
    finally:
        for script in scripts:
            script.__exit__()
    assert shown == [digest(), digest("float64")] * 2
    both = f"{digest()} {digest('float64')}"
    assert python(tmp_path, RACE, "float32", "float64", NUMBA_CACHE_DIR=cache)[0] == both
    assert python(tmp_path, RACE, "float32", "float64", NUMBA_CACHE_DIR=cache) == [both, "2"]


INTERRUPT = """
import os
import signal
import subprocess
import threading
import time

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell runs in the background ignores it
    digest()
    y = np.zeros(4 * 3600 * 22050, np.float32)  # four hours, in pages that are not touched
    begin = time.monotonic()
    other = subprocess.Popen(["sh", "-c", f"sleep 1; kill -INT {os.getpid()}"])
    try:
        audiofeat.logmel(y, 22050, n_mels=2, hop_length=16, workers=int(sys.argv[1]))
    except KeyboardInterrupt:
        other.wait()
        print(threading.active_count(), 0.9 < time.monotonic() - begin < 2.5, digest(), flush=True)
        raise
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupt_ends_a_long_call_at_once(workers, tmp_path):
    with Script(tmp_path, INTERRUPT, workers) as script:
        out, err = script.process.communicate(timeout=60.0)
        assert out == f"1 True {digest()}\n", err  # one thread, and the next call is as ever
        assert err.splitlines()[-1] == "KeyboardInterrupt"
        assert script.process.returncode == -signal.SIGINT
        assert not script.is_alive()


def test_an_interrupt_while_a_thread_starts_stops_that_too(monkeypatch):
    started = []
    start = threading.Thread.start

    def interrupted(thread):
        started.append(thread)
        start(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):  # of a call that takes many seconds
        logmel(np.zeros(3600 * SR, np.float32), SR, n_mels=2, hop_length=16, workers=2)
    (thread,) = started
    thread.join(timeout=2.0)
    assert not thread.is_alive()
