"""What runs a connector: one base class per connector type, and the entry point they share.

Names are loaded when they are first used: a connector's `main.py` must be able to report a wrong configuration
without loading pycti first.
"""

from typing import TYPE_CHECKING

from connectors_sdk._lazy import names_from

if TYPE_CHECKING:
    from connectors_sdk.connectors.base_connector import BaseConnector
    from connectors_sdk.connectors.check import Check
    from connectors_sdk.connectors.exit_codes import ExitCode
    from connectors_sdk.connectors.external_import import (
        BaseDataProcessor,
        ExternalImportConnector,
        PageProcessor,
        WindowCursor,
        WindowProcessor,
        WorkManager,
    )
    from connectors_sdk.connectors.health import Health
    from connectors_sdk.connectors.logger import ConnectorLogger
    from connectors_sdk.connectors.main import run_connector
    from connectors_sdk.connectors.metrics import Metrics
    from connectors_sdk.connectors.quarantine import Quarantine
    from connectors_sdk.connectors.run_report import RunReport

__all__ = [
    "BaseConnector",
    "BaseDataProcessor",
    "Check",
    "ConnectorLogger",
    "ExitCode",
    "ExternalImportConnector",
    "Health",
    "Metrics",
    "PageProcessor",
    "Quarantine",
    "RunReport",
    "WindowCursor",
    "WindowProcessor",
    "WorkManager",
    "run_connector",
]

_MODULE_OF = {
    "BaseConnector": "base_connector",
    "BaseDataProcessor": "external_import",
    "Check": "check",
    "ConnectorLogger": "logger",
    "ExitCode": "exit_codes",
    "ExternalImportConnector": "external_import",
    "Health": "health",
    "Metrics": "metrics",
    "PageProcessor": "external_import",
    "Quarantine": "quarantine",
    "RunReport": "run_report",
    "WindowCursor": "external_import",
    "WindowProcessor": "external_import",
    "WorkManager": "external_import",
    "run_connector": "main",
}


__getattr__ = names_from(__name__, _MODULE_OF)
