"""What tests read of the pages in docs/: their examples, sections and tables."""

import doctest
import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def text_of(name):
    """Return a page by its name without the suffix: ``"papers/feng2017"``."""
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def run_examples(name):
    """Run the examples of a page, one after the other in one namespace; return how many, and what went wrong."""
    blocks = re.findall(r"^```python\n(.*?)^```$", text_of(name), flags=re.MULTILINE | re.DOTALL)
    test = doctest.DocTestParser().get_doctest("\n\n".join(blocks), {}, name, f"{name}.md", 0)
    told = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=told.append)
    return len(test.examples), "".join(told)


def section(text, heading):
    """Return what stands below a heading of two signs, up to the next."""
    return re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)[1]


def rows(text):
    """Return the cells of all rows of the tables in a text, heads and rules left out."""
    found = []
    for block in re.findall(r"(?:^\|.*\|$\n?)+", text, flags=re.MULTILINE):
        found += [[cell.strip() for cell in line.strip("|").split(" |")] for line in block.splitlines()[2:]]
    return found
