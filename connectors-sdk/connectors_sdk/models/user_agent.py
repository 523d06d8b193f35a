"""The name by which a client calls itself."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class UserAgent(BaseObservableEntity):
    """The name by which a client calls itself (STIX `user-agent`).

    Attributes:
        value: the content of the header.
    """

    _stix_type: ClassVar[str] = "user-agent"
    _stix2_class: ClassVar[str] = "pycti:CustomObservableUserAgent"
    _opencti_type: ClassVar[str] = "User-Agent"

    value: str = Field(min_length=1)
