"""A mutual exclusion object."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class Mutex(BaseObservableEntity):
    """A mutual exclusion object (STIX `mutex`).

    Attributes:
        name: its name.
    """

    _stix_type: ClassVar[str] = "mutex"
    _stix2_class: ClassVar[str] = "Mutex"
    _opencti_type: ClassVar[str] = "Mutex"
    _id_fields: ClassVar[tuple[str, ...]] = ("name",)

    name: str = Field(min_length=1)
