"""A platform process, and pycti as its client."""

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from pycti import OpenCTIConnectorHelper

from opencti_testbed.process import TestbedProcess

CONNECTORS = Path(__file__).with_name("connectors")
BROKER = os.environ.get("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672/")
NAMESPACE = uuid.UUID("5d1c2a52-1f0c-4a51-8f7a-3c1f1d7e2b10")


class Client:
    """pycti's helper for one connector, and short ways to do what tests do often."""

    def __init__(self, platform: TestbedProcess, name: str) -> None:
        self.platform = platform
        self.helper = OpenCTIConnectorHelper(
            {
                "opencti": {"url": platform.url, "token": platform.token},
                "connector": {
                    "id": str(uuid.uuid5(NAMESPACE, name)),
                    "name": name,
                    "type": "EXTERNAL_IMPORT",
                    "scope": "a,b",
                    "log_level": "error",
                    "queue_protocol": "api",
                    # No thread that pings: tests say themselves when.
                    "duration_period": "PT0S",
                },
            }
        )
        self.api = self.helper.api

    def push(self, objects: list[dict[str, Any]], work: str | None = None) -> str:
        """Send a bundle, wait until it is ingested, return the id of its work."""
        if work is None:
            work = self.api.work.initiate_work(self.helper.connect_id, "a work")
        bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
        self.helper.send_stix2_bundle(json.dumps(bundle), work_id=work, no_split=True)
        self.platform.wait_idle()
        assert work is not None
        return work

    def query(self, text: str, variables: dict[str, Any] | None = None) -> Any:
        return self.api.query(text, variables)["data"]


def malware(name: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "malware",
        "spec_version": "2.1",
        "id": f"malware--{uuid.uuid5(NAMESPACE, name)}",
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z",
        "name": name,
        "is_family": True,
        **more,
    }


def relationship(
    source: dict[str, Any], kind: str, target: dict[str, Any], **more: Any
) -> dict[str, Any]:
    key = f"{source['id']}{kind}{target['id']}"
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": f"relationship--{uuid.uuid5(NAMESPACE, key)}",
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z",
        "relationship_type": kind,
        "source_ref": source["id"],
        "target_ref": target["id"],
        **more,
    }


class Connector:
    """A connector written directly on pycti (`tests/connectors`), as a process of its own.

    `transport` is `api` (HTTP alone) or `amqp`; `settings` are environment variables besides the usual ones.
    """

    def __init__(
        self, platform: TestbedProcess, program: str, transport: str, **settings: str
    ) -> None:
        self.platform = platform
        self.id = str(uuid.uuid4())
        self.program = program
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        self.settings = {
            "OPENCTI_URL": platform.url,
            "OPENCTI_TOKEN": platform.token,
            "CONNECTOR_ID": self.id,
            "CONNECTOR_NAME": f"Minimal {program}",
            "CONNECTOR_TYPE": program.upper(),
            "CONNECTOR_SCOPE": "all",
            "CONNECTOR_LOG_LEVEL": "error",
            "CONNECTOR_QUEUE_PROTOCOL": transport,
            "CONNECTOR_LISTEN_PROTOCOL": transport.upper(),
            "CONNECTOR_LISTEN_PROTOCOL_API_PORT": str(port),
            "CONNECTOR_LISTEN_PROTOCOL_API_URI": f"http://127.0.0.1:{port}",
            **settings,
        }
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, **settings: str) -> "Connector":
        """Start it, a further replica if one runs; return when the platform knows it and it listens."""
        environment = {**os.environ, **self.settings, **settings}
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, str(CONNECTORS / f"{self.program}.py")],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._processes.append(process)
        self.wait_for(lambda: self.registration() is not None)
        return self

    def run(self, **settings: str) -> int:
        """Start it and return its exit code when it has ended by itself."""
        self.start(**settings)
        return self._processes.pop().wait(60)

    def kill(self) -> None:
        """End all replicas at once."""
        for process in self._processes:
            process.kill()
            process.wait()
        self._processes.clear()

    def registration(self) -> dict[str, Any] | None:
        """Return what the platform knows of it."""
        known = self.platform.connectors()
        return next((one for one in known if one["id"] == self.id), None)

    def remove(self) -> None:
        """End it, and let the platform forget it and its queues."""
        self.kill()
        if self.platform.is_running and self.registration():
            self.query(
                "mutation D($id: ID!) { deleteConnector(id: $id) }", {"id": self.id}
            )

    def query(self, text: str, variables: dict[str, Any] | None = None) -> Any:
        """Do what a person does on the platform's page."""
        answer = requests.post(
            f"{self.platform.url}/graphql",
            json={"query": text, "variables": variables or {}},
            headers={"Authorization": f"Bearer {self.platform.token}"},
            timeout=30,
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def works(self, number: int = 1) -> list[dict[str, Any]]:
        """Return its works, the oldest first, once so many are complete and the connector has had its last word."""

        def done() -> list[dict[str, Any]]:
            return [
                work
                for work in reversed(self.platform.works())
                if work["connector_id"] == self.id
                and work["status"] == "complete"
                and work["processed_time"]
            ]

        self.wait_for(lambda: len(done()) >= number)
        self.platform.wait_idle()
        return done()

    def wait_for(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Return when it is so."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, self.platform.works()
            time.sleep(0.05)


@pytest.fixture(name="transport", params=["api", "amqp"])
def fixture_transport(request: pytest.FixtureRequest) -> str:
    """How messages travel between platform and connectors."""
    transport: str = request.param
    if transport == "amqp":
        address = urlsplit(BROKER)
        try:
            socket.create_connection(
                (address.hostname or "", address.port or 5672), timeout=5
            ).close()
        except OSError as error:
            pytest.skip(f"no RabbitMQ at {address.hostname}:{address.port}: {error}")
    return transport


@pytest.fixture(name="broker")
def fixture_broker(transport: str) -> str:
    """The URL of the broker, for tests that are about one."""
    assert transport == "amqp"
    return BROKER


@pytest.fixture(name="served")
def fixture_served(transport: str) -> Iterator[TestbedProcess]:
    """A platform for a transport."""
    options = ("--amqp", BROKER) if transport == "amqp" else ()
    with TestbedProcess(options=options) as platform:
        yield platform


@pytest.fixture(name="connector")
def fixture_connector(
    served: TestbedProcess, transport: str
) -> Iterator[Callable[..., Connector]]:
    """Make connectors: `connector("stream", SEEN="/tmp/seen")`."""
    made: list[Connector] = []

    def make(program: str, **settings: str) -> Connector:
        made.append(Connector(served, program, transport, **settings))
        return made[-1]

    yield make
    for one in made:
        one.remove()


@pytest.fixture(name="platform")
def fixture_platform() -> Iterator[TestbedProcess]:
    with TestbedProcess() as platform:
        yield platform


@pytest.fixture(name="client")
def fixture_client(platform: TestbedProcess) -> Client:
    return Client(platform, "Client")


@pytest.fixture(name="make", scope="session")
def fixture_make() -> Any:
    """The makers of STIX objects, for tests that cannot import this file."""

    class Make:
        malware = staticmethod(malware)
        relationship = staticmethod(relationship)
        client = Client
        connector = Connector

    return Make
