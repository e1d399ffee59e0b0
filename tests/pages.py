"""Pages of the documentation, run from top to bottom as their readers would run them.

Of the fenced blocks of a page, in their order,

- ``python`` is run, with one namespace for all of them; lines after ``>>>`` are compared with what they print;
- ``console`` has commands after ``$ `` and what they print, on either stream. There ``…`` stands for anything on a
  line, and a line of nothing else for any number of lines;
- what has a ``:caption:`` is the file of that name, which is written before anything reads it;
- ``sh`` is not run, as it needs data that are not there: only that our commands take such arguments is checked.
"""

import contextlib
import doctest
import importlib
import io
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

DOCS = Path(__file__).parents[1] / "docs"
OURS = {"audiofeat": "audiofeat.cli", "audiofeat-nn": "audiofeat_nn.cli"}
SHELL = ("cat", "head", "ls")  # what else a console may show
FENCE = re.compile(r"^```(?P<head>[^`\n]+)\n(?P<text>.*?)^```$", flags=re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"\{code-block\} (?P<language>\w+)")
CAPTION = re.compile(r":caption: (?P<name>\S+)\n\n?")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str
    line: int  # in which it begins, from 1
    file: str | None = None  # that it is


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    for found in FENCE.finditer(text):
        head, body = found["head"].strip(), found["text"]
        line = text.count("\n", 0, found.start("text")) + 1
        directive = DIRECTIVE.fullmatch(head)
        caption = CAPTION.match(body) if directive else None
        if caption:
            body = body[caption.end() :]
        yield Block(directive["language"] if directive else head, body, line, caption and caption["name"])


def steps(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the commands of a console, each with the lines that it prints."""
    for step in re.split(r"^\$ ", text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        command, *lines = step.rstrip("\n").splitlines()
        yield command, lines


def is_printed(lines: list[str], printed: str) -> bool:
    """Tell whether lines of a page are what was printed, but for what ``…`` stands for."""
    patterns = [r"(.*\n)*?" if line.strip() == "…" else re.escape(line).replace("…", ".*") + r" *\n" for line in lines]
    return re.fullmatch("".join(patterns), printed) is not None


def run_page(path: Path, names: dict[str, Any] | None = None) -> int:
    """Run a page in the current folder, which it fills, as the names of its blocks do `names`.

    Return how many commands and examples were compared with what they print.
    """
    names = {} if names is None else names
    names["__name__"] = "__main__"
    n_compared = 0
    for block in blocks(path.read_text(encoding="utf-8")):
        if block.file is not None:
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            for command, lines in steps(block.text):
                printed = run_command(command)
                assert is_printed(lines, printed), f"{path.name}, line {block.line}: {command}\n{printed}"
                n_compared += 1
        elif block.language == "python" and block.text.startswith(">>>"):
            n_compared += _run_examples(block, path, names)
        elif block.language == "python":
            above = "\n" * (block.line - 1)  # so that tracebacks name the lines of the page
            exec(compile(above + block.text, path, "exec"), names)
    return n_compared


def _run_examples(block: Block, path: Path, names: dict[str, Any]) -> int:
    test = doctest.DocTestParser().get_doctest(block.text, names, path.stem, str(path), block.line - 1)
    try:
        doctest.DebugRunner(optionflags=FLAGS).run(test, clear_globs=False)
    except doctest.DocTestFailure as failure:
        line = block.line + failure.example.lineno
        told = doctest.OutputChecker().output_difference(failure.example, failure.got, FLAGS)
        msg = f"{path.name}, line {line}: {failure.example.source}{told}"
        raise AssertionError(msg) from None
    except doctest.UnexpectedException as failure:
        raise failure.exc_info[1] from None
    names.update(test.globs)
    return len(test.examples)


def run_command(command: str) -> str:
    """Run a command, ours in this process, and return what it prints on either stream."""
    name, *arguments = shlex.split(command)
    if name in SHELL:
        return subprocess.run([name, *arguments], check=True, capture_output=True, text=True).stdout
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        _main(name)(arguments)
    return printed.getvalue()


def refused(text: str) -> list[str]:
    """Return the lines of a script that call our commands with what they do not take."""
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.split(" ")[0] in OURS]
    return [line for line in lines if not _is_taken(*shlex.split(line, comments=True))]


def _is_taken(name: str, *arguments: str) -> bool:
    parser = importlib.import_module(OURS[name])._parser()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            parser.parse_args(arguments)
    except SystemExit:
        return False
    return True


def _main(name: str) -> Callable[[list[str]], int]:
    main: Callable[[list[str]], int] = importlib.import_module(OURS[name]).main
    return main
