"""The package's promises: names, stub, versions, wheel, pins, README, and no cache folder."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import numba
import pytest

import audiofeat
from benchmarks.__main__ import record_all

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("name", audiofeat.__all__)
def test_public_names_resolve_to_what_their_module_defines(name):
    value = getattr(audiofeat, name)
    if name in audiofeat._MODULES:
        assert value is sys.modules[f"audiofeat.{name}"]
    else:
        assert value.__name__ == name
        assert value.__module__.split(".")[1] == audiofeat._HOME[name]


def test_the_table_is_sorted_and_names_nothing_twice():
    names = [name for names in audiofeat._PUBLIC.values() for name in names]
    assert len(names) == len(set(names)) == len(audiofeat._HOME)
    assert list(audiofeat._PUBLIC) == sorted(audiofeat._PUBLIC)
    assert all(list(names) == sorted(names) for names in audiofeat._PUBLIC.values())


def test_the_stub_repeats_the_table():
    tree = ast.parse((ROOT / "audiofeat" / "__init__.pyi").read_text())
    imports = {node.module: node.names for node in tree.body if isinstance(node, ast.ImportFrom)}
    table = {module: tuple(sorted(alias.name for alias in names)) for module, names in imports.items()}
    assert table.pop(None) == audiofeat._MODULES  # from . import synth
    assert table == {module: tuple(sorted(names)) for module, names in audiofeat._PUBLIC.items()}
    (exported,) = (ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign))
    assert sorted(exported) == sorted(audiofeat.__all__)


def test_dir_is_what_is_public():
    assert dir(audiofeat) == sorted(audiofeat.__all__)


@pytest.mark.parametrize("name", ["logmell", "_kernels_", "__wrapped__"])
def test_an_unknown_attribute_is_an_attribute_error(name):
    with pytest.raises(AttributeError, match=f"module 'audiofeat' has no attribute '{name}'"):
        getattr(audiofeat, name)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling", reason="hatchling builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.iterdir()
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_the_wheel_holds_both_packages_and_nothing_else(wheel):
    suffixes = {".py", ".pyi", ".typed", ".toml", ".html", ".css", ".js"}
    packages = [ROOT / "audiofeat", ROOT / "audiofeat_nn"]
    paths = [path for package in packages for path in package.rglob("*") if path.suffix in suffixes]
    expected = {str(path.relative_to(ROOT)) for path in paths}
    assert {"audiofeat/__init__.pyi", "audiofeat/py.typed", "audiofeat_nn/py.typed"} <= expected
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == expected


def test_the_wheel_says_what_the_package_says(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    text = wheel.read(name).decode()
    assert f"\nVersion: {audiofeat.__version__}\n" in text
    assert "\nLicense-Expression: BSD-3-Clause\n" in text
    assert any(name.endswith("/licenses/LICENSE") for name in wheel.namelist())


def test_the_installed_version_is_the_package_version():
    try:
        installed = metadata.version("audiofeat")
    except metadata.PackageNotFoundError:
        pytest.skip("run from a source tree that is not installed")
    assert installed == audiofeat.__version__


def pins(name):
    lines = (ROOT / ".ci" / name).read_text().splitlines()
    return dict(line.lower().replace("_", "-").split("==") for line in lines if line and line[0] != "#")


def requirements(*extras):
    """Name, as on the index, and the lower bound of each requirement; the extras' own extras left out."""
    optional = PROJECT["optional-dependencies"]
    lines = PROJECT["dependencies"] + [line for extra in extras for line in optional[extra]]
    pattern = re.compile(r"([\w-]+)(?:\[.*\])?>=([\d.]+)")
    pairs = [pattern.fullmatch(line) for line in lines if not line.startswith("audiofeat[")]
    return {pair[1].lower().replace("_", "-"): pair[2] for pair in pairs}


def release(version):
    numbers = [int(number) for number in version.split(".")]
    return numbers + [0] * (4 - len(numbers))


def test_every_tested_dependency_is_pinned_at_or_above_its_bound():
    pinned = pins("constraints.txt")
    for name, bound in requirements("plot", "eval", "test").items():
        assert release(pinned[name]) >= release(bound), name


