"""Whatever a value holds, in a pattern it stays a value."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from stix2.pattern_visitor import create_pattern_object
from stix2patterns.validator import run_validator

from connectors_sdk.models import (
    URL,
    Artifact,
    File,
    Indicator,
    IPV4Address,
    NetworkTraffic,
    OrganizationAuthor,
    Text,
    TLPMarking,
    X509Certificate,
    patterns,
)

HOSTILE = [
    "'",
    "\\",
    "\\'",
    "'] OR [file:name = 'x",
    "a' OR url:value = 'b",
    "\\\\'",
    "line\nend\r\n\x00\x1b",
    "“quotes” ’ ‚ \u202e \U0001f9ff",
    "[]()=<>!%_*",
    "t'2020-01-01T00:00:00Z'",
]


def read_back(pattern: str) -> Any:
    """Return the value that the pattern's own parser finds in a pattern of one comparison."""
    parsed = create_pattern_object(pattern, version="2.1")
    return parsed.operand.rhs.value


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_stay_values(value: str) -> None:
    pattern = patterns.equals("url:value", value)
    assert not run_validator(pattern, "2.1")
    assert read_back(pattern) == patterns.escape(value)
    assert Indicator(name="a", pattern=pattern, pattern_type="stix").pattern == pattern


@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_stays_a_value(value: str) -> None:
    pattern = patterns.equals("url:value", value)
    patterns.check(pattern)
    unescaped = pattern[len("[url:value = '") : -len("']")]
    # No quote without a backslash before it, no backslash that is not itself escaped.
    assert unescaped.replace("\\\\", "").replace("\\'", "").count("'") == 0
    assert unescaped.replace("\\\\", "\0").replace("\\'", "'").replace(
        "\0", "\\"
    ) == value.replace("\0", "\\")


@pytest.mark.parametrize("value", ["\\", "'", "\\'", "x"])
def test_a_megabyte_of_anything(value: str) -> None:
    text = value * (1_000_000 // len(value))
    indicator = Indicator.of(Text(value=text))
    assert indicator.pattern == f"[text:value = '{patterns.escape(text)}']"
    patterns.check(indicator.pattern)


def test_literals() -> None:
    assert patterns.literal("it's") == "'it\\'s'"
    assert patterns.literal(True) == "true"
    assert patterns.literal(-3) == "-3"
    assert patterns.literal(1.5) == "1.5"
    instant = datetime(2024, 1, 2, tzinfo=UTC)
    assert patterns.literal(instant) == "t'2024-01-02T00:00:00.000Z'"


def test_expressions() -> None:
    path = patterns.path("file", "hashes", "SHA-256")
    assert path == "file:hashes.'SHA-256'"
    both = patterns.observation(
        patterns.comparison("file:size", 10, ">"),
        patterns.comparison("file:name", ["a'", "b"], "IN"),
    )
    assert both == "[file:size > 10 AND file:name IN ('a\\'', 'b')]"
    either = patterns.one_of("ipv4-addr:value", ["192.0.2.1", "192.0.2.2"])
    assert either == "[ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value = '192.0.2.2']"
    for pattern in (both, either):
        assert not run_validator(pattern, "2.1")
        patterns.check(pattern)


@pytest.mark.parametrize(
    "build",
    [
        lambda: patterns.comparison("url:value = 'a' OR url:value", "b"),
        lambda: patterns.comparison("url", "b"),
        lambda: patterns.comparison("url:value", "b", "= 'a' OR url:value ="),
        lambda: patterns.path("url", "va'lue"),
        lambda: patterns.path("u r l", "value"),
        lambda: patterns.path("url", ""),
        lambda: patterns.observation("a", joined_by="FOLLOWEDBY"),
        patterns.observation,
        lambda: patterns.one_of("url:value", []),
    ],
)
def test_what_is_no_part_of_a_pattern_is_refused(build: Any) -> None:
    with pytest.raises(ValueError):
        build()


@pytest.mark.parametrize(
    "pattern",
    [
        "[ipv4-addr:value = '192.0.2.1']",
        "[ ipv4-addr:value='192.0.2.1' ]",
        "[file:hashes.'SHA-256' = 'aa' OR file:hashes.MD5 = 'bb']",
        "[network-traffic:protocols[*] = 'tcp' AND network-traffic:dst_port = 443]",
        "[url:value LIKE 'https://%'] FOLLOWEDBY [file:name MATCHES '^a'] WITHIN 5 SECONDS",
        "([url:value = 'a'] AND [url:value = 'b']) REPEATS 2 TIMES",
    ],
)
def test_patterns_are_accepted(pattern: str) -> None:
    assert Indicator(name="a", pattern=pattern, pattern_type="stix").pattern == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "ipv4-addr:value = '192.0.2.1'",
        "[ipv4-addr:value = '192.0.2.1'",
        "[ipv4-addr:value = 192.0.2.1]",
        "[ipv4-addr.value = '192.0.2.1']",
        "[url:value = 'it's']",
        "[url:value = 'a' AND]",
        "[]",
        "alert tcp any any",
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError, match="not a STIX pattern"):
        Indicator(name="a", pattern=pattern, pattern_type="stix")


