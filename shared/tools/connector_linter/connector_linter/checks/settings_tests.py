"""VC3: tests."""

import re
from collections.abc import Iterator

from connector_linter.connector import Connector
from connector_linter.model import Problem, Severity, check

_TEST = "tests/test_settings.py"
_HEAD = (
    "import pytest\nfrom connector.settings import ConnectorSettings\n"
    "from connectors_sdk import ConfigValidationError\n\n\n"
)
_VALID = (
    "def test_valid_settings():\n    assert ConnectorSettings.from_dict({}).connector\n"
)


@check(
    "VC325",
    "minimal-settings-tests",
    Severity.ERROR,
    what="Tests show that valid settings are accepted and wrong ones refused.",
    why="The settings are what operators touch; a mistake in them keeps every installation from starting.",
    fix="Write `tests/test_settings.py` with a valid configuration, and a wrong one under `pytest.raises`.",
    bad={_TEST: None},
    good={
        _TEST: f"{_HEAD}{_VALID}\n\ndef test_wrong_settings():\n"
        "    with pytest.raises(ConfigValidationError):\n        ConnectorSettings.from_dict({'connector': 1})\n"
    },
)
def minimal_settings_tests(connector: Connector) -> Iterator[Problem]:
    """Report missing tests: at all, of the settings, of wrong settings."""
    if not connector.tests:
        yield Problem("there are no tests")
        return
    names = [class_.node.name for class_ in connector.settings.settings_classes]
    names += [class_.node.name for class_ in connector.settings.pydantic_classes]
    known = re.compile(
        "|".join(
            [rf"\b{name}\b" for name in names] or [r"\b\w*(?:Settings|Config\w*)\("]
        )
    )
    of_settings = [p for p in connector.tests if known.search(connector.text(p) or "")]
    if not of_settings:
        yield Problem("no test is about the settings", severity=Severity.WARNING)
        return
    if not any("pytest.raises" in (connector.text(path) or "") for path in of_settings):
        message = "no test shows that wrong settings are refused"
        yield Problem(message, of_settings[0], 0, Severity.WARNING)
