"""A value of the Windows registry, by itself."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class WindowsRegistryValueType(BaseObservableEntity):
    """A value of the Windows registry, by itself (STIX `windows-registry-value-type`).

    Attributes:
        name: its name.
        data: what it holds.
        data_type: how it is stored, for example `REG_SZ`.
    """

    _stix_type: ClassVar[str] = "windows-registry-value-type"
    _stix2_class: ClassVar[str] = (
        "connectors_sdk.models._custom_stix2:WindowsRegistryValueStix"
    )
    _opencti_type: ClassVar[str] = "Windows-Registry-Value-Type"
    _id_fields: ClassVar[tuple[str, ...]] = ("name", "data", "data_type")

    name: str = Field(min_length=1)
    data: str | None = None
    data_type: str | None = None
