"""The how-to pages do what they say, and print what they show."""

import numba
import pages
import pytest

HOWTO = pages.DOCS / "howto"
# name of the page -> commands and examples that are compared with what they print; librosa.md has tests of its own
COMPARED = {"editors": 11, "gpu": 16, "long_files": 20, "onnx": 10, "scikit_search": 26}
NEEDS = {"editors": "mir_eval", "gpu": "torch", "onnx": "onnxruntime"}
pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="too slow without the compiler")


@pytest.mark.parametrize("name", COMPARED)
def test_a_page_says_what_is_printed(name, tmp_path, monkeypatch):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    monkeypatch.chdir(tmp_path)
    assert pages.run_page(HOWTO / f"{name}.md") == COMPARED[name]


@pytest.mark.parametrize("path", sorted(HOWTO.glob("*.md")), ids=lambda path: path.stem)
def test_scripts_call_what_there_is(path):
    blocks = [block for block in pages.blocks(path.read_text(encoding="utf-8")) if block.language == "sh"]
    assert [line for block in blocks for line in pages.refused(block.text)] == []
