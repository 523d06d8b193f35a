"""Connectors that say more about an entity when the platform asks for it.

Names are loaded when they are first used, see `connectors_sdk.connectors`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors_sdk.connectors.internal_enrichment.connector import (
        InternalEnrichmentConnector,
    )
    from connectors_sdk.connectors.internal_enrichment.entity import (
        Entity,
        EntityFile,
        EntityUpdate,
    )
    from connectors_sdk.connectors.internal_enrichment.scores import ScorePolicy
    from connectors_sdk.connectors.internal_enrichment.settings import (
        EnrichmentConnectorConfig,
        EnrichmentOptions,
    )

__all__ = [
    "EnrichmentConnectorConfig",
    "EnrichmentOptions",
    "Entity",
    "EntityFile",
    "EntityUpdate",
    "InternalEnrichmentConnector",
    "ScorePolicy",
]

_MODULE_OF = {
    "EnrichmentConnectorConfig": "settings",
    "EnrichmentOptions": "settings",
    "Entity": "entity",
    "EntityFile": "entity",
    "EntityUpdate": "entity",
    "InternalEnrichmentConnector": "connector",
    "ScorePolicy": "scores",
}


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name, when the name is first asked for."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
