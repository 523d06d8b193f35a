"""A language."""

from typing import ClassVar

from connectors_sdk.models.base_domain_entity import NamedEntity


class Language(NamedEntity):
    """A human language (OpenCTI's Language).

    Attributes:
        name: its name.
        aliases: other names.
    """

    _stix_type: ClassVar[str] = "language"
    _stix2_class: ClassVar[str] = "connectors_sdk.models._custom_stix2:LanguageStix"

    aliases: list[str] | None = None
