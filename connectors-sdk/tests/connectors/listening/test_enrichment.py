"""What an enrichment connector must do, clause by clause, over the wire; and connectors that do not."""

import ipaddress
import itertools
import re
import signal
import time
import uuid
from collections.abc import Callable
from typing import Any

from clause_tests import Broken, clause_tests
from listening_support import (
    SECRET,
    Kit,
    Lane,
    Process,
    complaints,
    expect,
    said,
    until,
    was_stopped,
)

from connectors_sdk.bundles import references_of
from connectors_sdk.models import IPV4Address, Malware, TLPMarking, Tool
from connectors_sdk.testing import Canned, Fault

_NUMBERS = itertools.count(1)
_BASE = int(ipaddress.IPv4Address("198.18.0.0"))
FULL = {"asn": 64500, "country": "France", "score": 80, "labels": ["bad"]}
RANDOM_PARTS = ("relationship", "note", "location", "autonomous-system", "identity")


def address(level: str | None = "green", **properties: Any) -> IPV4Address:
    """Return an address that no other test has."""
    markings = [TLPMarking(level=level)] if level else None
    value = str(ipaddress.IPv4Address(_BASE + next(_NUMBERS)))
    return IPV4Address(value=value, markings=markings, **properties)


def enriched(kit: Kit, entity: Any, connector: Process) -> dict[str, Any]:
    """Let an entity that is stored be enriched, and return the closed work."""
    return kit.lane.finished(kit.enrich(entity.id, connector))


def ids_around(kit: Kit, entity: Any) -> set[str]:
    """Return the ids of the relationships and notes that refer to an entity, and of what these refer to."""
    kit.lane.platform.wait_idle()
    objects = {one["id"]: one for one in kit.lane.platform.objects()}
    own = {i for i, one in objects.items() if entity.id in references_of(one)}
    return own | {ref for i in own for ref in references_of(objects[i])}


# -- the clauses ---------------------------------------------------------------------------------------------------------


def check_n1(kit: Kit) -> None:
    """Out of scope: said so on request, given back in a playbook."""
    tool = Tool(name=f"tool-{uuid.uuid4()}")
    kit.lane.seed(tool)
    kit.source.knows(tool.name, FULL)
    # The platform asks for what the connector said when it registered; the connector knows better now.
    connector = kit.start(CONNECTOR_SCOPE="IPv4-Addr,Tool")
    environment = {**connector.environment, "CONNECTOR_SCOPE": "IPv4-Addr"}
    sent, answer = kit.answer(kit.play(tool.id, kit.start(CONNECTOR_SCOPE="IPv4-Addr")))
    expect(answer == sent, "the bundle goes back unchanged")
    expect(not kit.source.asked(tool.name), "the source is not asked")
    connector.stop()
    again = kit.start(ready=False, **environment)
    # Before it registers anew, the platform believes that it takes tools.
    work_id = kit.enrich(tool.id, again)
    work = kit.lane.finished(work_id)
    expect("Tool is not in the scope" in said(work), f"the work says why: {said(work)}")
    expect(not kit.source.asked(tool.name), "the source is not asked")


def check_n2(kit: Kit) -> None:
    """Marked above the maximum: the source is not asked, the message says why."""
    red, unmarked, green = address("red"), address(None), address("green")
    later = address("green")
    kit.lane.seed(red, unmarked, green, later)
    for one in (red, unmarked, green, later):
        kit.source.knows(one.value, FULL)
    connector = kit.start(CONNECTOR_MAX_TLP="amber", CONNECTOR_ALLOW_UNMARKED="false")
    work = enriched(kit, red, connector)
    expect("TLP:RED is above the maximum TLP:AMBER" in said(work), said(work))
    expect("no TLP marking" in said(enriched(kit, unmarked, connector)), "says why")
    sent, answer = kit.answer(kit.play(red.id, connector))
    expect(answer == sent, "the bundle goes back unchanged")
    # What a playbook carries may be marked higher than what the platform holds.
    raised = {
        **later.to_stix_dict(),
        "object_marking_refs": [TLPMarking(level="red").id],
    }
    sent, answer = kit.answer(kit.play(later.id, connector, [raised]))
    expect(answer == sent, "the bundle goes back unchanged")
    for one in (red, unmarked, later):
        expect(not kit.source.asked(one.value), f"{one.id} never leaves")
    enriched(kit, green, connector)
    expect(kit.source.asked(green.value) == 1, "what may leave does")
    logged = [line for line in connector.output.splitlines() if "Egress" in line]
    expect(len(logged) >= 5, "every decision is logged")
    expect(red.value not in "".join(logged), "without the value")


