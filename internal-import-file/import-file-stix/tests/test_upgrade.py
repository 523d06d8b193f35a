"""What STIX 2.0 says, in the words of 2.1."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stix2
from connector.checks import violations

DEMO = Path(__file__).resolve().parents[1] / "demo"
TIME = "2024-05-01T08:00:00.000Z"
RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
PATTERN = "pattern is no STIX pattern"
Reads = Callable[..., Any]


def old(kind: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "id": f"{kind}--00000000-0000-4000-8000-000000000001",
        "created": TIME,
        "modified": TIME,
        **properties,
    }


def observation(**objects: Any) -> dict[str, Any]:
    return old(
        "observed-data",
        first_observed=TIME,
        last_observed=TIME,
        number_observed=1,
        objects=objects,
    )


def test_the_demo(read: Reads) -> None:
    found = read(DEMO / "herons-2.0.json")
    assert not found.set_aside
    assert found.report.upgraded == 3
    assert found.report.made.total() == 5
    by_type = {one["type"]: one for one in found.objects}
    assert all(one["spec_version"] == "2.1" for one in found.objects)
    assert not [text for one in found.objects for text in violations(one)]
    indicator = by_type["indicator"]
    assert indicator["pattern_type"] == "stix"
    assert indicator["indicator_types"] == ["malicious-activity"]
    assert indicator["labels"] == ["tide-tables"]
    assert "START t'2018-01-01T00:00:00Z' STOP t'" in indicator["pattern"]
    assert by_type["malware"]["malware_types"] == ["backdoor"]
    assert by_type["malware"]["is_family"] is False
    assert "labels" not in by_type["malware"]
    observed, file = by_type["observed-data"], by_type["file"]
    assert "objects" not in observed and len(observed["object_refs"]) == 5
    assert file["ctime"] == TIME and "created" not in file
    assert set(file["hashes"]) == {"SHA-256", "SSDEEP"}
    assert file["parent_directory_ref"] == by_type["directory"]["id"]
    assert by_type["directory"]["contains_refs"] == [file["id"]]
    assert by_type["network-traffic"]["dst_ref"] == by_type["ipv4-addr"]["id"]
    assert by_type["process"]["command_line"] == "lark.exe -q"
    assert by_type["process"]["image_ref"] == file["id"]
    # What was marked in part is marked as a whole, and so is what was in it.
    assert all(
        one["object_marking_refs"] == [RED]
        for one in (observed, file, by_type["process"])
    )


def test_ids_of_observables_are_those_of_the_specification(read: Reads) -> None:
    stix = observation(
        **{
            "0": {"type": "ipv4-addr", "value": "198.51.100.3"},
            "1": {"type": "mutex", "name": "__CLEANSWEEP__"},
            "2": {"type": "autonomous-system", "number": 15139},
        }
    )
    ids = {one["id"] for one in read([stix]).objects}
    assert ids > {
        stix2.v21.IPv4Address(value="198.51.100.3").id,
        stix2.v21.Mutex(name="__CLEANSWEEP__").id,
        stix2.v21.AutonomousSystem(number=15139).id,
    }
    assert {one["id"] for one in read([stix]).objects} == ids


def test_the_same_observable_of_two_observations_is_one(read: Reads) -> None:
    one = observation(**{"0": {"type": "domain-name", "value": "a.example"}})
    other = {**one, "id": one["id"][:-1] + "2", "object_marking_refs": [RED]}
    found = read([one, other])
    assert found.report.made == {"domain-name": 1}
    (domain,) = (o for o in found.objects if o["type"] == "domain-name")
    assert domain["object_marking_refs"] == [RED]


def test_observations_that_hold_their_observables_in_21(read: Reads) -> None:
    stix = {
        **observation(**{"0": {"type": "url", "value": "http://a.example/"}}),
        "spec_version": "2.1",
    }
    assert [one["type"] for one in read([stix]).objects] == ["url", "observed-data"]


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        ({"0": {"type": "file", "name": "a", "content_ref": "7"}}, "no observable '7'"),
        ({"0": "text"}, "no observable"),
        (
            {
                "0": {"type": "file", "name": "a", "parent_directory_ref": "1"},
                "1": {"type": "ipv4-addr", "value": "198.51.100.3"},
            },
            "must not lead to a ipv4-addr",
        ),
        (
            {
                "0": {"type": "email-message", "from_ref": "0", "is_multipart": False},
            },
            "a circle",
        ),
        ({"0": {"type": "x--bad", "value": "a"}}, "no type"),
    ],
)
def test_observables_that_are_none(
    read: Reads, objects: dict[str, Any], words: str
) -> None:
    found = read([observation(**objects)])
    assert not found.objects
    assert words in found.reasons


def test_observables_of_types_that_the_platform_does_not_know(read: Reads) -> None:
    thing = {"type": "x-acme-thing", "foo": "bar"}
    address = {"type": "ipv4-addr", "value": "198.51.100.3"}
    found = read([observation(**{"0": thing, "1": address})])
    assert [one["type"] for one in found.objects] == ["ipv4-addr", "observed-data"]
    assert found.objects[1]["object_refs"] == [found.objects[0]["id"]]
    assert found.report.left_out == {
        ("x-acme-thing", "of types that the platform does not know"): 1
    }
    # Without anything observed there is no observation.
    alone = read([observation(**{"0": thing})])
    assert not alone.objects and alone.report.left_out.total() == 1


def test_keys_that_only_look_like_references(read: Reads) -> None:
    objects = {
        "0": {"type": "file", "name": "a.exe", "x_acme_ref": "ABC-123"},
        "1": {"type": "x-acme", "x_acme_ref": "ABC-123", "x_acme_refs": ["a"]},
        "2": {
            "type": "process",
            "command_line": "git",
            "environment_variables": {"git_ref": "main"},
        },
        "3": {
            "type": "email-message",
            "is_multipart": False,
            "additional_header_fields": {"Conversation_ref": ["x"]},
        },
    }
    found = read([observation(**objects)])
    assert not found.set_aside
    assert found.objects[0]["x_acme_ref"] == "ABC-123"


@pytest.mark.parametrize("strict", [True, False])
def test_orders_inside_of_observations(read: Reads, strict: bool) -> None:
    file = {"type": "file", "name": "a", "opencti_operation": "delete"}
    assert not read([observation(**{"0": file})], strict=strict).objects


@pytest.mark.parametrize("pattern", ["", " ", "\n\t"])
def test_empty_patterns(read: Reads, pattern: str) -> None:
    empty = old("indicator", pattern=pattern, valid_from=TIME)
    good = old("tool", name="net", labels=["remote-access", {}])
    found = read([empty, old("tool", name="net")])
    assert len(found.objects) == 1
    assert found.reasons in ("pattern is missing", f"{PATTERN}: it is empty")
    assert read([good]).reasons == "labels is no list of texts"


def test_a_pattern_without_a_form_in_21(read: Reads) -> None:
    pattern = "[a:b = 1] START '2018-01-01T00:00:00Z' STOP 'never'"
    found = read([old("indicator", pattern=pattern, valid_from=TIME)])
    assert not found.objects and "pattern" in found.reasons
