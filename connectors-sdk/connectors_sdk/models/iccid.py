"""The identity of a SIM card."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class ICCID(BaseObservableEntity):
    """The identity of a SIM card (STIX `iccid`).

    Attributes:
        value: 18 to 22 digits.
    """

    _stix_type: ClassVar[str] = "iccid"
    _stix2_class: ClassVar[str] = "pycti:CustomObservableICCID"
    _opencti_type: ClassVar[str] = "ICCID"

    value: str = Field(min_length=1)
