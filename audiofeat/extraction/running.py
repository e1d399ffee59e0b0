"""Extraction: files in, a store out, whatever happens in between."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from audiofeat._threads import as_workers
from audiofeat._validation import as_choice, as_number
from audiofeat.extraction import engines
from audiofeat.extraction.cutting import Excerpts, Short
from audiofeat.extraction.features import Features, as_features
from audiofeat.extraction.inputs import Inputs, as_files, with_status
from audiofeat.extraction.limits import Limits
from audiofeat.extraction.scheduling import as_scheduler, scheduled
from audiofeat.extraction.units import Outcome, Task, Work
from audiofeat.frontend import FrontEnd
from audiofeat.io import AudioError
from audiofeat.store import Schema, Store, StoreWriter, open_store
from audiofeat.store.schema import DTYPES

Engine = Callable[[Work, Iterator[Task]], Iterator[Outcome]]
Told = Callable[["Progress"], object]

CLAIM_SECONDS = 2.0  # of work that is claimed at a time: another extractor should find some too
CLAIM = (16, 1000)  # files claimed at a time: at least, at most
POLL = 0.5  # seconds between two looks for what another extractor leaves


class Progress(NamedTuple):
    """How far an extraction has come.

    Attributes
    ----------
    done, errors, skipped : int
        Files in the store in each of these states, those of earlier runs included.
    total : int
        All files in the store.
    finished : int
        Files of this run.
    seconds : float
        Since it began.
    audio_seconds : float
        Audio that features were computed of in this run.

    Examples
    --------
    >>> from audiofeat.extraction import Progress
    >>> now = Progress(done=150, errors=0, skipped=0, total=200, finished=50, seconds=10.0, audio_seconds=1500.0)
    >>> now.rate, now.remaining_seconds
    (5.0, 10.0)
    """

    done: int
    errors: int
    skipped: int
    total: int
    finished: int
    seconds: float
    audio_seconds: float

    @property
    def rate(self) -> float:
        """Files per second."""
        return self.finished / self.seconds if self.seconds > 0.0 else 0.0

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds until the end at this rate, None as long as it is not known."""
        return (self.total - self.done - self.errors - self.skipped) / self.rate if self.rate > 0.0 else None


