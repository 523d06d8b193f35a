"""What a file export connector must do, clause by clause, over the wire; and connectors that do not."""

import csv
import io
import json
import re
import signal
import time
import uuid
from pathlib import Path
from typing import Any

from clause_tests import Broken, clause_tests
from listening_support import (
    PATIENCE,
    SECRET,
    Kit,
    Process,
    Violation,
    complaints,
    expect,
    said,
    until,
    was_stopped,
)

from connectors_sdk.models import (
    Malware,
    Organization,
    OrganizationAuthor,
    Relationship,
    Report,
    TLPMarking,
    Tool,
)

GREEN, RED = (TLPMarking(level=level) for level in ("green", "red"))
DAY = "2024-01-01T00:00:00Z"
MARKINGS = "{markingDefinitions(first: 100){edges{node{id definition}}}}"
FILE = "query($id: String!){file(id: $id){id name metaData{mimetype} objectMarking{standard_id}}}"


def malware(name: str, *, level: TLPMarking = GREEN, **more: Any) -> Malware:
    """Return a malware that no other test has."""
    unique = f"{name}-{uuid.uuid4().hex[:8]}"
    return Malware(name=unique, is_family=True, markings=[level], created=DAY, **more)


def internal_id(kit: Kit, stix_id: str) -> str:
    """Return the platform's own id of an entity."""
    text = "query($id: String!){stixCoreObject(id: $id){id}}"
    return str(kit.lane.query(text, id=stix_id)["stixCoreObject"]["id"])


def marking_id(kit: Kit, name: str) -> str:
    """Return the platform's own id of a marking."""
    edges = kit.lane.query(MARKINGS)["markingDefinitions"]["edges"]
    found = next(e["node"]["id"] for e in edges if e["node"]["definition"] == name)
    return str(found)


def start(kit: Kit, exports: str = "csv", **more: str) -> tuple[Process, str]:
    """Start a connector for a type of files of its own; return both."""
    mime_type = f"text/x-{uuid.uuid4().hex[:12]}"
    return kit.start(EXPORTS=exports, CONNECTOR_SCOPE=mime_type, **more), mime_type


def named(*names: str) -> dict[str, Any]:
    """Return a filter for entities of these names."""
    return {
        "mode": "and",
        "filterGroups": [],
        "filters": [{"key": "name", "values": list(names)}],
    }


def rows(content: bytes) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def exported(kit: Kit, **wanted: Any) -> bytes:
    """Ask for a file and return its content when the work is closed."""
    file_id, work_id = kit.exports(**wanted)
    work = kit.lane.finished(work_id)
    expect(not complaints(work), f"no error: {complaints(work)}")
    try:
        return kit.lane.content(file_id)
    except Exception as error:
        raise Violation(f"the file is where it should be: {error}") from error


# -- the clauses ---------------------------------------------------------------------------------------------------------


