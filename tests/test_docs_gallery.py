"""The scripts of the gallery run as they are, with figures that are labelled and can be read on a phone."""

import ast
import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numba
import pytest

pytest.importorskip("matplotlib", reason="the gallery needs the extra plot")
pytest.importorskip("mir_eval", reason="the gallery needs the extra eval")

ROOT = Path(__file__).parents[1]
SCRIPTS = {path.stem: path for path in sorted((ROOT / "docs" / "gallery").glob("*.py"))}
NETWORKS = {"plot_09_small_networks", "plot_10_prediction_in_time"}
SLOW = NETWORKS | {"plot_07_augmentation_and_voting"}  # 8 s each, the others 1 to 4
RECORDINGS = {"plot_03_segmentation": 1, "plot_06_baseline_without_leaks": 0}  # figures more, where there are some
LIMIT = 30.0  # seconds of a core, twice what any may take where it is free
WIDTH = 6.5  # inches: the column of a page; a phone shows it at 60 points to the inch
POINTS = 9.5  # of the smallest text: 8 on a phone

# Run a script, then tell of its figures. Warnings are errors, but that of `plt.show` where there is no screen.
RUN = r"""
import json, re, runpy, sys, time, warnings
import matplotlib
matplotlib.use("agg")
if "--without-torch" in sys.argv:
    sys.modules["torch"] = None
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
told = {"stopped": False}
try:
    runpy.run_path(sys.argv[1], run_name="__main__")
except SystemExit as stop:
    told["stopped"] = True
    assert not stop.code, stop.code
told["seconds"], told["figures"] = time.process_time(), []
import matplotlib.pyplot as plt
from matplotlib.text import Text
NUMBER = re.compile(r"^[-\u2212]?[0-9.]+$|mathdefault")  # of a scale, which needs a name; names are their own
for number in plt.get_fignums():
    figure = plt.figure(number)
    figure.canvas.draw()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    bare = [
        f"{kind} of {ax.get_title() or ax.get_ylabel() or ax}"
        for ax in figure.axes
        for kind, axis in (("x", ax.xaxis), ("y", ax.yaxis))
        if any(NUMBER.search(tick.get_text()) for tick in axis.get_ticklabels() if tick.get_visible())
        and not axis.get_label_text()
    ]
    told["figures"].append({
        "width": figure.get_size_inches()[0], "points": min(text.get_fontsize() for text in texts), "bare": bare
    })
print(json.dumps(told))
"""


@functools.cache
def ran(name, *arguments, data=None):
    """Return what a script printed, and what is told of it."""
    env = {key: value for key, value in os.environ.items() if key != "AUDIOFEAT_DATA"}
    env |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    env |= {} if data is None else {"AUDIOFEAT_DATA": str(data)}
    command = [sys.executable, "-c", RUN, str(SCRIPTS[name]), *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    *printed, told = done.stdout.splitlines()
    return "\n".join(printed), json.loads(told)


def marked(names):
    return [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in names]


needs_jit = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="features of hundreds of clips take minutes")


def needs_torch(name):
    if name in NETWORKS:
        pytest.importorskip("torch", reason="this script trains a network")


def test_the_scripts_are_those_that_the_header_counts():
    header = (SCRIPTS["plot_03_segmentation"].parent / "GALLERY_HEADER.rst").read_text(encoding="utf-8")
    assert "Ten short programs" in header
    assert [name[:7] for name in SCRIPTS] == [f"plot_{number:02}" for number in range(1, 11)]
    torch = {name for name, path in SCRIPTS.items() if re.search("^import torch$", path.read_text("utf-8"), re.M)}
    assert torch == NETWORKS
    assert "The last two train small networks" in header
    assert "Two of them go\non with real recordings" in header


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_begins_with_its_title_and_all_headings_are_underlined_to_their_end(name):
    text = SCRIPTS[name].read_text(encoding="utf-8")
    title, line, empty, *_ = ast.get_docstring(ast.parse(text)).splitlines()
    assert (line, empty) == ("=" * len(title), "")
    headings = re.findall(r"^# (.+)\n# (-+)$", text, flags=re.MULTILINE)
    assert len(headings) >= 2
    assert [(heading, len(line)) for heading, line in headings] == [(heading, len(heading)) for heading, _ in headings]


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_cell_ends_with_a_value_whose_text_the_page_would_show(name):
    for cell in re.split(r"^# %%$", SCRIPTS[name].read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        body = ast.parse(cell).body
        if body and isinstance(body[-1], ast.Expr):
            assert re.match(r"(print|plt\.show|place\.cleanup|compare)\(", ast.unparse(body[-1])), cell


@needs_jit
@pytest.mark.parametrize("name", marked(SCRIPTS))
def test_a_script_runs_and_its_figures_can_be_read(name):
    needs_torch(name)
    printed, told = ran(name)
    assert printed
    assert not told["stopped"]
    assert told["seconds"] < LIMIT
    assert len(told["figures"]) >= 2
    for figure in told["figures"]:
        assert figure["width"] <= WIDTH
        assert figure["points"] >= POINTS
        assert not figure["bare"]  # scales without a name


@needs_jit
@pytest.mark.parametrize("name", marked(SCRIPTS))
def test_recordings_are_asked_for_and_their_absence_is_told(name):
    needs_torch(name)
    printed, _ = ran(name)
    assert ("this part was left out" in printed) == (name in RECORDINGS)
    assert ("AUDIOFEAT_DATA" in SCRIPTS[name].read_text(encoding="utf-8")) == (name in RECORDINGS)


@needs_jit
@pytest.mark.realdata
@pytest.mark.parametrize("name", RECORDINGS)
def test_recordings_are_used_where_they_are(name, data):
    printed, told = ran(name, data=data)
    without, before = ran(name)
    assert "this part was left out" not in printed
    assert printed.splitlines()[: len(without.splitlines()) - 1] == without.splitlines()[:-1]
    assert len(told["figures"]) == len(before["figures"]) + RECORDINGS[name]


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_without_torch_the_networks_say_what_is_missing_and_end(name):
    printed, told = ran(name, "--without-torch")
    assert printed == "This example needs PyTorch: pip install 'audiofeat[nn]'"
    assert told["stopped"]
    assert not told["figures"]
