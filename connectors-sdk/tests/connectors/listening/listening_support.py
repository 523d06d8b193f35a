"""Connectors that work on request, as processes, against a platform as a process, over both ways of listening.

A clause of the behaviour specification is kept or not: a check says so by raising `Violation`. It must not raise for a
connector that keeps the clause, and must for one that was built to break it.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pika
import requests
from own_ports import free_port

from connectors_sdk.testing import Canned, CannedServer, RecordedRequest
from opencti_testbed.process import TestbedProcess

PROGRAMS = Path(__file__).parent / "programs"
BROKER = "amqp://guest:guest@127.0.0.1:5672/%2F"
PATIENCE = 45.0
# What never happens, since something was built to break it, need not be waited for that long.
IMPATIENCE = 12.0
IN_VAIN = ("is closed", "the playbook gets an answer")
SECRET = "canary-source-key"


UPLOAD = (
    "mutation($file: Upload!, $markings: [String]){"
    "uploadImport(file: $file, fileMarkings: $markings){id}}"
)
UPLOAD_TO_ENTITY = (
    "mutation($id: ID!, $file: Upload!, $markings: [String]){stixCoreObjectEdit(id: $id){"
    "importPush(file: $file, fileMarkings: $markings, noTriggerImport: true){id}}}"
)
IMPORT = (
    "mutation($file: ID!, $connector: String, $mode: ValidationMode, $bypass: Boolean, $force: Boolean,"
    " $configuration: String){askJobImport(fileName: $file, connectorId: $connector, validationMode: $mode,"
    " bypassValidation: $bypass, forceValidation: $force, configuration: $configuration){id}}"
)


EXPORT_ONE = (
    "mutation($id: ID!, $input: StixCoreObjectExportAskInput!){"
    "stixCoreObjectEdit(id: $id){exportAsk(input: $input){id name}}}"
)
EXPORT_LIST = (
    "mutation($input: StixDomainObjectsExportAskInput!){"
    "stixDomainObjectsExportAsk(input: $input){id name}}"
)


class Violation(AssertionError):
    """A clause is not kept."""


def expect(condition: object, clause: str) -> None:
    """Say that something must be so.

    Raises:
        Violation: it is not.
    """
    if not condition:
        raise Violation(clause)


def until(condition: Callable[[], Any], clause: str, patience: float = PATIENCE) -> Any:
    """Wait until something is so, and return what the condition returned.

    Raises:
        Violation: it did not come to pass.
    """
    deadline = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Violation(f"{clause} (not within {patience:.0f} s)")
        time.sleep(0.1)


def broker_is_there() -> bool:
    """Return whether RabbitMQ listens on loopback."""
    try:
        socket.create_connection(("127.0.0.1", 5672), timeout=2).close()
    except OSError:
        return False
    return True


class Source:
    """What connectors ask: it knows the answers by the last part of the path, and can be held back."""

    def __init__(self, server: CannedServer) -> None:
        self.server = server
        self._held: dict[str, threading.Event] = {}

    @property
    def url(self) -> str:
        return self.server.url

    def knows(self, value: str, *answers: Any) -> None:
        """Prepare answers about a value: JSON, or `Canned`; the last is repeated."""
        canned = [a if isinstance(a, Canned) else Canned(a) for a in answers]
        self.server.on("GET", f"/lookup/{value}", *canned)

    def holds(self, value: str, answer: Any) -> threading.Event:
        """Let requests about a value wait; returns what is set when one has come."""
        reached, released = threading.Event(), threading.Event()
        self._held[value] = released

        def held(_: RecordedRequest) -> Canned:
            reached.set()
            released.wait(PATIENCE)
            return Canned(answer)

        self.server.on("GET", f"/lookup/{value}", held)
        return reached

    def release(self, value: str | None = None) -> None:
        """Let what waits go on."""
        for held, released in self._held.items():
            if value in (None, held):
                released.set()

    def asked(self, value: str) -> int:
        """Return how often the source was asked about a value."""
        return len(self.server.requests_to(f"/lookup/{value}"))


class Process:
    """A connector's process."""

    def __init__(self, program: str, environment: dict[str, str]) -> None:
        self.id = environment["CONNECTOR_ID"]
        self.environment = environment
        self._log = tempfile.TemporaryFile()  # pylint: disable=consider-using-with
        self._last_output = ""
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, str(PROGRAMS / f"{program}.py")],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def output(self) -> str:
        """What it has written so far."""
        if not self._log.closed:
            # Not by the file's position: the process writes with the same one.
            size = os.fstat(self._log.fileno()).st_size
            content = os.pread(self._log.fileno(), size, 0)
            self._last_output = content.decode(errors="replace")
        return self._last_output

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        if self.alive:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def discard(self) -> None:
        """End it, and its children."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(PATIENCE)
        assert self.output is not None
        self._log.close()


class Lane:
    """A platform and the way in which it reaches connectors: `http` or `amqp`."""

    def __init__(self, name: str, source: Source) -> None:
        self.name = name
        self.source = source
        self.patience = PATIENCE
        options = ("--amqp", BROKER) if name == "amqp" else ()
        self.platform = TestbedProcess(options=options)
        self._connectors: set[str] = set()
        self._folder = (
            tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        )

    def __enter__(self) -> Self:
        self.platform.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.platform.__exit__(kind, error, trace)
        self._folder.cleanup()
        if self.name == "amqp":
            with pika.BlockingConnection(pika.URLParameters(BROKER)) as connection:
                channel = connection.channel()
                for connector_id in self._connectors:
                    channel.queue_delete(f"listen_{connector_id}")
                    channel.queue_delete(f"push_{connector_id}")

    def environment(self, variant: str, **overrides: str | None) -> dict[str, str]:
        """Return the environment of a connector; an override of None removes a variable."""
        port = free_port()
        connector_id = overrides.get("CONNECTOR_ID") or str(uuid.uuid4())
        self._connectors.add(connector_id)
        listening = {
            "CONNECTOR_LISTEN_PROTOCOL": "API",
            "CONNECTOR_LISTEN_PROTOCOL_API_PORT": str(port),
            "CONNECTOR_LISTEN_PROTOCOL_API_URI": f"http://127.0.0.1:{port}",
            "CONNECTOR_QUEUE_PROTOCOL": "api",
        }
        merged = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH"),
            "OPENCTI_URL": self.platform.url,
            "OPENCTI_TOKEN": self.platform.token,
            "CONNECTOR_LOG_LEVEL": "info",
            "CONNECTOR_DATA_PATH": f"{self._folder.name}/{connector_id}",
            "SOURCE_URL": self.source.url,
            "SOURCE_API_KEY": SECRET,
            "BROKEN": variant,
            **(listening if self.name == "http" else {}),
            **overrides,
            "CONNECTOR_ID": connector_id,
        }
        return {key: value for key, value in merged.items() if value is not None}

    def query(self, text: str, *, headers: Any = None, **variables: Any) -> Any:
        """Ask the platform's GraphQL API."""
        answer = requests.post(
            f"{self.platform.url}/graphql",
            json={"query": text, "variables": variables},
            headers={**self.headers, **(headers or {})},
            timeout=60,
        ).json()
        assert not answer.get("errors"), answer
        return answer["data"]

    def upload(
        self,
        name: str,
        content: bytes,
        mime_type: str,
        markings: Iterable[str] = (),
        entity_id: str | None = None,
    ) -> str:
        """Upload a file, to the page of an entity if one is given, and return the file's id."""
        if entity_id is None:
            query = UPLOAD
        else:
            query = UPLOAD_TO_ENTITY
        variables = {"file": None, "markings": list(markings), "id": entity_id}
        answer = requests.post(
            f"{self.platform.url}/graphql",
            data={
                "operations": json.dumps({"query": query, "variables": variables}),
                "map": json.dumps({"0": ["variables.file"]}),
            },
            files={"0": (name, content, mime_type)},
            headers=self.headers,
            timeout=60,
        ).json()
        assert not answer.get("errors"), answer
        data = answer["data"]
        kept = data.get("uploadImport") or data["stixCoreObjectEdit"]["importPush"]
        return str(kept["id"])

    def content(self, file_id: str) -> bytes:
        """Return the content of a file of the platform."""
        answer = requests.get(
            f"{self.platform.url}/storage/get/{file_id}",
            headers=self.headers,
            timeout=60,
        )
        answer.raise_for_status()
        return answer.content

    def works_of(self, file_id: str) -> list[str]:
        """Return the ids of the works about a file."""
        found = self.query("query($id: String!){file(id: $id){works{id}}}", id=file_id)
        return [work["id"] for work in found["file"]["works"]]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.platform.token}"}

    def post(self, path: str, body: Any) -> dict[str, Any]:
        """Ask the testbed for something."""
        answer = requests.post(
            f"{self.platform.url}/testbed/{path}",
            json=body,
            headers=self.headers,
            timeout=60,
        )
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def seed(self, *objects: Any) -> None:
        """Put STIX objects (models or dictionaries) into the platform."""
        forms = [o.to_stix_dict() if hasattr(o, "to_stix_dict") else o for o in objects]
        bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": forms}
        self.post("bundles", bundle)
        self.platform.wait_idle()

    def stored(self, stix_id: str) -> dict[str, Any] | None:
        """Return what the platform holds under an id."""
        self.platform.wait_idle()
        for one in self.platform.objects():
            if one["id"] == stix_id:
                return one
        return None

    # -- works ---------------------------------------------------------------------------------------------------------

    def work(self, work_id: str) -> dict[str, Any]:
        """Return a work as the platform has it."""
        found: dict[str, Any] = next(
            work for work in self.platform.works() if work["id"] == work_id
        )
        return found

    def finished(self, work_id: str) -> dict[str, Any]:
        """Wait until the connector has closed a work and the platform is done with it."""

        def done() -> dict[str, Any] | None:
            work = self.work(work_id)
            closed = work["processed_time"] and work["status"] == "complete"
            return work if closed else None

        found: dict[str, Any] = until(done, f"work {work_id} is closed", self.patience)
        return found


