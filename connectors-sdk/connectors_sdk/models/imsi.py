"""The identity of a mobile subscriber."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class IMSI(BaseObservableEntity):
    """The identity of a mobile subscriber (STIX `imsi`).

    Attributes:
        value: up to 15 digits.
    """

    _stix_type: ClassVar[str] = "imsi"
    _stix2_class: ClassVar[str] = "pycti:CustomObservableIMSI"
    _opencti_type: ClassVar[str] = "IMSI"

    value: str = Field(min_length=1)
