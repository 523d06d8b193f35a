"""A live stream into a target with a bulk API: batches of the stream runtime, next to one request for each event.

    python benchmarks/stream.py [--events 20000] [--batch-size 500]

The embedded platform holds so many indicators; a connector begins with everything and hands them to an HTTP server on
loopback. Contestants, one after the other, each a process of its own:

- `pycti, a request each`: `listen_stream` with one `requests.post` per event, as most stream connectors do it. It keeps
  its position in memory, for the next ping to store.
- `runtime, a request each`: `StreamConnector` whose `deliver` sends each event by itself, over one connection.
- `runtime, bulk`: `StreamConnector` whose `deliver` sends a batch as one request. Like the former it stores the position
  after each batch, and the map of what the target has.

Printed: events a second from the first to the last at the target (platform, connector and target share the machine),
events per second of the connector's own CPU time (from before it connects to the stream), and the ratio of the latter
to the first contestant.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import requests

TYPES = ("pycti-each", "runtime-each", "runtime-bulk")
NAMES = {
    "pycti-each": "pycti, a request each",
    "runtime-each": "runtime, a request each",
    "runtime-bulk": "runtime, bulk",
}
LONGEST = 1800.0
BUNDLE = 500


class Measured(NamedTuple):
    """What a contestant did: events, seconds on the clock, seconds of CPU."""

    events: int
    seconds: float
    cpu: float


# -- the target ------------------------------------------------------------------------------------------------------


class Target(BaseHTTPRequestHandler):
    """Takes documents, one (`/documents`) or one a line (`/bulk`), and counts the ids."""

    protocol_version = "HTTP/1.1"
    # Without this an answer in two parts waits 40 ms for an acknowledgement.
    wbufsize = -1
    ids: set[str] = set()
    times: list[float] = []
    lock = threading.Lock()

    def do_POST(self) -> None:  # pylint: disable=invalid-name
        """Take documents."""
        lines = self.rfile.read(int(self.headers["Content-Length"])).splitlines()
        # The ids are in front, so that counting costs the machine little.
        with self.lock:
            self.ids.update(line[:90].split(b'"', 4)[3].decode() for line in lines)
            self.times[1:] = [time.time()]
        self._answer({"items": [{"status": 200}] * len(lines)})

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        """Tell how many there are, and when the first and the last came."""
        with self.lock:
            self._answer({"count": len(self.ids), "times": self.times})

    def do_DELETE(self) -> None:  # pylint: disable=invalid-name
        """Forget everything."""
        with self.lock:
            self.ids.clear()
            self.times.clear()
        self._answer({})

    def _answer(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def serve_target() -> None:
    """Serve until killed; the port is printed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Target)
    print(server.server_port, flush=True)
    server.serve_forever()


# -- the contestants ---------------------------------------------------------------------------------------------------


def document(stix_id: str, data: Any) -> dict[str, Any]:
    """Return what the target keeps of an object; the id comes first."""
    return {
        "_id": stix_id,
        "name": data.get("name"),
        "pattern": data.get("pattern"),
        "description": data.get("description"),
        "labels": data.get("labels"),
        "valid_from": data.get("valid_from"),
        "created": data.get("created"),
    }


def run_pycti(url: str) -> None:
    """Listen with pycti, and send each event by itself."""
    from pycti import OpenCTIConnectorHelper

    helper = OpenCTIConnectorHelper(
        {
            "opencti": {"url": os.environ["OPENCTI_URL"]},
            "connector": {"type": "STREAM"},
        }
    )

    def told(message: Any) -> None:
        data = json.loads(message.data)["data"]
        requests.post(
            f"{url}/documents", json=document(data["id"], data), timeout=30
        ).raise_for_status()

    print(time.process_time(), flush=True)
    helper.listen_stream(told).join()


def run_runtime(url: str, bulk: bool) -> None:
    """Follow the stream with the SDK's runtime."""
    from collections.abc import Iterable, Sequence

    import orjson
    from pydantic import Field

    from connectors_sdk import BaseConnectorSettings
    from connectors_sdk.connectors import run_connector
    from connectors_sdk.connectors.stream import (
        Result,
        StreamConnector,
        StreamConnectorConfig,
        StreamEvent,
        accepted,
        retry,
    )

    class Settings(BaseConnectorSettings):
        """The settings."""

        connector: StreamConnectorConfig = Field(default_factory=StreamConnectorConfig)

    class Contestant(StreamConnector):
        """Sends events to the target."""

        session: requests.Session

        def post_init(self) -> None:
            self.session = requests.Session()
            print(time.process_time(), flush=True)

        def deliver(self, events: Sequence[StreamEvent]) -> Iterable[Result]:
            if not bulk:
                for event in events:
                    self.post("/documents", [event])
                    yield accepted()
                return
            for item in self.post("/bulk", events)["items"]:
                yield accepted() if item["status"] == 200 else retry("refused")

        def post(self, path: str, events: Sequence[StreamEvent]) -> Any:
            """Send events, one a line."""
            lines = [orjson.dumps(document(e.stix_id, e.data)) for e in events]
            answer = self.session.post(f"{url}{path}", b"\n".join(lines), timeout=30)
            answer.raise_for_status()
            return answer.json()

    run_connector(lambda: Contestant(Settings()), ())


