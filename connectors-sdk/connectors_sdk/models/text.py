"""A piece of text."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class Text(BaseObservableEntity):
    """A piece of text (STIX `text`).

    Attributes:
        value: the text.
    """

    _stix_type: ClassVar[str] = "text"
    _stix2_class: ClassVar[str] = "pycti:CustomObservableText"
    _opencti_type: ClassVar[str] = "Text"

    value: str = Field(min_length=1)
