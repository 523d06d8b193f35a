"""What the kinds of identities have in common."""

from abc import ABC
from typing import Any, ClassVar

from pydantic import Field

from connectors_sdk.models import _ids
from connectors_sdk.models.base_identified_entity import BaseIdentifiedEntity
from connectors_sdk.models.enums import Reliability


class BaseIdentity(BaseIdentifiedEntity, ABC):
    """A STIX identity; its id comes from name and class.

    Attributes:
        name: its name.
        description: what there is to say about it.
        reliability: how far it can be relied on.
        aliases: other names.
    """

    _stix_type: ClassVar[str] = "identity"
    _stix2_class: ClassVar[str] = "Identity"
    _identity_class: ClassVar[str]

    name: str = Field(min_length=1)
    description: str | None = None
    reliability: Reliability | None = None
    aliases: list[str] | None = None

    def _make_id(self) -> str:
        return _ids.identity(self.name, self._identity_class)

    def _own_properties(self) -> dict[str, Any]:
        return {
            "identity_class": self._identity_class,
            "name": self.name,
            "description": self.description,
            "x_opencti_reliability": self.reliability,
            "x_opencti_aliases": self.aliases,
        }
