"""Connectors that fetch from a source on their own schedule and send what they found as bundles.

Names are loaded when they are first used, see `connectors_sdk.connectors`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors_sdk.connectors.external_import._work_manager import WorkManager
    from connectors_sdk.connectors.external_import.base_data_processor import (
        BaseDataProcessor,
    )
    from connectors_sdk.connectors.external_import.external_import_connector import (
        ExternalImportConnector,
    )
    from connectors_sdk.connectors.external_import.logger import ConnectorLogger

__all__ = [
    "BaseDataProcessor",
    "ConnectorLogger",
    "ExternalImportConnector",
    "WorkManager",
]

_MODULE_OF = {
    "BaseDataProcessor": "base_data_processor",
    "ConnectorLogger": "logger",
    "ExternalImportConnector": "external_import_connector",
    "WorkManager": "_work_manager",
}


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name, when the name is first asked for."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
