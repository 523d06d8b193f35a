"""Enrichment over HTTP alone: the platform asks a connector written on pycti, which listens in a process of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess

CONNECTOR = Path(__file__).with_name("enrichment_connector.py")
CONNECTOR_ID = "6d8f62a3-8c2f-4f0a-9d39-7c0f8f1a2b4c"


class Enricher:
    """The connector's process."""

    def __init__(self, platform: TestbedProcess) -> None:
        self._platform = platform
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self._port = taken.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, mode: str = "manual") -> None:
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            [
                sys.executable,
                str(CONNECTOR),
                self._platform.url,
                self._platform.token,
                str(self._port),
                mode,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 30
        while all(c["id"] != CONNECTOR_ID for c in self._platform.connectors()):
            assert time.monotonic() < until
            time.sleep(0.05)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture(name="enricher")
def fixture_enricher(platform: TestbedProcess) -> Iterator[Enricher]:
    enricher = Enricher(platform)
    yield enricher
    enricher.kill()


def ask(
    platform: TestbedProcess, entity_id: str, connector_id: str = CONNECTOR_ID
) -> Any:
    return requests.post(
        f"{platform.url}/testbed/enrich",
        json={"entity_id": entity_id, "connector_id": connector_id},
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=10,
    )


def finished(platform: TestbedProcess, number: int = 1) -> list[dict[str, Any]]:
    """Return the works of the connector once so many are complete."""
    until = time.monotonic() + 30
    while True:
        works = [w for w in platform.works() if w["connector_id"] == CONNECTOR_ID]
        # The connector's own word on it comes last.
        done = [w for w in works if w["status"] == "complete" and _is_told(w)]
        if len(done) >= number:
            return done
        assert time.monotonic() < until, works
        time.sleep(0.05)


def _is_told(work: dict[str, Any]) -> bool:
    said = [m["message"] for m in (*work["messages"], *work["error_messages"])]
    return any("Sent " in text or "cannot be enriched" in text for text in said)


def seed(platform: TestbedProcess, objects: list[dict[str, Any]]) -> None:
    requests.post(
        f"{platform.url}/testbed/bundles",
        json={"type": "bundle", "id": "bundle--1", "objects": objects},
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=10,
    ).raise_for_status()
    platform.wait_idle()


def notes(platform: TestbedProcess) -> list[str]:
    platform.wait_idle()
    return [note["content"] for note in platform.objects("Note")]


def test_somebody_asks(platform: TestbedProcess, make: Any, enricher: Enricher) -> None:
    seed(platform, [make.malware("a")])
    (stored,) = platform.objects("Malware")
    enricher.start()
    answer = ask(platform, stored["id"])
    assert answer.status_code == 202
    (work,) = finished(platform)
    assert work["id"] == answer.json()["work"]
    assert notes(platform) == [f"Enriched {stored['id']} (Malware)"]
    assert any(m["message"].startswith("Sent ") for m in work["messages"])


def test_new_entities_in_scope_are_enriched_by_themselves(
    platform: TestbedProcess, make: Any, enricher: Enricher
) -> None:
    seed(platform, [make.malware("before")])
    enricher.start("auto")
    tool = {
        **make.malware("t"),
        "type": "tool",
        "id": make.malware("t")["id"].replace("malware", "tool"),
    }
    del tool["is_family"]
    seed(platform, [make.malware("a"), make.malware("b"), tool])
    works = finished(platform, 2)
    platform.wait_idle()
    assert len(works) == len(notes(platform)) == 2
    assert all(work["name"].startswith("Enrichment (malware--") for work in works)


def test_what_fails_ends_its_work_and_nothing_else(
    platform: TestbedProcess, make: Any, enricher: Enricher
) -> None:
    seed(platform, [make.malware("poison"), make.malware("good")])
    by_name = {m["name"]: m["id"] for m in platform.objects("Malware")}
    enricher.start()
    for name in ("poison", "good"):
        assert ask(platform, by_name[name]).status_code == 202
    works = finished(platform, 2)
    errors = [m["message"] for w in works for m in w["error_messages"]]
    assert any("cannot be enriched" in message for message in errors)
    assert notes(platform) == [f"Enriched {by_name['good']} (Malware)"]


def test_a_request_waits_for_a_connector_that_is_away_and_survives_a_restart(
    platform: TestbedProcess, make: Any, enricher: Enricher
) -> None:
    seed(platform, [make.malware("a")])
    (stored,) = platform.objects("Malware")
    enricher.start()
    enricher.kill()
    assert ask(platform, stored["id"]).status_code == 202
    platform.kill()
    platform.start()
    enricher.start()
    assert len(finished(platform)) == 1
    assert notes(platform)


def test_what_cannot_be_asked_is_said(
    platform: TestbedProcess, make: Any, client: Any, enricher: Enricher
) -> None:
    tool = {
        **make.malware("t"),
        "type": "tool",
        "id": make.malware("t")["id"].replace("malware", "tool"),
    }
    del tool["is_family"]
    seed(platform, [make.malware("a"), tool])
    (malware,) = platform.objects("Malware")
    (stored_tool,) = platform.objects("Tool")
    enricher.start()
    for entity, connector, words in (
        ("malware--1", CONNECTOR_ID, "There is no entity"),
        (malware["id"], "nobody", "There is no connector"),
        (malware["id"], client.helper.connect_id, "not INTERNAL_ENRICHMENT"),
        (stored_tool["id"], CONNECTOR_ID, "Tool is not in the scope"),
    ):
        answer = ask(platform, entity, connector)
        assert answer.status_code == 400
        assert words in answer.json()["error"]
