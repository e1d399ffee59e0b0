"""Folders of files: which there are, a summary of all of them, and what a second run need not do again."""

import argparse
import csv
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from audiofeat._files import replacing
from audiofeat.cli._terminal import FAILURES, each, explained, keep_inputs, report, say
from audiofeat.cli.segmenting import SONIFIED, THUMBNAIL, Job, found_in, summary, written

if TYPE_CHECKING:
    from audiofeat.report._index import Entry

# What is taken for audio in a folder; what cannot be decoded among it is reported, as any bad file.
AUDIO: tuple[str, ...] = (".aac", ".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".m4a", ".mp2", ".mp3")
AUDIO += (".oga", ".ogg", ".opus", ".rf64", ".snd", ".w64", ".wav", ".wave", ".wma")
RESERVED = ("index", "summary")  # names of this file's own outputs
NAMES = "surrogateescape"  # a name of a file that is not UTF-8 is written as it is
PATIENCE = 10.0  # seconds of work that a run which is killed may have to do again
COLUMNS = (
    "file",
    "status",
    "duration",
    "n_sections",
    "n_labels",
    "confidence",
    "name",
    "page",
    "reason",
    "parameters",
    "sections",
)


def audio_files(given: Iterable[str], troubles: list[OSError]) -> Iterator[tuple[str, str]]:
    """Yield each file, those below folders too, and the stem of its outputs, which keeps their subfolders.

    Hidden files and outputs that are audio are left out of folders, and links to folders are not followed. Folders that
    cannot be read go to `troubles`.
    """
    for text in given:
        top = Path(text)
        if not top.is_dir():
            yield text, top.stem
            continue
        empty = True
        for folder, subfolders, names in os.walk(top, onerror=troubles.append):
            subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
            for name in sorted(names):
                path = Path(folder, name)
                if (
                    path.suffix.lower() in AUDIO
                    and not name.startswith(".")
                    and not name.endswith((SONIFIED, THUMBNAIL))
                ):
                    empty = False
                    yield str(path), path.relative_to(top).with_suffix("").as_posix()
        if empty and not troubles:
            troubles.append(OSError(0, "holds no audio files", text))


def run_folder(arguments: argparse.Namespace, jobs: Sequence[Job], troubles: Sequence[OSError]) -> int:
    """Do the jobs, and write ``summary.csv`` and ``index.html`` of them into the folder of the outputs."""
    from audiofeat.report._index import Entry

    folder = Path(arguments.folder)
    table, page_of_all = folder / "summary.csv", folder / "index.html"
    files = [job.file for job in jobs]
    keys = [_relative(job.file, folder) for job in jobs]
    parameters = _parameters(arguments)
    try:
        keep_inputs([table, page_of_all], files)
        folder.mkdir(parents=True, exist_ok=True)
        old = _read(table) if arguments.resume else {}
    except FAILURES as error:
        return report(arguments.folder, error)
    entries, failures = dict(old), [explained(arguments.folder, trouble) for trouble in troubles]
    due = monotonic() + PATIENCE
    for trouble in troubles:
        report(arguments.folder, trouble)

    def save() -> list[Entry]:
        shown = [entries[key] for key in keys if key in entries]
        _write(table, shown)
        return shown

    def work(number: int) -> None:
        nonlocal due
        job, key = jobs[number], keys[number]
        page = "" if job.page is None else _relative(job.page, folder)
        entry = Entry(key, "done", job.name, page, 0.0, [], "", parameters)
        if key in old and _is_fresh(job, entry, old[key]):
            entries[key] = old[key]._replace(status="kept")
            say(f"{job.file}: kept")
            return
        try:
            keep_inputs(job.targets, files)
            found = found_in(job, arguments)
            for _ in written(job, found, arguments):
                pass
        except FAILURES as error:
            failures.append(explained(job.file, error))
            entries[key] = entry._replace(status="failed", page="", reason=failures[-1])
            raise
        rows = zip(found.intervals.tolist(), found.labels, strict=True)
        sections = [(start, end, label) for (start, end), label in rows]
        entries[key] = entry._replace(confidence=found.confidence, sections=sections)
        say(summary(job.file, found))
        if monotonic() > due:
            save()
            due = monotonic() + PATIENCE

    try:
        try:
            each(files, work)
        finally:  # also where Ctrl-C ends it
            shown = save()
            _write_index(page_of_all, shown)
    except FAILURES as error:
        return report(arguments.folder, error)
    counts = {status: sum(entry.status == status for entry in shown) for status in ("done", "kept", "failed")}
    say(f"wrote {table}", f"wrote {page_of_all}", ", ".join(f"{n} {status}" for status, n in counts.items()))
    if failures:
        say("audiofeat: these failed:", *(f"  {failure}" for failure in failures), to=sys.stderr)
    return 1 if failures else 0


def _parameters(arguments: argparse.Namespace) -> str:
    """Return as JSON what the outputs depend on beside the file."""
    names = ("preset", "n_clusters", "sr", "embed_audio", "thumbnail")
    values = {name: getattr(arguments, name) for name in names}
    return json.dumps(values | {"version": vars(sys.modules["audiofeat"])["__version__"]})


def _relative(path: str | Path, folder: Path) -> str:
    """Return a path as seen from the summary, so that it means the same when all are moved together."""
    try:
        return os.path.relpath(path, folder)
    except ValueError:  # another drive of Windows
        return str(Path(path).absolute())


def _is_fresh(job: Job, wanted: "Entry", old: "Entry") -> bool:
    """Tell whether the outputs of a job are there, newer than its file, and made as it would make them."""
    same = (wanted.name, wanted.page, wanted.parameters) == (old.name, old.page, old.parameters)
    if old.status == "failed" or not same:
        return False
    try:
        made = Path(job.file).stat().st_mtime_ns
        return all(target.stat().st_mtime_ns >= made for target in job.targets)
    except OSError:
        return False


def _write(path: Path, entries: Iterable["Entry"]) -> None:
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for entry in entries:
        known = ("", "", "", "")
        if entry.status != "failed":
            known = (f"{entry.duration:.6f}", f"{len(entry.sections)}", f"{entry.n_labels}", repr(entry.confidence))
        sections = json.dumps(entry.sections)
        writer.writerow(
            [entry.file, entry.status, *known, entry.name, entry.page, entry.reason, entry.parameters, sections]
        )
    with replacing(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8", errors=NAMES, newline="")


def _read(path: Path) -> dict[str, "Entry"]:
    """Return the entries of an earlier summary by their files, none if there is no summary."""
    if not path.is_file():
        return {}
    limit = csv.field_size_limit(1 << 30)  # the sections of some hours are more than the usual 128 KiB
    try:
        with path.open(encoding="utf-8", errors=NAMES, newline="") as file:
            entries = [_entry(row) for row in csv.DictReader(file, strict=True)]
    except (csv.Error, KeyError, TypeError, ValueError) as error:
        msg = f"{path} is no summary to resume from; without --resume it is replaced"
        raise ValueError(msg) from error
    finally:
        csv.field_size_limit(limit)
    return {entry.file: entry for entry in entries}


def _entry(row: Mapping[str, str]) -> "Entry":
    from audiofeat.report._index import Entry

    sections = [(float(start), float(end), str(label)) for start, end, label in json.loads(row["sections"])]
    given = [row[name] for name in ("file", "status", "name", "page", "reason", "parameters")]
    file, status, name, page, reason, parameters = given
    return Entry(file, status, name, page, float(row["confidence"] or 0.0), sections, reason, parameters)


def _write_index(path: Path, entries: Sequence["Entry"]) -> None:
    from audiofeat.report._index import index

    text = index(entries, title=path.absolute().parent.name or "Sections", path=path)
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode())
