"""Check the whole repository: formatting, import order, mistakes, types.

Runs black, isort, flake8, mypy (strict on SDK, testbed and tools) and pylint side by side, shows the output of
those that found something, and ends with a line each.

Exit code: 0 clean, 1 something was found.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from projects import ROOT, TYPED_PACKAGES, connectors

BIN = Path(sys.executable).parent


def python_files() -> list[str]:
    """Return every Python file that git tracks or would track, relative to the root."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", "*.py"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [name for name in listing if (ROOT / name).is_file()]


def jobs(files: list[str]) -> dict[str, list[list[str]]]:
    """Return the commands of each check.

    pylint and mypy see a connector's source apart from every other: the modules of different connectors
    have the same names.
    """
    sources = [folder / "src" for folder in connectors()]
    outside = [
        name
        for name in files
        if not any((ROOT / name).is_relative_to(source) for source in sources)
    ]
    pylint = ["pylint", "--rcfile", ".pylintrc"]
    return {
        "black": [["black", "--check", "--quiet", "--diff", *files]],
        "isort": [["isort", "--check-only", "--diff", "--quiet", *files]],
        "flake8": [["flake8", *files]],
        "mypy": [["mypy", *TYPED_PACKAGES]],
        "pylint": [[*pylint, "--source-roots=shared/tools/ci", *outside]]
        + [[*pylint, f"--source-roots={source}", str(source)] for source in sources],
    }


def run(name: str, commands: list[list[str]]) -> tuple[str, int, str, float]:
    """Run a check's commands one after the other; return (name, exit code, output, seconds)."""
    start = time.monotonic()
    code, output = 0, ""
    for command in commands:
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        code |= done.returncode
        output += done.stdout if done.returncode else ""
    return name, code, output, time.monotonic() - start


def main() -> int:
    """Run as a program; see the module's description."""
    checks = jobs(python_files())
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        results = list(pool.map(lambda item: run(*item), checks.items()))
    for name, code, output, _ in results:
        if code:
            print(f"== {name}\n{output.rstrip()}\n")
    for name, code, _, seconds in results:
        print(
            f"{name:8} {'clean' if not code else 'FOUND SOMETHING':16} {seconds:5.1f} s"
        )
    return 1 if any(code for _, code, _, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main())
