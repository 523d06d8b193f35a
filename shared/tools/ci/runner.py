"""Run the tests of projects, each in a process of its own or in several, and print one summary.

    python shared/tools test [PROJECT ...] [--changed [--base COMMIT]] [--jobs N] [-- PYTEST_OPTION ...]

Connectors bring modules of the same names (`main`, `connector`, `settings`), so they cannot share one
interpreter. Each also has an environment of its own with what its requirements ask for, in the versions of
`constraints.txt`, so that a connector that uses what it does not require is found out. Connectors with the same requirements
share one; it is kept until something in it changes.

A project whose tests take long says in its `pyproject.toml` which folders or files of `tests` run in a process of their
own, beside each other:

    [tool.tests]
    parts = ["slow", "slow/test_slowest.py"]

What is in no part, or in no deeper one, runs with what surrounds it: every test runs exactly once. Such tests must not
share ports, queues or folders. Since most of what takes long is waiting, more processes run at once than there are cores.

A process's output is shown as it ends; the summary has a line for each project, with the seconds of all its processes
added up, and the last line counts everything: `12 passed, 0 failed, 1 skipped`. JUnit reports go to
`build/test-results`, one for each process.

Exit code: 0 all passed (or nothing is touched), 1 something failed or nothing ran, 2 wrong usage.
"""

import os
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ci.changes import touched
from ci.environments import EnvironmentFailed, python_of
from ci.projects import ROOT, connectors, tested_projects
from ci.requirements import (
    connector_requirements,
    project_dependencies,
    read_requirements,
    uses_sdk,
)
from ci.usage import add_choice, command_line
from ci.which import NotChosen, find_connector

SDK = ROOT / "connectors-sdk"
TESTBED = ROOT / "shared" / "testbed"
LOCK = ROOT / "constraints.txt"
TEST_TOOLS = ROOT / "requirements-test.in"
RESULTS = ROOT / "build" / "test-results"
NO_TESTS_COLLECTED = 5
PROCESSES_PER_CORE = 2


class WrongParts(Exception):
    """A project says that its tests have a part that is not there; the text names it."""


@dataclass(frozen=True)
class Part:
    """Tests that run in one process.

    Attributes:
        folder: The project.
        path: Folder or file in the project's `tests`, which itself is `.`.
        others: The parts inside of it, which run elsewhere.
        number: Place among the project's parts, from 0.
    """

    folder: Path
    path: PurePosixPath = PurePosixPath()
    others: tuple[PurePosixPath, ...] = ()
    number: int = 0

    @property
    def project(self) -> str:
        """The project's folder, relative to the root."""
        return self.folder.relative_to(ROOT).as_posix()

    @property
    def name(self) -> str:
        """The project, and which part of its tests unless it is the outermost."""
        return (PurePosixPath(self.project) / self.path).as_posix()

    @property
    def arguments(self) -> list[str]:
        """What pytest is to run, and what not."""
        tests = self.folder / "tests"
        return [
            str(tests / self.path),
            *(f"--ignore={tests / other}" for other in self.others),
        ]


def parts_of(folder: Path) -> list[Part]:
    """Return the parts of a project's tests, the outermost first, the others as they are listed.

    Raises:
        WrongParts: One that is listed is not there.
    """
    file = folder / "pyproject.toml"
    tools = (
        tomllib.loads(file.read_text("utf-8")).get("tool", {}) if file.exists() else {}
    )
    listed = tools.get("tests", {}).get("parts", [])
    paths = list(dict.fromkeys([PurePosixPath(), *map(PurePosixPath, listed)]))
    for path in paths:
        if ".." in path.parts or not (folder / "tests" / path).exists():
            raise WrongParts(f"{file}: there is no tests/{path} to be a part")
    return [
        Part(
            folder,
            path,
            tuple(other for other in paths if path in other.parents),
            number,
        )
        for number, path in enumerate(paths)
    ]


@dataclass(frozen=True)
class Outcome:
    """What one process, or all processes of a project, came to."""

    name: str
    exit_code: int
    passed: int
    failed: int
    skipped: int
    seconds: float
    output: str = ""

    @property
    def ok(self) -> bool:
        """True when the process ended well and at least one test was executed."""
        return self.exit_code == 0 and self.passed > 0


def together(project: str, outcomes: list[Outcome]) -> Outcome:
    """Return what all processes of a project came to.

    A part of which no test was chosen is no failure as long as another part ran some.
    """
    codes = {outcome.exit_code for outcome in outcomes}
    if len(codes) > 1:
        codes.discard(NO_TESTS_COLLECTED)
    return Outcome(
        project,
        # A signal is a negative number.
        max(codes, key=abs),
        sum(outcome.passed for outcome in outcomes),
        sum(outcome.failed for outcome in outcomes),
        sum(outcome.skipped for outcome in outcomes),
        sum(outcome.seconds for outcome in outcomes),
    )


