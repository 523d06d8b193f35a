"""What the source's answers mean in STIX."""

from collections.abc import Iterator
from typing import Any

from connectors_sdk.connectors.internal_enrichment import Entity
from connectors_sdk.models import AutonomousSystem, ExternalReference, Relationship


def findings(entity: Entity, known: dict[str, Any]) -> Iterator[Any]:
    """Yield what an answer says about the entity, and what has to do with it."""
    yield entity.update(
        score=known["score"],
        labels=known["tags"],
        external_references=[
            ExternalReference(source_name="Template source", url=known["report"])
        ],
    )
    if "asn" in known:
        yield Relationship(
            type="belongs-to",
            source=entity.reference,
            target=AutonomousSystem(number=known["asn"]),
        )
