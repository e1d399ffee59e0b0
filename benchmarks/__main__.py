"""List the benchmarks, or run some: ``python -m benchmarks [NAME...] [OPTIONS]``.

A benchmark is a module of this folder that prints a table in Markdown when run, and says what it measures in
the first line of its docstring.
"""

import argparse
import ast
import runpy
import sys
from pathlib import Path


def benchmarks() -> dict[str, str]:
    """Map the name of each benchmark to the first line of its docstring."""
    paths = sorted(Path(__file__).parent.glob("[!_]*.py"))
    docs = {path.stem: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in paths}
    return {name: (doc or "").partition("\n")[0] for name, doc in docs.items()}


def main() -> None:
    """Run the benchmarks named on the command line, or list what there is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run benchmarks, or list them.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="a benchmark to run; none: list them")
    first_option = next((i for i, word in enumerate(sys.argv) if i and word.startswith("-")), len(sys.argv))
    options = [] if {"-h", "--help"} & set(sys.argv) else sys.argv[first_option:]  # which are for the benchmarks
    names, known = parser.parse_args(sys.argv[1 : len(sys.argv) - len(options)]).names, benchmarks()
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
