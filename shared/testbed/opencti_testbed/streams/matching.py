"""Whether an object passes the filters of a stream, before and after a change.

The generic API turns the same FilterGroups into SQL; a stream needs the answer for states that are no longer stored.
"""

from collections.abc import Callable, Mapping
from typing import Any

# What a filter calls a property, and where it stands in STIX.
_PROPERTIES = {
    "createdBy": "created_by_ref",
    "objectMarking": "object_marking_refs",
    "objectLabel": "labels",
    "objects": "object_refs",
    "killChainPhases": "kill_chain_phases",
    "externalReferences": "external_references",
    "fromId": "source_ref",
    "toId": "target_ref",
    "workflow_id": "x_opencti_workflow_id",
    "standard_id": "id",
}
_FAMILIES = {
    "Stix-Domain-Object": "sdo",
    "Stix-Cyber-Observable": "sco",
    "stix-core-relationship": "relationship",
    "stix-sighting-relationship": "sighting",
}
# The general type holds for every object that a stream tells of.
_ALL = ("Stix-Core-Object", "Stix-Object", "Basic-Object")

# Ids under which something is known, e.g. internal id -> STIX id.
Resolve = Callable[[str], str]


def passes(
    group: Mapping[str, Any] | None,
    data: Mapping[str, Any],
    *,
    entity_type: str,
    family: str,
    resolve: Resolve = str,
) -> bool:
    """Return whether an object passes a FilterGroup; an empty one lets everything pass.

    Args:
        group: `{mode, filters: [{key, values, operator, mode}], filterGroups}`.
        data: the STIX object.
        entity_type: its type in OpenCTI.
        family: `sdo`, `sco`, `relationship` or `sighting`.
        resolve: turns an id of any kind into the STIX id that objects refer by.
    """
    if not group:
        return True

    def one(condition: Mapping[str, Any]) -> bool:
        return _holds(condition, data, entity_type, family, resolve)

    def inner(nested: Mapping[str, Any]) -> bool:
        return passes(
            nested, data, entity_type=entity_type, family=family, resolve=resolve
        )

    answers = [
        *map(one, group.get("filters") or ()),
        *map(inner, group.get("filterGroups") or ()),
    ]
    if not answers:
        return True
    return any(answers) if group.get("mode") == "or" else all(answers)


def _holds(
    condition: Mapping[str, Any],
    data: Mapping[str, Any],
    entity_type: str,
    family: str,
    resolve: Resolve,
) -> bool:
    keys = condition.get("key") or ()
    wanted = [value for value in _list(condition.get("values")) if value is not None]
    operator = condition.get("operator") or "eq"
    every = condition.get("mode") == "and"
    for key in [keys] if isinstance(keys, str) else keys:
        if key in ("entity_type", "type"):
            have: list[Any] = [entity_type, *_ALL]
            have += [name for name, of in _FAMILIES.items() if of == family]
        else:
            name = _PROPERTIES.get(key, key)
            have = _list(data.get(name, data.get(f"x_opencti_{name}")))
            if name.endswith(("_ref", "_refs")) or name == "id":
                wanted = [resolve(str(value)) for value in wanted]
        if _compares(have, operator, wanted, every):
            return True
    return False


def _compares(have: list[Any], operator: str, wanted: list[Any], every: bool) -> bool:
    if operator == "nil":
        return not have
    if operator == "not_nil":
        return bool(have)
    positive = operator.removeprefix("not_")
    test = _TESTS.get(positive)
    if test is None:
        return False
    found = [any(test(value, target) for value in have) for target in wanted]
    if operator.startswith("not_"):
        return not any(found)
    return all(found) if every else any(found)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(value: Any) -> str:
    return str(value).casefold()


def _order(value: Any, target: Any) -> int:
    try:
        left, right = float(value), float(target)
        return (left > right) - (left < right)
    except (TypeError, ValueError):
        return (str(value) > str(target)) - (str(value) < str(target))


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, target: _text(value) == _text(target),
    "contains": lambda value, target: _text(target) in _text(value),
    "match": lambda value, target: _text(target) in _text(value),
    "search": lambda value, target: _text(target) in _text(value),
    "wildcard": lambda value, target: _text(target).strip("*") in _text(value),
    "starts_with": lambda value, target: _text(value).startswith(_text(target)),
    "ends_with": lambda value, target: _text(value).endswith(_text(target)),
    "gt": lambda value, target: _order(value, target) > 0,
    "gte": lambda value, target: _order(value, target) >= 0,
    "lt": lambda value, target: _order(value, target) < 0,
    "lte": lambda value, target: _order(value, target) <= 0,
}
