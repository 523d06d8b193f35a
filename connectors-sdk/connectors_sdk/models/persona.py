"""A role that somebody plays online."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class Persona(BaseObservableEntity):
    """A role that somebody plays online (STIX `persona`).

    Attributes:
        persona_name: the name.
        persona_type: kind of persona.
    """

    _stix_type: ClassVar[str] = "persona"
    _stix2_class: ClassVar[str] = "pycti:CustomObservablePersona"
    _opencti_type: ClassVar[str] = "Persona"
    _id_fields: ClassVar[tuple[str, ...]] = ("persona_name", "persona_type")

    persona_name: str = Field(min_length=1)
    persona_type: str = Field(min_length=1)
