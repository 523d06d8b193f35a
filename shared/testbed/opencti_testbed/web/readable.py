"""How values are shown to people: dates, lists, patterns, what is nested; and what changed between two states."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from opencti_testbed.store.events import Event

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
_STIX_ID = re.compile(r"[a-z0-9-]+--[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CODE = frozenset({"pattern", "command_line", "payload_bin", "key", "hash"})
_PREFIX = "x_opencti_"
DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as it is shown.

    Attributes:
        kind: `text`, `code`, `moment`, `flag`, `number`, `list`, `nested` or `reference`.
        value: a text, number or flag; of a list its members; of what is nested (name, member) pairs.
    """

    kind: str
    value: Any


def shown(key: str, value: Any, depth: int = 0) -> Shown:
    """Return how the value of an attribute is shown."""
    if isinstance(value, bool):
        return Shown("flag", value)
    if isinstance(value, int | float):
        return Shown("number", value)
    if depth < DEEPEST:
        if isinstance(value, list):
            return Shown("list", [shown(key, member, depth + 1) for member in value])
        if isinstance(value, Mapping):
            pairs = [(k, shown(str(k), v, depth + 1)) for k, v in value.items()]
            return Shown("nested", pairs)
    if not isinstance(value, str):
        return Shown("code", compact(value))
    if _INSTANT.fullmatch(value):
        return Shown("moment", value)
    if _STIX_ID.fullmatch(value):
        return Shown("reference", value)
    return Shown("code" if key in _CODE else "text", value)


def words(key: str) -> str:
    """Return the name of an attribute for people: `x_opencti_main_observable_type` -> `Main observable type`."""
    text = key.removeprefix(_PREFIX).replace("_", " ").strip() or key
    return text[0].upper() + text[1:]


def size(number: int) -> str:
    """Return a number of bytes for people."""
    value, unit = float(number), "B"
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def address(text: Any) -> str | None:
    """Return what a link may lead to: an address on the web; None for everything else."""
    try:
        parts = urlsplit(str(text))
    except ValueError:
        return None
    return str(text) if parts.scheme in ("http", "https") and parts.netloc else None


def compact(value: Any) -> str:
    """Return a value as JSON on one line; a text as it is."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def pretty(value: Any) -> str:
    """Return a value as JSON on many lines."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


# -- changes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change did to one attribute.

    Attributes:
        key: the attribute.
        before: its value before, None when it had none.
        after: its value after, None when it has none any more.
        added: of lists, the members that came.
        removed: of lists, the members that went.
    """

    key: str
    before: Any
    after: Any
    added: list[Any] = field(default_factory=list)
    removed: list[Any] = field(default_factory=list)


def differences(event: Event) -> list[Difference]:
    """Return what a change did, attribute by attribute."""
    old = {_key(one): one.get("value") for one in _operations(event, "reverse_patch")}
    return [
        _difference(_key(one), old.get(_key(one)), one.get("value"))
        for one in _operations(event, "patch")
    ]


def _operations(event: Event, name: str) -> Iterator[Mapping[str, Any]]:
    yield from event.context.get(name) or ()


def _key(operation: Mapping[str, Any]) -> str:
    return str(operation["path"])[1:].replace("~1", "/").replace("~0", "~")


def _difference(key: str, before: Any, after: Any) -> Difference:
    if isinstance(before, list | None) and isinstance(after, list | None):
        old, new = before or [], after or []
        return Difference(
            key,
            before,
            after,
            [one for one in new if one not in old],
            [one for one in old if one not in new],
        )
    return Difference(key, before, after)


def is_id(value: Any) -> bool:
    """Return whether a value is the id of a STIX object."""
    return isinstance(value, str) and _STIX_ID.fullmatch(value) is not None
