"""An address of IP version 6."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from connectors_sdk.models._formats import IPv6Text
from connectors_sdk.models.autonomous_system import AutonomousSystem
from connectors_sdk.models.base_observable_entity import BaseObservableEntity
from connectors_sdk.models.mac_address import MACAddress
from connectors_sdk.models.reference import Reference


class IPV6Address(BaseObservableEntity):
    """An address of IP version 6 (STIX `ipv6-addr`).

    Attributes:
        value: the address, or a network in CIDR notation.
        resolves_to: hardware addresses.
        belongs_to: autonomous systems.
    """

    _stix_type: ClassVar[str] = "ipv6-addr"
    _stix2_class: ClassVar[str] = "IPv6Address"
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "resolves_to": "resolves_to_refs",
        "belongs_to": "belongs_to_refs",
    }
    _opencti_type: ClassVar[str] = "IPv6-Addr"

    value: IPv6Text = Field(min_length=1)
    resolves_to: list[MACAddress | Reference] | None = None
    belongs_to: list[AutonomousSystem | Reference] | None = None
