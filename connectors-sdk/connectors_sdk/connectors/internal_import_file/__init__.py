"""Connectors that extract intelligence from uploaded files.

Names are loaded when they are first used, see `connectors_sdk.connectors`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors_sdk.connectors.internal_import_file.connector import (
        InternalImportFileConnector,
    )
    from connectors_sdk.connectors.internal_import_file.file import (
        ContextEntity,
        ImportedFile,
        UnreadableFile,
    )
    from connectors_sdk.connectors.internal_import_file.settings import (
        ImportFileConnectorConfig,
        ImportFileOptions,
    )

__all__ = [
    "ContextEntity",
    "ImportFileConnectorConfig",
    "ImportFileOptions",
    "ImportedFile",
    "InternalImportFileConnector",
    "UnreadableFile",
]

_MODULE_OF = {
    "ContextEntity": "file",
    "ImportFileConnectorConfig": "settings",
    "ImportFileOptions": "settings",
    "ImportedFile": "file",
    "InternalImportFileConnector": "connector",
    "UnreadableFile": "file",
}


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name, when the name is first asked for."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
