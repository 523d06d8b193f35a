"""Findings that are known and accepted for now, so that an old tree can adopt the checks.

A finding is recognised by connector, check, file and the text of its line, not by the line's number.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from connector_linter.model import Finding
from connector_linter.runner import Result

_VERSION = 1


class BaselineError(Exception):
    """A baseline cannot be read; the message says why."""


def fingerprint(finding: Finding) -> str:
    """Return what a finding is recognised by."""
    what = finding.text or finding.message
    parts = (
        finding.connector.parent.name,
        finding.connector.name,
        finding.code,
        finding.path,
        what,
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def write(file: Path, results: Iterable[Result]) -> int:
    """Write every finding into a baseline; return how many there are."""
    findings = [finding for result in results for finding in result.findings]
    counts = Counter(map(fingerprint, findings))
    # For people: which findings these are.
    shown = {
        fingerprint(finding): f"{finding.connector.name}: {finding.code} {finding.path}"
        for finding in findings
    }
    content = {
        "version": _VERSION,
        "findings": {
            mark: {"count": counts[mark], "finding": shown[mark]}
            for mark in sorted(counts, key=lambda mark: (shown[mark], mark))
        },
    }
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return len(findings)


def apply(file: Path, results: list[Result]) -> tuple[list[Result], int, int]:
    """Leave out what a baseline knows.

    Returns:
        the results without it, how many findings were left out, how many that the baseline knows are gone.

    Raises:
        BaselineError: the file is no baseline.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            raise ValueError(f"version {content['version']} is unknown")
        left = Counter({k: int(v["count"]) for k, v in content["findings"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BaselineError(f"{file} is no baseline of this linter: {error}") from error
    known = 0
    kept_results = []
    for result in results:
        kept = []
        for finding in result.findings:
            mark = fingerprint(finding)
            if left[mark] > 0:
                left[mark] -= 1
                known += 1
            else:
                kept.append(finding)
        kept_results.append(replace(result, findings=kept))
    return kept_results, known, sum(left.values())