def extract_features(
    inputs: Inputs,
    store: str | PathLike[str],
    *,
    features: str | FrontEnd | Callable[..., Any] = "librosa",
    excerpts: Excerpts | str | None = None,
    dtype: str | None = None,
    engine: str = "processes",
    n_jobs: int = -1,
    scheduler: str | None = None,
    shard: str | None = None,
    resume: bool = False,
    retry_errors: bool = False,
    on_error: str = "record",
    max_duration: float | None = None,
    max_bytes: int | None = None,
    timeout: float | None = None,
    short: str = "skip",
    progress: Told | None = None,
) -> Store:
    """Compute the features of many files into a store.

    Parameters
    ----------
    inputs : str, path, AudioDataset or iterable of str or path
        A folder, whose audio files at any depth are meant; a pattern like ``"music/**/*.mp3"``; a table in .csv or
        .tsv with a column path, file, filename, file_name or audio, relative to the table's folder; a data set; or
        paths. Paths are kept as they are given, each once.
    store : str or path
        Folder of the store.
    features : str, FrontEnd, Describe, Segments or callable
        The name of a preset, ``"statistics"``, ``"segments"``, an object with their options, or a function: it is
        called as ``f(y, sr)`` with float32, shape (n_samples,), at the file's rate, and returns an array. The store
        knows it by its name, so it must be at the top level of a module (``functools.partial`` of it will do).
    excerpts : Excerpts or str, optional
        Only these parts of each file are decoded, ``"3s@center"`` or ``"10x3s"`` for instance. An item then is of
        shape (n, ...), also for ``n = 1``.
    dtype : str, optional
        Of the items; ``"float64"`` for segments and ``"float32"`` for all else if not given.
    engine : {"processes", "serial"}
        Where the work is done: in processes by loky, or in this one.
    n_jobs : int
        Number of processes, ``>= 1`` or -1 for all cores.
    scheduler : str, optional
        Give the work to the workers of a dask scheduler, ``"tcp://host:8786"``, or to N processes by dask,
        ``"local:N"``, instead. They must see the same files. A scheduler runs whatever its clients send: only in
        networks that are trusted.
    shard : str, optional
        ``"i/n"``: only every n-th of the files in order of their names, from the i-th on, counted from 1. Stores of
        all i are joined by `merge_stores`.
    resume : bool
        Go on with a store that is there, or begin one. Without, one that is there is refused. Files whose size or
        time of change is another are computed anew.
    retry_errors : bool
        With `resume`, try files again that failed or were skipped.
    on_error : {"record", "raise"}
        What to do with a file that fails: keep the reason and go on, or stop.
    max_duration : float, optional
        Longer files are skipped, in seconds, if they declare it or if it turns out as they are decoded.
    max_bytes : int, optional
        Larger files are skipped, and those that unpack to more than 256 times as many samples; of segments, which
        take little memory for any length, only larger ones.
    timeout : float, optional
        Longest time for a file in seconds, after which its process is killed; not with ``engine="serial"``.
    short : {"skip", "pad"}
        What to do with a file that ends before its excerpt does: skip it, or append zeros.
    progress : callable, optional
        Called as ``progress(Progress)`` at the beginning and after each file. What it raises ends the extraction.

    Returns
    -------
    Store
        The store, open for reading.

    Raises
    ------
    ValueError
        If an argument is out of its range, or there is no file.
    TypeError
        If an argument is of the wrong type.
    StoreError
        If there is a store and not `resume`, if it was made with other features, excerpts or dtype, or if it cannot
        be written. What was written before is kept.
    AudioError
        With ``on_error="raise"``, of the first file that failed, for whatever reason; its row in the store says so.
    EngineError
        If processes cannot be started, or the scheduler cannot be used.

    Notes
    -----
    Every file is a row of the store's ledger. What an end of any kind takes, SIGKILL included, is what was not
    committed yet: 30 s of work, or a shard. These files are computed again with `resume`, and the items are the same
    to the last bit, whatever the engine. Several extractions may fill one store on one machine at the same time. An
    interrupt (Ctrl-C) commits what is done before it is raised again.

    A process that crashes, is killed, or takes longer than `timeout` costs its file alone. Whole files of more than
    10 minutes go through a front end block by block, to the same bits; only their features are held in memory.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from audiofeat import save
    >>> from audiofeat.extraction import extract_features
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("one", "two"):
    ...         save(f"{folder}/{name}.wav", np.zeros(22050), 22050)
    ...     store = extract_features(folder, f"{folder}/store", features="librosa", engine="serial")
    ...     len(store), store.shapes, store.errors
    (2, ((128, 44), (128, 44)), ())
    """
    as_choice(on_error, "on_error", ("record", "raise"))
    run = _as_engine(engine, n_jobs, scheduler, timeout)
    work = _as_work(features, excerpts, dtype, short, Limits(max_duration, max_bytes))
    files = as_files(inputs, shard)
    with StoreWriter.open(store, _schema_of(work), resume=resume) as writer:
        writer.enlist(with_status(files))
        if retry_errors:
            writer.retry(("error", "skipped"))
        _fill(writer, run, work, on_error == "raise", progress)
    return open_store(store)


def _as_engine(engine: str, n_jobs: int, scheduler: str | None, timeout: float | None) -> Engine:
    as_choice(engine, "engine", ("processes", "serial"))
    n_processes = as_workers(n_jobs)
    if timeout is not None:
        as_number(timeout, "timeout", low=0.0, open_low=True)
    if scheduler is not None:
        as_scheduler(scheduler)
        return lambda work, tasks: scheduled(work, tasks, scheduler, timeout)
    if engine == "processes":
        return lambda work, tasks: engines.processes(work, tasks, n_processes, timeout)
    if timeout is not None:
        msg = f"timeout must be None for engine = 'serial', which cannot end its own process, got {timeout:g}"
        raise ValueError(msg)
    return engines.serial


