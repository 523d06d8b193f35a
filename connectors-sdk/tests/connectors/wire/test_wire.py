"""Connectors as processes against a platform as a process: real pycti, real HTTP, real signals."""

import json
import signal
import socket
import time
from typing import Any

import pytest
from wire_clauses import five_seconds

from opencti_testbed.process import TestbedProcess

# The types are those of this folder's conftest.py, which cannot be imported by name.
Workshop = Any
Source = Any
Fingerprints = dict[str, str]


def state_of(platform: TestbedProcess) -> dict[str, Any]:
    (connector,) = platform.connectors()
    state: dict[str, Any] = json.loads(connector["state"] or "{}") or {}
    return state


def outcomes(platform: TestbedProcess) -> tuple[int, int, int]:
    platform.wait_idle()
    summary = platform.summary()
    return summary["created"], summary["updated"], summary["rejected"]


def test_the_usual_shape(workshop: Workshop, platform: TestbedProcess) -> None:
    connector = workshop.connector("chunks")
    assert connector.run() == 0, connector.output
    created, updated, rejected = outcomes(platform)
    # 20 malware, 20 relationships, 2 tools, 1 author; markings were there before.
    assert (created, updated, rejected) == (43, 0, 0)
    works = platform.works()
    assert sorted(w["name"] for w in works) == ["Malware", "Tools"]
    assert {w["status"] for w in works} == {"complete"}
    assert [w["messages"][-1]["message"] for w in works] == [
        "Work completed successfully"
    ] * 2
    assert not platform.errors()
    assert set(state_of(platform)) == {"last_run"}
    assert "read 22, sent 52 objects in 5 bundles, skipped 0" in connector.output

    again = workshop.connector("chunks", connector.environment["CONNECTOR_ID"])
    assert again.run() == 0, again.output
    assert outcomes(platform) == (43, 0, 0)


def test_a_stream_with_checkpoints(
    workshop: Workshop, platform: TestbedProcess, source: Source
) -> None:
    connector = workshop.connector("stream")
    assert connector.run() == 0, connector.output
    assert outcomes(platform) == (21, 0, 0)
    (work,) = platform.works()
    assert work["status"] == "complete"
    assert state_of(platform)["pages_done"] == 0
    assert "sent 28 objects in 4 bundles" in connector.output
    assert len(source.server.requests) == 5


def test_a_failed_run(
    workshop: Workshop, platform: TestbedProcess, source: Source
) -> None:
    source.pages[2][2] = "LEAK"
    connector = workshop.connector("stream", CONNECTOR_LOG_LEVEL="debug")
    assert connector.run() == 1
    assert "canary" not in connector.output
    assert "Traceback" in connector.output
    (work,) = platform.works()
    (error,) = work["error_messages"]
    assert error["message"].startswith("Work failed with error: ")
    assert error["message"].endswith("?key=********** is broken")
    # What was accepted is remembered, the rest is not.
    state = state_of(platform)
    assert state["pages_done"] == 2 and state["last_run"] is None

    source.pages[2][2] = "m2-2"
    again = workshop.connector("stream", connector.environment["CONNECTOR_ID"])
    assert again.run() == 0, again.output
    assert outcomes(platform) == (21, 0, 0)
    paths = [request.path for request in source.server.requests]
    assert paths[3:] == ["/pages/2", "/pages/3", "/pages/4"]


@pytest.mark.parametrize(
    ("program", "page"), [("chunks", 2), ("stream", 0), ("stream", 2)]
)
def test_killed_and_started_again(
    workshop: Workshop,
    platform: TestbedProcess,
    source: Source,
    undisturbed: Fingerprints,
    program: str,
    page: int,
) -> None:
    source.hold(page)
    connector = workshop.connector(program).start()
    assert source.reached.wait(30)
    connector.process.kill()
    assert connector.wait() == -signal.SIGKILL
    source.release()
    again = workshop.connector(program, connector.environment["CONNECTOR_ID"])
    assert again.run() == 0, again.output
    platform.wait_idle()
    assert platform.fingerprint() == undisturbed[program]
    assert {w["status"] for w in platform.works()} == {"complete"}


def test_the_platform_goes_away_and_comes_back(
    workshop: Workshop,
    platform: TestbedProcess,
    source: Source,
    undisturbed: Fingerprints,
) -> None:
    source.hold(2)
    connector = workshop.connector("stream").start()
    assert source.reached.wait(30)
    platform.kill()
    source.release()
    # Long enough for several attempts in vain.
    time.sleep(2)
    assert connector.process.poll() is None
    platform.start()
    assert connector.wait() == 0, connector.output
    assert "The platform is away: the connection was refused" in connector.output
    assert "The platform is back after" in connector.output
    platform.wait_idle()
    assert platform.fingerprint() == undisturbed["stream"]


