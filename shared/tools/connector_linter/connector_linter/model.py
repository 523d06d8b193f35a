"""Checks and what they find."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from connector_linter.connector import Connector

EXTERNAL_IMPORT = "EXTERNAL_IMPORT"
INTERNAL_ENRICHMENT = "INTERNAL_ENRICHMENT"
STREAM = "STREAM"
INTERNAL_IMPORT_FILE = "INTERNAL_IMPORT_FILE"
INTERNAL_EXPORT_FILE = "INTERNAL_EXPORT_FILE"
ALL = (
    EXTERNAL_IMPORT,
    INTERNAL_ENRICHMENT,
    STREAM,
    INTERNAL_IMPORT_FILE,
    INTERNAL_EXPORT_FILE,
)


class Severity(StrEnum):
    """How bad a finding is. INFO is a check that was passed."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Problem:
    """What a check says of one place.

    Attributes:
        message: what is wrong, in one sentence.
        path: the file, relative to the connector's folder; empty for the connector as a whole.
        line: the line in it, from 1; 0 for the file as a whole.
        severity: another one than the check's.
    """

    message: str
    path: str = ""
    line: int = 0
    severity: Severity | None = None


@dataclass(frozen=True)
class Finding:
    """What was found in a connector; picklable.

    Attributes:
        connector: the connector's folder.
        code, name: of the check.
        severity: how bad it is.
        message: what is wrong, in one sentence.
        path: the file, relative to the folder; empty for the connector as a whole.
        line: the line in it, from 1; 0 for the file as a whole.
        text: that line, to recognise it when the lines above it change.
    """

    connector: Path
    code: str
    name: str
    severity: Severity
    message: str
    path: str = ""
    line: int = 0
    text: str = ""

    @property
    def file(self) -> Path:
        """The file or folder that it is about."""
        return self.connector / self.path if self.path else self.connector


Files: TypeAlias = Mapping[str, str | None]
Run: TypeAlias = Callable[["Connector"], Iterable[Problem]]


@dataclass(frozen=True)
class Check:
    """One rule.

    Attributes:
        code: its id, e.g. `VC101`.
        name: its speaking name.
        severity: of its findings, unless a finding says otherwise.
        types: the connector types that it is for.
        what: the rule, in one sentence.
        why: what goes wrong otherwise.
        fix: what to do, in one line.
        bad, good: files that make a clean connector break or keep the rule; None removes a file. Lines of the bad ones
            that are reported end with `# <- CODE`, where the format has comments.
        run: finds what breaks the rule.
    """

    code: str
    name: str
    severity: Severity
    types: tuple[str, ...]
    what: str
    why: str
    fix: str
    bad: Files
    good: Files
    run: Run

    @property
    def anchor(self) -> str:
        """Its heading on the documentation page, as a fragment."""
        return f"{self.code}-{self.name}".lower()


@dataclass
class Registry:
    """All checks, by code."""

    checks: dict[str, Check] = field(default_factory=dict)

    def all(self) -> list[Check]:
        """Return every check, in the order of codes."""
        if not self.checks:
            from connector_linter import checks

            for module in pkgutil.iter_modules(checks.__path__):
                importlib.import_module(f"{checks.__name__}.{module.name}")
        return [self.checks[code] for code in sorted(self.checks)]

    def add(self, one: Check) -> None:
        """Take a check.

        Raises:
            ValueError: another one has its code.
        """
        if one.code in self.checks:
            raise ValueError(f"two checks are called {one.code}")
        self.checks[one.code] = one


REGISTRY = Registry()
# Where the pages of the checks are.
DOCUMENTATION = "docs/checks/README.md"


def check(  # pylint: disable=too-many-arguments  # they are what a check consists of
    code: str,
    name: str,
    severity: Severity,
    types: tuple[str, ...] = ALL,
    *,
    what: str,
    why: str,
    fix: str,
    bad: Files,
    good: Files,
) -> Callable[[Run], Run]:
    """Make a function a check; the arguments are those of `Check`."""

    def register(run: Run) -> Run:
        REGISTRY.add(Check(code, name, severity, types, what, why, fix, bad, good, run))
        return run

    return register


def select(
    checks: Iterable[Check], chosen: Iterable[str], ignored: Iterable[str]
) -> Iterator[Check]:
    """Yield the checks that are asked for; a code may be a prefix: `VC3`, `VC3xx`."""
    wanted = tuple(code.rstrip("xX").upper() for code in chosen)
    unwanted = tuple(code.rstrip("xX").upper() for code in ignored)
    for one in checks:
        if wanted and not one.code.startswith(wanted):
            continue
        if not unwanted or not one.code.startswith(unwanted):
            yield one
