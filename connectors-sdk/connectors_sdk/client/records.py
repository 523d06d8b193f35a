"""Read what a record of a source must hold; what is missing is said in words, as an operator reads them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def required_text(record: Any, key: str) -> str:
    """Return a text, without the blanks around it.

    Raises:
        ValueError: There is none: no record, no such key, null, blank, or something else than text.
    """
    found = record.get(key) if isinstance(record, Mapping) else None
    if not isinstance(found, str) or not found.strip():
        raise ValueError(f"no {key}")
    return found.strip()


def required_date(record: Any, key: str) -> datetime:
    """Return a point in time that is written as ISO 8601 date or datetime; without offset it is UTC.

    Raises:
        ValueError: There is none, or it cannot be read.
    """
    text = required_text(record, key)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{key} is no date: {text[:40]!r}") from error
    return found.replace(tzinfo=found.tzinfo or UTC)


def required_list(record: Any, key: str) -> list[Any]:
    """Return a list, which may be empty.

    Raises:
        ValueError: There is none.
    """
    found = record.get(key) if isinstance(record, Mapping) else None
    if not isinstance(found, list):
        raise ValueError(f"no {key}")
    return found
