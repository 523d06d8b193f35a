"""The connector as a process, asked for files by a platform, over HTTP and through a broker."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

from opencti_testbed.export_trial import Exported, ExportTrial
from opencti_testbed.fixtures import over_http
from opencti_testbed.process import TestbedProcess

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
    assert file.messages[-1].endswith("No entity has: no_such.")
