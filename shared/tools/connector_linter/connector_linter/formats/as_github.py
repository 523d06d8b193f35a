"""Annotations of a GitHub workflow run."""

from connector_linter.discover import repository_of
from connector_linter.formats import Options
from connector_linter.model import Finding, Severity
from connector_linter.runner import Result

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning"}


def render(results: list[Result], options: Options) -> str:
    """Return a workflow command for each finding; paths are relative to the repository."""
    lines = [
        _command(one)
        for result in results
        for one in options.shown(result)
        if one.severity in _COMMANDS
    ]
    return "".join(f"{line}\n" for line in lines)


def _command(one: Finding) -> str:
    root = repository_of(one.connector)
    file = one.file.relative_to(root) if root is not None else one.file
    line = f",line={one.line}" if one.line else ""
    # The workflow reads these characters as the end of a property or of the command.
    path = file.as_posix().replace("%", "%25").replace(",", "%2C").replace(":", "%3A")
    message = one.message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{_COMMANDS[one.severity]} file={path}{line}::{one.code}: {message}"
