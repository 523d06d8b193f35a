"""Connectors that render entities into files.

Names are loaded when they are first used, see `connectors_sdk.connectors`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors_sdk.connectors.internal_export_file.cells import (
        csv_row,
        neutralised,
    )
    from connectors_sdk.connectors.internal_export_file.connector import (
        InternalExportFileConnector,
    )
    from connectors_sdk.connectors.internal_export_file.request import ExportRequest
    from connectors_sdk.connectors.internal_export_file.settings import (
        ExportFileConnectorConfig,
        ExportFileOptions,
    )

__all__ = [
    "ExportFileConnectorConfig",
    "ExportFileOptions",
    "ExportRequest",
    "InternalExportFileConnector",
    "csv_row",
    "neutralised",
]

_MODULE_OF = {
    "ExportFileConnectorConfig": "settings",
    "ExportFileOptions": "settings",
    "ExportRequest": "request",
    "InternalExportFileConnector": "connector",
    "csv_row": "cells",
    "neutralised": "cells",
}


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name, when the name is first asked for."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
