"""What records must hold, and links among words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors_sdk.client.links import split_links
from connectors_sdk.client.records import (
    required_date,
    required_list,
    required_text,
)


def test_what_is_there() -> None:
    record = {"name": " a ", "day": "2026-01-31", "at": "2026-01-31T01:00:00+01:00"}
    assert required_text(record, "name") == "a"
    midnight = datetime(2026, 1, 31, tzinfo=UTC)
    assert required_date(record, "day") == required_date(record, "at") == midnight
    assert required_list({"all": [1]}, "all") == [1]


@pytest.mark.parametrize("record", [None, 7, [], {}, {"x": None}, {"x": 5}, {"x": {}}])
def test_what_is_missing_is_said(record: Any) -> None:
    for read in (required_text, required_date, required_list):
        with pytest.raises(ValueError, match="^no x$"):
            read(record, "x")
    with pytest.raises(ValueError, match="^no x$"):
        required_text({"x": " "}, "x")
    with pytest.raises(ValueError, match="^x is no date: 'soon'$"):
        required_date({"x": "soon"}, "x")


@pytest.mark.parametrize(
    ("text", "links", "words"),
    [
        ("", {}, ""),
        ("Words.", {}, "Words."),
        ("https://a.example/x ; https://b.example", ["a.example", "b.example"], ""),
        ("HTTPS://A.Example:8443/x", ["a.example"], ""),
        (
            "See: https://a.example/x ; https://b.example, and do\nmore.",
            ["a.example", "b.example"],
            "See: …, and do more.",
        ),
        (
            "As (https://a.example/x) says. https://b.example/y",
            ["a.example", "b.example"],
            "As (…) says.",
        ),
        (
            "At https://user:pw@a.example/ and https://user@b.example.",
            {},
            "At … and ….",
        ),
        ("http://[::1]/ https://[x", {}, "http://[::1]/ https://[x"),
        ("https://a[b", {}, ""),
    ],
)
def test_links_and_words(text: str, links: Any, words: str) -> None:
    found, rest = split_links(text)
    assert list(found.values()) == list(links)
    assert rest == words