def test_other_languages_are_not_checked() -> None:
    rule = "rule a { condition: true }"
    form = Indicator(name="a", pattern=rule, pattern_type="yara").to_stix_dict()
    assert form["pattern"] == rule
    assert "pattern_version" not in form


def test_indicators_of_observables() -> None:
    author, marking = OrganizationAuthor(name="A"), TLPMarking(level="green")
    address = IPV4Address(
        value="192.0.2.1", score=70, author=author, markings=[marking]
    )
    indicator = Indicator.of(address, indicator_types=["malicious-activity"], score=80)
    assert indicator.name == "192.0.2.1"
    assert indicator.pattern == "[ipv4-addr:value = '192.0.2.1']"
    assert indicator.main_observable_type == "IPv4-Addr"
    assert (indicator.author, indicator.markings) == (author, [marking])
    assert (indicator.score, indicator.indicator_types) == (80, ["malicious-activity"])


def test_files_are_detected_by_any_hash() -> None:
    file = File(hashes={"MD5": "a" * 32, "SHA-256": "b" * 64}, name="a name")
    assert patterns.of(file) == (
        f"[file:hashes.MD5 = '{'a' * 32}' OR file:hashes.'SHA-256' = '{'b' * 64}']"
    )
    assert patterns.of(File(name="it's")) == "[file:name = 'it\\'s']"


def test_ends_of_traffic_are_compared_by_value() -> None:
    traffic = NetworkTraffic(
        protocols=["tcp"], dst=IPV4Address(value="192.0.2.1"), dst_port=443
    )
    assert patterns.of(traffic) == (
        "[network-traffic:protocols[*] = 'tcp' AND network-traffic:dst_port = 443"
        " AND network-traffic:dst_ref.value = '192.0.2.1']"
    )


def test_nothing_to_compare_is_said() -> None:
    with pytest.raises(ValueError, match="nothing that a pattern could compare"):
        patterns.of(X509Certificate(subject="a"))
    assert patterns.value_of(X509Certificate(subject="a")).startswith("x509-")
    assert patterns.of(Artifact(url="https://a.example", hashes={"MD5": "a" * 32})) == (
        f"[artifact:hashes.MD5 = '{'a' * 32}']"
    )
    assert patterns.value_of(URL(value="https://a.example")) == "https://a.example"


@pytest.mark.parametrize(
    "text",
    [
        "[a:b = 007]",
        "[a:AND = 'x']",
        "[a:IN = 'x']",
        "[a:b.true = 1]",
        "[ab:b[01] = 'x']",
    ],
)
def test_the_short_way_accepts_nothing_that_the_grammar_refuses(text: str) -> None:
    assert run_validator(text, "2.1")
    with pytest.raises(ValueError):
        patterns.check(text)


@pytest.mark.parametrize("number", [1e-7, 1e22, 1.5, -0.25])
def test_numbers_are_written_as_the_grammar_reads_them(number: float) -> None:
    assert not run_validator(patterns.equals("a:b", number), "2.1")


def test_words_of_the_grammar_are_quoted_and_one_value_can_be_in() -> None:
    assert patterns.path("a", "AND") == "a:'AND'"
    assert patterns.comparison("a:b", "v", "IN") == "a:b IN ('v')"
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError):
            patterns.literal(number)
