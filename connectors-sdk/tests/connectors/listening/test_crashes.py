"""File connectors killed at random points: nothing is lost, nothing is there twice.

Twenty points for each type, ten on each lane; the seed makes them the same on every run.
"""

import json
import random
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from listening_support import (
    Kit,
    Lane,
    Process,
    Violation,
    complaints,
    expect,
    said,
    until,
)

from connectors_sdk.models import IPV4Address, Malware

POINTS = 10
# Less than what one bundle holds would be sent at once.
ADDRESSES = 250
ENTITIES = 200
DAY = "2024-01-01T00:00:00Z"
DRAFTS = "{draftWorkspaces(first: 1000){edges{node{id name}}}}"


def points(seed: int, seconds: float) -> Iterator[float]:
    """Yield after how many seconds the connector is killed."""
    dice = random.Random(seed)
    for _ in range(POINTS):
        yield dice.uniform(0, seconds)


def killed_and_restarted(
    kit: Kit, connector: Process, ask: Callable[[], str], after: float
) -> tuple[Process, dict[str, Any]]:
    """Kill a connector some seconds after it was asked for something; return its successor and the closed work."""
    work_id = ask()
    time.sleep(after)
    connector.stop(signal.SIGKILL)
    successor = kit.start(**connector.environment)
    return successor, kit.lane.finished(work_id)


