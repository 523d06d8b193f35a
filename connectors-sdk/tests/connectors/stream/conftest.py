"""A platform as a process, a stream connector as a process, and a target on loopback; stream_clauses can be imported."""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pycti import OpenCTIApiClient

from opencti_testbed.process import TestbedProcess

sys.path.insert(0, str(Path(__file__).resolve().parent))

PROGRAM = Path(__file__).parent / "programs" / "connector.py"
NAMESPACE = uuid.UUID("0f0b3a0e-6f6c-4c3f-9a0e-8a4f7d0c2d11")
PATIENCE = 60.0
FOLLOWS = "Following the live stream"
# How long a promise may take to be kept before a checker calls it broken.
GENEROUS = 40.0


class Violation(AssertionError):
    """A clause of the behaviour specification is not kept."""


class Server(ThreadingHTTPServer):
    """A server whose clients may die at any time."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


class Target:
    """What a connector feeds: an HTTP API with bulk writes, and with objects to which it gives ids of its own.

    Attributes:
        items: what it has: id -> content.
        calls: the bulk requests that it took: lists of operations.
        changes: the operations that changed something.
        refused: ids of which it takes none: id -> HTTP status.
        status: what it answers to everything; 200 for work as usual.
        fails_whole: whether one refused id fails the whole request.
        loses: whether it does nothing about the request under way.
    """

    def __init__(self) -> None:
        self.items: dict[str, Any] = {}
        self.calls: list[list[dict[str, Any]]] = []
        self.changes: list[tuple[str, str]] = []
        self.refused: dict[str, int] = {}
        self.status = 200
        self.fails_whole = False
        self.loses = False
        self.asked = 0
        self.on_call: Callable[[str], None] = lambda phase: None
        self.lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen; after a stop on the same port."""
        target = self

        class Handler(BaseHTTPRequestHandler):
            """Hands requests on."""

            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def _handle(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = target.take(self.command, self.path, body)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                if target.is_down:
                    self.close_connection = True
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_PUT = do_GET = do_DELETE = _handle

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = Server(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def is_down(self) -> bool:
        return self._server is None

    def stop(self) -> None:
        """Refuse connections from now on."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def take(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Answer a request; `on_call` is told before something is done (`before`) and after it (`after`)."""
        self.on_call("before")
        if self.loses:
            self.loses = False
            return 503, {"error": "lost"}
        answer = self._answer(method, path, body)
        self.on_call("after")
        return answer

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        with self.lock:
            self.asked += 1
            if self.is_down or self.status != 200:
                return 503 if self.is_down else self.status, {"error": "not now"}
            if path == "/items":
                return 200, self.items
            if path == "/bulk":
                return self._bulk([json.loads(line) for line in body.splitlines()])
            return self._object(method, path.removeprefix("/objects"), body)

    def _bulk(self, operations: list[dict[str, Any]]) -> tuple[int, Any]:
        self.calls.append(operations)
        bad = [o for o in operations if o["id"] in self.refused]
        if bad and self.fails_whole:
            return self.refused[bad[0]["id"]], {"error": "one of them is bad"}
        answers = []
        for operation in operations:
            status = self.refused.get(operation["id"], 200)
            answers.append({"status": status, "reason": "the target does not like it"})
            if status == 200:
                self._apply(operation)
        return 200, answers

    def _apply(self, operation: dict[str, Any]) -> None:
        key = operation["id"]
        if operation["op"] == "remove":
            if self.items.pop(key, None) is not None:
                self.changes.append(("remove", key))
        elif self.items.get(key) != operation["content"]:
            self.items[key] = operation["content"]
            self.changes.append(("upsert", key))

    def _object(self, method: str, rest: str, body: bytes) -> tuple[int, Any]:
        if method == "POST":
            new = f"given-{len(self.changes)}"
            self.items[new] = json.loads(body)
            self.changes.append(("create", new))
            return 201, {"id": new}
        if method == "GET":
            external = rest.partition("=")[2]
            ids = [k for k, v in self.items.items() if v["external"] == external]
            return 200, {"id": ids[0] if ids else None}
        key = rest.removeprefix("/")
        if key not in self.items:
            return 404, {"error": "there is no such object"}
        if method == "DELETE":
            del self.items[key]
            self.changes.append(("remove", key))
        elif self.items[key] != json.loads(body):
            self.items[key] = json.loads(body)
            self.changes.append(("update", key))
        return 200, {"id": key}

    # -- what tests ask ------------------------------------------------------------------------------------------

    @property
    def names(self) -> set[str]:
        with self.lock:
            return {content["name"] for content in self.items.values()}

    @property
    def descriptions(self) -> dict[str, Any]:
        with self.lock:
            return {c["name"]: c["description"] for c in self.items.values()}

    @property
    def everything_seen(self) -> str:
        """All that ever came, as text."""
        with self.lock:
            return json.dumps(self.calls)


class Connector:
    """A connector's process; what it prints is in `output`."""

    def __init__(self, environment: dict[str, str], path: Path) -> None:
        self.environment = environment
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None
        self._followed_before = 0

    def start(self, **changes: str) -> "Connector":
        """Start it, or start it again."""
        assert not self.is_running
        self.environment.update(changes)
        self._followed_before = self.output.count(FOLLOWS)
        with self._path.open("ab") as output:
            self._process = subprocess.Popen(  # pylint: disable=consider-using-with
                [sys.executable, str(PROGRAM)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return self

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of its command line and return how it ended."""
        return subprocess.run(
            [sys.executable, str(PROGRAM), *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    @property
    def output(self) -> str:
        return self._path.read_text(errors="replace") if self._path.exists() else ""

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def is_coming_up(self) -> bool:
        """Whether it runs and has not got to the stream since it was started."""
        return self.is_running and self.output.count(FOLLOWS) == self._followed_before

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)

    def stop(self) -> int:
        """SIGTERM; return the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(PATIENCE)

    def wait(self) -> int:
        """Return the exit code once it ends by itself."""
        assert self._process is not None
        return self._process.wait(PATIENCE)


class Stage:
    """Everything that takes part."""

    Violation = Violation

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.target = Target()
        self.target.start()
        self.platform = TestbedProcess(
            folder / "platform", options=("--heartbeat", "1")
        )
        self.made: list[Connector] = []
        self.patience = GENEROUS
        self._api: OpenCTIApiClient | None = None

    def start(self) -> None:
        self.platform.start()

    def close(self) -> None:
        for connector in self.made:
            connector.kill()
        self.platform.kill()
        self.target.stop()

    # -- the connector -------------------------------------------------------------------------------------------

    def connector(self, **changes: Any) -> Connector:
        """Return a connector, not started yet."""
        number = len(self.made)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "OPENCTI_URL": self.platform.url,
            "OPENCTI_TOKEN": self.platform.token,
            "CONNECTOR_ID": str(uuid.uuid5(NAMESPACE, str(number))),
            "CONNECTOR_NAME": "Stage",
            "CONNECTOR_SCOPE": "all",
            "CONNECTOR_LOG_LEVEL": "info",
            "CONNECTOR_LIVE_STREAM_ID": "live",
            "CONNECTOR_BATCH_PERIOD": "PT0.2S",
            "CONNECTOR_DELIVERY_ATTEMPTS": "3",
            "CONNECTOR_DATA_PATH": str(self.folder / f"data-{number}"),
            "TARGET_URL": self.target.url,
            **{key: str(value) for key, value in changes.items()},
        }
        connector = Connector(environment, self.folder / f"output-{number}.txt")
        self.made.append(connector)
        return connector

    @property
    def state(self) -> dict[str, Any]:
        """What the platform remembers of the connector that was made last."""
        own = self.made[-1].environment["CONNECTOR_ID"]
        found = [c for c in self.platform.connectors() if c["id"] == own]
        text = found[0]["state"] if found else None
        return (json.loads(text) if text else None) or {}

    def is_settled(self) -> bool:
        """Whether the connector that was made last has told the platform that it is at the end of the stream."""
        with self.api.session.get(
            f"{self.platform.url}/stream/live",
            headers={"Authorization": f"Bearer {self.platform.token}"},
            stream=True,
            timeout=10,
        ) as answer:
            lines = answer.iter_lines()
            while next(lines) != b"event: connected":
                pass
            last = json.loads(next(lines).removeprefix(b"data: "))["lastEventId"]
        return bool(self.state.get("start_from") == last)

    @property
    def position(self) -> tuple[int, int]:
        moment, _, number = str(self.state.get("start_from", "0-0")).partition("-")
        return int(moment), int(number)

    # -- the platform --------------------------------------------------------------------------------------------

    @property
    def api(self) -> OpenCTIApiClient:
        if self._api is None:
            self._api = OpenCTIApiClient(
                self.platform.url, self.platform.token, log_level="error"
            )
        return self._api

    def malware(self, name: str, **more: Any) -> dict[str, Any]:
        return self._stix("malware", name, is_family=True, **more)

    def indicator(self, name: str, **more: Any) -> dict[str, Any]:
        return self._stix(
            "indicator",
            name,
            pattern=f"[domain-name:value = '{name}.example']",
            pattern_type="stix",
            valid_from="2024-01-01T00:00:00.000Z",
            **more,
        )

    def _stix(self, kind: str, name: str, **more: Any) -> dict[str, Any]:
        return {
            "type": kind,
            "spec_version": "2.1",
            "id": f"{kind}--{uuid.uuid5(NAMESPACE, name)}",
            "created": "2024-01-01T00:00:00.000Z",
            "modified": "2024-01-01T00:00:00.000Z",
            "name": name,
            **more,
        }

    def push(self, *objects: dict[str, Any]) -> None:
        """Put objects into the platform."""
        self.platform.push(objects)
        self.platform.wait_idle()

    def internal_id(self, stix: dict[str, Any]) -> str:
        """Return the platform's own id of an object."""
        found = self.api.stix_core_object.read(id=stix["id"])
        assert found, stix["name"]
        return str(found["id"])

    def delete(self, stix: dict[str, Any]) -> None:
        self.api.stix_core_object.delete(id=self.internal_id(stix))

    def change(self, stix: dict[str, Any], key: str, value: Any) -> None:
        self.api.stix_domain_object.update_field(
            id=self.internal_id(stix), input={"key": key, "value": [value]}
        )

    def query(self, text: str, **variables: Any) -> Any:
        return self.api.query(text, variables)["data"]

    # -- waiting -------------------------------------------------------------------------------------------------

    def expect(self, clause: str, condition: Callable[[], Any], what: str) -> None:
        """Wait shortly for a promise to be kept; the time that a connector takes to start does not count.

        Raises:
            Violation: it is not.
        """
        self.until(lambda: not any(c.is_coming_up for c in self.made), "it starts")
        deadline = time.monotonic() + self.patience
        while not condition():
            if time.monotonic() > deadline:
                raise Violation(f"{clause}: {what}\n{self.outputs}")
            time.sleep(0.05)

    def never(self, clause: str, condition: Callable[[], Any], what: str) -> None:
        """Look for a second whether something happens that must not.

        Raises:
            Violation: it does.
        """
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            if condition():
                raise Violation(f"{clause}: {what}\n{self.outputs}")
            time.sleep(0.05)

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait for what a test needs before it can check anything."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"in vain: {what}\n{self.outputs}"
            time.sleep(0.05)

    @property
    def outputs(self) -> str:
        return "\n".join(connector.output[-3000:] for connector in self.made)


@pytest.fixture(name="stage")
def _stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    stage.start()
    yield stage
    stage.close()
