"""Real connectors as processes, a real platform as a process, a source on loopback."""

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors_sdk.testing import Canned, CannedServer, RecordedRequest
from opencti_testbed.process import TestbedProcess

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 60.0


class Source:
    """A source with numbered pages, of which one can be held back until `release`."""

    def __init__(self, server: CannedServer, pages: list[list[str]]) -> None:
        self.pages = pages
        self.held: int | None = None
        self.reached = threading.Event()
        self.released = threading.Event()
        self.server = server
        for number in range(len(pages) + 1):
            server.on("GET", f"/pages/{number}", self._answer)

    @property
    def url(self) -> str:
        return self.server.url

    def hold(self, number: int) -> None:
        """Let requests for a page wait from now on."""
        self.held = number
        self.reached.clear()
        self.released.clear()

    def release(self) -> None:
        """Let the page go."""
        self.held = None
        self.released.set()

    def _answer(self, request: RecordedRequest) -> Canned:
        number = int(request.path.rsplit("/", 1)[1])
        if number == self.held:
            self.reached.set()
            self.released.wait(PATIENCE)
        return Canned(self.pages[number] if number < len(self.pages) else [])


class Connector:
    """A connector's process."""

    def __init__(self, program: str, environment: dict[str, str]) -> None:
        self.environment = environment
        self.program = program
        self.output = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> "Connector":
        """Start it."""
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, str(PROGRAMS / f"{self.program}.py")],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    def wait(self) -> int:
        """Wait for its end and return its exit code."""
        self.output, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode

    def run(self) -> int:
        """Start it and wait for its end."""
        return self.start().wait()

    def discard(self) -> None:
        """End it if it still lives."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


class Workshop:
    """Makes connectors for one platform and one source."""

    def __init__(self, platform_url: str, token: str, source: Source) -> None:
        self._environment = {
            "PATH": os.environ["PATH"],
            "OPENCTI_URL": platform_url,
            "OPENCTI_TOKEN": token,
            "CONNECTOR_NAME": "Wire",
            "CONNECTOR_SCOPE": "malware",
            "CONNECTOR_LOG_LEVEL": "info",
            "CONNECTOR_QUEUE_PROTOCOL": "api",
            "CONNECTOR_DURATION_PERIOD": "PT1H",
            "CONNECTOR_RUN_AND_TERMINATE": "true",
            "SOURCE_URL": source.url,
            "SOURCE_API_KEY": "canary-source-key",
        }
        self.made: list[Connector] = []

    def connector(
        self, program: str, connector_id: str | None = None, **overrides: str | None
    ) -> Connector:
        """Return a connector, not started yet; an override of None removes a variable."""
        merged = {
            **self._environment,
            "CONNECTOR_ID": connector_id or str(uuid.uuid4()),
            **overrides,
        }
        environment = {key: value for key, value in merged.items() if value is not None}
        connector = Connector(program, environment)
        self.made.append(connector)
        return connector


@pytest.fixture(name="source")
def _source() -> Iterator[Source]:
    pages = [[f"m{page}-{n}" for n in range(5)] for page in range(4)]
    with CannedServer() as server:
        source = Source(server, pages)
        yield source
        source.release()


@pytest.fixture(name="platform")
def _platform() -> Iterator[TestbedProcess]:
    with TestbedProcess() as platform:
        yield platform


@pytest.fixture(name="workshop")
def _workshop(platform: TestbedProcess, source: Source) -> Iterator[Workshop]:
    workshop = Workshop(platform.url, platform.token, source)
    yield workshop
    for connector in workshop.made:
        connector.discard()


@pytest.fixture(name="undisturbed", scope="session")
def _undisturbed() -> Iterator[dict[str, str]]:
    """What the platform holds after an undisturbed run, as a fingerprint, by program."""
    fingerprints: dict[str, str] = {}
    pages = [[f"m{page}-{n}" for n in range(5)] for page in range(4)]
    with CannedServer() as server:
        source = Source(server, pages)
        for program in ("chunks", "stream"):
            with TestbedProcess() as platform:
                workshop = Workshop(platform.url, platform.token, source)
                connector = workshop.connector(program)
                code = connector.run()
                assert code == 0, connector.output
                platform.wait_idle()
                fingerprints[program] = platform.fingerprint()
    yield fingerprints


def until(condition: object, what: str) -> None:
    """Wait for a condition (a function without arguments) to become true."""
    assert callable(condition)
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.02)
