"""The client's own importer, which the real platform's worker uses, leads to the same knowledge as a pushed bundle."""

import json
import uuid
from typing import Any

from opencti_testbed.process import TestbedProcess

WHEN = "2024-01-01T00:00:00.000Z"
GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"


def stix(kind: str, **properties: Any) -> dict[str, Any]:
    made = {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid.uuid5(uuid.NAMESPACE_OID, kind + str(properties))}",
        **properties,
    }
    if kind not in ("ipv4-addr", "file"):
        made |= {"created": WHEN, "modified": WHEN}
    return made


def bundle() -> dict[str, Any]:
    author = stix("identity", name="Author", identity_class="organization")
    common = {"created_by_ref": author["id"], "object_marking_refs": [GREEN]}
    malware = stix(
        "malware",
        name="A malware",
        is_family=True,
        description="What it does",
        aliases=["Another name"],
        labels=["one", "two"],
        kill_chain_phases=[
            {
                "kill_chain_name": "a-chain",
                "phase_name": "a-phase",
                "x_opencti_order": 1,
            }
        ],
        external_references=[
            {
                "source_name": "a source",
                "url": "https://example.org/1",
                "external_id": "1",
            }
        ],
        **common,
    )
    indicator = stix(
        "indicator",
        name="192.0.2.1",
        pattern="[ipv4-addr:value = '192.0.2.1']",
        pattern_type="stix",
        valid_from=WHEN,
        valid_until="2025-01-01T00:00:00.000Z",
        x_opencti_score=70,
        x_opencti_main_observable_type="IPv4-Addr",
        **common,
    )
    address = stix("ipv4-addr", value="192.0.2.1", x_opencti_score=70)
    file = stix("file", name="a.exe", hashes={"MD5": "0" * 32, "SHA-256": "1" * 64})
    indicates = stix(
        "relationship",
        relationship_type="indicates",
        source_ref=indicator["id"],
        target_ref=malware["id"],
        **common,
    )
    based_on = stix(
        "relationship",
        relationship_type="based-on",
        source_ref=indicator["id"],
        target_ref=address["id"],
        **common,
    )
    sighting = stix(
        "sighting",
        sighting_of_ref=indicator["id"],
        where_sighted_refs=[author["id"]],
        first_seen=WHEN,
        last_seen="2024-01-02T00:00:00.000Z",
        count=3,
        **common,
    )
    objects = [author, malware, indicator, address, file, indicates, based_on, sighting]
    report = stix(
        "report",
        name="A report",
        published=WHEN,
        report_types=["threat-report"],
        object_refs=[one["id"] for one in objects[1:]],
        **common,
    )
    return {
        "type": "bundle",
        "id": f"bundle--{uuid.uuid4()}",
        "objects": [*objects, report],
    }


def content(platform: TestbedProcess) -> dict[str, dict[str, Any]]:
    """Return what is known, by id, without what differs for good reason: when it was written."""
    return {
        one["id"]: {
            key: value
            for key, value in one.items()
            if key not in ("created", "modified")
        }
        for one in platform.objects()
    }


def test_both_ways_lead_to_the_same_knowledge(
    platform: TestbedProcess, client: Any, make: Any
) -> None:
    sent = bundle()
    imported, rejected = client.api.stix2.import_bundle_from_json(json.dumps(sent))
    assert rejected == []
    assert len(imported) == len(sent["objects"])
    with TestbedProcess() as other:
        pushed = make.client(other, "Other")
        work = pushed.push(sent["objects"])
        assert pushed.api.work.get_work(work)["errors"] == []
        assert content(platform) == content(other)


def test_importing_again_changes_nothing(platform: TestbedProcess, client: Any) -> None:
    text = json.dumps(bundle())
    client.api.stix2.import_bundle_from_json(text)
    before = platform.fingerprint()
    client.api.stix2.import_bundle_from_json(text)
    assert platform.fingerprint() == before
