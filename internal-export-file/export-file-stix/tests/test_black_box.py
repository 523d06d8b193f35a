"""The connector as a process, asked for files by a platform, over HTTP and through a broker."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stix2
from pycti import OpenCTIApiClient
from stix2validator import ValidationOptions, validate_parsed_json

from connectors_sdk.bundles import references_of
from opencti_testbed.export_trial import Exported, ExportTrial
from opencti_testbed.fixtures import over_http
from opencti_testbed.process import TestbedProcess

CONNECTOR = Path(__file__).resolve().parents[1]
STIX = "application/json"
MALWARE = {"entity_type": "Malware", "orderBy": "name", "orderMode": "asc"}
EXTENSION = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"
FORMULA = '=HYPERLINK("http://evil.example")'
Exporter = Callable[..., ExportTrial]


def objects(file: Exported) -> list[dict[str, Any]]:
    """Return the objects of a file that is what it should be: a valid bundle, closed, each object once."""
    assert not file.complaints, file.complaints
    bundle = json.loads(file.content or b"")
    assert bundle["type"] == "bundle" and set(bundle) == {"type", "id", "objects"}
    found: list[dict[str, Any]] = bundle["objects"]
    ids = [one["id"] for one in found]
    assert len(ids) == len(set(ids))
    for one in found:
        missing = {*references_of(one)} - {*ids}
        assert not missing, (one["id"], missing)
    stix2.parse(bundle, allow_custom=True)
    # The platform has its own vocabularies.
    options = ValidationOptions(version="2.1", disabled=["all"])
    result = validate_parsed_json(bundle, options)
    assert result.is_valid, [str(error) for error in result.errors]
    return found


def own_id(stix: dict[str, Any]) -> str | None:
    """Return the platform's own id of an object."""
    found: str | None = stix.get("extensions", {}).get(EXTENSION, {}).get("id")
    return found


def names(found: list[dict[str, Any]], kind: str = "malware") -> set[str]:
    return {one["name"] for one in found if one["type"] == kind}


