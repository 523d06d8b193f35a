"""Naming an error must not cost an HTTP library."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("statement", "without"),
    [
        (
            "import connectors_sdk.client.exceptions",
            ["requests", "urllib3", "ijson", "sqlite3"],
        ),
        (
            "from connectors_sdk.client import ApiRateLimitError, redact",
            ["requests", "urllib3"],
        ),
        (
            "from connectors_sdk.client.base_client_api import BaseClientApi",
            ["pycti", "stix2", "limits", "pydantic"],
        ),
    ],
)
def test_imports_are_light(statement: str, without: list[str]) -> None:
    script = (
        f"{statement}\nimport sys\nprint(sorted(set({without!r}) & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stdout.strip() == "[]"


def test_network_errors_can_be_named_through_the_light_module() -> None:
    from connectors_sdk.client.exceptions import ApiTimeoutError

    assert ApiTimeoutError.__module__ == "connectors_sdk.client.network_errors"
