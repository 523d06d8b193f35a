"""Ingestion and reading of the embedded platform at size: does it slow down as it fills, what does it cost?

    python benchmarks/testbed_ingest.py [--objects 100000]

Bundles of 1,000 objects (indicators, addresses, relationships between them, an author, a marking) are pushed; printed are the
objects ingested a second in each tenth, the first page of a filtered list, CPU and memory, and the ratios to the goals:
3,000 objects a second, a page within 50 ms, 300 MB.
"""

import argparse
import json
import statistics
import time
import uuid
from collections.abc import Iterator
from typing import Any

import psutil
import requests

from opencti_testbed.process import TestbedProcess

GOAL_RATE, GOAL_PAGE_MS, GOAL_MIB = 3000, 50, 286
MOMENT = "2026-01-01T00:00:00.000Z"
QUERY = """
query Indicators($filters: FilterGroup) {
  indicators(first: 50, filters: $filters) {
    edges { node { id standard_id name pattern objectMarking { id definition } createdBy { ... on Organization { id name } } } }
    pageInfo { globalCount hasNextPage endCursor }
  }
}
"""


def _id(stix_type: str, key: str) -> str:
    return f"{stix_type}--{uuid.uuid5(uuid.NAMESPACE_URL, key)}"


def objects() -> Iterator[dict[str, Any]]:
    """Yield made-up knowledge without end: an author, then address, indicator, relationship, again and again."""
    common = {"spec_version": "2.1", "created": MOMENT, "modified": MOMENT}
    author = _id("identity", "author")
    yield {
        "type": "identity",
        "id": author,
        "name": "A feed",
        "identity_class": "organization",
        **common,
    }
    marks = ["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]
    number = 0
    while True:
        value = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        address, indicator = _id("ipv4-addr", value), _id("indicator", value)
        yield {
            "type": "ipv4-addr",
            "spec_version": "2.1",
            "id": address,
            "value": value,
            "object_marking_refs": marks,
        }
        yield {
            "type": "indicator",
            "id": indicator,
            "name": value,
            "pattern": f"[ipv4-addr:value = '{value}']",
            "pattern_type": "stix",
            "valid_from": MOMENT,
            "labels": [f"label {number % 20}"],
            "x_opencti_score": number % 100,
            "created_by_ref": author,
            "object_marking_refs": marks,
            **common,
        }
        yield {
            "type": "relationship",
            "id": _id("relationship", value),
            "relationship_type": "based-on",
            "source_ref": indicator,
            "target_ref": address,
            "created_by_ref": author,
            "object_marking_refs": marks,
            **common,
        }
        number += 1


class Platform:
    """The platform under measurement."""

    def __init__(self, process: TestbedProcess) -> None:
        self._process = process
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {process.token}"

    def push(self, content: list[dict[str, Any]]) -> None:
        """Send one bundle."""
        bundle = {
            "type": "bundle",
            "id": f"bundle--{uuid.uuid4()}",
            "objects": content,
        }
        self._session.post(
            f"{self._process.url}/testbed/bundles", data=json.dumps(bundle), timeout=60
        ).raise_for_status()

    def page(self, value: str) -> tuple[float, int]:
        """Read the first page of indicators with a label; return seconds and their number."""
        filters = {
            "mode": "and",
            "filters": [
                {"key": "x_opencti_score", "values": ["90"], "operator": "gte"}
            ],
            "filterGroups": [
                {
                    "mode": "or",
                    "filters": [
                        {"key": "name", "values": [value], "operator": "starts_with"}
                    ],
                    "filterGroups": [],
                }
            ],
        }
        began = time.perf_counter()
        answer = self._session.post(
            f"{self._process.url}/graphql",
            json={"query": QUERY, "variables": {"filters": filters}},
            timeout=60,
        ).json()
        found = answer["data"]["indicators"]
        return time.perf_counter() - began, found["pageInfo"]["globalCount"]


def main() -> None:
    """Fill, read, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", type=int, default=100_000, help="how many")
    options = parser.parse_args()
    step = max(options.objects // 10, 1000)
    with TestbedProcess() as started:
        platform = Platform(started)
        # pylint: disable-next=protected-access
        process = psutil.Process(started._process.pid)  # type: ignore[union-attr]
        source = objects()
        rates, total, began = [], 0, time.perf_counter()
        while total < options.objects:
            first = time.perf_counter()
            for _ in range(step // 1000):
                platform.push([next(source) for _ in range(1000)])
            started.wait_idle(600)
            total += step
            rates.append(step / (time.perf_counter() - first))
            print(f"{total:8,} objects: {rates[-1]:6,.0f} a second")
        took = time.perf_counter() - began
        cpu = sum(process.cpu_times()[:2])
        summary = started.summary()
        pages = [platform.page(f"10.{n % 2}.") for n in range(20)]
        page_ms = statistics.median(seconds for seconds, _ in pages) * 1000
        mib = summary["peak_rss_bytes"] / 2**20
    print(
        f"{summary['rejected']} rejected; platform {cpu:.0f} CPU s, peak {mib:.0f} MiB"
    )
    print(
        f"{total / took:,.0f} objects a second: {total / took / GOAL_RATE:.2f} of the goal of {GOAL_RATE:,}"
    )
    print(
        f"last tenth against the first: {rates[-1] / rates[0]:.2f} of its speed (goal: 1)"
    )
    print(
        f"first page of a filtered list ({pages[0][1]:,} match): median {page_ms:.1f} ms, "
        f"{page_ms / GOAL_PAGE_MS:.2f} of the most allowed"
    )
    print(f"peak memory: {mib / GOAL_MIB:.2f} of the most allowed")


if __name__ == "__main__":
    main()