def test_the_platform_stays_away(
    workshop: Workshop,
    platform: TestbedProcess,
    source: Source,
    undisturbed: Fingerprints,
) -> None:
    source.hold(2)
    connector = workshop.connector("stream", CONNECTOR_PLATFORM_TIMEOUT="1").start()
    assert source.reached.wait(30)
    platform.stop()
    source.release()
    assert connector.wait() == 1
    assert "Run failed: the connection was refused" in connector.output
    platform.start()
    again = workshop.connector("stream", connector.environment["CONNECTOR_ID"])
    assert again.run() == 0, again.output
    platform.wait_idle()
    assert platform.fingerprint() == undisturbed["stream"]
    assert {w["status"] for w in platform.works()} == {"complete"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_in_the_middle(
    workshop: Workshop, platform: TestbedProcess, source: Source, number: signal.Signals
) -> None:
    source.hold(2)
    connector = workshop.connector("stream").start()
    assert source.reached.wait(30)
    began = time.monotonic()
    connector.process.send_signal(number)
    assert connector.wait() == 0, connector.output
    assert time.monotonic() - began < 10
    platform.wait_idle()
    (work,) = platform.works()
    assert work["status"] == "complete"
    assert work["messages"][-1]["message"].startswith(
        f"Stopped before the end ({number.name})"
    )
    assert not work["error_messages"]
    assert state_of(platform)["pages_done"] == 2


def test_stopped_between_two_runs(workshop: Workshop, platform: TestbedProcess) -> None:
    connector = workshop.connector("stream", CONNECTOR_RUN_AND_TERMINATE=None).start()
    platform.wait_for(lambda _: bool(platform.connectors()))
    deadline = time.monotonic() + 30
    while not (platform.connectors() and state_of(platform).get("last_run")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    connector.process.send_signal(signal.SIGTERM)
    assert connector.wait() == 0, connector.output
    assert "Traceback" not in connector.output


def test_stopped_while_the_platform_is_away(
    workshop: Workshop, platform: TestbedProcess, source: Source
) -> None:
    source.hold(2)
    connector = workshop.connector("stream").start()
    assert source.reached.wait(30)
    platform.stop()
    source.release()
    time.sleep(1)
    began = time.monotonic()
    connector.process.send_signal(signal.SIGTERM)
    assert connector.wait() == 0, connector.output
    assert time.monotonic() - began < 10


def test_a_wrong_configuration(workshop: Workshop) -> None:
    connector = workshop.connector(
        "stream",
        OPENCTI_TOKEN=None,
        CONNECTOR_DURATION_PERIOD="often",
        SOURCE_API_KEY=None,
    )
    limit = five_seconds()
    began = time.monotonic()
    assert connector.run() == 2
    assert time.monotonic() - began < limit
    for name in ("OPENCTI_TOKEN", "opencti.token", "CONNECTOR_DURATION_PERIOD"):
        assert name in connector.output
    assert "SOURCE_API_KEY" in connector.output
    assert "Traceback" not in connector.output


def test_a_wrong_setting_of_the_runtime(workshop: Workshop) -> None:
    connector = workshop.connector("stream", CONNECTOR_PLATFORM_TIMEOUT="soon")
    assert connector.run() == 2
    assert "CONNECTOR_PLATFORM_TIMEOUT" in connector.output
    assert "Traceback" not in connector.output


@pytest.mark.parametrize("program", ["chunks", "stream"])
def test_nothing_listens(workshop: Workshop, program: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    connector = workshop.connector(
        program,
        OPENCTI_URL=url,
        CONNECTOR_PLATFORM_TIMEOUT="PT1S",
        CONNECTOR_LOG_LEVEL="error",
    )
    assert connector.run() == 1
    assert f"Cannot connect to OpenCTI at {url}" in connector.output
    assert "the connection was refused: nothing listens there" in connector.output
    assert "Giving up after 1 s" in connector.output
    assert "Traceback" not in connector.output


def test_a_wrong_token(workshop: Workshop, platform: TestbedProcess) -> None:
    connector = workshop.connector(
        "stream", OPENCTI_TOKEN="canary-token", CONNECTOR_PLATFORM_TIMEOUT="0"
    )
    assert connector.run() == 1
    assert "the platform refuses the token" in connector.output
    assert "canary" not in connector.output
    assert "Traceback" not in connector.output
    assert not platform.connectors()


def test_the_platform_comes_late(
    workshop: Workshop, platform: TestbedProcess, undisturbed: Fingerprints
) -> None:
    platform.stop()
    connector = workshop.connector("stream").start()
    time.sleep(2)
    assert connector.process.poll() is None
    platform.start()
    assert connector.wait() == 0, connector.output
    platform.wait_idle()
    assert platform.fingerprint() == undisturbed["stream"]
