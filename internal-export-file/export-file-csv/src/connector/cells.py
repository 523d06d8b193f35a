"""What the cells of an entity are: one for each attribute, readable, whatever is nested in it."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

# What stands in every file first, under the platform's names.
LEADING = (
    "entity_type",
    "name",
    "observable_value",
    "value",
    "description",
    "createdBy",
    "objectMarking",
    "objectLabel",
    "confidence",
    "created",
    "modified",
)
# What comes last: it means something to the platform only.
TRAILING = ("created_at", "updated_at", "standard_id", "id")
# Why an entity could not be written; the last column of all, where there is such an entity.
ERROR = "error"
# What says the same a second time, nothing outside the platform, or is a list of its own on the platform.
DROPPED = frozenset(
    {
        "parent_types",
        "spec_version",
        "x_opencti_graph_data",
        "indicators",
        "observables",
        # Of these only internal ids are told.
        "samples",
    }
)
# What the platform writes for a beginning or an end that is not known.
OPEN_DATES = frozenset({"1970-01-01T00:00:00.000Z", "5138-11-16T09:46:40.000Z"})
DATES_THAT_MAY_BE_OPEN = frozenset(
    {"start_time", "stop_time", "first_seen", "last_seen"}
)
# By what a nested object is known, the first that it has.
NAMES = ("definition", "value", "observable_value", "name", "standard_id")
# A report may hold a hundred thousand objects; no spreadsheet holds their names in a cell.
MOST_IN_A_CELL = 100


def cells(entity: dict[str, Any]) -> dict[str, Any]:
    """Return the cells of an entity that are not empty, by column.

    Input: the entity as the platform's API gives it (GraphQL, through pycti). Output: texts, numbers, booleans.
    """
    row: dict[str, Any] = {}
    for key, value in entity.items():
        # Most attributes of most entities are empty.
        if value is None or value == "" or value == [] or not _stands(key):
            continue
        if key in DATES_THAT_MAY_BE_OPEN and value in OPEN_DATES:
            continue
        if key == "hashes":
            hashes = {f"hashes.{one['algorithm']}": one["hash"] for one in value}
            row.update((name, text) for name, text in hashes.items() if text)
        elif not isinstance(value, (dict, list)):
            row[key] = value
        elif text := _joined(value) if isinstance(value, list) else _name(value):
            row[key] = text
    return row


def in_order(columns: Iterable[str]) -> list[str]:
    """Return the columns of a file: always the same order, whatever came first; the leading ones always."""
    rest = sorted(set(columns) - {*LEADING, *TRAILING, ERROR})
    return [*LEADING, *rest, *TRAILING]


@lru_cache(maxsize=1000)
def _stands(key: str) -> bool:
    """Return whether an attribute has a column."""
    return key not in DROPPED and not key.endswith(("Id", "Ids"))


def _joined(values: list[Any]) -> str:
    shown = [_text(one) for one in values[:MOST_IN_A_CELL] if one is not None]
    if len(values) > MOST_IN_A_CELL:
        shown.append(f"and {len(values) - MOST_IN_A_CELL:,} more")
    return "; ".join(shown)


def _text(value: Any) -> str:
    return _name(value) if isinstance(value, dict) else str(value)


def _name(nested: dict[str, Any]) -> str:
    """Return by what a nested object is known: a marking, a label, a reference, a phase, an author, a file."""
    if nested.get("phase_name"):
        return f"{nested.get('kill_chain_name')}: {nested['phase_name']}"
    if nested.get("source_name"):
        parts = (nested["source_name"], nested.get("external_id"), nested.get("url"))
        return " ".join(str(part) for part in parts if part)
    for key in NAMES:
        if nested.get(key):
            return str(nested[key])
    # Whatever else there is, nothing is lost.
    return ", ".join(
        f"{key}: {_text(value)}"
        for key, value in nested.items()
        if value not in (None, "", [])
    )
