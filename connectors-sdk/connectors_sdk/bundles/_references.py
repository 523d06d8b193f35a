"""Which values of a STIX object are references to other objects.

STIX 2.1 section 3.1: a property whose name ends in `_ref` holds the id of another object, one that ends in `_refs` a
list of ids. The same holds inside nested values: granular markings, extensions, files of the platform.
"""

from collections.abc import Collection, Mapping
from typing import Any

_NESTED = (dict, list)
_SUFFIXES = ("_ref", "_refs")
# An object that has lost one of these says nothing any more.
_ESSENTIAL = {
    "relationship": ("source_ref", "target_ref"),
    "sighting": ("sighting_of_ref",),
    "language-content": ("object_ref",),
}


def _is_stix_id(value: Any) -> bool:
    # `<type>--<uuid>`: the platform's internal ids (bare uuids) are not references between STIX objects.
    return isinstance(value, str) and value[-38:-36] == "--" and len(value) > 38


def references_of(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the STIX ids that an object refers to, each once, in the order in which they stand.

    Input: the object as a JSON-ready dictionary. References at any depth count; one to the object itself does not.
    """
    found: dict[str, None] = {}
    stack: list[Any] = [data]
    # Runs for every object of a feed: exact types and slices are about twice as fast as isinstance and endswith.
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack.extend(e for e in reversed(value) if type(e) in _NESTED)
            continue
        nested: list[Any] = []
        for key, item in value.items():
            kind = type(item)
            if kind is str:
                if key[-4:] == "_ref" and _is_stix_id(item):
                    found[item] = None
            elif kind is list:
                if key[-5:] == "_refs":
                    found.update(dict.fromkeys(filter(_is_stix_id, item)))
                nested.extend([e for e in item if type(e) in _NESTED])
            elif kind is dict:
                nested.append(item)
        if nested:
            stack.extend(reversed(nested))
    found.pop(data.get("id", ""), None)
    return tuple(found)


def without_references(
    data: Mapping[str, Any], missing: Collection[str]
) -> dict[str, Any] | None:
    """Return a copy of an object that no longer refers to the `missing` ids.

    Emptied lists and entries of `granular_markings` without marking vanish. The answer is None when the object cannot
    do without what is missing: a relationship without its source or target, a sighting without what was seen or where.
    """
    stripped: dict[str, Any] = _strip(data, missing)
    essential = _ESSENTIAL.get(data.get("type", ""), ())
    if any(key in data and key not in stripped for key in essential):
        return None
    if data.get("where_sighted_refs") and "where_sighted_refs" not in stripped:
        return None
    return stripped


def _strip(value: Any, missing: Collection[str]) -> Any:
    # Recursion follows the nesting of one JSON value, which the JSON encoder limits to some hundred levels.
    if isinstance(value, list):
        return [_strip(item, missing) for item in value]
    if not isinstance(value, Mapping):
        return value
    result: dict[str, Any] = {}
    for key, item in value.items():
        if key.endswith(_SUFFIXES):
            if isinstance(item, str) and item in missing:
                continue
            if isinstance(item, list):
                kept = [_strip(e, missing) for e in item if not _names(e, missing)]
                if kept or not item:
                    result[key] = kept
                continue
        result[key] = _strip(item, missing)
    granular = result.get("granular_markings")
    if isinstance(granular, list):
        kept = [e for e in granular if not isinstance(e, dict) or _marks(e)]
        if kept:
            result["granular_markings"] = kept
        else:
            del result["granular_markings"]
    return result


def _names(value: Any, missing: Collection[str]) -> bool:
    return isinstance(value, str) and value in missing


def _marks(granular_marking: Mapping[str, Any]) -> bool:
    return "marking_ref" in granular_marking or "lang" in granular_marking
