"""Imports point down, `import audiofeat` is light, and torch stays in `audiofeat_nn`."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import audiofeat
import audiofeat_nn

ROOT = Path(__file__).parents[1]

# A file imports only from rows above its own, a folder also from itself. NumPy and SciPy are free to all.
ROW = {
    "_validation": 0,
    "_caching": 1,
    "_clock": 1,
    "_files": 1,
    "_kernels": 1,
    "_threads": 1,
    "annotations": 2,
    "ar": 2,
    "clicks": 2,
    "contingency": 2,
    "fourier": 2,
    "graph": 2,
    "io": 2,
    "labels": 2,
    "synth": 3,
    "mel": 3,
    "changes": 3,
    "datasets": 3,
    "excerpts": 3,
    "neighbors": 3,
    "resegmentation": 3,
    "sem": 3,
    "spectral": 3,
    "streaming": 3,
    "agglomeration": 4,
    "cepstrum": 4,
    "onset": 4,
    "sections": 4,
    "profiles": 4,
    "descriptors": 5,
    "outline": 5,
    "pieces": 5,
    "sonification": 5,
    "distances": 5,
    "frontend": 5,
    "separation": 5,
    "compilation": 6,
    "presets": 6,
    "rhythm": 6,
    "store": 6,
    "windows": 6,
    "comparison": 7,
    "recurrence": 7,
    "tables": 7,
    "segmentation": 8,
    "estimators": 9,
    "evaluation": 9,
    "extraction": 9,
    "annotation_scores": 10,
    "baselines": 10,
    "testing": 10,
    "hierarchy_scores": 10,
    "voting": 10,
    "plot": 10,
    "augment": 11,
    "classification": 11,
    "persistence": 11,
    "report": 11,
    "cli": 12,
}
ALSO = {
    "_kernels": {"llvmlite", "numba"},
    "annotations": {"jams"},
    "ar": {"statsmodels"},
    "augment": {"joblib", "librosa", "sklearn"},
    "baselines": {"sklearn"},
    "classification": {"matplotlib", "sklearn"},
    "datasets": {"pandas"},
    "estimators": {"joblib", "sklearn"},
    "evaluation": {"mir_eval"},
    "extraction": {"dask", "distributed", "joblib", "soxr", "threadpoolctl"},
    "io": {"soundfile", "soxr"},
    "persistence": {"skops", "sklearn"},
    "plot": {"matplotlib"},
    "report": {"soundfile"},
    "rhythm": {"librosa"},
    "separation": {"librosa"},
    "sonification": {"soundfile"},
    "spectral": {"sklearn"},
    "store": {"pandas", "pyarrow", "soundfile"},
    "tables": {"pandas"},
    "testing": {"sklearn"},
    "voting": {"sklearn"},
}
# Slow to import, or an extra: only inside functions.
DEFERRED = {
    "dask",
    "distributed",
    "jams",
    "librosa",
    "matplotlib",
    "mir_eval",
    "pandas",
    "pyarrow",
    "sklearn",
    "skops",
    "statsmodels",
}
# Whose classes derive from it: loaded when one is asked for.
EARLY = {name: {"sklearn"} for name in ("augment", "baselines", "classification", "estimators", "testing", "voting")}
# Of audiofeat, what its networks use beside public names: the gate is one, in both packages.
SHARED = {"__version__", "_files", "_validation"}
HEAVY = DEFERRED | {"numba", "scipy.signal", "soundfile", "soxr", "torch"}


def imported(nodes):
    """Yield the full name of every import among the nodes of a syntax tree."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            yield from (f"{dots}{node.module or ''}.{alias.name}" for alias in node.names)


def run_at_import(node):
    """Yield the nodes under `node` that run when its file is imported."""
    for child in ast.iter_child_nodes(node):
        checked_only = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not checked_only:
            yield child
            yield from run_at_import(child)


def faults(source, here):
    """List what is wrong with the imports of the file or folder `here` of `audiofeat`."""
    tree = ast.parse(source)
    outside = {"numpy", "scipy", *ALSO.get(here, ()), *sys.stdlib_module_names}
    found = []
    for name in imported(ast.walk(tree)):
        top, *inner = name.split(".")
        if top == "audiofeat":
            down = inner and (inner[0] == here or ROW.get(inner[0], 99) < ROW[here])
            found += [] if down else [f"{name} is not below {here}"]
        elif top not in outside:
            found.append(f"{name} is not for {here}")
    deferred = DEFERRED - EARLY.get(here, set())
    early = [name for name in imported(run_at_import(tree)) if name.split(".")[0] in deferred]
    return found + [f"{name} is imported outside functions" for name in early]


def private_uses(source):
    """List the names of `audiofeat` which a file of `audiofeat_nn` uses although they are neither public nor shared."""
    tree = ast.parse(source)
    names = [name.split(".", 1)[1] for name in imported(ast.walk(tree)) if name.startswith("audiofeat.")]
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    names += [node.attr for node in attributes if ast.unparse(node.value) == "audiofeat"]
    return [name for name in names if not is_public(name) and name.split(".")[0] not in SHARED]


