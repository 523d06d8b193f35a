"""Importing a feed of any size: pages through the runtime, next to "list, bundle, send" with pycti.

    python benchmarks/external_import.py [--size 20000] [--peer-size 20000]     # --size 1000000 for the full one

A made-up source has so many indicators (with author, marking, labels), in pages of 1,000. Contestants, one after the
other, each a process of its own that makes one run against an embedded platform of its own:

- `pycti, one list`: stix2 objects in a list, a bundle of all, `send_stix2_bundle`: as many connectors do it. The bundle
  has to fit into a request (50 MB), so it may get fewer indicators.
- `runtime, pages`: `PageProcessor` with a cursor, saved as bundles are accepted.

Bundles go over HTTP. The platform keeps what it gets and ingests it only afterwards (no more than 50,000 objects, as a
proof that all arrived), so that it competes for the machine as little as it can.

Printed: objects that the platform accepted; objects a second, from start to end of the process, interpreter and
libraries included; CPU time of the process per object; its peak memory; and the ratios to the first contestant.
"""

import argparse
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

from opencti_testbed.process import TestbedProcess

NAMES = {"pycti": "pycti, one list", "runtime": "runtime, pages"}
PAGE = 1000
MOMENT = "2026-01-01T00:00:00Z"
GOAL_MB = 200
MEGA = 1_000_000
MOST_INGESTED = 50_000
# Of waiting bundles: the platform must not hold the connector back here.
QUEUE_MB = 1_000_000

Record = dict[str, Any]


class Measured(NamedTuple):
    """What a contestant took: objects, seconds on the clock, seconds of CPU, bytes at the peak."""

    objects: int
    seconds: float
    cpu: float
    peak: int


# -- the contestants ---------------------------------------------------------------------------------------------------


def feed(size: int) -> Iterator[list[Record]]:
    """Yield the pages of the source."""
    for first in range(0, size, PAGE):
        yield [
            {
                "id": number,
                "host": f"host{number}.example.com",
                "text": "Made up for a benchmark. " * 8,
                "tags": ["benchmark", f"group {number % 50}"],
                "modified": MOMENT,
            }
            for number in range(first, min(first + PAGE, size))
        ]


def run_pycti(size: int) -> None:
    """Import the feed as a list."""
    import pycti
    import stix2

    helper = pycti.OpenCTIConnectorHelper({"connector": {"type": "EXTERNAL_IMPORT"}})
    author = stix2.Identity(
        id=pycti.Identity.generate_id("Benchmark", "organization"),
        name="Benchmark",
        identity_class="organization",
    )
    objects: list[Any] = [author, stix2.TLP_GREEN]
    for page in feed(size):
        for record in page:
            pattern = f"[domain-name:value = '{record['host']}']"
            objects.append(
                stix2.Indicator(
                    id=pycti.Indicator.generate_id(pattern),
                    name=record["host"],
                    description=record["text"],
                    pattern=pattern,
                    pattern_type="stix",
                    valid_from=record["modified"],
                    labels=record["tags"],
                    created_by_ref=author.id,
                    object_marking_refs=[stix2.TLP_GREEN.id],
                    custom_properties={"x_opencti_score": 60},
                )
            )
    work = helper.api.work.initiate_work(helper.connect_id, "Benchmark")
    helper.send_stix2_bundle(helper.stix2_create_bundle(objects), work_id=work)
    helper.api.work.to_processed(work, "Done")
    helper.force_ping()


