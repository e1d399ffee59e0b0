"""The reference names every public object once, and what builds the site does what it says."""

import argparse
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections import Counter

import pages
import pytest

import audiofeat

ROOT = pages.DOCS.parent
PAGES = sorted((pages.DOCS / "reference").glob("*.rst"))
ENTRY = re.compile(r"^   (?P<name>\w+)$", flags=re.MULTILINE)


def listed(text):
    """The full names in the tables of a page, by the module that is current."""
    module = None
    for part in re.split(r"^(?=\.\. )", text, flags=re.MULTILINE):
        if found := re.match(r"\.\. currentmodule:: (\S+)", part):
            module = found[1]
        elif part.startswith(".. autosummary::"):
            yield from (f"{module}.{name}" for name in ENTRY.findall(part))


def public_names():
    """The full name of everything that is public, by the packages' own tables."""
    nn = ROOT / "audiofeat_nn" / "__init__.py"  # read, as torch may not be there
    table = re.search(r"^_PUBLIC = (\{.*?^\})", nn.read_text(), flags=re.MULTILINE | re.DOTALL)[1]
    names = [f"audiofeat_nn.{name}" for names in eval(table).values() for name in names]
    names += [f"audiofeat.{name}" for name in audiofeat._HOME]
    for module in audiofeat._MODULES:
        names += [f"audiofeat.{module}.{name}" for name in getattr(audiofeat, module).__all__]
    return names


def test_every_public_name_is_in_the_reference_once():
    counted = Counter(name for path in PAGES for name in listed(path.read_text()))
    assert set(counted) == set(public_names())
    assert counted.most_common(1)[0][1] == 1


def test_every_module_has_its_page_and_every_page_its_place():
    text = "".join(path.read_text() for path in PAGES)
    assert all(text.count(f".. automodule:: audiofeat.{module}\n") == 1 for module in audiofeat._MODULES)
    index = (pages.DOCS / "reference" / "index.md").read_text()
    assert sorted(re.findall(r"^([\w-]+)$", index, flags=re.MULTILINE)) == [path.stem for path in PAGES]


def test_entries_are_read_by_their_module():
    text = ".. currentmodule:: a\n\n.. autosummary::\n   :toctree: x/\n\n   f\n   g\n\n.. currentmodule:: b\n\n"
    assert list(listed(text + ".. autosummary::\n\n   f\n\nText\n   word of text\n")) == ["a.f", "a.g", "b.f"]


# What the builder adds to Sphinx


def extension(name):
    pytest.importorskip("sphinx", reason="the site is built by Sphinx")
    spec = importlib.util.spec_from_file_location(name, pages.DOCS / "_ext" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_words_in_docstrings_mean_what_is_public_or_the_parameter():
    pytest.importorskip("torch")
    names = extension("public_names")
    assert names.found_for("segment", "reference/generated/audiofeat.segment_file", None) == "audiofeat.segment"
    assert names.found_for("stream", "reference/generated/audiofeat.FrontEnd", None) == "audiofeat.FrontEnd.stream"
    assert names.found_for("stream", "reference/generated/audiofeat.load", None) == "audiofeat.stream"
    assert names.found_for("LogMel", "reference/generated/audiofeat_nn.fit", None) == "audiofeat_nn.LogMel"
    assert names.found_for("tempo_nn", "reference/baselines", "audiofeat.baselines") == "audiofeat.baselines.tempo_nn"
    assert names.found_for("y", "reference/generated/audiofeat.load", None) is None
    assert {"frames", "hop_length", "workers"} <= names.own_words("audiofeat.FrontEnd")  # `frames` is a function, too
    assert "audiofeat.Store.matrix" in names.public()
    assert "audiofeat.LogMelTransformer.set_params" not in names.public()  # scikit-learn's own


def test_underscores_that_end_a_word_are_no_references():
    lines = ["x_ : ndarray, shape (n_features_in_,)", "Text about n_features_in_, as it is.", "    y : array (n_, m_)"]
    extension("public_names").escaped(None, "", "", None, None, lines)
    assert lines[0] == r"x_ : ndarray, shape (n_features_in\_,)"
    assert lines[1:] == ["Text about n_features_in_, as it is.", r"    y : array (n\_, m\_)"]


def test_what_commands_take_is_asked_of_their_parser():
    parser = argparse.ArgumentParser(prog="tool")
    inner = parser.add_subparsers().add_parser("cut", description="Cut.")
    inner.add_argument("files", nargs="+", metavar="FILE", help="files")
    inner.add_argument("-n", "--number", type=int, help="100%% of them")
    inner.add_argument("--kind", choices=("a", "b"))
    inner.add_argument("--report", nargs="?", metavar="PATH")
    inner.add_argument("--quick", action="store_true")
    commands = extension("command_pages")
    (found,) = commands.subcommands(parser)
    assert found.prog.endswith("tool cut")
    assert list(commands.taken(found)) == [
        ("FILE ...", "files"),
        ("-n, --number NUMBER", "100% of them"),
        ("--kind {a,b}", ""),
        ("--report [PATH]", ""),
        ("--quick", ""),
    ]


def test_formulas_become_mathml():
    math = extension("mathml")
    assert math.without_tag(r"x = 1 \tag{3}") == ("x = 1 ", "(3)")
    assert math.without_tag("x") == ("x", "")
    assert "<mi>x</mi>" in math.converted(None, r"\big| x_1, \dots \big|", as_block=False)
    assert math.converted(None, r"\nosuchcommand x", as_block=False) == ""  # and a warning, which ends the build


def test_links_are_followed(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.html").write_text('<p id="here"><a href="../two.html#there">x</a><img src="no.png">')
    (tmp_path / "two.html").write_text(
        '<a href="a/one.html#here" name="there"><a href="a/one.html#gone"><a href="#top">'
    )
    command = [sys.executable, str(ROOT / ".ci" / "links.py")]
    run = subprocess.run([*command, str(tmp_path)], check=False, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.splitlines() == [
        "a/one.html: no file no.png",
        "two.html: no place a/one.html#gone",
        "two.html: no place #top",
    ]
    (tmp_path / "two.html").write_text('<a name="there" href="https://example.org/#x"><a href="mailto:a@example.org">')
    (tmp_path / "a" / "no.png").touch()
    assert subprocess.run([*command, str(tmp_path)], check=False).returncode == 0
    assert subprocess.run([*command, str(tmp_path / "none")], check=False, capture_output=True).returncode == 2


def test_what_the_site_needs_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {}
    for name in ("constraints.txt", "docs-constraints.txt"):
        lines = (ROOT / ".ci" / name).read_text().splitlines()
        pinned |= dict(line.lower().replace("_", "-").split("==") for line in lines if line and line[0] != "#")
    for line in project["optional-dependencies"]["docs"]:
        if not line.startswith("audiofeat["):
            name, bound = line.lower().split(">=")
            assert [int(number) for number in pinned[name].split(".")] >= [int(number) for number in bound.split(".")]
