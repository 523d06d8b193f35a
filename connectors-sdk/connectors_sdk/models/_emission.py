"""From a model's plain values to JSON-ready STIX."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

# What every STIX object begins with, in this order; the rest follows in the order of the model.
FIRST_KEYS = (
    "type",
    "spec_version",
    "id",
    "created_by_ref",
    "created",
    "modified",
    "revoked",
)


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


def id_instant(instant: datetime | None) -> str | None:
    """Return an instant the way ids see it: the same text for every spelling of the same instant."""
    return None if instant is None else instant.astimezone(UTC).isoformat()


def is_absent(value: Any) -> bool:
    """Return whether a value leaves no trace in STIX: None and empty lists or dictionaries."""
    return value is None or (isinstance(value, list | dict) and not value)


def to_json_ready(value: Any) -> Any:
    """Return a value as JSON can hold it: timestamps and enum members as text, nested parts as dictionaries."""
    kind = type(value)
    if kind is str or kind is int or kind is float or kind is bool:
        return value
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list):
        return [to_json_ready(member) for member in value]
    if isinstance(value, Mapping):
        return {
            str(key): to_json_ready(member)
            for key, member in value.items()
            if not is_absent(member)
        }
    if hasattr(value, "to_stix_dict"):
        return value.to_stix_dict()
    return str(value) if isinstance(value, str) else value


def ordered(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON-ready object of all present properties, the common ones first."""
    form = {
        key: to_json_ready(properties[key])
        for key in FIRST_KEYS
        if not is_absent(properties.get(key))
    }
    for key, value in properties.items():
        if key not in form and not is_absent(value):
            form[key] = to_json_ready(value)
    return form
