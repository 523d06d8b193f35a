"""Requests that take longer than a broker waits for an acknowledgement: nothing is lost, whoever dies."""

import os
import signal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pika
import pytest
from listening_support import (
    BROKER,
    Kit,
    Lane,
    Process,
    Violation,
    complaints,
    expect,
    said,
    until,
    was_stopped,
)

from connectors_sdk.connectors._unfinished import Unfinished
from connectors_sdk.models import IPV4Address, Malware

SOON = "0.5"
FULL = {"asn": 64500, "score": 80}
DAY = "2024-01-01T00:00:00Z"
# What a work says at its good end, and what asks for it.
Long = tuple[str, Callable[[Kit, Process], str]]


def enrichment(kit: Kit, connector: Process) -> str:
    """Ask about an entity of which the source says nothing before it is released; return the work's id."""
    entity = IPV4Address(value="198.51.100.77")
    kit.lane.seed(entity)
    reached = kit.source.holds(entity.value, FULL)
    work_id = kit.enrich(entity.id, connector)
    expect(reached.wait(30), "the request arrives")
    return work_id


def file_import(kit: Kit, connector: Process) -> str:
    """Ask for the import of a file that takes some seconds."""
    name = f"{uuid.uuid4()}.txt"
    file_id = kit.lane.upload(name, b"198.51.100.78\n!sleep 6", "text/plain")
    return kit.imports(file_id, connector)


def file_export(kit: Kit, connector: Process) -> str:
    """Ask for a file that takes some seconds."""
    word = uuid.uuid4().hex[:8]
    kit.lane.seed(
        *(Malware(name=f"{word}-{n}", is_family=True, created=DAY) for n in range(600))
    )
    starts = {"key": "name", "values": [word], "operator": "starts_with"}
    _, work_id = kit.exports(
        format=connector.environment["CONNECTOR_SCOPE"],
        exportContext={"entity_type": "Malware"},
        filters={"mode": "and", "filterGroups": [], "filters": [starts]},
    )
    return work_id


LONG: dict[str, Long] = {
    "enricher": ("Found 2 objects", enrichment),
    "importer": ("Found 1 objects", file_import),
    "exporter": ("Exported 600 rows", file_export),
}
SCOPES = {"enricher": "IPv4-Addr", "importer": "text/plain"}


def unfinished(connector: Process) -> list[Path]:
    """Return the requests that a connector keeps on disk."""
    folder = Path(connector.environment["CONNECTOR_DATA_PATH"]) / "unfinished"
    return list(folder.glob("*.json"))


def queued(connector: Process) -> int:
    """Return how many messages wait in a connector's queue; those that it has not acknowledged are no part of it."""
    with pika.BlockingConnection(pika.URLParameters(BROKER)) as connection:
        declared = connection.channel().queue_declare(
            f"listen_{connector.id}", passive=True
        )
        count: int = declared.method.message_count
        return count


def begun(kit: Kit, program: str, **overrides: str) -> tuple[Process, str]:
    """Start a connector with a short limit and let it begin something long; return it and the work's id."""
    connector = kit.start(
        # Whoever can make a type of file is asked for it: this one is nobody else's.
        CONNECTOR_SCOPE=SCOPES.get(program) or f"text/x-{uuid.uuid4().hex[:8]}",
        CONNECTOR_CACHE_PERIOD="PT0S",
        CONNECTOR_LOG_LEVEL="info",
        ACKNOWLEDGE_AFTER=SOON,
        **overrides,
    )
    return connector, LONG[program][1](kit, connector)


def check_killed(kit: Kit, program: str, **overrides: str) -> None:
    """Killed after a long request was acknowledged: the next one does it, once."""
    connector, work_id = begun(kit, program, **overrides)
    until(lambda: "A request takes long" in connector.output, "it is acknowledged")
    connector.stop(signal.SIGKILL)
    expect(not queued(connector), "the broker has it no more")
    kit.source.release()
    again = kit.start(**connector.environment)
    work = kit.lane.finished(work_id)
    expect(LONG[program][0] in said(work), said(work))
    expect(not complaints(work), complaints(work))
    until(lambda: not unfinished(again), "it is not kept any longer", 10)
    again.stop()
    last = kit.start(**connector.environment)
    until(lambda: "Enrichment of" not in last.output, "nothing is done again", 1)
    expect(kit.lane.work(work_id)["messages"] == work["messages"], "done once")


def kit_for(kit_of: Callable[..., Kit], lane: Lane, program: str, why: str = "") -> Kit:
    return kit_of(lane, program, "Slow" if program == "exporter" else "", why)


