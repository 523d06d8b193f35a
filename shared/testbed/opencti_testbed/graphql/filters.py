"""FilterGroup, search and order as SQL conditions over the alias `o`.

Source: the platform's filter format: `{mode, filters: [{key, values, operator, mode}], filterGroups}`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opencti_testbed.graphql.registry import ApiError
from opencti_testbed.stix.attributes import (
    EXTERNAL_REFERENCE,
    KILL_CHAIN_PHASE,
    LABEL,
)
from opencti_testbed.stix.types import FAMILY_GROUPS, GROUPS
from opencti_testbed.store.index import LONGEST_VALUE, NOT_INDEXED
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
# Nothing else may come into the SQL of an order.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
PATTERNS = {
    "contains": "%{}%",
    "match": "%{}%",
    "search": "%{}%",
    "wildcard": "{}",
    "starts_with": "{}%",
    "ends_with": "%{}",
}
# How a property is called in STIX, where a filter calls it otherwise.
STIX_NAMES = {
    "workflow_id": "x_opencti_workflow_id",
    "attribute_abstract": "abstract",
    "attribute_count": "count",
    "attribute_date": "date",
    "attribute_key": "key",
}
# Texts that may be too long for the index.
SOMETIMES_LONG = frozenset({"pattern", "explanation", "abstract"})


@dataclass
class Condition:
    """A piece of SQL with its parameters."""

    sql: str
    parameters: list[Any] = field(default_factory=list)

    def negated(self) -> "Condition":
        """Return the opposite."""
        return Condition(f"NOT ({self.sql})", self.parameters)


TRUE = Condition("1")
# Tells of a piece of SQL (`FROM … WHERE …`, parameters) whether it selects few rows.
Few = Callable[[str, list[Any]], bool]


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


def filter_group(group: Any, few: Few) -> Condition:
    """Return the condition of a FilterGroup; null, `{}` and `[]` filter nothing.

    Raises:
        ApiError: an operator that does not exist, or keys that an operator cannot take.
    """
    if not group or not isinstance(group, Mapping):
        return TRUE
    parts = [one_filter(member, few) for member in as_list(group.get("filters"))]
    parts += [
        filter_group(member, few) for member in as_list(group.get("filterGroups"))
    ]
    return join("OR" if group.get("mode") == "or" else "AND", parts)


def one_filter(member: Mapping[str, Any], few: Few) -> Condition:
    """Return the condition of one filter."""
    keys = [str(key) for key in as_list(member.get("key"))]
    operator = str(member.get("operator") or "eq")
    values = as_list(member.get("values"))
    if operator in {"nil", "not_nil"}:
        if len(keys) != 1:
            raise ApiError("UNSUPPORTED_ERROR", f"{operator} takes one key")
        absent = _present(keys[0], few).negated()
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
            join("OR", [_compare(key, positive, value, few) for key in keys])
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


def _referring(key: str, targets: Condition | None, few: Few) -> Condition:
    """Return the condition 'refers to something, or to one of these, under a key'."""
    marks = ",".join("?" * len(REFERENCES[key]))
    narrowed = f" AND {targets.sql}" if targets else ""
    parameters = [*REFERENCES[key], *(targets.parameters if targets else ())]
    return _has_row("ref", f"x.key IN ({marks}){narrowed}", parameters, few)


def _has_row(table: str, where: str, parameters: list[Any], few: Few) -> Condition:
    """Return the condition 'has a row (`x`) like this in a table'.

    A few rows are best collected first; for many it is best to look object by object.
    """
    rows = f"FROM {table} x WHERE {where}"
    if few(rows, parameters):
        return Condition(f"o.pk IN (SELECT x.pk {rows})", parameters)
    return Condition(f"EXISTS (SELECT 1 {rows} AND x.pk = o.pk)", parameters)


def _present(key: str, few: Few) -> Condition:
    if key in REFERENCES:
        return _referring(key, None, few)
    if key in COLUMNS:
        return TRUE
    name = STIX_NAMES.get(key, key)
    if _is_scanned(name):
        return Condition("json_extract(o.data, ?) IS NOT NULL", [_path(name)])
    return Condition("o.pk IN (SELECT a.pk FROM attribute a WHERE a.key = ?)", [name])


def _is_scanned(name: str) -> bool:
    """Return whether an attribute is looked for in the objects themselves: it is in no index, or not always."""
    return name in NOT_INDEXED or name in SOMETIMES_LONG


def _path(key: str) -> str:
    # `hashes.MD5` and `hashes.SHA-256` go one level down.
    first, _, rest = key.replace('"', "").partition(".")
    return f'$."{first}"' + (f'."{rest}"' if rest else "")


def _compare(key: str, operator: str, value: Any, few: Few) -> Condition:
    if key in {"id", "ids"}:
        return _any_id("o.pk", value)
    if key in REFERENCES:
        return _referring(key, _target(key, value), few)
    if key in ENDS:
        inside = of_types([str(value)], "e")
        marks = ",".join("?" * len(ENDS[key]))
        return Condition(
            f"EXISTS (SELECT 1 FROM ref f JOIN object e ON e.pk = f.target WHERE f.pk = o.pk"
            f" AND f.key IN ({marks}) AND {inside.sql})",
            [*ENDS[key], *inside.parameters],
        )
    if key in ("entity_type", "relationship_type"):
        return of_types([str(value)])
    if key in COLUMNS:
        return _operator(COLUMNS[key], operator, value)
    name = STIX_NAMES.get(key, key)
    long = operator != "eq" or len(str(value)) > LONGEST_VALUE
    if name in NOT_INDEXED or (name in SOMETIMES_LONG and long):
        inner = _operator("j.value", operator, value)
        return Condition(
            f"EXISTS (SELECT 1 FROM json_each(o.data, ?) j WHERE {inner.sql})",
            [_path(name), *inner.parameters],
        )
    return _by_index(name, operator, value, few)


def _target(key: str, value: Any) -> Condition:
    target = _any_id("x.target", value)
    if key not in {"objectLabel", "killChainPhases"}:
        return target
    # Labels may be named by their text.
    by_name = Condition(
        "x.target IN (SELECT pk FROM object WHERE entity_type = 'Label' AND name = ? COLLATE NOCASE)",
        [value],
    )
    return join("OR", [target, by_name])


def _by_index(name: str, operator: str, value: Any, few: Few) -> Condition:
    inner = _operator("x.value", operator, value)
    if operator == "eq" and name != "hashes":
        return _has_row(
            "attribute", f"x.key = ? AND {inner.sql}", [name, *inner.parameters], few
        )
    keys = Condition("x.key = ?", [name])
    if name == "hashes":
        # Each algorithm is an attribute: `hashes.MD5`, ...
        keys = Condition("x.key >= 'hashes.' AND x.key < 'hashes/'")
    return Condition(
        f"o.pk IN (SELECT x.pk FROM attribute x WHERE {keys.sql} AND {inner.sql})",
        [*keys.parameters, *inner.parameters],
    )


def _operator(column: str, operator: str, value: Any) -> Condition:
    if operator == "eq":
        if isinstance(value, bool):
            value = str(value).lower()
        number = _number(value)
        if number is None:
            return Condition(f"{column} = ? COLLATE NOCASE", [str(value)])
        return Condition(f"{column} IN (?, ?)", [number, str(value)])
    if operator in COMPARISONS:
        number = _number(value)
        # Numbers come before all texts: each is compared with its like only.
        kind, operand = ("<>", number) if number is not None else ("=", str(value))
        return Condition(
            f"({column} {COMPARISONS[operator]} ? AND typeof({column}) {kind} 'text')",
            [operand],
        )
    if operator == "starts_with" and "*" not in str(value):
        # What begins with a text lies between it and the greatest text that does.
        return Condition(
            f"({column} >= ? AND {column} < ?)", [str(value), f"{value}\U0010ffff"]
        )
    if operator in PATTERNS:
        text = like(str(value))[1:-1].replace("*", "%")
        return Condition(
            f"{column} LIKE ? ESCAPE '\\'", [PATTERNS[operator].format(text)]
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
    """Return the condition that every word of a search text begins a word of the name, an alias or the description."""
    found = [word.replace('"', "") for word in (text or "").split()]
    terms = [f'"{word}" *' for word in found if any(c.isalnum() for c in word)]
    if not terms:
        return TRUE
    return Condition(
        "o.pk IN (SELECT rowid FROM words WHERE words MATCH ?)", [" AND ".join(terms)]
    )


def ordered(order_by: Any, mode: Any) -> str:
    """Return the ORDER BY terms for an attribute; without one the order is that of arrival.

    Raises:
        ApiError: what to order by is no name.
    """
    direction = "DESC" if str(mode or "asc").lower() == "desc" else "ASC"
    name = str(order_by or "")
    if not name or name == "_score":
        return f"o.pk {direction}"
    if not NAME.fullmatch(name):
        raise ApiError("BAD_USER_INPUT", f"Nothing can be ordered by {name!r}")
    column = ORDERABLE.get(name)
    if column is None:
        stix = STIX_NAMES.get(name, name)
        column = f"json_extract(o.data, '$.{stix}') COLLATE NOCASE"
    return f"{column} {direction}, o.pk {direction}"
