"""Who is the same as whom, what wins, what follows what: the rules of ingestion, over the wire."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from opencti_testbed.process import TestbedProcess
from opencti_testbed.store import Store
from opencti_testbed.store.events import Event

AMBER = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
NAMESPACE = uuid.UUID("0a0f7b0e-6d3e-4f4e-9c55-7c7f7e0d4c11")


def stix(stix_type: str, key: str, **more: Any) -> dict[str, Any]:
    return {
        "type": stix_type,
        "spec_version": "2.1",
        "id": f"{stix_type}--{uuid.uuid5(NAMESPACE, key)}",
        **more,
    }


@pytest.fixture(name="client", scope="module")
def fixture_client(make: Any) -> Iterator[Any]:
    """One platform for all: each test uses names of its own."""
    with TestbedProcess() as platform:
        yield make.client(platform, "Rules")


def stored(client: Any, entity_type: str, **wanted: Any) -> list[dict[str, Any]]:
    return [
        one
        for one in client.platform.objects(entity_type)
        if all(one.get(key) == value for key, value in wanted.items())
    ]


def test_another_name_of_the_same_thing_becomes_its_alias(client: Any) -> None:
    client.push([stix("intrusion-set", "a", name="Bear", aliases=["APT 0"])])
    client.push([stix("intrusion-set", "b", name="apt 0", aliases=["Ursa", "BEAR"])])
    client.push([stix("intrusion-set", "c", name="Ursa", description="found")])
    found = [
        one for one in client.platform.objects("Intrusion-Set") if one["name"] == "Bear"
    ]
    (bear,) = found
    assert bear["aliases"] == ["APT 0", "Ursa"]
    assert bear["description"] == "found"
    assert len(bear["x_opencti_stix_ids"]) == 3
    assert not stored(client, "Intrusion-Set", name="Ursa")


def test_equal_names_of_different_types_stay_apart(client: Any) -> None:
    client.push([stix("malware", "n", name="Same", is_family=True)])
    client.push([stix("tool", "n", name="Same", aliases=["Other"])])
    assert stored(client, "Malware", name="Same") and stored(
        client, "Tool", name="Same"
    )


def test_files_that_share_a_hash_are_one(client: Any) -> None:
    md5, sha = "a" * 32, "b" * 64
    client.push([stix("file", "1", hashes={"MD5": md5, "SHA-256": sha})])
    client.push([stix("file", "2", hashes={"SHA-256": sha}, name="x.exe")])
    (one,) = [f for f in stored(client, "StixFile") if f["hashes"].get("MD5") == md5]
    assert one["name"] == "x.exe" and one["hashes"]["SHA-256"] == sha


def test_confidence_decides_who_may_replace(client: Any) -> None:
    first, second = (
        stix("identity", name, name=name, identity_class="organization")
        for name in ("First author", "Second author")
    )

    def send(description: str, confidence: int, author: dict[str, Any]) -> Any:
        client.push(
            [
                author,
                stix(
                    "campaign",
                    "conf",
                    name="Conf",
                    description=description,
                    confidence=confidence,
                    created_by_ref=author["id"],
                ),
            ]
        )
        (found,) = stored(client, "Campaign", name="Conf")
        (author_id,) = (
            one["name"]
            for one in client.platform.objects("Organization")
            if one["id"] == found["created_by_ref"]
        )
        return found["description"], found["confidence"], author_id

    assert send("one", 50, first) == ("one", 50, "First author")
    assert send("weaker", 40, second) == ("one", 50, "First author")
    assert send("equal", 50, second) == ("equal", 50, "First author")
    assert send("surer", 60, second) == ("surer", 60, "Second author")


@pytest.mark.parametrize("score", [101, -1, "high", True])
def test_scores_out_of_range_are_refused(client: Any, score: Any) -> None:
    name = f"score {score}.example"
    client.push([stix("domain-name", name, value=name, x_opencti_score=score)])
    assert not stored(client, "Domain-Name", value=name)
    assert any("from 0 to 100" in one["message"] for one in client.platform.errors())


def test_an_indicator_gets_what_it_needs_and_makes_its_observables(client: Any) -> None:
    digest = "abc0" * 16
    pattern = (
        f"[ipv4-addr:value = '198.51.100.7'] AND [file:hashes.'SHA-256' = '{digest}']"
    )
    client.push(
        [
            stix(
                "indicator",
                "obs",
                name="i",
                pattern=pattern,
                pattern_type="stix",
                valid_from="2024-01-01T00:00:00Z",
                object_marking_refs=[AMBER],
                x_opencti_create_observables=True,
            )
        ]
    )
    (indicator,) = stored(client, "Indicator", pattern=pattern)
    assert indicator["x_opencti_score"] == 50
    assert indicator["x_opencti_main_observable_type"] == "IPv4-Addr"
    assert "x_opencti_create_observables" not in indicator
    (ip,) = stored(client, "IPv4-Addr", value="198.51.100.7")
    (file,) = stored(client, "StixFile", hashes={"SHA-256": digest})
    assert ip["object_marking_refs"] == file["object_marking_refs"] == [AMBER]
    based = stored(client, "based-on", source_ref=indicator["id"])
    assert {one["target_ref"] for one in based} == {ip["id"], file["id"]}


def test_only_observables_are_the_observables_of_an_indicator(client: Any) -> None:
    name, moment = "based.example", "2024-01-01T00:00:00Z"
    domain = stix("domain-name", name, value=name)
    seen = stix(
        "observed-data",
        name,
        first_observed=moment,
        last_observed=moment,
        number_observed=1,
        object_refs=[domain["id"]],
    )
    indicator = stix(
        "indicator",
        name,
        name=name,
        pattern=f"[domain-name:value = '{name}']",
        pattern_type="stix",
        valid_from=moment,
    )
    based = [
        stix(
            "relationship",
            f"{name} {one['type']}",
            relationship_type="based-on",
            source_ref=indicator["id"],
            target_ref=one["id"],
        )
        for one in (domain, seen)
    ]
    client.push([domain, seen, indicator, *based])
    (there,) = stored(client, "Indicator", name=name)
    assert len(stored(client, "based-on", source_ref=there["id"])) == 2
    read = client.api.indicator.read(id=there["id"])
    indicator_id = read["id"]
    assert [one["observable_value"] for one in read["observables"]] == [name]
    (held,) = stored(client, "Domain-Name", value=name)
    read = client.api.stix_cyber_observable.read(id=held["id"])
    assert read["indicatorsIds"] == [indicator_id]


def test_an_observable_makes_its_indicator(client: Any) -> None:
    client.push(
        [
            stix(
                "url",
                "ind",
                value="https://it's.example/",
                x_opencti_score=80,
                x_opencti_create_indicator=True,
            )
        ]
    )
    (indicator,) = stored(client, "Indicator", name="https://it's.example/")
    assert indicator["pattern"] == "[url:value = 'https://it\\'s.example/']"
    assert indicator["x_opencti_score"] == 80
    # Sent again without the wish, nothing more is made.
    (read,) = client.api.indicator.list(
        filters={
            "mode": "and",
            "filters": [{"key": "name", "values": [indicator["name"]]}],
            "filterGroups": [],
        }
    )
    assert read["observables"][0]["observable_value"] == "https://it's.example/"
    assert read["x_opencti_observable_values"][0]["value"] == "https://it's.example/"


def test_what_is_missing_is_awaited(client: Any) -> None:
    late = stix("malware", "late", name="Late", is_family=True)
    early = stix("report", "early", name="Early", published="2024-01-01T00:00:00Z")
    early["object_refs"] = [late["id"]]
    work = client.api.work.initiate_work(client.helper.connect_id, "early")
    bundle = {"type": "bundle", "id": "bundle--1", "objects": [early]}
    client.helper.send_stix2_bundle(json.dumps(bundle), work_id=work, no_split=True)
    client.push([late])
    (report,) = stored(client, "Report", name="Early")
    (malware,) = stored(client, "Malware", name="Late")
    assert report["object_refs"] == [malware["id"]]
    assert client.api.work.get_work(work)["status"] == "complete"
    assert client.api.work.get_work(work)["errors"] == []


def test_what_never_comes_is_rejected_with_its_id_in_the_work(client: Any) -> None:
    ghost = f"malware--{uuid.uuid5(NAMESPACE, 'ghost')}"
    work = client.push(
        [
            stix("note", "lonely", content="lonely", object_refs=[ghost]),
            stix("tool", "company", name="Company"),
        ]
    )
    read = client.api.work.get_work(work)
    assert read["status"] == "complete"
    assert read["tracking"]["import_processed_number"] == 2
    (error,) = read["errors"]
    assert ghost in error["message"] and "note--" in error["source"]


def test_a_property_of_the_wrong_form_rejects_its_object_only(client: Any) -> None:
    work = client.push(
        [
            stix("malware", "w", name="W", is_family=True, kill_chain_phases=["x"]),
            stix("malware", "v", name="V", is_family=True, external_references="x"),
            stix("tool", "u", name="Untouched"),
        ]
    )
    assert len(client.api.work.get_work(work)["errors"]) == 2
    assert stored(client, "Tool", name="Untouched")
    assert not stored(client, "Malware", name="W")


def test_a_sighting_in_several_places_is_one_in_each(client: Any) -> None:
    seen = stix("malware", "seen", name="Seen", is_family=True)
    places = [
        stix("identity", n, name=n, identity_class="organization") for n in ("P1", "P2")
    ]
    sighting = stix(
        "sighting",
        "s",
        sighting_of_ref=seen["id"],
        where_sighted_refs=[p["id"] for p in places],
        count=2,
    )
    client.push([seen, *places, sighting])
    client.push([{**sighting, "last_seen": "2024-05-01T00:00:00Z"}])
    (malware,) = stored(client, "Malware", name="Seen")
    found = stored(client, "stix-sighting-relationship", sighting_of_ref=malware["id"])
    assert [one["count"] for one in found] == [4, 4]
    assert {p for one in found for p in one["where_sighted_refs"]} == {
        one["id"]
        for one in client.platform.objects("Organization")
        if one["name"] in ("P1", "P2")
    }


def test_a_report_of_a_sighting_counts_once_and_another_adds(client: Any) -> None:
    seen = stix("malware", "counted", name="Counted", is_family=True)
    place = stix("identity", "counts", name="Counts", identity_class="organization")
    sighting = stix(
        "sighting",
        "counted",
        sighting_of_ref=seen["id"],
        where_sighted_refs=[place["id"]],
        first_seen="2024-01-01T00:00:00Z",
        last_seen="2024-01-02T00:00:00Z",
        count=2,
    )
    later = {"first_seen": "2024-01-03T00:00:00Z", "last_seen": "2024-01-04T00:00:00Z"}

    def count() -> int:
        (malware,) = stored(client, "Malware", name="Counted")
        kind, key = "stix-sighting-relationship", "sighting_of_ref"
        (found,) = stored(client, kind, **{key: malware["id"]})
        return int(found["count"])

    def through_the_api(**dates: str) -> None:
        client.api.stix_sighting_relationship.create(
            fromId=seen["id"], toId=place["id"], count=2, **dates
        )

    client.push([seen, place, sighting])
    client.push([sighting])
    through_the_api(first_seen=sighting["first_seen"], last_seen=sighting["last_seen"])
    assert count() == 2
    client.push([{**sighting, **later}])
    assert count() == 4
    through_the_api(**later)
    client.push([sighting])
    assert count() == 4


def test_what_stands_in_opencti_extensions_counts(client: Any) -> None:
    extension = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"
    client.push(
        [
            stix(
                "hostname",
                "ext",
                value="ext.example",
                extensions={
                    extension: {
                        "extension_type": "property-extension",
                        "score": 42,
                        "description": "from afar",
                        "labels": ["far"],
                    }
                },
            )
        ]
    )
    (host,) = stored(client, "Hostname", value="ext.example")
    assert host["x_opencti_score"] == 42 and host["labels"] == ["far"]
    assert host["x_opencti_description"] == "from afar"
    assert "extensions" not in host


# -- through the API -------------------------------------------------------------------------------------------------


def events(client: Any, kind: str) -> list[Event]:
    store = Store(client.platform.data_dir)
    try:
        return [e for e in store.events.after(0, 100_000) if e.kind == kind]
    finally:
        store.close()


def test_a_renamed_object_is_followed_by_those_that_refer_to_it(client: Any) -> None:
    api = client.api
    tool = api.tool.create(name="Old name", objectLabel=[])
    malware = api.malware.create(name="User of it", is_family=True)
    used = api.stix_core_relationship.create(
        fromId=malware["id"], toId=tool["id"], relationship_type="uses"
    )
    api.stix_domain_object.update_field(
        id=tool["id"], input={"key": "name", "value": "New name"}
    )
    renamed = api.tool.read(id=tool["standard_id"])
    assert renamed["id"] == tool["id"] and renamed["name"] == "New name"
    assert renamed["standard_id"] != tool["standard_id"]
    (relation,) = stored(client, "uses", target_ref=renamed["standard_id"])
    assert relation["id"] == used["standard_id"]
    again = api.stix_core_relationship.create(
        fromId=malware["id"], toId=tool["id"], relationship_type="uses"
    )
    assert again["id"] == used["id"], "the same relationship, not a second one"
    api.tool.create(name="Taken")
    with pytest.raises(ValueError, match="the same as"):
        api.stix_domain_object.update_field(
            id=tool["id"], input={"key": "name", "value": "Taken"}
        )


def test_merged_objects_hand_over_what_they_have(client: Any) -> None:
    api = client.api
    kept = api.malware.create(name="Kept", is_family=True)
    gone = api.malware.create(
        name="Gone", is_family=True, description="told", aliases=["Alias of it"]
    )
    tool = api.tool.create(name="Used by both")
    for one in (kept, gone):
        api.stix_core_relationship.create(
            fromId=one["id"], toId=tool["id"], relationship_type="uses"
        )
    report = api.report.create(
        name="About", published="2024-01-01T00:00:00Z", objects=[gone["id"]]
    )
    api.stix.merge(id=kept["id"], object_ids=[gone["id"]])
    merged = api.malware.read(id=gone["standard_id"])
    assert merged["id"] == kept["id"]
    assert merged["description"] == "told"
    assert set(merged["aliases"]) == {"Gone", "Alias of it"}
    assert api.report.read(id=report["id"])["objectsIds"] == [kept["id"]]
    assert len(api.stix_core_relationship.list(fromId=kept["id"])) == 1
    (event,) = [e for e in events(client, "merge") if e.data["name"] == "Kept"]
    assert [one["name"] for one in event.context["sources"]] == ["Gone"]
    client.push([stix("malware", "again", name="Gone", is_family=True)])
    assert not stored(client, "Malware", name="Gone"), "its name is an alias now"


def test_a_deleted_object_leaves_no_mention(client: Any) -> None:
    api = client.api
    author = api.identity.create(type="Organization", name="Leaving author")
    reference = api.external_reference.create(
        source_name="leaving", url="https://leaving.example/"
    )
    label = api.label.create(value="leaving")
    malware = api.malware.create(
        name="Staying",
        is_family=True,
        createdBy=author["id"],
        objectLabel=[label["id"]],
        externalReferences=[reference["id"]],
    )
    for one in (author, reference, label):
        api.stix.delete(id=one["id"])
    read = api.malware.read(id=malware["id"])
    assert read["createdBy"] is None
    assert read["objectLabel"] == read["externalReferences"] == []
    (kept,) = stored(client, "Malware", name="Staying")
    assert not {"labels", "external_references", "created_by_ref"} & set(kept)
    deleted = [e.data.get("name") for e in events(client, "delete")]
    assert "Leaving author" in deleted


def test_an_edited_label_changes_with_its_holders(client: Any) -> None:
    api = client.api
    label = api.label.create(value="before edit")
    malware = api.malware.create(
        name="Holder", is_family=True, objectLabel=[label["id"]]
    )
    api.label.update_field(id=label["id"], input={"key": "value", "value": "edited"})
    read = api.malware.read(id=malware["id"])
    assert [one["value"] for one in read["objectLabel"]] == ["edited"]
    (kept,) = stored(client, "Malware", name="Holder")
    assert kept["labels"] == ["edited"]


def test_labels_markings_references_and_authors_are_added_and_removed(
    client: Any,
) -> None:
    api, many = client.api, client.api.stix_domain_object
    malware = api.malware.create(name="Decorated", is_family=True)["id"]
    label = api.label.create(value="decoration")["id"]
    reference = api.external_reference.create(source_name="d", external_id="1")["id"]
    phase = api.kill_chain_phase.create(kill_chain_name="k", phase_name="p")["id"]
    author = api.identity.create(type="Individual", name="Decorator")["id"]
    many.add_label(id=malware, label_id=label)
    many.add_external_reference(id=malware, external_reference_id=reference)
    many.add_marking_definition(id=malware, marking_definition_id=AMBER)
    many.add_kill_chain_phase(id=malware, kill_chain_phase_id=phase)
    many.update_created_by(id=malware, identity_id=author)
    read = api.malware.read(id=malware)
    assert [one["value"] for one in read["objectLabel"]] == ["decoration"]
    assert [one["id"] for one in read["externalReferences"]] == [reference]
    assert [one["standard_id"] for one in read["objectMarking"]] == [AMBER]
    assert [one["phase_name"] for one in read["killChainPhases"]] == ["p"]
    assert read["createdBy"]["name"] == "Decorator"
    many.remove_label(id=malware, label_id=label)
    many.remove_external_reference(id=malware, external_reference_id=reference)
    many.remove_marking_definition(id=malware, marking_definition_id=AMBER)
    many.remove_kill_chain_phase(id=malware, kill_chain_phase_id=phase)
    read = api.malware.read(id=malware)
    assert read["objectLabel"] == read["objectMarking"] == []
    assert read["externalReferences"] == read["killChainPhases"] == []


def test_containers_take_and_give_up_objects(client: Any) -> None:
    api = client.api
    inside = api.tool.create(name="Inside")["id"]
    report = api.report.create(name="Box", published="2024-01-01T00:00:00Z")["id"]
    api.report.add_stix_object_or_stix_relationship(
        id=report, stixObjectOrStixRelationshipId=inside
    )
    assert api.report.contains_stix_object_or_stix_relationship(
        id=report, stixObjectOrStixRelationshipId=inside
    )
    api.report.remove_stix_object_or_stix_relationship(
        id=report, stixObjectOrStixRelationshipId=inside
    )
    assert not api.report.contains_stix_object_or_stix_relationship(
        id=report, stixObjectOrStixRelationshipId=inside
    )


def test_an_observable_is_promoted_and_patched_inside(client: Any) -> None:
    api = client.api
    observable = api.stix_cyber_observable.create(
        observableData={"type": "file", "hashes": {"SHA-256": "c" * 64}}
    )["id"]
    indicator = api.stix_cyber_observable.promote_to_indicator_v2(id=observable)
    assert indicator["pattern"] == f"[file:hashes.'SHA-256' = '{'c' * 64}']"
    api.stix_cyber_observable.update_field(
        id=observable,
        input={"key": "hashes", "value": ["d" * 32], "object_path": "/hashes/MD5"},
    )
    read = api.stix_cyber_observable.read(id=observable)
    assert {"algorithm": "MD5", "hash": "d" * 32} in read["hashes"]


def test_what_cannot_be_found_or_does_not_fit_is_said(client: Any) -> None:
    api = client.api
    nobody = str(uuid.uuid5(NAMESPACE, "nobody"))
    with pytest.raises(ValueError, match="Cannot find"):
        api.stix_domain_object.delete(id=nobody)
    with pytest.raises(ValueError, match="MISSING_REFERENCE_ERROR"):
        api.malware.create(name="m", is_family=True, createdBy=nobody)
    with pytest.raises(ValueError, match="MISSING_REFERENCE_ERROR"):
        api.stix_core_relationship.create(
            fromId=nobody, toId=nobody, relationship_type="uses"
        )
    tool = api.tool.create(name="Not patched")["id"]
    with pytest.raises(ValueError, match="has no attribute 'colour'"):
        api.stix_domain_object.update_field(
            id=tool, input={"key": "colour", "value": "red"}
        )
    with pytest.raises(ValueError, match="confidence cannot be 'much'"):
        api.stix_domain_object.update_field(
            id=tool, input={"key": "confidence", "value": "much"}
        )
    with pytest.raises(ValueError, match="same object at both ends"):
        api.stix_core_relationship.create(
            fromId=tool, toId=tool, relationship_type="related-to"
        )
    with pytest.raises(ValueError, match="Cannot find"):
        # A tool is no observable.
        api.stix_cyber_observable.delete(id=tool)


def test_the_clients_own_importer_ends_in_the_same_objects(client: Any) -> None:
    """What the client writes through mutations is what a bundle brings."""
    api = client.api
    objects = [
        stix("identity", "imp", name="Imp author", identity_class="organization"),
        stix(
            "malware",
            "imp",
            name="Imported",
            is_family=True,
            created="2024-01-01T00:00:00.000Z",
            modified="2024-01-01T00:00:00.000Z",
            labels=["imp"],
            created_by_ref=stix("identity", "imp")["id"],
            object_marking_refs=[AMBER],
            external_references=[{"source_name": "imp", "url": "https://imp.example"}],
            kill_chain_phases=[{"kill_chain_name": "k", "phase_name": "imp"}],
        ),
    ]
    bundle = {"type": "bundle", "id": "bundle--1", "objects": objects}
    api.stix2.import_bundle_from_json(json.dumps(bundle))
    (first,) = stored(client, "Malware", name="Imported")
    before = client.platform.summary()["total"]
    client.push(objects)
    (second,) = stored(client, "Malware", name="Imported")
    assert client.platform.summary()["total"] == before
    for key in ("id", "labels", "created_by_ref", "object_marking_refs", "is_family"):
        assert first[key] == second[key]
