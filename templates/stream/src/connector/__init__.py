"""A stream connector: what happens on the platform goes to a target."""

from typing import Any

from connector.settings import ConnectorSettings


def build() -> Any:
    """Read the settings and return the connector; a wrong setting is told before the heavy libraries are loaded."""
    settings = ConnectorSettings()
    from connector.connector import TemplateConnector

    return TemplateConnector(settings)
