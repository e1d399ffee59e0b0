"""The command ``audiofeat-nn``: networks trained, tested, used and exported from the shell.

Exit codes: 0 if all went well, 1 if a file failed (the others are done all the same), 2 for a wrong call,
130 after Ctrl-C, 141 if the reader of the output went away. Results go to stdout; progress and one line per
error, ``audiofeat-nn: PATH: reason``, to stderr.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from audiofeat_nn.cli._terminal import UsageError, need, tell
from audiofeat_nn.cli.asking import setting, weights_by_name
from audiofeat_nn.cli.evaluating import run_evaluate
from audiofeat_nn.cli.exporting import run_export
from audiofeat_nn.cli.listing import run_models, run_recipes, run_summary
from audiofeat_nn.cli.predicting import run_predict
from audiofeat_nn.cli.reproducing import run_reproduce
from audiofeat_nn.cli.training import run_train

VOTES = ("majority", "mean_proba", "sum_log_proba")
DATA = "NAME:PATH, such as gtzan:PATH, esc10:PATH, fma-small:PATH, folder:PATH (a folder for each class), csv:FILE"
NETWORK = "what train wrote: its folder, or the file .safetensors"


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
    >>> from audiofeat_nn.cli import main
    >>> main(["summary"])
    2
    """
    try:
        arguments = _parser().parse_args(argv)
        need("torch", "nn")
        need("safetensors", "nn")
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except SystemExit as error:  # argparse, after its help or its message
        return int(error.code or 0)
    except UsageError as error:
        tell(str(error))
        return 2
    except KeyboardInterrupt:
        tell("interrupted")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at exit
        return 141
    return code


