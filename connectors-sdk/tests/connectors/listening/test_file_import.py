"""What a file import connector must do, clause by clause, over the wire; and connectors that do not."""

import io
import ipaddress
import itertools
import json
import os
import re
import signal
import time
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
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

from connectors_sdk.models import IPV4Address, Malware, Report, TLPMarking

_NUMBERS = itertools.count(1)
_BASE = int(ipaddress.IPv4Address("198.19.0.0"))
TEXT, ZIP, JSON = "text/plain", "application/zip", "application/json"
SMALL = {
    "CONNECTOR_FILE_DEADLINE": "PT15S",
    "CONNECTOR_FILE_MEMORY_MB": "400",
    "CONNECTOR_FILE_DISK_MB": "20",
    "CONNECTOR_FILE_MAX_MB": "5",
    "CONNECTOR_FILE_MAX_OBJECTS": "2000",
}


def addresses(count: int) -> tuple[str, ...]:
    """Return addresses that no other test has, none of which ends in 1."""
    texts = (str(ipaddress.IPv4Address(_BASE + number)) for number in _NUMBERS)
    return tuple(itertools.islice((t for t in texts if not t.endswith(".1")), count))


def text_file(kit: Kit, *lines: str, **more: Any) -> str:
    """Upload a text file with these lines and return its id."""
    content = "\n".join(lines).encode()
    return kit.lane.upload(f"{uuid.uuid4()}.txt", content, TEXT, **more)


def imported(kit: Kit, file_id: str, connector: Process, **options: Any) -> Any:
    """Let a file be imported and return the closed work."""
    return kit.lane.finished(kit.imports(file_id, connector, **options))


def held(kit: Kit) -> dict[str, dict[str, Any]]:
    """Return what the platform holds, by id."""
    kit.lane.platform.wait_idle()
    return {one["id"]: one for one in kit.lane.platform.objects()}


def id_of(address: str) -> str:
    return IPV4Address(value=address).id


