"""The plugin under test provides the fixtures."""

from connectors_sdk.testing import pytest_plugin

# Not by `pytest_plugins`: only the top-level conftest may use that.
canned_server = pytest_plugin._canned_server
recording_helper = pytest_plugin._recording_helper
