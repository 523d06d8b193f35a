"""A campaign."""

from typing import Any, ClassVar

from pydantic import AwareDatetime, Field

from connectors_sdk.models.base_identified_entity import NamedEntity


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

    name: str = Field(min_length=1)
    description: str | None = None
    aliases: list[str] | None = None
    first_seen: AwareDatetime | None = None
    last_seen: AwareDatetime | None = None
    objective: str | None = None

    def _own_properties(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "description": self.description,
            "aliases": self.aliases,
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
            "objective": self.objective,
        }
