"""The connector as a process, against a real platform process and a real HTTP source."""

import copy
import gzip
import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from support import (
    DEMO,
    DEMO_2,
    Source,
    expected_counts,
    imported_counts,
    run,
    trial,
)

from connectors_sdk.testing import Canned, Fault
from opencti_testbed.process import TestbedProcess

# Requests that send what was made of the collection.
PUSH = {"operation": "stixBundlePush"}


def bundles_done(summary: dict[str, Any]) -> int:
    return int(summary["created"] + summary["unchanged"])


def multiplied(collection: dict[str, Any], times: int) -> bytes:
    """Return a collection that is `times` as large, with other names and ids."""
    objects = []
    for number in range(times):
        text = json.dumps(
            [
                o
                for o in collection["objects"]
                if number == 0 or "x_mitre_contents" not in o
            ]
        )
        if number:
            for stix in collection["objects"]:
                text = text.replace(stix["id"], f"{stix['id'][:-4]}{number:04x}")
        for stix in json.loads(text):
            if number and "name" in stix and stix["type"] != "identity":
                stix["name"] += f" {number}"
                for reference in stix.get("external_references", []):
                    if "external_id" in reference:
                        reference["external_id"] += f"-{number}"
            objects.append(stix)
    return json.dumps({"type": "bundle", "objects": objects}).encode()


def test_everything_arrives_and_nothing_is_rejected(
    platform: TestbedProcess, source: Source, demo: dict[str, Any]
) -> None:
    code, output = run(platform, source.url)
    assert code == 0, output
    assert imported_counts(platform) == expected_counts(demo)
    assert platform.summary()["rejected"] == 0
    (work,) = platform.works()
    assert work["status"] == "complete" and not work["in_error"]
    assert "1.0" in work["name"]


def test_a_second_run_asks_conditionally_and_changes_nothing(
    platform: TestbedProcess, source: Source
) -> None:
    run(platform, source.url)
    before, fingerprint = platform.summary(), platform.fingerprint()
    code, output = run(platform, source.url)
    assert code == 0, output
    assert source.asked[-1].headers["if-none-match"] == '"one"'
    assert platform.summary()["objects_by_type"] == before["objects_by_type"]
    assert bundles_done(platform.summary()) == bundles_done(before)
    assert platform.fingerprint() == fingerprint
    assert len(platform.works()) == 1, "nothing new: no work is opened"


def test_a_newer_release_sends_exactly_what_is_new_or_changed(
    platform: TestbedProcess, source: Source
) -> None:
    run(platform, source.url)
    before = platform.summary()
    source.publish(DEMO_2.read_bytes(), '"two"')
    code, output = run(platform, source.url)
    assert code == 0, output
    work = platform.works()[0]
    assert "1.1" in work["name"]
    sent = {
        kind: (by["created"], by["updated"])
        for kind, by in work["counts"].items()
        if by["created"] or by["updated"]
    }
    first = {o["id"]: o for o in json.loads(DEMO.read_text())["objects"]}
    second = json.loads(DEMO_2.read_text())["objects"]
    new = [o for o in second if o["id"] not in first]
    assert sent == {
        "Malware": (1, 1),  # RUSTPETAL is new, MOTHBALL was revoked
        "Intrusion-Set": (0, 1),
        "Attack-Pattern": (0, 1),  # an analytic of Slow Upload has another text
        "revoked-by": (1, 0),
        "uses": (sum(o.get("relationship_type") == "uses" for o in new), 0),
    }
    assert platform.summary()["rejected"] == before["rejected"] == 0
    revoked = [m for m in platform.objects("Malware") if m.get("revoked")]
    assert [m["name"] for m in revoked] == ["MOTHBALL"]


def test_files_and_gzip_are_accepted(
    platform: TestbedProcess, tmp_path: Path, demo: dict[str, Any]
) -> None:
    packed = tmp_path / "collection.json.gz"
    packed.write_bytes(gzip.compress(DEMO.read_bytes()))
    code, output = run(platform, str(packed))
    assert code == 0, output
    assert imported_counts(platform) == expected_counts(demo)
    works = len(platform.works())
    code, output = run(platform, DEMO.as_uri())
    assert code == 0, output
    assert len(platform.works()) == works, "the same content under another name"


def test_revoked_and_deprecated_objects_on_request(platform: TestbedProcess) -> None:
    run(
        platform,
        str(DEMO),
        MITRE_INCLUDE_REVOKED="true",
        MITRE_INCLUDE_DEPRECATED="true",
        MITRE_REMOVE_STATEMENT_MARKING="true",
    )
    names = {p["name"]: p for p in platform.objects("Attack-Pattern")}
    assert names["Paper Mail Lure"]["revoked"] is True
    assert "Unplug Everything" in {
        c["name"] for c in platform.objects("Course-Of-Action")
    }
    assert platform.summary()["objects_by_type"]["revoked-by"] == 1
    assert platform.summary()["objects_by_type"]["Marking-Definition"] == 5


