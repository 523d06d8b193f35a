"""What becomes of a stored object when it is sent again.

The rules are the platform's: nothing is cleared by an absent or empty value; collections that describe relations
of the object grow; other values are replaced, unless they come with less confidence than what is stored; an author is
replaced only by one who is surer; another name of the same thing becomes an alias.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from opencti_testbed.stix.ids import normalised

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
# What an export says of an object from what the platform knows already: its kind, and what its pattern looks for.
KNOWN = frozenset(
    {"city", "country", "region", "threat_actor_group", "x_opencti_observable_values"}
)
SURE = 100


def merge(
    stored: Mapping[str, Any], incoming: Mapping[str, Any], aliases: str | None = None
) -> dict[str, Any]:
    """Return the stored object with what an incoming one adds or changes.

    Args:
        stored: the object as it is.
        incoming: the same object as it was sent.
        aliases: the property that holds the type's other names, if it has one.
    """
    merged = dict(stored)
    mine, theirs = confidence(stored), confidence(incoming)
    if aliases:
        incoming = _other_name_as_alias(stored, incoming, aliases)
    for key, value in incoming.items():
        if key in KEPT and key in merged:
            continue
        present = merged.get(key)
        if present is None and (key in KNOWN or (key == "revoked" and not value)):
            continue
        if key in GROWING and isinstance(value, list) and isinstance(present, list):
            merged[key] = union(present, value)
        elif isinstance(value, dict) and isinstance(present, dict):
            merged[key] = {**present, **value}
        elif present is None or (
            theirs > mine if key == "created_by_ref" else theirs >= mine
        ):
            merged[key] = value
    if stored.get("type") == "sighting":
        _extend_sighting(stored, incoming, merged)
    return merged


def differs(stored: Mapping[str, Any], merged: Mapping[str, Any]) -> bool:
    """Return whether a merge changed anything but the date of modification."""
    keys = (stored.keys() | merged.keys()) - {"modified"}
    return any(stored.get(key) != merged.get(key) for key in keys)


def confidence(stix: Mapping[str, Any]) -> int:
    """Return how sure an object is; one that does not say is as sure as the platform's user may be."""
    value = stix.get("confidence")
    return value if isinstance(value, int) else SURE


def union(present: list[Any], value: list[Any]) -> list[Any]:
    """Return a list with the members of another that it does not have."""
    seen = {_key(member) for member in present}
    return present + [member for member in value if not _known(seen, member)]


def _other_name_as_alias(
    stored: Mapping[str, Any], incoming: Mapping[str, Any], aliases: str
) -> dict[str, Any]:
    own, theirs = stored.get("name"), incoming.get("name")
    changed = dict(incoming)
    names = list(incoming.get(aliases) or [])
    if theirs and normalised(theirs) != normalised(own):
        del changed["name"]
        names.append(theirs)
    known = {normalised(own), *map(normalised, stored.get(aliases) or ())}
    # The same name in other letters is no other name.
    fresh = {normalised(n): n for n in names if normalised(n) not in known}
    changed.pop(aliases, None)
    if fresh:
        changed[aliases] = list(fresh.values())
    return changed


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
