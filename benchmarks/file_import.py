"""Importing a file of any length: rows through the runtime, next to "read all, bundle, send" with pycti.

    python benchmarks/file_import.py [--size 10000] [--peer-size 10000]     # --size 100000 for the full one

A CSV file of so many domain names is uploaded to an embedded platform of its own. Contestants, one after the other, each
a process of its own, asked over HTTP:

- `pycti, all at once`: the file and stix2 objects in memory, a bundle of all: as many connectors do it.
- `runtime, rows`: `InternalImportFileConnector` whose `parse` yields; the file is read in a process of its own, with
  limits, which takes a second to start.

The platform keeps what it gets and ingests it only afterwards. Printed: rows a second from the request to the closed
work, CPU time per row and peak memory of the connector (the process that reads the file included), and the ratios to the
first contestant.
"""

import csv
import io
import json
import tempfile
from collections.abc import Iterator
from typing import Any

import requests
from file_support.contest import Measured, hold, measure, query

from opencti_testbed.process import TestbedProcess

UPLOAD = "mutation($file: Upload!){uploadImport(file: $file){id}}"
ASK = "mutation($file: ID!, $connector: String){askJobImport(fileName: $file, connectorId: $connector){id}}"
NAMES = {"pycti": "pycti, all at once", "runtime": "runtime, rows"}


def run_pycti() -> None:
    """Import with pycti alone."""
    import stix2
    from pycti import OpenCTIConnectorHelper

    helper = OpenCTIConnectorHelper({"connector": {"type": "INTERNAL_IMPORT_FILE"}})

    def read(event: dict[str, Any]) -> str:
        content = helper.api.fetch_opencti_file(
            f"{helper.opencti_url}{event['file_fetch']}"
        )
        objects = [
            stix2.DomainName(
                value=row["domain"],
                custom_properties={
                    "x_opencti_score": int(row["score"]),
                    "x_opencti_description": row["comment"],
                },
            )
            for row in csv.DictReader(io.StringIO(content))
        ]
        helper.send_stix2_bundle(helper.stix2_create_bundle(objects))
        return "Done"

    helper.listen(message_callback=read)


def run_runtime() -> None:
    """Import with the SDK's runtime."""
    from file_support.csv_importer import CsvImporter, Settings

    from connectors_sdk.connectors import run_connector

    # The command line is the benchmark's.
    run_connector(lambda: CsvImporter(Settings()), ())


def lines(size: int) -> Iterator[str]:
    """Yield the lines of the file."""
    yield "domain,score,comment\n"
    for number in range(size):
        yield f"host{number}.example.com,{number % 101},Made up for a benchmark\n"


def upload(platform: TestbedProcess, size: int) -> str:
    """Upload the file; return its id."""
    operations = {"query": UPLOAD, "variables": {"file": None}}
    answer = requests.post(
        f"{platform.url}/graphql",
        data={
            "operations": json.dumps(operations),
            "map": json.dumps({"0": ["variables.file"]}),
        },
        files={"0": ("domains.csv", "".join(lines(size)), "text/csv")},
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=60,
    ).json()
    return str(answer["data"]["uploadImport"]["id"])


def race(contestant: str, size: int) -> Measured:
    """Let one contestant import a file into a platform of its own."""
    with TestbedProcess() as platform, tempfile.TemporaryDirectory() as folder:
        file_id = upload(platform, size)
        platform.order_fault("pause-worker")
        settings = {
            "CONNECTOR_SCOPE": "text/csv",
            "CONNECTOR_DATA_PATH": folder,
            "CONNECTOR_FILE_MAX_OBJECTS": str(size),
        }
        command = [__file__, "--contestant", contestant]
        measured = measure(
            platform,
            command,
            size,
            settings,
            lambda connector: query(platform, ASK, file=file_id, connector=connector),
        )
        platform.lift_faults()
        platform.wait_idle(3600)
        stored = platform.summary()["objects_by_type"].get("Domain-Name", 0)
        if stored != size:
            raise SystemExit(f"{contestant}: {stored} of {size} rows arrived")
    return measured


if __name__ == "__main__":
    hold(
        __doc__,
        {"pycti": run_pycti, "runtime": run_runtime},
        NAMES,
        race,
        size=10_000,
        what="rows",
    )
