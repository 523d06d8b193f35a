"""What the kinds of threat actors have in common."""

from abc import ABC
from typing import Any, ClassVar

from pydantic import AwareDatetime

from connectors_sdk.models import _ids
from connectors_sdk.models._periods import period
from connectors_sdk.models.base_domain_entity import NamedEntity
from connectors_sdk.models.base_object import abstract
from connectors_sdk.models.enums import (
    AttackMotivation,
    AttackResourceLevel,
    ThreatActorRole,
    ThreatActorSophistication,
    ThreatActorTypes,
)


@abstract
class BaseThreatActor(NamedEntity, ABC):
    """A STIX threat actor (section 4.17); its id comes from its name and its type in OpenCTI.

    Attributes:
        name: its name.
        description: what is known.
        threat_actor_types: kinds of threat actor.
        aliases: other names.
        first_seen: when it was seen first.
        last_seen: when it was seen last.
        roles: what it does.
        goals: what it wants to reach.
        sophistication: how able it is.
        resource_level: what it can muster.
        primary_motivation: why it acts.
        secondary_motivations: further motives.
        personal_motivations: motives of its own, beside the group's.
    """

    _stix_type: ClassVar[str] = "threat-actor"
    _stix2_class: ClassVar[str] = "ThreatActor"
    _opencti_type: ClassVar[str]

    description: str | None = None
    threat_actor_types: list[ThreatActorTypes] | None = None
    aliases: list[str] | None = None
    first_seen: AwareDatetime | None = None
    last_seen: AwareDatetime | None = None
    roles: list[ThreatActorRole] | None = None
    goals: list[str] | None = None
    sophistication: ThreatActorSophistication | None = None
    resource_level: AttackResourceLevel | None = None
    primary_motivation: AttackMotivation | None = None
    secondary_motivations: list[AttackMotivation] | None = None
    personal_motivations: list[AttackMotivation] | None = None

    _check_seen = period("first_seen", "last_seen")

    def _make_id(self) -> str:
        return _ids.threat_actor(self.name, self._opencti_type)

    def _emit(self, form: dict[str, Any]) -> None:
        super()._emit(form)
        # Without its type, the platform takes a threat actor for an individual if its resource level is.
        by_resources = form.get("resource_level") == "individual"
        if by_resources != (self._opencti_type == "Threat-Actor-Individual"):
            form["x_opencti_type"] = self._opencti_type