def check_n3(kit: Kit) -> None:
    """In a playbook the answer is what came in plus what was found."""
    entity = address(labels=["theirs"], score=30)
    kit.lane.seed(entity)
    kit.source.knows(entity.value, FULL)
    other = Malware(name="carried", is_family=True).to_stix_dict()
    odd = {"type": "x-odd", "id": f"x-odd--{uuid.uuid4()}", "anything": {"a": [1]}}
    came = [TLPMarking(level="green").to_stix_dict(), other, odd, entity.to_stix_dict()]
    sent, answer = kit.answer(kit.play(entity.id, kit.start(), came))
    expect(answer["id"] == sent["id"], "it is the same bundle")
    objects = {one["id"]: one for one in answer["objects"]}
    for one in sent["objects"]:
        expect(one["id"] in objects, f"{one['id']} is still there")
        if one["id"] != entity.id:
            expect(objects[one["id"]] == one, f"{one['id']} is as it was")
    types = {one["type"] for one in objects.values()}
    expect({"autonomous-system", "location", "relationship"} <= types, "the findings")
    grown = objects[entity.id]
    for key, value in entity.to_stix_dict().items():
        if key not in ("x_opencti_labels", "x_opencti_score"):
            expect(grown[key] == value, f"{key} of the entity is as it was")
    expect(set(grown["x_opencti_labels"]) == {"theirs", "bad"}, "labels grow")
    expect(grown["x_opencti_score"] == 80, "the score grows")


def check_n4(kit: Kit) -> None:
    """Nothing known is no error."""
    empty, missing = address(), address()
    kit.lane.seed(empty, missing)
    kit.source.knows(empty.value, {})
    kit.source.knows(missing.value, Canned({"error": "unknown"}, status=404))
    connector = kit.start()
    for entity in (empty, missing):
        work = enriched(kit, entity, connector)
        expect(not complaints(work), f"no error: {complaints(work)}")
        expect("Nothing is known" in said(work), f"said so: {said(work)}")
        sent, answer = kit.answer(kit.play(entity.id, connector))
        expect(answer == sent, "the bundle goes back unchanged")


def check_n5(kit: Kit) -> None:
    """The source fails: tried again, not for ever; the work says why; the next request is done."""
    flaky, broken, refused, fine = (address() for _ in range(4))
    kit.lane.seed(flaky, broken, refused, fine)
    busy = Canned("busy", status=429, headers={"Retry-After": "0"})
    kit.source.knows(flaky.value, Canned(fault=Fault.RESET), busy, FULL)
    kit.source.knows(broken.value, Canned("down", status=503))
    kit.source.knows(refused.value, Canned("no", status=401))
    kit.source.knows(fine.value, FULL)
    connector = kit.start()
    work = enriched(kit, flaky, connector)
    expect(not complaints(work), f"it got through: {complaints(work)}")
    expect(kit.source.asked(flaky.value) == 3, "at the third attempt")
    work = enriched(kit, broken, connector)
    expect(work["in_error"], "the work is in error")
    expect("The source failed (3 attempts)" in complaints(work), complaints(work))
    expect("503" in complaints(work), complaints(work))
    expect(kit.source.asked(broken.value) == 3, "three attempts")
    work = enriched(kit, refused, connector)
    expect("refuses the credentials" in complaints(work), complaints(work))
    expect(kit.source.asked(refused.value) == 1, "no storm of refused requests")
    expect("Found" in said(enriched(kit, fine, connector)), "the next is done")
    expect(connector.alive, "the connector lives")
    # A playbook goes on all the same.
    sent, answer = kit.answer(kit.play(broken.id, connector))
    expect(answer == sent, "the bundle goes back unchanged")


