"""Objects that break whoever touches them: they are rejected, everything else goes on."""

import json
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess

DRAFT = "mutation D($input: DraftWorkspaceAddInput!) { draftWorkspaceAdd(input: $input) { id } }"


def nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = [value]
    return value


POISON: dict[str, dict[str, Any]] = {
    "300 levels": {"x_nested": nested(300)},
    "150 levels": {"x_nested": nested(150)},
    "2^63": {"x_number": 2**63},
    "10^40": {"x_number": 10**40},
    "deep and dangling": {
        "x_nested": nested(300),
        "created_by_ref": "identity--11111111-1111-4111-8111-111111111111",
    },
    "aliases": {"aliases": 5},
    "labels": {"labels": {"a": 1}},
    "references": {"external_references": "x"},
    "phases": {"kill_chain_phases": [5]},
    "markings": {"object_marking_refs": 7},
    "author": {"created_by_ref": {"a": 1}},
    "name": {"name": {"a": "b"}},
    "dates": {"created": 5, "modified": []},
    "hashes": {"hashes": [1]},
    "extensions": {"extensions": [1]},
}


def push(client: Any, objects: list[Any], work: str) -> None:
    bundle = {"type": "bundle", "id": "bundle--1", "objects": objects}
    client.query(
        "mutation P($id: String!, $bundle: String!, $work: String) {"
        " stixBundlePush(connectorId: $id, bundle: $bundle, work_id: $work) }",
        {
            "id": client.helper.connect_id,
            "bundle": json.dumps(bundle),
            "work": work,
        },
    )


def new_work(client: Any) -> str:
    return str(client.api.work.initiate_work(client.helper.connect_id, "a work"))


def names(platform: TestbedProcess) -> set[str]:
    return {str(one["name"]) for one in platform.objects("Malware")}


@pytest.mark.parametrize("in_draft", [False, True], ids=["live", "draft"])
def test_poison_is_rejected_or_stored_and_what_follows_is_ingested(
    platform: TestbedProcess, client: Any, make: Any, in_draft: bool
) -> None:
    works = {}
    for what, properties in POISON.items():
        works[what] = work = new_work(client)
        if in_draft:
            draft = client.query(DRAFT, {"input": {"name": what}})["draftWorkspaceAdd"]
            client.api.work.add_draft_context(work, draft["id"])
        good = [make.malware(f"{what} before"), make.malware(f"{what} after")]
        bad = {**make.malware(what), **properties}
        push(client, [good[0], bad, good[1]], work)
    after = new_work(client)
    push(client, [make.malware("after all")], after)
    platform.wait_idle()
    assert "after all" in names(platform)
    for what, work in works.items():
        found = client.api.work.get_work(work)
        tracking = found["tracking"]
        assert tracking["import_processed_number"] == 3, (what, found)
        assert len(found["errors"]) <= 1, (what, found)
        if not in_draft:
            assert {f"{what} before", f"{what} after"} <= names(platform)
    # (A reader of JSON takes 10^40 for a floating-point number, which is sound.)
    for what in ("300 levels", "150 levels", "2^63", "deep and dangling"):
        (error,) = client.api.work.get_work(works[what])["errors"]
        assert "levels deep" in error["message"] or "64 bits" in error["message"]
    # Whoever listens is told of all that was stored.
    with requests.get(
        f"{platform.url}/stream/live",
        headers={"Authorization": f"Bearer {platform.token}", "Last-Event-ID": "0-0"},
        stream=True,
        timeout=20,
    ) as stream:
        for line in stream.iter_lines():
            if b"after all" in line:
                break


@pytest.mark.parametrize("in_draft", [False, True], ids=["live", "draft"])
def test_what_waits_for_a_work_that_is_deleted_is_not_ingested(
    platform: TestbedProcess, client: Any, make: Any, in_draft: bool
) -> None:
    platform.order_fault("pause-worker")
    work = new_work(client)
    if in_draft:
        draft = client.query(DRAFT, {"input": {"name": "d"}})["draftWorkspaceAdd"]
        client.api.work.add_draft_context(work, draft["id"])
    push(client, [make.malware("secret")], work)
    client.api.work.delete(id=work)
    platform.lift_faults()
    client.push([make.malware("public")])
    assert names(platform) == {"public"}


def test_what_a_deleted_connector_had_sent_is_not_ingested(
    platform: TestbedProcess, client: Any, make: Any
) -> None:
    other = make.client(platform, "Other")
    platform.order_fault("pause-worker")
    push(other, [make.malware("late")], new_work(other))
    client.query(
        "mutation D($id: ID!) { deleteConnector(id: $id) }",
        {"id": other.helper.connect_id},
    )
    platform.lift_faults()
    client.push([make.malware("public")])
    assert names(platform) == {"public"}
