"""A part of a message."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import model_validator

from connectors_sdk.models.artifact import Artifact
from connectors_sdk.models.base_object import BaseObject
from connectors_sdk.models.file import File
from connectors_sdk.models.reference import Reference


class EmailMimePart(BaseObject):
    """A part of a message (STIX `mime-part-type`, section 6.6.2); lives inside of an `EmailMessage`.

    Attributes:
        body: its text; this or `body_raw` must be given.
        body_raw: its bytes.
        content_type: media type.
        content_disposition: how it is to be shown.
    """

    _stix_keys: ClassVar[Mapping[str, str]] = {"body_raw": "body_raw_ref"}

    body: str | None = None
    body_raw: Artifact | File | Reference | None = None
    content_type: str | None = None
    content_disposition: str | None = None

    @model_validator(mode="after")
    def _check_body(self) -> Self:
        if (self.body is None) == (self.body_raw is None):
            raise ValueError("a part of a message needs either body or body_raw")
        return self

    def to_stix2_object(self) -> Any:
        """Return the `stix2.EmailMIMEComponent`."""
        from connectors_sdk.models._stix2 import build

        return build("EmailMIMEComponent", self.to_stix_dict())
