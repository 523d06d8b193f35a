"""A number that tracks a parcel."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class TrackingNumber(BaseObservableEntity):
    """A number that tracks a parcel (STIX `tracking-number`).

    Attributes:
        value: the number.
    """

    _stix_type: ClassVar[str] = "tracking-number"
    _stix2_class: ClassVar[str] = "pycti:CustomObservableTrackingNumber"
    _opencti_type: ClassVar[str] = "Tracking-Number"

    value: str = Field(min_length=1)
