"""The command ``evaluate-segments``."""

import argparse
import math
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from audiofeat.cli._terminal import FAILURES, UsageError, keep_inputs, printable, report, say

if TYPE_CHECKING:
    from audiofeat.annotation_scores import AnnotationScores

COLUMNS = {  # of the terminal, tr: trimmed, deviations in seconds; the files have all measures
    "F 0.5s": "F-measure@0.5",
    "F 3s": "F-measure@3.0",
    "tr 0.5s": "Trimmed F-measure@0.5",
    "tr 3s": "Trimmed F-measure@3.0",
    "ref-est": "Ref-to-est deviation",
    "est-ref": "Est-to-ref deviation",
    "pair F": "Pairwise F-measure",
    "V": "V-measure",
    "NCE F": "NCE F-measure",
    "ARI": "Adjusted Rand Index",
}


def run_evaluate(arguments: argparse.Namespace) -> int:
    if find_spec("mir_eval") is None:
        msg = "this needs the package mir_eval: pip install 'audiofeat[eval]'"
        raise UsageError(msg)
    from audiofeat.annotation_scores import evaluate_annotations

    outputs = [Path(output) for output in arguments.outputs or []]
    for output in outputs:
        if output.suffix.lower() not in (".csv", ".json"):
            msg = f"-o must end in .csv or .json, got {str(output)!r}"
            raise UsageError(msg)
    sides = [Path(arguments.reference), Path(arguments.estimate)]
    try:
        inputs = [file for side in sides for file in (side.rglob("*") if side.is_dir() else [side])]
        keep_inputs(outputs, map(str, inputs))
        scores = evaluate_annotations(*sides, level=arguments.level)
    except ImportError as error:  # of jams
        raise UsageError(str(error)) from error
    except FAILURES as error:
        return report(arguments.reference, error)
    if scores.rows:
        say(*table(scores))
    for output in outputs if scores.rows else []:
        try:
            write(output, scores)
            say(f"wrote {output}")
        except FAILURES as error:
            return report(str(output), error)
    for path, reason in scores.skipped.items():
        report(path, ValueError(reason))
    if not scores.rows:
        report(arguments.reference, ValueError(f"nothing to compare with {arguments.estimate}"))
    return 1 if scores.skipped or not scores.rows else 0


def table(scores: "AnnotationScores") -> list[str]:
    """Return the scores of the estimates by file, then the mean of each system."""
    from audiofeat.annotation_scores import SYSTEMS

    by_file = scores.per_file("estimate")
    means = {}
    for system in SYSTEMS:
        if n_files := len(scores.per_file(system)):
            means[f"{system}, {n_files} file{'s' * (n_files > 1)}"] = scores.mean(system)
    width = max(len(printable(name)) for name in ("estimate of", *by_file, *means))

    def lines(title: str, rows: Mapping[str, Mapping[str, float]]) -> list[str]:
        heading = f"{title:<{width}}" + "".join(f" {name:>7}" for name in COLUMNS)
        return [heading] + [
            f"{printable(name):<{width}}" + "".join(f" {row[measure]:>7.3f}" for measure in COLUMNS.values())
            for name, row in rows.items()
        ]

    return [*lines("estimate of", by_file), "", *lines("mean of", means)]


def write(path: Path, scores: "AnnotationScores") -> None:
    """Write all measures: a row for each file, annotator and system, and the means, to CSV or JSON."""
    import csv
    import io
    import json

    from audiofeat._files import replacing
    from audiofeat.annotation_scores import SYSTEMS

    means = {system: mean for system in SYSTEMS if (mean := scores.mean(system))}
    if path.suffix.lower() == ".json":

        def plain(row: Mapping[str, float]) -> dict[str, float | None]:  # JSON has no NaN
            return {key: None if math.isnan(value) else value for key, value in row.items()}

        content = {
            "rows": [row._asdict() | {"scores": plain(row.scores)} for row in scores.rows],
            "mean": {system: plain(mean) for system, mean in means.items()},
            "n_files": {system: len(scores.per_file(system)) for system in means},
            "skipped": scores.skipped,
        }
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    else:
        table = io.StringIO(newline="")
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["file", "annotator", "system", *scores.rows[0].scores])
        writer.writerows([row.file, row.annotator, row.system, *row.scores.values()] for row in scores.rows)
        writer.writerows(["mean", "", system, *mean.values()] for system, mean in means.items())
        text = table.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode(errors="backslashreplace"))  # of names that are not text
