"""FilterGroup, search and order as SQL conditions over the alias `o`.

Source: the platform's filter format: `{mode, filters: [{key, values, operator, mode}], filterGroups}`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opencti_testbed.graphql.registry import ApiError
from opencti_testbed.stix.attributes import (
    EXTERNAL_REFERENCE,
    KILL_CHAIN_PHASE,
    LABEL,
)
from opencti_testbed.stix.types import FAMILY_GROUPS, GROUPS
from opencti_testbed.store.objects import like

REFERENCES = {
    "createdBy": ("created_by_ref",),
    "objectMarking": ("object_marking_refs",),
    "objectLabel": (LABEL,),
    "objectOrganization": ("x_opencti_granted_refs",),
    "objects": ("object_refs",),
    "externalReferences": (EXTERNAL_REFERENCE,),
    "killChainPhases": (KILL_CHAIN_PHASE,),
    "fromId": ("source_ref", "sighting_of_ref"),
    "toId": ("target_ref", "where_sighted_refs"),
}
ENDS = {"fromTypes": REFERENCES["fromId"], "toTypes": REFERENCES["toId"]}
COLUMNS = {
    "entity_type": "o.entity_type",
    "relationship_type": "o.entity_type",
    "standard_id": "o.standard_id",
    "internal_id": "o.internal_id",
    "created_at": "o.created_at",
    "updated_at": "o.updated_at",
}
ORDERABLE = {
    "name": "o.name COLLATE NOCASE",
    "value": "o.name COLLATE NOCASE",
    "observable_value": "o.name COLLATE NOCASE",
    "created_at": "o.pk",
    "updated_at": "o.updated_at",
    "standard_id": "o.standard_id",
    "entity_type": "o.entity_type",
}
COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
PATTERNS = {
    "contains": "%{}%",
    "match": "%{}%",
    "search": "%{}%",
    "wildcard": "%{}%",
    "starts_with": "{}%",
    "ends_with": "%{}",
}
# How a property is called in STIX, where a filter calls it otherwise.
STIX_NAMES = {"workflow_id": "x_opencti_workflow_id"}


@dataclass
class Condition:
    """A piece of SQL with its parameters."""

    sql: str
    parameters: list[Any] = field(default_factory=list)

    def negated(self) -> "Condition":
        """Return the opposite."""
        return Condition(f"NOT ({self.sql})", self.parameters)


TRUE = Condition("1")


def join(word: str, conditions: list[Condition]) -> Condition:
    """Return conditions joined by AND or OR; none means everything."""
    if not conditions:
        return TRUE
    return Condition(
        "(" + f" {word} ".join(c.sql for c in conditions) + ")",
        [parameter for c in conditions for parameter in c.parameters],
    )


def as_list(value: Any) -> list[Any]:
    """Return a list of what may be a list, a scalar or nothing."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def filter_group(group: Any) -> Condition:
    """Return the condition of a FilterGroup; null, `{}` and `[]` filter nothing.

    Raises:
        ApiError: an operator that does not exist, or keys that an operator cannot take.
    """
    if not group or not isinstance(group, Mapping):
        return TRUE
    parts = [one_filter(member) for member in as_list(group.get("filters"))]
    parts += [filter_group(member) for member in as_list(group.get("filterGroups"))]
    return join("OR" if group.get("mode") == "or" else "AND", parts)


def one_filter(member: Mapping[str, Any]) -> Condition:
    """Return the condition of one filter."""
    keys = [str(key) for key in as_list(member.get("key"))]
    operator = str(member.get("operator") or "eq")
    values = as_list(member.get("values"))
    if operator in {"nil", "not_nil"}:
        if len(keys) != 1:
            raise ApiError("UNSUPPORTED_ERROR", f"{operator} takes one key")
        absent = _present(keys[0]).negated()
        return absent if operator == "nil" else absent.negated()
    if not values:
        return TRUE
    negative = operator.startswith("not_")
    positive = operator.removeprefix("not_").removeprefix("only_") or "eq"
    word = "AND" if member.get("mode") == "and" else "OR"
    if keys == ["regardingOf"]:
        found = _regarding(values)
    else:
        # `or` between values of a negative filter: at least one of them is not there.
        each = [
            join("OR", [_compare(key, positive, value) for key in keys])
            for value in values
        ]
        if negative:
            return join(word, [condition.negated() for condition in each])
        found = join(word, each)
    return found.negated() if negative else found


def _regarding(values: list[Any]) -> Condition:
    parts = {str(v.get("key")): as_list(v.get("values")) for v in values}
    ids, types = parts.get("id", []), parts.get("relationship_type", [])
    ends = "('source_ref', 'target_ref', 'sighting_of_ref', 'where_sighted_refs')"
    conditions = [
        f"mine.target = o.pk AND mine.key IN {ends}",
        f"theirs.key IN {ends}",
        "theirs.target <> o.pk",
    ]
    parameters: list[Any] = []
    if types:
        conditions.append(f"r.entity_type IN ({','.join('?' * len(types))})")
        parameters += types
    if ids:
        known = [_any_id("theirs.target", one) for one in ids]
        either = join("OR", known)
        conditions.append(either.sql)
        parameters += either.parameters
    return Condition(
        "EXISTS (SELECT 1 FROM ref mine JOIN object r ON r.pk = mine.pk"
        " JOIN ref theirs ON theirs.pk = r.pk WHERE " + " AND ".join(conditions) + ")",
        parameters,
    )


