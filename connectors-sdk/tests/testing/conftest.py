"""The plugin under test provides the fixtures."""

from connectors_sdk.testing.pytest_plugin import (  # noqa: F401
    _canned_server,
    _recording_helper,
)
