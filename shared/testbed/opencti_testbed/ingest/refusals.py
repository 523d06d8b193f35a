"""Why an object is refused, in words; and what no object may look like whatever its type."""

import logging
from typing import Any

import orjson

from opencti_testbed.stix.types import classify

LOGGER = logging.getLogger("opencti_testbed.ingest")
# What a malformed object makes the code raise: it is the object's fault alone.
FAULTS = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RecursionError,
)
DEEPEST = 100
LARGEST = 2**63
SOURCE_LENGTH = 2000


class UnsoundObject(ValueError):
    """The object is nested too deeply, or holds a number that is too large."""


def check_shape(raw: Any) -> None:
    """Check what would break whoever reads the object later.

    Raises:
        UnsoundObject: more than 100 levels, or an integer outside 64 bits.
    """
    level: list[Any] = [raw] if isinstance(raw, dict | list) else []
    below = 0
    while level:
        below += 1
        if below > DEEPEST:
            raise UnsoundObject(f"it is nested more than {DEEPEST} levels deep")
        deeper: list[Any] = []
        for container in level:
            members = container.values() if isinstance(container, dict) else container
            for member in members:
                if isinstance(member, str):
                    continue
                if isinstance(member, dict | list):
                    deeper.append(member)
                elif isinstance(member, int) and not -LARGEST <= member < LARGEST:
                    raise UnsoundObject(f"the number {member} does not fit in 64 bits")
        level = deeper


def describe(raw: Any, error: BaseException) -> tuple[str, str]:
    """Return (entity type, sentence) of an object that was refused with an error; the type as it is sent if unknown."""
    name = str(raw.get("id")) if isinstance(raw, dict) else "object"
    words = str(error)
    if not isinstance(error, ValueError):
        LOGGER.info("%s cannot be read", name, exc_info=error)
        words = f"a property has an unexpected form ({words})"
    return _kind(raw), f"{name}: {words}"


def _kind(raw: Any) -> str:
    if not isinstance(raw, dict):
        return "?"
    try:
        return classify(raw)[1] or str(raw.get("type"))
    except FAULTS:
        return str(raw.get("type"))


def source_text(raw: Any) -> str:
    """Return a rejected object as JSON text, cut when long."""
    try:
        text = orjson.dumps(raw).decode()
    except TypeError:
        return "(it is nested too deeply to be shown)"
    return text if len(text) <= SOURCE_LENGTH else f"{text[:SOURCE_LENGTH]}…"
