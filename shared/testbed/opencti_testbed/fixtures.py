"""Fixtures for the tests of connectors that listen; a `conftest.py` takes those that it wants:

    fixture_transport = fixtures.fixture_transport
    fixture_empty_platform = fixtures.fixture_empty_platform

Tests of a connector are in its folder `tests`, what its demo begins with in `demo/threats.json`.

Tests that mean one way only say so: `@over_http`, `@over_a_broker`.
"""

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from opencti_testbed.export_trial import ExportTrial
from opencti_testbed.process import TestbedProcess
from opencti_testbed.trial import Trial

# What it compares is shown when a test fails.
pytest.register_assert_rewrite("opencti_testbed.export_clauses")

# Where the broker is; tests that need it are skipped when nothing answers there.
BROKER = os.environ.get("TESTBED_AMQP", "amqp://guest:guest@127.0.0.1:5672")

over_http = pytest.mark.parametrize("transport", ["api"], indirect=True)
over_a_broker = pytest.mark.parametrize("transport", ["amqp"], indirect=True)


def require_broker() -> str:
    """Return the URL of the broker; skip the test when nothing answers there."""
    address = urlsplit(BROKER)
    place = (address.hostname or "", address.port or 5672)
    try:
        socket.create_connection(place, timeout=5).close()
    except OSError as error:
        pytest.skip(f"no RabbitMQ at {place[0]}:{place[1]}: {error}")
    return BROKER


@pytest.fixture(name="transport", params=["api", "amqp"])
def fixture_transport(request: pytest.FixtureRequest) -> str:
    """How requests travel: over HTTP alone (`api`), or through a broker (`amqp`)."""
    transport: str = request.param
    if transport == "amqp":
        require_broker()
    return transport


@pytest.fixture(name="empty_platform")
def fixture_empty_platform(transport: str) -> Iterator[TestbedProcess]:
    """A platform that holds nothing, and has the broker where that is wanted."""
    options = ("--amqp", BROKER) if transport == "amqp" else ()
    with TestbedProcess(options=options) as platform:
        yield platform


@pytest.fixture(name="platform")
def fixture_demo_platform(
    request: pytest.FixtureRequest, empty_platform: TestbedProcess
) -> TestbedProcess:
    """A platform that holds what the connector's demo begins with."""
    demo = (_folder(request) / "demo" / "threats.json").read_text("utf-8")
    empty_platform.push(json.loads(demo)["objects"])
    empty_platform.wait_idle()
    return empty_platform


@pytest.fixture(name="exporter")
def fixture_exporter(
    request: pytest.FixtureRequest,
    platform: TestbedProcess,
    transport: str,
    tmp_path: Path,
) -> Callable[..., ExportTrial]:
    """Make the connector, with settings: `with exporter(CONNECTOR_SCOPE="text/csv") as trial:`."""

    def make(**variables: str) -> ExportTrial:
        folder = _folder(request)
        trial = Trial(folder, platform, tmp_path, transport=transport, **variables)
        return ExportTrial(trial)

    return make


def _folder(request: pytest.FixtureRequest) -> Path:
    """Return the folder of the connector whose test this is."""
    return Path(request.path).parents[1]