def test_the_oldest_versions_tested_are_those_promised():
    pinned = pins("oldest.txt")
    for name, bound in requirements("plot", "eval").items():
        assert release(pinned[name]) == release(bound), name


def blocks(language):
    """The README's blocks of code in one language."""
    fence = re.compile(rf"^```{language}\n(.*?)\n```$", flags=re.MULTILINE | re.DOTALL)
    return fence.findall((ROOT / "README.md").read_text())


def test_the_readme_opens_with_two_commands_of_which_ci_runs_the_second():
    demo, tests, *_ = blocks("sh")
    assert demo.endswith("audiofeat demo")
    assert len(demo.splitlines()) == len(tests.splitlines()) == 1
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == tests


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_the_readme_examples_run(number, tmp_path, monkeypatch):
    if numba.config.DISABLE_JIT and "gtzan" in blocks("python")[number]:
        pytest.skip("librosa's beat tracker needs its compiler")
    song = audiofeat.synth.song(random_state=0)
    audiofeat.save(tmp_path / "song.flac", song.y, song.sr)
    monkeypatch.chdir(tmp_path)
    exec(blocks("python")[number], {})


def test_the_versions_that_the_docs_name_are_those_of_the_gates():
    rows = re.findall(
        r"^\| ([\w-]+) \| ([\d.]*) \| ([\d.]+) \|$", (ROOT / "docs" / "start.md").read_text(), re.MULTILINE
    )
    lowest, pinned = (
        {name.lower(): version for name, version in re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE)}
        for text in ((ROOT / ".ci" / name).read_text() for name in ("oldest.txt", "constraints.txt"))
    )
    assert [(name, old or lowest.get(name, ""), new) for name, old, new in rows] == [
        (name, lowest.get(name, ""), pinned[name]) for name, _, _ in rows
    ]
    required = {re.match(r"[\w-]+", each)[0] for each in PROJECT["dependencies"]}
    assert required <= {name for name, old, _ in rows if old}


def test_the_benchmarks_are_listed_and_unknown_ones_refused():
    command = [sys.executable, "-m", "benchmarks"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = sorted(path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py"))
    assert [line.split()[0] for line in listed.splitlines()] == names
    assert all(len(line.split()) > 3 for line in listed.splitlines())  # each says what it measures
    refused = subprocess.run([*command, "nope"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "no benchmark nope" in refused.stderr
    for more in (["sem"], ["--quick"]):
        refused = subprocess.run([*command, "all", *more], cwd=ROOT, check=False, capture_output=True, text=True)
        assert refused.returncode == 2
        assert "all stands alone" in refused.stderr


def test_a_benchmark_that_fails_does_not_keep_the_others_from_being_recorded(capfd):
    assert record_all(["nope", "--help", "neither"]) == ["nope", "neither"]
    told = capfd.readouterr()
    assert "usage" in told.out
    assert re.findall(r"^(\S+): (failed|done) after \d+ s$", told.err, re.MULTILINE) == [
        ("nope", "failed"),
        ("--help", "done"),
        ("neither", "failed"),
    ]


UNCACHEABLE = """
import numba
from audiofeat import fit_ar
from audiofeat._kernels import SOURCES  # the copied package is the one in use
assert SOURCES and numba.config.DISABLE_JIT == 0

print(fit_ar([1.0, -0.5, 0.25, -0.125], order=1).coefficients)

try:
    import plain
except RuntimeError as error:
    print(error)
"""


def test_no_cache_folder_is_no_error(tmp_path):
    """A file in the place of `__pycache__`, and no home, stop even the superuser from writing a cache."""
    shutil.copytree(ROOT / "audiofeat", tmp_path / "audiofeat", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())]:
        (folder / "__pycache__").touch()
    (tmp_path / "plain.py").write_text("import numba\nnumba.njit(cache=True)(lambda x: x)\n")
    dropped = ("NUMBA_", "XDG_", "PYTHONPATH", "PYTHONPYCACHEPREFIX")
    env = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    env |= {"HOME": "/proc/nope", "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", UNCACHEABLE]
    run = subprocess.run(command, cwd=tmp_path, env=env, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    ours, plain = run.stdout.splitlines()
    assert ours.startswith("[1.")
    assert plain.startswith("cannot cache function")  # so there was indeed no folder to write to
