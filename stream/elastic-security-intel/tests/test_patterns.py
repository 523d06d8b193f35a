"""STIX patterns taken apart, invented and real."""

import json
from pathlib import Path
from typing import Any

import pytest
from connector.patterns import take_apart

PATTERNS = Path(__file__).resolve().parents[4] / "shared" / "data" / "stix" / "patterns"


def apart(pattern: str) -> list[list[str]]:
    """Return the alternatives, each comparison as one text."""
    return [
        [f"{one.object_type}:{one.path}={one.value!r}" for one in together]
        for together in take_apart(pattern).alternatives
    ]


@pytest.mark.parametrize(
    ("pattern", "alternatives"),
    [
        ("[ipv4-addr:value = '192.0.2.1']", [["ipv4-addr:value='192.0.2.1'"]]),
        (
            "[url:value='a' OR url:value='b']",
            [["url:value='a'"], ["url:value='b'"]],
        ),
        # Hashes of different kinds are those of one file ...
        (
            "[file:hashes.MD5 = 'aa' OR file:hashes.'SHA-256' = 'bb']",
            [["file:hashes.md5='aa'", "file:hashes.sha256='bb'"]],
        ),
        # ... and of the same kind those of several.
        (
            "[file:hashes.MD5 = 'aa' OR file:hashes.MD5 = 'bb']",
            [["file:hashes.md5='aa'"], ["file:hashes.md5='bb'"]],
        ),
        (
            "[file:name = 'a' AND (file:size = 1 OR file:size = 2)]",
            [["file:name='a'", "file:size=1"], ["file:name='a'", "file:size=2"]],
        ),
        (
            "[domain-name:value IN ('a', 'b')] OR [url:value = 'c']",
            [["domain-name:value='a'"], ["domain-name:value='b'"], ["url:value='c'"]],
        ),
        (
            "[windows-registry-key:values[*].name = 'v']",
            [["windows-registry-key:values.name='v'"]],
        ),
        (r"[file:name = 'it\'s \\ here']", [['file:name="it\'s \\\\ here"']]),
        (
            r"[file:name IN ('\'', ' OR x:y = ')]",
            [['file:name="\'"'], ["file:name=' OR x:y = '"]],
        ),
        ("[x:a = 1.5 AND x:b = true]", [["x:a=1.5", "x:b=True"]]),
        ("[x:a = t'2024-01-01T00:00:00Z']", [["x:a='2024-01-01T00:00:00Z'"]]),
    ],
)
def test_all_is_said(pattern: str, alternatives: list[list[str]]) -> None:
    assert apart(pattern) == alternatives
    assert not take_apart(pattern).partial


@pytest.mark.parametrize(
    ("pattern", "alternatives"),
    [
        ("[file:name LIKE 'a%']", []),
        ("[file:name MATCHES 'a+']", []),
        ("[ipv4-addr:value ISSUBSET '198.51.100.0/24']", []),
        ("[file:size > 5]", []),
        ("[file:name != 'a']", []),
        ("[file:name NOT IN ('a')]", []),
        ("[file:name NOT = 'a' AND file:size = 5]", [["file:size=5"]]),
        (
            "[file:name = 'a'] AND [url:value = 'b']",
            [["file:name='a'"], ["url:value='b'"]],
        ),
        (
            "[file:name = 'a'] FOLLOWEDBY [file:name = 'b']",
            [["file:name='a'"], ["file:name='b'"]],
        ),
        ("[file:name = 'a'] REPEATS 5 TIMES", [["file:name='a'"]]),
        ("([file:name = 'a']) WITHIN 5 SECONDS", [["file:name='a'"]]),
    ],
)
def test_more_is_said(pattern: str, alternatives: list[list[str]]) -> None:
    assert apart(pattern) == alternatives
    assert take_apart(pattern).partial


def test_too_many_combinations_are_taken_one_by_one() -> None:
    values = ", ".join(f"'{number}'" for number in range(200))
    pattern = f"[file:name IN ({values}) AND file:mime_type IN ({values})]"
    assert len(take_apart(pattern).alternatives) == 400


@pytest.mark.parametrize(
    "pattern", ["", "nonsense", "[file:name = ]", "[file:name = 'a'"]
)
def test_what_is_no_pattern_is_told(pattern: str) -> None:
    with pytest.raises(ValueError, match="not a STIX pattern"):
        take_apart(pattern)


@pytest.mark.realdata
@pytest.mark.skipif(
    not PATTERNS.is_dir(), reason="no real patterns beside the checkout"
)
def test_real_patterns() -> None:
    cases: list[dict[str, Any]] = []
    for file in sorted(PATTERNS.glob("*.json")):
        cases += json.loads(file.read_text("utf-8"))
    assert cases
    for case in cases:
        if case["valid"]:
            take_apart(case["pattern"])
