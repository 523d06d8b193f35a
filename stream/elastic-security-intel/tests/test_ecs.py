"""STIX objects as documents: against the fields of ECS, and against Elastic's own pairs of both."""

# pylint: disable=unbalanced-tuple-unpacking  # it takes the fields of the documents for all that there is
import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from connector.ecs import Converter, mappings

from connectors_sdk import clock

ECS = Path(__file__).resolve().parents[4] / "shared" / "data" / "ecs"
EXTENSION = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"
AMBER = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
PORT = {"type": "port"}
GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"

realdata = pytest.mark.skipif(
    not ECS.is_dir(), reason="no real ECS data beside the checkout"
)


def documents(stix: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return Converter("https://opencti.example/").documents(
        "own-id", "Any", {"id": "x--1", **stix}, **more
    )


def indicators(stix: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what is particular to the documents of an object."""
    shared = {"id", "provider", "reference", "confidence"}
    return [
        {k: v for k, v in one["threat"]["indicator"].items() if k not in shared}
        for one in documents(stix)
    ]


def of_pattern(pattern: str) -> list[dict[str, Any]]:
    return indicators({"type": "indicator", "pattern_type": "stix", "pattern": pattern})


def flat(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def types(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree["properties"].items():
        if "properties" in value:
            yield from types(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value["type"]


def test_an_indicator() -> None:
    stix = {
        "type": "indicator",
        "id": "indicator--1",
        "name": "Something",
        "description": "Bad.",
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-02-01T00:00:00.000Z",
        "valid_from": "2024-01-01T00:00:00.000Z",
        "valid_until": "2034-01-01T00:00:00.000Z",
        "pattern_type": "stix",
        "pattern": "[ipv4-addr:value IN ('192.0.2.1', '192.0.2.2')]",
        "confidence": 85,
        "labels": ["b", "a"],
        "kill_chain_phases": [{"kill_chain_name": "k", "phase_name": "p"}],
        "object_marking_refs": [GREEN, AMBER],
        "extensions": {EXTENSION: {"id": "own-id", "score": 70, "detection": True}},
    }
    with clock.frozen(datetime(2026, 1, 1, tzinfo=UTC)):
        first, second = documents(stix)
    fingerprint = first["opencti"].pop("fingerprint")
    assert len(fingerprint) == 32 and second["opencti"]["fingerprint"] == fingerprint
    assert first == {
        "@timestamp": "2026-01-01T00:00:00.000Z",
        "ecs": {"version": "8.17.0"},
        "event": {
            "kind": "enrichment",
            "category": ["threat"],
            "type": ["indicator"],
            "module": "ti_opencti",
            "dataset": "ti_opencti.indicator",
        },
        "tags": ["a", "b"],
        "threat": {
            "feed": {"name": "OpenCTI"},
            "indicator": {
                "id": ["indicator--1"],
                "type": "ipv4-addr",
                "name": "192.0.2.1",
                "ip": "192.0.2.1",
                "description": "Bad.",
                "provider": "OpenCTI",
                "reference": "https://opencti.example/dashboard/id/own-id",
                "confidence": "High",
                "marking": {"tlp": "AMBER"},
                "first_seen": "2024-01-01T00:00:00.000Z",
                "last_seen": "2024-02-01T00:00:00.000Z",
                "modified_at": "2024-02-01T00:00:00.000Z",
            },
        },
        "opencti": {
            "id": "own-id",
            "document": "own-id",
            "documents": 2,
            "entity_type": "Any",
            "name": "Something",
            "score": 70,
            "detection": True,
            "pattern_type": "stix",
            "pattern": stix["pattern"],
            "valid_from": "2024-01-01T00:00:00.000Z",
            "valid_until": "2034-01-01T00:00:00.000Z",
            "kill_chain_phases": ["k:p"],
        },
    }
    assert second["opencti"]["document"] == "own-id-1"
    assert second["threat"]["indicator"]["ip"] == "192.0.2.2"
    assert "pattern" not in second["opencti"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (
            "[domain-name:value = 'Evil.Example']",
            [
                {
                    "type": "domain-name",
                    "name": "evil.example",
                    "url": {"domain": "evil.example"},
                }
            ],
        ),
        (
            "[url:value = 'https://u@H.example:8443/p/a?q=1#f']",
            [
                {
                    "type": "url",
                    "name": "https://u@H.example:8443/p/a?q=1#f",
                    "url": {
                        "full": "https://u@H.example:8443/p/a?q=1#f",
                        "original": "https://u@H.example:8443/p/a?q=1#f",
                        "scheme": "https",
                        "domain": "h.example",
                        "port": 8443,
                        "path": "/p/a",
                        "query": "q=1",
                        "fragment": "f",
                    },
                }
            ],
        ),
        (
            "[url:value = 'http://[broken']",
            [
                {
                    "type": "url",
                    "name": "http://[broken",
                    "url": {"full": "http://[broken", "original": "http://[broken"},
                }
            ],
        ),
        (
            "[file:hashes.MD5 = 'AA' OR file:hashes.'SHA-256' = 'BB']",
            [
                {
                    "type": "file",
                    "name": "bb",
                    "file": {"hash": {"md5": "aa", "sha256": "bb"}},
                }
            ],
        ),
        (
            "[network-traffic:dst_ref.value = '2001:DB8::1' AND network-traffic:dst_port = 443]",
            [
                {
                    "type": "ipv6-addr",
                    "name": "2001:db8::1",
                    "ip": "2001:db8::1",
                    "port": 443,
                }
            ],
        ),
        # Two values of one field are two documents: rules pass over a field that has several.
        (
            "[network-traffic:src_ref.value = '192.0.2.1' AND network-traffic:dst_ref.value = '192.0.2.2']",
            [
                {"type": "ipv4-addr", "name": "192.0.2.1", "ip": "192.0.2.1"},
                {"type": "ipv4-addr", "name": "192.0.2.2", "ip": "192.0.2.2"},
            ],
        ),
        (
            "[ipv4-addr:value = '192.0.2.1' AND domain-name:value = 'a.example']",
            [
                {"type": "ipv4-addr", "name": "192.0.2.1", "ip": "192.0.2.1"},
                {
                    "type": "domain-name",
                    "name": "a.example",
                    "url": {"domain": "a.example"},
                },
            ],
        ),
        (
            "[ipv4-addr:value = '192.0.2.0/24']",
            [{"type": "ipv4-addr", "name": "192.0.2.0/24"}],
        ),
        (
            "[ipv4-addr:value = '192.0.2.7/32']",
            [{"type": "ipv4-addr", "name": "192.0.2.7", "ip": "192.0.2.7"}],
        ),
        (
            r"[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\Software\\X' AND windows-registry-key:values.name = 'v']",
            [
                {
                    "type": "windows-registry-key",
                    "name": r"HKEY_LOCAL_MACHINE\Software\X",
                    "registry": {
                        "hive": "HKLM",
                        "key": r"Software\X",
                        "path": r"HKLM\Software\X\v",
                        "value": "v",
                    },
                }
            ],
        ),
        (
            "[file:hashes.sha256 = 'AB' OR file:hashes.ssdeep = '3:Ab']",
            [
                {
                    "type": "file",
                    "name": "ab",
                    "file": {"hash": {"sha256": "ab", "ssdeep": "3:Ab"}},
                }
            ],
        ),
        (
            "[domain-name:value = 'A.example' OR domain-name:value = 'a.example']",
            [
                {
                    "type": "domain-name",
                    "name": "a.example",
                    "url": {"domain": "a.example"},
                }
            ],
        ),
        (
            "[email-message:from_ref.value = 'a@b.example' OR email-message:sender_ref.value = 'c@d.example']",
            [
                {"type": "email-addr", "name": one, "email": {"address": one}}
                for one in ("a@b.example", "c@d.example")
            ],
        ),
        (
            "[x509-certificate:serial_number = '36:f7:d4:32']",
            [
                {
                    "type": "x509-certificate",
                    "name": "36:f7:d4:32",
                    "x509": {"serial_number": "36F7D432"},
                }
            ],
        ),
        ("[network-traffic:dst_port = 4444]", [{**PORT, "name": "4444", "port": 4444}]),
        (
            "[network-traffic:dst_ref.type = 'ipv4-addr']",
            [{**PORT, "name": "ipv4-addr"}],
        ),
        ("[mutex:name = 'm']", [{"type": "mutex", "name": "m"}]),
        ("[file:size = 'many']", [{"type": "file", "name": "many"}]),
        ("[file:name LIKE 'a%']", [{"name": "x--1"}]),
        ("no pattern", [{"name": "x--1"}]),
    ],
)
def test_patterns(pattern: str, expected: list[dict[str, Any]]) -> None:
    assert of_pattern(pattern) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        # The ends of traffic are two things, and a port belongs to one of them.
        (
            "[network-traffic:src_ref.value = '192.0.2.1' AND network-traffic:dst_ref.value = '192.0.2.2'"
            " AND network-traffic:dst_port = 443 AND network-traffic:protocols[0] = 'tcp']",
            [{"ip": "192.0.2.1"}, {"ip": "192.0.2.2", "port": 443}],
        ),
        # An indicator of everybody's port would be found everywhere.
        (
            "[network-traffic:dst_ref.value = '192.0.2.0/24' AND network-traffic:dst_port = 443]",
            [{}],
        ),
        (
            "[ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port = 443]",
            [{"ip": "192.0.2.1"}],
        ),
        (
            "[network-traffic:dst_port = 4444 AND network-traffic:protocols[0] = 'tcp']",
            [{"port": 4444}],
        ),
        (
            "[domain-name:value = 'a.example' AND domain-name:resolves_to_refs[*].value = '192.0.2.1']",
            [{"url.domain": "a.example"}],
        ),
        (
            "[file:name = 'a.exe' AND file:hashes.'SHA3-256' = 'aa']",
            [{"file.name": "a.exe"}],
        ),
        ("[mutex:name = 'm' AND mutex:x_more = 'n']", [{}]),
        (
            "[ipv4-addr:value = '192.0.2.1' AND domain-name:value = 'a.example']",
            [{"ip": "192.0.2.1"}, {"url.domain": "a.example"}],
        ),
    ],
)
def test_less_than_has_to_be_seen_together(
    pattern: str, expected: list[dict[str, Any]]
) -> None:
    stix = {"type": "indicator", "pattern_type": "stix", "pattern": pattern}
    found = documents(stix)
    assert all(one["opencti"]["partial"] for one in found)
    assert [
        {k: v for k, v in flat(one) if k not in ("type", "name")}
        for one in indicators(stix)
    ] == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'A.example'"
        " AND network-traffic:dst_port = '9090']",
        "[network-traffic:dst_port = 9090 AND network-traffic:dst_ref.value = 'a.example']",
    ],
)
def test_a_name_at_the_end_of_traffic(pattern: str) -> None:
    expected = {
        "type": "domain-name",
        "url": {"domain": "a.example"},
        "name": "a.example",
        "port": 9090,
    }
    assert of_pattern(pattern) == [expected]
    (one,) = documents(
        {"type": "indicator", "pattern_type": "stix", "pattern": pattern}
    )
    assert "partial" not in one["opencti"]


def test_a_hash_without_a_field_beside_one_that_has_one() -> None:
    stix = {"type": "file", "name": "n", "hashes": {"SHA-256": "a", "SHA3-256": "b"}}
    (one,) = documents(stix)
    assert "partial" not in one["opencti"]
    assert one["threat"]["indicator"]["file"] == {"name": "n", "hash": {"sha256": "a"}}


@pytest.mark.parametrize(
    ("stix", "expected"),
    [
        (
            {"type": "ipv4-addr", "value": "192.0.2.1"},
            {"type": "ipv4-addr", "name": "192.0.2.1", "ip": "192.0.2.1"},
        ),
        (
            {"type": "hostname", "value": "h.example"},
            {
                "type": "domain-name",
                "name": "h.example",
                "url": {"domain": "h.example"},
            },
        ),
        (
            {"type": "email-addr", "value": "a@b.example"},
            {
                "type": "email-addr",
                "name": "a@b.example",
                "email": {"address": "a@b.example"},
            },
        ),
        (
            {
                "type": "file",
                "name": "x.exe",
                "size": 5,
                "hashes": {"SHA-1": "AB", "SSDEEP": "3:Ab"},
            },
            {
                "type": "file",
                "name": "ab",
                "file": {
                    "name": "x.exe",
                    "size": 5,
                    "hash": {"sha1": "ab", "ssdeep": "3:Ab"},
                },
            },
        ),
        (
            {"type": "autonomous-system", "number": 64496, "name": "AS"},
            {
                "type": "autonomous-system",
                "name": "64496",
                "as": {"number": 64496, "organization": {"name": "AS"}},
            },
        ),
        (
            {"type": "x509-certificate", "serial_number": "01", "issuer": "CN=i"},
            {
                "type": "x509-certificate",
                "name": "01",
                "x509": {
                    "serial_number": "01",
                    "issuer": {"distinguished_name": "CN=i"},
                },
            },
        ),
        (
            {
                "type": "windows-registry-key",
                "key": "HKCU\\K",
                "values": [{"name": "v", "data": "d", "data_type": "REG_SZ"}],
            },
            {
                "type": "windows-registry-key",
                "name": "HKCU\\K",
                "registry": {
                    "hive": "HKCU",
                    "key": "K",
                    "path": "HKCU\\K\\v",
                    "value": "v",
                    "data": {"strings": "d", "type": "REG_SZ"},
                },
            },
        ),
        (
            {"type": "windows-registry-key", "key": "hklm\\K"},
            {
                "type": "windows-registry-key",
                "name": "hklm\\K",
                "registry": {"hive": "HKLM", "key": "K", "path": "HKLM\\K"},
            },
        ),
        (
            {"type": "ipv6-addr", "value": "fe80::1%eth0"},
            {"type": "ipv6-addr", "name": "fe80::1", "ip": "fe80::1"},
        ),
        (
            {"type": "file", "name": "a", "size": 2**63},
            {"type": "file", "name": "a", "file": {"name": "a"}},
        ),
        (
            {"type": "email-message", "subject": "Invoice"},
            {"type": "email-message", "name": "Invoice"},
        ),
        (
            {"type": "network-traffic", "id": "network-traffic--1", "dst_port": 443},
            {"type": "port", "name": "network-traffic--1"},
        ),
        ({"type": "mutex", "name": "m"}, {"type": "mutex", "name": "m"}),
        (
            {"type": "process", "command_line": "c -x"},
            {"type": "process", "name": "c -x"},
        ),
        (
            {"type": "cryptocurrency-wallet", "value": "w"},
            {"type": "cryptocurrency-wallet", "name": "w"},
        ),
    ],
)
def test_observables(stix: dict[str, Any], expected: dict[str, Any]) -> None:
    assert indicators(stix) == [expected]


@pytest.mark.parametrize(
    ("confidence", "word"),
    [(None, "Not Specified"), (0, "None"), (1, "Low"), (30, "Medium"), (70, "High")],
)
def test_confidence(confidence: int | None, word: str) -> None:
    (one,) = documents({"type": "url", "value": "u", "confidence": confidence})
    assert one["threat"]["indicator"]["confidence"] == word


@pytest.mark.parametrize("kind", ["yara", "sigma", "snort", "spl", "eql"])
def test_other_languages_are_kept_without_observables(kind: str) -> None:
    stix = {
        "type": "indicator",
        "pattern_type": kind,
        "pattern": "rule x {}",
        "name": "n",
    }
    (one,) = documents(stix, rule="opencti-own-id")
    assert one["opencti"]["partial"] is True
    assert one["opencti"]["pattern"] == "rule x {}"
    assert one["opencti"]["rule"] == "opencti-own-id"
    assert one["threat"]["indicator"]["name"] == "n"
    assert "type" not in one["threat"]["indicator"]


def test_the_fingerprint_follows_the_content_alone() -> None:
    def fingerprint(**more: Any) -> str:
        (one,) = documents(
            {"type": "url", "value": "u", "modified": "2024-01-01T00:00:00Z", **more}
        )
        return str(one["opencti"]["fingerprint"])

    assert fingerprint() == fingerprint()
    assert fingerprint(modified="2025-01-01T00:00:00Z") == fingerprint()
    assert fingerprint(labels=["a"]) != fingerprint()


def test_all_fields_have_a_mapping() -> None:
    mapped = dict(types(mappings()))
    patterns = [
        "[url:value = 'https://h.example:1/p?q#f' OR file:name = 'n' OR email-addr:value = 'e']",
        "[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 1]",
        r"[windows-registry-key:key = 'HKLM\\x']",
    ]
    for pattern in patterns:
        stix = {
            "type": "indicator",
            "pattern_type": "stix",
            "pattern": pattern,
            "name": "n",
        }
        for one in documents(
            stix | {"object_marking_refs": [AMBER], "created": "2024-01-01T00:00:00Z"}
        ):
            assert {name for name, _ in flat(one)} <= mapped.keys()


@realdata
@pytest.mark.realdata
def test_the_mappings_are_those_of_ecs() -> None:
    with (ECS / "fields" / "threat_fields.csv").open(
        newline="", encoding="utf-8"
    ) as file:
        ecs = {row["Field"]: row["Type"] for row in csv.DictReader(file)}
    ours = {
        name: kind
        for name, kind in types(mappings())
        if name.startswith("threat.indicator.")
    }
    assert len(ours) > 40
    assert {name: ecs.get(name) for name in ours} == ours


def _values(of: dict[str, Any]) -> set[tuple[str, str]]:
    """Return what a document looks for, of the fields that Elastic's own documents have, too."""
    fields = (
        "ip",
        "url.domain",
        "url.full",
        "file.hash.md5",
        "file.hash.sha1",
        "file.hash.sha256",
    )
    found = dict(flat(of["threat"]["indicator"]))
    pairs = set()
    for field in fields:
        values = found.get(field)
        for value in values if isinstance(values, list) else [values]:
            if value is not None:
                pairs.add((field, str(value)))
    return pairs


@realdata
@pytest.mark.realdata
@pytest.mark.parametrize(
    "name",
    [
        "blister",
        "confused_rat",
        "ghostengine",
        "pikabot",
        "ref6138",
        "ref7001",
        "rustbucket",
    ],
)
def test_the_same_values_as_in_elastics_own_documents(name: str) -> None:
    folder = ECS / "elastic_labs" / name
    bundle = json.loads((folder / "stix-bundle.json").read_text("utf-8"))
    theirs: set[tuple[str, str]] = set()
    for line in (folder / "ecs-indicators.ndjson").read_text("utf-8").splitlines():
        theirs |= _values(json.loads(line))
    ours: set[tuple[str, str]] = set()
    for stix in bundle["objects"]:
        if stix["type"] == "indicator":
            for one in documents(stix):
                ours |= _values(one)
    assert {value for value in theirs if value[0] != "url.domain"} <= ours
