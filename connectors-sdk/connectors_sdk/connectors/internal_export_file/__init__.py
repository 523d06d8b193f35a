"""Connectors that render entities into files.

Names are loaded when they are first used, see `connectors_sdk.connectors`.
"""

from typing import TYPE_CHECKING

from connectors_sdk._lazy import names_from

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


__getattr__ = names_from(__name__, _MODULE_OF)
