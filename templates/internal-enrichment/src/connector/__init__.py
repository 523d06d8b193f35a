"""A connector that tells what a JSON API knows about IP addresses and domain names."""

from typing import TYPE_CHECKING

from connector.settings import ConnectorSettings

if TYPE_CHECKING:
    from connector.connector import TemplateConnector

__all__ = ["ConnectorSettings", "build"]


def build() -> "TemplateConnector":
    """Read the settings and return the connector.

    Raises:
        ConfigValidationError: a setting is wrong.
    """
    settings = ConnectorSettings()
    # Only now: a wrong setting is told before the heavy libraries are loaded.
    from connector.connector import TemplateConnector

    return TemplateConnector(settings)
