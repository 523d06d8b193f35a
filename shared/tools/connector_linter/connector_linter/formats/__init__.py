"""How results are shown: one module for each form, each with `render(results, options) -> str`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from connector_linter.model import Finding, Severity
from connector_linter.runner import Result


@dataclass(frozen=True)
class Options:
    """How to show results.

    Attributes:
        severity: the least severity that is shown.
        verbose: show also what each finding is fixed by, and what was passed.
        absolute: show whole paths.
        known: how many findings a baseline has left out.
        gone: how many of a baseline are not there any more.
    """

    severity: Severity = Severity.WARNING
    verbose: bool = False
    absolute: bool = False
    known: int = 0
    gone: int = 0

    def shown(self, result: Result) -> list[Finding]:
        """Return the findings of a connector that are bad enough to be shown."""
        return [
            one for one in result.findings if one.severity.rank <= self.severity.rank
        ]

    def path(self, path: Path) -> str:
        """Return a path as it is shown: relative to the working directory, unless it is elsewhere."""
        if not self.absolute and path.is_relative_to(Path.cwd()):
            return path.relative_to(Path.cwd()).as_posix() or "."
        return path.as_posix()


Render: TypeAlias = Callable[[list[Result], Options], str]


@dataclass(frozen=True)
class Totals:
    """The numbers of some results: checks that were run, passed, failed (with an error); findings by severity."""

    total: int
    passed: int
    failed: int
    errors: int
    warnings: int

    @property
    def score(self) -> int:
        """Checks without an error, in per cent."""
        return (
            round(100 * (self.total - self.failed) / self.total) if self.total else 100
        )


def totals(results: list[Result]) -> Totals:
    """Count what came of connectors."""
    passed = sum(len(result.passed) for result in results)
    found = sum(len({one.code for one in result.findings}) for result in results)
    failed = sum(
        len({one.code for one in result.findings if one.severity is Severity.ERROR})
        for result in results
    )
    by_severity = [one.severity for result in results for one in result.findings]
    return Totals(
        passed + found,
        passed + found - failed,
        failed,
        by_severity.count(Severity.ERROR),
        by_severity.count(Severity.WARNING),
    )
