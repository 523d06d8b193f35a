"""A value of a registry key."""

from typing import Any, Self

from pydantic import model_validator

from connectors_sdk.models.base_object import BaseObject


class WindowsRegistryValue(BaseObject):
    """A value of a registry key (STIX `windows-registry-value-type`); lives inside of a `WindowsRegistryKey`.

    Attributes:
        name: its name.
        data: what it holds.
        data_type: how it is stored, for example `REG_SZ`.
    """

    name: str | None = None
    data: str | None = None
    data_type: str | None = None

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if self.name is None and self.data is None and self.data_type is None:
            raise ValueError("a registry value needs at least one property")
        return self

    def to_stix2_object(self) -> Any:
        """Return the `stix2.WindowsRegistryValueType`."""
        from connectors_sdk.models._stix2 import build

        return build("WindowsRegistryValueType", self.to_stix_dict())
