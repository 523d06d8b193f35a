"""The export connectors, CSV and STIX, next to pycti's own way of exporting: lists and selections.

    python benchmarks/export_connectors.py [--size 5000] [--peer-size 1000]     # --size 100000 for the full one

Embedded platforms hold so many pieces of malware with an author, a marking and two labels; they are exported by
processes of their own, one after the other, asked over HTTP:

- `pycti, CSV`: `list(getAll=True)`, all rows in memory, one push.
- `Export File CSV`: the connector.
- `pycti, STIX`: `stix2.export_list`, which asks for the nested references of each entity, the whole bundle in memory.
- `Export File STIX`: the connector.
- selections of a fifth and of all entities with the CSV connector: is twice as much twice as long?

Printed: entities a second from the request to the closed work (the platform, which does most of the work, shares the
machine), CPU time of the connector per entity, peak memory of the connector, and the ratios to the first row of the table.
"""

import argparse
import csv
import io
import json
import tempfile
import uuid
from pathlib import Path
from typing import Any

import requests
from file_support.contest import Measured, measure, query, show

from opencti_testbed.process import TestbedProcess

# A hundred thousand entities are a file of more than the 50 MB that a platform takes by default.
LARGE_FILES = ("--max-body-mb", "2000")
MOMENT = "2026-01-01T00:00:00.000Z"
BUNDLE = 1000
CONNECTORS = Path(__file__).resolve().parents[1] / "internal-export-file"
GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
CSV, STIX = "text/csv", "application/json"
ASK = (
    "mutation($input: StixDomainObjectsExportAskInput!){"
    "stixDomainObjectsExportAsk(input: $input){id name}}"
)


def pycti_csv(helper: Any, event: dict[str, Any]) -> str:
    """Return all entities as CSV."""
    entities = helper.api_impersonate.malware.list(getAll=True)
    output = io.StringIO()
    writer = csv.writer(output, quoting=csv.QUOTE_ALL)
    columns = sorted({key for entity in entities for key in entity})
    writer.writerow(columns)
    writer.writerows([[entity.get(key) for key in columns] for entity in entities])
    del event
    return output.getvalue()


def pycti_stix(helper: Any, event: dict[str, Any]) -> str:
    """Return all entities as a bundle."""
    stix2 = helper.api_impersonate.stix2
    return json.dumps(stix2.export_list(event["entity_type"]))


PEERS = {"pycti, CSV": (CSV, pycti_csv), "pycti, STIX": (STIX, pycti_stix)}


def be_pycti(name: str) -> None:
    """Be a connector on pycti alone."""
    from pycti import OpenCTIConnectorHelper

    helper = OpenCTIConnectorHelper({"connector": {"type": "INTERNAL_EXPORT_FILE"}})
    make = PEERS[name][1]

    def export(event: dict[str, Any]) -> str:
        content = make(helper, event)
        helper.api.stix_domain_object.push_list_export(
            event["entity_id"],
            event["entity_type"],
            event["file_name"],
            event["file_markings"],
            content,
        )
        return "Done"

    helper.listen(message_callback=export)


def fill(platform: TestbedProcess, size: int) -> None:
    """Put so many pieces of malware into a platform."""
    author = {
        "type": "identity",
        "spec_version": "2.1",
        "id": f"identity--{uuid.uuid5(uuid.NAMESPACE_DNS, 'author')}",
        "created": MOMENT,
        "modified": MOMENT,
        "name": "Benchmark author",
        "identity_class": "organization",
    }
    for first in range(0, size, BUNDLE):
        malware = [
            {
                "type": "malware",
                "spec_version": "2.1",
                "id": f"malware--{uuid.uuid5(uuid.NAMESPACE_DNS, str(number))}",
                "created": MOMENT,
                "modified": MOMENT,
                "name": f"Benchmark {number}",
                "description": "Made up for a benchmark. " * 8,
                "is_family": True,
                "labels": ["benchmark", "made-up"],
                "created_by_ref": author["id"],
                "object_marking_refs": [GREEN],
            }
            for number in range(first, min(first + BUNDLE, size))
        ]
        platform.push([author, *malware])
    platform.wait_idle(3600)


def race(
    platform: TestbedProcess,
    mime_type: str,
    command: list[str],
    size: int,
    selected: list[str] | None = None,
) -> Measured:
    """Have a process export so many entities.

    Raises:
        SystemExit: not all are in the file.
    """
    promised: list[dict[str, Any]] = []

    def ask(connector_id: str) -> None:
        wanted: dict[str, Any] = {
            "exportType": "simple",
            "format": mime_type,
            "exportContext": {"entity_type": "Malware"},
        }
        if selected:
            wanted["selectedIds"] = selected
        answer = query(platform, ASK, input=wanted)
        # The connectors that came before are asked as well: to the platform they are not gone yet.
        own = {
            work["name"]
            for work in platform.works()
            if work["connector_id"] == connector_id
        }
        promised.extend(
            file
            for file in answer["stixDomainObjectsExportAsk"]
            if f"Export {file['name']}" in own
        )

    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "CONNECTOR_SCOPE": mime_type,
            "CONNECTOR_DATA_PATH": folder,
            "EXPORT_FILE_CSV_DELIMITER": ",",
        }
        measured = measure(platform, command, size, settings, ask)
    text = requests.get(
        f"{platform.url}/storage/get/{promised[0]['id']}",
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=600,
    ).text
    if mime_type == STIX:
        there = sum(o["type"] == "malware" for o in json.loads(text)["objects"])
    else:
        there = sum(1 for _ in csv.reader(io.StringIO(text))) - 1
    if there != size:
        raise SystemExit(f"{command}: {there} of {size} entities are in the file")
    return measured


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=5000, help="entities")
    parser.add_argument(
        "--peer-size", type=int, default=1000, help="entities for pycti, at most"
    )
    parser.add_argument("--contestant", choices=PEERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        be_pycti(options.contestant)
        return
    results: dict[str, Measured] = {}
    peer_size = min(options.size, options.peer_size)
    with TestbedProcess(options=LARGE_FILES) as platform:
        fill(platform, peer_size)
        for name, (mime_type, _) in PEERS.items():
            command = [__file__, "--contestant", name]
            results[name] = race(platform, mime_type, command, peer_size)
    with TestbedProcess(options=LARGE_FILES) as platform:
        fill(platform, options.size)
        for name, mime_type in (("csv", CSV), ("stix", STIX)):
            program = str(CONNECTORS / f"export-file-{name}" / "src" / "main.py")
            results[f"Export File {name.upper()}"] = race(
                platform, mime_type, [program], options.size
            )
            if name == "csv":
                ids = _ids(platform)
                for count in (options.size // 5, options.size):
                    results[f"{count:,} selected"] = race(
                        platform, mime_type, [program], count, ids[:count]
                    )
    for kind in ("CSV", "STIX"):
        chosen = {
            name: one
            for name, one in results.items()
            if name.endswith(kind) or (kind == "CSV" and name.endswith("selected"))
        }
        show(chosen)
        print()


def _ids(platform: TestbedProcess) -> list[str]:
    query_text = (
        "query($after: ID){malwares(first: 5000, after: $after)"
        "{edges{node{id}} pageInfo{endCursor hasNextPage}}}"
    )
    found: list[str] = []
    after: str | None = None
    while True:
        page = query(platform, query_text, after=after)["malwares"]
        found += [edge["node"]["id"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


if __name__ == "__main__":
    main()
