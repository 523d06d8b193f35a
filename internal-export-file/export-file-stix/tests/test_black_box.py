"""The connector as a process, asked for files by a platform, over HTTP and through a broker."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stix2validator import ValidationOptions, validate_parsed_json

from opencti_testbed.export_trial import Exported, ExportTrial
from opencti_testbed.fixtures import over_a_broker, over_http
from opencti_testbed.process import TestbedProcess
from opencti_testbed.trial import Trial

CONNECTOR = Path(__file__).resolve().parents[1]
STIX = "application/json"
MALWARE = {"entity_type": "Malware", "orderBy": "name", "orderMode": "asc"}
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
        for key, value in one.items():
            if key.endswith(("_ref", "_refs")):
                missing = {*(value if isinstance(value, list) else [value])} - {*ids}
                assert not missing, (one["id"], key, missing)
    # The platform has its own properties and vocabularies.
    options = ValidationOptions(version="2.1", disabled=["all"])
    result = validate_parsed_json(bundle, options)
    assert result.is_valid, [str(error) for error in result.errors]
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
        chosen = [one["x_opencti_id"] for one in found if one["type"] == "malware"][:2]
        some = objects(trial.export(STIX, selected=chosen, entity_type="Malware"))
        assert {o["x_opencti_id"] for o in some if o["type"] == "malware"} == {*chosen}
        report = objects(trial.export(STIX, entity_id=ids["Lanterns at night"]))
        assert names(report) == {"Paper Lantern", "Red Lantern"}
        empty = trial.export(STIX, entity_type="Malware", search="nothing like it")
        assert "objects" not in json.loads(empty.content or b"")


@over_http
def test_everything_can_be_imported_elsewhere(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    with exporter() as trial:
        entities = objects(trial.export(STIX, full=True))
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
def test_what_is_above_the_limit_stays_out(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    ids = {one.get("name"): one["id"] for one in platform.objects()}
    with exporter() as trial:
        for wanted in (
            MALWARE,
            {"entity_id": ids["Lanterns at night"], "full": True},
            {"entity_id": ids["Lanterns at night"]},
        ):
            file = trial.export(STIX, most="TLP:GREEN", **wanted)
            assert "Paper Lantern" in names(objects(file))
            content = file.content or b""
            assert b"Red Lantern" not in content
            assert ids["Red Lantern"].encode() not in content
            assert file.markings == ["TLP:GREEN"]
        refused = trial.export(STIX, most="TLP:GREEN", entity_id=ids["Red Lantern"])
        assert "nothing to export" in refused.complaints[0]
        assert refused.content is None


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
    assert "1 without what they refer to" in hidden.messages[-1]


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
        ids = {one.get("name"): one.get("x_opencti_id") for one in listed}
        chosen = [ids["Paper Lantern"], relation["x_opencti_id"]]
        file = trial.export(STIX, selected=chosen)
    assert {one.get("x_opencti_id") for one in objects(file)} >= {*chosen}
    assert "Left out" not in file.messages[-1]


@over_http
def test_without_the_platforms_own_properties(exporter: Exporter) -> None:
    with exporter(EXPORT_FILE_STIX_CUSTOM_PROPERTIES="false") as trial:
        file = trial.export(STIX, full=True)
    assert objects(file)
    assert b"x_opencti_" not in (file.content or b"")


@over_a_broker
def test_killed_half_way_the_file_is_made_by_the_next_life(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    with exporter(CONNECTOR_EXPORT_PAGE_SIZE="1") as trial:
        platform.order_fault("delay", seconds=0.5)
        asked = trial.ask(STIX, **MALWARE)
        platform.wait_for(lambda _: platform.works()[0]["messages"])
        assert platform.works()[0]["status"] != "complete"
        trial.process.kill()
        trial.process.wait()
        platform.lift_faults()
        trial.start()
        found = objects(trial.fetch(asked))
    assert len(names(found)) == 3


@over_http
@pytest.mark.parametrize(
    "fault",
    [
        {"action": "status", "status": 503, "times": 3},
        {"action": "drop", "times": 2},
    ],
    ids=["503", "dropped"],
)
def test_a_platform_in_trouble_loses_nothing(
    exporter: Exporter, platform: TestbedProcess, fault: dict[str, Any]
) -> None:
    with exporter(CONNECTOR_EXPORT_PAGE_SIZE="1") as trial:
        asked = trial.ask(STIX, **MALWARE)
        platform.order_fault(**fault)
        assert len(names(objects(trial.fetch(asked)))) == 3


@over_http
def test_wrong_settings_are_told_without_secrets(
    platform: TestbedProcess, tmp_path: Path
) -> None:
    trial = Trial(CONNECTOR, platform, tmp_path)
    done = trial.run(
        EXPORT_FILE_STIX_CUSTOM_PROPERTIES="maybe", OPENCTI_TOKEN="canary-token"
    )
    assert done.returncode == 2
    output = done.stdout + done.stderr
    assert "EXPORT_FILE_STIX_CUSTOM_PROPERTIES" in output
    assert "canary" not in output and "Traceback" not in output


@over_http
def test_it_describes_itself(platform: TestbedProcess, tmp_path: Path) -> None:
    done = Trial(CONNECTOR, platform, tmp_path).run("describe", "--json")
    described = json.loads(done.stdout)
    assert described["type"] == "INTERNAL_EXPORT_FILE"
    assert STIX in described["scope"]
