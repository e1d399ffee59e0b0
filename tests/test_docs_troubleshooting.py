"""docs/troubleshooting.md lists messages that the code has, and all reasons why an audio file is refused."""

import ast
import re
from functools import cache

import pages
import pytest

PAGE = pages.DOCS / "troubleshooting.md"
ROOT = pages.DOCS.parent
ROW = re.compile(r"^\| `(?P<message>[^`]+)` \| ", flags=re.MULTILINE)
MESSAGES = ROW.findall(PAGE.read_text(encoding="utf-8"))
ANY = "…"  # what differs


def text_of(node):
    """The text of a string or an f-string, with … for what is put into it; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(ANY if isinstance(part, ast.FormattedValue) else part.value for part in node.values)
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.IfExp):
        return ANY
    return None


@cache
def texts():
    """Every text in the code of both packages, docstrings aside."""
    found = set()
    for package in ("audiofeat", "audiofeat_nn"):
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            found |= {text_of(node) for node in ast.walk(tree) if id(node) not in docs}
    return frozenset(found - {None, ANY})


def means(message, text):
    """Whether a text of the code, filled in somehow, is the message, filled in somehow: … is at least one character."""
    literal = [part for part in message.split(ANY) if part.strip()]
    pattern = ".*".join(map(re.escape, literal))
    return re.search(pattern, text, flags=re.DOTALL) is not None


def reasons():
    """The reasons of AudioError in the words of the code that reads and writes files."""
    for path in (ROOT / "audiofeat" / "io").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            told = []
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "AudioError":
                told = [node.args[1]]
            elif isinstance(node, ast.Assign | ast.Return) and is_reason(node, path.name):
                told = [node.value]
            found = (text_of(choice) for node in told for choice in choices(node))
            yield from (text for text in found if text and " " in text.replace(ANY, ""))


def is_reason(node, name):
    """Whether a line gives the reason of an error: what `shortfall` returns, or a variable that is so called."""
    if isinstance(node, ast.Return):
        return name == "_files.py"
    return ast.unparse(node.targets[0]) in ("beyond", "problem", "reason")


def choices(node):
    """What an expression may be: the sides of `or` and `if`."""
    sides = node.values if isinstance(node, ast.BoolOp) else []
    sides = [node.body, node.orelse] if isinstance(node, ast.IfExp) else sides
    return [choice for side in sides for choice in choices(side)] if sides else [node]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_in_the_code(message):
    assert any(means(message, text) for text in texts())


# A decoder's own words, which are put into messages that are listed.
INNER = {"Format not recognised", "decoder error …"}


def test_every_reason_of_an_audio_error_is_listed():
    found = set(reasons())
    assert len(found) >= 20
    assert found >= {"the file is empty", "not a regular file", "holds no samples", "longer than max_duration = … s"}
    assert {reason for reason in found if not any(means(reason, told) for told in MESSAGES)} <= INNER


def test_messages_are_told_once_and_compared_by_their_words():
    assert len(MESSAGES) == len(set(MESSAGES)) >= 70
    assert means("a … b", "a {x} b")
    assert means("… must be 1", "x must be 1, got 2")
    assert not means("a … b", "b a")
    assert not means("no such words", "some words")
