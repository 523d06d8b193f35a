"""For programs: one object for a connector; for several an object with a list of them."""

import json
from typing import Any

from connector_linter.formats import Options, totals
from connector_linter.model import REGISTRY, Severity
from connector_linter.runner import Result


def render(results: list[Result], options: Options) -> str:
    """Return the JSON text."""
    reports = [_report(result, options) for result in results]
    if len(results) == 1:
        return json.dumps(reports[0], indent=2, ensure_ascii=False) + "\n"
    whole = {"summary": _summary(results), "connectors": reports}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _summary(results: list[Result]) -> dict[str, int]:
    counted = totals(results)
    return {
        "total": counted.total,
        "passed": counted.total - counted.failed,
        "failed": counted.failed,
        "errors": counted.errors,
        "warnings": counted.warnings,
        "score_pct": counted.score,
    }


def _report(result: Result, options: Options) -> dict[str, Any]:
    fixes = {one.code: one.fix for one in REGISTRY.all()}
    found: list[dict[str, Any]] = [
        {
            "code": one.code,
            "name": one.name,
            "message": one.message,
            "severity": one.severity.upper(),
            "file_path": str(one.file),
            "line": one.line or None,
            "suggestion": fixes[one.code],
        }
        for one in options.shown(result)
    ]
    if options.severity is Severity.INFO:
        found += [
            {
                "code": code,
                "name": name,
                "message": "passed",
                "severity": Severity.INFO.upper(),
                "file_path": None,
                "line": None,
                "suggestion": None,
            }
            for code, name in result.passed
        ]
    return {
        "connector": result.connector.name,
        "path": options.path(result.connector),
        "summary": _summary([result]),
        "results": found,
    }
