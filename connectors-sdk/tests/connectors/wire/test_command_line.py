"""The command line of a connector, as processes against a platform and a source."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess

# The types are those of this folder's conftest.py, which cannot be imported by name.
Workshop = Any
Feed = Any
Connector = Any


def state_of(platform: TestbedProcess) -> dict[str, Any]:
    (connector,) = platform.connectors()
    state: dict[str, Any] = json.loads(connector["state"] or "{}") or {}
    return state


def parsed(connector: Connector) -> Any:
    """Parse the JSON document in the output, after the lines of the log before it."""
    lines = connector.output.splitlines()
    for number in range(len(lines)):
        try:
            return json.loads("\n".join(lines[number:]))
        except ValueError:
            continue
    raise AssertionError(f"no JSON in {connector.output}")


@pytest.fixture(name="connector")
def _connector(feeders: Workshop, feed: Feed) -> Connector:
    for number in range(12):
        feed.publish(number)
    return feeders.connector("feed", CONNECTOR_LOG_LEVEL="error")


def test_help_is_everywhere(connector: Connector) -> None:
    assert connector.run("--help") == 0
    for command in "run check plan describe explain health quarantine state".split():
        assert f"\n    {command}" in connector.output
        again = connector.again()
        assert again.run(command, "--help") == 0
        assert "usage:" in again.output
    assert "Exit codes" in connector.output
    for action in ("list", "show", "replay", "remove"):
        again = connector.again()
        assert again.run("quarantine", action, "--help") == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("walk",),
        ("run", "--limit", "0", "--dry-run"),
        ("run", "--limit", "5"),
        ("quarantine",),
        ("state", "set"),
        ("explain",),
    ],
)
def test_wrong_arguments(connector: Connector, arguments: tuple[str, ...]) -> None:
    assert connector.run(*arguments) == 2
    assert "Traceback" not in connector.output
    assert connector.output


def test_run_once(connector: Connector, platform: TestbedProcess) -> None:
    once = connector.again(CONNECTOR_RUN_AND_TERMINATE="false")
    assert once.run("run", "--once") == 0, once.output
    platform.wait_idle()
    assert platform.summary()["objects_by_type"]["Malware"] == 12


def test_a_rehearsal_needs_no_platform(
    connector: Connector, platform: TestbedProcess, feed: Feed, tmp_path: Path
) -> None:
    feed.publish(99, name=None)
    alone = connector.again()
    for name in ("OPENCTI_URL", "OPENCTI_TOKEN", "CONNECTOR_DURATION_PERIOD"):
        del alone.environment[name]
    out = tmp_path / "bundle.json"
    assert alone.run("run", "--once", "--dry-run", "--out", str(out)) == 0
    bundle = json.loads(out.read_text("utf-8"))
    assert bundle["type"] == "bundle"
    names = [o["name"] for o in bundle["objects"] if o["type"] == "malware"]
    assert names == [f"family {number}" for number in range(12)]
    for words in ("family 7", "TLP:AMBER", "Feed Ltd", "14 objects", "    12 malware"):
        assert words in alone.output
    assert "1 records could not be processed" in alone.output
    assert not platform.connectors()
    # Nothing was set aside for good.
    again = connector.again()
    assert again.run("quarantine", "list") == 0
    assert "is empty" in again.output

    few = connector.again()
    assert few.run("run", "--dry-run", "--limit", "3") == 0
    assert "    3 malware" in few.output
    feed.key = "changed"
    refused = connector.again()
    assert refused.run("run", "--dry-run") == 1
    assert "canary" not in refused.output


def test_a_rehearsal_of_a_wrong_configuration(connector: Connector) -> None:
    wrong = connector.again()
    del wrong.environment["SOURCE_API_KEY"]
    assert wrong.run("run", "--dry-run") == 2
    assert "SOURCE_API_KEY (source.api_key): missing" in wrong.output
    assert "OPENCTI_URL" not in wrong.output


# -- check -----------------------------------------------------------------------------------------------------------


def verdicts(connector: Connector) -> dict[str, str]:
    return {one["name"]: one["verdict"] for one in parsed(connector)["checks"]}


def test_check_when_all_is_well(connector: Connector, platform: TestbedProcess) -> None:
    before = platform.fingerprint()
    assert connector.run("check") == 0, connector.output
    lines = [line.split() for line in connector.output.splitlines()]
    for words in (
        "SOURCE_API_KEY ********** environment",
        "SOURCE_TIMEOUT 20 default",
        "ok source: credentials user tester",
        "14 checks, none failed",
    ):
        assert words.split() in lines
    assert "canary" not in connector.output
    assert platform.token not in connector.output
    assert platform.fingerprint() == before
    again = connector.again()
    assert again.run("check", "--json") == 0
    assert set(verdicts(again).values()) == {"ok"}
    assert {
        "configuration",
        "data folder",
        "memory",
        "opencti.url: name",
        "opencti.url: connection",
        "platform: version",
        "platform: permissions",
        "registration",
        "broker",
        "source.url: connection",
        "source: credentials",
    } <= set(verdicts(again))


def test_check_names_what_is_wrong_and_the_fix(
    connector: Connector, platform: TestbedProcess, feed: Feed
) -> None:
    token = connector.again(OPENCTI_TOKEN="wrong")
    assert token.run("check") == 1
    assert "FAILED   platform: version" in token.output
    assert "-> Set OPENCTI_TOKEN to the API token" in token.output
    assert "skipped  source" in token.output

    nowhere = connector.again(OPENCTI_URL="http://no-such-host.invalid")
    assert nowhere.run("check", "--json") == 1
    found = verdicts(nowhere)
    assert found["opencti.url: name"] == "failed"
    assert found["source.url: connection"] == "ok"

    missing = connector.again(CONNECTOR_SCOP="x")
    del missing.environment["SOURCE_URL"]
    assert missing.run("check") == 2
    assert "FAILED   configuration  SOURCE_URL (source.url): missing" in missing.output

    feed.key = "changed"
    refused = connector.again(CONNECTOR_SCOP="x")
    assert refused.run("check", "--json") == 1
    found = verdicts(refused)
    assert found["source"] == "failed"
    assert found["configuration"] == "warning"
    assert "canary" not in refused.output
    feed.key, feed.left = "canary-source-key", 3
    quota = connector.again()
    assert quota.run("check") == 0
    assert "warning  source: quota" in quota.output

    platform.order_fault("status", operation="capabilities", status=500)
    platform.order_fault("error", operation="registerConnector", message="no right")
    odd = connector.again()
    assert odd.run("check", "--json") == 1
    found = verdicts(odd)
    assert found["platform: permissions"] == "warning"
    assert found["registration"] == "failed"


def test_check_of_a_broker_that_is_away(connector: Connector) -> None:
    broker = connector.again(
        CONNECTOR_QUEUE_PROTOCOL="amqp", MQ_HOST="127.0.0.1", MQ_PORT="1"
    )
    assert broker.run("check") == 1
    assert "FAILED   broker" in broker.output
    assert "MQ_HOST" in broker.output


def test_check_of_a_folder_that_cannot_be_written(connector: Connector) -> None:
    folder = connector.again(CONNECTOR_DATA_PATH="/proc/nowhere")
    assert folder.run("check") == 1
    assert "FAILED   data folder" in folder.output


# -- plan ------------------------------------------------------------------------------------------------------------


def test_plan(connector: Connector, platform: TestbedProcess, feed: Feed) -> None:
    assert connector.run("plan") == 0, connector.output
    assert "13 created, 0 changed, 1 unchanged" in connector.output
    assert not platform.connectors()
    assert connector.again().run() == 0
    platform.wait_idle()
    before = platform.fingerprint()

    nothing = connector.again()
    assert nothing.run("plan") == 0
    assert "0 created, 0 changed, 0 unchanged" in nothing.output
    feed.publish(20, text="new")
    feed.publish(4, second=9, text="says more now")
    news = connector.again()
    assert news.run("plan", "--json") == 0
    objects = parsed(news)["objects"]
    actions = {o["name"]: (o["action"], o["changes"]) for o in objects}
    assert actions["family 20"] == ("create", [])
    assert actions["family 4"] == ("change", ["description"])
    assert actions["Feed Ltd"] == ("unchanged", [])
    platform.wait_idle()
    assert platform.fingerprint() == before
    platform.stop()
    away = connector.again()
    assert away.run("plan") == 1
    assert "nothing listens there" in away.output


def test_calls_of_a_rehearsal_are_told_and_those_of_a_plan_remembered(
    connector: Connector, platform: TestbedProcess, feed: Feed
) -> None:
    # Three pages: ten families, two, none.
    alone = connector.again(CONNECTOR_DAILY_CREDITS="9")
    assert alone.run("run", "--dry-run") == 0
    assert (
        "3 calls to the source; 3 of the 9 a day (CONNECTOR_DAILY_CREDITS), of which the connector will not know."
        in alone.output
    )
    free = connector.again()
    assert free.run("run", "--dry-run") == 0
    assert "3 calls to the source." in free.output

    new = connector.again(CONNECTOR_DAILY_CREDITS="9")
    assert new.run("plan") == 0
    assert "the platform does not know the connector yet" in new.output
    assert connector.again(CONNECTOR_DAILY_CREDITS="9").run() == 0
    assert state_of(platform)["credits"]["used"] == 3

    # The platform heard of the connector just now.
    active = connector.again(CONNECTOR_DAILY_CREDITS="9")
    assert active.run("plan", "--json") == 0
    assert parsed(active)["calls"] == len(feed.server.requests) - 12
    command = active.output.partition("python main.py state set ")[2]
    assert command.split()[0] == "--force", active.output
    assert state_of(platform)["credits"]["used"] == 3
    assert connector.again().run("state", "set", *command.split(".\n")[0].split()) == 0
    used = 3 + parsed(active)["calls"]
    assert state_of(platform)["credits"]["used"] == used
    # Ten minutes later.
    platform.stop()
    for file in platform.data_dir.rglob("*.sqlite*"):
        if not file.name.endswith(("-wal", "-shm")):
            with sqlite3.connect(file) as database:
                database.execute(
                    "UPDATE connector SET updated_at = '2024-01-01T00:00:00.000Z'"
                )
    platform.start()
    quiet = connector.again(CONNECTOR_DAILY_CREDITS="9")
    assert quiet.run("plan") == 0
    assert "remembered in the connector's state" in quiet.output
    state = state_of(platform)
    assert state["credits"]["used"] > used and state["last_run"]


# -- quarantine ------------------------------------------------------------------------------------------------------


def test_quarantine(connector: Connector, platform: TestbedProcess, feed: Feed) -> None:
    feed.publish(50, name=None)
    feed.publish(51, name="")
    assert connector.again().run() == 0
    platform.wait_idle()
    assert platform.summary()["objects_by_type"]["Malware"] == 12
    assert "2 set aside" in platform.works()[0]["messages"][-1]["message"]

    listing = connector.again()
    assert listing.run("quarantine", "list") == 0
    assert "Families.convert" in listing.output
    lines = connector.again()
    assert lines.run("quarantine", "list", "--json") == 0
    first, second = [json.loads(line) for line in lines.output.splitlines()]
    assert [first["raw"]["id"], second["raw"]["id"]] == [50, 51]
    show = connector.again()
    assert show.run("quarantine", "show", first["id"][:6]) == 0
    assert parsed(show)["raw"]["name"] is None
    unknown = connector.again()
    assert unknown.run("quarantine", "show", "zz") == 2

    still = connector.again()
    assert still.run("quarantine", "replay") == 1
    assert "0 went through, 2 did not" in still.output
    # A release of the connector that can read them.
    fixed = connector.again(BROKEN="fixed")
    assert fixed.run("quarantine", "replay", first["id"]) == 0, fixed.output
    assert "1 went through, 0 did not" in fixed.output
    platform.wait_idle()
    assert platform.summary()["objects_by_type"]["Malware"] == 13
    assert {w["status"] for w in platform.works()} == {"complete"}
    remove = connector.again()
    assert remove.run("quarantine", "remove", second["id"][:8]) == 0
    empty = connector.again()
    assert empty.run("quarantine", "replay") == 0
    assert "is empty" in empty.output
    # Replaying has not touched the cursor.
    assert state_of(platform)["last_run"]


# -- state -----------------------------------------------------------------------------------------------------------


def test_state(connector: Connector, platform: TestbedProcess) -> None:
    unknown = connector.again()
    assert unknown.run("state", "show") == 1
    assert "knows no connector" in unknown.output
    assert connector.run() == 0
    show = connector.again()
    assert show.run("state", "show") == 0
    assert parsed(show)["cursor"]["position"].startswith("2024-01-02")

    refused = connector.again()
    assert refused.run("state", "set", "cursor.position=2024-01-01T00:00:00Z") == 2
    assert "--force" in refused.output
    change = connector.again()
    arguments = ("cursor.position=2024-01-01T00:00:00Z", "cursor.seen={}", "note=x")
    assert change.run("state", "set", "--force", *arguments) == 0, change.output
    state = state_of(platform)
    assert state["cursor"] == {"position": "2024-01-01T00:00:00Z", "seen": {}}
    assert state["note"] == "x"
    gone = connector.again()
    assert gone.run("state", "set", "--force", "note=") == 0
    assert "note" not in state_of(platform)
    for wrong in ("note", ".=1", "last_run.x=1"):
        assert connector.again().run("state", "set", "--force", wrong) == 2

    reset = connector.again()
    assert reset.run("state", "reset") == 0
    assert not state_of(platform)
    platform.stop()
    away = connector.again()
    assert away.run("state", "show") == 1
    assert "cannot be asked" in away.output


def test_a_state_that_is_reset_in_the_middle_of_a_run_stays_reset(
    connector: Connector, platform: TestbedProcess, feed: Feed
) -> None:
    for number in range(12, 60):
        feed.publish(number)
    feed.hold(4)
    running = connector.again(CONNECTOR_LOG_LEVEL="info").start()
    assert feed.reached.wait(30)
    asked = len(feed.asked)
    assert connector.again().run("state", "reset") == 0
    feed.release()
    assert running.wait() == 0, running.output
    assert "the run is given up" in running.output.lower()
    # The run begins anew at once, from the beginning.
    assert feed.asked[0][0] in [since for since, page in feed.asked[asked:]]
    platform.wait_idle()
    assert platform.summary()["objects_by_type"]["Malware"] == 60
    assert not [e for w in platform.works() for e in w["error_messages"]]


# -- describe, explain, health ---------------------------------------------------------------------------------------


def test_describe(connector: Connector) -> None:
    bare = connector.again()
    for name in list(bare.environment):
        if name != "PATH":
            del bare.environment[name]
    bare.environment["PYTHONPATH"] = connector.environment["PYTHONPATH"]
    assert bare.run("describe", "--json") == 0, bare.output
    facts = parsed(bare)
    assert facts["type"] == "EXTERNAL_IMPORT"
    assert facts["sdk_version"]
    assert "SOURCE_API_KEY" in facts["settings"]["properties"]
    text = connector.again()
    assert text.run("describe") == 0
    assert "name            Wire" in text.output
    assert "SOURCE_URL (required): Address of the feed." in text.output


def test_explain(connector: Connector, platform: TestbedProcess, feed: Feed) -> None:
    off = connector.again()
    assert off.run("explain", "malware--x") == 1
    assert "CONNECTOR_PROVENANCE=true" in off.output
    assert connector.again(CONNECTOR_PROVENANCE="true").run() == 0
    platform.wait_idle()
    (stix,) = [o for o in platform.objects("Malware") if o["name"] == "family 7"]
    explain = connector.again()
    assert explain.run("explain", stix["id"]) == 0
    assert "mapper Families.convert" in explain.output
    assert '"name": "family 7"' in explain.output
    as_json = connector.again()
    assert as_json.run("explain", "--json", stix["id"]) == 0
    (origin,) = parsed(as_json)
    assert origin["record"] == feed.records[7]


def test_health(connector: Connector, platform: TestbedProcess, free_port: int) -> None:
    unset = connector.again()
    assert unset.run("health") == 2
    port = str(free_port)
    dead = connector.again(CONNECTOR_HEALTH_PORT=port)
    assert dead.run("health") == 1
    running = connector.again(
        CONNECTOR_HEALTH_PORT=port, CONNECTOR_RUN_AND_TERMINATE="false"
    ).start()
    platform.wait_for(lambda s: s["objects_by_type"].get("Malware") == 12)
    alive = connector.again(CONNECTOR_HEALTH_PORT=port)
    assert alive.run("health") == 0, alive.output
    assert alive.output.startswith("ok: ")
    report = requests.get(f"http://127.0.0.1:{port}/health", timeout=10).json()
    assert report["newest_data_published"] == "2024-01-02T00:00:03+00:00"
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    assert 'opencti_connector_records_total{outcome="read"} 12.0' in text
    assert "opencti_connector_objects_sent_total 14.0" in text
    running.process.terminate()
    assert running.wait() == 0


def test_output_that_nobody_reads_to_its_end(connector: Connector) -> None:
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "programs/feed.py"), "describe"],
        env=connector.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
