"""Fixtures of the connector's tests; the connector's modules can be imported from here on."""

import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opencti_testbed.process import TestbedProcess
from opencti_testbed.stream_trial import StreamTrial

CONNECTOR = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CONNECTOR / "src"), str(CONNECTOR / "tests")]

# pylint: disable-next=wrong-import-position
from standin import API_KEY, ElasticStandIn  # noqa: E402

Make = Callable[..., StreamTrial]


@pytest.fixture(name="elastic")
def fixture_elastic() -> Iterator[ElasticStandIn]:
    with ElasticStandIn() as elastic:
        yield elastic
    assert not elastic.violations


@pytest.fixture(name="platform", scope="module")
def fixture_platform(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TestbedProcess]:
    """One platform for the tests of a module: each has a stream of its own objects."""
    with TestbedProcess(tmp_path_factory.mktemp("platform")) as platform:
        yield platform


@pytest.fixture(name="make")
def fixture_make(
    platform: TestbedProcess, elastic: ElasticStandIn, tmp_path: Path
) -> Iterator[Make]:
    """Make the connector, not started yet, with settings; it begins with what comes from now on."""
    made: list[StreamTrial] = []

    def make(**variables: str) -> StreamTrial:
        settings = {
            "CONNECTOR_LIVE_STREAM_START": "now",
            "CONNECTOR_ID": str(uuid.uuid4()),
            "ELASTIC_SECURITY_URL": elastic.url,
            "ELASTIC_SECURITY_API_KEY": API_KEY,
            "ELASTIC_SECURITY_KIBANA_URL": f"{elastic.url}/kibana",
            **variables,
        }
        settings = {name: value for name, value in settings.items() if value}
        place = tmp_path / f"connector-{len(made)}"
        made.append(StreamTrial(CONNECTOR, platform, place, **settings))
        return made[-1]

    yield make
    for trial in made:
        trial.kill()