def check_wrong_address(kit: Kit) -> None:
    """A 404 that the author's code does not explain is an error, in words, and is not remembered as an answer."""
    entity = address()
    kit.lane.seed(entity)
    kit.source.knows(entity.value, Canned("<html>no such page</html>", status=404))
    connector = kit.start()
    for times in (1, 2):
        work = enriched(kit, entity, connector)
        expect(work["in_error"], f"a page that is missing is an error: {said(work)}")
        expect("is its URL right?" in complaints(work), complaints(work))
        expect(kit.source.asked(entity.value) == times, "asked once each time")
    kit.source.knows(entity.value, FULL)
    work = enriched(kit, entity, connector)
    expect("Found" in said(work) and "As answered" not in said(work), said(work))


def check_n6(kit: Kit) -> None:
    """Findings are deterministic, closed, marked and authored; the entity is what it was and more."""
    entity = address("amber", labels=["theirs"], score=90)
    kit.lane.seed(entity)
    kit.source.knows(entity.value, {**FULL, "score": 6, "note": entity.value})
    before = kit.lane.stored(entity.id)
    connector = kit.start(CONNECTOR_CACHE_PERIOD="PT0S")
    sent, answer = kit.answer(kit.play(entity.id, connector))
    objects = {one["id"]: one for one in answer["objects"]}
    came = {one["id"] for one in sent["objects"]}
    for one in answer["objects"]:
        for ref in references_of(one):
            expect(ref in objects, f"{one['id']} refers to {ref}, which is absent")
        if one["id"] in came or one["type"] == "marking-definition":
            continue
        expect(one.get("object_marking_refs"), f"{one['id']} is not marked")
        if one["type"] != "identity":
            author = one.get("created_by_ref") or one.get("x_opencti_created_by_ref")
            expect(author in objects, f"{one['id']} has no author")
    amber = [TLPMarking(level="amber").id]
    for one in answer["objects"]:
        if one["type"] == "relationship":
            expect(one["object_marking_refs"] == amber, "as closed as the entity")
    _, again = kit.answer(kit.play(entity.id, connector))
    missing = objects.keys() - {one["id"] for one in again["objects"]}
    expect(not missing, f"asked again, these have other ids: {missing}")
    grown = objects[entity.id]
    labels = set(grown.get("labels") or grown.get("x_opencti_labels") or ())
    expect(labels == {"theirs", "bad"}, f"labels stay: {labels}")
    expect(grown["object_marking_refs"] == amber, "markings stay")
    expect(grown["x_opencti_score"] == 90, "the score is not lowered")
    # On request, twice: the same again.
    enriched(kit, entity, connector)
    first = ids_around(kit, entity)
    created = kit.lane.platform.summary()["created"]
    enriched(kit, entity, connector)
    expect(ids_around(kit, entity) == first, "the same ids")
    expect(kit.lane.platform.summary()["created"] == created, "nothing new")
    after = kit.lane.stored(entity.id)
    assert before and after
    expect(after["object_marking_refs"] == before["object_marking_refs"], "markings")
    expect(after["x_opencti_score"] == 90, "the score is not lowered")
    expect(set(after["labels"]) == {"theirs", "bad"}, "labels grow")


