"""What the values of properties have to be."""

from collections.abc import Callable
from typing import Any

import pytest

TIME = "2024-05-01T08:00:00.000Z"
ADDRESS = "ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd"
Reads = Callable[..., Any]
GOOD: dict[str, dict[str, Any]] = {
    "autonomous-system": {"number": 64496},
    "identity": {"name": "Ferry Office", "identity_class": "organization"},
    "ipv4-addr": {"value": "198.51.100.3"},
    "location": {"name": "Quay", "region": "northern-europe"},
    "observed-data": {
        "first_observed": TIME,
        "last_observed": TIME,
        "number_observed": 1,
        "object_refs": [ADDRESS],
    },
    "opinion": {"opinion": "agree", "object_refs": [ADDRESS]},
    "relationship": {
        "relationship_type": "uses",
        "source_ref": "tool--00000000-0000-4000-8000-000000000001",
        "target_ref": ADDRESS,
    },
    "sighting": {
        "sighting_of_ref": ADDRESS,
        "where_sighted_refs": ["identity--00000000-0000-4000-8000-000000000001"],
    },
    "tool": {"name": "net"},
}


def stix(kind: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--00000000-0000-4000-8000-000000000001",
        "created": TIME,
        "modified": TIME,
        **GOOD[kind],
        **properties,
    }


@pytest.mark.parametrize(
    "good",
    [
        *map(stix, GOOD),
        stix("tool", labels=["a"], confidence=100, revoked=False, aliases=["b"]),
        stix("tool", confidence=50.0, description=None),
        stix("tool", external_references=[{"source_name": "a", "url": "http://b/"}]),
        stix("tool", kill_chain_phases=[{"kill_chain_name": "a", "phase_name": "b"}]),
        stix("location", region=None, latitude=-90, longitude=7.5, precision=10),
        # What OpenCTI exports of a city.
        {
            key: value
            for key, value in stix("location", x_opencti_location_type="City").items()
            if key != "region"
        },
        stix("sighting", count=0, summary=True),
    ],
)
def test_what_may_be(read: Reads, good: dict[str, Any]) -> None:
    assert read([good]).objects == [good]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (stix("tool", name=5), "name is no text"),
        (stix("identity", identity_class=["unknown"]), "identity_class is no text"),
        (stix("relationship", relationship_type=5), "relationship_type is no text"),
        (stix("ipv4-addr", value=5), "value is no text"),
        (stix("tool", labels="x"), "labels is no list of texts"),
        (stix("tool", labels=[1]), "labels is no list of texts"),
        (stix("tool", aliases="b"), "aliases is no list of texts"),
        (stix("tool", revoked="yes"), "revoked is neither true nor false"),
        (stix("tool", spec_version=2.1), "spec_version is not '2.1'"),
        (stix("tool", confidence=200), "confidence is no whole number from 0 to 100"),
        (stix("tool", confidence=True), "confidence is no whole number from 0 to 100"),
        (stix("tool", confidence=1.5), "confidence is no whole number from 0 to 100"),
        (stix("autonomous-system", number="AS15"), "number is no whole number from 0 "),
        (stix("observed-data", number_observed=0), "whole number from 1 to 999999999"),
        (stix("sighting", count=-1), "count is no whole number from 0 to 999999999"),
        (stix("tool", external_references="http://x"), "references is no list"),
        (stix("tool", external_references=[{"url": "http://x"}]), "a source_name"),
        (stix("tool", external_references=[{"source_name": "x"}]), "a source_name"),
        (stix("tool", kill_chain_phases=[{"kill_chain_name": "x"}]), "a phase_name"),
        (stix("location", region=None, city="Bergen"), "region, country, and latitude"),
        (stix("location", latitude=200, longitude=3), "latitude is no number from -90"),
        (stix("location", latitude=20), "latitude and longitude do not go without"),
        (stix("location", precision=20), "precision without latitude and longitude"),
        (stix("opinion", opinion="meh"), "opinion is none of the five"),
    ],
)
def test_what_may_not_be(read: Reads, bad: dict[str, Any], words: str) -> None:
    found = read([bad])
    assert not found.objects and words in found.reasons
    # Whoever wants it all the same gets it, and is told.
    lenient = read([bad], strict=False).report
    assert lenient.imported.total() == lenient.tolerated.total() == 1
