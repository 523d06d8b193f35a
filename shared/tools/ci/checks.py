"""Check the repository, or some projects of it: formatting, import order, mistakes, types.

    python shared/tools lint [PROJECT ...] [--changed [--base COMMIT]]

Runs black, isort, flake8, mypy (strict on SDK, testbed and tools), pylint and the connector linter side by side, shows
the output of those that found something, and ends with a line each.

Exit code: 0 clean (or nothing is touched), 1 something was found, 2 wrong usage.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ci.changes import changed_files, known_projects, touched
from ci.projects import ROOT, SOURCE_ROOTS, TYPED_PACKAGES
from ci.which import NotChosen, find_connector

BIN = Path(sys.executable).parent
LINTER = "shared/tools/connector_linter/lint_connectors.py"
PYLINT_GROUPS = Path(__file__).with_name("pylint_groups.py")
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
# What the checks themselves are configured with.
CONFIGURATION = (".pylintrc", ".flake8", "pyproject.toml", "constraints.txt")


@dataclass(frozen=True)
class Selection:
    """What is checked.

    Attributes:
        files: Python files whose form is checked, relative to the root.
        projects: Projects that are checked as a whole.
        loose: Python files outside all projects that are checked.
    """

    files: tuple[str, ...]
    projects: tuple[str, ...]
    loose: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """One program to run for a check.

    Attributes:
        check: Name of the check.
        arguments: The program, by its name in the environment, and its arguments.
        details: Arguments that make it show more, given once it has found something.
        text: What it reads from standard input.
    """

    check: str
    arguments: Sequence[str]
    details: Sequence[str] = ()
    text: str = ""


@dataclass(frozen=True)
class Result:
    """What one command came to."""

    check: str
    code: int
    output: str
    seconds: float


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


def owner_of(file: str, projects: Iterable[str]) -> str:
    """Return the project that a file is in, empty when it is in none."""
    owners = [name for name in projects if file.startswith(f"{name}/")]
    return max(owners, key=len, default="")


def select(names: Sequence[str], changed: bool, base: str) -> Selection:
    """Return what to check: everything, some projects, or what a change touches.

    Raises:
        NotChosen: A name is no project.
    """
    every = known_projects().names
    files = python_files()
    edited = changed_files(base) if changed else None
    if names:
        chosen = {_project(name, every) for name in names}
        form = [file for file in files if owner_of(file, every) in chosen]
        return Selection(tuple(form), tuple(sorted(chosen)), ())
    if edited is None or set(edited) & set(CONFIGURATION):
        loose = [file for file in files if not owner_of(file, every)]
        return Selection(tuple(files), every, tuple(loose))
    form = [file for file in files if file in set(edited)]
    loose = [file for file in form if not owner_of(file, every)]
    return Selection(tuple(form), tuple(touched(base).tests), tuple(loose))


def _project(name: str, every: Sequence[str]) -> str:
    if name.rstrip("/") in every:
        return name.rstrip("/")
    folder = find_connector(name)
    found = folder.relative_to(ROOT).as_posix() if folder.is_relative_to(ROOT) else name
    if found in every:
        return found
    raise NotChosen(f"{name} is no project. There are: {', '.join(every)}")


def commands(chosen: Selection, jobs: int) -> list[Command]:
    """Return what to run, what takes long first."""
    found = [*_pylint(chosen, jobs), *_mypy(chosen), *_rules(chosen)]
    if chosen.files:
        files = chosen.files
        # black remembers what was well-formed only when it need not show differences.
        found += [
            Command("black", ["black", "--check", "-q", *files], ["--diff"]),
            Command("flake8", ["flake8", *files]),
            Command("isort", ["isort", "--check-only", "--diff", "-q", *files]),
        ]
    return found


def _rules(chosen: Selection) -> list[Command]:
    """Return the run of the connector linter over the connectors."""
    is_connector = known_projects().is_connector
    folders = [project for project in chosen.projects if is_connector(project)]
    linter = ["python", LINTER, "check", *folders]
    return [Command("connectors", linter)] if folders else []


def _mypy(chosen: Selection) -> list[Command]:
    packages = [
        package
        for package in TYPED_PACKAGES
        if (ROOT / package).is_dir()
        and any(
            package.startswith(project) or project.startswith(f"{package}/")
            for project in chosen.projects
        )
    ]
    return [Command("mypy", ["mypy", *packages])] if packages else []


def _pylint(chosen: Selection, jobs: int) -> list[Command]:
    """Return the run of pylint over groups of modules.

    Sources that are not a connector's are one group. Each connector is one, since modules of different connectors have the same
    names, and so are each project's tests, which have fixtures and look behind the curtain.
    """
    projects = known_projects()
    files = python_files()
    common = ["--rcfile", ".pylintrc", "--jobs", "1"]
    of_tests = [*common, f"--disable={','.join(NOT_IN_TESTS)}"]
    shared, groups = [], []
    owned = [
        file for file in files if owner_of(file, projects.names) in chosen.projects
    ]
    by_owner: dict[str, list[str]] = {}
    for file in [*chosen.loose, *owned]:
        owner = _template_of(file) or owner_of(file, projects.names)
        by_owner.setdefault(owner, []).append(file)
    for project, own in by_owner.items():
        tests = [file for file in own if file.startswith(f"{project}/tests/")]
        sources = [file for file in own if file not in tests]
        path = [f"{project}/src", f"{project}/tests", *SOURCE_ROOTS]
        if sources and (projects.is_connector(project) or _template_of(sources[0])):
            roots = f"--source-roots={project}/src"
            groups.append(_group([*common, roots, *sources], path))
        else:
            shared += sources
        if tests:
            groups.append(_group([*of_tests, *tests], path))
    roots = f"--source-roots={','.join(SOURCE_ROOTS)}"
    first = _group([*common, roots, *shared], SOURCE_ROOTS) if shared else None
    if first is None and not groups:
        return []
    task = json.dumps({"first": first, "others": groups, "jobs": jobs})
    return [Command("pylint", ["python", str(PYLINT_GROUPS)], text=task)]


def _template_of(file: str) -> str:
    """Return the template that a file belongs to, which is a connector like any other; empty if to none."""
    folder = "/".join(file.split("/")[:2])
    is_template = file.startswith("templates/") and (ROOT / folder / "src").is_dir()
    return folder if is_template else ""


def _group(arguments: Sequence[str], path: Sequence[str]) -> dict[str, Sequence[str]]:
    return {"arguments": arguments, "path": [str(ROOT / folder) for folder in path]}


def run(command: Command) -> Result:
    """Run a command in the root of the repository."""
    start = time.monotonic()
    name, *arguments = command.arguments
    done = _execute([name, *arguments], command.text)
    output = done.stdout
    if done.returncode and command.details:
        output += _execute([name, *command.details, *arguments], command.text).stdout
    return Result(command.check, done.returncode, output, time.monotonic() - start)


def _execute(arguments: Sequence[str], text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / arguments[0]), *arguments[1:]],
        cwd=ROOT,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = argparse.ArgumentParser(
        prog="lint",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("projects", nargs="*", metavar="PROJECT")
    parser.add_argument("--changed", action="store_true", help="what is touched")
    parser.add_argument("--base", default="", help="what --changed compares with")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args(arguments)
    try:
        chosen = select(options.projects, options.changed, options.base)
    except NotChosen as error:
        print(error)
        return 2
    with ThreadPoolExecutor(max_workers=max(1, options.jobs)) as pool:
        results = list(pool.map(run, commands(chosen, options.jobs)))
    for result in results:
        if result.code:
            print(f"== {result.check}\n{result.output.rstrip()}\n")
    for check in dict.fromkeys(result.check for result in results):
        own = [result for result in results if result.check == check]
        verdict = "FOUND SOMETHING" if any(r.code for r in own) else "clean"
        print(f"{check:10} {verdict:16} {sum(r.seconds for r in own):5.1f} s")
    if not results:
        print("Nothing that can be checked is touched.")
    return 1 if any(result.code for result in results) else 0
