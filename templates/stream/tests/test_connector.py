"""The connector as a process, between a platform and a target on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors_sdk.testing import Canned, CannedServer, RecordedRequest
from opencti_testbed.process import TestbedProcess
from opencti_testbed.simulator import Simulator

SRC = Path(__file__).resolve().parents[1] / "src"
PATIENCE = 60.0


class Target:
    """The target of the template: takes batches and answers for each item."""

    def __init__(self, server: CannedServer) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.keys: set[str] = set()
        self.server = server
        server.on("POST", "/v1/bulk", self._take)

    @property
    def names(self) -> set[str]:
        return {item["name"] for item in list(self.items.values())}

    def _take(self, request: RecordedRequest) -> Canned:
        self.keys.add(request.headers["x-api-key"])
        return Canned([self._apply(item) for item in request.json])

    def _apply(self, item: dict[str, Any]) -> dict[str, Any]:
        if item["action"] == "remove":
            self.items.pop(item["id"], None)
        elif "forbidden" in item["pattern"]:
            return {"ok": False, "error": "the pattern is forbidden"}
        else:
            self.items[item["id"]] = item
        return {"ok": True}


@pytest.fixture(name="target")
def _target() -> Iterator[Target]:
    with CannedServer() as server:
        yield Target(server)


@pytest.fixture(name="platform")
def _platform() -> Iterator[TestbedProcess]:
    with TestbedProcess() as platform:
        yield platform


@pytest.fixture(name="connector")
def _connector(
    platform: TestbedProcess, target: Target, tmp_path: Path
) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "OPENCTI_URL": platform.url,
        "OPENCTI_TOKEN": platform.token,
        "CONNECTOR_ID": str(uuid.uuid4()),
        "CONNECTOR_LIVE_STREAM_ID": "live",
        "CONNECTOR_DATA_PATH": str(tmp_path),
        "TEMPLATE_API_URL": f"{target.server.url}/v1",
        "TEMPLATE_API_KEY": "the-key",
    }
    with subprocess.Popen(
        [sys.executable, str(SRC / "main.py")],
        env=environment,
        stdin=subprocess.DEVNULL,
    ) as process:
        yield process
        process.kill()


def indicator(name: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_DNS, name)}",
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z",
        "valid_from": "2024-01-01T00:00:00.000Z",
        "name": name,
        "pattern": f"[domain-name:value = '{name}']",
        "pattern_type": "stix",
        **more,
    }


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.05)


def test_the_target_follows_the_stream(
    platform: TestbedProcess,
    target: Target,
    connector: subprocess.Popen[bytes],
    tmp_path: Path,
) -> None:
    platform.push([indicator("a.example"), indicator("forbidden.example")])
    until(lambda: target.names == {"a.example"}, "what it takes is there")
    platform.push([indicator("b.example"), indicator("a.example", revoked=True)])
    until(lambda: target.names == {"b.example"}, "what is revoked goes")
    assert target.keys == {"the-key"}
    until((tmp_path / "quarantine.jsonl").exists, "set aside")
    (letter,) = (tmp_path / "quarantine.jsonl").read_text().splitlines()
    assert json.loads(letter)["reason"] == "the pattern is forbidden"
    connector.terminate()
    assert connector.wait(10) == 0


def test_the_demo_runs(tmp_path: Path) -> None:
    """What the README says: a platform of its own, and a target that takes everything."""
    demo = SRC.parent / "demo"
    with Simulator(demo) as target:
        command = [sys.executable, "-m", "opencti_testbed", "run", str(SRC.parent)]
        command += ["--embedded", "--seed", str(demo / "indicators.json")]
        for variable in (
            "CONNECTOR_LIVE_STREAM_ID=live",
            "CONNECTOR_BATCH_SIZE=1",
            f"CONNECTOR_DATA_PATH={tmp_path}",
            f"TEMPLATE_API_URL={target.url}",
            "TEMPLATE_API_KEY=demo-key",
        ):
            command += ["--env", variable]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            until(lambda: len(target.requests) == 2, "both indicators were sent")
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    sent = [json.loads(one["body"])[0]["name"] for one in target.requests]
    assert sorted(sent) == ["bad-2.example", "bad-3.example"]
