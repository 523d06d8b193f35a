"""Fixtures of the connector's tests; the connector's modules can be imported from here on."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from opencti_testbed import fixtures
from opencti_testbed.simulator import Simulator
from opencti_testbed.trial import Asked

CONNECTOR = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CONNECTOR / "src"))


@pytest.fixture(name="source")
def fixture_source() -> Iterator[Simulator]:
    with Simulator(CONNECTOR / "demo") as source:
        yield source


@pytest.fixture(name="troubled")
def fixture_troubled(tmp_path: Path) -> Iterator[Callable[..., Simulator]]:
    """Make a source of which each route gives this first: `troubled({"status": 503})`."""
    stack = ExitStack()

    def make(*first: object) -> Simulator:
        folder = tmp_path / "source"
        shutil.copytree(CONNECTOR / "demo", folder)
        described = yaml.safe_load((folder / "source.yml").read_text("utf-8"))
        for route in described["routes"]:
            route["first"] = list(first)
        (folder / "source.yml").write_text(yaml.safe_dump(described), "utf-8")
        return stack.enter_context(Simulator(folder))

    with stack:
        yield make


fixture_transport = fixtures.fixture_transport
fixture_empty_platform = fixtures.fixture_empty_platform


@pytest.fixture(name="ask")
def fixture_ask(source: Simulator, tmp_path: Path) -> Asked:
    """The connector, to be asked for something; the platform's data are in `tmp_path / "platform"`."""
    return Asked(
        CONNECTOR,
        tmp_path,
        ABUSEIPDB_API_URL=source.url,
        ABUSEIPDB_API_KEY="demo-key",
    )
