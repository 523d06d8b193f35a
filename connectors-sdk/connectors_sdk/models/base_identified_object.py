"""Models that have a STIX id."""

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import orjson
from pydantic import computed_field, model_validator

from connectors_sdk.models.base_object import BaseObject, abstract


class _Once:
    """A property that is computed when it is first read and kept in the instance, where later reads find it directly.

    `functools.cached_property` does the same, with a lock that costs more than making an id.
    """

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__
        self.__name__ = compute.__name__
        self.__annotations__ = compute.__annotations__

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        value = instance.__dict__[self.__name__] = self._compute(instance)
        return value


@abstract
class BaseIdentifiedObject(BaseObject):
    """Base of all models with an id.

    The dictionary form comes from the fields (fast, without the stix2 library), the stix2 object from the dictionary,
    and the id from `_make_id`, without building either.

    A subclass in the older style, which only overrides `to_stix2_object`, works as well: its id and its dictionary
    are then taken from that object.
    """

    _stix_type: ClassVar[str] = ""
    # Class name in `stix2.v21`, or "module:Class" of a custom one.
    _stix2_class: ClassVar[str] = ""
    # Properties that are the same for all objects of the class.
    _stix_constants: ClassVar[Mapping[str, Any]] = {}
    _in_older_style: ClassVar[bool] = False
    _reference_keys: ClassVar[tuple[str, ...]] = ()
    _part_keys: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Complete a class that says what it is in STIX; notice subclasses in the older style."""
        super().__init_subclass__(**kwargs)
        for owner in cls.__mro__:
            own = vars(owner)
            if "_emit" in own or "_stix2_class" in own:
                cls._in_older_style = False
                break
            if "to_stix2_object" in own:
                cls._in_older_style = True
                check = model_validator(mode="after")(cls._check_older_style)
                setattr(cls, "_check_older_style", check)
                break

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Note under which keys of the STIX form there are references."""
        super().__pydantic_init_subclass__(**kwargs)
        keys = {step.field: step.key for step in cls._plan}
        keys.setdefault("author", "created_by_ref")
        cls._reference_keys = tuple(keys[field] for field in cls._reference_fields)
        cls._part_keys = tuple(keys[field] for field in cls._part_fields)

    if TYPE_CHECKING:

        @property
        def id(self) -> str:
            """The STIX id, `<type>--<uuid>`; the same for the same facts on every run and every machine."""

    else:

        @computed_field(return_type=str)
        @_Once
        def id(self) -> str:
            """The STIX id, `<type>--<uuid>`; the same for the same facts on every run and every machine."""
            if self._in_older_style:
                return self._id_of_stix2_object()
            return self._make_id()

    def _id_of_stix2_object(self) -> str:
        stix_id = self.to_stix2_object().get("id")
        if not isinstance(stix_id, str) or not stix_id:
            raise ValueError("The 'id' property can't be set.")
        return stix_id

    def _check_older_style(self) -> Self:
        """Let a subclass in the older style refuse wrong values when it is built, as it always did."""
        self.__dict__["id"] = self._id_of_stix2_object()
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        """Assign a field; warn when that makes another object of it."""
        if name == "id":
            raise AttributeError(
                "the id cannot be set: it comes from the object's content"
            )
        if name not in type(self).model_fields:
            super().__setattr__(name, value)
            return
        before = self.id
        super().__setattr__(name, value)
        self.__dict__.pop("id", None)
        if self.id != before:
            warnings.warn(
                f"The 'id' property has changed from {before} to {self.id}: {name} contributes to it.",
                UserWarning,
                stacklevel=2,
            )

    def __iter__(self) -> Any:
        """Yield (field, value), so that `dict(model)` is what the model can be built from."""
        fields = type(self).model_fields
        return ((k, v) for k, v in super().__iter__() if k in fields)

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> Self:
        """Copy the model, see pydantic; the copy's id is that of its own values."""
        copied = super().model_copy(update=update, deep=deep)
        for kept in ("id", "_told"):
            copied.__dict__.pop(kept, None)
        return copied

    def to_stix_dict(self) -> dict[str, Any]:
        """Return the object as JSON-ready STIX 2.1: text, numbers, booleans, lists and dictionaries only.

        `None` and empty lists are left out; timestamps are UTC with milliseconds.
        """
        if self._in_older_style:
            older: dict[str, Any] = orjson.loads(self.to_stix2_object().serialize())
            return older
        form = {"type": self._stix_type, "spec_version": "2.1", "id": self.id}
        self._emit(form)
        return form

    def reference_ids(self, form: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Return the ids that the object refers to, each once, in order, without searching its whole STIX form.

        Args:
            form: what `to_stix_dict` returned.

        Returns: None if only a search can tell, because of parts that refer or a subclass in the older style.
        """
        if self._in_older_style:
            return None
        for key in self._part_keys:
            if key in form:
                return None
        found: dict[str, None] = {}
        for key in self._reference_keys:
            value = form.get(key)
            if value is None:
                continue
            if isinstance(value, str):
                found[value] = None
            else:
                found.update(dict.fromkeys(value))
        found.pop(form["id"], None)
        return tuple(found)

    def _emit(self, form: dict[str, Any]) -> None:
        """Add all properties but type, version and id."""
        raise TypeError(
            f"{type(self).__name__} says neither in _emit nor in to_stix2_object what it is in STIX"
        )

    def to_stix2_object(self) -> Any:
        """Return the genuine stix2 object, equal in content to `to_stix_dict()`."""
        from connectors_sdk.models._stix2 import build

        # Not by `to_stix_dict` and `id`: a subclass in the older style may have got here through super().
        form = {
            "type": self._stix_type,
            "spec_version": "2.1",
            "id": self._make_id() if self._in_older_style else self.id,
        }
        self._emit(form)
        return build(self._stix2_class, form)

    def _make_id(self) -> str:
        """Return the deterministic id."""
        raise TypeError(f"{type(self).__name__} does not say where its id comes from")
