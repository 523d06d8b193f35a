"""Runs the checks over connectors, several at a time."""

import gc
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from connector_linter.config import Config
from connector_linter.connector import Connector, type_of
from connector_linter.discover import repository_of
from connector_linter.model import REGISTRY, Check, Finding, Problem, Severity, select
from connector_linter.noqa import noqa

# Below this, starting processes takes longer than it saves.
_WORTH_PROCESSES = 8
_CONNECTORS_AT_ONCE = 5


@dataclass(frozen=True)
class Result:
    """What came of one connector; picklable.

    Attributes:
        connector: its folder.
        findings: what was found, in the order of files and lines.
        passed: code and name of the checks that found nothing.
        suppressed: how many findings a `noqa` switched off.
    """

    connector: Path
    findings: list[Finding] = field(default_factory=list)
    passed: list[tuple[str, str]] = field(default_factory=list)
    suppressed: int = 0


def run_all(
    folders: list[Path], config: Config, *, jobs: int | None = None
) -> list[Result]:
    """Check connectors; the results are in the order of the folders.

    Args:
        folders: the connectors.
        config: what to check, and how.
        jobs: processes at a time; as many as there are processors when None.

    Raises:
        UnknownConnectorError: the type of a connector is unknown.
    """
    one = partial(run, config=config)
    jobs = jobs or os.cpu_count() or 1
    if jobs == 1 or len(folders) < _WORTH_PROCESSES:
        was_enabled = gc.isenabled()
        _prepare()
        try:
            return list(map(one, folders))
        finally:
            if was_enabled:
                gc.enable()
    with ProcessPoolExecutor(max_workers=jobs, initializer=_prepare) as pool:
        return list(pool.map(one, folders, chunksize=_CONNECTORS_AT_ONCE))


def _prepare() -> None:
    """Load what every connector needs. A connector's trees go as a whole, there is no garbage to look for in them."""
    REGISTRY.all()
    gc.disable()


def run(folder: Path, config: Config) -> Result:
    """Check one connector."""
    connector = Connector(folder, type_of(folder), config.root or repository_of(folder))
    checks = [
        one
        for one in select(REGISTRY.all(), config.select, config.ignore)
        if connector.type in one.types
    ]
    findings: list[Finding] = []
    passed: list[tuple[str, str]] = []
    suppressed = 0
    for one in checks:
        found = list(_findings(connector, one, config))
        kept = [f for f in found if not (config.honour_noqa and _is_off(connector, f))]
        suppressed += len(found) - len(kept)
        findings += kept
        if not kept:
            passed.append((one.code, one.name))
    if config.only is not None:
        findings = [f for f in findings if f.file == config.only]
    findings.sort(key=lambda f: (f.path, f.line, f.code))
    connector.forget()
    return Result(folder, findings, passed, suppressed)


def _findings(connector: Connector, check: Check, config: Config) -> Iterator[Finding]:
    for problem in _problems(connector, check):
        if _is_ignored(problem.path, check.code, config):
            continue
        lines = connector.lines(problem.path) if problem.line else []
        text = lines[problem.line - 1].strip() if 0 < problem.line <= len(lines) else ""
        yield Finding(
            connector.folder,
            check.code,
            check.name,
            problem.severity or check.severity,
            problem.message,
            problem.path,
            problem.line,
            text,
        )


def _problems(connector: Connector, check: Check) -> Iterable[Problem]:
    """Return what a check finds; a check that fails is a finding of its own and does not hide the others."""
    try:
        return list(dict.fromkeys(check.run(connector)))
    except Exception as error:  # pylint: disable=broad-exception-caught
        return [Problem(f"the check itself failed: {type(error).__name__}: {error}")]


def _is_ignored(path: str, code: str, config: Config) -> bool:
    return any(
        fnmatch(path, pattern) and any(code.startswith(c.rstrip("xX")) for c in codes)
        for pattern, codes in config.per_file_ignores.items()
    )


def _is_off(connector: Connector, finding: Finding) -> bool:
    if not finding.line:
        return False
    lines = connector.lines(finding.path)
    off = noqa(lines[finding.line - 1]) if finding.line <= len(lines) else None
    return off is not None and off.covers(finding.code)


def worst(results: Iterable[Result]) -> Severity:
    """Return the worst severity of all findings."""
    found = [finding.severity for result in results for finding in result.findings]
    return min(found, key=lambda severity: severity.rank, default=Severity.INFO)