def _as_work(features: Any, excerpts: Excerpts | str | None, dtype: str | None, short: str, limits: Limits) -> Work:
    as_choice(short, "short", Short)
    if isinstance(excerpts, str):
        excerpts = Excerpts.parse(excerpts)
    given: object = excerpts
    if given is not None and not isinstance(given, Excerpts):
        msg = f"excerpts must be Excerpts, a str or None, got {excerpts!r}"
        raise TypeError(msg)
    computed: Features = as_features(features)
    if computed.kind == "segments" and excerpts is not None:
        msg = f"excerpts must be None for segments, which are of whole files, got {excerpts!r}"
        raise ValueError(msg)
    kept = np.dtype(dtype or ("float64" if computed.kind == "segments" else "float32")).name
    as_choice(kept, "dtype", DTYPES)
    return Work(computed, excerpts, short, kept, limits)


def _schema_of(work: Work) -> Schema:
    excerpt = None if work.excerpts is None else {**work.excerpts.to_dict(), "short": work.short}
    return Schema(work.features.kind, work.features.spec, excerpt, work.dtype, work.features.columns)


def _fill(writer: StoreWriter, run: Engine, work: Work, stop: bool, tell: Told | None) -> None:
    """Do all rows that wait, and wait for those that another extractor has claimed: it may die."""
    tally = _Tally(writer, tell)
    while True:
        first = writer.claim(CLAIM[0])
        if not first:
            writer.flush()
            if not writer.remaining():
                return
            time.sleep(POLL)
            tally.recount()
            continue
        with closing(run(work, _claimed(writer, first))) as outcomes:  # type: ignore[type-var]
            for outcome in outcomes:
                _keep(writer, outcome)
                tally.add(outcome)
                if stop and outcome.state == "error":
                    raise AudioError(outcome.path, outcome.reason)


def _claimed(writer: StoreWriter, first: list[Task]) -> Iterator[Task]:
    """Yield rows that are ours, and claim more of them when these run out."""
    rows, started, n_taken = first, time.monotonic(), 0
    while rows:
        yield from rows
        n_taken += len(rows)
        rate = n_taken / max(time.monotonic() - started, 1e-3)
        rows = writer.claim(int(min(max(CLAIM[0], CLAIM_SECONDS * rate), CLAIM[1])))


def _keep(writer: StoreWriter, outcome: Outcome) -> None:
    if outcome.state == "done":
        writer.put(outcome.row, outcome.array, seconds=outcome.seconds)  # type: ignore[arg-type]
    else:
        writer.fail(outcome.row, outcome.reason, state=outcome.state, seconds=outcome.seconds)


class _Tally:
    """The numbers that progress is told in."""

    def __init__(self, writer: StoreWriter, tell: Told | None) -> None:
        self._writer, self._tell = writer, tell
        self._started, self._finished, self._audio_seconds = time.monotonic(), 0, 0.0
        self.recount()

    def recount(self) -> None:
        """Take the numbers from the ledger: others may write it too."""
        self._counts = self._writer.counts()
        self._say()

    def add(self, outcome: Outcome) -> None:
        self._counts[outcome.state] += 1
        self._counts["waiting"] -= 1
        self._finished += 1
        self._audio_seconds += outcome.audio_seconds
        self._say()

    def _say(self) -> None:
        if self._tell is not None:
            states, total = self._counts, sum(self._counts.values())
            seconds = time.monotonic() - self._started
            told = (states["done"], states["error"], states["skipped"], total, self._finished, seconds)
            self._tell(Progress(*told, self._audio_seconds))
