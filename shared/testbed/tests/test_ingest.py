"""What becomes of bundles."""

import json
from typing import Any

from opencti_testbed.process import TestbedProcess

GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"

UUID = "0f0e7a5c-5f0b-4b39-9a43-2f1c2f6d8b11"


def outcome(platform: TestbedProcess) -> dict[str, int]:
    summary = platform.summary()
    keys = ("created", "updated", "unchanged", "rejected")
    return {key: summary[key] for key in keys if summary[key]}


def test_a_dangling_reference_rejects_its_object_and_names_what_is_missing(
    client: Any, make: Any
) -> None:
    good, ghost = make.malware("good"), make.malware("ghost")
    client.push([make.relationship(good, "uses", ghost), good])
    assert outcome(client.platform) == {"created": 1, "rejected": 1}
    (error,) = client.platform.errors()
    assert "relationship--" in error["message"]
    assert f"target_ref {ghost['id']}" in error["message"]
    (work,) = client.platform.works()
    assert (work["status"], work["processed"], work["errors"]) == ("complete", 2, 1)
    client.push([ghost])
    client.push([make.relationship(good, "uses", ghost)])
    assert client.platform.summary()["objects_by_type"]["uses"] == 1


def test_order_inside_a_bundle_does_not_matter(client: Any, make: Any) -> None:
    a, b = make.malware("a"), make.malware("b")
    report = {
        "type": "report",
        "id": "report--11111111-1111-4111-8111-111111111111",
        "name": "r",
        "published": "2024-01-01T00:00:00Z",
        "object_refs": [a["id"], b["id"]],
    }
    client.push([report, make.relationship(a, "uses", b), b, a])
    assert outcome(client.platform) == {"created": 4}


def test_a_location_without_a_name_is_called_by_where_it_is(client: Any) -> None:
    country = {"type": "location", "id": f"location--{UUID}", "country": "NO"}
    client.push([country])
    (stored,) = client.platform.objects("Country")
    assert stored["name"] == "NO"


def test_objects_that_refer_to_each_other_in_a_circle_are_stored(
    client: Any, make: Any
) -> None:
    a = make.malware("a", sample_refs=[make.malware("b")["id"]])
    b = make.malware("b", sample_refs=[make.malware("a")["id"]])
    client.push([a, b])
    assert outcome(client.platform) == {"created": 2}
    stored = {m["name"]: m for m in client.platform.objects("Malware")}
    assert stored["a"]["sample_refs"] == [stored["b"]["id"]]
    assert stored["b"]["sample_refs"] == [stored["a"]["id"]]


def test_the_same_again_changes_nothing_and_a_change_is_an_update(
    client: Any, make: Any
) -> None:
    client.push([make.malware("a"), make.malware("b")])
    before = client.platform.fingerprint()
    client.push([make.malware("a"), make.malware("b")])
    assert outcome(client.platform) == {"created": 2, "unchanged": 2}
    client.push([make.malware("a", modified="2024-06-01T00:00:00.000Z")])
    assert client.platform.fingerprint() == before, "a date alone is no change"
    client.push([make.malware("a", description="new")])
    assert client.platform.summary()["updated"] == 1
    assert client.platform.fingerprint() != before


def test_collections_grow_and_absence_clears_nothing(client: Any, make: Any) -> None:
    client.push(
        [
            make.malware(
                "a",
                description="kept",
                labels=["one"],
                external_references=[{"source_name": "s", "external_id": "1"}],
            )
        ]
    )
    client.push(
        [
            make.malware(
                "a",
                labels=["two", "one"],
                external_references=[{"source_name": "s", "external_id": "2"}],
            )
        ]
    )
    (stored,) = client.platform.objects("Malware")
    assert stored["description"] == "kept"
    assert stored["labels"] == ["one", "two"]
    assert [r["external_id"] for r in stored["external_references"]] == ["1", "2"]
    assert client.platform.summary()["objects_by_type"]["Label"] == 2


def test_the_strictest_tlp_stays(client: Any, make: Any) -> None:
    client.push([make.malware("a", object_marking_refs=[GREEN])])
    client.push([make.malware("a", object_marking_refs=[RED])])
    client.push([make.malware("a", object_marking_refs=[GREEN], description="x")])
    (stored,) = client.platform.objects("Malware")
    assert stored["object_marking_refs"] == [RED]


def test_an_object_is_known_by_its_other_ids(client: Any, make: Any) -> None:
    a = make.malware("a")
    client.push([a])
    (stored,) = client.platform.objects("Malware")
    assert stored["id"] != a["id"] and stored["x_opencti_stix_ids"] == [a["id"]]
    client.push([{**make.malware("b"), "name": "  A "}])
    assert client.platform.summary()["objects_by_type"]["Malware"] == 1
    client.push([make.malware("c"), make.relationship(make.malware("c"), "uses", a)])
    assert client.platform.summary()["rejected"] == 0


def test_garbage_is_rejected_in_words_and_the_rest_goes_on(
    client: Any, make: Any
) -> None:
    client.push(
        [
            "text",  # type: ignore[list-item]
            {"type": "malware"},
            {"type": "x-unheard-of", "id": f"x-unheard-of--{UUID}"},
            {"type": "malware", "id": f"malware--{UUID}", "is_family": True},
            make.malware("good"),
        ]
    )
    assert outcome(client.platform) == {"created": 1, "rejected": 4}
    messages = " ".join(e["message"] for e in client.platform.errors())
    for words in (
        "not a STIX object",
        "malware without a valid id",
        "unsupported type 'x-unheard-of'",
        "malware without name",
    ):
        assert words in messages


def test_a_killed_platform_goes_on_where_it_was(make: Any) -> None:
    families = [make.malware(f"family {n}", labels=[f"l{n % 7}"]) for n in range(3000)]
    objects = [
        *families,
        *(
            make.relationship(families[n], "related-to", families[n + 1])
            for n in range(2999)
        ),
    ]
    bundle = json.dumps({"type": "bundle", "id": "bundle--1", "objects": objects})

    def accept(platform: TestbedProcess) -> None:
        client = make.client(platform, "Client")
        work = client.api.work.initiate_work(client.helper.connect_id, "w")
        client.helper.send_stix2_bundle(bundle, work_id=work, no_split=True)

    with TestbedProcess() as undisturbed, TestbedProcess() as platform:
        accept(undisturbed)
        accept(platform)
        for moment in (500, 2500):
            platform.wait_for(lambda s, m=moment: s["created"] >= m)
            platform.kill()
            platform.start()
        platform.wait_idle()
        undisturbed.wait_idle()
        assert platform.fingerprint() == undisturbed.fingerprint()
        assert platform.summary()["created"] == 5999, "nothing is counted twice"
        (work,) = platform.works()
        assert work["processed"] == work["expected"] == 5999
