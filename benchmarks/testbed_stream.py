"""Live stream of the embedded platform: 200 changes a second to three listeners.

    python benchmarks/testbed_stream.py [--rate 200] [--seconds 10] [--listeners 3]

Bundles are pushed at the rate; each listener notes when an event arrives. Printed are the delay from the change (the time in the
event's id) to its arrival, what was missing, CPU of the platform, its memory, and the ratio of the events delivered a second
to the goal.
"""

import argparse
import statistics
import threading
import time
import uuid
from typing import Any

import psutil
import requests

from opencti_testbed.process import TestbedProcess

BATCHES_A_SECOND = 10


class Listener(threading.Thread):
    """Reads a stream and notes the delay of each event."""

    def __init__(self, platform: TestbedProcess) -> None:
        super().__init__(daemon=True)
        self._platform = platform
        self.delays: list[float] = []
        self.ready = threading.Event()

    def run(self) -> None:
        """Read until the connection ends."""
        response = requests.get(
            f"{self._platform.url}/stream/live",
            headers={
                "Authorization": f"Bearer {self._platform.token}",
                "Last-Event-ID": f"{int(time.time() * 1000)}-0",
            },
            stream=True,
            timeout=30,
        )
        changed = 0.0
        for line in response.iter_lines(chunk_size=1024):
            if line.startswith(b"id: "):
                changed = int(line[4:].split(b"-")[0]) / 1000
            elif line == b"event: create":
                self.delays.append(time.time() - changed)
            elif line == b"event: connected":
                self.ready.set()


def families(first: int, count: int) -> list[dict[str, Any]]:
    """Return made-up malware."""
    moment = "2026-01-01T00:00:00.000Z"
    return [
        {
            "type": "malware",
            "spec_version": "2.1",
            "id": f"malware--{uuid.uuid5(uuid.NAMESPACE_DNS, str(number))}",
            "created": moment,
            "modified": moment,
            "name": f"Family {number}",
            "is_family": True,
            "description": "Made up for a benchmark. " * 10,
        }
        for number in range(first, first + count)
    ]


def main() -> None:
    """Push, listen, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=200, help="changes a second")
    parser.add_argument("--seconds", type=int, default=10, help="length")
    parser.add_argument("--listeners", type=int, default=3, help="listeners")
    options = parser.parse_args()
    with TestbedProcess() as platform:
        listeners = [Listener(platform) for _ in range(options.listeners)]
        for listener in listeners:
            listener.start()
            listener.ready.wait(10)
        # pylint: disable-next=protected-access
        process = psutil.Process(platform._process.pid)  # type: ignore[union-attr]
        before = sum(process.cpu_times()[:2])
        size = options.rate // BATCHES_A_SECOND
        began = time.monotonic()
        for number in range(options.seconds * BATCHES_A_SECOND):
            pause = began + number / BATCHES_A_SECOND - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            platform.push(families(number * size, size))
        total = options.seconds * BATCHES_A_SECOND * size
        until = time.monotonic() + 60
        while any(len(listener.delays) < total for listener in listeners):
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        took = time.monotonic() - began
        cpu = sum(process.cpu_times()[:2]) - before
        memory = process.memory_info().rss / 2**20
    delays = sorted(delay for listener in listeners for delay in listener.delays)
    missing = sum(total - len(listener.delays) for listener in listeners)
    rate = len(delays) / len(listeners) / took
    print(
        f"{total} changes to {len(listeners)} listeners in {took:.1f} s, {missing} missing"
    )
    print(
        f"delay: median {statistics.median(delays) * 1000:.0f} ms, "
        f"99% within {delays[int(len(delays) * 0.99)] * 1000:.0f} ms, longest {delays[-1] * 1000:.0f} ms"
    )
    print(f"platform: {cpu / took * 100:.0f}% of one core, {memory:.0f} MiB")
    print(f"{rate:.0f} events a second to each: {rate / 200:.2f} of the goal of 200")


if __name__ == "__main__":
    main()
