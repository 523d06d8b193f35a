"""What the STIX id check costs, next to the same check by pylint's inference.

Over the repository, and over a generated tree of connector-sized packages. First one run of pylint with both checks,
each with a clock of its own: CPU seconds that the check itself takes. Then whole processes: pylint with one check alone, and
the check as a command without pylint. What pylint takes to read the files is in all its rows.

Usage: python benchmarks/lint_plugin.py [--packages N]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from lint_support.connector_tree import write_tree

ROOT = Path(__file__).resolve().parents[1]
MESSAGES = {
    "tree": "generated-id-stix",
    "inference": "inferred-id-stix",
    "": "nothing-at-all",
}
PLUGIN = ROOT / "shared" / "pylint_plugins" / "check_stix_plugin"


class Cost(NamedTuple):
    """What a process took: seconds by the clock, seconds of CPU."""

    wall: float
    cpu: float


def run(command: list[str], **environment: str) -> Cost:
    """Run a process to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    path = os.pathsep.join(
        map(str, (PLUGIN, Path(__file__).parent, ROOT / "connectors-sdk"))
    )
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": path, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - start
    # pylint's exit code says what kinds of messages there were; 32 is wrong usage, 1 a fatal error.
    if done.returncode & 33 and command[2] == "pylint":
        raise SystemExit(f"pylint failed: {done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu)


def pylint(checkers: str, files: list[str], times: Path) -> Cost:
    """Run pylint with some of the two checks and nothing else."""
    return run(
        [
            sys.executable,
            "-m",
            "pylint",
            "--rcfile=",
            "--jobs=1",
            "--persistent=no",
            "--disable=all",
            f"--enable={','.join(map(MESSAGES.__getitem__, checkers.split() or [''])) }",
            "--load-plugins=lint_support.timed_checkers",
            *files,
        ],
        CHECKERS=checkers,
        CHECKER_TIMES=str(times),
    )


def compare(title: str, files: list[Path], scratch: Path) -> None:
    """Print what the checks take over some files."""
    names = [str(file) for file in files]
    lines = sum(file.read_bytes().count(b"\n") for file in files)
    print(f"\n{title}: {len(files)} files, {lines:,} lines")
    print(f"  {'CPU seconds of the check itself, both in one run of pylint':<62}")
    times = scratch / "times"
    times.write_text("")
    pylint("tree inference", names, times)
    seconds: dict[str, float] = {}
    for line in times.read_text().splitlines():
        name, taken, found = json.loads(line)
        seconds[name] = taken
        print(f"    {name:<44}{taken:>9.2f} s  {found:>5} reported")
    print(f"    faster by{seconds['inference'] / seconds['tree']:>44.1f} ×")
    print("  whole processes")
    inference = pylint("inference", names, times)
    rows = {
        "pylint with the check by inference": inference,
        "pylint with the check by the syntax tree": pylint("tree", names, times),
        "pylint with no check at all": pylint("", names, times),
        "the check as a command, without pylint": run(
            [sys.executable, "-m", "stix_ids", *names]
        ),
    }
    for name, cost in rows.items():
        print(
            f"    {name:<44}{cost.cpu:>9.2f} s CPU{cost.wall:>9.2f} s"
            f"{inference.cpu / cost.cpu:>8.1f} ×"
        )


def main() -> None:
    """Run as a program; see the module's description."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packages", type=int, default=300, help="connectors")
    packages = parser.parse_args().packages
    tracked = subprocess.run(
        ["git", "ls-files", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        compare("This repository", [ROOT / name for name in tracked], scratch)
        write_tree(scratch / "tree", packages)
        files = sorted((scratch / "tree").rglob("*.py"))
        compare(f"{packages} generated connectors", files, scratch)


if __name__ == "__main__":
    main()
