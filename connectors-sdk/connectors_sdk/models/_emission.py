"""From a model's fields to JSON-ready STIX.

Each class has a plan, made once: which field goes under which STIX key, in which order. Emission walks the plan over the
model's plain values; nothing of the stix2 library is involved.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple, overload

from pydantic import BaseModel

_REFERENCE_SUFFIXES = ("_ref", "_refs")


class Step(NamedTuple):
    """One field of a plan.

    Attributes:
        field: name of the model's field.
        key: name of the STIX property.
        refers: the property holds ids of other objects (STIX 2.1 section 3.1: its name ends in `_ref` or `_refs`).
    """

    field: str
    key: str
    refers: bool


Plan = tuple[Step, ...]


def make_plan(fields: Iterable[str], keys: Mapping[str, str]) -> Plan:
    """Return the plan for fields, in their order but references last; `keys` holds the STIX names that differ."""
    plan = []
    for field in fields:
        key = keys.get(field, field)
        plan.append(Step(field, key, key.endswith(_REFERENCE_SUFFIXES)))
    return tuple(sorted(plan, key=lambda step: step.refers))


def emit(plan: Plan, values: Mapping[str, Any], form: dict[str, Any]) -> None:
    """Add the present values of a model to its STIX form: `None`, empty lists and dictionaries leave no trace."""
    for field, key, refers in plan:
        value = values[field]
        if value is None:
            continue
        kind = type(value)
        if kind in _PLAIN:
            form[key] = value
        elif refers:
            if kind is not list:
                form[key] = value.id
            elif value:
                form[key] = [other.id for other in value]
        else:
            ready = (_CONVERTERS.get(kind) or _learn(kind))(value)
            if ready or kind not in _CONTAINERS:
                form[key] = ready


@lru_cache(
    maxsize=256
)  # the dates of an object, and of its neighbours, are often the same
def timestamp(instant: datetime) -> str:
    """Return an instant as STIX writes it: UTC, milliseconds, or microseconds where there are any.

    A naive datetime is taken for UTC. Source: STIX 2.1 section 3.2 (timestamps), RFC 3339.
    """
    if instant.tzinfo is not UTC:
        instant = (
            instant.replace(tzinfo=UTC)
            if instant.tzinfo is None
            else instant.astimezone(UTC)
        )
    detail = "microseconds" if instant.microsecond % 1000 else "milliseconds"
    return instant.isoformat(timespec=detail)[:-6] + "Z"


@overload
def id_instant(instant: datetime) -> str: ...
@overload
def id_instant(instant: None) -> None: ...
def id_instant(instant: datetime | None) -> str | None:
    """Return an instant the way ids see it: the same text for every spelling of the same instant."""
    return None if instant is None else instant.astimezone(UTC).isoformat()


def id_timestamp(value: Any) -> Any:
    """Return a value JSON-ready, timestamps the way the ids of observables see them: without trailing zeros.

    Source: the stix2 library's canonical form of a timestamp; the same instant always has the same text.
    """
    if not isinstance(value, datetime):
        return to_json_ready(value)
    whole, _, fraction = timestamp(value)[:-1].partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"


def to_json_ready(value: Any) -> Any:
    """Return a value as JSON can hold it: timestamps and enum members as text, nested parts as dictionaries."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    return (_CONVERTERS.get(kind) or _learn(kind))(value)


def _ready_list(values: Iterable[Any]) -> list[Any]:
    return [to_json_ready(value) for value in values]


def _ready_mapping(values: Mapping[Any, Any]) -> dict[str, Any]:
    # Keys may be enum members (hash algorithms), whose text is what counts.
    return {
        str.__str__(key): to_json_ready(value)
        for key, value in values.items()
        if value is not None
    }


def _learn(kind: type) -> Callable[[Any], Any]:
    """Find out, once for each type, how its values become JSON-ready."""
    convert: Callable[[Any], Any]
    if issubclass(kind, datetime):
        convert = timestamp
    elif issubclass(kind, Enum):
        convert = _enum_value
    elif issubclass(kind, str):
        convert = str.__str__
    elif issubclass(kind, list | tuple | set | frozenset):
        convert = _ready_list
    elif issubclass(kind, Mapping):
        convert = _ready_mapping
    elif issubclass(kind, BaseModel) and hasattr(kind, "to_stix_dict"):
        convert = _nested_form
    else:
        convert = _as_it_is
    _CONVERTERS[kind] = convert
    return convert


def _enum_value(member: Any) -> Any:
    return member.value


def _nested_form(model: Any) -> Any:
    return model.to_stix_dict()


def _as_it_is(value: Any) -> Any:
    return value


_PLAIN = frozenset({str, int, float, bool, type(None)})
_CONTAINERS = frozenset({list, dict, tuple, set, frozenset})
_CONVERTERS: dict[type, Callable[[Any], Any]] = {
    datetime: timestamp,
    list: _ready_list,
    dict: _ready_mapping,
}
