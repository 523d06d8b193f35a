"""Fixtures of the connector's tests; the connector's modules can be imported from here on."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from opencti_testbed import fixtures
from opencti_testbed.export_trial import ExportTrial
from opencti_testbed.process import TestbedProcess
from opencti_testbed.trial import Trial

CONNECTOR = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CONNECTOR / "src"))

fixture_transport = fixtures.fixture_transport
fixture_empty_platform = fixtures.fixture_empty_platform


@pytest.fixture(name="platform")
def fixture_platform(empty_platform: TestbedProcess) -> TestbedProcess:
    """A platform that holds the demo's objects."""
    demo = (CONNECTOR / "demo" / "threats.json").read_text("utf-8")
    empty_platform.push(json.loads(demo)["objects"])
    empty_platform.wait_idle()
    return empty_platform


@pytest.fixture(name="exporter")
def fixture_exporter(
    platform: TestbedProcess, transport: str, tmp_path: Path
) -> Callable[..., ExportTrial]:
    """Make the connector, with settings: `with exporter(CONNECTOR_SCOPE="text/csv") as trial:`."""

    def make(**variables: str) -> ExportTrial:
        trial = Trial(CONNECTOR, platform, tmp_path, transport=transport, **variables)
        return ExportTrial(trial)

    return make
