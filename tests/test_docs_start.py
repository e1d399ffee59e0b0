"""The pages Start and Security do what they say, and print what they show."""

import numba
import pages
import pytest

COMPARED = {"security": 20, "start": 5}  # name of the page -> what is compared with what it prints
pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="too slow without the compiler")


@pytest.mark.parametrize("name", COMPARED)
def test_a_page_says_what_is_printed(name, tmp_path, monkeypatch):
    if name == "start":
        for package in ("matplotlib", "mir_eval", "jams"):
            pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    assert pages.run_page(pages.DOCS / f"{name}.md") == COMPARED[name]
