"""What is read of a file: bundles, lists, single objects, packed or not; and what is no STIX, in words."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from connector import ConnectorSettings

from connectors_sdk import ConfigValidationError
from connectors_sdk.connectors.internal_import_file import UnreadableFile
from connectors_sdk.testing import make_settings

TIME = "2024-05-01T08:00:00.000Z"
DEMO = Path(__file__).resolve().parents[1] / "demo"
ADDRESS = {
    "type": "ipv4-addr",
    "id": "ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd",
    "value": "198.51.100.3",
}
PROGRAM = {
    "type": "software",
    "id": "software--00000000-0000-5000-8000-000000000001",
    "name": "heron-mail",
}
OTHER = {**ADDRESS, "id": "ipv4-addr--00000000-0000-5000-8000-000000000001"}
Reads = Callable[..., Any]


def bundle(*objects: Any) -> dict[str, Any]:
    return {
        "type": "bundle",
        "id": "bundle--00000000-0000-4000-8000-000000000000",
        "objects": list(objects),
    }


def test_settings() -> None:
    settings = make_settings(ConnectorSettings)
    # As the public connector of this name has it.
    assert settings.connector.validate_before_import
    assert settings.import_file_stix.strict
    with pytest.raises(ConfigValidationError, match="MISSING_REFERENCES"):
        make_settings(
            ConnectorSettings, {"import_file_stix": {"missing_references": "invent"}}
        )


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(bundle(ADDRESS, OTHER)),
        json.dumps([ADDRESS, OTHER]),
        json.dumps([bundle(ADDRESS), bundle(OTHER)]),
        json.dumps([bundle(ADDRESS), OTHER]),
        json.dumps({"objects": [ADDRESS, OTHER], "type": "bundle"}),
        "\ufeff \n\t" + json.dumps(bundle(ADDRESS, OTHER)),
    ],
    ids=["bundle", "list", "bundles", "mixed", "type last", "byte order mark"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_all_forms_of_a_file(read: Reads, content: str, packed: bool) -> None:
    raw = content.encode()
    found = read(gzip.compress(raw) if packed else raw)
    assert [one["id"] for one in found.objects] == [ADDRESS["id"], OTHER["id"]]


def test_a_single_object_and_nothing(read: Reads) -> None:
    assert read(ADDRESS).objects == [ADDRESS]
    assert not read(bundle()).objects
    assert not read([]).objects


def test_what_it_does_not_know_passes_unharmed(read: Reads) -> None:
    rich = {
        **ADDRESS,
        "x_opencti_score": 42,
        "x_acme": {"nested": [1, 2.5, None, "ü\u0000"]},
        "extensions": {
            "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba": {
                "extension_type": "property-extension",
                "id": "6a24a2ab-1b6a-4f0e-9a1c-0bd9a6a1a111",
            }
        },
    }
    assert read([rich]).objects == [rich]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "nothing in it"),
        (b" \n ", "nothing in it"),
        (b"hello", "no JSON"),
        (b"PK\x03\x04zip", "zip archive"),
        (b"%PDF-1.7", "PDF"),
        (b"<stix:STIX_Package/>", "STIX 1"),
        (b"\xff\xfe{\x00", "UTF-16"),
        (b"42", "no JSON"),
        (b'{"type": "bundle"', "damaged or cut off"),
        (json.dumps(bundle(ADDRESS)).encode()[:-20], "damaged or cut off"),
        (json.dumps(bundle(ADDRESS)).encode()[:-1], "damaged or cut off after 1"),
        (b"[{]", "damaged or cut off"),
        (b'{"type":"bundle","objects":[]}garbage', "damaged or cut off"),
        (b'{"type":"bundle","objects":[{"a":"\xff"}]}', r": [^'\"]* UTF8 string\.$"),
        (b'{"type":"bundle","objects":{"0": {}}}', "no list"),
        (b'{"objects":5,"type":"bundle"}', "no list"),
        (b'{"type":"a"}\n{"type":"b"}\n', "one object per line; a list or a bundle"),
        (json.dumps(ADDRESS).encode() + b"\r\n" + b'{"type"', "one object per line"),
        (b'{"type":"bundle","objects":[{"a":1e999}]}', "no STIX|damaged"),
        (gzip.compress(b"[]")[:-5], "damaged or cut off"),
        (b"\x1f\x8bnonsense", "damaged or cut off"),
        (gzip.compress(gzip.compress(b"[]")), "packed twice"),
        (b'{"Event": {"info": "x"}}', "MISP event"),
        (b'{"a": 1, "b": 2}', "with 'a', 'b', but holds no STIX objects"),
        (b'["a", "b"]', "no STIX objects"),
        (b'{"type":"bundle","objects":["a", 1, null]}', "no STIX objects"),
        (b'[{"type":"bundle","objects":{"0": {}}}]', "no list"),
    ],
)
def test_anything_else_is_refused_in_words(
    read: Reads, content: bytes, words: str
) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(content)


def test_a_packed_bomb_ends_at_the_limit(read: Reads, tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b'{"type":"bundle","objects":[')
        for _ in range(70):
            file.write(b" " * 1_000_000)
    # What is no bundle is read as a whole, and therefore not if it is very big.
    with gzip.open(tmp_path / "alone.gz", "wb", compresslevel=1) as file:
        file.write(b'{"type":"report","text":"')
        for _ in range(70):
            file.write(b"a" * 1_000_000)
    with pytest.raises(UnreadableFile, match="bigger than the limit of 64 MB"):
        read(tmp_path / "alone.gz")
    with pytest.raises(UnreadableFile, match="damaged or cut off"):
        read(path)


def nested(depth: int) -> bytes:
    deep = json.dumps(ADDRESS)[:-1] + ',"x":' + '[1,{"y":' * depth + "1" + "}]" * depth
    return f'{{"type":"bundle","objects":[{deep}}}, {json.dumps(OTHER)}]}}'.encode()


def test_nesting_without_end(read: Reads) -> None:
    found = read(nested(60))
    assert [one["id"] for one in found.objects] == [OTHER["id"]]
    assert "nested" in found.reasons
    with pytest.raises(UnreadableFile, match="nested more than"):
        read(nested(100_000))
    brackets = {**ADDRESS, "x_text": '\\"[{' * 10_000 + "\\"}
    assert read([brackets]).objects == [brackets]


@pytest.mark.parametrize("number", ["9" * 30, "-" + "9" * 400, "1e999", "-1e999"])
def test_numbers_that_nobody_can_write(read: Reads, number: str) -> None:
    huge = json.dumps(ADDRESS)[:-1] + f', "x_big": {{"a": [1, {number}]}}}}'
    found = read(f"[{huge}, {json.dumps(OTHER)}]".encode())
    assert found.objects == [OTHER]
    ((raw, reason, _),) = found.set_aside
    assert raw["id"] == ADDRESS["id"]
    assert "is a number that is too big" in reason


def test_other_numbers_stay_what_they_are(read: Reads) -> None:
    numbers = [0, -7, 2**63, 1.5, -0.25, 1e300, 0.1, 100000.0]
    (one,) = read([{**ADDRESS, "x_numbers": numbers}]).objects
    assert one["x_numbers"] == numbers
    assert [type(n) for n in one["x_numbers"]] == [type(n) for n in numbers]


def test_the_demo(read: Reads) -> None:
    found = read(DEMO / "herons.json")
    report = found.report
    assert report.read.total() == 15
    assert report.imported.total() == len(found.objects) == 10
    assert report.left_out.total() == 3
    assert report.refused.total() == len(found.set_aside) == 2
    assert sum(report.missing.values()) == 1
    (held,) = (one for one in found.objects if one["type"] == "report")
    assert not [ref for ref in held["object_refs"] if ref.startswith("x-")]
    assert [one["name"] for one in found.objects if one["type"] == "malware"] == [
        "Mudlark"
    ]


def test_the_newest_version_wins_and_observables_are_joined(read: Reads) -> None:
    versions = [
        {
            "type": "tool",
            "spec_version": "2.1",
            "id": "tool--00000000-0000-4000-8000-000000000001",
            "created": "2024-01-01T00:00:00Z",
            "modified": modified,
            "name": name,
        }
        for modified, name in (
            ("2024-01-02T00:00:00Z", "first"),
            ("2024-01-02T00:00:00.5Z", "newest"),
            ("2024-01-01T00:00:00Z", "oldest"),
        )
    ]
    red = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
    green = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
    seen = [{**ADDRESS, "object_marking_refs": [one]} for one in (red, green)]
    found = read([*versions, *seen])
    assert [one.get("name") for one in found.objects] == ["newest", None]
    assert found.objects[1]["object_marking_refs"] == [red, green]
    assert found.report.left_out.total() == 3


def test_references_out_of_the_file(read: Reads) -> None:
    away = "identity--00000000-0000-4000-8000-000000000009"
    note = {
        "type": "note",
        "spec_version": "2.1",
        "id": "note--00000000-0000-4000-8000-000000000001",
        "created": TIME,
        "modified": TIME,
        "content": "Seen",
        "created_by_ref": away,
        "object_refs": [ADDRESS["id"]],
    }
    kept = read([note, ADDRESS])
    assert kept.objects[0]["created_by_ref"] == away
    assert kept.report.missing == {"identity": 1}
    dropped = read([note, ADDRESS], missing_references="drop")
    assert "created_by_ref" not in dropped.objects[0]


def test_nothing_is_shown_to_more_people_than_it_was_meant_for(read: Reads) -> None:
    marking = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--00000000-0000-4000-8000-000000000001",
        "created": TIME,
        "definition_type": "tlp",
        "definition": {"tlp": "ultraviolet"},
    }
    secret = {**ADDRESS, "object_marking_refs": [marking["id"]]}
    red = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
    partly = {
        **OTHER,
        "granular_markings": [{"marking_ref": red, "selectors": ["value"]}],
    }
    found = read([marking, secret, partly])
    assert [one["id"] for one in found.objects] == [OTHER["id"]]
    assert found.objects[0]["object_marking_refs"] == [red]
    assert len(found.set_aside) == 2


MARKING = {
    "type": "marking-definition",
    "spec_version": "2.1",
    "id": "marking-definition--00000000-0000-4000-8000-000000000001",
    "created": TIME,
    "definition_type": "statement",
    "definition": {"statement": "For friends"},
}
AWAY = "marking-definition--00000000-0000-4000-8000-000000000099"


def marked(*markings: Any) -> dict[str, Any]:
    return {**ADDRESS, "object_marking_refs": [*markings]}


def test_markings_are_never_removed(read: Reads) -> None:
    found = read([marked(AWAY), OTHER], missing_references="drop")
    assert found.objects == [OTHER]
    assert found.reasons == "has a marking that the file does not hold"
    files = {"x_opencti_files": [{"object_marking_refs": [AWAY]}]}
    assert not read([{**ADDRESS, **files}], missing_references="drop").objects
    # Elsewhere the platform may have it, and rejects the object if it has not.
    assert read([marked(AWAY)]).objects == [marked(AWAY)]
    held = [marked(MARKING["id"]), MARKING]
    assert read(held, missing_references="drop").objects == held


def test_what_carries_a_marking_that_turns_out_to_be_lost(read: Reads) -> None:
    lost = {**MARKING, "id": AWAY, "definition": None}
    second = {**MARKING, "object_marking_refs": [AWAY]}
    note = {**report(ADDRESS["id"], OTHER["id"]), "type": "report"}
    found = read([note, marked(MARKING["id"]), second, OTHER, lost])
    assert [one["id"] for one in found.objects] == [note["id"], OTHER["id"]]
    assert found.objects[0]["object_refs"] == [OTHER["id"]]
    assert found.reasons.count("has a marking that is invalid") == 2


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    "bad",
    [
        {"object_marking_refs": [{"a": 1}]},
        {"object_marking_refs": [None]},
        {"object_marking_refs": [5]},
        {"object_marking_refs": "marking-definition--5e57c739-391a-4eb3-b6be"},
        {"object_marking_refs": ["TLP:RED"]},
        {"object_marking_refs": ["x-acme--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"]},
        {"granular_markings": "red"},
        {"granular_markings": [5]},
        {"granular_markings": [{"marking_ref": 5, "selectors": ["value"]}]},
    ],
)
def test_nobody_knows_for_whom_it_is(
    read: Reads, bad: dict[str, Any], strict: bool
) -> None:
    found = read([{**ADDRESS, **bad}, OTHER], strict=strict)
    assert found.objects == [OTHER] and "marking" in found.reasons


@pytest.mark.parametrize(
    ("theirs", "level", "ours"),
    [
        ("94868c89-83c2-464b-929b-a1a8aa3c8487", "clear", "613f2e26-407d-48c7-9eca"),
        ("bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "green", "34098fce-860f-48ae-8e50"),
        ("55d920b0-5e8b-4f79-9ee9-91f868d9b421", "amber", "f88d31f6-486f-44da-b317"),
        (
            "939a9414-2ddd-4d32-a0cd-375ea402b003",
            "amber+strict",
            "826578e1-40ad-459f-bc73",
        ),
        ("e828b379-4e03-4974-9ac4-e53a884c97c1", "red", "5e57c739-391a-4eb3-b6be"),
    ],
)
def test_tlp_2_becomes_what_the_platform_has_for_it(
    read: Reads, theirs: str, level: str, ours: str
) -> None:
    tlp = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{theirs}",
        "created": TIME,
        "name": f"TLP:{level.upper()}",
        "extensions": {"extension-definition--60a3c5c5": {"tlp_2_0": level}},
    }
    partly = [{"marking_ref": tlp["id"], "selectors": ["value"]}]
    objects = [marked(tlp["id"]), {**OTHER, "granular_markings": partly}]
    for given in (objects, [*objects, tlp, report(tlp["id"])]):
        found = read(given, missing_references="drop")
        assert len(found.objects) == len(given) and not found.report.made
        refs = {ref for one in found.objects[:2] for ref in one["object_marking_refs"]}
        (own,) = refs
        assert own.startswith(f"marking-definition--{ours}")
        assert theirs not in json.dumps(found.objects)
    assert found.objects[2] == {**tlp, "id": own}


def sdo(kind: str, number: int = 1, **properties: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--00000000-0000-4000-8000-{number:012d}",
        "created": TIME,
        "modified": TIME,
        **properties,
    }


def report(*refs: str) -> dict[str, Any]:
    return sdo("report", name="Herons", published=TIME, object_refs=[*refs])


def test_references_to_what_is_invalid_are_removed_and_told(read: Reads) -> None:
    bad = sdo("malware", is_family="yes")
    tool = sdo("tool", name="net", created_by_ref=sdo("identity")["id"])
    link = sdo(
        "relationship",
        relationship_type="uses",
        source_ref=bad["id"],
        target_ref=tool["id"],
    )
    held = report(bad["id"], tool["id"], link["id"])
    found = read([held, sdo("identity"), link, bad, tool])
    assert [one["type"] for one in found.objects] == ["report", "tool"]
    assert found.objects[0]["object_refs"] == [tool["id"]]
    assert "created_by_ref" not in found.objects[1]
    assert not found.report.missing
    words = " ".join(found.report.sentences())
    assert "References removed, as they lead to invalid objects: 2 (" in words
    assert found.report.left_out == {("relationship", "about what is invalid"): 1}


def test_sightings_without_a_place(read: Reads) -> None:
    tool = sdo("tool", name="net")
    seen = sdo("sighting", sighting_of_ref=tool["id"])
    found = read([tool, seen, report(tool["id"], seen["id"])])
    assert found.objects == [tool, report(tool["id"])]
    ((reason, _),) = found.report.left_out_reasons()
    assert reason.startswith("sightings without a place (where_sighted_refs)")


def test_dictionaries_with_keys_of_their_own(read: Reads) -> None:
    process = {
        "type": "process",
        "id": "process--00000000-0000-4000-8000-000000000001",
        "pid": 4,
        "environment_variables": {"git_ref": "main", "some_refs": 5},
        "x_acme_ref": "ABC-123",
    }
    assert read([process]).objects == [process]


@pytest.mark.parametrize(
    "order",
    [
        {"opencti_operation": "delete"},
        {"extensions": {"extension-definition--1": {"opencti_operation": "merge"}}},
        {"type": "user", "id": "user--00000000-0000-4000-8000-000000000001"},
        {"type": "settings", "id": "settings--00000000-0000-4000-8000-000000000001"},
    ],
)
def test_a_file_gives_no_orders(read: Reads, order: dict[str, Any]) -> None:
    assert [one["id"] for one in read([{**ADDRESS, **order}, OTHER]).objects] == [
        OTHER["id"]
    ]


def test_lenient(read: Reads) -> None:
    undated = sdo("campaign", name="Undated")
    del undated["created"], undated["modified"]
    assert read([undated]).reasons == "created is missing; modified is missing"
    lenient = read([undated], strict=False)
    assert lenient.objects == [undated]
    assert lenient.report.tolerated.total() == 2


@pytest.mark.parametrize(
    ("pattern", "strange"),
    [
        ("[ipv4addr:value = '198.51.100.3']", "ipv4addr"),
        ("[file:name = 'a' AND (win-registry-key:key = 'k')]", "win-registry-key"),
        ("[x-own:value = 'a' OR ipv4-addr:value = 'b']", None),
        ("[malware:name = 'a']", "malware"),
        ("[EXISTS filexx:name]", "filexx"),
        ("[EXISTS file:name]", None),
        ("[file:name = 'it AND that: \\' OR what:ever']", None),
    ],
)
def test_types_in_patterns_that_nobody_has(
    read: Reads, pattern: str, strange: str | None
) -> None:
    indicator = sdo("indicator", valid_from=TIME, pattern_type="stix", pattern=pattern)
    found = read([indicator])
    assert found.objects == [indicator]
    assert bool(found.report.remarked) is bool(strange)


def test_a_type_of_somebodys_own_in_a_pattern_of_20(read: Reads) -> None:
    pattern = "[x-foo:value = 'a' OR x-example-com-foo:value = 'b']"
    indicator = sdo("indicator", valid_from=TIME, labels=["x"], pattern=pattern)
    del indicator["spec_version"]
    found = read([indicator])
    assert len(found.objects) == 1
    ((_, remark),) = found.report.remarked
    assert remark == "pattern looks for x-foo, which does not tell whose type it is"


@pytest.mark.parametrize(
    "tag", "en en-US DE deu ger gem zh-Hant-TW sr-Latn qaa x-ours i-klingon".split()
)
def test_languages_that_there_are(read: Reads, tag: str) -> None:
    found = read([{**ADDRESS, "lang": tag}])
    assert found.objects and not found.report.remarked


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("key", "tag", "stix"),
    [
        ("lang", "foo", {**ADDRESS, "lang": "foo"}),
        ("lang", "xx-US", {**ADDRESS, "lang": "xx-US"}),
        ("languages", "bbb", {**PROGRAM, "languages": ["eng", "bbb"]}),
        (
            "granular_markings",
            "qz",
            {**ADDRESS, "granular_markings": [{"lang": "qz", "selectors": ["value"]}]},
        ),
    ],
)
def test_languages_that_nobody_has_are_remarked_on(
    read: Reads, key: str, tag: str, stix: dict[str, Any], strict: bool
) -> None:
    found = read([stix], strict=strict)
    assert found.objects and not found.set_aside
    # It is no fault, and can be read in the work.
    assert "Unusual, imported as it is: 1" in "".join(found.report.sentences())
    assert not found.report.tolerated
    ((_, remark),) = found.report.remarked
    assert remark == f"{key} has {tag}, which ISO 639-1 and 639-2 do not have"


@pytest.mark.parametrize(
    "stix",
    [
        {**ADDRESS, "lang": "english"},
        {**PROGRAM, "languages": "en"},
        {**PROGRAM, "languages": [1]},
    ],
)
def test_what_has_not_the_form_of_a_language(read: Reads, stix: dict[str, Any]) -> None:
    assert read([stix]).reasons in (
        "lang is no language",
        "languages is no list of languages",
    )
    lenient = read([stix], strict=False)
    assert lenient.objects and lenient.report.tolerated.total() == 1
