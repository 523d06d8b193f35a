"""What can be done against an attack."""

from typing import Any, ClassVar

from pydantic import Field

from connectors_sdk.models import _ids
from connectors_sdk.models.base_identified_entity import BaseIdentifiedEntity


class CourseOfAction(BaseIdentifiedEntity):
    """A mitigation (STIX 2.1 section 4.3).

    Attributes:
        name: its name.
        description: what to do.
        aliases: other names.
        mitre_id: its ATT&CK id; the object's id comes from it when present, else from the name.
    """

    _stix_type: ClassVar[str] = "course-of-action"
    _stix2_class: ClassVar[str] = "CourseOfAction"

    name: str = Field(min_length=1)
    description: str | None = None
    aliases: list[str] | None = None
    mitre_id: str | None = None

    def _make_id(self) -> str:
        return _ids.by_mitre_id_or_name(self._stix_type, self.name, self.mitre_id)

    def _own_properties(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "description": self.description,
            "x_opencti_aliases": self.aliases,
            "x_mitre_id": self.mitre_id,
        }
