"""FilterGroup, search and order as SQL conditions over the alias `o`.

Source: the platform's filter format: `{mode, filters: [{key, values, operator, mode}], filterGroups}`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from opencti_testbed.graphql.registry import ApiError
from opencti_testbed.stix.attributes import (
    EXTERNAL_REFERENCE,
    KILL_CHAIN_PHASE,
    LABEL,
    Attribute,
    attributes,
    references,
)
from opencti_testbed.stix.ids import CANONICAL_DATE, date
from opencti_testbed.stix.types import (
    FAMILY_GROUPS,
    GROUPS,
    META_ENTITY_TYPES,
    SCO_ENTITY_TYPES,
    SDO_ENTITY_TYPES,
    SIGHTING_TYPE,
)
from opencti_testbed.store.index import LONG, LONGEST_VALUE, NOT_INDEXED
from opencti_testbed.store.listing import Sort
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
BY_ID = frozenset({"id", "ids"})
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
    "observable_value": Sort("o.name COLLATE NOCASE"),
    "created_at": Sort("o.pk"),
    "updated_at": Sort("o.updated_at", "object_by_change"),
    "standard_id": Sort("o.standard_id"),
    "entity_type": Sort("o.entity_type"),
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
# What the platform filters by besides attributes and references.
OTHER_KEYS = frozenset(
    {
        "connector_id",
        "context",
        "created_day",
        "creator_id",
        "creators",
        "ids",
        "id",
        "is_inferred",
        "observable_value",
        "parent_types",
        "objectAssignee",
        "objectParticipant",
        "published_day",
        "regardingOf",
        "representative",
        "spec_version",
        "type",
        "user_email",
        "x_opencti_granted_refs",
        "x_opencti_stix_ids",
        "x_opencti_type",
    }
)
# Operators that look at all of their values at once.
TOGETHER = frozenset({"only_eq_to", "within"})
_RELATIVE = re.compile(r"now(?:([+-]\d{1,6})([smhdwMy]))?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DAYS = {"M": 30, "y": 365}


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
    if not group:
        return TRUE
    if not isinstance(group, Mapping):
        raise ApiError("BAD_USER_INPUT", f"{group!r} is no group of filters")
    parts = [one_filter(member, few) for member in as_list(group.get("filters"))]
    parts += [
        filter_group(member, few) for member in as_list(group.get("filterGroups"))
    ]
    return join("OR" if group.get("mode") == "or" else "AND", parts)


def one_filter(member: Any, few: Few) -> Condition:
    """Return the condition of one filter.

    Raises:
        ApiError: it is no filter, has an unknown key or operator, or keys that the operator cannot take.
    """
    keys, operator, values = parsed(member)
    if operator in {"nil", "not_nil"}:
        absent = _present(keys[0], few).negated()
        return absent if operator == "nil" else absent.negated()
    if not values:
        return TRUE
    negative = operator.startswith("not_")
    positive = operator.removeprefix("not_")
    word = "AND" if member.get("mode") == "and" else "OR"
    if keys == ["regardingOf"]:
        found = _regarding(values)
    elif positive == "within":
        first, last = period(values)
        bounds = (("gte", first), ("lte", last))
        each = [[_compare(key, op, value, few) for op, value in bounds] for key in keys]
        found = join("OR", [join("AND", both) for both in each])
    elif positive == "only_eq_to":
        found = _only(keys[0], values, few)
    elif positive == "eq" and (word == "OR") != negative and _are_ids(keys):
        # Any of the values will do, or none of them may be there: one look for all.
        found = join("OR", [_refers(key, values, few) for key in keys])
    else:
        # `or` between values of a negative filter: at least one of them is not there.
        each = [
            [_compare(key, positive, value, few) for key in keys] for value in values
        ]
        parts = [join("OR", one) for one in each]
        return join(word, [one.negated() for one in parts] if negative else parts)
    return found.negated() if negative else found


def _are_ids(keys: list[str]) -> bool:
    return all(key in BY_ID or key in REFERENCES for key in keys)


def parsed(member: Any) -> tuple[list[str], str, list[Any]]:
    """Return keys, operator and values of a filter.

    Raises:
        ApiError: it is no filter, has an unknown key, or keys or values that the operator cannot take.
    """
    keys = as_list(member.get("key")) if isinstance(member, Mapping) else []
    if not keys or not all(isinstance(key, str) for key in keys):
        raise ApiError(
            "BAD_USER_INPUT", f"{member!r} is no filter: it needs a key and values"
        )
    for key in keys:
        if not is_key(key):
            raise ApiError("UNSUPPORTED_ERROR", f"Nothing is filtered by {key!r}")
    operator, values = str(member.get("operator") or "eq"), as_list(
        member.get("values")
    )
    single = operator.removeprefix("not_") in {"nil", "only_eq_to"}
    if single and len(keys) != 1:
        raise ApiError("UNSUPPORTED_ERROR", f"{operator} takes one key")
    return keys, operator, values


@lru_cache(maxsize=1_000)
def is_key(key: str) -> bool:
    """Return whether something can be filtered by a key: an attribute of some type, a reference, or one of the platform's."""
    plain = key.partition(".")[0]
    if plain in REFERENCES or plain in ENDS or plain in COLUMNS or plain in STIX_NAMES:
        return True
    if plain in OTHER_KEYS:
        return True
    return any(
        plain in (one.name, one.stix)
        for entity_type in _TYPES
        for one in (*attributes(entity_type).values(), *_own_keys(entity_type))
    )


