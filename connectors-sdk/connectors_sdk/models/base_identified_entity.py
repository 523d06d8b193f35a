"""What all entities, observables and relationships have in common."""

from abc import ABC
from typing import Any, ClassVar

from pydantic import AwareDatetime

from connectors_sdk.models._emission import emit, make_plan
from connectors_sdk.models.base_author_entity import BaseAuthorEntity
from connectors_sdk.models.base_identified_object import BaseIdentifiedObject
from connectors_sdk.models.base_object import family
from connectors_sdk.models.external_reference import ExternalReference
from connectors_sdk.models.reference import Reference
from connectors_sdk.models.statement_marking import StatementMarking
from connectors_sdk.models.tlp_marking import TLPMarking

COMMON_PLAN = make_plan(
    ("labels", "external_references", "markings"), {"markings": "object_marking_refs"}
)


@family(COMMON_PLAN)
class BaseIdentifiedEntity(BaseIdentifiedObject, ABC):
    """What all entities, observables and relationships have in common (STIX 2.1 section 3.2).

    Attributes:
        author: who says so.
        markings: who may know.
        external_references: pointers to sources.
        labels: free labels.
        created: when the source made the object. Observables have no such property in STIX.
    """

    _first_references: ClassVar[tuple[str, ...]] = ("author", "markings")

    author: BaseAuthorEntity | Reference | None = None
    markings: list[TLPMarking | StatementMarking | Reference] | None = None
    external_references: list[ExternalReference] | None = None
    labels: list[str] | None = None
    created: AwareDatetime | None = None

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

    def _emit(self, form: dict[str, Any]) -> None:
        values = self.__dict__
        if values["author"] is not None:
            form["created_by_ref"] = values["author"].id
        form.update(self._stix_constants)
        emit(self._plan, values, form)