# -- the race -----------------------------------------------------------------------------------------------------------


def indicators(first: int, count: int) -> list[dict[str, Any]]:
    """Return made-up indicators."""
    moment = "2026-01-01T00:00:00.000Z"
    objects = []
    for number in range(first, first + count):
        pattern = f"[domain-name:value = 'host{number}.example.com']"
        objects.append(
            {
                "type": "indicator",
                "spec_version": "2.1",
                "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_DNS, pattern)}",
                "created": moment,
                "modified": moment,
                "name": f"host{number}.example.com",
                "description": "Made up for a benchmark. " * 10,
                "pattern": pattern,
                "pattern_type": "stix",
                "valid_from": moment,
                "labels": ["benchmark", "made-up"],
                "x_opencti_score": 60,
            }
        )
    return objects


def race(
    contestant: str, platform: Any, target: str, events: int, batch_size: int
) -> Measured:
    """Let one contestant run until the target has everything."""
    requests.delete(target, timeout=30)
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "OPENCTI_URL": platform.url,
            "OPENCTI_TOKEN": platform.token,
            "CONNECTOR_ID": str(uuid.uuid4()),
            "CONNECTOR_NAME": contestant,
            "CONNECTOR_SCOPE": "indicator",
            "CONNECTOR_LIVE_STREAM_ID": "live",
            "CONNECTOR_BATCH_SIZE": str(batch_size),
            "CONNECTOR_DATA_PATH": folder,
        }
        with subprocess.Popen(
            [sys.executable, __file__, "--contestant", contestant, "--target", target],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            before = float(process.stdout.readline())
            seen = psutil.Process(process.pid)
            until = time.monotonic() + LONGEST
            while True:
                state = requests.get(target, timeout=30).json()
                if state["count"] >= events:
                    break
                if time.monotonic() > until or process.poll() is not None:
                    raise SystemExit(
                        f"{contestant}: {state['count']} of {events} arrived"
                    )
                time.sleep(0.05)
            cpu = sum(seen.cpu_times()[:2]) - before
            process.kill()
    first, last = state["times"][0], state["times"][-1]
    return Measured(events, last - first, cpu)


def main() -> None:
    """Fill the platform, let each contestant run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=20_000, help="indicators")
    parser.add_argument("--batch-size", type=int, default=500, help="events in a batch")
    parser.add_argument("--only", choices=TYPES, help="one contestant")
    parser.add_argument("--contestant", choices=TYPES, help=argparse.SUPPRESS)
    parser.add_argument("--target", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve_target()
    elif options.contestant == "pycti-each":
        run_pycti(options.target)
    elif options.contestant:
        run_runtime(options.target, options.contestant == "runtime-bulk")
    else:
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Run the race and print the table."""
    from opencti_testbed.process import TestbedProcess

    with (
        TestbedProcess() as platform,
        subprocess.Popen(
            [sys.executable, str(Path(__file__)), "--serve"],
            stdout=subprocess.PIPE,
            text=True,
        ) as server,
    ):
        assert server.stdout is not None
        target = f"http://127.0.0.1:{int(server.stdout.readline())}"
        for first in range(0, options.events, BUNDLE):
            platform.push(indicators(first, min(BUNDLE, options.events - first)))
        platform.wait_idle(600)
        names = [options.only] if options.only else list(TYPES)
        results = {}
        for name in names:
            results[name] = race(
                name, platform, target, options.events, options.batch_size
            )
        server.kill()
    print(f"{options.events} events, batches of {options.batch_size}")
    print(f"{'':26}{'events/s':>12}{'events/CPU s':>14}{'ratio':>8}")
    base = results[names[0]]
    for name, result in results.items():
        per_cpu = result.events / result.cpu
        ratio = per_cpu / (base.events / base.cpu)
        print(
            f"{NAMES[name]:26}{result.events / result.seconds:12.0f}{per_cpu:14.0f}{ratio:8.1f}"
        )


if __name__ == "__main__":
    main()
