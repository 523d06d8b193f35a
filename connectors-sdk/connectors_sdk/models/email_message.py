"""A message of electronic mail."""

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import AwareDatetime, model_validator

from connectors_sdk.models.artifact import Artifact
from connectors_sdk.models.base_observable_entity import BaseObservableEntity
from connectors_sdk.models.email_address import EmailAddress
from connectors_sdk.models.email_mime_part import EmailMimePart
from connectors_sdk.models.reference import Reference


class EmailMessage(BaseObservableEntity):
    """A message of electronic mail (STIX `email-message`).

    Attributes:
        is_multipart: true if it consists of parts.
        date: when it was sent.
        content_type: media type.
        from_: author.
        sender: who sent it for the author.
        to: recipients.
        cc: recipients of copies.
        bcc: hidden recipients.
        message_id: its Message-ID.
        subject: its subject.
        received_lines: its Received headers, as they stand.
        additional_header_fields: other headers.
        body: its text; not when it consists of parts.
        body_multipart: its parts.
        raw_email: the message as it was sent.
    """

    _stix_type: ClassVar[str] = "email-message"
    _stix2_class: ClassVar[str] = "EmailMessage"
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "from_": "from_ref",
        "sender": "sender_ref",
        "to": "to_refs",
        "cc": "cc_refs",
        "bcc": "bcc_refs",
        "raw_email": "raw_email_ref",
    }
    _opencti_type: ClassVar[str] = "Email-Message"
    _id_fields: ClassVar[tuple[str, ...]] = ("from_", "subject", "body")

    is_multipart: bool = False
    date: AwareDatetime | None = None
    content_type: str | None = None
    from_: EmailAddress | Reference | None = None
    sender: EmailAddress | Reference | None = None
    to: list[EmailAddress | Reference] | None = None
    cc: list[EmailAddress | Reference] | None = None
    bcc: list[EmailAddress | Reference] | None = None
    message_id: str | None = None
    subject: str | None = None
    received_lines: list[str] | None = None
    additional_header_fields: dict[str, list[str]] | None = None
    body: str | None = None
    body_multipart: list[EmailMimePart] | None = None
    raw_email: Artifact | Reference | None = None

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if self.is_multipart and self.body is not None:
            raise ValueError("a message of several parts has body_multipart, not body")
        if not self.is_multipart and self.body_multipart:
            raise ValueError("body_multipart needs is_multipart=True")
        return self
