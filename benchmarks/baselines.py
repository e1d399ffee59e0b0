"""Genre baselines on 1,000 clips of 30 s: features, training and prediction against a plain script; accuracy.

``python -m benchmarks.baselines --quick`` takes 100 clips and writes nothing.
"""

import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import librosa
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

from audiofeat import AudioClip, FeatureStatistics, LogMelTransformer, baselines, save, synth
from audiofeat.classification import evaluate
from benchmarks._report import Call, Times, machine, middle, race, ratio, seconds, table, verdict
from benchmarks.descriptors import described_by_librosa

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "baselines.md"
PACKAGES = ("numpy", "scipy", "numba", "librosa", "scikit-learn", "joblib")
SR = 22050
CLIP, DURATION = 3, 30  # s: what is made, and as what it is repeated
N_JOBS = 2
RUNS, CHUNK = 3, 10  # clips of a turn
SUBSET = 100  # clips of the plain script
ROUNDS = 5
BAR, LEAST_SHARE = 5.0, 90.0
MODELS = ("knn", "pca_knn", "svm", "pca_svm")
ABOUT = f"""\
Clips of `synth.genre_corpus`, ten genres, {CLIP} s each and repeated to {DURATION} s with new noise 40 dB below, in WAV
files of 16 bits at 22,050 Hz. Features are `FeatureStatistics()`: 658 columns, as on the page of descriptors. The plain
script loads with librosa, computes the same with librosa, NumPy and SciPy (0 where SciPy finds no skewness), and trains
scikit-learn's steps. One thread to a process in linear algebra.

Times are of the wall clock, from files on. Sides take turns of {CHUNK} clips after a first of each; shown is
the middle of {RUNS} turns, and of ratios the lowest and the highest too. Two workers are threads here and joblib's
processes there.

Models train on four fifths of the clips and predict the others, so many of each genre; their times are the median of
{ROUNDS} calls, with one worker. Share is that of features in the time of features, training and prediction together. It
has no bar for the spectrograms of kth2020, 16,384 columns of 3.5 s of each file, which are made in no time.
"""

Array = NDArray[Any]
Rows = list[tuple[str, ...]]


