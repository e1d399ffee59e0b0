"""The README: figures are those of the benchmarks' pages, links lead somewhere, commands take what they are given."""

import re

import pages
import pytest

import audiofeat

ROOT = pages.DOCS.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (?P<work>[^|]+) \| (?P<beside>[^|]+) \| (?P<ratio>[\d.]+) \| \[[\w -]+\]\((?P<page>[^)]+)\) \|$", re.M
)
ROWS = list(ROW.finditer(README))


def cells(line):
    return [cell.strip() for cell in line.strip("|\n").split("|")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['work']}, {row['beside']}")
def test_a_ratio_is_on_the_page_that_it_is_said_to_be_from(row):
    lines = (ROOT / row["page"]).read_text(encoding="utf-8").splitlines()
    found = [line for line in lines if line.startswith(f"| {row['work']} |")]
    assert any(cell.split(" ")[0] == row["ratio"] for line in found for cell in cells(line))


def test_there_are_highlights_and_scores_of_the_segmenter():
    assert len(ROWS) >= 6
    text = (pages.DOCS / "benchmarks" / "segmentation.md").read_text(encoding="utf-8")
    music = text[text.index("## Medleys: music") : text.index("## Medleys: regions")]
    words = " ".join(README.split())
    (told,) = re.findall(r"F at 0\.5 s is ([\d.]+), and ([\d.]+) by librosa's Laplacian recipe", words)
    rows = {tuple(cells(line)[:2]): cells(line)[2] for line in music.splitlines() if line.startswith("| ")}
    assert told == (rows["audiofeat", "labels"], rows["librosa, Laplacian recipe", "labels"])


def test_accuracies_are_those_of_the_page():
    text = (pages.DOCS / "benchmarks" / "learning.md").read_text(encoding="utf-8")
    sounds = text[text.index("## Sounds") : text.index("## Made-up genres")]
    rows = {cells(line)[0]: cells(line)[1].split(" ")[0] for line in sounds.splitlines() if line.startswith("| ")}
    (told,) = re.findall(r"`kth-cnn` tells ([\d.]+) %, `prcnn` ([\d.]+) % and .*? ([\d.]+) %", " ".join(README.split()))
    assert told == (rows["`kth-cnn`"], rows["`prcnn`"], rows["`svm`"])


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_to_files(name):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", (ROOT / name).read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (ROOT / link).exists()] == []
    assert name != "README.md" or len(local) > 15


def test_commands_of_the_readme_take_what_they_are_given():
    scripts = [block.text for block in pages.blocks(README) if block.language == "sh"][2:]
    assert scripts
    assert [line for text in scripts for line in pages.refused(text.replace(" && audiofeat", "\naudiofeat"))] == []


def test_the_citation_is_of_this_version():
    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(": ", 1) for line in lines if not line.startswith(" ") and ": " in line)
    assert fields["cff-version"] == "1.2.0"
    assert fields["version"] == audiofeat.__version__
    assert fields["license"] == "BSD-3-Clause"
    assert {"message", "title", "type"} <= set(fields)
    assert "authors:" in lines
