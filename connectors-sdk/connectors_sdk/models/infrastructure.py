"""Systems that are used or attacked."""

from typing import ClassVar

from pydantic import AwareDatetime

from connectors_sdk.models._periods import period
from connectors_sdk.models.base_domain_entity import NamedEntity
from connectors_sdk.models.enums import InfrastructureType
from connectors_sdk.models.kill_chain_phase import KillChainPhase


class Infrastructure(NamedEntity):
    """Systems, services and resources, of the attacker or of the defender (STIX 2.1 section 4.8).

    Attributes:
        name: its name.
        description: what it is.
        aliases: other names.
        infrastructure_types: what it is used for.
        first_seen: when it was seen first.
        last_seen: when it was seen last.
        kill_chain_phases: phases that it serves.
    """

    _stix_type: ClassVar[str] = "infrastructure"
    _stix2_class: ClassVar[str] = "Infrastructure"

    description: str | None = None
    aliases: list[str] | None = None
    infrastructure_types: list[InfrastructureType] | None = None
    first_seen: AwareDatetime | None = None
    last_seen: AwareDatetime | None = None
    kill_chain_phases: list[KillChainPhase] | None = None

    _check_seen = period("first_seen", "last_seen")
