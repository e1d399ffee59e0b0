"""The command ``audiofeat``: sections, features and classes of audio files from the shell.

Exit codes: 0 if all went well, 1 if a file failed (the others are done all the same), 2 for a wrong call,
130 after Ctrl-C, 141 if the reader of the output went away. Results go to stdout; progress and one line per
error, ``audiofeat: PATH: reason``, to stderr.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from audiofeat.cli._terminal import UsageError, say
from audiofeat.cli.classifying import MODELS, run_evaluate, run_predict, run_train
from audiofeat.cli.collecting import run_extract
from audiofeat.cli.evaluating import run_evaluate as run_evaluate_segments
from audiofeat.cli.extracting import run_describe, run_features, run_info
from audiofeat.cli.segmenting import EXTENSIONS, run_demo, run_segment
from audiofeat.cli.storing import run_compact, run_errors, run_export, run_merge, run_verify
from audiofeat.cli.storing import run_info as run_store_info

if TYPE_CHECKING:
    from audiofeat.extraction import Excerpts

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process if not given.

    Returns
    -------
    int
        The exit code.

    Examples
    --------
    >>> from audiofeat.cli import main
    >>> main(["info"])
    2
    """
    try:
        arguments = _parser().parse_args(argv)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except SystemExit as error:  # argparse, after its help or its message
        return int(error.code or 0)
    except UsageError as error:
        say(f"audiofeat: {error}", to=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("audiofeat: interrupted", to=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at exit
        return 141
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="audiofeat", description="Sections, features and classes of audio files.")
    version = vars(sys.modules["audiofeat"])["__version__"]
    parser.add_argument("--version", action="version", version=f"audiofeat {version}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], text: str, to: "Subparsers" = commands
    ) -> argparse.ArgumentParser:
        added = to.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    segment = command("segment", run_segment, "Cut files into labelled sections.")
    segment.add_argument("files", nargs="+", metavar="FILE", help="files, or folders of them (which need -o)")
    segment.add_argument("--n-clusters", type=_count, metavar="K", help="number of labels (default: estimated)")
    segment.add_argument("--preset", default="default", metavar="P", help="default or ucsd2020")
    segment.add_argument("--sr", type=_rate, metavar="HZ", help="resample to this rate (default: the file's)")
    segment.add_argument(
        "--format",
        type=_formats,
        metavar="F,...",
        help=f"write NAME.EXT for each of {', '.join(EXTENSIONS)}",
    )
    segment.add_argument("--plot", metavar="PATH", help="draw a figure: its file for one input, a folder for several")
    segment.add_argument(
        "--report",
        nargs="?",
        const="",
        metavar="PATH",
        help="write a page to click through: its file for one input, a folder for several (default: that of -o)",
    )
    segment.add_argument("--embed-audio", action="store_true", help="put the sound into the page, to send one file")
    segment.add_argument(  # without a path: taken for one, an input would be overwritten
        "--sonify", action="store_true", help="write NAME.sonified.wav: clicks at the borders, a pitch to a label"
    )
    segment.add_argument(
        "--thumbnail", type=_seconds, metavar="SECONDS", help="write NAME.thumbnail.wav, a typical excerpt"
    )
    segment.add_argument(
        "-o", dest="folder", metavar="DIR", help="where the files go (default: here); alone, writes .lab"
    )
    segment.add_argument(
        "--resume", action="store_true", help="skip files whose outputs in -o are newer and were made alike"
    )

    score = command(
        "evaluate-segments",
        run_evaluate_segments,
        "Score estimated sections against annotated, trivial and human ones.",
    )
    score.add_argument("reference", metavar="REF", help="annotations: a folder, a song of SALAMI or a file")
    score.add_argument("estimate", metavar="EST", help="estimates: a folder of files of the same names, or a file")
    levels = ("uppercase", "lowercase", "functions")
    score.add_argument("--level", choices=levels, default=levels[0], help="of SALAMI's annotations")
    score.add_argument(
        "-o",
        dest="outputs",
        action="append",
        metavar="PATH",
        help="write all measures of each file, annotator and system, and the means, to a .csv or .json; repeatable",
    )

    info = command("info", run_info, "Say what the headers of files declare.")
    info.add_argument("files", nargs="+", metavar="FILE")

    features = command("features", run_features, "Compute the features of a preset.")
    features.add_argument("files", nargs="+", metavar="FILE")
    features.add_argument("--preset", required=True, metavar="P", help="a name of audiofeat.list_presets()")
    features.add_argument(
        "-o",
        dest="output",
        required=True,
        metavar="OUT.npz",
        help="arrays by file name, and the preset as JSON under the name spec",
    )

    describe = command("describe", run_describe, "Write a table of statistics of features, a row to a file.")
    describe.add_argument("files", nargs="+", metavar="FILE")
    describe.add_argument("--preset", default="default", metavar="P", help="default or gtzan (57 columns)")
    describe.add_argument("--names", type=_words, metavar="N,...", help="descriptors (default: all of frames)")
    describe.add_argument("--statistics", type=_words, metavar="S,...", help="such as mean,var (default: seven)")
    describe.add_argument("--sr", type=_rate, default=22050.0, metavar="HZ", help="resample to it (default: 22050)")
    describe.add_argument("-o", dest="output", metavar="OUT.csv", help="the table (default: to the terminal)")

    extract = command("extract", run_extract, "Compute features of a collection into a store, whatever happens.")
    _add_extract(extract)
    about_stores = "Look after the stores that extract writes."
    store = commands.add_parser("store", help=about_stores, description=about_stores)
    _add_store(command, store.add_subparsers(required=True, metavar="ACTION"))

    data = "NAME:PATH, such as gtzan:PATH, esc10:PATH, fma-small:PATH, folder:PATH (a folder for each class), csv:FILE"
    train = command("train", run_train, "Fit a genre baseline to a data set.")
    train.add_argument("data", metavar="DATA", help=data)
    _add_model(train)
    train.add_argument("-o", dest="output", required=True, metavar="MODEL.skops", help="the fitted model")

    predict = command("predict", run_predict, "Say which class files belong to.")
    predict.add_argument("model", metavar="MODEL.skops", help="what train wrote")
    predict.add_argument("files", nargs="+", metavar="FILE")
    predict.add_argument("--json", action="store_true", help="a line of JSON for each file, with all probabilities")

    evaluate = command("evaluate", run_evaluate, "Test a genre baseline on folds of a data set that do not leak.")
    evaluate.add_argument("data", metavar="DATA", help=data)
    _add_model(evaluate)
    evaluate.add_argument("--cv", type=_folds, default=5, metavar="N", help="folds, or official (default: 5)")
    groups = ("track", "artist")
    evaluate.add_argument("--groups", choices=groups, default=groups[0], help="what is never divided")
    evaluate.add_argument("--repeats", type=_count, default=1, metavar="N", help="runs with other folds (default: 1)")
    evaluate.add_argument("--allow-leakage", action="store_true", help="go on where folds leak, and say so")
    evaluate.add_argument(
        "-o", dest="outputs", action="append", metavar="PATH", help="write a .json, .md or figure; repeatable"
    )

    demo = command("demo", run_demo, "Segment a synthetic song, and compare with the truth.")
    demo.add_argument("-o", dest="folder", default="audiofeat-demo", metavar="DIR", help="default: audiofeat-demo")
    return parser


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument("--model", choices=MODELS, default="pca-knn", help="default: pca-knn")
    command.add_argument(
        "--preset", metavar="P", help="a front end's frames, as in the papers (default: the statistics of describe)"
    )


def _add_extract(extract: argparse.ArgumentParser) -> None:
    inputs = "folders, files, patterns in quotes, tables (.csv, .tsv) with a column path, or data sets NAME:PATH"
    extract.add_argument("inputs", nargs="+", metavar="INPUT", help=inputs)
    extract.add_argument("-o", dest="output", required=True, metavar="STORE", help="the store, a folder")
    what = "a name of audiofeat.list_presets() (default: librosa); default or gtzan with --stats; default or ucsd2020 "
    extract.add_argument("--preset", metavar="P", help=what + "with --segments")
    kind = extract.add_mutually_exclusive_group()
    kind.add_argument("--stats", action="store_true", help="statistics of each file, a row of describe")
    kind.add_argument("--segments", action="store_true", help="sections of each file: start, end, number of the label")
    extract.add_argument("--excerpt", type=_excerpt, metavar="E", help="3s@center, 3s@30 (from second 30 on), 10x3s")
    extract.add_argument("--short", choices=("skip", "pad"), help="what to do with files too short for the excerpt")
    extract.add_argument("--dtype", choices=("float16", "float32", "float64"), help="(default: float32)")
    extract.add_argument("-j", dest="n_jobs", type=_count, metavar="N", help="processes (default: one for each core)")
    address = "tcp://HOST:PORT of a dask scheduler (it runs whatever it is sent: trusted networks only), or local:N"
    extract.add_argument("--scheduler", metavar="ADDR", help=address)
    extract.add_argument("--shard", metavar="I/N", help="the I-th of N parts of the files; store merge joins them")
    extract.add_argument("--max-duration", type=_seconds, metavar="S", help="skip longer files")
    extract.add_argument("--max-bytes", type=_count, metavar="N", help="skip larger files")
    extract.add_argument("--timeout", type=_seconds, metavar="S", help="give a file up after so many seconds")
    extract.add_argument("--resume", action="store_true", help="go on with the store, or begin it")
    extract.add_argument("--retry", action="store_true", help="with --resume: try what failed or was skipped again")
    extract.add_argument("--strict", action="store_true", help="stop at the first file that fails")


def _add_store(command: Callable[..., argparse.ArgumentParser], to: "Subparsers") -> None:
    info = command("info", run_store_info, "Say what stores hold.", to)
    info.add_argument("--json", action="store_true", help="a line of JSON for each store")
    verify = command("verify", run_verify, "Read all items again, and compare their checksums.", to)
    verify.add_argument("--redo", action="store_true", help="have the next extract --resume make damaged items again")
    errors = command("errors", run_errors, "List the files without an item, and why.", to)
    compact = command("compact", run_compact, "Lay the items back to back in as few shards as may be.", to)
    merge = command("merge", run_merge, "Make one store of several of the same features.", to)
    for action in (info, verify, errors, compact, merge):
        action.add_argument("stores", nargs="+", metavar="STORE")
    for action in (compact, merge):
        action.add_argument("--one", action="store_true", help="one shard, so that Store.matrix() reads no copy")
    merge.add_argument("-o", dest="output", required=True, metavar="STORE", help="the new store")
    export = command("export", run_export, "Write a store of statistics or sections as a table.", to)
    export.add_argument("store", metavar="STORE")
    export.add_argument("-o", dest="output", required=True, metavar="OUT", help="a .parquet or .csv file")


def _excerpt(text: str) -> "Excerpts":
    from audiofeat.extraction import Excerpts

    try:
        return Excerpts.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _folds(text: str) -> int | str:
    return text if text == "official" else _count(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        msg = f"must be an integer >= 1, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _rate(text: str) -> float:
    return _above_zero(text, "Hz")


def _seconds(text: str) -> float:
    return _above_zero(text, "seconds")


def _above_zero(text: str, unit: str) -> float:
    from audiofeat._validation import as_number

    try:
        return as_number(float(text), "it", low=0.0, open_low=True)
    except ValueError as error:
        msg = f"must be a number of {unit} above 0, got {text!r}"
        raise argparse.ArgumentTypeError(msg) from error


def _formats(text: str) -> list[str]:
    names = list(dict.fromkeys(name.strip().lower() for name in text.split(",")))
    for name in names:
        if name not in EXTENSIONS:
            msg = f"must be some of {', '.join(EXTENSIONS)}, got {name!r}"
            raise argparse.ArgumentTypeError(msg)
    return names


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]
