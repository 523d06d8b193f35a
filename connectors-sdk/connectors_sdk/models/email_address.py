"""An address for electronic mail."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity
from connectors_sdk.models.reference import Reference
from connectors_sdk.models.user_account import UserAccount


class EmailAddress(BaseObservableEntity):
    """An address for electronic mail (STIX `email-addr`).

    Attributes:
        value: the address.
        display_name: the name that is shown.
        belongs_to: whose it is.
    """

    _stix_type: ClassVar[str] = "email-addr"
    _stix2_class: ClassVar[str] = "EmailAddress"
    _stix_keys: ClassVar[Mapping[str, str]] = {"belongs_to": "belongs_to_ref"}
    _opencti_type: ClassVar[str] = "Email-Addr"

    value: str = Field(min_length=1)
    display_name: str | None = None
    belongs_to: UserAccount | Reference | None = None
