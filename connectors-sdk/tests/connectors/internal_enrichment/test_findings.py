"""From what an author's code yields to what is sent."""

import copy
from typing import Any

import pytest

from connectors_sdk.bundles import BundleError, merge_objects
from connectors_sdk.connectors.internal_enrichment.entity import Entity
from connectors_sdk.connectors.internal_enrichment.findings import (
    Answer,
    Composition,
    collect,
    compose,
)
from connectors_sdk.connectors.internal_enrichment.scores import ScorePolicy
from connectors_sdk.models import (
    AutonomousSystem,
    Country,
    ExternalReference,
    IPV4Address,
    Note,
    Organization,
    OrganizationAuthor,
    Relationship,
    TLPMarking,
)

OCTI = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"
SCO = "extension-definition--f93e2c80-4231-4f9a-af8b-95c9bd566a82"
CLEAR, GREEN, AMBER, RED = (
    TLPMarking(level=level) for level in ("clear", "green", "amber", "red")
)
PAP = {
    "type": "marking-definition",
    "spec_version": "2.1",
    "id": "marking-definition--aaaaaaaa-0000-4000-8000-000000000001",
    "created": "2024-01-01T00:00:00.000Z",
    "definition_type": "pap",
    "name": "PAP:RED",
    "definition": {"pap": "pap:red"},
}
SOURCE = OrganizationAuthor(name="Source")


def make_entity(
    *markings: TLPMarking, form: str = "pycti", **properties: Any
) -> Entity:
    """An IPv4 address as it arrives: built by pycti (`pycti`) or told by the platform (`platform`)."""
    address = IPV4Address(value="203.0.113.7")
    stix: dict[str, Any] = {
        **address.to_stix_dict(),
        "object_marking_refs": [m.id for m in markings] or None,
        "x_opencti_labels": ["old"],
        "x_opencti_score": 40,
        **properties,
    }
    stix = {key: value for key, value in stix.items() if value is not None}
    if form == "platform":
        del stix["x_opencti_labels"], stix["x_opencti_score"]
        stix["extensions"] = {
            OCTI: {"id": "internal", "type": "IPv4-Addr"},
            SCO: {"labels": ["old"], "score": 40},
        }
    platform = {
        "id": "internal",
        "standard_id": address.id,
        "entity_type": "IPv4-Addr",
        "observable_value": "203.0.113.7",
        "objectLabel": [{"value": "old"}],
        "objectMarking": [],
        "x_opencti_score": 40,
        "importFiles": [],
    }
    message = {
        "enrichment_entity": platform,
        "stix_entity": stix,
        "stix_objects": [*(m.to_stix_dict() for m in markings), stix],
    }
    return Entity.of(message)


def composed(
    entity: Entity,
    findings: list[Any],
    policy: ScorePolicy = ScorePolicy.NEVER_LOWER,
    marking: TLPMarking = CLEAR,
) -> Composition:
    answer = collect(entity, findings, pytest.fail)
    kept = Answer.from_bytes(answer.to_bytes())
    assert kept == answer
    return compose(entity, kept, author=SOURCE, findings_marking=marking, policy=policy)


def by_id(composition: Composition) -> dict[str, dict[str, Any]]:
    found = {one["id"]: one for one in composition.objects}
    assert len(found) == len(composition.objects)
    return found


def test_the_entity_as_it_arrives() -> None:
    for form in ("pycti", "platform"):
        entity = make_entity(GREEN, form=form)
        assert (entity.type, entity.value) == ("IPv4-Addr", "203.0.113.7")
        assert entity.stix_type == "ipv4-addr"
        assert (entity.score, entity.labels) == (40, ("old",))
        assert entity.reference.id == entity.id
    with pytest.raises(ValueError, match="no entity"):
        Entity.of({"stix_entity": {}})


