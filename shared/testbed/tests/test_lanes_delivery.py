"""Requests to connectors over HTTP that are slow, or cannot be reached."""

import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess

REGISTER = """
mutation R($input: RegisterConnectorInput) { registerConnector(input: $input) { id } }
"""
MALWARE = {"type": "malware", "id": f"malware--{uuid.uuid4()}", "name": "a"}


class Listeners:
    """An HTTP server that takes requests as connectors do; those to `/slow…` are not answered before the end."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.arrival = threading.Condition()
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # pylint: disable=invalid-name
                self.rfile.read(int(self.headers["content-length"]))
                with outer.arrival:
                    outer.seen.add(self.path)
                    outer.arrival.notify_all()
                if self.path.startswith("/slow"):
                    outer.released.wait(120)
                self.send_response(202)
                self.end_headers()

            def log_message(self, *_: Any) -> None:  # pylint: disable=arguments-differ
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, paths: set[str]) -> bool:
        with self.arrival:
            return self.arrival.wait_for(lambda: paths <= self.seen, 30)


@pytest.fixture(name="listeners")
def fixture_listeners() -> Iterator[Listeners]:
    listeners = Listeners()
    yield listeners
    listeners.released.set()
    listeners.server.shutdown()
    listeners.server.server_close()


def post(platform: TestbedProcess, path: str, body: Any) -> Any:
    answer = requests.post(
        f"{platform.url}/{path}",
        json=body,
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=10,
    )
    answer.raise_for_status()
    return answer.json()


def asked(platform: TestbedProcess, name: str, callback: str) -> str:
    """Register an enricher that is reached at an address, ask it, return the id of the work."""
    declared = {
        "id": str(uuid.uuid4()),
        "name": name,
        "type": "INTERNAL_ENRICHMENT",
        "scope": ["Malware"],
        "listen_callback_uri": callback,
    }
    post(platform, "graphql", {"query": REGISTER, "variables": {"input": declared}})
    (malware,) = platform.objects("Malware")
    wish = {"entity_id": malware["id"], "connector_id": declared["id"]}
    return str(post(platform, "testbed/enrich", wish)["work"])


def test_slow_connectors_keep_neither_others_waiting_nor_the_platform_from_ending(
    platform: TestbedProcess, listeners: Listeners
) -> None:
    post(platform, "testbed/bundles", {"type": "bundle", "objects": [MALWARE]})
    platform.wait_idle()
    slow = {f"/slow{number}" for number in range(40)}
    for path in slow:
        asked(platform, path, listeners.url + path)
    assert listeners.wait_for(slow)
    asked(platform, "quick", f"{listeners.url}/quick")
    assert listeners.wait_for({"/quick"})
    # -9 is what comes of one that does not end by itself.
    assert platform.stop() == 0
