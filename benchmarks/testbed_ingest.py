"""Ingestion and reading of the embedded platform at size: does it slow down as it fills, what does it cost?

    python benchmarks/testbed_ingest.py [--objects 100000]

Bundles of 1,000 objects (indicators, addresses, relationships between them, an author, a marking) are pushed; printed are the
objects ingested a second and their cost in each tenth, the first page of lists of many kinds, CPU and memory, and the ratios to the goals:
3,000 objects a second, a page within 50 ms (the slowest kind counts), 300 MB.
"""

import argparse
import json
import statistics
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import requests

from opencti_testbed.process import TestbedProcess

GOAL_RATE, GOAL_PAGE_MS, GOAL_MIB = 3000, 50, 286
MOMENT = "2026-01-01T00:00:00.000Z"
NODE = "id standard_id entity_type"
FULL = """id standard_id name pattern valid_from created_at updated_at createdBy { id name } objectMarking { id definition }
  objectLabel { id value } externalReferences { edges { node { id } } } killChainPhases { id }
  observables { edges { node { id } } }"""
AUTHOR = "feed"
REPEATED = 7


@dataclass(frozen=True)
class Listing:
    """A kind of list request: what is listed, how it is filtered (key, operator, values), other arguments."""

    what: str
    filters: tuple[tuple[str, str, tuple[Any, ...]], ...] = ()
    arguments: str = ""
    selection: str = NODE

    def body(self) -> dict[str, Any]:
        """Return the request."""
        members = [
            {"key": key, "operator": operator, "values": list(values)}
            for key, operator, values in self.filters
        ]
        return {
            "query": f"""query List($filters: FilterGroup) {{
                {self.what}(first: 50, filters: $filters{self.arguments}) {{
                  edges {{ node {{ {self.selection} }} }} pageInfo {{ globalCount hasNextPage endCursor }}
                }} }}""",
            "variables": {
                "filters": {"mode": "and", "filters": members, "filterGroups": []}
            },
        }


LONG_AGO = "2020-01-01T00:00:00.000Z"
REGARDING = ({"key": "relationship_type", "values": ["based-on"]},)
GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
LISTINGS = {
    "nothing": Listing("stixCoreObjects"),
    "score and start of name": Listing(
        "indicators",
        (
            ("x_opencti_score", "gte", ("90",)),
            ("name", "starts_with", ("10.0.",)),
        ),
    ),
    "label": Listing("indicators", (("objectLabel", "eq", ("label 3",)),)),
    "full selection": Listing(
        "indicators", (("objectLabel", "eq", ("label 3",)),), selection=FULL
    ),
    "author": Listing("indicators", (("createdBy", "eq", (AUTHOR,)),)),
    "another author": Listing("indicators", (("createdBy", "not_eq", (AUTHOR,)),)),
    "another marking": Listing(
        "stixCoreObjects", (("objectMarking", "not_eq", (GREEN,)),)
    ),
    "score": Listing("indicators", (("x_opencti_score", "gte", ("50",)),)),
    "score, by name": Listing(
        "indicators", (("x_opencti_score", "gte", ("50",)),), ", orderBy: name"
    ),
    "by name": Listing("indicators", (), ", orderBy: name"),
    "by valid_from": Listing("indicators", (), ", orderBy: valid_from"),
    "by score, descending": Listing(
        "indicators", (), ", orderBy: x_opencti_score, orderMode: desc"
    ),
    "by updated_at": Listing(
        "stixCoreObjects", (), ", orderBy: updated_at, orderMode: desc"
    ),
    "updated_at": Listing("stixCoreObjects", (("updated_at", "gt", (LONG_AGO,)),)),
    "created_at": Listing("indicators", (("created_at", "gt", (LONG_AGO,)),)),
    "part of a name": Listing("indicators", (("name", "contains", ("0.1.2",)),)),
    "part of a pattern": Listing("indicators", (("pattern", "contains", ("0.1.2",)),)),
    "type of pattern": Listing("indicators", (("pattern_type", "eq", ("stix",)),)),
    "not revoked": Listing("indicators", (("revoked", "nil", ()),)),
    "with a name": Listing("indicators", (("name", "not_nil", ()),)),
    "value": Listing("stixCyberObservables", (("value", "eq", ("10.0.1.2",)),)),
    "external id": Listing("stixCoreObjects", (("external_id", "eq", ("T1059",)),)),
    "words": Listing("stixCoreObjects", (), ', search: "10"'),
    "words, by name": Listing("stixCoreObjects", (), ', search: "10", orderBy: name'),
    "entities by name": Listing("stixDomainObjects", (), ", orderBy: name"),
    "type of relationship": Listing(
        "stixCoreRelationships", (("relationship_type", "eq", ("based-on",)),)
    ),
    "type of the source": Listing(
        "stixCoreRelationships", (("fromTypes", "eq", ("Indicator",)),)
    ),
    "regarding": Listing("stixCyberObservables", (("regardingOf", "eq", REGARDING),)),
}


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

    def _change(self) -> None:
        """Change something, so that the platform can take nothing of what it read before for granted."""
        label = {"value": str(uuid.uuid4()), "color": "#000000"}
        self._ask(
            "mutation Add($input: LabelAddInput!) { labelAdd(input: $input) { id } }",
            {"input": label},
        )

    def _ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        answer = self._session.post(
            f"{self._process.url}/graphql",
            json={"query": query, "variables": variables},
            timeout=60,
        ).json()
        if "errors" in answer:
            raise SystemExit(answer["errors"][0]["message"])
        found: dict[str, Any] = answer["data"]
        return found

    def page(self, listing: Listing) -> tuple[float, int]:
        """Read the first page of a list after a change; return seconds (median) and how many objects it has in all."""
        text = json.dumps(listing.body()).replace(
            f'"{AUTHOR}"', f'"{_id("identity", "author")}"'
        )
        times = []
        for _ in range(REPEATED):
            self._change()
            began = time.perf_counter()
            answer = self._session.post(
                f"{self._process.url}/graphql",
                data=text,
                headers={"Content-Type": "application/json"},
                timeout=60,
            ).json()
            times.append(time.perf_counter() - began)
            if "errors" in answer:
                raise SystemExit(answer["errors"][0]["message"])
        return (
            statistics.median(times),
            answer["data"][listing.what]["pageInfo"]["globalCount"],
        )


