"""Importing a STIX bundle of any size: the connector import-file-stix, next to "load, split, send" with pycti.

    python benchmarks/stix_import.py [--size 50000] [--peer-size 50000]     # --size 930000 for a file of 500 MB

A bundle of indicators, observables, relationships that stand before what they join, and a report for each hundred
indicators is uploaded to an embedded platform of its own. Contestants, one after the other, each a process of its own, asked
over HTTP:

- `pycti, all at once`: what the public connector of this name does: the file as one text, pycti's own path from there. It
  judges nothing.
- `stix2, all at once`: the same, but each object is judged, by the stix2 library.
- `connector, streamed`: import-file-stix as it is shipped: each object is judged, its references are looked up on disk, and
  bundles of a thousand are sent.

The platform keeps what it gets and, up to 100,000 objects, ingests it afterwards; whatever it rejects fails the benchmark.
Printed: objects a second from the request to the closed work, CPU time per object and peak memory of the connector (the
process that reads the file included), and the ratios to the first contestant.
"""

import json
import sys
import tempfile
import uuid
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import requests
from file_support.contest import MEGA, Measured, hold, measure, query

from opencti_testbed.process import TestbedProcess

CONNECTOR = (
    Path(__file__).resolve().parents[1] / "internal-import-file/import-file-stix"
)
UPLOAD = "mutation($file: Upload!){uploadImport(file: $file){id}}"
ASK = "mutation($file: ID!, $connector: String){askJobImport(fileName: $file, connectorId: $connector, bypassValidation: true){id}}"
NAMES = {
    "pycti": "pycti, all at once",
    "stix2": "stix2, all at once",
    "runtime": "connector, streamed",
}
TIME = "2024-05-01T08:00:00.000Z"
MOST_INGESTED = 100_000
_NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
_HEAD = (
    '{"type":"bundle","id":"bundle--5d0092c5-5f74-4287-9642-33f4c354e56d","objects":[\n'
)


def run_pycti(judge: bool = False) -> None:
    """Import with pycti alone."""
    import stix2
    from pycti import OpenCTIConnectorHelper

    helper = OpenCTIConnectorHelper({"connector": {"type": "INTERNAL_IMPORT_FILE"}})

    def read(event: dict[str, Any]) -> str:
        content = helper.api.fetch_opencti_file(
            f"{helper.opencti_url}{event['file_fetch']}"
        )
        bundle = json.loads(content)
        if judge:
            content = stix2.parse(bundle, allow_custom=True).serialize()
        helper.send_stix2_bundle(content, bypass_validation=True)
        return "Done"

    helper.listen(message_callback=read)


def run_connector_itself() -> None:
    """Import with the connector."""
    from connectors_sdk.connectors import run_connector

    sys.path.insert(0, str(CONNECTOR / "src"))
    # The command line is the benchmark's.
    run_connector(import_module("connector").build, ())


def stix_id(kind: str, number: Any) -> str:
    """Return an id that is the same on each run."""
    return f"{kind}--{uuid.uuid5(_NAMESPACE, f'{kind}{number}')}"


def made(kind: str, number: Any, **properties: Any) -> dict[str, Any]:
    """Return an object with what all have."""
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": stix_id(kind, number),
        "created": TIME,
        "modified": TIME,
        "created_by_ref": stix_id("identity", 0),
        **properties,
    }


def objects(size: int) -> Iterator[dict[str, Any]]:
    """Yield so many objects: an author, families of malware, then indicators and what belongs to them."""
    yield made("identity", 0, name="Benchmark", identity_class="organization")
    for number in range(50):
        yield made("malware", number, name=f"Family {number}", is_family=True)
    count, number, refs = 51, 0, list[str]()
    while count < size:
        host, indicator = f"host{number}.example.com", stix_id("indicator", number)
        domain, family = stix_id("domain-name", number), stix_id("malware", number % 50)
        group = [
            made(
                "relationship",
                f"based-on {number}",
                relationship_type="based-on",
                source_ref=indicator,
                target_ref=domain,
            ),
            made(
                "relationship",
                f"indicates {number}",
                relationship_type="indicates",
                source_ref=indicator,
                target_ref=family,
            ),
            made(
                "indicator",
                number,
                name=host,
                pattern=f"[domain-name:value = '{host}']",
                pattern_type="stix",
                valid_from=TIME,
                description="Made up for a benchmark. " * 6,
                labels=["benchmark"],
                x_opencti_score=number % 101,
            ),
            {"type": "domain-name", "id": domain, "value": host},
        ]
        number += 1
        refs += [one["id"] for one in group]
        if number % 100 == 0:
            group.append(
                made(
                    "report",
                    number,
                    name=f"Report {number}",
                    published=TIME,
                    object_refs=refs,
                )
            )
            refs = []
        group = group[: size - count]
        count += len(group)
        # What a relationship joins must be there even where the last group is cut.
        yield from group if len(group) >= 4 else made_alone(number, len(group))


def made_alone(number: int, count: int) -> Iterator[dict[str, Any]]:
    """Yield objects that refer to nothing but the author."""
    for rest in range(count):
        yield made("tool", f"{number} {rest}", name=f"Tool {number} {rest}")


def write(path: Path, size: int) -> None:
    """Write the file."""
    with path.open("w", encoding="utf-8") as file:
        file.write(_HEAD)
        for number, stix in enumerate(objects(size)):
            file.write((",\n" if number else "") + json.dumps(stix))
        file.write("\n]}")


def upload(platform: TestbedProcess, path: Path) -> str:
    """Upload the file; return its id."""
    operations = {"query": UPLOAD, "variables": {"file": None}}
    with path.open("rb") as file:
        answer = requests.post(
            f"{platform.url}/graphql",
            data={
                "operations": json.dumps(operations),
                "map": json.dumps({"0": ["variables.file"]}),
            },
            files={"0": (path.name, file, "application/json")},
            headers={"Authorization": f"Bearer {platform.token}"},
            timeout=600,
        ).json()
    return str(answer["data"]["uploadImport"]["id"])


def race(contestant: str, size: int) -> Measured:
    """Let one contestant import a file into a platform of its own."""
    options = ("--max-body-mb", "2000")
    with (
        TestbedProcess(options=options) as platform,
        tempfile.TemporaryDirectory() as folder,
    ):
        path = Path(folder) / "bundle.json"
        write(path, size)
        print(f"{NAMES[contestant]}: a file of {path.stat().st_size / MEGA:.0f} MB")
        file_id = upload(platform, path)
        path.unlink()
        platform.order_fault("pause-worker")
        measured = measure(
            platform,
            [__file__, "--contestant", contestant],
            size,
            {
                "CONNECTOR_SCOPE": "application/json",
                "CONNECTOR_DATA_PATH": folder,
                # The platform has its hands in its lap.
                "CONNECTOR_QUEUE_THRESHOLD": "1000000",
            },
            lambda connector: query(platform, ASK, file=file_id, connector=connector),
        )
        print(f"  {platform.works()[0]['messages'][-1]['message'][:160]}")
        if size <= MOST_INGESTED:
            platform.lift_faults()
            platform.wait_idle(3600)
            if platform.errors():
                raise SystemExit(str(platform.errors()[:3]))
            created = platform.summary()["created"]
            if created != size:
                raise SystemExit(f"{contestant}: {created} of {size} objects arrived")
    return measured


if __name__ == "__main__":
    hold(
        __doc__,
        {
            "pycti": run_pycti,
            "stix2": partial(run_pycti, judge=True),
            "runtime": run_connector_itself,
        },
        NAMES,
        race,
        size=50_000,
        what="objects",
    )
