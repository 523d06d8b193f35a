"""Fixtures of the template's tests; the connector's modules can be imported from here on."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from opencti_testbed.process import TestbedProcess
from opencti_testbed.simulator import Simulator
from opencti_testbed.trial import Trial

TEMPLATE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TEMPLATE / "src"))


@pytest.fixture(name="source")
def fixture_source() -> Iterator[Simulator]:
    with Simulator(TEMPLATE / "demo") as source:
        yield source


@pytest.fixture(name="platform")
def fixture_platform() -> Iterator[TestbedProcess]:
    with TestbedProcess() as platform:
        yield platform


@pytest.fixture(name="trial")
def fixture_trial(platform: TestbedProcess, source: Simulator, tmp_path: Path) -> Trial:
    """The connector as a process, set to the simulated source."""
    return Trial(
        TEMPLATE,
        platform,
        tmp_path / "data",
        TEMPLATE_API_URL=source.url,
        TEMPLATE_API_KEY="demo-key",
        TEMPLATE_IMPORT_SINCE="P10Y",
    )
