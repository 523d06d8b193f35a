"""What becomes of a stored object when it is sent again.

The rules are the platform's: nothing is cleared by an absent or empty value; collections that describe relations
of the object grow; other values are replaced, unless they come with less confidence than what is stored.
"""

from collections.abc import Mapping
from typing import Any

import orjson

GROWING = frozenset(
    {
        "aliases",
        "external_references",
        "kill_chain_phases",
        "labels",
        "object_marking_refs",
        "object_refs",
        "x_opencti_aliases",
        "x_opencti_granted_refs",
        "x_opencti_stix_ids",
    }
)
# Identity and history stay; `modified` alone is no change.
KEPT = frozenset({"id", "type", "spec_version", "created"})


def merge(stored: Mapping[str, Any], incoming: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored object with what an incoming one adds or changes."""
    merged = dict(stored)
    weaker = _confidence(incoming) < _confidence(stored)
    for key, value in incoming.items():
        if key in KEPT and key in merged:
            continue
        present = merged.get(key)
        if key in GROWING and isinstance(value, list) and isinstance(present, list):
            merged[key] = _union(present, value)
        elif isinstance(value, dict) and isinstance(present, dict):
            merged[key] = {**present, **value}
        elif present is None or not weaker:
            merged[key] = value
    if stored.get("type") == "sighting":
        _extend_sighting(stored, incoming, merged)
    return merged


def differs(stored: Mapping[str, Any], merged: Mapping[str, Any]) -> bool:
    """Return whether a merge changed anything but the date of modification."""
    keys = (stored.keys() | merged.keys()) - {"modified"}
    return any(stored.get(key) != merged.get(key) for key in keys)


def _confidence(stix: Mapping[str, Any]) -> int:
    value = stix.get("confidence")
    return value if isinstance(value, int) else 100


def _union(present: list[Any], value: list[Any]) -> list[Any]:
    seen = {_key(member) for member in present}
    return present + [member for member in value if not _known(seen, member)]


def _known(seen: set[bytes], member: Any) -> bool:
    key = _key(member)
    if key in seen:
        return True
    seen.add(key)
    return False


def _key(member: Any) -> bytes:
    if isinstance(member, str):
        return member.encode()
    return orjson.dumps(member, option=orjson.OPT_SORT_KEYS)


def _extend_sighting(
    stored: Mapping[str, Any], incoming: Mapping[str, Any], merged: dict[str, Any]
) -> None:
    for key, choose in (("first_seen", min), ("last_seen", max)):
        dates = [str(s[key]) for s in (stored, incoming) if s.get(key)]
        if dates:
            merged[key] = choose(dates)
    if incoming.get("count") is not None and stored.get("count") is not None:
        merged["count"] = int(stored["count"]) + int(incoming["count"])
