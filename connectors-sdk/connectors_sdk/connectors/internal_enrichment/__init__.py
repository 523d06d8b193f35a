"""Connectors that say more about an entity when the platform asks for it.

Names are loaded when they are first used, see `connectors_sdk.connectors`.
"""

from typing import TYPE_CHECKING

from connectors_sdk._lazy import names_from

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


__getattr__ = names_from(__name__, _MODULE_OF)