def check_x1(kit: Kit) -> None:
    """Single, selection and query, simple and full: the right entities, name, type, markings and place."""
    author = OrganizationAuthor(name=f"author-{uuid.uuid4().hex[:8]}", created=DAY)
    one = malware("one", author=author, labels=["a", "b"])
    two = malware("two")
    tool = Tool(name=f"tool-{uuid.uuid4().hex[:8]}", markings=[GREEN], created=DAY)
    uses = Relationship(type="uses", source=one, target=tool, markings=[GREEN])
    report = Report(
        name=f"report-{uuid.uuid4().hex[:8]}", publication_date=DAY, objects=[two]
    )
    kit.lane.seed(author, one, two, tool, uses, report)
    first, second = internal_id(kit, one.id), internal_id(kit, two.id)
    third = internal_id(kit, report.id)
    green = marking_id(kit, "TLP:GREEN")
    _, mime_type = start(kit, "stix")
    about: dict[str, Any] = {"format": mime_type, "fileMarkings": [green]}
    listed = {
        **about,
        "exportContext": {"entity_type": "Malware"},
        "orderBy": "name",
        "orderMode": "desc",
        "filters": named(one.name, two.name),
    }
    for wanted, there, absent in (
        ({"entity_id": first, **about}, {one, author}, {two, tool, uses}),
        (
            {"entity_id": first, "exportType": "full", **about},
            {one, author, tool, uses},
            {two},
        ),
        ({"entity_id": third, "exportType": "full", **about}, {report, two}, {one}),
        ({**listed}, {one, two, author}, {tool, uses}),
        ({**listed, "selectedIds": [second]}, {two}, {one, tool}),
        ({**listed, "exportType": "full"}, {one, two, tool, uses}, set()),
    ):
        wanted = dict(wanted)
        file_id, work_id = kit.exports(**wanted)
        work = kit.lane.finished(work_id)
        expect(not complaints(work), f"no error: {complaints(work)}")
        kept = kit.lane.query(FILE, id=file_id)["file"]
        expect(kept is not None, f"the file is at {file_id}")
        expect(kept["metaData"]["mimetype"] == mime_type, f"its type: {kept}")
        marks = [m["standard_id"] for m in kept["objectMarking"]]
        expect(marks == [GREEN.id], f"its markings: {marks}")
        objects = json.loads(kit.lane.content(file_id))["objects"]
        ids = [stix["id"] for stix in objects]
        expect(len(ids) == len(set(ids)), "each object once")
        names = {stix.get("name") for stix in objects}
        for model in there:
            known = model.id in ids or getattr(model, "name", "") in names
            expect(known, f"{wanted}: {model.id} is in the file")
        for model in absent:
            expect(model.id not in ids, f"{wanted}: {model.id} is not in the file")
    # Rows of entities, in the order of the list.
    _, mime_type = start(kit, "csv")
    found = rows(exported(kit, **{**listed, "format": mime_type}))
    expect([row["name"] for row in found] == [two.name, one.name], f"rows: {found}")
    expect(found[1]["author"] == author.name, "the author")
    expect(found[1]["labels"] == "a; b", "the labels")


def check_x2(kit: Kit) -> None:
    """Nothing above the maximum, or that the user may not see: no entity, no author, no id, no relationship."""
    secret_author = Organization(
        name=f"secret-author-{uuid.uuid4().hex[:8]}", markings=[RED], created=DAY
    )
    secret = malware("secret", level=RED)
    plain = malware("plain").model_copy(update={"author": secret_author})
    uses = Relationship(
        type="related-to", source=plain, target=secret, markings=[GREEN]
    )
    report = Report(
        name=f"report-{uuid.uuid4().hex[:8]}",
        publication_date=DAY,
        objects=[plain, secret],
        markings=[GREEN],
    )
    form = {**plain.to_stix_dict(), "created_by_ref": secret_author.id}
    kit.lane.seed(secret_author, secret, form, uses, report)
    held = {one["id"]: one for one in kit.lane.platform.objects()}
    secrets = {secret.name, secret.id, secret_author.name, secret_author.id}
    secrets |= {internal_id(kit, one.id) for one in (secret, secret_author)}
    expect(secrets & set(held), "they are stored")
    (stored,) = (one for one in held.values() if one.get("name") == report.name)
    green = marking_id(kit, "TLP:GREEN")
    internal_plain = internal_id(kit, plain.id)
    internal_secret = internal_id(kit, secret.id)
    internal_report = internal_id(kit, stored["id"])
    group = kit.lane.query(
        'mutation{groupAdd(input: {name: "few", group_confidence_level: {max_confidence: 100, overrides: []}}){id}}'
    )["groupAdd"]["id"]
    kit.lane.query(
        "mutation($id: ID!, $to: ID!){groupEdit(id: $id){relationAdd(input:"
        ' {toId: $to, relationship_type: "accesses-to"}){id}}}',
        id=group,
        to=green,
    )
    user = kit.lane.query(
        "mutation($input: UserAddInput!){userAdd(input: $input){id}}",
        input={
            "name": "reader",
            "user_email": f"{uuid.uuid4().hex}@example.org",
            "groups": [group],
        },
    )["userAdd"]["id"]
    few_rights = {"opencti-applicant-id": user}
    for exports in ("stix", "csv"):
        _, mime_type = start(kit, exports)
        limited = {"contentMaxMarkings": [green], "format": mime_type}
        of_user = {"headers": few_rights, "format": mime_type}
        malwares = {
            "exportContext": {"entity_type": "Malware"},
            "filters": named(plain.name, secret.name),
        }
        for restriction in (limited, of_user):
            for wanted in (
                {**malwares},
                {**malwares, "exportType": "full"},
                {**malwares, "selectedIds": [internal_plain, internal_secret]},
                {"entity_id": internal_plain, "exportType": "full"},
                {"entity_id": internal_report, "exportType": "full"},
                {"entity_id": internal_report},
            ):
                content = exported(kit, **restriction, **wanted).decode()
                expected = report.name if "entity_id" in wanted else plain.name
                if wanted.get("entity_id") == internal_plain:
                    expected = plain.name
                expect(expected in content, f"{wanted}: what may be seen is there")
                for one in secrets:
                    expect(one not in content, f"{wanted}: {one} is in the file")
            _, work_id = kit.exports(
                entity_id=internal_secret, **{"headers": None, **restriction}
            )
            work = kit.lane.finished(work_id)
            expect("nothing to export" in complaints(work), f"refused: {said(work)}")


