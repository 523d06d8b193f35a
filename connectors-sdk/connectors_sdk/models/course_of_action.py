"""What can be done against an attack."""

from collections.abc import Mapping
from typing import ClassVar

from connectors_sdk.models import _ids
from connectors_sdk.models.base_domain_entity import NamedEntity


class CourseOfAction(NamedEntity):
    """A mitigation (STIX 2.1 section 4.3).

    Attributes:
        name: its name.
        description: what to do.
        aliases: other names.
        mitre_id: its ATT&CK id; the object's id comes from it when present, else from the name.
    """

    _stix_type: ClassVar[str] = "course-of-action"
    _stix2_class: ClassVar[str] = "CourseOfAction"
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "aliases": "x_opencti_aliases",
        "mitre_id": "x_mitre_id",
    }

    description: str | None = None
    aliases: list[str] | None = None
    mitre_id: str | None = None

    def _make_id(self) -> str:
        return _ids.by_mitre_id_or_name(self._stix_type, self.name, self.mitre_id)
