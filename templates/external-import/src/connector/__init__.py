"""A connector that imports indicators from a JSON API."""

from typing import TYPE_CHECKING

from connector.settings import ConnectorSettings

if TYPE_CHECKING:
    from connectors_sdk import ExternalImportConnector

__all__ = ["ConnectorSettings", "build"]


def build() -> "ExternalImportConnector":
    """Read the settings and return the connector.

    Raises:
        ConfigValidationError: a setting is wrong.
    """
    settings = ConnectorSettings()
    # Only now: a wrong setting is told before the heavy libraries are loaded.
    from connector.connector import build_connector

    return build_connector(settings)
