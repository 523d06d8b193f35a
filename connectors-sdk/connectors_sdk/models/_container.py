"""What refers to a set of objects."""

from abc import ABC
from collections.abc import Mapping
from typing import ClassVar

from connectors_sdk.models.base_domain_entity import BaseDomainEntity
from connectors_sdk.models.base_identified_entity import BaseIdentifiedEntity
from connectors_sdk.models.base_object import abstract
from connectors_sdk.models.reference import Reference


@abstract
class Container(BaseDomainEntity, ABC):
    """An object that speaks about others.

    Attributes:
        objects: what it speaks about.
    """

    _stix_keys: ClassVar[Mapping[str, str]] = {"objects": "object_refs"}

    objects: list[BaseIdentifiedEntity | Reference] | None = None