def check_x3(kit: Kit) -> None:
    """Six times the entities, the same memory."""
    kit.lane.patience = PATIENCE
    word = uuid.uuid4().hex[:8]
    peaks = []
    for number, count in enumerate((1_000, 6_000)):
        group = f"{word}{number}"
        for start_at in range(0, count, 2000):
            kit.lane.seed(
                *(
                    Malware(
                        name=f"{group}-{n}",
                        is_family=True,
                        description="long " * 400,
                        created=DAY,
                    )
                    for n in range(start_at, min(start_at + 2000, count))
                )
            )
        connector, mime_type = start(kit, "csv", CONNECTOR_EXPORT_PAGE_SIZE="100")
        starts = {"key": "name", "values": [group], "operator": "starts_with"}
        content = exported(
            kit,
            format=mime_type,
            exportContext={"entity_type": "Malware"},
            filters={"mode": "and", "filterGroups": [], "filters": [starts]},
        )
        expect(len(rows(content)) == count, f"all {count} are there")
        status = Path(f"/proc/{connector.process.pid}/status").read_text("ascii")
        peaks.append(int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) // 1024)
    expect(peaks[1] < peaks[0] + 15, f"peak memory in MB: {peaks}")


def check_x4(kit: Kit) -> None:
    """Formulas are neutralised; a bad row is told and set aside, and the others are there."""
    word = uuid.uuid4().hex[:8]
    names = [
        f"=cmd|' /C calc'!A0 {word}",
        f"+SUM(1) {word}",
        f"-2+3 {word}",
        f"@x {word}",
        f'a "quoted", {word}',
        f"bad {word}",
    ]
    kit.lane.seed(*(Malware(name=name, is_family=True, created=DAY) for name in names))
    connector, mime_type = start(kit, "csv")
    wanted: dict[str, Any] = {
        "format": mime_type,
        "exportContext": {"entity_type": "Malware"},
    }
    file_id, work_id = kit.exports(**wanted, filters=named(*names))
    work = kit.lane.finished(work_id)
    expect(not complaints(work), f"the file is not lost: {complaints(work)}")
    expect("1 could not be written" in said(work), f"said so: {said(work)}")
    expect("ValueError: there is no such row" in said(work), said(work))
    found = {row["name"] for row in rows(kit.lane.content(file_id))}
    expected = {f"'{name}" for name in names[:4]} | {names[4]}
    expect(found == expected, f"cells: {found}")
    folder = Path(connector.environment["CONNECTOR_DATA_PATH"])
    kept = (folder / "quarantine.jsonl").read_text("utf-8").splitlines()
    expect(len(kept) == 1 and names[5] in kept[0], "it is set aside")
    _, work_id = kit.exports(**wanted, filters=named(names[5]))
    work = kit.lane.finished(work_id)
    expect("No row could be made" in complaints(work), "a file of nothing is none")


