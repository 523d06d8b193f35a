"""Models that the platform keeps as entities or relationships."""

from abc import ABC
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import AwareDatetime

from connectors_sdk import clock
from connectors_sdk.models._emission import id_instant
from connectors_sdk.models.base_author_entity import BaseAuthorEntity
from connectors_sdk.models.base_identified_object import BaseIdentifiedObject
from connectors_sdk.models.external_reference import ExternalReference
from connectors_sdk.models.reference import Reference
from connectors_sdk.models.statement_marking import StatementMarking
from connectors_sdk.models.tlp_marking import TLPMarking


class BaseIdentifiedEntity(BaseIdentifiedObject, ABC):
    """What all STIX domain objects and relationships have in common (STIX 2.1 section 3.2).

    Attributes:
        author: who says so.
        markings: who may know.
        external_references: pointers to sources.
        labels: free labels.
        created: when the source made the object; now, by the SDK's clock, when absent.
        modified: when the source changed it last; `created` or now when absent.
        revoked: the source no longer stands by it.
        stix_ids: further STIX ids by which the object is known, for example the source's own.
    """

    _stix_type: ClassVar[str]

    author: BaseAuthorEntity | Reference | None = None
    markings: list[TLPMarking | StatementMarking | Reference] | None = None
    external_references: list[ExternalReference] | None = None
    labels: list[str] | None = None
    created: AwareDatetime | None = None
    modified: AwareDatetime | None = None
    revoked: bool | None = None
    stix_ids: list[str] | None = None

    def _common_stix2_properties(self) -> dict[str, Any]:
        """Return the common properties as keyword arguments of a stix2 class."""
        return {
            "created_by_ref": self.author.id if self.author else None,
            "object_marking_refs": [marking.id for marking in self.markings or ()],
            "external_references": [
                reference.to_stix2_object()
                for reference in self.external_references or ()
            ],
            "labels": self.labels,
            "created": self.created,
        }

    def _own_properties(self) -> dict[str, Any]:
        """Return the properties that the type adds, with plain values."""
        return {}

    def _stix_properties(self) -> dict[str, Any]:
        created = self.created or clock.now()
        return {
            "type": self._stix_type,
            "spec_version": "2.1",
            "id": self.id,
            "created_by_ref": self.author.id if self.author else None,
            "created": created,
            "modified": max(self.modified or created, created),
            "revoked": self.revoked,
            **self._own_properties(),
            "labels": self.labels,
            "external_references": self.external_references,
            "object_marking_refs": [marking.id for marking in self.markings or ()],
            "x_opencti_stix_ids": self.stix_ids,
        }

    def _created_for_id(self) -> str | None:
        return id_instant(self.created)

    def referenced_objects(self) -> Iterator[BaseIdentifiedObject]:
        """Yield author and markings, and what the type refers to besides."""
        for other in (self.author, *(self.markings or ()), *self._own_references()):
            if isinstance(other, BaseIdentifiedObject):
                yield other

    def _own_references(self) -> Iterator[BaseIdentifiedObject | Reference | None]:
        yield from ()


class NamedEntity(BaseIdentifiedEntity, ABC):
    """An entity whose id comes from its name alone."""

    name: str

    def _make_id(self) -> str:
        from connectors_sdk.models import _ids

        return _ids.by_name(self._stix_type, self.name)
