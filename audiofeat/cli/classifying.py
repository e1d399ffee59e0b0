"""The commands ``train``, ``predict`` and ``evaluate``: genre baselines on data sets."""

import argparse
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiofeat.cli._terminal import FAILURES, UsageError, each, keep_inputs, report, say

if TYPE_CHECKING:
    from audiofeat.datasets import AudioDataset

MODELS = ("decision-tree", "knn", "naive-bayes", "pca-knn", "pca-svm", "softmax", "svm", "tempo-nn")
REPORTS = (".json", ".md", ".pdf", ".png", ".svg")
SHOWN = 3  # classes of a file in the table, the likeliest first


def run_train(arguments: argparse.Namespace) -> int:
    _need("skops", "persist")
    from audiofeat.persistence import save_model

    output, model = Path(arguments.output), _model(arguments)
    try:
        dataset = _dataset(arguments.data)
        keep_inputs([output], dataset.path.tolist())
        model.fit(dataset.path.tolist(), dataset.label)
        save_model(output, model, data=dataset, metadata={"data": arguments.data, "model": arguments.model})
    except FAILURES as error:
        return report(arguments.data, error)
    classes = ", ".join(f"{label} {count}" for label, count in dataset.counts.items())
    say(f"{len(dataset)} files: {classes}", f"wrote {output}")
    return 0


def run_predict(arguments: argparse.Namespace) -> int:
    _need("skops", "persist")
    from audiofeat.persistence import load_model

    try:
        model = load_model(arguments.model)
    except FAILURES as error:
        return report(arguments.model, error)
    files: list[str] = arguments.files
    width = max(map(len, files))

    def work(number: int) -> None:
        label = str(model.predict([files[number]])[0])
        shares = model.predict_proba([files[number]])[0].tolist() if hasattr(model, "predict_proba") else []
        proba = dict(zip(map(str, model.classes_), shares, strict=False))
        if arguments.json:
            say(json.dumps({"file": files[number], "label": label, "probabilities": proba or None}))
        else:
            likely = sorted(proba.items(), key=lambda one: -one[1])[:SHOWN]
            told = "  ".join(f"{name} {share:.2f}" for name, share in likely)
            say(f"{files[number]:<{width}}  {label:<16}  {told}".rstrip())

    return each(files, work, tell=False)


def run_evaluate(arguments: argparse.Namespace) -> int:
    from audiofeat.classification import evaluate

    outputs = [Path(output) for output in arguments.outputs or []]
    for output in outputs:
        if output.suffix.lower() not in REPORTS:
            msg = f"-o must end in one of {', '.join(REPORTS)}, got {str(output)!r}"
            raise UsageError(msg)
    if any(output.suffix.lower() not in (".json", ".md") for output in outputs):
        _need("matplotlib", "plot")
    model = _model(arguments)
    try:
        dataset = _dataset(arguments.data)
        keep_inputs(outputs, dataset.path.tolist())
        found = evaluate(
            model,
            dataset,
            cv=arguments.cv,
            groups=arguments.groups,
            repeats=arguments.repeats,
            allow_leakage=arguments.allow_leakage,
        )
    except FAILURES as error:
        return report(arguments.data, error)
    say(*str(found).splitlines())
    for output in outputs:
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            _write(output, found)
        except FAILURES as error:
            return report(str(output), error)
        say(f"wrote {output}")
    return 0


def _need(package: str, extra: str) -> None:
    if find_spec(package) is None:
        msg = f"this needs the package {package}: pip install 'audiofeat[{extra}]'"
        raise UsageError(msg)


def _model(arguments: argparse.Namespace) -> Any:
    """Return the pipeline that is asked for, from files on."""
    from audiofeat import baselines
    from audiofeat.estimators import FeatureStatistics
    from audiofeat.presets import list_presets

    make: Any = getattr(baselines, arguments.model.replace("-", "_"))
    if arguments.preset is not None and arguments.preset not in list_presets():
        msg = f"--preset must be one of {', '.join(list_presets())}, got {arguments.preset!r}"
        raise UsageError(msg)
    if arguments.model == "tempo-nn":
        if arguments.preset is not None:
            msg = f"--preset must be left out with --model tempo-nn, got {arguments.preset!r}"
            raise UsageError(msg)
        return make()
    return make(features=FeatureStatistics()) if arguments.preset is None else make(preset=arguments.preset)


def _dataset(spec: str) -> "AudioDataset":
    """Return a data set, and say what it lacks."""
    from audiofeat.datasets import load_dataset

    dataset = load_dataset(spec, check=True)
    for problem in dataset.problems:
        say(f"audiofeat: {problem.path}: left out, {problem.reason}", to=sys.stderr)
    return dataset


def _write(output: Path, found: Any) -> None:
    from audiofeat._files import replacing

    kind = output.suffix.lower()
    with replacing(output) as temporary:
        if kind in (".json", ".md"):
            temporary.write_text(found.to_json() if kind == ".json" else found.to_markdown(), encoding="utf-8")
        else:
            found.plot().figure.savefig(temporary, format=kind[1:], bbox_inches="tight")
