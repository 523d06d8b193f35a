"""Requests to connectors over HTTP that are slow, or cannot be reached."""

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from pycti import Malware

from opencti_testbed.lanes.delivery import PATIENCE_SECONDS
from opencti_testbed.process import TestbedProcess

REGISTER = """
mutation R($input: RegisterConnectorInput) { registerConnector(input: $input) { id } }
"""
MALWARE = {"type": "malware", "id": Malware.generate_id("a"), "name": "a"}


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


def work_of(platform: TestbedProcess, work_id: str) -> dict[str, Any]:
    (work,) = [one for one in platform.works() if one["id"] == work_id]
    return work


def eventually(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


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
    platform.push([MALWARE])
    platform.wait_idle()
    slow = {f"/slow{number}" for number in range(40)}
    for path in slow:
        asked(platform, path, listeners.url + path)
    assert listeners.wait_for(slow)
    asked(platform, "quick", f"{listeners.url}/quick")
    assert listeners.wait_for({"/quick"})
    # -9 is what comes of one that does not end by itself.
    assert platform.stop() == 0


def test_a_wrong_callback_is_said(
    platform: TestbedProcess, listeners: Listeners
) -> None:
    platform.push([MALWARE])
    platform.wait_idle()
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        closed = f"http://127.0.0.1:{nobody.getsockname()[1]}/api/callback"
    waiting = asked(platform, "nobody", closed)
    for wrong in ("127.0.0.1:7070/api/callback", "http://", "nonsense"):
        hopeless = asked(platform, wrong, wrong)
        eventually(lambda one=hopeless: work_of(platform, one)["error_messages"])
        work = work_of(platform, hopeless)
        assert work["status"] == "complete"
        assert "is no URL" in work["error_messages"][0]["message"]
    eventually(lambda: work_of(platform, waiting)["messages"])
    # It is said once, and still tried.
    time.sleep(1.5)
    work = work_of(platform, waiting)
    (message,) = work["messages"]
    assert f"Nobody takes requests at {closed} (" in message["message"]
    assert "Connection refused" in message["message"]
    assert (work["status"], work["error_messages"]) == ("wait", [])
    logged = [line for line in platform.printed if "Nobody takes requests" in line]
    assert len(logged) == 1 and "WARNING" in logged[0]
    server = ThreadingHTTPServer(
        ("127.0.0.1", int(closed.split(":")[2].split("/")[0])),
        listeners.server.RequestHandlerClass,
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    assert listeners.wait_for({"/api/callback"})
    eventually(lambda: any("again" in line for line in platform.printed))
    server.shutdown()
    server.server_close()


def test_a_connector_that_ends_in_the_middle_is_not_said_to_be_away_at_once(
    platform: TestbedProcess,
) -> None:
    platform.push([MALWARE])
    platform.wait_idle()
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    waiting = asked(platform, "late", f"http://127.0.0.1:{port}/api/callback")
    # It does not listen yet, as after a start.
    time.sleep(1)
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(30)
        taken, _ = server.accept()
        with taken:
            assert taken.recv(1)
            time.sleep(PATIENCE_SECONDS)
    time.sleep(1.5)
    assert work_of(platform, waiting)["messages"] == []
    eventually(lambda: work_of(platform, waiting)["messages"])
