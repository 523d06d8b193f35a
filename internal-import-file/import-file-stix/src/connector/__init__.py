"""A connector that imports STIX files."""

from typing import TYPE_CHECKING

from connector.settings import ConnectorSettings

if TYPE_CHECKING:
    from connector.connector import StixImporter

__all__ = ["ConnectorSettings", "build"]


def build() -> "StixImporter":
    """Read the settings and return the connector.

    Raises:
        ConfigValidationError: a setting is wrong.
    """
    settings = ConnectorSettings()
    # Only now: a wrong setting is told before the heavy libraries are loaded.
    from connector.connector import StixImporter

    return StixImporter(settings)
