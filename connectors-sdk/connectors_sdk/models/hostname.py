"""A name of a host."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class Hostname(BaseObservableEntity):
    """A name of a host (STIX `hostname`).

    Attributes:
        value: the name.
    """

    _stix_type: ClassVar[str] = "hostname"
    _stix2_class: ClassVar[str] = "pycti:CustomObservableHostname"
    _opencti_type: ClassVar[str] = "Hostname"

    value: str = Field(min_length=1)
