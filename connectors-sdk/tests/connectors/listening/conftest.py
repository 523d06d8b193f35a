"""Platforms, a source, and connectors that work on request."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors_sdk.testing import CannedServer

sys.path.insert(0, str(Path(__file__).resolve().parent))

# pylint: disable-next=wrong-import-position
from listening_support import Kit, Lane, Source, broker_is_there  # noqa: E402


@pytest.fixture(name="source", scope="session")
def fixture_source() -> Iterator[Source]:
    with CannedServer() as server:
        yield Source(server)


@pytest.fixture(name="http", scope="session")
def fixture_http(source: Source) -> Iterator[Lane]:
    with Lane("http", source) as lane:
        yield lane


@pytest.fixture(name="amqp", scope="session")
def fixture_amqp(source: Source) -> Iterator[Lane]:
    if not broker_is_there():
        pytest.skip("RabbitMQ does not listen on 127.0.0.1:5672")
    with Lane("amqp", source) as lane:
        yield lane


@pytest.fixture(name="lane", params=["http", "amqp"])
def fixture_lane(request: pytest.FixtureRequest) -> Lane:
    lane: Lane = request.getfixturevalue(request.param)
    return lane


@pytest.fixture(name="kit_of")
def fixture_kit_of() -> Iterator[Callable[..., Kit]]:
    """Make kits whose connectors end with the test."""
    kits: list[Kit] = []

    def make(lane: Lane, program: str, variant: str = "", reason: str = "") -> Kit:
        kits.append(Kit(lane, program, variant, reason))
        return kits[-1]

    yield make
    for kit in kits:
        kit.discard()
