"""The connector as a process, asked for files by a platform, over HTTP and through a broker."""

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from opencti_testbed.export_trial import Exported, ExportTrial
from opencti_testbed.fixtures import over_a_broker, over_http
from opencti_testbed.process import TestbedProcess
from opencti_testbed.trial import Trial

CONNECTOR = Path(__file__).resolve().parents[1]
CSV = "text/csv"
MALWARE = {"entity_type": "Malware", "orderBy": "name", "orderMode": "asc"}
FORMULA = '\'=HYPERLINK("http://evil.example")'
NAMES = [FORMULA, "Paper Lantern", "Red Lantern"]
Exporter = Callable[..., ExportTrial]


def rows(file: Exported, delimiter: str = ";") -> list[dict[str, str]]:
    assert not file.complaints, file.complaints
    assert file.content is not None
    text = file.content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def of_name(found: list[dict[str, str]], name: str) -> dict[str, str]:
    (one,) = (row for row in found if row["name"] == name)
    return one


def test_single_selection_and_query(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    ids = {one.get("name"): one["id"] for one in platform.objects()}
    with exporter() as trial:
        listed = trial.export(CSV, **MALWARE)
        assert [row["name"] for row in rows(listed)] == NAMES
        assert listed.mime_type == CSV
        assert listed.name.endswith("_Malware_simple.csv")
        assert listed.messages[-1].startswith("Exported 3 rows")
        one = of_name(rows(listed), FORMULA)
        assert one["createdBy"] == "Lantern Ridge Institute"
        assert one["objectLabel"] in ("loader; invented", "invented; loader")
        assert one["objectMarking"] == "TLP:GREEN"
        assert one["killChainPhases"] == "mitre-attack: execution"
        assert one["externalReferences"] == "Example EX-1 https://example.com/1"
        several = of_name(rows(listed), "Paper Lantern")
        assert several["description"] == "First line\nsecond line; with a delimiter"
        assert several["aliases"] == "PLantern; -lamp"
        # Of the same list twice comes the same file.
        assert trial.export(CSV, **MALWARE).content == listed.content

        (single,) = rows(trial.export(CSV, entity_id=ids["Red Lantern"]))
        assert single["name"] == "Red Lantern"
        chosen = [row["id"] for row in rows(listed)][:2]
        selection = rows(trial.export(CSV, selected=chosen, entity_type="Malware"))
        assert {row["id"] for row in selection} == set(chosen)
        found = trial.export(CSV, **MALWARE, search="Paper")
        assert [row["name"] for row in rows(found)] == ["Paper Lantern"]
        observables = trial.export(CSV, entity_type="Stix-Cyber-Observable")
        (file,) = rows(observables)
        assert file["hashes.MD5"] == "d41d8cd98f00b204e9800998ecf8427e"
        assert file["x_opencti_score"] == "80"
        empty = trial.export(CSV, entity_type="Malware", search="nothing like it")
        assert not rows(empty) and empty.content


@over_http
def test_full_brings_what_is_around(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    ids = {one.get("name"): one["id"] for one in platform.objects()}
    with exporter() as trial:
        full = rows(trial.export(CSV, entity_id=ids["Paper Lantern"], full=True))
        types = {row["entity_type"] for row in full}
        assert {"Malware", "related-to", "StixFile"} <= types
        (relation,) = (row for row in full if row["entity_type"] == "related-to")
        assert (relation["from"], relation["to"]) == ("Paper Lantern", "lamp.exe")
        # A beginning that nobody knows is no date.
        assert "start_time" not in relation
        report = rows(trial.export(CSV, entity_id=ids["Lanterns at night"], full=True))
        assert {"Paper Lantern", "Red Lantern"} <= {row["name"] for row in report}


@over_http
def test_what_is_above_the_limit_stays_out(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    ids = {one.get("name"): one["id"] for one in platform.objects()}
    with exporter() as trial:
        for wanted in (
            MALWARE,
            {"entity_id": ids["Lanterns at night"], "full": True},
            {"entity_id": ids["Lanterns at night"]},
        ):
            file = trial.export(CSV, most="TLP:GREEN", **wanted)
            assert rows(file)
            assert file.content is not None and b"Red Lantern" not in file.content
            assert file.markings == ["TLP:GREEN"]
        refused = trial.export(CSV, most="TLP:GREEN", entity_id=ids["Red Lantern"])
        assert "nothing to export" in refused.complaints[0]
        assert refused.content is None
        # The connector goes on.
        assert rows(trial.export(CSV, **MALWARE))


@over_http
def test_a_file_that_the_platform_does_not_take_is_told_in_words(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    with exporter() as trial:
        platform.order_fault("limit-body", amount=4_000)
        refused = trial.export(CSV)
        platform.lift_faults()
        (complaint,) = refused.complaints
        assert complaint.startswith("the platform answers PAYLOAD_TOO_LARGE")
        assert "{" not in complaint
        assert rows(trial.export(CSV))


@over_http
def test_nothing_that_is_nested_is_told_beyond_the_limit(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    red = next(o for o in platform.objects() if o.get("name") == "Red Lantern")
    pushed = "2f6a6a5e-1f53-5c1c-9a5d-0000000000"
    platform.push(
        [
            {
                "type": "ipv4-addr",
                "id": f"ipv4-addr--{pushed}b1",
                "value": "198.51.100.7",
            },
            {
                "type": "indicator",
                "id": f"indicator--{pushed}b2",
                "name": "Secret indicator",
                "pattern": "[ipv4-addr:value = '198.51.100.7']",
                "pattern_type": "stix",
                "valid_from": "2026-01-01T00:00:00Z",
                "object_marking_refs": red["object_marking_refs"],
            },
            {
                "type": "relationship",
                "id": f"relationship--{pushed}b3",
                "relationship_type": "based-on",
                "source_ref": f"indicator--{pushed}b2",
                "target_ref": f"ipv4-addr--{pushed}b1",
            },
        ]
    )
    platform.wait_idle()
    with exporter() as trial:
        for full in (False, True):
            wanted = {"entity_type": "IPv4-Addr", "full": full}
            file = trial.export(CSV, most="TLP:GREEN", **wanted)
            (one,) = rows(file)
            assert one["value"] == "198.51.100.7"
            assert b"pattern" not in (file.content or b"")
            assert b"Secret" not in (file.content or b"")


@over_http
def test_a_selection_of_everything(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    with exporter() as trial:
        listed = rows(trial.export(CSV, entity_type="stix-core-relationship"))
        listed += rows(trial.export(CSV, **MALWARE))
        chosen = [row["id"] for row in listed]
        file = trial.export(CSV, selected=chosen)
        assert {row["id"] for row in rows(file)} == {*chosen}
        assert "Left out" not in file.messages[-1]
        file = trial.export(CSV, selected=chosen, most="TLP:GREEN")
        assert len(rows(file)) == len(chosen) - 1
        assert "Left out: 1 not to be seen" in file.messages[-1]
        (single,) = rows(trial.export(CSV, entity_id=listed[0]["id"]))
    assert (single["from"], single["to"]) == ("Paper Lantern", "lamp.exe")


@over_http
def test_columns_delimiter_and_mark_can_be_chosen(exporter: Exporter) -> None:
    chosen = {
        "EXPORT_FILE_CSV_COLUMNS": "name,visible,objectMarking,no_such",
        "EXPORT_FILE_CSV_DELIMITER": "tab",
        "EXPORT_FILE_CSV_BYTE_ORDER_MARK": "true",
    }
    with exporter(**chosen) as trial:
        file = trial.export(CSV, **MALWARE)
    assert file.content is not None and file.content.startswith(b"\xef\xbb\xbf")
    found = rows(file, "\t")
    assert list(found[0]) == ["name", "objectMarking", "no_such"]
    assert [row["objectMarking"] for row in found] == ["TLP:GREEN", "", "TLP:RED"]
    assert {row["no_such"] for row in found} == {""}


@over_http
@pytest.mark.parametrize(
    "fault",
    [
        {"action": "status", "status": 503, "times": 3},
        {"action": "drop", "times": 2},
        {"action": "delay", "seconds": 0.5, "times": 4},
    ],
    ids=["503", "dropped", "slow"],
)
def test_a_platform_in_trouble_loses_no_row(
    exporter: Exporter, platform: TestbedProcess, fault: dict[str, Any]
) -> None:
    with exporter(CONNECTOR_EXPORT_PAGE_SIZE="1") as trial:
        asked = trial.ask(CSV, **MALWARE)
        platform.order_fault(**fault)
        found = rows(trial.fetch(asked))
    assert [row["name"] for row in found] == NAMES


@over_a_broker
def test_killed_half_way_the_file_is_made_by_the_next_life(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    with exporter(CONNECTOR_EXPORT_PAGE_SIZE="1") as trial:
        platform.order_fault("delay", seconds=0.5)
        asked = trial.ask(CSV, **MALWARE)
        platform.wait_for(lambda _: platform.works()[0]["messages"])
        assert platform.works()[0]["status"] != "complete"
        trial.process.kill()
        trial.process.wait()
        platform.lift_faults()
        trial.start()
        found = rows(trial.fetch(asked))
    assert [row["name"] for row in found] == NAMES


@over_http
def test_wrong_settings_are_told_without_secrets(
    platform: TestbedProcess, tmp_path: Path
) -> None:
    trial = Trial(CONNECTOR, platform, tmp_path)
    done = trial.run(EXPORT_FILE_CSV_DELIMITER=";;", OPENCTI_TOKEN="canary-token")
    assert done.returncode == 2
    output = done.stdout + done.stderr
    assert "EXPORT_FILE_CSV_DELIMITER" in output
    assert "canary" not in output and "Traceback" not in output


@over_http
def test_it_describes_itself(platform: TestbedProcess, tmp_path: Path) -> None:
    done: subprocess.CompletedProcess[str] = Trial(CONNECTOR, platform, tmp_path).run(
        "describe", "--json"
    )
    described = json.loads(done.stdout)
    assert described["type"] == "INTERNAL_EXPORT_FILE"
    assert described["scope"] == [CSV]


@over_http
def test_who_asks_gets_what_they_may_see(
    exporter: Exporter, platform: TestbedProcess
) -> None:
    def query(text: str, **variables: Any) -> Any:
        answer = requests.post(
            f"{platform.url}/graphql",
            json={"query": text, "variables": variables},
            headers={"Authorization": f"Bearer {platform.token}"},
            timeout=30,
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    edges = query("{markingDefinitions(first: 50){edges{node{id definition}}}}")
    markings = [edge["node"] for edge in edges["markingDefinitions"]["edges"]]
    (green,) = (one["id"] for one in markings if one["definition"] == "TLP:GREEN")
    group = query(
        'mutation{groupAdd(input: {name: "few", group_confidence_level: {max_confidence: 100, overrides: []}}){id}}'
    )["groupAdd"]["id"]
    query(
        "mutation($id: ID!, $to: ID!){groupEdit(id: $id){relationAdd(input:"
        ' {toId: $to, relationship_type: "accesses-to"}){id}}}',
        id=group,
        to=green,
    )
    reader = query(
        "mutation($input: UserAddInput!){userAdd(input: $input){id}}",
        input={"name": "Reader", "user_email": "r@example.org", "groups": [group]},
    )["userAdd"]["id"]
    with exporter() as trial:
        found = rows(trial.export(CSV, user_id=reader, **MALWARE))
    assert [row["name"] for row in found] == NAMES[:2]