_TYPES = (
    *sorted(SDO_ENTITY_TYPES | SCO_ENTITY_TYPES | META_ENTITY_TYPES),
    "relationship",
    SIGHTING_TYPE,
)


def _own_keys(entity_type: str) -> list[Attribute]:
    found = references(entity_type).values()
    return [Attribute(one.name, "text", one.key) for one in found]


def period(values: list[Any]) -> tuple[str, str]:
    """Return the bounds (`YYYY-MM-DDTHH:MM:SS.mmmZ`) that `within` names: two dates, or instants like `now-7d`.

    Months have 30 days there, years 365.

    Raises:
        ApiError: they are no two instants.
    """
    bounds = [_instant(str(value)) for value in values]
    if len(bounds) != 2 or None in bounds:
        raise ApiError(
            "BAD_USER_INPUT",
            f"within takes two dates or 'now-7d' and the like, not {values!r}",
        )
    return str(bounds[0]), str(bounds[1])


def _instant(text: str) -> str | None:
    relative = _RELATIVE.fullmatch(text)
    if relative is None:
        known = date(text)
        return known if known and CANONICAL_DATE.fullmatch(known) else None
    number, unit = int(relative[1] or 0), relative[2] or "s"
    seconds = _SECONDS.get(unit) or _DAYS[unit] * _SECONDS["d"]
    try:
        return date(
            (datetime.now(UTC) + timedelta(seconds=number * seconds)).isoformat()
        )
    except OverflowError:
        return None


def _only(key: str, values: list[Any], few: Few) -> Condition:
    """Return the condition 'has these values under a key, and no other'."""
    each = [_compare(key, "eq", value, few) for value in values]
    number = len({str(value).lower() for value in values})
    name = STIX_NAMES.get(key, key)
    if key in REFERENCES:
        marks = ",".join("?" * len(REFERENCES[key]))
        rows = f"SELECT count(*) FROM ref n WHERE n.pk = o.pk AND n.key IN ({marks})"
        parameters: list[Any] = [*REFERENCES[key]]
    elif key in COLUMNS or key in ENDS or key in BY_ID:
        rows, parameters = "SELECT 1", []
    else:
        rows, parameters = "SELECT count(*) FROM json_each(o.data, ?)", [_path(name)]
    return join("AND", [*each, Condition(f"({rows}) = ?", [*parameters, number])])


def _regarding(values: list[Any]) -> Condition:
    if not all(isinstance(one, Mapping) for one in values):
        raise ApiError(
            "BAD_USER_INPUT", "regardingOf takes {key: id | relationship_type, values}"
        )
    parts = {str(v.get("key")): as_list(v.get("values")) for v in values}
    ids, types = parts.get("id", []), parts.get("relationship_type", [])
    ends = "('source_ref', 'target_ref', 'sighting_of_ref', 'where_sighted_refs')"
    if types and SIGHTING_TYPE not in types:
        ends = "('source_ref', 'target_ref')"
    rows = "ref mine JOIN object r ON r.pk = mine.pk"
    # All that refers to an object is a stretch of the index: without the sign each key would be sought on its own.
    conditions = [f"mine.target = o.pk AND +mine.key IN {ends}"]
    parameters: list[Any] = []
    if types:
        conditions.append(f"r.entity_type IN ({','.join('?' * len(types))})")
        parameters += types
    if ids:
        either = _any_id("theirs.target", ids)
        rows += " JOIN ref theirs ON theirs.pk = r.pk"
        conditions += [f"theirs.key IN {ends}", "theirs.target <> o.pk", either.sql]
        parameters += either.parameters
    return Condition(
        f"EXISTS (SELECT 1 FROM {rows} WHERE {' AND '.join(conditions)})", parameters
    )


def _any_id(column: str, values: list[Any]) -> Condition:
    """Return the condition 'is one of the objects of these ids'; there may be thousands of them."""
    ids = orjson.dumps(values).decode()
    wanted = "IN (SELECT value FROM json_each(?))"
    return Condition(
        f"{column} IN (SELECT pk FROM object WHERE standard_id {wanted}"
        f" UNION ALL SELECT pk FROM object WHERE internal_id {wanted}"
        f" UNION ALL SELECT pk FROM alias WHERE stix_id {wanted})",
        [ids, ids, ids],
    )


