"""What the kinds of identities have in common."""

from abc import ABC
from collections.abc import Mapping
from typing import ClassVar

from connectors_sdk.models import _ids
from connectors_sdk.models.base_domain_entity import NamedEntity
from connectors_sdk.models.base_object import abstract
from connectors_sdk.models.enums import Reliability


@abstract
class BaseIdentity(NamedEntity, ABC):
    """A STIX identity; its id comes from name and class.

    Attributes:
        name: its name.
        description: what there is to say about it.
        reliability: how far it can be relied on.
        aliases: other names.
    """

    _stix_type: ClassVar[str] = "identity"
    _stix2_class: ClassVar[str] = "Identity"
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "reliability": "x_opencti_reliability",
        "aliases": "x_opencti_aliases",
    }

    description: str | None = None
    reliability: Reliability | None = None
    aliases: list[str] | None = None

    def _make_id(self) -> str:
        return _ids.identity(self.name, self._stix_constants["identity_class"])
