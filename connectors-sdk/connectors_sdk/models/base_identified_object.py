"""Models that have a STIX id."""

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import orjson
from pydantic import computed_field, model_validator

from connectors_sdk.models.base_object import BaseObject

# Where a model keeps its id once it is known; no field can have this name.
_ID = "_stix_id"

# Fields that begin and end a period, and whether both may be the same instant (STIX 2.1, the types' own sections).
_PERIODS = (
    ("first_seen", "last_seen", True),
    ("first_observed", "last_observed", True),
    ("start_time", "stop_time", False),
    ("valid_from", "valid_until", False),
    ("start", "end", True),
    ("analysis_started", "analysis_ended", True),
)


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
    _periods: ClassVar[tuple[tuple[str, str, bool], ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Complete a class that says what it is in STIX; notice subclasses in the older style."""
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "_emit" in own or "_stix2_class" in own:
            cls._in_older_style = False
        elif "to_stix2_object" in own:
            cls._in_older_style = True
        if "_stix2_class" in own and "to_stix2_object" not in own:
            setattr(cls, "to_stix2_object", BaseIdentifiedObject._build_stix2_object)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """The STIX id, `<type>--<uuid>`; the same for the same facts on every run and every machine."""
        values = self.__dict__
        if _ID not in values:
            values[_ID] = (
                self._id_of_stix2_object() if self._in_older_style else self._make_id()
            )
        stix_id: str = values[_ID]
        return stix_id

    def _id_of_stix2_object(self) -> str:
        stix_id = self.to_stix2_object().get("id")
        if not isinstance(stix_id, str) or not stix_id:
            raise ValueError("The 'id' property can't be set.")
        return stix_id

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Find the periods among the fields of the class."""
        super().__pydantic_init_subclass__(**kwargs)
        cls._periods = tuple(
            period
            for period in _PERIODS
            if period[0] in cls.model_fields and period[1] in cls.model_fields
        )

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        """Refuse what is wrong only together: periods that end before they begin.

        A subclass in the older style refuses whatever its stix2 object does.
        """
        for first, last, moment_will_do in self._periods:
            start, end = self.__dict__[first], self.__dict__[last]
            if start is None or end is None or start < end:
                continue
            if start > end or not moment_will_do:
                raise ValueError(f"{last} ({end}) must be after {first} ({start})")
        if self._in_older_style:
            self.__dict__[_ID] = self._id_of_stix2_object()
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        """Assign a field; warn when that makes another object of it."""
        if name not in type(self).model_fields:
            super().__setattr__(name, value)
            return
        before = self.id
        super().__setattr__(name, value)
        self.__dict__.pop(_ID, None)
        if self.id != before:
            warnings.warn(
                f"The 'id' property has changed from {before} to {self.id}: {name} contributes to it.",
                UserWarning,
                stacklevel=2,
            )

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> Self:
        """Copy the model, see pydantic; the copy's id is that of its own values."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop(_ID, None)
        return copied

    def to_stix_dict(self) -> dict[str, Any]:
        """Return the object as JSON-ready STIX 2.1: text, numbers, booleans, lists and dictionaries only.

        `None` and empty lists are left out; timestamps are UTC with milliseconds.
        """
        form: dict[str, Any]
        if self._in_older_style:
            form = orjson.loads(self.to_stix2_object().serialize())
        else:
            form = {"type": self._stix_type, "spec_version": "2.1", "id": self.id}
            self._emit(form)
        return form

    def _emit(self, form: dict[str, Any]) -> None:
        """Add all properties but type, version and id."""
        raise TypeError(
            f"{type(self).__name__} says neither in _emit nor in to_stix2_object what it is in STIX"
        )

    def _build_stix2_object(self) -> Any:
        """Return the genuine stix2 object, equal in content to `to_stix_dict()`."""
        from connectors_sdk.models._stix2 import build

        return build(self._stix2_class, self.to_stix_dict())

    def _make_id(self) -> str:
        """Return the deterministic id."""
        raise TypeError(f"{type(self).__name__} does not say where its id comes from")
