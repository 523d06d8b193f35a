"""Exporting a list of any length: rows through the runtime, next to "list all, join, push" with pycti.

    python benchmarks/file_export.py [--size 5000] [--peer-size 5000]     # --size 100000 for the full one

An embedded platform holds so many pieces of malware; they are exported as CSV with five columns. Contestants, one after
the other, each a process of its own, asked over HTTP:

- `pycti, all at once`: `list(getAll=True)`, the rows in a list, one `push_list_export`: as many connectors do it.
- `runtime, rows`: `InternalExportFileConnector` whose `row` is `csv_row`.

Printed: rows a second from the request to the closed work (the platform, which does most of the work, shares the
machine), CPU time of the connector per row, peak memory of the connector, and the ratios to the first contestant.
"""

import csv
import io
import tempfile
import uuid
from typing import Any

import requests
from file_support.contest import Measured, hold, measure, query

from opencti_testbed.process import TestbedProcess

MOMENT = "2026-01-01T00:00:00.000Z"
BUNDLE = 1000
ASK = (
    "mutation($input: StixDomainObjectsExportAskInput!){"
    "stixDomainObjectsExportAsk(input: $input){id name}}"
)
COLUMNS = ("type", "id", "name", "description", "labels")
NAMES = {"pycti": "pycti, all at once", "runtime": "runtime, rows"}


def cells(entity: dict[str, Any]) -> list[Any]:
    """Return what stands in a row."""
    return [
        entity["entity_type"],
        entity["standard_id"],
        entity["name"],
        entity["description"],
        "; ".join(label["value"] for label in entity["objectLabel"]),
    ]


def run_pycti() -> None:
    """Export with pycti alone."""
    from pycti import OpenCTIConnectorHelper

    helper = OpenCTIConnectorHelper({"connector": {"type": "INTERNAL_EXPORT_FILE"}})

    def export(event: dict[str, Any]) -> str:
        entities = helper.api_impersonate.malware.list(getAll=True)
        output = io.StringIO()
        writer = csv.writer(output, quoting=csv.QUOTE_ALL)
        writer.writerow(COLUMNS)
        writer.writerows([cells(entity) for entity in entities])
        helper.api.stix_domain_object.push_list_export(
            event["entity_id"],
            event["entity_type"],
            event["file_name"],
            event["file_markings"],
            output.getvalue(),
        )
        return "Done"

    helper.listen(message_callback=export)


def run_runtime() -> None:
    """Export with the SDK's runtime."""
    from connectors_sdk import BaseConnectorSettings
    from connectors_sdk.connectors import run_connector
    from connectors_sdk.connectors.internal_export_file import (
        ExportFileConnectorConfig,
        ExportRequest,
        InternalExportFileConnector,
        csv_row,
    )

    class Settings(BaseConnectorSettings):
        """The settings."""

        connector: ExportFileConnectorConfig

    class Exporter(InternalExportFileConnector):
        """Writes rows."""

        def begin(self, request: ExportRequest) -> str:
            return csv_row(COLUMNS)

        def row(self, entity: dict[str, Any], request: ExportRequest) -> str:
            return csv_row(cells(entity))

    # The command line is the benchmark's.
    run_connector(lambda: Exporter(Settings()), ())


def fill(platform: TestbedProcess, size: int) -> None:
    """Put so many pieces of malware into a platform."""
    for first in range(0, size, BUNDLE):
        objects = [
            {
                "type": "malware",
                "spec_version": "2.1",
                "id": f"malware--{uuid.uuid5(uuid.NAMESPACE_DNS, str(number))}",
                "created": MOMENT,
                "modified": MOMENT,
                "name": f"Benchmark {number}",
                "description": "Made up for a benchmark. " * 8,
                "is_family": True,
                "labels": ["benchmark"],
            }
            for number in range(first, min(first + BUNDLE, size))
        ]
        platform.push(objects)
    platform.wait_idle(3600)


def race(contestant: str, size: int) -> Measured:
    """Let one contestant export a platform of its own."""
    with TestbedProcess() as platform, tempfile.TemporaryDirectory() as folder:
        fill(platform, size)
        promised: list[dict[str, Any]] = []

        def ask(_: str) -> None:
            wanted = {
                "exportType": "simple",
                "format": "text/csv",
                "exportContext": {"entity_type": "Malware"},
            }
            answer = query(platform, ASK, input=wanted)
            promised.extend(answer["stixDomainObjectsExportAsk"])

        settings = {"CONNECTOR_SCOPE": "text/csv", "CONNECTOR_DATA_PATH": folder}
        command = [__file__, "--contestant", contestant]
        measured = measure(platform, command, size, settings, ask)
        content = requests.get(
            f"{platform.url}/storage/get/{promised[0]['id']}",
            headers={"Authorization": f"Bearer {platform.token}"},
            timeout=600,
        ).text
        rows = sum(1 for _ in csv.reader(io.StringIO(content))) - 1
        if rows != size:
            raise SystemExit(f"{contestant}: {rows} of {size} rows are in the file")
    return measured


if __name__ == "__main__":
    hold(
        __doc__,
        {"pycti": run_pycti, "runtime": run_runtime},
        NAMES,
        race,
        size=5000,
        what="entities",
    )
