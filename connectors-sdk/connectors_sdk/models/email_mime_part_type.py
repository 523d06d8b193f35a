"""A part of a message, by itself."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class EmailMimePartType(BaseObservableEntity):
    """A part of a message, by itself (STIX `email-mime-part-type`).

    Attributes:
        body: its text.
        content_type: media type.
        content_disposition: how it is to be shown.
    """

    _stix_type: ClassVar[str] = "email-mime-part-type"
    _stix2_class: ClassVar[str] = (
        "connectors_sdk.models._custom_stix2:EmailMimePartStix"
    )
    _opencti_type: ClassVar[str] = "Email-Mime-Part-Type"
    _id_fields: ClassVar[tuple[str, ...]] = (
        "body",
        "content_type",
        "content_disposition",
    )
    _pattern_fields: ClassVar[tuple[str, ...] | None] = ("body",)

    body: str = Field(min_length=1)
    content_type: str | None = None
    content_disposition: str | None = None
