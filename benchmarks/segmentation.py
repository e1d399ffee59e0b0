"""Segmenters on medleys with known sections and on annotated songs: boundaries, labels, time.

``python -m benchmarks.segmentation`` writes the page. ``--quick`` takes four seeds that methods are chosen by,
``--development`` all of those, and neither writes anything. ``--kinds`` names some kinds of medleys, or ``songs``;
``--msaf`` is an interpreter that has MSAF, if this one has not.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

import audiofeat
from audiofeat.changes import novelty_of
from audiofeat.distances import fused, spectral_error_distances
from audiofeat.sem import SpectralErrorFactors, quick_factors
from audiofeat.windows import rows_in_block
from benchmarks._medleys import DEVELOPMENT, KINDS, REPORTING, SR, Medley, medley, recordings, samples
from benchmarks._report import Call, machine, seconds, table, verdict
from benchmarks._segmenters import OURS, Found, Side, msaf_versions, sides

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "segmentation.md"
PACKAGES = ("numpy", "scipy", "numba", "librosa", "scikit-learn", "ruptures", "mir_eval")
CPU = time.process_time  # other load stops a long call more often than a short one, and this clock with it
MEASURES = {
    "F at 0.5 s": "F-measure@0.5",
    "F at 3 s": "F-measure@3.0",
    "pairwise F": "Pairwise F-measure",
    "V": "V-measure",
    "ARI": "Adjusted Rand Index",
}
F_CLOSE, F_WIDE, PAIRWISE, V, ARI = MEASURES
ON_SONGS = (F_WIDE, PAIRWISE, V, ARI)  # whose mean is compared there
BARS: dict[str, dict[str, float]] = {
    "music": {ARI: 0.93, F_CLOSE: 0.93},
    "regions": {ARI: 0.93, F_CLOSE: 0.93},
    "sounds": {ARI: 0.82},
    "classes": {ARI: 0.82},
}
WITHIN = 0.08  # of the ARI with k given is that of k estimated to be
SONG = 240  # seconds, to time
ABOUT = f"""\
A medley has 6 to 10 parts of 3 to 5 sources. Each part is a random excerpt of its source, of 2.5 to 14 s or what the
source has; sources recur, and no two neighbouring parts have the same. The truth is where parts meet, and which source
each is of. The recordings are few, the same in all medleys of a kind; seeds differ in what is drawn of them.
Methods and parameters, the peers' too, were chosen on the seeds {DEVELOPMENT[0]} to {DEVELOPMENT[-1]}. Printed are
means over the seeds {REPORTING[0]} to {REPORTING[-1]}, by which nothing was chosen.

*Told* is what a side is given of the truth: the number of different labels, of segments, or both. All measures are
mir_eval's, at most 1, with the first and the last boundary counted; where a side has no labels, only boundaries are
compared. Seconds are of the processor, one thread, from the samples of an item to its sections.

