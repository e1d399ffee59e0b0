"""The pages that explain print what they say, and quote the benchmarks as they are."""

import re

import numba
import pytest
from doc_pages import DOCS, rows, run_examples, section, text_of

PAGES = sorted(path.stem for path in (DOCS / "explanation").glob("*.md") if path.stem != "index")


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="too slow without the compiler")
@pytest.mark.parametrize("page", PAGES)
def test_examples_print_what_the_page_says(page):
    if page == "training":
        pytest.importorskip("torch")
    n_examples, told = run_examples(f"explanation/{page}")
    assert told == ""
    assert n_examples >= 10


def words_of(page):
    return re.sub(r"\s+", " ", text_of(f"explanation/{page}"))


def test_the_segmenters_scores_are_the_benchmarks():
    def row(heading, side):
        table = rows(section(text_of("benchmarks/segmentation"), heading))
        return {cells[1]: cells for cells in table if cells[0] == side}

    paper, ours = (row("Medleys: music", f"audiofeat{side}")["labels"] for side in (", preset ucsd2020", ""))
    page = words_of("graph-segmentation")
    assert f"adjusted Rand index is {float(paper[6]):.2f} where the default's is {float(ours[6]):.2f}" in page
    assert f"within 0.5 s with an F of {float(paper[2]):.2f} against {float(ours[2]):.2f}" in page
    songs = {told: float(cells[7].split()[0]) for told, cells in row("Annotated songs", "audiofeat").items()}
    assert f"is {songs['labels']:.2f} with the number of labels given and {songs['']:.2f} without" in page


def test_the_engines_ratios_are_the_benchmarks():
    tables = rows(text_of("benchmarks/frontends"))
    speed, memory = ({cells[0]: cells for cells in tables if len(cells) == width} for width in (11, 4))
    page = words_of("fused-engine")
    told = re.search(r"log-mel of 30 s in about a millisecond on one core, some (\d+) times as fast as librosa", page)
    short, hour = speed["log-mel, 30 s"], speed["log-mel, 1 hour"]
    assert abs(float(short[1]) - 1.0) < 0.5
    assert abs(float(short[4].split()[0]) / float(told[1]) - 1.0) < 0.1
    told = re.search(r"and (\d+) times as torch; on an hour, .*? more than (\d+) and (\d+) times", page)
    assert abs(float(short[5].split()[0]) / float(told[1]) - 1.0) < 0.1
    assert float(hour[4].split()[0]) > float(told[2])
    assert float(hour[5].split()[0]) > float(told[3])
    gigabytes = {side: float(memory[side][1]) / 1000 for side in ("librosa", "torch")}
    assert f"took {gigabytes['librosa']:.1f} GB (librosa) and {gigabytes['torch']:.1f} GB (torch)" in page
