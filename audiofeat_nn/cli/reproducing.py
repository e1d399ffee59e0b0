"""The command ``reproduce``: rows of the papers' tables beside what comes out here."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audiofeat_nn.cli._terminal import FAILURES, UsageError, relay, report, say, sigterm_interrupts, tell
from audiofeat_nn.cli.asking import dataset_at, device_named, network_failures

if TYPE_CHECKING:
    from audiofeat_nn.reproduction import Reproduction

EVERYTHING = "all"
MARKDOWN, JSON = "report.md", "report.json"


def run_reproduce(arguments: argparse.Namespace) -> int:
    _check(arguments.names)
    if arguments.data is None and not arguments.smoke:
        msg = "--data is needed, or --smoke, which makes a small corpus of its own"
        raise UsageError(msg)
    folder = Path(arguments.folder)
    if not arguments.resume and folder.is_dir() and any(folder.iterdir()):
        msg = f"{folder} is not empty: go on with what it holds by --resume, or choose another folder"
        raise UsageError(msg)
    device = device_named(arguments.device)
    from audiofeat_nn.reproduction import reproduce

    with_resume = "" if arguments.resume else " with --resume"
    what = arguments.data or "smoke"
    try:
        dataset = None if arguments.data is None else dataset_at(arguments.data)
        with sigterm_interrupts():
            found = reproduce(
                arguments.names,
                dataset,
                folder=folder,
                protocol=arguments.protocol,
                smoke=arguments.smoke,
                kind=_kind(arguments.data),
                weights=dict(arguments.weights or ()) or None,
                folds=arguments.folds,
                resume=arguments.resume,
                device=device,
                n_jobs=arguments.n_jobs,
                random_state=arguments.seed,
                progress=relay,
            )
    except KeyboardInterrupt:
        tell(f"interrupted; the same command{with_resume} goes on")
        return 130
    except ImportError as error:
        raise UsageError(str(error)) from error
    except network_failures() as error:
        return report(what, error)
    say(*str(found).splitlines())
    try:
        _write(folder, found)
    except FAILURES as error:
        return report(str(folder), error)
    say(*(f"wrote {folder / name}" for name in (MARKDOWN, JSON)))
    for row in found.failed:
        report(row.recipe, ValueError(row.error))
    return 1 if found.failed else 0


def _check(names: Sequence[str]) -> None:
    from audiofeat_nn.recipes import list_papers, list_recipes

    papers = list_papers()
    for name in names:
        if name not in (EVERYTHING, *papers, *list_recipes()):
            known = f"papers are {', '.join(papers)}, and audiofeat-nn recipes lists their rows"
            msg = f"NAME must be a paper, a recipe or {EVERYTHING}, got {name!r}: {known}"
            raise UsageError(msg)


def _kind(spec: str | None) -> str | None:
    """Return which of a paper's rows are of a data set: those on GTZAN, whichever its split."""
    if spec is None:
        return None
    name = spec.partition(":")[0]
    return "gtzan" if name.startswith("gtzan-") else name


def _write(folder: Path, found: "Reproduction") -> None:
    from audiofeat._files import replacing

    folder.mkdir(parents=True, exist_ok=True)
    texts = {MARKDOWN: found.to_markdown(), JSON: found.to_json()}
    for name, text in texts.items():
        with replacing(folder / name) as temporary:
            temporary.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
