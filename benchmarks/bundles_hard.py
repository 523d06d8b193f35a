"""Bundles that are hard to send: a report with very many objects, a long chain of objects that refer to each other.

    python benchmarks/bundles_hard.py [--size 20000] [--peer-size 8000]     # --size 100000 for the full one

- `report`: one report with `size` observables in its `object_refs`.
- `chain`: `size / 20` notes, each about the former: each needs all before it.

Each is sent at a quarter, a half and all of its size: objects become bundles (`iter_bundles`), bundles go over HTTP to an
embedded platform, which ingests them. Printed: seconds for each step, and the total per object relative to the smallest
size: 1.0 and less throughout is linear growth, 2.0 and 4.0 would be quadratic.

The peer is the splitter of pycti's `send_stix2_bundle` (every connector that sends through the broker goes through it),
at sizes that it can do: its time for the same bundle next to ours (`iter_bundles` again, from dictionaries), and what
becomes of the chain, which it follows by recursion.
"""

import argparse
import copy
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from connectors_sdk.bundles import OversizedBundleWarning, iter_bundles
from connectors_sdk.connectors import WorkManager
from opencti_testbed.process import TestbedProcess

MOMENT = "2026-01-01T00:00:00.000Z"
# How long the chain is, as a part of the report: ours, and the peer's, which is not to take all day for the report.
CHAIN = 20
PEER_CHAIN = 8
PATIENCE = 1800.0
PARTS = (4, 2, 1)

Stix = dict[str, Any]


class Steps(NamedTuple):
    """Seconds for making bundles, sending them, and until the platform has ingested them."""

    split: float
    send: float
    ingest: float


def stix(kind: str, number: int, **values: Any) -> Stix:
    """Return a made-up object."""
    own = uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {number}")
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{own}", **values}


def report(size: int) -> list[Stix]:
    """Return a report and the observables that it holds."""
    held = [
        stix("domain-name", number, value=f"host{number}.example.com")
        for number in range(size)
    ]
    about = stix(
        "report",
        size,
        created=MOMENT,
        modified=MOMENT,
        published=MOMENT,
        name=f"A report of {size} objects",
        object_refs=[one["id"] for one in held],
    )
    return [*held, about]


def chain(size: int) -> list[Stix]:
    """Return notes, each about the former, the last one first: whoever follows references has to go all the way."""
    first = stix("domain-name", 0, value="chain.example.com")
    links = [first]
    for number in range(size):
        links.append(
            stix(
                "note",
                number,
                created=MOMENT,
                modified=MOMENT,
                content=f"Link {number}",
                object_refs=[links[-1]["id"]],
            )
        )
    return links[::-1]


SHAPES: dict[str, Callable[[int], list[Stix]]] = {"report": report, "chain": chain}


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    """Do something; return the seconds that it took, and what it returned."""
    began = time.perf_counter()
    result = action()
    return time.perf_counter() - began, result


def measure(objects: list[Stix]) -> Steps:
    """Send objects to a platform of their own, as the runtime does."""
    # pycti takes a second to load.
    from pycti import OpenCTIConnectorHelper

    with TestbedProcess() as platform:
        helper = OpenCTIConnectorHelper(
            {
                "opencti": {"url": platform.url, "token": platform.token},
                "connector": {
                    "id": str(uuid.uuid4()),
                    "type": "EXTERNAL_IMPORT",
                    "name": "Benchmark",
                    "scope": "benchmark",
                    "log_level": "error",
                    "queue_protocol": "api",
                    "run_and_terminate": True,
                },
            }
        )
        split, bundles = timed(lambda: list(iter_bundles(objects)))

        def push() -> None:
            with WorkManager(helper) as works:
                for bundle in bundles:
                    works.send_bundle(bundle, "Benchmark")

        send, _ = timed(push)
        ingest, _ = timed(lambda: platform.wait_idle(PATIENCE))
        summary = platform.summary()
        stored = sum(summary["objects_by_type"].values())
        if summary["rejected"] or stored < len(objects):
            raise SystemExit(
                f"{stored} of {len(objects)} arrived, {summary['rejected']} rejected"
            )
    return Steps(split, send, ingest)


def grow(name: str, size: int) -> None:
    """Measure a shape at three sizes and print."""
    smallest: float | None = None
    for parts in PARTS:
        objects = SHAPES[name](size // parts)
        steps = measure(objects)
        each = sum(steps) / len(objects)
        smallest = smallest or each
        seconds = "".join(f"{value:>9.2f}" for value in (*steps, sum(steps)))
        print(f"{name:8}{len(objects):>9}{seconds}{each / smallest:>13.2f}", flush=True)


def compare(name: str, size: int) -> Iterator[str]:
    """Yield lines about pycti's splitter next to ours, at three sizes."""
    # pycti takes a second to load.
    from pycti import OpenCTIStix2Splitter

    for parts in PARTS:
        objects = SHAPES[name](size // parts)
        bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
        ours, _ = timed(lambda of=objects: list(iter_bundles(of)))
        # It changes what it is given.
        own = copy.deepcopy(bundle)
        splitter = OpenCTIStix2Splitter()
        try:
            theirs, _ = timed(
                lambda it=splitter, of=own: it.split_bundle_with_expectations(
                    of, use_json=False
                )
            )
        except RecursionError:
            yield f"{name:8}{len(objects):>9}{ours:>10.3f}{'RecursionError':>16}"
            continue
        yield f"{name:8}{len(objects):>9}{ours:>10.3f}{theirs:>16.3f}{theirs / ours:>8.1f}"


def main() -> None:
    """Run as a program; see the module's description."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--size", type=int, default=20_000, help="objects of the report"
    )
    parser.add_argument(
        "--peer-size", type=int, default=8000, help="objects of the report for pycti"
    )
    options = parser.parse_args()
    # That they do not fit is the point.
    warnings.simplefilter("ignore", OversizedBundleWarning)
    print("Ours, end to end (seconds)")
    columns = "".join(f"{name:>9}" for name in (*Steps._fields, "total"))
    print(f"{'':8}{'objects':>9}{columns}{'per object':>13}")
    grow("report", options.size)
    grow("chain", options.size // CHAIN)
    print()
    print("Making bundles, next to pycti's splitter (seconds)")
    print(f"{'':8}{'objects':>9}{'ours':>10}{'pycti':>16}{'ratio':>8}")
    print(*compare("report", options.peer_size), sep="\n")
    print(*compare("chain", options.peer_size // PEER_CHAIN), sep="\n")


if __name__ == "__main__":
    main()