def pages(platform: Platform) -> tuple[str, float]:
    """Print how long the first page of each kind of list takes; return the slowest and its time in ms."""
    took = {}
    for name, listing in LISTINGS.items():
        seconds, found = platform.page(listing)
        took[name] = seconds * 1000
        print(f"first page, {name + ':':26} {took[name]:6.1f} ms, {found:7,} in all")
    slowest = max(took, key=lambda name: took[name])
    return slowest, took[slowest]


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
        rates, costs, total, began = [], [], 0, time.perf_counter()
        while total < options.objects:
            first, cpu = time.perf_counter(), sum(process.cpu_times()[:2])
            for _ in range(step // 1000):
                platform.push([next(source) for _ in range(1000)])
            started.wait_idle(600)
            total += step
            rates.append(step / (time.perf_counter() - first))
            costs.append((sum(process.cpu_times()[:2]) - cpu) / step * 1e6)
            print(
                f"{total:8,} objects: {rates[-1]:6,.0f} a second, {costs[-1]:4.0f} CPU us each"
            )
        took = time.perf_counter() - began
        cpu = sum(process.cpu_times()[:2])
        summary = started.summary()
        slowest, page_ms = pages(platform)
        mib = summary["peak_rss_bytes"] / 2**20
    print(
        f"{summary['rejected']} rejected; platform {cpu:.0f} CPU s, peak {mib:.0f} MiB"
    )
    print(
        f"{total / took:,.0f} objects a second: {total / took / GOAL_RATE:.2f} of the goal of {GOAL_RATE:,}"
    )
    print(
        f"last tenth against the first: {rates[-1] / rates[0]:.2f} of its speed (goal: 1),"
        f" {costs[-1] / costs[0]:.2f} of its CPU time for an object"
    )
    print(
        f"slowest first page, by {slowest}: {page_ms:.1f} ms, {page_ms / GOAL_PAGE_MS:.2f} of the most allowed"
    )
    print(f"peak memory: {mib / GOAL_MIB:.2f} of the most allowed")


if __name__ == "__main__":
    main()
