"""Fixtures of the connector's tests; the connector's modules and `support` can be imported from here on."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors_sdk.testing import CannedServer
from opencti_testbed.process import TestbedProcess

TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS.parent / "src"), str(TESTS)]

# pylint: disable-next=wrong-import-position
from support import DEMO, Source  # noqa: E402


@pytest.fixture(name="source")
def fixture_source() -> Iterator[Source]:
    with CannedServer() as server:
        source = Source(server)
        source.publish(DEMO.read_bytes(), '"one"')
        yield source


@pytest.fixture(name="platform")
def fixture_platform() -> Iterator[TestbedProcess]:
    with TestbedProcess() as platform:
        yield platform


@pytest.fixture(name="demo", scope="session")
def fixture_demo() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(DEMO.read_text())
    return content
