"""The tutorials do what they say, and print what they show."""

import re
import sys

import numba
import pages
import pytest

TUTORIALS = pages.DOCS / "tutorials"
NEEDS = {  # what the extras bring that a page asks its readers to install
    "features": ["pandas"],
    "segmentation": ["matplotlib", "mir_eval"],
    "baselines": ["matplotlib", "skops"],
    "extraction": ["torch"],
    "networks": ["matplotlib", "onnx", "onnxruntime", "onnxscript", "torch"],
    "own-parts": ["torch"],
}
SLOW = ("baselines", "extraction", "networks", "own-parts")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in; modules that a page writes there are forgotten."""
    monkeypatch.delenv("AUDIOFEAT_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def written(folder, text):
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="too slow without the compiler")
@pytest.mark.parametrize("page", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in NEEDS])
def test_a_page_prints_what_it_shows(page, folder):
    for package in NEEDS[page]:
        pytest.importorskip(package)
    path = TUTORIALS / f"{page}.md"
    shown = re.findall(r"^(?:>>>|\$) ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert pages.run_page(path) == len(shown) > 10


def test_no_page_is_forgotten():
    assert {path.stem for path in TUTORIALS.glob("*.md")} == {"index", *NEEDS}


@pytest.mark.parametrize("page", NEEDS)
def test_what_is_not_run_are_calls_that_the_commands_take(page):
    text = (TUTORIALS / f"{page}.md").read_text(encoding="utf-8")
    scripts = [block.text for block in pages.blocks(text) if block.language == "sh"]
    if "audiofeat-nn" in "".join(scripts):
        pytest.importorskip("torch")
    assert [line for script in scripts for line in pages.refused(script)] == []


# The runner itself

PAGE = """
```python
>>> x = 1
>>> x + 1
2
```

```{code-block} python
:caption: own.py

y = 3
```

```python
from own import y

z = x + y
```

```console
$ cat own.py
y = 3
$ audiofeat info nowhere.wav
audiofeat: nowhere.wav: …
```

```toml
not = "run"
```
"""


def test_blocks_share_names_and_files(folder):
    names = {}
    assert pages.run_page(written(folder, PAGE), names) == 4
    assert names["z"] == 4


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("\n2\n", "\n3\n", r"page\.md, line 4: x \+ 1"),
        ("\ny = 3\n$", "\ny = 4\n$", r"page\.md, line 21: cat own\.py"),
        ("nowhere.wav: …", "elsewhere.wav: …", "audiofeat: nowhere.wav: "),
        ("audiofeat: nowhere.wav: …\n", "", "audiofeat: nowhere.wav: "),
    ],
)
def test_what_is_not_printed_is_found(folder, before, after, message):
    with pytest.raises(AssertionError, match=message):
        pages.run_page(written(folder, PAGE.replace(before, after, 1)))


def test_errors_of_a_page_are_its_own(folder):
    with pytest.raises(ZeroDivisionError):
        pages.run_page(written(folder, PAGE.replace("x + 1", "x / 0", 1)))
    with pytest.raises(ModuleNotFoundError, match="nowhere") as raised:
        pages.run_page(written(folder, PAGE.replace("from own", "from nowhere", 1)))
    assert raised.traceback[-1].lineno + 1 == 15  # of the page


@pytest.mark.parametrize(
    ("lines", "printed", "expected"),
    [
        (["a", "b"], "a\nb\n", True),
        (["a", "b"], "a\n", False),
        (["a"], "a\nb\n", False),
        (["a …, b"], "a 1.5 s, b\n", True),
        (["a …, b"], "a 1\n2, b\n", False),  # not across lines
        (["a", "…", "d"], "a\nb\nc\nd\n", True),
        (["a", "…", "d"], "a\nd\n", True),
        (["a", "…", "d"], "a\nb\nc\n", False),
        (["a.c"], "abc\n", False),
        ([], "", True),
        ([], "a\n", False),
    ],
)
def test_an_ellipsis_stands_for_anything_on_a_line_or_for_lines(lines, printed, expected):
    assert pages.is_printed(lines, printed) is expected


def test_a_command_may_go_on_in_the_next_line():
    assert list(pages.steps("$ one \\\n    two\nthree\n\nfour\n$ five\n")) == [
        ("one      two", ["three", "", "four"]),
        ("five", []),
    ]


def test_calls_that_a_command_does_not_take():
    script = "audiofeat info a.wav\ncd music\naudiofeat infos a.wav\naudiofeat describe a.wav \\\n    --tables b.csv\n"
    assert [line.split()[1] for line in pages.refused(script)] == ["infos", "describe"]
    assert pages.refused("audiofeat info a.wav  # of a file\n") == []
