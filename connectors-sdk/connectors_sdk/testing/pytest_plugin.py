"""Fixtures for the tests of connectors: add `pytest_plugins = ["connectors_sdk.testing.pytest_plugin"]` to conftest.py."""

from collections.abc import Iterator

import pytest

from connectors_sdk.testing import CannedServer, RecordingHelper

__all__ = ["canned_server_fixture", "recording_helper_fixture"]


@pytest.fixture(name="recording_helper")
def recording_helper_fixture() -> RecordingHelper:
    """A stand-in for pycti's helper, fresh for each test."""
    return RecordingHelper()


@pytest.fixture(name="canned_server")
def canned_server_fixture() -> Iterator[CannedServer]:
    """An HTTP server on loopback with prepared answers, fresh for each test."""
    with CannedServer() as server:
        yield server
