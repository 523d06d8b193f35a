"""Every attribute of every type comes back as it was sent: read by the client, and exported by it as STIX."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pycti import OpenCTIApiClient

from opencti_testbed.process import TestbedProcess
from opencti_testbed.stix.attributes import Attribute, attributes
from opencti_testbed.stix.types import (
    IDENTITIES,
    LOCATIONS,
    PREFIXED,
    SCO,
    SIMPLE_SDO,
    THREAT_ACTORS,
    graphql_name,
)

MOMENT, LATER = "2025-03-01T00:00:00.000Z", "2025-04-01T00:00:00.000Z"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
# What the platform sets by itself, or refuses unless something else is there.
OWN = frozenset({"x_opencti_workflow_id", "lang"})
ENDS = frozenset(
    "valid_until last_seen stop_time last_observed analysis_ended validity_not_after end"
    " coverage_valid_to private_key_usage_period_not_after".split()
)
VALUES: dict[str, Any] = {
    "x_opencti_reliability": "B - Usually reliable",
    "hashes": {"SHA-256": SHA256},
    "latitude": 48.5,
    "longitude": 2.25,
    "likelihood": 40,
    "opinion": "agree",
    "pattern": "[domain-name:value = 'fields.example']",
    "pattern_type": "stix",
    "x_opencti_main_observable_type": "Domain-Name",
    "x_opencti_score": 61,
    "confidence": 71,
    "revoked": False,
    "coverage_information": None,
    "extensions": {"ntfs-ext": {"sid": "1234567"}},
    "identity_class": None,
    "x_opencti_location_type": None,
    "category": "malware_type_ov",
}
BY_TYPE: dict[tuple[str, str], Any] = {
    ("IPv4-Addr", "value"): "198.51.100.71",
    ("IPv6-Addr", "value"): "2001:db8::71",
    ("Mac-Addr", "value"): "00:00:5e:00:53:01",
    ("Email-Addr", "value"): "fields@example.com",
    ("Domain-Name", "value"): "fields.example",
    ("Hostname", "value"): "host.fields.example",
    ("Url", "value"): "https://fields.example/",
    ("Vulnerability", "name"): "CVE-2025-0071",
}
STIX_TYPES = {
    **{entity: stix for stix, entity in {**SCO, **SIMPLE_SDO}.items()},
    **{
        SIMPLE_SDO[plain]: prefixed
        for prefixed, plain in PREFIXED.items()
        if plain in SIMPLE_SDO
    },
    **dict.fromkeys(IDENTITIES.values(), "identity"),
    **dict.fromkeys(LOCATIONS, "location"),
    **dict.fromkeys(THREAT_ACTORS, "threat-actor"),
}
CLASSES = {entity_type: name for name, entity_type in IDENTITIES.items()}


def _value(entity_type: str, attribute: Attribute) -> Any:
    for key in ((entity_type, attribute.name), attribute.name):
        known = BY_TYPE if isinstance(key, tuple) else VALUES
        if key in known:
            return known[key]  # type: ignore[index]
    return {
        "text": f"{attribute.name} of {entity_type}".lower(),
        "list": [f"{attribute.name} one", f"{attribute.name} two"],
        "int": 7,
        "float": 7.5,
        "bool": True,
        "date": LATER if attribute.name in ENDS else MOMENT,
        "json": {"key": "value"},
    }[attribute.kind]


def _object(entity_type: str) -> dict[str, Any]:
    """Return an object of a type with a value for every attribute."""
    stix_type = STIX_TYPES[entity_type]
    given = {
        one.stix: _value(entity_type, one)
        for one in attributes(entity_type).values()
        if one.name not in OWN
    }
    stix: dict[str, Any] = {
        **{key: value for key, value in given.items() if value is not None},
        "type": stix_type,
        "spec_version": "2.1",
        "id": f"{stix_type}--{uuid.uuid5(uuid.NAMESPACE_URL, entity_type)}",
    }
    if entity_type in CLASSES:
        stix["identity_class"] = CLASSES[entity_type]
    if entity_type == "SecurityPlatform":
        stix["x_opencti_type"] = entity_type
    if entity_type in LOCATIONS:
        stix["x_opencti_location_type"] = entity_type
    if entity_type in THREAT_ACTORS:
        stix["resource_level"] = "club"
        stix["x_opencti_type"] = entity_type
    return stix


# What the pinned client itself does not send, not ask for, or changes on the way.
LOST_BY_CLIENT: dict[str, str] = {
    "Artifact": "payload_bin x_opencti_additional_names",
    "Case-Incident": "content rating",
    "Case-Rfi": "content",
    "Case-Rft": "content",
    "Email-Message": "content_type",
    "Email-Mime-Part-Type": "body content_disposition content_type",
    "Feedback": "content",
    "Grouping": "content",
    "Individual": "roles x_opencti_score",
    "Infrastructure": "aliases",
    "Network-Traffic": "extensions",
    "Organization": "roles",
    "Position": "postal_code street_address",
    "Process": "extensions",
    "Sector": "roles x_opencti_reliability x_opencti_score",
    "SecurityPlatform": "contact_information roles x_opencti_aliases x_opencti_reliability x_opencti_score",
    "StixFile": "extensions",
    "System": "roles x_opencti_score",
    "Task": "confidence modified",
    "Threat-Actor-Individual": "x_opencti_score",
    "User-Account": "extensions",
}
# What an object of the type has to refer to: (key, what it refers to).
REFERRED = {
    "Security-Coverage": ("covered_ref", "Malware"),
    "Security-Coverage-Result": ("result_of_ref", "Security-Coverage"),
}


@pytest.fixture(name="platform", scope="module")
def fixture_platform() -> Iterator[TestbedProcess]:
    with TestbedProcess() as platform:
        yield platform


@pytest.fixture(name="clients", scope="module")
def fixture_clients() -> Iterator[TestbedProcess]:
    # A platform of its own: what the client sends is not to be completed by what a bundle brought.
    with TestbedProcess() as platform:
        yield platform


@pytest.fixture(name="client", scope="module")
def fixture_client(clients: TestbedProcess) -> OpenCTIApiClient:
    return OpenCTIApiClient(clients.url, clients.token, log_level="error")


def _needed(entity_type: str) -> Iterator[dict[str, Any]]:
    """Yield an object of a type after what it has to refer to."""
    stix = _object(entity_type)
    if entity_type in REFERRED:
        key, other = REFERRED[entity_type]
        *others, needed = _needed(other)
        stix[key] = needed["id"]
        yield from [*others, needed]
    yield stix


def _bundle(objects: list[dict[str, Any]]) -> str:
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
    return json.dumps(bundle)


def _of_type(entity_type: str) -> dict[str, Any]:
    chosen = {"key": "entity_type", "values": [entity_type]}
    return {"mode": "and", "filters": [chosen], "filterGroups": []}


def _selection(one: Attribute) -> str:
    return {
        "hashes": "hashes { algorithm hash }",
        "coverage_information": "coverage_information { coverage_name coverage_score }",
    }.get(one.name, one.name)


@pytest.mark.parametrize("entity_type", sorted(STIX_TYPES))
def test_the_platform_keeps_every_attribute(
    platform: TestbedProcess, entity_type: str
) -> None:
    *others, sent = _needed(entity_type)
    platform.push([*others, sent])
    platform.wait_idle()
    known = [
        one
        for one in attributes(entity_type).values()
        if one.stix in sent or one.name == "coverage_information"
    ]
    fields = " ".join(_selection(one) for one in known)
    query = f"""query Q($id: String!) {{ stixObjectOrStixRelationship(id: $id) {{
        entity_type ... on {graphql_name(entity_type)} {{ {fields} }} }} }}"""
    answer = requests.post(
        f"{platform.url}/graphql",
        headers={"Authorization": f"Bearer {platform.token}"},
        json={"query": query, "variables": {"id": sent["id"]}},
        timeout=30,
    ).json()
    assert "errors" not in answer, answer
    found = answer["data"]["stixObjectOrStixRelationship"]
    assert found["entity_type"] == entity_type
    expected = {one.name: sent.get(one.stix) for one in known}
    if "hashes" in expected:
        expected["hashes"] = [{"algorithm": "SHA-256", "hash": SHA256}]
    if "coverage" in sent:
        known_coverage = {"coverage_name": "Detection", "coverage_score": 40}
        expected["coverage_information"] = [known_coverage]
    assert {key: found[key] for key in expected} == expected


# Of security coverages the client knows little more than the name.
@pytest.mark.parametrize("entity_type", sorted(STIX_TYPES.keys() - REFERRED.keys()))
def test_the_client_brings_and_takes_every_attribute_that_it_knows(
    client: OpenCTIApiClient, entity_type: str
) -> None:
    *others, sent = _needed(entity_type)
    text = _bundle([*others, sent])
    _, failed = client.stix2.import_bundle_from_json(text, update=True)
    assert not failed
    made = client.opencti_stix_object_or_stix_relationship.list(
        filters=_of_type(entity_type)
    )
    exported = client.stix2.get_stix_bundle_or_object_from_entity_id(
        entity_type=entity_type, entity_id=made[0]["id"], mode="simple"
    )
    (found,) = [
        one for one in exported["objects"] if one.get("x_opencti_type") == entity_type
    ]
    own = {one.stix for one in attributes(entity_type).values()}
    lost = {key for key in own & sent.keys() if found.get(key) != sent[key]}
    assert lost == set(LOST_BY_CLIENT.get(entity_type, "").split())


# The content of an artifact becomes a file of it each time.
@pytest.mark.parametrize(
    "entity_type", sorted(STIX_TYPES.keys() - REFERRED.keys() - {"Artifact"})
)
def test_what_the_client_exports_says_nothing_new(
    clients: TestbedProcess, client: OpenCTIApiClient, entity_type: str
) -> None:
    text = _bundle(list(_needed(entity_type)))
    client.stix2.import_bundle_from_json(text, update=True)
    made, *_ = client.opencti_stix_object_or_stix_relationship.list(
        filters=_of_type(entity_type)
    )
    exported = client.stix2.get_stix_bundle_or_object_from_entity_id(
        entity_type=entity_type, entity_id=made["id"], mode="simple"
    )
    work_id = clients.push(exported["objects"])
    clients.wait_idle()
    (work,) = (work for work in clients.works() if work["id"] == work_id)
    told = {type_: counts["updated"] for type_, counts in work["counts"].items()}
    assert told == dict.fromkeys(told, 0) and entity_type in told
