"""A connector that exports entities as STIX 2.1 bundles."""

from typing import TYPE_CHECKING

from connector.settings import ConnectorSettings

if TYPE_CHECKING:
    from connector.connector import StixExporter

__all__ = ["ConnectorSettings", "build"]


def build() -> "StixExporter":
    """Read the settings and return the connector.

    Raises:
        ConfigValidationError: a setting is wrong.
    """
    settings = ConnectorSettings()
    # Only now: a wrong setting is told before the heavy libraries are loaded.
    from connector.connector import StixExporter

    return StixExporter(settings)
