"""The identity of a mobile device."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class IMEI(BaseObservableEntity):
    """The identity of a mobile device (STIX `imei`).

    Attributes:
        value: 15 digits.
    """

    _stix_type: ClassVar[str] = "imei"
    _stix2_class: ClassVar[str] = "pycti:CustomObservableIMEI"
    _opencti_type: ClassVar[str] = "IMEI"

    value: str = Field(min_length=1)
