"""Models that have a STIX id."""

import warnings
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import orjson
from pydantic import PrivateAttr, computed_field, model_validator

from connectors_sdk.models._emission import ordered
from connectors_sdk.models.base_object import BaseObject


class BaseIdentifiedObject(BaseObject):
    """Base of all models with an id.

    A model says once, in `_stix_properties`, what it is in STIX. From that come the dictionary form (fast, without
    the stix2 library) and the stix2 object. The id comes from `_make_id`, without building either.

    A subclass in the older style, which only overrides `to_stix2_object`, works as well: its id and its dictionary
    are then taken from that object.
    """

    # Class name in `stix2.v21`, or "module:Class" of a custom one.
    _stix2_class: ClassVar[str] = ""
    _by_stix2_object: ClassVar[bool] = False

    _stix_id: str | None = PrivateAttr(default=None)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Notice subclasses in the older style."""
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "_stix_properties" in own:
            cls._by_stix2_object = False
        elif "to_stix2_object" in own:
            cls._by_stix2_object = True

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """The STIX id, `<type>--<uuid>`; the same for the same facts on every run and every machine."""
        if self._stix_id is None:
            self._stix_id = (
                self._id_of_stix2_object() if self._by_stix2_object else self._make_id()
            )
        return self._stix_id

    def _id_of_stix2_object(self) -> str:
        stix_id = self.to_stix2_object().get("id")
        if not isinstance(stix_id, str) or not stix_id:
            raise ValueError("The 'id' property can't be set.")
        return stix_id

    @model_validator(mode="after")
    def _check_older_style(self) -> Self:
        """Let a subclass in the older style refuse wrong values when it is built, as it always did."""
        if self._by_stix2_object:
            self._stix_id = self._id_of_stix2_object()
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        """Assign a field; warn when that makes another object of it."""
        if name not in type(self).model_fields:
            super().__setattr__(name, value)
            return
        before = self.id
        super().__setattr__(name, value)
        self._stix_id = None
        if self.id != before:
            warnings.warn(
                f"The 'id' property has changed from {before} to {self.id}: {name} contributes to it.",
                UserWarning,
                stacklevel=2,
            )

    def to_stix_dict(self) -> dict[str, Any]:
        """Return the object as JSON-ready STIX 2.1: text, numbers, booleans, lists and dictionaries only.

        `None` and empty lists are left out; timestamps are UTC with milliseconds.
        """
        if self._by_stix2_object:
            form: dict[str, Any] = orjson.loads(self.to_stix2_object().serialize())
            return form
        return ordered(self._stix_properties())

    def to_stix2_object(self) -> Any:
        """Return the genuine stix2 object, equal in content to `to_stix_dict()`."""
        from connectors_sdk.models._stix2 import build

        return build(self._stix2_class, self.to_stix_dict())

    @abstractmethod
    def _make_id(self) -> str:
        """Return the deterministic id."""

    def _stix_properties(self) -> dict[str, Any]:
        """Return the STIX properties with their plain Python values."""
        raise TypeError(
            f"{type(self).__name__} describes itself neither in _stix_properties nor in to_stix2_object"
        )

    def referenced_objects(self) -> "Iterator[BaseIdentifiedObject]":
        """Yield the models that this one refers to by id (author, markings, ends, contents)."""
        yield from ()
