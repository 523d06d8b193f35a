"""Check the repository, or some projects of it: formatting, import order, mistakes, types.

    python shared/tools lint [PROJECT | CONNECTOR ...] [--changed [--base COMMIT]] [-- OPTION ...]

Runs black, isort, flake8, mypy (strict on SDK, testbed, tools and the sources of connectors), pylint and the connector linter side by side, shows
the output of those that found something, and ends with a line each. A connector that is not of this repository meets
the connector linter alone. What flake8, pylint and mypy found nothing in is not checked again until something changes that the
verdict depends on (see `ci.remembered`; black does the same). Options behind `--` are those of the connector linter's `check`, whose output is then shown
in any case.

Exit code: 0 clean (or nothing is touched), 1 something was found, 2 wrong usage.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ci.changes import (
    LIBRARIES,
    SDK,
    TEMPLATES,
    TESTBED,
    changed_files,
    known_projects,
    owner_of,
    touched,
)
from ci.projects import ROOT, SOURCE_ROOTS, TYPED_PACKAGES
from ci.remembered import Remembered, digest
from ci.usage import add_choice, command_line
from ci.which import NotChosen, find_connector

BIN = Path(sys.executable).parent
LINTER = "shared/tools/connector_linter/lint_connectors.py"
RULES = "connectors"
REMEMBERED = ROOT / "build" / "lint" / "clean.txt"
PYLINT_GROUPS = Path(__file__).with_name("pylint_groups.py")
MYPY_GROUPS = Path(__file__).with_name("mypy_groups.py")
FLAKE8 = Path(__file__).with_name("flake8_mistakes.py")
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
# A group of files for pylint or mypy, see `pylint_groups` and `mypy_groups`.
Group = dict[str, Sequence[str] | str]
# What the checks themselves are configured with.
CONFIGURATION = (".pylintrc", ".flake8", "pyproject.toml", "constraints.txt")


@dataclass(frozen=True)
class Selection:
    """What is checked.

    Attributes:
        files: Python files whose form is checked, relative to the root.
        projects: Projects that are checked as a whole.
        loose: Python files that are checked without the rest of their project.
        connectors: Folders of connectors, relative to the root or absolute.
    """

    files: tuple[str, ...]
    projects: tuple[str, ...]
    loose: tuple[str, ...]
    connectors: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """One program to run for a check.

    Attributes:
        check: Name of the check.
        arguments: The program, by its name in the environment, and its arguments; none: nothing is left to check.
        details: Arguments that make it show more, given once it has found something.
        text: What it reads from standard input.
        keys: What is remembered when it finds nothing.
    """

    check: str
    arguments: Sequence[str]
    details: Sequence[str] = ()
    text: str = ""
    keys: Sequence[str] = ()


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


def select(names: Sequence[str], changed: bool, base: str) -> Selection:
    """Return what to check: everything, some projects, or what a change touches.

    Raises:
        NotChosen: A name is no project.
    """
    every = known_projects().names
    files = python_files()
    edited = changed_files(base) if changed else None
    if names:
        return _named(names, files, every)
    if edited is None or set(edited) & set(CONFIGURATION):
        loose = [file for file in files if not owner_of(file, every)]
        return Selection(tuple(files), every, tuple(loose), _connectors_of(every))
    form = [file for file in files if file in set(edited)]
    loose = [file for file in form if not owner_of(file, every)]
    projects = tuple(touched(base).tests)
    return Selection(tuple(form), projects, tuple(loose), _connectors_of(projects))


def _named(
    names: Sequence[str], files: Sequence[str], every: Sequence[str]
) -> Selection:
    """Return what folders mean: a project, a template, or a connector that is none of ours."""
    folders = {
        name.rstrip("/") if name.rstrip("/") in every else _folder(name)
        for name in names
    }
    projects = tuple(sorted(folders.intersection(every)))
    others = tuple(sorted(folders.difference(every)))
    form = [file for file in files if owner_of(file, every) in projects]
    loose = [file for file in files if owner_of(file, others)]
    connectors = (*_connectors_of(projects), *others)
    return Selection((*form, *loose), projects, tuple(loose), connectors)


def _folder(name: str) -> str:
    folder = find_connector(name)
    if folder.is_relative_to(ROOT):
        return folder.relative_to(ROOT).as_posix()
    return str(folder)


def _connectors_of(projects: Sequence[str]) -> tuple[str, ...]:
    """Return the connectors among projects, templates included."""
    is_connector = known_projects().is_connector
    templates = TEMPLATES if TEMPLATES in projects else ""
    found = (ROOT / TEMPLATES).glob("*/src/main.py") if templates else ()
    return (
        *filter(is_connector, projects),
        *sorted(main.parents[1].relative_to(ROOT).as_posix() for main in found),
    )


def commands(
    chosen: Selection, jobs: int, options: Sequence[str] = ()
) -> list[Command]:
    """Return what to run, what takes long first.

    Args:
        chosen: What is checked.
        jobs: How many processes pylint may have.
        options: For the connector linter.
    """
    memory = Memory(Remembered(REMEMBERED))
    found = [*_pylint(chosen, jobs, memory), *_mypy(chosen, memory)]
    if chosen.connectors:
        linter = ["python", LINTER, "check", *chosen.connectors, *options]
        found.append(Command(RULES, linter))
    if chosen.files:
        files = chosen.files
        new = memory.new("flake8", files)
        # Its processes are costly, and pylint's keep all processors busy meanwhile.
        black = ["black", "--workers", str(max(1, jobs // 2))]
        # black remembers what was well-formed only when it need not show differences.
        found += [
            Command("black", [*black, "--check", "-q", *files], ["--diff"]),
            Command(
                "flake8",
                ["python", str(FLAKE8), *new] if new else [],
                keys=[*new.values()],
            ),
            Command("isort", ["isort", "--check-only", "--diff", "-q", *files]),
        ]
    return found


def _mypy(chosen: Selection, memory: "Memory") -> list[Command]:
    """Return the run of mypy: over all typed packages, which use each other, then over the sources of each connector."""
    packages = [package for package in TYPED_PACKAGES if (ROOT / package).is_dir()]
    is_touched = any(
        package.startswith(project) or project.startswith(f"{package}/")
        for package in packages
        for project in chosen.projects
    )
    groups = memory.types("", packages) if is_touched else []
    ours = [name for name in chosen.connectors if name in memory.connectors]
    for connector in ours:
        groups += memory.types(f"{connector}/src", [f"{connector}/src"])
    task = {"groups": groups, "remember": str(REMEMBERED)}
    arguments = ["python", str(MYPY_GROUPS)] if groups else []
    is_asked = is_touched or bool(ours)
    return [Command("mypy", arguments, text=json.dumps(task))] if is_asked else []


def _pylint(chosen: Selection, jobs: int, memory: "Memory") -> list[Command]:
    """Return the run of pylint over groups of modules.

    Sources that are not a connector's are three groups: the SDK's, the testbed's, and the others, which stand on the SDK. Each
    connector is one, since modules of different connectors have the same names, and so are each project's tests, which have
    fixtures and look behind the curtain.
    """
    owned = [file for file in memory.files if memory.project(file) in chosen.projects]
    by_owner: dict[str, list[str]] = {}
    for file in dict.fromkeys([*chosen.loose, *owned]):
        by_owner.setdefault(memory.owner(file), []).append(file)
    bases: dict[str, list[str]] = {SDK: [], TESTBED: []}
    others: list[str] = []
    # What is learnt about the sources of either serves what stands on them.
    standing_on: dict[str, list[Group]] = {SDK: [], TESTBED: []}
    for owner, own in by_owner.items():
        base = TESTBED if owner == TESTBED else SDK
        tests = [file for file in own if file.startswith(f"{owner}/tests/")]
        sources = [file for file in own if file not in tests]
        path = [f"{owner}/src", f"{owner}/tests", *SOURCE_ROOTS]
        if owner in memory.connectors:
            standing_on[base] += memory.groups([f"{owner}/src"], sources, path)
        elif owner in bases:
            bases[owner] += sources
        else:
            others += sources
        standing_on[base] += memory.groups((), tests, path)
    standing_on[SDK] += memory.groups(SOURCE_ROOTS, others, SOURCE_ROOTS)
    chains = []
    for base, groups in standing_on.items():
        first = memory.groups(SOURCE_ROOTS, bases[base], SOURCE_ROOTS)
        # What takes long begins early.
        groups.sort(key=lambda group: len(group["arguments"]), reverse=True)
        if first or groups:
            chains.append({"first": first[0] if first else None, "others": groups})
    task = {"chains": chains, "jobs": jobs, "remember": str(REMEMBERED)}
    arguments = ["python", str(PYLINT_GROUPS)] if chains else []
    return [Command("pylint", arguments, text=json.dumps(task))] if by_owner else []


class Memory:
    """What is to be checked, and what need not be checked again (see `ci.remembered`).

    Attributes:
        files: Every Python file, relative to the root.
        connectors: Folders of the connectors, templates included.
    """

    def __init__(self, verdicts: Remembered) -> None:
        """Look at what verdicts depend on."""
        projects = known_projects()
        self.files = python_files()
        self.connectors = frozenset(_connectors_of(projects.names))
        self._verdicts = verdicts
        self._projects = {file: owner_of(file, projects.names) for file in self.files}
        configuration = [(ROOT / name).read_bytes() for name in CONFIGURATION]
        self._common = digest(sys.version, *configuration)
        self._digests: dict[str, str] = {}
        self._libraries = [
            file
            for file in self.files
            if "/tests/" not in file and self.owner(file) in ("", *LIBRARIES)
        ]

    def project(self, file: str) -> str:
        """Return the project that a file is in, empty when it is in none."""
        return self._projects[file]

    def owner(self, file: str) -> str:
        """Return the same, but of a template's file the template."""
        folder = "/".join(file.split("/")[:2])
        return folder if folder in self.connectors else self.project(file)

    def key(self, what: Sequence[str], files: Iterable[str]) -> str:
        """Return what a verdict on files is remembered under.

        Args:
            what: The check and its arguments.
            files: All files that it depends on.
        """
        contents = [f"{file} {self._digest(file)}" for file in sorted(set(files))]
        return digest(self._common, json.dumps(what), *contents)

    def new(self, check: str, files: Iterable[str]) -> dict[str, str]:
        """Return the files that a check has to look at, each with its key. The check judges each file by itself."""
        keys = {file: self.key([check], [file]) for file in files}
        return {file: key for file, key in keys.items() if key not in self._verdicts}

    def groups(
        self, source_roots: Sequence[str], files: Sequence[str], path: Sequence[str]
    ) -> "list[Group]":
        """Return the group of files for pylint; none when they need not be checked.

        Pylint looks into what files import: that of their project, and of all libraries.

        Args:
            source_roots: Where the names of modules begin; none for tests.
            files: What is checked.
            path: Where modules are imported from.
        """
        if not files:
            return []
        arguments = ["--rcfile", ".pylintrc", "--jobs", "1"]
        if source_roots:
            arguments.append(f"--source-roots={','.join(source_roots)}")
        else:
            arguments.append(f"--disable={','.join(NOT_IN_TESTS)}")
        owners = {self.owner(file) for file in files}
        neighbours = [
            file
            for file in self.files
            # Sources do not import tests.
            if self.owner(file) in owners and not (source_roots and "/tests/" in file)
        ]
        seen = [*files, *neighbours, *self._libraries]
        key = self.key(["pylint", *arguments, *files], seen)
        if key in self._verdicts:
            return []
        folders = [str(ROOT / folder) for folder in path]
        return [{"arguments": [*arguments, *files], "path": folders, "key": key}]

    def types(self, path: str, folders: Sequence[str]) -> "list[Group]":
        """Return the group of folders for mypy; none when they need not be checked.

        Args:
            path: Where modules are imported from besides, empty for nowhere.
            folders: What is checked.
        """
        own = tuple(f"{folder}/" for folder in folders)
        seen = [file for file in self.files if file.startswith(own)]
        key = self.key(["mypy", path, *folders], [*seen, *self._libraries])
        if not seen or key in self._verdicts:
            return []
        return [{"arguments": list(folders), "path": path, "key": key}]

    def _digest(self, file: str) -> str:
        if file not in self._digests:
            self._digests[file] = digest((ROOT / file).read_bytes())
        return self._digests[file]