def packed(**files: bytes) -> bytes:
    """Return a ZIP file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


# -- the clauses ---------------------------------------------------------------------------------------------------------


def check_i1(kit: Kit) -> None:
    """What is in a file of each type arrives, marked like the file, attached to the entity of the context."""
    amber = TLPMarking(level="amber")
    marking = kit.lane.query(
        'mutation{markingDefinitionAdd(input: {definition_type: "PAP", definition: "PAP:AMBER", x_opencti_order: 2,'
        ' x_opencti_color: "#ffffff"}){standard_id}}'
    )["markingDefinitionAdd"]["standard_id"]
    one, two, three, four, five = addresses(5)
    network = ".".join([*one.split(".")[:3], "1"])
    connector = kit.start()
    malware = Malware(name=f"context-{uuid.uuid4()}", is_family=True)
    report = Report(
        name=f"report-{uuid.uuid4()}",
        publication_date="2024-01-01T00:00:00Z",
        objects=[malware],
    )
    kit.lane.seed(malware, report)
    plain = text_file(kit, one, network, markings=[amber.id, marking])
    zipped = kit.lane.upload(
        f"{uuid.uuid4()}.zip", packed(a=two.encode()), ZIP, entity_id=report.id
    )
    stix = {
        **IPV4Address(value=three).to_stix_dict(),
        "object_marking_refs": [TLPMarking(level="red").id],
    }
    bundle = json.dumps({"type": "bundle", "objects": [stix]}).encode()
    as_json = kit.lane.upload(
        f"a b {uuid.uuid4()}.json", bundle, JSON, [amber.id], malware.id
    )
    for file_id, count in ((plain, 4), (zipped, 1), (as_json, 1)):
        work = imported(kit, file_id, connector)
        expect(f"Found {count} objects" in said(work), said(work))
    objects = held(kit)
    for address in (one, network, two, three):
        expect(id_of(address) in objects, f"{address} is imported")
    marked = {amber.id, marking}
    for stix_id in (
        id_of(one),
        id_of(network),
        Malware(name=f"of {network}", is_family=True).id,
    ):
        own = set(objects[stix_id].get("object_marking_refs") or ())
        expect(own == marked, f"{stix_id} is marked like the file: {own}")
    relations = [o for o in objects.values() if o["type"] == "relationship"]
    expect(
        any(
            r["source_ref"] == id_of(network)
            and set(r.get("object_marking_refs") or ()) == marked
            for r in relations
        ),
        "the relationship is there, and marked",
    )
    red = {TLPMarking(level="red").id}
    expect(set(objects[id_of(three)]["object_marking_refs"]) == red, "the stricter")
    (stored,) = (o for o in objects.values() if o.get("name") == report.name)
    expect(
        set(stored["object_refs"]) == {malware.id, id_of(two)},
        "the report holds what was found, too",
    )
    to_context = [
        r
        for r in relations
        if (r["source_ref"], r["target_ref"]) == (id_of(three), malware.id)
    ]
    expect(len(to_context) == 1, "what was found is related to the entity")
    expect(to_context[0]["object_marking_refs"], "and the relationship is marked")
    # In the draft of somebody, with a configuration: everything arrives.
    work = imported(kit, text_file(kit, four, five), connector, configuration="{}")
    expect("Found 2 objects" in said(work), said(work))


def check_i2(kit: Kit) -> None:
    """A file that is damaged, empty, too big or hostile costs bounded time and memory, and a clear message."""
    bomb = packed(a=b"0" * 800_000_000)
    encrypted = bytearray(packed(a=b"secret"))
    for offset in (6, encrypted.index(b"PK\x01\x02") + 8):
        encrypted[offset] |= 1
    hostile: list[tuple[str, bytes, str, str]] = [
        ("damaged", b"PK\x03\x04 and nothing more", ZIP, "no readable ZIP file"),
        ("encrypted", bytes(encrypted), ZIP, "no readable ZIP file"),
        ("bomb", bomb, ZIP, "memory"),
        ("empty", b"", TEXT, "it is empty"),
        ("big", os.urandom(6_000_000), TEXT, "bigger than the limit of 5 MB"),
        ("binary", bytes(range(256)), TEXT, "UnicodeDecodeError"),
        ("memory", b"!memory", TEXT, "more memory than the limit of 400 MB"),
        ("objects", b"!objects", TEXT, "more than 2000 objects"),
        ("disk", b"!disk", TEXT, "File too large"),
        ("slow", b"!sleep 1000", TEXT, "longer than 15 s"),
        ("fork", b"!fork", TEXT, "longer than 15 s"),
        ("exit", b"!exit", TEXT, "exit code 3"),
        ("crash", b"!crash", TEXT, "SIGABRT"),
    ]
    connector = kit.start(**SMALL)
    for name, content, mime_type, words in hostile:
        file_id = kit.lane.upload(f"{name}-{uuid.uuid4()}", content, mime_type)
        began = time.monotonic()
        work = imported(kit, file_id, connector)
        expect(time.monotonic() - began < 40, f"{name}: within bounded time")
        expect(work["in_error"], f"{name}: the work is in error, not: {said(work)}")
        expect(words in complaints(work), f"{name}: {complaints(work)}")
        (fine,) = addresses(1)
        work = imported(kit, text_file(kit, fine), connector)
        expect("Found 1 objects" in said(work), f"after {name}: {said(work)}")
    status = Path(f"/proc/{connector.process.pid}/status").read_text("ascii")
    peak = int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) * 1024
    expect(peak < 400_000_000, f"the connector itself took {peak // 10**6} MB")
    # What was read by children that were ended is gone, and so are they.
    jobs = Path(connector.environment["CONNECTOR_DATA_PATH"]) / "jobs"
    expect(not list(jobs.iterdir()), "nothing is left on disk")
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = process.read_bytes()
        except OSError:
            continue
        expect(str(jobs).encode() not in line, "no child is left")


def check_i3(kit: Kit) -> None:
    """What was left out is counted and said; what could not be converted is set aside, and the rest arrives."""
    one, two = addresses(2)
    connector = kit.start()
    lines = (one, "private 10.0.0.1", "bad 1", two, "private 10.0.0.2", "!dictionary")
    work = imported(kit, text_file(kit, *lines), connector)
    expect(not complaints(work), complaints(work))
    expect("Found 2 objects" in said(work), said(work))
    expect("Left out: 2 private address" in said(work), said(work))
    expect("Set aside, see the quarantine: 4" in said(work), said(work))
    objects = held(kit)
    expect(id_of(one) in objects and id_of(two) in objects, "the rest arrives")
    folder = Path(connector.environment["CONNECTOR_DATA_PATH"])
    path = folder / "quarantine.jsonl"
    expect(path.exists(), "there is a quarantine")
    kept = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    reasons = {record["reason"]: record["raw"] for record in kept}
    expect(reasons.get("ValueError: bad 1 is no address") == "bad 1", str(reasons))
    expect(len(kept) == 4 and all(r["details"]["file"] for r in kept), str(kept))
    work = imported(kit, text_file(kit, "private 10.0.0.1"), connector)
    expect("Nothing was found" in said(work), said(work))
    expect("1 private address" in said(work), said(work))


def check_i3_many(kit: Kit) -> None:
    """Of many bad records the work says how many there were, how many are kept, and which limit decides."""
    (one,) = addresses(1)
    for most, why, kept in (
        (None, "no more of one file are kept", 1000),
        ("7", "CONNECTOR_QUARANTINE_MAX_RECORDS is 7", 7),
    ):
        connector = kit.start(CONNECTOR_QUARANTINE_MAX_RECORDS=most)
        lines = (f"bad {number}" for number in range(1200))
        told = said(imported(kit, text_file(kit, *lines, one), connector))
        folder = Path(connector.environment["CONNECTOR_DATA_PATH"])
        text = (folder / "quarantine.jsonl").read_text("utf-8")
        expect(len(text.splitlines()) == kept, f"{len(text.splitlines())} are kept")
        expect("Found 1 objects" in told, told)
        words = (
            f"Bad: 1200. Set aside, see the quarantine: only the first {kept} ({why})."
        )
        expect(words in told, f"told truthfully: {told}")
        # Its log is complete when it has ended.
        connector.stop()
        lost = 1200 - kept
        summary = f"skipped {lost} (bad, not kept: {lost}), quarantined {kept}"
        expect(summary in connector.output, f"the log says {summary}")


def check_i4(kit: Kit) -> None:
    """Validation as a draft, as a workbench, or not at all."""
    first, second, third, fourth = addresses(4)
    many = addresses(250)
    connector = kit.start()
    file_id = text_file(kit, first, *many)
    work = imported(kit, file_id, connector, mode="draft", force=True)
    expect("sent to a draft" in said(work), said(work))
    # More than one bundle, and one draft.
    drafts = kit.lane.query("{draftWorkspaces{edges{node{id name}}}}")
    stem = file_id.rpartition("/")[2].removesuffix(".txt")
    own = [
        e["node"]["id"]
        for e in drafts["draftWorkspaces"]["edges"]
        if e["node"]["name"].startswith(stem)
    ]
    expect(len(own) == 1, f"one draft: {len(own)}")
    expect(id_of(first) not in held(kit), "nothing of it is live")
    find = "query($id: String!){stixCyberObservable(id: $id){id}}"
    for value in (first, many[0], many[-1]):
        inside = kit.lane.query(
            find, headers={"opencti-draft-id": own[0]}, id=id_of(value)
        )
        expect(inside["stixCyberObservable"], f"{value} is in the draft")
    file_id = text_file(kit, second, *many)
    work = imported(kit, file_id, connector, mode="workbench", force=True)
    expect("sent to a workbench" in said(work), said(work))
    stem = file_id.rpartition("/")[2].removesuffix(".txt")
    pending = kit.lane.query("{pendingFiles{edges{node{id name}}}}")["pendingFiles"]
    files = [e["node"] for e in pending["edges"] if e["node"]["name"].startswith(stem)]
    expect(len(files) == 1, f"one file: {files}")
    content = json.loads(kit.lane.content(files[0]["id"]))
    ids = {one["id"] for one in content["objects"]}
    expect({id_of(v) for v in (second, *many)} <= ids, "everything is in it")
    expect(id_of(second) not in held(kit), "nothing of it is live")
    work = imported(
        kit, text_file(kit, third), connector, mode="draft", force=True, bypass=True
    )
    expect(id_of(third) in held(kit), "validation was bypassed")
    work = imported(kit, text_file(kit, fourth), connector, mode="draft")
    expect(id_of(fourth) in held(kit), "no validation was wanted")


def check_g4(kit: Kit) -> None:
    """No secret is told, and who reads a file has no token and no environment."""
    connector = kit.start(CONNECTOR_LOG_LEVEL="debug")
    work = imported(kit, text_file(kit, "!leak"), connector)
    expect("?key=" in complaints(work), complaints(work))
    expect(SECRET not in complaints(work), "no secret in the work")
    work = imported(kit, text_file(kit, "!environment"), connector)
    expect("It was not imported: []" in complaints(work), complaints(work))
    expect(SECRET not in connector.output, "no secret in the log")
    expect(kit.lane.platform.token not in connector.output, "nor the token")


def check_g5(kit: Kit) -> None:
    """SIGTERM while a file is read: the work is closed, the child ends, the file is imported after the restart."""
    (one,) = addresses(1)
    connector = kit.start()
    file_id = text_file(kit, one, "!sleep 8")
    work_id = kit.imports(file_id, connector)
    jobs = Path(connector.environment["CONNECTOR_DATA_PATH"]) / "jobs"
    until(lambda: list(jobs.glob("*/log.jsonl")), "the file is being read")
    began = time.monotonic()
    code = connector.stop()
    expect(code == 0, f"exit code {code}")
    expect(time.monotonic() - began < 10, "within 10 seconds")
    work = kit.lane.finished(work_id)
    expect(was_stopped(work), said(work))
    expect(not complaints(work), complaints(work))
    kit.start(**connector.environment)
    until(
        lambda: "Found 1 objects" in said(kit.lane.work(work_id)),
        "the file is imported after the restart",
        kit.lane.patience,
    )
    expect(not complaints(kit.lane.work(work_id)), "without an error")


def check_killed(kit: Kit) -> None:
    """Killed while a file is read: the next one imports it."""
    (one,) = addresses(1)
    connector = kit.start()
    work_id = kit.imports(text_file(kit, one, "!sleep 3"), connector)
    jobs = Path(connector.environment["CONNECTOR_DATA_PATH"]) / "jobs"
    until(lambda: list(jobs.glob("*/log.jsonl")), "the file is being read")
    connector.stop(signal.SIGKILL)
    again = kit.start(**connector.environment)
    work = kit.lane.finished(work_id)
    expect("Found 1 objects" in said(work), said(work))
    expect(again.alive, "it lives")
    until(lambda: not list(jobs.iterdir()), "what was left on disk is removed", 10)


# For each clause: what breaks it, and what is said about that.
CHECKS: Broken = {
    check_i1: {
        "Unmarked": "marked like the file",
        "Unattached": "the report holds what was found",
    },
    check_i2: {
        "InTheSameProcess": "is closed",
        "FailsSilently": "the work is in error",
        "NoLimitOfSize": "big: ",
    },
    check_i3: {
        "SilentFilter": "Found 2 objects",
        "SilentQuarantine": "there is a quarantine",
        "AllOrNothing": "bad 1 is no address",
    },
    check_i3_many: {"TellsOfAll": "told truthfully"},
    check_i4: {
        "IgnoresValidation": "Found 251 objects",
        "ManyDrafts": "one draft: 3",
    },
    check_g4: {"TellsSecrets": "no secret in the work"},
    check_g5: {"IgnoresSignals": "exit code -15"},
}
ON_AMQP: Broken = {check_killed: {"AcknowledgesFirst": "is closed"}}


(
    test_the_runtime_keeps_the_clause,
    test_a_connector_that_breaks_it_is_caught,
    test_a_connector_that_breaks_it_over_amqp_is_caught,
) = clause_tests("importer", CHECKS, ON_AMQP)


def test_a_request_is_done_again_although_the_platform_had_a_word_meanwhile(
    http: Lane, kit_of: Callable[..., Kit]
) -> None:
    kit = kit_of(http, "importer")
    (one,) = addresses(1)
    connector = kit.start()
    work_id = kit.imports(text_file(kit, one, "!sleep 5"), connector)
    jobs = Path(connector.environment["CONNECTOR_DATA_PATH"]) / "jobs"
    until(lambda: list(jobs.glob("*/log.jsonl")), "the file is being read")
    assert connector.stop() == 0
    until(lambda: "Nobody takes" in said(kit.lane.work(work_id)), "it complains")
    kit.start(**connector.environment)
    until(lambda: "Found 1 objects" in said(kit.lane.work(work_id)), "it is done")
