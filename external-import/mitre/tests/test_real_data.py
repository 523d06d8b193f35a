"""The published collections, where they are at hand (see the environment variable THREAT_DATA_DIR)."""

import gzip
import json
import os
from pathlib import Path

import pytest
from support import CONNECTOR, expected_counts, imported_counts, run

from opencti_testbed.process import TestbedProcess

DATA = Path(
    os.environ.get("THREAT_DATA_DIR", CONNECTOR.parents[1].parent / "shared" / "data")
)
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(
        not (DATA / "attack").is_dir(),
        reason="the real ATT&CK collections are not beside the checkout (THREAT_DATA_DIR)",
    ),
]


def collection(name: str) -> Path:
    return DATA / "attack" / f"{name}.json.gz"


@pytest.mark.parametrize(
    "name", ["enterprise-attack-17.1", "mobile-attack-17.1", "ics-attack-18.1"]
)
def test_all_of_a_published_collection_arrives(
    platform: TestbedProcess, name: str
) -> None:
    code, output = run(platform, str(collection(name)))
    assert code == 0, output
    with gzip.open(collection(name)) as stream:
        expected = expected_counts(json.load(stream))
    assert imported_counts(platform) == expected
    assert platform.summary()["rejected"] == 0


def test_the_older_release_first_then_what_the_newer_changes(
    platform: TestbedProcess,
) -> None:
    run(platform, str(collection("ics-attack-17.1")))
    code, output = run(platform, str(collection("ics-attack-18.1")))
    assert code == 0, output
    with gzip.open(collection("ics-attack-17.1")) as stream:
        older = {o["id"]: o for o in json.load(stream)["objects"]}
    with gzip.open(collection("ics-attack-18.1")) as stream:
        newer = json.load(stream)["objects"]
    new = {
        o["id"]
        for o in newer
        if o["type"] in {"x-mitre-asset", "attack-pattern", "malware"}
        and o["id"] not in older
    }
    known = {
        stix_id
        for kind in ("Infrastructure", "Attack-Pattern", "Malware")
        for stix in platform.objects(kind)
        for stix_id in stix["x_opencti_stix_ids"]
    }
    assert new and new <= known
    counts = platform.works()[0]["counts"]
    sent = sum(sum(by.values()) for by in counts.values())
    assert 0 < sent < len(newer), "less than the whole collection"
    assert platform.summary()["rejected"] == 0
