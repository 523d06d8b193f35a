"""The plugin under test provides the fixtures."""

# Not by `pytest_plugins`: only the top-level conftest may use that.
from connectors_sdk.testing.pytest_plugin import *  # noqa: F401,F403  # pylint: disable=wildcard-import,unused-wildcard-import
