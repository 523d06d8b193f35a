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
# Fixtures are arguments and share names; tests look behind the curtain, and some stay long to stay readable.
NOT_IN_TESTS = (
    "protected-access",
    "redefined-outer-name",
    "too-many-arguments",
    "too-many-locals",
    "too-many-positional-arguments",
    "unidiomatic-typecheck",
    "unused-argument",
)


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

    pylint sees a connector apart from every other: the modules of different connectors have the same names. Tests
    have fixtures and look behind the curtain, so they are checked apart from what they test.
    """
    folders = [folder.relative_to(ROOT).as_posix() for folder in connectors()]
    outside = [name for name in files if not name.startswith(tuple(folders))]
    tests = [name for name in outside if "/tests/" in name]
    pylint = ["pylint", "--rcfile", ".pylintrc"]
    of_tests = [*pylint, f"--disable={','.join(NOT_IN_TESTS)}"]
    commands = [
        [
            *pylint,
            "--source-roots=shared/tools/ci",
            *(name for name in outside if name not in tests),
        ],
        [*of_tests, *tests],
    ]
    for folder in folders:
        commands.append([*pylint, f"--source-roots={folder}/src", f"{folder}/src"])
        of_connector = [name for name in files if name.startswith(f"{folder}/tests/")]
        if of_connector:
            path = [f"{folder}/src", f"{folder}/tests"]
            hook = f"--init-hook=import sys; sys.path[:0] = {path}"
            commands.append([*of_tests, hook, *of_connector])
    return {
        "black": [["black", "--check", "--quiet", "--diff", *files]],
        "isort": [["isort", "--check-only", "--diff", "--quiet", *files]],
        "flake8": [["flake8", *files]],
        "mypy": [["mypy", *TYPED_PACKAGES]],
        "pylint": commands,
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
