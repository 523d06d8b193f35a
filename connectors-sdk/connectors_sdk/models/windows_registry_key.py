"""A key of the Windows registry."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import AwareDatetime, Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity
from connectors_sdk.models.reference import Reference
from connectors_sdk.models.user_account import UserAccount
from connectors_sdk.models.windows_registry_value import WindowsRegistryValue


class WindowsRegistryKey(BaseObservableEntity):
    """A key of the Windows registry (STIX `windows-registry-key`).

    Attributes:
        key: full path, hive included and written out.
        values: its values.
        modified_time: when it was changed.
        creator_user: who created it.
        number_of_subkeys: how many keys it holds.
    """

    _stix_type: ClassVar[str] = "windows-registry-key"
    _stix2_class: ClassVar[str] = "WindowsRegistryKey"
    _stix_keys: ClassVar[Mapping[str, str]] = {"creator_user": "creator_user_ref"}
    _opencti_type: ClassVar[str] = "Windows-Registry-Key"
    _id_fields: ClassVar[tuple[str, ...]] = ("key", "values")
    _pattern_fields: ClassVar[tuple[str, ...] | None] = ("key",)

    key: str = Field(min_length=1)
    values: list[WindowsRegistryValue] | None = None
    modified_time: AwareDatetime | None = None
    creator_user: UserAccount | Reference | None = None
    number_of_subkeys: int | None = Field(default=None, ge=0)
