"""For people at a terminal."""

from connector_linter.formats import Options, totals
from connector_linter.model import REGISTRY, Severity
from connector_linter.runner import Result

_LABELS = {Severity.ERROR: "FAIL", Severity.WARNING: "WARN", Severity.INFO: "PASS"}


def render(results: list[Result], options: Options) -> str:
    """Return a block for each connector with findings, and a line with the score."""
    lines: list[str] = []
    for result in results:
        lines += _connector(result, options)
    counted = totals(results)
    if len(results) > 1:
        lines.append(
            f"{len(results)} connectors: {counted.errors} errors, {counted.warnings} warnings"
        )
    if options.known:
        lines.append(f"{options.known} findings of the baseline are not shown")
    if options.gone:
        lines.append(f"{options.gone} findings of the baseline are gone: write it anew")
    passed = counted.total - counted.failed
    lines.append(f"Score: {passed}/{counted.total} — {counted.score}%")
    return "\n".join(lines) + "\n"


def _connector(result: Result, options: Options) -> list[str]:
    shown = options.shown(result)
    passed = result.passed if options.severity is Severity.INFO else []
    if not shown and not passed:
        return []
    lines = [f"== {options.path(result.connector)}"]
    checks = {one.code: one for one in REGISTRY.all()}
    for one in shown:
        place = options.path(one.file) + (f":{one.line}" if one.line else "")
        lines.append(f"{_LABELS[one.severity]} {one.code} {place}: {one.message}")
        if options.verbose:
            lines.append(f"     {checks[one.code].fix}")
    lines += [f"PASS {code} {name}" for code, name in passed]
    return [*lines, ""]
