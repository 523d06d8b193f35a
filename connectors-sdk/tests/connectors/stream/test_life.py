"""The life of a stream connector around the clauses: wrong settings, resets, stops, secrets, health."""

import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

# The type is that of this folder's conftest.py, which cannot be imported by name.
Stage = Any


@pytest.mark.parametrize("stream_id", ["no-such-stream", "ChangeMe", " "])
def test_a_wrong_stream_is_a_wrong_setting(stage: Stage, stream_id: str) -> None:
    connector = stage.connector(CONNECTOR_LIVE_STREAM_ID=stream_id).start()
    assert connector.wait() == 2
    assert "CONNECTOR_LIVE_STREAM_ID" in connector.output
    assert "connector.live_stream_id" in connector.output
    assert "Traceback" not in connector.output


def test_a_data_folder_that_cannot_be_written(stage: Stage) -> None:
    (stage.folder / "file").write_text("in the way")
    path = stage.folder / "file" / "data"
    connector = stage.connector(CONNECTOR_DATA_PATH=path).start()
    assert connector.wait() == 2
    assert "CONNECTOR_DATA_PATH" in connector.output
    assert "Traceback" not in connector.output


def test_a_filtered_stream(stage: Stage) -> None:
    filters = {
        "mode": "and",
        "filters": [{"key": ["description"], "values": ["bad"]}],
        "filterGroups": [],
    }
    stream = stage.query(
        "mutation Add($input: StreamCollectionAddInput!) { streamCollectionAdd(input: $input) { id } }",
        input={"name": "Bad ones", "filters": json.dumps(filters)},
    )["streamCollectionAdd"]
    stage.push(
        stage.malware("a", description="bad"), stage.malware("b", description="good")
    )
    connector = stage.connector(CONNECTOR_LIVE_STREAM_ID=stream["id"]).start()
    stage.until(lambda: stage.target.names == {"a"}, "what passes is there")
    result = json.loads(connector.command("reconcile", "--json").stdout)
    assert result["should_have"] == 1 and not result["missing"]
    stage.push(stage.malware("b", description="bad"))
    stage.until(lambda: stage.target.names == {"a", "b"}, "what enters comes")
    stage.push(stage.malware("a", description="good"))
    stage.until(lambda: stage.target.names == {"b"}, "what leaves goes")


def reset(stage: Stage, connector: Any) -> None:
    stage.query(
        "mutation Reset($id: ID!) { resetStateConnector(id: $id) { id } }",
        id=connector.environment["CONNECTOR_ID"],
    )


def test_a_reset_while_it_runs(stage: Stage) -> None:
    target = stage.target
    stage.push(stage.malware("one"))
    connector = stage.connector().start()
    stage.until(lambda: "one" in target.names, "it works")
    target.items.clear()
    reset(stage, connector)
    # The next ping brings it: that of the next batch.
    stage.push(stage.malware("two"))
    stage.until(lambda: target.names == {"one", "two"}, "everything once more")
    assert "The connector's state was reset on the platform" in connector.output
    assert connector.stop() == 0
    assert connector.output.count("Nothing is remembered of this stream") == 2


def test_a_reset_while_the_target_is_away(stage: Stage) -> None:
    target = stage.target
    stage.push(stage.malware("one"))
    connector = stage.connector().start()
    stage.until(lambda: stage.position > (0, 0), "it works")
    target.stop()
    stage.push(stage.malware("two"))
    stage.until(lambda: "does not take everything" in connector.output, "away")
    reset(stage, connector)
    # pycti's own ping brings it, within 40 seconds.
    stage.until(lambda: "was reset on the platform" in connector.output, "noticed")
    target.start()
    stage.until(lambda: target.names == {"one", "two"}, "everything once more")


