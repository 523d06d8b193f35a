"""A file."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import AwareDatetime, Field, model_validator

from connectors_sdk.models._formats import Hashes
from connectors_sdk.models.artifact import Artifact
from connectors_sdk.models.base_observable_entity import BaseObservableEntity
from connectors_sdk.models.directory import Directory
from connectors_sdk.models.reference import Reference


class File(BaseObservableEntity):
    """A file (STIX `file`).

    Attributes:
        hashes: digests by algorithm, in hexadecimal.
        size: bytes.
        name: its name; this or hashes must be given.
        name_enc: encoding of the name.
        magic_number_hex: first bytes, in hexadecimal.
        mime_type: media type.
        ctime: when it was created.
        mtime: when it was changed.
        atime: when it was read.
        additional_names: other names.
        parent_directory: where it lies.
        content: its bytes.
    """

    _stix_type: ClassVar[str] = "file"
    _stix2_class: ClassVar[str] = "File"
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "additional_names": "x_opencti_additional_names",
        "parent_directory": "parent_directory_ref",
        "content": "content_ref",
    }
    _opencti_type: ClassVar[str] = "StixFile"
    _id_fields: ClassVar[tuple[str, ...]] = ("hashes", "name", "parent_directory")

    hashes: Hashes | None = Field(default=None, min_length=1)
    size: int | None = Field(default=None, gt=0)
    name: str | None = None
    name_enc: str | None = None
    magic_number_hex: str | None = None
    mime_type: str | None = None
    ctime: AwareDatetime | None = None
    mtime: AwareDatetime | None = None
    atime: AwareDatetime | None = None
    additional_names: list[str] | None = None
    parent_directory: Directory | Reference | None = None
    content: Artifact | Reference | None = None

    @model_validator(mode="before")
    @classmethod
    def _check_identity(cls, values: Any) -> Any:
        if isinstance(values, dict) and not (
            values.get("name") or values.get("hashes")
        ):
            raise ValueError("a file needs a name or hashes")
        return values