def test_single_selection_and_query(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    ids = {one.get("name"): one["id"] for one in platform.objects()}
    with exporter() as trial:
        listed = trial.export(STIX, **MALWARE)
        found = objects(listed)
        assert names(found) == {FORMULA, "Paper Lantern", "Red Lantern"}
        # The author and the markings of what is listed, and nothing else.
        assert names(found, "identity") == {"Lantern Ridge Institute"}
        assert names(found, "marking-definition") == {"TLP:GREEN", "TLP:RED"}
        assert not names(found, "report")
        assert listed.mime_type == STIX
        assert listed.name.endswith("_Malware_simple.json")
        one = next(one for one in found if one.get("name") == FORMULA)
        assert one["id"] == ids[FORMULA]
        assert one["kill_chain_phases"] == [
            {"kill_chain_name": "mitre-attack", "phase_name": "execution"}
        ]
        single = objects(trial.export(STIX, entity_id=ids["Red Lantern"]))
        assert names(single) == {"Red Lantern"}
        chosen = [own_id(one) for one in found if one["type"] == "malware"][:2]
        some = objects(trial.export(STIX, selected=chosen, entity_type="Malware"))
        assert {own_id(o) for o in some if o["type"] == "malware"} == {*chosen}
        report = objects(trial.export(STIX, entity_id=ids["Lanterns at night"]))
        assert names(report) == {"Paper Lantern", "Red Lantern"}
        empty = trial.export(STIX, entity_type="Malware", search="nothing like it")
        assert "objects" not in json.loads(empty.content or b"")


@over_http
@pytest.mark.parametrize("extension", [False, True], ids=["custom", "extension"])
def test_everything_can_be_imported_elsewhere(
    exporter: Exporter, platform: TestbedProcess, extension: bool
) -> None:
    with exporter(EXPORT_FILE_STIX_EXTENSION=str(extension)) as trial:
        entities = objects(trial.export(STIX, full=True))
    assert entities
    for one in entities:
        custom = any(key.startswith("x_opencti_") for key in one)
        assert custom != extension or one["type"] == "marking-definition"
        assert (EXTENSION in one.get("extensions", {})) is (
            extension and one["type"] != "marking-definition"
        )
    with TestbedProcess() as other:
        other.push(entities)
        other.wait_idle()
        assert not other.errors()
        there, here = _known(other), _known(platform)
    assert there.keys() == here.keys()
    for stix_id, stix in here.items():
        assert there[stix_id] == stix


def _known(platform: TestbedProcess) -> dict[str, dict[str, Any]]:
    own = {"modified", "x_opencti_stix_ids"}
    return {
        one["id"]: {
            key: sorted(value) if key.endswith("_refs") or key == "labels" else value
            for key, value in one.items()
            if key not in own and value is not False
        }
        for one in platform.objects()
        if one["type"] not in ("marking-definition", "label")
    }


@over_http
def test_full_brings_what_is_around(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    ids = {one.get("name"): one["id"] for one in platform.objects()}
    with exporter() as trial:
        simple = objects(trial.export(STIX, entity_id=ids["Paper Lantern"]))
        assert [one["type"] for one in simple] == ["malware"]
        full = objects(trial.export(STIX, entity_id=ids["Paper Lantern"], full=True))
    assert {one["type"] for one in full} >= {"malware", "file", "relationship"}


@over_http
@pytest.mark.parametrize("kind", ["report", "note", "grouping"])
def test_a_container_of_which_nothing_may_be_seen_is_left_out(
    exporter: Exporter, platform: TestbedProcess, kind: str
) -> None:
    red = next(o for o in platform.objects() if o.get("name") == "Red Lantern")
    words = {"name": "About red", "content": "About red", "context": "unspecified"}
    moment = {"published": "2026-01-01T00:00:00Z", "authors": ["A"]}
    about = {"type": kind, "id": f"{kind}--2f6a6a5e-1f53-5c1c-9a5d-0000000000aa"}
    empty = {**about, "object_refs": [red["id"]], **words, **moment}
    platform.push([empty])
    platform.wait_idle()
    with exporter() as trial:
        seen = trial.export(STIX, entity_type=kind.title())
        assert "About red" in str(objects(seen))
        hidden = trial.export(STIX, most="TLP:GREEN", entity_type=kind.title())
    assert b"About red" not in (hidden.content or b"About red")
    assert "1 without what STIX wants them to have" in hidden.messages[-1]


@over_http
def test_what_is_nothing_without_its_references_is_left_out(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    red = next(o for o in platform.objects() if o.get("name") == "Red Lantern")
    own = "2f6a6a5e-1f53-5c1c-9a5d-0000000000"
    moment = "2026-01-01T00:00:00Z"
    address = {
        "type": "ipv4-addr",
        "id": f"ipv4-addr--{own}e1",
        "value": "198.51.100.7",
        "object_marking_refs": red["object_marking_refs"],
    }
    traffic = {
        "type": "network-traffic",
        "id": f"network-traffic--{own}e2",
        "src_ref": address["id"],
        "src_port": 4711,
        "protocols": ["tcp"],
    }
    observation = {
        "type": "observed-data",
        "id": f"observed-data--{own}e3",
        "first_observed": moment,
        "last_observed": moment,
        "number_observed": 1,
        "object_refs": [address["id"]],
    }
    report = {
        "type": "report",
        "id": f"report--{own}e4",
        "name": "Without anything",
        "published": moment,
        "object_refs": [],
    }
    platform.push([address, traffic, observation, report])
    platform.wait_idle()
    kinds = ("Observed-Data", "Network-Traffic")
    with exporter() as trial:
        for kind in kinds:
            assert len(objects(trial.export(STIX, entity_type=kind))) > 1
            file = trial.export(STIX, most="TLP:GREEN", entity_type=kind)
            assert "objects" not in json.loads(file.content or b"")
            assert "1 without what STIX wants them to have" in file.messages[-1]
        (there,) = (
            o["id"] for o in platform.objects() if o.get("name") == "Without anything"
        )
        alone = trial.export(STIX, entity_id=there)
    assert "refers to nothing that may be seen" in alone.complaints[0]


@over_http
def test_an_artifact_brings_its_content(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    content = b"MZ not really"
    api = OpenCTIApiClient(platform.url, platform.token, log_level="error")
    upload = api.stix_cyber_observable.upload_artifact
    for name, size in (("a.bin", 1), ("big.bin", 1_000_000)):
        upload(
            file_name=name,
            data=content * size,
            mime_type="application/octet-stream",
            x_opencti_description=name,
        )
    with exporter() as trial:
        file = trial.export(STIX, entity_type="Artifact")
    (one,) = objects(file)
    assert base64.b64decode(one["payload_bin"]) == content
    assert one["hashes"]["MD5"] == hashlib.md5(content).hexdigest()
    # Of the other only the hashes could be told, and STIX does not take it so.
    assert "1 without what STIX wants them to have" in file.messages[-1]


@over_http
def test_types_that_stix_does_not_have(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    def made(kind: str, number: int, **more: Any) -> dict[str, Any]:
        stix_id = f"{kind}--2f6a6a5e-1f53-5c1c-9a5d-0000000000f{number}"
        return {"type": kind, "id": stix_id, **more}

    technique = made("attack-pattern", 3, name="A technique")
    held = {"object_refs": [technique["id"]], "created": "2026-01-01T00:00:00Z"}
    case = made("x-opencti-case-incident", 1, name="A case", **held)
    component = made("x-mitre-data-component", 2, name="A component")
    detects = made(
        "relationship",
        4,
        relationship_type="detects",
        source_ref=component["id"],
        target_ref=technique["id"],
    )
    note = made("note", 5, content="On a case", object_refs=[case["id"]])
    platform.push([case, component, technique, detects, note])
    platform.wait_idle()
    assert not platform.errors()
    with exporter() as trial:
        everything = objects(trial.export(STIX, full=True))
        notes = objects(trial.export(STIX, entity_type="Note"))
        one = trial.export(STIX, entity_type="Attack-Pattern", full=True)
        around = objects(one)
    assert {o["type"] for o in everything} >= {
        "x-opencti-case-incident",
        "x-mitre-data-component",
        "note",
    }
    assert {o["type"] for o in notes} >= {"note", "x-opencti-case-incident"}
    assert "x-mitre-data-component" in {o["type"] for o in around}


@over_http
def test_nothing_refers_to_what_is_left_out(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    ids = {one.get("name"): one["id"] for one in platform.objects()}

    def made(kind: str, number: int, *about: str, **more: Any) -> dict[str, Any]:
        stix_id = f"{kind}--2f6a6a5e-1f53-5c1c-9a5d-0000000000c{number}"
        return {"type": kind, "id": stix_id, "object_refs": [*about], **more}

    moment = "2026-01-01T00:00:00Z"
    red = made("report", 1, ids["Red Lantern"], name="On red", published=moment)
    lost = made("note", 2, red["id"], content="Only about what is left out")
    both = made("note", 3, red["id"], ids["Paper Lantern"], content="About both")
    last = made("grouping", 4, lost["id"], name="Of the lost", context="unspecified")
    platform.push([red, lost, both, last])
    platform.wait_idle()
    words = {"On red", lost["content"], both["content"], "Of the lost"}

    def told(file: Exported) -> set[str]:
        return {o.get("content", o.get("name", "")) for o in objects(file)}

    with exporter() as trial:
        everything = trial.export(STIX, full=True)
        assert words & told(everything) == words
        file = trial.export(STIX, most="TLP:GREEN", full=True)
    assert words & told(file) == {"About both"}
    (kept,) = (one for one in objects(file) if one["type"] == "note")
    assert kept["object_refs"] == [ids["Paper Lantern"]]
    assert "3 without what STIX wants them to have" in file.messages[-1]


@over_http
def test_an_author_that_is_listed_is_as_whole_as_the_others(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    author = next(o for o in platform.objects() if o["type"] == "identity")
    stix_id = "identity--2f6a6a5e-1f53-5c1c-9a5d-0000000000d1"
    (green,) = next(
        o["object_marking_refs"] for o in platform.objects() if o.get("name") == FORMULA
    )
    platform.push(
        [
            {**author, "object_marking_refs": [green], "confidence": 77},
            {
                "type": "identity",
                "id": stix_id,
                "name": "A branch",
                "identity_class": "organization",
                "created_by_ref": author["id"],
            },
        ]
    )
    platform.wait_idle()
    with exporter() as trial:
        listed = objects(trial.export(STIX, entity_type="Organization"))
        malware = objects(trial.export(STIX, **MALWARE))
    for found in (listed, malware):
        (one,) = (o for o in found if o["id"] == author["id"])
        assert one["object_marking_refs"] == [green]
        assert one["confidence"] == 77


@over_http
def test_relationships_can_be_chosen(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    known = {one.get("name", one["type"]): one for one in platform.objects()}
    with exporter() as trial:
        file = trial.export(STIX, entity_id=known["relationship"]["id"])
        single = objects(file)
        (relation,) = (one for one in single if one["type"] == "relationship")
        # A file is closed: what it joins is there as well.
        assert names(single) == {"Paper Lantern"}
        listed = objects(trial.export(STIX, entity_type="Malware"))
        ids = {one.get("name"): own_id(one) for one in listed}
        chosen = [ids["Paper Lantern"], own_id(relation)]
        file = trial.export(STIX, selected=chosen)
    assert {own_id(one) for one in objects(file)} >= {*chosen}
    assert "Left out" not in file.messages[-1]


@over_http
def test_without_the_platforms_own_properties(exporter: Exporter) -> None:
    with exporter(EXPORT_FILE_STIX_CUSTOM_PROPERTIES="false") as trial:
        file = trial.export(STIX, full=True)
    assert objects(file)
    assert b"x_opencti_" not in (file.content or b"")
    assert b"extensions" not in (file.content or b"")


def _made(kind: str, number: int, **more: Any) -> dict[str, Any]:
    stix_id = f"{kind}--2f6a6a5e-1f53-5c1c-9a5d-0000000e{number:04d}"
    return {"type": kind, "id": stix_id, **more}


@over_http
def test_all_markings_are_those_of_stix_and_the_same_elsewhere(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    pap = _made(
        "marking-definition",
        1,
        x_opencti_definition_type="PAP",
        x_opencti_definition="PAP:RED",
        definition_type="statement",
        definition={"statement": "PAP:RED"},
    )
    platform.push([pap])
    platform.wait_idle()
    marks = [one["id"] for one in platform.objects("Marking-Definition")]
    assert len(marks) == 6
    platform.push(
        [
            _made("tool", number, name=f"T{number}", object_marking_refs=[mark])
            for number, mark in enumerate(marks)
        ]
    )
    platform.wait_idle()
    with exporter() as trial:
        found = objects(trial.export(STIX, entity_type="Tool"))
    assert names(found, "marking-definition") == {
        *("TLP:WHITE", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"),
        "PAP:RED",
    }
    with TestbedProcess() as other:
        other.push(found)
        other.wait_idle()
        assert not other.errors()
        there, here = (
            {
                one["id"]: [
                    one.get(key)
                    for key in ("definition", "definition_type", "object_marking_refs")
                ]
                for kind in ("Tool", "Marking-Definition")
                for one in testbed.objects(kind)
            }
            for testbed in (other, platform)
        )
    assert there == here


@over_http
@pytest.mark.parametrize("custom", [True, False])
def test_strict_readers_take_what_stix_has(
    exporter: Exporter, platform: TestbedProcess, custom: bool
) -> None:
    file = _made("file", 1, hashes={"MD5": "d41d8cd98f00b204e9800998ecf8427e"})
    sample = _made(
        "malware", 2, name="Sampled", is_family=False, sample_refs=[file["id"]]
    )
    group = _made("threat-actor", 3, name="Actor")
    when = {"created": "2026-01-01T00:00:00Z"}
    loud = {"severity": "high", "incident_type": "alert", **when}
    incident = _made("incident", 4, name="Alarm", **loud)
    case = _made("x-opencti-case-incident", 5, name="Case", severity="low", **when)
    platform.push([file, sample, group, incident, case])
    platform.wait_idle()
    assert not platform.errors()
    with exporter(EXPORT_FILE_STIX_CUSTOM_PROPERTIES=str(custom)) as trial:
        found = objects(trial.export(STIX, full=True))
    told = {one.get("name"): one for one in found}
    assert told["Sampled"]["sample_refs"]
    severity = [
        told[name].get("extensions", {}).get(EXTENSION, {}).get("severity")
        for name in ("Alarm", "Case")
    ]
    assert severity == (["high", "low"] if custom else [None, None])
    assert told["Alarm"].get("incident_type") == ("alert" if custom else None)
    for one in found:
        if not custom and one["type"] in ("incident", "malware", "threat-actor"):
            stix2.parse(one, allow_custom=False)


@over_http
def test_a_city_is_in_a_country_and_an_archive_holds_what_is_there(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    paris = _made("location", 1, name="Paris", city="Paris")
    nowhere = _made("location", 2, name="Nowhere", city="Nowhere")
    country = _made("location", 3, name="France", country="France")
    for one, kind in ((paris, "City"), (nowhere, "City"), (country, "Country")):
        one["x_opencti_location_type"] = kind
    where = {"source_ref": paris["id"], "target_ref": country["id"]}
    located = _made("relationship", 4, relationship_type="located-at", **where)
    holds = {"contains_refs": ["file--2f6a6a5e-1f53-5c1c-9a5d-0000000e0009"]}
    archive = _made("file", 5, name="a.zip", extensions={"archive-ext": holds})
    platform.push([paris, nowhere, country, located, archive])
    platform.wait_idle()
    with exporter() as trial:
        file = trial.export(STIX, selected=[], entity_type="City")
        archives = objects(trial.export(STIX, entity_type="StixFile"))
    cities = json.loads(file.content or b"")["objects"]
    assert {one["name"]: one.get("country") for one in cities} == {
        "Paris": "France",
        "Nowhere": None,
    }
    assert "of which STIX wants one: 1." in file.messages[-1]
    assert "a.zip" in names(archives, "file")
    assert "archive-ext" not in str(archives)