def write_clips(folder: Path, n_tracks: int) -> tuple[list[str], Array]:
    """Write the clips, track by track of all genres, and return their paths and labels."""
    corpus = synth.genre_corpus(n_tracks, sr=SR, duration=CLIP, random_state=0)
    rng = np.random.default_rng(0)
    order = np.arange(len(corpus.y)).reshape(-1, n_tracks).T.ravel()  # any beginning holds as many of each genre
    paths = [str(folder / f"{i:04}.wav") for i in range(len(order))]
    for path, row in zip(paths, order, strict=True):
        y = np.tile(corpus.y[row], DURATION // CLIP)
        save(path, 0.9 * y + 0.01 * y.std() * rng.standard_normal(len(y), dtype=np.float32), SR)
    return paths, np.array(corpus.labels)[order]


def row_by_librosa(path: str) -> dict[str, Array]:
    """Load a file, and compute the statistics of its descriptors."""
    by_name = described_by_librosa(librosa.load(path, sr=SR)[0])
    return {name: np.nan_to_num(values) for name, values in by_name.items()}  # the skewness of what never changes


def by_librosa(paths: list[str], n_jobs: int) -> list[dict[str, Array]]:
    """Compute the statistics of files as a plain script does."""
    if n_jobs == 1:
        return [row_by_librosa(path) for path in paths]
    return list(joblib.Parallel(n_jobs=n_jobs)(joblib.delayed(row_by_librosa)(path) for path in paths))


def deviation(columns: list[str], rows: Array, expected: list[dict[str, Array]]) -> float:
    """Return the middle of clips' largest deviation, relative to the largest value of the descriptor."""
    gaps = []
    for row, by_name in zip(rows, expected, strict=True):
        found, worst = dict(zip(columns, row, strict=True)), 0.0
        for name, values in by_name.items():
            of_rows = [f"{name}_{i}" for i in range(1, len(values) + 1)] if len(values) > 1 else [name]
            kinds = ("mean", "var", "skew", "kurtosis", "median", "min", "max")
            mine = np.array([[found[f"{column}_{kind}"] for kind in kinds] for column in of_rows])
            size = np.abs(values).max(axis=0)
            worst = max(worst, float((np.abs(mine - values).max(axis=0) / np.where(size > 0.0, size, 1.0)).max()))
        gaps.append(worst)
    return float(np.median(gaps))


def feature_rows(paths: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of features by both sides, with one worker and two."""
    for n_jobs in (1, N_JOBS):
        runs: list[Times] = []
        for run in range(RUNS):
            chunk = paths[run * CHUNK : (run + 1) * CHUNK]
            calls: dict[str, Call] = {
                "audiofeat": partial(FeatureStatistics(n_jobs=n_jobs).fit_transform, chunk),
                "librosa": partial(by_librosa, chunk, n_jobs),
            }
            runs.append({side: time / CHUNK for side, time in race(calls, 1).items()})
        value, text = ratio(runs, "librosa", "audiofeat")
        name = f"features, {n_jobs} worker{'s' * (n_jobs > 1)}"
        yield name, middle(runs, "audiofeat"), middle(runs, "librosa"), text, *verdict([value], (BAR,))


def model_rows(name: str, X: Array, labels: Array, cost: float, bars: tuple[float, ...]) -> Rows:
    """Return a row for each model: times, share of the features (which cost so many seconds), accuracy."""
    n_train = len(X) * 4 // 5
    rows: Rows = []
    for model_name in MODELS:
        model: Any = getattr(baselines, model_name)()
        calls: dict[str, Call] = {"fit": partial(model.fit, X[:n_train], labels[:n_train])}
        calls["predict"] = partial(model.predict, X[n_train:])
        times = race(calls, ROUNDS)
        total = cost + sum(times.values()) / 1e3
        accuracy = float(np.mean(model.predict(X[n_train:]) == labels[n_train:]))
        shown = (f"{cost:.1f}", f"{times['fit']:.0f}", f"{times['predict']:.1f}", f"{total:.1f}")
        share = 100.0 * cost / total
        rows.append((name, f"`{model_name}`", *shown, f"{share:.1f}", *verdict([share], bars)))
        rows[-1] = (*rows[-1], f"{accuracy:.3f}")
    return rows


def accuracy_rows(X: Array, theirs: Array, labels: Array) -> Rows:
    """Return a row for each model: accuracy on the features of both sides, and the share of equal predictions."""
    rows: Rows = []
    for name in MODELS:
        both = [evaluate(getattr(baselines, name)(), (side, labels, None), cv=5) for side in (X, theirs)]
        predicted = [np.concatenate([fold.predicted for fold in found.folds]) for found in both]
        same = float(np.mean(predicted[0] == predicted[1]))
        rows.append((f"`{name}`", *(f"{found.accuracy:.3f}" for found in both), f"{100 * same:.1f}"))
    return rows


def page(n_clips: int) -> str:
    """Measure, and return the page."""
    with tempfile.TemporaryDirectory() as folder:
        paths, labels = write_clips(Path(folder), n_clips // 10)
        features = table(
            ["work", "audiofeat, ms a clip", "plain script, ms a clip", "plain / audiofeat", "bar", "met"],
            feature_rows(paths),
        )
        found: dict[str, Array] = {}
        statistics = FeatureStatistics(n_jobs=N_JOBS)
        spectrogram = LogMelTransformer("kth2020", n_frames=128, n_jobs=N_JOBS)
        excerpts = [AudioClip(path, 15.5, 19.0) for path in paths]
        costs = [
            seconds(lambda: found.update(statistics=statistics.fit_transform(paths))),
            seconds(lambda: found.update(spectrogram=spectrogram.fit_transform(excerpts))),
        ]
        models = model_rows("statistics", found["statistics"], labels, costs[0], (LEAST_SHARE,))
        models += model_rows("kth2020", found["spectrogram"], labels, costs[1], ())
        n_subset = min(SUBSET, n_clips)
        plain: list[dict[str, Array]] = []
        cost = seconds(lambda: plain.extend(by_librosa(paths[:n_subset], N_JOBS)))
    theirs = np.array([np.concatenate([values.ravel() for values in row.values()]) for row in plain])
    X = found["statistics"][:n_subset]
    gap = deviation(list(statistics.columns_), X, plain)
    head = [
        "features",
        "model",
        "features, s",
        "fit, ms",
        "predict, ms",
        "all, s",
        "share, %",
        "bar",
        "met",
        "accuracy",
    ]
    speed = n_clips / costs[0]
    told = (
        f"All {n_clips:,} clips took {costs[0]:.1f} s with {N_JOBS} workers, {speed:.0f} clips a second. The plain\n"
        f"script took {cost:.1f} s for {n_subset} with as many, not in turns: the ratio is that above.\n"
    )
    agreement = (
        f"Accuracy in 5 folds of {n_subset} clips, on the features of both sides. These deviate by {gap:.0e} of the\n"
        "largest value of a statistic among the rows of a descriptor, in the middle of clips.\n"
    )
    both = ["model", "audiofeat", "plain script", "same predictions, %"]
    parts = [machine(PACKAGES), ABOUT, features, told, table(head, models), agreement]
    return "# Baselines\n\n" + "\n".join([*parts, table(both, accuracy_rows(X, theirs, labels[:n_subset]))])


def main() -> None:
    """Print the page, and write it unless asked to be quick."""
    is_quick = "--quick" in sys.argv[1:]
    with threadpool_limits(1):
        text = page(100 if is_quick else 1000)
    print(text)
    if not is_quick:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
