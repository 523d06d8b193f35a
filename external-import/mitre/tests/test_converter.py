"""What each ATT&CK type becomes."""

from collections.abc import Iterator
from typing import Any

import pytest
from connector.converter_to_stix import ConverterToStix
from connector.mapping import BECOMES, CARRIED
from mitre_client import Collection, CollectionError

from connectors_sdk.models import BaseIdentifiedEntity


@pytest.fixture(name="collection")
def fixture_collection(demo: dict[str, Any]) -> Iterator[Collection]:
    with Collection() as collection:
        collection.read(demo["objects"])
        yield collection


@pytest.fixture(name="convert")
def fixture_convert(collection: Collection) -> Any:
    converter = ConverterToStix(collection, "amber", statement=True)

    def by_name(stix_type: str, name: str) -> dict[str, Any]:
        for record in collection.of_type(stix_type):
            if record.data.get("name") == name:
                entity = converter.entity(record.id)
                assert entity is not None
                return entity.to_stix_dict()
        raise AssertionError(f"no {stix_type} {name}")

    return by_name


def test_a_technique_keeps_its_facts_and_its_id_at_the_source(convert: Any) -> None:
    stix = convert("attack-pattern", "Job Scheduler Abuse")
    assert stix["x_mitre_id"] == "T9007"
    assert stix["x_mitre_platforms"] == ["Windows", "Linux", "macOS"]
    assert stix["kill_chain_phases"] == [
        {
            "kill_chain_name": "mitre-attack",
            "phase_name": "running-code",
            "x_opencti_order": 2,
        }
    ]
    assert stix["created"] == "2024-03-05T09:00:00.000Z"
    assert stix["modified"] == "2024-03-05T09:00:00.000Z"
    (own_id,) = stix["x_opencti_stix_ids"]
    assert own_id.startswith("attack-pattern--") and own_id != stix["id"]
    assert stix["external_references"][0]["external_id"] == "T9007"
    assert len(stix["object_marking_refs"]) == 2
    assert stix["created_by_ref"].startswith("identity--")


def test_strategies_and_analytics_become_detection_text(convert: Any) -> None:
    text = convert("attack-pattern", "Slow Upload")["x_mitre_detection"]
    for fact in (
        "stands out where nobody expects it",
        "DET9003 Uploads that never end",
        "AN9003 Steady small uploads (Windows, Linux)",
        "log source upload-volume: all",
        "to adapt: Period",
    ):
        assert fact in text


@pytest.mark.parametrize(
    ("stix_type", "name", "facts"),
    [
        ("intrusion-set", "Velvet Heron", {"aliases": ["Quiet Marsh", "UNC-L17"]}),
        ("malware", "SLOWKITE", {"is_family": True, "aliases": ["Kite"]}),
        ("tool", "fieldkit", {"type": "tool"}),
        (
            "campaign",
            "Long Winter",
            {
                "first_seen": "2023-10-02T00:00:00.000Z",
                "last_seen": "2024-03-28T00:00:00.000Z",
            },
        ),
        ("course-of-action", "Central Time", {"x_mitre_id": "M9006"}),
        (
            "x-mitre-asset",
            "Valve Controller",
            {"type": "infrastructure", "aliases": None},
        ),
        (
            "x-mitre-data-source",
            "Outgoing Traffic",
            {"type": "data-source", "collection_layers": ["Network"]},
        ),
    ],
)
def test_types(convert: Any, stix_type: str, name: str, facts: dict[str, Any]) -> None:
    stix = convert(stix_type, name)
    assert {key: stix.get(key) for key in facts} == facts


def test_an_asset_names_related_ones_without_becoming_one_with_them(
    convert: Any,
) -> None:
    stix = convert("x-mitre-asset", "Valve Controller")
    assert stix["description"].endswith("\n\nRelated assets: Stem Driver")


def test_a_data_component_names_its_source_and_its_log_sources(convert: Any) -> None:
    stix = convert("x-mitre-data-component", "Job Created")
    assert stix["data_source_ref"] == convert("x-mitre-data-source", "Scheduler")["id"]
    assert "- linux:cron: file change below cron.d" in stix["description"]


def test_ids_are_the_same_on_every_run(demo: dict[str, Any]) -> None:
    def ids() -> list[str]:
        with Collection() as collection:
            collection.read(demo["objects"])
            converter = ConverterToStix(collection, "clear", statement=False)
            entities = (
                converter.entity(record.id)
                for kind in BECOMES
                for record in collection.of_type(kind)
            )
            return [e.id for e in entities if isinstance(e, BaseIdentifiedEntity)]

    assert ids() == ids()
    assert len(ids()) > 60


def test_the_table_says_what_becomes_of_every_type(demo: dict[str, Any]) -> None:
    types = {stix["type"] for stix in demo["objects"]}
    assert types - {"relationship"} <= set(BECOMES) | set(CARRIED)


def test_entries_that_are_no_objects_are_counted() -> None:
    with Collection() as collection:
        collection.read([{"type": "malware", "id": "malware--1"}, "text", {}, None])
        assert collection.broken == 3
        assert collection.counts() == {"malware": 1}


def test_a_document_without_objects_is_refused() -> None:
    with Collection() as collection, pytest.raises(CollectionError):
        collection.read([])
