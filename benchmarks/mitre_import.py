"""How the import of an ATT&CK collection grows with its size.

The collection shipped for the demo (or one given as argument) is multiplied 1, 3 and 10 times, under other names and
ids. Each size is imported by the connector as its own process into a platform of its own. Printed: objects that were
ingested, objects/s, CPU seconds and peak memory of connector and platform, and how these grow against the first row.

    mitre_import.py [COLLECTION] [--base N]
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from opencti_testbed.process import TestbedProcess

ROOT = Path(__file__).resolve().parents[1]
CONNECTOR = ROOT / "external-import" / "mitre"
DEMO = CONNECTOR / "demo" / "fictional-attack.json"
SCALES = (1, 3, 10)
MIB = 1024 * 1024
SHARED_TYPES = ("identity", "marking-definition", "x-mitre-collection")


def multiplied(collection: dict[str, Any], times: int, path: Path) -> int:
    """Write a collection `times` as large to a file; return its number of objects."""
    objects = collection["objects"]
    own = [o for o in objects if o["type"] not in SHARED_TYPES]
    renamed = {o["id"] for o in own}
    count = 0
    with path.open("w", encoding="utf-8") as stream:
        stream.write('{"type": "bundle", "objects": [')
        for number in range(times):
            for stix in objects if number == 0 else own:
                copy = other(stix, number, renamed) if number else stix
                stream.write(("," if count else "") + json.dumps(copy))
                count += 1
        stream.write("]}")
    return count


def other(stix: dict[str, Any], number: int, renamed: set[str]) -> dict[str, Any]:
    """Return a copy of an object that is another one: other id, name and ATT&CK id, and references to its like."""

    def new_id(stix_id: str) -> str:
        return f"{stix_id[:-3]}{number:03x}" if stix_id in renamed else stix_id

    copy = dict(stix)
    for key, value in stix.items():
        if key == "id" or key.endswith("_ref"):
            copy[key] = new_id(value)
        elif key.endswith("_refs"):
            copy[key] = [new_id(member) for member in value]
    if "name" in stix:
        copy["name"] = f"{stix['name']} {number}"
    copy["external_references"] = [
        (
            {**reference, "external_id": f"{reference['external_id']}-{number}"}
            if "external_id" in reference
            else reference
        )
        for reference in stix.get("external_references", [])
    ]
    return copy


def measure(path: Path) -> dict[str, float]:
    """Import a collection into a platform of its own; return the figures."""
    with TestbedProcess() as platform:
        own = {k: v for k, v in os.environ.items() if not k.startswith("MITRE_")}
        began = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "main.py"],
            cwd=CONNECTOR / "src",
            env={
                **own,
                "OPENCTI_URL": platform.url,
                "OPENCTI_TOKEN": platform.token,
                "CONNECTOR_QUEUE_PROTOCOL": "api",
                "CONNECTOR_RUN_AND_TERMINATE": "true",
                "MITRE_ENTERPRISE_FILE_URL": str(path),
                "MITRE_MOBILE": "false",
                "MITRE_ICS": "false",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        platform.wait_idle(600)
        seconds = time.monotonic() - began
        if process.returncode:
            raise SystemExit(f"the connector ended with code {process.returncode}")
        summary = platform.summary()
        if summary["rejected"]:
            raise SystemExit(f"{summary['rejected']} objects were rejected")
        server = next(
            child
            for child in psutil.Process().children()
            if "opencti_testbed" in " ".join(child.cmdline())
        )
        cpu = server.cpu_times()
        unit = 1 if sys.platform == "darwin" else 1024
        return {
            "objects": summary["created"],
            "seconds": seconds,
            "per_s": summary["created"] / seconds,
            "connector_cpu": usage.ru_utime + usage.ru_stime,
            "platform_cpu": cpu.user + cpu.system,
            "connector_mib": usage.ru_maxrss * unit / MIB,
            "platform_mib": summary["peak_rss_bytes"] / MIB,
        }


def main() -> None:
    """Run as a program; see the module's description."""
    parser = argparse.ArgumentParser(
        description=str(__doc__).split("\n\n", maxsplit=1)[0]
    )
    parser.add_argument("collection", nargs="?", type=Path, default=DEMO)
    parser.add_argument(
        "--base", type=int, default=10, help="multiples of the collection that are 1x"
    )
    arguments = parser.parse_args()
    opener = gzip.open if arguments.collection.suffix == ".gz" else open
    with opener(arguments.collection, "rb") as stream:
        collection = json.load(stream)
    print(
        "scale  created    time  objects/s  CPU s connector  platform   peak MiB connector  platform"
    )
    rows = []
    for scale in SCALES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "collection.json"
            multiplied(collection, scale * arguments.base, path)
            row = measure(path)
        rows.append(row)
        print(
            f"{scale:4}x {row['objects']:9,.0f} {row['seconds']:6.1f}s {row['per_s']:10,.0f}"
            f" {row['connector_cpu']:16.1f} {row['platform_cpu']:9.1f}"
            f" {row['connector_mib']:20.0f} {row['platform_mib']:9.0f}",
            flush=True,
        )
    first = rows[0]
    for row in rows[1:]:
        size = row["objects"] / first["objects"]
        cpu = (row["connector_cpu"] + row["platform_cpu"]) / (
            first["connector_cpu"] + first["platform_cpu"]
        )
        print(
            f"{size:.1f} times the objects: time x{row['seconds'] / first['seconds']:.1f},"
            f" CPU x{cpu:.1f} ({cpu / size:.2f} of linear),"
            f" memory of the connector x{row['connector_mib'] / first['connector_mib']:.2f},"
            f" of the platform x{row['platform_mib'] / first['platform_mib']:.2f}"
        )


if __name__ == "__main__":
    main()
