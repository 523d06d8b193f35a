"""Enrichment: the platform asks a connector written on pycti, over HTTP and through a broker."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess

Make = Callable[..., Any]
SCOPE = "Malware,IPv4-Addr"
ASK = """
mutation Ask($id: ID!, $connector: ID!) {
  stixCoreObjectEdit(id: $id) { askEnrichment(connectorId: $connector) { id status name } }
}
"""


@pytest.fixture(name="enricher")
def fixture_enricher(connector: Make) -> Any:
    return connector("internal_enrichment", CONNECTOR_SCOPE=SCOPE)


def post(platform: TestbedProcess, path: str, body: Any) -> Any:
    return requests.post(
        f"{platform.url}/testbed/{path}",
        json=body,
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=10,
    )


def seed(platform: TestbedProcess, objects: list[dict[str, Any]]) -> dict[str, str]:
    """Put objects into the platform; return the standard ids of all malware by name."""
    platform.push(objects)
    platform.wait_idle()
    return {one["name"]: one["id"] for one in platform.objects("Malware")}


def tool(make: Any) -> dict[str, Any]:
    made = {**make.malware("t"), "type": "tool"}
    del made["is_family"]
    return {**made, "id": made["id"].replace("malware", "tool")}


def ask(enricher: Any, entity_id: str) -> dict[str, Any]:
    answer = enricher.query(ASK, {"id": entity_id, "connector": enricher.id})
    asked: dict[str, Any] = answer["stixCoreObjectEdit"]["askEnrichment"]
    return asked


def notes(platform: TestbedProcess) -> list[str]:
    return sorted(note["content"] for note in platform.objects("Note"))


def test_somebody_asks(served: TestbedProcess, make: Any, enricher: Any) -> None:
    ids = seed(served, [make.malware("a")])
    enricher.start()
    asked = ask(enricher, ids["a"])
    assert asked["status"] == "wait"
    assert asked["name"] == f"Enrichment ({ids['a']})"
    (work,) = enricher.works()
    assert work["id"] == asked["id"]
    assert notes(served) == [f"Enriched {ids['a']} (Malware)"]
    said = [message["message"] for message in work["messages"]]
    assert "Connector ready to process the operation" in said
    # The entity, and the note about it.
    assert "Sent 2 bundles" in said
    assert work["errors"] == 0 and work["expected"] == work["processed"] == 2


def test_what_comes_of_it_is_created_by_who_asked(
    served: TestbedProcess, make: Any, enricher: Any
) -> None:
    ids = seed(served, [make.malware("a")])
    enricher.start()
    add = "mutation U($input: UserAddInput!) { userAdd(input: $input) { id } }"
    bob = enricher.query(add, {"input": {"name": "Bob", "user_email": "bob@x.example"}})
    requests.post(
        f"{served.url}/graphql",
        json={
            "query": ASK,
            "variables": {"id": ids["a"], "connector": enricher.id},
        },
        headers={
            "Authorization": f"Bearer {served.token}",
            "opencti-applicant-id": bob["userAdd"]["id"],
        },
        timeout=10,
    ).raise_for_status()
    enricher.works()
    read = "{ notes { edges { node { creators { name } } } } malwares { edges { node { creators { name } } } } }"
    made = enricher.query(read)
    (note,), (asked,) = made["notes"]["edges"], made["malwares"]["edges"]
    assert note["node"]["creators"] == [{"name": "Bob"}]
    assert asked["node"]["creators"] == [{"name": "admin"}]


def test_new_entities_in_scope_are_enriched_by_themselves(
    served: TestbedProcess, make: Any, enricher: Any
) -> None:
    seed(served, [make.malware("before")])
    enricher.start(CONNECTOR_AUTO="true")
    seed(served, [make.malware("a"), make.malware("b"), tool(make)])
    works = enricher.works(2)
    assert len(works) == len(notes(served)) == 2
    assert all(work["name"].startswith("Enrichment (malware--") for work in works)


def test_changed_entities_are_enriched_by_themselves_for_who_wants_it(
    served: TestbedProcess, make: Any, enricher: Any
) -> None:
    seed(served, [make.malware("a"), make.malware("b")])
    enricher.start(CONNECTOR_AUTO_UPDATE="true")
    seed(served, [make.malware("a", description="more is known")])
    # The entity comes back with the note, which is no change that would have it enriched again.
    (work,) = enricher.works()
    assert work["counts"]["Malware"]["unchanged"] == len(notes(served)) == 1


def test_what_fails_ends_its_work_and_nothing_else(
    served: TestbedProcess, make: Any, enricher: Any
) -> None:
    ids = seed(served, [make.malware("poison"), make.malware("good")])
    enricher.start()
    for name in ("poison", "good"):
        ask(enricher, ids[name])
    poisoned, good = enricher.works(2)
    errors = [message["message"] for message in poisoned["error_messages"]]
    assert any("cannot be enriched" in message for message in errors)
    assert good["error_messages"] == []
    assert notes(served) == [f"Enriched {ids['good']} (Malware)"]


def test_a_request_waits_for_a_connector_that_is_away_and_survives_a_restart(
    served: TestbedProcess, make: Any, enricher: Any
) -> None:
    ids = seed(served, [make.malware("a")])
    enricher.start()
    enricher.kill()
    ask(enricher, ids["a"])
    served.kill()
    served.start()
    enricher.start()
    assert len(enricher.works()) == 1
    assert notes(served)


# Over HTTP the platform knows one address of a connector: replicas would need a balancer in front of them.
@pytest.mark.parametrize("transport", ["amqp"], indirect=True)
def test_two_replicas_share_one_queue(
    served: TestbedProcess, make: Any, enricher: Any
) -> None:
    names = [f"m{number}" for number in range(20)]
    ids = seed(served, [make.malware(name) for name in names])
    enricher.start()
    enricher.start()
    for name in names:
        ask(enricher, ids[name])
    works = enricher.works(20)
    assert len(works) == len(notes(served)) == 20
    assert all(work["error_messages"] == [] for work in works)


def test_the_step_of_a_playbook(
    served: TestbedProcess, make: Any, enricher: Any
) -> None:
    ids = seed(served, [make.malware("a")])
    enricher.start()
    carried = {
        "type": "bundle",
        "id": f"bundle--{uuid.uuid4()}",
        "objects": [{**make.malware("a"), "id": ids["a"]}, make.malware("other")],
    }
    answer = post(
        served,
        "playbook",
        {"entity_id": ids["a"], "connector_id": enricher.id, "bundle": carried},
    )
    assert answer.status_code == 202
    execution = answer.json()["execution"]

    def step() -> dict[str, Any]:
        found: dict[str, Any] = served.get(f"playbook/{execution}")
        return found

    enricher.wait_for(lambda: step()["answer"] is not None)
    assert step()["sent"] == carried
    objects = step()["answer"]["objects"]
    assert [one["type"] for one in objects] == ["malware", "malware", "note"]
    enricher.wait_for(lambda: notes(served) == [f"Enriched {ids['a']} (Malware)"])


def test_what_cannot_be_asked_is_said(
    served: TestbedProcess, make: Any, connector: Make, enricher: Any
) -> None:
    ids = seed(served, [make.malware("a"), tool(make)])
    (stored_tool,) = served.objects("Tool")
    enricher.start()
    importer = connector("external_import")
    importer.run(AMOUNT="1")
    for entity, asked, words in (
        ("malware--1", enricher.id, "There is no entity"),
        (ids["a"], "nobody", "There is no connector"),
        (ids["a"], importer.id, "not INTERNAL_ENRICHMENT"),
        (stored_tool["id"], enricher.id, "Tool is not in the scope"),
    ):
        answer = post(served, "enrich", {"entity_id": entity, "connector_id": asked})
        assert answer.status_code == 400
        assert words in answer.json()["error"]
    for path in ("enrich", "playbook"):
        answer = post(served, path, ["nonsense"])
        assert answer.status_code == 400
        assert "entity_id" in answer.json()["error"]
