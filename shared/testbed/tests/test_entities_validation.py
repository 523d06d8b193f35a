"""What is refused because of its content, by bundles and through the API alike."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from opencti_testbed.process import TestbedProcess
from opencti_testbed.stix.patterns import is_pattern

START, END = "2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"


def stix(stix_type: str, **more: Any) -> dict[str, Any]:
    return {"type": stix_type, "id": f"{stix_type}--{uuid.uuid4()}", **more}


def indicator(**more: Any) -> dict[str, Any]:
    pattern = "[ipv4-addr:value = '192.0.2.3']"
    given = {"pattern": pattern, "pattern_type": "stix", "valid_from": START, **more}
    return stix("indicator", name=f"validated {more}", **given)


@pytest.fixture(name="client", scope="module")
def fixture_client(make: Any) -> Iterator[Any]:
    """One platform for all: each test uses names of its own."""
    with TestbedProcess() as platform:
        yield make.client(platform, "Validation")


def refusals(client: Any, objects: list[dict[str, Any]]) -> str:
    """Push objects and return what their work says of those that were rejected."""
    work = client.api.work.get_work(client.push(objects))
    assert work["status"] == "complete"
    return " ".join(one["message"] for one in work["errors"])


OBSERVABLE, INDICATOR = "INCORRECT_OBSERVABLE_FORMAT", "INCORRECT_INDICATOR_FORMAT"
REFUSED: list[tuple[dict[str, Any], str]] = [
    (stix("malware", name=5), "name cannot be 5: text"),
    (stix("malware", name=["a"]), "name cannot be ['a']: text"),
    (stix("malware", name="l1", labels="abc"), "labels must be a list of texts"),
    (stix("malware", name="l2", labels=[None, {"a": 1}]), "labels must be a list"),
    (stix("malware", name="l3", aliases=["a", 1]), "aliases cannot be ['a', 1]"),
    (stix("malware", name="f", is_family="perhaps"), "is_family cannot be 'perhaps'"),
    (stix("malware", name="i") | {"id": "malware--x"}, "without a valid id"),
    (
        stix("malware", name="j") | {"id": f"tool--{uuid.uuid4()}"},
        "a malware cannot have the id of a tool",
    ),
    (
        stix("report", name="r", published="yesterday"),
        "published cannot be 'yesterday'",
    ),
    (stix("ipv4-addr", value="not an ip"), f"{OBSERVABLE}: IPv4-Addr"),
    (stix("ipv4-addr", value="192.0.2.256"), f"{OBSERVABLE}: IPv4-Addr"),
    (stix("ipv6-addr", value="192.0.2.1"), f"{OBSERVABLE}: IPv6-Addr"),
    (stix("file", hashes={"MD5": "zz"}), "'zz' is no MD5"),
    (stix("file", hashes={"SHA-256": "z" * 64}), "is no SHA-256"),
    (stix("file", hashes="zz"), "hashes are texts by algorithm"),
    (indicator(pattern="garbage"), f"{INDICATOR}: Indicator of type stix"),
    (indicator(valid_from=END, valid_until=START), "valid_until 2024-01-01"),
]


@pytest.mark.parametrize("wrong,words", REFUSED, ids=[words for _, words in REFUSED])
def test_a_wrong_value_rejects_its_object_in_words(
    client: Any, wrong: dict[str, Any], words: str
) -> None:
    before = client.platform.fingerprint()
    assert words in refusals(client, [wrong])
    assert client.platform.fingerprint() == before


def test_what_is_right_is_taken_and_has_one_form(client: Any) -> None:
    right = [
        stix(
            "malware",
            name="right",
            aliases="one",
            first_seen="2024-01-01T01:00:00+01:00",
        ),
        stix("ipv4-addr", value="198.51.100.0/24"),
        stix("ipv6-addr", value="2001:db8::1"),
        stix("file", hashes={"SHA-1": "AB" * 20, "SSDEEP": "3:any:thing"}),
        stix("autonomous-system", number="64500"),
        indicator(pattern="alert tcp any any", pattern_type="snort"),
        stix("x-opencti-task", name="t1", created=START),
        stix("task", name="t2", created=START)
        | {"id": f"x-opencti-task--{uuid.uuid4()}"},
    ]
    assert refusals(client, right) == ""
    (malware,) = (o for o in client.platform.objects("Malware") if o["name"] == "right")
    assert malware["aliases"] == ["one"]
    assert malware["first_seen"] == "2024-01-01T00:00:00.000Z"
    (system,) = client.platform.objects("Autonomous-System")
    assert system["number"] == 64500


def test_periods_of_relationships_end_after_they_begin(client: Any, make: Any) -> None:
    one, other = make.malware("period one"), make.malware("period other")
    place = stix("identity", name="period", identity_class="organization")
    backwards = {"start_time": END, "stop_time": START}
    relation = make.relationship(one, "related-to", other, **backwards)
    sighting = stix("sighting", first_seen=END, last_seen=START)
    sighting |= {"sighting_of_ref": one["id"], "where_sighted_refs": [place["id"]]}
    words = refusals(client, [one, other, place, relation, sighting])
    assert "stop_time 2024-01-01" in words and "last_seen 2024-01-01" in words


def test_the_api_refuses_the_same(client: Any) -> None:
    with pytest.raises(ValueError, match=f"'name': '{OBSERVABLE}'"):
        client.api.stix_cyber_observable.create(
            observableData={"type": "ipv4-addr", "value": "not an ip"}
        )
    with pytest.raises(ValueError, match=f"'name': '{INDICATOR}'"):
        client.api.indicator.create(
            name="x",
            pattern="garbage",
            pattern_type="stix",
            x_opencti_main_observable_type="IPv4-Addr",
        )
    made = client.api.malware.create(name="patched", is_family=True)["id"]
    edit = client.api.stix_domain_object
    with pytest.raises(ValueError, match="confidence must be an integer"):
        edit.update_field(id=made, input={"key": "confidence", "value": 500})


PATTERNS = {
    "[ipv4-addr:value = '1.2.3.4']": True,
    "[file:hashes.'SHA-256' = 'aa' OR file:hashes.MD5 IN ('a', 'b')]": True,
    "[a:b = 1 AND (a:c != 'x' OR a:d NOT LIKE 'y%')] FOLLOWEDBY ([x:y > 1.5]) WITHIN 5 SECONDS": True,
    "[url:value = 'it\\'s'] REPEATS 5 TIMES": True,
    "[x:y = 1] START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z'": True,
    "[process:x[*].y_ref.'z' = true AND EXISTS a:b]": True,
    "": False,
    "[]": False,
    "[a]": False,
    "[ipv4-addr:value = '1.2.3.4'": False,
    "[ipv4-addr:value = 1.2.3.4]": False,
    "ipv4-addr:value = '1.2.3.4'": False,
    "[a:b = 'x'] AND": False,
    "[a:b = 'x' a:c = 'y']": False,
}


@pytest.mark.parametrize("pattern,right", PATTERNS.items())
def test_patterns_are_told_from_other_texts(pattern: str, right: bool) -> None:
    assert is_pattern(pattern) is right


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "hostile", ["(" * 99_999, "a-" * 50_000, "[a:b='" + "x" * 99_999]
)
def test_hostile_patterns_are_refused_in_bounded_time(hostile: str) -> None:
    assert not is_pattern(hostile)


def test_relationships_join_what_they_may(client: Any, make: Any) -> None:
    one, other = make.malware("joined one"), make.malware("joined other")
    about = indicator(description="joined")
    place = stix("location", name="joined", country="FR")
    right = [("indicates", about, one), ("related-to", place, one)]
    right += [("variant-of", one, other), ("located-at", one, place)]
    wrong = [("indicates", one, other), ("frobnicates", one, other)]
    ends = [one, other, about, place]
    sent = [make.relationship(a, kind, b) for kind, a, b in right]
    assert refusals(client, [*ends, *sent]) == ""
    words = refusals(client, [make.relationship(a, kind, b) for kind, a, b in wrong])
    assert "indicates is not allowed between malware and malware" in words
    assert "There is no relationship type 'frobnicates'" in words
    # What is said of a relationship itself is not restricted.
    said = make.relationship(sent[0], "targets", place)
    assert refusals(client, [said]) == ""
    ids = [client.api.malware.read(id=end["id"])["id"] for end in (one, other)]
    with pytest.raises(ValueError, match="not allowed between malware and malware"):
        client.api.stix_core_relationship.create(
            fromId=ids[0], toId=ids[1], relationship_type="indicates"
        )


def test_labels_are_trimmed(client: Any) -> None:
    sent = stix("malware", name="trimmed", labels=["  spaced ", "Spaced", " "])
    assert refusals(client, [sent]) == ""
    labels = [one["value"] for one in client.platform.objects("Label")]
    assert labels == ["spaced"]