@pytest.mark.parametrize(
    "names",
    [("start_from", "recover_until"), ("connectorLastEventId", "connectorStartTime")],
)
def test_it_goes_on_where_pycti_stood(stage: Stage, names: tuple[str, str]) -> None:
    stage.push(stage.malware("before"))
    first = stage.connector().start()
    stage.until(lambda: stage.position > (0, 0), "it works")
    assert first.stop() == 0
    former = dict(zip(names, stage.state.values(), strict=True))
    assert set(stage.state) == {"start_from", "recover_until"}
    text = json.dumps({**former, "something": "else"})
    stage.query(
        "mutation Ping($id: ID!, $state: String) { pingConnector(id: $id, state: $state) { id } }",
        id=first.environment["CONNECTOR_ID"],
        state=text,
    )
    stage.target.items.clear()
    stage.push(stage.malware("after"))
    first.start()
    stage.until(lambda: stage.target.names == {"after"}, "it goes on")
    position = stage.position
    stage.push(stage.malware("later"))
    stage.until(lambda: stage.position > position, "the position moves on")
    assert set(stage.state) == {"start_from", "recover_until", "something"}


def test_signs_of_life_move_the_position(stage: Stage) -> None:
    connector = stage.connector().start()
    stage.until(lambda: "The live stream is there" in connector.output, "connected")
    tool = {**stage.malware("a tool"), "type": "tool"}
    tool["id"] = tool["id"].replace("malware", "tool")
    del tool["is_family"]
    stage.push(tool)
    time.sleep(2.5)
    assert connector.stop() == 0
    assert stage.position > (0, 0)
    assert "other type: 1" in connector.output and not stage.target.calls


def test_a_stop_while_the_target_is_silent(stage: Stage) -> None:
    stage.push(stage.malware("one"))
    asked: list[str] = []

    def hang(phase: str) -> None:
        asked.append(phase)
        time.sleep(15)

    stage.target.on_call = hang
    connector = stage.connector().start()
    stage.until(lambda: asked, "asked")
    began = time.monotonic()
    assert connector.stop() == 0
    assert time.monotonic() - began < 10
    assert stage.position == (0, 0)
    assert "Connector stopped by SIGTERM" in connector.output


def test_the_platform_goes_away_before_the_position_is_saved(stage: Stage) -> None:
    target = stage.target
    stage.push(stage.malware("one"))

    def away(phase: str) -> None:
        if phase == "after" and "one" in target.names:
            target.on_call = lambda _: None
            stage.platform.kill()

    connector = stage.connector().start()
    target.on_call = away
    stage.until(lambda: not stage.platform.is_running, "away")
    stage.until(lambda: "cannot be saved" in connector.output, "noticed")
    stage.platform.start()
    # pycti's own ping would do it after 40 seconds.
    stage.patience = 20.0
    stage.expect("S2", lambda: stage.position > (0, 0), "saved when it is back")
    assert connector.stop() == 0
    assert target.asked == 1


def test_what_expires_without_any_event(stage: Stage) -> None:
    until = datetime.now(UTC) + timedelta(seconds=6)
    text = until.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    stage.push(
        stage.indicator("brief", valid_until=text),
        stage.indicator("long", valid_until="2999-01-01T00:00:00.000Z"),
    )
    connector = stage.connector().start()
    stage.until(lambda: stage.target.names == {"brief", "long"}, "both are there")
    stage.until(lambda: stage.position > (0, 0), "settled")
    connector.kill()
    time.sleep(max((until - datetime.now(UTC)).total_seconds(), 0) + 0.1)
    # Looked for at the start, and then once a minute.
    connector.start()
    stage.until(lambda: stage.target.names == {"long"}, "what has expired goes")
    (removal,) = stage.target.calls[-1]
    assert (removal["op"], removal["kind"]) == ("remove", "expire")


def test_secrets_stay_inside(stage: Stage) -> None:
    stage.push(stage.malware("one"))
    connector = stage.connector(
        BREAK="secrets_leak_from_the_target",
        CONNECTOR_LOG_LEVEL="debug",
        TARGET_API_KEY="canary-4711-of-the-target",
    ).start()
    stage.until(lambda: "set aside" in connector.output, "set aside")
    assert connector.stop() == 0
    folder = stage.folder / "data-0"
    kept = (folder / "quarantine.jsonl").read_text()
    assert "refuses" in kept
    # Nor does anybody else on the machine read what is kept.
    modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
    assert modes == dict.fromkeys(modes, 0o600) and "targets.sqlite" in modes
    for text in (connector.output, kept, json.dumps(stage.state)):
        assert "canary" not in text and stage.platform.token not in text