def test_findings_are_closed_authored_and_marked() -> None:
    entity = make_entity(GREEN)
    network = AutonomousSystem(number=64500)
    place = Country(name="France")
    findings = [
        Relationship(type="belongs-to", source=entity.reference, target=network),
        Relationship(type="located-at", source=entity.reference, target=place),
    ]
    composition = composed(entity, findings)
    assert composition.found == 4 and composition.changed
    objects = by_id(composition)
    for one in findings + [network, place]:
        assert one.id in objects
    assert objects[place.id]["created_by_ref"] == SOURCE.id
    assert objects[network.id]["x_opencti_created_by_ref"] == SOURCE.id
    assert "created_by_ref" not in objects[network.id]
    assert "created_by_ref" not in objects[SOURCE.id]
    assert objects[SOURCE.id]["object_marking_refs"] == [CLEAR.id]
    # Knowledge about the world is as open as the source says, what it has to do with the entity as closed as that.
    assert objects[place.id]["object_marking_refs"] == [CLEAR.id]
    assert objects[network.id]["object_marking_refs"] == [CLEAR.id]
    for relationship in findings:
        assert objects[relationship.id]["object_marking_refs"] == [GREEN.id]
    # The entity itself is as it was.
    assert objects[entity.id] == entity.stix
    known = set(objects)
    for one in objects.values():
        for key, value in one.items():
            if key.endswith("_ref"):
                assert value in known
            if key.endswith("_refs"):
                assert set(value) <= known


def test_what_refers_to_the_entity_is_never_more_open_than_it() -> None:
    entity = make_entity(RED)
    stix = {**entity.stix, "object_marking_refs": [RED.id, PAP["id"]]}
    entity = Entity.of(
        {
            "enrichment_entity": entity.platform,
            "stix_entity": stix,
            "stix_objects": [RED.to_stix_dict(), PAP, stix],
        }
    )
    note = Note(content="seen", objects=[entity.reference])
    objects = by_id(composed(entity, [note], marking=GREEN))
    assert objects[note.id]["object_marking_refs"] == [RED.id, PAP["id"]]
    # The stricter one of both.
    open_entity = make_entity(GREEN)
    note = Note(content="seen", objects=[open_entity.reference])
    objects = by_id(composed(open_entity, [note], marking=AMBER))
    assert objects[note.id]["object_marking_refs"] == [AMBER.id]


def test_what_a_source_says_itself_stays() -> None:
    entity = make_entity(GREEN)
    other = OrganizationAuthor(name="Other")
    place = Country(name="France", author=other, markings=[AMBER])
    objects = by_id(composed(entity, [place]))
    assert objects[place.id]["created_by_ref"] == other.id
    assert objects[place.id]["object_marking_refs"] == [AMBER.id]
    # The other's own description comes from the source, too.
    assert objects[other.id]["created_by_ref"] == SOURCE.id


def test_the_same_findings_in_another_order_and_twice() -> None:
    entity = make_entity()
    place = Country(name="France")
    to_place = Relationship(type="located-at", source=entity.reference, target=place)
    once = by_id(composed(entity, [to_place]))
    again = by_id(composed(entity, [place, to_place, to_place, place]))
    assert set(once) == set(again)


def test_references_that_nobody_supplies_are_dropped_and_told() -> None:
    entity = make_entity()
    stranger = "malware--0b5b6ad2-1e6c-5c55-8aa5-6d2c9f6d1c11"
    note = {
        **Note(content="seen", objects=[entity.reference]).to_stix_dict(),
        "object_refs": [entity.id, stranger],
    }
    told: list[str] = []
    answer = collect(entity, [note], told.append)
    assert [one["object_refs"] for one in answer.objects] == [[entity.id]]
    assert len(told) == 1 and stranger in told[0]


def test_nothing_known() -> None:
    entity = make_entity()
    assert not collect(entity, None, pytest.fail)
    assert not collect(entity, [], pytest.fail)
    composition = composed(entity, [])
    assert not composition.changed
    assert composition.objects == [*entity.objects]


def test_what_is_no_finding() -> None:
    with pytest.raises(BundleError):
        collect(make_entity(), ["a text"], pytest.fail)


def test_an_answer_of_another_version_is_no_answer() -> None:
    for content in (b"{}", b"[]", b'{"objects": [], "updates": [{}]}', b"\xff"):
        with pytest.raises(ValueError):
            Answer.from_bytes(content)


