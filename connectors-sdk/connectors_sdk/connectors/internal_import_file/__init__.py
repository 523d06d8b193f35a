"""Connectors that extract intelligence from uploaded files.

Names are loaded when they are first used, see `connectors_sdk.connectors`.
"""

from typing import TYPE_CHECKING

from connectors_sdk._lazy import names_from

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


__getattr__ = names_from(__name__, _MODULE_OF)