def test_a_broken_contract_ends_the_connector(stage: Stage) -> None:
    stage.push(stage.malware("one"))
    connector = stage.connector(BREAK="deliver_returns_too_little").start()
    assert connector.wait() == 1
    assert "deliver() returned 0 results for 1 events" in connector.output
    assert stage.position == (0, 0)


def test_the_memory_runs_out(stage: Stage) -> None:
    stage.push(stage.malware("one"))
    connector = stage.connector(BREAK="memory_runs_out").start()
    assert connector.wait() == 1
    assert "stopped before the memory ran out" in connector.output
    assert stage.position == (0, 0)


def test_no_author_outlives_the_fuse(stage: Stage) -> None:
    stage.push(stage.malware("one"))
    connector = stage.connector(
        BREAK="memory_is_used_up_and_nobody_cares", CONNECTOR_MEMORY_LIMIT="500"
    ).start()
    assert connector.wait() == 1
    assert "stopped before the memory ran out" in connector.output
    assert stage.position == (0, 0)
    del connector.environment["BREAK"]
    connector.start()
    stage.until(lambda: "one" in stage.target.names, "it comes again")


def test_health_and_metrics(stage: Stage) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    secret = stage.malware("secret")
    stage.push(stage.malware("one"), stage.malware("two"), secret)
    stage.target.refused = {stage.internal_id(secret): 400}
    stage.connector(CONNECTOR_HEALTH_PORT=port).start()
    stage.until(lambda: stage.position > (0, 0), "settled")

    def page(path: str) -> str:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}{path}", timeout=5
        ) as answer:
            return str(answer.read().decode())

    report = json.loads(page("/health"))
    assert report["ready"] and report["last_success"] and report["lag_seconds"] < 60
    assert report["last_error"]["reason"].startswith("an event was set aside")
    metrics = page("/metrics")
    for line in (
        'opencti_connector_events_total{action="create",outcome="written"} 2.0',
        'opencti_connector_events_total{action="create",outcome="quarantined"} 1.0',
        'opencti_connector_egress_total{decision="passed"} 3.0',
        'opencti_connector_work_total{outcome="good"} 1.0',
    ):
        assert line in metrics


def test_dead_letters_beyond_the_limit_are_no_secret(stage: Stage) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    bad = [stage.malware(f"bad-{number}") for number in range(5)]
    stage.push(*bad, stage.malware("good"))
    stage.target.refused = {stage.internal_id(stix): 400 for stix in bad}
    connector = stage.connector(
        CONNECTOR_HEALTH_PORT=port, CONNECTOR_QUARANTINE_MAX_RECORDS=2
    ).start()
    stage.until(lambda: stage.position > (0, 0), "settled")

    def page(path: str) -> str:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}{path}", timeout=5
        ) as answer:
            return str(answer.read().decode())

    assert 'opencti_connector_quarantine_dropped_total{limit="count"} 3.0' in page(
        "/metrics"
    )
    sentence = (
        "3 records were dropped from the quarantine since the start, because it was beyond "
        "CONNECTOR_QUARANTINE_MAX_RECORDS (2)"
    )
    assert json.loads(page("/health"))["last_error"]["reason"].startswith(sentence)
    # The first at once, the others not one by one.
    assert connector.output.count("dropped from the quarantine") == 1
    assert connector.stop() == 0
    listing = connector.command("quarantine", "list", "--json")
    assert len(listing.stdout.splitlines()) == 2 and not listing.stderr
    # What gets too old is no secret either.
    connector.environment["CONNECTOR_QUARANTINE_MAX_AGE"] = "PT0.001S"
    time.sleep(1.1)
    listing = connector.command("quarantine", "list", "--json")
    assert not listing.stdout
    assert "beyond CONNECTOR_QUARANTINE_MAX_AGE" in listing.stderr
