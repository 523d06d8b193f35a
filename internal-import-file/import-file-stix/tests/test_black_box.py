"""The connector as a process, given files by a platform, over HTTP and through a broker."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opencti_testbed.fixtures import over_http
from opencti_testbed.import_trial import ImportTrial
from opencti_testbed.process import TestbedProcess
from opencti_testbed.trial import Asked, Trial

CONNECTOR = Path(__file__).resolve().parents[1]
HERONS = (CONNECTOR / "demo/herons.json").read_bytes()
JSON, GZIP = "application/json", "application/gzip"
TIME = "2024-05-01T08:00:00.000Z"
AUTHOR = {
    "type": "identity",
    "spec_version": "2.1",
    "id": "identity--00000000-0000-4000-8000-000000000099",
    "created": TIME,
    "modified": TIME,
    "name": "Ferry Office",
    "identity_class": "organization",
}
Importer = Callable[..., ImportTrial]


def many(count: int, name: str = "host") -> bytes:
    """Return a bundle of so many domain names, and relationships that come before them."""
    names = [
        {
            "type": "domain-name",
            "id": f"domain-name--00000000-0000-5000-8000-{number:012d}",
            "value": f"{name}{number}.example",
        }
        for number in range(count)
    ]
    links = [
        {
            "type": "relationship",
            "spec_version": "2.1",
            "id": f"relationship--00000000-0000-4000-8000-{number:012d}",
            "created": TIME,
            "modified": TIME,
            "relationship_type": "related-to",
            "source_ref": one["id"],
            "target_ref": names[0]["id"],
        }
        for number, one in enumerate(names[1:])
    ]
    return json.dumps({"type": "bundle", "objects": [*links, *names]}).encode()


def stored(platform: TestbedProcess, entity_type: str) -> dict[str, dict[str, Any]]:
    found = platform.objects(entity_type)
    return {str(one.get("name") or one.get("value")): one for one in found}


def test_a_bundle_arrives_and_the_work_says_what_of_it(
    importer: Importer, empty_platform: TestbedProcess
) -> None:
    empty_platform.push([AUTHOR])
    with importer() as trial:
        done = trial.give("herons.json", HERONS, JSON)
        assert not done.complaints, done.complaints
        for words in (
            "Objects in the file: 15, imported: 10.",
            "1 of types that the platform does not know (x-saltmarsh-tide 1)",
            "Set aside, see the quarantine: 2.",
            "1 indicator: pattern is no STIX pattern",
            "1 campaign: last_seen is before first_seen",
            "not in the file, and has to be on the platform: 1 (identity 1)",
        ):
            assert words in done.words
        malware = stored(empty_platform, "Malware")
        assert set(malware) == {"Mudlark"}
        report = stored(empty_platform, "Report")["Herons on the mudflats"]
        assert len(report["object_refs"]) == 5
        # The same again, packed, changes nothing.
        before = empty_platform.fingerprint()
        again = trial.give("herons.json.gz", gzip.compress(HERONS), GZIP)
        assert not again.complaints
        assert empty_platform.fingerprint() == before
        # What is wrong with one file is nothing to the next.
        cut = trial.give("cut.json", HERONS[:-700], JSON)
        assert "It was not imported: it is damaged or cut off after" in cut.words
        lone = json.dumps({**AUTHOR, "id": AUTHOR["id"][:-1] + "8", "name": "Lone"})
        assert not trial.give("lone.json", lone.encode(), JSON).complaints
        assert "Lone" in stored(empty_platform, "Organization")


@over_http
def test_stix_20(importer: Importer, empty_platform: TestbedProcess) -> None:
    content = (CONNECTOR / "demo/herons-2.0.json").read_bytes()
    with importer() as trial:
        done = trial.give("old.json", content, JSON)
    assert not done.complaints
    assert "of STIX 2.0: 3, observables made of their observations: 5" in done.words
    (file,) = stored(empty_platform, "StixFile").values()
    assert file["object_marking_refs"]
    assert stored(empty_platform, "Indicator")["Old beacon"]["labels"] == [
        "tide-tables"
    ]
    assert len(stored(empty_platform, "Process")) == 1


def test_the_context_and_the_markings_of_the_file(
    importer: Importer, empty_platform: TestbedProcess
) -> None:
    container = {
        "type": "report",
        "spec_version": "2.1",
        "id": "report--00000000-0000-4000-8000-000000000077",
        "created": TIME,
        "modified": TIME,
        "published": TIME,
        "name": "Ferries",
        "object_refs": [AUTHOR["id"]],
    }
    empty_platform.push([AUTHOR, container])
    empty_platform.wait_idle()
    page = stored(empty_platform, "Report")["Ferries"]
    with importer() as trial:
        done = trial.give(
            "many.json",
            many(3),
            JSON,
            markings=("TLP:AMBER",),
            entity_id=page["id"],
        )
    assert not done.complaints
    amber = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
    names = stored(empty_platform, "Domain-Name")
    assert len(names) == 3
    assert all(one["object_marking_refs"] == [amber] for one in names.values())
    held = stored(empty_platform, "Report")["Ferries"]["object_refs"]
    # The author that it had, the names, and the relationships between them.
    assert len(held) == 6 and {one["id"] for one in names.values()} < {*held}


@pytest.mark.parametrize("mode", ["draft", "workbench"])
def test_validation_comes_first_unless_told_otherwise(
    importer: Importer, empty_platform: TestbedProcess, mode: str
) -> None:
    with importer(CONNECTOR_VALIDATE_BEFORE_IMPORT="true") as trial:
        done = trial.give("many.json", many(3), JSON, mode=mode, bypass=False)
    assert f"sent to a {mode} for validation" in done.words
    assert not stored(empty_platform, "Domain-Name")


@over_http
def test_hostile_files_cost_little_and_are_told(
    importer: Importer, empty_platform: TestbedProcess
) -> None:
    bomb = gzip.compress(b'{"type":"bundle","objects":[' + b" " * 30_000_000)
    deep = b'{"type":"bundle","objects":[' + b'{"a":' * 200_000
    crowd = many(40)
    with importer(CONNECTOR_FILE_DISK_MB="5", CONNECTOR_FILE_MAX_OBJECTS="50") as trial:
        for name, content, mime_type, words in (
            ("bomb.gz", bomb, GZIP, "bigger than the limit of 5 MB"),
            ("deep.json", deep, JSON, "nested more than"),
            ("garbage.json", bytes(range(256)) * 50, JSON, "it is no JSON"),
            ("empty.json", b"", JSON, "it is empty"),
            ("event.json", b'{"Event": {}}', JSON, "MISP event"),
            ("crowd.json", crowd, JSON, "more than 50 objects"),
        ):
            done = trial.give(name, content, mime_type)
            assert done.complaints and words in done.words, (name, done)
        orders = [{**AUTHOR, "opencti_operation": "delete"}]
        assert (
            "orders the platform"
            in trial.give("orders.json", json.dumps(orders).encode(), JSON).words
        )
        assert not trial.give("good.json", many(3, "good"), JSON).complaints
    assert len(stored(empty_platform, "Domain-Name")) == 3


@pytest.mark.parametrize("phase", ["reading", "sending"])
def test_killed_anywhere_the_next_life_brings_everything(
    importer: Importer, empty_platform: TestbedProcess, phase: str
) -> None:
    count = 600
    with importer() as trial:
        if phase == "sending":
            # What it tells the platform about each bundle waits, so that it is killed between them.
            empty_platform.order_fault("delay", seconds=0.4, operation="xpectations")
        trial.ask("many.json", many(count), JSON)
        if phase == "reading":
            trial.wait_until_it_reads()
        else:
            empty_platform.wait_for(lambda found: found["created"])
        trial.kill()
        empty_platform.lift_faults()
        trial.start()
        done = trial.result("many.json")
    assert not done.complaints
    assert len(stored(empty_platform, "Domain-Name")) == count


@over_http
@pytest.mark.parametrize(
    "fault",
    [
        {"action": "status", "status": 503, "operation": "stixBundlePush", "times": 3},
        {"action": "drop", "operation": "stixBundlePush", "times": 2},
        {"action": "truncate", "amount": 9, "operation": "stixBundlePush", "times": 2},
        {"action": "status", "status": 502, "path": "/storage/.*", "times": 2},
        {"action": "truncate", "amount": 900, "path": "/storage/.*", "times": 2},
    ],
    ids=["503", "dropped bundles", "truncated", "no file", "truncated file"],
)
def test_a_platform_in_trouble_loses_nothing(
    importer: Importer, empty_platform: TestbedProcess, fault: dict[str, Any]
) -> None:
    with importer() as trial:
        empty_platform.order_fault(**fault)
        done = trial.give("many.json", many(30), JSON)
        (ordered,) = empty_platform.get("faults")
    assert ordered["met"] == fault["times"]
    assert not done.complaints
    assert len(stored(empty_platform, "Domain-Name")) == 30


@over_http
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"action": "status", "status": 404}, "does not have the file any more"),
        ({"action": "expire-token"}, "refuses the token"),
        ({"action": "answer", "body": {"data": None}}, "no STIX objects"),
    ],
    ids=["gone", "refused", "something else"],
)
def test_a_file_that_does_not_come_is_told_and_the_next_one_read(
    importer: Importer,
    empty_platform: TestbedProcess,
    fault: dict[str, Any],
    words: str,
) -> None:
    with importer() as trial:
        empty_platform.order_fault(path="/storage/.*", **fault)
        done = trial.give("many.json", many(30), JSON)
        assert done.complaints and words in done.words, done
        assert "Traceback" not in done.words
        empty_platform.lift_faults()
        assert not trial.give("good.json", many(3), JSON).complaints
    assert len(stored(empty_platform, "Domain-Name")) == 3


def test_what_was_set_aside_is_judged_again_when_it_is_replayed(
    tmp_path: Path,
) -> None:
    good = {**AUTHOR, "id": AUTHOR["id"][:-1] + "7", "name": "Corrected"}
    file = tmp_path / "bad.json"
    file.write_text(json.dumps([{**good, "modified": "yesterday"}]))
    asked = Asked(CONNECTOR, tmp_path, CONNECTOR_VALIDATE_BEFORE_IMPORT="false")
    _, summary = asked("--import", file)
    assert "1 identity: modified is no timestamp" in summary["output"]
    quarantine = tmp_path / "connector/quarantine.jsonl"
    with TestbedProcess(tmp_path / "platform") as platform:
        trial = Trial(CONNECTOR, platform, tmp_path / "connector")
        done = trial.run("quarantine", "replay")
        assert "modified is no timestamp" in done.stdout + done.stderr
        # Somebody has mended it.
        quarantine.write_text(quarantine.read_text().replace("yesterday", TIME))
        done = trial.run("quarantine", "replay")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Corrected" in stored(platform, "Organization")


def test_a_replay_shows_nothing_and_sends_nothing_that_is_rejected(
    tmp_path: Path,
) -> None:
    marking = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--00000000-0000-4000-8000-000000000002",
        "created": TIME,
        "definition_type": "tlp",
        "definition": {"tlp": "ultraviolet"},
    }
    secret = {**AUTHOR, "name": "Secret", "object_marking_refs": [marking["id"]]}
    link = {
        "type": "relationship",
        "spec_version": "2.1",
        "id": "relationship--00000000-0000-4000-8000-000000000001",
        "created": TIME,
        "modified": "yesterday",
        "relationship_type": "related-to",
        "source_ref": "x-heron--00000000-0000-4000-8000-000000000001",
        "target_ref": AUTHOR["id"],
    }
    file = tmp_path / "bad.json"
    file.write_text(json.dumps([secret, link, marking]))
    Asked(CONNECTOR, tmp_path, CONNECTOR_VALIDATE_BEFORE_IMPORT="false")(
        "--import", file
    )
    quarantine = tmp_path / "connector/quarantine.jsonl"
    quarantine.write_text(quarantine.read_text().replace("yesterday", TIME))
    with TestbedProcess(tmp_path / "platform") as platform:
        trial = Trial(CONNECTOR, platform, tmp_path / "connector")
        trial.run("quarantine", "replay")
        assert not stored(platform, "Organization")
        kept = trial.run("quarantine", "list").stdout
        for words in (
            "none of the TLP",
            "does not have its marking",
            "is not imported",
        ):
            assert words in kept
        quarantine.write_text(quarantine.read_text().replace("ultraviolet", "red"))
        trial.run("quarantine", "replay")
        (one,) = stored(platform, "Organization").values()
        assert one["name"] == "Secret" and one["object_marking_refs"]
        assert not platform.errors()
        kept = trial.run("quarantine", "list").stdout
        assert "is not imported" in kept and "does not have its marking" not in kept


@over_http
def test_wrong_settings_are_told_without_secrets(
    empty_platform: TestbedProcess, tmp_path: Path
) -> None:
    done = Trial(CONNECTOR, empty_platform, tmp_path).run(
        IMPORT_FILE_STIX_MISSING_REFERENCES="invent",
        CONNECTOR_FILE_MAX_MB="-1",
        OPENCTI_TOKEN="canary-token",
    )
    assert done.returncode == 2
    output = done.stdout + done.stderr
    assert "IMPORT_FILE_STIX_MISSING_REFERENCES" in output
    assert "CONNECTOR_FILE_MAX_MB" in output
    assert "canary" not in output and "Traceback" not in output


def test_no_secret_is_written_down(tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(HERONS[:-9])
    asked = Asked(CONNECTOR, tmp_path, CONNECTOR_LOG_LEVEL="debug")
    _, summary = asked("--import", file, HTTPS_PROXY="http://u:canary@127.0.0.1:9")
    assert "damaged" in summary["output"]
    kept = [one for one in (tmp_path / "connector").rglob("*") if one.is_file()]
    assert "canary" not in summary["output"]
    assert not [one for one in kept if b"canary" in one.read_bytes()]


@over_http
def test_it_describes_itself(empty_platform: TestbedProcess, tmp_path: Path) -> None:
    done = Trial(CONNECTOR, empty_platform, tmp_path).run("describe", "--json")
    described = json.loads(done.stdout)
    assert described["type"] == "INTERNAL_IMPORT_FILE"
    assert JSON in described["scope"] and GZIP in described["scope"]
