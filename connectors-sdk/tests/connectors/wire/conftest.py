"""Real connectors as processes, a real platform as a process, a source on loopback."""

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from own_ports import free_port

from connectors_sdk.testing import Canned, CannedServer, RecordedRequest
from opencti_testbed.process import TestbedProcess

sys.path.insert(0, str(Path(__file__).resolve().parent))

# pylint: disable-next=wrong-import-position
from wire_clauses import Bench  # noqa: E402

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 60.0
BEGINNING = datetime(2024, 1, 2, tzinfo=UTC)


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


class Feed:
    """A source of families by time of publication, ten a page, for the program `feed`.

    Attributes:
        records: what there is, the oldest first.
        key: the API key that it demands.
        left: calls that it says are left.
    """

    PAGE = 10

    def __init__(self, server: CannedServer) -> None:
        self.server = server
        self.records: list[dict[str, Any]] = []
        self.key = "canary-source-key"
        self.left = 500
        self.held: int | None = None
        self.reached = threading.Event()
        self.released = threading.Event()
        server.on("GET", "/feed", self._feed)
        server.on("GET", "/me", self._me)

    def publish(self, number: int, *, second: int | None = None, **values: Any) -> None:
        """Add a family; by default three are published in the same second."""
        moment = BEGINNING + timedelta(
            seconds=number // 3 if second is None else second
        )
        record = {"id": number, "name": f"family {number}", "at": moment.isoformat()}
        self.records.append({**record, **values})

    @property
    def asked(self) -> list[tuple[datetime, int]]:
        """The time and the page of each request for families."""
        return [
            (datetime.fromisoformat(r.query["since"][0]), int(r.query["page"][0]))
            for r in self.server.requests_to("/feed")
        ]

    def hold(self, page: int) -> None:
        """Let requests for a page wait from now on."""
        self.held = page
        self.reached.clear()
        self.released.clear()

    def release(self) -> None:
        """Let the page go."""
        self.held = None
        self.released.set()

    def _feed(self, request: RecordedRequest) -> Canned:
        if request.headers.get("x-api-key") != self.key:
            return Canned({"error": "unknown key"}, status=401)
        since = datetime.fromisoformat(request.query["since"][0])
        page = int(request.query["page"][0])
        if page == self.held:
            self.reached.set()
            self.released.wait(PATIENCE)
        found = [r for r in self.records if datetime.fromisoformat(r["at"]) >= since]
        some = found[self.PAGE * (page - 1) : self.PAGE * page]
        return Canned({"families": some})

    def _me(self, request: RecordedRequest) -> Canned:
        if request.headers.get("x-api-key") != self.key:
            return Canned({"error": "unknown key"}, status=401)
        return Canned({"user": "tester", "left": self.left})


class Connector:
    """A connector's process."""

    def __init__(self, program: str, environment: dict[str, str]) -> None:
        self.environment = environment
        self.program = program
        self.output = ""
        self.others: list[Connector] = []
        self._process: subprocess.Popen[str] | None = None

    def start(self, *arguments: str) -> "Connector":
        """Start it."""
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, str(PROGRAMS / f"{self.program}.py"), *arguments],
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

    def run(self, *arguments: str) -> int:
        """Start it and wait for its end."""
        return self.start(*arguments).wait()

    def again(self, **overrides: str) -> "Connector":
        """Return another process of the same connector, not started yet."""
        other = Connector(self.program, {**self.environment, **overrides})
        self.others.append(other)
        return other

    def discard(self) -> None:
        """End it if it still lives."""
        for process in (self, *self.others):
            alive = process._process
            if alive is not None and alive.stdout and not alive.stdout.closed:
                alive.kill()
                alive.communicate()


class Workshop:
    """Makes connectors for one platform and one source."""

    def __init__(
        self, platform_url: str, token: str, source: Source | Feed, data: Path
    ) -> None:
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "OPENCTI_URL": platform_url,
            "OPENCTI_TOKEN": token,
            "CONNECTOR_NAME": "Wire",
            "CONNECTOR_SCOPE": "malware",
            "CONNECTOR_LOG_LEVEL": "info",
            "CONNECTOR_QUEUE_PROTOCOL": "api",
            "CONNECTOR_DURATION_PERIOD": "PT1H",
            "CONNECTOR_RUN_AND_TERMINATE": "true",
            "CONNECTOR_DATA_PATH": str(data),
            "SOURCE_URL": source.server.url,
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


@pytest.fixture(name="feed")
def _feed() -> Iterator[Feed]:
    with CannedServer() as server:
        feed = Feed(server)
        yield feed
        feed.release()


@pytest.fixture(name="make_feeders", scope="session")
def _make_feeders() -> Any:
    """A context manager that gives (workshop, feed) for a platform and a folder."""

    @contextmanager
    def make(platform: TestbedProcess, data: Path) -> Iterator[tuple[Workshop, Feed]]:
        with CannedServer() as server:
            feed = Feed(server)
            workshop = Workshop(platform.url, platform.token, feed, data)
            yield workshop, feed
            feed.release()
            for connector in workshop.made:
                connector.discard()

    return make


@pytest.fixture(name="free_port")
def _free_port() -> int:
    return free_port()


@pytest.fixture(name="bench")
def _bench(
    feeders: Workshop,
    platform: TestbedProcess,
    feed: Feed,
    tmp_path: Path,
    free_port: int,
) -> Bench:
    return Bench(feeders, platform, feed, tmp_path, free_port)


@pytest.fixture(name="feeders")
def _feeders(
    platform: TestbedProcess, feed: Feed, tmp_path: Path
) -> Iterator[Workshop]:
    """Makes connectors that read the feed."""
    workshop = Workshop(platform.url, platform.token, feed, tmp_path / "data")
    yield workshop
    for connector in workshop.made:
        connector.discard()


@pytest.fixture(name="workshop")
def _workshop(
    platform: TestbedProcess, source: Source, tmp_path: Path
) -> Iterator[Workshop]:
    workshop = Workshop(platform.url, platform.token, source, tmp_path / "data")
    yield workshop
    for connector in workshop.made:
        connector.discard()


@pytest.fixture(name="undisturbed", scope="session")
def _undisturbed(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, str]]:
    """What the platform holds after an undisturbed run, as a fingerprint, by program."""
    fingerprints: dict[str, str] = {}
    pages = [[f"m{page}-{n}" for n in range(5)] for page in range(4)]
    with CannedServer() as server:
        source = Source(server, pages)
        for program in ("chunks", "stream"):
            with TestbedProcess() as platform:
                data = tmp_path_factory.mktemp("data")
                workshop = Workshop(platform.url, platform.token, source, data)
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
