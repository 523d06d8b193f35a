"""Elastic Security Intel: 50,000 events through the bulk API, next to one request for each event.

    python benchmarks/elastic_security_intel.py [--events 50000] [--kills 5]

The embedded platform holds so many indicators, each with one value; a connector begins with everything and hands them to the stand-in
for Elasticsearch of the connector's tests, which checks every request. Contestants, one after the other, each a process of its own:

- `pycti, a request each`: `listen_stream`, and the official client's `index` for the same document of each event, as the public
  connector does it.
- `the connector`: batches of 500.
- `killed N times`: the connector again, ended by SIGKILL so many times on the way and started again; afterwards the target
  must have exactly the expected documents.

Printed: events a second from the first to the last at the target (platform, connector and target share the machine), requests,
peak memory, and the ratio of the events a second to the first contestant.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import requests

CONNECTOR = Path(__file__).resolve().parents[1] / "stream" / "elastic-security-intel"
API_KEY = "aWQ6Y2FuYXJ5LWFwaS1rZXk="
INDEX = "logs-ti_custom_opencti.indicator"
BUNDLE = 500
LONGEST = 3600.0


class Measured(NamedTuple):
    """What a contestant did."""

    seconds: float
    requests: int
    megabytes: float
    kills: int = 0


def indicators(first: int, count: int) -> list[dict[str, Any]]:
    """Return made-up indicators."""
    moment = "2026-01-01T00:00:00.000Z"
    return [
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_DNS, str(number))}",
            "created": moment,
            "modified": moment,
            "name": f"Host {number}",
            "description": "Made up for a benchmark. " * 10,
            "pattern": f"[domain-name:value = 'host{number}.example.com']",
            "pattern_type": "stix",
            "valid_from": moment,
            "labels": ["benchmark", "made-up"],
            "x_opencti_score": 60,
        }
        for number in range(first, first + count)
    ]


# -- the contestant --------------------------------------------------------------------------------------------------


def run_pycti(url: str) -> None:
    """Listen with pycti, and send each event by itself."""
    sys.path.insert(0, str(CONNECTOR / "src"))
    from elasticsearch import Elasticsearch
    from pycti import OpenCTIConnectorHelper

    ecs = importlib.import_module("connector.ecs")
    client = Elasticsearch(url, api_key=API_KEY, http_compress=True)
    client.indices.put_index_template(
        name="peer",
        index_patterns=[INDEX],
        priority=500,
        template={"mappings": ecs.mappings()},
    )
    client.indices.create(index=INDEX)
    converter = ecs.Converter(os.environ["OPENCTI_URL"])
    helper = OpenCTIConnectorHelper(
        {
            "opencti": {"url": os.environ["OPENCTI_URL"]},
            "connector": {"type": "STREAM"},
        }
    )

    def told(message: Any) -> None:
        data = json.loads(message.data)["data"]
        own = helper.get_attribute_in_extension("id", data)
        (document,) = converter.documents(own, "Indicator", data)
        client.index(index=INDEX, id=own, document=document)

    helper.listen_stream(told).join()


# -- the race --------------------------------------------------------------------------------------------------------


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[Any]:
    """Run a contestant."""
    with subprocess.Popen(
        command,
        env=environment,
        cwd=CONNECTOR / "src",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def race(
    name: str, platform: Any, target: str, events: int, kills: int = 0
) -> Measured:
    """Let a contestant run until the target has everything."""
    requests.delete(f"{target}/_documents", timeout=60)
    command = [sys.executable, "main.py"]
    if name == "pycti":
        command = [sys.executable, __file__, "--contestant", target]
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "OPENCTI_URL": platform.url,
            "OPENCTI_TOKEN": platform.token,
            "CONNECTOR_ID": str(uuid.uuid4()),
            "CONNECTOR_NAME": "Contestant",
            "CONNECTOR_SCOPE": "indicator",
            "CONNECTOR_LIVE_STREAM_ID": "live",
            "CONNECTOR_DATA_PATH": folder,
            "ELASTIC_SECURITY_URL": target,
            "ELASTIC_SECURITY_API_KEY": API_KEY,
        }
        places = [events * number // (kills + 1) for number in range(1, kills + 1)]
        deadline = time.monotonic() + LONGEST
        began, peak, killed, has = 0.0, 0.0, 0, 0
        while has < events:
            with started(command, environment) as process:
                seen = psutil.Process(process.pid)
                while has < events and not (places and has >= places[0]):
                    if time.monotonic() > deadline or process.poll() is not None:
                        raise SystemExit(f"{name}: {has} of {events} arrived")
                    time.sleep(0.05)
                    summary = asked(target, "summary")
                    has = summary["documents"]
                    peak = max(peak, seen.memory_info().rss)
                    if has and not began:
                        began = time.monotonic()
                ended = time.monotonic()
            if places:
                places.pop(0)
                killed += 1
    if summary["violations"]:
        raise SystemExit(f"{name}: {summary['violations'][:3]}")
    expected = sorted(f"host{number}.example.com" for number in range(events))
    if asked(target, "names") != expected:
        raise SystemExit(f"{name}: the target has not what it should have")
    return Measured(ended - began, summary["requests"], peak / 2**20, killed)


def asked(target: str, what: str) -> Any:
    """Return what the stand-in tells."""
    return requests.get(f"{target}/_documents?{what}", timeout=60).json()


def compare(events: int, kills: int) -> None:
    """Run the race and print the table."""
    from opencti_testbed.process import TestbedProcess

    with (
        TestbedProcess() as platform,
        subprocess.Popen(
            [sys.executable, str(CONNECTOR / "tests" / "standin.py"), "--port", "0"],
            stdout=subprocess.PIPE,
            text=True,
        ) as server,
    ):
        assert server.stdout is not None
        target = server.stdout.readline().split()[1]
        for first in range(0, events, BUNDLE):
            platform.push(indicators(first, min(BUNDLE, events - first)))
        platform.wait_idle(900)
        rows = {
            "pycti, a request each": race("pycti", platform, target, events),
            "the connector": race("connector", platform, target, events),
            f"killed {kills} times": race("connector", platform, target, events, kills),
        }
        server.kill()
    print(f"{events} events")
    print(f"{'':24}{'events/s':>10}{'requests':>10}{'peak MiB':>10}{'ratio':>8}")
    base = next(iter(rows.values()))
    for name, row in rows.items():
        print(
            f"{name:24}{events / row.seconds:10.0f}{row.requests:10}{row.megabytes:10.0f}"
            f"{base.seconds / row.seconds:8.1f}"
        )
    print("Each time the target had the expected documents, and nothing else.")


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=50_000, help="indicators")
    parser.add_argument("--kills", type=int, default=5, help="SIGKILLs on the way")
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        run_pycti(options.contestant)
    else:
        compare(options.events, options.kills)


if __name__ == "__main__":
    main()