def check_n7(kit: Kit) -> None:
    """The same is not asked twice, across restarts and for nothing known, too; the budget holds."""
    known, unknown, third, fourth = (address() for _ in range(4))
    kit.lane.seed(known, unknown, third, fourth)
    kit.source.knows(known.value, FULL)
    kit.source.knows(unknown.value, {})
    kit.source.knows(third.value, FULL)
    kit.source.knows(fourth.value, FULL)
    connector = kit.start(CONNECTOR_DAILY_CREDITS="3")
    for entity in (known, unknown):
        enriched(kit, entity, connector)
        enriched(kit, entity, connector)
    connector.stop()
    again = kit.start(**connector.environment)
    told = {one.id: said(enriched(kit, one, again)) for one in (known, unknown)}
    for entity in (known, unknown):
        expect(kit.source.asked(entity.value) == 1, "the source is asked once")
    for entity, words in ((known, "Found 4 objects"), (unknown, "Nothing is known")):
        answer = told[entity.id]
        expect(words in answer and "As answered on" in answer, answer)
    enriched(kit, third, again)
    work = enriched(kit, fourth, again)
    expect(not kit.source.asked(fourth.value), "the budget holds across a restart")
    expect("daily quota of 3" in complaints(work), complaints(work))
    expect("Found" in said(enriched(kit, known, again)), "what is kept costs nothing")


def check_n8(kit: Kit) -> None:
    """Requests are done in the order of their arrival; two replicas share a queue, and one takes over from the other."""
    entities = [address() for _ in range(12)]
    kit.lane.seed(*entities)
    for entity in entities:
        kit.source.knows(entity.value, FULL)
    held, rest = entities[0], entities[1:]
    first = kit.start()
    reached = kit.source.holds(held.value, FULL)
    waiting = kit.enrich(held.id, first)
    expect(reached.wait(30), "the first request arrives")
    works = [kit.enrich(entity.id, first) for entity in rest]
    if kit.lane.name == "amqp":
        # The second does all that the first has no time for.
        second = kit.start(**first.environment)
        for work_id in works:
            expect(not kit.lane.finished(work_id)["in_error"], "it is done")
        expect(
            second.alive and not kit.lane.work(waiting)["processed_time"], "one waits"
        )
        expect(second.output.count("Enrichment of") >= len(works), "by the second")
    kit.source.release(held.value)
    for work_id in (waiting, *works):
        work = kit.lane.finished(work_id)
        expect(not work["in_error"], f"it is done: {complaints(work)}")
    for entity in entities:
        expect(kit.source.asked(entity.value) == 1, f"{entity.id} is done once")


def check_killed(kit: Kit) -> None:
    """A request that was under way when the connector was killed is done by the next."""
    entity, other = address(), address()
    kit.lane.seed(entity, other)
    kit.source.knows(other.value, FULL)
    reached = kit.source.holds(entity.value, FULL)
    connector = kit.start()
    work_id = kit.enrich(entity.id, connector)
    expect(reached.wait(30), "the request arrives")
    connector.stop(signal.SIGKILL)
    kit.source.release(entity.value)
    kit.source.knows(entity.value, FULL)
    again = kit.start(**connector.environment)
    work = kit.lane.finished(work_id)
    expect("Found" in said(work) and not work["in_error"], said(work))
    expect("Found" in said(enriched(kit, other, again)), "the next is done")


def check_g4(kit: Kit) -> None:
    """No secret is told, neither to the log nor to the work."""
    entity = address()
    kit.lane.seed(entity)
    kit.source.knows(entity.value, {"leak": True})
    connector = kit.start(CONNECTOR_LOG_LEVEL="debug")
    work = enriched(kit, entity, connector)
    expect("is broken" in complaints(work), complaints(work))
    expect(SECRET not in complaints(work), "no secret in the work")
    expect(SECRET not in connector.output, "no secret in the log")
    expect(kit.lane.platform.token not in connector.output, "nor the token")


