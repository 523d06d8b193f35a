"""What every model is."""

from abc import ABC, abstractmethod
from typing import Any

from pydantic import BaseModel, ConfigDict


class BaseObject(BaseModel, ABC):
    """Base of all models: strict about unknown fields, validated on every assignment."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    def __hash__(self) -> int:
        """Hash by content."""
        return hash((type(self), self.model_dump_json()))

    def __eq__(self, other: object) -> bool:
        """Compare by content; an object of another class is never equal."""
        if not isinstance(other, self.__class__):
            return False
        return self.model_dump_json() == other.model_dump_json()

    @property
    def properties_set(self) -> set[str]:
        """Names of the fields that were given."""
        return self.model_fields_set

    @property
    def properties_unset(self) -> set[str]:
        """Names of the fields that were left to their defaults."""
        return set(type(self).model_fields) - self.model_fields_set

    @abstractmethod
    def to_stix2_object(self) -> Any:
        """Return the genuine `stix2` (or pycti custom) object."""
