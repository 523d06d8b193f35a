"""Relationships as sentences: `indicator | indicates | malware`.

    from connectors_sdk.models.relationships import indicates

    relationship = indicator | indicates | malware

The result is a plain `Relationship`; author, markings and dates are assigned to it afterwards.
"""

from typing import TypeAlias

from connectors_sdk.models.base_identified_entity import BaseIdentifiedEntity
from connectors_sdk.models.enums import RelationshipType
from connectors_sdk.models.reference import Reference
from connectors_sdk.models.relationship import Relationship

End: TypeAlias = BaseIdentifiedEntity | Reference


class RelationshipBuilder:
    """The verb of a sentence.

    Args:
        relationship_type: a `RelationshipType`, or its text.
        source: the subject, once it is there.
    """

    def __init__(
        self, relationship_type: RelationshipType | str, source: End | None = None
    ) -> None:
        self._type = RelationshipType(relationship_type)
        self._source = source

    def __ror__(self, source: End) -> "RelationshipBuilder":
        """Take the subject: `source | verb`."""
        return RelationshipBuilder(self._type, source)

    def __or__(self, target: End) -> Relationship:
        """Take the object: `... | target`.

        Raises:
            TypeError: there is no subject.
        """
        if self._source is None:
            raise TypeError(
                f"a relationship reads: source | {self._type.value} | target"
            )
        return Relationship(type=self._type, source=self._source, target=target)


def relationship_builder(
    relationship_type: RelationshipType | str,
) -> RelationshipBuilder:
    """Return the verb for a type of relationship, for sentences `source | verb | target`."""
    return RelationshipBuilder(relationship_type)


based_on = relationship_builder(RelationshipType.BASED_ON)
derived_from = relationship_builder(RelationshipType.DERIVED_FROM)
has = relationship_builder(RelationshipType.HAS)
indicates = relationship_builder(RelationshipType.INDICATES)
located_at = relationship_builder(RelationshipType.LOCATED_AT)
related_to = relationship_builder(RelationshipType.RELATED_TO)
targets = relationship_builder(RelationshipType.TARGETS)