@pytest.mark.parametrize("form", ["pycti", "platform"])
def test_the_entity_grows_and_loses_nothing(form: str) -> None:
    entity = make_entity(GREEN, form=form, x_custom={"a": [1]})
    before = copy.deepcopy(entity.stix)
    reference = ExternalReference(source_name="source", url="https://example.com/1")
    findings = [
        entity.update(labels=["new", "old", ""], external_references=[reference]),
        entity.update(score=90, description="An address"),
        entity.update(score=10),
    ]
    composition = composed(entity, findings)
    assert composition.score == 90
    (stix,) = (one for one in composition.objects if one["id"] == entity.id)
    grown = Entity.of(
        {
            "enrichment_entity": {**entity.platform, "x_opencti_score": None},
            "stix_entity": stix,
            "stix_objects": [stix],
        }
    )
    assert grown.score == 90
    assert set(grown.labels) == {"old", "new"}
    assert stix["x_opencti_external_references"] == [
        {"source_name": "source", "url": "https://example.com/1"}
    ]
    assert stix["x_opencti_description"] == "An address"
    assert stix["x_custom"] == {"a": [1]}
    assert stix["object_marking_refs"] == [GREEN.id]
    # Wherever it is read first, it says the same.
    if form == "platform":
        extension = stix["extensions"][SCO]
        assert (extension["score"], extension["labels"]) == (90, ["old", "new"])
        assert extension["description"] == "An address"
        assert stix["extensions"][OCTI] == before["extensions"][OCTI]
    else:
        assert "extensions" not in stix
    assert entity.stix == before


def test_what_it_has_is_not_said_again() -> None:
    for form in ("pycti", "platform"):
        entity = make_entity(form=form)
        composition = composed(entity, [entity.update(score=20, labels=["old"])])
        assert not composition.changed
        assert composition.score is None


def test_a_description_is_not_overwritten() -> None:
    entity = make_entity(x_opencti_description="by an analyst")
    (stix,) = composed(entity, [entity.update(description="by a source")]).objects
    assert stix["x_opencti_description"] == "by an analyst"


def test_scores_by_policy() -> None:
    entity = make_entity()
    for policy, expected in (
        (ScorePolicy.NEVER_LOWER, None),
        (ScorePolicy.MEAN, 25),
        (ScorePolicy.REPLACE, 10),
        (ScorePolicy.KEEP, None),
    ):
        assert composed(entity, [entity.update(score=10)], policy).score == expected
    with pytest.raises(ValueError, match="0 to 100"):
        entity.update(score=101)


def test_a_domain_object_has_its_properties_without_prefix() -> None:
    organization = Organization(name="ACME", labels=["old"])
    stix = organization.to_stix_dict()
    platform = {
        "id": "internal",
        "standard_id": organization.id,
        "entity_type": "Organization",
        "name": "ACME",
        "objectMarking": [],
    }
    entity = Entity.of(
        {"enrichment_entity": platform, "stix_entity": stix, "stix_objects": [stix]}
    )
    assert entity.value == "ACME"
    update = entity.update(labels=["new"], description="A firm")
    (grown,) = composed(entity, [update]).objects
    assert grown["labels"] == ["old", "new"]
    assert grown["description"] == "A firm"
    assert not [key for key in grown if key.startswith("x_opencti_")]


def test_in_a_playbook_everything_stays() -> None:
    """A finding that the playbook carries already is merged with it."""
    carried = Organization(name="ACME", labels=["theirs"]).to_stix_dict()
    bare = make_entity(GREEN)
    stranger = {"type": "x-unknown", "id": "x-unknown--1", "x": 1}
    entity = Entity.of(
        {
            "enrichment_entity": bare.platform,
            "stix_entity": bare.stix,
            "stix_objects": [stranger, carried, *bare.objects],
        }
    )
    found = Organization(name="ACME", labels=["ours"], description="A firm")
    objects = by_id(composed(entity, [found]))
    for one in entity.objects:
        merged = merge_objects(one, objects[one["id"]])
        assert merged == objects[one["id"]]
    assert objects[found.id]["labels"] == ["theirs", "ours"]
    assert objects["x-unknown--1"] == stranger
