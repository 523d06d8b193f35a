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


class Export:
    """What becomes of entities."""

    def __init__(self, platform: Platform, *entities: dict[str, Any]) -> None:
        self.bad: list[str] = []
        content = StixContent(platform, Access(platform, None, ()), 10, self.complain)
        closure = Closure(
            content, platform.by_stix_ids, io.BytesIO(), lambda file: None
        )
        made = list(closure.of(dict(one) for one in entities))
        self.objects = {one["id"]: one for one in made}
        assert len(self.objects) == len(made)
        self.left_out = closure.left_out
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
