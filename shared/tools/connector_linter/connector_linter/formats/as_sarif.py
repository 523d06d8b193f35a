"""SARIF 2.1.0, for code scanning.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from connector_linter import __version__
from connector_linter.baseline import fingerprint
from connector_linter.discover import repository_of
from connector_linter.formats import Options
from connector_linter.model import DOCUMENTATION, REGISTRY, Check, Finding, Severity
from connector_linter.runner import Result

# Links lead out of a log, wherever it is shown.
_REPOSITORY = "https://github.com/OpenCTI-Platform/connectors/blob/master"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(results: list[Result], options: Options) -> str:
    """Return a log with one run."""
    checks = REGISTRY.all()
    places = {one.code: number for number, one in enumerate(checks)}
    first = results[0].connector if results else Path.cwd()
    root = repository_of(first) or first
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "connector-linter",
                        "version": __version__,
                        "rules": list(map(_rule, checks)),
                    }
                },
                "originalUriBaseIds": {"ROOT": {"uri": f"{root.as_uri()}/"}},
                "columnKind": "unicodeCodePoints",
                "results": [
                    _result(one, places[one.code], root)
                    for result in results
                    for one in options.shown(result)
                ],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(check: Check) -> dict[str, Any]:
    return {
        "id": check.code,
        "name": "".join(part.title() for part in check.name.split("-")),
        "shortDescription": {"text": check.what.replace("`", "")},
        "fullDescription": {"text": check.why.replace("`", "")},
        "help": {"text": check.fix, "markdown": check.fix},
        "helpUri": f"{_REPOSITORY}/{DOCUMENTATION}#{check.anchor}",
        "defaultConfiguration": {"level": _LEVELS[check.severity]},
    }


def _result(one: Finding, rule: int, root: Path) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(one.file, root)}
    if one.line:
        place["region"] = {"startLine": one.line, "snippet": {"text": one.text}}
    return {
        "ruleId": one.code,
        "ruleIndex": rule,
        "level": _LEVELS[one.severity],
        "message": {"text": one.message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"connectorLinter/v1": fingerprint(one)},
    }


def _artifact(file: Path, root: Path) -> dict[str, str]:
    if not file.is_relative_to(root):
        return {"uri": file.as_uri()}
    return {"uri": quote(file.relative_to(root).as_posix()), "uriBaseId": "ROOT"}
