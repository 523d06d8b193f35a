"""A telephone number."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class PhoneNumber(BaseObservableEntity):
    """A telephone number (STIX `phone-number`).

    Attributes:
        value: the number.
    """

    _stix_type: ClassVar[str] = "phone-number"
    _stix2_class: ClassVar[str] = "pycti:CustomObservablePhoneNumber"
    _opencti_type: ClassVar[str] = "Phone-Number"

    value: str = Field(min_length=1)
