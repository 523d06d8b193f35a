"""A campaign."""

from typing import ClassVar

from pydantic import AwareDatetime

from connectors_sdk.models._periods import period
from connectors_sdk.models.base_domain_entity import NamedEntity


class Campaign(NamedEntity):
    """A set of attacks over a time, against specific targets (STIX 2.1 section 4.2).

    Attributes:
        name: its name.
        description: what happened.
        aliases: other names.
        first_seen: when it was seen first.
        last_seen: when it was seen last.
        objective: what it was meant to reach.
    """

    _stix_type: ClassVar[str] = "campaign"
    _stix2_class: ClassVar[str] = "Campaign"

    description: str | None = None
    aliases: list[str] | None = None
    first_seen: AwareDatetime | None = None
    last_seen: AwareDatetime | None = None
    objective: str | None = None

    _check_seen = period("first_seen", "last_seen")
