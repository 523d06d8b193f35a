"""A domain name."""

from collections.abc import Mapping
from typing import ClassVar, Union

from pydantic import Field

from connectors_sdk.models._formats import DomainText
from connectors_sdk.models.base_observable_entity import BaseObservableEntity
from connectors_sdk.models.ipv4_address import IPV4Address
from connectors_sdk.models.ipv6_address import IPV6Address
from connectors_sdk.models.reference import Reference


class DomainName(BaseObservableEntity):
    """A domain name (STIX `domain-name`).

    Attributes:
        value: the name.
        resolves_to: what it resolves to.
    """

    _stix_type: ClassVar[str] = "domain-name"
    _stix2_class: ClassVar[str] = "DomainName"
    _stix_keys: ClassVar[Mapping[str, str]] = {"resolves_to": "resolves_to_refs"}
    _opencti_type: ClassVar[str] = "Domain-Name"

    value: DomainText = Field(min_length=1)
    resolves_to: (
        list[Union[IPV4Address, IPV6Address, "DomainName", Reference]] | None
    ) = None
