"""Run the tests of projects, each in a process of its own, and print one summary.

    python shared/tools test [PROJECT ...] [--changed [--base COMMIT]] [--jobs N] [-- PYTEST_OPTION ...]

Connectors bring modules of the same names (`main`, `connector`, `settings`), so they cannot share one
interpreter. Each also has an environment of its own with what its requirements ask for, in the versions of
`constraints.txt`, so that a connector that uses what it does not require is found out. Connectors with the same requirements
share one; it is kept until something in it changes.

A project's output is shown as it ends; the last line counts everything: `12 passed, 0 failed, 1 skipped`. JUnit
reports go to `build/test-results`.

Exit code: 0 all passed (or nothing is touched), 1 something failed or nothing ran, 2 wrong usage.
"""

import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from ci.changes import touched
from ci.environments import EnvironmentFailed, python_of
from ci.projects import ROOT, connectors, tested_projects
from ci.requirements import (
    connector_requirements,
    project_dependencies,
    read_requirements,
    uses_sdk,
)
from ci.which import NotChosen, find_connector

SDK = ROOT / "connectors-sdk"
TESTBED = ROOT / "shared" / "testbed"
LOCK = ROOT / "constraints.txt"
TEST_TOOLS = ROOT / "requirements-test.in"
RESULTS = ROOT / "build" / "test-results"
NO_TESTS_COLLECTED = 5


@dataclass(frozen=True)
class Outcome:
    """What one project's test process came to."""

    project: str
    exit_code: int
    passed: int
    failed: int
    skipped: int
    seconds: float
    output: str

    @property
    def ok(self) -> bool:
        """True when the process ended well and at least one test was executed."""
        return self.exit_code == 0 and self.passed > 0


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


def run_project(folder: Path, options: list[str]) -> Outcome:
    """Run pytest over `folder/tests` and read the counts from its JUnit report."""
    name = folder.relative_to(ROOT).as_posix()
    report = RESULTS / f"{name.replace('/', '-')}.xml"
    report.unlink(missing_ok=True)
    try:
        python = interpreter_for(folder)
    except EnvironmentFailed as error:
        return Outcome(name, 1, 0, 1, 0, 0.0, f"No environment for its tests: {error}")
    command = [
        str(python),
        "-m",
        "pytest",
        str(folder / "tests"),
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
        name,
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
    parser = argparse.ArgumentParser(
        prog="test",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("projects", nargs="*", metavar="PROJECT")
    parser.add_argument("--changed", action="store_true", help="those that are touched")
    parser.add_argument("--base", default="", help="what --changed compares with")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parsed = parser.parse_args(own)
    try:
        chosen = select(parsed.projects, parsed.changed, parsed.base)
    except NotChosen as error:
        print(error)
        return 2
    if parsed.changed and not chosen:
        print("Nothing that has tests is touched.")
        return 0
    RESULTS.mkdir(parents=True, exist_ok=True)

    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(max_workers=max(1, parsed.jobs)) as pool:
        futures = [pool.submit(run_project, folder, options) for folder in chosen]
        for future in as_completed(futures):
            outcome = future.result()
            outcomes.append(outcome)
            print(f"== {outcome.project}\n{outcome.output.rstrip()}\n", flush=True)

    print("== summary")
    for outcome in sorted(outcomes, key=lambda o: o.project):
        verdict = "ok" if outcome.ok else "FAILED"
        if outcome.exit_code == NO_TESTS_COLLECTED or outcome.passed == 0:
            verdict += " (no test was executed)"
        print(
            f"{outcome.project:40} {outcome.passed:5} passed {outcome.failed:3} failed"
            f" {outcome.skipped:3} skipped {outcome.seconds:6.0f} s  {verdict}"
        )
    print(
        f"{sum(o.passed for o in outcomes)} passed,"
        f" {sum(o.failed for o in outcomes)} failed,"
        f" {sum(o.skipped for o in outcomes)} skipped"
    )
    return 0 if outcomes and all(o.ok for o in outcomes) else 1
