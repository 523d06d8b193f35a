"""A group of adversarial behaviours."""

from typing import ClassVar

from pydantic import AwareDatetime

from connectors_sdk.models._periods import period
from connectors_sdk.models.base_domain_entity import NamedEntity
from connectors_sdk.models.enums import AttackMotivation, AttackResourceLevel


class IntrusionSet(NamedEntity):
    """Behaviours and resources believed to be one organization's (STIX 2.1 section 4.9).

    Attributes:
        name: its name.
        description: what is known.
        aliases: other names.
        first_seen: when it was seen first.
        last_seen: when it was seen last.
        goals: what it wants to reach.
        resource_level: what it can muster.
        primary_motivation: why it acts.
        secondary_motivations: further motives.
    """

    _stix_type: ClassVar[str] = "intrusion-set"
    _stix2_class: ClassVar[str] = "IntrusionSet"

    description: str | None = None
    aliases: list[str] | None = None
    first_seen: AwareDatetime | None = None
    last_seen: AwareDatetime | None = None
    goals: list[str] | None = None
    resource_level: AttackResourceLevel | None = None
    primary_motivation: AttackMotivation | None = None
    secondary_motivations: list[AttackMotivation] | None = None

    _check_seen = period("first_seen", "last_seen")
