"""Run the tests of every project, each in a process of its own, and print one summary.

    run_tests.py [PROJECT ...] [--jobs N] [-- PYTEST_OPTION ...]

Connectors bring modules of the same names (`main`, `connector`, `settings`), so they cannot share one
interpreter. A project's output is shown as it ends; the last line counts everything:
`12 passed, 0 failed, 1 skipped`. JUnit reports go to `build/test-results`.

Exit code: 0 all passed, 1 something failed or nothing ran, 2 wrong usage.
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

from projects import ROOT, tested_projects

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


def run_project(folder: Path, options: list[str]) -> Outcome:
    """Run pytest over `folder/tests` and read the counts from its JUnit report."""
    name = folder.relative_to(ROOT).as_posix()
    report = RESULTS / f"{name.replace('/', '-')}.xml"
    report.unlink(missing_ok=True)
    command = [
        sys.executable,
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


def select(names: list[str]) -> list[Path]:
    """Return the folders to test.

    Raises:
        SystemExit: with code 2 when a name is no project with tests.
    """
    projects = tested_projects()
    if not names:
        return projects
    chosen = []
    for name in names:
        folder = (ROOT / name).resolve()
        if folder not in projects:
            known = ", ".join(p.relative_to(ROOT).as_posix() for p in projects)
            print(f"{name} is no project with tests. There are: {known}")
            raise SystemExit(2)
        chosen.append(folder)
    return chosen


def main(arguments: list[str]) -> int:
    """Run as a program; see the module's description."""
    own, options = arguments, []
    if "--" in arguments:
        cut = arguments.index("--")
        own, options = arguments[:cut], arguments[cut + 1 :]
    parser = argparse.ArgumentParser(
        prog="run_tests.py",
        description="Run every project's tests, each in its own process.",
        epilog="Whatever stands behind -- is passed on to pytest.",
    )
    parser.add_argument("projects", nargs="*", metavar="PROJECT")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parsed = parser.parse_args(own)
    chosen = select(parsed.projects)
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
