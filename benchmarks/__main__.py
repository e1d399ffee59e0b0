"""List the benchmarks, or run some: ``python -m benchmarks [NAME...] [OPTIONS]``; ``all`` records every page anew.

A benchmark is a module of this folder that prints tables in Markdown when run, writes them to its page in
docs/benchmarks, and says what it measures in the first line of its docstring.
"""

import argparse
import ast
import runpy
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

ALL = "all"


def benchmarks() -> dict[str, str]:
    """Map the name of each benchmark to the first line of its docstring."""
    paths = sorted(Path(__file__).parent.glob("[!_]*.py"))
    docs = {path.stem: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in paths}
    return {name: (doc or "").partition("\n")[0] for name, doc in docs.items()}


def record_all(names: Iterable[str]) -> list[str]:
    """Run benchmarks, each in a process of its own so that none finds another's threads; return those that failed."""
    failed = []
    for name in names:
        start = time.perf_counter()
        code = subprocess.run([sys.executable, "-m", "benchmarks", name], check=False).returncode
        print(f"{name}: {'failed' if code else 'done'} after {time.perf_counter() - start:.0f} s", file=sys.stderr)
        failed += [name] * bool(code)
    return failed


def main() -> None:
    """Run the benchmarks named on the command line, or list what there is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run benchmarks, or list them.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="a benchmark to run; all: each; none: list them")
    first_option = next((i for i, word in enumerate(sys.argv) if i and word.startswith("-")), len(sys.argv))
    options = [] if {"-h", "--help"} & set(sys.argv) else sys.argv[first_option:]  # which are for the benchmarks
    names, known = parser.parse_args(sys.argv[1 : len(sys.argv) - len(options)]).names, benchmarks()
    if ALL in names:
        if options or len(names) > 1:
            parser.error(f"{ALL} stands alone: options, and what is left out, are for a benchmark by its name")
        failed = record_all(known)
        sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    for name in known if not names else ():
        print(f"{name:16} {known[name]}")
    for name in names:
        print(f"## {name}: {known[name]}\n", flush=True)
        sys.argv = [name, *options]
        runpy.run_module(f"benchmarks.{name}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
