"""Building a connector for a command that does not need all of its settings."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from connectors_sdk.cli.types import Build
from connectors_sdk.connectors.base_connector import BaseConnector
from connectors_sdk.connectors.errors import UsageError
from connectors_sdk.settings._settings_loader import assumed

# What a run without a platform does not need.
WITHOUT_PLATFORM = {
    "opencti": {"url": "http://no-platform.invalid", "token": "no-token"},
    "connector": {
        "name": "Connector",
        # Everything: what is tried out need not be declared.
        "scope": "*",
        "duration_period": "PT1H",
        "live_stream_id": "no-stream",
    },
}


def build_connector(build: Build) -> BaseConnector:
    """Build the connector.

    Raises:
        ConfigValidationError: a setting is wrong.
        UsageError: what was built does not stand on the SDK's base class.
    """
    connector = build()
    if not isinstance(connector, BaseConnector):
        raise UsageError(
            f"{type(connector).__name__} does not derive from the SDK's BaseConnector: only `run` works."
        )
    return connector


def build_without_platform(build: Build) -> BaseConnector:
    """Build the connector; settings that only a platform needs may be absent. Raises: see `build_connector`."""
    with assumed(WITHOUT_PLATFORM):
        return build_connector(build)


@contextmanager
def single_run() -> Iterator[None]:
    """Let the connector's helper believe in a single run: it starts no thread that tells the platform of its state."""
    variable = "CONNECTOR_RUN_AND_TERMINATE"
    former = os.environ.get(variable)
    os.environ[variable] = "true"
    try:
        yield
    finally:
        if former is None:
            del os.environ[variable]
        else:
            os.environ[variable] = former
