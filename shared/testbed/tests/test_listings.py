"""Lists of many objects: every order has everything once, whichever way the store finds quickest."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess

MOMENT = "2026-01-01T00:00:00.000Z"
# More than the store sorts at once.
NUMBER = 1_300
LONG = "x" * 500


def _indicator(number: int) -> dict[str, Any]:
    end = LONG if number % 100 == 7 else ""
    indicator: dict[str, Any] = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_URL, str(number))}",
        "created": MOMENT,
        "modified": MOMENT,
        "name": f"{'Even' if number % 2 == 0 else 'odd'} {number * 7919 % NUMBER:04}",
        "pattern": f"rule r{number} {{ condition: true }} // {end}",
        "pattern_type": "yara",
        "valid_from": f"2026-{number % 12 + 1:02}-01T00:00:00.000Z",
        "labels": ["third"] if number % 3 == 0 else [],
    }
    indicator["x_opencti_score"] = number * 31 % 101
    if number % 4:
        indicator["pattern_version"] = f"{number % 9}"
    if number % 5 == 0:
        indicator["description"] = "Seen at night"
    return indicator


INDICATORS = [_indicator(number) for number in range(NUMBER)]


class Lists:
    """Asks for whole lists, page by page."""

    def __init__(self, platform: TestbedProcess) -> None:
        self._platform = platform

    def names(
        self, *filters: dict[str, Any], page: int = 300, **arguments: Any
    ) -> list[str]:
        """Return the names of all pages in their order; each page says how many there are in all."""
        found: list[str] = []
        after = None
        while True:
            answer = requests.post(
                f"{self._platform.url}/graphql",
                headers={"Authorization": f"Bearer {self._platform.token}"},
                json={
                    "query": "query L($n: Int, $a: ID, $f: FilterGroup, $s: String, $o: IndicatorsOrdering, $m: OrderingMode)"
                    " { indicators(first: $n, after: $a, filters: $f, search: $s, orderBy: $o, orderMode: $m)"
                    " { edges { node { name } } pageInfo { globalCount hasNextPage endCursor } } }",
                    "variables": {
                        "n": page,
                        "a": after,
                        "f": {"mode": "and", "filters": filters, "filterGroups": []},
                        **arguments,
                    },
                },
                timeout=30,
            ).json()
            assert "errors" not in answer, answer
            listed = answer["data"]["indicators"]
            found += [edge["node"]["name"] for edge in listed["edges"]]
            if not listed["pageInfo"]["hasNextPage"]:
                assert listed["pageInfo"]["globalCount"] == len(found)
                return found
            after = listed["pageInfo"]["endCursor"]


@pytest.fixture(name="lists", scope="module")
def fixture_lists() -> Iterator[Lists]:
    with TestbedProcess() as platform:
        platform.push(INDICATORS)
        platform.wait_idle(120)
        assert platform.summary()["rejected"] == 0
        yield Lists(platform)


def _sorted(chosen: list[dict[str, Any]], key: str, descending: bool) -> list[Any]:
    """Return the values in order, those that are missing at the end."""
    have = [one[key] for one in chosen if key in one]
    have.sort(key=lambda v: v.lower() if isinstance(v, str) else v, reverse=descending)
    return have + [None] * (len(chosen) - len(have))


THIRD = {"key": "objectLabel", "values": ["third"]}
CHOICES: dict[str, tuple[list[dict[str, Any]], dict[str, Any], Any]] = {
    "all": ([], {}, lambda _: True),
    "few": ([THIRD], {}, lambda one: one["labels"]),
    "many with a word": (
        [{"key": "pattern_type", "values": ["yara"]}],
        {"s": "even"},
        lambda one: one["name"].startswith("Even"),
    ),
    "all with a word": (
        [{"key": "pattern", "values": ["rule"], "operator": "starts_with"}],
        {"s": "0"},
        lambda one: one["name"].split()[1].startswith("0"),
    ),
}


@pytest.mark.parametrize("descending", [False, True], ids=["asc", "desc"])
@pytest.mark.parametrize(
    "key", ["name", "x_opencti_score", "valid_from", "pattern_version"]
)
@pytest.mark.parametrize("choice", CHOICES)
def test_every_order_has_everything_once(
    lists: Lists, choice: str, key: str, descending: bool
) -> None:
    filters, arguments, passes = CHOICES[choice]
    mode = "desc" if descending else "asc"
    names = lists.names(*filters, o=key, m=mode, **arguments)
    by_name = {one["name"]: one for one in INDICATORS}
    chosen = [one for one in INDICATORS if passes(one)]
    assert sorted(names) == sorted(one["name"] for one in chosen)
    assert [by_name[name].get(key) for name in names] == _sorted(
        chosen, key, descending
    )


@pytest.mark.parametrize("key", ["created_at", "updated_at", None, "_score"])
def test_the_order_of_arrival_can_be_turned_round(
    lists: Lists, key: str | None
) -> None:
    forth, back = lists.names(o=key), lists.names(o=key, m="desc")
    assert forth == [one["name"] for one in INDICATORS] == back[::-1]
    words = lists.names(o=key, s="even"), lists.names(o=key, m="desc", s="even")
    assert words[0] == [name for name in forth if name[0] == "E"] == words[1][::-1]


@pytest.mark.parametrize(
    ("operator", "value", "number"),
    [
        ("contains", "xxxx", 13),
        ("not_contains", "xxxx", NUMBER - 13),
        ("contains", "condition: TRUE", NUMBER),
        ("starts_with", "rule r7 ", 1),
        ("ends_with", "x", 13),
        ("eq", INDICATORS[107]["pattern"], 1),
        ("eq", INDICATORS[108]["pattern"], 1),
        ("not_eq", INDICATORS[107]["pattern"], NUMBER - 1),
        ("not_nil", None, NUMBER),
        ("nil", None, 0),
    ],
)
def test_texts_too_long_for_the_index_are_found_with_the_others(
    lists: Lists, operator: str, value: str | None, number: int
) -> None:
    values = [] if value is None else [value]
    wanted = {"key": "pattern", "values": values, "operator": operator}
    assert len(lists.names(wanted)) == number