def _parser() -> argparse.ArgumentParser:
    from audiofeat import __version__

    parser = argparse.ArgumentParser(
        prog="audiofeat-nn", description="Published genre networks: train, test, use, export and reproduce them."
    )
    parser.add_argument("--version", action="version", version=f"audiofeat {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    models = command("models", run_models, "List the networks.")
    recipes = command("recipes", run_recipes, "List the rows of the papers' tables, with the published figures.")
    recipes.add_argument("paper", nargs="?", metavar="PAPER", help="of one paper only")
    for each in (models, recipes):
        each.add_argument("--json", action="store_true", help="a line of JSON for each")

    summary = command("summary", run_summary, "List the layers of a network.")
    summary.add_argument("model", metavar="MODEL", help="a name that models lists")
    summary.add_argument("--classes", type=_count, default=10, metavar="N", help="(default: 10)")
    _add_set(summary, "OPTION", "an option of the network, such as dropout=0.3")

    train = command("train", run_train, "Train a network on a data set.")
    recipe = "a recipe (PAPER/ROW), a .toml file of one's own, or a model, which takes settings of no paper"
    train.add_argument("name", metavar="RECIPE", help=recipe)
    train.add_argument("--data", required=True, metavar="DATA", help=DATA)
    train.add_argument("-o", dest="folder", required=True, metavar="DIR", help="network, history and checkpoint")
    train.add_argument("--resume", action="store_true", help="go on with the training in DIR, or begin it")
    train.add_argument(
        "--validation",
        type=_validation,
        metavar="SHARE",
        help="share of the files to validate on, official or none (default: official parts, or else the recipe's; "
        "0.15 for a model)",
    )
    _add_set(train, "KEY", "a value of the recipe, such as training.lr=1e-4 or model.options.dropout=0.3")
    train.add_argument("--weights", metavar="PATH", help="weights that the network begins with")
    _add_running(train)

    predict = command("predict", run_predict, "Say which class files belong to.")
    predict.add_argument("network", metavar="DIR", help=NETWORK)
    predict.add_argument("files", nargs="+", metavar="FILE", help="files, folders, or - for paths on stdin")
    predict.add_argument("--json", action="store_true", help="a line of JSON for each file, with all probabilities")
    predict.add_argument("--vote", choices=VOTES, help="how patches become tracks (default: as in the training)")
    predict.add_argument("--batch-size", type=_count, default=32, metavar="N", help="patches at a time (default: 32)")
    predict.add_argument(
        "--timeline", metavar="PATH", help="draw probabilities in time: a figure for one file, a folder for several"
    )
    _add_running(predict, seed=False)

    evaluate = command("evaluate", run_evaluate, "Test a trained network, or a recipe on folds that do not leak.")
    evaluate.add_argument("name", metavar="DIR_OR_RECIPE", help=f"{NETWORK}; or {recipe}")
    evaluate.add_argument("--data", required=True, metavar="DATA", help=DATA)
    evaluate.add_argument("--cv", type=_folds, metavar="N", help="folds, or official (default: the recipe's)")
    evaluate.add_argument("--protocol", choices=("clean", "published"), help="of the recipe (default: clean)")
    _add_set(evaluate, "KEY", "a value of the recipe")
    evaluate.add_argument("--weights", metavar="PATH", help="weights that the network begins with")
    evaluate.add_argument(
        "-o", dest="outputs", action="append", metavar="PATH", help="write a .json, .md or figure; repeatable"
    )
    _add_running(evaluate)

    export = command("export", run_export, "Write a trained network as an ONNX graph, for any number of items.")
    export.add_argument("network", metavar="DIR", help=NETWORK)
    export.add_argument("--onnx", dest="output", required=True, metavar="OUT.onnx", help="the graph")
    export.add_argument(
        "--from",
        dest="source",
        choices=("features", "waveform"),
        default="features",
        help="its input; with waveform the front end is part of it (default: features)",
    )

    reproduce = command("reproduce", run_reproduce, "Train and test rows of the papers' tables, and compare.")
    reproduce.add_argument("names", nargs="+", metavar="NAME", help="papers, recipes, or all")
    reproduce.add_argument("--data", metavar="DATA", help=DATA)
    reproduce.add_argument("--smoke", action="store_true", help="in minutes: small, and without --data synthetic")
    reproduce.add_argument(
        "-o",
        dest="folder",
        default="reproduction",
        metavar="DIR",
        help="reports and checkpoints (default: reproduction)",
    )
    reproduce.add_argument("--protocol", choices=("clean", "published"), default="clean", help="(default: clean)")
    reproduce.add_argument("--folds", type=_count, metavar="N", help="the first N folds only")
    reproduce.add_argument("--resume", action="store_true", help="go on with what DIR holds, or begin it")
    reproduce.add_argument(
        "--weights",
        type=weights_by_name,
        action="append",
        metavar="NAME=PATH",
        help="weights that a network begins with; repeatable",
    )
    _add_running(reproduce)
    return parser


def _add_set(command: argparse.ArgumentParser, key: str, text: str) -> None:
    command.add_argument(
        "--set",
        dest="changes",
        type=setting,
        action="append",
        default=[],
        metavar=f"{key}=VALUE",
        help=f"{text}: a value of TOML, or a word; repeatable",
    )


def _add_running(command: argparse.ArgumentParser, *, seed: bool = True) -> None:
    command.add_argument("--device", default="cpu", help="of torch (default: cpu)")
    command.add_argument("-j", dest="n_jobs", type=_count, metavar="N", help="files at a time (default: 1)")
    if seed:
        command.add_argument("--seed", type=_seed, default=0, metavar="N", help="of all that is random (default: 0)")


def _folds(text: str) -> int | str:
    return text if text == "official" else _count(text, low=2)


def _validation(text: str) -> float | str:
    if text in ("official", "none"):
        return text
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0.0 < share < 1.0:
        msg = f"must be a share above 0 and below 1, official or none, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return share


def _seed(text: str) -> int:
    return _count(text, low=0)


def _count(text: str, low: int = 1) -> int:
    if not text.isdecimal() or int(text) < low:
        msg = f"must be an integer >= {low}, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)