def said(work: dict[str, Any]) -> str:
    """Return the last words of a connector in a work."""
    texts = [m["message"] for m in work["messages"]]
    return str(texts[-1]) if texts else ""


def was_stopped(work: dict[str, Any]) -> bool:
    """Return whether a connector closed a work because of SIGTERM; the platform may have said something after that."""
    texts = [str(m["message"]) for m in work["messages"]]
    return any(text.startswith("Stopped before the end (SIGTERM)") for text in texts)


def complaints(work: dict[str, Any]) -> str:
    """Return the errors of a work."""
    return " | ".join(str(m["message"]) for m in work["error_messages"])


class Kit:
    """Makes connectors of one program and one variant on one lane."""

    def __init__(
        self, lane: Lane, program: str, variant: str = "", reason: str = ""
    ) -> None:
        """Bind a lane, a program, its variant, and what is going to be said about that variant."""
        self.lane = lane
        self.source = lane.source
        self._program = program
        self._variant = variant
        self._made: list[Process] = []
        lane.patience = IMPATIENCE if reason in IN_VAIN else PATIENCE

    def start(self, *, ready: bool = True, **overrides: str | None) -> Process:
        """Start a connector and wait until it has registered.

        Raises:
            RuntimeError: it ended instead.
        """
        made = Process(self._program, self.lane.environment(self._variant, **overrides))
        self._made.append(made)
        if ready:
            self.await_registration(made)
        return made

    def await_registration(self, made: Process) -> None:
        """Wait until a connector that was started is known to the platform."""
        deadline = time.monotonic() + PATIENCE
        while all(c["id"] != made.id for c in self.lane.platform.connectors()):
            if not made.alive or time.monotonic() > deadline:
                raise RuntimeError(f"The connector did not come up:\n{made.output}")
            time.sleep(0.1)

    def discard(self) -> None:
        """End all connectors."""
        self.source.release()
        for made in self._made:
            made.discard()

    def outputs(self) -> Iterator[str]:
        """Yield what the connectors wrote."""
        return (made.output for made in self._made)

    # -- enrichment ----------------------------------------------------------------------------------------------------

    def enrich(self, entity_id: str, connector: Process) -> str:
        """Ask for enrichment; return the work's id."""
        body = {"entity_id": entity_id, "connector_id": connector.id}
        return str(self.lane.post("enrich", body)["work"])

    def play(
        self,
        entity_id: str,
        connector: Process,
        objects: Iterable[dict[str, Any]] | None = None,
    ) -> str:
        """Ask for a step of a playbook; return the execution's id."""
        body: dict[str, Any] = {"entity_id": entity_id, "connector_id": connector.id}
        if objects is not None:
            body["bundle"] = {
                "type": "bundle",
                "id": f"bundle--{uuid.uuid4()}",
                "objects": list(objects),
            }
        return str(self.lane.post("playbook", body)["execution"])

    def answer(self, execution: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Wait for the answer to a step; return what was sent and what came back."""

        def answered() -> dict[str, Any] | None:
            step: dict[str, Any] = self.lane.platform.get(f"playbook/{execution}")
            return step if step["answer"] is not None else None

        step = until(answered, "the playbook gets an answer", self.lane.patience)
        return step["sent"], step["answer"]

    # -- files ---------------------------------------------------------------------------------------------------------

    def imports(self, file_id: str, connector: Process, **options: Any) -> str:
        """Ask for the import of a file; return the work's id.

        Args:
            options: `mode`, `bypass`, `force`, `configuration`, `headers`.
        """
        before = set(self.lane.works_of(file_id))
        self.lane.query(IMPORT, file=file_id, connector=connector.id, **options)
        (work_id,) = set(self.lane.works_of(file_id)) - before
        return work_id

    def exports(
        self, entity_id: str | None = None, headers: Any = None, **wanted: Any
    ) -> tuple[str, str]:
        """Ask for a file, about one entity or a list; return the ids of the file-to-be and of the work.

        Args:
            wanted: the members of the platform's input.
        """
        wanted = {"exportType": "simple", **wanted}
        if entity_id is None:
            found = self.lane.query(EXPORT_LIST, input=wanted, headers=headers)
            (promised,) = found["stixDomainObjectsExportAsk"]
        else:
            found = self.lane.query(
                EXPORT_ONE, id=entity_id, input=wanted, headers=headers
            )
            (promised,) = found["stixCoreObjectEdit"]["exportAsk"]
        title = f"Export {promised['name']}"
        (work,) = (w for w in self.lane.platform.works() if w["name"] == title)
        return promised["id"], work["id"]
