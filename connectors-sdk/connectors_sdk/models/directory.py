"""A directory of a file system."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import AwareDatetime, Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity
from connectors_sdk.models.reference import Reference


class Directory(BaseObservableEntity):
    """A directory of a file system (STIX `directory`).

    Attributes:
        path: its path.
        path_enc: encoding of the path.
        ctime: when it was created.
        mtime: when it was changed.
        atime: when it was read.
        contains: files and directories in it.
    """

    _stix_type: ClassVar[str] = "directory"
    _stix2_class: ClassVar[str] = "Directory"
    _stix_keys: ClassVar[Mapping[str, str]] = {"contains": "contains_refs"}
    _opencti_type: ClassVar[str] = "Directory"
    _id_fields: ClassVar[tuple[str, ...]] = ("path",)

    path: str = Field(min_length=1)
    path_enc: str | None = None
    ctime: AwareDatetime | None = None
    mtime: AwareDatetime | None = None
    atime: AwareDatetime | None = None
    contains: list[BaseObservableEntity | Reference] | None = None
