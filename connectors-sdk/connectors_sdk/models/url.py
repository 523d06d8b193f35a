"""A uniform resource locator."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models._formats import URLText
from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class URL(BaseObservableEntity):
    """A uniform resource locator (STIX `url`).

    Attributes:
        value: the address.
    """

    _stix_type: ClassVar[str] = "url"
    _stix2_class: ClassVar[str] = "URL"
    _opencti_type: ClassVar[str] = "Url"

    value: URLText = Field(min_length=1)
