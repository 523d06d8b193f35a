"""A table for a comment on a pull request."""

from connector_linter.formats import Options, totals
from connector_linter.model import DOCUMENTATION, REGISTRY, Severity
from connector_linter.runner import Result

_SIGNS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️"}


def render(results: list[Result], options: Options) -> str:
    """Return a heading, a table and a score for each connector."""
    anchors = {one.code: one.anchor for one in REGISTRY.all()}
    lines: list[str] = []
    for result in results:
        counted = totals([result])
        lines += [f"### {result.connector.name}", ""]
        shown = options.shown(result)
        if shown:
            lines += ["| | check | where | what |", "| --- | --- | --- | --- |"]
        for one in shown:
            link = f"[{one.code}]({DOCUMENTATION}#{anchors[one.code]})"
            place = (
                f"`{one.path}{f':{one.line}' if one.line else ''}`" if one.path else ""
            )
            message = one.message.replace("|", "\\|")
            lines.append(
                f"| {_SIGNS[one.severity]} | {link} {one.name} | {place} | {message} |"
            )
        passed = counted.total - counted.failed
        lines += ["", f"Score: {passed}/{counted.total} — {counted.score}%", ""]
    return "\n".join(lines)