def interpreter_for(folder: Path) -> Path:
    """Return the interpreter that runs a project's tests: a connector has an environment of its own.

    Raises:
        EnvironmentFailed: It cannot be built.
    """
    if folder not in connectors():
        return Path(sys.executable)
    requirements = connector_requirements(folder)
    if uses_sdk(folder):
        requirements += project_dependencies(SDK / "pyproject.toml")
    own = folder / "tests" / "test-requirements.txt"
    requirements += read_requirements(own if own.is_file() else TEST_TOOLS)
    # The shared conftest and pytest.ini options need these, whatever a connector's tests ask for.
    requirements += ["pytest", "pytest-timeout"]
    # The platform that tests start, run by the same interpreter.
    requirements += project_dependencies(TESTBED / "pyproject.toml")
    python, _ = python_of(
        list(dict.fromkeys(requirements)), paths=[SDK, TESTBED], constraints=LOCK
    )
    return python


def run_part(part: Part, options: list[str]) -> Outcome:
    """Run pytest over a part of a project's tests and read the counts from its JUnit report."""
    report = RESULTS / f"{part.name.replace('/', '-')}.xml"
    report.unlink(missing_ok=True)
    try:
        python = interpreter_for(part.folder)
    except EnvironmentFailed as error:
        words = f"No environment for its tests: {error}"
        return Outcome(part.name, 1, 0, 1, 0, 0.0, words)
    command = [
        str(python),
        "-m",
        "pytest",
        *part.arguments,
        f"--rootdir={ROOT}",
        f"--junit-xml={report}",
        "-q",
        "-ra",
        *options,
    ]
    start = time.monotonic()
    process = subprocess.run(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    passed, failed, skipped = read_counts(report)
    return Outcome(
        part.name,
        process.returncode,
        passed,
        failed,
        skipped,
        time.monotonic() - start,
        process.stdout,
    )


def read_counts(report: Path) -> tuple[int, int, int]:
    """Return (passed, failed, skipped) of a JUnit report; zeros when there is none.

    Errors during set-up or collection count as failed.
    """
    if not report.is_file():
        return 0, 0, 0
    total = failed = skipped = 0
    for suite in ET.parse(report).getroot().iter("testsuite"):
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return total - failed - skipped, failed, skipped


def select(names: list[str], changed: bool, base: str) -> list[Path]:
    """Return the folders to test.

    Args:
        names: Folders of projects, or names of connectors; all projects if there are none.
        changed: Only those that are touched by what was changed.
        base: What to compare with; see `ci.changes`.

    Raises:
        NotChosen: A name is no project with tests.
    """
    projects = tested_projects()
    if changed:
        tests = touched(base).tests
        return [p for p in projects if p.relative_to(ROOT).as_posix() in tests]
    return [_project(name, projects) for name in names] or projects


def _project(name: str, projects: list[Path]) -> Path:
    folder = (ROOT / name).resolve()
    if folder not in projects:
        try:
            folder = find_connector(name)
        except NotChosen:
            folder = Path()
    if folder in projects:
        return folder
    known = ", ".join(p.relative_to(ROOT).as_posix() for p in projects)
    raise NotChosen(f"{name} is no project with tests. There are: {known}")


def main(arguments: list[str]) -> int:
    """Run as a program; see the module's description."""
    own, options = arguments, []
    if "--" in arguments:
        cut = arguments.index("--")
        own, options = arguments[:cut], arguments[cut + 1 :]
    parser = command_line("test", __doc__)
    add_choice(parser, "projects", "PROJECT")
    parser.add_argument(
        "--jobs",
        type=int,
        default=PROCESSES_PER_CORE * (os.cpu_count() or 1),
        metavar="N",
        help="how many processes at once (default: %(default)s)",
    )
    parsed = parser.parse_args(own)
    try:
        chosen = select(parsed.projects, parsed.changed, parsed.base)
        parts = [part for folder in chosen for part in parts_of(folder)]
    except (NotChosen, WrongParts) as error:
        print(error)
        return 2
    if parsed.changed and not chosen:
        print("Nothing that has tests is touched.")
        return 0
    RESULTS.mkdir(parents=True, exist_ok=True)

    by_project: dict[str, list[Outcome]] = {part.project: [] for part in parts}
    with ThreadPoolExecutor(max_workers=max(1, parsed.jobs)) as pool:
        # Every project begins before one goes on with its next part, so that none that is in one part comes last.
        futures = {
            pool.submit(run_part, part, options): part
            for part in sorted(parts, key=lambda part: part.number)
        }
        for future in as_completed(futures):
            outcome = future.result()
            by_project[futures[future].project].append(outcome)
            print(f"== {outcome.name}\n{outcome.output.rstrip()}\n", flush=True)

    print("== summary")
    outcomes = [together(project, own) for project, own in sorted(by_project.items())]
    for outcome in outcomes:
        verdict = "ok" if outcome.ok else "FAILED"
        if outcome.exit_code == NO_TESTS_COLLECTED or outcome.passed == 0:
            verdict += " (no test was executed)"
        print(
            f"{outcome.name:40} {outcome.passed:5} passed {outcome.failed:3} failed"
            f" {outcome.skipped:3} skipped {outcome.seconds:6.0f} s  {verdict}"
        )
    print(
        f"{sum(o.passed for o in outcomes)} passed,"
        f" {sum(o.failed for o in outcomes)} failed,"
        f" {sum(o.skipped for o in outcomes)} skipped"
    )
    return 0 if outcomes and all(o.ok for o in outcomes) else 1
