"""The rule by which two versions of one object become one.

1. The newer version is the one with the later `modified`; when that does not tell, the one that came later.
2. Scalars: the newer non-empty value wins. None, "", [] and {} are empty and never replace anything.
3. Lists: the union, in first-seen order; items are the same when their JSON is the same.
4. Dictionaries (hashes, extensions...): merged key by key, by these rules.
5. `created` keeps its earliest value.
"""

from collections.abc import Mapping
from typing import Any

import orjson

_EMPTY: tuple[Any, ...] = (None, "", [], {})


def merge_objects(
    first: Mapping[str, Any], second: Mapping[str, Any]
) -> dict[str, Any]:
    """Merge two versions of the same STIX object; `second` was seen later.

    Inputs: JSON-ready dictionaries with the same id. Output: a new dictionary, its keys in the order of `first`, then
    what only `second` has. The inputs are left alone. See the module for the rule.
    """
    swap = _is_older(second.get("modified"), first.get("modified"))
    merged = _merge_mappings(first, second, keep_first=swap)
    created = [v["created"] for v in (first, second) if v.get("created")]
    if created:
        merged["created"] = min(created, key=_instant)
    return merged


def _instant(timestamp: Any) -> str:
    # "2024-01-01T00:00:00Z" < "2024-01-01T00:00:00.5Z" holds once the Z is gone; STIX timestamps are always UTC.
    return str(timestamp).rstrip("Zz")


def _is_older(candidate: Any, other: Any) -> bool:
    return bool(candidate and other) and _instant(candidate) < _instant(other)


def _merge_mappings(
    first: Mapping[str, Any], second: Mapping[str, Any], *, keep_first: bool
) -> dict[str, Any]:
    merged = dict(first)
    for key, value in second.items():
        merged[key] = (
            _merge_values(merged[key], value, keep_first=keep_first)
            if key in merged
            else value
        )
    return merged


def _merge_values(first: Any, second: Any, *, keep_first: bool) -> Any:
    if second in _EMPTY:
        return first
    if first in _EMPTY:
        return second
    if isinstance(first, list) and isinstance(second, list):
        return _union(first, second)
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return _merge_mappings(first, second, keep_first=keep_first)
    return first if keep_first else second


def _union(first: list[Any], second: list[Any]) -> list[Any]:
    seen: dict[Any, Any] = {}
    for item in (*first, *second):
        key = (
            item
            if isinstance(item, str)
            else orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
        )
        seen.setdefault(key, item)
    return list(seen.values())
