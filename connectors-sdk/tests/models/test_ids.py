"""Ids are pycti's, over random values."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pycti
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors_sdk.models import (
    AttackPattern,
    Campaign,
    CourseOfAction,
    DataComponent,
    DataSource,
    Individual,
    Infrastructure,
    IntrusionSet,
    Malware,
    Organization,
    OrganizationAuthor,
    Reference,
    Relationship,
    Sector,
    Tool,
)

NAMES = st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40
).filter(lambda text: text.strip() != "")
INSTANTS = st.datetimes(
    datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(timezone.utc)
)
pytestmark = pytest.mark.filterwarnings("ignore:Value .* is out of:UserWarning")


@pytest.mark.parametrize(
    ("build", "reference"),
    [
        (lambda n: AttackPattern(name=n), pycti.AttackPattern.generate_id),
        (lambda n: Campaign(name=n), pycti.Campaign.generate_id),
        (lambda n: CourseOfAction(name=n), pycti.CourseOfAction.generate_id),
        (lambda n: DataComponent(name=n), pycti.DataComponent.generate_id),
        (lambda n: DataSource(name=n), pycti.DataSource.generate_id),
        (lambda n: Infrastructure(name=n), pycti.Infrastructure.generate_id),
        (lambda n: IntrusionSet(name=n), pycti.IntrusionSet.generate_id),
        (lambda n: Malware(name=n, is_family=True), pycti.Malware.generate_id),
        (lambda n: Tool(name=n), pycti.Tool.generate_id),
        (
            lambda n: Individual(name=n),
            lambda n: pycti.Identity.generate_id(n, "individual"),
        ),
        (
            lambda n: Organization(name=n),
            lambda n: pycti.Identity.generate_id(n, "organization"),
        ),
        (
            lambda n: OrganizationAuthor(name=n),
            lambda n: pycti.Identity.generate_id(n, "organization"),
        ),
        (lambda n: Sector(name=n), lambda n: pycti.Identity.generate_id(n, "class")),
    ],
)
@settings(max_examples=40, deadline=None)
@given(name=NAMES)
def test_by_name(build: Any, reference: Any, name: str) -> None:
    assert build(name).id == reference(name)


@settings(max_examples=40, deadline=None)
@given(name=NAMES, mitre_id=st.text("T0123456789. ", max_size=10))
def test_by_mitre_id(name: str, mitre_id: str) -> None:
    expected = pycti.AttackPattern.generate_id(name, mitre_id)
    assert AttackPattern(name=name, mitre_id=mitre_id).id == expected
    expected = pycti.CourseOfAction.generate_id(name, mitre_id)
    assert CourseOfAction(name=name, mitre_id=mitre_id).id == expected


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["uses", "targets", "a-kind-of-its-own"]),
    start=st.none() | INSTANTS,
    stop=st.none() | INSTANTS,
)
def test_relationship(kind: str, start: datetime | None, stop: datetime | None) -> None:
    ends = (
        "malware--70d3c10d-4ac8-5796-a776-5e15af3d9d66",
        "tool--17828b5b-b068-53b2-8dd2-e486ea3e2ce8",
    )
    relationship = Relationship(
        type=kind,
        source=Reference(id=ends[0]),
        target=Reference(id=ends[1]),
        start_time=start,
        stop_time=stop,
    )
    assert relationship.id == pycti.StixCoreRelationship.generate_id(
        kind, *ends, start, stop
    )


def test_another_spelling_of_the_same_instant_is_the_same_relationship() -> None:
    ends = {
        "source": Reference(id="malware--70d3c10d-4ac8-5796-a776-5e15af3d9d66"),
        "target": Reference(id="tool--17828b5b-b068-53b2-8dd2-e486ea3e2ce8"),
    }
    noon = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
    elsewhere = noon.astimezone(timezone(timedelta(hours=5)))
    ids = {
        Relationship(type="uses", start_time=instant, **ends).id
        for instant in (noon, elsewhere)
    }
    assert len(ids) == 1
