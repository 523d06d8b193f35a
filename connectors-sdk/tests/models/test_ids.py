"""What ids depend on, and what not."""

import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pycti
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stix2.canonicalization.Canonicalize import canonicalize

from connectors_sdk.models import (
    CaseIncident,
    DomainName,
    File,
    Incident,
    IPV4Address,
    Note,
    ObservedData,
    Process,
    Reference,
    Relationship,
    Report,
    Tool,
    X509Certificate,
    _ids,
)

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
ELSEWHERE = NOON.astimezone(timezone(timedelta(hours=5)))


@given(
    contributors=st.dictionaries(
        st.text("abcdef_", min_size=1),
        st.text(st.characters(exclude_categories=["Cs"])) | st.integers(0, 2**53),
        max_size=4,
    )
)
def test_contributors_are_written_as_pycti_writes_them(
    contributors: dict[str, Any],
) -> None:
    name = canonicalize(contributors, utf8=False)
    expected = uuid.uuid5(uuid.UUID(bytes=_ids.NAMESPACE), name)
    assert _ids.make_id("x", contributors) == f"x--{expected}"


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_as_pycti_writes_them(value: float) -> None:
    assert _ids.canonical_number(value) == canonicalize(value, utf8=False)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_makes_no_id(value: float) -> None:
    with pytest.raises(ValueError):
        _ids.canonical_number(value)


@pytest.mark.parametrize(
    "build",
    [
        lambda t: CaseIncident(name="a", created=t),
        lambda t: Incident(name="a", created=t),
        lambda t: Note(content="a", created=t),
        lambda t: Report(name="a", publication_date=t),
        lambda t: Relationship(
            type="uses",
            source=Reference(id="malware--70d3c10d-4ac8-5796-a776-5e15af3d9d66"),
            target=Reference(id="tool--17828b5b-b068-53b2-8dd2-e486ea3e2ce8"),
            start_time=t,
        ),
    ],
)
def test_another_spelling_of_the_same_instant_is_the_same_object(build: Any) -> None:
    assert build(NOON).id == build(ELSEWHERE).id == build(NOON.isoformat()).id


def test_the_order_of_what_was_observed_makes_no_difference() -> None:
    seen = [DomainName(value="a.example"), IPV4Address(value="192.0.2.1")]
    moments: dict[str, Any] = {
        "first_observed": NOON,
        "last_observed": NOON,
        "number_observed": 1,
    }
    one = ObservedData(entities=seen, **moments)
    other = ObservedData(entities=seen[::-1], **moments)
    assert (
        one.id == other.id == pycti.ObservedData.generate_id(sorted(s.id for s in seen))
    )
    assert one.to_stix_dict()["object_refs"] == [s.id for s in seen]


def test_one_hash_makes_the_id_of_a_file() -> None:
    md5 = "d41d8cd98f00b204e9800998ecf8427e"
    sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert (
        File(hashes={"SHA-256": sha256, "MD5": md5}).id == File(hashes={"MD5": md5}).id
    )
    assert File(hashes={"SHA-256": sha256}).id != File(hashes={"MD5": md5}).id


def test_what_stix_gives_random_ids_has_lasting_ones() -> None:
    assert Process(pid=1, command_line="a").id == Process(command_line="a", pid=1).id
    assert Process(pid=1).id != Process(pid=2).id
    assert X509Certificate(subject="a").id == X509Certificate(subject="a").id
    assert X509Certificate(subject="a").id != X509Certificate(subject="b").id


def test_a_copy_with_other_values_has_an_id_of_its_own() -> None:
    tool = Tool(name="a")
    assert tool.id
    assert tool.model_copy(update={"name": "b"}).id == Tool(name="b").id
    assert tool.model_copy().id == tool.id
