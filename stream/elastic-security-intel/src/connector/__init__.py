"""A connector that keeps Elastic Security in step with a live stream."""

from typing import TYPE_CHECKING

from connector.settings import ConnectorSettings

if TYPE_CHECKING:
    from connector.connector import ElasticSecurityIntel

__all__ = ["ConnectorSettings", "build"]


def build() -> "ElasticSecurityIntel":
    """Read the settings and return the connector.

    Raises:
        ConfigValidationError: a setting is wrong.
    """
    settings = ConnectorSettings()
    # Only now: a wrong setting is told before the heavy libraries are loaded.
    from connector.connector import ElasticSecurityIntel

    return ElasticSecurityIntel(settings)