def check_g5(kit: Kit) -> None:
    """SIGTERM: the request under way ends or its work is closed, exit code 0 within 10 seconds."""
    entity = address()
    kit.lane.seed(entity)
    reached = kit.source.holds(entity.value, FULL)
    connector = kit.start()
    work_id = kit.enrich(entity.id, connector)
    expect(reached.wait(30), "the request arrives")
    began = time.monotonic()
    code = connector.stop()
    expect(code == 0, f"exit code {code}")
    expect(time.monotonic() - began < 10, "within 10 seconds")
    work = kit.lane.finished(work_id)
    expect(was_stopped(work), said(work))
    # Nothing is lost: the next one does it.
    kit.source.release(entity.value)
    kit.source.knows(entity.value, FULL)
    kit.start(**connector.environment)

    def done() -> bool:
        return "Found" in said(kit.lane.work(work_id))

    until(done, "the request is done after the restart", kit.lane.patience)


# For each clause: what breaks it, and what is said about that.
CHECKS: Broken = {
    check_n1: {
        "IgnoresScope": "goes back unchanged",
        "DropsBundle": "the playbook gets an answer",
    },
    check_n2: {
        "IgnoresMarkings": "Found 4 objects",
        "DropsBundle": "the playbook gets an answer",
    },
    check_n3: {"DropsWhatCame": "is still there"},
    check_n4: {
        "NothingIsAnError": "no error: nothing was found",
        "DropsBundle": "the playbook gets an answer",
    },
    check_n5: {
        "FailsSilently": "the work is in error",
        "TriesOnce": "1 attempts",
        "TriesForEver": "is closed",
        "Dies": "is closed",
        "DropsBundle": "the playbook gets an answer",
    },
    check_wrong_address: {"TakesAbsenceForAnAnswer": "missing is an error"},
    check_n6: {
        "RandomIds": "these have other ids",
        "Unmarked": "is not marked",
        "Unauthored": "has no author",
        "Open": "which is absent",
        "StripsEntity": "labels stay",
        "LowersScores": "not lowered",
    },
    check_n7: {
        "Forgets": "asked once",
        "ForgetsNothingKnown": "asked once",
        "SpendsMore": "the budget holds",
    },
    check_g4: {"TellsSecrets": "no secret in the work"},
    check_g5: {"IgnoresSignals": "exit code -15"},
}
ON_AMQP: Broken = {
    check_n8: {"Hoards": "is closed"},
    check_killed: {"AcknowledgesFirst": "is closed"},
}


(
    test_the_runtime_keeps_the_clause,
    test_a_connector_that_breaks_it_is_caught,
    test_a_connector_that_breaks_it_over_amqp_is_caught,
) = clause_tests("enricher", CHECKS, ON_AMQP)


# -- more of the runtime -------------------------------------------------------------------------------------------------


def test_a_request_that_kills_the_connector_is_given_up(
    lane: Lane, kit_of: Callable[..., Kit]
) -> None:
    poison, fine = address(), address()
    lane.seed(poison, fine)
    lane.source.knows(fine.value, FULL)
    kit = kit_of(lane, "enricher")
    environment: dict[str, str] = {}
    work_id = ""
    for attempt in range(3):
        reached = lane.source.holds(poison.value, FULL)
        connector = kit.start(**environment)
        environment = connector.environment
        if attempt == 0:
            work_id = kit.enrich(poison.id, connector)
        assert reached.wait(30)
        connector.stop(signal.SIGKILL)
        lane.source.release()
    connector = kit.start(**environment)
    work = lane.finished(work_id)
    assert complaints(work) == (
        "Given up: the connector ended 3 times while it worked on this."
    )
    assert "Found" in said(enriched(kit, fine, connector))


def test_a_request_that_was_stopped_is_done_whatever_the_platform_says_meanwhile(
    http: Lane, kit_of: Callable[..., Kit]
) -> None:
    entity = address()
    http.seed(entity)
    kit = kit_of(http, "enricher")
    reached = http.source.holds(entity.value, FULL)
    connector = kit.start()
    work_id = kit.enrich(entity.id, connector)
    assert reached.wait(30)
    assert connector.stop() == 0
    # That nobody takes requests is said on the work, after the connector closed it.
    until(lambda: "Nobody takes requests" in said(http.work(work_id)), "it is said")
    assert was_stopped(http.work(work_id))
    http.source.release(entity.value)
    http.source.knows(entity.value, FULL)
    kit.start(**connector.environment)
    until(lambda: "Found" in said(http.work(work_id)), "it is done")
    assert http.source.asked(entity.value) == 2