def test_one_bad_object_is_set_aside_until_the_source_is_mended(
    platform: TestbedProcess, source: Source, demo: dict[str, Any]
) -> None:
    broken = copy.deepcopy(demo)
    victim = next(o for o in broken["objects"] if o["type"] == "tool")
    victim["name"] = None
    broken["objects"].append("not an object")
    source.publish(json.dumps(broken).encode(), '"broken"')
    code, output = run(platform, source.url)
    assert code == 0, output
    assert victim["id"] in output
    assert platform.summary()["objects_by_type"]["Tool"] == 3
    assert platform.summary()["rejected"] == 0
    code, output = run(platform, source.url, "quarantine", "replay")
    assert code == 1, output
    source.publish(DEMO.read_bytes(), '"mended"')
    code, output = run(platform, source.url, "quarantine", "replay")
    assert code == 0, output
    assert platform.summary()["objects_by_type"]["Tool"] == 4
    assert platform.summary()["rejected"] == 0


@pytest.fixture(name="large", scope="module")
def fixture_large(demo: dict[str, Any]) -> bytes:
    """A collection that is sent in seventeen pieces."""
    return multiplied(demo, 40)


@pytest.fixture(name="expected", scope="module")
def fixture_expected(large: bytes, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The fingerprint of what an undisturbed run makes of the large collection."""
    file = tmp_path_factory.mktemp("source") / "large.json"
    file.write_bytes(large)
    with TestbedProcess() as undisturbed:
        code, output = run(undisturbed, str(file))
        assert code == 0, output
        return undisturbed.fingerprint()


@pytest.mark.parametrize("sent", [0, 7, 15])
def test_killed_at_any_moment_and_restarted_the_content_is_the_same(
    platform: TestbedProcess, source: Source, large: bytes, expected: str, sent: int
) -> None:
    source.publish(large, '"large"')
    waits = platform.order_fault("delay", **PUSH, after=sent, seconds=10)
    killed = trial(platform, source.url).start()
    platform.wait_for_fault(waits, timeout=120)
    killed.kill()
    assert killed.wait(10) == -signal.SIGKILL
    platform.lift_faults()
    code, output = run(platform, source.url)
    assert code == 0, output
    assert platform.fingerprint() == expected
    assert platform.summary()["rejected"] == 0


def test_a_platform_that_goes_away_in_the_middle_loses_nothing(
    platform: TestbedProcess, source: Source, large: bytes, expected: str
) -> None:
    source.publish(large, '"large"')
    waits = platform.order_fault("delay", **PUSH, after=7, seconds=10)
    process = trial(platform, source.url).start()
    platform.wait_for_fault(waits, timeout=120)
    platform.kill()
    time.sleep(3)  # the connector meets a platform that is not there
    platform.start()
    if process.wait(240):
        code, output = run(platform, source.url)
        assert code == 0, output
    platform.wait_idle(120)
    assert platform.fingerprint() == expected


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Canned(status=404), "404"),
        (Canned(b"<html>Sign in</html>"), "not valid JSON"),
        (Canned(b'{"type": "bundle", "objects": [{"type": "ma'), "complete"),
        (Canned(b'{"objects": 7}'), "no array"),
        (Canned(b'{"objects": []}'), "without STIX objects"),
        (Canned(b"x" * 100, fault=Fault.TRUNCATED), "complete"),
        (Canned(status=500), "500"),
    ],
)
def test_a_source_that_fails_leaves_the_state_and_the_next_run_recovers(
    platform: TestbedProcess, source: Source, answer: Canned, words: str
) -> None:
    path = "/enterprise-attack.json"
    source.server.on("GET", path, answer)
    code, output = run(platform, source.url)
    assert code == 1
    assert words in output
    assert platform.summary()["created"] == 0
    (connector,) = platform.connectors()
    assert "digest" not in (connector["state"] or "")
    source.server.on("GET", path, Canned(DEMO.read_bytes()))
    code, output = run(platform, source.url)
    assert code == 0, output
    assert platform.summary()["created"] > 200


def test_sigterm_ends_the_run_and_closes_the_work(
    platform: TestbedProcess, source: Source, large: bytes
) -> None:
    source.publish(large, '"large"')
    # The platform is slow to accept what it is sent, not busy: it can be told that the work ends.
    waits = platform.order_fault("delay", **PUSH, after=1, seconds=1)
    process = trial(platform, source.url).start()
    platform.wait_for_fault(waits, timeout=120)
    process.terminate()
    assert process.wait(10) == 0
    platform.wait_idle(60)
    assert platform.works()[0]["status"] == "complete"


def test_wrong_settings_end_with_code_2_and_no_traceback(
    platform: TestbedProcess,
) -> None:
    code, output = run(platform, str(DEMO), MITRE_TLP="purple", OPENCTI_URL="nowhere")
    assert code == 2
    assert "MITRE_TLP (mitre.tlp)" in output
    assert "OPENCTI_URL (opencti.url)" in output
    assert "Traceback" not in output