def check_g4(kit: Kit) -> None:
    """No secret is told."""
    one, two = malware("leak"), malware("fine")
    kit.lane.seed(one, two)
    connector, mime_type = start(kit, "csv", CONNECTOR_LOG_LEVEL="debug")
    _, work_id = kit.exports(
        format=mime_type,
        exportContext={"entity_type": "Malware"},
        filters=named(one.name, two.name),
    )
    work = kit.lane.finished(work_id)
    expect("1 could not be written" in said(work), said(work))
    expect(SECRET not in said(work), "no secret in the work")
    expect(SECRET not in connector.output, "no secret in the log")
    folder = Path(connector.environment["CONNECTOR_DATA_PATH"])
    kept = (folder / "quarantine.jsonl").read_text("utf-8")
    expect(SECRET not in kept, "no secret in the quarantine")


def many(kit: Kit) -> tuple[str, dict[str, Any]]:
    """Store entities whose export takes some seconds; return their word and what to ask for."""
    word = uuid.uuid4().hex[:8]
    kit.lane.seed(
        *(Malware(name=f"{word}-{n}", is_family=True, created=DAY) for n in range(600))
    )
    starts = {"key": "name", "values": [word], "operator": "starts_with"}
    return word, {
        "exportContext": {"entity_type": "Malware"},
        "filters": {"mode": "and", "filterGroups": [], "filters": [starts]},
    }


def check_g5(kit: Kit) -> None:
    """SIGTERM in the middle: the work is closed, and the file is made after the restart."""
    _, wanted = many(kit)
    connector, mime_type = start(kit, "csv")
    file_id, work_id = kit.exports(format=mime_type, **wanted)
    until(lambda: "ready to process" in said(kit.lane.work(work_id)), "it has begun")
    time.sleep(0.5)
    began = time.monotonic()
    code = connector.stop()
    expect(code == 0, f"exit code {code}")
    expect(time.monotonic() - began < 10, "within 10 seconds")
    work = kit.lane.finished(work_id)
    expect(was_stopped(work), said(work))
    kit.start(**connector.environment)
    until(
        lambda: "Exported 600 rows" in said(kit.lane.work(work_id)),
        "the file is made after the restart",
        kit.lane.patience,
    )
    expect(len(rows(kit.lane.content(file_id))) == 600, "it is whole")


def check_killed(kit: Kit) -> None:
    """Killed in the middle: the next one makes the file."""
    _, wanted = many(kit)
    connector, mime_type = start(kit, "csv")
    file_id, work_id = kit.exports(format=mime_type, **wanted)
    until(lambda: "ready to process" in said(kit.lane.work(work_id)), "it has begun")
    connector.stop(signal.SIGKILL)
    kit.start(**connector.environment)
    work = kit.lane.finished(work_id)
    expect("Exported 600 rows" in said(work), said(work))
    expect(len(rows(kit.lane.content(file_id))) == 600, "it is whole")


# For each clause: what breaks it, and what is said about that.
CHECKS: Broken = {
    check_x1: {
        "IgnoresSelection": "is not in the file",
        "AlwaysSimple": "is in the file",
        "OtherName": "the file is at",
        "OtherType": "its type",
        "Unmarked": "its markings",
    },
    check_x2: {
        "IgnoresAccess": "is in the file",
        "TellsOfOthers": "is in the file",
        "ActsForItself": "is in the file",
    },
    check_x3: {"HoldsAll": "peak memory"},
    check_x4: {
        "LosesFile": "the file is not lost",
        "SilentLoss": "said so",
        "RunsFormulas": "cells",
    },
    check_g4: {},
    check_g5: {"IgnoresSignals": "exit code -15"},
}
ON_AMQP: Broken = {check_killed: {"AcknowledgesFirst": "is closed"}}


(
    test_the_runtime_keeps_the_clause,
    test_a_connector_that_breaks_it_is_caught,
    test_a_connector_that_breaks_it_over_amqp_is_caught,
) = clause_tests("exporter", CHECKS, ON_AMQP, slowly=(check_g5, check_killed))
