"""What every model is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict

from connectors_sdk.models._emission import Plan, emit, make_plan

if TYPE_CHECKING:
    from connectors_sdk.models.base_identified_object import BaseIdentifiedObject

Model = TypeVar("Model", bound="type[BaseObject]")


def abstract(model: Model) -> Model:
    """Keep a base class from being instantiated: only its subclasses say what they are in STIX."""
    setattr(model, "__abstractmethods__", frozenset({"to_stix2_object"}))
    return model


def family(common_plan: Plan) -> Callable[[Model], Model]:
    """Make an abstract base class the head of a family: its fields are common ones, emitted by this plan."""

    def mark(model: Model) -> Model:
        setattr(model, "_common_fields", frozenset(model.__pydantic_fields__))
        setattr(model, "_common_plan", common_plan)
        return abstract(model)

    return mark


class BaseObject(BaseModel, ABC):
    """Base of all models: strict about unknown fields, validated on every assignment.

    A model's fields are its STIX properties. `_stix_keys` names those that STIX calls otherwise; a name that ends in
    `_ref` or `_refs` makes the property hold the ids of the models in the field.
    """

    model_config = ConfigDict(
        extra="forbid",
        validate_assignment=True,
        # Not every file is text; models are compared by their JSON.
        ser_json_bytes="base64",
    )

    _stix_keys: ClassVar[Mapping[str, str]] = {}
    # What the kinds of objects have in common comes after what is a type's own: these fields, by this plan.
    _common_fields: ClassVar[frozenset[str]] = frozenset()
    _common_plan: ClassVar[Plan] = ()
    _own_plan: ClassVar[Plan] = ()
    _plan: ClassVar[Plan] = ()
    # Fields that refer although they are in no plan.
    _first_references: ClassVar[tuple[str, ...]] = ()
    # Fields that hold objects which are referred to by id, and fields whose parts do.
    _reference_fields: ClassVar[tuple[str, ...]] = ()
    _part_fields: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Make the plan of the class."""
        super().__pydantic_init_subclass__(**kwargs)
        keys: dict[str, str] = {}
        for base in reversed(cls.__mro__):
            keys.update(vars(base).get("_stix_keys", {}))
        own = [name for name in cls.model_fields if name not in cls._common_fields]
        cls._own_plan = make_plan(own, keys)
        cls._plan = cls._own_plan + cls._common_plan
        referring = [step.field for step in cls._plan if step.refers]
        cls._reference_fields = tuple(
            dict.fromkeys([*cls._first_references, *referring])
        )
        cls._part_fields = tuple(
            step.field
            for step in cls._plan
            if not step.refers
            and any(map(_refers, _models_in(cls.model_fields[step.field].annotation)))
        )

    def __hash__(self) -> int:
        """Hash by content."""
        return hash((type(self), self.model_dump_json()))

    def __eq__(self, other: object) -> bool:
        """Compare by content; a model of another class is never equal."""
        if not isinstance(other, self.__class__):
            return NotImplemented
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
        emit(self._plan, self.__dict__, form)
        return form

    def referenced_objects(self) -> "Iterator[BaseIdentifiedObject]":
        """Yield the models that this one refers to by id (author, markings, ends, contents), parts' included."""
        for field in self._reference_fields:
            yield from self._models_of(field)
        for field in self._part_fields:
            for part in self._models_of(field):
                yield from part.referenced_objects()

    def _models_of(self, field: str) -> "Iterator[BaseIdentifiedObject]":
        value = self.__dict__[field]
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, BaseObject):
                yield item  # type: ignore[misc]  # what is referred to is identified

    @abstractmethod
    def to_stix2_object(self) -> Any:
        """Return the genuine `stix2` (or pycti custom) object."""


def _models_in(annotation: Any) -> Iterator[type[BaseObject]]:
    """Yield the models that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseObject):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _refers(model: type[BaseObject]) -> bool:
    # pylint: disable-next=protected-access
    return bool(model._reference_fields or model._part_fields)
