"""Whether an object passes the filters of a stream, as it is or as it was before a change.

Lists turn the same FilterGroups into SQL over what is stored; a stream needs the answer for states that are stored no
longer. Both must agree: a test asks both.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from opencti_testbed.graphql.filters import (
    COLUMNS,
    ENDS,
    PATTERNS,
    REFERENCES,
    STIX_NAMES,
    TOGETHER,
    as_list,
    parsed,
    period,
)
from opencti_testbed.graphql.registry import ApiError
from opencti_testbed.stix import ids
from opencti_testbed.stix.types import parent_types
from opencti_testbed.store.objects import Stored

# Finds the object known by an id of any kind.
Lookup = Callable[[str], Stored | None]


def passes(group: Mapping[str, Any] | None, state: Stored, lookup: Lookup) -> bool:
    """Return whether an object passes a FilterGroup (`{mode, filters, filterGroups}`); an empty one lets everything pass."""
    if not group:
        return True
    answers = [_holds(one, state, lookup) for one in as_list(group.get("filters"))]
    answers += [
        passes(one, state, lookup) for one in as_list(group.get("filterGroups"))
    ]
    if not answers:
        return True
    return any(answers) if group.get("mode") == "or" else all(answers)


def check(group: Mapping[str, Any]) -> None:
    """See that a FilterGroup can be answered.

    Raises:
        ValueError: says which operator or key streams do not have.
    """
    for one in as_list(group.get("filters")):
        try:
            keys, operator, values = parsed(one)
            if _positive(operator) == "within":
                period(values)
        except ApiError as error:
            raise ValueError(str(error)) from error
        if _positive(operator) not in {*_TESTS, *TOGETHER, "nil"}:
            raise ValueError(f"Filter operator {operator!r} is not supported")
        if "regardingOf" in keys:
            raise ValueError("Streams cannot be filtered by 'regardingOf'")
    for inner in as_list(group.get("filterGroups")):
        check(inner)


def _positive(operator: str) -> str:
    return operator.removeprefix("not_")


def _holds(condition: Mapping[str, Any], state: Stored, lookup: Lookup) -> bool:
    keys = [str(key) for key in as_list(condition.get("key"))]
    operator = str(condition.get("operator") or "eq")
    if operator in ("nil", "not_nil"):
        return any(True for _ in _has(keys[0], state)) == (operator == "not_nil")
    values = as_list(condition.get("values"))
    if not values:
        return True
    positive = operator == _positive(operator)
    if _positive(operator) == "within":
        first, last = period(values)
        return positive == any(
            _fits(key, "gte", first, state, lookup)
            and _fits(key, "lte", last, state, lookup)
            for key in keys
        )
    if _positive(operator) == "only_eq_to":
        wanted = {_text(value) for value in values}
        alone = _number_of(keys[0], state) == len(wanted)
        return positive == (
            alone and all(_fits(keys[0], "eq", v, state, lookup) for v in values)
        )
    # `or` between the values of a negative filter: at least one of them is not there.
    found = [
        any(_fits(key, _positive(operator), value, state, lookup) for key in keys)
        == positive
        for value in values
    ]
    return all(found) if condition.get("mode") == "and" else any(found)


def _fits(key: str, operator: str, value: Any, state: Stored, lookup: Lookup) -> bool:
    if key in REFERENCES or key in ("id", "ids"):
        target = lookup(str(value))
        wanted = {str(value).casefold()}
        if target is not None:
            wanted |= {target.standard_id.casefold(), target.internal_id.casefold()}
        return any(str(one).casefold() in wanted for one in _has(key, state))
    if key in ENDS:
        refs = [ref for name in ENDS[key] for ref in as_list(state.data.get(name))]
        ends = [end for end in map(lookup, refs) if end is not None]
        return any(str(value) in _types(end) for end in ends)
    if key == "entity_type":
        return str(value) in _types(state)
    return any(_TESTS[operator](one, value) for one in _has(key, state))


def _types(state: Stored) -> list[str]:
    return [state.entity_type, *parent_types(state.family, state.entity_type)]


def _has(key: str, state: Stored) -> Iterator[Any]:
    """Yield what an object has under a key of a filter."""
    data = state.data
    if key in ("id", "ids"):
        yield from (state.standard_id, state.internal_id)
        yield from data.get("x_opencti_stix_ids") or ()
    elif key == "objectLabel":
        # Labels may be named by their text.
        for text in data.get("labels") or ():
            yield from (text, ids.label_id(text))
    elif key == "externalReferences":
        for reference in data.get("external_references") or ():
            yield ids.external_reference_id(reference)
    elif key == "killChainPhases":
        for phase in data.get("kill_chain_phases") or ():
            yield ids.kill_chain_phase_id(phase["kill_chain_name"], phase["phase_name"])
    elif key in REFERENCES:
        for name in REFERENCES[key]:
            yield from as_list(data.get(name))
    elif key in COLUMNS:
        yield getattr(state, "entity_type" if key == "relationship_type" else key)
    else:
        yield from _attribute(data, STIX_NAMES.get(key, key))


def _attribute(data: Mapping[str, Any], name: str) -> Iterator[Any]:
    # `hashes.MD5` goes one level down; `hashes` alone is any of them.
    first, _, rest = name.partition(".")
    value = data.get(first)
    if isinstance(value, Mapping):
        value = value.get(rest) if rest else list(value.values())
    for one in as_list(value):
        yield str(one).lower() if isinstance(one, bool) else one


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _number_of(key: str, state: Stored) -> int:
    # A label is found by its text and by its id, an object by many ids.
    if key == "objectLabel":
        return len(state.data.get("labels") or ())
    return 1 if key in ("id", "ids") else sum(1 for _ in _has(key, state))


def _text(value: Any) -> str:
    # The lists' database knows upper and lower case of ASCII alone.
    return (
        str(value).encode("utf-8", "surrogatepass").lower().decode("utf-8", "replace")
    )


def _equal(value: Any, target: Any) -> bool:
    left, right = _number(value), _number(target)
    if left is not None and right is not None and not isinstance(value, str):
        return left == right
    return _text(value) == _text(target)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Return a test of order: numbers are compared with numbers, texts with texts."""

    def compare(value: Any, target: Any) -> bool:
        number = _number(target)
        if number is None:
            return isinstance(value, str) and test(_text(value), _text(target))
        return not isinstance(value, str) and test(value, number)

    return compare


def _pattern(template: str) -> Callable[[Any, Any], bool]:
    """Return a test of texts; the template says what may stand around what is sought, where `*` stands for anything."""
    before, _, after = template.replace("%", ".*").partition("{}")

    def fits(value: Any, target: Any) -> bool:
        pieces = ".*".join(map(re.escape, _text(target).split("*")))
        wanted = _compiled(f"{before}{pieces}{after}")
        return wanted.fullmatch(_text(value)) is not None

    return fits


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": _equal,
    **{operator: _pattern(template) for operator, template in PATTERNS.items()},
    "gt": _ordered(lambda value, target: value > target),
    "gte": _ordered(lambda value, target: value >= target),
    "lt": _ordered(lambda value, target: value < target),
    "lte": _ordered(lambda value, target: value <= target),
}
