"""Fixtures of the template's tests; the connector's modules can be imported from here on."""

import sys
from pathlib import Path

import pytest

from opencti_testbed.trial import Asked

TEMPLATE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TEMPLATE / "src"))


@pytest.fixture(name="ask")
def fixture_ask(tmp_path: Path) -> Asked:
    """The connector, to be asked for something; the platform's data are in `tmp_path / "platform"`."""
    return Asked(TEMPLATE, tmp_path)