def run(command: Command) -> Result:
    """Run a command in the root of the repository."""
    start = time.monotonic()
    if not command.arguments:
        return Result(command.check, 0, "", 0)
    name, *arguments = command.arguments
    done = _execute([name, *arguments], command.text)
    output = done.stdout
    if not done.returncode and command.keys:
        Remembered(REMEMBERED).add(command.keys)
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
    parser = command_line("lint", __doc__)
    add_choice(parser, "projects", "PROJECT")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    words = list(sys.argv[1:] if arguments is None else arguments)
    end = words.index("--") if "--" in words else len(words)
    options, of_linter = parser.parse_args(words[:end]), words[end + 1 :]
    try:
        chosen = select(options.projects, options.changed, options.base)
    except NotChosen as error:
        print(error)
        return 2
    with ThreadPoolExecutor(max_workers=max(1, options.jobs)) as pool:
        results = list(pool.map(run, commands(chosen, options.jobs, of_linter)))
    for result in results:
        if result.code or (of_linter and result.check == RULES):
            print(f"== {result.check}\n{result.output.rstrip()}\n")
    for check in dict.fromkeys(result.check for result in results):
        own = [result for result in results if result.check == check]
        verdict = "FOUND SOMETHING" if any(r.code for r in own) else "clean"
        print(f"{check:10} {verdict:16} {sum(r.seconds for r in own):5.1f} s")
    if not results:
        print("Nothing that can be checked is touched.")
    return 1 if any(result.code for result in results) else 0
