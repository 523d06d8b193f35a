"""Mappers: what makes STIX out of a record. Their names, and whose fault it is when one fails."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from connectors_sdk.client.exceptions import ApiClientError
from connectors_sdk.connectors._state_guard import StateChangedError

# Not the fault of the record at hand. Errors of `requests` are OSErrors.
_OTHERS_FAULT = (
    ApiClientError,
    MemoryError,
    OSError,
    StateChangedError,
)


def is_bad_data(error: Exception) -> bool:
    """Whether an error may be the fault of the record that was being processed."""
    return not isinstance(error, _OTHERS_FAULT)


def describe_failure(error: Exception) -> str:
    """Return why a record could not be processed, in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def name_of(holder: Any, mapper: Callable[[Any], Any]) -> str:
    """Return a name under which `find_mapper` finds a mapper again, in any process.

    Args:
        holder: the object that uses the mapper.
        mapper: a method of the holder (`Holder.name`), a method of one of its attributes (`Holder.attribute.name`), or
            a function of a module (`module:name`). Anything else gets a name that says what it is, but finds nothing.
    """
    name = getattr(mapper, "__name__", type(mapper).__name__)
    owner = getattr(mapper, "__self__", None)
    own = type(holder).__name__
    if owner is holder:
        return f"{own}.{name}"
    for attribute, value in vars(holder).items():
        if value is owner and owner is not None:
            return f"{own}.{attribute}.{name}"
        if value is mapper:
            return f"{own}.{attribute}"
    module = getattr(mapper, "__module__", "") or ""
    return f"{module}:{getattr(mapper, '__qualname__', name)}"


def find_mapper(holder: Any, name: str) -> Callable[[Any], Any]:
    """Return the mapper of a name that `name_of` gave.

    Raises:
        LookupError: it is not there.
    """
    module, colon, path = name.partition(":")
    try:
        found: Any = import_module(module) if colon else holder
        for part in path.split(".") if colon else name.split(".")[1:]:
            found = getattr(found, part)
        if found is not holder and callable(found):
            mapper: Callable[[Any], Any] = found
            return mapper
    except (ImportError, AttributeError, ValueError):
        pass
    raise LookupError(
        f"the mapper {name or '(none)'} is not there: override `replay` to process such records"
    )
