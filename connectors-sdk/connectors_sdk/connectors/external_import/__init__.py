"""Connectors that fetch from a source on their own schedule and send what they found as bundles.

Names are loaded when they are first used, see `connectors_sdk.connectors`.
"""

from typing import TYPE_CHECKING

from connectors_sdk._lazy import names_from

if TYPE_CHECKING:
    from connectors_sdk.connectors.external_import._work_manager import WorkManager
    from connectors_sdk.connectors.external_import.base_data_processor import (
        BaseDataProcessor,
    )
    from connectors_sdk.connectors.external_import.external_import_connector import (
        ExternalImportConnector,
    )
    from connectors_sdk.connectors.external_import.page_processor import PageProcessor
    from connectors_sdk.connectors.external_import.window_processor import (
        Forecast,
        WindowCursor,
        WindowProcessor,
    )
    from connectors_sdk.connectors.logger import ConnectorLogger

__all__ = [
    "BaseDataProcessor",
    "ConnectorLogger",
    "ExternalImportConnector",
    "Forecast",
    "PageProcessor",
    "WindowCursor",
    "WindowProcessor",
    "WorkManager",
]

_MODULE_OF = {
    "BaseDataProcessor": "base_data_processor",
    "ConnectorLogger": "logger",
    "ExternalImportConnector": "external_import_connector",
    "Forecast": "window_processor",
    "PageProcessor": "page_processor",
    "WindowCursor": "window_processor",
    "WindowProcessor": "window_processor",
    "WorkManager": "_work_manager",
}


__getattr__ = names_from(__name__, _MODULE_OF)
