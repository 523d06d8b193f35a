"""What runs a connector: one base class per connector type, and the entry point they share.

Names are loaded when they are first used: a connector's `main.py` must be able to report a wrong configuration
without loading pycti first.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors_sdk.connectors.external_import import (
        BaseDataProcessor,
        ConnectorLogger,
        ExternalImportConnector,
        WorkManager,
    )
    from connectors_sdk.connectors.main import ExitCode, run_connector
    from connectors_sdk.connectors.run_report import RunReport

__all__ = [
    "BaseDataProcessor",
    "ConnectorLogger",
    "ExitCode",
    "ExternalImportConnector",
    "RunReport",
    "WorkManager",
    "run_connector",
]

_MODULE_OF = {
    "BaseDataProcessor": "external_import",
    "ConnectorLogger": "external_import",
    "ExitCode": "main",
    "ExternalImportConnector": "external_import",
    "RunReport": "run_report",
    "WorkManager": "external_import",
    "run_connector": "main",
}


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name, when the name is first asked for."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
