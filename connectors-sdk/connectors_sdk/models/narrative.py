"""A story that is spread."""

from typing import ClassVar

from connectors_sdk.models.base_domain_entity import NamedEntity


class Narrative(NamedEntity):
    """A story that a disinformation campaign spreads (OpenCTI's Narrative).

    Attributes:
        name: its name.
        description: what is known.
        aliases: other names.
        narrative_types: kinds of narrative.
    """

    _stix_type: ClassVar[str] = "narrative"
    _stix2_class: ClassVar[str] = "connectors_sdk.models._custom_stix2:NarrativeStix"

    description: str | None = None
    aliases: list[str] | None = None
    narrative_types: list[str] | None = None
