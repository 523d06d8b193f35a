"""STIX objects of entities, and that nothing refers to what is not there: the platform's answers are made up."""

import io
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

from connectors_sdk.connectors.internal_export_file.access import Access
from connectors_sdk.connectors.internal_export_file.closure import Closure
from connectors_sdk.connectors.internal_export_file.stix_content import StixContent

DAY = "2024-01-01T00:00:00.000Z"


class Platform:
    """pycti's client, as far as contents need it: it knows some entities."""

    def __init__(self, *known: dict[str, Any]) -> None:
        self.known = {one["standard_id"]: one for one in known}
        self.questions = 0
        none = {"entities": [], "pagination": {"hasNextPage": False, "endCursor": None}}
        self.stix_nested_ref_relationship = SimpleNamespace(list=lambda **_: none)
        self.opencti_stix_object_or_stix_relationship = SimpleNamespace(list=self.there)

    def there(self, filters: dict[str, Any], **_: Any) -> list[dict[str, Any]]:
        self.questions += 1
        (group,) = filters["filterGroups"]
        ids = group["filters"][0]["values"]
        return [self.known[one] for one in ids if one in self.known]

    def by_stix_ids(self, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
        yield from (dict(self.known[one]) for one in ids if one in self.known)


def entity(kind: str, number: int, **more: Any) -> dict[str, Any]:
    stix_id = f"{kind.lower()}--2f6a6a5e-1f53-5c1c-9a5d-{number:012d}"
    return {
        "id": f"internal-{kind}-{number}",
        "standard_id": stix_id,
        "entity_type": kind,
        "parent_types": ["Stix-Domain-Object"],
        "name": f"{kind} {number}",
        "created": DAY,
        "modified": DAY,
        **more,
    }


def holding(kind: str, number: int, *objects: dict[str, Any]) -> dict[str, Any]:
    held = [dict(one) for one in objects]
    return entity(kind, number, objects=held, objectsIds=[one["id"] for one in held])


def marking(kind: str, words: str) -> dict[str, Any]:
    own = "marking-definition--2f6a6a5e-1f53-5c1c-9a5d-000000000099"
    about = {"definition_type": kind, "definition": words, "created": DAY}
    return {"id": "m", "standard_id": own, **about}


def located_at(*places: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the relationships by which each of these is in the next one."""
    return [{"from": one, "to": other} for one, other in zip(places, places[1:])]


class Export:
    """What becomes of entities."""

    def __init__(
        self,
        platform: Platform,
        *entities: dict[str, Any],
        located: Iterable[dict[str, Any]] = (),
    ) -> None:
        self.bad: list[str] = []
        self.asked_where = 0

        def where(ids: Iterable[str]) -> list[dict[str, Any]]:
            self.asked_where += 1
            wanted = {*ids}
            return [one for one in located if one["from"]["id"] in wanted]

        access = Access(platform, None, ())
        content = StixContent(platform, access, 10, self.complain, where)
        closure = Closure(
            content, platform.by_stix_ids, io.BytesIO(), lambda file: None
        )
        made = list(closure.of(dict(one) for one in entities))
        self.objects = {one["id"]: one for one in made}
        assert len(self.objects) == len(made)
        self.left_out = closure.left_out
        self.nowhere = content.nowhere
        for one in made:
            for key, value in one.items():
                if key.endswith(("_ref", "_refs")):
                    several = value if isinstance(value, list) else [value]
                    assert {*several} <= self.objects.keys(), (one["id"], key)

    def complain(self, one: dict[str, Any], error: Exception) -> None:
        self.bad.append(f"{one['name']}: {type(error).__name__}")


def test_one_that_cannot_be_made_loses_no_other() -> None:
    good, bad = entity("Malware", 1), entity("Malware", 2, hashes=[None])
    about = holding("Note", 3, good, bad)
    alone = holding("Note", 4, bad)
    made = Export(Platform(good, bad, about, alone), good, bad, about, alone)
    assert made.bad == ["Malware 2: TypeError"]
    assert made.objects.keys() == {good["standard_id"], about["standard_id"]}
    assert made.objects[about["standard_id"]]["object_refs"] == [good["standard_id"]]
    assert made.left_out == 1


def test_ids_that_stix_does_not_have_lead_somewhere() -> None:
    kinds = ("Case-Incident", "Case-Rfi", "Case-Rft", "Feedback", "Task")
    several = [entity(kind, 1) for kind in (*kinds, "Data-Source")]
    source = {**several[-1], "parent_types": ["Stix-Domain-Object"]}
    component = entity("Data-Component", 1, dataSource=source, dataSourceId="x")
    report = holding("Report", 2, *several, component)
    made = Export(Platform(*several, component, report), report)
    (own,) = (one for one in made.objects.values() if one["type"] == "report")
    assert sorted(one.partition("--")[0] for one in own["object_refs"]) == [
        "x-mitre-data-component",
        "x-mitre-data-source",
        *(f"x-opencti-{kind.lower()}" for kind in kinds),
    ]
    (part,) = (o for o in made.objects.values() if "x_mitre_data_source_ref" in o)
    assert part["type"] == "x-mitre-data-component"


def test_what_is_deleted_meanwhile_is_not_referred_to() -> None:
    author = entity("Organization", 1, identity_class="organization")
    malware = entity("Malware", 2, createdBy=author, createdById=author["id"])
    made = Export(Platform(malware), malware)
    assert "created_by_ref" not in made.objects[malware["standard_id"]]
    assert (
        "created_by_ref"
        in Export(Platform(malware, author), malware).objects[malware["standard_id"]]
    )


def test_what_may_be_referred_to_is_asked_for_many_at_a_time() -> None:
    authors = [
        entity("Organization", n, identity_class="organization") for n in range(8)
    ]
    malware = [entity("Malware", n, createdBy=authors[n]) for n in range(8)]
    platform = Platform(*authors, *malware)
    assert len(Export(platform, *malware).objects) == 16
    assert platform.questions == 1


def test_statements_keep_their_words() -> None:
    marked = entity(
        "Malware",
        1,
        objectMarking=[marking("statement", "(c) ACME")],
        objectMarkingIds=["m"],
    )
    (mark,) = (
        one
        for one in Export(Platform(marked), marked).objects.values()
        if one["type"] == "marking-definition"
    )
    assert mark["definition"] == {"statement": "(c) ACME"}


def test_files_and_their_content_stay_where_they_are() -> None:
    file = {"id": "f", "name": "a.bin", "metaData": {"mimetype": "x"}}
    reference = {
        "id": "r",
        "source_name": "a",
        "description": None,
        "url": None,
        "hash": None,
        "external_id": None,
        "importFiles": [file],
    }
    one = entity(
        "Malware",
        1,
        importFiles=[file],
        importFilesIds=["f"],
        externalReferences=[reference],
        externalReferencesIds=["r"],
    )
    made = Export(Platform(one), one)
    assert not made.bad
    assert "x_opencti_files" not in str(made.objects)


def test_what_is_nested_is_referred_to_as_well() -> None:
    there, gone = entity("StixFile", 1), entity("StixFile", 2)

    def archive(number: int, *held: dict[str, Any]) -> dict[str, Any]:
        ids = [one["standard_id"].replace("stixfile", "file") for one in held]
        holds = {"archive-ext": {"contains_refs": ids, "comment": "Found"}}
        return entity("StixFile", number, extensions=holds)

    for one in (there, gone):
        one["standard_id"] = one["standard_id"].replace("stixfile", "file")
    both, empty = archive(3, there, gone), archive(4, gone)
    case = entity("Case-Incident", 5)
    told = {"x-ext": {"parts": [{"about_ref": case["standard_id"]}]}}
    about = entity("StixFile", 6, extensions=told)
    known = Platform(there, both, empty, case, about)
    objects = Export(known, both, empty, about).objects
    assert {there["standard_id"], f"x-opencti-{case['standard_id']}"} < objects.keys()
    held = objects[both["standard_id"]]["extensions"]["archive-ext"]
    assert held == {"contains_refs": [there["standard_id"]], "comment": "Found"}
    assert not objects[empty["standard_id"]]["extensions"]
    assert gone["standard_id"] not in str(objects)


def test_kinds_of_markings_that_stix_does_not_have_are_statements() -> None:
    given = {"objectMarking": [marking("PAP", "PAP:RED")], "objectMarkingIds": ["m"]}
    marked = entity("Malware", 1, **given)
    mark = next(iter(Export(Platform(marked), marked).objects.values()))
    assert mark["definition"] == {"statement": "PAP:RED"}
    assert mark["definition_type"] == "statement"
    assert mark["x_opencti_definition_type"] == "PAP"
    assert mark["x_opencti_definition"] == "PAP:RED"


def test_what_pycti_says_twice_is_said_once() -> None:
    malware = entity("Malware", 1, samples=[{"id": "internal"}])
    group = entity("Threat-Actor-Group", 2)
    for one in Export(Platform(malware, group), malware, group).objects.values():
        assert not {"samples", "threat_actor_group"} & one.keys()


def test_cities_are_in_the_country_that_they_are_located_at() -> None:
    country, region = entity("Country", 1, name="France"), entity("Region", 2)
    area, point = entity("Administrative-Area", 3), {"latitude": 1, "longitude": 0}
    near, far, lost, known = (entity("City", number) for number in range(4, 8))
    known |= point
    cities = [dict(one) for one in (near, far, lost, known)]
    places = located_at(near, country) + located_at(far, area, region)
    made = Export(Platform(*cities), *cities, located=places)
    told = [
        [made.objects[one["standard_id"]].get(key) for key in ("country", "region")]
        for one in cities
    ]
    assert told == [["France", None], [None, region["name"]], [None] * 2, [None] * 2]
    assert made.nowhere == 1
    # By the page, and not at all where nothing is missing.
    assert made.asked_where == 2
    assert Export(Platform(known), known).asked_where == 0


def test_network_traffic_without_protocols_is_left_out() -> None:
    address = entity("IPv4-Addr", 1)
    ends = {"src_ref": address["standard_id"]}
    silent, known = entity("Network-Traffic", 2, **ends), entity("Network-Traffic", 3)
    known |= {**ends, "protocols": ["tcp"]}
    made = Export(Platform(address, silent, known), silent, known)
    assert silent["standard_id"] not in made.objects
    assert known["standard_id"] in made.objects
    assert made.left_out == 1
