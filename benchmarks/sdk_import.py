"""What it costs to import a connector's settings module, next to importing pycti.

Each row is measured in fresh processes, the contestants taking turns: seconds from the first import to its end, and the
peak resident memory of the process, interpreter included. The median of the runs is shown.

Usage: python benchmarks/sdk_import.py [--runs N]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

SETTINGS = """
from datetime import timedelta

from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    BaseExternalImportConnectorConfig,
    DatetimeFromIsoString,
    DeprecatedField,
    ListFromString,
)
from pydantic import Field, HttpUrl, SecretStr


class ConnectorConfig(BaseExternalImportConnectorConfig):
    name: str = Field(default="Feed")
    scope: ListFromString = Field(default=["feed"])
    duration_period: timedelta = Field(default=timedelta(hours=1))


class FeedConfig(BaseConfigModel):
    url: HttpUrl = Field(description="Where the feed is.")
    api_key: SecretStr = Field(description="The key of the feed.")
    since: DatetimeFromIsoString = Field(default="P30D", description="Oldest entry.")
    limit: int = Field(default=100, ge=1, description="Entries in a page.")
    interval: int = DeprecatedField(
        new_namespace="connector",
        new_namespaced_var="duration_period",
        new_value_factory=lambda hours: timedelta(hours=int(hours)),
    )


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    feed: FeedConfig = Field(default_factory=FeedConfig)
"""

CHILD = """
import json, resource, sys, time
start = time.perf_counter()
{statement}
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([seconds, peak]))
"""

CONTESTANTS = {
    "nothing": "pass",
    "pydantic's base model": "from pydantic import BaseModel",
    "a settings module": "import feed_settings",
    "... and its values": "import feed_settings; feed_settings.ConnectorSettings.from_dict("
    "{'opencti': {'url': 'http://localhost', 'token': 't'}, 'feed': {'url': 'http://localhost', 'api_key': 'k'}})",
    "pycti": "import pycti",
}


class Cost(NamedTuple):
    """Cost of one import: seconds, and peak memory in MB."""

    seconds: float
    peak: float


def measure(statement: str, folder: Path) -> Cost:
    """Run one statement in a fresh process that can import from a folder."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD.format(statement=statement)],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Cost(*json.loads(done.stdout))


def main() -> None:
    """Run as a program; see the module's description."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, help="processes per row")
    runs = parser.parse_args().runs
    costs: dict[str, list[Cost]] = {name: [] for name in CONTESTANTS}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "feed_settings.py").write_text(SETTINGS, encoding="utf-8")
        for _ in range(runs):
            for name, statement in CONTESTANTS.items():
                costs[name].append(measure(statement, Path(folder)))
    medians = {
        name: Cost(*(statistics.median(column) for column in zip(*rows, strict=True)))
        for name, rows in costs.items()
    }
    pycti = medians["pycti"]
    print(
        f"{'import of':<24}{'seconds':>9}{'of pycti':>10}{'peak MB':>9}{'of pycti':>10}"
    )
    for name, cost in medians.items():
        print(
            f"{name:<24}{cost.seconds:>9.3f}{cost.seconds / pycti.seconds:>9.0%} "
            f"{cost.peak:>8.1f}{cost.peak / pycti.peak:>9.0%}"
        )


if __name__ == "__main__":
    main()
