"""How long the connector linter takes over a generated tree of connector-sized packages.

Each row is a whole process: by the clock, and the CPU seconds of all its processes. `make bench BENCH=linter`.

Usage: python benchmarks/connector_linter.py [--packages N]
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from lint_support.connector_tree import write_tree

LINTER = (
    Path(__file__).resolve().parents[1]
    / "shared/tools/connector_linter/lint_connectors.py"
)


class Run(NamedTuple):
    """What one run took and said: seconds by the clock, seconds of CPU, the last line but one."""

    wall: float
    cpu: float
    said: str


def lint(path: Path, jobs: int) -> Run:
    """Check everything below a path."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(LINTER), "check", str(path), "--jobs", str(jobs)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - start
    if done.returncode not in (0, 1):
        raise SystemExit("the linter failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall, cpu, ", ".join(done.stdout.splitlines()[-2:]))


def main() -> None:
    """Run as a program; see the module's description."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packages", type=int, default=300, help="connectors")
    packages = parser.parse_args().packages
    with tempfile.TemporaryDirectory() as folder:
        folders = write_tree(Path(folder), packages)
        files = list(Path(folder).rglob("*.py"))
        lines = sum(file.read_bytes().count(b"\n") for file in files)
        print(
            f"{packages} connectors, {len(files)} Python files, {lines:,} lines, "
            f"{os.cpu_count()} processors"
        )
        print(f"{'':<28}{'seconds':>9}{'CPU':>9}  result")
        rows = {
            "all, one process": (Path(folder), 1),
            "all, two processes": (Path(folder), 2),
            "one connector": (folders[0], 1),
        }
        for name, (path, jobs) in rows.items():
            run = lint(path, jobs)
            print(f"{name:<28}{run.wall:>9.2f}{run.cpu:>9.2f}  {run.said}")


if __name__ == "__main__":
    main()