def _any_id(column: str, value: Any) -> Condition:
    return Condition(
        f"{column} IN (SELECT pk FROM object WHERE standard_id = ?"
        " UNION ALL SELECT pk FROM object WHERE internal_id = ?"
        " UNION ALL SELECT pk FROM alias WHERE stix_id = ?)",
        [value, value, value],
    )


def _present(key: str) -> Condition:
    if key in REFERENCES:
        marks = ",".join("?" * len(REFERENCES[key]))
        return Condition(
            f"EXISTS (SELECT 1 FROM ref f WHERE f.pk = o.pk AND f.key IN ({marks}))",
            list(REFERENCES[key]),
        )
    if key in COLUMNS:
        return TRUE
    return Condition(
        "json_extract(o.data, ?) IS NOT NULL", [_path(STIX_NAMES.get(key, key))]
    )


def _path(key: str) -> str:
    # `hashes.MD5` and `hashes.SHA-256` go one level down.
    return "$" + "".join(f'."{part}"' for part in key.replace('"', "").split("."))


def _compare(key: str, operator: str, value: Any) -> Condition:
    if key in {"id", "ids"}:
        return _any_id("o.pk", value)
    if key in REFERENCES:
        target = _any_id("f.target", value)
        if key in {"objectLabel", "killChainPhases"}:
            # Labels may be named by their text.
            by_name = Condition(
                "f.target IN (SELECT pk FROM object WHERE entity_type = 'Label' AND name = ? COLLATE NOCASE)",
                [value],
            )
            target = join("OR", [target, by_name])
        marks = ",".join("?" * len(REFERENCES[key]))
        return Condition(
            f"EXISTS (SELECT 1 FROM ref f WHERE f.pk = o.pk AND f.key IN ({marks}) AND {target.sql})",
            [*REFERENCES[key], *target.parameters],
        )
    if key in ENDS:
        inside = of_types([str(value)], "e")
        marks = ",".join("?" * len(ENDS[key]))
        return Condition(
            f"EXISTS (SELECT 1 FROM ref f JOIN object e ON e.pk = f.target WHERE f.pk = o.pk"
            f" AND f.key IN ({marks}) AND {inside.sql})",
            [*ENDS[key], *inside.parameters],
        )
    if key == "entity_type":
        return of_types([str(value)])
    if key in COLUMNS:
        return _operator(COLUMNS[key], operator, value)
    inner = _operator("j.value", operator, value)
    return Condition(
        f"EXISTS (SELECT 1 FROM json_each(o.data, ?) j WHERE {inner.sql})",
        [_path(STIX_NAMES.get(key, key)), *inner.parameters],
    )


def _operator(column: str, operator: str, value: Any) -> Condition:
    if operator == "eq":
        if isinstance(value, bool) or str(value).lower() in {"true", "false"}:
            flag = str(value).lower()
            return Condition(
                f"lower(CAST({column} AS TEXT)) IN (?, ?)",
                [flag, "1" if flag == "true" else "0"],
            )
        return Condition(f"lower(CAST({column} AS TEXT)) = ?", [str(value).lower()])
    if operator in COMPARISONS:
        number = _number(value)
        if number is not None:
            return Condition(f"{column} {COMPARISONS[operator]} ?", [number])
        return Condition(
            f"CAST({column} AS TEXT) {COMPARISONS[operator]} ?", [str(value)]
        )
    if operator in PATTERNS:
        text = like(str(value))[1:-1].replace("*", "%")
        return Condition(
            f"CAST({column} AS TEXT) LIKE ? ESCAPE '\\'",
            [PATTERNS[operator].format(text)],
        )
    raise ApiError(
        "UNSUPPORTED_ERROR", f"Filter operator {operator!r} is not supported"
    )


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def of_types(types: list[str], alias: str = "o") -> Condition:
    """Return the condition 'is of one of these types'; a type may be any level of the hierarchy."""
    families: set[str] = set()
    names: set[str] = set()
    for wanted in types:
        if wanted in FAMILY_GROUPS:
            families |= {family.value for family in FAMILY_GROUPS[wanted]}
        else:
            names |= GROUPS.get(wanted, frozenset({wanted}))
    parts = []
    if families:
        marks = ",".join("?" * len(families))
        parts.append(Condition(f"{alias}.family IN ({marks})", sorted(families)))
    if names:
        marks = ",".join("?" * len(names))
        parts.append(Condition(f"{alias}.entity_type IN ({marks})", sorted(names)))
    return join("OR", parts)


def searched(text: str | None) -> Condition:
    """Return the condition that every word of a search text stands in the name or the description."""
    words = (text or "").replace('"', " ").split()
    return join(
        "AND",
        [
            Condition(
                "(o.name LIKE ? ESCAPE '\\' OR json_extract(o.data, '$.description') LIKE ? ESCAPE '\\')",
                [like(word), like(word)],
            )
            for word in words
        ],
    )


def ordered(order_by: Any, mode: Any) -> str:
    """Return the ORDER BY terms; an order that is not known falls back to the order of arrival."""
    direction = "DESC" if str(mode or "asc").lower() == "desc" else "ASC"
    column = ORDERABLE.get(str(order_by or ""))
    if column is None:
        return f"o.pk {direction}"
    return f"{column} {direction}, o.pk {direction}"