The sides: `audiofeat` is `segment(y, sr)`, with `n_clusters` where it is told; below it with one of its distances
alone, and by the graphs that `segment` can cut. librosa's Laplacian recipe is that of
its gallery (McFee and Ellis, 2014), on a grid of half a second where fewer than 16 beats are found; its agglomerative
segmentation cuts the CQT in dB, and k-means of the segments' means labels it. ruptures' KernelCPD cuts the standardised
CQT of about a quarter of a second, by the radial kernel. K-means has a seed and 10 starts. MSAF runs `sf` with `fmc2d`
on MFCC, and `scluster`, else at its defaults; it does not import beside the SciPy that this library needs, so that it
runs in another Python, if there is one that has it. The last two rows need no method.
"""


@dataclass(frozen=True)
class Scores:
    """What a side scored, a row for each item; NaN where it has no labels."""

    side: Side
    values: dict[str, list[float]]
    seconds: float
    n_failed: int

    def __getitem__(self, measure: str) -> float:
        return float(np.mean(self.values[measure]))


def say(text: str) -> None:
    """Tell of progress."""
    print(f"\r{text:<60}", end="", file=sys.stderr, flush=True)


def score(item: Medley, found: Found) -> dict[str, float]:
    """Compare boundaries, and labels if there are any, with the truth."""
    times = found.boundaries
    labels = found.labels or [str(i) for i in range(len(times) - 1)]
    intervals = np.stack([times[:-1], times[1:]], axis=1)
    whole = audiofeat.evaluate_segments((item.intervals, item.labels), (intervals, labels))
    of_labels = () if found.labels else (PAIRWISE, V, ARI)
    return {name: np.nan if name in of_labels else whole[key] for name, key in MEASURES.items()}


def run(side: Side, items: Sequence[Medley], name: str) -> Scores:
    """Score a side on all items; where a peer fails, an item is one section."""
    values: dict[str, list[float]] = {measure: [] for measure in MEASURES}
    times, n_failed = [], 0
    for i, item in enumerate(items):
        say(f"{name}: {side.name}, {i + 1} of {len(items)}")
        start = CPU()
        try:
            found = side(item.y, item.sr, item.n_labels, len(item.labels))
        except Exception as error:
            if side.role == "ours":
                raise
            say(f"{name}: {side.name} failed on item {i}: {error!r}\n")
            found = Found(np.array([0.0, len(item.y) / item.sr]), ["A"])
            n_failed += 1
        times.append(CPU() - start if found.seconds is None else found.seconds)
        for measure, value in score(item, found).items():
            values[measure].append(value)
    return Scores(side, values, float(np.mean(times)), n_failed)


def cells(one: Scores) -> list[str]:
    """Return the row of a side."""
    failed = f"; failed on {one.n_failed}" if one.n_failed else ""
    means = ["" if np.isnan(one[measure]) else f"{one[measure]:.3f}" for measure in MEASURES]
    return [one.side.name + failed, " and ".join(one.side.told), *means, f"{one.seconds:.2f}"]


def absent(everyone: Sequence[Side], n_columns: int) -> Iterator[list[str]]:
    """Yield the rows of the sides that are not there."""
    for side in everyone:
        if side.missing:
            yield [side.name, " and ".join(side.told), side.missing, *[""] * (n_columns - 3)]


def lead(ours: Scores, peers: Sequence[Scores], measures: Sequence[str]) -> list[str]:
    """Return the least lead over peers, and whether there is one."""
    leads = [(ours[m] - peer[m], m, peer.side.name) for peer in peers for m in measures if not np.isnan(peer[m])]
    least, measure, name = min(leads)
    return [f"{least:+.3f} ({measure}, {name})", "yes" if least > 0.0 else "no"]


def bars(kind: str, found: Sequence[Scores]) -> Iterator[list[str]]:
    """Yield the bars of a kind: what is asked, what was found, whether it is met."""
    given, estimated = of_default(found, told=True), of_default(found, told=False)
    peers = [one for one in found if one.side.role == "peer"]
    for measure, bar in BARS.get(kind, {}).items():
        asked, met = verdict([given[measure]], (bar,))
        yield [f"{measure}, k given, {asked}", f"{given[measure]:.3f}", met]
    if kind in ("music", "regions"):
        yield ["ahead of every peer on every measure", *lead(given, peers, tuple(MEASURES))]
    else:
        same = [one for one in peers if one.side.told == given.side.told]
        yield ["ahead of every peer that is told the same, on every measure", *lead(given, same, tuple(MEASURES))]
        others = [one for one in peers if one.side.told != given.side.told]
        yield ["ahead of the other peers on pairwise F, V and ARI", *lead(given, others, (PAIRWISE, V, ARI))]
    gap = given[ARI] - estimated[ARI]
    asked, met = verdict([gap], (WITHIN,), most=True)
    yield [f"ARI with k given less that with k estimated {asked}", f"{gap:.3f}", met]


def of_default(found: Sequence[Scores], *, told: bool) -> Scores:
    """Return the scores of our default, with or without the number of labels."""
    return next(one for one in found if one.side.name == OURS[0][0] and bool(one.side.told) == told)


def on_medleys(kind: str, seeds: Sequence[int], everyone: Sequence[Side]) -> str:
    """Return the tables of a kind of medleys."""
    items = [medley(kind, seed) for seed in seeds]
    found = [run(side, items, kind) for side in everyone if not side.missing]
    minutes = sum(len(item.y) / item.sr for item in items) / 60.0
    about = f"{KINDS[kind][0].upper()}{KINDS[kind][1:]}. {len(items)} medleys, {minutes:.0f} minutes.\n\n"
    head = ["side", "told", *MEASURES, "s per item"]
    tables = table(head, [*map(cells, found), *absent(everyone, len(head))])
    return f"## Medleys: {kind}\n\n{about}{tables}\n{table(['bar', 'found', 'met'], bars(kind, found))}"


def songs() -> list[Medley]:
    """Return the songs of Schubert with their annotations."""
    found = []
    for path in recordings("schubert_HU33", "audio/*.wav"):
        annotation = path.parents[1] / "structure" / f"{path.stem}.csv"
        intervals, labels = audiofeat.load_annotations(annotation)
        found.append(Medley(samples(path), SR, intervals, labels, len(set(labels))))
    return found


def on_songs(everyone: Sequence[Side]) -> str:
    """Return the tables of annotated songs, with the mean of four measures, and that of each song."""
    found = [run(side, songs(), "songs") for side in everyone if not side.missing]
    lines = []
    for one in found:
        means = np.mean([one.values[measure] for measure in ON_SONGS], axis=0)
        texts = "" if np.isnan(means).any() else f"{means.mean():.3f} ({' / '.join(f'{mean:.2f}' for mean in means)})"
        *others, time_each = cells(one)
        lines.append([*others, texts, time_each])
    head = ["side", "told", *MEASURES, "mean of the last four (by song)", "s per item"]
    ours = of_default(found, told=True)
    recipe = next(one for one in found if one.side.name == "librosa, Laplacian recipe")
    gap = float(np.mean([ours[measure] - recipe[measure] for measure in ON_SONGS]))
    bar = ["ahead of librosa's Laplacian recipe on the mean of four", f"{gap:+.3f}", "yes" if gap > 0.0 else "no"]
    return (
        "## Annotated songs\n\nThree songs of Schubert's Winterreise (18, 19 and 22), recorded in 1933; the number of "
        "labels is that of different names in the annotation.\n\n"
        f"{table(head, [*lines, *absent(everyone, len(head))])}\n{table(['bar', 'found', 'met'], [bar])}"
    )


def speed() -> str:
    """Return the table of the time of a song of 4 minutes."""
    music = [samples(recordings("librosa_audio_ccby", f"*{name}*.ogg")[0]) for name in ("Karissa", "Sugar_Plum")]
    y = np.concatenate(music)[: SONG * SR]
    used = audiofeat.segment(y, SR).parameters
    n_window, n_hop = (round(used[name] * SR) for name in ("window_duration", "hop_duration"))
    windows = sliding_window_view(y, n_window)[::n_hop]
    n_rows = rows_in_block(n_window)
    known = {"order": used["order"], "lags": used["lags"]}

    def measure() -> None:
        """What `segment` does for the spectral error measure."""
        blocks = (np.array(windows[start : start + n_rows]) for start in range(0, len(windows), n_rows))
        factors = SpectralErrorFactors.joined([quick_factors(block, **known) for block in blocks])
        novelty_of(fused([(spectral_error_distances(factors), 1e-9, 1.0)], len(windows)), len(windows), reach=8, gap=1)

    calls: dict[str, tuple[Call, float]] = {
        "segment": (lambda: audiofeat.segment(y, SR), 1.0),
        f"of this the spectral error measure of its {len(windows)} windows": (measure, 0.1),
    }
    lines = []
    for name, (call, bar) in calls.items():
        call()
        middle = float(np.median([seconds(call, CPU) for _ in range(5)]))
        lines.append([name, f"{middle:.3f}", *verdict([middle], (bar,), most=True)])
    return f"## Time\n\n{table([f'a song of {SONG // 60} minutes, default settings', 's', 'bar', 'met'], lines)}"


def report(kinds: Sequence[str], seeds: Sequence[int], python: str) -> Iterator[str]:
    """Yield the parts of the page."""
    everyone = sides(OURS, python)
    versions, without = msaf_versions(python)
    yield machine(PACKAGES) + (
        f"MSAF: {without}.\n" if without else f"MSAF in an environment of its own: {versions}.\n"
    )
    yield ABOUT
    if seeds != REPORTING:
        yield f"THESE ARE SEEDS {seeds[0]} TO {seeds[-1]}, by which methods are chosen.\n"
    for side in everyone:
        if not side.missing:
            run(side, [medley("sounds", DEVELOPMENT[0])], "first calls")
    for kind in kinds:
        yield on_songs(everyone) if kind == "songs" else on_medleys(kind, seeds, everyone)
    yield speed()


def main() -> None:
    """Print the page, and write it if it is whole."""
    known = [*KINDS, "songs"]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.segmentation", description=__doc__)
    parser.add_argument("names", nargs="*", help=argparse.SUPPRESS)  # of `python -m benchmarks`, which runs this file
    parser.add_argument("--quick", action="store_true", help="four development seeds, and write nothing")
    parser.add_argument("--development", action="store_true", help="all development seeds, and write nothing")
    parser.add_argument("--kinds", nargs="+", choices=known, default=known, help="write nothing if some are left out")
    parser.add_argument("--msaf", metavar="PYTHON", default=sys.executable, help="an interpreter that has MSAF")
    given = parser.parse_args()
    if not os.environ.get("AUDIOFEAT_DATA"):
        parser.error("the environment variable AUDIOFEAT_DATA must name the folder of recordings")
    seeds = DEVELOPMENT[:4] if given.quick else DEVELOPMENT if given.development else REPORTING
    parts = []
    with threadpool_limits(1):
        for part in report(given.kinds, seeds, given.msaf):
            say("\r")
            print(part, flush=True)
            parts.append(part)
    if seeds == REPORTING and given.kinds == known:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text("# Segmentation\n\n" + "\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
