"""Everything an OpenCTI connector needs besides its own knowledge.

The names below are loaded when they are first used (PEP 562), so that reading a connector's settings costs neither
the HTTP client nor pycti.
"""

from typing import TYPE_CHECKING

from connectors_sdk._lazy import names_from

if TYPE_CHECKING:
    from connectors_sdk.client.base_client_api import BaseClientApi
    from connectors_sdk.client.exceptions import (
        ApiClientError,
        ApiForbiddenError,
        ApiNotFoundError,
        ApiRateLimitError,
        ApiServerError,
        ApiUnauthorizedError,
    )
    from connectors_sdk.client.rate_limit import RateLimit
    from connectors_sdk.connectors.external_import._work_manager import WorkManager
    from connectors_sdk.connectors.external_import.base_data_processor import (
        BaseDataProcessor,
    )
    from connectors_sdk.connectors.external_import.external_import_connector import (
        ExternalImportConnector,
    )
    from connectors_sdk.connectors.external_import.logger import ConnectorLogger
    from connectors_sdk.settings.annotated_types import (
        DatetimeFromIsoString,
        ListFromString,
    )
    from connectors_sdk.settings.base_settings import (
        BaseConfigModel,
        BaseConnectorSettings,
        BaseExternalImportConnectorConfig,
        BaseInternalEnrichmentConnectorConfig,
        BaseInternalExportFileConnectorConfig,
        BaseInternalImportFileConnectorConfig,
        BaseStreamConnectorConfig,
    )
    from connectors_sdk.settings.deprecations import Deprecate, DeprecatedField
    from connectors_sdk.settings.exceptions import ConfigError, ConfigValidationError
    from connectors_sdk.states.states import ExternalImportConnectorState

__version__ = "0.1.0"

__all__ = [
    "ApiClientError",
    "ApiForbiddenError",
    "ApiNotFoundError",
    "ApiRateLimitError",
    "ApiServerError",
    "ApiUnauthorizedError",
    "BaseClientApi",
    "BaseConfigModel",
    "BaseConnectorSettings",
    "BaseDataProcessor",
    "BaseExternalImportConnectorConfig",
    "BaseInternalEnrichmentConnectorConfig",
    "BaseInternalExportFileConnectorConfig",
    "BaseInternalImportFileConnectorConfig",
    "BaseStreamConnectorConfig",
    "ConfigError",
    "ConfigValidationError",
    "ConnectorLogger",
    "DatetimeFromIsoString",
    "Deprecate",
    "DeprecatedField",
    "ExternalImportConnector",
    "ExternalImportConnectorState",
    "ListFromString",
    "RateLimit",
    "WorkManager",
]

_MODULES = {
    "client.base_client_api": ("BaseClientApi",),
    "client.exceptions": (
        "ApiClientError",
        "ApiForbiddenError",
        "ApiNotFoundError",
        "ApiRateLimitError",
        "ApiServerError",
        "ApiUnauthorizedError",
    ),
    "client.rate_limit": ("RateLimit",),
    "connectors.external_import._work_manager": ("WorkManager",),
    "connectors.external_import.base_data_processor": ("BaseDataProcessor",),
    "connectors.external_import.external_import_connector": (
        "ExternalImportConnector",
    ),
    "connectors.external_import.logger": ("ConnectorLogger",),
    "settings.annotated_types": ("DatetimeFromIsoString", "ListFromString"),
    "settings.base_settings": (
        "BaseConfigModel",
        "BaseConnectorSettings",
        "BaseExternalImportConnectorConfig",
        "BaseInternalEnrichmentConnectorConfig",
        "BaseInternalExportFileConnectorConfig",
        "BaseInternalImportFileConnectorConfig",
        "BaseStreamConnectorConfig",
    ),
    "settings.deprecations": ("Deprecate", "DeprecatedField"),
    "settings.exceptions": ("ConfigError", "ConfigValidationError"),
    "states.states": ("ExternalImportConnectorState",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


__getattr__ = names_from(__name__, _MODULE_OF)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