def is_public(name):
    """Whether a dotted name of `audiofeat` is in its list, or in that of a module that is public as a whole."""
    first, *rest = name.split(".")
    if not rest or first not in audiofeat._MODULES:
        return name in audiofeat.__all__
    return rest[0] in getattr(audiofeat, first).__all__ and len(rest) == 1


def sources(package):
    folder = ROOT / package
    return [path.relative_to(folder) for path in sorted(folder.rglob("*.py"))]


FILES = [path for path in sources("audiofeat") if str(path) != "__init__.py"]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_point_down(path):
    here = path.parts[0].removesuffix(".py")
    assert here in ROW, f"{here} has no row"
    assert not faults((ROOT / "audiofeat" / path).read_text(), here)


def test_every_row_has_its_file():
    present = {path.parts[0].removesuffix(".py") for path in FILES}
    assert set(ROW) == present
    assert set(ALSO) <= set(ROW)


def test_the_package_itself_imports_the_standard_library_only():
    tree = ast.parse((ROOT / "audiofeat" / "__init__.py").read_text())
    assert {name.split(".")[0] for name in imported(ast.walk(tree))} <= sys.stdlib_module_names


@pytest.mark.parametrize(
    ("here", "source"),
    [
        ("mel", "from audiofeat.cepstrum import mfcc"),
        ("mel", "from audiofeat.sem import spectral_error"),  # the same row
        ("mel", "def f():\n    import audiofeat.cli"),
        ("mel", "from audiofeat import logmel"),
        ("mel", "import audiofeat"),
        ("mel", "from . import fourier"),
        ("mel", "from .fourier import stft"),
        ("mel", "import torch"),
        ("mel", "def f():\n    from torch import nn"),
        ("mel", "import numba"),
        ("ar", "from statsmodels.tsa import ar_model"),  # outside functions
        ("plot", "if True:\n    import matplotlib.pyplot as plt"),
        ("plot", "import matplotlib\ndef f():\n    import matplotlib"),
        ("evaluation", "class A:\n    import mir_eval"),
    ],
)
def test_a_wrong_import_is_found(here, source):
    assert faults(source, here)


@pytest.mark.parametrize(
    ("here", "source"),
    [
        ("mel", "import math\nimport scipy.fft\nfrom audiofeat.fourier import stft"),
        ("_kernels", "import numba\nfrom audiofeat._kernels import kernel"),
        ("ar", "def f():\n    from statsmodels.tsa import ar_model"),
        ("plot", "if TYPE_CHECKING:\n    from matplotlib.figure import Figure"),
    ],
)
def test_a_right_import_is_not(here, source):
    assert not faults(source, here)


@pytest.mark.parametrize("path", sources("audiofeat_nn"), ids=str)
def test_the_networks_use_public_names_only(path):
    assert not private_uses((ROOT / "audiofeat_nn" / path).read_text())


def test_a_private_use_is_found():
    assert private_uses("from audiofeat.mel import logmel") == ["mel.logmel"]
    assert private_uses("from audiofeat import _kernels") == ["_kernels"]
    assert private_uses("from audiofeat._validation import as_count") == []
    assert private_uses("import audiofeat\naudiofeat.mel.logmel") == ["mel"]
    assert private_uses("import audiofeat\nfrom audiofeat import logmel\naudiofeat.segment") == []
    assert private_uses("from audiofeat.classification import evaluate") == []
    assert private_uses("from audiofeat.classification._folds import folds_of") == ["classification._folds.folds_of"]
    assert private_uses("from audiofeat.classification import percent") == ["classification.percent"]


@pytest.mark.parametrize("package", [audiofeat, audiofeat_nn], ids=lambda package: package.__name__)
def test_no_public_name_is_the_name_of_a_module(package):
    modules = {path.parts[0].removesuffix(".py") for path in sources(package.__name__)}
    as_modules = set(getattr(package, "_MODULES", ()))  # public as modules, and nothing else
    assert (set(package.__all__) & modules) == as_modules


def loaded_by(statements):
    """Return which of `HEAVY` a new interpreter has loaded after `statements`."""
    code = f"import sys\n{statements}\nprint(*[name for name in {sorted(HEAVY)!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_packages_is_light():
    assert loaded_by("import audiofeat, audiofeat_nn; dir(audiofeat)") == set()
    assert "scipy.signal" in loaded_by("import scipy.signal")  # the question can be answered with yes


def test_importing_every_module_loads_nothing_deferred():
    modules = [f"audiofeat.{name}" for name in ROW if name not in EARLY]
    assert not loaded_by(f"import {', '.join(modules)}") & (DEFERRED | {"torch"})


def test_front_ends_are_made_and_work_is_given_away_without_a_compiler():
    assert loaded_by("import audiofeat; audiofeat.preset('kaldi_mfcc')") == set()
    assert loaded_by("from audiofeat.extraction import extract_features") == {"soundfile", "soxr"}


def test_a_first_log_mel_and_segmentation_load_little():
    start = "import audiofeat, numpy; y = numpy.ones(22050, dtype='float32')"
    assert loaded_by(f"{start}; audiofeat.logmel(y, 22050)") == {"numba"}
    assert loaded_by(f"{start}; audiofeat.segment(y.repeat(3), 22050)") == {"numba"}