def text_of(number: int) -> tuple[bytes, set[str]]:
    """Return a file with addresses of its own, and the ids of what is in it."""
    values = [f"100.{64 + number}.{n >> 8}.{n & 255}" for n in range(ADDRESSES)]
    # It takes some time to read.
    values.insert(ADDRESSES // 2, "!sleep 0.7")
    content = "\n".join(values).encode()
    # What ends in 1 brings a malware with it.
    found = [value for value in values if not value.startswith("!")]
    return content, {IPV4Address(value=value).id for value in found}


def check_import(kit: Kit, base: int, mode: str | None) -> None:
    """Kill an importer: everything arrives, in one draft if that is wanted, and every work is closed."""
    connector = kit.start(CONNECTOR_SCOPE="text/plain")
    options: dict[str, Any] = {"mode": mode, "force": True} if mode else {}
    expected: dict[str, set[str]] = {}
    for number, after in enumerate(points(base, 3.0)):
        content, ids = text_of(base + number)
        stem = uuid.uuid4().hex
        file_id = kit.lane.upload(f"{stem}.txt", content, "text/plain")
        expected[stem] = ids

        def ask(file_id: str = file_id, connector: Process = connector) -> str:
            return kit.imports(file_id, connector, **options)

        connector, work = killed_and_restarted(kit, connector, ask, after)
        expect(f"Found {_found(ids)} objects" in said(work), f"{after}: {said(work)}")
        expect(not complaints(work), f"{after}: {complaints(work)}")
    kit.lane.platform.wait_idle()
    drafts = kit.lane.query(DRAFTS)["draftWorkspaces"]["edges"]
    live = {one["id"] for one in kit.lane.platform.objects("IPv4-Addr")}
    for stem, ids in expected.items():
        own = [e["node"]["id"] for e in drafts if e["node"]["name"].startswith(stem)]
        if mode is None:
            expect(ids <= live, f"{len(ids - live)} objects are lost")
            continue
        expect(len(own) == 1, f"one draft, not {len(own)}")
        expect(not ids & live, "nothing of it is live")
        inside = _in_draft(kit, own[0])
        expect(ids <= inside, f"{len(ids - inside)} objects are lost")
    if mode is None:
        ours = {one for one in live if one in set().union(*expected.values())}
        expect(len(ours) == POINTS * ADDRESSES, "as many as there were")
    jobs = Path(connector.environment["CONNECTOR_DATA_PATH"])
    until(lambda: not list((jobs / "jobs").iterdir()), "nothing is left on disk", 10)
    expect(not list((jobs / "drafts").glob("*")), "no draft is remembered")


def _found(ids: set[str]) -> int:
    """Return how many objects an importer finds in a file of so many addresses."""
    ends_in_one = sum(1 for n in range(ADDRESSES) if n & 255 == 1)
    return len(ids) + 2 * ends_in_one


def _in_draft(kit: Kit, draft: str) -> set[str]:
    """Return the ids of the addresses in a draft."""
    found: set[str] = set()
    after = None
    text = (
        "query($after: ID){stixCyberObservables(first: 1000, after: $after){"
        "pageInfo{endCursor hasNextPage} edges{node{standard_id}}}}"
    )
    while True:
        page = kit.lane.query(text, headers={"opencti-draft-id": draft}, after=after)[
            "stixCyberObservables"
        ]
        found |= {edge["node"]["standard_id"] for edge in page["edges"]}
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def check_export(kit: Kit, seed: int) -> None:
    """Kill an exporter: the file is there once, and whole."""
    word = uuid.uuid4().hex[:8]
    names = {f"{word}-{n}" for n in range(ENTITIES)}
    kit.lane.seed(*(Malware(name=n, is_family=True, created=DAY) for n in names))
    starts = {"key": "name", "values": [word], "operator": "starts_with"}
    mime_type = f"text/x-{word}"
    wanted: dict[str, Any] = {
        "format": mime_type,
        "exportContext": {"entity_type": "Malware"},
        "filters": {"mode": "and", "filterGroups": [], "filters": [starts]},
    }
    connector = kit.start(
        EXPORTS="stix", CONNECTOR_SCOPE=mime_type, CONNECTOR_EXPORT_PAGE_SIZE="25"
    )
    files: list[str] = []
    for after in points(seed, 4.0):

        def ask() -> str:
            file_id, work_id = kit.exports(**wanted)
            files.append(file_id)
            return work_id

        connector, work = killed_and_restarted(kit, connector, ask, after)
        expect(f"Exported {ENTITIES} rows" in said(work), f"{after}: {said(work)}")
        expect(not complaints(work), f"{after}: {complaints(work)}")
        objects = json.loads(kit.lane.content(files[-1]))["objects"]
        found = [one["name"] for one in objects if one["type"] == "malware"]
        expect(len(found) == len(set(found)), "each once")
        expect(set(found) == names, f"{len(names - set(found))} are lost")
    edges = kit.lane.query(
        '{stixDomainObjectsExportFiles(exportContext: {entity_type: "Malware"}){edges{node{id}}}}'
    )["stixDomainObjectsExportFiles"]["edges"]
    own = [e["node"]["id"] for e in edges if e["node"]["id"] in files]
    expect(len(own) == len(files) == len(set(files)), "each file once")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", ["draft", None], ids=["into drafts", "live"])
def test_an_importer_that_is_killed(
    mode: str | None, request: pytest.FixtureRequest, kit_of: Callable[..., Kit]
) -> None:
    lane: Lane = request.getfixturevalue("http" if mode else "amqp")
    kit = kit_of(lane, "importer")
    try:
        check_import(kit, 0 if mode else POINTS, mode)
    except Violation:
        print(*kit.outputs(), sep="\n")
        raise


@pytest.mark.timeout(900)
def test_an_exporter_that_is_killed(lane: Lane, kit_of: Callable[..., Kit]) -> None:
    kit = kit_of(lane, "exporter", "Slow")
    try:
        check_export(kit, 1 if lane.name == "http" else 2)
    except Violation:
        print(*kit.outputs(), sep="\n")
        raise


def test_an_importer_that_loses_what_it_is_killed_at_is_caught(
    amqp: Lane, kit_of: Callable[..., Kit]
) -> None:
    with pytest.raises(Violation, match="is closed"):
        kit = kit_of(amqp, "importer", "AcknowledgesFirst", "is closed")
        check_import(kit, 100, None)


def test_an_exporter_that_loses_what_it_is_killed_at_is_caught(
    amqp: Lane, kit_of: Callable[..., Kit]
) -> None:
    with pytest.raises(Violation, match="is closed"):
        kit = kit_of(amqp, "exporter", "AcknowledgesFirst", "is closed")
        check_export(kit, 1)


def check_one_draft(kit: Kit, number: int) -> None:
    """Killed when the draft is made and nothing is in it yet: no second one is made."""
    content, _ = text_of(number)
    connector = kit.start(CONNECTOR_SCOPE="text/plain")
    stem = uuid.uuid4().hex
    file_id = kit.lane.upload(f"{stem}.txt", content, "text/plain")
    # The bundle waits, so that the kill comes in between.
    kit.lane.platform.order_fault("delay", operation="ixBundlePush", seconds=5)
    try:
        work_id = kit.imports(file_id, connector, mode="draft", force=True)

        def drafts() -> list[str]:
            edges = kit.lane.query(DRAFTS)["draftWorkspaces"]["edges"]
            return [
                e["node"]["id"] for e in edges if e["node"]["name"].startswith(stem)
            ]

        until(drafts, "there is a draft")
        time.sleep(0.5)
        connector.stop(signal.SIGKILL)
    finally:
        kit.lane.platform.lift_faults()
    kit.start(**connector.environment)
    kit.lane.finished(work_id)
    expect(len(drafts()) == 1, f"one draft, not {len(drafts())}")


def test_a_draft_is_made_once(http: Lane, kit_of: Callable[..., Kit]) -> None:
    check_one_draft(kit_of(http, "importer"), 50)
    with pytest.raises(Violation, match="one draft"):
        check_one_draft(kit_of(http, "importer", "ForgetsDraft"), 51)