def test_a_connector_of_another_scope_in_words(
    http: Lane, kit_of: Callable[..., Kit]
) -> None:
    """An entity that the platform cannot read any more."""
    entity = address()
    http.seed(entity)
    kit = kit_of(http, "enricher")
    connector = kit.start()
    # The platform refuses to read: pycti fails before the connector hears of the request.
    http.platform.order_fault("error", operation="StixCyberObservable|StixCoreObject")
    try:
        sent, answer = kit.answer(kit.play(entity.id, connector))
    finally:
        http.platform.lift_faults()
    assert answer == sent


def test_no_author_outlives_the_fuse(http: Lane, kit_of: Callable[..., Kit]) -> None:
    entity = address()
    http.seed(entity)
    kit = kit_of(http, "enricher", "OutlivesEverything")
    connector = kit.start(CONNECTOR_MEMORY_LIMIT="500")
    work = enriched(kit, entity, connector)
    assert "stopped before the memory ran out" in complaints(work)
    # It lives, and nothing was taken for an answer.
    work = enriched(kit, entity, connector)
    assert "stopped before the memory ran out" in complaints(work)


def test_the_port_is_taken(http: Lane, kit_of: Callable[..., Kit]) -> None:
    kit = kit_of(http, "enricher")
    first = kit.start()
    until(lambda: "Uvicorn running" in first.output, "it listens")
    second = kit.start(
        ready=False, **{**first.environment, "CONNECTOR_ID": str(uuid.uuid4())}
    )
    assert second.process.wait(30) == 1
    assert re.search("cannot listen for requests", second.output)


def test_the_broker_goes_away_and_comes_back(
    amqp: Lane, kit_of: Callable[..., Kit]
) -> None:
    """Connections of the connector are closed by the broker while a request is under way."""
    import pika

    entity = address()
    amqp.seed(entity)
    kit = kit_of(amqp, "enricher")
    reached = amqp.source.holds(entity.value, FULL)
    connector = kit.start()
    work_id = kit.enrich(entity.id, connector)
    assert reached.wait(30)
    # The platform declares the queues of whoever is new to it; from now on it does not.
    amqp.platform.wait_idle()
    # Deleting the queue cancels its consumer: the nearest thing to a broker that leaves.
    queue = f"listen_{connector.id}"
    with pika.BlockingConnection(
        pika.URLParameters("amqp://guest:guest@127.0.0.1:5672/%2F")
    ) as connection:
        channel = connection.channel()
        channel.queue_delete(queue)
        amqp.source.release(entity.value)
        work = amqp.finished(work_id)
        assert "Found" in said(work)
        until(lambda: "message broker" in connector.output, "it says so")
        channel.queue_declare(queue, durable=True)
        channel.queue_bind(
            queue, "amqp.connector.exchange", f"listen_routing_{connector.id}"
        )
    other = address()
    amqp.seed(other)
    amqp.source.knows(other.value, FULL)
    assert "Found" in said(enriched(kit, other, connector))
    assert amqp.source.asked(entity.value) == 1


def test_automatic_enrichment_of_new_entities(
    lane: Lane, kit_of: Callable[..., Kit]
) -> None:
    kit = kit_of(lane, "enricher")
    kit.start(CONNECTOR_AUTO="true", CONNECTOR_SCOPE="IPv4-Addr")
    entity = address()
    lane.source.knows(entity.value, FULL)
    lane.seed(entity)

    def done() -> Any:
        return [
            work
            for work in lane.platform.works()
            if entity.id in work["name"] and "Found" in said(work)
        ]

    assert len(until(done, "it is enriched by itself")) == 1