def _refers(key: str, values: list[Any], few: Few) -> Condition:
    """Return the condition 'is one of these', or 'refers to one of these under the key'."""
    if key in BY_ID:
        return _any_id("o.pk", values)
    return _referring(key, _target(key, values), few)


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
    if name in NOT_INDEXED:
        return Condition("json_extract(o.data, ?) IS NOT NULL", [_path(name)])
    return Condition(
        "o.pk IN (SELECT a.pk FROM attribute a WHERE a.key IN (?, ?))",
        [name, name + LONG],
    )


def _path(key: str) -> str:
    # `hashes.MD5` and `hashes.SHA-256` go one level down.
    first, _, rest = key.replace('"', "").partition(".")
    return f'$."{first}"' + (f'."{rest}"' if rest else "")


def _compare(key: str, operator: str, value: Any, few: Few) -> Condition:
    if key in BY_ID or key in REFERENCES:
        return _refers(key, [value], few)
    if key in ENDS:
        inside = of_types([str(value)], "e")
        marks = ",".join("?" * len(ENDS[key]))
        # What an object refers to is a stretch of the index: without the sign each key would be sought on its own.
        return Condition(
            f"EXISTS (SELECT 1 FROM ref f JOIN object e ON e.pk = f.target WHERE f.pk = o.pk"
            f" AND +f.key IN ({marks}) AND {inside.sql})",
            [*ENDS[key], *inside.parameters],
        )
    if key in ("entity_type", "relationship_type"):
        return of_types([str(value)])
    if key in COLUMNS:
        return _operator(COLUMNS[key], operator, value)
    name = STIX_NAMES.get(key, key)
    if name in NOT_INDEXED:
        return _by_content(name, operator, value)
    if operator == "eq" and len(str(value)) <= LONGEST_VALUE or name == "hashes":
        return _by_index(name, operator, value, few)
    long = Condition(
        "o.pk IN (SELECT x.pk FROM attribute x WHERE x.key = ?)", [name + LONG]
    )
    found = [join("AND", [long, _by_content(name, operator, value)])]
    if len(str(value)) <= LONGEST_VALUE:
        found.append(_by_index(name, operator, value, few))
    return join("OR", found)


def _by_content(name: str, operator: str, value: Any) -> Condition:
    inner = _operator("j.value COLLATE NOCASE", operator, value)
    return Condition(
        f"EXISTS (SELECT 1 FROM json_each(o.data, ?) j WHERE {inner.sql})",
        [_path(name), *inner.parameters],
    )


def _target(key: str, values: list[Any]) -> Condition:
    target = _any_id("x.target", values)
    if key not in {"objectLabel", "killChainPhases"}:
        return target
    # Labels may be named by their text.
    by_name = Condition(
        "x.target IN (SELECT pk FROM object WHERE entity_type = 'Label' AND name COLLATE NOCASE"
        " IN (SELECT value FROM json_each(?)))",
        [orjson.dumps(values).decode()],
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
    if operator in COMPARISONS and column in COLUMNS.values():
        return Condition(f"{column} {COMPARISONS[operator]} ?", [str(value)])
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


def full_text(text: str | None) -> str:
    """Return the full-text query that every word of a search text begins a word; empty if there are no words."""
    found = [word.replace('"', "") for word in (text or "").split()]
    return " AND ".join(
        f'"{word}" *' for word in found if any(c.isalnum() for c in word)
    )


def searched(text: str | None) -> Condition:
    """Return the condition that every word of a search text begins a word of the name, an alias or the description."""
    words = full_text(text)
    if not words:
        return TRUE
    return Condition("o.pk IN (SELECT rowid FROM words WHERE words MATCH ?)", [words])


def ordered(order_by: Any, mode: Any) -> Sort:
    """Return the order for an attribute; without one it is that of arrival.

    Raises:
        ApiError: what to order by is no name.
    """
    descending = str(mode or "asc").lower() == "desc"
    name = str(order_by or "")
    if not name or name == "_score":
        return Sort(descending=descending)
    if not NAME.fullmatch(name):
        raise ApiError("BAD_USER_INPUT", f"Nothing can be ordered by {name!r}")
    if name in ORDERABLE:
        return replace(ORDERABLE[name], descending=descending)
    stix = STIX_NAMES.get(name, name)
    return Sort(attribute=stix, indexed=_has_one_entry(stix), descending=descending)


@lru_cache(maxsize=1_000)
def _has_one_entry(stix: str) -> bool:
    """Return whether objects that have an attribute are in the index once for it: it is no list and no structure."""
    kinds = {
        one.kind
        for entity_type in _TYPES
        for one in attributes(entity_type).values()
        if one.stix == stix
    }
    return stix not in NOT_INDEXED and kinds.isdisjoint({"list", "json"})
