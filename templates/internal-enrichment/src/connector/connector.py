"""Joins source and conversion through the SDK's runtime."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from connector.converter_to_stix import findings

from connectors_sdk import ApiNotFoundError, BaseClientApi
from connectors_sdk.connectors.internal_enrichment import (
    Entity,
    InternalEnrichmentConnector,
)


class SourceClient(BaseClientApi):
    """The source's API."""

    session_headers: dict[str, Any] = {}

    def reputation(self, value: str) -> dict[str, Any] | None:
        """Return what is known about a value, or None: this source says that with 404."""
        try:
            return dict(self._get(f"/reputation/{quote(value, safe='')}"))
        except ApiNotFoundError:
            return None


class TemplateConnector(InternalEnrichmentConnector):
    """Asks the source about one entity after the other."""

    def post_init(self) -> None:
        source = self.settings.template
        self.client = SourceClient(str(source.api_url))
        self.client.session_headers = {"X-Api-Key": source.api_key}

    def enrich(self, entity: Entity) -> Iterator[Any] | None:
        known = self.client.reputation(entity.value)
        return None if known is None else findings(entity, known)
