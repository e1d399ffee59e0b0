"""Tests and examples that need an extra are skipped where it is not installed."""

import doctest
from collections.abc import Generator
from importlib.util import find_spec

import numba
import pytest

EXTRAS = ("dask", "distributed", "jams", "matplotlib", "mir_eval", "onnx", "pandas", "pyarrow", "skops", "torch")
ABSENT = {name for name in EXTRAS if find_spec(name) is None}
WHOLE = {  # nothing is left of these
    "tests/test_evaluation.py": "mir_eval",
    "tests/test_plot.py": "matplotlib",
    "tests/test_plot_features.py": "matplotlib",
}
collect_ignore = [path for path, package in WHOLE.items() if package in ABSENT]
collect_ignore_glob = ["audiofeat_nn/*", "tests/small_networks.py", "tests/test_nn_*"] if "torch" in ABSENT else []
if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
    collect_ignore += ["audiofeat/rhythm/beats.py", "audiofeat/rhythm/summary.py"]  # librosa.beat cannot be imported


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    try:
        return (yield)
    except (ImportError, doctest.UnexpectedException) as failure:
        error = failure.exc_info[1] if isinstance(failure, doctest.UnexpectedException) else failure
        causes = (error, error.__cause__)  # the library's own error names the extra, its cause the package
        if not any(isinstance(cause, ImportError) and cause.name in ABSENT for cause in causes):
            raise
        pytest.skip(str(error))
