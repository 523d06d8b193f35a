"""Former home of the relationship helpers; use `connectors_sdk.models.relationships`."""

from connectors_sdk.models.relationships import (
    RelationshipBuilder,
    based_on,
    derived_from,
    has,
    indicates,
    located_at,
    related_to,
    relationship_builder,
    targets,
)

__all__ = [
    "RelationshipBuilder",
    "based_on",
    "derived_from",
    "has",
    "indicates",
    "located_at",
    "related_to",
    "relationship_builder",
    "targets",
]
