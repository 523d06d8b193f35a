"""A real HTTP server on loopback that gives prepared answers and remembers what it was asked."""

import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


class Fault(Enum):
    """What can go wrong instead of an answer.

    RESET: the connection is reset. HANG: nothing comes until the server stops. TRUNCATED: the headers promise more
    than the body holds.
    """

    RESET = "reset"
    HANG = "hang"
    TRUNCATED = "truncated"


@dataclass(frozen=True)
class RecordedRequest:
    """A request that arrived.

    Attributes:
        method: e.g. GET.
        path: without query.
        query: values by name.
        headers: by lower-case name.
        body: the raw body.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Canned:
    """A prepared answer.

    Attributes:
        body: text, bytes, or anything else to be sent as JSON.
        status: HTTP status.
        headers: further headers.
        fault: what goes wrong, if anything.
    """

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Fault | None = None

    def rendered(self) -> tuple[bytes, dict[str, str]]:
        """Return the body as bytes and all headers but the length."""
        if isinstance(self.body, bytes):
            body, content_type = self.body, "application/octet-stream"
        elif isinstance(self.body, str):
            body, content_type = self.body.encode(), "text/plain; charset=utf-8"
        else:
            body, content_type = json.dumps(self.body).encode(), "application/json"
        return body, {"Content-Type": content_type, **self.headers}


Answer = Canned | Callable[[RecordedRequest], Canned]


class CannedServer:
    """Answers as told. A context manager: listens on a port of the loopback interface inside of it.

        with CannedServer() as server:
            server.on("GET", "/v1/items", Canned([{"id": 1}]), Canned(status=503))
            requests.get(f"{server.url}/v1/items")

    Attributes:
        url: the base URL, without trailing slash.
        requests: what arrived, in order.
    """

    def __init__(self, port: int = 0) -> None:
        """Prepare a server for a port; 0: any that is free."""
        self._port = port
        self.requests: list[RecordedRequest] = []
        self.url = ""
        self._routes: dict[tuple[str, str], list[Answer]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Prepare the answers to a method and path, in order; the last one is repeated.

        An answer may be a function of the request. What nothing is prepared for is answered with 404.
        """
        if not answers:
            raise ValueError("at least one answer is needed")
        with self._lock:
            self._routes[(method.upper(), path)] = list(answers)

    def requests_to(self, path: str) -> list[RecordedRequest]:
        """Return the requests to a path, in order."""
        return [request for request in self.requests if request.path == path]

    def __enter__(self) -> Self:
        self._stopping.clear()
        self._server = _Server(("127.0.0.1", self._port), _handler_of(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            daemon=True,
        ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def answer(self, request: RecordedRequest) -> Canned:
        """Record a request and return the answer to it."""
        with self._lock:
            self.requests.append(request)
            answers = self._routes.get((request.method, request.path))
            if answers is None:
                known = sorted(f"{method} {path}" for method, path in self._routes)
                return Canned({"error": "nothing prepared", "known": known}, 404)
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, Canned) else answer(request)

    def wait_until_stopped(self) -> None:
        """Block until the server stops."""
        self._stopping.wait()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that have gone; print what else went wrong."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _handler_of(owner: CannedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer in two parts would wait 40 ms for an acknowledgement.
        wbufsize = -1

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            request = RecordedRequest(
                self.command,
                parts.path,
                parse_qs(parts.query, keep_blank_values=True),
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length),
            )
            self._respond(owner.answer(request))

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def _respond(self, canned: Canned) -> None:
            if canned.fault is Fault.HANG:
                owner.wait_until_stopped()
            if canned.fault in (Fault.HANG, Fault.RESET):
                self._reset()
                return
            body, headers = canned.rendered()
            self.send_response(canned.status)
            for name, value in headers.items():
                self.send_header(name, value)
            promised = len(body) + (100 if canned.fault is Fault.TRUNCATED else 0)
            self.send_header("Content-Length", str(promised))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            if canned.fault is Fault.TRUNCATED:
                self.close_connection = True

        def _reset(self) -> None:
            # Without lingering, closing sends RST instead of FIN.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()

        def log_message(self, format: str, *args: Any) -> None:
            """Write nothing: tests read `requests`."""

    return Handler
