"""Something published in media."""

from typing import ClassVar

from pydantic import AwareDatetime, Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class MediaContent(BaseObservableEntity):
    """Something published in media (STIX `media-content`).

    Attributes:
        url: where it is found.
        title: its title.
        content: its text.
        media_category: kind of media.
        publication_date: when it was published.
    """

    _stix_type: ClassVar[str] = "media-content"
    _stix2_class: ClassVar[str] = "pycti:CustomObservableMediaContent"
    _opencti_type: ClassVar[str] = "Media-Content"
    _id_fields: ClassVar[tuple[str, ...]] = ("url",)

    url: str = Field(min_length=1)
    title: str | None = None
    content: str | None = None
    media_category: str | None = None
    publication_date: AwareDatetime | None = None