@pytest.mark.parametrize("program", LONG)
def test_a_long_request_survives_the_death_of_the_connector(
    program: str, amqp: Lane, kit_of: Callable[..., Kit]
) -> None:
    kit = kit_for(kit_of, amqp, program)
    try:
        check_killed(kit, program)
    except Violation:
        print(*kit.outputs(), sep="\n")
        raise


@pytest.mark.parametrize("program", LONG)
def test_a_connector_that_loses_it_is_caught(
    program: str, amqp: Lane, kit_of: Callable[..., Kit]
) -> None:
    with pytest.raises(Violation, match="is closed"):
        kit = kit_for(kit_of, amqp, program, "is closed")
        check_killed(kit, program, KEEPS_NOTHING="true")


def test_a_long_request_that_ends_leaves_nothing_behind(
    amqp: Lane, kit_of: Callable[..., Kit]
) -> None:
    kit = kit_of(amqp, "enricher")
    connector, work_id = begun(kit, "enricher")
    (kept,) = until(lambda: unfinished(connector), "it is kept")
    assert kept.stat().st_mode & 0o077 == 0
    # Who starts with the same folder meanwhile leaves it alone.
    other = kit.start(**connector.environment)
    kit.source.release()
    work = amqp.finished(work_id)
    assert "Found 2 objects" in said(work)
    until(lambda: not unfinished(connector), "it is forgotten")
    assert "acknowledged before" not in other.output
    before = amqp.source.asked("198.51.100.77")
    connector.stop()
    other.stop()
    assert amqp.source.asked("198.51.100.77") == before


def test_a_long_request_that_was_stopped_is_done_after_the_restart(
    amqp: Lane, kit_of: Callable[..., Kit]
) -> None:
    kit = kit_of(amqp, "enricher")
    connector, work_id = begun(kit, "enricher")
    until(lambda: unfinished(connector), "it is kept")
    assert connector.stop() == 0
    assert was_stopped(amqp.work(work_id))
    kit.source.release()
    again = kit.start(**connector.environment)
    until(lambda: "Found 2 objects" in said(amqp.work(work_id)), "it is done")
    until(lambda: not unfinished(again), "it is forgotten")


def test_a_long_request_that_kills_the_connector_is_given_up(
    amqp: Lane, kit_of: Callable[..., Kit]
) -> None:
    kit = kit_of(amqp, "enricher")
    connector, work_id = begun(kit, "enricher")
    for _ in range(3):
        until(lambda one=connector: unfinished(one), "it is kept")
        asked = amqp.source.asked("198.51.100.77")
        connector.stop(signal.SIGKILL)
        last = kit.start(**connector.environment)

        def settled(asked: int = asked) -> bool:
            more = amqp.source.asked("198.51.100.77") > asked
            return more or amqp.work(work_id)["in_error"]

        until(settled, "it is tried again, or given up")
        connector = last
    work = amqp.finished(work_id)
    assert "Given up: the connector ended 3 times" in complaints(work)
    until(lambda: not unfinished(connector), "it is forgotten")


def test_what_cannot_be_written_down_is_not_acknowledged(
    amqp: Lane, kit_of: Callable[..., Kit]
) -> None:
    kit = kit_of(amqp, "enricher")
    environment: dict[str, Any] = kit.lane.environment("")
    folder = Path(environment["CONNECTOR_DATA_PATH"])
    folder.mkdir(parents=True)
    (folder / "unfinished").touch()
    connector, work_id = begun(
        kit, "enricher", CONNECTOR_ID=environment["CONNECTOR_ID"]
    )
    until(lambda: "cannot be written down" in connector.output, "it says so")
    connector.stop(signal.SIGKILL)
    kit.source.release()
    until(lambda: queued(connector) == 1, "the broker has it")
    kit.start(**connector.environment)
    assert "Found 2 objects" in said(amqp.finished(work_id))


def test_who_holds_a_request_is_the_only_one(tmp_path: Path) -> None:
    ours, theirs = Unfinished(tmp_path / "a"), Unfinished(tmp_path / "a")
    assert not list(theirs.left())
    ours.keep("one", b"body")
    assert not list(theirs.left())
    ours.forget()
    assert not list(tmp_path.glob("a/*"))
    ours.keep("one", b"body")
    # What its holder leaves when it ends is taken by the first who comes.
    _let_go(ours)
    found = theirs.left()
    assert next(found) == ("one", b"body")
    assert not list(Unfinished(tmp_path / "a").left())
    theirs.forget()
    assert not list(found)


def _let_go(unfinished_requests: Unfinished) -> None:
    """Do what the kernel does when a process ends."""
    # pylint: disable-next=protected-access
    held = unfinished_requests._held
    assert held is not None
    os.close(held[1])