def run_runtime(size: int) -> None:
    """Import the feed with the SDK's runtime."""
    from pydantic import Field

    from connectors_sdk import (
        BaseConnectorSettings,
        BaseExternalImportConnectorConfig,
        ExternalImportConnector,
        ExternalImportConnectorState,
    )
    from connectors_sdk.connectors import PageProcessor, run_connector
    from connectors_sdk.models import Indicator, OrganizationAuthor, TLPMarking
    from connectors_sdk.states import PageCursor

    class Settings(BaseConnectorSettings):
        """The settings."""

        connector: BaseExternalImportConnectorConfig = Field(
            default_factory=BaseExternalImportConnectorConfig  # type: ignore[arg-type]
        )

    class State(ExternalImportConnectorState):
        """The page to go on with."""

        at: PageCursor = PageCursor()

    class Indicators(PageProcessor[Record]):
        """Makes indicators of the records."""

        author = OrganizationAuthor(name="Benchmark")
        marking = TLPMarking(level="green")

        def pages(self) -> Iterator[list[Record]]:
            for number, page in enumerate(feed(size)):
                self.state.at.page = number
                yield page

        def convert(self, record: Record) -> Indicator:
            return Indicator(
                name=record["host"],
                description=record["text"],
                pattern=f"[domain-name:value = '{record['host']}']",
                pattern_type="stix",
                valid_from=record["modified"],
                labels=record["tags"],
                author=self.author,
                markings=[self.marking],
                score=60,
            )

    def build() -> ExternalImportConnector:
        return ExternalImportConnector(Settings(), [Indicators()], State())

    # The command line is the benchmark's.
    run_connector(build, ())


# -- the race ----------------------------------------------------------------------------------------------------------


def measure(contestant: str, size: int) -> Measured:
    """Let one contestant import so many records into a platform of its own."""
    with TestbedProcess() as platform:
        platform.order_fault("pause-worker")
        environment = {
            **os.environ,
            "OPENCTI_URL": platform.url,
            "OPENCTI_TOKEN": platform.token,
            "CONNECTOR_ID": str(uuid.uuid4()),
            "CONNECTOR_NAME": contestant,
            "CONNECTOR_SCOPE": "indicator",
            "CONNECTOR_LOG_LEVEL": "error",
            "CONNECTOR_DURATION_PERIOD": "PT1H",
            "CONNECTOR_RUN_AND_TERMINATE": "true",
            "CONNECTOR_QUEUE_PROTOCOL": "api",
            "CONNECTOR_QUEUE_THRESHOLD": str(QUEUE_MB),
        }
        began = time.monotonic()
        command = [sys.executable, __file__, "--contestant", contestant]
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            [*command, "--size", str(size)], env=environment
        )
        # Tells the process's own peak and CPU time.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{contestant}: exit code {process.returncode}")
        accepted = sum(int(work["expected"]) for work in platform.works())
        if size <= MOST_INGESTED:
            platform.lift_faults()
            platform.wait_idle(600)
            accepted = platform.summary()["objects_by_type"].get("Indicator", 0)
        if accepted < size:
            raise SystemExit(f"{contestant}: {accepted} of {size} arrived")
    return Measured(
        size, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
    )


def main() -> None:
    """Measure the contestants and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=20_000, help="indicators")
    parser.add_argument(
        "--peer-size", type=int, default=20_000, help="indicators for pycti, at most"
    )
    parser.add_argument("--contestant", choices=NAMES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        {"pycti": run_pycti, "runtime": run_runtime}[options.contestant](options.size)
        return
    results = {
        "pycti": measure("pycti", min(options.size, options.peer_size)),
        "runtime": measure("runtime", options.size),
    }
    show(results)


def show(results: dict[str, Measured]) -> None:
    """Print the table."""
    print(
        f"{'':18}{'objects':>9}{'objects/s':>11}{'ratio':>7}{'CPU us/object':>15}{'ratio':>7}{'peak MB':>9}{'ratio':>7}"
    )
    base = results["pycti"]
    for name, one in results.items():
        rate, of_base = one.objects / one.seconds, base.objects / base.seconds
        cost, cost_of_base = one.cpu / one.objects, base.cpu / base.objects
        print(
            f"{NAMES[name]:18}{one.objects:>9}{rate:>11.0f}{rate / of_base:>7.2f}{cost * 1e6:>15.0f}"
            f"{cost / cost_of_base:>7.2f}{one.peak / MEGA:>9.0f}{one.peak / base.peak:>7.2f}"
        )
    peak = results["runtime"].peak / MEGA
    print(
        f"Goal for the runtime: below {GOAL_MB} MB; it is {peak / GOAL_MB:.0%} of that"
    )


if __name__ == "__main__":
    main()
