"""A connector that exports entities as CSV files."""

from typing import TYPE_CHECKING

from connector.settings import ConnectorSettings

if TYPE_CHECKING:
    from connector.connector import CsvExporter

__all__ = ["ConnectorSettings", "build"]


def build() -> "CsvExporter":
    """Read the settings and return the connector.

    Raises:
        ConfigValidationError: a setting is wrong.
    """
    settings = ConnectorSettings()
    # Only now: a wrong setting is told before the heavy libraries are loaded.
    from connector.connector import CsvExporter

    return CsvExporter(settings)
