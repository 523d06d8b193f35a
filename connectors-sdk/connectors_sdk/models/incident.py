"""Something that happened to somebody."""

from typing import ClassVar

from pydantic import AwareDatetime, Field

from connectors_sdk.models import _ids
from connectors_sdk.models.base_domain_entity import BaseDomainEntity
from connectors_sdk.models.enums import IncidentSeverity, IncidentType


class Incident(BaseDomainEntity):
    """An incident (STIX 2.1 section 4.7, with OpenCTI's properties); its id comes from its name and `created`.

    Attributes:
        name: its name.
        description: what happened.
        incident_type: kind of incident.
        severity: how bad it is.
        source: who or what noticed it.
        first_seen: when it was seen first.
        last_seen: when it was seen last.
        objective: what the attacker wanted.
        aliases: other names.
    """

    _stix_type: ClassVar[str] = "incident"
    _stix2_class: ClassVar[str] = "Incident"

    name: str = Field(min_length=1)
    description: str | None = None
    incident_type: IncidentType | None = None
    severity: IncidentSeverity | None = None
    source: str | None = None
    first_seen: AwareDatetime | None = None
    last_seen: AwareDatetime | None = None
    objective: str | None = None
    aliases: list[str] | None = None

    def _make_id(self) -> str:
        return _ids.by_name_and_created(
            self._stix_type, self.name, self._created_for_id()
        )
