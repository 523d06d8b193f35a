"""What every model is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from connectors_sdk.models._emission import Plan, emit, make_plan

if TYPE_CHECKING:
    from connectors_sdk.models.base_identified_object import BaseIdentifiedObject


class BaseObject(BaseModel, ABC):
    """Base of all models: strict about unknown fields, validated on every assignment.

    A model's fields are its STIX properties. `_stix_keys` names those that STIX calls otherwise; a name that ends in
    `_ref` or `_refs` makes the property hold the ids of the models in the field.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    _stix_keys: ClassVar[Mapping[str, str]] = {}
    # Fields of base classes that emit them themselves; the plan holds all others.
    _common_fields: ClassVar[frozenset[str]] = frozenset()
    _own_plan: ClassVar[Plan]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Make the plan of the class."""
        super().__pydantic_init_subclass__(**kwargs)
        keys: dict[str, str] = {}
        for base in reversed(cls.__mro__):
            keys.update(vars(base).get("_stix_keys", {}))
        own = [name for name in cls.model_fields if name not in cls._common_fields]
        cls._own_plan = make_plan(own, keys)

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

    def to_stix_dict(self) -> dict[str, Any]:
        """Return the JSON-ready form: text, numbers, booleans, lists and dictionaries only.

        `None` and empty lists are left out; timestamps are UTC with milliseconds.
        """
        form: dict[str, Any] = {}
        emit(self._own_plan, self.__dict__, form)
        return form

    def referenced_objects(self) -> "Iterator[BaseIdentifiedObject]":
        """Yield the models that this one refers to by id (author, markings, ends, contents), parts' included."""
        for field, _, refers in self._own_plan:
            value = self.__dict__[field]
            for item in value if isinstance(value, list) else (value,):
                if not isinstance(item, BaseObject):
                    continue
                if not refers:
                    yield from item.referenced_objects()
                elif hasattr(item, "id"):
                    yield item  # type: ignore[misc]  # a field that refers holds identified objects only

    @abstractmethod
    def to_stix2_object(self) -> Any:
        """Return the genuine `stix2` (or pycti custom) object."""
