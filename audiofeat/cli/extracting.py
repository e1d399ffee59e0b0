"""The commands ``info``, ``features`` and ``describe``."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audiofeat.cli._terminal import (
    FAILURES,
    UsageError,
    clock,
    each,
    keep_inputs,
    printable,
    progress,
    report,
    say,
    unique,
)


def run_info(arguments: argparse.Namespace) -> int:
    from audiofeat.io import info

    def work(number: int) -> None:
        header = info(arguments.files[number])
        seconds = header.declared_duration
        length = "length not declared" if seconds is None else f"{clock(seconds)} declared"
        channels = f"{header.n_channels} channel{'s' if header.n_channels > 1 else ''}"
        say(f"{header.path}: {header.format} {header.subtype}, {header.sr} Hz, {channels}, {length}")

    return each(arguments.files, work, tell=False)


def run_features(arguments: argparse.Namespace) -> int:
    import json
    from zipfile import ZipFile

    import numpy as np

    from audiofeat._files import replacing
    from audiofeat.presets import list_presets, preset

    if arguments.preset not in list_presets():
        msg = f"--preset must be one of {', '.join(list_presets())}, got {arguments.preset!r}"
        raise UsageError(msg)
    front_end = preset(arguments.preset)
    files: list[str] = arguments.files
    output = Path(arguments.output)
    stems = [(printable(Path(file).stem), printable(Path(file).suffix)) for file in files]
    names = unique(stems, taken=["spec"])
    code, done = 0, []

    def put(archive: ZipFile, name: str, array: Any) -> None:  # np.savez would hold all arrays at once
        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)

    try:
        keep_inputs([output], files)
        output.parent.mkdir(parents=True, exist_ok=True)
        with replacing(output) as temporary, ZipFile(temporary, "w") as archive:
            put(archive, "spec", json.dumps(front_end.to_dict()))
            for number, (file, name) in enumerate(zip(files, names, strict=True)):
                progress(number, files)
                try:
                    array = front_end(file)
                except FAILURES as error:
                    code = report(file, error)
                    continue
                put(archive, name, array)
                done.append(f"{file}: {' x '.join(map(str, array.shape))} under the name {name}")
            _need_some(done)
    except FAILURES as error:
        return report(arguments.output, error)
    say(*done, f"wrote {output}")
    return code


def _need_some(done: Sequence[Any]) -> None:
    if not done:
        msg = "not written, no file gave features"
        raise ValueError(msg)


def run_describe(arguments: argparse.Namespace) -> int:
    """Describe files in a table of comma-separated values."""
    import csv
    import io

    from audiofeat._files import replacing
    from audiofeat.io import load
    from audiofeat.tables import describe
    from audiofeat.tables.clips import OF_CLIPS
    from audiofeat.tables.rows import NAMES
    from audiofeat.tables.statistics import ALL

    files: list[str] = arguments.files
    chosen = {name: getattr(arguments, name) for name in ("names", "statistics") if getattr(arguments, name)}
    for option, known in (("names", (*NAMES, *OF_CLIPS)), ("statistics", ALL)):
        wrong = [word for word in chosen.get(option, []) if word not in known]
        if wrong:
            msg = f"--{option} must be some of {', '.join(known)}, got {wrong[0]!r}"
            raise UsageError(msg)
    if arguments.preset not in ("default", "gtzan") or (arguments.preset == "gtzan" and chosen):
        msg = f"--preset must be default, or gtzan without --names and --statistics, got {arguments.preset!r}"
        raise UsageError(msg)
    code, text = 0, io.StringIO(newline="")
    writer, n_rows = csv.writer(text), 0
    for number, file in enumerate(files):
        progress(number, files)
        try:
            y, sr = load(file, arguments.sr)
            row = describe(y, sr, preset=arguments.preset, **chosen).to_dict()
        except FAILURES as error:
            code = report(file, error)
            continue
        if not n_rows:
            writer.writerow(["filename", *row])
        writer.writerow([printable(file), *row.values()])
        n_rows += 1
    if arguments.output is None:
        say(*text.getvalue().splitlines())
        return code
    output = Path(arguments.output)
    try:
        keep_inputs([output], files)
        _need_some(list(range(n_rows)))
        output.parent.mkdir(parents=True, exist_ok=True)
        with replacing(output) as temporary:
            temporary.write_text(text.getvalue(), encoding="utf-8", newline="")
    except FAILURES as error:
        return report(arguments.output, error)
    say(f"wrote {output}: {n_rows} row{'s' * (n_rows != 1)}")
    return code
