"""Health and metrics over HTTP: `/health`, `/health/live`, `/health/ready`, `/health/fresh`, `/metrics`."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from connectors_sdk.connectors.health import Health
from connectors_sdk.connectors.metrics import Metrics

_JSON = "application/json"
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
# Path below /health -> the property that decides between 200 and 503.
_PROBES = {"/live": "alive", "/ready": "ready", "/fresh": "fresh"}


class HealthServer:
    """Answers questions about a connector from threads of its own, from `start` to `stop`."""

    def __init__(self, health: Health, metrics: Metrics) -> None:
        """Take what is answered from."""
        self._health = health
        self._metrics = metrics
        self._server: ThreadingHTTPServer | None = None

    @property
    def port(self) -> int:
        """The port it listens on; 0 when it does not."""
        return self._server.server_address[1] if self._server else 0

    def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            OSError: the address cannot be had.
        """
        server = _Server((host, port), _handler(self._health, self._metrics))
        self._server = server
        threading.Thread(
            target=server.serve_forever, name="health", daemon=True
        ).start()

    def stop(self) -> None:
        """Stop listening."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Who asks and goes away again is nobody's business.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


def _handler(health: Health, metrics: Metrics) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers GET and HEAD."""

        timeout = 5

        def do_GET(self) -> None:  # pylint: disable=invalid-name
            """Answer a question."""
            path = self.path.partition("?")[0].rstrip("/")
            if path == "/metrics":
                self._answer(200, _PROMETHEUS, metrics.render())
            elif path == "/health" or path.removeprefix("/health") in _PROBES:
                report = health.report()
                probe = _PROBES.get(path.removeprefix("/health"))
                good = report[probe] if probe else report["status"] == "ok"
                body = json.dumps(report, indent=2).encode()
                self._answer(200 if good else 503, _JSON, body)
            else:
                self._answer(404, _JSON, b'{"error": "see /health and /metrics"}')

        do_HEAD = do_GET

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: probes come every few seconds."""
            # pylint: disable=redefined-builtin

    return Handler
