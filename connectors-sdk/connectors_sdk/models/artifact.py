"""Bytes, or where to find them."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from connectors_sdk.models._formats import Hashes
from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class Artifact(BaseObservableEntity):
    """Bytes, or where to find them (STIX `artifact`).

    Attributes:
        mime_type: media type.
        payload_bin: the bytes in base64; this or `url` must be given.
        url: where they are found; needs `hashes`.
        hashes: digests by algorithm, in hexadecimal.
        encryption_algorithm: how they are encrypted.
        decryption_key: how to decrypt them.
        additional_names: file names.
    """

    _stix_type: ClassVar[str] = "artifact"
    _stix2_class: ClassVar[str] = "Artifact"
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "additional_names": "x_opencti_additional_names"
    }
    _opencti_type: ClassVar[str] = "Artifact"
    _id_fields: ClassVar[tuple[str, ...]] = ("hashes", "payload_bin")
    _pattern_fields: ClassVar[tuple[str, ...] | None] = ("hashes", "url")

    mime_type: str | None = None
    payload_bin: str | None = None
    url: str | None = None
    hashes: Hashes | None = Field(default=None, min_length=1)
    encryption_algorithm: (
        Literal["AES-256-GCM", "ChaCha20-Poly1305", "mime-type-indicated"] | None
    ) = None
    decryption_key: str | None = None
    additional_names: list[str] | None = None

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if (self.payload_bin is None) == (self.url is None):
            raise ValueError("an artifact needs either payload_bin or url")
        if self.url is not None and not self.hashes:
            raise ValueError("an artifact with a url needs hashes")
        if self.decryption_key is not None and self.encryption_algorithm is None:
            raise ValueError("a decryption_key needs the encryption_algorithm")
        return self
