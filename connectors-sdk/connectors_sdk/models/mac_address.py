"""A hardware address."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models._formats import MACText
from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class MACAddress(BaseObservableEntity):
    """A hardware address (STIX `mac-addr`).

    Attributes:
        value: six pairs of hexadecimal digits, for example `00:00:5e:00:53:af`.
    """

    _stix_type: ClassVar[str] = "mac-addr"
    _stix2_class: ClassVar[str] = "MACAddress"
    _opencti_type: ClassVar[str] = "Mac-Addr"

    value: MACText = Field(min_length=1)
