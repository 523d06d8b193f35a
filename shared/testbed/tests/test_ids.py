"""Standard ids agree with the client's, where both normalise alike."""

from typing import Any

import pycti
import pytest
import stix2
from hypothesis import given, settings
from hypothesis import strategies as st

from opencti_testbed.stix.ids import standard_id
from opencti_testbed.stix.markings import stored_form
from opencti_testbed.stix.names import readable_name

NAMES = st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30
).filter(lambda text: text.strip() != "")


@pytest.mark.parametrize(
    ("stix_type", "reference"),
    [
        ("campaign", pycti.Campaign),
        ("channel", pycti.Channel),
        ("event", pycti.Event),
        ("infrastructure", pycti.Infrastructure),
        ("intrusion-set", pycti.IntrusionSet),
        ("malware", pycti.Malware),
        ("narrative", pycti.Narrative),
        ("tool", pycti.Tool),
        ("vulnerability", pycti.Vulnerability),
        ("attack-pattern", pycti.AttackPattern),
        ("course-of-action", pycti.CourseOfAction),
        ("data-component", pycti.DataComponent),
        ("data-source", pycti.DataSource),
    ],
)
@settings(max_examples=25, deadline=None)
@given(name=NAMES)
def test_entities_that_go_by_name(stix_type: str, reference: Any, name: str) -> None:
    assert standard_id({"type": stix_type, "name": name}) == reference.generate_id(name)


@settings(max_examples=25, deadline=None)
@given(name=NAMES, kind=st.sampled_from(["organization", "individual", "class"]))
def test_identities(name: str, kind: str) -> None:
    stix = {"type": "identity", "name": name, "identity_class": kind}
    assert standard_id(stix) == pycti.Identity.generate_id(name, kind)


@settings(max_examples=25, deadline=None)
@given(name=NAMES, kind=st.sampled_from(["City", "Country", "Region"]))
def test_locations(name: str, kind: str) -> None:
    stix = {"type": "location", "name": name, "x_opencti_location_type": kind}
    # The client lower-cases a location's name without trimming it; the platform trims.
    assert standard_id(stix) == pycti.Location.generate_id(name.strip(), kind)


@pytest.mark.parametrize(
    ("place", "name", "kind"),
    [
        ({"city": "Bergen", "country": "NO"}, "Bergen", "City"),
        ({"country": "NO", "region": "northern-europe"}, "NO", "Country"),
        ({"region": "northern-europe"}, "northern-europe", "Region"),
    ],
)
def test_locations_without_a_name(place: dict[str, str], name: str, kind: str) -> None:
    stix = {"type": "location", **place}
    assert standard_id(stix) == pycti.Location.generate_id(name, kind)
    assert readable_name(stix) == name


@pytest.mark.parametrize(
    ("name", "kind", "order"), [("TLP:RED", "TLP", 5), ("For friends", "statement", 0)]
)
def test_markings_that_have_a_name_only(name: str, kind: str, order: int) -> None:
    # So the markings of TLP 2.0 are written.
    marking_id = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
    stored = stored_form({"type": "marking-definition", "id": marking_id, "name": name})
    assert (stored["definition_type"], stored["definition"]) == (kind, name)
    assert stored["x_opencti_order"] == order


@settings(max_examples=25, deadline=None)
@given(pattern=NAMES)
def test_indicators(pattern: str) -> None:
    stix = {"type": "indicator", "pattern": pattern}
    assert standard_id(stix) == pycti.Indicator.generate_id(pattern)


def test_relationships() -> None:
    ends = {
        "source_ref": "malware--70d3c10d-4ac8-5796-a776-5e15af3d9d66",
        "target_ref": "tool--17828b5b-b068-53b2-8dd2-e486ea3e2ce8",
    }
    stix = {"type": "relationship", "relationship_type": "uses", **ends}
    assert standard_id(stix) == pycti.StixCoreRelationship.generate_id(
        "uses", ends["source_ref"], ends["target_ref"]
    )


@pytest.mark.parametrize(
    "observable",
    [
        stix2.v21.IPv4Address(value="198.51.100.7"),
        stix2.v21.IPv6Address(value="2001:db8::1"),
        stix2.v21.DomainName(value="example.org"),
        stix2.v21.URL(value="https://example.org/ä?q=1"),
        stix2.v21.EmailAddress(value="a@example.org"),
        stix2.v21.MACAddress(value="00:00:5e:00:53:01"),
        stix2.v21.AutonomousSystem(number=64500),
        stix2.v21.Mutex(name="m"),
        stix2.v21.Directory(path="/tmp"),
        stix2.v21.File(name="a.exe"),
        stix2.v21.File(
            hashes={"SHA-256": "a" * 64, "MD5": "d41d8cd98f00b204e9800998ecf8427e"}
        ),
        stix2.v21.Software(name="s", version="1", vendor="v"),
        stix2.v21.UserAccount(user_id="1", account_login="root", account_type="unix"),
        stix2.v21.X509Certificate(serial_number="01", subject="CN=x"),
    ],
    ids=lambda o: str(o["type"]),
)
def test_observables(observable: Any) -> None:
    assert standard_id(dict(observable)) == observable["id"]
